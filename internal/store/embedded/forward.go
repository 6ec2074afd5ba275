package embedded

import (
	"context"
	"slices"

	"hubcap/internal/asff"
)

// forward tells the terms that a document has of one attribute: the other way round than postings. It is made where a question
// groups or sorts by the attribute, and from then on kept up to date by every commit. The index's lock guards it.
type forward struct {
	field asff.Field
	key   string
	attr  uint32

	keyBytes []byte
	ready    chan struct{}

	of      [][]uint32 // by document, in chunks: 0 none; a term, plus one; or severalTerms and a place in several
	several []fewTerms
	free    []uint32 // places in several
}

// fewTerms are the terms of a document that has several.
type fewTerms struct {
	two   [2]uint32 // most have no more
	more  []uint32
	first bool // two[0] is the first in the document
}

// each calls f for every term.
func (l *fewTerms) each(f func(term uint32)) {
	f(l.two[0])
	f(l.two[1])
	for _, t := range l.more {
		f(t)
	}
}

func (l *fewTerms) add(term uint32) {
	if l.first = false; l.two[0] != term && l.two[1] != term && !slices.Contains(l.more, term) {
		l.more = append(l.more, term)
	}
}

// remove takes a term away; false where only one is left: two[0].
func (l *fewTerms) remove(term uint32) bool {
	l.first = false
	last := len(l.more) - 1
	switch at := slices.Index(l.two[:], term); {
	case at < 0:
		l.more = slices.DeleteFunc(l.more, func(t uint32) bool { return t == term })
	case last >= 0:
		l.two[at], l.more = l.more[last], l.more[:last]
	default:
		l.two[0] = l.two[1-at]
		return false
	}
	return true
}

// begin puts a term first, if it is one of them.
func (l *fewTerms) begin(term uint32) {
	if i := slices.Index(l.more, term); i >= 0 {
		l.two[0], l.more[i] = term, l.two[0]
	} else if l.two[1] == term {
		l.two[0], l.two[1] = term, l.two[0]
	}
	l.first = l.two[0] == term
}

const severalTerms = 1 << 31

// get is a document's cell.
func (w *forward) get(doc uint32) uint32 {
	if int(doc/segmentSize) >= len(w.of) {
		return 0
	}
	if c := w.of[doc/segmentSize]; c != nil {
		return c[doc%segmentSize]
	}
	return 0
}

func (w *forward) set(doc, cell uint32) {
	for int(doc/segmentSize) >= len(w.of) {
		w.of = append(w.of, nil)
	}
	c := &w.of[doc/segmentSize]
	if *c == nil {
		*c = make([]uint32, segmentSize)
	}
	(*c)[doc%segmentSize] = cell
}

// add gives a document a term; one that it has already does no harm.
func (w *forward) add(doc, term uint32) {
	switch cell := w.get(doc); {
	case cell == 0:
		w.set(doc, term+1)
	case cell&severalTerms != 0:
		w.several[cell&^severalTerms].add(term)
	case cell != term+1:
		few := fewTerms{two: [2]uint32{cell - 1, term}}
		place := uint32(len(w.several)) //nolint:gosec // not more than documents
		if n := len(w.free); n > 0 {
			place, w.free = w.free[n-1], w.free[:n-1]
			w.several[place] = few
		} else {
			w.several = append(w.several, few)
		}
		w.set(doc, severalTerms|place)
	}
}

func (w *forward) remove(doc, term uint32) {
	switch cell := w.get(doc); {
	case cell == term+1:
		w.set(doc, 0)
	case cell&severalTerms != 0:
		place := cell &^ severalTerms
		if few := &w.several[place]; !few.remove(term) {
			w.set(doc, few.two[0]+1)
			w.several[place] = fewTerms{}
			w.free = append(w.free, place)
		}
	}
}

// changed forgets which of several terms is the first: the document is another.
func (w *forward) changed(doc uint32) {
	if cell := w.get(doc); cell&severalTerms != 0 {
		w.several[cell&^severalTerms].first = false
	}
}

