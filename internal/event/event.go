// Package event brings what happened to whoever must know of it. A change of a finding put its event into the store's outbox in the
// commit that made it (store.Outbox); here it becomes the envelope that EventBridge would send, is held against a sink's pattern and
// delivered: at least once, each finding's events in their order, again after a failure, a crash or a restart. What a sink will not take
// ends in its list of dead events. Each sink is worked on by itself, so one that fails delays no other.
//
// The outbox decides nothing about receivers and a Target nothing about order and repetition: delivery.go stands between them.
package event

import (
	"context"
	"time"

	"hubcap/internal/hub"
	"hubcap/internal/store"
)

// Message is an event on its way to a receiver.
type Message struct {
	ID      string    // of the event: the same in every attempt
	Finding string    // what keeps a finding's events together and in order: 32 hexadecimal digits of its identity
	Time    time.Time // of the event
	Body    []byte    // the envelope, JSON on one line; valid until Deliver returns
}

// Target hands events over. Several goroutines call it at once, never for two events of one finding.
type Target interface {
	// Deliver answers nil when the receiver has the event. A *Refusal says more about a failure; its text and that of any other error is
	// shown to people and must hold no secret.
	Deliver(ctx context.Context, m *Message) error
	// Close lets go of connections and files.
	Close() error
}

// Wide is a Target that gathers attempts, so that more of them should be under way than the usual 8.
type Wide interface {
	Target
	AtOnce() int
}

// Refusal is a failure of which the receiver said more. Permanent is one that lies in the event: too large, say. What people mend, as a
// queue that is not there or a key that may not write, is none: then the sink is down, and its events wait.
type Refusal struct { //nolint:errname // what the receiver did, not what went wrong here
	Reason    string
	Permanent bool          // it would answer the same again
	After     time.Duration // it asks to be left alone so long
}

// Error implements error.
func (r *Refusal) Error() string { return r.Reason }

// Sink is where events go.
type Sink struct {
	Name            string
	Type            string // as configured, for people
	Account, Region string // the bus it listens on; "": every finding's own
	Pattern         *Pattern
	RetryFor        time.Duration // how long an event is tried again; 0: DefaultRetryFor
	Target          Target        // nil: nothing is delivered; events are kept for the live stream
}

// DefaultRetryFor is how long EventBridge tries.
const DefaultRetryFor = 24 * time.Hour

// ForHub is what the hub must know of sinks.
func ForHub(sinks []Sink) []hub.EventSink {
	list := make([]hub.EventSink, 0, len(sinks))
	for i := range sinks {
		s := &sinks[i]
		h := hub.EventSink{Name: s.Name, Account: s.Account, Region: s.Region}
		if s.Pattern != nil {
			h.Wants = func(e *store.Event) bool { return s.wants(e) }
		}
		list = append(list, h)
	}
	return list
}

// wants holds an event against the sink's pattern.
func (s *Sink) wants(e *store.Event) bool {
	if s.Pattern == nil {
		return true
	}
	if e.Version == 0 && s.Pattern.asksID {
		return true // it has no id yet: delivery decides
	}
	buf := envelopes.Get().(*[]byte) //nolint:forcetypeassert // the pool makes nothing else
	defer envelopes.Put(buf)
	var err error
	*buf, err = Append((*buf)[:0], e, s.Account, s.Region)
	return err == nil && s.Pattern.Match(*buf)
}
