package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The collector lets the heap grow by a part of what lives before it looks at it again, by as much again unless told otherwise. Most of
// a large store's heap is the index: a few large pieces without pointers, which cost the collector nothing to pass over. So it need not
// wait for a gigabyte of waste: some headroom is enough, however large the heap.
const (
	headroom     = 96 << 20
	leastPercent = 10
	mostPercent  = 100
	tuneEvery    = 5 * time.Second
)

// collectorPercent is GOGC for so much that lives.
func collectorPercent(live uint64) int {
	if live == 0 {
		return mostPercent
	}
	return int(min(max(headroom*100/live, leastPercent), mostPercent))
}

// tuneCollector keeps GOGC in line with what lives, until the function that it returns is called. GOGC in the environment is its
// owner's choice and stays.
func tuneCollector(ctx context.Context) (stop func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(tuneEvery)
		defer tick.Stop()
		for was := mostPercent; ; {
			if is := collectorPercent(liveHeap()); is != was {
				debug.SetGCPercent(is)
				was = is
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// liveHeap is what the last collection found alive, in bytes.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}
