package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/rivo/uniseg"

	"hubcap/internal/asff"
	"hubcap/internal/query"
)

// findingsCmd is `hubcap findings`.
type findingsCmd struct {
	Where   string   `short:"w" placeholder:"CONDITION" help:"Which findings, as SeverityLabel = CRITICAL and RecordState = ACTIVE (all)."`
	Sort    []string `placeholder:"ATTRIBUTE" help:"Order: attributes, each perhaps with desc behind it (UpdatedAt desc)."`
	Limit   int      `default:"50" placeholder:"N" help:"How many at most; 0: all of them (${default})."`
	Format  string   `default:"table" enum:"table,json,count" help:"table, json (as GetFindings answers) or count (${default})."`
	Columns []string `placeholder:"PATH" help:"Columns of the table, as Severity.Label,Resources.Id."`
	hubFlags
}

// Help is what `hubcap findings --help` says besides.
func (*findingsCmd) Help() string {
	return `A condition joins tests of filter attributes by and, or, not and parentheses:

  SeverityLabel in (HIGH, CRITICAL) and WorkflowStatus = NEW
  Title contains "public bucket" and not ResourceTags[env] = dev
  UpdatedAt within 7 days and Confidence >= 50

The tests: = != < <= > >=, [not] startswith, [not] contains, [not] in (a, b), [not] in cidr, [not] within 7 days,
[not] within [2026-01-01, 2026-02-01), older than 30 days, exists, missing. ` + asking
}

// Run prints findings, newest first unless told otherwise.
func (c *findingsCmd) Run(ctx context.Context, std *streams) error {
	if err := whereFlag(c.Where, std); err != nil {
		return err
	}
	order, err := sortFlag(c.Sort)
	if err != nil {
		return err
	}
	hub, err := c.client(ctx, std)
	if err != nil {
		return err
	}
	if c.Format == "count" {
		var out struct{ Count int64 }
		if err := hub.ask(ctx, http.MethodPost, "/hubcap/v1/findings/count", map[string]any{"Where": c.Where}, &out); err != nil {
			return err
		}
		_, err := fmt.Fprintln(std.Out, out.Count)
		return err
	}
	w := bufio.NewWriter(std.Out)
	show, finish, err := c.printer(w)
	if err != nil {
		return err
	}
	if err := hub.pages(ctx, c.Where, order, c.Limit, show); err != nil {
		return errors.Join(w.Flush(), err)
	}
	if err := finish(); err != nil {
		return err
	}
	return w.Flush()
}

// sortCriterion is one of SortCriteria.
type sortCriterion struct {
	Field     string
	SortOrder string
}

// sortFlag reads --sort.
func sortFlag(list []string) ([]sortCriterion, error) {
	var out []sortCriterion
	for _, text := range list {
		words := strings.Fields(text)
		if len(words) == 1 {
			words = append(words, "asc")
		}
		if len(words) != 2 || words[1] != "asc" && words[1] != "desc" {
			return nil, fmt.Errorf("--sort %q: write an attribute, or an attribute and desc", text)
		}
		if f, ok := asff.FieldByName(words[0]); !ok || !query.Sortable(f) {
			return nil, fmt.Errorf("--sort: %s is no attribute that findings can be sorted by", words[0])
		}
		out = append(out, sortCriterion{words[0], words[1]})
	}
	return out, nil
}

// pages asks page by page until there are limit findings, or no more.
func (c *hubClient) pages(ctx context.Context, where string, order []sortCriterion, limit int, use func(json.RawMessage) error) error {
	ask := map[string]any{"Where": where}
	if len(order) > 0 {
		ask["SortCriteria"] = order
	}
	for n := 0; ; {
		if limit > 0 {
			ask["MaxResults"] = min(limit-n, 100)
		}
		var page struct {
			Findings  []json.RawMessage
			NextToken string
		}
		if err := c.ask(ctx, http.MethodPost, "/hubcap/v1/findings/search", ask, &page); err != nil {
			return err
		}
		for _, f := range page.Findings {
			if err := use(f); err != nil {
				return err
			}
		}
		n += len(page.Findings)
		if page.NextToken == "" || limit > 0 && n >= limit {
			return nil
		}
		ask["NextToken"] = page.NextToken
	}
}

