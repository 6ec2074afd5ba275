package embedded

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/stretchr/testify/require"

	"hubcap/internal/store"
)

func announce(t testing.TB, s *Store, n int, mark store.EventMark) {
	t.Helper()
	k := store.Key{Account: "111122223333", Region: "us-east-1", ProductArn: "arn:p", ID: fmt.Sprint("f", n)}
	errs, err := s.Update(context.Background(), []store.Key{k}, func(int, *store.Doc, store.StateView) (store.Change, error) {
		return store.Change{JSON: fmt.Appendf(nil, `{"Id":"f%d","Title":%q}`, n, fmt.Sprintf("%0900d", n*7919)), Event: mark}, nil
	})
	require.NoError(t, err)
	require.NoError(t, errs[0])
}

func retainedTimes(t testing.TB, s *Store, from time.Time) (list []int64) {
	t.Helper()
	var place []byte
	for {
		before := len(list)
		next, err := s.RetainedEvents(context.Background(), from, place, 1000, func(e *store.Event, _ []byte) error {
			list = append(list, e.Time.Unix())
			return nil
		})
		require.NoError(t, err)
		if len(list) == before {
			return list
		}
		place = next
	}
}

// Beyond the bound the oldest events go, but not those that wait for a sink in force.
func TestOutboxIsBounded(t *testing.T) {
	s, err := Open("store", Options{FS: NewMemory(), NoCheckpoint: true})
	require.NoError(t, err)
	defer s.Close()
	for i := range 400 {
		sinks := []string{"gone"}
		if i == 3 {
			sinks = append(sinks, "hook")
		}
		announce(t, s, i, store.EventMark{Kind: store.Imported, Time: time.Unix(int64(i), 0), Sinks: sinks})
	}
	require.NoError(t, s.db.Flush())
	used, err := s.db.EstimateDiskUsage([]byte{eventPrefix}, []byte{eventPrefix + 1})
	require.NoError(t, err)
	more, err := s.ExpireEvents(t.Context(), time.Unix(0, 0), int64(used), []string{"hook"})
	require.NoError(t, err)
	require.False(t, more)
	require.Len(t, retainedTimes(t, s, time.Time{}), 400)
	_, err = s.ExpireEvents(t.Context(), time.Unix(0, 0), int64(used)/2, []string{"hook"})
	require.NoError(t, err)
	left := retainedTimes(t, s, time.Time{})
	require.Greater(t, len(left), 40)
	require.Less(t, len(left), 260)
	require.EqualValues(t, 3, left[0])
	require.EqualValues(t, 399, left[len(left)-1])
	require.EqualValues(t, 400-len(left), left[1]-1, "the oldest went")
}

// Where a question from an instant begins is found without looking at what is older.
func TestPlaceOfAnInstant(t *testing.T) {
	s, err := Open("store", Options{FS: NewMemory(), NoCheckpoint: true})
	require.NoError(t, err)
	defer s.Close()
	require.Empty(t, retainedTimes(t, s, time.Unix(5, 0)))
	for i := range 200 {
		announce(t, s, i%7, store.EventMark{Kind: store.Imported, Time: time.Unix(int64(i)*60, 0), Sinks: []string{"hook"}})
	}
	for _, from := range []int64{0, 1, 60, 3600, 199 * 60, 199*60 + 1, 1 << 40} {
		want := 0
		for i := range 200 {
			if int64(i)*60 >= from {
				want++
			}
		}
		require.Len(t, retainedTimes(t, s, time.Unix(from, 0)), want, "%d", from)
	}
	place, err := s.placeOf(t.Context(), time.Unix(100*60, 0))
	require.NoError(t, err)
	looked := 0
	_, err = s.walkEvents(t.Context(), place, func(uint64, []byte) (bool, error) {
		looked++
		return true, nil
	})
	require.NoError(t, err)
	require.Less(t, looked, 105)
}

func TestDoctorKnowsTheOutbox(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	require.NoError(t, err)
	for i := range 3 {
		announce(t, s, i, store.EventMark{Kind: store.Imported, Time: time.Unix(int64(i), 0), Sinks: []string{"hook"}})
	}
	var refs []store.EventRef
	require.NoError(t, s.WaitingEvents(t.Context(), "hook", "111122223333", nil, 9, func(e *store.Event) error {
		refs = append(refs, e.Ref())
		return nil
	}))
	require.NoError(t, s.SettleEvents(t.Context(), "hook", nil, []store.DeadEvent{{EventRef: refs[0], Reason: "r", Time: time.Unix(9, 0)}}))
	require.NoError(t, s.Close())
	examine := func(repair bool) map[string]int {
		found, err := Examine(t.Context(), dir, ExamineOptions{Repair: repair, Removed: filepath.Join(t.TempDir(), "removed")})
		require.NoError(t, err)
		return found.Counts
	}
	require.Empty(t, examine(false))

	s, err = Open(dir, Options{})
	require.NoError(t, err)
	require.NoError(t, s.db.Set(eventKey(nil, 1), []byte("x"), pebble.Sync))
	require.NoError(t, s.db.Set(waitingKey(nil, "hook", &store.EventRef{Account: "a", Version: 1}), make([]byte, 8), pebble.Sync))
	require.NoError(t, s.db.Set(deadKey("hook", 2), appendDead(nil, &store.DeadEvent{}), pebble.Sync))
	require.NoError(t, s.Close())
	require.Equal(t, map[string]int{ProblemEvent: 3}, examine(true))
	require.Empty(t, examine(false))
	s, err = Open(dir, Options{})
	require.NoError(t, err)
	require.Len(t, retainedTimes(t, s, time.Time{}), 3)
	require.NoError(t, s.Close())
}
