package event

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/prometheus/client_golang/prometheus"

	"hubcap/internal/store"
)

const (
	pageEvents     = 256              // that one look at the outbox takes
	pageBytes      = 8 << 20          // of envelopes that it holds
	atOnce         = 8                // attempts under way to one sink, unless it is Wide
	leaseTime      = time.Minute      // of an account
	leaseMargin    = 15 * time.Second // before its end, longer than an attempt
	attemptTime    = 10 * time.Second
	permanentTries = 3      // of an event that is refused for good
	downAfter      = 5      // failures in a row: fewer are some events' own
	maxHeld        = 10_000 // findings whose retries are remembered
	accountPage    = 100
)

// worker delivers to one sink. A finding whose event failed waits by itself, longer each time, and its later events behind it. When
// nothing succeeds any more the sink itself is down: then one event is tried at a time, again after longer and longer pauses.
type worker struct {
	s     *Service
	sink  *Sink
	pause *backoff.ExponentialBackOff // of the sink as a whole
	first time.Duration
	most  time.Duration
	wide  int // attempts under way

	mu        sync.Mutex // of what follows
	held      map[store.Identity]*retry
	downSince time.Time // zero: it is up
	inRow     int       // failures since the last success
	rowSince  time.Time // the first of them
	told      bool      // of that, in the log: not of a single failure
	reason    string    // of the last failure
	arrived   int64     // events that it has
	late      float64   // seconds between the last of these and its change
	waiting   float64   // seconds that the oldest one waited when it was last looked

	delivered, failed, dead prometheus.Counter
	lag                     prometheus.Observer
	up, oldest              prometheus.Gauge
}

// retry is what is known of a finding whose next event failed.
type retry struct {
	since     time.Time
	notBefore time.Time
	tries     int
	permanent int
	pause     *backoff.ExponentialBackOff
}

func newWorker(s *Service, sink *Sink, first, most time.Duration) *worker {
	w := &worker{
		s: s, sink: sink, first: first, most: most, wide: atOnce, held: map[store.Identity]*retry{},
		delivered: s.meters.delivered.WithLabelValues(sink.Name), failed: s.meters.failed.WithLabelValues(sink.Name),
		dead: s.meters.dead.WithLabelValues(sink.Name), lag: s.meters.lag.WithLabelValues(sink.Name),
		up: s.meters.up.WithLabelValues(sink.Name), oldest: s.meters.oldest.WithLabelValues(sink.Name),
	}
	if t, ok := sink.Target.(Wide); ok {
		w.wide = t.AtOnce()
	}
	w.pause = w.newPause()
	w.up.Set(1)
	return w
}

// newPause grows from first to most, each pause up to half longer or shorter, so that many senders do not come back at once.
func (w *worker) newPause() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier = w.first, w.most, 2
	b.Reset()
	return b
}

func (w *worker) run(ctx context.Context) {
	if w.sink.Target == nil {
		return
	}
	for ctx.Err() == nil {
		woken := w.s.waking() // first: what comes during the round wakes too
		wait, err := w.round(ctx)
		if err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrClosed) {
			w.s.log.ErrorContext(ctx, "events could not be read or settled", slog.String("sink", w.sink.Name), slog.Any("error", err))
			wait = time.Second
		}
		w.rest(ctx, wait, woken)
	}
}

// rest waits until something may be waiting, or a pause is over. While the sink is down nothing but the pause's end ends it.
func (w *worker) rest(ctx context.Context, wait time.Duration, woken <-chan struct{}) {
	if wait == 0 {
		return
	}
	if !w.isUp() {
		woken = nil
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-woken:
	case <-t.C:
	}
}

func (w *worker) isUp() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.downSince.IsZero()
}

// round goes over every account that has something waiting and tells how long to rest; 0: there is more.
func (w *worker) round(ctx context.Context) (time.Duration, error) {
	r := &tally{w: w, wait: w.s.poll}
	account := ""
	for !r.stop {
		accounts, err := w.s.outbox.EventAccounts(ctx, w.sink.Name, account, accountPage)
		if err != nil || len(accounts) == 0 {
			r.settleOldest(w)
			return r.wait, err
		}
		for _, account = range accounts {
			if err := w.account(ctx, account, r); err != nil || r.stop {
				r.settleOldest(w)
				return r.wait, err
			}
		}
	}
	return r.wait, nil
}

