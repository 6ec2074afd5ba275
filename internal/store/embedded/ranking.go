package embedded

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"sync"

	"hubcap/internal/asff"
	"hubcap/internal/query"
)

// ranking is the terms of an attribute in the order of their values. It is made where a question asks for it, and takes in what came
// since when the next one does. Of a long value only the head counts; those with one head stand together, and who needs their order
// reads documents.
type ranking struct {
	mu     sync.RWMutex
	field  asff.Field
	key    string
	upTo   int        // terms of the attribute that were looked at
	chunks [][]uint32 // none empty, the terms of one before those of the next
}

// rankingChunk is how many terms a chunk has at most.
const rankingChunk = 1024

// pivot is a value to seek: the place before all terms of that value, or behind them.
type pivot struct {
	text   []byte
	num    float64
	behind bool
}

// ranking is the index of an attribute's order.
func (s *Store) ranking(f asff.Field, key string) *ranking {
	s.values.mu.Lock()
	defer s.values.mu.Unlock()
	at := valueIndex{f, key}
	r := s.values.rankings[at]
	if r == nil {
		r = &ranking{field: f, key: key}
		s.values.rankings[at] = r
	}
	return r
}

// numeric tells whether an attribute sorts by numbers: those of numbers and dates, and the rank of severities.
func numeric(f asff.Field) bool {
	return f.Kind() == asff.KindNumber || f.Kind() == asff.KindDate || f == asff.FieldSeverityLabel || f == asff.FieldFindingProviderFieldsSeverityLabel
}

// headOf is what a ranking compares of a text.
func headOf(text []byte) []byte { return text[:min(len(text), longHead)] }

// sortText is the text of a term as far as it is known.
func (t *term) sortText() []byte {
	if t.long {
		return t.text[:longHead]
	}
	return t.text
}

// compareTerm compares a term with a value: by number, or by text. The caller holds the dictionary's lock.
func (r *ranking) compareTerm(t *term, p *pivot) int {
	var c int
	if numeric(r.field) {
		c = cmp.Compare(query.SortValueOf(r.field, t.text).Num, p.num)
	} else {
		c = bytes.Compare(t.sortText(), p.text)
	}
	if c == 0 && p.behind {
		return -1
	}
	return c
}

// pivotOf is a term as a pivot.
func (r *ranking) pivotOf(t *term) pivot {
	if numeric(r.field) {
		return pivot{num: query.SortValueOf(r.field, t.text).Num}
	}
	return pivot{text: t.sortText()}
}

// seek is the place of the first term that is not before the pivot. The caller holds both locks.
func (r *ranking) seek(d *dictionary, p *pivot) (chunk, at int) {
	before := func(id uint32) bool {
		t := d.at(id)
		return r.compareTerm(&t, p) < 0
	}
	chunk = lowerBound(len(r.chunks), func(i int) bool { return before(r.chunks[i][len(r.chunks[i])-1]) })
	if chunk == len(r.chunks) {
		return chunk, 0
	}
	list := r.chunks[chunk]
	return chunk, lowerBound(len(list), func(i int) bool { return before(list[i]) })
}

// lowerBound is the first index below n that is not before.
func lowerBound(n int, before func(i int) bool) int {
	from := 0
	for from < n {
		if mid := int(uint(from+n) >> 1); before(mid) {
			from = mid + 1
		} else {
			n = mid
		}
	}
	return from
}

// between is how many terms stand from a pivot on and before another.
func (r *ranking) between(d *dictionary, from, to *pivot) (n int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	d.mu.RLock()
	defer d.mu.RUnlock()
	chunk, at := r.seek(d, from)
	last, end := r.seek(d, to)
	for ; chunk < last; chunk++ {
		n += len(r.chunks[chunk])
	}
	return n - at + end
}

// rankingStep is about how many terms after appends.
const rankingStep = 64

// after appends the next terms from the pivot on, backwards those before it, and moves the pivot behind them. Terms that share a
// value, or the head of a long one, come in one call.
func (r *ranking) after(d *dictionary, p *pivot, backwards bool, dst []uint32) []uint32 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	d.mu.RLock()
	defer d.mu.RUnlock()
	chunk, at := r.seek(d, p)
	var last term
	for {
		var id uint32
		if backwards {
			if at--; at < 0 {
				if chunk--; chunk < 0 {
					break
				}
				at = len(r.chunks[chunk]) - 1
			}
			id = r.chunks[chunk][at]
		} else {
			if chunk == len(r.chunks) {
				break
			}
			id = r.chunks[chunk][at]
			if at++; at == len(r.chunks[chunk]) {
				chunk, at = chunk+1, 0
			}
		}
		t := d.at(id)
		if len(dst) >= rankingStep && !r.together(&last, &t) {
			break
		}
		dst, last = append(dst, id), t
	}
	if len(dst) > 0 {
		*p = r.pivotOf(&last)
		if !numeric(r.field) && len(p.text) >= longHead {
			p.text = headOf(p.text)
			if !backwards {
				// Behind everything that begins so.
				p.text = append(bytes.Clone(p.text), endOfTexts...)
			}
		}
		p.behind = !backwards
	}
	return dst
}

