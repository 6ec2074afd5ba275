package query

import "net/netip"

// parseAddr is netip.ParseAddr for bytes, without zones and without the error that would be allocated for every value that is
// no address.
func parseAddr(b []byte) (netip.Addr, bool) {
	for _, c := range b {
		switch c {
		case '.':
			a, ok := parseV4(b)
			return netip.AddrFrom4(a), ok
		case ':':
			a, ok := parseV6(b)
			return netip.AddrFrom16(a), ok
		}
	}
	return netip.Addr{}, false
}

// parseV4 reads four decimal octets without leading zeros.
func parseV4(b []byte) (a [4]byte, ok bool) {
	i, digits, x := 0, 0, 0
	for _, c := range b {
		switch {
		case c == '.':
			if digits == 0 || i == 3 {
				return a, false
			}
			a[i] = byte(x) //nolint:gosec // at most 255
			i, digits, x = i+1, 0, 0
		case c >= '0' && c <= '9':
			if digits > 0 && x == 0 {
				return a, false
			}
			if x = x*10 + int(c-'0'); x > 255 {
				return a, false
			}
			digits++
		default:
			return a, false
		}
	}
	if i != 3 || digits == 0 {
		return a, false
	}
	a[3] = byte(x)
	return a, true
}

// parseV6 reads eight groups of hexadecimal digits, one run of zero groups written ::, the last two perhaps as IPv4.
func parseV6(b []byte) (a [16]byte, ok bool) {
	gap := -1 // where :: stood
	n := 0
	if len(b) >= 2 && b[0] == ':' && b[1] == ':' {
		gap = 0
		b = b[2:]
	}
	for len(b) > 0 {
		if n == 16 {
			return a, false
		}
		digits, x := 0, 0
		for digits < len(b) {
			d, isHex := hexDigit(b[digits])
			if !isHex {
				break
			}
			if digits == 4 {
				return a, false
			}
			x = x<<4 | d
			digits++
		}
		if digits == 0 {
			return a, false
		}
		if digits < len(b) && b[digits] == '.' {
			v4, isV4 := parseV4(b)
			if !isV4 || n > 12 {
				return a, false
			}
			n += copy(a[n:], v4[:])
			break
		}
		a[n], a[n+1] = byte(x>>8), byte(x)
		n += 2
		b = b[digits:]
		if len(b) == 0 {
			break
		}
		if b[0] != ':' || len(b) == 1 {
			return a, false
		}
		b = b[1:]
		if b[0] == ':' {
			if gap >= 0 {
				return a, false
			}
			gap = n
			b = b[1:]
		}
	}
	if gap < 0 {
		return a, n == 16
	}
	if n == 16 {
		return a, false // :: stands for one group at least
	}
	copy(a[16-(n-gap):], a[gap:n])
	clear(a[gap : 16-(n-gap)])
	return a, true
}

func hexDigit(c byte) (int, bool) {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0'), true
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10, true
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10, true
	}
	return 0, false
}
