package event

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"hubcap/internal/hub"
	"hubcap/internal/iam"
	"hubcap/internal/store"
	"hubcap/internal/store/embedded"
)

// house is a hub with sinks on a store of its own.
type house struct {
	t       *testing.T
	s       *embedded.Store
	hub     *hub.Hub
	service *Service
	metrics *prometheus.Registry
	stop    func()
}

var anyone = &iam.Principal{Account: "111122223333", Region: "us-east-1", ARN: "arn:aws:iam::111122223333:user/me"}

var operator = &iam.Principal{Account: "123456789012", Region: "us-east-1", Operator: true, ARN: "arn:aws:iam::123456789012:user/operator"}

func openHouse(t *testing.T, fs embedded.Options, sinks ...Sink) *house {
	t.Helper()
	s, err := embedded.Open("store", fs)
	require.NoError(t, err)
	h := &house{t: t, s: s, metrics: prometheus.NewRegistry()}
	checked := store.Checked(s, func(err error) { t.Errorf("%v", err) })
	h.hub, err = hub.New(t.Context(), hub.Config{Store: checked, Clock: time.Now, Sinks: ForHub(sinks)})
	require.NoError(t, err)
	h.service, err = New(Config{
		Hub: h.hub, Sinks: sinks, Clock: time.Now, Metrics: h.metrics, Pause: time.Millisecond, MaxPause: 10 * time.Millisecond, Poll: 20 * time.Millisecond,
	})
	require.NoError(t, err)
	return h
}

func (h *house) start() {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { h.service.Run(ctx) })
	h.stop = sync.OnceFunc(func() { cancel(); all.Wait() })
	h.t.Cleanup(h.stop)
}

// metric reads a number as Prometheus would.
func (h *house) metric(name, sink string) float64 {
	families, err := h.metrics.Gather()
	require.NoError(h.t, err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && m.GetLabel()[0].GetValue() == sink {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	h.t.Errorf("there is no %s of %s", name, sink)
	return -1
}

// importFindings stores versions of findings: of each id its number.
func (h *house) importFindings(numbers map[string]int) {
	h.t.Helper()
	var list []map[string]any
	for id, n := range numbers {
		at := time.Date(2026, 1, 1, 0, 0, n, 0, time.UTC).Format(time.RFC3339)
		list = append(list, map[string]any{
			"SchemaVersion": "2018-10-08", "Id": id, "ProductArn": "arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default", "GeneratorId": "g",
			"AwsAccountId": "111122223333", "Types": []string{"Software and Configuration Checks"}, "CreatedAt": at, "UpdatedAt": at, "Severity": map[string]any{"Label": "HIGH"},
			"Title": strconv.Itoa(n), "Description": "d", "Resources": []map[string]any{{"Type": "Other", "Id": "r"}},
		})
	}
	body, err := json.Marshal(map[string]any{"Findings": list})
	require.NoError(h.t, err)
	out, err := h.hub.BatchImportFindings(context.Background(), anyone, body)
	require.NoError(h.t, err)
	require.Zero(h.t, out.FailedCount)
}

// memory is a receiver that remembers, and refuses as it is told.
type memory struct {
	mu     sync.Mutex
	refuse func(n int, id, title string) error
	n      int
	order  map[string][]string // of each finding the titles, repetitions aside
	ids    map[string]string   // of each finding and title the event's id
}

func (m *memory) Deliver(_ context.Context, msg *Message) error {
	var e struct {
		ID     string `json:"id"`
		Detail struct {
			Findings []struct {
				ID    string `json:"Id"`
				Title string
			} `json:"findings"`
		} `json:"detail"`
	}
	if err := json.Unmarshal(msg.Body, &e); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.n++
	f := e.Detail.Findings[0]
	if m.refuse != nil {
		if err := m.refuse(m.n, f.ID, f.Title); err != nil && !errors.Is(err, errAfter) {
			return err
		} else if err != nil { // it has it, and dies before it says so
			m.take(e.ID, f.ID, f.Title)
			return err
		}
	}
	m.take(e.ID, f.ID, f.Title)
	return nil
}

var errAfter = errors.New("the connection broke")

func (m *memory) take(event, id, title string) {
	if m.order == nil {
		m.order, m.ids = map[string][]string{}, map[string]string{}
	}
	key := id + " " + title
	if before, ok := m.ids[key]; ok {
		if before != event {
			panic("one change, two ids")
		}
		return
	}
	m.ids[key] = event
	m.order[id] = append(m.order[id], title)
}

func (m *memory) Close() error { return nil }

func (m *memory) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.ids)
}

