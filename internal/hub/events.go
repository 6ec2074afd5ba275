package hub

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"hubcap/internal/iam"
	"hubcap/internal/store"
)

// EventSink is what the hub must know of where events go: whether it wants one (spec 6). Rooms above deliver.
type EventSink struct {
	Name string // 1 to 64 bytes
	// Account and Region name the bus whose events it gets: the account's own findings, for an administrator those of its members, in
	// the home Region those of the linked ones. Both "": every finding's own bus.
	Account, Region string
	// Wants tells whether an event passes the sink's pattern; nil: all do. The event is not recorded yet and has no version. It is asked
	// by many goroutines and must keep nothing of the event.
	Wants func(e *store.Event) bool
}

// MaxEventSinks is how many a hub has at most.
const MaxEventSinks = 64

// announcing is a store whose every change of a finding is put into the outbox in the same commit, for the sinks that want it. It stands
// between the operations and the engine, so that none of them can forget it; a hub without sinks has none.
type announcing struct {
	store.Store
	h *Hub
}

// Update implements store.Store.
func (a announcing) Update(ctx context.Context, keys []store.Key, fn store.UpdateFunc) ([]error, error) {
	now := a.h.now()
	marked := int64(0)
	errs, err := a.Store.Update(ctx, keys, func(i int, old *store.Doc, st store.StateView) (store.Change, error) {
		ch, err := fn(i, old, st)
		if err != nil || ch.Delete {
			return ch, err
		}
		if ch.JSON != nil && ch.Event.Kind == store.NoEvent {
			e := store.Event{Key: keys[i], Kind: store.Imported, Time: now, JSON: ch.JSON}
			ch.Event = store.EventMark{Kind: e.Kind, Time: now}
			ch.Event.Sinks, err = a.h.sinks.want(a.h, st, &e, nil)
		}
		if ch.Event.Wanted() {
			marked++
		}
		return ch, err
	})
	if marked > 0 {
		a.h.sinks.marked.Add(marked)
		a.h.sinks.wake()
	}
	return errs, err
}

// Backup implements store.Backuper for stores whose engine does.
func (a announcing) Backup(ctx context.Context, w io.Writer) error {
	b, ok := a.Store.(store.Backuper)
	if !ok {
		return store.ErrNoBackup
	}
	return b.Backup(ctx, w)
}

// sinks are those in force.
type sinks struct {
	list    []EventSink
	names   sync.Map // set of sinks as bits -> their names: few, and the same ones again and again
	waiting chan struct{}
	marked  atomic.Int64 // events, as often as they were marked
}

func newSinks(list []EventSink) (*sinks, error) {
	if len(list) > MaxEventSinks {
		return nil, errors.New("there may be at most 64 sinks")
	}
	return &sinks{list: list, waiting: make(chan struct{}, 1)}, nil
}

// wake tells whoever delivers that something may be waiting.
func (s *sinks) wake() {
	select {
	case s.waiting <- struct{}{}:
	default:
	}
}

// want lists the sinks that want an event. An event of one bus (not nil) is on that bus alone; any other one is on the bus of its finding
// and on those of whom the finding is in reach.
func (s *sinks) want(h *Hub, st store.StateView, e *store.Event, bus *EventDetail) ([]string, error) {
	var set uint64
	for i := range s.list {
		sink := &s.list[i]
		heard := sink.Account == ""
		switch {
		case heard:
		case bus != nil:
			heard = sink.Account == bus.Account && sink.Region == bus.Region
		default:
			reach, err := h.scopes.of(st, sink.Account, sink.Region)
			if err != nil {
				return nil, err
			}
			heard = reach.Allows(e.Key)
		}
		if heard && (sink.Wants == nil || sink.Wants(e)) {
			set |= 1 << i
		}
	}
	if set == 0 {
		return nil, nil
	}
	if names, ok := s.names.Load(set); ok {
		return names.([]string), nil //nolint:forcetypeassert // nothing else is in it
	}
	var names []string
	for i := range s.list {
		if set&(1<<i) != 0 {
			names = append(names, s.list[i].Name)
		}
	}
	s.names.Store(set, names)
	return names, nil
}

