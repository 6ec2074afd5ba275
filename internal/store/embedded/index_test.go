package embedded

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hubcap/internal/asff"
	"hubcap/internal/query"
	"hubcap/internal/query/querytest"
	"hubcap/internal/store"
)

// A posting is a set, whatever form it has.
func TestPosting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p posting
		want := map[uint32]bool{}
		for range rapid.IntRange(0, 120).Draw(t, "steps") {
			doc := rapid.Uint32Range(0, 40).Draw(t, "doc")
			if rapid.IntRange(0, 3).Draw(t, "remove") == 0 {
				p.remove(doc)
				delete(want, doc)
			} else {
				p.add(doc)
				want[doc] = true
			}
			require.Equal(t, len(want), p.count())
			var got []uint32
			p.each(func(doc uint32) { got = append(got, doc) })
			require.Len(t, got, len(want))
			for _, doc := range got {
				require.True(t, want[doc])
			}
			first, ok := p.first()
			require.Equal(t, len(want) > 0, ok)
			require.True(t, !ok || want[first])
			x := &index{postings: [][]posting{{p}}}
			require.Equal(t, len(want), int(x.anyOf([]uint32{0}).GetCardinality()))
			require.Equal(t, len(want), p.within(x.union([]uint32{0})))
		}
	})
}

// load stores findings made of members.
func load(t *testing.T, s *Store, members ...string) {
	t.Helper()
	docs := make([]querytest.Doc, len(members))
	keys := make([]store.Key, len(members))
	for i, m := range members {
		var err error
		docs[i], err = querytest.NewDoc(fmt.Sprint("f", i), m)
		require.NoError(t, err)
		keys[i] = store.Key{Account: docs[i].Account, Region: docs[i].Region, ProductArn: docs[i].ProductArn, ID: docs[i].ID}
	}
	errs, err := s.Update(context.Background(), keys, func(i int, _ *store.Doc, _ store.StateView) (store.Change, error) {
		return store.Change{JSON: docs[i].JSON}, nil
	})
	require.NoError(t, err)
	for _, err := range errs {
		require.NoError(t, err)
	}
}

func ids(t *testing.T, s *Store, where string) []string {
	t.Helper()
	e, err := query.Parse(where)
	require.NoError(t, err)
	var out []string
	_, err = s.Find(context.Background(), store.Scope{}, &query.Find{Where: e, Limit: 10_000}, func(d *store.Doc) error {
		out = append(out, d.Key.ID)
		return nil
	})
	require.NoError(t, err)
	slices.Sort(out)
	return out
}

// Random tags without end stay within the memory for terms; what did not fit is found all the same.
func TestIndexMemory(t *testing.T) {
	opts := small
	opts.FS, opts.IndexMemory = NewMemory(), 200_000
	s, err := Open("store", opts)
	require.NoError(t, err)
	for batch := range 20 {
		var members []string
		for i := range 100 {
			n := batch*100 + i
			members = append(members, fmt.Sprintf(`{"Id":"f%d","Resources":[{"Type":"Other","Id":"r%d","Tags":{"k%d":"v%d","same":"v%d"}}]}`, n, n, n, n, n%2))
		}
		load(t, s, members...)
	}
	for range 2 {
		s.dict.mu.RLock()
		require.Greater(t, s.dict.bytes, int64(200_000))
		require.Less(t, s.dict.bytes, int64(210_000), "the overflow marks and the keys' accounts are all that is added")
		s.dict.mu.RUnlock()
		require.Equal(t, []string{"f3"}, ids(t, s, `ResourceTags["k3"] = v3`))
		require.Equal(t, []string{"f1999"}, ids(t, s, `ResourceTags["k1999"] = v1999`))
		require.Len(t, ids(t, s, `ResourceTags["k1999"] missing`), 1999)
		require.Len(t, ids(t, s, `ResourceTags["same"] = v0 and not ResourceId = r1998`), 999)
		counts, err := s.Group(context.Background(), store.Scope{}, &query.Group{By: asff.FieldResourceTags, Key: "same"})
		require.NoError(t, err)
		require.Equal(t, []query.Count{{Value: "v0", N: 1000}, {Value: "v1", N: 1000}}, counts)
		require.NoError(t, s.Close())
		s, err = Open("store", opts)
		require.NoError(t, err)
	}
	require.NoError(t, s.Close())
}

