package embedded

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hubcap/internal/asff"
	"hubcap/internal/query"
	"hubcap/internal/query/querytest"
	"hubcap/internal/store"
)

// oddText draws texts whose letters have folds of other lengths, that share beginnings, and that need not be UTF-8.
func oddText() *rapid.Generator[string] {
	part := rapid.SampledFrom([]string{"k", "K", "\u212a", "s", "S", "\u017f", "ä", "Ä", "ß", "日本", "a", "B", "0", " ", "-", "\xff", "\xe6\x97", "Ω", "ω", "\u2126"})
	return rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(part, 0, 12).Draw(t, "parts"), "") })
}

// What contains a text, in its case or another, contains it folded: a signature never hides a value.
func TestFoldedTextsContainWhatTheTextsDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := oddText().Draw(t, "text")
		part := oddText().Draw(t, "part")
		if rapid.Bool().Draw(t, "within") && text != "" {
			from := rapid.IntRange(0, len(text)-1).Draw(t, "from")
			part = text[from:rapid.IntRange(from+1, len(text)).Draw(t, "to")]
		}
		vs := []asff.Value{{Field: asff.FieldTitle, Text: []byte(text)}}
		keyword := query.Expr{Op: query.Is, Cond: query.Cond{Field: asff.FieldKeyword, Cmp: query.Keyword, Text: part}}
		contains := query.Expr{Op: query.Is, Cond: query.Cond{Field: asff.FieldTitle, Cmp: query.Contains, Text: part}}
		if !query.Match(&keyword, vs) && !query.Match(&contains, vs) || part != strings.ToValidUTF8(part, "") {
			return
		}
		require.True(t, bytes.Contains(foldText(nil, []byte(text)), foldText(nil, []byte(part))), "%q in %q", part, text)
	})
}

func newTestDictionary() *dictionary { return newDictionary(0, new(hashKey), math.MaxUint64) }

// learnAll gives values their terms.
func (d *dictionary) learnAll(f asff.Field, values ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, v := range values {
		var buf [maxText]byte
		text, long := fold([]byte(v), &buf)
		d.learn(0, f, nil, long, text)
	}
}

// A search by signatures finds every value that contains a text, and of the others few.
func TestSignatures(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, g := newTestDictionary(), &signatures{field: asff.FieldTitle}
		long := strings.Repeat("long ", 40)
		var values []string
		for range rapid.IntRange(1, 3).Draw(t, "batches") {
			batch := rapid.SliceOf(oddText()).Draw(t, "values")
			batch = append(batch, fmt.Sprint(long, len(values)))
			values = append(values, batch...)
			d.learnAll(asff.FieldTitle, batch...)
			part := oddText().Draw(t, "part")
			met := map[string]bool{}
			ok := g.search(t.Context(), d, part, func(t *term) { met[string(t.appendFolded(nil))] = true })
			require.Equal(t, len(foldText(nil, []byte(part))) >= 3 && part == strings.ToValidUTF8(part, ""), ok)
			for _, v := range values {
				var buf [maxText]byte
				text, isLong := fold([]byte(v), &buf)
				if ok && (isLong || strings.Contains(v, part)) {
					require.True(t, met[string(text)], "%q may contain %q", v, part)
				}
			}
		}
	})
	d, g := newTestDictionary(), &signatures{field: asff.FieldTitle}
	for i := range 10_000 {
		d.learnAll(asff.FieldTitle, fmt.Sprintf("EC2.%d instance of the payroll department should not be reachable-%d", i%90, i))
	}
	n := 0
	require.True(t, g.search(t.Context(), d, "reachable-1234", func(*term) { n++ }))
	require.Less(t, n, 200, "11 of them contain it")
}

