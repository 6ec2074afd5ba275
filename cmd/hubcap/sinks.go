package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"

	"hubcap/internal/event"
	"hubcap/internal/hub"
)

// fileTarget appends events to a file, one a line. It opens the file anew when that was moved away, as log rotation does.
type fileTarget struct {
	path string
	mu   sync.Mutex
	file *os.File
	line []byte
}

// Deliver implements event.Target. A line that was written in part is cut off again.
func (t *fileTarget) Deliver(_ context.Context, m *event.Message) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.ready(); err != nil {
		return err
	}
	t.line = append(append(t.line[:0], m.Body...), '\n')
	info, err := t.file.Stat()
	if err != nil {
		return err
	}
	if n, err := t.file.Write(t.line); err != nil {
		if n > 0 && info.Mode().IsRegular() {
			err = errors.Join(err, t.file.Truncate(info.Size()))
		}
		return errors.Join(err, t.shut())
	}
	return nil
}

// ready opens the file, where it is not open or is no longer the one of that name.
func (t *fileTarget) ready() error {
	if t.file != nil {
		there, err := os.Stat(t.path)
		if err == nil {
			if mine, err := t.file.Stat(); err == nil && os.SameFile(there, mine) {
				return nil
			}
		}
		if err := t.shut(); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(t.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	t.file = f
	return nil
}

func (t *fileTarget) shut() error {
	f := t.file
	t.file = nil
	return f.Close()
}

// Close implements event.Target.
func (t *fileTarget) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.file == nil {
		return nil
	}
	return errors.Join(t.file.Sync(), t.shut())
}

// deliver starts what brings events to the sinks, and answers what stops it; nil sinks: nothing.
func deliver(ctx context.Context, sinks []event.Sink, service *event.Service, log *slog.Logger) (stop func()) {
	if service == nil {
		return func() {}
	}
	names := make([]string, 0, len(sinks))
	for i := range sinks {
		names = append(names, sinks[i].Name+" ("+sinks[i].Type+")")
	}
	log.InfoContext(ctx, "events are delivered", slog.String("sinks", strings.Join(names, ", ")))
	working, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	all.Go(func() { service.Run(working) })
	return func() {
		cancel()
		all.Wait()
	}
}

// sinksCmd is `hubcap sinks`.
type sinksCmd struct {
	List sinksListCmd `cmd:"" help:"Tell how every sink stands."`
	Test sinksTestCmd `cmd:"" help:"Send one event to a sink and tell how that went."`
}

// sinksListCmd is `hubcap sinks list`.
type sinksListCmd struct{ hubFlags }

// Help is what `hubcap sinks list --help` says besides.
func (*sinksListCmd) Help() string { return asking }

// Run lists the sinks.
func (c *sinksListCmd) Run(ctx context.Context, std *streams) error {
	from, err := c.client(ctx, std)
	if err != nil {
		return err
	}
	var out hub.ListSinksOutput
	if err := from.ask(ctx, http.MethodGet, "/hubcap/v1/sinks", nil, &out); err != nil {
		return err
	}
	w := bufio.NewWriter(std.Out)
	rows := [][]string{{"Sink", "Type", "Status", "Since", "Dead", "Reason"}}
	for i := range out.Sinks {
		s := &out.Sinks[i]
		reason := s.Reason
		if reason == "" && len(s.DeadEvents) > 0 {
			reason = s.DeadEvents[0].Reason
		}
		rows = append(rows, []string{printable(s.Name), printable(s.Type), printable(s.Status), printable(s.Since), strconv.Itoa(s.Dead), printable(reason)})
	}
	if len(rows) > 1 {
		if err := writeTable(w, rows); err != nil {
			return err
		}
	}
	return w.Flush()
}

// sinksTestCmd is `hubcap sinks test`.
type sinksTestCmd struct {
	Name string `arg:"" help:"The sink."`
	hubFlags
}

// Help is what `hubcap sinks test --help` says besides.
func (*sinksTestCmd) Help() string {
	return "The event tells of a finding hubcap-sink-test that is nowhere kept. " + asking
}

// Run sends the event. The exit code is 1 when it did not arrive.
func (c *sinksTestCmd) Run(ctx context.Context, std *streams) error {
	to, err := c.client(ctx, std)
	if err != nil {
		return err
	}
	var out hub.TestSinkOutput
	if err := to.order(ctx, "/hubcap/v1/sinks/"+c.Name+"/test", nil, &out); err != nil {
		return err
	}
	if !out.Delivered {
		return fmt.Errorf("sink %s did not take the event: %s", c.Name, out.Reason)
	}
	if out.ID == "" {
		_, err = fmt.Fprintf(std.Out, "sink %s is a stream: nothing is delivered to it, and hubcap events tail shows what it records\n", printable(out.Name))
		return err
	}
	_, err = fmt.Fprintf(std.Out, "sink %s took event %s in %d ms\n", printable(out.Name), printable(out.ID), out.Milliseconds)
	return err
}
