package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hubcap/internal/query/querytest"
	"hubcap/internal/store"
	"hubcap/internal/store/postgres/postgrestest"
)

// A primary dies while writers are at work; its standby, which has every acknowledged change, takes its place. The store, which knows both,
// goes on there by itself, and nothing that it acknowledged is missing.
func TestPromotedStandby(t *testing.T) {
	primary := postgrestest.Start(t)
	standby := primary.Standby(t)
	primary.Set(t, "synchronous_standby_names", postgrestest.StandbyName)
	primary.AwaitRow(t, "EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')")

	address := strings.Replace(primary.Address("postgres"), primary.Host(), primary.Host()+","+standby.Host(), 1) + "&target_session_attrs=read-write"
	s, err := Open(t.Context(), address, Options{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })

	var acknowledged sync.Map // name of a finding -> the last version whose write was acknowledged
	var count atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	const several = 4
	for w := range several {
		writers.Go(func() {
			for version := 0; ctx.Err() == nil; version++ {
				name := fmt.Sprintf("f-%d-%d", w, version%50)
				d, err := querytest.NewDoc(name, fmt.Sprintf(`{"Title":"version %d"}`, version))
				if err != nil {
					t.Error(err)
					return
				}
				key := store.Key{Account: d.Account, Region: d.Region, ProductArn: d.ProductArn, ID: d.ID}
				errs, err := s.Update(ctx, []store.Key{key}, func(int, *store.Doc, store.StateView) (store.Change, error) {
					return store.Change{JSON: d.JSON}, nil
				})
				if err == nil && errs[0] == nil {
					acknowledged.Store(key, version)
					count.Add(1)
				}
			}
		})
	}
	more := func(n int64) {
		t.Helper()
		until := count.Load() + n
		require.Eventually(t, func() bool { return count.Load() >= until }, time.Minute, 5*time.Millisecond)
	}
	more(200)
	require.NoError(t, primary.Kill())
	standby.Set(t, "synchronous_standby_names", "") // it has no standby of its own
	standby.Promote(t)
	more(200)
	stop()
	writers.Wait()

	acknowledged.Range(func(k, v any) bool {
		there, err := s.Get(t.Context(), k.(store.Key), func(d *store.Doc) error {
			var version int
			_, err := fmt.Sscanf(string(d.JSON[strings.Index(string(d.JSON), `"version `):]), `"version %d"`, &version)
			require.NoError(t, err)
			require.GreaterOrEqual(t, version, v.(int), "what came last may be there though nobody was told")
			return nil
		})
		require.NoError(t, err)
		require.True(t, there)
		return true
	})
}
