package embedded

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"hubcap/internal/asff"
)

// fieldTable numbers fields in a store's own way: package asff may number them anew when the API gains attributes, what is on disk
// must not change its meaning. The table is the record "fields": a line a field, its name and the first document that was indexed
// with it. Older documents are taken to have values of it that are not indexed.
type fieldTable struct {
	names  []string // the number of a field is its place here, from 1
	since  []uint32
	number [256]byte       // by asff.Field
	field  [256]asff.Field // by number; NoField for what is no attribute any more
}

// lastField is the last number that a table may give out: ours are above.
const lastField = 250

func newFieldTable() *fieldTable {
	t := &fieldTable{}
	for _, f := range [...]asff.Field{fieldAccount, fieldRegion, fieldOverflow} {
		t.number[f], t.field[f] = byte(f), f
	}
	return t
}

func parseFieldTable(text []byte) (*fieldTable, error) {
	t := newFieldTable()
	for line := range strings.Lines(string(text)) {
		name, since, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		n, err := strconv.ParseUint(since, 10, 32)
		if !ok || err != nil || len(t.names) >= lastField {
			return nil, fmt.Errorf("table of fields: %w", errDamaged)
		}
		t.add(name, uint32(n))
	}
	return t, nil
}

func (t *fieldTable) add(name string, since uint32) {
	t.names, t.since = append(t.names, name), append(t.since, since)
	if f, ok := asff.FieldByName(name); ok {
		n := byte(len(t.names)) //nolint:gosec // at most lastField
		t.number[f], t.field[n] = n, f
	}
}

// complete adds the fields that the table lacks, for documents from next on; it tells whether there were any.
func (t *fieldTable) complete(next uint32) (grown bool) {
	for _, f := range asff.Fields() {
		if t.number[f] == 0 {
			t.add(f.Name(), next)
			grown = true
		}
	}
	return grown
}

func (t *fieldTable) encode() []byte {
	var out []byte
	for i, name := range t.names {
		out = append(append(out, name...), ' ')
		out = append(strconv.AppendUint(out, uint64(t.since[i]), 10), '\n')
	}
	return out
}

// loadFields reads the table. Fields that are new are added once the documents are known.
func (s *Store) loadFields() error {
	text, err := s.getMeta("fields")
	if err == nil {
		s.fields, err = parseFieldTable(text)
	}
	return err
}

// completeFields adds new fields and marks the documents that were indexed without them.
func (s *Store) completeFields() error {
	t := s.fields
	if t.complete(s.nextDoc.Load()) {
		if err := s.db.Set(metaKey("fields"), t.encode(), pebble.Sync); err != nil {
			return err
		}
	}
	x := extractor{dict: s.dict}
	for i, since := range t.since {
		f := t.field[i+1]
		if since == 0 || f == asff.NoField {
			continue
		}
		var e entry
		x.dict.mu.Lock()
		x.learn(&e, fieldOverflow, nil, false, spillText[f][:])
		x.dict.mu.Unlock()
		p := s.index.grow(e.terms[0])
		for it := s.index.live.Iterator(); it.HasNext(); {
			doc := it.Next()
			if doc >= since {
				break
			}
			p.add(doc)
		}
	}
	return nil
}

// sweep forgets the terms that no document has: nobody writes yet. Their numbers stay unused while the process runs.
func (s *Store) sweep() error {
	unused := false
	for id := range s.dict.next {
		if s.dict.known(id) && s.index.posting(id).count() == 0 {
			s.dict.forgetSaved(id)
			unused = true
		}
	}
	if !unused {
		return nil
	}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{termPrefix}, UpperBound: []byte{termPrefix + 1}})
	if err != nil {
		return err
	}
	b := s.db.NewBatch()
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		if err = s.sweepTerms(b, it.Key(), it.Value()); err == nil && b.Len() > sweepBatch {
			if err = b.Commit(pebble.NoSync); err == nil {
				b = s.db.NewBatch()
			}
		}
	}
	if err = errors.Join(err, it.Close()); err != nil || b.Empty() {
		return errors.Join(err, b.Close())
	}
	return b.Commit(pebble.NoSync)
}

// sweepBatch is how much a sweep gathers before it writes.
const sweepBatch = 4 << 20

// sweepTerms writes a record of terms anew, if it holds any that were forgotten.
func (s *Store) sweepTerms(b *pebble.Batch, key, record []byte) error {
	var kept []byte
	if err := eachTerm(record, func(id uint32, text []byte) error {
		if s.dict.at(id).saved {
			kept = appendNumbered(kept, id, text)
		}
		return nil
	}); err != nil {
		return err
	}
	switch len(kept) {
	case len(record):
		return nil
	case 0:
		return b.Delete(key, nil)
	}
	return b.Set(key, kept, nil)
}
