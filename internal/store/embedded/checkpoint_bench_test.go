package embedded

import (
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/stretchr/testify/require"
)

// BenchmarkOpen opens a store of HUBCAP_BENCH_FINDINGS findings: after a clean end, as a kill in the middle of the load left it, after a
// base was written, and without a checkpoint. Run each once: go test -bench Open -benchtime 1x.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	opts := Options{Ballast: -1, Logger: slog.New(slog.DiscardHandler)}
	s, err := Open(filepath.Join(dir, "store"), opts)
	require.NoError(b, err)
	b.Run("load", func(b *testing.B) { row(b, makeBodies(corpusSize(), 0), store16(s)) })
	killed := filepath.Join(dir, "killed")
	asKilled(b, s.dir, killed)
	b.Run("close", func(b *testing.B) {
		require.NoError(b, s.Close())
		b.ReportMetric(b.Elapsed().Seconds(), "s")
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
	open("closed", s.dir, nil)
	open("killed", killed, nil)
	open("base", s.dir, func() {
		s, err := Open(s.dir, opts)
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
	open("documents", s.dir, func() {
		s, err := openBare(s.dir, opts.withDefaults())
		require.NoError(b, err)
		require.NoError(b, s.db.Delete(metaKey(rootName), pebble.Sync))
		require.NoError(b, s.closeBare())
	})
}

// asKilled copies an open store at rest, as a kill leaves it: files that never change are linked.
func asKilled(b *testing.B, from, to string) {
	b.Helper()
	require.NoError(b, filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		switch {
		case e.IsDir():
			return os.MkdirAll(target, 0o700)
		case strings.HasSuffix(path, ".sst"), strings.HasSuffix(path, ".blob"), filepath.Base(filepath.Dir(path)) == indexDir:
			return os.Link(path, target)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o600)
	}))
}
