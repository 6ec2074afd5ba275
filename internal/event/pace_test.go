package event

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Deliveries are held back only while changes come faster than there is room for, and then not altogether.
func TestPace(t *testing.T) {
	now, recorded := time.Unix(0, 0), int64(0)
	p := newPace(func() int64 { return recorded }, func() time.Time { return now })
	p.crowd, p.trickle = 1000, 100
	slept := time.Duration(0)
	p.sleep = func(_ context.Context, d time.Duration) { slept += d; now = now.Add(d) }
	second := func(changes int64, deliveries int) (waited time.Duration) {
		slept = 0
		for range 100 {
			recorded += changes / 100
			now = now.Add(10 * time.Millisecond)
			for range deliveries / 100 {
				p.wait(t.Context(), 1)
			}
		}
		return slept
	}
	require.Zero(t, second(900, 5000), "there is room")
	require.Greater(t, second(100_000, 500), 3*time.Second, "they take their share, and no more")
	require.Less(t, slept, 6*time.Second)
	second(0, 100)
	require.Zero(t, second(0, 5000), "the rush is over")

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	began := time.Now()
	sleepFor(ended, time.Hour)
	require.Less(t, time.Since(began), time.Minute)
	sleepFor(t.Context(), time.Nanosecond)
}
