package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Connections is how the pool of this process stands.
type Connections struct {
	Busy, Idle, Most int32
	Waited           int64 // how often somebody had to wait for one
}

// Connections looks at the pool.
func (s *Store) Connections() Connections {
	p := s.pool.Stat()
	return Connections{Busy: p.AcquiredConns(), Idle: p.IdleConns(), Most: p.MaxConns(), Waited: p.EmptyAcquireCount()}
}

// Estimate is about how many findings there are, by the database's own statistics.
func (s *Store) Estimate(ctx context.Context) (n int64, err error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.leave()
	err = s.once(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'finding'::regclass`).Scan(&n)
	})
	return n, err
}
