package embedded

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"

	"hubcap/internal/asff"
)

// What of a value is kept in memory. A longer one is known by its first bytes and a hash that nobody can forge, so equality
// and grouping stay exact for values of any length, a prefix up to that many bytes; the rest query.Match decides. Most of those are
// identifiers and descriptions, of which each finding has its own: what is kept of them is most of the index's memory.
const (
	maxText  = 128           // bytes of a value that are kept
	longHead = 112           // bytes of a longer one, before its hash: identifiers share the first hundred, and are sorted by the rest
	longText = longHead + 16 // of SHA-256
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
	id   uint32
	attr uint32
	long bool   // it stands for a longer value
	text []byte // of a long one the head; must not be changed; stays valid as long as the question or the write that met it
	sum  []byte // of a long one the hash

	unused bool // perhaps about to be dropped
	gone   bool // dropped; some who met it may still go on with it
}

// attribute is a field, and a key where the field is a map, with the terms that its values have.
type attribute struct {
	field asff.Field
	key   string
	salt  uint64 // of the hashes of its terms: field and key, so that they outlast its number
	terms numbers
	live  int // terms that were not dropped
}

// dictionary numbers terms, from 1. A walk over an attribute may let go of the lock and go on by position. Most of what a write
// does is looking terms up, and most of that is waiting for memory: a term lies in one piece, found by one probe.
//
// On disk it is the terms by number. Numbers have gaps where terms were dropped, and a sweep moves records: what is written must name
// terms by number, not by place.
type dictionary struct {
	mu    sync.RWMutex
	key   *hashKey
	mask  uint64 // of the hash; tests force collisions with it
	limit int64  // bytes; 0: none

	arena  [][]byte // blocks of term records: number, attribute, flags, length, text; each begins at a multiple of recordAlign
	heads  heads    // of long values, of which the record has the number, and then the hash
	waste  []int    // bytes of dropped records, by block
	idle   []int    // blocks that were given up
	last   int      // the block that is being filled
	room   int      // left in it
	places [][]uint32
	next   uint32    // number of the next term
	table  hashTable // of places

	attrs   []attribute
	scalars [256]uint32 // attribute of a field without keys, plus one
	keyed   hashTable   // of attributes, plus one, by field and key
	spare   []uint32    // attributes that were dropped
	start   int         // of the lists of attributes to come: who went over a list of one that was dropped must not miss any
	terms   int         // that are there
	bytes   int64       // estimate of what all this takes
}

const (
	termChunk   = 1 << 14
	arenaBlock  = 1 << 18
	recordAlign = 4
	recordHead  = 10

	flagLong   = 1
	flagUnused = 2 // a sweep saw no document with it; who looks it up for a new one must take the flag away
	flagGone   = 4
)

func newDictionary(limit int64, key *hashKey, mask uint64) *dictionary {
	return &dictionary{key: key, mask: mask, limit: limit, next: 1}
}

// numbers is a list of numbers that grows at its end; a number keeps its position.
type numbers struct {
	start  int        // the first position
	chunks [][]uint32 // full, but for the last; nil where all of them were dropped
}

const numbersChunk = 1 << 10

func (l *numbers) add(n uint32) {
	last := len(l.chunks) - 1
	if last < 0 || len(l.chunks[last]) == numbersChunk {
		room := 1
		if last >= 0 {
			room = numbersChunk
		}
		l.chunks = append(l.chunks, make([]uint32, 0, room))
		last++
	}
	l.chunks[last] = append(l.chunks[last], n)
}

func (l *numbers) len() int {
	last := len(l.chunks) - 1
	if last < 0 {
		return l.start
	}
	return l.start + last*numbersChunk + len(l.chunks[last])
}

// at is the number at a position, 0 where it was dropped.
func (l *numbers) at(i int) uint32 {
	i -= l.start
	if c := l.chunks[i/numbersChunk]; c != nil {
		return c[i%numbersChunk]
	}
	return 0
}

// fold gives the text under which a value is kept: itself, or head and hash, written to buf.
func fold(value []byte, buf *[maxText]byte) (text []byte, long bool) {
	if len(value) <= maxText {
		return value, false
	}
	sum := sha256.Sum256(value)
	copy(buf[:], value[:longHead])
	copy(buf[longHead:longText], sum[:])
	return buf[:longText], true
}

func (d *dictionary) hash(attr uint32, long bool, text []byte) uint64 {
	if long {
		return d.hashOf(attr, text[longHead:])
	}
	return d.key.sum(text, d.attrs[attr].salt) & d.mask
}

// hashOf is that of the term of a longer value. Its own hash says it all.
func (d *dictionary) hashOf(attr uint32, sum []byte) uint64 {
	return d.key.sum(sum, ^d.attrs[attr].salt) & d.mask
}

