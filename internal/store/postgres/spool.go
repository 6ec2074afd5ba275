package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

func checkSpool(spool string) error {
	if spool == "" || strings.ContainsRune(spool, 0) || len(spool) > maxName {
		return fmt.Errorf("store: no spool can be named %q", spool)
	}
	return nil
}

// enterSpool begins a call on a spool.
func (s *Store) enterSpool(ctx context.Context, spool string) error {
	if err := checkSpool(spool); err != nil {
		return err
	}
	return s.enter(ctx)
}

// PutChunk implements store.Store. Numbers are kept as the bigint of the same bits.
func (s *Store) PutChunk(ctx context.Context, spool string, n uint64, chunk []byte) error {
	if err := s.enterSpool(ctx, spool); err != nil {
		return err
	}
	defer s.leave()
	if chunk == nil {
		chunk = []byte{}
	}
	return s.read(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `INSERT INTO spool (name, n, chunk) VALUES ($1, $2, $3) ON CONFLICT (name, n) DO UPDATE SET chunk = excluded.chunk`,
			toText(spool), int64(n), chunk) //nolint:gosec // the bits
		return err
	})
}

// Chunk implements store.Store.
func (s *Store) Chunk(ctx context.Context, spool string, n uint64) (chunk []byte, ok bool, err error) {
	if err := s.enterSpool(ctx, spool); err != nil {
		return nil, false, err
	}
	defer s.leave()
	err = s.read(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT chunk FROM spool WHERE name = $1 AND n = $2`, toText(spool), int64(n)).Scan(&chunk) //nolint:gosec // the bits
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	return chunk, true, nil
}

// DropSpool implements store.Store.
func (s *Store) DropSpool(ctx context.Context, spool string) error {
	if err := s.enterSpool(ctx, spool); err != nil {
		return err
	}
	defer s.leave()
	return s.read(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `DELETE FROM spool WHERE name = $1`, toText(spool))
		return err
	})
}
