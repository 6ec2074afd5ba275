package embedded

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"slices"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/cockroachdb/pebble/v2"

	"hubcap/internal/asff"
)

// loadIndex makes the index: of the checkpoint and the documents of commits behind it, else of all documents.
func (s *Store) loadIndex() error {
	k := s.checkpoint
	began := s.opts.Clock()
	if k.off {
		if err := s.db.Delete(metaKey(rootName), pebble.Sync); err != nil { // nobody tells it what commits do
			return err
		}
		return s.rebuild(nil)
	}
	tail, err := k.load()
	if err == nil {
		if err = errors.Join(k.tidy(), s.readTail(tail)); err != nil {
			return err
		}
		s.opts.Logger.Info("store: the index was read from its checkpoint", slog.String("dir", s.dir),
			slog.Uint64("findings", s.index.live.GetCardinality()), slog.Uint64("read_anew", tail.GetCardinality()),
			slog.Duration("took", s.opts.Clock().Sub(began)))
		return nil
	}
	if !errors.Is(err, errNoCheckpoint) {
		s.opts.Logger.Warn("store: the checkpoint of the index is not used; it is made of the documents", slog.String("dir", s.dir), slog.Any("reason", err))
	}
	s.emptyIndex()
	if err := errors.Join(k.begin(), s.rebuild(nil)); err != nil {
		return err
	}
	if !s.index.live.IsEmpty() {
		k.lost = true
		s.opts.Logger.Info("store: the index was made of the documents", slog.String("dir", s.dir),
			slog.Uint64("findings", s.index.live.GetCardinality()), slog.Duration("took", s.opts.Clock().Sub(began)))
	}
	return nil
}

// readTail reads the documents anew that the checkpoint tells nothing true of, and notes that in it.
func (s *Store) readTail(tail *roaring.Bitmap) error {
	k := s.checkpoint
	if err := s.lastDocument(); err != nil || tail.IsEmpty() {
		return err
	}
	if n := len(k.root.Files); n > 0 {
		tail.RunOptimize()
		raw, err := tail.ToBytes()
		if err != nil {
			return err
		}
		k.root.Voids = append(slices.Clone(k.root.Voids), voidRoot{k.root.Files[n-1].Number, raw})
	}
	return s.rebuild(tail)
}

// lastDocument finds the first number that no document has, or had before the checkpoint.
func (s *Store) lastDocument() error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{docPrefix}, UpperBound: []byte{docPrefix + 1}})
	if err != nil {
		return err
	}
	next := s.checkpoint.root.Docs
	if it.Last() {
		doc, ok := keyNumber(it.Key())
		if !ok {
			return errors.Join(fmt.Errorf("document %x: %w", it.Key(), errDamaged), it.Close())
		}
		next = max(next, doc+1)
	}
	s.nextDoc.Store(next)
	return it.Close()
}

var (
	errNoCheckpoint = errors.New("there is no checkpoint")
	errOther        = errors.New("it is of another time")
)

// load puts the index back as the checkpoint has it, without the documents that commits behind it changed: those are its answer. With
// an error the index is in no order, and the checkpoint not to be used.
func (k *checkpoint) load() (tail *roaring.Bitmap, err error) {
	text, err := k.s.getMeta(rootName)
	if err != nil {
		return nil, err
	}
	if text == nil {
		return nil, errNoCheckpoint
	}
	var r root
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("its root: %w", err)
	}
	d := k.s.dict
	switch {
	case r.Build != build(k.s.opts.hashMask):
		return nil, fmt.Errorf("%w: another build of hubcap wrote it", errOther)
	case r.Limit != d.limit && r.Full:
		return nil, fmt.Errorf("%w: the memory for the index's values was full, and is another one now", errOther)
	}
	if tail, err = k.tail(r.Sequence); err != nil {
		return nil, err
	}
	if live := uint64(r.Docs); tail.GetCardinality() > 100_000 && tail.GetCardinality() > live/2 {
		return nil, fmt.Errorf("%w: %d documents changed since, of %d", errOther, tail.GetCardinality(), live)
	}
	if !k.anyFile(&r) { // a backup holds the root alone
		return nil, errNoCheckpoint
	}
	k.root = r
	if err := k.read(tail); err != nil {
		return nil, err
	}
	if d.overBudget() && r.Limit != d.limit {
		return nil, fmt.Errorf("%w: it holds more values than there is memory for", errOther)
	}
	k.written = r.Terms
	return tail, nil
}

