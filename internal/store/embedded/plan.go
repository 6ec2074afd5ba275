package embedded

import (
	"context"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"hubcap/internal/asff"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

// A plan answers a condition from the index: with the documents that satisfy it for sure, and those that may. It is made in two
// steps. The first looks through the dictionary, without the index's lock, for the values that a comparison holds for. The
// second, under the lock, catches up with values that came since and combines postings; so it sees one state of all documents.
type plan struct {
	s    *Store
	root node
}

// node is one node of an Expr, prepared.
type node struct {
	op   query.Op
	args []node
	leaf *leaf
}

// leaf is one comparison, or one list of terms.
type leaf struct {
	is     query.Expr // the comparison, to ask query.Match about one value
	value  [1]asff.Value
	walks  []walk
	equals bool // one term, looked up under the lock
	column int  // of a date; -1: none
	whole  bool // of a column: the comparison is a Range, the column decides
	terms  []uint32
	maybe  []uint32
	loose  []asff.Field // fields whose overflow may match
}

// walk is how far the terms of an attribute were looked at.
type walk struct {
	field asff.Field
	key   string
	at    int

	keyBytes []byte
}

// bounds is the answer to a node: every document of must satisfies it, no document outside of may does. The bitmaps may belong to
// the index and are never changed.
type bounds struct{ may, must *roaring.Bitmap }

func exactly(b *roaring.Bitmap) bounds { return bounds{b, b} }

func (b bounds) exact() bool { return b.may == b.must }

func (s *Store) plan(ctx context.Context, scope store.Scope, where *query.Expr) (*plan, error) {
	p := &plan{s: s, root: node{op: query.And}}
	for _, part := range [...]struct {
		field  asff.Field
		values []string
	}{{fieldAccount, scope.Accounts}, {fieldRegion, scope.Regions}} {
		if len(part.values) > 0 {
			p.root.args = append(p.root.args, node{op: query.Is, leaf: &leaf{column: -1, terms: s.termsOf(part.field, part.values)}})
		}
	}
	n, err := p.prepare(ctx, where)
	p.root.args = append(p.root.args, n)
	return p, err
}

func (p *plan) prepare(ctx context.Context, e *query.Expr) (node, error) {
	n := node{op: e.Op}
	for i := range e.Args {
		arg, err := p.prepare(ctx, &e.Args[i])
		if err != nil {
			return n, err
		}
		n.args = append(n.args, arg)
	}
	if e.Op == query.Is {
		n.leaf = newLeaf(&e.Cond)
		for n.leaf.look(p.s.dict) {
			if err := ctx.Err(); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

func newLeaf(c *query.Cond) *leaf {
	l := &leaf{is: query.Expr{Op: query.Is, Cond: *c}, column: columnOf(c.Field), loose: []asff.Field{c.Field}}
	switch {
	case c.Cmp == query.Keyword:
		l.column, l.loose = -1, nil
		for _, f := range asff.Fields() {
			if f.Kind() == asff.KindString {
				l.walks = append(l.walks, walk{field: f})
				l.loose = append(l.loose, f)
			}
		}
	case l.column >= 0:
		l.whole = c.Cmp == query.Range
	case c.Cmp == query.Equals && c.Field.Kind() != asff.KindDate:
		l.equals = true
	default:
		l.walks = []walk{{field: c.Field, key: c.Key, keyBytes: []byte(c.Key)}}
	}
	return l
}

// look goes on with the walks by one step; false when they are at their ends.
func (l *leaf) look(d *dictionary) bool {
	for i := range l.walks {
		w := &l.walks[i]
		to, more := d.walk(w.field, w.key, w.at, func(t *term) { l.judge(w, t) })
		w.at = to
		if more {
			return true
		}
	}
	return false
}

// judge puts a term where the comparison holds for its value, or may.
func (l *leaf) judge(w *walk, t *term) {
	c := &l.is.Cond
	if w.field.Kind() == asff.KindDate { // the term says only that there is a date
		if c.Cmp == query.Exists {
			l.terms = append(l.terms, t.id)
		} else {
			l.maybe = append(l.maybe, t.id)
		}
		return
	}
	if t.long {
		l.judgeLong(t)
		return
	}
	l.value[0] = asff.Value{Field: w.field, Key: w.keyBytes, Text: t.text}
	if query.Match(&l.is, l.value[:]) {
		l.terms = append(l.terms, t.id)
	}
}

// judgeLong decides by the head of a long value where that is possible.
func (l *leaf) judgeLong(t *term) {
	c, head := &l.is.Cond, t.text[:longHead]
	sure, may := false, true
	switch c.Cmp {
	case query.Exists:
		sure = true
	case query.Prefix:
		n := min(len(c.Text), longHead)
		may = string(head[:n]) == c.Text[:n]
		sure = may && n == len(c.Text)
	case query.Contains:
		l.value[0] = asff.Value{Field: c.Field, Key: []byte(c.Key), Text: head}
		sure = query.Match(&l.is, l.value[:])
	default:
	}
	switch {
	case sure:
		l.terms = append(l.terms, t.id)
	case may:
		l.maybe = append(l.maybe, t.id)
	}
}

// evaluate answers the plan. The caller holds the index's lock. The bitmaps are the caller's own.
func (p *plan) evaluate() bounds {
	b := p.eval(&p.root)
	if b.exact() {
		return exactly(b.may.Clone())
	}
	return bounds{b.may.Clone(), b.must.Clone()}
}

func (p *plan) eval(n *node) bounds {
	x := p.s.index
	switch n.op {
	case query.None:
		return exactly(roaring.New())
	case query.And:
		return p.and(n.args)
	case query.Or:
		return p.or(n.args)
	case query.Not:
		b := p.eval(&n.args[0])
		if b.exact() {
			return exactly(roaring.AndNot(x.live, b.must))
		}
		return bounds{roaring.AndNot(x.live, b.must), roaring.AndNot(x.live, b.may)}
	case query.Is:
		return p.leaf(n.leaf, x.live)
	default:
		return exactly(x.live)
	}
}

func (p *plan) or(args []node) bounds {
	may, must, exact := make([]*roaring.Bitmap, 0, len(args)), make([]*roaring.Bitmap, 0, len(args)), true
	for i := range args {
		b := p.eval(&args[i])
		may, must, exact = append(may, b.may), append(must, b.must), exact && b.exact()
	}
	all := roaring.FastOr(may...)
	if exact {
		return exactly(all)
	}
	return bounds{all, roaring.FastOr(must...)}
}

// and intersects the smallest sets first, then takes away what is negated, then looks at columns, document by document.
func (p *plan) and(args []node) bounds {
	var sets, without []bounds
	var scans []*leaf
	for i := range args {
		switch a := &args[i]; {
		case a.op == query.Not:
			without = append(without, p.eval(&a.args[0]))
		case a.op == query.Is && a.leaf.column >= 0:
			scans = append(scans, a.leaf)
		case a.op == query.All:
		default:
			sets = append(sets, p.eval(a))
		}
	}
	all := p.s.index.live
	b := exactly(all)
	slices.SortFunc(sets, func(a, b bounds) int {
		return int(a.may.GetCardinality()) - int(b.may.GetCardinality()) //nolint:gosec // at most 2^32
	})
	for i, set := range sets {
		if i == 0 {
			b = set
			continue
		}
		b = b.combine(set.may, set.must, roaring.And)
	}
	for _, w := range without {
		b = b.combine(w.must, w.may, roaring.AndNot)
	}
	for _, l := range scans {
		in := p.leaf(l, b.may)
		b = b.combine(in.may, in.must, roaring.And)
	}
	return b
}

// combine applies op to both bounds, once where they are the same.
func (b bounds) combine(may, must *roaring.Bitmap, op func(a, b *roaring.Bitmap) *roaring.Bitmap) bounds {
	out := op(b.may, may)
	if b.exact() && may == must {
		return exactly(out)
	}
	return bounds{out, op(b.must, must)}
}

// leaf answers one comparison, for the documents of within at least.
func (p *plan) leaf(l *leaf, within *roaring.Bitmap) bounds {
	x, d := p.s.index, p.s.dict
	if l.column >= 0 {
		return p.scan(l, within)
	}
	for l.look(d) {
	}
	terms := l.terms
	if l.equals {
		if id, ok := d.lookup(l.is.Cond.Field, l.is.Cond.Key, []byte(l.is.Cond.Text)); ok {
			terms = []uint32{id}
		}
	}
	must := x.anyOf(terms)
	maybe := append(slices.Clip(l.maybe), p.overflows(l.loose)...)
	if len(maybe) == 0 {
		return exactly(must)
	}
	return bounds{roaring.Or(must, x.anyOf(maybe)), must}
}

// overflows is the terms that mark documents with values of the fields that are not indexed.
func (p *plan) overflows(fields []asff.Field) []uint32 {
	var terms []uint32
	for _, f := range fields {
		if id, ok := p.s.dict.lookup(fieldOverflow, "", []byte{byte(f)}); ok && p.s.index.posting(id).count() > 0 {
			terms = append(terms, id)
		}
	}
	return terms
}

// scan looks at a column.
func (p *plan) scan(l *leaf, within *roaring.Bitmap) bounds {
	x, out := p.s.index, roaring.New()
	docs := make([]uint32, 0, 1024)
	c := &l.is.Cond
	for it := within.Iterator(); it.HasNext(); {
		doc := it.Next()
		seg, i := x.segment(doc)
		ms := seg.times[l.column][i]
		if ms == noTime || l.whole && !inRange(c, float64(ms)) {
			continue
		}
		if docs = append(docs, doc); len(docs) == cap(docs) {
			out.AddMany(docs)
			docs = docs[:0]
		}
	}
	out.AddMany(docs)
	must := out
	if !l.whole && c.Cmp != query.Exists {
		must = roaring.New()
	}
	over := p.overflows(l.loose)
	if len(over) == 0 {
		if must != out && out.IsEmpty() {
			must = out
		}
		return bounds{out, must}
	}
	return bounds{roaring.Or(out, x.anyOf(over)), must}
}

// inRange is what query.Match does with an instant.
func inRange(c *query.Cond, v float64) bool {
	if v < c.Lo || v == c.Lo && c.LoOpen {
		return false
	}
	return v < c.Hi || v == c.Hi && !c.HiOpen
}

// anyOf is the documents that have one of the terms. The bitmap may be a posting's own. The caller holds the lock.
func (x *index) anyOf(terms []uint32) *roaring.Bitmap {
	if len(terms) == 1 {
		if p := x.posting(terms[0]); p.bits != nil {
			return p.bits
		}
	}
	var large []*roaring.Bitmap
	var docs []uint32
	for _, t := range terms {
		p := x.posting(t)
		if p.bits != nil {
			large = append(large, p.bits)
		} else {
			docs = p.appendTo(docs)
		}
	}
	slices.Sort(docs)
	return roaring.FastOr(append(large, roaring.BitmapOf(docs...))...)
}
