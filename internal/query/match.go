package query

import (
	"bytes"
	"net/netip"
	"strconv"
	"unicode"
	"unicode/utf8"

	"hubcap/internal/asff"
)

// Match tells whether a finding with these values satisfies e. It is the meaning of an Expr: an engine may answer too much and
// be re-checked here, never too little. The order of vs does not matter and nothing is allocated.
func Match(e *Expr, vs []asff.Value) bool {
	switch e.Op {
	case None:
		return false
	case And:
		for i := range e.Args {
			if !Match(&e.Args[i], vs) {
				return false
			}
		}
		return true
	case Or:
		for i := range e.Args {
			if Match(&e.Args[i], vs) {
				return true
			}
		}
		return false
	case Not:
		return !Match(&e.Args[0], vs)
	case Is:
		return holds(&e.Cond, vs)
	default:
		return true
	}
}

// holds tells whether the condition holds for at least one value of its attribute.
func holds(c *Cond, vs []asff.Value) bool {
	var test func(c *Cond, text []byte) bool
	switch c.Cmp {
	case Keyword:
		return holdsKeyword(c.Text, vs)
	case InCIDR:
		return holdsCIDR(c, vs)
	case Prefix:
		test = isPrefix
	case Contains:
		test = isContained
	case Range:
		test = isNumberWithin
		if c.Field.Kind() == asff.KindDate {
			test = isDateWithin
		}
	case Exists:
		test = isThere
	default:
		test = isEqual
	}
	for i := range vs {
		if v := &vs[i]; v.Field == c.Field && string(v.Key) == c.Key && test(c, v.Text) {
			return true
		}
	}
	return false
}

func isThere(*Cond, []byte) bool { return true }

func isEqual(c *Cond, text []byte) bool { return string(text) == c.Text }

func isPrefix(c *Cond, text []byte) bool { return hasPrefix(text, c.Text) }

func isContained(c *Cond, text []byte) bool { return contains(text, c.Text) }

func isNumberWithin(c *Cond, text []byte) bool {
	x, ok := number(text)
	return ok && c.within(x)
}

// A stored date that is no instant (30 February) lies in no range (D17).
func isDateWithin(c *Cond, text []byte) bool {
	ms, ok := asff.ParseTime(text)
	return ok && c.within(float64(ms))
}

// within tells whether x lies between the bounds of a Range.
func (c *Cond) within(x float64) bool {
	if x < c.Lo || x == c.Lo && c.LoOpen {
		return false
	}
	return x < c.Hi || x == c.Hi && !c.HiOpen
}

func holdsCIDR(c *Cond, vs []asff.Value) bool {
	var net netip.Prefix
	for i := range vs {
		v := &vs[i]
		if v.Field != c.Field {
			continue
		}
		if !net.IsValid() {
			var err error
			if net, err = netip.ParsePrefix(c.Text); err != nil {
				return false
			}
		}
		if a, ok := parseAddr(v.Text); ok && net.Contains(a) {
			return true
		}
	}
	return false
}

// holdsKeyword looks through every filterable string attribute, Unicode case folded (D31). Values of maps are not looked at.
func holdsKeyword(word string, vs []asff.Value) bool {
	for i := range vs {
		if v := &vs[i]; v.Field.Kind() == asff.KindString && containsFold(v.Text, word) {
			return true
		}
	}
	return false
}

func hasPrefix(b []byte, s string) bool { return len(b) >= len(s) && string(b[:len(s)]) == s }

// contains is bytes.Contains for a string, which would have to be copied for it.
func contains(b []byte, s string) bool {
	if s == "" {
		return true
	}
	for len(b) >= len(s) {
		i := bytes.IndexByte(b[:len(b)-len(s)+1], s[0])
		if i < 0 {
			return false
		}
		if string(b[i:i+len(s)]) == s {
			return true
		}
		b = b[i+1:]
	}
	return false
}

// containsFold tells whether some part of b equals s under Unicode simple case folding (strings.EqualFold).
func containsFold(b []byte, s string) bool {
	if s == "" {
		return true
	}
	first := foldASCII(s[0])
	for i := 0; i < len(b); {
		// Two ASCII letters that differ need no closer look; K and S have folds beyond ASCII, but those start with another byte.
		if c := b[i]; c < utf8.RuneSelf && s[0] < utf8.RuneSelf && foldASCII(c) != first {
			i++
			continue
		}
		if hasPrefixFold(b[i:], s) {
			return true
		}
		_, n := utf8.DecodeRune(b[i:])
		i += n
	}
	return false
}

func hasPrefixFold(b []byte, s string) bool {
	for _, r := range s {
		if len(b) == 0 {
			return false
		}
		q, n := utf8.DecodeRune(b)
		if !equalFold(q, r) {
			return false
		}
		b = b[n:]
	}
	return true
}

func foldASCII(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func equalFold(a, b rune) bool {
	if a == b {
		return true
	}
	if a < utf8.RuneSelf && b < utf8.RuneSelf {
		return foldASCII(byte(a)) == foldASCII(byte(b)) //nolint:gosec // both below 128
	}
	for r := unicode.SimpleFold(a); r != a; r = unicode.SimpleFold(r) {
		if r == b {
			return true
		}
	}
	return false
}

// number reads JSON text of a number as a float64; what a float64 cannot hold is no number.
func number(b []byte) (float64, bool) {
	if n := len(b); n > 0 && n <= 15 { // so many digits are exact
		var x int64
		for _, c := range b {
			if c < '0' || c > '9' {
				return slowNumber(b)
			}
			x = x*10 + int64(c-'0')
		}
		return float64(x), true
	}
	return slowNumber(b)
}

func slowNumber(b []byte) (float64, bool) {
	x, err := strconv.ParseFloat(string(b), 64)
	return x, err == nil
}
