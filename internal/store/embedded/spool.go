package embedded

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/cockroachdb/pebble/v2"
)

// spoolKey is the key of a piece. Names hold no zero byte, so that no spool lies within another.
func spoolKey(spool string, n uint64) []byte {
	key := append(append([]byte{spoolPrefix}, spool...), 0)
	return binary.BigEndian.AppendUint64(key, n)
}

func checkSpool(spool string) error {
	if spool == "" || strings.ContainsRune(spool, 0) {
		return fmt.Errorf("store: no spool can be named %q", spool)
	}
	return nil
}

// PutChunk implements store.Store.
func (s *Store) PutChunk(ctx context.Context, spool string, n uint64, chunk []byte) error {
	if err := checkSpool(spool); err != nil {
		return err
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	if err := s.space.check(); err != nil {
		return err
	}
	b := s.db.NewBatch()
	if err := b.Set(spoolKey(spool, n), chunk, nil); err != nil {
		return errorsJoinClose(err, b)
	}
	return s.write(b)
}

// Chunk implements store.Store.
func (s *Store) Chunk(ctx context.Context, spool string, n uint64) ([]byte, bool, error) {
	if err := checkSpool(spool); err != nil {
		return nil, false, err
	}
	if err := s.enter(ctx); err != nil {
		return nil, false, err
	}
	defer s.leave()
	v, closer, err := s.db.Get(spoolKey(spool, n))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("store: spool %s: %w", spool, err)
	}
	out := append([]byte{}, v...)
	return out, true, closer.Close()
}

// DropSpool implements store.Store.
func (s *Store) DropSpool(ctx context.Context, spool string) error {
	if err := checkSpool(spool); err != nil {
		return err
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	b := s.db.NewBatch()
	last := append(spoolKey(spool, ^uint64(0)), 0)
	if err := b.DeleteRange(spoolKey(spool, 0), last, nil); err != nil {
		return errorsJoinClose(err, b)
	}
	return s.write(b)
}

// write commits a batch that the index knows nothing of, durably.
func (s *Store) write(b *pebble.Batch) error {
	if err := s.applyBatch(b); err != nil {
		return err
	}
	return s.finish(b)
}
