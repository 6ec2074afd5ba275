package postgres

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"hubcap/internal/store/postgres/postgrestest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// begin makes an empty store in a database of its own.
func begin(t testing.TB) (*Store, string) {
	t.Helper()
	address := postgrestest.Database(t)
	return open(t, address, Options{}), address
}

func open(t testing.TB, address string, opts Options) *Store {
	t.Helper()
	s, err := Open(context.Background(), address, opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// execute runs a statement beside the store.
func execute(t testing.TB, address, statement string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, address)
	require.NoError(t, err)
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	require.NoError(t, err, "%s", statement)
}

// TestOpenAtOnce: several processes may start on an empty database at the same time.
func TestOpenAtOnce(t *testing.T) {
	address := postgrestest.Database(t)
	var wg sync.WaitGroup
	seeds := make([][16]byte, 8)
	for i := range seeds {
		wg.Go(func() {
			s, err := Open(context.Background(), address, Options{MaxConns: 1})
			if err != nil {
				t.Errorf("open: %v", err)
				return
			}
			seeds[i] = s.hash.seed
			if err := s.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
	wg.Wait()
	for _, seed := range seeds {
		require.Equal(t, seeds[0], seed)
	}
	require.NotZero(t, seeds[0])
}

func TestOpenRefuses(t *testing.T) {
	ctx := context.Background()
	s, address := begin(t)
	require.NoError(t, s.Close())
	execute(t, address, `UPDATE schema_version SET version = 99`)
	_, err := Open(ctx, address, Options{})
	require.ErrorContains(t, err, "the tables have version 99, which this hubcap does not know")
	execute(t, address, `DELETE FROM schema_version`)
	_, err = Open(ctx, address, Options{})
	require.ErrorContains(t, err, "schema_version has no row")
}

// How long a test waits for what must come, and how often it looks.
const timeLimit, tickTime = time.Minute, 2 * time.Millisecond

// past is a clock that is far behind.
func past() time.Time { return time.UnixMilli(1_700_000_000_000) }

// TestPool: the address may say how many connections there are, else the machine does; and who is to have how long.
func TestPool(t *testing.T) {
	for _, c := range []struct {
		address string
		opts    Options
		want    int32
	}{
		{"postgres://h/d?pool_max_conns=3", Options{}, 3},
		{"host=h pool_max_conns=4", Options{}, 4},
		{"postgres://h/d?pool_max_conns=3", Options{MaxConns: 7}, 7},
		{"postgres://h/d", Options{}, int32(max(16, 4*runtime.GOMAXPROCS(0)))},
	} {
		config, err := pgxpool.ParseConfig(c.address)
		require.NoError(t, err)
		opts := c.opts.withDefaults()
		tune(config, c.address, &opts)
		require.Equal(t, c.want, config.MaxConns, c.address)
		require.Equal(t, "60000", config.ConnConfig.RuntimeParams["statement_timeout"])
	}
	several, err := pgxpool.ParseConfig("postgres://one,two/d?sslmode=disable&statement_timeout=7")
	require.NoError(t, err)
	opts := Options{}.withDefaults()
	tune(several, "", &opts)
	require.NotNil(t, several.ConnConfig.ValidateConnect, "of several hosts, the one that takes changes")
	require.Equal(t, "7", several.ConnConfig.RuntimeParams["statement_timeout"], "what the address says stays")
}

// TestReadOnly: a server that takes no changes any more is left when another does.
func TestReadOnly(t *testing.T) {
	s, address := begin(t)
	k, doc := finding(t, "one", "x")
	require.NoError(t, add(s, k, doc))
	execute(t, address, `DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET default_transaction_read_only = on'; END $$`)
	s.pool.Reset()
	require.Equal(t, codeReadOnly, codeOf(add(s, k, doc)))
	execute(t, address, `BEGIN READ WRITE; DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' RESET default_transaction_read_only'; END $$; COMMIT`)
	require.NoError(t, add(s, k, doc), "and no connection to the old one is used again")
}
