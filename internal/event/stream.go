package event

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"time"

	"hubcap/internal/api"
	"hubcap/internal/hub"
	"hubcap/internal/iam"
	"hubcap/internal/store"
)

// Flusher is an answer that goes out as it is written.
type Flusher interface {
	io.Writer
	Flush() error
}

const (
	streamPage = 100
	heartbeat  = 15 * time.Second // so that who is in between keeps the connection
)

// StreamEvents writes the events that the caller may see, as Server-Sent Events, until ctx or the service ends: those behind the place of
// after (the id of an event that was received), those from an instant on, or those to come. A pattern narrows them. What no sink wants is
// not recorded, and so is not seen here.
func (s *Service) StreamEvents(ctx context.Context, p *iam.Principal, in *hub.StreamEventsInput, out io.Writer) error {
	w, ok := out.(Flusher)
	if !ok {
		return errors.New("event: the stream's answer cannot be flushed")
	}
	st := stream{s: s, p: p, w: w, from: s.clock()}
	if in.Pattern != nil {
		var err error
		if st.pattern, err = ParsePattern(*in.Pattern); err != nil {
			return api.Errorf(api.InvalidInput, "Invalid parameter 'pattern'. %s.", err)
		}
	}
	if in.From != nil {
		at, err := time.Parse(time.RFC3339, *in.From)
		if err != nil {
			return api.InvalidParameter("from", "should be an instant such as 2026-01-31T00:00:00Z")
		}
		st.from = at
	}
	if in.After != nil && *in.After != "" {
		place, err := base64.RawURLEncoding.DecodeString(*in.After)
		if err != nil || len(place) == 0 || len(place) > 64 {
			return api.InvalidParameter("Last-Event-ID", "should be the id of an event of this stream")
		}
		st.place, st.from = place, time.Time{}
	}
	if _, err := s.hub.CallerReach(ctx, p); err != nil {
		return err
	}
	return st.run(ctx)
}

// stream is one listener.
type stream struct {
	s       *Service
	p       *iam.Principal
	w       Flusher
	pattern *Pattern
	from    time.Time
	place   []byte
	buf     []byte
}

