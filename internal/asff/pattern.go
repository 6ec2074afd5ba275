package asff

import (
	"regexp"
	"unicode/utf8"
)

// pattern is a regular expression of the format. Its text is what AJV reports.
type pattern struct {
	text  string
	match func(s []byte) bool // s is valid UTF-8
}

// The patterns that nearly every finding meets are matched by hand.
var handMatched = map[string]func([]byte) bool{
	`^[0-9]{12}$`:             isAccountID,
	`^([^/]+)(/[^/]+){0,2}$`:  isFindingType,
	`^[-_+=.:/@\w\s]{1,128}$`: isUserKey,
}

const (
	// timestampPattern is the one the import API answers with (spec 1.10.2).
	timestampPattern = `(\d\d\d\d)-[0-1](\d)-[0-3](\d)[Tt](?:[0-2](\d):[0-5](\d):[0-5](\d)|23:59:60)(?:\.(\d)+)?(?:[Zz]|[+-](\d\d)(?::?(\d\d))?)$`
	// visiblePattern is NonEmptyString's in the service model (D9).
	visiblePattern = `.*\S.*`
)

// compilePattern takes the hand-written matcher of a pattern where there is one. The expressions of limits.txt mean the same in
// ECMAScript, as AJV reads them, and in Go.
func compilePattern(text string) (*pattern, error) {
	if match := handMatched[text]; match != nil {
		return &pattern{text, match}, nil
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	return &pattern{text, re.Match}, nil
}

func isAccountID(s []byte) bool { return len(s) == 12 && digits(s) }

func digits(s []byte) bool {
	for _, c := range s {
		if c-'0' > 9 {
			return false
		}
	}
	return true
}

// isFindingType asks for one to three parts between slashes, none empty.
func isFindingType(s []byte) bool {
	slashes, part := 0, 0
	for _, c := range s {
		if c != '/' {
			part++
			continue
		}
		if part == 0 {
			return false
		}
		slashes, part = slashes+1, 0
	}
	return part > 0 && slashes <= 2
}

// isUserKey asks for 1 to 128 letters, digits, spaces and -_+=.:/@ (spec 1.12).
func isUserKey(s []byte) bool {
	n := 0
	for i := 0; i < len(s); n++ {
		c := s[i]
		switch {
		case c-'0' <= 9, c|0x20-'a' < 26, c == '-', c == '_', c == '+', c == '=', c == '.', c == ':', c == '/', c == '@':
			i++
		default:
			r, size := utf8.DecodeRune(s[i:])
			if !isSpace(r) {
				return false
			}
			i += size
		}
	}
	return n >= 1 && n <= 128
}

// isVisible tells whether s holds anything but white space.
func isVisible(s []byte) bool {
	for i := 0; i < len(s); {
		c := s[i]
		if c > ' ' && c < utf8.RuneSelf {
			return true
		}
		r, size := utf8.DecodeRune(s[i:])
		if !isSpace(r) {
			return true
		}
		i += size
	}
	return false
}

// isSpace is \s of ECMAScript, which AJV runs on.
func isSpace(r rune) bool {
	switch r {
	case '\t', '\n', '\v', '\f', '\r', ' ', 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000, 0xfeff:
		return true
	}
	return r >= 0x2000 && r <= 0x200a
}
