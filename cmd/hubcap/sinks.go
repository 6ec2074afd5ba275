package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"hubcap/internal/event"
	"hubcap/internal/hub"
)

// sinkConfig is one receiver of events.
type sinkConfig struct {
	Name string `toml:"name"` // letters, digits and -
	Type string `toml:"type"` // webhook, file or stream
	// Account and Region are the bus it listens on; absent: every finding's own.
	Account  string `toml:"account"`
	Region   string `toml:"region"`
	Pattern  string `toml:"pattern"`   // an event pattern, JSON
	RetryFor string `toml:"retry_for"` // how long an event is tried again

	URL          string   `toml:"url"`     // of a webhook
	Secrets      []secret `toml:"secrets"` // whsec_...; one of these three
	SecretEnv    string   `toml:"secret_env"`
	SecretFile   string   `toml:"secret_file"`
	AllowPrivate bool     `toml:"allow_private"`

	Path string `toml:"path"` // of a file
}

const (
	sinkWebhook = "webhook"
	sinkFile    = "file"
	sinkStream  = "stream"
)

var sinkName = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$`)

// mostRetry is less than events are kept.
const mostRetry = 6 * 24 * time.Hour

// check tells what is wrong with a table, without looking for secrets elsewhere.
func (c *sinkConfig) check() error {
	switch {
	case !sinkName.MatchString(c.Name):
		return errors.New("name must be 1 to 64 small letters, digits or - between them")
	case (c.Account == "") != (c.Region == ""):
		return errors.New("account and region go together: they name a bus")
	case c.Account != "" && !twelveDigits.MatchString(c.Account):
		return fmt.Errorf("account must be a string of 12 digits, not %q", c.Account)
	case c.Region != "" && !regionName.MatchString(c.Region):
		return fmt.Errorf("region must be one such as us-east-1, not %q", c.Region)
	}
	if _, err := c.retryFor(); err != nil {
		return err
	}
	if c.Pattern != "" {
		if _, err := event.ParsePattern(c.Pattern); err != nil {
			return err
		}
	}
	sources := 0
	for _, set := range []bool{len(c.Secrets) > 0, c.SecretEnv != "", c.SecretFile != ""} {
		if set {
			sources++
		}
	}
	only := func(key string, set bool, types ...string) error {
		if set && !slices.Contains(types, c.Type) {
			return fmt.Errorf("%s is for the type %s", key, strings.Join(types, " and "))
		}
		return nil
	}
	err := errors.Join(only("url", c.URL != "", sinkWebhook), only("a secret", sources > 0, sinkWebhook),
		only("allow_private", c.AllowPrivate, sinkWebhook), only("path", c.Path != "", sinkFile), only("retry_for", c.RetryFor != "", sinkWebhook, sinkFile))
	if err != nil {
		return err
	}
	switch c.Type {
	case sinkWebhook:
		if sources != 1 {
			return errors.New("give exactly one of secrets, secret_env and secret_file")
		}
		if sources == 1 && len(c.Secrets) == 0 {
			return nil // serve reads it
		}
		_, err := c.webhook(c.Secrets)
		return err
	case sinkFile:
		if c.Path == "" {
			return errors.New("path is missing")
		}
	case sinkStream:
	case "":
		return errors.New("type is missing: webhook, file or stream")
	default:
		return fmt.Errorf("type must be webhook, file or stream, not %q", c.Type)
	}
	return nil
}

func (c *sinkConfig) retryFor() (time.Duration, error) {
	if c.RetryFor == "" {
		return event.DefaultRetryFor, nil
	}
	d, err := time.ParseDuration(c.RetryFor)
	if err != nil || d < time.Second || d > mostRetry {
		return 0, fmt.Errorf("retry_for must be a time from 1s to %s, such as 24h", mostRetry)
	}
	return d, nil
}

func (c *sinkConfig) webhook(secrets []secret) (*event.Webhook, error) {
	o := event.WebhookOptions{URL: c.URL, AllowPrivate: c.AllowPrivate, Clock: time.Now}
	for _, s := range secrets {
		o.Secrets = append(o.Secrets, string(s))
	}
	return event.NewWebhook(o)
}

// secretsOf finds the secrets. An error names where they should be, never what they are.
func (c *sinkConfig) secretsOf(getenv func(string) (string, bool)) ([]secret, error) {
	var text, where string
	switch {
	case c.SecretEnv != "":
		v, ok := getenv(c.SecretEnv)
		if !ok || strings.TrimSpace(v) == "" {
			return nil, fmt.Errorf("the environment has no %s (its secret_env)", c.SecretEnv)
		}
		text, where = v, c.SecretEnv
	case c.SecretFile != "":
		v, err := os.ReadFile(c.SecretFile)
		if err != nil {
			return nil, fmt.Errorf("secret_file: %w", err)
		}
		text, where = string(v), c.SecretFile
	default:
		return c.Secrets, nil
	}
	var list []secret
	for s := range strings.FieldsSeq(text) {
		list = append(list, secret(s))
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s holds no secret", where)
	}
	return list, nil
}

// sinks are the receivers of the configuration, ready to be delivered to.
func (c *config) sinks() ([]event.Sink, error) {
	list := make([]event.Sink, 0, len(c.Sinks))
	for i := range c.Sinks {
		s, err := c.Sinks[i].open()
		if err != nil {
			return nil, fmt.Errorf("[[sinks]] %s: %w", c.Sinks[i].Name, err)
		}
		list = append(list, s)
	}
	return list, nil
}

func (c *sinkConfig) open() (s event.Sink, err error) {
	s = event.Sink{Name: c.Name, Type: c.Type, Account: c.Account, Region: c.Region}
	if s.RetryFor, err = c.retryFor(); err != nil {
		return s, err
	}
	if c.Pattern != "" {
		if s.Pattern, err = event.ParsePattern(c.Pattern); err != nil {
			return s, err
		}
	}
	switch c.Type {
	case sinkWebhook:
		secrets, err := c.secretsOf(os.LookupEnv)
		if err != nil {
			return s, err
		}
		if s.Target, err = c.webhook(secrets); err != nil {
			return s, err
		}
	case sinkFile:
		s.Target = &fileTarget{path: c.Path}
	}
	return s, nil
}

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
	_, err = fmt.Fprintf(std.Out, "sink %s took event %s in %d ms\n", printable(out.Name), printable(out.ID), out.Milliseconds)
	return err
}
