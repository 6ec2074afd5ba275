// Package postgres is the engine for more than one machine: several processes on one PostgreSQL, also where that is distributed by
// account. It keeps nothing that another process must know outside the database, and caches only what a version in the database vouches
// for.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"hubcap/internal/store"
)

// Options are those of Open. The zero value is good.
type Options struct {
	// MaxConns bounds the connections of this process. 0: that of the address (pool_max_conns), else four for each processor and at
	// least 16.
	MaxConns int32
	// QueryTimeout is how long a page, a count or a grouping may take, before it answers store.ErrTooSlow. 0: 10 seconds; below:
	// without end. Walk has no such limit.
	QueryTimeout time.Duration
	// StatementTimeout is how long the server works on one statement of a change or of a walk before it gives up. 0: one minute.
	StatementTimeout time.Duration
	// ConnectTimeout is how long Open waits for a server that is not there yet, and how long a call waits for a connection. 0: 5 seconds.
	ConnectTimeout time.Duration
	// Clock gives the first version of new findings; nil: time.Now. It need not agree with that of other processes.
	Clock func() time.Time
	// Logger hears of what went wrong behind the calls; nil: slog.Default().
	Logger *slog.Logger
	// KnownWords is how many values are remembered as being in the dictionary, so that they need not be sent again. 0: 1 million.
	KnownWords int
	// KnownAccounts is how many accounts' records are remembered. 0: 10,000.
	KnownAccounts int

	hashMask uint64 // of tests: forces collisions
}

func (o Options) withDefaults() Options {
	if o.QueryTimeout == 0 {
		o.QueryTimeout = 10 * time.Second
	}
	if o.StatementTimeout == 0 {
		o.StatementTimeout = time.Minute
	}
	if o.ConnectTimeout == 0 {
		o.ConnectTimeout = 5 * time.Second
	}
	if o.Clock == nil {
		o.Clock = time.Now //nolint:forbidigo // the one place where the engine meets the real clock
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.KnownWords == 0 {
		o.KnownWords = 1_000_000
	}
	if o.KnownAccounts == 0 {
		o.KnownAccounts = 10_000
	}
	if o.hashMask == 0 {
		o.hashMask = ^uint64(0)
	}
	return o
}

// Store is an open store. It implements store.Store.
type Store struct {
	opts Options
	pool *pgxpool.Pool
	hash *hasher

	// What is remembered of the database, for an era: as long as one server runs.
	era      atomic.Int64
	eraMu    sync.Mutex
	started  time.Time // the server
	words    *words    // that the dictionary has
	accounts *accounts // and their records

	statistics statistics

	scratch sync.Pool // *call
	tidied  chan struct{}

	decideWithin time.Duration // of tests

	expiring sync.Mutex // of who expires events
	expired  eventPlace // how far that looked, when a call left the rest to the next; the zero place: nobody did
	excess   int64      // and how many bytes were still too much

	ctx     context.Context // ends with the store: of work behind the calls
	end     context.CancelFunc
	callsMu sync.Mutex
	calls   sync.WaitGroup
	closed  bool
}

// Open opens the store in the database at an address, postgres://user:password@host:port/database?..., or key=value pairs, as libpq
// takes it; several hosts are tried in turn. Tables are made, and brought up to this version, where they are not. Several processes may
// have one store open, and open it at once.
func Open(ctx context.Context, address string, opts Options) (*Store, error) {
	opts = opts.withDefaults()
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("store: the address of the database: %w", withoutSecrets(err))
	}
	tune(config, address, &opts)
	s := &Store{
		opts: opts, decideWithin: decideWithin, tidied: make(chan struct{}),
		words: newWords(opts.KnownWords), accounts: newAccounts(opts.KnownAccounts),
	}
	s.scratch.New = func() any { return newCall(s) }
	config.AfterConnect = s.meet
	if s.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, fmt.Errorf("store: %w", withoutSecrets(err))
	}
	s.ctx, s.end = context.WithCancel(context.WithoutCancel(ctx))
	if err := s.prepare(ctx); err != nil {
		s.end()
		s.pool.Close()
		return nil, fmt.Errorf("store in database %q at %s: %w", config.ConnConfig.Database, hostOf(config), withoutSecrets(err))
	}
	return s, nil
}

// meet begins an era when a connection leads to another server than before, or to one that was started anew: what that server has may be
// less than what is remembered.
func (s *Store) meet(ctx context.Context, conn *pgx.Conn) error {
	var started time.Time
	if err := conn.QueryRow(ctx, `SELECT pg_postmaster_start_time()`).Scan(&started); err != nil {
		return err
	}
	s.eraMu.Lock()
	defer s.eraMu.Unlock()
	if !started.Equal(s.started) {
		era := s.era.Load() + 1
		s.started = started
		s.words.forget(era)
		s.accounts.begin(era)
		s.era.Store(era)
	}
	return nil
}

