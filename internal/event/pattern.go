package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Pattern is an event pattern as EventBridge's rules have them: an object whose members must all be matched, down to lists of which one
// element must. What is no string, number, true, false or null in such a list is a test: prefix, suffix, equals-ignore-case, wildcard,
// anything-but, numeric, exists, cidr. $or lists objects of which one must match. A list in the event is matched when one of its
// elements is; all that one object of a pattern asks for must hold of one and the same element.
type Pattern struct {
	text   string
	root   object
	asksID bool // it looks at the envelope's id
}

// object must be matched as a whole.
type object struct {
	fields []field
	either [][]object // of each list, one
}

type field struct {
	name  string
	below *object // or
	tests []test  // one of them
}

// maxPattern is EventBridge's, in bytes.
const maxPattern = 2048

// maxNesting bounds patterns; events are bounded where they are read (D42).
const maxNesting = 32

// ParsePattern reads a pattern. Errors name the place in it.
func ParsePattern(text string) (*Pattern, error) {
	if len(text) > maxPattern {
		return nil, fmt.Errorf("pattern: has %d bytes, may have %d", len(text), maxPattern)
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("pattern: is no JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("pattern: something stands behind it")
	}
	members, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("pattern: must be an object")
	}
	p := &Pattern{text: text}
	if err := p.root.parse("pattern", members, 0); err != nil {
		return nil, err
	}
	p.asksID = p.root.asks("id")
	return p, nil
}

// String is the pattern as it was given.
func (p *Pattern) String() string { return p.text }

func (o *object) asks(name string) bool {
	for i := range o.fields {
		if o.fields[i].name == name {
			return true
		}
	}
	for _, list := range o.either {
		if slices.ContainsFunc(list, func(o object) bool { return o.asks(name) }) {
			return true
		}
	}
	return false
}

func (o *object) parse(at string, members map[string]any, depth int) error {
	switch {
	case len(members) == 0:
		return fmt.Errorf("%s: an empty object matches nothing", at)
	case depth > maxNesting:
		return fmt.Errorf("%s: nested more than %d deep", at, maxNesting)
	}
	names := make([]string, 0, len(members))
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		here := at + "." + name
		switch v := members[name].(type) {
		case map[string]any:
			f := field{name: name, below: new(object)}
			if err := f.below.parse(here, v, depth+1); err != nil {
				return err
			}
			o.fields = append(o.fields, f)
		case []any:
			if len(v) == 0 {
				return fmt.Errorf("%s: an empty list matches nothing", here)
			}
			if name == "$or" {
				list := make([]object, len(v))
				for i := range v {
					alternative, ok := v[i].(map[string]any)
					if !ok {
						return fmt.Errorf("%s[%d]: must be an object", here, i)
					}
					if err := list[i].parse(fmt.Sprintf("%s[%d]", here, i), alternative, depth+1); err != nil {
						return err
					}
				}
				o.either = append(o.either, list)
				continue
			}
			f := field{name: name}
			for i := range v {
				t, err := parseTest(fmt.Sprintf("%s[%d]", here, i), v[i])
				if err != nil {
					return err
				}
				f.tests = append(f.tests, t)
			}
			o.fields = append(o.fields, f)
		default:
			return fmt.Errorf("%s: must be a list of values and tests, or an object", here)
		}
	}
	return nil
}

// leaf is a value of the event that is no object and no list.
type leaf struct {
	raw  []byte // as it stands there
	text []byte // of a string, unquoted; nil: it is none
}

// test judges one leaf. absent is the answer where there is none.
type test struct {
	holds  func(l *leaf) bool
	absent bool
}

func parseTest(at string, v any) (test, error) {
	members, ok := v.(map[string]any)
	if !ok {
		return exactly(at, v)
	}
	if len(members) != 1 {
		return test{}, fmt.Errorf("%s: a test has one member", at)
	}
	for name, operand := range members {
		t, err := parseNamed(at+"."+name, name, operand)
		return t, err
	}
	panic("unreachable")
}

// exactly compares as EventBridge does: numbers by their text, so 300 and 3.0e2 differ.
func exactly(at string, v any) (test, error) {
	switch v := v.(type) {
	case string:
		return onText(func(s string) bool { return s == v }), nil
	case json.Number:
		return onRaw(v.String()), nil
	case bool:
		return onRaw(strconv.FormatBool(v)), nil
	case nil:
		return onRaw("null"), nil
	}
	return test{}, fmt.Errorf("%s: must be a value or a test", at)
}

func onRaw(want string) test {
	return test{holds: func(l *leaf) bool { return l.text == nil && string(l.raw) == want }}
}

