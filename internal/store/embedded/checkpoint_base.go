package embedded

import (
	"encoding/binary"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/cockroachdb/pebble/v2"
)

// rebase writes the index as a whole and makes it the beginning of the checkpoint. It looks at one piece of the index after the
// other, holding the lock for some hundred microseconds each, and rests between them for as long as a piece took. Documents
// that come after it began are left out: the journals behind it have them, and everything else that changed meanwhile, so what was
// seen twice or not at all does no harm. The caller holds k.work.
func (k *checkpoint) rebase() error {
	if err := k.room(); err != nil {
		return err
	}
	c := k.cutHere(true)
	if c.whole && (len(c.buf) > 0 || k.written < c.terms) {
		// Should the base fail, what is there is still a checkpoint. Terms of commits to come are written too: the journals of the
		// meantime, which will stand behind the base, must begin with those that it lacks.
		c.whole = k.writeJournal(&c) == nil
	}
	if err := k.writeBase(&c); err != nil {
		if !c.whole {
			k.lose()
		}
		k.s.index.mu.Lock()
		k.since += c.since
		k.s.index.mu.Unlock()
		return err
	}
	return k.tidy()
}

func (k *checkpoint) writeBase(c *instant) error {
	number, before := k.root.Next, k.values
	k.root.Next++
	w, err := k.create(number)
	if err != nil {
		return err
	}
	b := baseWriter{fileWriter: w, docs: c.docs, journals: c.whole, began: k.s.opts.Clock()}
	if err := b.pieces(c.terms); err != nil {
		return w.abandon(err)
	}
	size, err := w.finish()
	if err != nil {
		return w.abandon(err)
	}
	root := k.root
	root.Files, root.Voids = []fileRoot{{number, size}}, nil
	for _, f := range k.root.Files {
		if f.Number > number { // written meanwhile
			root.Files = append(root.Files, f)
		}
	}
	if len(root.Files) == 1 {
		k.describe(&root, c)
		k.written = c.terms
	}
	if err := k.commit(root, pebble.Sync); err != nil {
		return err
	}
	k.values += w.values - before // and what journals have that were written meanwhile
	return nil
}

// baseWriter writes a base.
type baseWriter struct {
	*fileWriter
	docs     uint32    // those from here on are left out
	journals bool      // may be written meanwhile: those before are there too
	began    time.Time // the piece
}

