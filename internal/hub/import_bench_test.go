package hub

import (
	"context"
	"testing"
	"time"

	"hubcap/internal/asff"
	"hubcap/internal/asff/asfftest"
	"hubcap/internal/iam"
	"hubcap/internal/store"
)

// sink is a store that keeps nothing: it shows the closure each finding's old document and drops the new one. What remains is the
// cost of the method itself.
type sink struct {
	*memStore
	old func(i int) *store.Doc
}

func (s sink) Update(_ context.Context, keys []store.Key, fn store.UpdateFunc) ([]error, error) {
	for i := range keys {
		if _, err := fn(i, s.old(i), memTx{s.memStore}); err != nil {
			return nil, err
		}
	}
	return make([]error, len(keys)), nil
}

// BenchmarkBatchImportFindings is the method alone, 100 findings of 3.3 KB a call: reading, checking, access, merging, and for
// updates (three members changed) the history record. ns/finding and allocations stand beside.
func BenchmarkBatchImportFindings(b *testing.B) {
	const account, region = "111122223333", "us-east-1"
	p := &iam.Principal{Account: account, Region: region, ARN: "arn:aws:iam::" + account + ":user/" + account}
	body := func(version int) []byte {
		var findings [][]byte
		for n := range asff.MaxFindings {
			findings = append(findings, asfftest.Append(nil, account, region, n, version))
		}
		return batch(findings)
	}
	// The stored documents that updates meet.
	m := newMemStore()
	seed := openHub(b, m, time.Now)
	if out, err := seed.BatchImportFindings(b.Context(), p, body(0)); err != nil || out.FailedCount != 0 {
		b.Fatal(out, err)
	}
	stored := make([]*store.Doc, asff.MaxFindings)
	byID := map[string]*store.Doc{}
	for _, d := range m.docs {
		byID[d.doc.Key.ID] = &d.doc
	}
	for n := range stored {
		stored[n] = byID[idOf(b, asfftest.Append(nil, account, region, n, 0))]
	}
	for _, run := range []struct {
		name string
		body []byte
		old  func(int) *store.Doc
	}{
		{"new", body(0), func(int) *store.Doc { return nil }},
		{"update", body(1), func(i int) *store.Doc { return stored[i] }},
		{"stale", body(0), func(i int) *store.Doc { return stored[i] }},
	} {
		b.Run(run.name, func(b *testing.B) {
			h := openHub(b, sink{newMemStore(), run.old}, time.Now)
			b.SetBytes(int64(len(run.body)))
			b.ReportAllocs()
			for b.Loop() {
				out, err := h.BatchImportFindings(context.Background(), p, run.body)
				if err != nil || out.FailedCount != 0 {
					b.Fatal(out, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/asff.MaxFindings, "ns/finding")
		})
	}
}
