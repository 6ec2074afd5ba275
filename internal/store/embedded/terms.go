package embedded

import (
	"slices"

	"hubcap/internal/asff"
	"hubcap/internal/store"
)

// maxTerms is how many terms of a finding are indexed. The values beyond put it on the overflow of their fields.
const maxTerms = 256

// columnAt is columnOf for every field, plus one.
var columnAt = func() (at [256]uint8) {
	for i, f := range timeColumns {
		at[f] = uint8(i + 1)
	}
	return at
}()

// pairHash names a (product ARN, id) among all accounts. What it finds is compared on reading.
func (s *Store) pairHash(productArn, id string) uint64 {
	buf := make([]byte, 0, 512)
	buf = append(append(buf, productArn...), id...)
	return s.key.sum(buf, uint64(len(productArn))) & s.opts.hashMask
}

// A difference is what one commit makes of one document in the index: it comes, changes or goes.
type difference struct {
	doc     uint32
	ident   store.Identity
	pair    uint64
	version uint64
	kind    differenceKind
	times   [len(timeColumns)]int64
	remove  []uint32 // terms; one that the document does not have does no harm
	add     []uint32 // terms; one that it has already does no harm. None is in both
}

type differenceKind uint8

const (
	stays   differenceKind = iota // the document has another version, and is otherwise the same
	comes                         // it is new
	changes                       // it says something else
	goes                          // it is deleted
)

// order puts the terms in order, each once, and leaves those alone that would come back.
func (d *difference) order() {
	slices.Sort(d.add)
	d.add = slices.Compact(d.add)
	if len(d.remove) == 0 {
		return
	}
	slices.Sort(d.remove)
	d.remove = slices.Compact(d.remove)
	d.remove = slices.DeleteFunc(d.remove, func(t uint32) bool {
		_, both := slices.BinarySearch(d.add, t)
		return both
	})
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
	found probe
	place uint32 // of the first term with that hash; 0: none
}

// spillText is the text of the overflow term of each field.
var spillText = func() (text [256][1]byte) {
	for f := range text {
		text[f][0] = byte(f)
	}
	return text
}()

// An extractor turns the values of documents into differences. One goroutine uses it at a time. Terms that are there are found at
// once; the others are noted, and settle makes them for all documents of a call together: the dictionary is then locked once a call.
type extractor struct {
	dict    *dictionary
	list    []candidate
	folded  [][maxText]byte // texts of long values
	scope   []byte          // account and Region of the key
	surplus [256]bool       // fields with values that are not indexed
	spills  []asff.Field    // those set in surplus
	guess   [256]uint32     // attributes of keys met before
	touched uint64          // keeps the compiler from leaving out what fetches memory

	missing []missing
	texts   []byte // keys and texts of missing
}

// missing is a value whose term was not there.
type missing struct {
	of    *difference
	field asff.Field
	long  bool
	attr  uint32 // a guess
	key   span
	text  span
}

// begin forgets what was not settled.
func (x *extractor) begin() { x.missing, x.texts = x.missing[:0], x.texts[:0] }

// comes fills d for a new document under key k, from its values. vs is not kept. d is complete after settle.
func (x *extractor) comes(k *store.Key, vs []asff.Value, d *difference) {
	x.propose(k, vs, &d.times)
	d.add = x.meet(d, d.add[:0])
}

// goes fills d for a document that goes; spilled: it may be on overflows.
func (x *extractor) goes(k *store.Key, vs []asff.Value, spilled bool, d *difference) {
	x.propose(k, vs, nil)
	d.remove = x.meet(nil, d.remove[:0])
	if spilled {
		d.remove = x.dict.overflows(d.remove)
	}
}

// changed fills d for a document whose values were others. Most of them are the same, and need no look into the dictionary.
//
// A document that is on overflows is treated as if it went and came: a value of it may have become a term since, for other
// documents, so its terms do not tell which postings it is on.
func (x *extractor) changed(k *store.Key, was, is []asff.Value, spilled bool, d *difference) {
	d.remove, d.add = d.remove[:0], d.add[:0]
	if spilled || !plain(was) || !plain(is) {
		x.goes(k, was, spilled, d)
		x.comes(k, is, d)
		return
	}
	x.startList()
	sameLength := len(was) == len(is)
	head, tail := 0, 0
	for n := min(len(was), len(is)); head < n && alike(&was[head], &is[head]); head++ {
	}
	for n := min(len(was), len(is)) - head; tail < n && alike(&was[len(was)-1-tail], &is[len(is)-1-tail]); tail++ {
	}
	for i := head; i < len(was)-tail; i++ {
		v := &was[i]
		if columnAt[v.Field] == 0 && (!sameLength || !alike(v, &is[i])) && !slices.ContainsFunc(is, func(o asff.Value) bool { return alike(v, &o) }) {
			x.offer(v)
		}
	}
	d.remove = x.meet(nil, d.remove)
	x.startList()
	for i := head; i < len(is)-tail; i++ {
		if v := &is[i]; columnAt[v.Field] == 0 && (!sameLength || !alike(v, &was[i])) {
			x.offer(v)
		}
	}
	x.readTimes(is, &d.times)
	x.offerOverflows()
	d.add = x.meet(d, d.add)
}

// plain tells whether all values of a document become terms, as far as their number and their keys go.
func plain(vs []asff.Value) bool {
	return len(vs) < maxTerms-1 && !slices.ContainsFunc(vs, func(v asff.Value) bool { return len(v.Key) > maxKey })
}

