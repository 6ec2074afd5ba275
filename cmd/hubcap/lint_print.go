package main

import (
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"hubcap/internal/hub"
)

// lintPrinter writes violations as they are found: memory does not grow with their number.
type lintPrinter interface {
	violation(lintResult) error
	end(lintSum) error
}

func newLintPrinter(format string, w io.Writer) lintPrinter {
	switch format {
	case "json":
		return &lintJSON{encoder{Encoder: newEncoder(w)}, false}
	case "sarif":
		return &lintSARIF{encoder{Encoder: newEncoder(w)}, false}
	}
	return &lintText{w}
}

// lintText is for people, one paragraph a violation; its first line is what editors and compilers' readers understand.
type lintText struct{ w io.Writer }

func (p *lintText) violation(r lintResult) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: %s %s [%s]\n", r.File, r.Line, r.Column, printable(r.Path), printable(r.Message), r.Keyword)
	if r.ID != "" {
		fmt.Fprintf(&b, "  finding  %s\n", printable(r.ID))
	}
	if r.Value != "" {
		fmt.Fprintf(&b, "  value    %s\n", brief(r.Value))
	}
	if r.Remedy != "" {
		fmt.Fprintf(&b, "  remedy   %s\n", printable(r.Remedy))
	}
	_, err := io.WriteString(p.w, b.String())
	return err
}

// brief shows a value in one line of a terminal: an object in place of one of its members need not be shown whole.
func brief(value string) string {
	if value[0] == '{' || value[0] == '[' {
		value = strings.Join(strings.Fields(value), " ")
	}
	if shown := []rune(value); len(shown) > 100 {
		value = string(shown[:100]) + " ..."
	}
	return printable(value)
}

func (p *lintText) end(s lintSum) error {
	_, err := fmt.Fprintf(p.w, "%s read: %d bad, %s\n", count(s.Findings, "finding"), s.Bad, count(s.Violations, "violation"))
	return err
}

// encoder writes JSON in few words; the first error stays.
type encoder struct {
	*jsontext.Encoder
	err error
}

func newEncoder(w io.Writer) *jsontext.Encoder {
	// Values are shown as sent, though they be no UTF-8: each bad byte becomes U+FFFD.
	return jsontext.NewEncoder(w, jsontext.AllowInvalidUTF8(true), jsontext.WithIndent("  "))
}

func (e *encoder) put(tokens ...jsontext.Token) {
	for _, t := range tokens {
		if e.err == nil {
			e.err = e.WriteToken(t)
		}
	}
}

// text writes a member that is a string; an empty one is left out.
func (e *encoder) text(name, value string) {
	if value != "" {
		e.put(jsontext.String(name), jsontext.String(value))
	}
}

func (e *encoder) number(name string, value int64) { e.put(jsontext.String(name), jsontext.Int(value)) }

// object writes a member that is an object, or an element of a list when it has no name.
func (e *encoder) object(name string, members func()) {
	if name != "" {
		e.put(jsontext.String(name))
	}
	e.put(jsontext.BeginObject)
	members()
	e.put(jsontext.EndObject)
}

func (e *encoder) list(name string, elements func()) {
	e.put(jsontext.String(name), jsontext.BeginArray)
	elements()
	e.put(jsontext.EndArray)
}

// lintJSON is one object: the violations, then the sums.
type lintJSON struct {
	encoder
	begun bool
}

func (p *lintJSON) begin() {
	if !p.begun {
		p.begun = true
		p.put(jsontext.BeginObject, jsontext.String("Violations"), jsontext.BeginArray)
	}
}

func (p *lintJSON) violation(r lintResult) error {
	p.begin()
	p.object("", func() {
		p.text("File", r.File)
		p.number("Line", int64(r.Line))
		p.number("Column", int64(r.Column))
		p.number("Offset", r.Offset)
		p.number("Finding", int64(r.Finding))
		p.text("Id", r.ID)
		p.text("Path", r.Path)
		p.text("Pointer", r.Pointer)
		p.text("Rule", r.Keyword)
		p.text("Message", r.Message)
		p.text("Value", r.Value)
		p.text("Remedy", r.Remedy)
	})
	return p.err
}

