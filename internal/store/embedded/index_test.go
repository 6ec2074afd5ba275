package embedded

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