func (m *memory) inOrder(t *testing.T, findings, versions int) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	require.Len(t, m.order, findings)
	for id, titles := range m.order {
		require.Len(t, titles, versions, id)
		for n, title := range titles {
			require.Equal(t, strconv.Itoa(n), title, "finding %s", id)
		}
	}
}

// Receivers die at random, now before and now after they have an event, and the hub is started anew in between: every event arrives, each
// finding's in order, and what comes twice has the id it had. A receiver that takes nothing at all delays no other.
func TestEveryEventArrivesInOrder(t *testing.T) {
	const findings, versions, starts = 60, 12, 3
	fs := embedded.Options{FS: embedded.NewMemory(), NoCheckpoint: true}
	random := rand.New(rand.NewPCG(1, 2))
	dying := func(int, string, string) error {
		switch random.IntN(12) {
		case 0:
			return errors.New("refused")
		case 1:
			return errAfter
		case 2:
			return &Refusal{Reason: "answered 500"}
		}
		return nil
	}
	shaky, steady := &memory{refuse: dying}, &memory{}
	dead := &memory{refuse: func(int, string, string) error { return errors.New("down") }}
	version := 0
	for start := range starts {
		h := openHouse(t, fs, Sink{Name: "shaky", Target: shaky}, Sink{Name: "steady", Target: steady}, Sink{Name: "dead", Target: dead})
		h.start()
		for ; version < versions*(start+1)/starts; version++ {
			batch := map[string]int{}
			for i := range findings {
				batch[fmt.Sprint("f", i)] = version
			}
			h.importFindings(batch)
		}
		if start == starts-1 {
			require.Eventually(t, func() bool { return shaky.count() == findings*versions && steady.count() == findings*versions }, 5*time.Minute, time.Millisecond)
			require.Eventually(t, func() bool { return h.metric("hubcap_event_sink_up", "steady") == 1 }, 5*time.Minute, time.Millisecond)
			require.Zero(t, h.metric("hubcap_event_sink_up", "dead"))
			n := 0
			require.NoError(t, h.s.WaitingEvents(t.Context(), "dead", anyone.Account, nil, 10_000, func(*store.Event) error { n++; return nil }))
			require.Equal(t, findings*versions, n)
		}
		h.stop()
		require.NoError(t, h.s.Close())
	}
	shaky.inOrder(t, findings, versions)
	steady.inOrder(t, findings, versions)
	require.Zero(t, dead.count())
	require.Equal(t, shaky.ids, steady.ids, "one event has one id, whoever gets it")
}

// More events of one finding than one look takes: those behind a failure wait for it.
func TestManyEventsOfOneFinding(t *testing.T) {
	m := &memory{}
	failed := 0
	m.refuse = func(_ int, _, title string) error {
		if title == "3" && failed < 5 {
			failed++
			return &Refusal{Reason: "answered 400", Permanent: failed%2 == 0}
		}
		return nil
	}
	h := openHouse(t, embedded.Options{FS: embedded.NewMemory(), NoCheckpoint: true}, Sink{Name: "hook", Target: m})
	t.Cleanup(func() { require.NoError(t, h.s.Close()) })
	const versions = pageEvents + 50
	for n := range versions {
		h.importFindings(map[string]int{"f": n})
	}
	h.start()
	require.Eventually(t, func() bool { return m.count() == versions }, time.Minute, time.Millisecond)
	h.stop()
	m.inOrder(t, 1, versions)
}

