package event

import (
	"context"
	"errors"
	"sync"
)

// gather makes requests of several events out of attempts that are under way at the same time: while as many requests as may be are
// being answered, what comes waits and goes with the next one. Nothing is delayed for company. No two of the events are of one finding,
// so their order within a request does not matter.
type gather struct {
	most  int // events in a request
	bytes int // of their bodies; one that is larger goes by itself
	slots chan struct{}
	// send answers for each event what became of it. An error of the whole request goes to each of them.
	send func(ctx context.Context, list []*Message) ([]error, error)

	mu      sync.Mutex
	waiting []*parcel
}

type parcel struct {
	m    *Message
	done chan error
}

func newGather(most, bytes, requests int, send func(context.Context, []*Message) ([]error, error)) *gather {
	return &gather{most: most, bytes: bytes, slots: make(chan struct{}, requests), send: send}
}

func (g *gather) atOnce() int { return g.most * cap(g.slots) }

func (g *gather) deliver(ctx context.Context, m *Message) error {
	p := &parcel{m: m, done: make(chan error, 1)}
	g.mu.Lock()
	g.waiting = append(g.waiting, p)
	g.mu.Unlock()
	for {
		select {
		case err := <-p.done:
			return err
		case g.slots <- struct{}{}:
			g.request(ctx)
			<-g.slots
		case <-ctx.Done():
			if g.withdraw(p) {
				return ctx.Err()
			}
			return <-p.done // it is on its way, with one whose time ends as well
		}
	}
}

// withdraw takes an event back that is in no request yet.
func (g *gather) withdraw(p *parcel) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.waiting {
		if g.waiting[i] == p {
			g.waiting = append(g.waiting[:i], g.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// take is what goes with the next request.
func (g *gather) take() []*parcel {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, size := 0, 0
	for n < min(g.most, len(g.waiting)) {
		if size += len(g.waiting[n].m.Body); n > 0 && size > g.bytes {
			break
		}
		n++
	}
	list := append([]*parcel(nil), g.waiting[:n]...)
	g.waiting = append(g.waiting[:0], g.waiting[n:]...)
	return list
}

// request sends what waits. Where several events are refused together for good, each is tried by itself: one of them may be the cause.
func (g *gather) request(ctx context.Context) {
	list := g.take()
	if len(list) == 0 {
		return
	}
	messages := make([]*Message, len(list))
	for i, p := range list {
		messages[i] = p.m
	}
	results, err := g.send(ctx, messages)
	var refused *Refusal
	alone := len(list) > 1 && errors.As(err, &refused) && refused.Permanent
	for i, p := range list {
		one := err
		switch {
		case alone:
			var single []error
			if single, one = g.send(ctx, messages[i:i+1]); one == nil {
				one = single[0]
			}
		case err == nil:
			one = results[i]
		}
		p.done <- one
	}
}
