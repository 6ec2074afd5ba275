package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hubcap/internal/asff"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

// walk lists the ids that a Walk meets, in its order.
func (b *bench) walk(scope store.Scope, e query.Expr) []string {
	b.t.Helper()
	ids := []string{}
	require.NoError(b.t, b.s.Walk(context.Background(), scope, &e, func(d *store.Doc) error {
		ids = append(ids, d.Key.ID)
		return nil
	}))
	return ids
}

func (b *bench) count(scope store.Scope, e query.Expr) int64 {
	b.t.Helper()
	n, err := b.s.Count(context.Background(), scope, &e)
	require.NoError(b.t, err)
	return n
}

func not(e query.Expr) query.Expr { return query.Expr{Op: query.Not, Args: []query.Expr{e}} }

// everything is the condition that nothing fails.
var everything = query.Expr{}

// testWalk: what a walk and a count have in common, over conditions that an index answers alone and such that need the documents.
func testWalk(t *testing.T, b *bench) {
	ctx := context.Background()
	require.Empty(t, b.walk(store.Scope{}, everything))
	require.Zero(t, b.count(store.Scope{}, everything))
	const n = 400
	for i := range n {
		d := doc(t, fmt.Sprintf("f%03d", i), fmt.Sprintf(`{"Title":"title %d","Description":"%s %d","UpdatedAt":"2026-01-01T00:00:%02dZ"}`,
			i%10, strings.Repeat("x", 100), i%7, i%60))
		d.Account = []string{accountA, accountB}[i%2]
		b.put(d)
	}
	for range 2 {
		for _, c := range []struct {
			scope store.Scope
			where query.Expr
			want  func(i int) bool
		}{
			{where: everything, want: func(int) bool { return true }},
			{where: is(asff.FieldTitle, query.Equals, "title 3"), want: func(i int) bool { return i%10 == 3 }},
			{where: is(asff.FieldTitle, query.Prefix, "title"), want: func(int) bool { return true }},
			{where: is(asff.FieldDescription, query.Contains, "x 6"), want: func(i int) bool { return i%7 == 6 }},
			{where: not(is(asff.FieldDescription, query.Contains, "x 6")), want: func(i int) bool { return i%7 != 6 }},
			{where: not(is(asff.FieldTitle, query.Equals, "title 3")), want: func(i int) bool { return i%10 != 3 }},
			{where: is(asff.FieldTitle, query.Equals, "nobody's"), want: func(int) bool { return false }},
			{scope: store.Scope{Accounts: []string{accountA}}, where: everything, want: func(i int) bool { return i%2 == 0 }},
			{scope: store.Scope{Accounts: []string{accountB}}, where: is(asff.FieldTitle, query.Equals, "title 3"), want: func(i int) bool { return i%10 == 3 }},
			{scope: store.Scope{Accounts: []string{accountA}}, where: is(asff.FieldTitle, query.Equals, "title 3"), want: func(int) bool { return false }},
			{scope: store.Scope{Regions: []string{"mars-north-1"}}, where: everything, want: func(int) bool { return false }},
		} {
			want := []string{}
			for i := range n {
				if c.want(i) {
					want = append(want, fmt.Sprintf("f%03d", i))
				}
			}
			got := b.walk(c.scope, c.where)
			require.Equal(t, got, b.walk(c.scope, c.where), "the order does not change")
			slices.Sort(got)
			require.Equal(t, want, got, "%s in %v", c.where, c.scope)
			require.EqualValues(t, len(want), b.count(c.scope, c.where), "%s in %v", c.where, c.scope)
		}
		b.reopen()
	}
	stop := errors.New("enough")
	met := 0
	require.ErrorIs(t, b.s.Walk(ctx, store.Scope{}, &everything, func(*store.Doc) error {
		if met++; met == 3 {
			return stop
		}
		return nil
	}), stop)
	require.Equal(t, 3, met)
	gone, cancel := context.WithCancel(ctx)
	met = 0
	require.ErrorIs(t, b.s.Walk(gone, store.Scope{}, &everything, func(*store.Doc) error {
		met++
		cancel()
		return nil
	}), context.Canceled, "a walk ends when nobody wants it any more")
	require.Less(t, met, n)
}

