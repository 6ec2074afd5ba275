package embedded

import (
	"bytes"
	"cmp"
	"container/heap"
	"math"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"hubcap/internal/asff"
	"hubcap/internal/query"
)

// key is what the index knows of a sort value.
type key struct {
	missing bool
	long    bool   // text is the head of a longer one
	term    uint32 // of a long one
	num     float64
	text    []byte
}

// compareKeys orders two documents; unsure where that takes more of a long value than its head.
func compareKeys(order []query.SortKey, a, b *found) (c int, sure bool) {
	for i, k := range order {
		x, y := &a.keys[i], &b.keys[i]
		switch {
		case x.missing && y.missing:
			continue
		case x.missing:
			return 1, true
		case y.missing:
			return -1, true
		}
		if c = cmp.Compare(x.num, y.num); c == 0 {
			if c, sure = compareTexts(x, y); !sure {
				return 0, false
			}
		}
		if c != 0 {
			if k.Desc {
				c = -c
			}
			return c, true
		}
	}
	return bytes.Compare(a.ident[:], b.ident[:]), true
}

func compareTexts(x, y *key) (c int, sure bool) {
	switch {
	case !x.long && !y.long:
		return bytes.Compare(x.text, y.text), true
	case x.long && y.long:
		c = bytes.Compare(x.text, y.text)
		return c, c != 0
	case y.long:
		c, sure = compareTexts(y, x)
		return -c, sure
	}
	// Of x there is more behind the head.
	if len(y.text) <= longHead {
		if c = bytes.Compare(x.text, y.text); c == 0 {
			c = 1
		}
		return c, true
	}
	c = bytes.Compare(x.text, y.text[:longHead])
	return c, c != 0
}

// sorting is how the index knows the sort keys of a question.
type sorting struct {
	columns  []int      // by sort key: the column of a date, or -1
	forwards []*forward // by sort key, where it is no column; nil: nothing known, or no document has it
	absent   []bool     // no document has it, but for those on the overflow
	over     [][]uint32 // by sort key: the marks of documents whose values are not indexed
}

// prepare finds what there is for the sort keys. The first one needs no forward while its terms are walked, unless it is a list.
func (f *search) prepare(first bool) error {
	if f.sort == nil {
		n := len(f.order)
		f.sort = &sorting{columns: make([]int, n), forwards: make([]*forward, n), absent: make([]bool, n), over: make([][]uint32, n)}
		p := plan{s: f.s}
		for i, k := range f.order {
			f.sort.columns[i] = columnOf(k.Field)
			f.sort.over[i] = p.overflows(k.Field)
			f.sort.absent[i] = f.sort.columns[i] < 0 && f.s.dict.count(k.Field, "") == 0
		}
	}
	for i, k := range f.order {
		if f.sort.columns[i] >= 0 || f.sort.absent[i] || f.sort.forwards[i] != nil || i == 0 && !first {
			continue
		}
		var err error
		if f.sort.forwards[i], err = f.s.forward(f.ctx, k.Field, ""); err != nil {
			return err
		}
	}
	return nil
}

// keysOf fills in what the index knows of a document; false when it is gone. The caller holds the index's lock and the dictionary's.
// known, unless nil, is the term of the first sort key.
func (f *search) keysOf(d *found, keys []key, known *term) bool {
	x := f.s.index
	if d.version = x.version(d.doc); d.version == 0 {
		return false
	}
	d.ident, d.keys, d.vague = *x.ident(d.doc), keys, false
	for i, k := range f.order {
		k0 := &keys[i]
		*k0 = key{missing: true}
		if over := f.sort.over[i]; len(over) > 0 && x.spilled(d.doc, over) {
			d.vague = true
			continue
		}
		if c := f.sort.columns[i]; c >= 0 {
			if ms := x.time(d.doc, c); ms != noTime {
				*k0 = key{num: float64(ms)}
			}
			continue
		}
		var t term
		switch w := f.sort.forwards[i]; {
		case i == 0 && known != nil:
			t = *known
		case f.sort.absent[i]:
			continue
		case w == nil:
			d.vague = true
			continue
		default:
			id, has, sure := w.first(d.doc)
			if !has {
				continue
			}
			if !sure {
				d.vague = true
				continue
			}
			t = f.s.dict.at(id)
		}
		if numeric(k.Field) {
			v := query.SortValueOf(k.Field, t.text)
			*k0 = key{missing: v.Missing, num: v.Num}
		} else {
			*k0 = key{text: t.sortText(), long: t.long, term: t.id}
			if t.long {
				if text, ok := f.s.texts.get(t.id); ok {
					*k0 = key{text: text}
				}
			}
		}
	}
	return true
}

