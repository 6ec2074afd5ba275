package embedded

import (
	"context"
	"fmt"
	"os"
	"runtime"
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

// The rows of the table: Pebble's bare put of the same compressed documents, which is the practical limit of this machine, then new
// findings and updated ones from 16 writers in batches of 100, each durable before the next, and a few questions. Findings are made
// beforehand; reading and merging are other packages' rows.
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

// made is findings as an import leaves them: documents and their keys, and the values that the reader found on the way.
type made struct {
	keys   []store.Key
	docs   [][]byte
	values [][]asff.Value
}

// makeFindings makes n findings of a version.
func makeFindings(b *testing.B, from, n, version int) *made {
	b.Helper()
	m := &made{keys: make([]store.Key, n), docs: make([][]byte, n)}
	var r asff.Reader
	for i := range n {
		f, err := r.Check(asfftest.Finding(from+i, version), asff.CheckOptions{})
		require.NoError(b, err)
		require.Empty(b, f.Violations)
		m.docs[i] = append([]byte{}, f.Doc...)
		m.keys[i] = store.Key{Account: f.AwsAccountID, Region: "us-east-1", ProductArn: f.ProductArn, ID: f.ID}
	}
	return m
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

// row measures work on n findings, done by benchWriters goroutines in batches.
func row(b *testing.B, n int, work func(from, to int) error) {
	b.Helper()
	runtime.GC()
	before := used()
	b.ResetTimer()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range benchWriters {
		wg.Go(func() {
			for {
				to := int(next.Add(benchBatch))
				if to > n {
					return
				}
				if err := work(to-benchBatch, to); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	took, after := b.Elapsed(), used()
	b.ReportMetric(float64(n)/took.Seconds(), "findings/s")
	b.ReportMetric(float64((after.cpu-before.cpu).Microseconds())/float64(n), "cpu-us/finding")
	b.ReportMetric(float64(after.allocs-before.allocs)/float64(n), "allocs/finding")
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
	n := corpusSize()
	first := makeFindings(b, 0, n, 0)
	b.Run("bare-put", func(b *testing.B) {
		for range b.N {
			s := openBench(b)
			var bufs sync.Pool
			bufs.New = func() any { return new([2][]byte) }
			row(b, n, func(from, to int) error {
				buf := bufs.Get().(*[2][]byte)
				defer bufs.Put(buf)
				batch := s.db.NewBatchWithSize(150 << 10)
				for i := from; i < to; i++ {
					buf[0] = appendBody(buf[0][:0], &first.keys[i], first.docs[i])
					buf[1] = compress(buf[1][:0], buf[0])
					if err := batch.Set(numberKey(nil, docPrefix, uint32(i)), buf[1], nil); err != nil {
						return err
					}
				}
				return batch.Commit(pebble.Sync)
			})
		}
	})
	for range b.N {
		s := openBench(b)
		b.Run("insert", func(b *testing.B) { row(b, n, updateAll(s, first)) })
		second := makeFindings(b, 0, n, 1)
		b.Run("update", func(b *testing.B) { row(b, n, updateAll(s, second)) })
		b.Run("find", func(b *testing.B) { questions(b, s, first) })
	}
}

// updateAll stores the findings as an import does: what is there is looked at, and gets history.
func updateAll(s *Store, m *made) func(from, to int) error {
	old, status := "FAILED", "PASSED"
	return func(from, to int) error {
		errs, err := s.Update(context.Background(), m.keys[from:to], func(i int, before *store.Doc, st store.StateView) (store.Change, error) {
			st.Version(m.keys[from+i].Account)
			ch := store.Change{JSON: m.docs[from+i]}
			if before != nil {
				ch.History = []store.HistoryRecord{{
					Time: time.UnixMilli(1), Source: "BATCH_IMPORT_FINDINGS", Identity: before.Key.ProductArn,
					Updates: []asff.FieldChange{{Field: "Compliance.Status", Old: &old, New: &status}, {Field: "ProductFields", Old: &old, New: &status}},
				}}
			}
			return ch, nil
		})
		for _, e := range errs {
			if e != nil {
				return e
			}
		}
		return err
	}
}

// questions measures a page of 100 of several kinds.
func questions(b *testing.B, s *Store, m *made) {
	account := m.keys[0].Account
	for _, q := range []struct {
		name  string
		scope store.Scope
		find  query.Find
		text  string
	}{
		{name: "newest", text: "all"},
		{name: "severity-newest", text: `SeverityLabel = CRITICAL and RecordState = ACTIVE and WorkflowStatus = NEW`},
		{name: "account-by-severity", scope: store.Scope{Accounts: []string{account}}, text: `SeverityLabel in (HIGH, CRITICAL)`, find: query.Find{Sort: []query.SortKey{{Field: asff.FieldSeverityLabel, Desc: true}}}},
		{name: "id", text: fmt.Sprintf(`Id = %q`, m.keys[7].ID)},
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
			_, err := s.Get(context.Background(), m.keys[i*31%len(m.keys)], func(*store.Doc) error { return nil })
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