// hashAgain is the hash of a term that is there.
func (d *dictionary) hashAgain(t *term) uint64 {
	if t.long {
		return d.hashOf(t.attr, t.sum)
	}
	return d.hash(t.attr, false, t.text)
}

// attr finds the attribute of a field and key. The caller holds the lock.
func (d *dictionary) attr(field asff.Field, key []byte) (uint32, bool) {
	if len(key) == 0 {
		a := d.scalars[field]
		return a - 1, a != 0
	}
	for p := d.keyed.probe(d.attrHash(field, key)); ; {
		a, ok := p.next()
		if !ok || d.attrs[a-1].is(field, key) {
			return a - 1, ok
		}
	}
}

func (d *dictionary) attrHash(field asff.Field, key []byte) uint64 {
	return d.key.sum(key, uint64(field)) & d.mask
}

// record is a term's piece of memory. Places are counted in units of recordAlign, from 1.
func (d *dictionary) record(place uint32) []byte {
	at := int(place-1) * recordAlign
	return d.arena[at/arenaBlock][at%arenaBlock:]
}

// termOf reads a record.
func (d *dictionary) termOf(rec []byte) term {
	flags, n := rec[8], int(rec[9])
	t := term{
		id: binary.LittleEndian.Uint32(rec), attr: binary.LittleEndian.Uint32(rec[4:]),
		long: flags&flagLong != 0, unused: flags&flagUnused != 0, gone: flags&flagGone != 0,
		text: rec[recordHead : recordHead+n : recordHead+n],
	}
	if t.long {
		t.sum = t.text[4:]
		t.text = d.heads.at(binary.LittleEndian.Uint32(t.text))
	}
	return t
}

// is tells whether a term is a value, as fold gives it.
func (t *term) is(attr uint32, long bool, text []byte) bool {
	if t.attr != attr || t.long != long {
		return false
	}
	if long {
		return string(t.sum) == string(text[longHead:]) // which covers the head, and costs no look at it
	}
	return string(t.text) == string(text)
}

// appendFolded appends what fold gives of a term's value.
func (t *term) appendFolded(dst []byte) []byte { return append(append(dst, t.text...), t.sum...) }

func (a *attribute) is(field asff.Field, key []byte) bool {
	return a.field == field && a.key == string(key)
}

// find looks a term up. The caller holds the lock.
func (d *dictionary) find(attr uint32, long bool, text []byte) (t term, ok bool) {
	return d.match(d.hash(attr, long, text), attr, long, text)
}

func (d *dictionary) match(h uint64, attr uint32, long bool, text []byte) (t term, ok bool) {
	for p := d.table.probe(h); ; {
		place, ok := p.next()
		if !ok {
			return t, false
		}
		if t = d.termOf(d.record(place)); t.is(attr, long, text) {
			return t, true
		}
	}
}

// learn gives a value its term, or the mark of the field's overflow when the memory for terms is used up. guess may be its attribute.
// The caller holds the lock for writing.
func (d *dictionary) learn(guess uint32, field asff.Field, key []byte, long bool, text []byte) uint32 {
	attr, ok := guess, true
	if guess >= uint32(len(d.attrs)) || !d.attrs[guess].is(field, key) { //nolint:gosec // bounded by memory
		attr, ok = d.attr(field, key)
	}
	h := uint64(0)
	if ok {
		h = d.hash(attr, long, text)
		if t, ok := d.match(h, attr, long, text); ok { // another writer was first, or it was about to be dropped
			d.record(d.places[t.id/termChunk][t.id%termChunk])[8] &^= flagUnused
			return t.id
		}
	}
	if d.overBudget() && field < fieldOverflow {
		return d.learn(0, fieldOverflow, nil, false, spillText[field][:])
	}
	if !ok {
		attr = d.newAttribute(field, key)
		h = d.hash(attr, long, text)
	}
	return d.insert(h, attr, long, text)
}

// overflows appends the marks of all fields.
func (d *dictionary) overflows(terms []uint32) []uint32 {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if attr, ok := d.attr(fieldOverflow, nil); ok {
		for _, c := range d.attrs[attr].terms.chunks {
			terms = append(terms, c...)
		}
	}
	return terms
}

func (d *dictionary) newAttribute(field asff.Field, key []byte) (attr uint32) {
	if n := len(d.spare); n > 0 {
		attr, d.spare = d.spare[n-1], d.spare[:n-1]
	} else {
		attr = uint32(len(d.attrs)) //nolint:gosec // bounded by memory
		d.attrs = append(d.attrs, attribute{})
	}
	d.attrs[attr] = attribute{field: field, key: string(key), salt: d.key.sum(key, uint64(field)), terms: numbers{start: d.start}}
	if len(key) == 0 {
		d.scalars[field] = attr + 1
	} else {
		d.keyed.add(d.attrHash(field, key), attr+1)
	}
	d.bytes += attributeSize + int64(len(key))
	return attr
}