func (k *checkpoint) anyFile(r *root) bool {
	return slices.ContainsFunc(r.Files, func(f fileRoot) bool {
		_, err := k.s.opts.FS.Stat(k.file(f.Number))
		return err == nil
	})
}

// tail finds the documents of commits behind a sequence.
func (k *checkpoint) tail(sequence uint64) (*roaring.Bitmap, error) {
	it, err := k.s.db.NewIter(&pebble.IterOptions{LowerBound: commitKey(nil, sequence+1), UpperBound: []byte{commitPrefix + 1}})
	if err != nil {
		return nil, err
	}
	docs := roaring.New()
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		err = eachDoc(it.Value(), func(doc uint32) { docs.Add(doc) })
	}
	return docs, errors.Join(err, it.Close())
}

// piece is a block on its way into the index.
type piece struct {
	kind    blockKind
	content []byte
	skip    *roaring.Bitmap // documents that it tells nothing true of
}

// read reads every file. Terms, columns and postings are filled side by side, each by one goroutine, in the order of the blocks.
func (k *checkpoint) read(tail *roaring.Bitmap) error {
	x, d := k.s.index, k.s.dict
	d.table.reserve(k.root.Values)
	x.idents.reserve(int(k.root.Docs))
	x.pairs.reserve(int(k.root.Docs))
	var all sync.WaitGroup
	var mu sync.Mutex
	var failed error
	start := func(what string, use func(p *piece) error, end func()) chan *piece {
		ch := make(chan *piece, 16)
		all.Go(func() {
			var err error
			for p := range ch {
				if err == nil {
					err = use(p)
				}
			}
			if err == nil {
				end()
				return
			}
			mu.Lock()
			failed = errors.Join(failed, fmt.Errorf("%s: %w", what, err))
			mu.Unlock()
		})
		return ch
	}
	docs := docRestorer{x: x, bound: k.root.Docs, touched: roaring.New()}
	postings := postingRestorer{x: x, docs: k.root.Docs, terms: k.root.Terms}
	terms := termRestorer{d: d, bound: k.root.Terms, gaps: k.root.Gaps}
	toTerms := start("terms", terms.use, func() {})
	toDocs := start("documents", docs.use, docs.end)
	toPostings := start("postings", postings.use, postings.end)
	err := k.eachBlock(tail, func(p *piece) {
		switch p.kind {
		case blockTerms, blockLaidTerms, blockTermSlots:
			toTerms <- p
		case blockPostings:
			toPostings <- p
		case blockDifferences:
			toPostings <- p
			toDocs <- p
		case blockColumns, blockIdentSlots, blockPairSlots, blockOrder:
			toDocs <- p
		case blockEnd:
		}
	})
	close(toTerms)
	close(toDocs)
	close(toPostings)
	all.Wait()
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	d.next = max(d.next, k.root.Terms) // the last ones may have been dropped
	k.since, k.values = docs.differences, terms.count
	return nil
}

// eachBlock reads the blocks of all files, in their order.
func (k *checkpoint) eachBlock(tail *roaring.Bitmap, f func(p *piece)) error {
	voids := make([]*roaring.Bitmap, len(k.root.Voids))
	for i, v := range k.root.Voids {
		voids[i] = roaring.New()
		if err := voids[i].UnmarshalBinary(v.Docs); err != nil {
			return fmt.Errorf("its root: %w", err)
		}
	}
	for _, file := range k.root.Files {
		skip := tail.Clone()
		for i, v := range k.root.Voids {
			if file.Number <= v.UpTo {
				skip.Or(voids[i])
			}
		}
		if err := k.readFile(file, skip, f); err != nil {
			return fmt.Errorf("file %d: %w", file.Number, err)
		}
	}
	return nil
}

