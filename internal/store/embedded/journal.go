package embedded

import (
	"encoding/binary"
	"math"
	"slices"
)

// The journal is what commits did to the index, difference after difference, in the order in which they were applied. A checkpoint is
// made of it (checkpoint.go). Played back in that order it gives the same index, and it may begin anywhere before: a difference that is
// applied to an index that has it already changes nothing.

// appendDifference writes one difference: kind, document, version; of a new document its identity; of one that comes or
// goes the hash of its pair; times;
// the terms that come and those that go, in any order: each list as its length and the steps from one to the next.
func appendDifference(dst []byte, d *difference) []byte {
	dst = append(dst, byte(d.kind))
	dst = binary.AppendUvarint(dst, uint64(d.doc))
	dst = binary.AppendUvarint(dst, d.version)
	if d.kind == comes {
		dst = append(dst, d.ident[:]...)
	}
	if d.kind == comes || d.kind == goes {
		dst = binary.LittleEndian.AppendUint64(dst, d.pair)
	}
	if d.kind == comes || d.kind == changes {
		dst = appendTimes(dst, &d.times)
	}
	dst = appendNumbers(dst, d.add)
	return appendNumbers(dst, d.remove)
}

// readDifference takes a difference off. Its lists are used again.
func readDifference(b []byte, d *difference) (rest []byte, err error) {
	if len(b) == 0 || b[0] > byte(goes) {
		return nil, errDamaged
	}
	d.kind = differenceKind(b[0])
	doc, n := binary.Uvarint(b[1:])
	if n <= 0 || doc > math.MaxUint32 {
		return nil, errDamaged
	}
	b = b[1+n:]
	d.doc = uint32(doc)
	if d.version, n = binary.Uvarint(b); n <= 0 {
		return nil, errDamaged
	}
	b = b[n:]
	if d.kind == comes {
		if len(b) < len(d.ident) {
			return nil, errDamaged
		}
		copy(d.ident[:], b)
		b = b[len(d.ident):]
	}
	if d.kind == comes || d.kind == goes {
		if len(b) < 8 {
			return nil, errDamaged
		}
		d.pair = binary.LittleEndian.Uint64(b)
		b = b[8:]
	}
	if d.kind == comes || d.kind == changes {
		if b, err = readTimes(b, &d.times); err != nil {
			return nil, err
		}
	}
	if d.add, b, err = readNumbers(b, d.add[:0]); err != nil {
		return nil, err
	}
	d.remove, b, err = readNumbers(b, d.remove[:0])
	return b, err
}

// appendTimes writes which times there are, then each as its distance from the one before.
func appendTimes(dst []byte, times *[len(timeColumns)]int64) []byte {
	at := len(dst)
	dst = append(dst, 0)
	last := int64(0)
	for i, t := range times {
		if t != noTime {
			dst[at] |= 1 << i
			dst = binary.AppendVarint(dst, t-last)
			last = t
		}
	}
	return dst
}

func readTimes(b []byte, times *[len(timeColumns)]int64) (rest []byte, err error) {
	if len(b) == 0 || b[0]>>len(timeColumns) != 0 {
		return nil, errDamaged
	}
	there := b[0]
	b = b[1:]
	last := int64(0)
	for i := range times {
		if times[i] = noTime; there>>i&1 == 0 {
			continue
		}
		step, n := binary.Varint(b)
		if n <= 0 {
			return nil, errDamaged
		}
		b = b[n:]
		last += step
		times[i] = last
	}
	return b, nil
}

// appendNumbers writes numbers in any order.
func appendNumbers(dst []byte, list []uint32) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	last := uint32(0)
	for _, v := range list {
		dst = binary.AppendVarint(dst, int64(v)-int64(last))
		last = v
	}
	return dst
}

func readNumbers(b []byte, list []uint32) (_ []uint32, rest []byte, err error) {
	count, n := binary.Uvarint(b)
	if n <= 0 || count > uint64(len(b)) {
		return list, nil, errDamaged
	}
	b = b[n:]
	last := int64(0)
	for range count {
		step, n := binary.Varint(b)
		if last += step; n <= 0 || last < 0 || last > math.MaxUint32 {
			return list, nil, errDamaged
		}
		b = b[n:]
		list = append(list, uint32(last))
	}
	return list, b, nil
}

// appendSteps writes ascending numbers.
func appendSteps(dst []byte, list []uint32) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	last := uint32(0)
	for _, v := range list {
		dst = binary.AppendUvarint(dst, uint64(v-last))
		last = v
	}
	return dst
}

func readSteps(b []byte, list []uint32) (_ []uint32, rest []byte, err error) {
	count, n := binary.Uvarint(b)
	if n <= 0 || count > uint64(len(b)) {
		return list, nil, errDamaged
	}
	b = b[n:]
	list = slices.Grow(list, int(count)) //nolint:gosec // at most len(b)
	last := uint64(0)
	for range count {
		// Most steps are below 128.
		if len(b) == 0 {
			return list, nil, errDamaged
		}
		step, n := uint64(b[0]), 1
		if step >= 0x80 {
			if step, n = binary.Uvarint(b); n <= 0 || step > math.MaxUint32 {
				return list, nil, errDamaged
			}
		}
		b = b[n:]
		if last += step; last > math.MaxUint32 {
			return list, nil, errDamaged
		}
		list = append(list, uint32(last))
	}
	return list, b, nil
}

// commitKey is the key of the record that tells which documents a commit changed. The records since the last checkpoint tell what it
// lacks; older ones are deleted.
func commitKey(dst []byte, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, commitPrefix), seq)
}

// appendDoc writes a document's number behind another's.
func appendDoc(dst []byte, last, doc uint32) []byte {
	return binary.AppendVarint(dst, int64(doc)-int64(last))
}

func eachDoc(b []byte, f func(doc uint32)) error {
	last := int64(0)
	for len(b) > 0 {
		step, n := binary.Varint(b)
		if n <= 0 {
			return errDamaged
		}
		b = b[n:]
		if last += step; last < 0 || last > math.MaxUint32 {
			return errDamaged
		}
		f(uint32(last))
	}
	return nil
}