// resolve reads a document of which the index does not know enough; false when it is gone. What it finds may be another version.
func (f *search) resolve(d *found) (bool, error) {
	ok, err := f.s.document(f.r, d.doc)
	if err != nil || !ok {
		return false, err
	}
	values := f.r.values.Values(f.r.json)
	keys := exactKeys(f.order, values)
	if f.r.rec.version == d.version {
		f.learn(d.doc, values)
		for i := range keys {
			if d.keys[i].long {
				f.s.texts.put(d.keys[i].term, keys[i].text)
			}
		}
	} else {
		d.version, d.unsure = f.r.rec.version, true
	}
	d.keys, d.vague = keys, false
	return true, nil
}

// learn tells the forwards which of several values was the first.
func (f *search) learn(doc uint32, values []asff.Value) {
	x := f.s.index
	for i, w := range f.sort.forwards {
		if w == nil {
			continue
		}
		at := slices.IndexFunc(values, func(v asff.Value) bool { return v.Field == f.order[i].Field })
		if at < 0 {
			continue
		}
		if t, ok := f.s.dict.lookup(w.field, "", values[at].Text); ok {
			x.mu.Lock()
			if x.version(doc) == f.r.rec.version {
				w.learn(doc, t)
			}
			x.mu.Unlock()
		}
	}
}

// choose lists the next candidates in order, at most so many: all there are when it is fewer.
func (f *search) choose(after *found, most int) ([]found, error) {
	if err := f.prepare(false); err != nil {
		return nil, err
	}
	b := &best{f: f, after: after, few: firstFew[found]{most: most}}
	b.few.compare = func(x, y *found) int { return f.compare(x, y) }
	dense := f.isDense(most)
	walked, err := false, error(nil)
	first := f.order[0].Field
	switch {
	case f.set.may.IsEmpty():
		return nil, nil
	case f.sort.columns[0] >= 0:
		if dense {
			walked, err = b.walkDates()
		}
	case dense || f.s.dict.count(first, "") <= f.s.opts.tuning.fewTermed:
		walked, err = b.walkTerms()
	}
	if err == nil && !walked {
		b.few.list = b.few.list[:0]
		err = b.all(f.set.may)
	}
	if err != nil {
		return nil, err
	}
	return b.few.sorted(), nil
}

// isDense tells whether a walk along an order meets enough candidates soon, were they spread evenly.
func (f *search) isDense(most int) bool {
	part := float64(f.set.may.GetCardinality())
	for i := range f.later {
		part *= f.later[i].share
	}
	some := uint64(part)
	return some > 0 && uint64(most)*f.s.index.count()/some < f.s.opts.tuning.treeSteps //nolint:gosec // positive
}

// best keeps the first candidates behind a position.
type best struct {
	f     *search
	after *found
	few   firstFew[found]
	met   int  // candidates behind the position
	lacks bool // only those that lack the first sort key are taken
	batch []found
	keys  []key
	still []uint32 // a buffer
}

// look takes documents, which the index's lock is not held for, to the candidates. only, unless nil, is the term that must be the
// first of the sort attribute.
func (b *best) look(docs []uint32, only *term) error {
	n := len(b.f.order)
	x, d := b.f.s.index, b.f.s.dict
	b.batch = b.batch[:0]
	if len(b.keys) < n*len(docs) {
		b.keys = make([]key, n*max(len(docs), 64))
	}
	known := only
	if only != nil && b.f.sort.forwards[0] != nil {
		known = nil
	}
	x.mu.RLock()
	d.mu.RLock()
	if known != nil {
		docs = b.stillAt(known, docs)
	}
	for i, doc := range docs {
		if only != nil && known == nil {
			if t, has, sure := b.f.sort.forwards[0].first(doc); !has || sure && t != only.id {
				continue // it stands with its first value
			}
		}
		c := found{doc: doc}
		if b.f.passes(&c) && b.f.keysOf(&c, b.keys[i*n:i*n+n:i*n+n], known) {
			b.batch = append(b.batch, c)
		}
	}
	d.mu.RUnlock()
	x.mu.RUnlock()
	for i := range b.batch {
		c := &b.batch[i]
		if c.vague {
			ok, err := b.f.resolve(c)
			if err != nil {
				return err
			}
			if !ok || only != nil && !b.f.firstIs(c, only) {
				continue
			}
		}
		if err := b.add(c); err != nil {
			return err
		}
	}
	return b.f.ctx.Err()
}