// What a receiver refuses for good ends in the list of dead events, and can be sent again.
func TestDeadAndReplayed(t *testing.T) {
	m := &memory{}
	refusing := true
	m.refuse = func(_ int, id, _ string) error {
		if refusing && id == "bad" {
			return &Refusal{Reason: "answered 400\nand more", Permanent: true}
		}
		return nil
	}
	h := openHouse(t, embedded.Options{FS: embedded.NewMemory(), NoCheckpoint: true}, Sink{Name: "hook", Type: "webhook", Target: m})
	t.Cleanup(func() { require.NoError(t, h.s.Close()) })
	h.start()
	h.importFindings(map[string]int{"bad": 0, "good": 0})
	status := func() hub.SinkStatus {
		out, err := h.service.ListSinks(t.Context(), operator, nil)
		require.NoError(t, err)
		return out.Sinks[0]
	}
	require.Eventually(t, func() bool { return status().Dead == 1 && m.count() == 1 }, time.Minute, time.Millisecond)
	require.Equal(t, "answered 400", status().DeadEvents[0].Reason)
	require.Equal(t, "UP", status().Status)
	require.Eventually(t, func() bool { return status().Delivered == 1 }, time.Minute, time.Millisecond)
	require.NotNil(t, status().LagSeconds)
	m.mu.Lock()
	refusing = false
	m.mu.Unlock()
	out, err := h.service.ReplayEvents(t.Context(), operator, &hub.ReplayEventsInput{Sink: "hook", From: time.Now().Add(-time.Hour).Format(time.RFC3339)})
	require.NoError(t, err)
	require.Equal(t, 2, out.Events)
	require.Eventually(t, func() bool { return m.count() == 2 && status().Dead == 0 }, time.Minute, time.Millisecond)

	_, err = h.service.ReplayEvents(t.Context(), anyone, &hub.ReplayEventsInput{Sink: "hook", From: "2026-01-01T00:00:00Z"})
	require.ErrorContains(t, err, "a policy must allow it by name")
	_, err = h.service.ReplayEvents(t.Context(), operator, &hub.ReplayEventsInput{Sink: "other", From: "2026-01-01T00:00:00Z"})
	require.ErrorContains(t, err, `there are ["hook"]`)
	_, err = h.service.ReplayEvents(t.Context(), operator, &hub.ReplayEventsInput{Sink: "hook", From: "yesterday"})
	require.ErrorContains(t, err, "From")
	tested, err := h.service.TestSink(t.Context(), operator, &hub.TestSinkInput{Name: "hook"})
	require.NoError(t, err)
	require.True(t, tested.Delivered)
}

// A sink that was down for longer than it tries gives up what is as old, and goes on with what is younger when it is back.
func TestGivesUp(t *testing.T) {
	m := &memory{refuse: func(int, string, string) error { return errors.New("down") }}
	h := openHouse(t, embedded.Options{FS: embedded.NewMemory(), NoCheckpoint: true}, Sink{Name: "hook", Target: m, RetryFor: 50 * time.Millisecond})
	t.Cleanup(func() { require.NoError(t, h.s.Close()) })
	h.importFindings(map[string]int{"a": 0, "b": 0, "c": 0})
	h.start()
	listed, err := h.service.ListSinks(t.Context(), operator, nil)
	require.NoError(t, err)
	require.Nil(t, listed.Sinks[0].LagSeconds, "nothing has arrived")
	require.Eventually(t, func() bool { return h.metric("hubcap_events_dead_total", "hook") == 3 }, time.Minute, time.Millisecond)
	m.mu.Lock()
	m.refuse = nil
	m.mu.Unlock()
	h.importFindings(map[string]int{"d": 0})
	require.Eventually(t, func() bool { return m.count() == 1 }, time.Minute, time.Millisecond)
}

// Failures now and then are some events' own, and stop no others; several in a row, and nothing in between, are the sink's.
func TestWhenASinkIsDown(t *testing.T) {
	m := &memory{}
	m.refuse = func(_ int, id, _ string) error {
		if id == "bad" {
			return &Refusal{Reason: "answered 500"}
		}
		return nil
	}
	h := openHouse(t, embedded.Options{FS: embedded.NewMemory(), NoCheckpoint: true}, Sink{Name: "hook", Type: "webhook", Target: m})
	t.Cleanup(func() { require.NoError(t, h.s.Close()) })
	w := h.service.worker("hook")
	status := func() hub.SinkStatus {
		out, err := h.service.ListSinks(t.Context(), operator, nil)
		require.NoError(t, err)
		return out.Sinks[0]
	}
	next := &waiting{ref: store.EventRef{Account: anyone.Account}, time: time.Now()}
	fail := func() { w.failedOf(t.Context(), &page{}, next, errors.New("answered 500")) }
	fail()
	require.Equal(t, "UP", status().Status)
	fail()
	require.Equal(t, "DOWN", status().Status, "people are told early")
	require.True(t, w.isUp(), "and others are still tried")
	w.succeeded(next)
	require.Equal(t, "UP", status().Status)
	for range downAfter {
		require.True(t, w.isUp())
		fail()
	}
	require.False(t, w.isUp())
	require.Equal(t, "answered 500", status().Reason)
	w.succeeded(next)
	require.True(t, w.isUp())

	h.start()
	h.importFindings(map[string]int{"bad": 0, "a": 0, "b": 0, "c": 0})
	require.Eventually(t, func() bool { return m.count() == 3 }, time.Minute, time.Millisecond)
}

