package embedded

import (
	"container/heap"
	"context"
	"fmt"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"hubcap/internal/query"
	"hubcap/internal/store"
)

// found is a document on its way into a page.
type found struct {
	doc     uint32
	version uint64 // when the index was asked
	pos     query.Position
	checked bool // it satisfies the question in that version
	body    span // of reading.packed: the record
}

// search is one Find under way.
type search struct {
	s     *Store
	ctx   context.Context //nolint:containedctx // lives as long as the call
	scope store.Scope
	q     *query.Find
	order []query.SortKey
	tree  bool // the order is that of the index
	set   bounds
	r     *reading
}

// Find implements store.Store.
func (s *Store) Find(ctx context.Context, scope store.Scope, q *query.Find, yield func(*store.Doc) error) (*query.Position, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	f := &search{s: s, ctx: ctx, scope: scope, q: q, order: query.Order(q.Sort)}
	switch {
	case q.Limit < 1:
		return nil, fmt.Errorf("store: a page of %d findings", q.Limit)
	case q.After != nil && len(q.After.Values) != len(f.order):
		return nil, fmt.Errorf("store: a position of %d values for %d sort keys", len(q.After.Values), len(f.order))
	}
	f.tree = len(f.order) == 1 && f.order[0] == query.Order(nil)[0]
	f.r = s.startReading()
	defer s.endReading(f.r)
	page, err := f.page()
	if err != nil {
		return nil, err
	}
	return f.deliver(page, yield)
}

// deliver hands a page out, without the one document more that tells whether there is another page.
func (f *search) deliver(page []found, yield func(*store.Doc) error) (*query.Position, error) {
	more := len(page) > f.q.Limit
	if more {
		page = page[:f.q.Limit]
	}
	var doc store.Doc
	for i := range page {
		if err := f.ctx.Err(); err != nil {
			return nil, err
		}
		if err := f.r.unpack(f.r.packed[page[i].body.from:page[i].body.to]); err != nil {
			return nil, fmt.Errorf("store: document %d: %w", page[i].doc, err)
		}
		doc = store.Doc{Key: keyOf(&f.r.parts), JSON: f.r.json, Customer: f.r.rec.customer, Version: f.r.rec.version}
		if err := yield(&doc); err != nil {
			return nil, err
		}
	}
	if !more {
		return nil, nil
	}
	next := page[len(page)-1].pos // a copy: the page is used again
	return &next, nil
}

// mostAtOnce is how many candidates are taken from the index at once where many do not match.
const mostAtOnce = 4096

