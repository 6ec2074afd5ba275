package embedded

import (
	"fmt"
	"runtime"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/cockroachdb/pebble/v2"
)

// chunk is a run of documents on its way from the database into the index.
type chunk struct {
	docs    []uint32
	records []byte
	ends    []int // of the records
	differs []difference
	err     error
	done    chan struct{}
}

const chunkSize = 1024

// rebuild makes dictionary and index from the documents, or takes in those of a set that are there: one goroutine reads, one a core
// looks values up, and one brings the index up to what they found, in the order of the documents.
func (s *Store) rebuild(only *roaring.Bitmap) error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{docPrefix}, UpperBound: []byte{docPrefix + 1}})
	if err != nil {
		return err
	}
	toParse, inOrder := make(chan *chunk, 4), make(chan *chunk, 4*runtime.GOMAXPROCS(0))
	for range runtime.GOMAXPROCS(0) {
		go func() {
			r, x := &reading{values: s.opts.newReader()}, &extractor{dict: s.dict}
			for c := range toParse {
				c.err = s.parseChunk(c, r, x)
				close(c.done)
			}
		}()
	}
	applied := make(chan error, 1)
	go func() {
		var docs []uint32
		var journal []byte
		var failed error
		for c := range inOrder {
			if <-c.done; failed == nil {
				failed = c.err
			}
			if failed != nil {
				continue
			}
			if only != nil {
				journal = journal[:0]
				for i := range c.differs {
					s.index.apply(&c.differs[i])
					journal = appendDifference(journal, &c.differs[i])
				}
				s.checkpoint.add(journal, len(c.differs))
				continue
			}
			for i := range c.differs {
				s.index.restore(&c.differs[i])
			}
			docs = append(docs, c.docs...)
		}
		if only == nil {
			s.index.order.fill(docs)
		}
		applied <- failed
	}()
	err = s.readChunks(it, only, func(c *chunk) {
		toParse <- c
		inOrder <- c
	})
	close(toParse)
	close(inOrder)
	if failed := <-applied; err == nil {
		err = failed
	}
	return err
}

// readChunks reads every document, and finds out the first free number; or those of a set.
func (s *Store) readChunks(it *pebble.Iterator, only *roaring.Bitmap, deliver func(*chunk)) error {
	c := &chunk{done: make(chan struct{})}
	first, next := it.First, it.Next
	if only != nil {
		next = eachOf(it, only)
		first = next
	}
	for ok := first(); ok; ok = next() {
		doc, isDoc := keyNumber(it.Key())
		v, err := it.ValueAndErr()
		if err == nil && !isDoc {
			err = errDamaged
		}
		if err != nil {
			_ = it.Close() // the first error tells more
			return fmt.Errorf("document %x: %w", it.Key(), err)
		}
		c.docs = append(c.docs, doc)
		c.records = append(c.records, v...)
		c.ends = append(c.ends, len(c.records))
		if only == nil {
			s.nextDoc.Store(doc + 1)
		}
		if len(c.docs) == chunkSize {
			deliver(c)
			c = &chunk{done: make(chan struct{}), records: make([]byte, 0, len(c.records))}
		}
	}
	deliver(c)
	return it.Close()
}

// eachOf moves an iterator over the documents of a set that are there.
func eachOf(it *pebble.Iterator, set *roaring.Bitmap) (next func() bool) {
	wanted := set.Iterator()
	var key [8]byte
	return func() bool {
		for wanted.HasNext() {
			doc := wanted.Next()
			if !it.SeekGE(docKey(key[:0], doc)) {
				return false
			}
			if at, isDoc := keyNumber(it.Key()); !isDoc || at == doc {
				return true
			}
		}
		return false
	}
}

// parseChunk finds out what the documents of a chunk say.
func (s *Store) parseChunk(c *chunk, r *reading, x *extractor) error {
	x.begin()
	c.differs = make([]difference, len(c.docs))
	from := 0
	for i, doc := range c.docs {
		if err := r.unpack(c.records[from:c.ends[i]]); err != nil {
			return fmt.Errorf("document %d: %w", doc, err)
		}
		from = c.ends[i]
		d, key := &c.differs[i], keyOf(&r.parts)
		*d = difference{doc: doc, ident: key.Identity(), pair: s.pairHash(key.ProductArn, key.ID), version: r.rec.version, kind: comes}
		x.comes(&key, r.values.Values(r.json), d)
	}
	x.settle()
	for i := range c.differs {
		c.differs[i].order()
	}
	c.records = nil
	return nil
}

// restore is apply for a document that comes while nobody else looks, without its place in the order.
func (x *index) restore(d *difference) {
	x.insert(d)
	x.addTerms(d)
}