func onText(holds func(s string) bool) test {
	return test{holds: func(l *leaf) bool { return l.text != nil && holds(string(l.text)) }}
}

func parseNamed(at, name string, operand any) (test, error) {
	switch name {
	case "prefix", "suffix", "equals-ignore-case", "wildcard":
		return parseText(at, name, operand)
	case "anything-but":
		return parseAnythingBut(at, operand)
	case "numeric":
		return parseNumeric(at, operand)
	case "exists":
		want, ok := operand.(bool)
		if !ok {
			return test{}, fmt.Errorf("%s: must be true or false", at)
		}
		return test{holds: func(*leaf) bool { return want }, absent: !want}, nil
	case "cidr":
		text, _ := operand.(string)
		block, err := netip.ParsePrefix(text)
		if err != nil {
			return test{}, fmt.Errorf("%s: must be an address block such as 10.0.0.0/24", at)
		}
		block = block.Masked()
		return onText(func(s string) bool {
			ip, err := netip.ParseAddr(s)
			return err == nil && block.Contains(ip.WithZone(""))
		}), nil
	}
	return test{}, fmt.Errorf("%s: there is no such test", at)
}

// parseText reads the tests of strings. prefix and suffix may ignore case: {"prefix": {"equals-ignore-case": "x"}}.
func parseText(at, name string, operand any) (test, error) {
	fold := false
	if inner, ok := operand.(map[string]any); ok && (name == "prefix" || name == "suffix") {
		if operand, fold = inner["equals-ignore-case"]; len(inner) != 1 || !fold {
			return test{}, fmt.Errorf("%s: must be a string, or an object with equals-ignore-case", at)
		}
	}
	want, ok := operand.(string)
	if !ok {
		return test{}, fmt.Errorf("%s: must be a string", at)
	}
	switch name {
	case "prefix":
		return onText(func(s string) bool {
			return strings.HasPrefix(s, want) || fold && len(s) >= len(want) && strings.EqualFold(s[:len(want)], want)
		}), nil
	case "suffix":
		return onText(func(s string) bool {
			return strings.HasSuffix(s, want) || fold && len(s) >= len(want) && strings.EqualFold(s[len(s)-len(want):], want)
		}), nil
	case "equals-ignore-case":
		return onText(func(s string) bool { return strings.EqualFold(s, want) }), nil
	}
	parts, err := wildcard(want)
	if err != nil {
		return test{}, fmt.Errorf("%s: %w", at, err)
	}
	return onText(func(s string) bool { return matchParts(parts, s) }), nil
}

// wildcard cuts a pattern at its stars. \* and \\ stand for themselves.
func wildcard(text string) ([]string, error) {
	parts, part := []string{}, []byte{}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && (text[i+1] == '*' || text[i+1] == '\\'):
			i++
			part = append(part, text[i])
		case c == '\\':
			return nil, errors.New(`a backslash stands before * or another backslash`)
		case c == '*' && i > 0 && text[i-1] == '*' && len(part) == 0 && len(parts) > 0:
			return nil, errors.New("two stars in a row")
		case c == '*':
			parts, part = append(parts, string(part)), part[:0]
		default:
			part = append(part, c)
		}
	}
	return append(parts, string(part)), nil
}

// matchParts: the first part begins s, the last ends it, the others come in between, in order.
func matchParts(parts []string, s string) bool {
	if len(parts) == 1 {
		return s == parts[0]
	}
	s, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return false
	}
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		_, rest, ok := strings.Cut(s, part)
		if !ok {
			return false
		}
		s = rest
	}
	return strings.HasSuffix(s, last)
}

// parseAnythingBut: a value, a list of values, or one of the tests of strings with a string or a list of them.
func parseAnythingBut(at string, operand any) (test, error) {
	var none []test
	add := func(at string, list []any, parse func(at string, v any) (test, error)) error {
		if len(list) == 0 {
			return fmt.Errorf("%s: an empty list matches nothing", at)
		}
		for i, v := range list {
			t, err := parse(fmt.Sprintf("%s[%d]", at, i), v)
			if err != nil {
				return err
			}
			none = append(none, t)
		}
		return nil
	}
	switch v := operand.(type) {
	case map[string]any:
		if len(v) != 1 {
			return test{}, fmt.Errorf("%s: a test has one member", at)
		}
		for name, inner := range v {
			switch name {
			case "prefix", "suffix", "equals-ignore-case", "wildcard":
			default:
				return test{}, fmt.Errorf("%s.%s: there is no such test within anything-but", at, name)
			}
			list, ok := inner.([]any)
			if !ok {
				list = []any{inner}
			}
			if err := add(at+"."+name, list, func(at string, v any) (test, error) { return parseText(at, name, v) }); err != nil {
				return test{}, err
			}
		}
	case []any:
		if err := add(at, v, exactly); err != nil {
			return test{}, err
		}
	default:
		t, err := exactly(at, v)
		if err != nil {
			return t, err
		}
		none = append(none, t)
	}
	return test{holds: func(l *leaf) bool {
		for i := range none {
			if none[i].holds(l) {
				return false
			}
		}
		return true
	}}, nil
}

