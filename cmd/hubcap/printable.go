package main

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// printable makes text from strangers safe for a terminal or a log: what would move the cursor, change the direction of writing or
// hide itself is written as \u and four hex digits (two of them beyond U+FFFF, as JSON does), what is no UTF-8 as \x and two. Line
// breaks and tabs are escaped too.
func printable(s string) string {
	clean := true
	for i := 0; clean && i < len(s); i++ {
		clean = s[i] >= 0x20 && s[i] < 0x7f
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case !hides(r):
			b.WriteString(s[i : i+n])
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += n
	}
	return b.String()
}

// hides tells the runes that are not seen as themselves: controls (Cc), formats such as bidi overrides and zero-width joiners (Cf),
// line and paragraph separators, private and unassigned ones.
func hides(r rune) bool {
	return r != ' ' && !unicode.IsGraphic(r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r)
}

// printableLines escapes what a logger writes, line by line: the loggers of log/slog escape most controls by themselves, but let
// bidi and invisible characters through. It must stand last, right before the file.
type printableLines struct{ w io.Writer }

func (p printableLines) Write(line []byte) (int, error) {
	body, end := strings.CutSuffix(string(line), "\n")
	out := printable(body)
	if end {
		out += "\n"
	}
	if _, err := io.WriteString(p.w, out); err != nil {
		return 0, err
	}
	return len(line), nil
}
