package embedded

import (
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// smallPosting is how many documents a posting keeps in a plain slice before it becomes a bitmap. Most terms stay below it, and a
// new document, which has the greatest number, is appended after two looks into memory; a bitmap takes seven.
const smallPosting = 256

// A posting is the set of documents that have a term. Many terms belong to one document for good (identifiers, titles), so the
// first one is kept without an allocation.
type posting struct {
	one  uint32 // the only document, plus one; 0: none, or several
	many *docSet
}

// docSet is a set of documents: sorted while small, then a bitmap.
type docSet struct {
	small []uint32
	bits  *roaring.Bitmap
}

func (p *posting) add(doc uint32) {
	switch {
	case p.many != nil:
		p.many.add(doc)
	case p.one == 0:
		p.one = doc + 1
	case p.one != doc+1:
		p.many = &docSet{small: append(make([]uint32, 0, 4), min(p.one-1, doc), max(p.one-1, doc))}
		p.one = 0
	}
}

func (p *posting) remove(doc uint32) {
	switch {
	case p.many != nil:
		p.many.remove(doc)
	case p.one == doc+1:
		p.one = 0
	}
}

func (p *posting) count() int {
	switch {
	case p.many == nil:
		return int(min(p.one, 1))
	case p.many.bits != nil:
		return int(p.many.bits.GetCardinality()) //nolint:gosec // at most 2^32
	default:
		return len(p.many.small)
	}
}

func (p *posting) contains(doc uint32) bool {
	switch {
	case p.many == nil:
		return p.one == doc+1
	case p.many.bits != nil:
		return p.many.bits.Contains(doc)
	}
	_, there := slices.BinarySearch(p.many.small, doc)
	return there
}

// first is any document of the posting.
func (p *posting) first() (doc uint32, ok bool) {
	switch {
	case p.many == nil:
		return p.one - 1, p.one != 0
	case p.many.bits != nil:
		if p.many.bits.IsEmpty() {
			return 0, false
		}
		return p.many.bits.Minimum(), true
	case len(p.many.small) > 0:
		return p.many.small[0], true
	}
	return 0, false
}

// each calls f for every document.
func (p *posting) each(f func(doc uint32)) {
	switch {
	case p.many == nil:
		if p.one != 0 {
			f(p.one - 1)
		}
	case p.many.bits != nil:
		for it := p.many.bits.Iterator(); it.HasNext(); {
			f(it.Next())
		}
	default:
		for _, doc := range p.many.small {
			f(doc)
		}
	}
}

// within counts the documents that are in set too.
func (p *posting) within(set *roaring.Bitmap) int {
	if p.many != nil && p.many.bits != nil {
		return int(p.many.bits.AndCardinality(set)) //nolint:gosec // at most 2^32
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
	switch {
	case p.many == nil:
		if p.one != 0 {
			set.Add(p.one - 1)
		}
	case p.many.bits != nil:
		set.Or(p.many.bits)
	default:
		set.AddMany(p.many.small)
	}
}

func (s *docSet) add(doc uint32) {
	if s.bits != nil {
		s.bits.Add(doc)
		return
	}
	at, n := len(s.small), len(s.small)
	if n > 0 && s.small[n-1] >= doc {
		var there bool
		if at, there = slices.BinarySearch(s.small, doc); there {
			return
		}
	}
	if n >= smallPosting {
		s.bits = roaring.BitmapOf(s.small...)
		s.bits.Add(doc)
		s.small = nil
		return
	}
	s.small = slices.Insert(s.small, at, doc)
}

func (s *docSet) remove(doc uint32) {
	if s.bits != nil {
		s.bits.Remove(doc)
		return
	}
	if at, there := slices.BinarySearch(s.small, doc); there {
		s.small = slices.Delete(s.small, at, at+1)
	}
}
