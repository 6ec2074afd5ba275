package embedded

import (
	"bytes"
	"cmp"
	"context"
	"math/bits"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"hubcap/internal/query"
	"hubcap/internal/store"
)

// bucket counts one value.
type bucket struct {
	n     int64
	value []byte // of a long one, until resolve: its head
	term  uint32
	long  bool
}

// grouping is one Group under way.
type grouping struct {
	s       *Store
	r       *reading
	q       *query.Group
	buckets []bucket
	of      map[uint32]int // bucket of a term
	extra   map[string]int // bucket of a value without a term
	exact   bool           // every value is indexed
	err     error
}

// Group implements store.Store. Few values are counted by their postings, many by what each document has; what the index does not
// hold is read.
func (s *Store) Group(ctx context.Context, scope store.Scope, q *query.Group) ([]query.Count, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	defer s.asking.leave(s.asking.enter())
	ctx, cancel := s.limited(ctx)
	defer cancel()
	list, err := s.group(ctx, scope, q)
	return list, tooSlow(ctx, err)
}

func (s *Store) group(ctx context.Context, scope store.Scope, q *query.Group) ([]query.Count, error) {
	r := s.startReading()
	defer s.endReading(r)
	g := &grouping{s: s, r: r, q: q, of: map[uint32]int{}, extra: map[string]int{}}
	set, err := s.ask(ctx, scope, &q.Where, nil)
	if err != nil {
		return nil, err
	}
	match, err := s.settleSet(ctx, r, scope, &q.Where, set)
	if err != nil {
		return nil, err
	}
	unindexed := g.unindexed(match)
	match.AndNot(unindexed)
	g.exact = unindexed.IsEmpty()
	if err := g.countTerms(ctx, match); err != nil {
		return nil, err
	}
	err = s.readAll(ctx, r, unindexed, func(uint32) error {
		g.countDocument()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return g.answer(ctx)
}

// settleSet reads the documents that may match and keeps those that do.
func (s *Store) settleSet(ctx context.Context, r *reading, scope store.Scope, where *query.Expr, set bounds) (*roaring.Bitmap, error) {
	if set.exact() {
		return set.may, nil
	}
	match := set.must
	err := s.readAll(ctx, r, roaring.AndNot(set.may, set.must), func(doc uint32) error {
		if scope.Allows(keyOf(&r.parts)) && query.Match(where, r.values.Values(r.json)) {
			match.Add(doc)
		}
		return nil
	})
	return match, err
}

// unindexed is the documents of a set whose values of the attribute must be read.
func (g *grouping) unindexed(set *roaring.Bitmap) *roaring.Bitmap {
	if columnOf(g.q.By) >= 0 {
		return set.Clone()
	}
	p := plan{s: g.s}
	out := g.s.index.gather(p.overflows(g.q.By))
	out.And(set)
	return out
}

// countTerms counts the values that are indexed.
func (g *grouping) countTerms(ctx context.Context, set *roaring.Bitmap) error {
	if columnOf(g.q.By) >= 0 || set.IsEmpty() {
		return nil
	}
	if g.s.dict.count(g.q.By, g.q.Key) >= g.s.opts.tuning.manyTerms {
		w, err := g.s.forward(ctx, g.q.By, g.q.Key)
		if err != nil {
			return err
		}
		if w != nil {
			return g.countForward(ctx, w, set)
		}
	}
	x, everything := g.s.index, set.GetCardinality() == g.s.index.count()
	var terms []term
	for at, more := 0, true; more; {
		terms = terms[:0]
		at, more = g.s.dict.walk(g.q.By, g.q.Key, at, func(t *term) { terms = append(terms, *t) })
		for part := range slices.Chunk(terms, gatherStep) {
			if err := ctx.Err(); err != nil {
				return err
			}
			x.mu.RLock()
			for i := range part {
				p := x.posting(part[i].id)
				if everything {
					g.note(&part[i], p.count())
				} else {
					g.note(&part[i], p.within(set))
				}
			}
			x.mu.RUnlock()
		}
	}
	return nil
}

func (g *grouping) note(t *term, n int) {
	if n > 0 {
		g.of[t.id] = len(g.buckets)
		g.buckets = append(g.buckets, bucket{n: int64(n), value: t.text, term: t.id, long: t.long})
	}
}

// countForward goes over the documents.
func (g *grouping) countForward(ctx context.Context, w *forward, set *roaring.Bitmap) error {
	x, d := g.s.index, g.s.dict
	counts := newTermCounts(int(min(set.GetCardinality(), uint64(g.s.dict.count(g.q.By, g.q.Key))))) //nolint:gosec // at most 2^32
	buf := make([]uint32, 4096)
	for it := set.ManyIterator(); ; {
		n := it.NextMany(buf)
		x.mu.RLock()
		for _, doc := range buf[:n] {
			cell := w.get(doc)
			switch {
			case cell == 0:
			case cell&severalTerms == 0:
				counts.add(cell - 1)
			default:
				few := &w.several[cell&^severalTerms]
				counts.add(few.two[0])
				counts.add(few.two[1])
				for _, t := range few.more {
					counts.add(t)
				}
			}
		}
		x.mu.RUnlock()
		if err := ctx.Err(); err != nil {
			return err
		}
		if n < len(buf) {
			break
		}
	}
	least := uint32(1)
	if g.exact { // no other count is added: what cannot be among the most frequent is left out
		least = counts.least(g.q.Limit)
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	for _, slot := range counts.slots {
		if slot.n >= least {
			t := d.at(slot.term)
			g.note(&t, int(slot.n))
		}
	}
	return nil
}

// countDocument counts the values of the document that was read.
func (g *grouping) countDocument() {
	var seen []string
	values := g.r.values.Values(g.r.json)
	for i := range values {
		v := &values[i]
		if v.Field != g.q.By || string(v.Key) != g.q.Key || slices.Contains(seen, string(v.Text)) {
			continue
		}
		text := string(v.Text)
		seen = append(seen, text)
		if columnOf(g.q.By) < 0 {
			if id, ok := g.s.dict.lookup(v.Field, g.q.Key, v.Text); ok {
				at, counted := g.of[id]
				if !counted {
					at = len(g.buckets)
					g.of[id] = at
					g.buckets = append(g.buckets, bucket{value: []byte(text), term: id})
				}
				g.buckets[at].n++
				continue
			}
		}
		at, counted := g.extra[text]
		if !counted {
			at = len(g.buckets)
			g.extra[text] = at
			g.buckets = append(g.buckets, bucket{value: []byte(text)})
		}
		g.buckets[at].n++
	}
}

// answer is the most frequent values, ties by value. Long values are known by their heads until two of them must be told apart,
// or one is to be shown.
func (g *grouping) answer(ctx context.Context) ([]query.Count, error) {
	most := g.q.Limit
	if most <= 0 {
		most = len(g.buckets)
	}
	best := firstFew[*bucket]{compare: func(a, b **bucket) int { return g.compare(ctx, *a, *b) }, most: most}
	for i := range g.buckets {
		if most > 0 {
			best.add(&g.buckets[i])
		}
	}
	list := best.sorted()
	out := make([]query.Count, 0, len(list))
	for _, b := range list {
		g.resolve(ctx, b)
		if b.n > 0 {
			out = append(out, query.Count{Value: string(b.value), N: b.n})
		}
	}
	return out, g.err
}

func (g *grouping) compare(ctx context.Context, a, b *bucket) int {
	if c := cmp.Compare(b.n, a.n); c != 0 || a == b {
		return c
	}
	if (a.long || b.long) && len(a.value) >= longHead && len(b.value) >= longHead && bytes.Equal(a.value[:longHead], b.value[:longHead]) {
		g.resolve(ctx, a)
		g.resolve(ctx, b)
	}
	return bytes.Compare(a.value, b.value)
}

// resolve finds the text of a long value in a document that has it.
func (g *grouping) resolve(ctx context.Context, b *bucket) {
	for tries := 0; b.long && g.err == nil; tries++ {
		if g.err = ctx.Err(); g.err != nil {
			return
		}
		g.s.index.mu.RLock()
		doc, there := g.s.index.posting(b.term).first()
		g.s.index.mu.RUnlock()
		if !there || tries == maxLooks { // the last document with it was deleted while we counted
			b.n, b.long = 0, false
			return
		}
		var ok bool
		if ok, g.err = g.s.document(g.r, doc); !ok {
			continue
		}
		for _, v := range g.r.values.Values(g.r.json) {
			if v.Field != g.q.By || string(v.Key) != g.q.Key {
				continue
			}
			if id, ok := g.s.dict.lookup(v.Field, g.q.Key, v.Text); ok && id == b.term {
				b.value, b.long = bytes.Clone(v.Text), false
				return
			}
		}
	}
}

// termCounts counts terms.
type termCounts struct {
	slots []termCount // n is 0 where there is none
	used  int
	shift int // of a hash to a place
}

type termCount struct{ term, n uint32 }

// newTermCounts makes room for so many terms.
func newTermCounts(terms int) *termCounts {
	c := &termCounts{}
	c.resize(1 << bits.Len(uint(max(1024, terms+terms/3))))
	return c
}

func (c *termCounts) resize(size int) {
	c.slots, c.shift = make([]termCount, size), 32-bits.Len(uint(size-1))
}

func (c *termCounts) add(term uint32) {
	if 4*c.used >= 3*len(c.slots) {
		old := c.slots
		c.resize(2 * len(old))
		for _, slot := range old {
			if slot.n > 0 {
				*c.slot(slot.term) = slot
			}
		}
	}
	slot := c.slot(term)
	if slot.n == 0 {
		slot.term = term
		c.used++
	}
	slot.n++
}

// slot is where a term is, or belongs.
func (c *termCounts) slot(term uint32) *termCount {
	mask := uint32(len(c.slots) - 1) //nolint:gosec // a power of two
	for i := term * 0x9e3779b1 >> c.shift; ; i = (i + 1) & mask {
		if s := &c.slots[i]; s.n == 0 || s.term == term {
			return s
		}
	}
}

// least is a count that the most frequent terms, so many of them, reach.
func (c *termCounts) least(most int) uint32 {
	if most <= 0 {
		return 1
	}
	var of [4096]int
	for _, slot := range c.slots {
		of[min(slot.n, uint32(len(of)-1))]++
	}
	n := len(of) - 1
	for sum := of[n]; n > 1 && sum < most; sum += of[n] {
		n--
	}
	return uint32(n)
}
