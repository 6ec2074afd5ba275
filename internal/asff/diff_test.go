package asff

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"reflect"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestDiff runs testdata/diff_rules: the members laid over a bare finding, --- and those laid over the next. n=30 repeats the
// word LONG in the values.
func TestDiff(t *testing.T) {
	datadriven.RunTest(t, "testdata/diff_rules", func(t *testing.T, d *datadriven.TestData) string {
		before, after, ok := strings.Cut(d.Input, "---\n")
		require.True(t, ok, "no ---")
		n := 1
		d.MaybeScanArgs(t, "n", &n)
		doc := func(members string) []byte {
			members = strings.ReplaceAll(members, "LONG", strings.Repeat("LONG", n))
			f := read(t, overlay(t, base, members))
			return append([]byte(nil), f.Doc...)
		}
		changes, err := Diff(doc(before), doc(after))
		require.NoError(t, err)
		var out strings.Builder
		for _, c := range changes {
			fmt.Fprintf(&out, "%s: %s -> %s\n", c.Field, side(c.Old), side(c.New))
		}
		return out.String()
	})
}

func side(s *string) string {
	if s == nil {
		return "-"
	}
	return *s
}

func TestDiffStopsAtFiftyChanges(t *testing.T) {
	var old, is []string
	for i := range 60 {
		old = append(old, fmt.Sprintf(`"X%d":1`, i))
		is = append(is, fmt.Sprintf(`"X%d":2`, i))
	}
	a, b := strings.TrimSuffix(base, "}")+","+strings.Join(old, ",")+"}", strings.TrimSuffix(base, "}")+","+strings.Join(is, ",")+"}"
	changes, err := Diff([]byte(a), []byte(b))
	require.NoError(t, err)
	require.Len(t, changes, 50)
	require.Equal(t, "X49", changes[49].Field)
}

// TestDiffOmitsLongValues tries both sides of 4096 bytes, on each side of a change: text counts without its quotes, JSON as it is.
func TestDiffOmitsLongValues(t *testing.T) {
	for name, long := range map[string]func(n int) string{
		"Title": func(n int) string { return `"` + strings.Repeat("é", n/2) + strings.Repeat("x", n%2) + `"` },
		"Types": func(n int) string { return `["` + strings.Repeat("x", n-len(`[""]`)) + `"]` },
	} {
		doc := func(value string) []byte { return fmt.Appendf(nil, `{%q:%s}`, name, value) }
		for _, n := range []int{4096, 4097} {
			came, err := Diff([]byte(`{}`), doc(long(n)))
			require.NoError(t, err)
			require.Len(t, came, 1)
			require.Equal(t, name, came[0].Field)
			require.Nil(t, came[0].Old)
			require.Equal(t, n == 4096, came[0].New != nil, n)

			shrank, err := Diff(doc(long(n)), doc(`"s"`))
			require.NoError(t, err)
			require.Equal(t, n == 4096, shrank[0].Old != nil, n)
			require.Equal(t, n == 4096, shrank[0].New != nil, "both sides go")
		}
	}
}

func TestDiffRefusesWhatIsNoDocument(t *testing.T) {
	for _, bad := range []string{"", "[]", `{"Id":`, "null"} {
		_, err := Diff([]byte(bad), []byte(base))
		require.Error(t, err, bad)
		_, err = Diff([]byte(base), []byte(bad))
		require.Error(t, err, bad)
	}
}

// shuffled is a document with the members of every object below the top in another order.
func shuffled(tb testing.TB, doc []byte, r *rand.Rand) []byte {
	tb.Helper()
	var shuffle func(v []byte, deep bool) []byte
	shuffle = func(v []byte, deep bool) []byte {
		switch v[0] {
		case '{':
			ms := rest(walk(v))
			if deep {
				r.Shuffle(len(ms), func(i, j int) { ms[i], ms[j] = ms[j], ms[i] })
			}
			out := []byte{'{'}
			for _, m := range ms {
				out = appendMember(out, 1, m.name, shuffle(m.value, true))
			}
			return append(out, '}')
		case '[':
			var items []string
			c := walk(v)
			for {
				item, ok := c.element()
				if !ok {
					return []byte("[" + strings.Join(items, ",") + "]")
				}
				items = append(items, string(shuffle(item, true)))
			}
		}
		return v
	}
	out := shuffle(doc, false)
	var a, b any
	require.NoError(tb, json.Unmarshal(doc, &a))
	require.NoError(tb, json.Unmarshal(out, &b))
	require.Equal(tb, a, b)
	return out
}

