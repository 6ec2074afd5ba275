package api

import (
	"bytes"
	"errors"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is how deep a request may nest (D42).
const MaxDepth = 48

// Request is what an input is filled from. Path and Query are decoded (no percent signs left); Query may be a url.Values.
type Request struct {
	Path  map[string]string
	Query map[string][]string
	Body  []byte
}

// Decode fills in, a pointer to one of the package's inputs. The error is an *Error:
//
//   - a body that is no RFC 8259 JSON in strict UTF-8, nests deeper than MaxDepth or is no object: SerializationException, with the
//     byte (D42); an empty body is an empty object;
//   - a member of the wrong type, given twice, out of its type's range, a required one that is absent, a union with no or several
//     branches: InvalidInputException in AJV's words (D29), "Invalid parameter 'SortCriteria[0].Field'. should be string.",
//     "Invalid parameter 'Note.Text'. is required.".
//
// Names are case-sensitive; members nobody knows are ignored (D10); a member that is null counts as absent. The first mistake is
// reported: path, query, then the body's members in the order sent, an object's missing members after those it has. What Decode
// keeps does not alias the body.
func Decode(in any, r *Request) error {
	v := reflect.ValueOf(in).Elem()
	p := planOf(v.Type())
	if err := p.bound(v, r); err != nil {
		return err
	}
	body := r.Body
	if len(body) == 0 {
		body = []byte("{}")
	}
	if err := wellFormed(body); err != nil {
		return err
	}
	d := decoder{jsontext.NewDecoder(bytes.NewReader(body))}
	return d.object(v, "")
}

// plan is what Decode knows of a structure.
type plan struct {
	fields []planned
	byName map[string]int // members of the body
	union  bool
}

type planned struct {
	name     string // on the wire
	from     source
	required bool
}

type source uint8

const (
	fromBody source = iota
	fromPath
	fromQuery
)

var plans sync.Map // reflect.Type -> *plan

func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan) //nolint:forcetypeassert // nothing else is stored
	}
	p := &plan{byName: map[string]int{}}
	for i := range t.NumField() {
		f := t.Field(i)
		at := planned{required: f.Tag.Get("api") == "required"}
		if f.Tag.Get("api") == "union" {
			p.union = true
		}
		if name, ok := f.Tag.Lookup("path"); ok {
			at.name, at.from = name, fromPath
		} else if name, ok := f.Tag.Lookup("query"); ok {
			at.name, at.from = name, fromQuery
		} else {
			at.name, _, _ = strings.Cut(f.Tag.Get("json"), ",")
			p.byName[at.name] = i
		}
		p.fields = append(p.fields, at)
	}
	actual, _ := plans.LoadOrStore(t, p)
	return actual.(*plan) //nolint:forcetypeassert // nothing else is stored
}

// bound fills the members that travel in path and query.
func (p *plan) bound(v reflect.Value, r *Request) error {
	for i, f := range p.fields {
		var values []string
		switch f.from {
		case fromBody:
			continue
		case fromPath:
			if s := r.Path[f.name]; s != "" {
				values = []string{s}
			}
		case fromQuery:
			values = r.Query[f.name]
		}
		if len(values) == 0 {
			if f.required {
				return InvalidParameter(f.name, isRequired)
			}
			continue
		}
		for _, s := range values {
			if !utf8.ValidString(s) {
				return InvalidParameter(f.name, "should be valid UTF-8")
			}
		}
		if list, ok := reflect.TypeAssert[*[]string](v.Field(i).Addr()); ok {
			*list = append([]string(nil), values...)
			continue
		}
		if len(values) > 1 {
			return InvalidParameter(f.name, givenTwice)
		}
		if err := setText(v.Field(i), f.name, values[0]); err != nil {
			return err
		}
	}
	return nil
}

const (
	isRequired = "is required"
	givenTwice = "should NOT be given twice"
	oneBranch  = "should match exactly one schema in oneOf"
)

