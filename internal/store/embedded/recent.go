package embedded

import "github.com/RoaringBitmap/roaring/v2"

// recent is the documents that changed last, in the order of the changes. Who looks at the index piece by piece, without holding
// its lock all the while, learns from it which documents he may have seen half before and half after a change. The index's lock
// guards it.
type recent struct {
	docs []uint32 // a ring
	n    uint64   // changes since the store was opened
}

// recentSize is how many changes are remembered: what a busy store takes in some seconds.
const recentSize = 1 << 17

func (r *recent) note(doc uint32) {
	if r.docs == nil {
		r.docs = make([]uint32, recentSize)
	}
	r.docs[r.n%recentSize] = doc
	r.n++
}

// since adds the documents that changed after the first n changes; false when there were more than are remembered.
func (r *recent) since(n uint64, to *roaring.Bitmap) bool {
	if r.n-n > recentSize {
		return false
	}
	for ; n < r.n; n++ {
		to.Add(r.docs[n%recentSize])
	}
	return true
}