func hostOf(c *pgxpool.Config) string {
	return c.ConnConfig.Host + ":" + strconv.Itoa(int(c.ConnConfig.Port))
}

// tune sets what the address leaves open.
func tune(c *pgxpool.Config, address string, opts *Options) {
	if opts.MaxConns > 0 {
		c.MaxConns = opts.MaxConns
	} else if !strings.Contains(address, "pool_max_conns") {
		c.MaxConns = int32(max(16, 4*runtime.GOMAXPROCS(0))) //nolint:gosec // processors
	}
	if c.ConnConfig.ConnectTimeout == 0 {
		c.ConnConfig.ConnectTimeout = opts.ConnectTimeout
	}
	if len(c.ConnConfig.Fallbacks) > 0 && c.ConnConfig.ValidateConnect == nil {
		// Of several hosts, the one that takes changes.
		c.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	for name, value := range map[string]string{
		"application_name":  "hubcap",
		"jit":               "off", // no question is so large that compiling it pays
		"TimeZone":          "UTC",
		"random_page_cost":  "1.1", // what is asked for is in memory, or on a disk that does not turn
		"statement_timeout": strconv.FormatInt(opts.StatementTimeout.Milliseconds(), 10),
		// A process that died in the middle of a transaction must not keep its locks.
		"idle_in_transaction_session_timeout": strconv.FormatInt(opts.StatementTimeout.Milliseconds(), 10),
	} {
		if _, given := c.ConnConfig.RuntimeParams[name]; !given {
			c.ConnConfig.RuntimeParams[name] = value
		}
	}
}

// prepare brings the database up to this version and reads what belongs to the store as a whole.
func (s *Store) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.opts.StatementTimeout)
	defer cancel()
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if err := migrate(ctx, conn.Conn()); err != nil {
		return err
	}
	h := &hasher{mask: s.opts.hashMask}
	var seed []byte
	if err := conn.QueryRow(ctx, `SELECT value FROM setting WHERE name = 'seed'`).Scan(&seed); err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	if copy(h.seed[:], seed) != len(h.seed) {
		return fmt.Errorf("seed: %w", errDamaged)
	}
	s.hash = h
	go s.tidy()
	return nil
}

// enter begins a call, unless its caller is gone; leave ends it. Close waits for those under way.
func (s *Store) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.callsMu.Lock()
	defer s.callsMu.Unlock()
	if s.closed {
		return store.ErrClosed
	}
	s.calls.Add(1)
	return nil
}

func (s *Store) leave() { s.calls.Done() }

// Close waits for the calls under way and ends. A second Close does nothing.
func (s *Store) Close() error {
	s.callsMu.Lock()
	if s.closed {
		s.callsMu.Unlock()
		return nil
	}
	s.closed = true
	s.callsMu.Unlock()
	s.calls.Wait()
	s.end()
	<-s.tidied
	s.pool.Close()
	return nil
}

// read runs a question on a connection: again where the connection, not the question, was at fault. fn must begin anew each time, and
// must not call anybody else's code while it has the connection: that might need another one.
func (s *Store) read(ctx context.Context, fn func(conn *pgx.Conn) error) error {
	return s.retry(ctx, func() error { return s.once(ctx, fn) })
}

// once runs fn on a connection.
func (s *Store) once(ctx context.Context, fn func(conn *pgx.Conn) error) error {
	conn, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	err = fn(conn.Conn())
	if lost(err) && !errors.Is(err, errNotCommitted) {
		// What befell this connection befell the others too: a server that died, or takes no changes any more.
		s.pool.Reset()
	}
	return err
}

// acquire takes a connection from the pool; Release gives it back, and closes it if it is in the middle of something.
func (s *Store) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	waiting, cancel := context.WithTimeout(ctx, s.opts.StatementTimeout)
	defer cancel()
	conn, err := s.pool.Acquire(waiting)
	if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return nil, errNoConnection
	}
	return conn, err
}

var errNoConnection = errors.New("store: no connection to the database could be had in time")

// detached is for the work that, once begun, goes on to its end though its caller may be gone.
func (s *Store) detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), s.opts.StatementTimeout)
}

// rollback ends a transaction, if there is one. A connection that cannot do even this is closed when it is given back.
func (s *Store) rollback(ctx context.Context, conn *pgx.Conn) {
	if conn.IsClosed() || conn.PgConn().TxStatus() == 'I' {
		return
	}
	ctx, cancel := s.detached(ctx)
	defer cancel()
	_, _ = conn.Exec(ctx, `ROLLBACK`)
}
