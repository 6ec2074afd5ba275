package embedded

import (
	"bytes"
	"cmp"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/tidwall/btree"

	"hubcap/internal/store"
)

// index answers which documents have a term, where a finding's document is, and in which order documents were updated. It lives
// in memory alone and is rebuilt from the records 't' and 'a'. Its lock is held for one commit's differences, or for one
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

// A difference is what one commit makes of one document: it comes, changes or goes.
type difference struct {
	doc uint32
	old *entry // nil: the document is new
	new *entry // nil: the document goes
}

// apply brings the index up to a commit. The caller holds the lock.
func (x *index) apply(d *difference) {
	switch {
	case d.old == nil:
		x.insert(d.doc, d.new)
	case d.new == nil:
		x.remove(d.doc, d.old)
	default:
		x.change(d.doc, d.old, d.new)
	}
}

func (x *index) insert(doc uint32, e *entry) {
	x.idents[e.ident] = doc
	x.addPair(e.pair, doc)
	x.live.Add(doc)
	x.setColumns(doc, e)
	x.order.Set(place{placeAt(e.times[updatedColumn]), e.ident, doc})
	x.touch(e.terms)
	for _, t := range e.terms {
		x.grow(t).add(doc)
	}
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

func (x *index) remove(doc uint32, e *entry) {
	delete(x.idents, e.ident)
	x.removePair(e.pair, doc)
	x.live.Remove(doc)
	x.order.Delete(place{placeAt(e.times[updatedColumn]), e.ident, doc})
	for _, t := range e.terms {
		x.grow(t).remove(doc)
	}
	seg, i := x.segment(doc)
	seg.version[i] = 0
}

func (x *index) change(doc uint32, old, e *entry) {
	if was, is := old.times[updatedColumn], e.times[updatedColumn]; was != is {
		x.order.Delete(place{placeAt(was), e.ident, doc})
		x.order.Set(place{placeAt(is), e.ident, doc})
	}
	x.setColumns(doc, e)
	o, n := old.terms, e.terms
	for len(o) > 0 || len(n) > 0 {
		switch {
		case len(n) == 0 || len(o) > 0 && o[0] < n[0]:
			x.grow(o[0]).remove(doc)
			o = o[1:]
		case len(o) == 0 || n[0] < o[0]:
			x.grow(n[0]).add(doc)
			n = n[1:]
		default:
			o, n = o[1:], n[1:]
		}
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

func (x *index) setColumns(doc uint32, e *entry) {
	for len(x.segments) <= int(doc/segmentSize) {
		x.segments = append(x.segments, new(segment))
	}
	seg, i := x.segment(doc)
	seg.ident[i], seg.version[i] = e.ident, e.version
	for c := range e.times {
		seg.times[c][i] = e.times[c]
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