// tally is what a round comes to.
type tally struct {
	w      *worker
	wait   time.Duration
	stop   bool // the sink is down: one attempt was enough
	oldest time.Time
}

func (r *tally) settleOldest(w *worker) {
	seconds := 0.0
	if !r.oldest.IsZero() {
		seconds = w.s.clock().Sub(r.oldest).Seconds()
	}
	w.oldest.Set(seconds)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = seconds
}

func (r *tally) restAtMost(d time.Duration) { r.wait = min(r.wait, max(d, time.Millisecond)) }

// account delivers what one account has waiting, under its lease.
func (w *worker) account(ctx context.Context, account string, r *tally) error {
	l := &lease{w: w, EventLease: store.EventLease{Sink: w.sink.Name, Account: account, Owner: w.s.owner}}
	if ok, err := l.renew(ctx); err != nil || !ok {
		return err
	}
	defer func() { _ = w.s.outbox.ReleaseEvents(context.WithoutCancel(ctx), l.EventLease) }()
	var after *store.EventRef
	var blocked *store.Identity // a finding of the page before that has events left there: those here must wait for them
	for ctx.Err() == nil && !r.stop {
		p, err := w.page(ctx, account, after, blocked)
		if err != nil || len(p.last) == 0 {
			return err
		}
		after = &p.last[0]
		if ok, err := l.renew(ctx); err != nil || !ok {
			return err
		}
		if r.oldest.IsZero() || p.oldest.Before(r.oldest) {
			r.oldest = p.oldest
		}
		last := p.lastFinding()
		w.deliver(ctx, l, p, r)
		if blocked = nil; !p.finished(last) {
			blocked = &last[0].ref.Identity
		} else if len(last) == 0 && len(p.last) > 0 && p.held {
			blocked = &p.last[0].Identity
		}
		// What was delivered must be told even when the service is ending.
		if err := w.s.outbox.SettleEvents(context.WithoutCancel(ctx), w.sink.Name, p.done, p.gone); err != nil {
			return err
		}
		w.dead.Add(float64(len(p.gone)))
	}
	return nil
}

// lease is the right to deliver an account's events, renewed as long as it is needed.
type lease struct {
	store.EventLease
	w  *worker
	mu sync.Mutex
}

func (l *lease) renew(ctx context.Context) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.w.s.clock()
	if now.Add(leaseMargin).Before(l.Until) {
		return true, nil
	}
	l.Until = now.Add(leaseTime)
	return l.w.s.outbox.LeaseEvents(ctx, l.EventLease, now)
}

// page is some waiting events of an account: finding by finding, each in the order of its changes.
type page struct {
	findings [][]waiting
	last     []store.EventRef // of the last event looked at; none: nothing is waiting
	held     bool             // that event is of a blocked finding
	oldest   time.Time

	mu   sync.Mutex
	done []store.EventRef
	gone []store.DeadEvent
}

type waiting struct {
	ref  store.EventRef
	time time.Time
	body []byte
	skip bool // the sink does not want it any more
}

// lastFinding are the events of the last finding, which may have more of them on the next page.
func (p *page) lastFinding() []waiting {
	if len(p.findings) == 0 {
		return nil
	}
	return p.findings[len(p.findings)-1]
}

// finished tells whether all of a finding's events are over and done with.
func (p *page) finished(f []waiting) bool {
	n := 0
	for i := range f {
		if slices.Contains(p.done, f[i].ref) || slices.ContainsFunc(p.gone, func(d store.DeadEvent) bool { return d.EventRef == f[i].ref }) {
			n++
		}
	}
	return n == len(f)
}

var errEnough = errors.New("enough")

