package embedded

import (
	"math"

	"hubcap/internal/asff"
	"hubcap/internal/query"
)

// selection is what a comparison comes down to: terms whose documents satisfy it, and terms whose documents may.
type selection struct{ sure, maybe []uint32 }

// choose finds the terms of a comparison. The attribute is no column.
func (p *plan) choose(c *query.Cond) selection {
	j := judge{p: p, is: query.Expr{Op: query.Is, Cond: *c}}
	switch c.Cmp {
	case query.Keyword:
		var loose []asff.Field
		for _, f := range asff.Fields() {
			if f.Kind() == asff.KindString {
				j.containing(f, "")
				loose = append(loose, f)
			}
		}
		j.out.maybe = append(j.out.maybe, p.overflows(loose...)...)
		return j.out
	case query.Equals:
		if id, ok := p.s.dict.lookup(c.Field, c.Key, []byte(c.Text)); ok {
			j.out.sure = []uint32{id}
		}
	case query.Contains:
		j.containing(c.Field, c.Key)
	case query.Prefix:
		j.beginning()
	default:
		j.walk(c.Field, c.Key)
	}
	j.out.maybe = append(j.out.maybe, p.overflows(c.Field)...)
	return j.out
}

// judge puts terms where a comparison holds for their values, or may.
type judge struct {
	p     *plan
	is    query.Expr // the comparison, to ask query.Match about one value
	value [1]asff.Value
	out   selection
}

// walk looks at every value of an attribute.
func (j *judge) walk(f asff.Field, key string) {
	v := asff.Value{Field: f, Key: []byte(key)}
	for at, more := 0, true; more && j.p.ctx.Err() == nil; {
		at, more = j.p.s.dict.walk(f, key, at, func(t *term) { j.term(v, t) })
	}
}

func (j *judge) term(v asff.Value, t *term) {
	if t.long {
		j.long(v, t)
		return
	}
	v.Text = t.text
	j.value[0] = v
	if query.Match(&j.is, j.value[:]) {
		j.out.sure = append(j.out.sure, t.id)
	}
}

// long decides by the head of a long value where that is possible.
func (j *judge) long(v asff.Value, t *term) {
	c, head := &j.is.Cond, t.text[:longHead]
	sure, may := false, true
	switch c.Cmp {
	case query.Exists:
		sure = true
	case query.Prefix:
		n := min(len(c.Text), longHead)
		may = string(head[:n]) == c.Text[:n]
		sure = may && n == len(c.Text)
	case query.Contains:
		v.Text = head
		j.value[0] = v
		sure = query.Match(&j.is, j.value[:])
	default:
	}
	switch {
	case sure:
		j.out.sure = append(j.out.sure, t.id)
	case may:
		j.out.maybe = append(j.out.maybe, t.id)
	}
}

// containing looks at the values that may contain the text: all of them, or those whose signatures say so.
func (j *judge) containing(f asff.Field, key string) {
	d := j.p.s.dict
	if d.count(f, key) < j.p.s.opts.tuning.manyTerms {
		j.walk(f, key)
		return
	}
	v := asff.Value{Field: f, Key: []byte(key)}
	ok := j.p.s.signatures(f, key).search(j.p.ctx, d, j.is.Cond.Text, func(t *term) { j.term(v, t) })
	if !ok {
		j.walk(f, key)
	}
}

// beginning looks at the values that begin as the text does, which stand together in the sorted ones.
func (j *judge) beginning() {
	c, d := &j.is.Cond, j.p.s.dict
	if numeric(c.Field) || d.count(c.Field, c.Key) < j.p.s.opts.tuning.manyTerms { // severities rank by what they mean
		j.walk(c.Field, c.Key)
		return
	}
	v := asff.Value{Field: c.Field, Key: []byte(c.Key)}
	head := c.Text[:min(len(c.Text), longHead)]
	r := j.p.s.ranking(c.Field, c.Key)
	r.catchUp(d)
	from := pivot{text: []byte(head), num: math.Inf(-1)}
	for ids := []uint32(nil); ; {
		if ids = r.after(d, &from, false, ids[:0]); len(ids) == 0 || j.p.ctx.Err() != nil {
			return
		}
		d.mu.RLock()
		for _, id := range ids {
			t := d.at(id)
			if len(t.text) < len(head) || string(t.text[:len(head)]) != head {
				d.mu.RUnlock()
				return
			}
			j.term(v, &t)
		}
		d.mu.RUnlock()
	}
}

// count is how many terms an attribute has.
func (d *dictionary) count(f asff.Field, key string) int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	attr, ok := d.attr(f, []byte(key))
	if !ok {
		return 0
	}
	return d.attrs[attr].live
}
