package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/stretchr/testify/require"

	"hubcap/internal/asff"
	"hubcap/internal/asff/asfftest"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

// The rows of the table. Each begins with the body of a BatchImportFindings request of 100 findings and reads it, since nobody
// writes findings that were not read; the row "read" does only that. "bare-put" is Pebble's put of the same compressed documents,
// the practical limit of a machine. Then new findings and updated ones (with history), from 16 writers, each batch durable before
// its writer goes on, and a few questions. Bodies are made beforehand.
const (
	benchWriters = 16
	benchBatch   = 100
)

// corpusSize is how many findings a row works with; set HUBCAP_BENCH_FINDINGS for more.
func corpusSize() int {
	if n, err := strconv.Atoi(os.Getenv("HUBCAP_BENCH_FINDINGS")); err == nil && n >= benchWriters*benchBatch {
		return n
	}
	return 50_000
}

// makeBodies makes requests for n findings of a version.
func makeBodies(n, version int) [][]byte {
	bodies := make([][]byte, n/benchBatch)
	for i := range bodies {
		body := []byte(`{"Findings":[`)
		for k := range benchBatch {
			if k > 0 {
				body = append(body, ',')
			}
			body = asfftest.Append(body, "", "", i*benchBatch+k, version)
		}
		bodies[i] = slices.Clip(append(body, "]}"...))
	}
	return bodies
}

// request is one body, read.
type request struct {
	batch asff.Batch
	keys  []store.Key
	plain []byte
	zip   []byte
}

var requests = sync.Pool{New: func() any { return new(request) }}

func (r *request) read(body []byte) error {
	if err := r.batch.Read(body); err != nil {
		return err
	}
	r.keys = r.keys[:0]
	for i := range r.batch.Findings {
		f := &r.batch.Findings[i]
		if len(f.Violations) > 0 {
			return fmt.Errorf("%v", f.Violations)
		}
		r.keys = append(r.keys, store.Key{Account: f.AwsAccountID, Region: "us-east-1", ProductArn: f.ProductArn, ID: f.ID})
	}
	return nil
}

// usage is CPU time and allocations of the process.
type usage struct {
	cpu    time.Duration
	allocs uint64
}

func used() usage {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r) // cannot fail with these arguments
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{cpu: time.Duration(r.Utime.Nano() + r.Stime.Nano()), allocs: m.Mallocs}
}

