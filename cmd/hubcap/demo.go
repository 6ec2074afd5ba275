package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"hubcap/internal/asff"
	"hubcap/internal/demo"
)

// demoCmd is `hubcap demo`.
type demoCmd struct {
	Endpoint string        `default:"http://127.0.0.1:4510" env:"HUBCAP_ENDPOINT,AWS_ENDPOINT_URL_SECURITYHUB" placeholder:"URL" help:"The hub (${default})."`
	Findings int           `default:"5000" placeholder:"N" help:"How many findings (${default})."`
	Seed     uint64        `default:"1" placeholder:"N" help:"Another number makes other findings; the same one the same (${default})."`
	Account  string        `placeholder:"ID" help:"Everything for this account's default product: where keys are checked, the key's account."`
	Archive  bool          `help:"Archive what a demo of the same seed left: findings cannot be deleted by the API."`
	RetryFor time.Duration `default:"1m" placeholder:"DURATION" help:"How long a request is tried again after a lost connection, 429 or 5xx (${default}); 0: never."`
}

// Help is what `hubcap demo --help` says besides.
func (*demoCmd) Help() string {
	return `Fills a hub with findings of an invented company: five products, four accounts, two Regions, ninety days, with notes and decisions of
people. They are sent by the public API, as hubcap import sends files, and STAY IN THE HUB; a hub to throw away is started by
hubcap serve --store memory. Run again with the same seed it brings the same findings up to date. Credentials are found as the AWS CLI finds
them; where there are none, each finding goes in as its own account.`
}

// mostDemo is a bound for those who mistype.
const mostDemo = 1_000_000

func (c *demoCmd) check() error {
	switch {
	case c.Findings < 1 || c.Findings > mostDemo:
		return fmt.Errorf("--findings %d: must be 1 to %d", c.Findings, mostDemo)
	case c.Account != "" && !accountID.MatchString(c.Account):
		return fmt.Errorf("--account %s: must be 12 digits", c.Account)
	}
	return nil
}

// Run sends the findings, then what people did about them.
func (c *demoCmd) Run(ctx context.Context, std *streams) error {
	if err := c.check(); err != nil {
		return err
	}
	bar := newCounter(std.Err, c.Findings)
	send, err := newSender(c.Endpoint, c.RetryFor, func(err error, in time.Duration) {
		bar.clear()
		_, _ = fmt.Fprintf(std.Err, "hubcap: %s; trying again in %s\n", printable(err.Error()), in.Round(100*time.Millisecond))
	})
	if err != nil {
		return err
	}
	from, err := openWallet(ctx)
	if err != nil {
		return err
	}
	plan := demo.Config{Findings: c.Findings, Seed: c.Seed, Now: time.Now(), Account: c.Account, Region: from.region, Retire: c.Archive}
	if c.Account == "" {
		from.region = "" // each finding has its own
		from.forgetAccount(ctx)
	}
	d := &demonstration{
		importer: importer{from: from, send: send, std: std, bar: bar, start: time.Now()},
		regions:  map[string]int{}, accounts: map[string]bool{}, triage: map[triageKey][]identifier{},
	}
	d.batches.send = func(b *batch) error { return d.deliver(ctx, b) }
	err = d.run(ctx, &plan)
	bar.finish()
	if err != nil {
		if r, ok := errors.AsType[*refusal](err); ok && r.Code == "AccessDeniedException" && c.Account == "" {
			return fmt.Errorf("%w (where keys are checked, name the key's account: hubcap demo --account ID)", err)
		}
		return err
	}
	if d.refused > 0 {
		if err := d.importer.summary(); err != nil {
			return err
		}
		return exitCode(1)
	}
	return d.summary(std.Out, c)
}

// demonstration carries a demo to a hub.
type demonstration struct {
	importer
	regions  map[string]int
	accounts map[string]bool
	triage   map[triageKey][]identifier
	updated  int
}

// triageKey is what one request of BatchUpdateFindings is about: the same change, for the same caller.
type triageKey struct {
	groupKey
	change *demo.Triage
}