// page reads the next events, and judges again what was judged when they were recorded: members leave, patterns change, and who asks for
// a replay may not have been there.
func (w *worker) page(ctx context.Context, account string, after *store.EventRef, blocked *store.Identity) (*page, error) {
	p := &page{}
	var reach *store.Scope
	if w.sink.Account != "" {
		s, err := w.s.hub.EventReach(ctx, w.sink.Account, w.sink.Region)
		if err != nil {
			return nil, err
		}
		reach = &s
	}
	size := 0
	err := w.s.outbox.WaitingEvents(ctx, w.sink.Name, account, after, pageEvents, func(e *store.Event) error {
		ref := e.Ref()
		p.last = []store.EventRef{ref}
		if p.held = blocked != nil && ref.Identity == *blocked; p.held {
			return nil
		}
		if p.oldest.IsZero() || e.Time.Before(p.oldest) {
			p.oldest = e.Time
		}
		next := waiting{ref: ref, time: e.Time}
		body, err := Append(make([]byte, 0, len(e.JSON)+len(e.Detail)+envelopeSize), e, w.sink.Account, w.sink.Region)
		switch {
		case err != nil:
			p.gone = append(p.gone, store.DeadEvent{EventRef: ref, Reason: err.Error(), Time: w.s.clock()})
			return nil //nolint:nilerr // the event is given up, not the page
		case reach != nil && e.Kind == store.Imported && !reach.Allows(e.Key), w.sink.Pattern != nil && !w.sink.Pattern.Match(body):
			next.skip = true
		default:
			next.body = body
		}
		size += len(next.body)
		if n := len(p.findings); n > 0 && p.findings[n-1][0].ref.Identity == ref.Identity {
			p.findings[n-1] = append(p.findings[n-1], next)
		} else {
			p.findings = append(p.findings, []waiting{next})
		}
		if size > pageBytes {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return p, err
}

// deliver tries every finding of a page that is due, several at once.
func (w *worker) deliver(ctx context.Context, l *lease, p *page, r *tally) {
	now := w.s.clock()
	due := p.findings[:0]
	for _, f := range p.findings {
		switch at, hopeless := w.dueAt(&f[0], now); {
		case hopeless:
			w.bury(p, f, now)
		case at.After(now):
			r.restAtMost(at.Sub(now))
		default:
			due = append(due, f)
		}
	}
	if !w.isUp() {
		if len(due) > 0 {
			w.probe(ctx, l, p, due, r)
		}
		return
	}
	var (
		workers sync.WaitGroup
		queue   = make(chan []waiting)
		down    = make(chan struct{})
		once    sync.Once
	)
	for range min(w.wide, len(due)) {
		workers.Go(func() {
			for f := range queue {
				if !w.finding(ctx, l, p, f) && !w.isUp() {
					once.Do(func() { close(down) })
				}
			}
		})
	}
feeding:
	for _, f := range due {
		w.s.pace.wait(ctx, len(f))
		select {
		case queue <- f:
		case <-down:
			break feeding
		case <-ctx.Done():
			break feeding
		}
	}
	close(queue)
	workers.Wait()
	w.endRound(r)
}

// probe tries one finding of a sink that is down.
func (w *worker) probe(ctx context.Context, l *lease, p *page, due [][]waiting, r *tally) {
	if w.finding(ctx, l, p, due[0][:1]) {
		r.wait = 0 // it is up again
		return
	}
	w.endRound(r)
}

func (w *worker) endRound(r *tally) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.downSince.IsZero() {
		r.stop, r.wait = true, w.pause.NextBackOff()
	} else if next := w.soonest(); !next.IsZero() {
		r.restAtMost(next.Sub(w.s.clock()))
	}
}

// soonest is when the next finding on hold is due.
func (w *worker) soonest() (at time.Time) {
	for _, h := range w.held {
		if at.IsZero() || h.notBefore.Before(at) {
			at = h.notBefore
		}
	}
	return at
}

// dueAt is when a finding's next event may be tried, and whether it is not worth it any more.
func (w *worker) dueAt(next *waiting, now time.Time) (at time.Time, hopeless bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	limit := or(w.sink.RetryFor, DefaultRetryFor)
	if h := w.held[next.ref.Identity]; h != nil {
		return h.notBefore, now.Sub(h.since) >= limit
	}
	return now, !w.downSince.IsZero() && now.Sub(w.downSince) >= limit && now.Sub(next.time) >= limit
}

// bury gives up the first event of a finding: those behind it have their own chance.
func (w *worker) bury(p *page, f []waiting, now time.Time) {
	w.mu.Lock()
	reason := or(w.reason, "the sink was down for too long")
	delete(w.held, f[0].ref.Identity)
	w.mu.Unlock()
	p.mu.Lock()
	p.gone = append(p.gone, store.DeadEvent{EventRef: f[0].ref, Reason: reason, Time: now})
	p.mu.Unlock()
}

// finding delivers events of one finding in their order, until one fails. It tells whether all went well.
func (w *worker) finding(ctx context.Context, l *lease, p *page, f []waiting) bool {
	for i := range f {
		next := &f[i]
		if !next.skip {
			if ok, err := l.renew(ctx); err != nil || !ok {
				return true // another's turn: no failure of the sink
			}
			if err := w.attempt(ctx, next); err != nil {
				if ctx.Err() != nil {
					return true // the service ends
				}
				return w.failedOf(ctx, p, next, err)
			}
			w.succeeded(next)
		}
		p.mu.Lock()
		p.done = append(p.done, next.ref)
		p.mu.Unlock()
	}
	return true
}

func (w *worker) attempt(ctx context.Context, next *waiting) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	err := w.sink.Target.Deliver(ctx, &Message{ID: next.ref.ID(), Finding: hex.EncodeToString(next.ref.Identity[:]), Time: next.time, Body: next.body})
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &Refusal{Reason: "no answer in " + attemptTime.String()}
	}
	return err
}