// endOfTexts is behind the rest of any text.
var endOfTexts = bytes.Repeat([]byte{0xff}, maxText)

// together tells whether the order of two neighbours is not known, or is none.
func (r *ranking) together(a, b *term) bool {
	if numeric(r.field) {
		return query.SortValueOf(r.field, a.text).Num == query.SortValueOf(r.field, b.text).Num
	}
	x, y := a.sortText(), b.sortText()
	return len(x) >= longHead && len(y) >= longHead && bytes.Equal(x[:longHead], y[:longHead])
}

// ranked is a term on its way into a ranking.
type ranked struct {
	at   uint64 // eight bytes of the text, or the number
	text []byte
	id   uint32
}

// catchUp takes in the terms that came since.
func (r *ranking) catchUp(d *dictionary) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var fresh []ranked
	isNumeric := numeric(r.field)
	for more := true; more; {
		r.upTo, more = d.walk(r.field, r.key, r.upTo, func(t *term) {
			v := ranked{text: t.sortText(), id: t.id}
			if isNumeric {
				n := query.SortValueOf(r.field, t.text)
				if n.Missing {
					return
				}
				v.at = orderedBits(n.Num)
			}
			fresh = append(fresh, v)
		})
	}
	if len(fresh) == 0 {
		return
	}
	if isNumeric {
		slices.SortFunc(fresh, func(a, b ranked) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id)) })
	} else {
		sortTexts(fresh, 0)
	}
	if len(r.chunks) == 0 {
		for part := range slices.Chunk(fresh, rankingChunk/2) {
			ids := make([]uint32, len(part), rankingChunk)
			for i := range part {
				ids[i] = part[i].id
			}
			r.chunks = append(r.chunks, ids)
		}
		return
	}
	for from := 0; from < len(fresh); from += walkStep {
		d.mu.RLock()
		for _, v := range fresh[from:min(from+walkStep, len(fresh))] {
			r.insert(d, v.id)
		}
		d.mu.RUnlock()
	}
}

// sweep takes out the terms that were dropped.
func (r *ranking) sweep(d *dictionary) {
	for i, more := 0, true; more; {
		r.mu.Lock()
		d.mu.RLock()
		if more = i < len(r.chunks); more {
			list := slices.DeleteFunc(r.chunks[i], func(id uint32) bool { return d.at(id).gone })
			if r.chunks[i] = list; len(list) == 0 {
				r.chunks = slices.Delete(r.chunks, i, i+1)
			} else {
				i++
			}
		}
		d.mu.RUnlock()
		r.mu.Unlock()
	}
}

// insert puts a term behind those of its value. The caller holds both locks.
func (r *ranking) insert(d *dictionary, id uint32) {
	t := d.at(id)
	p := r.pivotOf(&t)
	p.behind = true
	chunk, at := r.seek(d, &p)
	if chunk == len(r.chunks) {
		chunk--
		at = len(r.chunks[chunk])
	}
	list := slices.Insert(r.chunks[chunk], at, id)
	r.chunks[chunk] = list
	if len(list) < rankingChunk {
		return
	}
	half := slices.Clone(list[len(list)/2:])
	r.chunks[chunk] = list[:len(list)/2]
	r.chunks = slices.Insert(r.chunks, chunk+1, half)
}

// sortTexts sorts by text from a depth on, up to which all are the same: eight bytes at a time, which stand in the list itself, since
// most of the time of sorting texts is waiting for memory.
func sortTexts(list []ranked, depth int) {
	rest := func(v *ranked) int { return min(len(v.text)-depth, 8) + 1 }
	for i := range list {
		list[i].at = eightBytes(list[i].text[depth:])
	}
	slices.SortFunc(list, func(a, b ranked) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(rest(&a), rest(&b))) })
	for from := 0; from < len(list); {
		to := from + 1
		for to < len(list) && list[to].at == list[from].at && rest(&list[to]) == rest(&list[from]) {
			to++
		}
		if same := list[from:to]; len(same) > 1 {
			if len(same[0].text) >= depth+8 {
				sortTexts(same, depth+8)
			} else { // heads of long values
				slices.SortFunc(same, func(a, b ranked) int { return cmp.Compare(a.id, b.id) })
			}
		}
		from = to
	}
}

// orderedBits orders as the numbers do.
func orderedBits(x float64) uint64 {
	b := math.Float64bits(x + 0) // -0 becomes 0
	if b>>63 == 0 {
		return b | 1<<63
	}
	return ^b
}

func eightBytes(b []byte) uint64 {
	if len(b) >= 8 {
		return binary.BigEndian.Uint64(b)
	}
	var buf [8]byte
	copy(buf[:], b)
	return binary.BigEndian.Uint64(buf[:])
}
