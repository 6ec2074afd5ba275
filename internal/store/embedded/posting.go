package embedded

import (
	"encoding/binary"

	"github.com/RoaringBitmap/roaring/v2"
)

// A posting is the set of documents that have a term, as it stands in the index: valid while the index's lock is held. Most terms
// belong to one document; then come those of some dozens or hundreds, in a short run of bytes; few are in many documents, and have
// a bitmap.
type posting struct {
	one    uint32 // the only document, plus one
	packed []byte // see slab
	bits   *roaring.Bitmap
}

func (p *posting) count() int {
	switch {
	case p.bits != nil:
		return int(p.bits.GetCardinality()) //nolint:gosec // at most 2^32
	case p.packed != nil:
		return slab(p.packed).count()
	}
	return int(min(p.one, 1))
}

func (p *posting) contains(doc uint32) bool {
	switch {
	case p.bits != nil:
		return p.bits.Contains(doc)
	case p.packed != nil:
		return slab(p.packed).contains(doc)
	}
	return p.one == doc+1
}

// first is any document of the posting.
func (p *posting) first() (doc uint32, ok bool) {
	switch {
	case p.bits != nil:
		return p.bits.Minimum(), true // it is never empty
	case p.packed != nil:
		return slab(p.packed).last(), true
	}
	return p.one - 1, p.one != 0
}

// each calls f for every document, in order.
func (p *posting) each(f func(doc uint32)) {
	switch {
	case p.bits != nil:
		for it := p.bits.Iterator(); it.HasNext(); {
			f(it.Next())
		}
	case p.packed != nil:
		slab(p.packed).each(f)
	case p.one != 0:
		f(p.one - 1)
	}
}

// within counts the documents that are in set too.
func (p *posting) within(set *roaring.Bitmap) int {
	if p.bits != nil {
		return int(p.bits.AndCardinality(set)) //nolint:gosec // at most 2^32
	}
	n := 0
	p.each(func(doc uint32) {
		if set.Contains(doc) {
			n++
		}
	})
	return n
}

// addTo adds every document to set.
func (p *posting) addTo(set *roaring.Bitmap) {
	if p.bits != nil {
		set.Or(p.bits)
		return
	}
	set.AddMany(p.appendTo(nil))
}

// appendTo appends every document to docs, in order.
func (p *posting) appendTo(docs []uint32) []uint32 {
	p.each(func(doc uint32) { docs = append(docs, doc) })
	return docs
}

// A slab is a piece of memory with the documents of a posting: the last of them (4 bytes), how many bytes are used and how many
// documents there are (2 bytes each), then the first document and the distances to the next ones as varints. New documents have the
// greatest numbers, so they are appended without a look at the others.
type slab []byte

const slabHead = 8

func (s slab) last() uint32 { return binary.LittleEndian.Uint32(s) }
func (s slab) used() int    { return int(binary.LittleEndian.Uint16(s[4:])) }
func (s slab) count() int   { return int(binary.LittleEndian.Uint16(s[6:])) }

func (s slab) set(last uint32, used, count int) {
	binary.LittleEndian.PutUint32(s, last)
	binary.LittleEndian.PutUint16(s[4:], uint16(used))  //nolint:gosec // at most the greatest size
	binary.LittleEndian.PutUint16(s[6:], uint16(count)) //nolint:gosec // fewer than bytes
}

// start begins a slab with its first document.
func (s slab) start(doc uint32) {
	s.set(doc, slabHead+binary.PutUvarint(s[slabHead:], uint64(doc)), 1)
}

func (s slab) each(f func(doc uint32)) {
	doc := uint32(0)
	for b := s[slabHead:s.used()]; len(b) > 0; {
		d, n := uvarint(b)
		doc += d
		b = b[n:]
		f(doc)
	}
}

// uvarint is binary.Uvarint for numbers that were written by us: most are of one byte or two.
func uvarint(b []byte) (uint32, int) {
	if b[0] < 0x80 {
		return uint32(b[0]), 1
	}
	v, n := binary.Uvarint(b)
	return uint32(v), n //nolint:gosec // so written
}

// seek finds the first document that is not below doc, of which there is one: before is the one in front of it, from and to are where
// the distance to it stands. It looks from the end on: writers that are there at once take numbers in one order and come to the index
// in another, so what does not belong at the end belongs near it.
func (s slab) seek(doc uint32) (before, at uint32, from, to int) {
	at, to = s.last(), s.used()
	for {
		// The last byte of a varint is below 0x80, the others are not.
		for from = to - 1; from > slabHead && s[from-1] >= 0x80; from-- {
		}
		d, _ := uvarint(s[from:to])
		before = at - d
		if before < doc || from == slabHead {
			return before, at, from, to
		}
		at, to = before, from
	}
}

func (s slab) contains(doc uint32) bool {
	if doc >= s.last() {
		return doc == s.last()
	}
	_, at, _, _ := s.seek(doc)
	return at == doc
}

// add adds a document; false when there is no room for it.
func (s slab) add(doc uint32) bool {
	var buf [2 * binary.MaxVarintLen32]byte
	last, used := s.last(), s.used()
	if doc > last {
		n := binary.PutUvarint(buf[:], uint64(doc-last))
		if used+n > len(s) {
			return false
		}
		copy(s[used:], buf[:n])
		s.set(doc, used+n, s.count()+1)
		return true
	}
	before, at, from, to := s.seek(doc)
	if at == doc {
		return true
	}
	n := binary.PutUvarint(buf[:], uint64(doc-before))
	n += binary.PutUvarint(buf[n:], uint64(at-doc))
	more := n - (to - from)
	if used+more > len(s) {
		return false
	}
	copy(s[from+n:used+more], s[to:used])
	copy(s[from:], buf[:n])
	s.set(last, used+more, s.count()+1)
	return true
}

// remove takes a document away, if it is there. The last one must not go.
func (s slab) remove(doc uint32) {
	if doc > s.last() {
		return
	}
	before, at, from, to := s.seek(doc)
	if at != doc {
		return
	}
	used := s.used()
	if to == used { // the last one
		s.set(before, from, s.count()-1)
		return
	}
	d, n := uvarint(s[to:used])
	var buf [binary.MaxVarintLen32]byte
	m := binary.PutUvarint(buf[:], uint64(at-before+d))
	copy(s[from:], buf[:m])
	copy(s[from+m:], s[to+n:used])
	s.set(s.last(), used-(to+n-from-m), s.count()-1)
}