func (st *stream) run(ctx context.Context) error {
	if _, err := io.WriteString(st.w, "retry: 1000\n\n"); err != nil {
		return err
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	look := time.NewTicker(st.s.poll)
	defer look.Stop()
	for {
		woken := st.s.waking()
		more, err := st.page(ctx)
		if err != nil {
			return err
		}
		if err := st.w.Flush(); err != nil {
			return err
		}
		if more {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-st.s.ended:
			return nil
		case <-woken:
		case <-look.C:
		case <-beat.C:
			if _, err := io.WriteString(st.w, ":\n\n"); err != nil {
				return err
			}
		}
	}
}

// page writes what came since; more tells that there may be more.
func (st *stream) page(ctx context.Context) (more bool, err error) {
	reach, err := st.s.hub.CallerReach(ctx, st.p)
	if err != nil {
		return false, err
	}
	next, err := st.s.outbox.RetainedEvents(ctx, st.from, st.place, streamPage, func(e *store.Event, place []byte) error {
		return st.event(&reach, e, place)
	})
	if err != nil {
		return false, err
	}
	more = !bytes.Equal(next, st.place)
	st.place = next
	return more, nil
}

func (st *stream) event(reach *store.Scope, e *store.Event, place []byte) error {
	if !reach.Allows(e.Key) {
		return nil
	}
	if e.Kind != store.Imported && !st.p.Operator { // on the bus of who chose the action, and on no other
		var d hub.EventDetail
		if err := json.Unmarshal(e.Detail, &d); err != nil {
			return err
		}
		if d.Account != st.p.Account || d.Region != st.p.Region {
			return nil
		}
	}
	account, region := st.p.Account, st.p.Region
	if st.p.Operator {
		account, region = "", ""
	}
	st.buf = append(st.buf[:0], "id: "...)
	st.buf = base64.RawURLEncoding.AppendEncode(st.buf, place)
	st.buf = append(st.buf, "\ndata: "...)
	at := len(st.buf)
	var err error
	if st.buf, err = Append(st.buf, e, account, region); err != nil {
		return err
	}
	if st.pattern != nil && !st.pattern.Match(st.buf[at:]) {
		return nil
	}
	st.buf = append(st.buf, "\n\n"...)
	_, err = st.w.Write(st.buf)
	return err
}

// ownersOnly keeps what concerns every account from who has a key of one (as Backup does, D79).
func ownersOnly(p *iam.Principal, action string) error {
	if !p.Operator && p.Unrestricted() {
		return api.Errorf(api.AccessDenied, "User: %s is not authorized to perform: %s: sinks are told of every account, so a policy must allow it by name, or the operator asks (under --auth none a key that is not 12 digits, as AWS_ACCESS_KEY_ID=operator)", p.ARN, action)
	}
	return nil
}

func (s *Service) named(name string) (*worker, error) {
	if w := s.worker(name); w != nil {
		return w, nil
	}
	names := slices.Clone(s.names)
	slices.Sort(names)
	return nil, api.Errorf(api.ResourceNotFound, "There is no sink %q; there are %q.", name, names)
}

// ReplayEvents makes the events of a time wait for a sink once more, with the ids they had.
func (s *Service) ReplayEvents(ctx context.Context, p *iam.Principal, in *hub.ReplayEventsInput) (*hub.ReplayEventsOutput, error) {
	if err := ownersOnly(p, "hubcap:ReplayEvents"); err != nil {
		return nil, err
	}
	w, err := s.named(in.Sink)
	if err != nil {
		return nil, err
	}
	if w.sink.Target == nil {
		return nil, api.InvalidParameter("Sink", "should be a sink that events are delivered to; the live stream takes from=")
	}
	from, err := time.Parse(time.RFC3339, in.From)
	if err != nil {
		return nil, api.InvalidParameter("From", "should be an instant such as 2026-01-31T00:00:00Z")
	}
	to := s.clock().Add(time.Second)
	if in.To != nil {
		if to, err = time.Parse(time.RFC3339, *in.To); err != nil {
			return nil, api.InvalidParameter("To", "should be an instant such as 2026-01-31T00:00:00Z")
		}
	}
	out := &hub.ReplayEventsOutput{}
	for place := []byte(nil); ; {
		n, next, err := s.outbox.ReplayEvents(ctx, w.sink.Name, from, to, place)
		out.Events += n
		if err != nil {
			return nil, err
		}
		if place = next; place == nil {
			break
		}
	}
	s.wake()
	return out, nil
}

// TestSink sends an event to a sink, now and once, and tells how that went. It is no event of the outbox.
func (s *Service) TestSink(ctx context.Context, p *iam.Principal, in *hub.TestSinkInput) (*hub.TestSinkOutput, error) {
	if err := ownersOnly(p, "hubcap:TestSink"); err != nil {
		return nil, err
	}
	w, err := s.named(in.Name)
	if err != nil {
		return nil, err
	}
	out := &hub.TestSinkOutput{Name: in.Name}
	if w.sink.Target == nil {
		out.Delivered = true
		return out, nil
	}
	now := s.clock().UTC().Truncate(time.Millisecond)
	e := store.Event{
		Key: store.Key{
			Account: p.Account, Region: p.Region, ID: "hubcap-sink-test",
			ProductArn: "arn:aws:securityhub:" + p.Region + ":" + p.Account + ":product/" + p.Account + "/default",
		},
		Version: uint64(now.UnixNano()), Kind: store.Imported, Time: now,
	}
	e.JSON = testFinding(&e)
	body, err := Append(nil, &e, w.sink.Account, w.sink.Region)
	if err != nil {
		return nil, err
	}
	ref := e.Ref()
	out.ID = ref.ID()
	err = w.attempt(ctx, &waiting{ref: ref, time: now, body: body})
	took := s.clock().Sub(now)
	out.Milliseconds = took.Milliseconds()
	if out.Delivered = err == nil; err != nil {
		out.Reason = shorten(err.Error())
	}
	return out, nil
}

// testFinding is a finding that says what it is.
func testFinding(e *store.Event) []byte {
	at := e.Time.Format("2006-01-02T15:04:05.000Z")
	b := []byte(`{"SchemaVersion":"2018-10-08","Id":"hubcap-sink-test","ProductArn":`)
	b = appendText(b, e.Key.ProductArn)
	b = append(b, `,"Region":`...)
	b = appendText(b, e.Key.Region)
	b = append(b, `,"GeneratorId":"hubcap-sink-test","AwsAccountId":`...)
	b = appendText(b, e.Key.Account)
	b = append(b, `,"Types":["Software and Configuration Checks"],"CreatedAt":"`+at+`","UpdatedAt":"`+at+`"`...)
	b = append(b, `,"Severity":{"Label":"INFORMATIONAL","Normalized":0},"Title":"A test of a hubcap sink","Description":"Sent by hubcap sinks test.`...)
	return append(b, `","Resources":[{"Type":"Other","Id":"hubcap"}],"WorkflowState":"NEW","Workflow":{"Status":"NEW"},"RecordState":"ACTIVE"}`...)
}

// mostDead is how many dead events ListSinks tells of each sink.
const mostDead = 20

// ListSinks tells how every sink stands.
func (s *Service) ListSinks(ctx context.Context, p *iam.Principal, _ *hub.ListSinksInput) (*hub.ListSinksOutput, error) {
	if err := ownersOnly(p, "hubcap:ListSinks"); err != nil {
		return nil, err
	}
	out := &hub.ListSinksOutput{Sinks: []hub.SinkStatus{}}
	for _, w := range s.workers {
		st := hub.SinkStatus{Name: w.sink.Name, Type: w.sink.Type, Status: "UP", DeadEvents: []hub.DeadEvent{}}
		w.mu.Lock()
		st.Delivered, st.OldestSeconds = w.arrived, w.waiting
		if w.arrived > 0 {
			st.LagSeconds = new(w.late)
		}
		if !w.downSince.IsZero() || w.inRow > 1 { // where little is to be delivered, five failures take their time
			st.Status, st.Reason, st.Since = "DOWN", w.reason, w.rowSince.UTC().Format(time.RFC3339)
		}
		w.mu.Unlock()
		err := s.outbox.DeadEvents(ctx, w.sink.Name, func(d *store.DeadEvent) error {
			if st.Dead++; st.Dead <= mostDead {
				st.DeadEvents = append(st.DeadEvents, hub.DeadEvent{ID: d.ID(), AwsAccountID: d.Account, Reason: d.Reason, At: d.Time.Format(time.RFC3339)})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		out.Sinks = append(out.Sinks, st)
	}
	return out, nil
}
