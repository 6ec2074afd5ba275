package embedded

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"hubcap/internal/store"
)

var _ store.Copied = (*Store)(nil)

// Whole implements store.Copied.
func (s *Store) Whole(ctx context.Context, keys []store.Key, yield func(*store.Whole) error) error {
	for i := range keys {
		var w store.Whole
		var there bool
		// A finding that changes between both reads has a record too many, or too few: it is read again.
		for again := true; again; {
			var err error
			there, err = s.Get(ctx, keys[i], func(d *store.Doc) error {
				w.Doc = *d
				w.JSON = slices.Clone(d.JSON)
				return nil
			})
			if err != nil || !there {
				if err != nil {
					return err
				}
				break
			}
			if w.History, err = s.History(ctx, store.HistoryQuery{Key: keys[i]}); err != nil {
				return err
			}
			if there, err = s.Get(ctx, keys[i], func(d *store.Doc) error {
				again = d.Version != w.Version
				return nil
			}); err != nil {
				return err
			}
			again = again || !there
		}
		if !there {
			continue
		}
		slices.Reverse(w.History)
		if err := yield(&w); err != nil {
			return err
		}
	}
	return nil
}

// Load implements store.Copied.
func (s *Store) Load(ctx context.Context, findings []store.Whole) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	if err := s.space.check(); err != nil {
		return err
	}
	keys := make([]store.Key, len(findings))
	for i := range findings {
		w := &findings[i]
		keys[i] = w.Key
		above := w.Version
		for k := range w.History {
			above = max(above, w.History[k].Seq)
		}
		s.sequence.raise(above)
	}
	if err := s.sequence.reserve(s.db); err != nil {
		return err
	}
	defer s.writers.leave(s.writers.enter())
	c := s.scratch.Get().(*call)
	defer c.end()
	c.begin(keys)
	if len(c.items) != len(keys) {
		return errors.New("store: a finding is loaded twice in one call")
	}
	c.loading = findings
	for i := range keys {
		c.items[c.of[i]].place = i
	}
	b, err := c.run(ctx, keys, func(i int, _ *store.Doc, _ store.StateView) (store.Change, error) {
		return store.Change{JSON: findings[i].JSON, Customer: findings[i].Customer}, nil
	})
	if err = errors.Join(append(slices.Clone(c.errs), err)...); err != nil || b == nil {
		return err
	}
	return s.finish(b)
}

// takeWhole gives an item the version and the history that it is loaded with.
func (c *call) takeWhole(it *item, w *store.Whole) {
	it.version, it.wiped = w.Version, true
	it.history, it.seqs = it.history[:0], it.seqs[:0]
	for i := range w.History {
		from := len(c.histories)
		c.histories = appendHistory(c.histories, &w.History[i].HistoryRecord)
		it.history = append(it.history, span{from, len(c.histories)})
		it.seqs = append(it.seqs, w.History[i].Seq)
	}
}

// Records implements store.Copied.
func (s *Store) Records(ctx context.Context, yield func(account, name string, value []byte) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	snap := *s.state.now.Load()
	for _, account := range slices.Sorted(maps.Keys(snap)) {
		for _, name := range snap.Names(account, "") {
			value, _ := snap.Get(account, name)
			if err := yield(account, name, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// Spools implements store.Copied.
func (s *Store) Spools(ctx context.Context, yield func(spool string, n uint64, chunk []byte) error) error {
	return s.each(ctx, spoolPrefix, func(key, value []byte) error {
		if len(key) < 1+1+1+8 {
			return errDamaged
		}
		name := string(key[1 : len(key)-9])
		return yield(name, binary.BigEndian.Uint64(key[len(key)-8:]), value)
	})
}

// each goes over the records under a letter.
func (s *Store) each(ctx context.Context, prefix byte, f func(key, value []byte) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	it, err := s.db.NewIterWithContext(ctx, &pebble.IterOptions{LowerBound: []byte{prefix}, UpperBound: []byte{prefix + 1}})
	if err != nil {
		return err
	}
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		if err = ctx.Err(); err == nil {
			err = f(it.Key(), it.Value())
		}
	}
	return errors.Join(err, it.Error(), it.Close())
}

// Outgoing implements store.Copied.
func (s *Store) Outgoing(ctx context.Context, yield func(*store.Outgoing) error) error {
	sinks, err := s.waitingSinks(ctx)
	if err != nil {
		return err
	}
	slices.Sort(sinks)
	var buf []byte
	return s.each(ctx, eventPrefix, func(key, value []byte) error {
		var out store.Outgoing
		if buf, err = decodeEvent(&out.Event, buf, value); err != nil {
			return err
		}
		ref := out.Ref()
		number := binary.BigEndian.Uint64(key[1:])
		for _, sink := range sinks {
			waits, err := s.has(waitingKey(nil, sink, &ref))
			if err != nil {
				return err
			}
			if waits {
				out.Waiting = append(out.Waiting, sink)
			}
			v, closer, err := s.db.Get(deadKey(sink, number))
			if errors.Is(err, pebble.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			dead, err := decodeDead(v)
			if err = errors.Join(err, closer.Close()); err != nil {
				return err
			}
			if out.Dead == nil {
				out.Dead = map[string]store.DeadEvent{}
			}
			out.Dead[sink] = dead
		}
		return yield(&out)
	})
}

func (s *Store) has(key []byte) (bool, error) {
	_, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, closer.Close()
}

// LoadOutgoing implements store.Copied.
func (s *Store) LoadOutgoing(ctx context.Context, events []store.Outgoing) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	if err := s.space.check(); err != nil {
		return err
	}
	for i := range events {
		s.sequence.raise(events[i].Version)
	}
	if err := s.sequence.reserve(s.db); err != nil || len(events) == 0 {
		return err
	}
	first := s.outbox.begin(&s.sequence, len(events))
	defer s.outbox.end(first)
	b := s.db.NewBatch()
	for i := range events {
		if err := s.loadOutgoing(b, first+uint64(i), &events[i]); err != nil {
			return errorsJoinClose(err, b)
		}
	}
	return s.write(b)
}

func (s *Store) loadOutgoing(b *pebble.Batch, number uint64, e *store.Outgoing) error {
	for _, sink := range e.Waiting {
		if err := checkSink(sink); err != nil {
			return err
		}
	}
	ref := e.Ref()
	mark := store.EventMark{Kind: e.Kind, Time: e.Time, Detail: e.Detail}
	row := appendEvent(nil, &mark, e.Version, compress(nil, appendBody(nil, &e.Key, e.JSON)))
	if err := s.putEvent(b, number, &ref, row, e.Waiting); err != nil {
		return err
	}
	for _, sink := range slices.Sorted(maps.Keys(e.Dead)) {
		if err := checkSink(sink); err != nil {
			return err
		}
		dead := e.Dead[sink]
		if err := b.Set(deadKey(sink, number), appendDead(nil, &dead), nil); err != nil {
			return fmt.Errorf("store: %w", err)
		}
	}
	return nil
}

// DropOutgoing implements store.Copied.
func (s *Store) DropOutgoing(ctx context.Context) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	b := s.db.NewBatch()
	for _, prefix := range [...]byte{eventPrefix, waitingPrefix, deadPrefix} {
		if err := b.DeleteRange([]byte{prefix}, []byte{prefix + 1}, nil); err != nil {
			return errorsJoinClose(err, b)
		}
	}
	s.outbox.expire(nil)
	return s.write(b)
}
