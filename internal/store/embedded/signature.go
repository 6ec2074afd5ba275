package embedded

import (
	"context"
	"maps"
	"math/bits"
	"slices"
	"sync"
	"unicode"
	"unicode/utf8"

	"hubcap/internal/asff"
)

// signatures tell which values of an attribute may contain a text: each value has a row of bits, in which each three bytes in a row
// of it, letters without case, set one. The bits stand by column, so that a question reads only those of its own three bytes, for 64
// values at a time. What passes is looked at; the wrong ones are few.
type signatures struct {
	mu     sync.RWMutex
	field  asff.Field
	key    string
	upTo   int // terms of the attribute that were looked at
	ids    []uint32
	blocks []*signatureBlock
}

const (
	signatureBits  = 512 // a value of 128 bytes sets less than a quarter of them
	signatureWords = 64
	signatureTerms = 64 * signatureWords // of a block
	mostProbes     = 16
)

type signatureBlock [signatureBits][signatureWords]uint64

// attribute names an index of an attribute's values.
type valueIndex struct {
	field asff.Field
	key   string
}

// signatures is the index of an attribute's signatures.
func (s *Store) signatures(f asff.Field, key string) *signatures {
	s.values.mu.Lock()
	defer s.values.mu.Unlock()
	at := valueIndex{f, key}
	g := s.values.signatures[at]
	if g == nil {
		g = &signatures{field: f, key: key}
		s.values.signatures[at] = g
	}
	return g
}

// valueIndexes are what is made of the dictionary where a question asks for it.
type valueIndexes struct {
	mu         sync.Mutex
	signatures map[valueIndex]*signatures
	rankings   map[valueIndex]*ranking
}

func newValueIndexes() valueIndexes {
	return valueIndexes{signatures: map[valueIndex]*signatures{}, rankings: map[valueIndex]*ranking{}}
}

// sweep takes the terms that were dropped out of the rankings, and gives up the signatures of attributes that lost half of theirs.
func (v *valueIndexes) sweep(d *dictionary) {
	v.mu.Lock()
	rankings, all := slices.Collect(maps.Values(v.rankings)), maps.Clone(v.signatures)
	v.mu.Unlock()
	for _, r := range rankings {
		r.sweep(d)
	}
	for at, g := range all {
		if g.halfGone(d) {
			v.mu.Lock()
			delete(v.signatures, at)
			v.mu.Unlock()
		}
	}
}

func (g *signatures) halfGone(d *dictionary) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	gone := 0
	for part := range slices.Chunk(g.ids, walkStep) {
		d.mu.RLock()
		for _, id := range part {
			if t := d.at(id); t.id == 0 || t.gone {
				gone++
			}
		}
		d.mu.RUnlock()
	}
	return 2*gone > len(g.ids)
}

// search calls f for the terms that may contain the text; false where signatures do not help: the text is too short. f is called
// with the dictionary locked for reading.
func (g *signatures) search(ctx context.Context, d *dictionary, text string, f func(t *term)) bool {
	return g.each(ctx, d, text, func(set *[signatureWords]uint64, ids []uint32) {
		d.mu.RLock()
		defer d.mu.RUnlock()
		for w, word := range set {
			for ; word != 0; word &= word - 1 {
				if t := d.at(ids[w*64+bits.TrailingZeros64(word)]); t.id != 0 {
					f(&t)
				}
			}
		}
	})
}

// each calls f for each block, with the bits of the terms that may contain the text.
func (g *signatures) each(ctx context.Context, d *dictionary, text string, f func(set *[signatureWords]uint64, ids []uint32)) bool {
	var buf [256]byte
	folded := foldText(buf[:0], []byte(text))
	if len(folded) < 3 || !utf8.ValidString(text) {
		return false
	}
	probes := make([]uint32, 0, mostProbes)
	for i := 0; i+3 <= len(folded) && len(probes) < mostProbes; i++ {
		probes = append(probes, probeOf(folded[i:]))
	}
	g.catchUp(ctx, d)
	for from := 0; ctx.Err() == nil; from += signatureTerms {
		g.mu.RLock()
		if from >= len(g.ids) {
			g.mu.RUnlock()
			return true
		}
		block := g.blocks[from/signatureTerms]
		set := block[probes[0]]
		for _, p := range probes[1:] {
			row := &block[p]
			for w := range set {
				set[w] &= row[w]
			}
		}
		ids := g.ids[from:min(from+signatureTerms, len(g.ids))]
		g.mu.RUnlock()
		f(&set, ids)
	}
	return true
}

// count is how many values may contain the text; false where signatures do not help.
func (g *signatures) count(ctx context.Context, d *dictionary, text string) (n int, ok bool) {
	ok = g.each(ctx, d, text, func(set *[signatureWords]uint64, _ []uint32) {
		for _, word := range set {
			n += bits.OnesCount64(word)
		}
	})
	return n, ok
}

// catchUp takes in the values that came since.
func (g *signatures) catchUp(ctx context.Context, d *dictionary) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var buf [2 * maxText]byte
	for more := true; more && ctx.Err() == nil; {
		g.upTo, more = d.walk(g.field, g.key, g.upTo, func(t *term) {
			n := len(g.ids)
			if n%signatureTerms == 0 {
				g.blocks = append(g.blocks, new(signatureBlock))
			}
			g.ids = append(g.ids, t.id)
			block, word, bit := g.blocks[n/signatureTerms], n%signatureTerms/64, uint64(1)<<(n%64)
			if t.long { // its tail is not here: it may contain anything
				for i := range block {
					block[i][word] |= bit
				}
				return
			}
			folded := foldText(buf[:0], t.text)
			for i := 0; i+3 <= len(folded); i++ {
				block[probeOf(folded[i:])][word] |= bit
			}
		})
	}
}

// probeOf is the bit that three bytes set.
func probeOf(b []byte) uint32 {
	return (uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16) * 0x9e3779b1 >> (32 - 9) // 512 bits
}

// foldText appends b with each letter replaced by the first of those that differ in case only: what query.Match takes for equal under
// folding has one folded text.
func foldText(dst, b []byte) []byte {
	for i := 0; i < len(b); {
		c := b[i]
		if c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		least := r
		for q := unicode.SimpleFold(r); q != r; q = unicode.SimpleFold(q) {
			least = min(least, q)
		}
		if 'A' <= least && least <= 'Z' {
			least += 'a' - 'A'
		}
		dst = utf8.AppendRune(dst, least)
		i += n
	}
	return dst
}
