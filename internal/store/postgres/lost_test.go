package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hubcap/internal/query/querytest"
	"hubcap/internal/store"
	"hubcap/internal/store/postgres/postgrestest"
)

// fault is what a proxy does to the first COMMIT that comes while it is set.
type fault int32

const (
	none   fault = iota
	before       // the connection is cut; the server never hears of it
	after        // the server commits; the connection is cut in place of its answer
	during       // the server hears of it only when the test says so; the connection is cut at once
)

// proxy stands between a store and its server.
type proxy struct {
	t       testing.TB
	server  string
	ln      net.Listener
	fault   atomic.Int32
	hit     chan struct{} // a fault was done
	deliver chan struct{} // closed: what was held back goes on
	refuse  atomic.Bool   // new connections are cut
	mu      sync.Mutex
	open    []net.Conn
	wg      sync.WaitGroup
}

// through makes an address lead through a proxy.
func through(t testing.TB, address string) (*proxy, string) {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	p := &proxy{t: t, server: u.Host, hit: make(chan struct{}, 100), deliver: make(chan struct{})}
	p.ln, err = net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		require.NoError(t, p.ln.Close())
		p.cut()
		p.wg.Wait()
	})
	u.Host = p.ln.Addr().String()
	return p, u.String()
}

func (p *proxy) accept() {
	for {
		client, err := p.ln.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.server)
		if err != nil || p.refuse.Load() {
			_ = client.Close()
			if err == nil {
				_ = server.Close()
			}
			continue
		}
		p.mu.Lock()
		p.open = append(p.open, client, server)
		p.mu.Unlock()
		p.wg.Go(func() { p.carry(client, server) })
	}
}

// cut ends all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.open {
		_ = c.Close()
	}
	p.open = nil
}

// carry moves bytes both ways. The client's come message by message, so that a COMMIT is seen before it is sent on.
func (p *proxy) carry(client, server net.Conn) {
	var swallow atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			if swallow.Load() {
				_ = client.Close() // the answer to COMMIT: whatever it was, it is lost
				continueReading(server)
				return
			}
			if _, werr := client.Write(buf[:n]); err != nil || werr != nil {
				_ = client.Close()
				return
			}
		}
	}()
	commit := []byte("COMMIT\x00")
	head := make([]byte, 5)
	for started := false; ; {
		// The first message has no letter.
		skip := 0
		if !started {
			skip = 1
		}
		if _, err := io.ReadFull(client, head[skip:]); err != nil {
			break
		}
		size := int(binary.BigEndian.Uint32(head[1:])) - 4
		message := make([]byte, 5-skip+size)
		copy(message, head[skip:])
		if _, err := io.ReadFull(client, message[5-skip:]); err != nil {
			break
		}
		started = true
		// A simple query, as COMMIT without arguments is.
		if head[0] == 'Q' && bytes.HasSuffix(message, commit) {
			switch f := fault(p.fault.Swap(int32(none))); f {
			case none:
			case before:
				_ = client.Close()
				_ = server.Close()
				p.hit <- struct{}{}
				<-done
				return
			case after:
				swallow.Store(true)
				p.hit <- struct{}{}
			case during:
				_ = client.Close()
				p.hit <- struct{}{}
				<-p.deliver
			}
		}
		if _, err := server.Write(message); err != nil {
			break
		}
	}
	if !swallow.Load() {
		_ = server.Close()
	}
	<-done
	_ = client.Close()
	_ = server.Close()
}

