package embedded

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"hubcap/internal/store"
)

// expireStep is how many records one call of ExpireHistory looks at.
const expireStep = 4096

// ExpireHistory implements store.Store.
func (s *Store) ExpireHistory(ctx context.Context, before time.Time, from []byte) (next []byte, err error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	if err := s.space.check(); err != nil {
		return nil, err
	}
	if len(from) == 0 {
		from = []byte{historyPrefix}
	}
	it, err := s.db.NewIterWithContext(ctx, &pebble.IterOptions{LowerBound: from, UpperBound: []byte{historyPrefix + 1}})
	if err != nil {
		return nil, err
	}
	b, n := s.db.NewBatch(), 0
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		if n++; n > expireStep {
			next = bytes.Clone(it.Key())
			break
		}
		var rec store.HistoryRecord
		if rec, err = decodeHistory(it.Value()); err == nil && rec.Time.Before(before) {
			err = b.Delete(it.Key(), nil)
		}
	}
	if err = errors.Join(err, it.Close()); err != nil || b.Empty() {
		return next, errors.Join(err, b.Close())
	}
	return next, s.write(b)
}
