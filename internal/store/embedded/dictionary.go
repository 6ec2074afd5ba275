package embedded

import (
	"crypto/sha256"
	"hash/maphash"
	"sync"

	"hubcap/internal/asff"
)

// What of a value is kept in memory. A longer one is known by its first bytes and a hash that nobody can forge, so equality
// and grouping stay exact for values of any length, a prefix up to that many bytes; the rest query.Match decides.
const (
	maxText  = 64 // bytes of a value that are kept
	longHead = 48 // bytes of a longer one, before 16 bytes of its SHA-256
	maxKey   = 128
)

// Fields of our own, above those of package asff: every document has one term of each of the first two, and the third marks
// documents with values of a field that the index does not hold.
const (
	fieldAccount  asff.Field = 255 - iota // the account of the key
	fieldRegion                           // the region of the key
	fieldOverflow                         // its text is one byte: the field whose values are not all indexed
)

// A term is one value of one attribute. Its number stands for exactly that value: terms are compared whole, never by hash.
type term struct {
	attr  uint32
	long  bool // text is the head and the hash of a longer value
	saved bool // its record is in the database
	text  string
}

// attribute is a field, and a key where the field is a map, with the terms that its values have.
type attribute struct {
	field asff.Field
	key   string
	terms []uint32 // in the order in which they were met
}

// dictionary numbers terms. It only grows while the store is open, so a walk over an attribute may let go of the lock and go on
// by position.
type dictionary struct {
	mu    sync.RWMutex
	seed  maphash.Seed
	mask  uint64 // of the hash; tests force collisions with it
	limit int64  // bytes; 0: none

	terms   [][]term // in chunks, so that growing moves nothing
	next    uint32
	byHash  map[uint64]uint32 // the first term of a hash
	more    map[uint64][]uint32
	attrs   []attribute
	scalars [256]uint32        // attribute of a field without keys, plus one
	keyed   map[attrKey]uint32 // attribute of a field and key
	bytes   int64              // estimate of what all this takes
}

const termChunk = 1 << 14

type attrKey struct {
	field asff.Field
	key   string
}

func newDictionary(limit int64) *dictionary {
	return &dictionary{
		seed: maphash.MakeSeed(), mask: ^uint64(0), limit: limit,
		byHash: map[uint64]uint32{}, more: map[uint64][]uint32{}, keyed: map[attrKey]uint32{},
	}
}

// fold gives the text under which a value is kept: itself, or head and hash, written to buf.
func fold(value []byte, buf *[maxText]byte) (text []byte, long bool) {
	if len(value) <= maxText {
		return value, false
	}
	sum := sha256.Sum256(value)
	copy(buf[:], value[:longHead])
	copy(buf[longHead:], sum[:maxText-longHead])
	return buf[:], true
}

func (d *dictionary) hash(attr uint32, long bool, text []byte) uint64 {
	h := maphash.Bytes(d.seed, text) ^ (uint64(attr)+1)*0x9e3779b97f4a7c15
	if long {
		h = ^h
	}
	return h & d.mask
}

// attr finds the attribute of a field and key. The caller holds the lock.
func (d *dictionary) attr(field asff.Field, key []byte) (uint32, bool) {
	if len(key) == 0 {
		a := d.scalars[field]
		return a - 1, a != 0
	}
	a, ok := d.keyed[attrKey{field, string(key)}]
	return a, ok
}

// find looks a term up. The caller holds the lock.
func (d *dictionary) find(attr uint32, long bool, text []byte) (uint32, bool) {
	h := d.hash(attr, long, text)
	id, ok := d.byHash[h]
	if !ok {
		return 0, false
	}
	if t := d.at(id); t.attr == attr && t.long == long && t.text == string(text) {
		return id, true
	}
	for _, id := range d.more[h] {
		if t := d.at(id); t.attr == attr && t.long == long && t.text == string(text) {
			return id, true
		}
	}
	return 0, false
}

// insert adds a term that is not there, with its attribute. The caller holds the lock for writing.
func (d *dictionary) insert(field asff.Field, key []byte, long bool, text []byte) uint32 {
	attr, ok := d.attr(field, key)
	if !ok {
		attr = d.newAttribute(field, key)
	}
	id := d.next
	d.put(id, term{attr: attr, long: long, text: string(text)})
	return id
}

func (d *dictionary) newAttribute(field asff.Field, key []byte) uint32 {
	attr := uint32(len(d.attrs)) //nolint:gosec // bounded by memory
	d.attrs = append(d.attrs, attribute{field: field, key: string(key)})
	if len(key) == 0 {
		d.scalars[field] = attr + 1
	} else {
		d.keyed[attrKey{field, string(key)}] = attr
	}
	d.bytes += 128 + int64(len(key))
	return attr
}

// put stores a term under its number, which is unused. The caller holds the lock for writing.
func (d *dictionary) put(id uint32, t term) {
	for len(d.terms) <= int(id/termChunk) {
		d.terms = append(d.terms, make([]term, termChunk))
	}
	*d.at(id) = t
	d.next = max(d.next, id+1)
	h := d.hash(t.attr, t.long, []byte(t.text))
	if _, taken := d.byHash[h]; taken {
		d.more[h] = append(d.more[h], id)
	} else {
		d.byHash[h] = id
	}
	a := &d.attrs[t.attr]
	a.terms = append(a.terms, id)
	d.bytes += 72 + int64(len(t.text)) // string and attribute 32, hash 20, posting 16, list 4
}

// overBudget tells whether new terms must go to the overflow. The caller holds the lock.
func (d *dictionary) overBudget() bool { return d.limit > 0 && d.bytes >= d.limit }

// lookup finds one value's term.
func (d *dictionary) lookup(field asff.Field, key string, value []byte) (uint32, bool) {
	var buf [maxText]byte
	text, long := fold(value, &buf)
	d.mu.RLock()
	defer d.mu.RUnlock()
	attr, ok := d.attr(field, []byte(key))
	if !ok {
		return 0, false
	}
	return d.find(attr, long, text)
}

// walkStep is how many terms are looked at under one hold of the lock.
const walkStep = 4096

// walk calls f for the terms of an attribute from the from-th on, and returns where it stopped. f must not keep t.
func (d *dictionary) walk(field asff.Field, key string, from int, f func(id uint32, t *term)) (int, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	attr, ok := d.attr(field, []byte(key))
	if !ok {
		return from, false
	}
	ids := d.attrs[attr].terms
	to := min(from+walkStep, len(ids))
	for _, id := range ids[from:to] {
		f(id, d.at(id))
	}
	return to, to < len(ids)
}

// at is the term of a number that was given out. The caller holds the lock.
func (d *dictionary) at(id uint32) *term { return &d.terms[id/termChunk][id%termChunk] }