// tracked is a document as its history sees it.
func tracked(tb testing.TB, doc []byte) map[string]any {
	tb.Helper()
	var v map[string]any
	require.NoError(tb, json.Unmarshal(doc, &v))
	for top, no := range untracked {
		if no {
			delete(v, topNames[top])
		}
	}
	return v
}

func TestDiffProperties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a := append([]byte(nil), read(t, drawFinding(rt, "a")).Doc...)
		b := append([]byte(nil), read(t, drawFinding(rt, "b")).Doc...)
		r := rand.New(rand.NewSource(rapid.Int64().Draw(rt, "seed")))

		same, err := Diff(a, a)
		require.NoError(rt, err)
		require.Empty(rt, same)
		same, err = Diff(a, shuffled(t, a, r))
		require.NoError(rt, err)
		require.Empty(rt, same, "the order of members is no change: %s", a)

		changes, err := Diff(a, b)
		require.NoError(rt, err)
		require.Equal(rt, reflect.DeepEqual(tracked(t, a), tracked(t, b)), len(changes) == 0, "%s\n%s", a, b)
		again, err := Diff(shuffled(t, a, r), shuffled(t, b, r))
		require.NoError(rt, err)
		require.ElementsMatch(rt, changedFields(changes), changedFields(again))
		back, err := Diff(b, a)
		require.NoError(rt, err)
		require.ElementsMatch(rt, changedFields(changes), changedFields(back), "what changed there changes back")
	})
}

func changedFields(cs []FieldChange) (names []string) {
	for _, c := range cs {
		names = append(names, c.Field)
	}
	return names
}

func FuzzDiff(f *testing.F) {
	f.Add([]byte(base), []byte(`{"Id":"x","Workflow":{"Status":"NEW","a":[{"b":1,"c":2}]},"Z":{"y":null}}`))
	f.Add([]byte(`{"Action":{"AwsApiCallAction":{"AffectedResources":{"a":"b"}}}}`), []byte(`{"Action":{}}`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		changes, err := Diff(a, b)
		if err != nil {
			return
		}
		if len(changes) > maxChanges {
			t.Fatalf("%d changes", len(changes))
		}
		for _, c := range changes {
			if c.Old != nil && len(*c.Old) > maxChangeBytes || c.New != nil && len(*c.New) > maxChangeBytes {
				t.Fatalf("%s is too long", c.Field)
			}
		}
	})
}

func BenchmarkDiff(b *testing.B) {
	f := read(b, []byte(benchFinding))
	doc := append([]byte(nil), f.Doc...)
	var m Merger
	e, err := ParseEdit([]byte(`{"Workflow":{"Status":"NOTIFIED"}}`))
	require.NoError(b, err)
	edited, _, _, err := m.Edit(&Stored{Doc: doc}, e, benchEnv.Now)
	require.NoError(b, err)
	b.ReportAllocs()
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		if cs, err := Diff(doc, edited); err != nil || len(cs) == 0 {
			b.Fatal(cs, err)
		}
	}
}

func BenchmarkChanges(b *testing.B) {
	in := read(b, []byte(benchFinding))
	var m Merger
	e, err := ParseEdit([]byte(`{"Workflow":{"Status":"NOTIFIED"}}`))
	require.NoError(b, err)
	_, _, _, err = m.Edit(&Stored{Doc: append([]byte(nil), in.Doc...)}, e, benchEnv.Now)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if cs := m.Changes(); len(cs) == 0 {
			b.Fatal("no change")
		}
	}
}
