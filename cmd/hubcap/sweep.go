package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hubcap/internal/hub"
)

// retention is what the flags ask for, in place of the profile's own where they do, and how often to look.
func (c *serveCmd) retention(p hub.Profile) (hub.Retention, time.Duration, error) {
	r := hub.RetentionOf(p)
	for _, f := range []struct {
		name string
		days int
		to   *time.Duration
	}{
		{"--retain-active", c.RetainActive, &r.Active},
		{"--retain-archived", c.RetainArchived, &r.Archived},
		{"--archive-after", c.ArchiveAfter, &r.Archive},
	} {
		switch {
		case f.days == -1 && f.to != &r.Archive: // as the profile has it
		case f.days < 0 || f.days > 100_000:
			return r, 0, fmt.Errorf("%s %d: must be a number of days, or 0 for never", f.name, f.days)
		default:
			*f.to = time.Duration(f.days) * 24 * time.Hour
		}
	}
	every, err := time.ParseDuration(c.SweepEvery)
	if err != nil || every < time.Second {
		return r, 0, fmt.Errorf("--sweep-every %s: must be 1s or more, such as 30m or 6h", c.SweepEvery)
	}
	if err := r.Check(); err != nil {
		return r, 0, fmt.Errorf("--retain-active, --retain-archived, --archive-after: %w", err)
	}
	return r, every, nil
}

// sweeper looks now and then for what is kept longer than it should be.
type sweeper struct {
	hub   *hub.Hub
	every time.Duration
	log   *slog.Logger

	expired, archived, failed prometheus.Counter
	last, took                prometheus.Gauge
}

func newSweeper(h *hub.Hub, every time.Duration, log *slog.Logger, m prometheus.Registerer) *sweeper {
	count := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		m.MustRegister(c)
		return c
	}
	gauge := func(name, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
		m.MustRegister(g)
		return g
	}
	return &sweeper{
		hub: h, every: every, log: log,
		expired:  count("hubcap_sweep_findings_expired_total", "Findings deleted because their retention was over."),
		archived: count("hubcap_sweep_findings_archived_total", "Findings archived because they were not updated (--archive-after)."),
		failed:   count("hubcap_sweep_findings_failed_total", "Findings that should have been swept and could not."),
		last:     gauge("hubcap_sweep_last_timestamp_seconds", "When the last sweep that went through ended; 0: none yet."),
		took:     gauge("hubcap_sweep_last_duration_seconds", "How long it took, rests included."),
	}
}

// start sweeps at once and then every so often, until stop.
func (s *sweeper) start(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		for s.sweep(ctx); rest(ctx, s.every) == nil; {
			s.sweep(ctx)
		}
	})
	return func() {
		cancel()
		done.Wait()
	}
}

// Four fifths of the time a sweep leaves the machine to others: what a step takes under load it rests the longer.
func pace(ctx context.Context, took time.Duration) error {
	return rest(ctx, min(max(4*took, time.Millisecond), time.Second))
}

func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *sweeper) sweep(ctx context.Context) {
	began := time.Now()
	r, err := s.hub.Sweep(ctx, hub.Pace{Rest: pace})
	took := time.Since(began)
	s.expired.Add(float64(r.Expired))
	s.archived.Add(float64(r.Archived))
	s.failed.Add(float64(r.Failed))
	line := []slog.Attr{
		slog.Int("expired", r.Expired), slog.Int("archived", r.Archived), slog.Int("failed", r.Failed),
		slog.Duration("took", took.Round(time.Millisecond)),
	}
	switch {
	case err == nil:
		s.last.SetToCurrentTime()
		s.took.Set(took.Seconds())
		s.log.LogAttrs(ctx, slog.LevelInfo, "swept what was kept long enough", line...)
	case errors.Is(err, context.Canceled):
	default:
		s.log.LogAttrs(ctx, slog.LevelError, "a sweep ended early, the next one goes on", append(line, slog.Any("error", err))...)
	}
}