// first is the first term of a document: none, one that is known, or one that only the document tells.
func (w *forward) first(doc uint32) (term uint32, has, known bool) {
	cell := w.get(doc)
	switch {
	case cell == 0:
		return 0, false, true
	case cell&severalTerms == 0:
		return cell - 1, true, true
	}
	few := &w.several[cell&^severalTerms]
	return few.two[0], true, few.first
}

// learn notes the first term of a document that has several.
func (w *forward) learn(doc, term uint32) {
	cell := w.get(doc)
	if cell&severalTerms == 0 {
		return
	}
	w.several[cell&^severalTerms].begin(term)
}

// forwards are the attributes that have a forward. Both locks of the index guard it.
type forwards struct {
	all []*forward
}

// apply brings the forwards up to a commit. The caller holds the index's lock.
func (f *forwards) apply(d *difference, dict *dictionary) {
	if len(f.all) == 0 || d.kind == stays {
		return
	}
	for _, w := range f.all {
		w.changed(d.doc)
	}
	dict.mu.RLock()
	defer dict.mu.RUnlock()
	for _, t := range d.remove {
		if w := f.of(dict.at(t).attr); w != nil {
			w.remove(d.doc, t)
		}
	}
	for _, t := range d.add {
		if w := f.of(dict.at(t).attr); w != nil {
			w.add(d.doc, t)
		}
	}
}

func (f *forwards) of(attr uint32) *forward {
	for _, w := range f.all {
		if w.attr == attr {
			return w
		}
	}
	return nil
}

// forward is the forward of an attribute, made where there is none yet; nil where no document ever had the attribute, or where the
// memory for it is used up.
func (s *Store) forward(ctx context.Context, field asff.Field, key string) (*forward, error) {
	x, d := s.index, s.dict
	d.mu.RLock()
	attr, ok := d.attr(field, []byte(key))
	full := d.overBudget()
	d.mu.RUnlock()
	if !ok {
		return nil, nil //nolint:nilnil // as said above
	}
	x.mu.Lock()
	w := x.forwards.of(attr)
	if w == nil {
		if full {
			x.mu.Unlock()
			return nil, nil //nolint:nilnil // as said above
		}
		w = &forward{field: field, key: key, keyBytes: []byte(key), attr: attr, ready: make(chan struct{})}
		x.forwards.all = append(x.forwards.all, w)
		go s.fillForward(w)
	}
	x.mu.Unlock()
	select {
	case <-w.ready:
		return w, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// fillForward goes over the postings of the attribute. Commits take part from the beginning: what is added twice does no harm.
func (s *Store) fillForward(w *forward) {
	defer close(w.ready)
	x, d := s.index, s.dict
	var terms []uint32
	for at, more := 0, true; more; {
		terms = terms[:0]
		at, more = d.walk(w.field, w.key, at, func(t *term) { terms = append(terms, t.id) })
		next, from := 0, uint32(0)
		for next < len(terms) {
			x.mu.RLock() // no commit is under way, and nobody else reads w yet
			for docs := 0; docs < scanStep && next < len(terms); {
				t := terms[next]
				n, more := x.posting(t).some(from, scanStep-docs, func(doc uint32) { w.add(doc, t); from = doc + 1 })
				if docs += n + 1; !more {
					next, from = next+1, 0
				}
			}
			x.mu.RUnlock()
		}
	}
	d.mu.Lock()
	d.bytes += int64(len(w.of)*segmentSize*4 + len(w.several)*64)
	d.mu.Unlock()
}

// some calls f for at most so many documents from a number on, and tells how many there were and whether there are more.
func (p *posting) some(from uint32, most int, f func(doc uint32)) (n int, more bool) {
	if p.bits == nil {
		p.each(func(doc uint32) {
			if doc >= from {
				f(doc)
				n++
			}
		})
		return n, false
	}
	it := p.bits.Iterator()
	for it.AdvanceIfNeeded(from); it.HasNext() && n < most; n++ {
		f(it.Next())
	}
	return n, it.HasNext()
}