// alike tells whether two values have one term.
func alike(a, b *asff.Value) bool {
	return a.Field == b.Field && string(a.Key) == string(b.Key) && string(a.Text) == string(b.Text)
}

func (x *extractor) startList() {
	x.list, x.folded, x.spills = x.list[:0], x.folded[:0], x.spills[:0]
	// The folded texts are referred to by slices: the array must not move.
	if cap(x.folded) < maxTerms+4 {
		x.folded = make([][maxText]byte, 0, maxTerms+4)
	}
}

// propose lists everything that a document says. The same document is always listed alike.
func (x *extractor) propose(k *store.Key, vs []asff.Value, times *[len(timeColumns)]int64) {
	x.startList()
	x.scope = append(append(x.scope[:0], k.Account...), k.Region...)
	x.candidate(fieldAccount, nil, x.scope[:len(k.Account)])
	x.candidate(fieldRegion, nil, x.scope[len(k.Account):])
	for i := range vs {
		v := &vs[i]
		switch {
		case columnAt[v.Field] != 0:
		case len(v.Key) > maxKey || len(x.list) >= maxTerms:
			x.spill(v.Field)
		default:
			x.offer(v)
		}
	}
	if times != nil {
		x.readTimes(vs, times)
	}
	x.offerOverflows()
}

// readTimes fills the columns. What is no instant, or one too many, is left to the overflow.
func (x *extractor) readTimes(vs []asff.Value, times *[len(timeColumns)]int64) {
	for i := range times {
		times[i] = noTime
	}
	for i := range vs {
		v := &vs[i]
		if c := columnAt[v.Field]; c != 0 {
			if ms, ok := asff.ParseTime(v.Text); ok && times[c-1] == noTime {
				times[c-1] = ms
			} else {
				x.spill(v.Field)
			}
		}
	}
}

func (x *extractor) offer(v *asff.Value) {
	x.candidate(v.Field, v.Key, v.Text)
}

func (x *extractor) candidate(field asff.Field, key, value []byte) {
	c := candidate{field: field, key: key, text: value}
	if len(value) > maxText {
		x.folded = append(x.folded, [maxText]byte{})
		c.text, c.long = fold(value, &x.folded[len(x.folded)-1])
	}
	x.list = append(x.list, c)
}

func (x *extractor) spill(f asff.Field) {
	if !x.surplus[f] {
		x.surplus[f] = true
		x.spills = append(x.spills, f)
	}
}

// offerOverflows lists the marks of a document that has values that are not indexed.
func (x *extractor) offerOverflows() {
	for _, f := range x.spills {
		x.surplus[f] = false
		x.candidate(fieldOverflow, nil, spillText[f][:])
	}
}

// meet appends the candidates' terms. Those that have none are noted, for d; with none, they are nothing to anybody.
func (x *extractor) meet(d *difference, terms []uint32) []uint32 {
	dict := x.dict
	dict.mu.RLock()
	defer dict.mu.RUnlock()
	// Looking up many terms is mostly waiting for memory. In loops that do hardly more than fetch, for all of them, the processor waits
	// for many at once.
	for i := range x.list {
		c := &x.list[i]
		if c.attr, c.known = x.attr(c.field, c.key); c.known {
			c.hash = dict.hash(c.attr, c.long, c.text)
		}
	}
	touched := uint64(0)
	for i := range x.list {
		touched ^= dict.table.glance(x.list[i].hash)
	}
	for i := range x.list {
		c := &x.list[i]
		c.place = 0
		if c.known {
			c.found = dict.table.probe(c.hash)
			c.place, _ = c.found.next()
		}
	}
	for i := range x.list {
		if place := x.list[i].place; place != 0 {
			touched ^= uint64(dict.record(place)[0])
		}
	}
	x.touched = touched
	for i := range x.list {
		c := &x.list[i]
		for ok := c.place != 0; ok; c.place, ok = c.found.next() {
			if t := dict.termOf(dict.record(c.place)); t.is(c.attr, c.long, c.text) {
				if t.unused && d != nil {
					c.place = 0 // settle keeps it from being dropped
				} else {
					terms = append(terms, t.id)
				}
				break
			}
		}
		if c.place == 0 && d != nil {
			x.missing = append(x.missing, missing{of: d, field: c.field, long: c.long, attr: c.attr, key: x.keep(c.key), text: x.keep(c.text)})
		}
	}
	return terms
}

// attr finds an attribute: keys mostly come again.
func (x *extractor) attr(field asff.Field, key []byte) (attr uint32, ok bool) {
	if len(key) == 0 {
		return x.dict.attr(field, key)
	}
	guess := &x.guess[byte(field)*31+byte(len(key))*7+key[0]*3+key[len(key)-1]]    //nolint:gosec // a hash
	if *guess < uint32(len(x.dict.attrs)) && x.dict.attrs[*guess].is(field, key) { //nolint:gosec // bounded by memory
		return *guess, true
	}
	if attr, ok = x.dict.attr(field, key); ok {
		*guess = attr
	}
	return attr, ok
}

// keep copies bytes that belong to the caller.
func (x *extractor) keep(b []byte) span {
	from := len(x.texts)
	x.texts = append(x.texts, b...)
	return span{from, len(x.texts)}
}

// drop forgets what is missing in a difference that is filled anew.
func (x *extractor) drop(d *difference) {
	x.missing = slices.DeleteFunc(x.missing, func(m missing) bool { return m.of == d })
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
		m.of.add = append(m.of.add, x.dict.learn(m.attr, m.field, x.texts[m.key.from:m.key.to], m.long, x.texts[m.text.from:m.text.to]))
	}
	x.begin()
}