// page collects the findings of a page and one more, in order.
func (f *search) page() ([]found, error) {
	f.r.packed = f.r.packed[:0]
	want := f.q.Limit + 1
	p, err := f.s.plan(f.ctx, f.scope, &f.q.Where)
	if err != nil {
		return nil, err
	}
	x := f.s.index
	x.mu.RLock()
	f.set = p.evaluate()
	var some []found
	if f.tree {
		some = f.selectByTree(f.q.After, want)
	}
	x.mu.RUnlock()
	if !f.tree {
		if some, err = f.selectBySort(f.q.After, want); err != nil {
			return nil, err
		}
	}
	page := f.r.page[:0]
	seen := map[uint32]bool{}
	for asked := want; ; {
		last := len(some) < asked
		var frontier *query.Position
		if !last {
			frontier = &some[len(some)-1].pos
		}
		for i := range some {
			if i%16 == 0 && f.ctx.Err() != nil {
				return nil, f.ctx.Err()
			}
			if seen[some[i].doc] {
				continue
			}
			ok, err := f.check(&some[i], frontier)
			if err != nil {
				return nil, err
			}
			if ok {
				seen[some[i].doc] = true
				page = append(page, some[i])
			}
		}
		if last || len(page) >= want {
			break
		}
		// Too few of them matched: look at more at once.
		asked = min(2*asked, max(want, mostAtOnce))
		if f.tree {
			x.mu.RLock()
			some = f.selectByTree(frontier, asked)
			x.mu.RUnlock()
		} else if some, err = f.selectBySort(frontier, asked); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(page, func(a, b found) int { return query.Compare(f.order, &a.pos, &b.pos) })
	f.r.page = page
	return page, nil
}

// check reads a document that the index named, and tells whether it belongs to the page. A document that changed in between is
// judged anew; where it now stands beyond the frontier it is met again later.
func (f *search) check(d *found, frontier *query.Position) (bool, error) {
	from := len(f.r.packed)
	ok, err := f.s.fetch(d.doc, func(v []byte) error {
		f.r.packed = append(f.r.packed, v...)
		return f.r.rec.decode(v)
	})
	if !ok || err != nil {
		return false, err
	}
	d.body = span{from, len(f.r.packed)}
	if f.r.rec.version == d.version && (d.checked || f.set.exact() || f.set.must.Contains(d.doc)) {
		return true, nil
	}
	ok, err = f.judge(d, frontier)
	if !ok {
		f.r.packed = f.r.packed[:from]
	}
	return ok, err
}

func (f *search) judge(d *found, frontier *query.Position) (bool, error) {
	if err := f.r.unpack(f.r.packed[d.body.from:d.body.to]); err != nil {
		return false, fmt.Errorf("store: document %d: %w", d.doc, err)
	}
	if !f.scope.Allows(keyOf(&f.r.parts)) {
		return false, nil
	}
	values := f.r.values.Values(f.r.json)
	if !query.Match(&f.q.Where, values) {
		return false, nil
	}
	if f.r.rec.version == d.version {
		return true, nil
	}
	d.pos.Values = query.Keys(f.q.Sort, values, nil)
	if f.q.After != nil && query.Compare(f.order, &d.pos, f.q.After) <= 0 {
		return false, nil
	}
	return frontier == nil || query.Compare(f.order, &d.pos, frontier) <= 0, nil
}

// treeSteps is how far the tree is walked before a look at all candidates is cheaper, or simply shorter under the lock.
const treeSteps = 16_384

// selectByTree lists the next candidates in the default order. The caller holds the index's lock.
func (f *search) selectByTree(after *query.Position, want int) []found {
	x := f.s.index
	var pivot place
	from := after != nil
	if from {
		at := int64(noTime)
		if !after.Values[0].Missing {
			at = int64(after.Values[0].Num)
		}
		pivot = place{placeAt(at), after.Identity, ^uint32(0)}
	}
	places := make([]place, 0, want)
	count, live := f.set.may.GetCardinality(), x.live.GetCardinality()
	// With matches spread evenly, the walk takes want*live/count steps.
	if count > 0 && uint64(want)*live/count < treeSteps && !f.walkTree(pivot, from, &places, want) { //nolint:gosec // positive
		places = places[:0]
		f.pickPlaces(pivot, from, &places, want)
	} else if len(places) == 0 {
		f.pickPlaces(pivot, from, &places, want)
	}
	out := make([]found, len(places))
	values := make([]query.SortValue, len(places))
	for i, p := range places {
		if p.at == placeAt(noTime) {
			values[i].Missing = true
		} else {
			values[i].Num = float64(-p.at)
		}
		out[i] = found{
			doc: p.doc, version: x.version(p.doc),
			pos: query.Position{Values: values[i : i+1 : i+1], Identity: p.ident},
		}
	}
	return out
}

// walkTree takes candidates from the tree; false when it walked too far.
func (f *search) walkTree(pivot place, from bool, places *[]place, want int) bool {
	steps := 0
	x := f.s.index
	visit := func(doc uint32) bool {
		steps++
		if f.set.may.Contains(doc) {
			*places = append(*places, x.placeOf(doc))
		}
		return len(*places) < want && steps < treeSteps
	}
	if from {
		x.order.after(pivot, visit)
	} else {
		x.order.scan(visit)
	}
	return len(*places) == want || steps < treeSteps
}

// pickPlaces looks at every candidate and keeps the first ones in order.
func (f *search) pickPlaces(pivot place, from bool, places *[]place, want int) {
	best := firstFew[place]{compare: func(a, b *place) int { return comparePlaces(*a, *b) }, most: want, list: *places}
	x := f.s.index
	for it := f.set.may.Iterator(); it.HasNext(); {
		doc := it.Next()
		if x.version(doc) == 0 { // deleted since the plan was evaluated
			continue
		}
		p := x.placeOf(doc)
		if !from || comparePlaces(p, pivot) > 0 {
			best.add(p)
		}
	}
	*places = best.sorted()
}

// selectBySort reads every candidate and keeps the first ones in order: sort keys other than UpdatedAt are in the documents.
func (f *search) selectBySort(after *query.Position, want int) ([]found, error) {
	best := firstFew[found]{compare: func(a, b *found) int { return query.Compare(f.order, &a.pos, &b.pos) }, most: want}
	err := f.s.readAll(f.ctx, f.r, f.set.may, func(doc uint32) error {
		values := f.r.values.Values(f.r.json)
		k := keyOf(&f.r.parts)
		if !f.scope.Allows(k) || !query.Match(&f.q.Where, values) {
			return nil
		}
		d := found{doc: doc, version: f.r.rec.version, checked: true}
		d.pos = query.Position{Values: query.Keys(f.q.Sort, values, nil), Identity: k.Identity()}
		if after == nil || query.Compare(f.order, &d.pos, after) > 0 {
			best.add(d)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return best.sorted(), nil
}

// readAll reads the documents of a set into r, one after the other, and calls use for each that is still there. At most one such
// scan a core goes on at a time: writers and small questions need the processor too.
func (s *Store) readAll(ctx context.Context, r *reading, set *roaring.Bitmap, use func(doc uint32) error) error {
	if set.IsEmpty() {
		return nil
	}
	select {
	case s.scans <- struct{}{}:
		defer func() { <-s.scans }()
	case <-ctx.Done():
		return ctx.Err()
	}
	n := 0
	for it := set.Iterator(); it.HasNext(); n++ {
		if n%64 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		doc := it.Next()
		ok, err := s.document(r, doc)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if err := use(doc); err != nil {
			return err
		}
	}
	return nil
}

// firstFew keeps the first elements of an order: a heap with the last of them on top.
type firstFew[T any] struct {
	compare func(a, b *T) int
	most    int
	list    []T
}

func (h *firstFew[T]) Len() int           { return len(h.list) }
func (h *firstFew[T]) Less(i, j int) bool { return h.compare(&h.list[i], &h.list[j]) > 0 }
func (h *firstFew[T]) Swap(i, j int)      { h.list[i], h.list[j] = h.list[j], h.list[i] }
func (h *firstFew[T]) Push(x any)         { h.list = append(h.list, x.(T)) }
func (h *firstFew[T]) Pop() any           { panic("embedded: nothing is taken from a heap of the first few") }

func (h *firstFew[T]) add(v T) {
	if len(h.list) < h.most {
		heap.Push(h, v)
	} else if h.compare(&v, &h.list[0]) < 0 {
		h.list[0] = v
		heap.Fix(h, 0)
	}
}

func (h *firstFew[T]) sorted() []T {
	slices.SortFunc(h.list, func(a, b T) int { return h.compare(&a, &b) })
	return h.list
}
