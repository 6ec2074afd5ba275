package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"hubcap/internal/asff"
)

// A column is a path into a finding, names joined by dots: Severity.Label, Resources.Id, Resources.Tags.env. Lists are passed through:
// what is found in each element is joined. wholeFinding is the finding itself.
const wholeFinding = "Finding"

// usualColumns are what a table of findings has when nobody asks for others.
var usualColumns = []string{
	"Id", "ProductArn", "ProductName", "CompanyName", "AwsAccountId", "Region", "GeneratorId", "Title", "Description", "Types",
	"Severity.Label", "Severity.Normalized", "Severity.Original", "Confidence", "Criticality", "Compliance.Status",
	"Compliance.SecurityControlId", "Workflow.Status", "RecordState", "VerificationState", "Note.Text", "Note.UpdatedBy",
	"Resources.Type", "Resources.Id", "Resources.Region", "Vulnerabilities.Id", "Remediation.Recommendation.Text",
	"Remediation.Recommendation.Url", "SourceUrl", "CreatedAt", "UpdatedAt", "FirstObservedAt", "LastObservedAt",
}

// joint stands between the values of one cell.
const joint = "; "

// columnReader finds the cells of findings. It serves one goroutine.
type columnReader struct {
	paths []string
	root  *columnNode
	cells []cell
	whole int // place of wholeFinding; -1
}

// cell is one value of a row; a finding may lack it.
type cell struct {
	text    []byte
	present bool
}

// columnNode is a member that some column goes through. A path may stop in the middle of a longer one; keys with dots are found by trying
// the rest of the path as one name.
type columnNode struct {
	ends     []int // columns that end here
	children map[string]*columnNode
}

func newColumnReader(paths []string) (*columnReader, error) {
	if len(paths) == 0 {
		paths = usualColumns
	}
	r := &columnReader{paths: paths, root: &columnNode{}, cells: make([]cell, len(paths)), whole: -1}
	seen := map[string]bool{}
	for i, path := range paths {
		switch {
		case path == "" || strings.HasPrefix(path, ".") || strings.HasSuffix(path, ".") || strings.Contains(path, ".."):
			return nil, fmt.Errorf("--columns: %q is no path such as Severity.Label", path)
		case seen[path]:
			return nil, fmt.Errorf("--columns: %s stands there twice", path)
		case attributeOnly(path):
			return nil, fmt.Errorf("--columns: %s is an attribute of conditions; a column is a path into the finding, such as Severity.Label", path)
		}
		seen[path] = true
		if path == wholeFinding {
			r.whole = i
			continue
		}
		r.root.add(path, i)
	}
	return r, nil
}

// attributeOnly tells whether a name stands in conditions and in no finding.
func attributeOnly(path string) bool {
	_, attribute := asff.FieldByName(path)
	_, member := asff.TopByName(path)
	return attribute && !member
}

// add registers every way to read a path: its names may hold dots.
func (n *columnNode) add(path string, column int) {
	child := func(name string) *columnNode {
		if n.children == nil {
			n.children = map[string]*columnNode{}
		}
		if n.children[name] == nil {
			n.children[name] = &columnNode{}
		}
		return n.children[name]
	}
	last := child(path)
	last.ends = append(last.ends, column)
	for i := range len(path) {
		if path[i] == '.' {
			child(path[:i]).add(path[i+1:], column)
		}
	}
}

// row reads the cells of one finding. They are valid until the next call.
func (r *columnReader) row(finding []byte) ([]cell, error) {
	for i := range r.cells {
		r.cells[i] = cell{text: r.cells[i].text[:0]}
	}
	if r.whole >= 0 {
		r.cells[r.whole] = cell{text: append(r.cells[r.whole].text, finding...), present: true}
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(finding), jsontext.AllowDuplicateNames(true))
	if d.PeekKind() != '{' {
		return nil, errors.New("a line that is no finding")
	}
	return r.cells, r.value(d, r.root)
}

func (r *columnReader) value(d *jsontext.Decoder, n *columnNode) error {
	switch d.PeekKind() {
	case '[':
		if len(n.ends) > 0 && len(n.children) == 0 { // values of a list; objects in it become JSON
			return r.list(d, n)
		}
		return r.each(d, func() error { return r.value(d, n) })
	case '{':
		if len(n.ends) > 0 {
			v, err := d.ReadValue()
			if err != nil {
				return err
			}
			r.put(n, v)
			if len(n.children) == 0 {
				return nil
			}
			inner := jsontext.NewDecoder(bytes.NewBuffer(bytes.Clone(v)))
			return r.object(inner, n)
		}
		return r.object(d, n)
	default:
		return r.scalar(d, n)
	}
}

func (r *columnReader) list(d *jsontext.Decoder, n *columnNode) error {
	return r.each(d, func() error {
		if k := d.PeekKind(); k == '{' || k == '[' {
			v, err := d.ReadValue()
			if err == nil {
				r.put(n, v)
			}
			return err
		}
		return r.scalar(d, n)
	})
}

func (r *columnReader) each(d *jsontext.Decoder, element func() error) error {
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != ']' {
		if err := element(); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

func (r *columnReader) object(d *jsontext.Decoder, n *columnNode) error {
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		if child := n.children[name.String()]; child != nil {
			err = r.value(d, child)
		} else {
			err = d.SkipValue()
		}
		if err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

func (r *columnReader) scalar(d *jsontext.Decoder, n *columnNode) error {
	if len(n.ends) == 0 {
		return d.SkipValue()
	}
	t, err := d.ReadToken()
	if err != nil || t.Kind() == 'n' {
		return err
	}
	r.put(n, []byte(t.String()))
	return nil
}

// put adds a value to the cells of the columns that end at n.
func (r *columnReader) put(n *columnNode, text []byte) {
	for _, i := range n.ends {
		c := &r.cells[i]
		if c.present {
			c.text = append(c.text, joint...)
		}
		c.text, c.present = append(c.text, text...), true
	}
}
