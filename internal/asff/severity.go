package asff

import "strconv"

// The two halves of a severity (spec 1.6.2): each label's lowest Normalized, from which Label gives Normalized and back.
var severities = [...]struct {
	label  string
	lowest int
}{
	{"INFORMATIONAL", 0},
	{"LOW", 1},
	{"MEDIUM", 40},
	{"HIGH", 70},
	{"CRITICAL", 90},
}

// labelOf is the label of a Normalized of 0..100.
func labelOf(normalized int) string {
	label := severities[0].label
	for _, s := range severities {
		if normalized >= s.lowest {
			label = s.label
		}
	}
	return label
}

// normalizedOf is the Normalized that a label stands for.
func normalizedOf(label string) (int, bool) {
	for _, s := range severities {
		if s.label == label {
			return s.lowest, true
		}
	}
	return 0, false
}

// wholeNumber reads a JSON number that is an integer, in whatever form: 70, 70.0, 7e1.
func wholeNumber(v []byte) (int, bool) {
	if n, err := strconv.Atoi(string(v)); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil || f != float64(int(f)) {
		return 0, false
	}
	return int(f), true
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
		dst = strconv.AppendInt(dst, int64(n), 10)
		return append(dst, severity[labelTo:]...), true
	default:
		return dst, false
	}
}
