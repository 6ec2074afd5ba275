package event

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// While a request is under way the others gather; a request takes so many events and bytes; and where several are refused together for
// good, only the one that is the cause is.
func TestGather(t *testing.T) {
	began, goOn := make(chan []string), make(chan struct{})
	g := newGather(3, 100, 1, func(_ context.Context, list []*Message) ([]error, error) {
		ids := make([]string, len(list))
		bad := false
		for i, m := range list {
			ids[i] = m.ID
			bad = bad || m.ID == "bad"
		}
		began <- ids
		<-goOn
		if bad {
			return nil, &Refusal{Reason: "too large", Permanent: true}
		}
		return make([]error, len(list)), nil
	})
	var all sync.WaitGroup
	results := map[string]error{}
	var mu sync.Mutex
	send := func(id string, size int) {
		before := g.queued()
		all.Go(func() {
			err := g.deliver(t.Context(), &Message{ID: id, Body: make([]byte, size)})
			mu.Lock()
			defer mu.Unlock()
			results[id] = err
		})
		if id != "first" {
			require.Eventually(t, func() bool { return g.queued() > before }, time.Minute, time.Millisecond)
		}
	}
	send("first", 1)
	require.Equal(t, []string{"first"}, <-began)
	for _, id := range []string{"a", "bad", "c", "d"} {
		send(id, 1)
	}
	send("large", 100)
	send("huge", 200)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, g.deliver(gone, &Message{ID: "withdrawn"}), context.Canceled)
	goOn <- struct{}{}
	var requests []string
	for range 7 {
		requests = append(requests, fmt.Sprint(<-began))
		goOn <- struct{}{}
	}
	require.Equal(t, []string{"[a bad c]", "[a]", "[bad]", "[c]", "[d]", "[large]", "[huge]"}, requests)
	all.Wait()
	require.ErrorContains(t, results["bad"], "too large")
	delete(results, "bad")
	for id, err := range results {
		require.NoError(t, err, id)
	}
	require.Len(t, results, 6)

	failing := newGather(3, 100, 1, func(context.Context, []*Message) ([]error, error) { return nil, errors.New("down") })
	require.EqualError(t, failing.deliver(t.Context(), &Message{}), "down")
}

func (g *gather) queued() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting)
}
