package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"hubcap/internal/asff"
	"hubcap/internal/store"
)

// shortLived is scanned without a copy: valid until the next row.
type shortLived []byte

// ScanBytes implements pgtype.BytesScanner.
func (b *shortLived) ScanBytes(v []byte) error {
	*b = v
	return nil
}

// identityScan is an identity as it is scanned.
type identityScan store.Identity

// ScanBytes implements pgtype.BytesScanner.
func (i *identityScan) ScanBytes(v []byte) error {
	if copy(i[:], v) != len(i) || len(v) != len(i) {
		return errDamaged
	}
	return nil
}

// Get implements store.Store.
func (s *Store) Get(ctx context.Context, key store.Key, fn func(*store.Doc) error) (bool, error) {
	if err := s.enter(ctx); err != nil {
		return false, err
	}
	defer s.leave()
	ident := key.Identity()
	var (
		version  int64
		customer int16
		body     []byte
	)
	err := s.read(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT version, customer, body FROM document WHERE account = $1 AND identity = $2`, toText(key.Account), ident[:]).
			Scan(&version, &customer, &body)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	stored, doc, _, err := unpack(nil, body)
	if err == nil && stored != key {
		err = fmt.Errorf("%w: it is another's", errDamaged)
	}
	if err != nil {
		return false, fmt.Errorf("store: finding %s: %w", key.ID, err)
	}
	return true, fn(&store.Doc{Key: key, JSON: doc, Customer: asff.Attrs(customer), Version: uint64(version)}) //nolint:gosec // as written
}

const (
	selectIDs       = `SELECT id, body FROM document WHERE id = ANY($1::text[])`
	selectIDsWithin = selectIDs + ` AND account = ANY($2::text[])`
)

// Resolve implements store.Store.
func (s *Store) Resolve(ctx context.Context, scope store.Scope, ids []store.Ident) ([][]store.Key, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	byHead := make(map[string][]int, len(ids))
	heads := make([]string, 0, len(ids))
	for i := range ids {
		h := headOf(toText(ids[i].ID))
		if byHead[h] == nil {
			heads = append(heads, h)
		}
		byHead[h] = append(byHead[h], i)
	}
	statement, args := selectIDs, []any{heads}
	if len(scope.Accounts) > 0 {
		statement, args = selectIDsWithin, append(args, toTexts(scope.Accounts))
	}
	var out [][]store.Key
	var buf []byte
	err := s.read(ctx, func(conn *pgx.Conn) error {
		out = make([][]store.Key, len(ids))
		rows, err := conn.Query(ctx, statement, args...)
		if err != nil {
			return err
		}
		var id string
		var body []byte
		_, err = pgx.ForEachRow(rows, []any{&id, (*shortLived)(&body)}, func() (err error) {
			var k store.Key
			if k, _, buf, err = unpack(buf, body); err != nil {
				return err
			}
			for _, i := range byHead[id] {
				if k.ProductArn == ids[i].ProductArn && k.ID == ids[i].ID && scope.Allows(k) {
					out[i] = append(out[i], k)
				}
			}
			return nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	for i := range out {
		slices.SortFunc(out[i], func(a, b store.Key) int {
			x, y := a.Identity(), b.Identity()
			return bytes.Compare(x[:], y[:])
		})
	}
	return out, nil
}
