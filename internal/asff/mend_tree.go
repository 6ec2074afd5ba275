package asff

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// node is a JSON value that can be changed. Objects keep their members in the order sent, names sent twice included.
type node struct {
	kind    byte   // '{', '[', '"', '0', or 't' of true and false, 'n' of null
	raw     []byte // of a scalar, as sent
	text    string // of a string, decoded; half a surrogate pair reads as U+FFFD
	names   []string
	values  []*node // of an object, beside names, or of a list
	altered bool    // a string that raw is no longer
}

func stringNode(text string) *node { return &node{kind: '"', text: text, altered: true} }

func numberNode(text string) *node { return &node{kind: '0', raw: []byte(text)} }

func objectNode() *node { return &node{kind: '{'} }

// parseTree reads a text whose syntax the scanner has judged.
func parseTree(text []byte) (*node, error) {
	d := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	return readNode(d)
}

func readNode(d *jsontext.Decoder) (*node, error) {
	n := &node{}
	switch k := d.PeekKind(); k {
	case '{', '[':
		n.kind = byte(k)
		if _, err := d.ReadToken(); err != nil {
			return nil, err
		}
		for d.PeekKind() != '}' && d.PeekKind() != ']' {
			if n.kind == '{' {
				name, err := d.ReadToken()
				if err != nil {
					return nil, err
				}
				n.names = append(n.names, name.String())
			}
			v, err := readNode(d)
			if err != nil {
				return nil, err
			}
			n.values = append(n.values, v)
		}
		_, err := d.ReadToken()
		return n, err
	default:
		raw, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		n.raw = slices.Clone(raw)
		switch c := raw[0]; c {
		case '"':
			n.kind = '"'
			text, _ := jsontext.AppendUnquote(nil, raw) // its error speaks of the Unicode that it has mended
			n.text = string(text)
		case 't', 'f':
			n.kind = 't'
		case 'n':
			n.kind = 'n'
		default:
			n.kind = '0'
		}
		return n, nil
	}
}

// append writes a value: indent spaces in front of each line but the first, or on one line where indent is negative.
func (n *node) append(dst []byte, indent int) []byte {
	line := func(more int) {
		if indent >= 0 {
			dst = append(dst, '\n')
			for range indent + more {
				dst = append(dst, ' ')
			}
		}
	}
	inner := indent
	if indent >= 0 {
		inner += 2
	}
	switch n.kind {
	case '{', '[':
		if len(n.values) == 0 {
			return append(dst, n.kind, n.kind+2)
		}
		dst = append(dst, n.kind)
		for i, v := range n.values {
			if i > 0 {
				dst = append(dst, ',')
			}
			line(2)
			if n.kind == '{' {
				dst = append(quote(dst, n.names[i]), ':')
				if indent >= 0 {
					dst = append(dst, ' ')
				}
			}
			dst = v.append(dst, inner)
		}
		line(0)
		return append(dst, n.kind+2)
	case '"':
		if n.altered {
			return quote(dst, n.text)
		}
	}
	return append(dst, n.raw...)
}

func quote(dst []byte, text string) []byte {
	dst, _ = jsontext.AppendQuote(dst, text) // its error speaks of the UTF-8 that it has mended
	return dst
}

// member is the place of a name in an object, the last one where it was sent twice; -1: it is not there.
func (n *node) member(name string) int {
	for i, have := range slices.Backward(n.names) {
		if have == name {
			return i
		}
	}
	return -1
}

// get is the value of a member, or nil.
func (n *node) get(name string) *node {
	if n == nil || n.kind != '{' {
		return nil
	}
	if i := n.member(name); i >= 0 {
		return n.values[i]
	}
	return nil
}

// string is the text of a member that is a string, or "".
func (n *node) string(name string) string {
	if v := n.get(name); v != nil && v.kind == '"' {
		return v.text
	}
	return ""
}

func (n *node) set(name string, value *node) {
	if i := n.member(name); i >= 0 {
		n.values[i] = value
		return
	}
	n.names, n.values = append(n.names, name), append(n.values, value)
}

// drop takes a child out.
func (n *node) drop(child *node) {
	i := slices.Index(n.values, child)
	if i < 0 {
		return
	}
	n.values = slices.Delete(n.values, i, i+1)
	if n.kind == '{' {
		n.names = slices.Delete(n.names, i, i+1)
	}
}

// spot is where a JSON pointer leads: the value, what holds it, and what the format asks of it.
type spot struct {
	parent, node *node
	name         string // of the last step
	shape        *shape
	omissible    bool
}

// find follows a pointer of a violation.
func (n *node) find(pointer string) (spot, bool) {
	s := spot{node: n}
	s.shape, s.omissible = shapeOf(pointer)
	if pointer == "" {
		return s, true
	}
	for part := range strings.SplitSeq(pointer[1:], "/") {
		s.parent, s.name = s.node, strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		switch s.parent.kind {
		case '{':
			if s.node = s.parent.get(s.name); s.node == nil {
				return s, false
			}
		case '[':
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(s.parent.values) {
				return s, false
			}
			s.node = s.parent.values[i]
		default:
			return s, false
		}
	}
	return s, true
}

// shapeOf is shapeAt for the finding itself, too.
func shapeOf(pointer string) (sh *shape, omissible bool) {
	if pointer == "" {
		return &shape{kind: kindObject, object: format().root}, false
	}
	return shapeAt(pointer)
}

// rewrite has every string within written anew, in valid Unicode; names always are.
func (n *node) rewrite() {
	n.altered = true
	for _, v := range n.values {
		v.rewrite()
	}
}
