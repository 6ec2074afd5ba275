package embedded

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
)

// hashKey makes hashes that nobody can foresee who does not know the store's seed, so that nobody can send values that all meet in one
// place. The seed is on the disk: what lies in the order of its hashes can be written out and read back. Nothing is decided by a
// hash alone.
type hashKey [4]uint64

func newHashKey(seed []byte) (k hashKey) {
	sum := sha256.Sum256(append([]byte("hash tables\x00"), seed...))
	for i := range k {
		k[i] = binary.LittleEndian.Uint64(sum[8*i:]) | 1
	}
	return k
}

// fold128 multiplies and folds the product: the mixing step of the wyhash family.
func fold128(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// sum hashes b and a number.
func (k *hashKey) sum(b []byte, and uint64) uint64 {
	h, n := fold128(and^k[0], k[1]), len(b)
	var first, last uint64
	switch {
	case n > 16:
		for rest := b; len(rest) > 16; rest = rest[16:] {
			h = fold128(binary.LittleEndian.Uint64(rest)^k[1], binary.LittleEndian.Uint64(rest[8:])^h)
		}
		first, last = binary.LittleEndian.Uint64(b[n-16:]), binary.LittleEndian.Uint64(b[n-8:])
	case n >= 8:
		first, last = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[n-8:])
	case n >= 4:
		first, last = uint64(binary.LittleEndian.Uint32(b)), uint64(binary.LittleEndian.Uint32(b[n-4:]))
	case n > 0:
		first = uint64(b[0])<<16 | uint64(b[n/2])<<8 | uint64(b[n-1]) //nolint:gosec // not empty
	}
	return fold128(k[2]^uint64(n), fold128(first^k[3], last^h))
}

// A hashTable maps hashes to numbers other than 0; several may have one hash, so what is found must be compared. It consists of
// many parts, so that none takes long to grow. A slot of a part holds the upper half of a hash and the number, or 0; the search
// begins at the place that the upper half says and ends at a free slot.
//
// On disk it would be its parts: the length of each, and its slots as they are. They may be of any length.
type hashTable struct {
	parts [hashParts]hashPart
	used  int
}

const hashParts = 256

type hashPart struct {
	slots []uint64
	used  int
}

// home is where the search for an upper half begins.
func (p *hashPart) home(tag uint64) int {
	return int(tag * uint64(len(p.slots)) >> 32)
}

// probe walks over the numbers that may have a hash.
type probe struct {
	slots []uint64
	at    int
	tag   uint64
}

func (t *hashTable) probe(h uint64) probe {
	p := &t.parts[h%hashParts]
	return probe{p.slots, p.home(h >> 32), h >> 32}
}

// next is the next number; ok is false at the end.
func (p *probe) next() (n uint32, ok bool) {
	if len(p.slots) == 0 {
		return 0, false
	}
	for {
		slot := p.slots[p.at]
		if slot == 0 {
			return 0, false
		}
		if p.at++; p.at == len(p.slots) {
			p.at = 0
		}
		if slot>>32 == p.tag {
			return uint32(slot), true //nolint:gosec // the lower half
		}
	}
}

// glance is the slot where the search for a hash begins.
func (t *hashTable) glance(h uint64) uint64 {
	p := &t.parts[h%hashParts]
	if len(p.slots) == 0 {
		return 0
	}
	return p.slots[p.home(h>>32)]
}

// add puts a number under a hash. It may be there already under the same: then it is there twice.
func (t *hashTable) add(h uint64, n uint32) {
	p := &t.parts[h%hashParts]
	if 4*(p.used+1) > 3*len(p.slots) {
		p.resize(max(8, len(p.slots)+len(p.slots)/3))
	}
	p.put(h>>32<<32 | uint64(n))
	p.used++
	t.used++
}

// resize makes a part of that many slots. There are so many parts that it does not take long.
func (p *hashPart) resize(size int) {
	old := p.slots
	p.slots = make([]uint64, size)
	for _, slot := range old {
		if slot != 0 {
			p.put(slot)
		}
	}
}

func (p *hashPart) put(slot uint64) {
	i := p.home(slot >> 32)
	for p.slots[i] != 0 {
		if i++; i == len(p.slots) {
			i = 0
		}
	}
	p.slots[i] = slot
}

// remove takes a number away; false when it is not there under that hash.
func (t *hashTable) remove(h uint64, n uint32) bool {
	p := &t.parts[h%hashParts]
	hole, ok := p.find(h>>32<<32 | uint64(n))
	if !ok {
		return false
	}
	// What stands behind the hole and may stand in it moves up, so that no search ends too early.
	size := len(p.slots)
	for i := (hole + 1) % size; p.slots[i] != 0; i = (i + 1) % size {
		home := p.home(p.slots[i] >> 32)
		if (i-home+size)%size >= (i-hole+size)%size {
			p.slots[hole], hole = p.slots[i], i
		}
	}
	p.slots[hole] = 0
	p.used--
	t.used--
	if size > 64 && 4*p.used < size {
		p.resize(size / 2)
	}
	return true
}

// replace puts another number in the place of one under a hash.
func (t *hashTable) replace(h uint64, n, by uint32) {
	p := &t.parts[h%hashParts]
	if i, ok := p.find(h>>32<<32 | uint64(n)); ok {
		p.slots[i] = h>>32<<32 | uint64(by)
	}
}

func (p *hashPart) find(want uint64) (int, bool) {
	if p.used == 0 {
		return 0, false
	}
	for i := p.home(want >> 32); p.slots[i] != 0; i = (i + 1) % len(p.slots) {
		if p.slots[i] == want {
			return i, true
		}
	}
	return 0, false
}