// A pattern decides what is recorded at all, and what of it a sink gets.
func TestPatternOfASink(t *testing.T) {
	p, err := ParsePattern(`{"detail":{"findings":{"Title":["1"]}}}`)
	require.NoError(t, err)
	m := &memory{}
	h := openHouse(t, embedded.Options{FS: embedded.NewMemory(), NoCheckpoint: true}, Sink{Name: "hook", Target: m, Pattern: p})
	t.Cleanup(func() { require.NoError(t, h.s.Close()) })
	h.start()
	for n := range 3 {
		h.importFindings(map[string]int{"a": n})
	}
	require.Eventually(t, func() bool { return m.count() == 1 }, time.Minute, time.Millisecond)
	n := 0
	_, err = h.s.RetainedEvents(t.Context(), time.Time{}, nil, 100, func(*store.Event, []byte) error { n++; return nil })
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

// flushed is an answer under test.
type flushed struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (f *flushed) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.b.Write(p)
}

func (*flushed) Flush() error { return nil }

func (f *flushed) text() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.b.String()
}

// The live stream shows the caller's own findings as they come, and goes on behind the event that a client saw last.
func TestLiveStream(t *testing.T) {
	h := openHouse(t, embedded.Options{FS: embedded.NewMemory(), NoCheckpoint: true}, Sink{Name: "live", Type: "stream"})
	t.Cleanup(func() { require.NoError(t, h.s.Close()) })
	h.start()
	h.importFindings(map[string]int{"old": 0})
	listen := func(p *iam.Principal, in hub.StreamEventsInput) (*flushed, func() error) {
		ctx, cancel := context.WithCancel(t.Context())
		out, done := &flushed{}, make(chan error, 1)
		go func() { done <- h.service.StreamEvents(ctx, p, &in, out) }()
		return out, func() error { cancel(); return <-done }
	}
	from := time.Now().Add(-time.Hour).Format(time.RFC3339)
	mine, stop := listen(anyone, hub.StreamEventsInput{From: &from})
	other, stopOther := listen(&iam.Principal{Account: "444455556666", Region: "us-east-1"}, hub.StreamEventsInput{From: &from})
	pattern := `{"detail":{"findings":{"Id":["b"]}}}`
	picky, stopPicky := listen(operator, hub.StreamEventsInput{From: &from, Pattern: &pattern})
	require.Eventually(t, func() bool { return bytes.Count([]byte(mine.text()), []byte("data: ")) == 1 }, time.Minute, time.Millisecond)
	h.importFindings(map[string]int{"a": 0})
	h.importFindings(map[string]int{"b": 0})
	require.Eventually(t, func() bool {
		return bytes.Count([]byte(mine.text()), []byte("data: ")) == 3 && bytes.Count([]byte(picky.text()), []byte("data: ")) == 1
	}, time.Minute, time.Millisecond)
	require.ErrorIs(t, stop(), context.Canceled)
	require.ErrorIs(t, stopOther(), context.Canceled)
	require.ErrorIs(t, stopPicky(), context.Canceled)
	require.NotContains(t, other.text(), "data: ", "another account's")

	// From the second event on.
	var ids []string
	for line := range bytes.Lines([]byte(mine.text())) {
		if id, ok := bytes.CutPrefix(line, []byte("id: ")); ok {
			ids = append(ids, string(bytes.TrimSpace(id)))
		}
	}
	again, stop := listen(anyone, hub.StreamEventsInput{After: &ids[1]})
	require.Eventually(t, func() bool { return bytes.Count([]byte(again.text()), []byte("data: ")) == 1 }, time.Minute, time.Millisecond)
	require.Contains(t, again.text(), ids[2])
	require.ErrorIs(t, stop(), context.Canceled)

	bad, empty := "!", ""
	require.ErrorContains(t, h.service.StreamEvents(t.Context(), anyone, &hub.StreamEventsInput{After: &bad}, mine), "Last-Event-ID")
	require.ErrorContains(t, h.service.StreamEvents(t.Context(), anyone, &hub.StreamEventsInput{Pattern: &empty}, mine), "pattern")
	require.ErrorContains(t, h.service.StreamEvents(t.Context(), anyone, &hub.StreamEventsInput{From: &bad}, mine), "from")

	// The service's end ends the streams, and nobody is cut off.
	done := make(chan error, 1)
	go func() { done <- h.service.StreamEvents(t.Context(), anyone, &hub.StreamEventsInput{}, &flushed{}) }()
	h.stop()
	require.NoError(t, <-done)
}