// stillAt is those of ascending documents that a term has: one that another value came to since stands elsewhere. The caller holds the
// index's lock.
func (b *best) stillAt(t *term, docs []uint32) []uint32 {
	p := b.f.s.index.posting(t.id)
	if p.bits != nil {
		b.still = b.still[:0]
		for _, doc := range docs {
			if p.bits.Contains(doc) {
				b.still = append(b.still, doc)
			}
		}
		return b.still
	}
	b.still = p.appendTo(b.still[:0])
	n := 0
	for _, doc := range b.still {
		for len(docs) > 0 && docs[0] < doc {
			docs = docs[1:]
		}
		if len(docs) > 0 && docs[0] == doc {
			b.still[n] = doc
			n++
		}
	}
	return b.still[:n]
}

// passes tells whether a document satisfies what was left for later, or may. One that changed since the plan was made is judged
// anyway.
func (f *search) passes(c *found) bool {
	for i := range f.later {
		may, sure := f.later[i].passes(f.plan, c.doc)
		if !may {
			return false
		}
		c.unsure = c.unsure || !sure
	}
	return true
}

// firstIs tells whether a document's first value is that of a term.
func (f *search) firstIs(c *found, t *term) bool {
	k := &c.keys[0]
	if k.missing {
		return false
	}
	if numeric(f.order[0].Field) {
		return k.num == query.SortValueOf(f.order[0].Field, t.text).Num
	}
	var buf [maxText]byte
	text, long := fold(k.text, &buf)
	return t.is(t.attr, long, text)
}

// add takes a candidate, if it belongs there. All that are kept know their keys whole.
func (b *best) add(c *found) error {
	if b.lacks && !c.keys[0].missing {
		return nil
	}
	behind, sure := 1, true
	if b.after != nil {
		behind, sure = compareKeys(b.f.order, c, b.after)
	}
	if sure && behind <= 0 {
		return nil
	}
	full := len(b.few.list) == b.few.most
	if sure && full {
		if over, known := compareKeys(b.f.order, c, &b.few.list[0]); known && over >= 0 {
			b.met++
			return nil
		}
	}
	if slices.ContainsFunc(c.keys, func(k key) bool { return k.long }) {
		was, version := slices.Clone(c.keys), c.version
		ok, err := b.f.resolve(c)
		if err != nil || !ok || c.version != version && !sameHeads(was, c.keys) {
			return err // it is met again where it went
		}
		return b.add(c)
	}
	b.met++
	c.keys = slices.Clone(c.keys)
	b.few.add(*c)
	return nil
}

// sameHeads tells whether keys are those that were known before, as far as they were.
func sameHeads(was, is []key) bool {
	for i := range was {
		x, y := &was[i], &is[i]
		if x.missing != y.missing || x.num != y.num || x.long && !bytes.Equal(x.text, headOf(y.text)) || !x.long && !bytes.Equal(x.text, y.text) {
			return false
		}
	}
	return true
}

// all looks at every document of a set.
func (b *best) all(set *roaring.Bitmap) error {
	if err := b.f.prepare(true); err != nil {
		return err
	}
	buf := make([]uint32, 1024)
	for it := set.ManyIterator(); ; {
		n := it.NextMany(buf)
		if err := b.look(buf[:n], nil); err != nil {
			return err
		}
		if n < len(buf) {
			return nil
		}
	}
}

// walkTerms goes from value to value of the first sort key; false when it would take too long.
func (b *best) walkTerms() (bool, error) {
	f, d := b.f, b.f.s.dict
	field, desc := f.order[0].Field, f.order[0].Desc
	if field.List() {
		if err := f.prepare(true); err != nil {
			return false, err
		}
		if f.sort.forwards[0] == nil && !f.sort.absent[0] {
			return false, nil // no memory for it
		}
	}
	if over := f.sort.over[0]; len(over) > 0 {
		spilled := f.s.index.gather(slices.Clone(over))
		spilled.And(f.set.may)
		if err := b.all(spilled); err != nil {
			return false, err
		}
		b.met = 0 // they stand anywhere
	}
	if b.after == nil || !b.after.keys[0].missing {
		r := f.s.ranking(field, "")
		r.catchUp(d)
		from := b.start(desc)
		var ids []uint32
		for steps := 0; ; steps += len(ids) {
			if ids = r.after(d, &from, desc, ids[:0]); len(ids) == 0 {
				break
			}
			if steps > 4*int(f.s.opts.tuning.treeSteps) { //nolint:gosec // small
				return false, nil
			}
			if err := b.walkSome(r, ids); err != nil || b.met >= b.few.most {
				return err == nil, err
			}
		}
	}
	return true, b.missing()
}

// start is where a walk over the values begins.
func (b *best) start(desc bool) pivot {
	p := pivot{num: math.Inf(-1)}
	if desc {
		p = pivot{text: endOfTexts, num: math.Inf(1), behind: true}
	}
	if b.after == nil {
		return p
	}
	k := &b.after.keys[0]
	p = pivot{text: headOf(k.text), num: k.num, behind: desc}
	if desc && len(k.text) >= longHead {
		p.text = append(bytes.Clone(p.text), endOfTexts...)
	}
	return p
}