// What an attribute and a term take beside their texts: of a term, record 12, slot 12, place 4, list 5, posting 8, and a little.
const (
	attributeSize = 128
	termSize      = 48
)

// insert adds a term that is not there. The caller holds the lock for writing.
func (d *dictionary) insert(h uint64, attr uint32, long bool, text []byte) (id uint32) {
	t := newTerm(d.next, attr, long, text)
	d.next++
	d.enter(h, &t)
	return t.id
}

// newTerm is a term of a value as fold gives it.
func newTerm(id, attr uint32, long bool, text []byte) term {
	t := term{id: id, attr: attr, long: long, text: text}
	if long {
		t.text, t.sum = text[:longHead], text[longHead:]
	}
	return t
}

// put stores a term under its number, which is unused. The caller holds the lock for writing.
func (d *dictionary) put(t *term) {
	d.next = max(d.next, t.id+1)
	d.enter(d.hashAgain(t), t)
}

func (d *dictionary) enter(h uint64, t *term) { d.table.add(h, d.lay(t)) }

// lay puts a term where its number tells where it is, but not into the table.
func (d *dictionary) lay(t *term) (place uint32) {
	place = d.write(t)
	for len(d.places) <= int(t.id/termChunk) {
		d.places = append(d.places, nil)
	}
	if d.places[t.id/termChunk] == nil {
		d.places[t.id/termChunk] = make([]uint32, termChunk)
	}
	d.places[t.id/termChunk][t.id%termChunk] = place
	a := &d.attrs[t.attr]
	a.terms.add(t.id)
	a.live++
	d.terms++
	return place
}

// write writes a term's record.
func (d *dictionary) write(t *term) (place uint32) {
	var buf [4 + longText]byte
	text, flags := t.text, byte(0)
	if t.long {
		n, fresh := d.heads.take(d.headHash(t.text), t.text)
		if fresh {
			d.bytes += headSize
		}
		text, flags = append(binary.LittleEndian.AppendUint32(buf[:0], n), t.sum...), flagLong
	}
	place, rec := d.newRecord(len(text))
	binary.LittleEndian.PutUint32(rec, t.id)
	binary.LittleEndian.PutUint32(rec[4:], t.attr)
	rec[8], rec[9] = flags, byte(len(text)) //nolint:gosec // at most maxText
	copy(rec[recordHead:], text)
	d.bytes += termSize + int64(len(text))
	return place
}

func (d *dictionary) headHash(text []byte) uint64 { return d.key.sum(text, ^uint64(0)) & d.mask }

// newRecord makes room in the arena.
func (d *dictionary) newRecord(text int) (place uint32, rec []byte) {
	size := recordSize(text)
	if d.room < size {
		d.newBlock()
	}
	at := d.last*arenaBlock + arenaBlock - d.room
	d.room -= size
	place = uint32(at/recordAlign) + 1 //nolint:gosec // 16 GB
	return place, d.record(place)
}

func recordSize(text int) int {
	return (recordHead + text + recordAlign - 1) / recordAlign * recordAlign
}

// newBlock begins a block. A block is never used again for other records: who holds a text of it may go on.
func (d *dictionary) newBlock() {
	if n := len(d.idle); n > 0 {
		d.last, d.idle = d.idle[n-1], d.idle[:n-1]
		d.arena[d.last] = make([]byte, arenaBlock)
	} else {
		d.last = len(d.arena)
		d.arena, d.waste = append(d.arena, make([]byte, arenaBlock)), append(d.waste, 0)
	}
	d.room = arenaBlock
}

// at is the term of a number that was given out; the zero term where it was dropped. The caller holds the lock.
func (d *dictionary) at(id uint32) (t term) {
	if d.known(id) {
		t = d.termOf(d.record(d.places[id/termChunk][id%termChunk]))
	}
	return t
}

// known tells whether there is a term of that number. The caller holds the lock.
func (d *dictionary) known(id uint32) bool {
	chunk := int(id / termChunk)
	return chunk < len(d.places) && d.places[chunk] != nil && d.places[chunk][id%termChunk] != 0
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
	t, ok := d.find(attr, long, text)
	return t.id, ok
}

// walkStep is how many terms are looked at under one hold of the lock.
const walkStep = 4096

// walk calls f for the terms of an attribute from the from-th on, and tells where it stopped and whether there are more.
func (d *dictionary) walk(field asff.Field, key string, from int, f func(t *term)) (to int, more bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	attr, ok := d.attr(field, []byte(key))
	if !ok {
		return from, false
	}
	ids := &d.attrs[attr].terms
	from = max(from, ids.start)
	to = min(from+walkStep, ids.len())
	for i := from; i < to; i++ {
		if t := d.at(ids.at(i)); t.id != 0 && !t.gone {
			f(&t)
		}
	}
	return to, to < ids.len()
}
