package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"hubcap/internal/asff"
	"hubcap/internal/hub"
)

// lintCmd is `hubcap lint`.
type lintCmd struct {
	Files   []string `arg:"" name:"file" help:"Findings: a list, an object with Findings, one finding, or any number of these after one another (NDJSON); - is the standard input."`
	Format  string   `enum:"text,json,sarif" default:"text" help:"text, json or sarif (${default})."`
	Mend    bool     `help:"Print the findings, mended where that can be done without knowing what was meant, as a list that import takes; what was changed and what is still wrong goes to standard error."`
	Profile string   `enum:"open,aws" default:"open" help:"open keeps members the format does not know, aws refuses them (${default})."`
}

// Help is what `hubcap lint --help` says besides.
func (*lintCmd) Help() string {
	return `The same check that import makes, without a hub: all violations, in the order in which AWS would name them, each with its place, the
offending value, the rule and how to mend it. A file without findings is told too. The exit code is 0 when there is no violation, else
1; 1 also for an empty file, for a scanner that found nothing writes [].`
}

// Run checks the files one after the other.
func (c *lintCmd) Run(ctx context.Context, std *streams) error {
	if c.Mend && c.Format != "text" {
		return fmt.Errorf("--mend prints findings: leave --format %s out", c.Format)
	}
	l := &linter{checks: hub.Diagnosis{Options: asff.Options{RefuseUnknown: c.Profile == "aws"}}, out: newLintPrinter(c.Format, std.Out)}
	if c.Mend {
		l.mended = &mendedList{w: std.Out, told: std.Err}
		l.out = &lintText{std.Err}
	}
	unread := false
	for _, name := range c.Files {
		r, shown, err := openInput(name, std.In)
		if err == nil {
			err = l.file(ctx, shown, r)
			_ = r.Close() // only read from
		}
		if err != nil {
			unread = unread || !harmless(err)
			complain(std.Err, err)
		}
	}
	if err := l.mended.end(); err != nil {
		return err
	}
	if err := l.out.end(l.sum); err != nil {
		return err
	}
	if unread || l.sum.Violations > 0 {
		return exitCode(1)
	}
	return nil
}

// lintResult is one violation of one finding of one file. The members are named as in `lint --format json`.
type lintResult struct {
	File    string
	Line    int   // of the offending value, from 1
	Column  int   // in characters, from 1
	Offset  int64 // in bytes, from 0
	Finding int   // which finding of the file, from 1; 0: the file itself
	ID      string
	asff.Violation
	Remedy string
}

// lintSum is what was seen in all.
type lintSum struct{ Files, Findings, Bad, Violations int }

type linter struct {
	checks hub.Diagnosis
	out    lintPrinter
	sum    lintSum
	where  locator

	mended *mendedList // nil: nothing is mended
}

// file checks one file. What makes the rest of it unreadable is a violation too; the error is of the machine, not of the text.
func (l *linter) file(ctx context.Context, name string, r io.Reader) error {
	l.sum.Files++
	findings := newFindingReader(name, r)
	for n := 1; ; n++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		item, err := findings.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if broken, ok := errors.AsType[*readError](err); ok {
			return l.tell(lintResult{
				File: name, Line: broken.Line, Column: broken.Column, Offset: broken.Offset,
				Violation: asff.Violation{Path: "file", Message: broken.Reason, Keyword: hub.RuleJSON},
				Remedy:    "Mend the text here: the rest of the file was not read.",
			})
		}
		if err != nil {
			return err
		}
		if err := l.finding(name, n, item); err != nil {
			return err
		}
	}
}

// finding tells all violations of one finding.
func (l *linter) finding(file string, n int, item readItem) error {
	l.sum.Findings++
	id, results := l.check(item)
	if l.mended != nil {
		changed, err := l.mended.add(item, l.checks.Options)
		if err != nil {
			return err
		}
		if changed != nil {
			if err := l.mended.tell(file, item.place, id, changed.Mends); err != nil {
				return err
			}
			mended := item
			mended.Raw = changed.Text
			if id, results = l.check(mended); len(results) > 0 {
				for i := range results { // where it stands in what was sent, nobody looks
					results[i].Pointer, results[i].Offset = "", 0
				}
			}
		}
	}
	if len(results) == 0 {
		return nil
	}
	l.sum.Bad++
	places := l.where.find(item, results)
	for i, r := range results {
		r.File, r.Finding, r.ID = file, n, id
		r.Line, r.Column, r.Offset = places[i].Line, places[i].Column, places[i].Offset
		if err := l.tell(r); err != nil {
			return err
		}
	}
	return nil
}

func (l *linter) tell(r lintResult) error {
	l.sum.Violations++
	return l.out.violation(r)
}

// check judges a finding as a hub does: in a request of its own. The offset of a result is that of a syntax error in the
// finding, else 0.
func (l *linter) check(item readItem) (id string, results []lintResult) {
	id, problems, readable := l.checks.Problems(item.Raw)
	if !readable {
		id = readLabel(item.Raw).ID
	}
	for _, p := range problems {
		results = append(results, lintResult{Violation: p.Violation, Remedy: p.Remedy, Offset: int64(p.Offset)})
	}
	return id, results
}

// locator finds places by JSON pointer.
type locator struct {
	wanted map[string]int64
}

// find tells where each result's value stands. A member that is missing is at its object; what cannot be found is at the
// finding.
func (l *locator) find(item readItem, results []lintResult) []place {
	if l.wanted == nil {
		l.wanted = map[string]int64{}
	}
	clear(l.wanted)
	for _, r := range results {
		if r.Pointer != "" {
			l.wanted[r.Pointer] = -1
		}
	}
	if len(l.wanted) > 0 {
		l.walk(item.Raw)
	}
	places := make([]place, len(results))
	for i, r := range results {
		offset := r.Offset
		// A pointer to what is not there leads to what holds it.
		for p := r.Pointer; p != ""; p = p[:strings.LastIndexByte(p, '/')] {
			if at, ok := l.wanted[p]; ok && at >= 0 {
				offset = at
				break
			}
		}
		places[i] = item.after(item.Raw[:offset])
	}
	return places
}

// walk notes the first byte of every value whose pointer is wanted, and of what holds such values.
func (l *locator) walk(raw []byte) {
	for p := range l.wanted {
		for i := strings.LastIndexByte(p, '/'); i > 0; i = strings.LastIndexByte(p[:i], '/') {
			if _, ok := l.wanted[p[:i]]; !ok {
				l.wanted[p[:i]] = -1
			}
		}
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(raw), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	for {
		from := dec.InputOffset()
		tok, err := dec.ReadToken()
		if err != nil {
			return
		}
		kind := tok.Kind()
		if depth := dec.StackDepth(); kind == '}' || kind == ']' {
			continue
		} else if in, n := dec.StackIndex(depth); kind == '"' && in == '{' && n%2 == 1 {
			continue // a name
		}
		pointer := string(dec.StackPointer())
		if at, ok := l.wanted[pointer]; ok && at < 0 {
			for strings.IndexByte(" \t\r\n,:", raw[from]) >= 0 {
				from++
			}
			l.wanted[pointer] = from
		} else if !ok && pointer != "" && (kind == '{' || kind == '[') {
			if skip(dec) != nil {
				return
			}
		}
	}
}

// skip reads to the end of the object or list that was just opened.
func skip(dec *jsontext.Decoder) error {
	for depth := dec.StackDepth(); dec.StackDepth() >= depth; {
		if _, err := dec.ReadToken(); err != nil {
			return err
		}
	}
	return nil
}