// setText sets a scalar from a parameter of the query or a label of the path.
func setText(v reflect.Value, name, s string) error {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
	case reflect.Bool:
		if s != "true" && s != "false" {
			return InvalidParameter(name, "should be boolean")
		}
		v.SetBool(s == "true")
	case reflect.Int32, reflect.Int64:
		return setInteger(v, name, s)
	default:
		return Errorf(Internal, "%s: a %s cannot travel outside the body", name, v.Kind())
	}
	return nil
}

// wellFormed refuses what is no JSON object, before any member is judged.
func wellFormed(body []byte) error {
	if at, deep := tooDeep(body); deep {
		return Malformed(at, "it nests deeper than "+strconv.Itoa(MaxDepth)+" levels")
	}
	// Duplicates are for the second pass: a body that is malformed further on is malformed first of all.
	dec := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowDuplicateNames(true))
	if _, err := dec.ReadValue(); err != nil {
		return syntaxError(err)
	}
	end := int(dec.InputOffset())
	if rest := bytes.TrimLeft(body[end:], " \t\r\n"); len(rest) > 0 {
		return Malformed(len(body)-len(rest), "there is more after its end")
	}
	if jsontext.Value(body).Kind() != '{' {
		return Errorf(Serialization, "The request body should be a JSON object.")
	}
	return nil
}

func syntaxError(err error) error {
	var s *jsontext.SyntacticError
	if !errors.As(err, &s) {
		return Malformed(0, err.Error())
	}
	if errors.Is(s.Err, jsontext.ErrDuplicateName) {
		return InvalidParameter(pointerPath(s.JSONPointer), givenTwice)
	}
	reason := s.Err.Error()
	if errors.Is(s.Err, io.ErrUnexpectedEOF) {
		reason = "unexpected end"
	}
	return Malformed(int(s.ByteOffset), reason)
}

// pointerPath writes a JSON pointer as a path: /SortCriteria/0/Field is SortCriteria[0].Field.
func pointerPath(p jsontext.Pointer) string {
	var path string
	for t := range p.Tokens() {
		if _, err := strconv.ParseUint(t, 10, 31); err == nil && path != "" {
			path += "[" + t + "]"
		} else {
			path = member(path, t)
		}
	}
	return path
}