func (k *checkpoint) readFile(file fileRoot, skip *roaring.Bitmap, f func(p *piece)) (err error) {
	in, err := k.s.opts.FS.Open(k.file(file.Number))
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("it is missing")
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	head := k.fileHead(file.Number)
	got := make([]byte, len(head))
	if _, err := io.ReadFull(in, got); err != nil {
		return err
	}
	if !bytes.Equal(got, head) {
		return errDamaged
	}
	place := int64(len(head))
	var blockStart [blockHead]byte
	for blocks := uint32(0); ; blocks++ {
		if _, err := io.ReadFull(in, blockStart[:]); err != nil {
			return err
		}
		kind, size := blockKind(blockStart[0]), int64(binary.LittleEndian.Uint32(blockStart[1:]))
		if place+blockHead+size > file.Size {
			return errDamaged
		}
		content := make([]byte, size)
		if _, err := io.ReadFull(in, content); err != nil {
			return err
		}
		if blockSum(k.root.Generation, file.Number, place, kind, content) != binary.LittleEndian.Uint32(blockStart[5:]) {
			return errDamaged
		}
		place += blockHead + size
		if kind == blockEnd {
			if place != file.Size || len(content) != 4 || binary.LittleEndian.Uint32(content) != blocks {
				return errDamaged
			}
			return nil
		}
		f(&piece{kind, content, skip})
	}
}

// reserve makes room for n numbers.
func (t *hashTable) reserve(n int) {
	for i := range t.parts {
		t.parts[i].slots = make([]uint64, n/hashParts*3/2+8)
	}
}

// termRestorer fills the dictionary, under the same numbers.
type termRestorer struct {
	d     *dictionary
	bound uint32
	gaps  bool // one may stand in the files twice
	count int  // those that stand in the files
}

// seen finds a term that stands in the files already, under an older number.
func (r *termRestorer) seen(attr uint32, long bool, text []byte) (t term, ok bool) {
	if !r.gaps {
		return t, false
	}
	return r.d.find(attr, long, text)
}

func (r *termRestorer) use(p *piece) error {
	if p.kind == blockTermSlots {
		return readSlots(p.content, r.d.next-1, func(h uint64, id uint32) {
			if r.d.known(id) {
				r.d.table.add(h, r.d.places[id/termChunk][id%termChunk])
			}
		})
	}
	for b := p.content; len(b) > 0; {
		id, n := binary.Uvarint(b)
		if n <= 0 || id < uint64(r.d.next) || id >= uint64(r.bound) || len(b) < n+2 || b[n+1] > 1 {
			return fmt.Errorf("term %d for %d of %d: %w", id, r.d.next, r.bound, errDamaged)
		}
		field, long := asff.Field(b[n]), b[n+1] == 1
		key, rest, err := cut(b[n+2:])
		if err != nil {
			return err
		}
		text, rest, err := cut(rest)
		if err != nil || len(text) > maxText || long && len(text) != longText {
			return errDamaged
		}
		attr, ok := r.d.attr(field, key)
		if !ok {
			attr = r.d.newAttribute(field, key)
		}
		r.count++
		t := newTerm(uint32(id), attr, long, text) //nolint:gosec // below the bound
		if p.kind == blockLaidTerms {
			r.d.next = t.id + 1
			r.d.lay(&t)
		} else {
			// One of the base may have been dropped and come back; no document has the old one.
			if old, ok := r.seen(attr, long, text); ok {
				r.d.drop(&old)
				r.d.forget(old.id)
			}
			r.d.put(&t)
		}
		b = rest
	}
	return nil
}

// docRestorer fills columns, identities, pairs and order.
type docRestorer struct {
	x           *index
	bound       uint32
	order       []uint32        // of the base, newest first
	touched     *roaring.Bitmap // documents that stand in a journal
	differences int
}

func (r *docRestorer) use(p *piece) error {
	x := r.x
	switch p.kind {
	case blockColumns:
		return readColumns(p.content, func(d *difference) error {
			if d.doc >= r.bound || x.live.Contains(d.doc) {
				return errDamaged
			}
			if !p.skip.Contains(d.doc) {
				x.set(d)
				x.live.Add(d.doc)
			}
			return nil
		})
	case blockIdentSlots:
		return r.slots(p.content, &x.idents)
	case blockPairSlots:
		return r.slots(p.content, &x.pairs)
	case blockOrder:
		if len(p.content)%4 != 0 {
			return errDamaged
		}
		for b := p.content; len(b) > 0; b = b[4:] {
			r.order = append(r.order, binary.LittleEndian.Uint32(b))
		}
		return nil
	default:
		return r.journal(p)
	}
}

