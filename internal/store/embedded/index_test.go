package embedded

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"hubcap/internal/asff"
	"hubcap/internal/query"
	"hubcap/internal/query/querytest"
	"hubcap/internal/store"
)

// load stores findings made of members.
func load(t *testing.T, s *Store, members ...string) {
	t.Helper()
	require.NoError(t, tryLoad(s, members...))
}

// tryLoad is load for goroutines, in which a test must not end.
func tryLoad(s *Store, members ...string) error {
	docs := make([]querytest.Doc, len(members))
	keys := make([]store.Key, len(members))
	for i, m := range members {
		var err error
		if docs[i], err = querytest.NewDoc(fmt.Sprint("f", i), m); err != nil {
			return err
		}
		keys[i] = store.Key{Account: docs[i].Account, Region: docs[i].Region, ProductArn: docs[i].ProductArn, ID: docs[i].ID}
	}
	errs, err := s.Update(context.Background(), keys, func(i int, _ *store.Doc, _ store.StateView) (store.Change, error) {
		return store.Change{JSON: docs[i].JSON}, nil
	})
	return errors.Join(append(errs, err)...)
}

func ids(t *testing.T, s *Store, where string) []string {
	t.Helper()
	out, err := tryIDs(s, where)
	require.NoError(t, err)
	return out
}

func tryIDs(s *Store, where string) ([]string, error) {
	e, err := query.Parse(where)
	if err != nil {
		return nil, err
	}
	var out []string
	_, err = s.Find(context.Background(), store.Scope{}, &query.Find{Where: e, Limit: 10_000}, func(d *store.Doc) error {
		out = append(out, d.Key.ID)
		return nil
	})
	slices.Sort(out)
	return out, err
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

// A million random tags, keys and values, stay within the memory for terms: in what the dictionary counts, and in what the index takes.
// A finding whose tag did not fit is on the overflow, where TestIndexMemory finds it.
func TestMillionTags(t *testing.T) {
	const findings, tagsEach, limit = 4_000, 250, 4 << 20
	s := &Store{opts: Options{IndexMemory: limit}.withDefaults(), key: newHashKey(nil)}
	s.emptyIndex()
	random := func(n int, salt uint64) []byte {
		return strconv.AppendUint(nil, uint64(n+1)*0x9e3779b97f4a7c15^salt, 36)
	}
	x := extractor{dict: s.dict}
	differs := make([]difference, findings)
	for i := range differs {
		d := &differs[i]
		k := store.Key{Account: querytest.Account, Region: querytest.Region, ProductArn: querytest.ProductArn, ID: fmt.Sprint("f", i)}
		*d = difference{doc: uint32(i), ident: k.Identity(), pair: s.pairHash(k.ProductArn, k.ID), version: uint64(i + 1), kind: comes}
		values := make([]asff.Value, tagsEach)
		for j := range values {
			n := i*tagsEach + j
			values[j] = asff.Value{Field: asff.FieldResourceTags, Key: random(n, 0), Text: random(n, 1<<40)}
		}
		x.comes(&k, values, d)
		if i%100 == 99 {
			x.settle()
			for at := i - 99; at <= i; at++ {
				differs[at].order()
				s.index.apply(&differs[at])
			}
		}
	}
	require.Greater(t, s.dict.bytes, int64(limit))
	require.Less(t, s.dict.bytes, int64(limit+limit/100))
	require.Less(t, indexTakes(s), limit*5/4)
	over, ok := s.dict.lookup(fieldOverflow, "", spillText[asff.FieldResourceTags][:])
	require.True(t, ok)
	indexed := 0
	for i := range findings {
		n := i*tagsEach + i%tagsEach
		id, ok := s.dict.lookup(asff.FieldResourceTags, string(random(n, 0)), random(n, 1<<40))
		if ok {
			require.Equal(t, []uint32{uint32(i)}, s.index.posting(id).appendTo(nil))
			indexed++
			continue
		}
		require.True(t, s.index.posting(over).contains(uint32(i)))
	}
	require.Greater(t, indexed, 20)
	require.Less(t, indexed, findings/5)
}