// A ranking has the order of the values, however they came, and is walked from anywhere in both directions.
func TestRanking(t *testing.T) {
	head := strings.Repeat("h", longHead-3)
	part := rapid.SampledFrom([]string{"", "a", "b", "hh", "hhh", "hhhh", strings.Repeat("z", 40), "\xff", "Ä", head})
	text := rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(part, 0, 4).Draw(t, "parts"), "") })
	number := rapid.Custom(func(t *rapid.T) string { return strconv.Itoa(rapid.IntRange(-20, 20).Draw(t, "n")) })
	rapid.Check(t, func(t *rapid.T) {
		field, values := asff.FieldTitle, text
		if rapid.Bool().Draw(t, "numbers") {
			field, values = asff.FieldConfidence, number
		}
		d, r := newTestDictionary(), &ranking{field: field}
		for range rapid.IntRange(1, 4).Draw(t, "batches") {
			d.learnAll(field, rapid.SliceOf(values).Draw(t, "values")...)
			r.catchUp(d)
			for _, back := range []bool{false, true} {
				from := rapid.SampledFrom([]string{"", "a", "hhh", head, head + "hhh", head + "hhhz", "b"}).Draw(t, "from")
				k := key{text: []byte(from)}
				if field == asff.FieldConfidence {
					k = key{num: float64(rapid.IntRange(-25, 25).Draw(t, "from"))}
				}
				b := &best{f: &search{}, after: &found{keys: []key{k}}}
				checkWalk(t, d, r, &k, b.start(back), back)
			}
		}
	})
}

// checkWalk walks a ranking from a pivot and looks whether everything on that side of the key was met, in order.
func checkWalk(t *rapid.T, d *dictionary, r *ranking, k *key, p pivot, back bool) {
	keyOf := func(tm *term) key {
		if numeric(r.field) {
			return key{num: query.SortValueOf(r.field, tm.text).Num}
		}
		return key{text: tm.sortText(), long: tm.long}
	}
	var walked []key
	var terms []term
	met := map[uint32]bool{}
	for ids := []uint32(nil); ; {
		if ids = r.after(d, &p, back, ids[:0]); len(ids) == 0 {
			break
		}
		for _, id := range ids {
			tm := d.at(id)
			require.False(t, met[id], "met twice")
			met[id] = true
			walked, terms = append(walked, keyOf(&tm)), append(terms, tm)
		}
	}
	order := []query.SortKey{{Field: r.field, Desc: back}}
	for i := 1; i < len(walked); i++ {
		c, sure := compareKeys(order, &found{keys: walked[i-1 : i]}, &found{keys: walked[i : i+1]})
		require.True(t, !sure || c <= 0 || r.together(&terms[i-1], &terms[i]), "%v before %v", walked[i-1], walked[i])
	}
	for at, more := 0, true; more; {
		at, more = d.walk(r.field, "", at, func(tm *term) {
			of := keyOf(tm)
			c, sure := compareKeys(order, &found{keys: []key{of}}, &found{keys: []key{*k}})
			if !sure || c >= 0 {
				require.True(t, met[tm.id], "%q is behind %q", tm.text, k.text)
			}
		})
	}
}

// A forward is the sets of terms of documents.
func TestForward(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, want := &forward{}, map[uint32]map[uint32]bool{}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			doc, tm := rapid.Uint32Range(0, 6).Draw(t, "doc")*3000, rapid.Uint32Range(0, 4).Draw(t, "term")
			if want[doc] == nil {
				want[doc] = map[uint32]bool{}
			}
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0, 1:
				w.add(doc, tm)
				want[doc][tm] = true
			case 2:
				w.remove(doc, tm)
				delete(want[doc], tm)
			default:
				w.learn(doc, tm)
				if first, has, known := w.first(doc); want[doc][tm] && has {
					require.True(t, known)
					require.Equal(t, tm == first, len(want[doc]) == 1 || first == tm)
				}
			}
			for doc, terms := range want {
				var got []uint32
				switch cell := w.get(doc); {
				case cell == 0:
				case cell&severalTerms == 0:
					got = []uint32{cell - 1}
				default:
					w.several[cell&^severalTerms].each(func(tm uint32) { got = append(got, tm) })
				}
				require.ElementsMatch(t, slices.Collect(keysOfMap(terms)), got)
				_, has, known := w.first(doc)
				require.Equal(t, len(terms) > 0, has)
				require.True(t, known || len(terms) > 1)
			}
		}
	})
}

