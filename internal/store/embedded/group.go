package embedded

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"hubcap/internal/asff"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

// bucket counts one value.
type bucket struct {
	n     int64
	value []byte // of a long one, until resolve: its head and hash
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
	err     error
}

// Group implements store.Store. Values are counted by their postings; what the index does not hold is read.
func (s *Store) Group(ctx context.Context, scope store.Scope, q *query.Group) ([]query.Count, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	r := s.startReading()
	defer s.endReading(r)
	g := &grouping{s: s, r: r, q: q, of: map[uint32]int{}, extra: map[string]int{}}
	p, err := s.plan(ctx, scope, &q.Where)
	if err != nil {
		return nil, err
	}
	s.index.mu.RLock()
	set := p.evaluate()
	s.index.mu.RUnlock()
	match, err := s.settleSet(ctx, r, scope, &q.Where, set)
	if err != nil {
		return nil, err
	}
	s.index.mu.RLock()
	unindexed := g.unindexed(p, match)
	match.AndNot(unindexed)
	g.countTerms(match)
	s.index.mu.RUnlock()
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

// unindexed is the documents of a set whose values of the attribute must be read. The caller holds the index's lock.
func (g *grouping) unindexed(p *plan, set *roaring.Bitmap) *roaring.Bitmap {
	if g.q.By.Kind() == asff.KindDate {
		return set.Clone()
	}
	return roaring.And(set, g.s.index.anyOf(p.overflows([]asff.Field{g.q.By})))
}

// countTerms counts the values that are indexed. The caller holds the index's lock.
func (g *grouping) countTerms(set *roaring.Bitmap) {
	if g.q.By.Kind() == asff.KindDate || set.IsEmpty() {
		return
	}
	everything := set.GetCardinality() == g.s.index.live.GetCardinality()
	for at, more := 0, true; more; {
		at, more = g.s.dict.walk(g.q.By, g.q.Key, at, func(t *term) {
			p := g.s.index.posting(t.id)
			var n int
			if everything {
				n = p.count()
			} else {
				n = p.within(set)
			}
			if n > 0 {
				g.of[t.id] = len(g.buckets)
				g.buckets = append(g.buckets, bucket{n: int64(n), value: t.text, term: t.id, long: t.long})
			}
		})
	}
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
		if g.q.By.Kind() != asff.KindDate {
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
		var buf [maxText]byte
		for _, v := range g.r.values.Values(g.r.json) {
			if v.Field != g.q.By || string(v.Key) != g.q.Key {
				continue
			}
			if text, long := fold(v.Text, &buf); long && bytes.Equal(text, b.value) {
				b.value, b.long = bytes.Clone(v.Text), false
				return
			}
		}
	}
}
