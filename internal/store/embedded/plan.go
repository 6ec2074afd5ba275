package embedded

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"hubcap/internal/asff"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

// A plan answers a condition from the index: with the documents that satisfy it for sure, and those that may. It looks at the
// dictionary for the values that a comparison holds for, and combines the postings of those terms with columns, the smallest sets
// first. It holds the index's lock for a moment at a time; documents that a writer changed in between are those that may, whatever
// was seen of them.
type plan struct {
	s    *Store
	ctx  context.Context //nolint:containedctx // lives as long as the call
	from uint64          // changes of the index before the first look
	note *notes          // of Explain; nil

	// later, unless nil, takes conditions that so many values satisfy that it is quicker to look at each candidate's on the way.
	later *[]filter
}

// bounds is the answer to a node: every document of must satisfies it, no document outside of may does. The bitmaps are the
// plan's own; they are one where the answer is exact.
type bounds struct{ may, must *roaring.Bitmap }

func exactly(b *roaring.Bitmap) bounds { return bounds{b, b} }

func (b bounds) exact() bool { return b.may == b.must }

// and keeps what is in o too.
func (b bounds) and(o bounds) bounds {
	if b.exact() && !o.exact() {
		b.must = b.may.Clone()
	}
	b.may.And(o.may)
	if !b.exact() {
		b.must.And(o.must)
	}
	return b
}

// without takes away what is in o.
func (b bounds) without(o bounds) bounds {
	if b.exact() && !o.exact() {
		b.must = b.may.Clone()
	}
	b.may.AndNot(o.must)
	if !b.exact() {
		b.must.AndNot(o.may)
	}
	return b
}

// ask evaluates a condition.
func (s *Store) ask(ctx context.Context, scope store.Scope, where *query.Expr, note *notes) (bounds, error) {
	return s.evaluate(&plan{s: s, ctx: ctx, note: note}, scope, where)
}

// evaluate runs a plan.
func (s *Store) evaluate(p *plan, scope store.Scope, where *query.Expr) (bounds, error) {
	x := s.index
	x.mu.RLock()
	p.from = x.recent.n
	x.mu.RUnlock()
	every, err := p.postpone(p.scoped(scope, where))
	if err != nil {
		return bounds{}, err
	}
	b, err := p.and(every)
	if err != nil {
		return bounds{}, err
	}
	changed := roaring.New()
	x.mu.RLock()
	known := x.recent.since(p.from, changed)
	if !known {
		changed.Or(x.live)
	}
	x.mu.RUnlock()
	if !changed.IsEmpty() {
		if b.exact() {
			b.must = b.may.Clone()
		}
		b.may.Or(changed)
		b.must.AndNot(changed)
		p.note.say("changed meanwhile, read again: %d", p.note.held(changed))
	}
	return b, p.ctx.Err()
}

// scoped is what must hold: the scope, and the condition. A conjunction is taken apart, so that all of it is ordered by size.
func (p *plan) scoped(scope store.Scope, where *query.Expr) []query.Expr {
	all := append(p.inScope(nil, fieldAccount, scope.Accounts), p.inScope(nil, fieldRegion, scope.Regions)...)
	if where.Op == query.And {
		return append(all, where.Args...)
	}
	return append(all, *where)
}

// inScope appends what a list of accounts or Regions asks for. Every document has one of them; where the list has most of those
// there are, the others are excluded instead, and nothing is to be done where it has all.
func (p *plan) inScope(all []query.Expr, field asff.Field, allowed []string) []query.Expr {
	if len(allowed) == 0 {
		return all
	}
	in, out := query.Expr{Op: query.Or}, query.Expr{Op: query.Or}
	set := make(map[string]struct{}, len(allowed))
	for _, v := range allowed {
		set[v] = struct{}{}
	}
	for at, more := 0, true; more; {
		at, more = p.s.dict.walk(field, "", at, func(t *term) {
			either := &out
			if _, ok := set[string(t.text)]; ok {
				either = &in
			}
			either.Args = append(either.Args, query.Expr{Op: query.Is, Cond: query.Cond{Field: field, Text: string(t.text)}})
		})
	}
	switch {
	case p.note != nil: // what others have is nobody's business
	case len(out.Args) == 0:
		return all
	case len(out.Args) < len(in.Args):
		return append(all, query.Negate(out))
	}
	if len(in.Args) == 0 {
		return append(all, query.Expr{Op: query.None})
	}
	return append(all, in)
}

