package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// maxValue bounds the memory one value of a file may cost: more than any body hubcap takes, so more than any finding can be.
const maxValue = 8 << 20

// errHugeValue: a single value of the file is larger than any request may be.
var errHugeValue = fmt.Errorf("a single value of more than %d MB: no finding can be that large", maxValue>>20)

// place is where something begins in a file. Offset counts bytes from 0, Line and Column count from 1, Column in characters.
type place struct {
	Offset int64
	Line   int
	Column int
}

// readItem is one finding of a file as it stands there, from its first to its last byte. Raw is valid until the next call.
type readItem struct {
	Raw []byte
	place
}

// readError is what makes the rest of a file unreadable.
type readError struct {
	File string
	place
	Reason string
}

// Error names the file and the place in it, as compilers do.
func (e *readError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Reason)
}

// findingReader yields the findings of a file one by one, whatever its form: a list of findings, an object with the member
// Findings, one finding, or any number of these after one another (NDJSON). It holds no more than one value in memory.
//
// It checks that the file is JSON and nothing else: duplicate members and text that is no UTF-8 are for the judge of a finding.
type findingReader struct {
	name  string
	src   *tail
	dec   *jsontext.Decoder
	where readState
	begun bool // there is something but white space
	found bool // a finding was read
}

// readState is where the reader stands between two findings.
type readState uint8

const (
	atTop      readState = iota // between top-level values
	inList                      // in a top-level list
	inFindings                  // in the list Findings of an object
	inEnvelope                  // in an object whose list Findings is over
)

func newFindingReader(name string, r io.Reader) *findingReader {
	src := &tail{r: r, limit: maxValue, place: place{Line: 1, Column: 1}}
	return &findingReader{
		name: name,
		src:  src,
		dec:  jsontext.NewDecoder(src, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)),
	}
}

// noFindingsError says that a file was read to its end and held none.
type noFindingsError struct {
	File  string
	Empty bool // nothing but white space: whoever wrote it came to nothing
}

// Error is a warning, but of an empty file.
func (e *noFindingsError) Error() string {
	if e.Empty {
		return e.File + ": no findings in it: it is empty"
	}
	return e.File + ": no findings in it"
}

// harmless tells whether an error of a file is only a warning: a scanner may find nothing.
func harmless(err error) bool {
	none, ok := errors.AsType[*noFindingsError](err)
	return ok && !none.Empty
}

// Next is the next finding. io.EOF: there is none left. *noFindingsError: there was none. *readError: the file cannot be read further.
func (f *findingReader) Next() (readItem, error) {
	item, err := f.next()
	switch {
	case err == nil:
		f.found = true
	case errors.Is(err, io.EOF) && !f.found:
		err = &noFindingsError{File: f.name, Empty: !f.begun}
	}
	return item, err
}

func (f *findingReader) next() (readItem, error) {
	for {
		kind := f.dec.PeekKind()
		f.begun = f.begun || kind != jsontext.KindInvalid
		switch {
		case f.where == atTop && kind == '{':
			item, isFinding, err := f.object()
			if err != nil {
				return readItem{}, f.fail(err)
			}
			if isFinding {
				return item, nil
			}
		case f.where == atTop && kind == '[':
			if _, err := f.dec.ReadToken(); err != nil {
				return readItem{}, f.fail(err)
			}
			f.where = inList
		case f.where == inList && kind == ']', f.where == inFindings && kind == ']', f.where == inEnvelope && kind == '}':
			if _, err := f.dec.ReadToken(); err != nil {
				return readItem{}, f.fail(err)
			}
			if f.where == inFindings {
				f.where = inEnvelope
			} else {
				f.where = atTop
			}
		case f.where == inEnvelope:
			found, err := f.member()
			if err != nil {
				return readItem{}, f.fail(err)
			}
			if found {
				f.where = inFindings
			}
		default:
			raw, err := f.dec.ReadValue()
			if err != nil {
				return readItem{}, f.fail(err)
			}
			f.src.forget(f.dec.InputOffset() - int64(len(raw)))
			return readItem{Raw: raw, place: f.src.place}, nil
		}
	}
}

