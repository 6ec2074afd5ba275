package embedded

import (
	"bytes"
	"cmp"
	"slices"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/tidwall/btree"

	"hubcap/internal/store"
)

// index answers which documents have a term, where a finding's document is, and in which order documents were updated. It lives
// in memory alone and follows from the documents. Its lock is held for one commit's differences, or for one
// evaluation of a question, never while the database works.
type index struct {
	mu        sync.RWMutex
	idents    map[store.Identity]uint32
	pairs     map[uint64]uint32 // hash of product ARN and id -> the first document
	morePairs map[uint64][]uint32
	postings  [][]posting // by term, in chunks
	live      *roaring.Bitmap
	segments  []*segment // by document, in chunks
	order     *btree.BTreeG[place]
	touched   uint32 // keeps the compiler from leaving out what fetches memory
}

// segment holds what is known of a run of documents, column by column.
type segment struct {
	ident   [segmentSize]store.Identity
	version [segmentSize]uint64
	times   [len(columns)][segmentSize]int64
}

const segmentSize = 1 << 12

// place is where a document stands in the default order: newest first, those without an instant last, ties by identity.
type place struct {
	at    int64 // minus UpdatedAt; the greatest number where there is none
	ident store.Identity
	doc   uint32
}

func placeAt(updated int64) int64 {
	if updated == noTime {
		return -(noTime + 1)
	}
	return -updated
}

func comparePlaces(a, b place) int {
	if c := cmp.Compare(a.at, b.at); c != 0 {
		return c
	}
	if c := bytes.Compare(a.ident[:], b.ident[:]); c != 0 {
		return c
	}
	return cmp.Compare(a.doc, b.doc)
}

func newIndex() *index {
	return &index{
		idents: map[store.Identity]uint32{}, pairs: map[uint64]uint32{}, morePairs: map[uint64][]uint32{},
		live: roaring.New(),
		order: btree.NewBTreeGOptions(func(a, b place) bool { return comparePlaces(a, b) < 0 },
			btree.Options{NoLocks: true, Degree: 64}),
	}
}

// apply brings the index up to a commit. The caller holds the lock.
func (x *index) apply(d *difference) {
	switch d.kind {
	case comes:
		x.insert(d)
		x.order.Set(x.placeOf(d.doc))
	case changes:
		was := x.placeOf(d.doc)
		x.setColumns(d)
		if is := x.placeOf(d.doc); is != was {
			x.order.Delete(was)
			x.order.Set(is)
		}
	case stays:
		seg, i := x.segment(d.doc)
		seg.version[i] = d.version
	case goes:
		delete(x.idents, d.ident)
		x.removePair(d.pair, d.doc)
		x.live.Remove(d.doc)
		x.order.Delete(x.placeOf(d.doc))
		seg, i := x.segment(d.doc)
		seg.version[i] = 0
	}
	for _, t := range d.remove {
		x.grow(t).remove(d.doc)
	}
	x.addTerms(d)
}

// insert takes a new document in, without its terms and its place in the order.
func (x *index) insert(d *difference) {
	x.idents[d.ident] = d.doc
	x.addPair(d.pair, d.doc)
	x.live.Add(d.doc)
	x.setColumns(d)
}

func (x *index) addTerms(d *difference) {
	x.touch(d.add)
	for _, t := range d.add {
		x.grow(t).add(d.doc)
	}
}

// spilled tells whether a document is on an overflow, or may be: it is not known in that version. The caller holds the lock.
func (x *index) spilled(doc uint32, overflows []uint32) bool {
	return slices.ContainsFunc(overflows, func(t uint32) bool { return x.posting(t).contains(doc) })
}

// touch fetches the postings of terms, all at once rather than one after the other.
func (x *index) touch(terms []uint32) {
	var sets [64]*docSet
	for len(terms) > 0 {
		n := min(len(terms), len(sets))
		for i, t := range terms[:n] {
			sets[i] = x.posting(t).many
		}
		for _, s := range sets[:n] {
			if s != nil && len(s.small) > 0 {
				x.touched ^= s.small[len(s.small)-1]
			}
		}
		terms = terms[n:]
	}
}

// grow is the posting of a term, made where there is none yet.
func (x *index) grow(term uint32) *posting {
	for len(x.postings) <= int(term/termChunk) {
		x.postings = append(x.postings, make([]posting, termChunk))
	}
	return &x.postings[term/termChunk][term%termChunk]
}

var noPosting posting

// posting is the posting of a term; an empty one where no document ever had it. It must not be changed.
func (x *index) posting(term uint32) *posting {
	if len(x.postings) <= int(term/termChunk) {
		return &noPosting
	}
	return &x.postings[term/termChunk][term%termChunk]
}

func (x *index) setColumns(d *difference) {
	for len(x.segments) <= int(d.doc/segmentSize) {
		x.segments = append(x.segments, new(segment))
	}
	seg, i := x.segment(d.doc)
	seg.ident[i], seg.version[i] = d.ident, d.version
	for c := range d.times {
		seg.times[c][i] = d.times[c]
	}
}

// segment finds a document's columns. The document must have been inserted.
func (x *index) segment(doc uint32) (*segment, uint32) {
	return x.segments[doc/segmentSize], doc % segmentSize
}

// version of a document; 0 when it is gone or was never there.
func (x *index) version(doc uint32) uint64 {
	if len(x.segments) <= int(doc/segmentSize) {
		return 0
	}
	seg, i := x.segment(doc)
	return seg.version[i]
}

// placeOf is where a document that is there stands in the default order.
func (x *index) placeOf(doc uint32) place {
	seg, i := x.segment(doc)
	return place{placeAt(seg.times[updatedColumn][i]), seg.ident[i], doc}
}

func (x *index) addPair(pair uint64, doc uint32) {
	if _, taken := x.pairs[pair]; taken {
		x.morePairs[pair] = append(x.morePairs[pair], doc)
		return
	}
	x.pairs[pair] = doc
}

func (x *index) removePair(pair uint64, doc uint32) {
	more := x.morePairs[pair]
	if x.pairs[pair] == doc {
		if len(more) == 0 {
			delete(x.pairs, pair)
			return
		}
		x.pairs[pair] = more[len(more)-1]
		more = more[:len(more)-1]
	} else {
		for i, d := range more {
			if d == doc {
				more[i] = more[len(more)-1]
				more = more[:len(more)-1]
				break
			}
		}
	}
	if len(more) == 0 {
		delete(x.morePairs, pair)
		return
	}
	x.morePairs[pair] = more
}

// withPair appends the documents of a pair's hash.
func (x *index) withPair(pair uint64, dst []uint32) []uint32 {
	if doc, ok := x.pairs[pair]; ok {
		dst = append(dst, doc)
	}
	return append(dst, x.morePairs[pair]...)
}
