package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// shards are the tables that are distributed, each by its first column, and all by account with those of one account on one node.
var shards = []struct{ table, by, with string }{
	{"finding", "account", "none"},
	{"document", "account", "finding"},
	{"gone", "account", "finding"},
	{"dict", "account", "finding"},
	{"history", "account", "finding"},
	{"state_version", "account", "finding"},
	{"state", "account", "finding"},
	{"writing", "account", "finding"},
	{"event", "account", "finding"},
	{"waiting", "account", "finding"},
	{"dead", "account", "finding"},
	{"lease", "account", "finding"},
	{"spool", "name", "none"},
}

// references are the tables that every node has whole.
var references = []string{"schema_version", "setting"}

// ErrNotDistributed says that the database is a single one.
var ErrNotDistributed = errors.New("the database has no extension citus: there is nothing to distribute to")

// Distribute spreads the tables over the nodes of a database that has the extension citus. What is spread already stays as it is; it
// answers the names of the tables that were spread now. Stores may be open meanwhile, but wait while a table moves.
func (s *Store) Distribute(ctx context.Context) (tables []string, err error) {
	return s.distributeAs(ctx, "citus")
}

func (s *Store) distributeAs(ctx context.Context, extension string) (tables []string, err error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	err = s.once(ctx, func(conn *pgx.Conn) error {
		tables, err = distribute(ctx, conn, extension)
		return err
	})
	return tables, explained(err)
}

func distribute(ctx context.Context, conn *pgx.Conn, extension string) (tables []string, err error) {
	var there bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_extension WHERE extname = $1)`, extension).Scan(&there); err != nil {
		return nil, err
	}
	if !there {
		return nil, ErrNotDistributed
	}
	// It may take long: the tables are moved.
	if _, err := conn.Exec(ctx, `SET statement_timeout = 0`); err != nil {
		return nil, err
	}
	defer func() {
		if _, reset := conn.Exec(ctx, `RESET statement_timeout`); err == nil {
			err = reset
		}
	}()
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, int64(migrationLock)); err != nil {
		return nil, err
	}
	defer func() {
		if _, unlock := conn.Exec(ctx, `SELECT pg_advisory_unlock($1)`, int64(migrationLock)); err == nil {
			err = unlock
		}
	}()
	move := func(table, statement string, args ...any) error {
		var done bool
		if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = $1::text::regclass)`, table).Scan(&done); err != nil || done {
			return err
		}
		if _, err := conn.Exec(ctx, statement, args...); err != nil {
			return fmt.Errorf("table %s: %w", table, err)
		}
		tables = append(tables, table)
		return nil
	}
	for _, t := range references {
		if err := move(t, `SELECT create_reference_table($1::text::regclass)`, t); err != nil {
			return tables, err
		}
	}
	for _, t := range shards {
		if err := move(t.table, `SELECT create_distributed_table($1::text::regclass, $2, colocate_with => $3)`, t.table, t.by, t.with); err != nil {
			return tables, err
		}
	}
	return tables, nil
}