// eval answers one node. within bounds the documents that matter; nil: all.
func (p *plan) eval(e *query.Expr, within *roaring.Bitmap) (bounds, error) {
	if err := p.ctx.Err(); err != nil {
		return bounds{}, err
	}
	switch e.Op {
	case query.None:
		return exactly(roaring.New()), nil
	case query.And:
		p.note.open("all of")
		defer p.note.shut()
		return p.and(e.Args)
	case query.Or:
		if sel, cond, ok := p.alternatives(e); ok {
			return p.chosen(cond, sel)
		}
		return p.or(e.Args, within)
	case query.Not:
		p.note.open("not")
		defer p.note.shut()
		b, err := p.eval(&e.Args[0], within)
		if err != nil {
			return b, err
		}
		return p.everything().without(b), nil
	case query.Is:
		if c := columnOf(e.Cond.Field); c >= 0 {
			return p.scan(&e.Cond, c, within)
		}
		return p.chosen(e, p.choose(&e.Cond))
	default:
		return p.everything(), nil
	}
}

func (p *plan) everything() bounds {
	x := p.s.index
	x.mu.RLock()
	defer x.mu.RUnlock()
	return exactly(x.live.Clone())
}

func (p *plan) or(args []query.Expr, within *roaring.Bitmap) (bounds, error) {
	p.note.open("any of")
	defer p.note.shut()
	out := exactly(roaring.New())
	for i := range args {
		b, err := p.eval(&args[i], within)
		if err != nil {
			return b, err
		}
		if out.exact() && !b.exact() {
			out.must = out.may.Clone()
		}
		out.may.Or(b.may)
		if !out.exact() {
			out.must.Or(b.must)
		}
	}
	return out, nil
}

// part is one part of a conjunction.
type part struct {
	is   *query.Expr
	sel  selection
	size int // about how many documents
}

// and intersects the smallest sets first, then takes away what is negated, then looks at columns.
func (p *plan) and(args []query.Expr) (bounds, error) {
	var sets, without, rest []part
	for i := range args {
		a := &args[i]
		of, negated := a, a.Op == query.Not
		if negated {
			of = &a.Args[0]
		}
		pt := part{is: of, size: math.MaxInt}
		sel, is, ok := p.alternatives(of)
		switch {
		case a.Op == query.All:
			continue
		case ok:
			pt.sel, pt.is = sel, is
			pt.size = p.s.index.size(&sel)
			if negated {
				without = append(without, pt)
			} else {
				sets = append(sets, pt)
			}
		default:
			rest = append(rest, part{is: a})
		}
	}
	slices.SortStableFunc(sets, func(a, b part) int { return cmp.Compare(a.size, b.size) })
	var b bounds
	for i := range sets {
		o, err := p.chosen(sets[i].is, sets[i].sel)
		switch {
		case err != nil:
			return o, err
		case i == 0:
			b = o
		default:
			b = b.and(o)
		}
	}
	// Ranges of dates: what has a tree or few candidates.
	for i := range rest {
		o, err := p.eval(rest[i].is, b.may)
		switch {
		case err != nil:
			return o, err
		case b.may == nil:
			b = o
		default:
			b = b.and(o)
		}
	}
	if b.may == nil {
		b = p.everything()
		p.note.say("every finding: %d", p.note.held(b.may))
	}
	for i := range without {
		p.note.open("without")
		o, err := p.chosen(without[i].is, without[i].sel)
		p.note.shut()
		if err != nil {
			return o, err
		}
		b = b.without(o)
	}
	return b, nil
}

// alternatives is what a comparison, or a disjunction of comparisons, comes down to, where postings alone answer it.
func (p *plan) alternatives(e *query.Expr) (sel selection, is *query.Expr, ok bool) {
	switch {
	case e.Op == query.Is && columnOf(e.Cond.Field) < 0:
		return p.choose(&e.Cond), e, true
	case e.Op != query.Or || len(e.Args) == 0:
		return sel, e, false
	}
	for i := range e.Args {
		if a := &e.Args[i]; a.Op != query.Is || columnOf(a.Cond.Field) >= 0 {
			return sel, e, false
		}
	}
	for i := range e.Args {
		o := p.choose(&e.Args[i].Cond)
		sel.sure, sel.maybe = append(sel.sure, o.sure...), append(sel.maybe, o.maybe...)
	}
	return sel, e, true
}

