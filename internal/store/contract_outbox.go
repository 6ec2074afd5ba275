package store

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"time"
)

// leases is what Checked knows of the leases of a store: two workers must not have one at the same time.
type leases struct {
	mu   sync.Mutex
	held map[[2]string]EventLease
}

// EventAccounts implements Outbox.
func (c *checked) EventAccounts(ctx context.Context, sink, after string, limit int) ([]string, error) {
	list, err := c.s.EventAccounts(ctx, sink, after, limit)
	last := after
	for _, a := range list {
		if strings.Compare(last, a) >= 0 {
			c.breach("EventAccounts answers account %s after %q", a, last)
		}
		last = a
	}
	if len(list) > limit {
		c.breach("EventAccounts answers %d accounts of at most %d", len(list), limit)
	}
	return list, err
}

// LeaseEvents implements Outbox.
func (c *checked) LeaseEvents(ctx context.Context, l EventLease, now time.Time) (bool, error) {
	c.leases.mu.Lock()
	defer c.leases.mu.Unlock()
	ok, err := c.s.LeaseEvents(ctx, l, now)
	if err != nil || !ok {
		if ok {
			c.breach("LeaseEvents answers a lease beside the error %w", err)
		}
		return ok, err
	}
	at := [2]string{l.Sink, l.Account}
	if have, held := c.leases.held[at]; held && have.Owner != l.Owner && have.Until.After(now) {
		c.breach("%s and %s have the lease of %v at once", have.Owner, l.Owner, at)
	}
	if c.leases.held == nil {
		c.leases.held = map[[2]string]EventLease{}
	}
	c.leases.held[at] = l
	return ok, nil
}

// ReleaseEvents implements Outbox.
func (c *checked) ReleaseEvents(ctx context.Context, l EventLease) error {
	c.leases.mu.Lock()
	defer c.leases.mu.Unlock()
	at := [2]string{l.Sink, l.Account}
	if c.leases.held[at].Owner == l.Owner {
		delete(c.leases.held, at)
	}
	return c.s.ReleaseEvents(ctx, l)
}

// lendEvent gives fn a copy of a row that is spoiled afterwards.
func (c *checked) lendEvent(e *Event, fn func(*Event) error) error {
	if e.Version == 0 || e.Kind == NoEvent || e.Key.Account == "" {
		c.breach("event of %v has version %d and kind %d", e.Key, e.Version, e.Kind)
	}
	mine := *e
	mine.Detail, mine.JSON = bytes.Clone(e.Detail), bytes.Clone(e.JSON)
	err := fn(&mine)
	spoil(mine.Detail)
	spoil(mine.JSON)
	return err
}

// WaitingEvents implements Outbox.
func (c *checked) WaitingEvents(ctx context.Context, sink, account string, after *EventRef, limit int, yield func(*Event) error) error {
	n, last := 0, after
	err := c.s.WaitingEvents(ctx, sink, account, after, limit, func(e *Event) error {
		n++
		ref := e.Ref()
		if e.Key.Account != account {
			c.breach("WaitingEvents of account %s answers one of %v", account, e.Key)
		}
		if last != nil && !last.Before(&ref) {
			c.breach("WaitingEvents answers %v after %v", ref, *last)
		}
		last = &ref
		return c.lendEvent(e, yield)
	})
	if n > limit {
		c.breach("WaitingEvents answers %d events of at most %d", n, limit)
	}
	return err
}

// SettleEvents implements Outbox.
func (c *checked) SettleEvents(ctx context.Context, sink string, delivered []EventRef, dead []DeadEvent) error {
	return c.s.SettleEvents(ctx, sink, delivered, dead)
}

// DeadEvents implements Outbox.
func (c *checked) DeadEvents(ctx context.Context, sink string, yield func(*DeadEvent) error) error {
	return c.s.DeadEvents(ctx, sink, yield)
}

// RetainedEvents implements Outbox.
func (c *checked) RetainedEvents(ctx context.Context, from time.Time, after []byte, limit int, yield func(*Event, []byte) error) ([]byte, error) {
	n := 0
	next, err := c.s.RetainedEvents(ctx, from, after, limit, func(e *Event, place []byte) error {
		n++
		if e.Time.Before(from) {
			c.breach("RetainedEvents from %v answers one of %v", from, e.Time)
		}
		if len(place) == 0 {
			c.breach("RetainedEvents answers an event without its place")
		}
		return c.lendEvent(e, func(e *Event) error { return yield(e, place) })
	})
	if n > limit {
		c.breach("RetainedEvents answers %d events of at most %d", n, limit)
	}
	if err == nil && next == nil {
		c.breach("RetainedEvents answers no place")
	}
	return next, err
}

// ReplayEvents implements Outbox.
func (c *checked) ReplayEvents(ctx context.Context, sink string, from, to time.Time, after []byte) (int, []byte, error) {
	n, next, err := c.s.ReplayEvents(ctx, sink, from, to, after)
	if err == nil && next != nil && bytes.Equal(next, after) {
		c.breach("ReplayEvents goes on where it began")
	}
	return n, next, err
}

// ExpireEvents implements Outbox.
func (c *checked) ExpireEvents(ctx context.Context, before time.Time, most int64, sinks []string) (bool, error) {
	return c.s.ExpireEvents(ctx, before, most, sinks)
}
