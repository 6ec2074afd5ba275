package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"hubcap/internal/event"
	"hubcap/internal/hub"
)

// eventsCmd is `hubcap events`.
type eventsCmd struct {
	Tail   eventsTailCmd   `cmd:"" help:"Print events as they come, one a line."`
	Replay eventsReplayCmd `cmd:"" help:"Send the events of a time to a sink once more."`
}

// eventsTailCmd is `hubcap events tail`.
type eventsTailCmd struct {
	From    string `placeholder:"INSTANT" help:"Begin with what was recorded since then, as 2026-01-31T00:00:00Z (now)."`
	Pattern string `placeholder:"JSON" help:"Only what an event pattern matches."`
	Events  int    `default:"0" placeholder:"N" help:"End after so many; 0: never (${default})."`
	hubFlags
}

// Help is what `hubcap events tail --help` says besides.
func (*eventsTailCmd) Help() string {
	return "The hub records what one of its sinks wants. A lost connection is taken up where it ended. " + asking
}

// Run prints until it is interrupted.
func (c *eventsTailCmd) Run(ctx context.Context, std *streams) error {
	if c.Pattern != "" {
		if _, err := event.ParsePattern(c.Pattern); err != nil {
			return fmt.Errorf("--pattern: %w", err)
		}
	}
	from, err := c.client(ctx, std)
	if err != nil {
		return err
	}
	out, err := openOutput("-", std.Out)
	if err != nil {
		return err
	}
	t := follower{out: out, most: c.Events, terminal: out.terminal}
	began := c.From
	for {
		q := url.Values{}
		for name, value := range map[string]string{"pattern": c.Pattern, "after": t.last, "from": began} {
			if value != "" && (name != "from" || t.last == "") {
				q.Set(name, value)
			}
		}
		path := "/hubcap/v1/events"
		if len(q) > 0 {
			path += "?" + q.Encode()
		}
		if began == "" {
			began = time.Now().UTC().Format(time.RFC3339) // what comes before the first event must not be lost with the connection
		}
		body, err := from.stream(ctx, http.MethodGet, path, nil)
		if err != nil {
			if ctx.Err() != nil {
				return nil //nolint:nilerr // interrupted: that is how it ends
			}
			return err
		}
		err = t.read(body)
		_ = body.Close() // only read from
		switch {
		case ctx.Err() != nil || t.over():
			return nil //nolint:nilerr // interrupted, or all that was asked for: that is how it ends
		case t.failed != nil:
			return t.failed
		}
		_, _ = fmt.Fprintf(std.Err, "hubcap: the stream ended (%v); going on\n", printable(fmt.Sprint(err)))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}

// follower reads Server-Sent Events.
type follower struct {
	out      io.Writer
	terminal bool
	most     int
	n        int
	last     string // id of the last event that was printed
	failed   error  // of the output
}

func (t *follower) over() bool { return t.most > 0 && t.n >= t.most }

func (t *follower) read(from io.Reader) error {
	r := bufio.NewReaderSize(from, 64<<10)
	var id string
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return err
		}
		line = bytes.TrimRight(line, "\r\n")
		if v, ok := bytes.CutPrefix(line, []byte("id: ")); ok {
			id = string(v)
		}
		v, ok := bytes.CutPrefix(line, []byte("data: "))
		if !ok {
			continue
		}
		if !json.Valid(v) {
			continue
		}
		text := string(v)
		if t.terminal {
			text = printable(text)
		}
		if _, t.failed = fmt.Fprintln(t.out, text); t.failed != nil {
			return t.failed
		}
		t.last = id
		if t.n++; t.over() {
			return nil
		}
	}
}

// eventsReplayCmd is `hubcap events replay`.
type eventsReplayCmd struct {
	Sink string `required:"" placeholder:"NAME" help:"The sink."`
	From string `required:"" placeholder:"INSTANT" help:"The first instant, as 2026-01-31T00:00:00Z."`
	To   string `placeholder:"INSTANT" help:"The instant before which to end (now)."`
	hubFlags
}

// Help is what `hubcap events replay --help` says besides.
func (*eventsReplayCmd) Help() string {
	return "Events are kept for 7 days. They are sent with the ids they had, what the sink would not take among them. " + asking
}

// Run asks for it.
func (c *eventsReplayCmd) Run(ctx context.Context, std *streams) error {
	to, err := c.client(ctx, std)
	if err != nil {
		return err
	}
	in := map[string]any{"Sink": c.Sink, "From": c.From}
	if c.To != "" {
		in["To"] = c.To
	}
	var out hub.ReplayEventsOutput
	if err := to.ask(ctx, http.MethodPost, "/hubcap/v1/events/replay", in, &out); err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.Out, "%s on the way to %s again\n", count(out.Events, "event"), printable(c.Sink))
	return err
}
