package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// updateCmd is `hubcap update`.
type updateCmd struct {
	Where             string `short:"w" placeholder:"CONDITION" help:"Which findings, as for hubcap findings; all means every one."`
	Workflow          string `placeholder:"STATUS" help:"NEW, NOTIFIED, RESOLVED or SUPPRESSED."`
	Severity          string `placeholder:"LABEL" help:"INFORMATIONAL, LOW, MEDIUM, HIGH or CRITICAL."`
	Note              string `placeholder:"TEXT" help:"A note; it replaces the one there is."`
	NoteBy            string `placeholder:"NAME" help:"Who writes the note (your user name)."`
	VerificationState string `placeholder:"STATE" help:"UNKNOWN, TRUE_POSITIVE, FALSE_POSITIVE or BENIGN_POSITIVE."`
	Confidence        *int   `placeholder:"N" help:"0 to 100."`
	Criticality       *int   `placeholder:"N" help:"0 to 100."`
	Change            string `placeholder:"JSON" help:"Any members of BatchUpdateFindings, as {\"UserDefinedFields\":{\"ticket\":\"T-1\"}}."`
	Yes               bool   `short:"y" help:"Do not ask."`
	DryRun            bool   `help:"Tell what would change, and change nothing."`
	Undo              string `placeholder:"JOB" help:"Take a job back, in place of starting one."`
	Wait              bool   `default:"true" negatable:"" help:"Stay until it is done (${default}); the job goes on without you."`
	hubFlags
}

// Help is what `hubcap update --help` says besides.
func (*updateCmd) Help() string {
	return `Changes everything that matches, without a limit, in a job that the hub does in the background: a finding that no longer
matches when its turn comes is left alone, a restart of the hub loses nothing, hubcap jobs tells how it stands, and --undo restores
what nobody changed since. First you see how many findings match and what would change in the newest; then you are asked. The
exit code is 0 when no finding failed. ` + asking
}

// wireJob is a job as the hub tells it.
type wireJob struct {
	JobID        string `json:"JobId"`
	Kind         string
	Status       string
	AwsAccountID string `json:"AwsAccountId"`
	Region       string
	StartedBy    string
	Where        string
	Parameters   json.RawMessage
	UndoOf       string
	CreatedAt    string
	EndedAt      string
	Total, Done  int
	Changed      int
	Unchanged    int
	NoLonger     int `json:"NoLongerMatching"`
	Failed       int
	Failures     []wireFailure
	Message      string
}

type wireFailure struct {
	ErrorCode, ErrorMessage string
	Count                   int
	FindingIdentifier       wireIdentifier
}

type wireIdentifier struct {
	ID         string `json:"Id"`
	ProductArn string
}

func (j *wireJob) over() bool {
	return j.Status == "DONE" || j.Status == "CANCELLED" || j.Status == "FAILED"
}

type wirePreview struct {
	Matching int
	Samples  []struct {
		FindingIdentifier wireIdentifier
		Title             string
		Changes           []struct {
			UpdatedField       string
			OldValue, NewValue *string
		}
		Failure *wireFailure
	}
}

// Run starts a job, or takes one back, and stays until it is over.
func (c *updateCmd) Run(ctx context.Context, std *streams) error {
	change, err := c.change()
	if err != nil {
		return err
	}
	hub, err := c.client(ctx, std)
	if err != nil {
		return err
	}
	var started struct{ Job wireJob }
	if c.Undo != "" {
		if err := hub.order(ctx, jobPath(c.Undo)+"/undo", nil, &started); err != nil {
			return err
		}
	} else {
		if err := whereFlag(c.Where, std); err != nil {
			return err
		}
		order := map[string]any{"Kind": "UpdateFindings", "Where": c.Where, "Parameters": change, "DryRun": true}
		var would struct{ Preview wirePreview }
		if err := hub.ask(ctx, http.MethodPost, "/hubcap/v1/jobs", order, &would); err != nil {
			return err
		}
		if err := would.Preview.print(std.Out); err != nil {
			return err
		}
		if c.DryRun || would.Preview.Matching == 0 {
			return nil
		}
		if err := c.consent(std); err != nil {
			return err
		}
		delete(order, "DryRun")
		if err := hub.order(ctx, "/hubcap/v1/jobs", order, &started); err != nil {
			return err
		}
	}
	return hub.started(ctx, std, started.Job.JobID, c.Wait)
}

