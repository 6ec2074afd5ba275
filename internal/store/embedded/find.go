package embedded

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"hubcap/internal/asff"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

// found is a document on its way into a page.
type found struct {
	doc     uint32
	version uint64 // when the index was asked
	ident   store.Identity
	keys    []key  // by sort key
	vague   bool   // a key is not known: the document has to be read
	unsure  bool   // a condition that was left for later may not hold
	body    []byte // the record
}

// search is one Find under way.
type search struct {
	s     *Store
	ctx   context.Context //nolint:containedctx // lives as long as the call
	scope store.Scope
	q     *query.Find
	order []query.SortKey
	set   bounds
	r     *reading
	sort  *sorting
	plan  *plan
	later []filter
}

// Find implements store.Store.
func (s *Store) Find(ctx context.Context, scope store.Scope, q *query.Find, yield func(*store.Doc) error) (*query.Position, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	defer s.asking.leave(s.asking.enter())
	ctx, cancel := s.limited(ctx)
	defer cancel()
	f := &search{s: s, ctx: ctx, scope: scope, q: q, order: query.Order(q.Sort)}
	switch {
	case q.Limit < 1:
		return nil, fmt.Errorf("store: a page of %d findings", q.Limit)
	case q.After != nil && len(q.After.Values) != len(f.order):
		return nil, fmt.Errorf("store: a position of %d values for %d sort keys", len(q.After.Values), len(f.order))
	}
	f.r = s.startReading()
	defer s.endReading(f.r)
	page, err := f.page()
	if err != nil {
		return nil, tooSlow(ctx, err)
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
			return nil, tooSlow(f.ctx, err)
		}
		if err := f.r.unpack(page[i].body); err != nil {
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
	return f.position(&page[len(page)-1]), nil
}

// position is the place of a document whose keys are known.
func (f *search) position(d *found) *query.Position {
	p := &query.Position{Identity: d.ident, Values: make([]query.SortValue, len(d.keys))}
	for i := range d.keys {
		k := &d.keys[i]
		p.Values[i] = query.SortValue{Missing: k.missing, Num: k.num, Text: string(k.text)}
	}
	return p
}

// mostAtOnce is how many candidates are taken from the index at once where many do not match.
const mostAtOnce = 4096

// page collects the findings of a page and one more, in order.
func (f *search) page() (page []found, err error) {
	f.r.rewind()
	f.plan = &plan{s: f.s, ctx: f.ctx, later: &f.later}
	if f.set, err = f.s.evaluate(f.plan, f.scope, &f.q.Where); err != nil {
		return nil, err
	}
	var after *found
	if p := f.q.After; p != nil {
		after = &found{ident: p.Identity, doc: ^uint32(0)}
		for _, v := range p.Values {
			after.keys = append(after.keys, key{missing: v.Missing, num: v.Num, text: []byte(v.Text)})
		}
	}
	want := f.q.Limit + 1
	page = f.r.page[:0]
	seen := make(map[uint32]struct{}, want)
	inOrder := true
	for asked := want; ; {
		some, err := f.choose(after, asked)
		if err != nil {
			return nil, err
		}
		if err := f.fetch(some); err != nil {
			return nil, err
		}
		last := len(some) < asked
		var frontier *found
		if !last {
			edge := some[len(some)-1] // as it was chosen: the document may be judged anew
			frontier = &edge
		}
		for i := range some {
			if i%fewFetched == 0 && f.ctx.Err() != nil {
				return nil, f.ctx.Err()
			}
			d := &some[i]
			if _, there := seen[d.doc]; there {
				continue // it moved while it was looked for
			}
			version := d.version
			ok, err := f.check(d, frontier)
			if err != nil {
				return nil, err
			}
			if ok {
				inOrder = inOrder && d.version == version
				page = append(page, *d)
				seen[d.doc] = struct{}{}
			}
		}
		if last || len(page) >= want {
			break
		}
		// Too few of them matched: look at more at once.
		after, asked = frontier, min(2*asked, max(want, mostAtOnce))
	}
	if !inOrder {
		slices.SortFunc(page, func(a, b found) int { return f.compare(&a, &b) })
	}
	f.r.page = page
	return page, nil
}

// compare orders documents whose keys are known.
func (f *search) compare(a, b *found) int {
	c, _ := compareKeys(f.order, a, b)
	return c
}

// check reads a document that the index named, and tells whether it belongs to the page. A document that changed in between is
// judged anew; where it now stands beyond the frontier it is met again later.
func (f *search) check(d, frontier *found) (bool, error) {
	if d.body == nil {
		return false, nil // it is gone
	}
	if err := f.r.rec.decode(d.body); err != nil {
		return false, fmt.Errorf("store: document %d: %w", d.doc, err)
	}
	if f.r.rec.version == d.version && !d.unsure && (f.set.exact() || f.set.must.Contains(d.doc)) {
		return true, nil
	}
	return f.judge(d, frontier)
}

// fewFetched is how many documents one goroutine reads before another helps.
const fewFetched = 16

// fetch reads the records of candidates. Most of that is waiting for memory, or for the disk: several goroutines share it.
func (f *search) fetch(some []found) error {
	lanes := f.r.lanes[:max(1, min(len(f.r.lanes), len(some)/fewFetched))]
	share := (len(some) + len(lanes) - 1) / len(lanes)
	errs := make([]error, len(lanes))
	var wg sync.WaitGroup
	for i := range lanes[1:] {
		wg.Go(func() {
			errs[i+1] = f.fetchSome(some[min((i+1)*share, len(some)):min((i+2)*share, len(some))], &lanes[i+1])
		})
	}
	errs[0] = f.fetchSome(some[:min(share, len(some))], &lanes[0])
	wg.Wait()
	return errors.Join(errs...)
}

func (f *search) fetchSome(some []found, lane *[]byte) error {
	buf := *lane
	for i := range some {
		if i%fewFetched == 0 && f.ctx.Err() != nil {
			return f.ctx.Err()
		}
		d := &some[i]
		if _, err := f.s.fetch(d.doc, func(v []byte) error {
			from := len(buf)
			buf = append(buf, v...) // what was read before keeps its memory
			d.body = buf[from:len(buf):len(buf)]
			return nil
		}); err != nil {
			return err
		}
	}
	*lane = buf
	return nil
}

func (f *search) judge(d, frontier *found) (bool, error) {
	if err := f.r.unpack(d.body); err != nil {
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
	d.version, d.keys = f.r.rec.version, exactKeys(f.order, values)
	if f.q.After != nil && query.Compare(f.order, f.position(d), f.q.After) <= 0 {
		return false, nil
	}
	return frontier == nil || f.compare(d, frontier) <= 0, nil
}

// exactKeys are the keys of a document that was read. They outlive it.
func exactKeys(order []query.SortKey, values []asff.Value) []key {
	keys := make([]key, len(order))
	for i, v := range query.Keys(order, values, nil) {
		keys[i] = key{missing: v.Missing, num: v.Num, text: []byte(v.Text)}
	}
	return keys
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
