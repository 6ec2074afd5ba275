package query_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hubcap/internal/asff"
	"hubcap/internal/query"
	"hubcap/internal/query/querytest"
)

// TestCompileSort reads the criteria of testdata/sort.
func TestCompileSort(t *testing.T) {
	datadriven.Walk(t, "testdata/sort", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			keys, err := query.CompileSort([]byte(d.Input))
			if err != nil {
				var bad *query.ParamError
				require.ErrorAs(t, err, &bad)
				return err.Error()
			}
			var out strings.Builder
			for _, k := range keys {
				order := "asc"
				if k.Desc {
					order = "desc"
				}
				fmt.Fprintln(&out, k.Field, order)
			}
			return out.String()
		})
	})
}

func TestCompileSortLimit(t *testing.T) {
	criteria := func(n int) []byte {
		return []byte("[" + strings.TrimSuffix(strings.Repeat(`{"Field":"Id"},`, n), ",") + "]")
	}
	keys, err := query.CompileSort(criteria(query.MaxSortCriteria))
	require.NoError(t, err)
	require.Len(t, keys, 10)
	_, err = query.CompileSort(criteria(query.MaxSortCriteria + 1))
	require.EqualError(t, err, "Invalid parameter 'SortCriteria'. should NOT have more than 10 items.")
}

// Every attribute sorts but maps and Keyword (D18).
func TestEveryAttributeSorts(t *testing.T) {
	sortable := 0
	for _, f := range asff.Fields() {
		keys, err := query.CompileSort([]byte(`[{"Field":"` + f.Name() + `","SortOrder":"desc"}]`))
		if f.Kind() == asff.KindMap || f.Kind() == asff.KindKeyword {
			require.EqualError(t, err, "Invalid parameter 'SortCriteria[0].Field'. should be an attribute that can be sorted by, not '"+f.Name()+"'.")
			continue
		}
		sortable++
		require.NoError(t, err)
		require.Equal(t, []query.SortKey{{Field: f, Desc: true}}, keys)
	}
	require.Equal(t, 99, sortable)
}

func TestKeys(t *testing.T) {
	vs := finding(t, "UpdatedAt 2026-01-01T00:00:00Z\nSeverityLabel HIGH\nType b\nType a\nConfidence 7.5\nCreatedAt never\nSample true")
	keys := func(fields ...asff.Field) (out []query.SortValue) {
		var sort []query.SortKey
		for _, f := range fields {
			sort = append(sort, query.SortKey{Field: f})
		}
		return query.Keys(sort, vs, nil)
	}
	require.Equal(t, []query.SortValue{{Num: 1767225600000}}, keys(), "UpdatedAt is the default")
	require.Equal(t, []query.SortValue{{Num: 4}, {Text: "b"}, {Num: 7.5}, {Text: "true"}},
		keys(asff.FieldSeverityLabel, asff.FieldType, asff.FieldConfidence, asff.FieldSample))
	require.Equal(t, []query.SortValue{{Missing: true}, {Missing: true}}, keys(asff.FieldCreatedAt, asff.FieldTitle))

	for i, label := range []string{"INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"} {
		want := query.SortValue{Num: float64(i + 1)}
		require.Equal(t, want, query.SortValueOf(asff.FieldSeverityLabel, []byte(label)))
		require.Equal(t, want, query.SortValueOf(asff.FieldFindingProviderFieldsSeverityLabel, []byte(label)))
	}
	require.True(t, query.SortValueOf(asff.FieldSeverityLabel, []byte("SEVERE")).Missing)

	before := query.Keys(nil, vs, []query.SortValue{{Text: "kept"}})
	require.Equal(t, []query.SortValue{{Text: "kept"}, {Num: 1767225600000}}, before)
}

// Compare is a total order in which missing values come last in both directions and no two findings are equal (D18).
func TestCompareIsAnOrder(t *testing.T) {
	var r asff.Reader
	rapid.Check(t, func(t *rapid.T) {
		sort := querytest.Sorts().Draw(t, "sort")
		docs := rapid.SliceOfNDistinct(querytest.Findings(), 3, 3, func(d querytest.Doc) [16]byte { return d.Identity() }).Draw(t, "findings")
		var at []query.Position
		for _, d := range docs {
			at = append(at, query.Position{Identity: d.Identity(), Values: query.Keys(sort, r.Values(d.JSON), nil)})
		}
		compare := func(a, b query.Position) int { return query.Compare(sort, &a, &b) }
		for i := range at {
			require.Zero(t, compare(at[i], at[i]))
			for j := range at {
				if i != j {
					require.NotZero(t, compare(at[i], at[j]))
					require.Equal(t, compare(at[i], at[j]), -compare(at[j], at[i]))
				}
			}
		}
		slices.SortFunc(at, compare)
		require.Negative(t, compare(at[0], at[2]))
		first := func(i int) bool { return at[i].Values[0].Missing }
		require.False(t, first(0) && !first(1) || first(1) && !first(2), "missing comes last")
	})
}

// The order by hand: numbers and instants by value, texts by bytes, ties by the identity, ascending in either direction (D18).
func TestCompareOrders(t *testing.T) {
	missing := query.SortValue{Missing: true}
	num := func(x float64) query.SortValue { return query.SortValue{Num: x} }
	text := func(s string) query.SortValue { return query.SortValue{Text: s} }
	for name, c := range map[string]struct {
		desc   bool
		sorted []query.SortValue // as they should stand, equal ones by identity
	}{
		"numbers":             {false, []query.SortValue{num(-1), num(2), num(10), num(10), missing, missing}},
		"numbers, descending": {true, []query.SortValue{num(10), num(10), num(2), num(-1), missing, missing}},
		"texts":               {false, []query.SortValue{text("10"), text("2"), text("B"), text("a"), text("a"), text("ä"), missing}},
		"texts, descending":   {true, []query.SortValue{text("ä"), text("a"), text("a"), text("B"), missing}},
	} {
		t.Run(name, func(t *testing.T) {
			key := []query.SortKey{{Field: asff.FieldTitle, Desc: c.desc}}
			var at []query.Position
			for i, v := range c.sorted {
				at = append(at, query.Position{Identity: [16]byte{byte(i)}, Values: []query.SortValue{v}})
			}
			for i := range at {
				for j := range at {
					require.Equal(t, i < j, query.Compare(key, &at[i], &at[j]) < 0, "%d and %d", i, j)
				}
			}
		})
	}
	// The second key speaks where the first is silent.
	two := []query.SortKey{{Field: asff.FieldTitle, Desc: true}, {Field: asff.FieldConfidence}}
	a := query.Position{Identity: [16]byte{9}, Values: []query.SortValue{text("a"), num(1)}}
	b := query.Position{Identity: [16]byte{1}, Values: []query.SortValue{text("a"), num(2)}}
	require.Negative(t, query.Compare(two, &a, &b))
}