// testWalkAmongWriters: a walk whose callback, and others beside it, change what it walks over meets every finding that matches all
// the while exactly once (store.Checked watches for a second time), and may itself write.
func testWalkAmongWriters(t *testing.T, b *bench) {
	ctx := context.Background()
	const n = 300
	var keys []store.Key
	for i := range n {
		d := titled(t, fmt.Sprint("stays", i), "walked")
		b.put(d, titled(t, fmt.Sprint("goes", i), "walked"))
		keys = append(keys, keyOf(&d))
	}
	var stop atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() { // rewrites, with other times and the same title
		for i := 0; !stop.Load(); i++ {
			d := doc(t, keys[i%n].ID, fmt.Sprintf(`{"Title":"walked","UpdatedAt":"2026-02-01T00:00:%02dZ"}`, i%60))
			b.put(d)
		}
	})
	wg.Go(func() { // comes and goes
		for i := 0; !stop.Load(); i++ {
			d := titled(t, fmt.Sprint("goes", i%n), "walked")
			b.remove(keyOf(&d))
			b.put(d)
		}
	})
	for range 5 {
		stays := map[string]bool{}
		require.NoError(t, b.s.Walk(ctx, store.Scope{}, &query.Expr{Op: query.Is, Cond: query.Cond{Field: asff.FieldTitle, Cmp: query.Equals, Text: "walked"}},
			func(d *store.Doc) error {
				if strings.HasPrefix(d.Key.ID, "stays") {
					stays[d.Key.ID] = true
				}
				if len(stays)%50 == 1 { // the walker writes too
					k := d.Key
					_, err := b.s.Update(ctx, []store.Key{k}, func(_ int, old *store.Doc, _ store.StateView) (store.Change, error) {
						if old == nil {
							return store.Change{}, nil
						}
						return store.Change{JSON: old.JSON, Customer: asff.AttrTypes}, nil
					})
					return err
				}
				return nil
			}))
		require.Len(t, stays, n)
	}
	stop.Store(true)
	wg.Wait()
}

func testExplain(t *testing.T, b *bench) {
	ctx := context.Background()
	b.put(titled(t, "one", "first"), titled(t, "two", "second"))
	for _, e := range []query.Expr{everything, is(asff.FieldTitle, query.Equals, "first"), is(asff.FieldTitle, query.Contains, "ir")} {
		text, err := b.s.Explain(ctx, store.Scope{}, &query.Find{Where: e, Limit: 10})
		require.NoError(t, err)
		require.True(t, strings.HasSuffix(text, "\n"), "whole lines: %q", text)
	}
}

// expire runs ExpireHistory over everything.
func (b *bench) expire(before time.Time) {
	b.t.Helper()
	var next []byte
	for calls := 0; ; calls++ {
		var err error
		next, err = b.s.ExpireHistory(context.Background(), before, next)
		require.NoError(b.t, err)
		if next == nil {
			return
		}
		require.Less(b.t, calls, 10_000)
	}
}

func testExpireHistory(t *testing.T, b *bench) {
	ctx := context.Background()
	at := func(n int) time.Time { return time.UnixMilli(int64(n) * 1000).UTC() }
	const findings, records = 30, 400
	var keys []store.Key
	for i := range findings {
		d := titled(t, fmt.Sprint("f", i), "x")
		b.put(d)
		keys = append(keys, keyOf(&d))
	}
	// Many in a call, so that they are more than one call of ExpireHistory looks at.
	errs, err := b.s.Update(ctx, keys, func(int, *store.Doc, store.StateView) (store.Change, error) {
		var ch store.Change
		for n := 1; n <= records; n++ {
			ch.History = append(ch.History, store.HistoryRecord{Time: at(n), Source: "s", Identity: "i"})
		}
		return ch, nil
	})
	require.NoError(t, errors.Join(append(errs, err)...))
	left := func(k store.Key) []int {
		list, err := b.s.History(ctx, store.HistoryQuery{Key: k})
		require.NoError(t, err)
		var out []int
		for _, e := range list {
			out = append(out, int(e.Time.Unix()))
		}
		return out
	}
	versions := map[store.Key]uint64{}
	for _, k := range keys {
		versions[k] = b.get(k).Version
	}
	b.expire(at(1))
	for _, k := range keys {
		require.Len(t, left(k), records, "an instant is before itself for nobody")
	}
	b.expire(at(301))
	for range 2 {
		for _, k := range keys {
			got := left(k)
			require.Len(t, got, 100)
			require.Equal(t, records, got[0])
			require.Equal(t, 301, got[99])
			require.Equal(t, versions[k], b.get(k).Version, "the finding is not touched")
		}
		b.reopen()
	}
	b.expire(at(records + 1))
	for _, k := range keys {
		require.Empty(t, left(k))
	}
	_, err = b.s.Update(ctx, keys[:1], func(int, *store.Doc, store.StateView) (store.Change, error) {
		return store.Change{History: []store.HistoryRecord{{Time: at(1000), Source: "s", Identity: "i"}}}, nil
	})
	require.NoError(t, err)
	require.Equal(t, []int{1000}, left(keys[0]), "history goes on")
}

