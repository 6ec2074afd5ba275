package embedded

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"hubcap/internal/asff"
	"hubcap/internal/asff/asfftest"
	"hubcap/internal/store"
)

// BenchmarkOutbox is an update of 100 findings that nobody wants to hear of, and one that sinks want: reading the request, as nobody
// writes findings that were not read, and the durable commit. CPU and allocations are what to compare; the disk is everybody's.
func BenchmarkOutbox(b *testing.B) {
	for _, sinks := range [][]string{nil, {"hook"}, {"hook", "file", "live"}} {
		b.Run(fmt.Sprintf("sinks=%d", len(sinks)), func(b *testing.B) {
			s, err := Open("store", Options{FS: NewMemory(), NoCheckpoint: true})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			mark := store.EventMark{Kind: store.Imported, Time: time.Unix(1, 0), Sinks: sinks}
			var batch asff.Batch
			n := 0
			b.ReportAllocs()
			var before, after syscall.Rusage
			_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
			for b.Loop() {
				body := []byte(`{"Findings":[`)
				for k := range benchBatch {
					if k > 0 {
						body = append(body, ',')
					}
					body = asfftest.Append(body, "", "", n%50*benchBatch+k, n/50)
				}
				n++
				if err := batch.Read(append(body, "]}"...)); err != nil {
					b.Fatal(err)
				}
				keys := make([]store.Key, batch.Count)
				for i := range batch.Findings {
					f := &batch.Findings[i]
					keys[i] = store.Key{Account: f.AwsAccountID, Region: "us-east-1", ProductArn: f.ProductArn, ID: f.ID}
				}
				_, err := s.Update(context.Background(), keys, func(i int, _ *store.Doc, _ store.StateView) (store.Change, error) {
					return store.Change{JSON: batch.Findings[i].Doc, Event: mark}, nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
			cpu := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
			b.ReportMetric(float64(cpu)/float64(b.N)/benchBatch, "cpu-ns/finding")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchBatch, "ns/finding")
		})
	}
}
