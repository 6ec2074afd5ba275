package asff

import (
	"encoding/binary"
	"math/bits"
)

// What follows walks documents that were checked before and are canonical: it validates nothing and skips what nobody asked for.
// On anything else it stops early; it never reads beyond the document. Offsets beyond the end mean that it did.

// passString is the offset behind the string whose opening quote is at p. escaped: it holds escapes.
func passString(b []byte, p int) (end int, escaped bool) {
	for p++; p+8 <= len(b); {
		x := binary.LittleEndian.Uint64(b[p:])
		quote := x ^ '"'*ones
		slash := x ^ '\\'*ones
		m := ((quote-ones)&^quote | (slash-ones)&^slash) & highs
		if m == 0 {
			p += 8
			continue
		}
		p += bits.TrailingZeros64(m) >> 3
		if b[p] == '"' {
			return p + 1, escaped
		}
		escaped = true
		p += 2
	}
	for ; p < len(b); p++ {
		switch b[p] {
		case '"':
			return p + 1, escaped
		case '\\':
			escaped = true
			p++
		}
	}
	return len(b) + 1, escaped
}

// passScalar is the offset behind the number or literal at p.
func passScalar(b []byte, p int) int {
	for ; p < len(b); p++ {
		if c := b[p]; c == ',' || c == '}' || c == ']' {
			break
		}
	}
	return p
}

// passValue is the offset behind the value at p.
func passValue(b []byte, p int) int {
	if p >= len(b) {
		return len(b) + 1
	}
	switch b[p] {
	case '"':
		p, _ = passString(b, p)
		return p
	case '{', '[':
	default:
		return passScalar(b, p)
	}
	for open := 0; p < len(b); {
		switch b[p] {
		case '"':
			p, _ = passString(b, p)
		case '{', '[':
			open++
			p++
		case '}', ']':
			p++
			if open--; open == 0 {
				return p
			}
		default:
			p++
		}
	}
	return len(b) + 1
}

// passName reads the member name at p of an object that is laid out as o: the member, or nil where the format does not know it,
// and the offset of its value. guess is the member to expect.
func passName(b []byte, p int, o *object, guess uint8) (m *member, value int) {
	if int(guess) < len(o.members) {
		m = &o.members[guess]
		if end := p + len(m.quoted); end <= len(b) && string(b[p:end]) == m.quoted {
			return m, end
		}
	}
	if p >= len(b) || b[p] != '"' {
		return nil, len(b) + 1
	}
	end, escaped := passString(b, p)
	if end >= len(b) || b[end] != ':' {
		return nil, len(b) + 1
	}
	if escaped {
		return nil, end + 1 // canonical names of the format need no escapes
	}
	if p+9 > len(b) {
		return o.find(string(b[p+1 : end-1])), end + 1
	}
	return o.lookup(b, p+1, end-p-2), end + 1
}

// Split finds the top-level members of a canonical document. It fails with a *SyntaxError where the document is not canonical.
func Split(doc []byte, m *Members) error {
	*m = Members{}
	o := format().root
	p, next := 1, 0
	if len(doc) < 2 || doc[0] != '{' {
		return &SyntaxError{Reason: "no canonical document"}
	}
	if doc[1] == '}' {
		p = 2
	} else {
		for {
			start := p
			t, value := passName(doc, p, o, uint8(next))
			if p = passValue(doc, value); p >= len(doc) {
				return &SyntaxError{Offset: start, Reason: "no canonical document: it ends early"}
			}
			at := span{uint32(value), uint32(p)} //nolint:gosec // a document is below 2 GB
			switch {
			case t == nil:
				if m.unknown.to == 0 {
					m.unknown.from = uint32(start)
				}
				m.unknown.to = at.to
				next = int(numTops)
			case int(t.index) < next:
				return &SyntaxError{Offset: start, Reason: "no canonical document: " + t.name + " is out of order"}
			default:
				m.at[t.index] = at
				next = int(t.index) + 1
			}
			if c := doc[p]; c == ',' {
				p++
				continue
			} else if c != '}' {
				return &SyntaxError{Offset: p, Reason: "no canonical document: expected , or }"}
			}
			p++
			break
		}
	}
	if p != len(doc) {
		return &SyntaxError{Offset: p, Reason: "no canonical document: unexpected data after the end"}
	}
	return nil
}

// Subject is what a canonical document is about, as JSON values in it: which rule of its generator found what of which resource. nil stands for
// what it does not say. Two findings of one subject are one thing found twice, or two of a kind in one place.
func Subject(doc []byte, m *Members) (generator, title, resource []byte) {
	generator, title = m.Get(doc, TopGeneratorId), m.Get(doc, TopTitle)
	list := m.Get(doc, TopResources)
	if len(list) < 2 || list[1] != '{' {
		return generator, title, nil
	}
	o := format().root.members[TopResources].shape.elem.object
	for p := 2; p < len(list) && list[p] == '"'; p++ {
		t, value := passName(list, p, o, 0)
		if p = passValue(list, value); p >= len(list) {
			break
		}
		if t != nil && t.name == "Id" {
			return generator, title, list[value:p]
		}
		if list[p] != ',' {
			break
		}
	}
	return generator, title, nil
}

// Fullest is the top-level list or map of a canonical document that is nearest to the most it may hold; limit 0: it has none with a limit.
func Fullest(doc []byte, m *Members) (member Top, n, limit int) {
	o := format().root
	for t := range numTops {
		sh := o.members[t].shape
		if sh.max == unbounded || sh.kind != kindList && sh.kind != kindMap {
			continue
		}
		v := m.Get(doc, t)
		if len(v) <= 2 {
			continue
		}
		count := 0
		for p := 1; p < len(v); p++ {
			if sh.kind == kindMap {
				p, _ = passString(v, p)
				p++ // the colon
			}
			if p = passValue(v, p); p >= len(v) {
				break
			}
			count++
		}
		if limit == 0 || count*limit > n*int(sh.max) {
			member, n, limit = t, count, int(sh.max)
		}
	}
	return member, n, limit
}
