package hub

import (
	"context"
	"fmt"
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
// updates (three members changed) the history record. ns/finding and allocations stand beside. The rows with rules say how many
// automation rules each finding is held against: none of them acts, or one that suppresses.
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
	none, all := func(int) *store.Doc { return nil }, func(i int) *store.Doc { return stored[i] }
	for _, run := range []struct {
		name  string
		body  []byte
		old   func(int) *store.Doc
		rules int
		acts  bool // the last of them
	}{
		{name: "new", body: body(0), old: none},
		{name: "update", body: body(1), old: all},
		{name: "stale", body: body(0), old: all},
		{name: "new/rules=20", body: body(0), old: none, rules: 20},
		{name: "new/rules=1000", body: body(0), old: none, rules: 1000},
		{name: "new/rules=20/acting", body: body(0), old: none, rules: 20, acts: true},
		{name: "update/rules=20", body: body(1), old: all, rules: 20},
	} {
		b.Run(run.name, func(b *testing.B) {
			h := openHub(b, sink{newMemStore(), run.old}, time.Now)
			for i := range run.rules {
				criteria := `"RecordState":[{"Value":"ACTIVE","Comparison":"EQUALS"}],"ResourceRegion":[{"Value":"` + region + `","Comparison":"EQUALS"}]`
				if !run.acts || i < run.rules-1 {
					criteria += fmt.Sprintf(`,"Title":[{"Value":"nothing of number %d","Comparison":"CONTAINS"}]`, i)
				}
				keepRule(b, h, p, i%1000+1, "{"+criteria+"}", `{"Workflow":{"Status":"SUPPRESSED"}}`)
			}
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