// row measures work on requests, done by benchWriters goroutines.
func row(b *testing.B, bodies [][]byte, work func(i int, r *request) error) {
	b.Helper()
	runtime.GC()
	before := used()
	b.ResetTimer()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range benchWriters {
		wg.Go(func() {
			r := requests.Get().(*request)
			defer requests.Put(r)
			for {
				i := int(next.Add(1)) - 1
				if i >= len(bodies) {
					return
				}
				if err := errors.Join(r.read(bodies[i]), work(i, r)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	took, after, n := b.Elapsed(), used(), float64(len(bodies)*benchBatch)
	b.ReportMetric(n/took.Seconds(), "findings/s")
	b.ReportMetric(float64((after.cpu-before.cpu).Microseconds())/n, "cpu-us/finding")
	b.ReportMetric(float64(after.allocs-before.allocs)/n, "allocs/finding")
	b.ReportMetric(0, "ns/op")
}

func openBench(b *testing.B) *Store {
	b.Helper()
	s, err := Open(b.TempDir(), Options{Ballast: -1})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, s.Close()) })
	return s
}

// BenchmarkStore runs each row once: go test -bench Store -benchtime 1x.
func BenchmarkStore(b *testing.B) {
	bodies := makeBodies(corpusSize(), 0)
	b.Run("read", func(b *testing.B) {
		row(b, bodies, func(int, *request) error { return nil })
	})
	b.Run("bare-put", func(b *testing.B) {
		s := openBench(b)
		row(b, bodies, func(n int, r *request) error {
			batch := s.db.NewBatchWithSize(150 << 10)
			for i := range r.keys {
				r.plain = appendBody(r.plain[:0], &r.keys[i], r.batch.Findings[i].Doc)
				r.zip = compress(r.zip[:0], r.plain)
				if err := batch.Set(docKey(nil, uint32(n*benchBatch+i)), r.zip, nil); err != nil {
					return err
				}
			}
			return batch.Commit(pebble.Sync)
		})
	})
	s := openBench(b) // its Close at the end is the second one
	b.Run("insert", func(b *testing.B) { row(b, bodies, store16(s)) })
	var one request
	require.NoError(b, one.read(bodies[0]))
	bodies = makeBodies(corpusSize(), 1)
	b.Run("update", func(b *testing.B) { row(b, bodies, store16(s)) })
	b.Run("find", func(b *testing.B) { questions(b, s, one.keys) })
	b.Run("open", func(b *testing.B) {
		require.NoError(b, s.Close())
		before := liveHeap()
		b.ResetTimer()
		again, err := Open(s.dir, Options{Ballast: -1})
		require.NoError(b, err)
		b.StopTimer()
		n := float64(again.Stats().Findings)
		b.ReportMetric(n/b.Elapsed().Seconds(), "findings/s")
		b.ReportMetric(float64(liveHeap()-before)/n, "heap-bytes/finding")
		b.ReportMetric(float64(again.Stats().DiskBytes)/n, "disk-bytes/finding")
		b.ReportMetric(0, "ns/op")
		require.NoError(b, again.Close())
	})
}

func liveHeap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// store16 stores findings as an import does: what is there is looked at, and gets history.
func store16(s *Store) func(int, *request) error {
	old, status := "FAILED", "PASSED"
	return func(_ int, r *request) error {
		errs, err := s.Update(context.Background(), r.keys, func(i int, before *store.Doc, st store.StateView) (store.Change, error) {
			st.Version(r.keys[i].Account)
			ch := store.Change{JSON: r.batch.Findings[i].Doc}
			if before != nil {
				ch.History = []store.HistoryRecord{{
					Time: time.UnixMilli(1), Source: "BATCH_IMPORT_FINDINGS", Identity: before.Key.ProductArn,
					Updates: []asff.FieldChange{{Field: "Compliance.Status", Old: &old, New: &status}, {Field: "ProductFields", Old: &old, New: &status}},
				}}
			}
			return ch, nil
		})
		return errors.Join(append(errs, err)...)
	}
}

// questions measures a page of 100 of several kinds.
func questions(b *testing.B, s *Store, keys []store.Key) {
	b.Helper()
	account := keys[0].Account
	for _, q := range []struct {
		name  string
		scope store.Scope
		find  query.Find
		text  string
	}{
		{name: "newest", text: "all"},
		{name: "severity-newest", text: `SeverityLabel = CRITICAL and RecordState = ACTIVE and WorkflowStatus = NEW`},
		{name: "account-by-severity", scope: store.Scope{Accounts: []string{account}}, text: `SeverityLabel in (HIGH, CRITICAL)`, find: query.Find{Sort: []query.SortKey{{Field: asff.FieldSeverityLabel, Desc: true}}}},
		{name: "id", text: fmt.Sprintf(`Id = %q`, keys[7].ID)},
		{name: "title-contains", text: `Title contains encryption and ComplianceStatus = FAILED`},
		{name: "resource-prefix", text: `ResourceId startswith "arn:aws:ec2"`},
		{name: "negative", text: `not SeverityLabel = INFORMATIONAL and not Type startswith TTPs`},
	} {
		e, err := query.Parse(q.text)
		require.NoError(b, err)
		q.find.Where, q.find.Limit = e, 100
		b.Run(q.name, func(b *testing.B) {
			n := 0
			for b.Loop() {
				_, err := s.Find(context.Background(), q.scope, &q.find, func(*store.Doc) error { n++; return nil })
				require.NoError(b, err)
			}
			b.ReportMetric(float64(n)/float64(b.N), "findings/page")
		})
	}
	b.Run("get", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			_, err := s.Get(context.Background(), keys[i*31%len(keys)], func(*store.Doc) error { return nil })
			require.NoError(b, err)
		}
	})
	b.Run("group-by-resource", func(b *testing.B) {
		for b.Loop() {
			_, err := s.Group(context.Background(), store.Scope{}, &query.Group{By: asff.FieldResourceId, Limit: 10})
			require.NoError(b, err)
		}
	})
}
