package embedded

import (
	"fmt"
	"runtime"
	"testing"

	"hubcap/internal/asff"
	"hubcap/internal/asff/asfftest"
	"hubcap/internal/store"
)

// BenchmarkIndexMemory tells how much live memory the index takes a finding, and which part of it: go test -bench IndexMemory
// -benchtime 1x, with HUBCAP_BENCH_FINDINGS=1000000 for a store of that size.
func BenchmarkIndexMemory(b *testing.B) {
	n := corpusSize()
	before := liveHeap()
	s := indexOnly()
	before2 := used()
	b.ResetTimer()
	fillIndex(b, s, n)
	b.StopTimer()
	cpu := used().cpu - before2.cpu
	total := liveHeap() - before
	report := func(bytes int, unit string) { b.ReportMetric(float64(bytes)/float64(n), unit+"-B/finding") }
	report(int(total), "heap")
	report(tableBytes(&s.index.idents)+tableBytes(&s.index.pairs), "idents")
	report(len(s.index.segments)*segmentSize*(16+8+8*len(timeColumns)), "columns")
	order := 0
	for _, r := range s.index.order.runs {
		order += 4*cap(r.docs) + 64
	}
	report(order, "order")
	bitmaps := 0
	for _, bits := range s.index.postings.bits {
		bitmaps += int(bits.GetSizeInBytes())
	}
	report(bitmaps, "bitmaps")
	report(len(s.index.postings.blocks)*slabBlock, "slabs")
	report(len(s.index.postings.handles)*termChunk*8, "handles")
	report(len(s.dict.arena)*arenaBlock, "texts")
	report(len(s.dict.heads.texts)*headsChunk*longHead+4*len(s.dict.heads.uses)+tableBytes(&s.dict.heads.table), "heads")
	report(tableBytes(&s.dict.table), "table")
	report(len(s.dict.places)*termChunk*4, "places")
	b.ReportMetric(float64(s.dict.next-1)/float64(n), "terms/finding")
	b.ReportMetric(float64(cpu.Microseconds())/float64(n), "cpu-us/finding")
	b.ReportMetric(0, "ns/op")
	runtime.KeepAlive(s)
}

func tableBytes(t *hashTable) (n int) {
	for i := range t.parts {
		n += 8 * len(t.parts[i].slots)
	}
	return n
}

// indexOnly is a store without a database.
func indexOnly() *Store {
	s := &Store{opts: Options{}.withDefaults(), key: newHashKey(nil)}
	s.emptyIndex()
	return s
}

// fillIndex takes findings in, a hundred at a time.
func fillIndex(tb testing.TB, s *Store, n int) {
	tb.Helper()
	var reader asff.Reader
	x := extractor{dict: s.dict}
	differs := make([]difference, 100)
	var doc []byte
	for at := 0; at < n; at += len(differs) {
		for i := range differs {
			doc = asfftest.Append(doc[:0], "", "", at+i, 0)
			k := store.Key{Account: asfftest.Account(at + i), Region: "us-east-1", ProductArn: "p", ID: fmt.Sprint("id", at+i)}
			differs[i] = difference{
				doc: uint32(at + i), ident: k.Identity(), pair: s.pairHash(k.ProductArn, k.ID), version: uint64(at + i + 1), kind: comes,
				add: differs[i].add[:0],
			}
			x.comes(&k, reader.Values(doc), &differs[i])
		}
		x.settle()
		for i := range differs {
			differs[i].order()
			s.index.apply(&differs[i])
		}
	}
}
