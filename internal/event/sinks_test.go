package event

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hubcap/internal/store"
	"hubcap/internal/store/embedded"
)

// broker is the other side of a sink, as a test handles it.
type broker interface {
	kill()
	revive()
	// received are the bodies of what it keeps, in the order in which each finding's are read from it.
	received() [][]byte
}

// survives changes findings while the broker dies and returns: in the end it has every event, each finding's in order, and a repetition
// has the id it had. The sink tells that it was down.
func survives(t *testing.T, target Target, b broker) {
	t.Helper()
	const findings, versions = 40, 9
	h := openHouse(t, embedded.Options{FS: embedded.NewMemory(), NoCheckpoint: true}, Sink{Name: "broker", Target: target})
	t.Cleanup(func() { require.NoError(t, h.s.Close()) })
	h.start()
	change := func(from, to int) {
		for n := from; n < to; n++ {
			batch := map[string]int{}
			for i := range findings {
				batch[fmt.Sprint("f", i)] = n
			}
			h.importFindings(batch)
		}
	}
	up := func(want float64) {
		t.Helper()
		require.Eventually(t, func() bool { return h.metric("hubcap_event_sink_up", "broker") == want }, time.Minute, time.Millisecond)
	}
	change(0, 2)
	require.Eventually(t, func() bool { return h.metric("hubcap_events_delivered_total", "broker") > 0 }, time.Minute, time.Millisecond)
	b.kill()
	change(2, 5)
	up(0)
	b.revive()
	change(5, 7)
	up(1)
	b.kill()
	b.revive()
	change(7, versions)
	require.Eventually(t, func() bool { return len(waitingOf(t, h, "broker")) == 0 }, time.Minute, time.Millisecond)
	h.stop()
	m := &memory{}
	for _, body := range b.received() {
		require.NoError(t, m.Deliver(t.Context(), &Message{Body: body}))
	}
	m.inOrder(t, findings, versions)
	require.Zero(t, h.metric("hubcap_events_dead_total", "broker"))
}

func waitingOf(t *testing.T, h *house, sink string) (ids []string) {
	t.Helper()
	require.NoError(t, h.s.WaitingEvents(t.Context(), sink, anyone.Account, nil, 10_000, func(e *store.Event) error {
		ref := e.Ref()
		ids = append(ids, ref.ID())
		return nil
	}))
	return ids
}

// freePort is one that nobody listens at, for brokers that return at the address they had.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// sample is an event as it goes to a sink.
func sample(id string, size int) *Message {
	pad := string(bytes.Repeat([]byte("x"), size))
	return &Message{
		ID: id, Finding: "00112233445566778899aabbccddeeff", Time: time.Unix(1_700_000_000, 0),
		Body: fmt.Appendf(nil, `{"version":"0","id":%q,"detail-type":"Security Hub Findings - Imported","source":"aws.securityhub","account":"111122223333","time":"2026-01-01T00:00:00Z","region":"us-east-1","resources":["arn:r"],"detail":{"findings":[{"Id":"f","Title":%q}]}}`, id, pad),
	}
}

// refusedForGood holds an error against what lies in an event.
func refusedForGood(t *testing.T, err error, want string) {
	t.Helper()
	var r *Refusal
	require.ErrorAs(t, err, &r)
	require.True(t, r.Permanent, "%v", err)
	require.ErrorContains(t, err, want)
}

// refusedForNow holds an error against what people mend, or time.
func refusedForNow(t *testing.T, err error, want string) {
	t.Helper()
	require.ErrorContains(t, err, want)
	if r, ok := err.(*Refusal); ok { //nolint:errorlint // the error itself
		require.False(t, r.Permanent, "%v", err)
	}
}

// guarded holds a sink that may not dial this machine against one that listens there.
func guarded(t *testing.T, target Target) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), attemptTime)
	defer cancel()
	err := target.Deliver(ctx, sample("guarded", 1))
	require.ErrorContains(t, err, "it is not dialled")
	require.NoError(t, target.Close())
}