// started stays with a job until it is over, or tells of it.
func (c *hubClient) started(ctx context.Context, std *streams, id string, wait bool) error {
	switch {
	case id == "":
		return errors.New("the hub did not say which job it started")
	case wait:
		return c.attend(ctx, std, id)
	}
	_, err := fmt.Fprintf(std.Out, "job %[1]s is under way; hubcap jobs %[1]s tells how it stands\n", printable(id))
	return err
}

// change makes the parameters of the job.
func (c *updateCmd) change() (map[string]any, error) {
	out := map[string]any{}
	if c.Change != "" {
		if err := json.Unmarshal([]byte(c.Change), &out); err != nil || out == nil {
			return nil, errors.New(`--change is no JSON object, such as {"UserDefinedFields":{"ticket":"T-1"}}`)
		}
	}
	var twice string
	set := func(name string, given bool, v any) {
		if !given {
			return
		}
		if _, ok := out[name]; ok {
			twice = name
		}
		out[name] = v
	}
	set("Workflow", c.Workflow != "", map[string]any{"Status": strings.ToUpper(c.Workflow)})
	set("Severity", c.Severity != "", map[string]any{"Label": strings.ToUpper(c.Severity)})
	set("Note", c.Note != "", map[string]any{"Text": c.Note, "UpdatedBy": c.noteBy()})
	set("VerificationState", c.VerificationState != "", strings.ToUpper(c.VerificationState))
	set("Confidence", c.Confidence != nil, c.Confidence)
	set("Criticality", c.Criticality != nil, c.Criticality)
	switch {
	case twice != "":
		return nil, fmt.Errorf("%s stands in --change and in a flag of its own", twice)
	case c.Undo != "" && (len(out) > 0 || c.Where != ""):
		return nil, errors.New("--undo takes a job back as it was: leave --where and the changes out")
	case c.Undo != "":
	case c.Where == "":
		return nil, errors.New("--where is missing; to mean every finding write --where all")
	case len(out) == 0:
		return nil, errors.New("nothing to change: give --workflow, --severity, --note or another")
	}
	return out, nil
}

func (c *updateCmd) noteBy() string {
	if c.NoteBy != "" {
		return c.NoteBy
	}
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "hubcap"
}

// consent asks who sits at a terminal; anybody else must have said yes before.
func (c *updateCmd) consent(std *streams) error {
	if c.Yes {
		return nil
	}
	f, ok := std.In.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return errors.New("nothing was changed: pass --yes where nobody can be asked")
	}
	if _, err := fmt.Fprint(std.Out, "Change them? [y/N] "); err != nil {
		return err
	}
	said, err := bufio.NewReader(f).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if s := strings.ToLower(strings.TrimSpace(said)); s != "y" && s != "yes" {
		return errors.New("nothing was changed")
	}
	return nil
}

