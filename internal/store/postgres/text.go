package postgres

import (
	"strings"
	"unicode/utf8"
)

// A text column cannot hold U+0000, nor bytes that are no UTF-8. They are written as an escape: U+0001 and another byte. Escaped texts
// begin, and compare, as the texts do (as far as those are UTF-8); whatever a text contains, its escaped form contains escaped.
const (
	escape     = 0x01
	escapeZero = 0x01 // U+0000
	escapeSelf = 0x02 // U+0001
	escapeByte = 0x03 // and two hexadecimal digits: a byte that is no UTF-8
)

const hexDigits = "0123456789abcdef"

// toText is what a text column holds of s.
func toText(s string) string {
	if strings.IndexByte(s, 0) < 0 && strings.IndexByte(s, escape) < 0 && utf8.ValidString(s) {
		return s
	}
	out := make([]byte, 0, len(s)+8)
	for i := 0; i < len(s); {
		switch s[i] {
		case 0:
			out = append(out, escape, escapeZero)
			i++
			continue
		case escape:
			out = append(out, escape, escapeSelf)
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n <= 1 {
			out = append(out, escape, escapeByte, hexDigits[s[i]>>4], hexDigits[s[i]&15])
			i++
			continue
		}
		out = append(out, s[i:i+n]...)
		i += n
	}
	return string(out)
}

// fromText is the text that a column holds.
func fromText(s string) string {
	if strings.IndexByte(s, escape) < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != escape || i+1 == len(s) {
			out = append(out, s[i])
			continue
		}
		switch i++; s[i] {
		case escapeZero:
			out = append(out, 0)
		case escapeSelf:
			out = append(out, escape)
		default:
			if i+2 < len(s) {
				out = append(out, digit(s[i+1])<<4|digit(s[i+2]))
			}
			i += 2
		}
	}
	return string(out)
}

func digit(c byte) byte { return byte(strings.IndexByte(hexDigits, c)) & 15 } //nolint:gosec // one of 16

// headSize is how many bytes of a long text a column has: an index takes no more than some 2,700.
const headSize = 256

// headOf is the beginning of an escaped text that a column has: the whole of it, or at most headSize bytes.
func headOf(s string) string {
	if len(s) <= headSize {
		return s
	}
	n := headSize
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
