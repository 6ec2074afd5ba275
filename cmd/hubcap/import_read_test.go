package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// readAll tells what the reader makes of a text: each finding with its place, then the error.
func readAll(r io.Reader) string {
	var out strings.Builder
	f := newFindingReader("f", r)
	for {
		item, err := f.Next()
		if errors.Is(err, io.EOF) {
			return out.String()
		}
		if err != nil {
			return out.String() + err.Error()
		}
		fmt.Fprintf(&out, "%d:%d@%d %s|", item.Line, item.Column, item.Offset, item.Raw)
	}
}

func TestReadForms(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"nothing", "", "f: no findings in it: it is empty"},
		{"white space", " \n\t", "f: no findings in it: it is empty"},
		{"byte order mark alone", "\uFEFF", "f: no findings in it: it is empty"},
		{"object with empty Findings", `{"Findings":[]}`, "f: no findings in it"},
		{"list", "[{\"a\":1}, {\"b\" : 2}\n,{}]", `1:2@1 {"a":1}|1:11@10 {"b" : 2}|2:2@21 {}|`},
		{"empty list", "[]", "f: no findings in it"},
		{"object with Findings", "{\"Findings\":[{\"a\":1},\n{}],\"NextToken\":\"x\"}", `1:14@13 {"a":1}|2:1@22 {}|`},
		{"Findings not first", `{"NextToken":{"Findings":[1]},"Findings":[{}]}`, `1:43@42 {}|`},
		{"Findings twice", `{"Findings":[{}],"x":[],"Findings":[{"a":1}]}`, `1:14@13 {}|1:37@36 {"a":1}|`},
		{"Findings is no list: a finding", `{"Findings":{}}`, `1:1@0 {"Findings":{}}|`},
		{"one finding", " { \"Id\" :\n1 } ", "1:2@1 { \"Id\" :\n1 }|"},
		{"NDJSON", "{\"a\":1}\n{\"b\":2}\n", `1:1@0 {"a":1}|2:1@8 {"b":2}|`},
		{"CRLF, no end of line", "{\"a\":1}\r\n{\"b\":2}", `1:1@0 {"a":1}|2:1@9 {"b":2}|`},
		{"mixed", "[{\"a\":1}]\n{\"Findings\":[{}]} {\"b\":2}", `1:2@1 {"a":1}|2:14@23 {}|2:19@28 {"b":2}|`},
		{"byte order mark", "\uFEFF{\"a\":1}", `1:1@0 {"a":1}|`},
		{"columns count characters", `["äö",{}]`, `1:2@1 "äö"|1:7@8 {}|`},
		{"no finding at all", "3\n", "1:1@0 3|"},
		{"duplicate members are for the judge", `{"a":1,"a":2}`, `1:1@0 {"a":1,"a":2}|`},
		{"bad UTF-8 is for the judge", "[{\"a\":\"\xff\"}]", "1:2@1 {\"a\":\"\xff\"}|"},
		{"broken in a list", "[{},\n{\"a\" 1}]", `1:2@1 {}|f:2:6: not JSON: invalid character '1' after object name (expecting ':')`},
		{"broken alone", "{\"a\":1}\n{\"a\":01}", `1:1@0 {"a":1}|f:2:7: not JSON: invalid character '1' after object value (expecting ',' or '}')`},
		{"cut off in a list", "[{},\n{\"a\":", `1:2@1 {}|f:2:6: not JSON: the file ends in the middle of a value`},
		{"cut off after a list", "[{}", `1:2@1 {}|f:1:4: not JSON: the file ends in the middle of a value`},
		{"cut off in an object", `{"Findings":[{}],`, `1:14@13 {}|f:1:18: not JSON: the file ends in the middle of a value`},
		{"comma between lines", "{},\n{}", `1:1@0 {}|f:1:3: not JSON: invalid character ',' at start of value`},
		{"no JSON", "<html>", `f:1:1: not JSON: invalid character '<' at start of value`},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, readAll(strings.NewReader(c.in)))
			require.Equal(t, c.want, readAll(iotest.OneByteReader(strings.NewReader(c.in))), "byte by byte")
		})
	}
}

func TestReadPassesOnTheFilesError(t *testing.T) {
	require.Equal(t, "1:2@1 {}|f: disk on fire",
		readAll(io.MultiReader(strings.NewReader("[{},"), iotest.ErrReader(errors.New("disk on fire")))))
}

// endless yields a list of the same finding until limit bytes are through.
type endless struct {
	unit  []byte
	left  int
	begun bool
	rest  []byte
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.rest) == 0 {
		switch {
		case !e.begun:
			e.begun, e.rest = true, []byte("[{}")
		case e.left <= 0:
			return 0, io.EOF
		default:
			e.left -= len(e.unit)
			e.rest = e.unit
		}
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

func TestReadHoldsOneValueAtATime(t *testing.T) {
	unit := []byte(`,{"Id":"` + strings.Repeat("x", 4000) + `"}`)
	f := newFindingReader("f", &endless{unit: unit, left: 8 << 20})
	n := 0
	for {
		_, err := f.Next()
		if err != nil {
			var broken *readError
			require.ErrorAs(t, err, &broken, "the list has no end")
			break
		}
		n++
		require.Less(t, cap(f.src.kept), 256<<10)
	}
	require.Equal(t, 1+(8<<20+len(unit)-1)/len(unit), n)
}

func TestReadRefusesOneHugeValue(t *testing.T) {
	for _, head := range []string{`"`, `{"x":"`, `["`, `{"Findings":[],"x":"`} {
		f := newFindingReader("f", io.MultiReader(strings.NewReader(head), iotest.DataErrReader(&zeros{})))
		require.Equal(t, maxValue, f.src.limit)
		f.src.limit = 128 << 10
		_, err := f.Next()
		var broken *readError
		require.ErrorAs(t, err, &broken, head)
		require.Contains(t, broken.Reason, "more than 8 MB")
		require.Less(t, cap(f.src.kept), 4*f.src.limit)
	}
}

// zeros never ends.
type zeros struct{}

func (*zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

// FuzzRead: what the reader calls a finding is a value of the file, at the place it says; and it takes a file if and only if
// encoding/json does.
func FuzzRead(f *testing.F) {
	for _, s := range []string{`[{"a":1},2]`, `{"Findings":[{}],"x":1}`, "{}\n{}", `{"a":[1,{"Findings":[3]}]}`, "\uFEFF[]", `{"Findings":[[]]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r := newFindingReader("f", bytes.NewReader(in))
		text := bytes.TrimPrefix(in, byteOrderMark)
		var err error
		for {
			var item readItem
			if item, err = r.Next(); err != nil {
				break
			}
			require.True(t, json.Valid(item.Raw), "%q", item.Raw)
			require.Equal(t, string(item.Raw), string(text[item.Offset:item.Offset+int64(len(item.Raw))]))
			require.Equal(t, place{Line: 1, Column: 1}.after(text[:item.Offset]), item.place)
		}
		dec := json.NewDecoder(bytes.NewReader(text))
		var v json.RawMessage
		theirs := dec.Decode(&v)
		for theirs == nil {
			theirs = dec.Decode(&v)
		}
		// A file without findings is read to its end all the same.
		_, none := errors.AsType[*noFindingsError](err)
		require.Equal(t, errors.Is(theirs, io.EOF), none || errors.Is(err, io.EOF), "%v, %v", theirs, err)
	})
}
