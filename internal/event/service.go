package event

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hubcap/internal/hub"
	"hubcap/internal/store"
)

// Config is what a Service is made of. Hub and Clock are required.
type Config struct {
	Hub     *hub.Hub
	Sinks   []Sink
	Clock   func() time.Time
	Log     *slog.Logger          // nil: nothing is logged
	Metrics prometheus.Registerer // nil: nobody looks

	Retain  time.Duration // how long delivered events stay for replay and the live stream; 0: 7 days
	MaxSize int64         // bytes that all kept events may take on disk; 0: 4 GB
	Poll    time.Duration // how often to look for what other processes left; 0: a second
	// Pause is the first pause after a failure, which doubles up to MaxPause. 0: 200 ms and a minute.
	Pause, MaxPause time.Duration
}

// Service delivers what is in the outbox. Its methods may be called by many goroutines.
type Service struct {
	hub     *hub.Hub
	outbox  store.Outbox
	clock   func() time.Time
	log     *slog.Logger
	owner   string // of its leases
	retain  time.Duration
	maxSize int64
	poll    time.Duration
	workers []*worker
	names   []string
	meters  *meters
	pace    *pace

	mu    sync.Mutex
	woken chan struct{} // closed when something may be waiting
	ended chan struct{} // closed when Run ends
	once  sync.Once
}

// New makes a Service; Run starts it.
func New(cfg Config) (*Service, error) {
	if cfg.Hub == nil || cfg.Clock == nil {
		return nil, errors.New("event: Config.Hub and Config.Clock are required")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails
	s := &Service{
		hub: cfg.Hub, outbox: cfg.Hub.Outbox(), clock: cfg.Clock, log: cfg.Log, owner: hex.EncodeToString(raw[:]),
		retain: or(cfg.Retain, 7*24*time.Hour), maxSize: or(cfg.MaxSize, 4<<30), poll: or(cfg.Poll, time.Second),
		woken: make(chan struct{}), ended: make(chan struct{}),
	}
	s.pace = newPace(cfg.Hub.EventsRecorded, cfg.Clock)
	var err error
	if s.meters, err = newMeters(cfg.Metrics); err != nil {
		return nil, err
	}
	for i := range cfg.Sinks {
		sink := &cfg.Sinks[i]
		s.names = append(s.names, sink.Name)
		s.workers = append(s.workers, newWorker(s, sink, or(cfg.Pause, 200*time.Millisecond), or(cfg.MaxPause, time.Minute)))
	}
	return s, nil
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// Run delivers until ctx ends, then finishes the attempts under way and lets go of the targets.
func (s *Service) Run(ctx context.Context) {
	defer s.once.Do(func() { close(s.ended) })
	var all sync.WaitGroup
	for _, w := range s.workers {
		all.Go(func() { w.run(ctx) })
	}
	all.Go(func() { s.expire(ctx) })
	for {
		select {
		case <-ctx.Done():
			all.Wait()
			for _, w := range s.workers {
				if t := w.sink.Target; t != nil {
					if err := t.Close(); err != nil {
						s.log.WarnContext(ctx, "a sink could not be closed", slog.String("sink", w.sink.Name), slog.Any("error", err))
					}
				}
			}
			return
		case <-s.hub.EventsWaiting():
			s.wake()
		}
	}
}

// wake tells everyone who waits.
func (s *Service) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.woken)
	s.woken = make(chan struct{})
}

// waking is closed at the next change.
func (s *Service) waking() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.woken
}

// expire forgets events that are kept for nobody any more.
func (s *Service) expire(ctx context.Context) {
	const every = 10 * time.Minute
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		for more := true; more && ctx.Err() == nil; {
			var err error
			if more, err = s.outbox.ExpireEvents(ctx, s.clock().Add(-s.retain), s.maxSize, s.delivering()); err != nil {
				if ctx.Err() == nil && !errors.Is(err, store.ErrNearlyFull) {
					s.log.ErrorContext(ctx, "old events could not be deleted", slog.Any("error", err))
				}
				break
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// delivering are the sinks for which events must stay until they were delivered.
func (s *Service) delivering() []string {
	var names []string
	for _, w := range s.workers {
		if w.sink.Target != nil {
			names = append(names, w.sink.Name)
		}
	}
	return names
}

func (s *Service) worker(name string) *worker {
	for _, w := range s.workers {
		if w.sink.Name == name {
			return w
		}
	}
	return nil
}

// meters count by sink: the names of the configuration, of which there are few.
type meters struct {
	delivered, failed, dead *prometheus.CounterVec
	lag                     *prometheus.HistogramVec
	up, oldest              *prometheus.GaugeVec
}

func newMeters(reg prometheus.Registerer) (*meters, error) {
	sink := []string{"sink"}
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, sink)
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, sink)
	}
	m := &meters{
		delivered: counter("hubcap_events_delivered_total", "Events that a sink has."),
		failed:    counter("hubcap_events_failed_total", "Attempts to deliver an event that failed."),
		dead:      counter("hubcap_events_dead_total", "Events that a sink will not get."),
		lag: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "hubcap_event_lag_seconds", Help: "Time from a change to the delivery of its event.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60, 600, 3600},
		}, sink),
		up:     gauge("hubcap_event_sink_up", "1: the last attempt succeeded, or there was none; 0: the sink takes nothing."),
		oldest: gauge("hubcap_event_oldest_seconds", "Age of the oldest event that was found waiting when the sink was last looked at."),
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.delivered, m.failed, m.dead, m.lag, m.up, m.oldest} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}
