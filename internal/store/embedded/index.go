package embedded

import (
	"slices"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"hubcap/internal/store"
)

// index answers which documents have a term, where a finding's document is, and in which order documents were updated. It lives
// in memory alone and follows from the documents. Its lock is held for one commit's differences, or for one evaluation of a
// question, never while the database works.
//
// It consists of a few large pieces without pointers: the collector has nothing to do with them, and they can be written out as
// they are.
type index struct {
	mu sync.RWMutex
	columns
	key      *hashKey
	mask     uint64    // of hashes; tests force collisions with it
	idents   hashTable // of documents, by identity
	pairs    hashTable // of documents, by product ARN and id; what it finds is compared on reading
	postings postings
	live     *roaring.Bitmap
	order    order

	dict     *dictionary
	recent   recent
	forwards forwards
	dates    [len(timeColumns)]*dateIndex // made where a question sorts by them
}

func newIndex(key *hashKey, mask uint64) *index {
	x := &index{key: key, mask: mask, live: roaring.New()}
	x.order.columns = dated{&x.columns, updatedColumn}
	return x
}

func (x *index) hashOf(ident *store.Identity) uint64 { return x.key.sum(ident[:], 0) & x.mask }

// find is the document of a finding. The caller holds the lock.
func (x *index) find(ident *store.Identity) (doc uint32, there bool) {
	for p := x.idents.probe(x.hashOf(ident)); ; {
		n, ok := p.next()
		if !ok {
			return 0, false
		}
		if *x.ident(n - 1) == *ident {
			return n - 1, true
		}
	}
}

// apply brings the index up to a commit. The caller holds the lock.
func (x *index) apply(d *difference) {
	x.recent.note(d.doc)
	x.forwards.apply(d, x.dict)
	switch d.kind {
	case comes:
		x.insert(d)
		x.order.insert(x.placeOf(d.doc))
		x.arrange(d.doc)
	case changes:
		x.change(d)
	case stays:
		x.setVersion(d.doc, d.version)
	case goes:
		x.remove(d)
	}
	for _, t := range d.remove {
		x.postings.remove(t, d.doc)
	}
	x.addTerms(d)
}

// insert takes a new document in, without its terms and its place in the order.
func (x *index) insert(d *difference) {
	x.set(d)
	x.live.Add(d.doc)
	x.idents.add(x.hashOf(&d.ident), d.doc+1)
	x.pairs.add(d.pair, d.doc+1)
}

func (x *index) change(d *difference) {
	x.disarrange(d.doc)
	defer x.arrange(d.doc)
	was, is := x.placeOf(d.doc), place{placeAt(d.times[updatedColumn]), d.ident, d.doc}
	if was == is {
		x.set(d)
		return
	}
	x.order.remove(was)
	x.set(d)
	x.order.insert(is)
}

// arrange puts a document into the orders of the other dates, and disarrange takes it out.
func (x *index) arrange(doc uint32) {
	for _, o := range x.dates {
		if o != nil {
			o.insert(o.columns.placeOf(doc))
		}
	}
}

func (x *index) disarrange(doc uint32) {
	for _, o := range x.dates {
		if o != nil {
			o.remove(o.columns.placeOf(doc))
		}
	}
}

func (x *index) remove(d *difference) {
	x.disarrange(d.doc)
	x.order.remove(x.placeOf(d.doc))
	x.live.Remove(d.doc)
	x.idents.remove(x.hashOf(&d.ident), d.doc+1)
	x.pairs.remove(d.pair, d.doc+1)
	x.setVersion(d.doc, 0)
}

func (x *index) addTerms(d *difference) {
	x.postings.touch(d.add)
	for _, t := range d.add {
		x.postings.add(t, d.doc)
	}
}

// spilled tells whether a document is on an overflow. The caller holds the lock.
func (x *index) spilled(doc uint32, overflows []uint32) bool {
	return slices.ContainsFunc(overflows, func(t uint32) bool {
		p := x.posting(t)
		return p.contains(doc)
	})
}

// posting is the posting of a term; an empty one where no document has it. The caller holds the lock.
func (x *index) posting(term uint32) *posting {
	p := x.postings.get(term)
	return &p
}

// withPair appends the documents of a pair's hash.
func (x *index) withPair(pair uint64, dst []uint32) []uint32 {
	for p := x.pairs.probe(pair); ; {
		n, ok := p.next()
		if !ok {
			return dst
		}
		dst = append(dst, n-1)
	}
}
