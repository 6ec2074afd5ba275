package server

import (
	"context"
	"io"

	"hubcap/internal/api"
	"hubcap/internal/hub"
	"hubcap/internal/iam"
)

// Events is what the edge needs of the room that delivers events.
type Events interface {
	StreamEvents(ctx context.Context, p *iam.Principal, in *hub.StreamEventsInput, w io.Writer) error
	ReplayEvents(ctx context.Context, p *iam.Principal, in *hub.ReplayEventsInput) (*hub.ReplayEventsOutput, error)
	ListSinks(ctx context.Context, p *iam.Principal, in *hub.ListSinksInput) (*hub.ListSinksOutput, error)
	TestSink(ctx context.Context, p *iam.Principal, in *hub.TestSinkInput) (*hub.TestSinkOutput, error)
}

// noEvents answers where there are no sinks.
type noEvents struct{}

func noSinks() error {
	return api.Errorf(api.InvalidInput, "This hub has no sink, so it records no events: docs/configuration.md tells of [[sinks]].")
}

func (noEvents) StreamEvents(context.Context, *iam.Principal, *hub.StreamEventsInput, io.Writer) error {
	return noSinks()
}

func (noEvents) ReplayEvents(context.Context, *iam.Principal, *hub.ReplayEventsInput) (*hub.ReplayEventsOutput, error) {
	return nil, noSinks()
}

func (noEvents) ListSinks(context.Context, *iam.Principal, *hub.ListSinksInput) (*hub.ListSinksOutput, error) {
	return &hub.ListSinksOutput{Sinks: []hub.SinkStatus{}}, nil
}

func (noEvents) TestSink(context.Context, *iam.Principal, *hub.TestSinkInput) (*hub.TestSinkOutput, error) {
	return nil, noSinks()
}

// bindLive makes an operation of a method that goes on writing, as Server-Sent Events. Last-Event-ID beats after.
func bindLive(method func(context.Context, *iam.Principal, *hub.StreamEventsInput, io.Writer) error) operation {
	return func(_ context.Context, c *call) (any, error) {
		in := new(hub.StreamEventsInput)
		if err := c.decodeOwn(in); err != nil {
			return nil, err
		}
		if last := c.r.Header.Get("Last-Event-ID"); last != "" {
			in.After = &last
		}
		return &stream{contentType: "text/event-stream", live: true, write: func(ctx context.Context, w io.Writer) error {
			return method(ctx, c.who, in, w)
		}}, nil
	}
}