// chosen is the documents of a selection.
func (p *plan) chosen(is *query.Expr, sel selection) (bounds, error) {
	x := p.s.index
	must := x.gather(sel.sure)
	b := exactly(must)
	if len(sel.maybe) > 0 {
		b.may = x.gather(sel.maybe)
		b.may.Or(must)
	}
	p.note.terms(is, &sel, b)
	return b, p.ctx.Err()
}

// size is about how many documents a selection has.
func (x *index) size(sel *selection) int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	n := 0
	for _, list := range [...][]uint32{sel.sure, sel.maybe} {
		some := list[:min(len(list), 512)]
		m := 0
		for _, t := range some {
			m += x.posting(t).count()
		}
		if len(some) > 0 {
			n += m * len(list) / len(some)
		}
	}
	return n
}

// gatherStep is how many postings are looked at under one hold of the lock.
const gatherStep = 256

// gather is the documents that have one of the terms: a bitmap of its own.
func (x *index) gather(terms []uint32) *roaring.Bitmap {
	if len(terms) == 1 {
		out := roaring.New()
		x.mu.RLock()
		if p := x.posting(terms[0]); p.bits != nil {
			out = p.bits.Clone()
		} else {
			p.addTo(out)
		}
		x.mu.RUnlock()
		return out
	}
	slices.Sort(terms)
	g := gathering{}
	for len(terms) > 0 {
		n := min(len(terms), gatherStep)
		x.mu.RLock()
		for _, t := range terms[:n] {
			g.add(x.posting(t))
		}
		x.mu.RUnlock()
		terms = terms[n:]
	}
	return g.bitmap()
}

// gathering collects documents of many postings: a list while they are few, then a word of bits for each 64 of them.
type gathering struct {
	few   []uint32
	words []uint64
	large *roaring.Bitmap
	buf   []uint32
}

const (
	fewGathered   = 2048
	largeGathered = 1 << 16 // documents of a posting from which on bitmaps are combined
)

func (g *gathering) add(p *posting) {
	switch {
	case p.bits == nil:
		p.each(g.one)
	case p.bits.GetCardinality() >= largeGathered:
		if g.large == nil {
			g.large = p.bits.Clone()
		} else {
			g.large.Or(p.bits)
		}
	default:
		if g.buf == nil {
			g.buf = make([]uint32, 1024)
		}
		for it := p.bits.ManyIterator(); ; {
			n := it.NextMany(g.buf)
			for _, doc := range g.buf[:n] {
				g.one(doc)
			}
			if n < len(g.buf) {
				break
			}
		}
	}
}

func (g *gathering) one(doc uint32) {
	if g.words == nil {
		if g.few = append(g.few, doc); len(g.few) < fewGathered {
			return
		}
		few := g.few
		g.few, g.words = nil, make([]uint64, 1024)
		for _, d := range few {
			g.one(d)
		}
		return
	}
	w := int(doc / 64)
	if w >= len(g.words) {
		g.words = append(g.words, make([]uint64, w+w/4+1024-len(g.words))...)
	}
	g.words[w] |= 1 << (doc % 64)
}

func (g *gathering) bitmap() *roaring.Bitmap {
	var out *roaring.Bitmap
	if g.words != nil {
		out = roaring.FromDense(g.words, true)
	} else {
		slices.Sort(g.few)
		out = roaring.BitmapOf(g.few...)
	}
	if g.large != nil {
		g.large.Or(out)
		return g.large
	}
	return out
}

