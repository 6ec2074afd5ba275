package query

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// ParamError says which part of a request is not acceptable, and why. The API answers it with InvalidInputException (D10).
type ParamError struct {
	Name   string // the path: Filters.SeverityLabel[0].Comparison
	Reason string // "should be string", without the full stop
}

func (e *ParamError) Error() string { return "Invalid parameter '" + e.Name + "'. " + e.Reason + "." }

func wrong(path, reason string) *ParamError { return &ParamError{Name: path, Reason: reason} }

func missing(path, member string) *ParamError {
	return wrong(path, "should have required property '"+member+"'")
}

func oneOf(values ...string) string {
	return "should be equal to one of the allowed values: " + strings.Join(values, ", ")
}

// at and below name an element of a list and a member of an object.
func at(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

func below(path, member string) string { return path + "." + shorten(member) }

// quoted shows what a client sent, cut to a length that suits a message.
func quoted(s string) string { return "'" + shorten(s) + "'" }

func shorten(s string) string {
	const most = 100
	if len(s) <= most {
		return s
	}
	n := most
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "..."
}

// decoder walks a JSON value member by member, so that every complaint can name its place. A member that is null counts as
// absent; a null element of a list is of the wrong type.
type decoder struct {
	in   *jsontext.Decoder
	root string
}

func newDecoder(text []byte, root string) *decoder {
	return &decoder{in: jsontext.NewDecoder(bytes.NewReader(text)), root: root}
}

// syntax turns an error of the JSON reader into one that names the parameter.
func (d *decoder) syntax(err error) error {
	if s, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return wrong(d.path(s.JSONPointer), "should NOT be given twice")
		}
		return wrong(d.root, "should be JSON, breaks off at byte "+strconv.FormatInt(s.ByteOffset, 10))
	}
	return wrong(d.root, "should be JSON")
}

// path names the place of a JSON pointer. No member that gets this far is named by digits alone.
func (d *decoder) path(p jsontext.Pointer) string {
	path := d.root
	for token := range p.Tokens() {
		if i, err := strconv.Atoi(token); err == nil {
			path = at(path, i)
		} else {
			path = below(path, token)
		}
	}
	return path
}

// null skips a null and tells whether there was one.
func (d *decoder) null() (bool, error) {
	if d.in.PeekKind() != jsontext.KindNull {
		return false, nil
	}
	if _, err := d.in.ReadToken(); err != nil {
		return false, d.syntax(err)
	}
	return true, nil
}

// want refuses a value of another kind. What is no value at all is left to the reader, which knows the place.
func (d *decoder) want(path string, reason string, kinds ...jsontext.Kind) error {
	switch got := d.in.PeekKind(); got {
	case jsontext.KindInvalid, jsontext.KindEndObject, jsontext.KindEndArray:
		return nil
	default:
		if slices.Contains(kinds, got) {
			return nil
		}
		return wrong(path, reason)
	}
}

// open reads the token that begins a list or an object.
func (d *decoder) open(path string, kind jsontext.Kind, reason string) error {
	if err := d.want(path, reason, kind); err != nil {
		return err
	}
	if _, err := d.in.ReadToken(); err != nil {
		return d.syntax(err)
	}
	return nil
}

func (d *decoder) shut() error {
	if _, err := d.in.ReadToken(); err != nil {
		return d.syntax(err)
	}
	return nil
}

// object calls read for each member that is one of known and not null; any other member is refused (D10).
func (d *decoder) object(path string, read func(member, path string) error, known ...string) error {
	return d.members(path, func(member, memberPath string) error {
		if !slices.Contains(known, member) {
			return unknown(memberPath)
		}
		return read(member, memberPath)
	})
}

func unknown(path string) *ParamError { return wrong(path, "should NOT be there: no such property") }

// members calls read for each member that is not null.
func (d *decoder) members(path string, read func(member, path string) error) error {
	if err := d.open(path, jsontext.KindBeginObject, "should be object"); err != nil {
		return err
	}
	for d.in.PeekKind() != jsontext.KindEndObject {
		name, err := d.in.ReadToken()
		if err != nil {
			return d.syntax(err)
		}
		member := name.String()
		if err := read(member, below(path, member)); err != nil {
			return err
		}
	}
	return d.shut()
}

// list calls read for each element. A null in place of the list is an empty one.
func (d *decoder) list(path string, read func(i int) error) error {
	if isNull, err := d.null(); isNull || err != nil {
		return err
	}
	if err := d.open(path, jsontext.KindBeginArray, "should be array"); err != nil {
		return err
	}
	for i := 0; d.in.PeekKind() != jsontext.KindEndArray; i++ {
		if err := read(i); err != nil {
			return err
		}
	}
	return d.shut()
}

// text reads a string that is not empty; false where there was null.
func (d *decoder) text(path string) (string, bool, error) {
	if isNull, err := d.null(); isNull || err != nil {
		return "", false, err
	}
	if err := d.want(path, "should be string", jsontext.KindString); err != nil {
		return "", false, err
	}
	tok, err := d.in.ReadToken()
	if err != nil {
		return "", false, d.syntax(err)
	}
	s := tok.String()
	if s == "" {
		return "", false, wrong(path, "should NOT be shorter than 1 characters")
	}
	return s, true, nil
}

// number reads a number that a float64 can hold; false where there was null. kind is what a complaint calls it.
func (d *decoder) number(path, kind string) (float64, bool, error) {
	if isNull, err := d.null(); isNull || err != nil {
		return 0, false, err
	}
	if err := d.want(path, "should be "+kind, jsontext.KindNumber); err != nil {
		return 0, false, err
	}
	tok, err := d.in.ReadValue()
	if err != nil {
		return 0, false, d.syntax(err)
	}
	x, err := strconv.ParseFloat(string(tok), 64)
	if err != nil {
		return 0, false, wrong(path, "should be "+kind+" that fits 64 bits")
	}
	return x, true, nil
}

// boolean reads true or false; the second result is false where there was null.
func (d *decoder) boolean(path string) (value, present bool, err error) {
	if isNull, err := d.null(); isNull || err != nil {
		return false, false, err
	}
	if err := d.want(path, "should be boolean", jsontext.KindTrue, jsontext.KindFalse); err != nil {
		return false, false, err
	}
	tok, err := d.in.ReadToken()
	if err != nil {
		return false, false, d.syntax(err)
	}
	return tok.Bool(), true, nil
}

// end refuses what follows the value.
func (d *decoder) end() error {
	if d.in.PeekKind() == jsontext.KindInvalid {
		if _, err := d.in.ReadToken(); errors.Is(err, io.EOF) {
			return nil
		}
	}
	return wrong(d.root, "should be one JSON value")
}