// EventsWaiting tells that events may have come into the outbox since it was last read from. Who delivers must look now and then
// without being told: other processes write too.
func (h *Hub) EventsWaiting() <-chan struct{} {
	if h.sinks == nil {
		return nil
	}
	return h.sinks.waiting
}

// EventsRecorded is how many events this process put into the outbox, about: who delivers tells by it how fast they come.
func (h *Hub) EventsRecorded() int64 {
	if h.sinks == nil {
		return 0
	}
	return h.sinks.marked.Load()
}

// EventReach is what lies within reach of an account's bus in a Region, as of now: a membership that ended is heard of no more (spec 9).
func (h *Hub) EventReach(ctx context.Context, account, region string) (store.Scope, error) {
	return h.reach(ctx, &iam.Principal{Account: account, Region: region})
}

// CallerReach is what a caller may see of the events: what it may see of the findings.
func (h *Hub) CallerReach(ctx context.Context, p *iam.Principal) (store.Scope, error) {
	if _, err := h.requireHub(ctx, p); err != nil && !p.Operator {
		return store.Scope{}, err
	}
	return h.reach(ctx, p)
}

// Outbox is where recorded events are read.
func (h *Hub) Outbox() store.Outbox { return h.store }

// NoSinks tells that nothing records events.
func (h *Hub) NoSinks() bool { return h.sinks == nil }

// StreamEventsInput asks for the live stream of events.
type StreamEventsInput struct {
	From    *string `query:"from"`    // RFC 3339; absent: from now on
	Pattern *string `query:"pattern"` // an event pattern, JSON
	After   *string `query:"after"`   // as the header Last-Event-ID, for clients that cannot send it
}

// ReplayEventsInput asks for events once more.
type ReplayEventsInput struct {
	Sink string  `json:"Sink" api:"required"`
	From string  `json:"From" api:"required"` // RFC 3339
	To   *string `json:"To"`                  // before it; absent: until now
}

// ReplayEventsOutput tells how many wait.
type ReplayEventsOutput struct {
	Events int `json:"Events"`
}

// TestSinkInput names a sink.
type TestSinkInput struct {
	Name string `json:"-" path:"Name" api:"required"`
}

// TestSinkOutput tells how an attempt went.
type TestSinkOutput struct {
	Name         string `json:"Name"`
	Delivered    bool   `json:"Delivered"`
	Reason       string `json:"Reason,omitzero"`
	ID           string `json:"EventId,omitzero"`
	Milliseconds int64  `json:"Milliseconds"`
}

// ListSinksInput has no members.
type ListSinksInput struct{}

// ListSinksOutput tells of every sink.
type ListSinksOutput struct {
	Sinks []SinkStatus `json:"Sinks"`
}

// SinkStatus is how a sink stands.
type SinkStatus struct {
	Name   string `json:"Name"`
	Type   string `json:"Type"`
	Status string `json:"Status"` // UP or DOWN
	Reason string `json:"Reason,omitzero"`
	Since  string `json:"DownSince,omitzero"`
	// Delivered counts since the process began. LagSeconds is how long after its change the last delivered event arrived, absent before the
	// first; OldestSeconds the age of the oldest that was found waiting when the sink was last looked at, 0 where none was.
	Delivered     int64    `json:"Delivered"`
	LagSeconds    *float64 `json:"LagSeconds,omitempty"`
	OldestSeconds float64  `json:"OldestSeconds"`

	Dead       int         `json:"Dead"`
	DeadEvents []DeadEvent `json:"DeadEvents"` // the first of them
}

// DeadEvent is an event that a sink will not get.
type DeadEvent struct {
	ID           string `json:"EventId"`
	AwsAccountID string `json:"AwsAccountId"`
	Reason       string `json:"Reason"`
	At           string `json:"At"`
}