// slots puts the documents of a table back that the columns know: those that are left out, and those that went while the base was
// written, are not there.
func (r *docRestorer) slots(b []byte, table *hashTable) error {
	return readSlots(b, r.bound, func(h uint64, number uint32) {
		if r.x.live.Contains(number - 1) {
			table.add(h, number)
		}
	})
}

// readSlots calls f for every slot of a part of a table, with what of its hash is known.
func readSlots(b []byte, most uint32, f func(h uint64, number uint32)) error {
	if len(b)%8 != 1 {
		return errDamaged
	}
	part := uint64(b[0])
	for b = b[1:]; len(b) > 0; b = b[8:] {
		slot := binary.LittleEndian.Uint64(b)
		number := uint32(slot) //nolint:gosec // the lower half
		if number == 0 || number > most {
			return errDamaged
		}
		f(slot>>32<<32|part, number)
	}
	return nil
}

// journal applies differences, but for terms and order. Where a base was taken while documents went, it may lack what they were.
func (r *docRestorer) journal(p *piece) error {
	x := r.x
	var d difference
	for b := p.content; len(b) > 0; {
		var err error
		if b, err = readDifference(b, &d); err != nil {
			return err
		}
		r.differences++
		if d.doc >= r.bound {
			return errDamaged
		}
		if p.skip.Contains(d.doc) {
			continue
		}
		r.touched.Add(d.doc)
		there := x.live.Contains(d.doc)
		switch {
		case d.kind == comes && there:
			return fmt.Errorf("document %d comes twice: %w", d.doc, errDamaged)
		case d.kind == comes:
			x.insert(&d)
		case d.kind == goes:
			x.pairs.remove(d.pair, d.doc+1)
			if there {
				x.live.Remove(d.doc)
				x.idents.remove(x.hashOf(x.ident(d.doc)), d.doc+1)
				x.setVersion(d.doc, 0)
			}
		case !there:
		case d.kind == changes:
			d.ident = *x.ident(d.doc)
			x.set(&d)
		default:
			x.setVersion(d.doc, d.version)
		}
	}
	return nil
}

// end makes the order: that of the base, without what changed since, and what changed in its place.
func (r *docRestorer) end() {
	x := r.x
	slices.Reverse(r.order)
	old := slices.DeleteFunc(r.order, func(doc uint32) bool { return r.touched.Contains(doc) || !x.live.Contains(doc) })
	fresh := make([]uint32, 0, r.touched.GetCardinality())
	for it := r.touched.Iterator(); it.HasNext(); {
		if doc := it.Next(); x.live.Contains(doc) {
			fresh = append(fresh, doc)
		}
	}
	x.order.merge(old, fresh)
}

// merge makes the order of documents that stand in it already, oldest first, and such that do not.
func (o *order) merge(sorted, more []uint32) {
	compare := func(a, b uint32) int { return -comparePlaces(o.columns.placeOf(a), o.columns.placeOf(b)) }
	slices.SortFunc(more, compare)
	docs := sorted
	if len(more) > 0 {
		docs = make([]uint32, 0, len(sorted)+len(more))
		for len(sorted) > 0 && len(more) > 0 {
			if compare(sorted[0], more[0]) < 0 {
				docs, sorted = append(docs, sorted[0]), sorted[1:]
			} else {
				docs, more = append(docs, more[0]), more[1:]
			}
		}
		docs = append(append(docs, sorted...), more...)
	}
	o.cut(docs)
}

// postingRestorer fills the postings. What journals say is gathered and sorted by term and document: a posting is then touched once
// for all documents of a journal, and they come in order, which is what it takes fastest.
type postingRestorer struct {
	x           *index
	docs, terms uint32 // bounds
	kept        []uint32
	changes     []uint64 // term << 33 | document << 1 | whether it comes
	sorted      []uint64 // a buffer
}

// changesAtOnce bounds the memory that they take.
const changesAtOnce = 2 << 20