func (p *lintJSON) end(s lintSum) error {
	p.begin()
	p.put(jsontext.EndArray)
	p.number("FindingsRead", int64(s.Findings))
	p.number("FindingsBad", int64(s.Bad))
	p.put(jsontext.EndObject)
	return p.err
}

// lintRules describes every rule a violation may name, for SARIF's readers. The keywords are JSON Schema's.
var lintRules = []struct{ ID, Text string }{
	{"additionalProperties", "A member the format does not know."},
	{"anyOf", "One of several alternatives must hold."},
	{"duplicate", "A member that occurs twice in one object."},
	{"enum", "A value that is none of the allowed ones."},
	{"format", "A text that has the form of an instant and names none."},
	{hub.RuleJSON, "Text that is no strict JSON."},
	{"maximum", "A number that is too large."},
	{"maxItems", "A list that is too long."},
	{"maxLength", "A text that is too long."},
	{"maxProperties", "A map with too many entries."},
	{"minimum", "A number that is too small."},
	{"minItems", "A list that is too short."},
	{"minLength", "A text that is too short."},
	{"minProperties", "A map with too few entries."},
	{"pattern", "A text that does not match its pattern."},
	{hub.RuleProductArn, "A product ARN that names no product of a Region: it makes AWS refuse the whole request."},
	{"range", "A number beyond the range of its type."},
	{"required", "A member that is missing."},
	{hub.RuleSize, "A finding of more than 240 KB."},
	{"type", "A value of the wrong JSON type."},
	{"unicode", "An escape that is half of a surrogate pair."},
	{"uniqueItems", "A list that holds one item twice."},
}

// lintSARIF is a log in the Static Analysis Results Interchange Format 2.1.0, as code hosts take it.
type lintSARIF struct {
	encoder
	begun bool
}

func (p *lintSARIF) begin() {
	if p.begun {
		return
	}
	p.begun = true
	p.put(jsontext.BeginObject)
	p.text("$schema", "https://json.schemastore.org/sarif-2.1.0.json")
	p.text("version", "2.1.0")
	p.put(jsontext.String("runs"), jsontext.BeginArray, jsontext.BeginObject)
	p.object("tool", func() {
		p.object("driver", func() {
			p.text("name", "hubcap lint")
			p.list("rules", func() {
				for _, r := range lintRules {
					p.object("", func() {
						p.text("id", r.ID)
						p.object("shortDescription", func() { p.text("text", r.Text) })
					})
				}
			})
		})
	})
	p.text("columnKind", "unicodeCodePoints")
	p.put(jsontext.String("results"), jsontext.BeginArray)
}

func (p *lintSARIF) violation(r lintResult) error {
	p.begin()
	p.object("", func() {
		p.text("ruleId", r.Keyword)
		p.text("level", "error")
		p.object("message", func() { p.text("text", strings.TrimSpace(r.Path+" "+r.Message+". "+r.Remedy)) })
		p.list("locations", func() {
			p.object("", func() {
				p.object("physicalLocation", func() {
					p.object("artifactLocation", func() { p.text("uri", fileURI(r.File)) })
					p.object("region", func() {
						p.number("startLine", int64(r.Line))
						p.number("startColumn", int64(r.Column))
						p.number("byteOffset", r.Offset)
					})
				})
				p.list("logicalLocations", func() {
					p.object("", func() {
						p.text("fullyQualifiedName", r.Path)
						p.text("kind", "member")
					})
				})
			})
		})
		p.object("properties", func() {
			p.number("finding", int64(r.Finding))
			p.text("id", r.ID)
			p.text("pointer", r.Pointer)
			p.text("value", r.Value)
			p.text("remedy", r.Remedy)
		})
	})
	return p.err
}

func (p *lintSARIF) end(lintSum) error {
	p.begin()
	p.put(jsontext.EndArray, jsontext.EndObject, jsontext.EndArray, jsontext.EndObject)
	return p.err
}

// fileURI is the reference to a file in a log: relative ones stay so.
func fileURI(name string) string {
	u := url.URL{Path: filepath.ToSlash(name)}
	if filepath.IsAbs(name) {
		u.Scheme = "file"
	}
	return u.String()
}
