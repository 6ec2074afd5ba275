package embedded

import (
	"context"
	"errors"
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/cockroachdb/pebble/v2"

	"hubcap/internal/query"
	"hubcap/internal/store"
)

// Count implements store.Store.
func (s *Store) Count(ctx context.Context, scope store.Scope, where *query.Expr) (int64, error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.leave()
	r := s.startReading()
	defer s.endReading(r)
	set, err := s.ask(ctx, scope, where)
	if err != nil {
		return 0, err
	}
	match, err := s.settleSet(ctx, r, scope, where, set)
	if err != nil {
		return 0, err
	}
	return int64(match.GetCardinality()), nil //nolint:gosec // at most 2^32
}

// ask evaluates a condition.
func (s *Store) ask(ctx context.Context, scope store.Scope, where *query.Expr) (bounds, error) {
	p, err := s.plan(ctx, scope, where)
	if err != nil {
		return bounds{}, err
	}
	s.index.mu.RLock()
	defer s.index.mu.RUnlock()
	return p.evaluate(), nil
}

// Walk implements store.Store: in the order of document numbers, over a snapshot that is taken after the index was asked. What the
// snapshot has is judged anew, since a writer may have been there in between.
func (s *Store) Walk(ctx context.Context, scope store.Scope, where *query.Expr, yield func(*store.Doc) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	set, err := s.ask(ctx, scope, where)
	if err != nil || set.may.IsEmpty() {
		return err
	}
	r := s.startReading()
	defer s.endReading(r)
	snap := s.db.NewSnapshot()
	it, err := snap.NewIterWithContext(ctx, &pebble.IterOptions{LowerBound: []byte{docPrefix}, UpperBound: []byte{docPrefix + 1}})
	if err != nil {
		return errors.Join(err, snap.Close())
	}
	err = walkSet(ctx, it, r, set.may, func() error {
		key := keyOf(&r.parts)
		if !scope.Allows(key) || !query.Match(where, r.values.Values(r.json)) {
			return nil
		}
		return yield(&store.Doc{Key: key, JSON: r.json, Customer: r.rec.customer, Version: r.rec.version})
	})
	return errors.Join(err, it.Close(), snap.Close())
}

// walkSet reads the documents of a set that an iterator has into r, in their order.
func walkSet(ctx context.Context, it *pebble.Iterator, r *reading, set *roaring.Bitmap, use func() error) error {
	wanted, n := set.Iterator(), 0
	for ok := it.First(); ok && wanted.HasNext(); n++ {
		if n%64 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		doc, isDoc := keyNumber(it.Key())
		if !isDoc {
			return fmt.Errorf("document %x: %w", it.Key(), errDamaged)
		}
		if next := wanted.PeekNext(); next != doc {
			if next < doc {
				wanted.AdvanceIfNeeded(doc)
			} else {
				var key [8]byte
				ok = it.SeekGE(numberKey(key[:0], docPrefix, next))
			}
			continue
		}
		v, err := it.ValueAndErr()
		if err == nil {
			err = r.unpack(v)
		}
		if err != nil {
			return fmt.Errorf("store: document %d: %w", doc, err)
		}
		if err := use(); err != nil {
			return err
		}
		wanted.Next()
		ok = it.Next()
	}
	return it.Error()
}

// Explain implements store.Store.
func (s *Store) Explain(ctx context.Context, scope store.Scope, q *query.Find) (string, error) {
	if err := s.enter(ctx); err != nil {
		return "", err
	}
	defer s.leave()
	set, err := s.ask(ctx, scope, &q.Where)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s: %d of %d findings are candidates, %d for certain\n", q.Where,
		set.may.GetCardinality(), s.Stats().Findings, set.must.GetCardinality()), nil
}