func member(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// tooDeep answers the byte that opens one level too many.
func tooDeep(body []byte) (at int, deep bool) {
	depth, quoted := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return i, true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return 0, false
}

// decoder walks a body that is known to be well-formed.
type decoder struct{ *jsontext.Decoder }

// object fills a structure of which '{' comes next.
func (d decoder) object(v reflect.Value, path string) error {
	p := planOf(v.Type())
	if _, err := d.ReadToken(); err != nil {
		return syntaxError(err)
	}
	var seen uint64 // bit i: field i is present; no structure has more than 64 members (genapi refuses it)
	branches := 0
	for d.PeekKind() != '}' {
		t, err := d.ReadToken()
		if err != nil {
			return syntaxError(err)
		}
		i, known := p.byName[t.String()]
		if !known || d.PeekKind() == 'n' {
			if err := d.SkipValue(); err != nil {
				return syntaxError(err)
			}
			continue
		}
		seen |= 1 << i
		branches++
		if err := d.value(v.Field(i), member(path, p.fields[i].name)); err != nil {
			return err
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return syntaxError(err)
	}
	for i, f := range p.fields {
		if f.required && f.from == fromBody && seen&(1<<i) == 0 {
			return InvalidParameter(member(path, f.name), isRequired)
		}
	}
	if p.union && branches != 1 {
		return InvalidParameter(path, oneBranch)
	}
	return nil
}

var rawType = reflect.TypeFor[RawJSON]()

// value fills one member or element.
func (d decoder) value(v reflect.Value, path string) error {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	want, word := shapeOf(v)
	kind := d.PeekKind()
	if kind != want && (want != 't' || kind != 'f') {
		return InvalidParameter(path, "should be "+word)
	}
	switch {
	case v.Type() == rawType: // in every input of the service it is an object: a finding or filters
		raw, err := d.ReadValue()
		if err != nil {
			return syntaxError(err)
		}
		v.SetBytes(bytes.Clone(raw))
		return nil
	case v.Kind() == reflect.Struct:
		return d.object(v, path)
	case v.Kind() == reflect.Slice:
		return d.list(v, path)
	case v.Kind() == reflect.Map:
		return d.mapping(v, path)
	}
	t, err := d.ReadToken()
	if err != nil {
		return syntaxError(err)
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(t.String())
	case reflect.Bool:
		v.SetBool(t.Bool())
	case reflect.Int32, reflect.Int64:
		return setInteger(v, path, t.String())
	default:
		return setNumber(v, path, t.String())
	}
	return nil
}

// shapeOf answers the kind of JSON value a member needs, and AJV's word for it.
func shapeOf(v reflect.Value) (kind jsontext.Kind, word string) {
	if v.Type() == rawType {
		return '{', "object"
	}
	switch v.Kind() {
	case reflect.String:
		return '"', "string"
	case reflect.Bool:
		return 't', "boolean"
	case reflect.Int32, reflect.Int64:
		return '0', "integer"
	case reflect.Slice:
		return '[', "array"
	case reflect.Struct, reflect.Map:
		return '{', "object"
	default:
		return '0', "number"
	}
}

func (d decoder) list(v reflect.Value, path string) error {
	if _, err := d.ReadToken(); err != nil {
		return syntaxError(err)
	}
	list := reflect.MakeSlice(v.Type(), 0, 4)
	for i := 0; d.PeekKind() != ']'; i++ {
		elem := reflect.New(v.Type().Elem()).Elem()
		if err := d.value(elem, path+"["+strconv.Itoa(i)+"]"); err != nil {
			return err
		}
		list = reflect.Append(list, elem)
	}
	v.Set(list)
	_, err := d.ReadToken()
	return asError(err)
}

func (d decoder) mapping(v reflect.Value, path string) error {
	if _, err := d.ReadToken(); err != nil {
		return syntaxError(err)
	}
	m := reflect.MakeMap(v.Type())
	for d.PeekKind() != '}' {
		t, err := d.ReadToken()
		if err != nil {
			return syntaxError(err)
		}
		key := t.String()
		elem := reflect.New(v.Type().Elem()).Elem()
		if err := d.value(elem, path+"['"+key+"']"); err != nil {
			return err
		}
		m.SetMapIndex(reflect.ValueOf(key), elem)
	}
	v.Set(m)
	_, err := d.ReadToken()
	return asError(err)
}

func asError(err error) error {
	if err != nil {
		return syntaxError(err)
	}
	return nil
}

// setInteger takes what JSON Schema calls an integer: 3, 3.0 and 3e0 alike.
func setInteger(v reflect.Value, path, number string) error {
	bits := v.Type().Bits()
	low, high := int64(math.MinInt64)>>(64-bits), int64(math.MaxInt64)>>(64-bits)
	// Go's numbers are more than JSON's: 0x1p4, 1_0, +1. In a query or a path nobody has looked yet.
	if v := jsontext.Value(number); v.Kind() != '0' || !v.IsValid() {
		return InvalidParameter(path, "should be integer")
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		f, err := strconv.ParseFloat(number, 64) // beyond its range: an infinity, which is beyond ours too
		switch {
		case err != nil && !errors.Is(err, strconv.ErrRange), math.IsNaN(f):
			return InvalidParameter(path, "should be integer")
		case f >= math.MaxInt64:
			return beyond(path, "<=", high)
		case f < math.MinInt64:
			return beyond(path, ">=", low)
		case f != math.Trunc(f):
			return InvalidParameter(path, "should be integer")
		}
		n = int64(f)
	}
	switch {
	case n > high:
		return beyond(path, "<=", high)
	case n < low:
		return beyond(path, ">=", low)
	}
	v.SetInt(n)
	return nil
}

func beyond(path, relation string, limit int64) error {
	return InvalidParameter(path, "should be "+relation+" "+strconv.FormatInt(limit, 10))
}

func setNumber(v reflect.Value, path, number string) error {
	f, err := strconv.ParseFloat(number, v.Type().Bits())
	if err != nil {
		return InvalidParameter(path, "should be a number of "+strconv.Itoa(v.Type().Bits())+" bits")
	}
	v.SetFloat(f)
	return nil
}
