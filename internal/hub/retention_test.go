package hub

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"hubcap/internal/query"
	"hubcap/internal/store"
)

func (w *world) sweep(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	r := RetentionOf(w.profile)
	for name, to := range map[string]*time.Duration{"active": &r.Active, "archived": &r.Archived, "archive": &r.Archive} {
		if v := arg(d, name, ""); v != "" {
			n, err := strconv.Atoi(v)
			require.NoError(t, err)
			*to = time.Duration(n) * day
		}
	}
	if err := r.Check(); err != nil {
		return err.Error()
	}
	w.hub.retention = r
	report, err := w.hub.Sweep(t.Context(), Pace{Batch: 1})
	require.NoError(t, err)
	return fmt.Sprintf("expired %d, archived %d, failed %d", report.Expired, report.Archived, report.Failed)
}

// sweptWorld is a hub in the profile aws with n findings that are due in 100 days.
func sweptWorld(t *testing.T, s store.Store, n int) *world {
	t.Helper()
	w := &world{open: func(*testing.T) store.Store { return s }, clock: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	w.fresh(t, Open)
	for i := range n {
		_, err := w.hub.BatchImportFindings(t.Context(), caller(t, &datadriven.TestData{}),
			[]byte(importBody(t, caller(t, &datadriven.TestData{}), fmt.Sprintf(`{"Id":"f%d"}`, i))))
		require.NoError(t, err)
	}
	w.clock = w.clock.Add(100 * day)
	w.hub.retention = RetentionOf(AWS)
	return w
}

func (w *world) stored(t *testing.T) int {
	t.Helper()
	n, err := w.store.Count(t.Context(), store.Scope{}, &query.Expr{})
	require.NoError(t, err)
	return int(n)
}

// A sweep rests between its steps, and ends where the rest is broken off; what it did until then is told and stays done.
func TestSweepIsPaced(t *testing.T) {
	w := sweptWorld(t, newMemStore(), 10)
	rests := 0
	stop := errors.New("the hub is stopping")
	report, err := w.hub.Sweep(t.Context(), Pace{Batch: 3, Rest: func(_ context.Context, took time.Duration) error {
		require.GreaterOrEqual(t, took, time.Duration(0))
		if rests++; rests == 3 { // one of them found nothing archived
			return stop
		}
		return nil
	}})
	require.ErrorIs(t, err, stop)
	require.Equal(t, SweepReport{Expired: 6}, report)
	require.Equal(t, 4, w.stored(t))

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = w.hub.Sweep(gone, Pace{})
	require.ErrorIs(t, err, context.Canceled)
	report, err = w.hub.Sweep(t.Context(), Pace{})
	require.NoError(t, err)
	require.Equal(t, SweepReport{Expired: 4}, report)
	require.Zero(t, w.stored(t))
}

// A finding that is updated between being looked at and being deleted stays.
func TestSweepJudgesAnew(t *testing.T) {
	w := sweptWorld(t, newMemStore(), 1)
	w.store.between = func() {
		p := caller(t, &datadriven.TestData{})
		_, err := w.hub.BatchImportFindings(t.Context(), p, []byte(importBody(t, p, `{"Id":"f0","UpdatedAt":"2026-04-10T00:00:00Z"}`)))
		require.NoError(t, err)
	}
	report, err := w.hub.Sweep(t.Context(), Pace{})
	require.NoError(t, err)
	require.Equal(t, SweepReport{}, report)
	require.Equal(t, 1, w.stored(t))
}

// Of two processes that serve one store one sweeps: the other waits for the end, or for the lease of one that died.
func TestSweepIsDoneOnce(t *testing.T) {
	w := sweptWorld(t, newMemStore(), 6)
	w.hub.shared = true
	other, err := New(t.Context(), Config{Store: w.store, Clock: func() time.Time { return w.clock }, Shared: true, Retention: RetentionOf(AWS)})
	require.NoError(t, err)
	rests := 0
	report, err := w.hub.Sweep(t.Context(), Pace{Batch: 2, Rest: func(ctx context.Context, _ time.Duration) error {
		rests++
		before := w.stored(t)
		theirs, err := other.Sweep(ctx, Pace{})
		require.NoError(t, err)
		require.Zero(t, theirs)
		require.Equal(t, before, w.stored(t))
		return nil
	}})
	require.NoError(t, err)
	require.Equal(t, SweepReport{Expired: 6}, report)
	require.Positive(t, rests)

	// A lease that was left behind runs out, and whoever slept through its own ends.
	died := errors.New("killed")
	w.hub.retention = RetentionOf(AWS)
	_, err = w.hub.Sweep(t.Context(), Pace{Rest: func(ctx context.Context, _ time.Duration) error {
		w.clock = w.clock.Add(sweepLease + time.Second)
		theirs, err := other.Sweep(ctx, Pace{Rest: func(ctx context.Context, _ time.Duration) error {
			s := sweep{h: w.hub, now: w.clock}
			require.ErrorIs(t, s.rest(ctx, w.clock), errSweptElsewhere)
			return died
		}})
		require.ErrorIs(t, err, died)
		require.Zero(t, theirs)
		return died
	}})
	require.ErrorIs(t, err, died)
	require.NoError(t, w.store.View(t.Context(), func(st store.StateView) error {
		rec, err := sweepRecordOf(st)
		require.Zero(t, rec, "it was given back")
		return err
	}))
}

// A finding that cannot be deleted does not keep the others, and is tried again.
func TestSweepGoesOn(t *testing.T) {
	m := newMemStore()
	w := sweptWorld(t, m, 5)
	broken := errors.New("a bad day")
	m.fail = func(k store.Key) error {
		if k.ID == "f2" {
			return broken
		}
		return nil
	}
	report, err := w.hub.Sweep(t.Context(), Pace{Batch: 2})
	require.NoError(t, err)
	require.Equal(t, SweepReport{Expired: 4, Failed: 1}, report)
	m.fail = nil
	report, err = w.hub.Sweep(t.Context(), Pace{})
	require.NoError(t, err)
	require.Equal(t, SweepReport{Expired: 1}, report)
}

func TestRetentionContradictsItself(t *testing.T) {
	for _, r := range []Retention{
		{Archived: 30 * day, Archive: 30 * day},
		{Active: 90 * day, Archive: 90 * day},
		{Active: -1},
	} {
		_, err := New(t.Context(), Config{Store: newMemStore(), Clock: time.Now, Retention: r})
		require.Error(t, err)
	}
	for _, r := range []Retention{{}, RetentionOf(AWS), {Archive: 10 * day, Archived: 30 * day, Active: 90 * day}, {Archive: 400 * day}} {
		require.NoError(t, r.Check())
	}
}
