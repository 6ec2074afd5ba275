package embedded

import (
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// postings is the documents of every term. A term's handle says where they are:
//
//	0                            nowhere: no document has the term
//	document << 32 | oneDocument it is the only one
//	place << 32 | size | packed  in a slab of the arena; place counts units of 8 bytes
//	number << 32 | bitmap        in bits
//
// Slabs come in a few sizes; a posting that outgrows its slab moves to one of the next size and leaves its own to another posting. On
// disk it would be a term's documents after the other's, whatever form they have.
type postings struct {
	handles [][]uint64 // by term, in chunks
	blocks  [][]byte   // of slabs
	room    int        // left in the last block
	idle    [len(slabSizes)][]uint32
	bits    []*roaring.Bitmap
	unused  []uint32 // numbers of bits
	emptied int      // how often a term lost its last document, since a sweep
	touched byte     // keeps the compiler from leaving out what fetches memory
}

const (
	oneDocument = 1
	packed      = 2
	bitmap      = 3
	kindMask    = 3
	sizeShift   = 2
	sizeMask    = 0x3f
	slabUnit    = 8
	slabBlock   = 1 << 20
)

// slabSizes are the sizes of slabs. What outgrows the last becomes a bitmap: up to it, a document takes one byte to two, in a bitmap
// with few documents for 65,536 numbers more than three.
var slabSizes = [...]uint16{16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096}

// handle is where a term's documents are; nil for a term that none ever had.
func (p *postings) handle(term uint32) *uint64 {
	if len(p.handles) <= int(term/termChunk) || p.handles[term/termChunk] == nil {
		return nil
	}
	return &p.handles[term/termChunk][term%termChunk]
}

func (p *postings) grow(term uint32) *uint64 {
	for len(p.handles) <= int(term/termChunk) {
		p.handles = append(p.handles, nil)
	}
	if p.handles[term/termChunk] == nil {
		p.handles[term/termChunk] = make([]uint64, termChunk)
	}
	return &p.handles[term/termChunk][term%termChunk]
}

func (p *postings) slab(h uint64) slab {
	at := int(h>>32) * slabUnit
	size := int(slabSizes[h>>sizeShift&sizeMask])
	block := p.blocks[at/slabBlock]
	return block[at%slabBlock : at%slabBlock+size : at%slabBlock+size]
}

// get is the posting of a term; an empty one where no document has it.
func (p *postings) get(term uint32) posting {
	h := p.handle(term)
	if h == nil {
		return posting{}
	}
	switch *h & kindMask {
	case oneDocument:
		return posting{one: uint32(*h>>32) + 1}
	case packed:
		return posting{packed: p.slab(*h)}
	case bitmap:
		return posting{bits: p.bits[*h>>32]}
	}
	return posting{}
}

func (p *postings) add(term, doc uint32) {
	h := p.grow(term)
	switch *h & kindMask {
	case oneDocument:
		if one := uint32(*h >> 32); one != doc {
			*h = p.take(0)
			p.slab(*h).start(min(one, doc))
			p.add(term, max(one, doc))
		}
	case packed:
		if s := p.slab(*h); !s.add(doc) {
			p.widen(h, s)
			p.add(term, doc)
		}
	case bitmap:
		p.bits[*h>>32].Add(doc)
	default:
		*h = uint64(doc)<<32 | oneDocument
	}
}

func (p *postings) remove(term, doc uint32) {
	h := p.handle(term)
	if h == nil {
		return
	}
	switch *h & kindMask {
	case oneDocument:
		if uint32(*h>>32) == doc {
			*h = 0
			p.emptied++
		}
	case packed:
		s := p.slab(*h)
		if s.remove(doc); s.count() == 1 {
			p.leave(*h)
			*h = uint64(s.last())<<32 | oneDocument
		}
	case bitmap:
		b := p.bits[*h>>32]
		if b.Remove(doc); b.IsEmpty() {
			p.bits[*h>>32] = nil
			p.unused = append(p.unused, uint32(*h>>32))
			*h = 0
			p.emptied++
		}
	}
}

// widen gives a posting the next size.
func (p *postings) widen(h *uint64, s slab) {
	size := int(*h >> sizeShift & sizeMask)
	was := *h
	if size+1 < len(slabSizes) {
		*h = p.take(size + 1)
		copy(p.slab(*h), s)
	} else {
		docs := make([]uint32, 0, s.count())
		s.each(func(doc uint32) { docs = append(docs, doc) })
		b := roaring.BitmapOf(docs...)
		if n := len(p.unused); n > 0 {
			*h = uint64(p.unused[n-1])<<32 | bitmap
			p.unused = p.unused[:n-1]
			p.bits[*h>>32] = b
		} else {
			*h = uint64(len(p.bits))<<32 | bitmap
			p.bits = append(p.bits, b)
		}
	}
	p.leave(was)
}

// take gives a slab of a size.
func (p *postings) take(size int) uint64 {
	var place uint32
	if idle := p.idle[size]; len(idle) > 0 {
		place, p.idle[size] = idle[len(idle)-1], idle[:len(idle)-1]
	} else {
		if p.room < int(slabSizes[size]) {
			p.blocks = append(p.blocks, make([]byte, slabBlock))
			p.room = slabBlock
		}
		place = uint32((len(p.blocks)*slabBlock - p.room) / slabUnit) //nolint:gosec // 32 GB
		p.room -= int(slabSizes[size])
	}
	return uint64(place)<<32 | uint64(size)<<sizeShift | packed //nolint:gosec // an index
}

func (p *postings) leave(h uint64) {
	size := h >> sizeShift & sizeMask
	p.idle[size] = append(p.idle[size], uint32(h>>32))
}

// touch fetches the postings of terms, all at once rather than one after the other.
func (p *postings) touch(terms []uint32) {
	var handles [64]uint64
	for len(terms) > 0 {
		n := min(len(terms), len(handles))
		for i, t := range terms[:n] {
			handles[i] = *p.grow(t)
		}
		for _, h := range handles[:n] {
			if h&kindMask == packed {
				p.touched ^= p.slab(h)[0]
			}
		}
		terms = terms[n:]
	}
}

// forget takes documents away from every posting: those that are to be taken in anew, of which nobody knows the old terms.
func (p *postings) forget(docs *roaring.Bitmap) {
	var gone []uint32
	for chunk, handles := range p.handles {
		for i, h := range handles {
			term := uint32(chunk*termChunk + i)
			if h&kindMask == bitmap {
				gone = roaring.And(p.bits[h>>32], docs).ToArray()
			} else {
				gone = gone[:0]
				set := p.get(term)
				set.each(func(doc uint32) {
					if docs.Contains(doc) {
						gone = append(gone, doc)
					}
				})
			}
			for _, doc := range slices.Backward(gone) {
				p.remove(term, doc)
			}
		}
	}
}
