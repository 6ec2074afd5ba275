package embedded

import (
	"bytes"
	"cmp"
	"slices"

	"hubcap/internal/store"
)

// place is where a document stands in an order by a date, the default one by UpdatedAt: newest first, those without an instant last,
// ties by identity.
type place struct {
	at    int64 // minus the date; the greatest number where there is none
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

// order is every document in the default order, by number alone: what decides stands in the columns, which must not change while
// a document is in the order. The numbers lie in runs. They lie backwards, oldest first, since most documents come as the newest: they
// are then appended. On disk it would be the numbers, one after the other.
type order struct {
	columns dated
	runs    []run
	count   int
}

// run is a stretch of the order.
type run struct {
	first place    // of the first document, the last in the default order
	docs  []uint32 // not empty
}

// mostInRun bounds what is moved for one document.
const mostInRun = 1024

// find tells where a place is, or would be: the run and the position in it.
func (o *order) find(p place) (r, i int, there bool) {
	r, there = slices.BinarySearchFunc(o.runs, p, func(r run, p place) int { return -comparePlaces(r.first, p) })
	if there || r == 0 {
		return r, 0, there
	}
	r--
	i, there = slices.BinarySearchFunc(o.runs[r].docs, p, func(doc uint32, p place) int { return -comparePlaces(o.columns.placeOf(doc), p) })
	return r, i, there
}

// insert puts a document in its place, of which the columns must know. One that is there stays.
func (o *order) insert(p place) {
	if len(o.runs) == 0 {
		o.runs = append(o.runs, run{p, append(make([]uint32, 0, 16), p.doc)})
		o.count++
		return
	}
	r, i, there := o.find(p)
	if there {
		return
	}
	o.count++
	if len(o.runs[r].docs) == mostInRun {
		if r == len(o.runs)-1 && i == mostInRun {
			o.runs = append(o.runs, run{p, append(make([]uint32, 0, mostInRun), p.doc)})
			return
		}
		half := o.runs[r].docs[mostInRun/2:]
		more := run{o.columns.placeOf(half[0]), append(make([]uint32, 0, mostInRun*3/4), half...)}
		o.runs[r].docs = o.runs[r].docs[:mostInRun/2]
		o.runs = slices.Insert(o.runs, r+1, more)
		if i > mostInRun/2 {
			r, i = r+1, i-mostInRun/2
		}
	}
	o.runs[r].docs = slices.Insert(o.runs[r].docs, i, p.doc)
	if i == 0 {
		o.runs[r].first = p
	}
}

// remove takes a document away that the columns still know in that place.
func (o *order) remove(p place) {
	r, i, there := o.find(p)
	if !there {
		return
	}
	o.count--
	docs := slices.Delete(o.runs[r].docs, i, i+1)
	o.runs[r].docs = docs
	switch {
	case len(docs) == 0:
		o.runs = slices.Delete(o.runs, r, r+1)
	case i == 0:
		o.runs[r].first = o.columns.placeOf(docs[0])
		fallthrough
	default:
		o.join(r)
	}
}

// join makes one run of two that have become short.
func (o *order) join(r int) {
	if r+1 < len(o.runs) && len(o.runs[r].docs)+len(o.runs[r+1].docs) <= mostInRun/2 {
		o.runs[r].docs = append(o.runs[r].docs, o.runs[r+1].docs...)
		o.runs = slices.Delete(o.runs, r+1, r+2)
	}
}

// fill makes the order of documents that the columns know; docs is sorted for it, and kept.
func (o *order) fill(docs []uint32) {
	slices.SortFunc(docs, func(a, b uint32) int { return -comparePlaces(o.columns.placeOf(a), o.columns.placeOf(b)) })
	o.cut(docs)
}

// cut makes the runs of documents that stand in the order already, oldest first.
func (o *order) cut(docs []uint32) {
	o.runs, o.count = nil, len(docs)
	for part := range slices.Chunk(docs, mostInRun*3/4) {
		o.runs = append(o.runs, run{o.columns.placeOf(part[0]), append(make([]uint32, 0, mostInRun), part...)})
	}
}

// scan visits the documents from the newest, until visit says no.
func (o *order) scan(visit func(doc uint32) bool) { o.walk(len(o.runs), 0, visit) }

// after visits the documents that stand behind a place.
func (o *order) after(p place, visit func(doc uint32) bool) {
	r, i, _ := o.find(p)
	o.walk(r, i, visit)
}

// walk visits the documents in front of position i of run r, backwards.
func (o *order) walk(r, i int, visit func(doc uint32) bool) {
	for ; r >= 0; r-- {
		if r < len(o.runs) {
			for _, doc := range slices.Backward(o.runs[r].docs[:i]) {
				if !visit(doc) {
					return
				}
			}
		}
		if r > 0 {
			i = len(o.runs[r-1].docs)
		}
	}
}

// before visits the documents that stand in front of a place, the nearest first.
func (o *order) before(p place, visit func(doc uint32) bool) {
	r, i, there := o.find(p)
	if there {
		i++
	}
	for ; r < len(o.runs); r++ {
		for _, doc := range o.runs[r].docs[i:] {
			if !visit(doc) {
				return
			}
		}
		i = 0
	}
}