// scan answers a comparison of a date that is a column. All but a Range and Exists is left to query.Match.
func (p *plan) scan(c *query.Cond, column int, within *roaring.Bitmap) (bounds, error) {
	lo, hi := int64(noTime)+1, int64(math.MaxInt64)
	if c.Cmp == query.Range {
		lo, hi = instants(c)
	}
	x := p.s.index
	var out *roaring.Bitmap
	how := "column"
	switch {
	case lo > hi:
		out = roaring.New()
	case within != nil && within.GetCardinality()*p.s.opts.tuning.scanShare < x.count():
		out = x.scanSome(column, lo, hi, within)
		how = "column, of the candidates"
	default:
		if column == updatedColumn {
			out = x.scanOrder(&x.order, lo, hi)
			how = "order by UpdatedAt"
		}
		if out == nil {
			out = x.scanColumn(column, lo, hi)
			how = "column"
		}
	}
	b := exactly(out)
	if c.Cmp != query.Range && c.Cmp != query.Exists {
		b.must = roaring.New()
	}
	if over := p.overflows(c.Field); len(over) > 0 {
		loose := x.gather(over)
		loose.Or(b.may)
		b.may = loose
	}
	p.note.column(c, how, b)
	return b, p.ctx.Err()
}

// instants is the range of a Range in whole milliseconds.
func instants(c *query.Cond) (lo, hi int64) {
	lo, hi = int64(noTime)+1, int64(math.MaxInt64)
	const most = 1 << 62
	if c.Lo > most || c.Hi < -most || math.IsNaN(c.Lo) || math.IsNaN(c.Hi) {
		return 1, 0
	}
	if c.Lo > -most {
		f := math.Ceil(c.Lo)
		if lo = int64(f); f == c.Lo && c.LoOpen {
			lo++
		}
	}
	if c.Hi < most {
		f := math.Floor(c.Hi)
		if hi = int64(f); f == c.Hi && c.HiOpen {
			hi--
		}
	}
	return lo, hi
}

// scanStep is how many documents are looked at under one hold of the lock.
const scanStep = 4 * segmentSize

func (x *index) count() uint64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.live.GetCardinality()
}

func (x *index) scanSome(column int, lo, hi int64, within *roaring.Bitmap) *roaring.Bitmap {
	var docs []uint32
	buf := make([]uint32, 4096)
	for it := within.ManyIterator(); ; {
		n := it.NextMany(buf)
		x.mu.RLock()
		for _, doc := range buf[:n] {
			if t := x.time(doc, column); lo <= t && t <= hi {
				docs = append(docs, doc)
			}
		}
		x.mu.RUnlock()
		if n < len(buf) {
			return roaring.BitmapOf(docs...)
		}
	}
}

// scanColumn looks at a column from end to end.
func (x *index) scanColumn(column int, lo, hi int64) *roaring.Bitmap {
	var words []uint64
	for from := 0; ; from += scanStep / segmentSize {
		x.mu.RLock()
		if from >= len(x.segments) {
			out := roaring.FromDense(words, true)
			out.And(x.live)
			x.mu.RUnlock()
			return out
		}
		for _, seg := range x.segments[from:min(from+scanStep/segmentSize, len(x.segments))] {
			times := &seg.times[column]
			for i := 0; i < segmentSize; i += 64 {
				word := uint64(0)
				for bit, t := range times[i : i+64] {
					if lo <= t && t <= hi {
						word |= 1 << bit
					}
				}
				words = append(words, word)
			}
		}
		x.mu.RUnlock()
	}
}

// orderSteps is how far the order by UpdatedAt is walked before a look at the whole column is cheaper.
const orderSteps = 1 << 15

// scanOrder walks the order of a date; nil when the range is too wide for that.
func (x *index) scanOrder(o *order, lo, hi int64) *roaring.Bitmap {
	g := gathering{}
	w := dateWalk{x: x, order: o, from: place{at: placeAt(hi)}}
	for steps := 0; steps < orderSteps; {
		docs := w.next(walkedAtOnce, nil)
		steps += len(docs)
		for i, doc := range docs {
			if t := w.times[i]; t < lo || t == noTime {
				return g.bitmap()
			}
			g.one(doc)
		}
		if len(docs) == 0 {
			return g.bitmap()
		}
	}
	return nil
}

// overflows is the terms that mark documents with values of the fields that are not indexed.
func (p *plan) overflows(fields ...asff.Field) []uint32 {
	var terms []uint32
	for _, f := range fields {
		if id, ok := p.s.dict.lookup(fieldOverflow, "", []byte{byte(f)}); ok {
			terms = append(terms, id)
		}
	}
	return terms
}
