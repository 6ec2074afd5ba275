package embedded_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"hubcap/internal/asff/asfftest"
	"hubcap/internal/query"
	"hubcap/internal/store"
	"hubcap/internal/store/embedded"
)

func TestSmoke(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s, err := embedded.Open(dir, embedded.Options{})
	require.NoError(t, err)
	var keys []store.Key
	var docs [][]byte
	for i := range 250 {
		docs = append(docs, asfftest.Finding(i, 1))
		keys = append(keys, store.Key{Account: asfftest.Account(i), Region: "us-east-1", ProductArn: "p", ID: string(rune('a'+i%26)) + string(rune('a'+i/26))})
	}
	errs, err := s.Update(ctx, keys, func(i int, old *store.Doc, st store.StateView) (store.Change, error) {
		require.Nil(t, old)
		return store.Change{JSON: docs[i]}, nil
	})
	require.NoError(t, err)
	require.Len(t, errs, 250)
	for range 2 {
		n := 0
		var after *query.Position
		for {
			after, err = s.Find(ctx, store.Scope{}, &query.Find{Limit: 100, After: after}, func(d *store.Doc) error { n++; return nil })
			require.NoError(t, err)
			if after == nil {
				break
			}
		}
		require.Equal(t, 250, n)
		for i, k := range keys {
			ok, err := s.Get(ctx, k, func(d *store.Doc) error { require.Equal(t, string(docs[i]), string(d.JSON)); return nil })
			require.NoError(t, err)
			require.True(t, ok)
		}
		require.NoError(t, s.Close())
		s, err = embedded.Open(dir, embedded.Options{})
		require.NoError(t, err)
	}
	require.NoError(t, s.Close())
}
