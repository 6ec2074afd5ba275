package event

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// Imports go before deliveries: as long as changes come no faster than crowd a second and processor, events leave as fast as receivers
// take them. What comes faster is more than import and delivery have room for together, and then delivery takes a small share, trickle
// events a second and processor, and the rest waits in the outbox until the rush is over.
const (
	crowd   = 3000
	trickle = 500
	window  = 250 * time.Millisecond // over which changes are counted
)

// pace holds deliveries of all sinks back while changes come too fast.
type pace struct {
	recorded func() int64 // events so far
	crowd    float64      // a second
	trickle  float64
	clock    func() time.Time
	sleep    func(context.Context, time.Duration)

	mu      sync.Mutex
	since   time.Time // of the window
	before  int64     // recorded until then
	crowded bool
	next    time.Time // when the next event may leave
}

func newPace(recorded func() int64, clock func() time.Time) *pace {
	n := float64(runtime.GOMAXPROCS(0))
	return &pace{recorded: recorded, crowd: crowd * n, trickle: trickle * n, clock: clock, sleep: sleepFor, since: clock(), before: recorded()}
}

func sleepFor(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// wait comes back when n events may leave.
func (p *pace) wait(ctx context.Context, n int) {
	if d := p.reserve(n); d > 0 {
		p.sleep(ctx, d)
	}
}

func (p *pace) reserve(n int) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock()
	passed, came := now.Sub(p.since), p.recorded()-p.before
	if over := float64(came) > p.crowd*max(passed, window).Seconds(); over || passed >= window { // a rush shows before the window ends
		p.crowded = over
		p.since, p.before = now, p.before+came
	}
	if !p.crowded {
		p.next = now
		return 0
	}
	if p.next.Before(now) {
		p.next = now
	}
	d := p.next.Sub(now)
	p.next = p.next.Add(time.Duration(float64(n) / p.trickle * float64(time.Second)))
	return d
}
