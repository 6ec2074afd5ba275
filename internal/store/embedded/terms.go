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
		at[f] = uint8(i + 1) //nolint:gosec // a handful
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

// An unknownTerm is a value that the dictionary did not hold when it was asked.
type unknownTerm struct {
	field asff.Field
	long  bool
	key   []byte
	text  []byte // aliases the value, or folded
}

// An extractor turns values into an index entry. One goroutine uses it at a time.
type extractor struct {
	dict    *dictionary
	unknown []unknownTerm
	folded  [][maxText]byte // texts of unknown long values
	fresh   []uint32        // terms met that may have no record in the database yet
	surplus [256]bool       // fields with values that are not indexed
	spills  []asff.Field    // those set in surplus
}

// extract fills e's times and terms from the values of a finding under key k. vs is not kept.
func (x *extractor) extract(k *store.Key, vs []asff.Value, e *entry) {
	for i := range e.times {
		e.times[i] = noTime
	}
	e.terms = e.terms[:0]
	x.unknown, x.folded, x.spills = x.unknown[:0], x.folded[:0], x.spills[:0]
	// The folded texts are referred to by slices: the array must not move.
	if cap(x.folded) < maxTerms+4 {
		x.folded = make([][maxText]byte, 0, maxTerms+4)
	}
	d := x.dict
	d.mu.RLock()
	x.meet(e, fieldAccount, nil, []byte(k.Account))
	x.meet(e, fieldRegion, nil, []byte(k.Region))
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
		if len(v.Key) > maxKey || len(e.terms)+len(x.unknown) >= maxTerms {
			x.spill(v.Field)
			continue
		}
		text := v.Text
		if v.Field.Kind() == asff.KindDate {
			text = nil // only that it is there
		}
		x.meet(e, v.Field, v.Key, text)
	}
	d.mu.RUnlock()
	if len(x.unknown) > 0 {
		d.mu.Lock()
		for i := range x.unknown {
			x.learn(e, &x.unknown[i])
		}
		d.mu.Unlock()
	}
	for _, f := range x.spills {
		x.surplus[f] = false
		x.overflow(e, f)
	}
	slices.Sort(e.terms)
	e.terms = slices.Compact(e.terms)
}

func (x *extractor) spill(f asff.Field) {
	if !x.surplus[f] {
		x.surplus[f] = true
		x.spills = append(x.spills, f)
	}
}

// meet adds a value's term, or notes that it is unknown. The caller holds the dictionary's lock.
func (x *extractor) meet(e *entry, field asff.Field, key, value []byte) {
	text, long := value, false
	if len(value) > maxText {
		x.folded = append(x.folded, [maxText]byte{})
		text, long = fold(value, &x.folded[len(x.folded)-1])
	}
	if attr, ok := x.dict.attr(field, key); ok {
		if t, ok := x.dict.find(attr, long, text); ok {
			x.use(e, &t)
			return
		}
	}
	x.unknown = append(x.unknown, unknownTerm{field: field, long: long, key: key, text: text})
}

func (x *extractor) use(e *entry, t *term) {
	e.terms = append(e.terms, t.id)
	if !t.saved {
		x.fresh = append(x.fresh, t.id)
	}
}

// learn gives an unknown value a term, or spills it when the memory for terms is used up. The caller holds the lock for writing.
func (x *extractor) learn(e *entry, u *unknownTerm) {
	if attr, ok := x.dict.attr(u.field, u.key); ok {
		if t, ok := x.dict.find(attr, u.long, u.text); ok { // another writer was first
			x.use(e, &t)
			return
		}
	}
	if x.dict.overBudget() && u.field < fieldOverflow {
		x.spill(u.field)
		return
	}
	x.use(e, &term{id: x.dict.insert(u.field, u.key, u.long, u.text)})
}

// overflow marks a document as having values of a field that are not indexed.
func (x *extractor) overflow(e *entry, f asff.Field) {
	text := []byte{byte(f)}
	d := x.dict
	d.mu.Lock()
	defer d.mu.Unlock()
	if attr, ok := d.attr(fieldOverflow, nil); ok {
		if t, ok := d.find(attr, false, text); ok {
			x.use(e, &t)
			return
		}
	}
	x.use(e, &term{id: d.insert(fieldOverflow, nil, false, text)})
}