func keysOfMap(m map[uint32]bool) func(func(uint32) bool) {
	return func(yield func(uint32) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// Changes that were not remembered are told from those that were.
func TestRecent(t *testing.T) {
	var r recent
	for i := range uint32(recentSize + 10) {
		r.note(i)
	}
	some := roaring.New()
	require.False(t, r.since(9, some))
	require.True(t, r.since(recentSize, some))
	require.Equal(t, []uint32{recentSize, recentSize + 1, recentSize + 2, recentSize + 3, recentSize + 4, recentSize + 5, recentSize + 6, recentSize + 7, recentSize + 8, recentSize + 9}, some.ToArray())
}

// sortable are members that differ in what findings are sorted by: lists, long values with one beginning, numbers, absent ones.
func sortable(i int) string {
	tail := func(n int) string { return strings.Repeat("the same beginning ", 8) + strconv.Itoa(n) }
	m := map[string]any{
		"Title": fmt.Sprint("t", i%17), "Description": tail(i % 23), "Confidence": i % 5,
		"CreatedAt": fmt.Sprintf("2026-01-%02dT00:00:00Z", 1+i%28), "UpdatedAt": fmt.Sprintf("2026-02-%02dT00:00:00Z", 1+i%13),
		"Severity": map[string]any{"Label": []string{"LOW", "CRITICAL", "HIGH"}[i%3]},
		"Resources": []any{
			map[string]any{"Type": "Other", "Id": fmt.Sprint("r", i*7%31)}, map[string]any{"Type": "Other", "Id": tail(i % 5)},
		},
	}
	if i%4 == 0 {
		m["Note"] = map[string]any{"Text": tail(i % 3), "UpdatedBy": "u", "UpdatedAt": "2026-01-01T00:00:00Z"}
	}
	text, _ := json.Marshal(m)
	return string(text)
}

// Pages by any order meet what does not change exactly once, in order, while writers change other members of it and other findings
// come, go and move; and those at most once in each state.
func TestSortedPagesAmongWriters(t *testing.T) {
	const findings = 120
	opts := small
	opts.FS, opts.tuning = NewMemory(), tuning{manyTerms: 1, fewTermed: 0, treeSteps: 200, manySatisfy: 3, scanShare: 1}
	s, err := Open("store", opts)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	var docs []querytest.Doc
	for i := range 2 * findings {
		d, err := querytest.NewDoc(fmt.Sprintf("f%03d", i), sortable(i))
		require.NoError(t, err)
		docs = append(docs, d)
	}
	put := func(json []byte, i int, gone bool) {
		k := store.Key{Account: docs[i].Account, Region: docs[i].Region, ProductArn: docs[i].ProductArn, ID: docs[i].ID}
		_, err := s.Update(context.Background(), []store.Key{k}, func(int, *store.Doc, store.StateView) (store.Change, error) {
			return store.Change{JSON: json, Delete: gone}, nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	for i := range docs {
		put(docs[i].JSON, i, false)
	}
	done := make(chan struct{})
	var writers sync.WaitGroup
	for w := range 2 {
		writers.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 3))
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
				}
				i := rng.IntN(2 * findings)
				if i < findings { // it stays where it is
					put(bytes.Replace(docs[i].JSON, []byte(`{`), fmt.Appendf(nil, `{"GeneratorId":"g%d",`, n), 1), i, false)
					continue
				}
				moved, err := querytest.NewDoc(docs[i].ID, sortable(rng.IntN(1000)))
				if err != nil {
					t.Error(err)
				}
				put(moved.JSON, i, rng.IntN(3) == 0)
			}
		})
	}
	where, err := query.Parse(`Title startswith t and Description contains "same beginning"`)
	require.NoError(t, err)
	var readers sync.WaitGroup
	for _, f := range []asff.Field{
		asff.FieldId, asff.FieldTitle, asff.FieldDescription, asff.FieldResourceId, asff.FieldConfidence, asff.FieldSeverityLabel,
		asff.FieldCreatedAt, asff.FieldUpdatedAt, asff.FieldNoteText, asff.FieldNoteUpdatedAt, asff.FieldProcessName,
	} {
		readers.Go(func() {
			for round := range 4 {
				sort := []query.SortKey{{Field: f, Desc: round%2 == 1}}
				if round > 1 {
					sort = append(sort, query.SortKey{Field: asff.FieldSeverityLabel, Desc: true})
				}
				q := query.Find{Where: where, Sort: sort, Limit: 11}
				var met []int
				states := map[uint64]string{} // of those that move, by version
				for more := true; more; more = q.After != nil {
					next, err := pageOfStill(s, &q, findings, &met, states)
					if err != nil {
						t.Error(err)
						return
					}
					q.After = next
				}
				if want := inOrder(docs[:findings], sort); !slices.Equal(met, want) {
					t.Errorf("by %v:\n got %v\nwant %v", sort, met, want)
				}
			}
		})
	}
	readers.Wait()
	close(done)
	writers.Wait()
}

