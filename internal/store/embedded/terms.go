package embedded

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"hubcap/internal/asff"
	"hubcap/internal/store"
)

// maxTerms is how many terms of a finding are indexed. The values beyond put it on the overflow of their fields.
const maxTerms = 256

// columnAt is columnOf for every field, plus one.
var columnAt = func() (at [256]uint8) {
	for i, f := range columns {
		at[f] = uint8(i + 1)
	}
	return at
}()

// pairHash names a (product ARN, id) among all accounts. What it finds is compared on reading.
func (s *Store) pairHash(productArn, id string) uint64 {
	buf := make([]byte, 0, 512)
	buf = append(buf, s.meta.seed[:]...)
	buf = binary.AppendUvarint(buf, uint64(len(productArn)))
	buf = append(buf, productArn...)
	buf = append(buf, id...)
	sum := sha256.Sum256(buf)
	return binary.LittleEndian.Uint64(sum[:8]) & s.opts.hashMask
}

// A candidate is a value that is to become a term.
type candidate struct {
	field asff.Field
	long  bool
	attr  uint32
	known bool   // there is such an attribute
	key   []byte // aliases the value
	text  []byte // aliases the value, or folded
	hash  uint64
	slot  uint64
}

// spillText is the text of the overflow term of each field.
var spillText = func() (text [256][1]byte) {
	for f := range text {
		text[f][0] = byte(f)
	}
	return text
}()

// An extractor turns values into index entries. One goroutine uses it at a time. Terms that are there are found at once; the
// others are noted, and settle makes them for all entries of a call together: the dictionary is then locked once a call.
type extractor struct {
	dict    *dictionary
	list    []candidate
	folded  [][maxText]byte // texts of long values
	scope   []byte          // account and Region of the key
	fresh   []uint32        // terms met that may have no record in the database yet
	surplus [256]bool       // fields with values that are not indexed
	spills  []asff.Field    // those set in surplus
	touched byte            // keeps the compiler from leaving out what fetches memory

	missing []missing
	texts   []byte // keys and texts of missing
}

// missing is a value whose term was not there.
type missing struct {
	entry *entry
	field asff.Field
	long  bool
	key   span
	text  span
}

// begin forgets what was not settled.
func (x *extractor) begin() { x.missing, x.texts = x.missing[:0], x.texts[:0] }

// extract fills e's times and those of its terms that are there, from the values of a finding under key k. vs is not kept. The
// entry is complete, and its terms in order, after settle.
func (x *extractor) extract(k *store.Key, vs []asff.Value, e *entry) {
	for i := range e.times {
		e.times[i] = noTime
	}
	e.terms = e.terms[:0]
	x.list, x.folded, x.spills = x.list[:0], x.folded[:0], x.spills[:0]
	// The folded texts are referred to by slices: the array must not move.
	if cap(x.folded) < maxTerms+4 {
		x.folded = make([][maxText]byte, 0, maxTerms+4)
	}
	x.scope = append(append(x.scope[:0], k.Account...), k.Region...)
	x.propose(fieldAccount, nil, x.scope[:len(k.Account)])
	x.propose(fieldRegion, nil, x.scope[len(k.Account):])
	for i := range vs {
		v := &vs[i]
		if c := columnAt[v.Field]; c != 0 {
			if ms, ok := asff.ParseTime(v.Text); ok && e.times[c-1] == noTime {
				e.times[c-1] = ms
			} else {
				x.spill(v.Field)
			}
			continue
		}
		if len(v.Key) > maxKey || len(x.list) >= maxTerms {
			x.spill(v.Field)
			continue
		}
		text := v.Text
		if v.Field.Kind() == asff.KindDate {
			text = nil // only that it is there
		}
		x.propose(v.Field, v.Key, text)
	}
	for _, f := range x.spills {
		x.surplus[f] = false
		x.overflow(f)
	}
	x.meet(e)
}

func (x *extractor) propose(field asff.Field, key, value []byte) {
	c := candidate{field: field, key: key, text: value}
	if len(value) > maxText {
		x.folded = append(x.folded, [maxText]byte{})
		c.text, c.long = fold(value, &x.folded[len(x.folded)-1])
	}
	x.list = append(x.list, c)
}

// overflow proposes the mark of a document that has values of a field that are not indexed.
func (x *extractor) overflow(f asff.Field) { x.propose(fieldOverflow, nil, spillText[f][:]) }

// meet uses the candidates' terms, and notes those that have none.
func (x *extractor) meet(e *entry) {
	d := x.dict
	d.mu.RLock()
	defer d.mu.RUnlock()
	for i := range x.list {
		c := &x.list[i]
		if c.attr, c.known = d.attr(c.field, c.key); c.known {
			c.hash = d.hash(c.attr, c.long, c.text)
		}
	}
	for i := range x.list {
		c := &x.list[i]
		c.slot = d.glance(c.hash)
	}
	for i := range x.list {
		x.touched ^= d.touch(x.list[i].slot)
	}
	for i := range x.list {
		c := &x.list[i]
		if c.known {
			if t, ok := d.probe(c.hash, c.attr, c.long, c.text); ok {
				x.use(e, &t)
				continue
			}
		}
		x.missing = append(x.missing, missing{entry: e, field: c.field, long: c.long, key: x.keep(c.key), text: x.keep(c.text)})
	}
}

// keep copies bytes that belong to the caller.
func (x *extractor) keep(b []byte) span {
	from := len(x.texts)
	x.texts = append(x.texts, b...)
	return span{from, len(x.texts)}
}

// drop forgets what is missing in an entry that is filled anew.
func (x *extractor) drop(e *entry) {
	x.missing = slices.DeleteFunc(x.missing, func(m missing) bool { return m.entry == e })
}

// settle gives the missing values their terms.
func (x *extractor) settle() {
	if len(x.missing) == 0 {
		return
	}
	x.dict.mu.Lock()
	defer x.dict.mu.Unlock()
	for i := range x.missing {
		m := &x.missing[i]
		x.learn(m.entry, m.field, x.texts[m.key.from:m.key.to], m.long, x.texts[m.text.from:m.text.to])
	}
	x.begin()
}

func (x *extractor) spill(f asff.Field) {
	if !x.surplus[f] {
		x.surplus[f] = true
		x.spills = append(x.spills, f)
	}
}

func (x *extractor) use(e *entry, t *term) {
	e.terms = append(e.terms, t.id)
	if !t.saved {
		x.fresh = append(x.fresh, t.id)
	}
}

// learn gives a value a term, or marks the field's overflow when the memory for terms is used up. The caller holds the lock for
// writing.
func (x *extractor) learn(e *entry, field asff.Field, key []byte, long bool, text []byte) {
	if attr, ok := x.dict.attr(field, key); ok {
		if t, ok := x.dict.find(attr, long, text); ok { // another writer was first
			x.use(e, &t)
			return
		}
	}
	if x.dict.overBudget() && field < fieldOverflow {
		x.learn(e, fieldOverflow, nil, false, spillText[field][:])
		return
	}
	x.use(e, &term{id: x.dict.insert(field, key, long, text)})
}

// order puts an entry's terms in order, each once.
func (e *entry) order() {
	slices.Sort(e.terms)
	e.terms = slices.Compact(e.terms)
}