func (p *wirePreview) print(out io.Writer) error {
	w := bufio.NewWriter(out)
	verb := "match"
	if p.Matching == 1 {
		verb = "matches"
	}
	fmt.Fprintf(w, "%s %s.", count(p.Matching, "finding"), verb)
	if len(p.Samples) > 0 && p.Matching > len(p.Samples) {
		fmt.Fprintf(w, " The newest %d:", len(p.Samples))
	}
	_ = w.WriteByte('\n') // Flush tells
	for i := range p.Samples {
		s := &p.Samples[i]
		fmt.Fprintf(w, "  %s\n    %s\n", printable(s.Title), printable(s.FindingIdentifier.ID))
		switch {
		case s.Failure != nil:
			fmt.Fprintf(w, "    cannot be changed: %s: %s\n", printable(s.Failure.ErrorCode), printable(s.Failure.ErrorMessage))
		case len(s.Changes) == 0:
			_, _ = w.WriteString("    stays as it is\n")
		}
		for _, ch := range s.Changes {
			fmt.Fprintf(w, "    %s: %s -> %s\n", printable(ch.UpdatedField), shownValue(ch.OldValue), shownValue(ch.NewValue))
		}
	}
	return w.Flush()
}

func shownValue(s *string) string {
	if s == nil {
		return "(none)"
	}
	return shortened(printable(*s), widest)
}

func jobPath(id string) string {
	return "/hubcap/v1/jobs/" + strings.ReplaceAll(strings.ReplaceAll(id, "%", "%25"), "/", "%2F")
}

// pollEvery is how often a job is asked after.
const pollEvery = 200 * time.Millisecond

// attend watches a job until it is over, and tells how it ended.
func (c *hubClient) attend(ctx context.Context, std *streams, id string) error {
	bar := newCountingBar(std.Err)
	for {
		var out struct{ Job wireJob }
		if err := c.ask(ctx, http.MethodGet, jobPath(id), nil, &out); err != nil {
			bar.finish()
			return fmt.Errorf("%w (the job goes on; hubcap jobs %s tells how it stands)", err, printable(id))
		}
		bar.at(out.Job.Done, out.Job.Total)
		if out.Job.over() {
			bar.finish()
			return out.Job.told(std.Out)
		}
		t := time.NewTimer(pollEvery)
		select {
		case <-ctx.Done():
			t.Stop()
			bar.finish()
			return fmt.Errorf("the job goes on; hubcap jobs %s tells how it stands, with --cancel it stops", printable(id))
		case <-t.C:
		}
	}
}

// told prints how a job ended. A job that did not do all it should is exit code 1.
func (j *wireJob) told(out io.Writer) error {
	w := bufio.NewWriter(out)
	for _, f := range j.Failures {
		fmt.Fprintf(w, "%s: %s: %s (the first: %s)\n", count(f.Count, "finding"), printable(f.ErrorCode), printable(f.ErrorMessage),
			printable(f.FindingIdentifier.ID))
	}
	fmt.Fprintf(w, "job %s: %s. %s: %d changed, %d unchanged, %d no longer matching, %d failed\n", printable(j.JobID), strings.ToLower(j.Status),
		count(j.Done, "finding"), j.Changed, j.Unchanged, j.NoLonger, j.Failed)
	if j.Message != "" {
		fmt.Fprintln(w, printable(j.Message))
	}
	if j.Changed > 0 {
		fmt.Fprintf(w, "hubcap update --undo %s takes it back\n", printable(j.JobID))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if j.Status != "DONE" || j.Failed > 0 {
		return exitCode(1)
	}
	return nil
}

// countingBar shows done of total on a terminal, and nothing elsewhere.
type countingBar struct{ bar *progressbar.ProgressBar }

func newCountingBar(w io.Writer) *countingBar {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return &countingBar{}
	}
	return &countingBar{progressbar.NewOptions(-1, progressbar.OptionSetWriter(w), progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(),
		progressbar.OptionFullWidth(), progressbar.OptionSetPredictTime(true))}
}

func (b *countingBar) describe(what string) {
	if b.bar != nil {
		b.bar.Describe(what)
	}
}

func (b *countingBar) at(done, total int) {
	if b.bar == nil || total == 0 {
		return
	}
	if b.bar.GetMax() != total {
		b.bar.ChangeMax(total)
	}
	_ = b.bar.Set(done) // a bar that cannot be drawn stops nothing
}

func (b *countingBar) finish() {
	if b.bar != nil {
		_ = b.bar.Finish()
	}
}
