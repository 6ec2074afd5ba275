package embedded

import (
	"context"

	"github.com/RoaringBitmap/roaring/v2"
)

// walkedAtOnce is how many documents of an order are taken under one hold of the index's lock, and walkSteps how many are passed.
const (
	walkedAtOnce = 2048
	walkSteps    = 4096
)

// dateWalk goes along the order of a date, piece by piece. A document that a writer moves meanwhile may be met twice or not at all.
type dateWalk struct {
	x     *index
	order *order
	from  place   // the walk goes on behind it; backwards: in front of it
	back  bool    // oldest first; documents without a date are not met
	steps int     // of the last call
	times []int64 // of the documents of the last call, when they were met
	ended bool
}

// next is the next documents, of those in may (nil: all); at most so many, and perhaps none before the end.
func (w *dateWalk) next(most int, may *roaring.Bitmap) (docs []uint32) {
	w.x.mu.RLock()
	defer w.x.mu.RUnlock()
	w.steps, w.ended, w.times = 0, true, w.times[:0]
	var last uint32
	visit := func(doc uint32) bool {
		if w.steps == walkSteps || len(docs) == most {
			w.ended = false
			return false
		}
		w.steps++
		last = doc
		if may == nil || may.Contains(doc) {
			docs = append(docs, doc)
			w.times = append(w.times, w.x.time(doc, w.order.columns.column))
		}
		return true
	}
	if w.back {
		w.order.before(w.from, visit)
	} else {
		w.order.after(w.from, visit)
	}
	if w.steps > 0 {
		w.from = w.order.columns.placeOf(last)
	}
	return docs
}

// dateOrder is the order of a date's column, made where there is none yet.
func (s *Store) dateOrder(ctx context.Context, column int) (*order, error) {
	x := s.index
	if column == updatedColumn {
		return &x.order, nil
	}
	x.mu.Lock()
	o := x.dates[column]
	if o == nil {
		o = &dateIndex{order: order{columns: dated{&x.columns, column}}, ready: make(chan struct{})}
		x.dates[column] = o
		go s.fillDates(o)
	}
	x.mu.Unlock()
	select {
	case <-o.ready:
		return &o.order, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// dateIndex is the order of a date that a question asked for.
type dateIndex struct {
	order
	ready chan struct{}
}

// fillDates puts every document in order. Commits take part from the beginning; one that is there stays.
func (s *Store) fillDates(o *dateIndex) {
	defer close(o.ready)
	x := s.index
	for from := uint32(0); ; {
		x.mu.Lock()
		it := x.live.Iterator()
		it.AdvanceIfNeeded(from)
		for n := 0; n < 1024 && it.HasNext(); n++ {
			doc := it.Next()
			o.insert(o.columns.placeOf(doc))
			from = doc + 1
		}
		more := it.HasNext()
		x.mu.Unlock()
		if !more {
			return
		}
	}
}
