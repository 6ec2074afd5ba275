package asff

import (
	"math"
	"strconv"
)

// number reads the number at p. plain: it has neither fraction nor exponent.
func (s *scanner) number() (plain, ok bool) {
	b, p := s.b, s.p
	if b[p] == '-' {
		p++
	}
	if b[p] == '0' {
		p++
	} else if p, ok = digitRun(b, p); !ok {
		s.p = p
		return false, s.fail("invalid number")
	}
	plain = true
	if b[p] == '.' {
		plain = false
		if p, ok = digitRun(b, p+1); !ok {
			s.p = p
			return false, s.fail("invalid number")
		}
	}
	if b[p]|0x20 == 'e' {
		plain = false
		p++
		if b[p] == '+' || b[p] == '-' {
			p++
		}
		if p, ok = digitRun(b, p); !ok {
			s.p = p
			return false, s.fail("invalid number")
		}
	}
	s.p = p
	return plain, true
}

// digitRun passes one or more digits.
func digitRun(b []byte, p int) (int, bool) {
	from := p
	for b[p]-'0' <= 9 {
		p++
	}
	return p, p > from
}

// integer is the exact value of a JSON number that is integral, as 1.0 and 1e2 are to AJV. over tells that it lies beyond int64:
// -1 below, 1 above, 0 within.
func integer(raw []byte, plain bool) (v int64, over int, integral bool) {
	if plain && len(raw) <= 18 {
		digits := raw
		if raw[0] == '-' {
			digits = raw[1:]
		}
		for _, c := range digits {
			v = v*10 + int64(c-'0')
		}
		if raw[0] == '-' {
			v = -v
		}
		return v, 0, true
	}
	return integerSlow(raw)
}

func integerSlow(raw []byte) (v int64, over int, integral bool) {
	sign := 1
	if raw[0] == '-' {
		sign, raw = -1, raw[1:]
	}
	// the significant digits, and the power of ten of the last of them
	var digits []byte
	exponent, fraction := 0, false
	for i, c := range raw {
		if c|0x20 == 'e' {
			e, err := strconv.Atoi(string(raw[i+1:]))
			if err != nil { // beyond every number's range
				e = math.MaxInt32
				if raw[i+1] == '-' {
					e = math.MinInt32
				}
			}
			exponent += max(min(e, math.MaxInt32), math.MinInt32)
			break
		}
		if c == '.' {
			fraction = true
			continue
		}
		if fraction {
			exponent--
		}
		if len(digits) > 0 || c != '0' {
			digits = append(digits, c)
		}
	}
	for len(digits) > 0 && digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
		exponent++
	}
	switch {
	case len(digits) == 0:
		return 0, 0, true
	case exponent < 0:
		return 0, 0, false
	case len(digits)+exponent > 19:
		return 0, sign, true
	}
	for range exponent {
		digits = append(digits, '0')
	}
	if sign < 0 {
		digits = append([]byte{'-'}, digits...)
	}
	v, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil {
		return 0, sign, true
	}
	return v, 0, true
}

// inFloatRange tells whether a JSON number is finite as a double.
func inFloatRange(raw []byte, plain bool) bool {
	if plain && len(raw) <= 300 || !plain && len(raw) <= 17 && !hasExponent(raw) {
		return true
	}
	_, err := strconv.ParseFloat(string(raw), 64)
	return err == nil
}

func hasExponent(raw []byte) bool {
	for _, c := range raw {
		if c|0x20 == 'e' {
			return true
		}
	}
	return false
}
