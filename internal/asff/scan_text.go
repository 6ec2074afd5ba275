package asff

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// textFlags tell what a string holds.
type textFlags uint8

const (
	textEscaped textFlags = 1 << iota // escapes: it must be decoded
	textUnicode                       // more than ASCII: its length must be counted
	textRewrite                       // an escape that is not the shortest
	textLone                          // the escape of a lone surrogate (D42)
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// str reads the string whose opening quote is at p, checks it and writes its canonical form.
func (s *scanner) str() (keySpan, textFlags, bool) {
	b, open, p := s.b, s.p, s.p+1
	var flags textFlags
	for {
		x := binary.LittleEndian.Uint64(b[p:])
		quote := x ^ '"'*ones
		slash := x ^ '\\'*ones
		// a set high bit marks the first quote, backslash, control character or byte beyond ASCII
		m := ((quote-ones)&^quote | (slash-ones)&^slash | (x-' '*ones)&^x | x) & highs
		if m == 0 {
			p += 8
			continue
		}
		p += bits.TrailingZeros64(m) >> 3
		switch c := b[p]; {
		case c == '"':
			s.p = p + 1
			k := keySpan{uint32(open + 1), uint32(p), false} //nolint:gosec // a text is below 2 GB
			if flags&textEscaped != 0 {
				k = s.decode(open+1, p, flags)
			}
			return k, flags, true
		case c == '\\':
			n, kind := escape(b, p)
			if n == 0 {
				s.p = p
				return keySpan{}, 0, s.fail("invalid escape")
			}
			flags |= textEscaped | kind
			p += n
		case c >= utf8.RuneSelf:
			flags |= textUnicode
			r, n := utf8.DecodeRune(b[p:])
			if r == utf8.RuneError && n <= 1 {
				s.p = p
				return keySpan{}, 0, s.fail("invalid UTF-8")
			}
			p += n
		default:
			s.p = p
			return keySpan{}, 0, s.fail("control character in a string")
		}
	}
}

// decode puts the decoded string b[from:to] into scratch and, where it must be, its shortest escapes into the document.
func (s *scanner) decode(from, to int, flags textFlags) keySpan {
	at := len(s.scratch)
	s.scratch = unescape(s.scratch, s.b[from:to])
	if flags&textRewrite != 0 {
		s.flush(from)
		s.out = appendEscaped(s.out, s.scratch[at:])
		s.seg = to
	}
	return keySpan{uint32(at), uint32(len(s.scratch)), true} //nolint:gosec // a text is below 2 GB
}

// hex4 is the value of four hexadecimal digits, or -1.
func hex4(b []byte) int {
	r := 0
	for _, c := range b[:4] {
		switch {
		case c-'0' <= 9:
			r = r<<4 | int(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | int(c|0x20-'a'+10)
		default:
			return -1
		}
	}
	return r
}

func isSurrogate(r int) bool     { return r >= 0xd800 && r <= 0xdfff }
func isHighSurrogate(r int) bool { return r >= 0xd800 && r <= 0xdbff }
func isLowSurrogate(r int) bool  { return r >= 0xdc00 && r <= 0xdfff }

// escape measures the escape at b[p]: 12 bytes for a pair of surrogates, 0 for what is none.
func escape(b []byte, p int) (n int, flags textFlags) {
	switch b[p+1] {
	case '"', '\\', 'b', 'f', 'n', 'r', 't':
		return 2, 0
	case '/':
		return 2, textRewrite
	case 'u':
		r := hex4(b[p+2:])
		switch {
		case r < 0:
			return 0, 0
		case isHighSurrogate(r) && b[p+6] == '\\' && b[p+7] == 'u' && isLowSurrogate(hex4(b[p+8:])):
			return 12, textRewrite | textUnicode
		case isSurrogate(r):
			return 6, textRewrite | textLone
		case r >= utf8.RuneSelf:
			return 6, textRewrite | textUnicode
		}
		return 6, textRewrite
	}
	return 0, 0
}

// unescape appends the decoded form of src, whose escapes are valid. A lone surrogate becomes U+FFFD.
func unescape(dst, src []byte) []byte {
	for i := 0; i < len(src); {
		c := src[i]
		if c != '\\' {
			dst = append(dst, c)
			i++
			continue
		}
		switch src[i+1] {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			if i+6 > len(src) {
				return append(dst, src[i:]...) // no valid escape: only a damaged document comes here
			}
			r := hex4(src[i+2:])
			if isHighSurrogate(r) && i+12 <= len(src) && src[i+6] == '\\' && src[i+7] == 'u' {
				if low := hex4(src[i+8:]); isLowSurrogate(low) {
					r = (r-0xd800)<<10 + low - 0xdc00 + 0x10000
					i += 6
				}
			}
			dst = utf8.AppendRune(dst, rune(r)) //nolint:gosec // four hexadecimal digits
			i += 4
		default:
			dst = append(dst, src[i+1])
		}
		i += 2
	}
	return dst
}

// appendEscaped writes text with the shortest JSON escapes.
func appendEscaped(dst, text []byte) []byte {
	const hex = "0123456789abcdef"
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= ' ':
			dst = append(dst, c)
		case c == '\b':
			dst = append(dst, '\\', 'b')
		case c == '\f':
			dst = append(dst, '\\', 'f')
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return dst
}