// object reads a top-level object: either it is a finding itself, or the reader now stands in its list Findings.
func (f *findingReader) object() (item readItem, isFinding bool, err error) {
	if _, err := f.dec.ReadToken(); err != nil {
		return readItem{}, false, err
	}
	f.src.forget(f.dec.InputOffset() - 1)
	for f.dec.PeekKind() != '}' {
		found, err := f.member()
		if err != nil {
			return readItem{}, false, err
		}
		if found {
			f.where = inFindings
			return readItem{}, false, nil
		}
	}
	if _, err := f.dec.ReadToken(); err != nil {
		return readItem{}, false, err
	}
	return readItem{Raw: f.src.upTo(f.dec.InputOffset()), place: f.src.place}, true, nil
}

// member reads a member of an object. When it is a list called Findings, the decoder stands in it and found is true.
func (f *findingReader) member() (found bool, err error) {
	name, err := f.dec.ReadToken()
	if err != nil {
		return false, err
	}
	if name.Kind() == '"' && name.String() == "Findings" && f.dec.PeekKind() == '[' {
		_, err := f.dec.ReadToken()
		return true, err
	}
	return false, f.dec.SkipValue()
}

// fail turns what the decoder says into the file's error.
func (f *findingReader) fail(err error) error {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, errHugeValue):
		return &readError{File: f.name, place: f.src.place, Reason: errHugeValue.Error()}
	case errors.As(err, &syntax):
		f.src.forget(min(syntax.ByteOffset, f.src.end()))
		reason := "not JSON: " + syntax.Err.Error()
		if errors.Is(syntax.Err, io.ErrUnexpectedEOF) {
			reason = "not JSON: the file ends in the middle of a value"
		}
		return &readError{File: f.name, place: f.src.place, Reason: reason}
	case errors.Is(err, io.EOF) && f.where == atTop:
		return io.EOF
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		f.src.forget(f.src.end())
		return &readError{File: f.name, place: f.src.place, Reason: "not JSON: the file ends in the middle of a value"}
	}
	if f.src.failed != nil {
		err = f.src.failed // without the decoder's words around it
	}
	return fmt.Errorf("%s: %w", f.name, err)
}

// tail passes a file on to the decoder and keeps what came since the last finding began: lines can be counted, and an object
// that turned out to be a finding can be had as it was sent.
type tail struct {
	r     io.Reader
	kept  []byte
	limit int // of kept
	place
	begun  bool
	failed error // of r, but for its end
}

var byteOrderMark = []byte("\uFEFF")

// Read implements io.Reader. A byte order mark at the start of the file is dropped: some shells write one.
func (t *tail) Read(p []byte) (int, error) {
	if len(t.kept) > t.limit {
		return 0, errHugeValue
	}
	if !t.begun {
		t.begun = true
		head := make([]byte, len(byteOrderMark))
		n, err := io.ReadFull(t.r, head)
		head = head[:n]
		switch {
		case err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
			return 0, err
		case !bytes.Equal(head, byteOrderMark):
			t.r = io.MultiReader(bytes.NewReader(head), t.r)
		}
	}
	n, err := t.r.Read(p)
	t.kept = append(t.kept, p[:n]...)
	if err != nil && !errors.Is(err, io.EOF) {
		t.failed = err
	}
	return n, err
}

// end is the offset after the last byte read.
func (t *tail) end() int64 { return t.Offset + int64(len(t.kept)) }

// upTo is what was read from the place up to the offset.
func (t *tail) upTo(offset int64) []byte { return t.kept[:offset-t.Offset] }

// forget moves the place to the offset and lets go of what is before it.
func (t *tail) forget(offset int64) {
	n := offset - t.Offset
	t.place = t.after(t.kept[:n])
	t.kept = t.kept[:copy(t.kept, t.kept[n:])]
}

// after is the place that follows the text that begins at p.
func (p place) after(text []byte) place {
	p.Offset += int64(len(text))
	if i := bytes.LastIndexByte(text, '\n'); i >= 0 {
		p.Line += bytes.Count(text, []byte{'\n'})
		p.Column = 1
		text = text[i+1:]
	}
	p.Column += utf8.RuneCount(text)
	return p
}