func testSpools(t *testing.T, b *bench) {
	ctx := context.Background()
	read := func(spool string, n uint64) string {
		v, ok, err := b.s.Chunk(ctx, spool, n)
		require.NoError(t, err)
		if !ok {
			require.Empty(t, v)
			return "-"
		}
		return string(v)
	}
	large := []byte(strings.Repeat("piece ", 200_000))
	require.Equal(t, "-", read("job/1", 0))
	require.NoError(t, b.s.PutChunk(ctx, "job/1", 0, []byte("zero")))
	require.NoError(t, b.s.PutChunk(ctx, "job/1", 1, []byte("one")))
	require.NoError(t, b.s.PutChunk(ctx, "job/1", 1, []byte("replaced")))
	require.NoError(t, b.s.PutChunk(ctx, "job/1", 1<<63, large))
	require.NoError(t, b.s.PutChunk(ctx, "job/10", 0, []byte("another's")))
	require.NoError(t, b.s.PutChunk(ctx, "job", 0, []byte("above")))
	require.NoError(t, b.s.PutChunk(ctx, "job/1", 7, nil))
	for range 2 {
		require.Equal(t, "zero", read("job/1", 0))
		require.Equal(t, "replaced", read("job/1", 1))
		require.Equal(t, string(large), read("job/1", 1<<63))
		require.Empty(t, read("job/1", 7), "an empty piece is a piece")
		require.Equal(t, "-", read("job/1", 2))
		require.Equal(t, "another's", read("job/10", 0))
		b.reopen()
	}
	// What a reader was given stays.
	v, _, err := b.s.Chunk(ctx, "job/1", 0)
	require.NoError(t, err)
	require.NoError(t, b.s.PutChunk(ctx, "job/1", 0, []byte("last")))
	require.Equal(t, "zero", string(v))

	require.NoError(t, b.s.DropSpool(ctx, "job/1"))
	require.NoError(t, b.s.DropSpool(ctx, "never was"))
	for range 2 {
		for _, n := range []uint64{0, 1, 7, 1 << 63} {
			require.Equal(t, "-", read("job/1", n))
		}
		require.Equal(t, "another's", read("job/10", 0))
		require.Equal(t, "above", read("job", 0))
		b.reopen()
	}
	for _, name := range []string{"", "a\x00b"} {
		require.Error(t, b.s.PutChunk(ctx, name, 0, nil))
		_, _, err := b.s.Chunk(ctx, name, 0)
		require.Error(t, err)
		require.Error(t, b.s.DropSpool(ctx, name))
	}
	require.Empty(t, b.find(store.Scope{}, query.Find{Limit: 1}), "spools are no findings")
}

// testNobodyAsks: the methods of this file end with their caller and with their store.
func testNobodyAsks(t *testing.T, b *bench) {
	b.put(titled(t, "one", "x"))
	ask := func(ctx context.Context) []error {
		_, count := b.s.Count(ctx, store.Scope{}, &everything)
		_, explain := b.s.Explain(ctx, store.Scope{}, &query.Find{Limit: 1})
		_, expire := b.s.ExpireHistory(ctx, time.UnixMilli(0), nil)
		_, _, chunk := b.s.Chunk(ctx, "s", 0)
		return []error{
			count, explain, expire, chunk,
			b.s.Walk(ctx, store.Scope{}, &everything, func(*store.Doc) error { panic("nobody asks") }),
			b.s.PutChunk(ctx, "s", 0, []byte("x")), b.s.DropSpool(ctx, "s"),
		}
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	for i, err := range ask(gone) {
		require.ErrorIs(t, err, context.Canceled, "%d", i)
	}
	_, ok, err := b.s.Chunk(context.Background(), "s", 0)
	require.NoError(t, err)
	require.False(t, ok, "nothing is written for a caller who is gone")
	require.NoError(t, b.s.Close())
	for i, err := range ask(context.Background()) {
		require.ErrorIs(t, err, store.ErrClosed, "%d", i)
	}
	b.start()
}
