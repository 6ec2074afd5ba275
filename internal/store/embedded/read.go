package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/cockroachdb/pebble/v2"

	"hubcap/internal/asff"
	"hubcap/internal/store"
)

// reading is what one reader of documents needs. It is pooled.
type reading struct {
	values   valueReader
	expanded []byte
	rec      stored
	parts    [4][]byte
	json     []byte
	page     []found
	lanes    [][]byte // records of a page, a buffer for each goroutine that reads them
}

func (s *Store) startReading() *reading { return s.readers.Get().(*reading) }

func (s *Store) endReading(r *reading) {
	if cap(r.expanded) > maxKept {
		r.expanded = nil
	}
	for i := range r.lanes {
		if cap(r.lanes[i]) > maxKept {
			r.lanes[i] = nil
		}
	}
	clear(r.page) // it refers to them
	s.readers.Put(r)
}

// rewind gives the buffers of the last page back.
func (r *reading) rewind() {
	if r.lanes == nil {
		r.lanes = make([][]byte, min(4, runtime.GOMAXPROCS(0)))
	}
	for i := range r.lanes {
		r.lanes[i] = r.lanes[i][:0]
	}
}

// fetch calls use with a document's record; false when it is gone.
func (s *Store) fetch(doc uint32, use func(v []byte) error) (bool, error) {
	var key [8]byte
	v, closer, err := s.db.Get(docKey(key[:0], doc))
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("store: document %d: %w", doc, err)
	}
	if err := errors.Join(use(v), closer.Close()); err != nil {
		return false, fmt.Errorf("store: document %d: %w", doc, err)
	}
	return true, nil
}

// document reads a document into r; false when it is gone.
func (s *Store) document(r *reading, doc uint32) (bool, error) {
	return s.fetch(doc, r.unpack)
}

// unpack takes a record apart. What r then holds is a copy.
func (r *reading) unpack(v []byte) (err error) {
	if err = r.rec.decode(v); err != nil {
		return err
	}
	if r.expanded, err = expand(r.expanded, r.rec.body); err != nil {
		return err
	}
	r.parts, r.json, err = splitBody(r.expanded)
	return err
}

// Get implements store.Store.
func (s *Store) Get(ctx context.Context, key store.Key, fn func(*store.Doc) error) (bool, error) {
	if err := s.enter(ctx); err != nil {
		return false, err
	}
	defer s.leave()
	r := s.startReading()
	defer s.endReading(r)
	ident := key.Identity()
	for range maxLooks {
		s.index.mu.RLock()
		doc, there := s.index.find(&ident)
		s.index.mu.RUnlock()
		if !there {
			return false, nil
		}
		ok, err := s.document(r, doc)
		if err != nil {
			return false, err
		}
		if ok && !same(&r.parts, &key) {
			return false, fmt.Errorf("store: finding %s: %w: document %d is another's", key.ID, errDamaged, doc)
		}
		if ok {
			return true, fn(&store.Doc{Key: key, JSON: r.json, Customer: r.rec.customer, Version: r.rec.version})
		}
		runtime.Gosched() // it is being deleted
	}
	return false, fmt.Errorf("store: finding %s: %w: the index knows it, the database does not", key.ID, errDamaged)
}

// fewDocuments is up to how many documents are simply read, where an index could tell which ones to leave out.
const fewDocuments = 4

// Resolve implements store.Store.
func (s *Store) Resolve(ctx context.Context, scope store.Scope, ids []store.Ident) ([][]store.Key, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	r := s.startReading()
	defer s.endReading(r)
	within := s.scopeTerms(scope)
	out := make([][]store.Key, len(ids))
	var docs []uint32
	for i := range ids {
		pair := s.pairHash(ids[i].ProductArn, ids[i].ID)
		s.index.mu.RLock()
		docs = s.index.withPair(pair, docs[:0])
		if len(docs) > fewDocuments {
			docs = within.filter(s.index, docs)
		}
		s.index.mu.RUnlock()
		for n, doc := range docs {
			if n%64 == 0 {
				if err := ctx.Err(); err != nil {
					return nil, err
				}
			}
			ok, err := s.document(r, doc)
			if err != nil {
				return nil, err
			}
			if !ok || string(r.parts[2]) != ids[i].ProductArn || string(r.parts[3]) != ids[i].ID {
				continue
			}
			if k := keyOf(&r.parts); scope.Allows(k) {
				out[i] = append(out[i], k)
			}
		}
		slices.SortFunc(out[i], func(a, b store.Key) int {
			x, y := a.Identity(), b.Identity()
			return bytes.Compare(x[:], y[:])
		})
	}
	return out, nil
}

// scopeTerms is a scope as terms: a document must have one of each list. A list that is nil allows everything.
type scopeTerms struct {
	accounts, regions []uint32
}

func (s *Store) scopeTerms(scope store.Scope) scopeTerms {
	return scopeTerms{s.termsOf(fieldAccount, scope.Accounts), s.termsOf(fieldRegion, scope.Regions)}
}

func (s *Store) termsOf(field asff.Field, values []string) []uint32 {
	if len(values) == 0 {
		return nil
	}
	terms := make([]uint32, 0, len(values))
	for _, v := range values {
		if id, ok := s.dict.lookup(field, "", []byte(v)); ok {
			terms = append(terms, id)
		}
	}
	return terms
}

// filter keeps the documents in the scope, in place. The caller holds the index's lock.
func (t *scopeTerms) filter(x *index, docs []uint32) []uint32 {
	for _, list := range [...][]uint32{t.accounts, t.regions} {
		if list == nil {
			continue
		}
		allowed := x.union(list)
		docs = slices.DeleteFunc(docs, func(doc uint32) bool { return !allowed.Contains(doc) })
	}
	return docs
}

// union is the documents that have one of the terms: a bitmap of its own. The caller holds the lock.
func (x *index) union(terms []uint32) *roaring.Bitmap {
	out := roaring.New()
	for _, t := range terms {
		x.posting(t).addTo(out)
	}
	return out
}

// History implements store.Store.
func (s *Store) History(ctx context.Context, q store.HistoryQuery) ([]store.HistoryEntry, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	ident := q.Key.Identity()
	upper := append(historyKey(nil, ident, ^uint64(0)), 0)
	if q.After != 0 {
		upper = historyKey(nil, ident, q.After)
	}
	it, err := s.db.NewIterWithContext(ctx, &pebble.IterOptions{LowerBound: historyKey(nil, ident, 0), UpperBound: upper})
	if err != nil {
		return nil, err
	}
	var out []store.HistoryEntry
	for ok := it.Last(); ok && (q.Limit <= 0 || len(out) < q.Limit); ok = it.Prev() {
		if err := ctx.Err(); err != nil {
			return nil, errors.Join(err, it.Close())
		}
		rec, err := decodeHistory(it.Value())
		if err != nil || len(it.Key()) != 1+16+8 {
			return nil, errors.Join(fmt.Errorf("store: history of finding %s: %w", q.Key.ID, errDamaged), it.Close())
		}
		if !q.From.IsZero() && rec.Time.Before(q.From) || !q.To.IsZero() && rec.Time.After(q.To) {
			continue
		}
		out = append(out, store.HistoryEntry{HistoryRecord: rec, Seq: historySeq(it.Key())})
	}
	return out, it.Close()
}