// pageOfStill appends those findings of a page that do not move. Of the others none may come twice in the same state.
func pageOfStill(s *Store, q *query.Find, findings int, met *[]int, states map[uint64]string) (*query.Position, error) {
	return s.Find(context.Background(), store.Scope{}, q, func(d *store.Doc) error {
		var n int
		if _, err := fmt.Sscanf(d.Key.ID, "f%d", &n); err != nil {
			return err
		}
		if n < findings {
			*met = append(*met, n)
			return nil
		}
		if was, twice := states[d.Version]; twice {
			return fmt.Errorf("%s came twice in one state, as %s, by %v", d.Key.ID, was, q.Sort)
		}
		states[d.Version] = d.Key.ID
		return nil
	})
}

// inOrder is the numbers of documents, sorted.
func inOrder(docs []querytest.Doc, sort []query.SortKey) []int {
	at := make([]query.Position, len(docs))
	numbers := make([]int, len(docs))
	var r asff.Reader
	for i := range docs {
		numbers[i] = i
		at[i] = query.Position{Values: query.Keys(sort, r.Values(docs[i].JSON), nil), Identity: docs[i].Identity()}
	}
	slices.SortFunc(numbers, func(a, b int) int { return query.Compare(sort, &at[a], &at[b]) })
	return numbers
}

// A question has its time.
func TestQuestionsAreLimited(t *testing.T) {
	opts := small
	opts.FS, opts.QueryTimeout = NewMemory(), time.Nanosecond
	s, err := Open("store", opts)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	load(t, s, `{"Title":"a"}`)
	ctx := context.Background()
	for name, ask := range map[string]func() error{
		"Find": func() error {
			_, err := s.Find(ctx, store.Scope{}, &query.Find{Limit: 1}, func(*store.Doc) error { return nil })
			return err
		},
		"Count": func() error {
			_, err := s.Count(ctx, store.Scope{}, &query.Expr{})
			return err
		},
		"Group": func() error {
			_, err := s.Group(ctx, store.Scope{}, &query.Group{By: asff.FieldTitle})
			return err
		},
		"Explain": func() error {
			_, err := s.Explain(ctx, store.Scope{}, &query.Find{Limit: 1})
			return err
		},
	} {
		// The clock may not have moved yet.
		require.Eventually(t, func() bool { return errors.Is(ask(), store.ErrTooSlow) }, time.Minute, time.Microsecond, name)
	}
	require.NoError(t, s.Walk(ctx, store.Scope{}, &query.Expr{}, func(*store.Doc) error { return nil }), "an export takes as long as it takes")
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	_, err = s.Count(ctx, store.Scope{}, &query.Expr{})
	require.ErrorIs(t, err, context.Canceled)
}
