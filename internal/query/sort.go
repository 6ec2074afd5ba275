package query

import (
	"bytes"
	"cmp"
	"strconv"
	"strings"

	"hubcap/internal/asff"
)

// MaxSortCriteria is the most sort criteria a request may have (D18).
const MaxSortCriteria = 10

var byUpdatedAt = []SortKey{{Field: asff.FieldUpdatedAt, Desc: true}}

// Order is the order a Find asks for: sort itself, or UpdatedAt, newest first, where sort is empty.
func Order(sort []SortKey) []SortKey {
	if len(sort) == 0 {
		return byUpdatedAt
	}
	return sort
}

// Sortable tells whether findings can be ordered by the attribute: all but maps and Keyword (D18).
func Sortable(f asff.Field) bool {
	return f != asff.NoField && f.Name() != "" && f.Kind() != asff.KindMap && f.Kind() != asff.KindKeyword
}

// CompileSort reads SortCriteria: a JSON list of {Field, SortOrder asc|desc}; SortOrder defaults to asc. Nothing, null and the
// empty list give no keys. The error is a *ParamError.
func CompileSort(criteria []byte) ([]SortKey, error) {
	const name = "SortCriteria"
	if len(bytes.TrimSpace(criteria)) == 0 {
		return nil, nil
	}
	var keys []SortKey
	d := newDecoder(criteria, name)
	err := d.list(name, func(i int) error {
		if i >= MaxSortCriteria {
			return wrong(name, "should NOT have more than "+strconv.Itoa(MaxSortCriteria)+" items")
		}
		path := at(name, i)
		var k SortKey
		err := d.object(path, func(member, path string) error {
			text, present, err := d.text(path)
			if err != nil || !present {
				return err
			}
			switch member {
			case "Field":
				k.Field, err = sortField(path, text)
			case "SortOrder":
				switch text {
				case "asc":
				case "desc":
					k.Desc = true
				default:
					err = wrong(path, oneOf("asc", "desc"))
				}
			}
			return err
		}, "Field", "SortOrder")
		if err != nil {
			return err
		}
		if k.Field == asff.NoField {
			return missing(path, "Field")
		}
		keys = append(keys, k)
		return nil
	})
	if err == nil {
		err = d.end()
	}
	if err != nil {
		return nil, err
	}
	return keys, nil
}

func sortField(path, name string) (asff.Field, error) {
	f, ok := asff.FieldByName(name)
	switch {
	case !ok:
		return f, wrong(path, "should be the name of a filter attribute, not "+quoted(name))
	case !Sortable(f):
		return f, wrong(path, "should be an attribute that can be sorted by, not "+quoted(name))
	}
	return f, nil
}

// Keys appends the sort values of a finding to dst, one for each key of Order(sort). An attribute with several values sorts by
// the first in vs, which the document's order gives. Texts are copied: the result outlives vs.
func Keys(sort []SortKey, vs []asff.Value, dst []SortValue) []SortValue {
	for _, k := range Order(sort) {
		dst = append(dst, sortValue(k.Field, vs))
	}
	return dst
}

func sortValue(f asff.Field, vs []asff.Value) SortValue {
	for i := range vs {
		if vs[i].Field == f {
			return SortValueOf(f, vs[i].Text)
		}
	}
	return SortValue{Missing: true}
}

// SortValueOf is the sort value of one value of an attribute: its number, its instant in Unix milliseconds, its severity's rank,
// else its text. What is no number, no instant or no severity counts as missing.
func SortValueOf(f asff.Field, text []byte) SortValue {
	switch f.Kind() {
	case asff.KindNumber:
		x, ok := number(text)
		return SortValue{Missing: !ok, Num: x}
	case asff.KindDate:
		ms, ok := asff.ParseTime(text)
		if !ok {
			ms = 0
		}
		return SortValue{Missing: !ok, Num: float64(ms)}
	default:
	}
	if f == asff.FieldSeverityLabel || f == asff.FieldFindingProviderFieldsSeverityLabel {
		rank := severityRank(text)
		return SortValue{Missing: rank == 0, Num: float64(rank)}
	}
	return SortValue{Text: string(text)}
}

// severityRank is 1 for INFORMATIONAL to 5 for CRITICAL, 0 for anything else.
func severityRank(label []byte) int {
	switch string(label) {
	case "INFORMATIONAL":
		return 1
	case "LOW":
		return 2
	case "MEDIUM":
		return 3
	case "HIGH":
		return 4
	case "CRITICAL":
		return 5
	}
	return 0
}

// Compare orders two positions of one answer: negative when a comes first. Both hold the values of Keys(sort, ...). Ties end at
// the identity, ascending, so only a finding and itself are equal.
func Compare(sort []SortKey, a, b *Position) int {
	for i, k := range Order(sort) {
		if c := compareValues(k, &a.Values[i], &b.Values[i]); c != 0 {
			return c
		}
	}
	return bytes.Compare(a.Identity[:], b.Identity[:])
}

func compareValues(k SortKey, a, b *SortValue) int {
	if a.Missing || b.Missing {
		switch {
		case a.Missing && b.Missing:
			return 0
		case a.Missing:
			return 1
		default:
			return -1
		}
	}
	c := cmp.Compare(a.Num, b.Num)
	if c == 0 {
		c = strings.Compare(a.Text, b.Text)
	}
	if k.Desc {
		return -c
	}
	return c
}
