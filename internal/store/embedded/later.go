package embedded

import (
	"bytes"

	"hubcap/internal/asff"
	"hubcap/internal/query"
)

// filter is a condition that is looked at for each candidate on its way into a page, by the values that the candidate has of the
// attribute: finding all of many values first, and the documents of each, would be most of the work for a page of a hundred.
type filter struct {
	is   query.Expr
	of   *forward
	over []uint32 // the marks of documents whose values are not indexed
	j    judge

	share float64 // of the values that satisfy it
}

// postpone takes out of a conjunction what is better looked at later.
func (p *plan) postpone(every []query.Expr) ([]query.Expr, error) {
	if p.later == nil {
		return every, nil
	}
	var now []query.Expr
	for i := range every {
		e := &every[i]
		c := &e.Cond
		if e.Op != query.Is || c.Cmp != query.Contains && c.Cmp != query.Prefix || columnOf(c.Field) >= 0 {
			now = append(now, *e)
			continue
		}
		n, total := p.about(e)
		docs := int(p.s.index.count()) * n / total //nolint:gosec // at most 2^32
		if n < p.s.opts.tuning.manySatisfy || docs < p.s.opts.tuning.manyFound {
			now = append(now, *e)
			continue
		}
		of, err := p.s.forward(p.ctx, c.Field, c.Key)
		if err != nil {
			return nil, err
		}
		if of == nil {
			now = append(now, *e)
			continue
		}
		*p.later = append(*p.later, filter{is: *e, of: of, over: p.overflows(c.Field), j: judge{p: p, is: *e}, share: float64(n) / float64(total)})
	}
	return now, nil
}

// about is how many values of an attribute may satisfy a comparison, of how many. What no index tells is tried on some.
func (p *plan) about(e *query.Expr) (n, total int) {
	c, d := &e.Cond, p.s.dict
	total = max(1, d.count(c.Field, c.Key))
	if total >= p.s.opts.tuning.manyTerms {
		if c.Cmp == query.Prefix && !numeric(c.Field) {
			r := p.s.ranking(c.Field, c.Key)
			r.catchUp(d)
			head := headOf([]byte(c.Text))
			return r.between(d, &pivot{text: head}, &pivot{text: append(bytes.Clone(head), endOfTexts...)}), total
		}
		if c.Cmp == query.Contains {
			if n, ok := p.s.signatures(c.Field, c.Key).count(p.ctx, d, c.Text); ok {
				return n, total
			}
		}
	}
	return p.tried(e, total), total
}

// tried is about how many of the values satisfy a comparison, by a look at some.
func (p *plan) tried(e *query.Expr, total int) int {
	c, d := &e.Cond, p.s.dict
	j, tried := judge{p: p, is: *e}, 0
	v := asff.Value{Field: c.Field, Key: []byte(c.Key)}
	d.walk(c.Field, c.Key, 0, func(t *term) {
		j.term(v, t)
		tried++
	})
	return (len(j.out.sure) + len(j.out.maybe)) * total / max(1, tried)
}

// passes tells whether a document satisfies the condition, for sure or perhaps. The caller holds the locks of index and dictionary.
func (l *filter) passes(p *plan, doc uint32) (may, sure bool) {
	l.j.out.sure, l.j.out.maybe = l.j.out.sure[:0], l.j.out.maybe[:0]
	c := &l.is.Cond
	v := asff.Value{Field: c.Field, Key: l.of.keyBytes}
	cell := l.of.get(doc)
	switch {
	case cell == 0:
	case cell&severalTerms == 0:
		t := p.s.dict.at(cell - 1)
		l.j.term(v, &t)
	default:
		l.of.several[cell&^severalTerms].each(func(id uint32) {
			t := p.s.dict.at(id)
			l.j.term(v, &t)
		})
	}
	if len(l.j.out.sure) > 0 {
		return true, true
	}
	return len(l.j.out.maybe) > 0 || p.s.index.spilled(doc, l.over), false
}
