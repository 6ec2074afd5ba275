package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"hubcap/internal/store"
)

// announce stores a finding and tells a sink.
func announce(t testing.TB, s *Store, name string) {
	t.Helper()
	k, doc := finding(t, name, "x")
	errs, err := s.Update(context.Background(), []store.Key{k}, func(int, *store.Doc, store.StateView) (store.Change, error) {
		return store.Change{JSON: doc, Event: store.EventMark{Kind: store.Imported, Time: time.UnixMilli(1), Sinks: []string{"hook"}}}, nil
	})
	require.NoError(t, err)
	require.NoError(t, errs[0])
}

// TestRetainedEventsWait: events behind a transaction that is under way are told when it is over, those of the transaction first; a sink's
// own are not kept back.
func TestRetainedEventsWait(t *testing.T) {
	ctx := context.Background()
	s, address := begin(t)
	announce(t, s, "before")
	slow, err := pgx.Connect(ctx, address)
	require.NoError(t, err)
	defer slow.Close(ctx)
	tx, err := slow.Begin(ctx)
	require.NoError(t, err)
	// Another process is about to tell of a finding: it has its number.
	_, err = tx.Exec(ctx, `INSERT INTO event SELECT account, identity, version - 1, (SELECT pg_current_xact_id()::text::bigint), n, kind, at, detail, body FROM event`)
	require.NoError(t, err)
	announce(t, s, "after")

	var place []byte
	told := func() (n int) {
		place, err = s.RetainedEvents(ctx, time.Time{}, place, 10, func(*store.Event, []byte) error {
			n++
			return nil
		})
		require.NoError(t, err)
		return n
	}
	require.Equal(t, 1, told())
	require.Zero(t, told())
	waiting := 0
	require.NoError(t, s.WaitingEvents(ctx, "hook", account, nil, 10, func(*store.Event) error {
		waiting++
		return nil
	}))
	require.Equal(t, 2, waiting)
	require.NoError(t, tx.Commit(ctx))
	require.Equal(t, 2, told(), "both, none left out")
}

// TestAccountsWithManyEvents: accounts that have events waiting are found however many each has.
func TestAccountsWithManyEvents(t *testing.T) {
	ctx := context.Background()
	s, address := begin(t)
	execute(t, address, `INSERT INTO waiting SELECT lpad((a * 7)::text, 12, '0'), 'hook', '\x00', v FROM generate_series(1, 40) a, generate_series(1, 100 * a) v`)
	execute(t, address, `INSERT INTO waiting SELECT '000000000006', 'other', '\x00', v FROM generate_series(1, 2000) v`)
	var all []string
	for after := ""; ; after = all[len(all)-1] {
		some, err := s.EventAccounts(ctx, "hook", after, 7)
		require.NoError(t, err)
		if all = append(all, some...); len(some) < 7 {
			break
		}
	}
	require.Len(t, all, 40)
	require.Equal(t, "000000000007", all[0])
	require.Equal(t, "000000000280", all[39])
}
