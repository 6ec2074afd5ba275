package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// jobsCmd is `hubcap jobs`.
type jobsCmd struct {
	Job    string `arg:"" optional:"" help:"One job, in full."`
	Cancel bool   `help:"Stop the job; what it changed stays."`
	Format string `default:"table" enum:"table,json" help:"table or json (${default})."`
	hubFlags
}

// Help is what `hubcap jobs --help` says besides.
func (*jobsCmd) Help() string {
	return "Jobs that are over are kept for 14 days, the last hundred of an account. " + asking
}

// Run lists the jobs, newest first, or tells about one.
func (c *jobsCmd) Run(ctx context.Context, std *streams) error {
	if c.Cancel && c.Job == "" {
		return errors.New("--cancel: which job? hubcap jobs lists them")
	}
	hub, err := c.client(ctx, std)
	if err != nil {
		return err
	}
	var text json.RawMessage
	switch {
	case c.Cancel:
		err = hub.ask(ctx, http.MethodPost, jobPath(c.Job)+"/cancel", nil, &text)
	case c.Job != "":
		err = hub.ask(ctx, http.MethodGet, jobPath(c.Job), nil, &text)
	default:
		err = hub.ask(ctx, http.MethodGet, "/hubcap/v1/jobs", nil, &text)
	}
	if err != nil {
		return err
	}
	w := bufio.NewWriter(std.Out)
	if c.Format == "json" {
		out, err := indented(text, "")
		if err != nil {
			return err
		}
		fmt.Fprintln(w, out)
		return w.Flush()
	}
	var out struct {
		Job  *wireJob
		Jobs []wireJob
	}
	if err := json.Unmarshal(text, &out); err != nil {
		return err
	}
	if out.Job != nil {
		out.Job.print(w)
		return w.Flush()
	}
	if len(out.Jobs) == 0 {
		return nil
	}
	rows := [][]string{{"Job", "Kind", "Status", "Started", "Done", "Changed", "Failed", "Where"}}
	for i := range out.Jobs {
		j := &out.Jobs[i]
		where := j.Where
		if j.UndoOf != "" {
			where = "undoes " + j.UndoOf
		}
		rows = append(rows, []string{
			printable(j.JobID), printable(j.Kind), printable(j.Status), printable(j.CreatedAt), fmt.Sprintf("%d/%d", j.Done, j.Total),
			strconv.Itoa(j.Changed), strconv.Itoa(j.Failed), printable(where),
		})
	}
	if err := writeTable(w, rows); err != nil {
		return err
	}
	return w.Flush()
}

// print tells everything about a job.
func (j *wireJob) print(w *bufio.Writer) {
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%-12s %s\n", name, printable(value))
		}
	}
	var parameters bytes.Buffer
	_ = json.Compact(&parameters, j.Parameters) // what cannot be compacted is not shown
	line("job", j.JobID)
	line("kind", j.Kind)
	line("status", j.Status)
	line("message", j.Message)
	line("account", j.AwsAccountID+" "+j.Region)
	line("started by", j.StartedBy)
	line("where", j.Where)
	line("undoes", j.UndoOf)
	line("parameters", parameters.String())
	line("created", j.CreatedAt)
	line("ended", j.EndedAt)
	line("findings", fmt.Sprintf("%d of %d done: %d changed, %d unchanged, %d no longer matching, %d failed", j.Done, j.Total, j.Changed, j.Unchanged,
		j.NoLonger, j.Failed))
	for _, f := range j.Failures {
		line("failed", strings.Join([]string{strconv.Itoa(f.Count), f.ErrorCode, f.ErrorMessage, f.FindingIdentifier.ID}, " "))
	}
}