func (w *worker) succeeded(next *waiting) {
	w.delivered.Inc()
	late := max(0, w.s.clock().Sub(next.time).Seconds())
	w.lag.Observe(late)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.arrived++
	w.late = late
	w.inRow = 0
	delete(w.held, next.ref.Identity)
	if !w.downSince.IsZero() {
		if w.told {
			w.s.log.Info("a sink takes events again", slog.String("sink", w.sink.Name))
		}
		w.downSince, w.told = time.Time{}, false
		w.up.Set(1)
	}
	w.pause.Reset()
}

// failedOf puts a finding on hold, or gives its event up; it answers false. Failures in a row that are not the events' own take the sink
// down until something succeeds.
func (w *worker) failedOf(ctx context.Context, p *page, next *waiting, err error) bool {
	w.failed.Inc()
	now := w.s.clock()
	var refused *Refusal
	permanent := errors.As(err, &refused) && refused.Permanent
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reason = shorten(err.Error())
	h := w.held[next.ref.Identity]
	if h == nil {
		if len(w.held) >= maxHeld {
			clear(w.held)
		}
		h = &retry{since: now, pause: w.newPause()}
		w.held[next.ref.Identity] = h
	}
	h.tries++
	wait := h.pause.NextBackOff()
	if refused != nil && refused.After > 0 {
		wait = min(max(wait, refused.After), max(w.most, time.Minute))
	}
	h.notBefore = now.Add(wait)
	if permanent {
		if h.permanent++; h.permanent >= permanentTries {
			delete(w.held, next.ref.Identity)
			p.mu.Lock()
			p.gone = append(p.gone, store.DeadEvent{EventRef: next.ref, Reason: w.reason, Time: now})
			p.mu.Unlock()
		}
		return false
	}
	if w.inRow++; w.inRow == 1 {
		w.rowSince = now
	}
	switch {
	case w.downSince.IsZero():
		if w.inRow >= downAfter {
			w.downSince = w.rowSince
			w.up.Set(0)
		}
	case !w.told:
		if w.inRow > downAfter+w.wide { // more than were under way
			w.told = true
			w.s.log.WarnContext(ctx, "a sink takes no events; they wait, and are tried again", slog.String("sink", w.sink.Name), slog.String("error", w.reason))
		}
	}
	return false
}

// shorten keeps a reason on one line of a decent length.
func shorten(s string) string {
	const most = 200
	b := []byte(s)
	if i := bytes.IndexAny(b, "\r\n"); i >= 0 {
		b = b[:i]
	}
	if len(b) > most {
		b = append(slices.Clip(b[:most]), "..."...)
	}
	return string(bytes.ToValidUTF8(b, nil))
}
