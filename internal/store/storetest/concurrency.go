package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hubcap/internal/asff"
	"hubcap/internal/query"
	"hubcap/internal/query/querytest"
	"hubcap/internal/store"
)

var titleNumber = regexp.MustCompile(`"Title":"n(\d+)"`)

// count is the number in a finding's title, 0 where there is no finding.
func count(d *store.Doc) int {
	if d == nil {
		return 0
	}
	m := titleNumber.FindSubmatch(d.JSON)
	if m == nil {
		return -1
	}
	n, _ := strconv.Atoi(string(m[1]))
	return n
}

func numbered(t testing.TB, name string, n int) querytest.Doc {
	t.Helper()
	return titled(t, name, fmt.Sprint("n", n))
}

// Many writers add one to the same finding; every addition is there in the end.
func testWritersLoseNothing(t *testing.T, b *bench) {
	const writers, rounds = 8, 25
	d := numbered(t, "one", 0)
	k := keyOf(&d)
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range rounds {
				_ = b.change(k, func(old *store.Doc) (store.Change, error) {
					next := numbered(t, "one", count(old)+1)
					return store.Change{
						JSON:    next.JSON,
						History: []store.HistoryRecord{{Time: time.UnixMilli(int64(count(old) + 1)), Source: "s", Identity: "i"}},
					}, nil
				})
			}
		})
	}
	wg.Wait()
	for range 2 {
		require.Equal(t, writers*rounds, count(b.get(k)))
		list, err := b.s.History(context.Background(), store.HistoryQuery{Key: k, Limit: 1000})
		require.NoError(t, err)
		require.Len(t, list, writers*rounds)
		for i, e := range list {
			require.Equal(t, int64(writers*rounds-i), e.Time.UnixMilli(), "records stand in the order of the commits")
		}
		require.Equal(t, []string{"one"}, b.find(store.Scope{}, query.Find{Where: is(asff.FieldTitle, query.Equals, fmt.Sprint("n", writers*rounds)), Limit: 5}))
		b.reopen()
	}
}

// Writers of overlapping keys in different orders neither lose nor wait for each other for ever, and deletions take part.
func testWritersOfSeveralKeys(t *testing.T, b *bench) {
	const writers, rounds, keys = 6, 25, 10
	all := make([]store.Key, keys)
	for i := range all {
		d := numbered(t, fmt.Sprint("k", i), 0)
		all[i] = keyOf(&d)
	}
	var added, deleted [keys]atomic.Int64
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 7))
			for range rounds {
				which := rng.Perm(keys)[:4]
				which = append(which, which[0])
				mine := make([]store.Key, len(which))
				for i, k := range which {
					mine[i] = all[k]
				}
				remove := rng.IntN(5) == 0
				var removed int64
				errs, err := b.s.Update(context.Background(), mine, func(i int, old *store.Doc, _ store.StateView) (store.Change, error) {
					if remove && i == 1 {
						removed = int64(count(old))
						return store.Change{Delete: true}, nil
					}
					return store.Change{JSON: numbered(t, mine[i].ID, count(old)+1).JSON}, nil
				})
				if err != nil {
					t.Errorf("update: %v", err)
					return
				}
				for i, k := range which {
					if errs[i] != nil {
						t.Errorf("key %d: %v", k, errs[i])
					}
					if remove && i == 1 {
						deleted[k].Add(removed)
					} else {
						added[k].Add(1)
					}
				}
			}
		})
	}
	wg.Wait()
	for range 2 {
		for i := range all {
			require.Equal(t, added[i].Load()-deleted[i].Load(), int64(count(b.get(all[i]))), "key %d", i)
		}
		b.reopen()
	}
}

// What a writer was told is stored, every reader sees, in every way there is to read.
func testReadersSeeWrites(t *testing.T, b *bench) {
	const writers, rounds = 6, 25
	ctx := context.Background()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			name := fmt.Sprint("w", w)
			for n := 1; n <= rounds; n++ {
				d := numbered(t, name, n)
				k := keyOf(&d)
				_ = b.change(k, func(*store.Doc) (store.Change, error) { return store.Change{JSON: d.JSON}, nil })
				if got := count(b.get(k)); got != n {
					t.Errorf("Get answers %d after %d was stored", got, n)
				}
				e := query.Expr{Op: query.And, Args: []query.Expr{is(asff.FieldId, query.Equals, name), is(asff.FieldTitle, query.Equals, fmt.Sprint("n", n))}}
				if got := b.find(store.Scope{}, query.Find{Where: e, Limit: 3}); len(got) != 1 {
					t.Errorf("Find answers %v after %d was stored", got, n)
				}
				keys, err := b.s.Resolve(ctx, store.Scope{}, []store.Ident{{ProductArn: k.ProductArn, ID: name}})
				if err != nil || len(keys[0]) != 1 {
					t.Errorf("Resolve answers %v, %v", keys, err)
				}
			}
		})
	}
	wg.Wait()
}

// Findings that always match are always found, whatever writers do to them and around them.
func testReadersAmongWriters(t *testing.T, b *bench) {
	const findings = 40
	ctx := context.Background()
	var keys []store.Key
	version := func(i, n int) querytest.Doc {
		return doc(t, fmt.Sprint("f", i), fmt.Sprintf(`{"Title":"n%d","Description":"stays","UpdatedAt":"2026-01-01T00:00:%02dZ","Confidence":%d}`, n, n%60, n%100))
	}
	for i := range findings {
		d := version(i, 0)
		keys = append(keys, keyOf(&d))
		b.put(d)
	}
	done := make(chan struct{})
	var writers, readers sync.WaitGroup
	for w := range 2 {
		writers.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 1))
			for n := 1; ; n++ {
				select {
				case <-done:
					return
				default:
				}
				i := rng.IntN(findings)
				d := version(i, rng.IntN(1000))
				_ = b.change(keys[i], func(*store.Doc) (store.Change, error) { return store.Change{JSON: d.JSON}, nil })
				// One that comes and goes.
				v := titled(t, fmt.Sprint("visitor", w), "stays")
				_ = b.change(keyOf(&v), func(*store.Doc) (store.Change, error) { return store.Change{JSON: v.JSON, Delete: n%2 == 0}, nil })
			}
		})
	}
	either := query.Expr{Op: query.Or, Args: []query.Expr{
		is(asff.FieldDescription, query.Equals, "stays"), is(asff.FieldTitle, query.Prefix, "n"),
	}}
	for _, q := range []query.Find{
		{Where: is(asff.FieldTitle, query.Prefix, "n"), Limit: 100},
		{Where: either, Limit: 100},
		{Where: query.Expr{Op: query.Not, Args: []query.Expr{is(asff.FieldTitle, query.Equals, "stays")}}, Limit: 100},
		{Where: is(asff.FieldDescription, query.Equals, "stays"), Limit: 100, Sort: []query.SortKey{{Field: asff.FieldId}}},
	} {
		readers.Go(func() {
			for range 25 {
				n := 0
				_, err := b.s.Find(ctx, store.Scope{}, &q, func(d *store.Doc) error {
					if d.Key.ID[0] == 'f' {
						n++
					}
					return nil
				})
				if err != nil || n != findings {
					t.Errorf("%s finds %d of %d: %v", q.Where, n, findings, err)
				}
			}
		})
	}
	readers.Wait()
	close(done)
	writers.Wait()
}
