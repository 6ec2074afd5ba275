package embedded

import (
	"bufio"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/stretchr/testify/require"
)

// BenchmarkOpen opens a store of HUBCAP_BENCH_FINDINGS findings: as kill -9 at the end of their load left it, after a clean end, after a
// base was written, and without a checkpoint. Run each once: go test -bench Open -benchtime 1x.
func BenchmarkOpen(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "store")
	opts := Options{Ballast: -1, Logger: slog.New(slog.DiscardHandler)}
	b.Run("load", func(b *testing.B) {
		cmd := exec.Command(os.Args[0], dir)
		cmd.Env = append(os.Environ(), roleVariable+"=load")
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		require.NoError(b, err)
		require.NoError(b, cmd.Start())
		line, err := bufio.NewReader(out).ReadString('\n')
		require.NoError(b, err)
		require.Equal(b, "loaded\n", line)
		require.NoError(b, cmd.Process.Kill())
		require.Error(b, cmd.Wait(), "killed")
		b.ReportMetric(float64(corpusSize())/b.Elapsed().Seconds(), "findings/s")
		b.ReportMetric(0, "ns/op")
	})
	open := func(name, at string, prepare func()) {
		if prepare != nil {
			prepare()
		}
		b.Run(name, func(b *testing.B) {
			before, heap := used(), liveHeap()
			b.ResetTimer()
			s, err := Open(at, opts)
			b.StopTimer()
			require.NoError(b, err)
			after := used()
			b.ReportMetric(b.Elapsed().Seconds(), "s")
			b.ReportMetric((after.cpu - before.cpu).Seconds(), "cpu-s")
			b.ReportMetric(float64(liveHeap()-heap)/float64(s.Stats().Findings), "heap-bytes/finding")
			b.ReportMetric(0, "ns/op")
			require.NoError(b, s.Close())
		})
	}
	open("killed", dir, nil)
	open("closed", dir, nil)
	open("base", dir, func() {
		s, err := Open(dir, opts)
		require.NoError(b, err)
		s.checkpoint.work.Lock()
		b.Run("write-base", func(b *testing.B) {
			before := used()
			b.ResetTimer()
			require.NoError(b, s.checkpoint.rebase())
			b.StopTimer()
			b.ReportMetric(b.Elapsed().Seconds(), "s")
			b.ReportMetric((used().cpu - before.cpu).Seconds(), "cpu-s")
			b.ReportMetric(0, "ns/op")
		})
		s.checkpoint.work.Unlock()
		require.NoError(b, s.Close())
	})
	open("documents", dir, func() {
		s, err := openBare(dir, opts.withDefaults())
		require.NoError(b, err)
		require.NoError(b, s.db.Delete(metaKey(rootName), pebble.Sync))
		require.NoError(b, s.closeBare())
	})
}

// childLoads stores the findings of BenchmarkOpen, says so and waits for its end.
func childLoads() {
	s, err := Open(os.Args[1], Options{Ballast: -1, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	bodies, work := makeBodies(corpusSize(), 0), store16(s)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range benchWriters {
		wg.Go(func() {
			r := new(request)
			for i := int(next.Add(1)) - 1; i < len(bodies); i = int(next.Add(1)) - 1 {
				if err := errors.Join(r.read(bodies[i]), work(i, r)); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
			}
		})
	}
	wg.Wait()
	fmt.Fprintln(os.Stdout, "loaded")
	select {}
}
