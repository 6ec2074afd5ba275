package store

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // UUIDs of version 5 are made with it; nothing is kept secret by it
	"encoding/binary"
	"encoding/hex"
	"time"
)

// EventKind is the detail that an event carries (spec 6).
type EventKind uint8

// The kinds of events. NoEvent is that of a change which nobody is told of.
const (
	NoEvent        EventKind = iota
	Imported                 // a finding was created or updated: the finding as the change left it
	CustomAction             // a finding was sent to a custom action
	InsightResults           // an insight's results were sent to a custom action
)

// EventMark is what a change puts into the outbox: one event, for the sinks that want it. Without sinks nothing is written. Neither
// Sinks nor Detail may be changed before the call that takes the mark has returned.
type EventMark struct {
	Kind   EventKind
	Time   time.Time // of the event, UTC, milliseconds
	Sinks  []string  // names; each gets the event by itself
	Detail []byte    // what the hub keeps with it beside the document; the engine does not look into it
}

// Wanted tells whether the mark means a row in the outbox.
func (m *EventMark) Wanted() bool { return m.Kind != NoEvent && len(m.Sinks) > 0 }

// EventRef names a row of the outbox: the finding's account and identity, and the version that the change gave the finding. Versions
// of one identity's events grow in the order of the changes.
type EventRef struct {
	Account  string
	Identity Identity
	Version  uint64
}

// Before orders rows as they are delivered: by identity, then by version.
func (r *EventRef) Before(other *EventRef) bool {
	if c := bytes.Compare(r.Identity[:], other.Identity[:]); c != 0 {
		return c < 0
	}
	return r.Version < other.Version
}

// eventSpace is the namespace of the events' UUIDs.
var eventSpace = [16]byte{0x6e, 0x1f, 0x0c, 0x52, 0x3b, 0x8d, 0x4e, 0x57, 0x9a, 0x44, 0x2f, 0x70, 0xd1, 0x95, 0xb8, 0x03}

// ID is the event's id: the UUID, version 5, of account, identity and version. The same row has the same id wherever it is read.
func (r *EventRef) ID() string {
	h := sha1.New() //nolint:gosec // as above
	h.Write(eventSpace[:])
	h.Write([]byte(r.Account))
	h.Write(r.Identity[:])
	var version [8]byte
	binary.BigEndian.PutUint64(version[:], r.Version)
	h.Write(version[:])
	raw := h.Sum(nil)[:16]
	raw[6], raw[8] = raw[6]&0x0f|0x50, raw[8]&0x3f|0x80
	text := make([]byte, 36)
	at := 0
	for i, n := range [...]int{4, 2, 2, 2, 6} {
		if i > 0 {
			text[at] = '-'
			at++
		}
		hex.Encode(text[at:], raw[:n])
		raw, at = raw[n:], at+2*n
	}
	return string(text)
}

// Event is a row of the outbox.
type Event struct {
	Key     Key // of the finding; of an insight's results: the caller's account and Region, and the insight's ARN as ID
	Version uint64
	Kind    EventKind
	Time    time.Time // UTC, milliseconds
	Detail  []byte    // as marked
	JSON    []byte    // the document as the change left it; like Detail valid until the callback returns
}

// Ref names the row.
func (e *Event) Ref() EventRef {
	return EventRef{Account: e.Key.Account, Identity: e.Key.Identity(), Version: e.Version}
}

// EventLease is the right of one worker to deliver what an account has waiting for a sink. It ends at Until, by the clock of who asks.
type EventLease struct {
	Sink, Account string
	Owner         string // of the worker: a text that no other has
	Until         time.Time
}

// DeadEvent is an event that a sink will not get: why, and since when.
type DeadEvent struct {
	EventRef
	Reason string
	Time   time.Time
}

// Outbox keeps the events that changes put there (Change.Event, StateTx.Emit) until every sink has them, and then for a while for
// those who ask again. A row becomes visible here when its commit is durable. Nothing here orders the events of different findings
// but RetainedEvents, and that only as far as people care.
type Outbox interface {
	// EventAccounts lists accounts that have events waiting for a sink, in ascending order, after an account ("": from the first on); at
	// most limit of them.
	EventAccounts(ctx context.Context, sink, after string, limit int) ([]string, error)
	// LeaseEvents takes or renews a lease: true when, at now, nobody else has one for this sink and account.
	LeaseEvents(ctx context.Context, l EventLease, now time.Time) (bool, error)
	// ReleaseEvents gives a lease back. Who has none any more may do so too.
	ReleaseEvents(ctx context.Context, l EventLease) error
	// WaitingEvents calls yield for at most limit events that an account has waiting for a sink, in the order of their refs, after a ref
	// (nil: from the first on).
	WaitingEvents(ctx context.Context, sink, account string, after *EventRef, limit int, yield func(*Event) error) error
	// SettleEvents takes events from what waits for a sink: those delivered, and those that never will be, which are kept for DeadEvents.
	// What does not wait is left alone. It need not be durable: after a crash an event may be delivered again.
	SettleEvents(ctx context.Context, sink string, delivered []EventRef, dead []DeadEvent) error
	// DeadEvents calls yield for the events that a sink will not get, oldest first.
	DeadEvents(ctx context.Context, sink string, yield func(*DeadEvent) error) error
	// RetainedEvents calls yield for at most limit events, delivered or not, in the order of their commits, as nearly as the engine
	// knows it: those at or after an instant, and behind a place (nil: the first). next is the place behind the last one looked at, and
	// never nil. An event that is there is not left out by who goes on from place to place.
	RetainedEvents(ctx context.Context, from time.Time, after []byte, limit int, yield func(e *Event, place []byte) error) (next []byte, err error)
	// ReplayEvents makes the events from one instant to another (from <= t < to) wait for a sink once more. One call looks at some
	// thousand events, behind a place (nil: the first); next is nil when all were looked at.
	ReplayEvents(ctx context.Context, sink string, from, to time.Time, after []byte) (n int, next []byte, err error)
	// ExpireEvents deletes events before an instant, and the oldest ones while all take more than about most bytes (0: as many as there
	// are); what waits for one of the sinks named stays. One call looks at some thousand events; more tells that it should be called again.
	ExpireEvents(ctx context.Context, before time.Time, most int64, sinks []string) (more bool, err error)
}
