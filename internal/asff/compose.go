package asff

import (
	"bytes"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// document is the top-level members of a document under construction: their JSON values, nil where absent. The values alias the
// documents they come from, or a Merger's scratch.
type document [numTops][]byte

// take fills d with the members of doc.
func (d *document) take(doc []byte, m *Members) {
	for t := range numTops {
		d[t] = present(m.Get(doc, t))
	}
}

// topLabels are the members' names as they stand in a document: quoted, with the colon.
var topLabels = func() (l [numTops]string) {
	for t := range numTops {
		l[t] = `"` + topNames[t] + `":`
	}
	return l
}()

// append writes the document in canonical order behind dst, the unknown members last.
func (d *document) append(dst, unknown []byte) []byte {
	dst = append(dst, '{')
	start := len(dst)
	for t, v := range d {
		if v != nil {
			dst = append(dst, topLabels[t]...)
			dst = append(dst, v...)
			dst = append(dst, ',')
		}
	}
	if len(unknown) > 0 {
		dst = append(dst, unknown...)
		dst = append(dst, ',')
	}
	if len(dst) > start {
		dst = dst[:len(dst)-1]
	}
	return append(dst, '}')
}

// A cursor walks the members of an object, or the elements of a list, in canonical JSON: there is no white space, and names are
// written with the shortest escapes, so that they may be compared as bytes. On anything else it stops early; it never panics.
type cursor struct {
	b []byte
	i int
}

// walk begins at the first member or element of v, which begins with { or [.
func walk(v []byte) cursor { return cursor{b: v, i: 1} }

// member is the next member of an object: its name between the quotes, not unescaped, and its value.
func (c *cursor) member() (name, value []byte, ok bool) {
	i := c.i
	if i >= len(c.b) || c.b[i] != '"' {
		return nil, nil, false
	}
	colon, _ := passString(c.b, i)
	if colon >= len(c.b) || c.b[colon] != ':' {
		return nil, nil, false
	}
	end := passValue(c.b, colon+1)
	if end >= len(c.b) {
		return nil, nil, false
	}
	c.i = end + 1
	return c.b[i+1 : colon-1 : colon-1], c.b[colon+1 : end : end], true
}

// element is the next element of a list.
func (c *cursor) element() (value []byte, ok bool) {
	i := c.i
	if i >= len(c.b) || c.b[i] == ']' {
		return nil, false
	}
	end := passValue(c.b, i)
	if end >= len(c.b) || end == i {
		return nil, false
	}
	c.i = end + 1
	return c.b[i:end:end], true
}

// isNull tells whether a value is null, which counts as absent.
func isNull(v []byte) bool { return len(v) > 0 && v[0] == 'n' }

// present is v, or nil for null.
func present(v []byte) []byte {
	if isNull(v) {
		return nil
	}
	return v
}

// locate is where the value of a member of an object lies; to is 0 where the member is absent or null. name is compared as it is
// written.
func locate(object []byte, name string) (from, to int) {
	if len(object) == 0 || object[0] != '{' {
		return 0, 0
	}
	c := walk(object)
	for {
		n, v, ok := c.member()
		if !ok {
			return 0, 0
		}
		if string(n) == name {
			if isNull(v) {
				return 0, 0
			}
			return c.i - 1 - len(v), c.i - 1
		}
	}
}

// lookup is the value of a member of an object, nil where it is absent or null.
func lookup(object []byte, name string) []byte {
	from, to := locate(object, name)
	if to == 0 {
		return nil
	}
	return object[from:to:to]
}

// appendWith writes object with the member name set to value, in place where it was, else at the end.
func appendWith(dst, object []byte, name string, value []byte) []byte {
	if len(object) == 0 || object[0] != '{' {
		object = []byte("{}")
	}
	dst = append(dst, '{')
	start, done := len(dst), false
	c := walk(object)
	for {
		n, v, ok := c.member()
		if !ok {
			break
		}
		if string(n) == name {
			v, done = value, true
		}
		dst = appendMember(dst, start, n, v)
	}
	if !done {
		dst = appendMember(dst, start, []byte(name), value)
	}
	return append(dst, '}')
}

// appendMember writes "name":value, and a comma before it unless dst ends at start.
func appendMember(dst []byte, start int, name, value []byte) []byte {
	if len(dst) > start {
		dst = append(dst, ',')
	}
	dst = append(dst, '"')
	dst = append(dst, name...)
	dst = append(dst, '"', ':')
	return append(dst, value...)
}

// appendString writes s as a JSON string with the shortest escapes. Invalid UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			dst, _ = jsontext.AppendQuote(dst, s) // its error speaks of the UTF-8 it has mended
			return dst
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

// unquoted is what a JSON string says.
func unquoted(v []byte) string {
	if len(v) >= 2 && bytes.IndexByte(v, '\\') < 0 {
		return string(v[1 : len(v)-1]) // canonical documents hold nothing else that would have to be decoded
	}
	b, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return ""
	}
	return string(b)
}

// appendTime writes t as the service writes its own timestamps, "2006-01-02T15:04:05.000Z", as a JSON string (D17). Only the plain
// RFC 3339 layout is quick, so the milliseconds are put in by hand.
func appendTime(dst []byte, t time.Time) []byte {
	dst = append(dst, '"')
	dst = t.UTC().AppendFormat(dst, time.RFC3339)
	ms := t.Nanosecond() / int(time.Millisecond)
	return append(dst[:len(dst)-len("Z")], '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z', '"') //nolint:gosec // digits
}

// instant is the instant of a timestamp's JSON value, in Unix milliseconds.
func instant(v []byte) (int64, bool) {
	if len(v) < 2 {
		return 0, false
	}
	return ParseTime(v[1 : len(v)-1])
}
