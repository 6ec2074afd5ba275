package querytest

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"hubcap/internal/asff"
	"hubcap/internal/query"
)

// runAttributes asks an engine for each filter attribute by each comparison that the API gives it, and sorts by each that sorts. The
// answers are the model's; beyond that a condition that a finding was made for finds it, and the finding with another value or
// without the attribute is told apart, so that no attribute passes by never being there.
func runAttributes(t *testing.T, e Engine) {
	t.Helper()
	model := NewModel()
	var all []Doc
	made := map[asff.Field][2]string{} // the documents with the attribute's first and last value
	for i, f := range asff.Fields() {
		if f.Kind() == asff.KindKeyword {
			continue
		}
		var pair [2]string
		for j, text := range ends(f) {
			doc, err := withValue(f, fmt.Sprintf("%d-%d", i, j), text)
			if err != nil {
				t.Fatalf("%s = %s: %v", f, text, err)
			}
			all, pair[j] = append(all, doc), string(doc.JSON)
		}
		made[f] = pair
	}
	for batch := range slices.Chunk(all, 100) {
		for _, into := range []Engine{e, model} {
			if err := into.Load(batch...); err != nil {
				t.Fatalf("load: %v", err)
			}
		}
	}
	for i, f := range asff.Fields() {
		t.Run(f.Name(), func(t *testing.T) {
			for i, condition := range conditions(f) {
				got := same(t, e, model, fmt.Sprintf(`{%q:[%s]}`, f.Name(), condition), nil)
				if len(got) == 0 {
					t.Errorf("%s finds nothing", condition)
				}
				if i > 0 || f.Kind() == asff.KindKeyword {
					continue
				}
				if !slices.Contains(got, made[f][0]) {
					t.Errorf("%s does not find %s", condition, made[f][0])
				}
				if v := ends(f); v[0] != v[1] && slices.Contains(got, made[f][1]) {
					t.Errorf("%s finds %s", condition, made[f][1])
				}
			}
			if query.Sortable(f) {
				same(t, e, model, "{}", []query.SortKey{{Field: f, Desc: i%2 == 1}})
			}
		})
	}
}

// ends are an attribute's first and last value: different ones, unless the format knows only one.
func ends(f asff.Field) [2]string {
	vs := valuesOf(f)
	return [2]string{vs[0], vs[len(vs)-1]}
}

// withValue is a valid finding with a value of one attribute, and beside it only what the format requires.
func withValue(f asff.Field, id, text string) (Doc, error) {
	finding := map[string]any{}
	place(finding, asff.FieldId.Path(), 0, id)
	at := f.Path()
	if f.Kind() == asff.KindMap {
		at = at[:len(at)-len("{}")] + "." + keys[0]
	}
	place(finding, at, 0, value(f, text))
	complete(finding)
	raw, err := json.Marshal(finding)
	if err != nil {
		return Doc{}, err
	}
	return newDoc(raw)
}

// conditions are the API's conditions on an attribute, one for each comparison; the first holds for the first of ends and not for
// the last.
func conditions(f asff.Field) []string {
	first, last := ends(f)[0], ends(f)[1]
	compared := func(before string, comparisons ...string) (list []string) {
		for _, c := range comparisons {
			list = append(list, fmt.Sprintf(`{%s"Value":%q,"Comparison":%q}`, before, first, c))
		}
		return list
	}
	switch f.Kind() {
	case asff.KindKeyword:
		return []string{`{"Value":"ALPHA"}`}
	case asff.KindNumber:
		return []string{`{"Eq":` + first + `}`, `{"Gte":` + first + `,"Lt":` + last + `}`, `{"Gt":` + first + `,"Lte":` + last + `}`}
	case asff.KindDate:
		return []string{
			fmt.Sprintf(`{"Start":%q,"End":%[1]q}`, first), fmt.Sprintf(`{"Start":%q,"End":%q}`, last, first),
			`{"DateRange":{"Value":100,"Unit":"DAYS"}}`,
		}
	case asff.KindIP:
		return []string{`{"Cidr":"10.0.0.1/32"}`, `{"Cidr":"10.0.0.0/8"}`}
	case asff.KindBool:
		return []string{`{"Value":` + first + `}`, `{"Value":` + last + `}`}
	case asff.KindMap:
		return compared(fmt.Sprintf(`"Key":%q,`, keys[0]), "EQUALS", "NOT_EQUALS", "CONTAINS", "NOT_CONTAINS")
	default:
		if _, one := vocabulary[f]; one && first == last { // every finding has it: what excludes it finds nothing
			return compared("", "EQUALS", "PREFIX", "CONTAINS")
		}
		return compared("", "EQUALS", "NOT_EQUALS", "PREFIX", "PREFIX_NOT_EQUALS", "CONTAINS", "NOT_CONTAINS")
	}
}

// same asks the engine and the model, page by page and in one, and answers what both found.
func same(t *testing.T, e Engine, model *Model, filters string, sort []query.SortKey) (got []string) {
	t.Helper()
	where, err := query.Compile([]byte(filters), Clock, query.Options{AllowContains: true})
	if err != nil {
		t.Fatalf("%s: %v", filters, err)
	}
	q := query.Find{Where: where, Sort: sort, Limit: 100}
	for range 10 {
		page, next, err := e.Find(&q)
		if err != nil {
			t.Fatalf("%s sorted by %v: %v", filters, sort, err)
		}
		for _, doc := range page {
			got = append(got, string(doc))
		}
		if q.After = next; next == nil {
			break
		}
	}
	var want []string
	for _, d := range model.all(&q) {
		want = append(want, string(d.JSON))
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%s sorted by %v:\n got %q\nwant %q", filters, sort, got, want)
	}
	return got
}
