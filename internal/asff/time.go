package asff

import "regexp"

// ParseTime reads a timestamp of the format as an instant in Unix milliseconds (D17, D24): RFC 3339 with any fraction, cut to
// milliseconds, and an offset of Z, +hh, +hhmm or +hh:mm within 18 hours. The leap second 23:59:60 is the next second. A day that
// the calendar lacks is no instant.
func ParseTime(b []byte) (ms int64, ok bool) {
	if len(b) < 20 || b[4] != '-' || b[7] != '-' || b[10]|0x20 != 't' || b[13] != ':' || b[16] != ':' ||
		!digits(b[:4]) || !digits(b[5:7]) || !digits(b[8:10]) || !digits(b[11:13]) || !digits(b[14:16]) || !digits(b[17:19]) {
		return 0, false
	}
	year, month, day := two(b)*100+two(b[2:]), two(b[5:]), two(b[8:])
	hour, minute, second := two(b[11:]), two(b[14:]), two(b[17:])
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 60 ||
		second == 60 && (hour != 23 || minute != 59) {
		return 0, false
	}
	milli, rest := 0, b[19:]
	if rest[0] == '.' {
		n := 1
		for scale := 100; n < len(rest) && rest[n]-'0' <= 9; n++ {
			milli += int(rest[n]-'0') * scale
			scale /= 10
		}
		if n == 1 {
			return 0, false
		}
		rest = rest[n:]
	}
	offset, ok := zone(rest)
	if !ok {
		return 0, false
	}
	seconds := int64(hour*3600 + minute*60 + second - offset*60)
	return (daysSinceEpoch(year, month, day)*86_400+seconds)*1000 + int64(milli), true
}

// maxOffset is the greatest offset from UTC, in minutes.
const maxOffset = 18 * 60

// zone reads what follows the seconds: minutes east of UTC.
func zone(b []byte) (minutes int, ok bool) {
	if len(b) == 1 {
		return 0, b[0]|0x20 == 'z'
	}
	if len(b) < 3 || b[0] != '+' && b[0] != '-' || !digits(b[1:3]) {
		return 0, false
	}
	minutes = two(b[1:]) * 60
	switch tail := b[3:]; {
	case len(tail) == 0:
	case len(tail) == 2 && digits(tail) && two(tail) < 60:
		minutes += two(tail)
	case len(tail) == 3 && tail[0] == ':' && digits(tail[1:]) && two(tail[1:]) < 60:
		minutes += two(tail[1:])
	default:
		return 0, false
	}
	if minutes > maxOffset {
		return 0, false
	}
	if b[0] == '-' {
		minutes = -minutes
	}
	return minutes, true
}

func two(b []byte) int { return int(b[0]-'0')*10 + int(b[1]-'0') }

var monthDays = [13]int{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

func daysIn(year, month int) int {
	if month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		return 29
	}
	return monthDays[month]
}

// daysSinceEpoch counts the days from 1970-01-01 in the proleptic Gregorian calendar. The year begins in March, so that the leap
// day is its last.
func daysSinceEpoch(year, month, day int) int64 {
	if month <= 2 {
		year--
	}
	year += 400 // keeps January of the year 0 positive
	era, ofEra := year/400, year%400
	ofYear := (153*((month+9)%12)+2)/5 + day - 1
	return int64(era-1)*146_097 + int64(ofEra*365+ofEra/4-ofEra/100+ofYear) - 719_468
}

var timestampRegexp = regexp.MustCompile(timestampPattern)

// extraFraction finds the digits beyond milliseconds in a timestamp, which D17 cuts; from == to where there are none.
func extraFraction(b []byte) (from, to int) {
	if len(b) < 24 || b[19] != '.' {
		return 0, 0
	}
	to = 20
	for to < len(b) && b[to]-'0' <= 9 {
		to++
	}
	return min(23, to), to
}