// walkSome looks at the documents of terms, value by value, until there are enough.
func (b *best) walkSome(r *ranking, ids []uint32) error {
	f, x, d := b.f, b.f.s.index, b.f.s.dict
	var docs []uint32
	var last term
	for i, id := range ids {
		d.mu.RLock()
		t := d.at(id)
		d.mu.RUnlock()
		if i > 0 && b.met >= b.few.most && !r.together(&last, &t) {
			return nil
		}
		last = t
		docs = docs[:0]
		var some *roaring.Bitmap
		x.mu.RLock()
		if p := x.posting(id); p.bits != nil {
			some = roaring.And(p.bits, f.set.may)
		} else {
			p.each(func(doc uint32) {
				if f.set.may.Contains(doc) {
					docs = append(docs, doc)
				}
			})
		}
		x.mu.RUnlock()
		if some == nil {
			if len(docs) > 0 {
				if err := b.look(docs, &t); err != nil {
					return err
				}
			}
			continue
		}
		docs = slices.Grow(docs, 1024)[:1024]
		for it := some.ManyIterator(); ; {
			n := it.NextMany(docs)
			if err := b.look(docs[:n], &t); err != nil {
				return err
			}
			if n < len(docs) {
				break
			}
		}
	}
	return nil
}

// missing looks at the documents that lack the first sort key.
func (b *best) missing() error {
	f, x := b.f, b.f.s.index
	b.lacks = true
	defer func() { b.lacks = false }()
	if f.sort.absent[0] {
		return b.all(f.set.may)
	}
	if err := f.prepare(true); err != nil {
		return err
	}
	w := f.sort.forwards[0]
	if w == nil {
		return b.all(f.set.may)
	}
	buf, lack := make([]uint32, 4096), make([]uint32, 0, 4096)
	for it := f.set.may.ManyIterator(); ; {
		n := it.NextMany(buf)
		lack = lack[:0]
		x.mu.RLock()
		for _, doc := range buf[:n] {
			if w.get(doc) == 0 || f.order[0].Field.List() || numeric(f.order[0].Field) {
				lack = append(lack, doc)
			}
		}
		x.mu.RUnlock()
		if len(lack) > 0 {
			if err := b.look(lack, nil); err != nil {
				return err
			}
		}
		if n < len(buf) {
			return nil
		}
	}
}

// walkDates goes along the order of a date; false when it would take too long.
func (b *best) walkDates() (bool, error) {
	f, x := b.f, b.f.s.index
	o, err := f.s.dateOrder(f.ctx, f.sort.columns[0])
	if err != nil {
		return false, err
	}
	if err := f.prepare(true); err != nil {
		return false, err
	}
	if over := f.sort.over[0]; len(over) > 0 {
		spilled := x.gather(slices.Clone(over))
		spilled.And(f.set.may)
		if err := b.all(spilled); err != nil {
			return false, err
		}
		b.met = 0 // they stand anywhere
	}
	desc := f.order[0].Desc
	// The documents without a date stand at the end of the order, and come last in either direction.
	lacking := dateWalk{x: x, order: o, from: place{at: placeAt(noTime)}}
	w := dateWalk{x: x, order: o, back: !desc, from: place{at: math.MinInt64}}
	if !desc {
		w.from = lacking.from
	}
	if b.after != nil {
		k := &b.after.keys[0]
		switch {
		case k.missing:
			w = lacking
		case desc:
			w.from.at = placeAt(int64(k.num))
		default:
			w.from.at = placeAt(int64(k.num)) + 1
		}
		if (desc || k.missing) && len(f.order) == 1 {
			w.from.ident = b.after.ident
		}
	}
	onLacking := b.after != nil && b.after.keys[0].missing
	last := int64(noTime)
	for steps := 0; ; {
		enough := b.met >= b.few.most
		docs := w.next(min(max(b.few.most-b.met, 16), walkedAtOnce), f.set.may)
		// Enough, once those of the same instant were looked at too.
		for i, at := range w.times {
			if at != last {
				if last = at; enough {
					docs = docs[:i]
					break
				}
			}
		}
		if err := b.look(docs, nil); err != nil {
			return false, err
		}
		if enough && len(docs) < len(w.times) {
			return true, nil
		}
		steps += w.steps
		switch {
		case w.ended && (onLacking || desc):
			return true, nil // going down, those without a date were met at the end
		case w.ended && b.met >= b.few.most:
			return true, nil
		case w.ended:
			w, onLacking = lacking, true
		case steps > 4*int(f.s.opts.tuning.treeSteps): //nolint:gosec // small
			return false, nil
		}
	}
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