// continueReading lets the server end its work.
func continueReading(server net.Conn) {
	_ = server.SetReadDeadline(time.Now().Add(time.Second))
	_, _ = io.Copy(io.Discard, server)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func finding(t testing.TB, name, title string) (store.Key, []byte) {
	t.Helper()
	d, err := querytest.NewDoc(name, fmt.Sprintf(`{"Title":%q}`, title))
	require.NoError(t, err)
	return store.Key{Account: d.Account, Region: d.Region, ProductArn: d.ProductArn, ID: d.ID}, d.JSON
}

// add appends a record to a finding's history, and makes the finding where it is not there.
func add(s *Store, k store.Key, doc []byte) error {
	errs, err := s.Update(context.Background(), []store.Key{k}, func(_ int, old *store.Doc, _ store.StateView) (store.Change, error) {
		ch := store.Change{JSON: doc}
		if old != nil {
			ch = store.Change{History: []store.HistoryRecord{{Time: time.UnixMilli(1), Source: "s", Identity: "i"}}}
		}
		return ch, nil
	})
	return errors.Join(append(errs, err)...)
}

func recordsOf(t testing.TB, s *Store, k store.Key) int {
	t.Helper()
	list, err := s.History(context.Background(), store.HistoryQuery{Key: k})
	require.NoError(t, err)
	return len(list)
}

// TestCommitIsLookedUp: where the answer to COMMIT is lost, the call finds out what became of it: done is done once, and what was not
// done is done again.
func TestCommitIsLookedUp(t *testing.T) {
	direct := postgrestest.Database(t)
	p, address := through(t, direct)
	s := open(t, address, Options{Logger: quiet()})
	k, doc := finding(t, "one", "x")
	require.NoError(t, add(s, k, doc))
	for i, f := range []fault{before, after, after, before} {
		p.fault.Store(int32(f))
		require.NoError(t, add(s, k, doc), "fault %d", f)
		require.Len(t, p.hit, 1, "fault %d was done", f)
		<-p.hit
		require.Equal(t, i+1, recordsOf(t, s, k), "fault %d: once, neither lost nor twice", f)
	}

	// Records of accounts: what was not done is said not to be.
	put := func(value string) error {
		return s.State(context.Background(), []string{"111122223333"}, func(tx store.StateTx) error {
			tx.Put("111122223333", "hub", []byte(value))
			return nil
		})
	}
	get := func() (value string) {
		require.NoError(t, s.View(context.Background(), func(v store.StateView) error {
			b, _ := v.Get("111122223333", "hub")
			value = string(b)
			return nil
		}))
		return value
	}
	require.NoError(t, put("one"))
	p.fault.Store(int32(after))
	require.NoError(t, put("two"))
	require.Equal(t, "two", get())
	p.fault.Store(int32(before))
	require.ErrorIs(t, put("three"), errNotCommitted)
	require.Equal(t, "two", get())
}

// TestCommitUnderWay: while the server has not heard of the COMMIT yet, nobody knows; whoever asks makes certain that it can come no more,
// or waits for it.
func TestCommitUnderWay(t *testing.T) {
	direct := postgrestest.Database(t)
	p, address := through(t, direct)
	s := open(t, address, Options{Logger: quiet()})
	k, doc := finding(t, "one", "x")
	require.NoError(t, add(s, k, doc))
	p.fault.Store(int32(during))
	result := make(chan error)
	go func() { result <- add(s, k, doc) }()
	<-p.hit
	// The transaction holds its note: the question waits for it.
	other := open(t, direct, Options{})
	require.Eventually(t, func() bool { return waits(t, other) }, 10*time.Second, 10*time.Millisecond)
	close(p.deliver)
	require.NoError(t, <-result)
	require.Equal(t, 1, recordsOf(t, other, k))
}

// waits tells whether a statement waits for another's transaction.
func waits(t testing.TB, s *Store) bool {
	t.Helper()
	var n int
	require.NoError(t, s.pool.QueryRow(context.Background(),
		`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'INSERT INTO writing%'`).Scan(&n))
	return n > 0
}

// TestOutcomeUnknown: where it cannot be found out, the call fails, and says so.
func TestOutcomeUnknown(t *testing.T) {
	direct := postgrestest.Database(t)
	p, address := through(t, direct)
	s := open(t, address, Options{Logger: quiet()})
	s.decideWithin = 300 * time.Millisecond
	k, doc := finding(t, "one", "x")
	require.NoError(t, add(s, k, doc))
	p.fault.Store(int32(after))
	p.refuse.Store(true)
	require.ErrorIs(t, add(s, k, doc), errUnknown)
	_, err := s.Get(context.Background(), k, func(*store.Doc) error { return nil })
	require.Error(t, err)
	p.refuse.Store(false)
	require.Equal(t, 1, recordsOf(t, s, k), "it returns healthy")
}

// TestLostServer: in the middle of writers the server dies, and comes back. Nothing that was acknowledged is lost, nothing was done
// twice, and the store serves again by itself.
func TestLostServer(t *testing.T) {
	server := postgrestest.Start(t)
	address := server.Database(t)
	s := open(t, address, Options{Logger: quiet()})
	const writers = 4
	var (
		wg   sync.WaitGroup
		done [writers]atomic.Int64 // acknowledged
		lost [writers]atomic.Int64 // outcome unknown
		fail atomic.Int64
		stop atomic.Bool
	)
	keys := make([]store.Key, writers)
	for w := range writers {
		k, doc := finding(t, fmt.Sprint("f", w), "x")
		keys[w] = k
		require.NoError(t, add(s, k, doc))
		wg.Go(func() {
			for !stop.Load() {
				switch err := add(s, k, doc); {
				case err == nil:
					done[w].Add(1)
				case errors.Is(err, errUnknown):
					lost[w].Add(1)
					fail.Add(1)
				default:
					fail.Add(1)
				}
			}
		})
	}
	all := func() (n int64) {
		for w := range writers {
			n += done[w].Load()
		}
		return n
	}
	grows := func() {
		from := all()
		require.Eventually(t, func() bool { return all() > from+20 }, time.Minute, 5*time.Millisecond)
	}
	for range 2 {
		grows()
		require.NoError(t, server.Kill())
		failed := fail.Load()
		require.Eventually(t, func() bool { return fail.Load() > failed }, time.Minute, 5*time.Millisecond, "without a server there are errors")
		require.NoError(t, server.Run())
		grows()
	}
	stop.Store(true)
	wg.Wait()
	for w, k := range keys {
		n := int64(recordsOf(t, s, k))
		require.GreaterOrEqual(t, n, done[w].Load())
		require.LessOrEqual(t, n, done[w].Load()+lost[w].Load())
	}
}

// TestNearlyFull: a server without space is the error that the contract has for it.
func TestNearlyFull(t *testing.T) {
	s, address := begin(t)
	execute(t, address, `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$`)
	execute(t, address, `CREATE TRIGGER full_disk BEFORE INSERT ON document EXECUTE FUNCTION full_disk()`)
	k, doc := finding(t, "one", "x")
	require.ErrorIs(t, add(s, k, doc), store.ErrNearlyFull)
	execute(t, address, `DROP TRIGGER full_disk ON document`)
	require.NoError(t, add(s, k, doc), "writes return by themselves")
}

func TestWrongAddress(t *testing.T) {
	ctx := context.Background()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	nobody := ln.Addr().String()
	require.NoError(t, ln.Close())
	_, err = Open(ctx, "postgres://me:secret@"+nobody+"/hubs?sslmode=disable", Options{})
	require.ErrorContains(t, err, `store in database "hubs" at `+nobody)
	require.ErrorContains(t, err, "refused")
	require.NotContains(t, err.Error(), "secret")
	_, err = Open(ctx, "postgres://me:secret@host:port/hubs", Options{})
	require.ErrorContains(t, err, "the address of the database")
	require.NotContains(t, err.Error(), "secret")
	address := postgrestest.Database(t)
	u, err := url.Parse(address)
	require.NoError(t, err)
	u.Path = "/missing"
	_, err = Open(ctx, u.String(), Options{})
	require.ErrorContains(t, err, `database "missing" does not exist`)
}