func (r *postingRestorer) use(p *piece) error {
	all := &r.x.postings
	if p.kind == blockPostings {
		return readPostings(p.content, func(term uint32, docs []uint32, bits *roaring.Bitmap) error {
			if term == 0 || term >= r.terms {
				return nil // of a document behind the cut, which is read anew
			}
			if bits != nil {
				bits.AndNot(p.skip)
				all.setBits(term, bits)
				return nil
			}
			r.kept = r.kept[:0]
			for _, doc := range docs {
				if !p.skip.Contains(doc) {
					r.kept = append(r.kept, doc)
				}
			}
			all.set(term, r.kept)
			return nil
		})
	}
	var d difference
	for b := p.content; len(b) > 0; {
		var err error
		if b, err = readDifference(b, &d); err != nil {
			return err
		}
		if p.skip.Contains(d.doc) {
			continue
		}
		for _, t := range d.remove {
			if t >= 1<<31 {
				return errDamaged
			}
			r.changes = append(r.changes, uint64(t)<<33|uint64(d.doc)<<1)
		}
		for _, t := range d.add {
			if t == 0 || t >= r.terms || t >= 1<<31 {
				return errDamaged
			}
			r.changes = append(r.changes, uint64(t)<<33|uint64(d.doc)<<1|1)
		}
	}
	if len(r.changes) >= changesAtOnce {
		r.end()
	}
	return nil
}

// end applies what was gathered.
func (r *postingRestorer) end() {
	r.changes, r.sorted = sortChanges(r.changes, r.sorted)
	all := &r.x.postings
	for list := r.changes; len(list) > 0; {
		term := uint32(list[0] >> 33)
		n := 1
		for n < len(list) && list[n]>>33 == list[0]>>33 {
			n++
		}
		r.kept = r.kept[:0]
		for i, c := range list[:n] {
			if i+1 < n && list[i+1]>>1 == c>>1 {
				continue // the last one counts
			}
			doc := uint32(c >> 1) //nolint:gosec // the middle bits
			if c&1 == 1 {
				r.kept = append(r.kept, doc)
			} else {
				all.remove(term, doc)
			}
		}
		all.addAll(term, r.kept)
		list = list[n:]
	}
	r.changes = r.changes[:0]
}

// sortChanges sorts by everything but the last bit, and leaves equals in their order: a digit after the other, from the last. It returns
// the sorted list and a buffer of the same size.
func sortChanges(list, buf []uint64) (sorted, other []uint64) {
	const digit = 11
	if cap(buf) < len(list) {
		buf = make([]uint64, len(list), cap(list))
	}
	buf = buf[:len(list)]
	var differ uint64
	for _, v := range list {
		differ |= v ^ list[0]
	}
	for shift := 1; shift < 64; shift += digit {
		if differ>>shift&(1<<digit-1) == 0 {
			continue
		}
		var starts [1 << digit]int
		for _, v := range list {
			starts[v>>shift&(1<<digit-1)]++
		}
		at := 0
		for i, n := range starts {
			starts[i], at = at, at+n
		}
		for _, v := range list {
			place := &starts[v>>shift&(1<<digit-1)]
			buf[*place] = v
			*place++
		}
		list, buf = buf, list
	}
	return list, buf
}

// addAll gives a term documents more, which ascend.
func (p *postings) addAll(term uint32, docs []uint32) {
	h := p.handle(term)
	switch {
	case h == nil || *h == 0:
		p.set(term, docs)
	case *h&kindMask == bitmap:
		p.bits[*h>>32].AddMany(docs)
	default:
		for _, doc := range docs {
			p.add(term, doc)
		}
	}
}

// set gives a term that has none its documents, which ascend.
func (p *postings) set(term uint32, docs []uint32) {
	if len(docs) == 0 {
		return
	}
	h := p.grow(term)
	if len(docs) == 1 {
		*h = uint64(docs[0])<<32 | oneDocument
		return
	}
	size := slabHead
	last := uint32(0)
	for _, doc := range docs {
		size += uvarintSize(doc - last)
		last = doc
	}
	for i, room := range slabSizes {
		if size <= int(room) {
			*h = p.take(i)
			s := p.slab(*h)
			s.start(docs[0])
			for _, doc := range docs[1:] {
				s.add(doc)
			}
			return
		}
	}
	p.setBits(term, roaring.BitmapOf(docs...))
}

func uvarintSize(v uint32) int {
	n := 1
	for ; v >= 0x80; v >>= 7 {
		n++
	}
	return n
}

// setBits gives a term that has none its documents.
func (p *postings) setBits(term uint32, bits *roaring.Bitmap) {
	if bits.IsEmpty() {
		return
	}
	*p.grow(term) = uint64(len(p.bits))<<32 | bitmap
	p.bits = append(p.bits, bits)
}
