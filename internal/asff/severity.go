package asff

import (
	"math"
	"strconv"
)

// The two halves of a severity (spec 1.6.2): each label's lowest Normalized, from which Label gives Normalized and back.
var severities = [...]struct {
	label  string
	lowest int64
}{
	{"INFORMATIONAL", 0},
	{"LOW", 1},
	{"MEDIUM", 40},
	{"HIGH", 70},
	{"CRITICAL", 90},
}

// labelOf is the label of a Normalized of 0..100.
func labelOf(normalized int64) string {
	label := severities[0].label
	for _, s := range severities {
		if normalized >= s.lowest {
			label = s.label
		}
	}
	return label
}

// normalizedOf is the Normalized that a label stands for.
func normalizedOf(label string) (int64, bool) {
	for _, s := range severities {
		if s.label == label {
			return s.lowest, true
		}
	}
	return 0, false
}

// wholeNumber reads a JSON number that is an integer, in whatever form: 70, 70.0, 7e1. What lies beyond int64 becomes its end.
func wholeNumber(v []byte) (int64, bool) {
	if len(v) == 0 || v[0] != '-' && v[0]-'0' > 9 {
		return 0, false
	}
	n, over, whole := integerSlow(v)
	switch {
	case over > 0:
		return math.MaxInt64, true
	case over < 0:
		return math.MinInt64, true
	}
	return n, whole
}

// appendCompleted writes a severity with the half that is missing (spec 1.6.3): Label before Normalized, Normalized behind Label.
// With both given it stays as sent, even where they contradict each other. The provider's copy never gets a Normalized it did not
// send, as the service shows none there; but it does get a Label, which is what filters on it read. ok is false where nothing was
// to be done; then dst is as it was.
func appendCompleted(dst, severity []byte, providers bool) (_ []byte, ok bool) {
	labelFrom, labelTo := locate(severity, "Label")
	from, to := locate(severity, "Normalized")
	switch {
	case labelTo == 0 && to != 0:
		n, whole := wholeNumber(severity[from:to])
		if !whole {
			return dst, false
		}
		name := from - len(`"Normalized":`)
		dst = append(dst, severity[:name]...)
		dst = append(dst, `"Label":"`...)
		dst = append(dst, labelOf(n)...)
		dst = append(dst, `",`...)
		return append(dst, severity[name:]...), true
	case labelTo != 0 && to == 0 && !providers:
		n, known := normalizedOf(string(severity[labelFrom+1 : labelTo-1]))
		if !known {
			return dst, false
		}
		dst = append(dst, severity[:labelTo]...)
		dst = append(dst, `,"Normalized":`...)
		dst = strconv.AppendInt(dst, n, 10)
		return append(dst, severity[labelTo:]...), true
	default:
		return dst, false
	}
}
