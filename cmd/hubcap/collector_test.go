package main

import (
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

// The larger the heap, the smaller the part by which it may grow.
func TestCollectorPercent(t *testing.T) {
	for live, want := range map[uint64]int{0: 100, 1 << 20: 100, 96 << 20: 100, 192 << 20: 50, 480 << 20: 20, 64 << 30: 10} {
		require.Equal(t, want, collectorPercent(live), live)
	}
}

// What lives is told, and the collector set by it; an owner's GOGC stays.
func TestTuneCollector(t *testing.T) {
	large := make([]byte, 2*headroom)
	runtime.GC()
	require.Greater(t, liveHeap(), uint64(2*headroom))
	was := debug.SetGCPercent(100)
	defer debug.SetGCPercent(was)

	t.Setenv("GOGC", "77")
	tuneCollector(t.Context())()
	require.Equal(t, 100, debug.SetGCPercent(100))

	t.Setenv("GOGC", "")
	tuneCollector(t.Context())()
	require.LessOrEqual(t, debug.SetGCPercent(100), 50)
	runtime.KeepAlive(large)
}