// printer makes what prints a finding, and what ends the print.
func (c *findingsCmd) printer(w *bufio.Writer) (show func(json.RawMessage) error, finish func() error, err error) {
	if c.Format == "json" {
		sep := "{\n  \"Findings\": ["
		show = func(f json.RawMessage) error {
			text, err := indented(f, "    ")
			if err == nil {
				_, err = w.WriteString(sep + "\n    " + text)
			}
			sep = ","
			return err
		}
		finish = func() error {
			end := "\n  ]\n}\n"
			if sep != "," {
				end = sep + "]\n}\n"
			}
			_, err := w.WriteString(end)
			return err
		}
		return show, finish, nil
	}
	t, err := newFindingTable(c.Columns)
	if err != nil {
		return nil, nil, err
	}
	return t.add, func() error { return t.write(w) }, nil
}

// indented is a JSON value for people, safe for a terminal: the escapes of printable are JSON's own.
func indented(v []byte, indent string) (string, error) {
	out, err := jsontext.AppendFormat(nil, v, jsontext.Multiline(true), jsontext.WithIndentPrefix(indent), jsontext.WithIndent("  "))
	if err != nil {
		return "", err
	}
	lines := strings.Split(strings.TrimRight(string(out), "\n"), "\n")
	for i := range lines {
		lines[i] = printable(lines[i])
	}
	return strings.Join(lines, "\n"), nil
}

// tableColumns are those of the table: what a triage begins with.
var tableColumns = []string{"Severity.Label", "Workflow.Status", "RecordState", "UpdatedAt", "AwsAccountId", "Title", "Resources.Id", "Id"}

// widest is the most that a cell shows, but for the last of a row.
const widest = 60

// findingTable collects rows, so that columns line up.
type findingTable struct {
	cells *columnReader
	rows  [][]string
}

func newFindingTable(paths []string) (*findingTable, error) {
	if len(paths) == 0 {
		paths = tableColumns
	}
	r, err := newColumnReader(paths)
	return &findingTable{cells: r, rows: [][]string{paths}}, err
}

func (t *findingTable) add(f json.RawMessage) error {
	cells, err := t.cells.row(f)
	if err != nil {
		return err
	}
	row := make([]string, len(cells))
	for i, c := range cells {
		if row[i] = printable(string(c.text)); !c.present {
			row[i] = "-"
		}
		if i < len(cells)-1 {
			row[i] = shortened(row[i], widest)
		}
	}
	t.rows = append(t.rows, row)
	return nil
}

func (t *findingTable) write(w *bufio.Writer) error {
	if len(t.rows) == 1 {
		return nil
	}
	return writeTable(w, t.rows)
}

// writeTable lines cells up.
func writeTable(w *bufio.Writer, rows [][]string) error {
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, text := range row {
			width[i] = max(width[i], uniseg.StringWidth(text))
		}
	}
	for _, row := range rows {
		for i, text := range row {
			_, _ = w.WriteString(text) // Flush tells
			if i < len(row)-1 {
				_, _ = w.WriteString(strings.Repeat(" ", width[i]-uniseg.StringWidth(text)+2))
			}
		}
		_ = w.WriteByte('\n')
	}
	return w.Flush()
}

// shortened cuts text that is wider than a cell.
func shortened(text string, most int) string {
	if uniseg.StringWidth(text) <= most {
		return text
	}
	var b strings.Builder
	width := 0
	for g := uniseg.NewGraphemes(text); g.Next(); {
		if width += g.Width(); width > most-1 {
			break
		}
		b.WriteString(g.Str())
	}
	return b.String() + "…"
}