func (b *baseWriter) pieces(terms uint32) error {
	for from := uint32(1); from < terms; from += termsAtOnce {
		if err := errors.Join(b.terms(blockLaidTerms, from, min(from+termsAtOnce, terms)), b.rest()); err != nil {
			return err
		}
	}
	x, d := b.k.s.index, b.k.s.dict
	numberOf := func(place uint32) uint32 { return binary.LittleEndian.Uint32(d.record(place)) }
	docOf := func(number uint32) uint32 { return number }
	for _, part := range [...]func() error{
		func() error { return b.slots(blockTermSlots, &d.mu, &d.table, terms-1, numberOf) },
		b.columns,
		func() error { return b.slots(blockIdentSlots, &x.mu, &x.idents, b.docs, docOf) },
		func() error { return b.slots(blockPairSlots, &x.mu, &x.pairs, b.docs, docOf) },
		b.order, b.postings,
	} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// rest leaves the machine to others for as long as the last piece took. It fails when the store closes.
func (b *baseWriter) rest() error {
	if b.k.last {
		return nil
	}
	clock := b.k.s.opts.Clock
	t := time.NewTimer(min(clock().Sub(b.began), 50*time.Millisecond))
	defer t.Stop()
	select {
	case <-t.C:
	case <-b.k.quit:
	}
	if b.k.stopping() {
		return errStopping
	}
	if b.journals && b.k.waiting() {
		// What fails here is told by the next one, and the base does without it.
		b.journals = b.k.flush() == nil
	}
	b.began = clock()
	return nil
}

// columns writes every document with what the columns know of it.
func (b *baseWriter) columns() error {
	x := b.k.s.index
	for from := uint32(0); from < b.docs; from += segmentSize {
		b.buf = b.buf[:0]
		x.mu.RLock()
		last := uint32(0)
		for doc := from; doc < min(from+segmentSize, b.docs); doc++ {
			version := x.version(doc)
			if version == 0 {
				continue
			}
			seg, i := x.segment(doc)
			b.buf = binary.AppendUvarint(b.buf, uint64(doc-last))
			last = doc
			b.buf = append(b.buf, seg.ident[i][:]...)
			b.buf = binary.AppendUvarint(b.buf, version)
			var times [len(timeColumns)]int64
			for n := range times {
				times[n] = seg.times[n][i]
			}
			b.buf = appendTimes(b.buf, &times)
		}
		x.mu.RUnlock()
		if err := errors.Join(b.block(blockColumns, b.buf), b.rest()); err != nil {
			return err
		}
	}
	return nil
}

// slots writes each part of a table, but for numbers above a bound. Put back part by part, they cost no wait for memory. Terms stand in
// their table by place, which a sweep changes: of tells what is written of a number, under the lock.
func (b *baseWriter) slots(kind blockKind, mu *sync.RWMutex, table *hashTable, most uint32, of func(uint32) uint32) error {
	for part := range table.parts {
		b.buf = append(b.buf[:0], byte(part))
		mu.RLock()
		for _, slot := range table.parts[part].slots {
			if slot == 0 {
				continue
			}
			if n := of(uint32(slot)); n <= most { //nolint:gosec // the lower half
				b.buf = binary.LittleEndian.AppendUint64(b.buf, slot>>32<<32|uint64(n))
			}
		}
		mu.RUnlock()
		if err := errors.Join(b.block(kind, b.buf), b.rest()); err != nil {
			return err
		}
	}
	return nil
}

const orderAtOnce = 2048

// order writes the documents in the default order, newest first.
func (b *baseWriter) order() error {
	x := b.k.s.index
	at := place{at: math.MinInt64}
	for {
		b.buf = b.buf[:0]
		n := 0
		x.mu.RLock()
		visit := func(doc uint32) bool {
			if doc < b.docs {
				b.buf = binary.LittleEndian.AppendUint32(b.buf, doc)
			}
			if n++; n == orderAtOnce {
				at = x.placeOf(doc)
			}
			return n < orderAtOnce
		}
		x.order.after(at, visit)
		x.mu.RUnlock()
		if err := errors.Join(b.block(blockOrder, b.buf), b.rest()); err != nil || n < orderAtOnce {
			return err
		}
	}
}

const (
	termsAtOnce    = 4096
	postingsAtOnce = 512    // terms
	docsAtOnce     = 16_384 // of them
)

// postings writes the documents of each term: its number's step from the one before, shifted to the left for what they are: 0, their
// steps; 1, a bitmap in its own form, with its length.
func (b *baseWriter) postings() error {
	x := b.k.s.index
	var (
		docs  []uint32
		terms []uint32
		ends  []int
		bits  []*roaring.Bitmap
	)
	b.buf = b.buf[:0]
	last := uint32(0)
	for term := uint32(0); ; {
		docs, terms, ends, bits = docs[:0], terms[:0], ends[:0], bits[:0]
		x.mu.RLock()
		bound := uint32(len(x.postings.handles) * termChunk) //nolint:gosec // of terms
		for n := 0; n < postingsAtOnce && term < bound && len(docs) < docsAtOnce; n++ {
			p := x.posting(term)
			switch {
			case p.bits != nil: // a copy, put into its form without the lock
				terms, ends, bits = append(terms, term), append(ends, len(docs)), append(bits, p.bits.Clone())
				n += postingsAtOnce / 8
			case p.count() > 0:
				docs = p.appendTo(docs)
				terms, ends, bits = append(terms, term), append(ends, len(docs)), append(bits, nil)
			}
			term++
		}
		x.mu.RUnlock()
		from := 0
		for i, t := range terms {
			if bits[i] == nil {
				b.buf = binary.AppendUvarint(b.buf, uint64(t-last)<<1)
				b.buf = appendSteps(b.buf, docs[from:ends[i]])
				from = ends[i]
			} else {
				raw, err := bits[i].ToBytes()
				if err != nil {
					return err
				}
				b.buf = binary.AppendUvarint(b.buf, uint64(t-last)<<1|1)
				b.buf = binary.AppendUvarint(b.buf, uint64(len(raw)))
				b.buf = append(b.buf, raw...)
			}
			last = t
		}
		if len(b.buf) >= blockSize || term >= bound {
			if err := b.block(blockPostings, b.buf); err != nil {
				return err
			}
			b.buf, last = b.buf[:0], 0
		}
		if err := b.rest(); err != nil || term >= bound {
			return err
		}
	}
}

// A part of a base or of a journal is put back by one of the functions below.

// readColumns calls f for every document of a block.
func readColumns(b []byte, f func(d *difference) error) error {
	var d difference
	last := uint64(0)
	for len(b) > 0 {
		step, n := binary.Uvarint(b)
		if last += step; n <= 0 || last > math.MaxUint32 || len(b) < n+len(d.ident) {
			return errDamaged
		}
		d.doc = uint32(last)
		copy(d.ident[:], b[n:])
		b = b[n+len(d.ident):]
		if d.version, n = binary.Uvarint(b); n <= 0 {
			return errDamaged
		}
		var err error
		if b, err = readTimes(b[n:], &d.times); err != nil {
			return err
		}
		if err := f(&d); err != nil {
			return err
		}
	}
	return nil
}

// readPostings calls f for every term of a block, with its documents in one of the two forms. Both are used again.
func readPostings(b []byte, f func(term uint32, docs []uint32, bits *roaring.Bitmap) error) error {
	var docs []uint32
	last := uint64(0)
	for len(b) > 0 {
		step, n := binary.Uvarint(b)
		if n <= 0 || step>>1 > math.MaxUint32 {
			return errDamaged
		}
		if last += step >> 1; last > math.MaxUint32 {
			return errDamaged
		}
		b = b[n:]
		var err error
		if step&1 == 0 {
			if docs, b, err = readSteps(b, docs[:0]); err == nil && (len(docs) == 0 || !ascending(docs)) {
				err = errDamaged
			}
			if err == nil {
				err = f(uint32(last), docs, nil)
			}
		} else {
			var raw []byte
			if raw, b, err = cut(b); err == nil {
				bits := roaring.New()
				if err = bits.UnmarshalBinary(raw); err == nil {
					err = f(uint32(last), nil, bits)
				}
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func ascending(docs []uint32) bool {
	for i := 1; i < len(docs); i++ {
		if docs[i] <= docs[i-1] {
			return false
		}
	}
	return true
}