// A field that the API gains is asked for in documents that were indexed without it; what is numbered differently is read as meant.
func TestFieldsOfAnOlderVersion(t *testing.T) {
	opts := small
	opts.FS = NewMemory()
	s, err := Open("store", opts)
	require.NoError(t, err)
	load(t, s, `{"Title":"a","Confidence":7}`, `{"Title":"b"}`)
	require.NoError(t, s.Close())

	// As if an older version, which numbered backwards and knew no Title and Confidence, but a Colour, had written.
	s, err = Open("store", opts)
	require.NoError(t, err)
	old := newFieldTable()
	fields := slices.Clone(asff.Fields())
	slices.Reverse(fields)
	for _, f := range fields {
		if f != asff.FieldTitle && f != asff.FieldConfidence {
			old.add(f.Name(), 0)
		}
	}
	old.add("Colour", 0)
	colour := byte(len(old.names))
	b := s.db.NewBatch()
	require.NoError(t, b.DeleteRange([]byte{termPrefix}, []byte{termPrefix + 1}, nil))
	var terms []byte
	s.dict.mu.RLock()
	for id := range s.dict.next {
		tm := s.dict.at(id)
		rec := appendTerm(nil, old, &s.dict.attrs[tm.attr], &tm)
		if rec[0] == 0 {
			rec[0] = colour
		}
		terms = appendNumbered(terms, id, rec)
	}
	require.NoError(t, b.Set(termsKey(nil, s.dict.next-1, 1), terms, nil))
	s.dict.mu.RUnlock()
	require.NoError(t, b.Set(metaKey("fields"), old.encode(), nil))
	require.NoError(t, b.Commit(nil))
	require.NoError(t, s.Close())

	for range 2 {
		s, err = Open("store", opts)
		require.NoError(t, err)
		load(t, s, `{"Id":"new","Title":"a","Confidence":7}`)
		for where, want := range map[string][]string{
			`Title = a`: {"f0", "new"}, `Title != a`: {"f1"}, `Confidence = 7`: {"f0", "new"}, `Confidence missing`: {"f1"},
			`SeverityLabel = LOW and Title = b`: {"f1"}, `GeneratorId = g`: {"f0", "f1", "new"},
		} {
			require.Equal(t, want, ids(t, s, where), where)
		}
		require.NoError(t, s.Close())
	}
}

// Terms that nothing has any more are forgotten when the store opens, and come back when they are met again.
func TestSweep(t *testing.T) {
	opts := small
	opts.FS = NewMemory()
	terms := func(s *Store) int {
		it, err := s.db.NewIter(nil)
		require.NoError(t, err)
		ids := map[uint32]bool{}
		for ok := it.SeekGE([]byte{termPrefix}); ok && it.Key()[0] == termPrefix; ok = it.Next() {
			require.NotEmpty(t, it.Value())
			require.NoError(t, eachTerm(it.Value(), func(id uint32, _ []byte) error {
				ids[id] = true
				return nil
			}))
		}
		require.NoError(t, it.Close())
		return len(ids)
	}
	s, err := Open("store", opts)
	require.NoError(t, err)
	load(t, s, `{"Title":"stays"}`)
	before := terms(s)
	load(t, s, `{"Title":"goes"}`)
	require.Equal(t, before+1, terms(s))
	load(t, s, `{"Title":"stays"}`)
	require.NoError(t, s.Close())
	for range 2 {
		s, err = Open("store", opts)
		require.NoError(t, err)
		require.Equal(t, before, terms(s))
		load(t, s, `{"Title":"goes"}`)
		require.Equal(t, []string{"f0"}, ids(t, s, `Title = goes`))
		require.NoError(t, s.Close())
		s, err = Open("store", opts)
		require.NoError(t, err)
		require.Equal(t, []string{"f0"}, ids(t, s, `Title = goes`), "its record was written again")
		load(t, s, `{"Title":"stays"}`)
		require.NoError(t, s.Close())
	}
}

// Two writers that met a term at once have both written it, and that is one term; a record that cannot be right is told.
func TestRecordsOfTerms(t *testing.T) {
	opts := small
	again := func(t *testing.T, change func(highest uint32, terms []byte) (key, record []byte)) (before uint32, s *Store, err error) {
		t.Helper()
		opts.FS = NewMemory()
		s, err = Open("store", opts)
		require.NoError(t, err)
		load(t, s, `{"Title":"a"}`)
		it, err := s.db.NewIter(nil)
		require.NoError(t, err)
		require.True(t, it.SeekGE([]byte{termPrefix}))
		highest, ok := highestTerm(it.Key())
		require.True(t, ok)
		key, record := change(highest, slices.Clone(it.Value()))
		require.NoError(t, it.Close())
		before = s.dict.next
		require.NoError(t, s.db.Set(key, record, nil))
		require.NoError(t, s.Close())
		s, err = Open("store", opts)
		return before, s, err
	}
	before, s, err := again(t, func(highest uint32, terms []byte) (key, record []byte) { return termsKey(nil, highest, 1<<60), terms })
	require.NoError(t, err)
	require.Equal(t, before, s.dict.next)
	counts, err := s.Group(t.Context(), store.Scope{}, &query.Group{By: asff.FieldTitle, Limit: 10})
	require.NoError(t, err)
	require.Equal(t, []query.Count{{Value: "a", N: 1}}, counts)
	require.Equal(t, []string{"f0"}, ids(t, s, `Title = a`))
	load(t, s, `{"Title":"b"}`)
	require.Equal(t, []string{"f0"}, ids(t, s, `Title = b`))
	require.Empty(t, ids(t, s, `Title = a`))
	require.NoError(t, s.Close())

	for name, change := range map[string]func(highest uint32, terms []byte) (key, record []byte){
		"a number above what the key promises": func(highest uint32, terms []byte) (key, record []byte) {
			return termsKey(nil, highest-1, 1<<60), terms
		},
		"ends early": func(highest uint32, terms []byte) (key, record []byte) {
			return termsKey(nil, highest, 1<<60), terms[:len(terms)-1]
		},
		"a key too long": func(highest uint32, terms []byte) (key, record []byte) {
			return append(termsKey(nil, highest, 1<<60), 0), terms
		},
	} {
		_, _, err := again(t, change)
		require.ErrorContains(t, err, "damaged record", name)
	}
}
