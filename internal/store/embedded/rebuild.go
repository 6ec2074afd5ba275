package embedded

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"hubcap/internal/asff"
)

// rebuild makes dictionary and index from the records 't' and 'a', both at once: a posting needs a term's number, not its text.
func (s *Store) rebuild() error {
	bound, err := s.termBound()
	if err != nil {
		return err
	}
	terms := make(chan error, 1)
	go func() { terms <- s.loadTerms() }()
	err = s.loadEntries(bound)
	return errors.Join(<-terms, err)
}

// termBound is above the number of every term that has a record.
func (s *Store) termBound() (bound uint64, err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{termPrefix}, UpperBound: []byte{termPrefix + 1}})
	if err != nil {
		return 0, err
	}
	if it.Last() {
		id, ok := highestTerm(it.Key())
		if !ok {
			return 0, errors.Join(fmt.Errorf("terms %x: %w", it.Key(), errDamaged), it.Close())
		}
		bound = uint64(id) + 1
	}
	return bound, it.Close()
}

// loadTerms fills the dictionary.
func (s *Store) loadTerms() error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{termPrefix}, UpperBound: []byte{termPrefix + 1}})
	if err != nil {
		return err
	}
	for ok := it.First(); ok; ok = it.Next() {
		highest, isTerms := highestTerm(it.Key())
		err := errDamaged
		if isTerms {
			err = eachTerm(it.Value(), func(id uint32, text []byte) error { return s.loadTerm(id, highest, text) })
		}
		if err != nil {
			_ = it.Close() // the first error tells more
			return fmt.Errorf("terms %x: %w", it.Key(), errDamaged)
		}
	}
	return it.Close()
}

func (s *Store) loadTerm(id, highest uint32, record []byte) error {
	field, long, key, text, err := decodeTerm(record)
	if err != nil || id > highest || field == fieldOverflow && len(text) != 1 {
		return errDamaged
	}
	if s.dict.known(id) { // two writers met it at once
		return nil
	}
	if field == fieldOverflow {
		text = []byte{byte(s.fields.field[text[0]])}
	}
	s.dict.restore(id, s.fields.field[field], key, long, text)
	return nil
}

// restore puts a term back under its number.
func (d *dictionary) restore(id uint32, field asff.Field, key []byte, long bool, text []byte) {
	attr, ok := d.attr(field, key)
	if !ok {
		attr = d.newAttribute(field, key)
	}
	d.put(&term{id: id, attr: attr, long: long, saved: true, text: text})
}

// chunk is a run of entries on its way from the database into the index.
type chunk struct {
	docs    []uint32
	entries []entry
}

const chunkSize = 2048

// loadEntries fills the index: one goroutine reads, one does the columns, one the postings. Terms must be below the bound.
func (s *Store) loadEntries(bound uint64) error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{attrPrefix}, UpperBound: []byte{attrPrefix + 1}})
	if err != nil {
		return err
	}
	x := s.index
	toColumns, toPostings := make(chan *chunk, 4), make(chan *chunk, 4)
	done := make(chan struct{}, 2)
	var places []place
	go func() {
		for c := range toColumns {
			for i, doc := range c.docs {
				e := &c.entries[i]
				x.idents[e.ident] = doc
				x.addPair(e.pair, doc)
				x.setColumns(doc, e)
				places = append(places, x.placeOf(doc))
			}
			x.live.AddMany(c.docs)
		}
		done <- struct{}{}
	}()
	go func() {
		for c := range toPostings {
			for i, doc := range c.docs {
				for _, t := range c.entries[i].terms {
					x.grow(t).add(doc)
				}
			}
		}
		done <- struct{}{}
	}()
	next, err := s.readEntries(it, bound, func(c *chunk) {
		toColumns <- c
		toPostings <- c
	})
	close(toColumns)
	close(toPostings)
	<-done
	<-done
	if err != nil {
		return err
	}
	slices.SortFunc(places, comparePlaces)
	for _, p := range places {
		x.order.Load(p)
	}
	s.nextDoc.Store(next)
	return nil
}

// readEntries reads every entry and returns the first free document number.
func (s *Store) readEntries(it *pebble.Iterator, bound uint64, deliver func(*chunk)) (next uint32, err error) {
	c := &chunk{entries: make([]entry, chunkSize)}
	for ok := it.First(); ok; ok = it.Next() {
		doc, isDoc := keyNumber(it.Key())
		e := &c.entries[len(c.docs)]
		if err := e.decode(it.Value()); err != nil || !isDoc || len(e.terms) > 0 && uint64(e.terms[len(e.terms)-1]) >= bound {
			_ = it.Close() // the first error tells more
			return 0, fmt.Errorf("entry %x: %w", it.Key(), errDamaged)
		}
		c.docs = append(c.docs, doc)
		next = doc + 1
		if len(c.docs) == chunkSize {
			deliver(c)
			c = &chunk{entries: make([]entry, chunkSize)}
		}
	}
	if len(c.docs) > 0 {
		deliver(c)
	}
	return next, it.Close()
}
