package postgres

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/jackc/pgx/v5"

	"hubcap/internal/asff"
)

// The schema: files that are run once each, in the order of their numbers. A file that a release had never changes.
//
//go:embed schema/*.sql
var schemaFiles embed.FS

// migrationLock is the advisory lock of who brings the schema up to date.
const migrationLock = 0x6875626361700001 // "hubcap", 1

// minimalServer is the oldest server that has all we use: PostgreSQL 13.
const minimalServer = 130000

// migrate brings the schema up to this version. One process does, others that start meanwhile wait for it.
func migrate(ctx context.Context, conn *pgx.Conn) error {
	files, err := fs.Glob(schemaFiles, "schema/*.sql")
	if err != nil {
		return err
	}
	if err := checkServer(ctx, conn); err != nil {
		return err
	}
	// The usual case takes no lock: everything is there.
	have, err := schemaVersion(ctx, conn)
	if err != nil || have == len(files) {
		return err
	}
	if have > len(files) {
		return newer(have, len(files))
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // after Commit there is nothing to roll back
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(migrationLock)); err != nil {
		return err
	}
	if have, err = schemaVersion(ctx, tx.Conn()); err != nil {
		return err
	}
	if have > len(files) {
		return newer(have, len(files))
	}
	for n := have; n < len(files); n++ {
		text, err := schemaFiles.ReadFile(files[n])
		if err != nil {
			return err
		}
		if err := apply(ctx, tx, n+1, string(text)); err != nil {
			return fmt.Errorf("schema version %d: %w", n+1, err)
		}
	}
	return tx.Commit(ctx)
}

func newer(have, want int) error {
	return fmt.Errorf("the tables have version %d, which this hubcap does not know (it knows up to %d): use the hubcap that made them, or a newer one", have, want)
}

func checkServer(ctx context.Context, conn *pgx.Conn) error {
	var version int
	var encoding string
	err := conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_setting('server_encoding')`).Scan(&version, &encoding)
	switch {
	case err != nil:
		return err
	case version < minimalServer:
		return fmt.Errorf("the server is PostgreSQL %d; hubcap needs %d or newer", version/10000, minimalServer/10000)
	case encoding != "UTF8":
		return fmt.Errorf("the database's encoding is %s; hubcap needs UTF8", encoding)
	}
	return nil
}

// schemaVersion is the version of the tables; 0 where there are none.
func schemaVersion(ctx context.Context, conn *pgx.Conn) (version int, err error) {
	// Not to_regclass: it may answer from what the server remembers of before another's transaction.
	var there bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_class WHERE relname = 'schema_version' AND pg_table_is_visible(oid))`).Scan(&there); err != nil || !there {
		return 0, err
	}
	err = conn.QueryRow(ctx, `SELECT version FROM schema_version`).Scan(&version)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, errors.New("the table schema_version has no row: the tables were damaged or copied in part")
	}
	return version, err
}

// apply runs one file.
func apply(ctx context.Context, tx pgx.Tx, version int, text string) error {
	if _, err := tx.Exec(ctx, text); err != nil {
		return err
	}
	if version == 1 {
		var seed [16]byte
		if _, err := rand.Read(seed[:]); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO setting (name, value) VALUES ('seed', $1)`, seed[:]); err != nil {
			return err
		}
		if err := trigrams(ctx, tx); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `UPDATE schema_version SET version = $1`, version)
	return err
}

// trigrams makes the index that substrings of titles are looked for in, where the server has the extension and lets us; elsewhere, and for
// the other attributes, the dictionary is read for them. For all attributes it would cost as much as everything else that an import writes.
func trigrams(ctx context.Context, tx pgx.Tx) error {
	attempt, err := tx.Begin(ctx)
	if err != nil {
		return err
	}
	_, err = attempt.Exec(ctx, strings.Join([]string{
		`CREATE EXTENSION IF NOT EXISTS pg_trgm`,
		fmt.Sprintf(`CREATE INDEX dict_trigrams ON dict USING gin (value gin_trgm_ops) WITH (gin_pending_list_limit = 1024) WHERE attribute = %d`, asff.FieldTitle),
	}, ";"))
	if err != nil && codeOf(err) != "" {
		return attempt.Rollback(ctx)
	}
	return errors.Join(err, attempt.Commit(ctx))
}
