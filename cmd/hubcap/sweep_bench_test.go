package main

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hubcap/internal/asff/asfftest"
	"hubcap/internal/hub"
	"hubcap/internal/iam"
	"hubcap/internal/query"
	"hubcap/internal/store"
	"hubcap/internal/store/embedded"
)

// sweepPauses opens a store as a hub does for which its findings were imported 100 days ago, and tells how long somebody waits at most
// who imports a finding, and who reads the newest page, one after the other: while nothing else happens, and while a sweep deletes
// everything at the pace of serve.
func sweepPauses(b *testing.B, size, dir string) {
	b.Helper()
	const later = 100 * 24 * time.Hour
	st, err := embedded.Open(dir, embedded.Options{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(b, err)
	defer func() { require.NoError(b, st.Close()) }()
	h, err := hub.New(b.Context(), hub.Config{
		Store: st, Clock: func() time.Time { return time.Now().Add(later) }, Retention: hub.RetentionOf(hub.AWS),
	})
	require.NoError(b, err)
	account := benchAccounts()[0]
	p := &iam.Principal{Account: account, Region: fallbackRegion, ARN: "arn:aws:iam::" + account + ":user/bench"}
	body, fresh := []byte(nil), 500_000_000 // numbers that nobody had
	importOne := func() error {
		body = append(asfftest.Append(append(body[:0], batchHead...), account, fallbackRegion, fresh, 0), batchTail...)
		fresh++
		_, err := h.BatchImportFindings(b.Context(), p, body)
		return err
	}
	page := func() error {
		_, err := st.Find(b.Context(), store.Scope{}, &query.Find{Limit: pageOf}, func(*store.Doc) error { return nil })
		return err
	}
	for _, c := range []struct {
		name string
		goal float64
	}{{"calm", 0}, {"swept", 20}} {
		ctx, stop := context.WithCancel(b.Context())
		var sweeping sync.WaitGroup
		var swept hub.SweepReport
		if c.goal > 0 {
			sweeping.Go(func() { swept, _ = h.Sweep(ctx, hub.Pace{Rest: pace}) }) // it is broken off
		}
		for _, one := range []struct {
			name string
			do   func() error
		}{{"import", importOne}, {"page", page}} {
			b.Run(size+"longest-"+one.name+"-"+c.name, func(b *testing.B) {
				require.NoError(b, one.do()) // warm
				var times []time.Duration
				for began := time.Now(); time.Since(began) < 5*time.Second; {
					before := time.Now()
					require.NoError(b, one.do())
					times = append(times, time.Since(before))
				}
				slices.Sort(times)
				report(b, times[len(times)-1:])
				b.ReportMetric(float64(times[len(times)/2])/1e6, "middle-ms")
				b.ReportMetric(c.goal, "goal-ms")
			})
		}
		stop()
		sweeping.Wait()
		if c.goal > 0 && swept.Expired == 0 {
			b.Error("nothing was swept meanwhile")
		}
	}
}