// identifier names a finding to BatchUpdateFindings.
type identifier struct{ Id, ProductArn string }

func (d *demonstration) run(ctx context.Context, plan *demo.Config) error {
	err := plan.Each(func(f *demo.Finding) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		group := d.from.group(label{ID: f.ID, ProductArn: f.ProductArn, Account: f.Account, Region: f.Region})
		reports := [][]byte{f.Changed, f.JSON} // in one batch or in two, in this order
		for _, text := range reports {
			if text == nil {
				continue
			}
			d.read++
			item := batchItem{label: label{ID: f.ID, ProductArn: f.ProductArn, Account: f.Account, Region: f.Region}, file: "demo"}
			if err := d.batches.add(group, text, item); err != nil {
				return err
			}
		}
		d.regions[f.Region]++
		d.accounts[f.Account] = true
		if f.Triage != nil {
			key := triageKey{group, f.Triage}
			d.triage[key] = append(d.triage[key], identifier{f.ID, f.ProductArn})
		}
		return nil
	})
	if err == nil {
		err = d.batches.finish()
	}
	if err != nil {
		return unfatal(err)
	}
	keys := make([]triageKey, 0, len(d.triage))
	for k := range d.triage {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b triageKey) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region), cmp.Compare(a.change.Note.Text, b.change.Note.Text))
	})
	for _, k := range keys {
		for part := range slices.Chunk(d.triage[k], asff.MaxFindings) {
			if err := d.update(ctx, k, part); err != nil {
				return err
			}
		}
	}
	return nil
}

// update sends one BatchUpdateFindings.
func (d *demonstration) update(ctx context.Context, k triageKey, of []identifier) error {
	body, err := json.Marshal(struct {
		FindingIdentifiers []identifier
		*demo.Triage
	}{of, k.change})
	if err != nil {
		return err
	}
	var answer struct {
		ProcessedFindings   []json.RawMessage
		UnprocessedFindings []struct{ ErrorCode, ErrorMessage string }
	}
	hash, from := payloadHash(body), d.from.caller(k.groupKey)
	text, err := patiently(ctx, d.send, func() ([]byte, error) {
		resp, err := d.send.open(ctx, d.send.client, from, http.MethodPatch, "/findings/batchupdate", body, hash)
		if err != nil {
			return nil, err
		}
		return d.send.readAll(resp, maxAnswer)
	})
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return fmt.Errorf("%s does not answer like Security Hub: %w", d.send.endpoint, err)
	}
	if len(answer.UnprocessedFindings) > 0 {
		f := answer.UnprocessedFindings[0]
		return fmt.Errorf("%s could not be triaged, the first with: %s: %s", count(len(answer.UnprocessedFindings), "finding"), f.ErrorCode, f.ErrorMessage)
	}
	d.updated += len(of)
	return nil
}

func (d *demonstration) summary(w io.Writer, c *demoCmd) error {
	verb := "imported"
	if c.Archive {
		verb = "archived"
	}
	_, err := fmt.Fprintf(w, "%s of %s %s, %d triaged, in %s\n", count(c.Findings, "finding"), count(len(d.accounts), "account"), verb, d.updated,
		time.Since(d.start).Round(time.Millisecond))
	for _, region := range sortedKeys(d.regions) {
		if err == nil {
			_, err = fmt.Fprintf(w, "  %-12s %d\n", region, d.regions[region])
		}
	}
	if err == nil && !c.Archive {
		_, err = fmt.Fprintf(w, "Look at them: %s/console/\n", d.send.endpoint)
	}
	return err
}

func sortedKeys(m map[string]int) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// newCounter is a bar that counts findings, on a terminal.
func newCounter(w io.Writer, total int) *progress {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return &progress{}
	}
	return &progress{bar: progressbar.NewOptions(total, progressbar.OptionSetWriter(w), progressbar.OptionShowCount(),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionFullWidth()), counts: true}
}