// parseNumeric: one or two comparisons, such as [">", 0, "<=", 5].
func parseNumeric(at string, operand any) (test, error) {
	list, _ := operand.([]any)
	if len(list) != 2 && len(list) != 4 {
		return test{}, fmt.Errorf("%s: must be a comparison and a number, or two of them", at)
	}
	var all []func(n float64) bool
	for i := 0; i < len(list); i += 2 {
		number, ok := list[i+1].(json.Number)
		if !ok {
			return test{}, fmt.Errorf("%s[%d]: must be a number", at, i+1)
		}
		want, err := number.Float64()
		if err != nil {
			return test{}, fmt.Errorf("%s[%d]: must be a number", at, i+1)
		}
		switch list[i] {
		case "=":
			all = append(all, func(n float64) bool { return n == want })
		case "<":
			all = append(all, func(n float64) bool { return n < want })
		case "<=":
			all = append(all, func(n float64) bool { return n <= want })
		case ">":
			all = append(all, func(n float64) bool { return n > want })
		case ">=":
			all = append(all, func(n float64) bool { return n >= want })
		default:
			return test{}, fmt.Errorf("%s[%d]: must be one of = < <= > >=", at, i)
		}
	}
	return test{holds: func(l *leaf) bool {
		if l.text != nil || len(l.raw) == 0 || l.raw[0] != '-' && (l.raw[0] < '0' || l.raw[0] > '9') {
			return false
		}
		n, err := strconv.ParseFloat(string(l.raw), 64)
		if err != nil {
			return false
		}
		for _, holds := range all {
			if !holds(n) {
				return false
			}
		}
		return true
	}}, nil
}

// Match holds an event against the pattern. What is no JSON object does not match.
func (p *Pattern) Match(event []byte) bool {
	event = bytes.TrimLeft(event, " \t\r\n")
	return len(event) > 0 && event[0] == '{' && p.root.match(event)
}

// match judges a value: an object, or a list one element of which matches.
func (o *object) match(value []byte) bool {
	if len(value) > 0 && value[0] == '[' {
		found := false
		each(value, func(_, element []byte) bool {
			found = o.match(element)
			return !found
		})
		return found
	}
	for i := range o.fields {
		if f := &o.fields[i]; !f.match(member(value, f.name)) {
			return false
		}
	}
	for _, list := range o.either {
		if !slices.ContainsFunc(list, func(o object) bool { return o.match(value) }) {
			return false
		}
	}
	return true
}

func (f *field) match(value []byte) bool {
	if f.below != nil {
		return f.below.match(value)
	}
	there, matched := false, false
	leaves(value, func(l *leaf) bool {
		there = true
		for i := range f.tests {
			if f.tests[i].holds(l) {
				matched = true
				break
			}
		}
		return !matched
	})
	if there {
		return matched
	}
	return slices.ContainsFunc(f.tests, func(t test) bool { return t.absent })
}

// leaves calls fn for a value, or for those of a list, as long as it says so.
func leaves(value []byte, fn func(*leaf) bool) bool {
	if len(value) == 0 || value[0] == '{' {
		return true
	}
	if value[0] == '[' {
		more := true
		each(value, func(_, element []byte) bool {
			more = leaves(element, fn)
			return more
		})
		return more
	}
	l := leaf{raw: value}
	if value[0] == '"' {
		l.text = unquoted(value)
	}
	return fn(&l)
}

func unquoted(quoted []byte) []byte {
	if len(quoted) >= 2 && bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1 : len(quoted)-1]
	}
	text, err := jsontext.AppendUnquote(make([]byte, 0, len(quoted)), quoted)
	if err != nil && len(text) == 0 {
		return []byte{}
	}
	return text
}

// member is an object's value of a name; nil: there is none, or value is no object.
func member(value []byte, name string) (found []byte) {
	if len(value) == 0 || value[0] != '{' {
		return nil
	}
	each(value, func(key, v []byte) bool {
		if string(unquoted(key)) == name {
			found = v
		}
		return found == nil
	})
	return found
}
