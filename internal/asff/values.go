package asff

import (
	"strings"
	"sync"
)

// taking says what to take from a value on the way to the filterable ones.
type taking struct {
	field  Field    // the attribute of a string, number or boolean, or of the values of a map
	list   bool     // take it of each element
	inside *reading // of an object
	kind   FieldKind
}

// reading is what to take from an object of the format: by member, the zero taking where there is nothing.
type reading struct {
	object *object
	of     []taking
	first  int // where its guesses begin
}

// readings is the tree of all paths in the table of fields.
var readings = sync.OnceValues(func() (root *reading, guesses int) {
	add := func(o *object) *reading {
		r := &reading{object: o, of: make([]taking, len(o.members)), first: guesses}
		guesses += len(o.members) + 1
		return r
	}
	root = add(format().root)
	for _, f := range Fields() {
		at := root
		parts := strings.Split(f.Path(), ".")
		if f.Path() == "" {
			continue
		}
		for i, part := range parts {
			name := strings.TrimRight(part, "[]{}")
			m := at.object.find(name)
			r := &at.of[m.index]
			sh := m.shape
			if r.list = sh.kind == kindList; r.list {
				sh = sh.elem
			}
			if i == len(parts)-1 {
				r.field, r.kind = f, f.Kind()
				break
			}
			if r.inside == nil {
				r.inside = add(sh.object)
			}
			at = r.inside
		}
	}
	return root, guesses
})

// extractor walks one document and collects its filterable values.
type extractor struct {
	root   *reading
	guess  []uint8 // by place in a reading: the index of the member that came next the last time
	doc    []byte
	values []Value
	text   []byte // decoded strings
}

// Values extracts the filterable values of a canonical document, in the order in which they stand in it. They alias doc and r and
// are valid until r's next call.
func (r *Reader) Values(doc []byte) []Value {
	x := &r.v
	if x.root == nil {
		root, guesses := readings()
		x.root, x.guess = root, make([]uint8, guesses)
	}
	x.doc, x.values, x.text = doc, x.values[:0], x.text[:0]
	if len(doc) > 0 && doc[0] == '{' {
		x.object(x.root, 0)
	}
	x.doc = nil
	return x.values
}

// object takes what r says from the object at p. It returns the offset behind it.
func (x *extractor) object(r *reading, p int) int {
	b, place := x.doc, r.first
	if p++; p < len(b) && b[p] == '}' {
		return p + 1
	}
	for p < len(b) {
		m, value := passName(b, p, r.object, x.guess[place])
		if m != nil {
			x.guess[place] = m.index
			place = r.first + 1 + int(m.index)
			p = x.value(&r.of[m.index], value)
		} else {
			p = passValue(b, value)
		}
		if p >= len(b) || b[p] != ',' {
			return p + 1
		}
		p++
	}
	return p + 1
}

// value takes what r says from the value at p. It returns the offset behind it.
func (x *extractor) value(r *taking, p int) int {
	b := x.doc
	if p >= len(b) {
		return p
	}
	if !r.list || b[p] != '[' {
		return x.element(r, p)
	}
	if r.field == NoField && r.inside == nil {
		return passValue(b, p)
	}
	if p++; p < len(b) && b[p] == ']' {
		return p + 1
	}
	for p < len(b) {
		if p = x.element(r, p); p >= len(b) || b[p] != ',' {
			break
		}
		p++
	}
	return p + 1
}

func (x *extractor) element(r *taking, p int) int {
	b := x.doc
	if p >= len(b) {
		return p
	}
	switch {
	case r.inside != nil && b[p] == '{':
		return x.object(r.inside, p)
	case r.field == NoField:
		return passValue(b, p)
	case r.kind == KindMap:
		if b[p] == '{' {
			return x.mapping(r.field, p)
		}
		return passValue(b, p)
	case b[p] == '"':
		end, escaped := passString(b, p)
		if end <= len(b) && (r.kind == KindString || r.kind == KindDate || r.kind == KindIP) {
			x.values = append(x.values, Value{Field: r.field, Text: x.string(p, end, escaped)})
		}
		return end
	case b[p] == '{' || b[p] == '[':
		return passValue(b, p)
	}
	end := passScalar(b, p)
	if isNumber := b[p] == '-' || b[p]-'0' <= 9; isNumber && r.kind == KindNumber || !isNumber && r.kind == KindBool {
		x.values = append(x.values, Value{Field: r.field, Text: b[p:end:end]})
	}
	return end
}

// mapping takes each string of the map at p under its key.
func (x *extractor) mapping(f Field, p int) int {
	b := x.doc
	if p++; p < len(b) && b[p] == '}' {
		return p + 1
	}
	for p < len(b) && b[p] == '"' {
		end, escaped := passString(b, p)
		if end >= len(b) || b[end] != ':' {
			break
		}
		key := x.string(p, end, escaped)
		p = end + 1
		if p < len(b) && b[p] == '"' {
			end, escaped = passString(b, p)
			if end > len(b) {
				break
			}
			x.values = append(x.values, Value{Field: f, Key: key, Text: x.string(p, end, escaped)})
			p = end
		} else {
			p = passValue(b, p)
		}
		if p >= len(b) || b[p] != ',' {
			return p + 1
		}
		p++
	}
	return len(b) + 1
}

// string decodes the string b[p:end], quotes and all.
func (x *extractor) string(p, end int, escaped bool) []byte {
	raw := x.doc[p+1 : end-1 : end-1]
	if !escaped {
		return raw
	}
	from := len(x.text)
	x.text = unescape(x.text, raw)
	return x.text[from:len(x.text):len(x.text)]
}
