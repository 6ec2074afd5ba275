package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hubcap/internal/asff"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

// inAccounts stores one finding under the same product ARN and id in several accounts and regions.
func (b *bench) inAccounts(id string, accounts []string, regions ...string) []store.Key {
	b.t.Helper()
	var keys []store.Key
	for _, a := range accounts {
		for _, r := range regions {
			d := titled(b.t, id, a+" "+r)
			d.Account, d.Region = a, r
			b.put(d)
			keys = append(keys, keyOf(&d))
		}
	}
	return keys
}

func numberedAccounts(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%012d", 100000000000+i)
	}
	return out
}

func testResolve(t *testing.T, b *bench) {
	ctx := context.Background()
	accounts := numberedAccounts(30)
	keys := b.inAccounts("shared", accounts, "us-east-1", "eu-west-1")
	alone := b.inAccounts("alone", accounts[:1], "us-east-1")
	ident := func(k store.Key) store.Ident { return store.Ident{ProductArn: k.ProductArn, ID: k.ID} }
	byIdentity := func(a, b store.Key) int {
		x, y := a.Identity(), b.Identity()
		return slices.Compare(x[:], y[:])
	}
	slices.SortFunc(keys, byIdentity)
	for range 2 {
		got, err := b.s.Resolve(ctx, store.Scope{}, []store.Ident{ident(alone[0]), {ProductArn: "p", ID: "unknown"}, ident(keys[0]), ident(alone[0])})
		require.NoError(t, err)
		require.Equal(t, alone, got[0])
		require.Empty(t, got[1])
		require.Equal(t, keys, got[2])
		require.Equal(t, alone, got[3])
		for _, scope := range []store.Scope{
			{Accounts: accounts[3:5]},
			{Regions: []string{"eu-west-1"}},
			{Accounts: accounts[7:8], Regions: []string{"us-east-1"}},
			{Accounts: []string{"999999999999"}},
			{Accounts: accounts, Regions: []string{"nowhere"}},
		} {
			var want []store.Key
			for _, k := range keys {
				if scope.Allows(k) {
					want = append(want, k)
				}
			}
			got, err := b.s.Resolve(ctx, scope, []store.Ident{ident(keys[0])})
			require.NoError(t, err)
			require.Equal(t, want, got[0], "%v", scope)
		}
		b.reopen()
	}
	// Deletions leave the others.
	for _, k := range keys[10:50] {
		b.remove(k)
	}
	got, err := b.s.Resolve(ctx, store.Scope{}, []store.Ident{ident(keys[0])})
	require.NoError(t, err)
	require.Equal(t, slices.Concat(keys[:10], keys[50:]), got[0])
}

func testScope(t *testing.T, b *bench) {
	accounts := numberedAccounts(4)
	for i := range 5 {
		b.inAccounts(fmt.Sprint("f", i), accounts, "us-east-1", "eu-west-1")
	}
	for _, c := range []struct {
		scope store.Scope
		want  int
	}{
		{store.Scope{}, 40},
		{store.Scope{Accounts: accounts[1:3]}, 20},
		{store.Scope{Accounts: accounts[1:3], Regions: []string{"us-east-1"}}, 10},
		{store.Scope{Regions: []string{"eu-west-1", "us-east-1", "nowhere"}}, 40},
		{store.Scope{Accounts: []string{"999999999999"}}, 0},
	} {
		require.Len(t, b.find(c.scope, query.Find{Limit: 7}), c.want)
		require.Len(t, b.find(c.scope, query.Find{Limit: 7, Sort: []query.SortKey{{Field: asff.FieldTitle}}}), c.want)
		require.Len(t, b.find(c.scope, query.Find{Limit: 7, Where: where(t, `not Title = "nothing"`)}), c.want)
		counts, err := b.s.Group(context.Background(), c.scope, &query.Group{By: asff.FieldId})
		require.NoError(t, err)
		n := 0
		for _, x := range counts {
			n += int(x.N)
		}
		require.Equal(t, c.want, n)
	}
}

// Pages join without a gap or a repetition, also where many findings have the same sort values, and while findings come and go
// behind the position.
func testPages(t *testing.T, b *bench) {
	ctx := context.Background()
	for i := range 60 {
		b.put(doc(t, fmt.Sprint("f", i), fmt.Sprintf(`{"UpdatedAt":"2026-01-01T00:00:%02d.500Z","Confidence":%d,"Title":"t%d"}`, i%7, i%5, i%3)))
	}
	sorts := [][]query.SortKey{
		nil,
		{{Field: asff.FieldUpdatedAt}},
		{{Field: asff.FieldUpdatedAt, Desc: true}},
		{{Field: asff.FieldConfidence, Desc: true}, {Field: asff.FieldTitle}},
		{{Field: asff.FieldNoteText}},
		{{Field: asff.FieldCreatedAt, Desc: true}},
	}
	for _, sort := range sorts {
		all := b.find(store.Scope{}, query.Find{Sort: sort, Limit: 100})
		require.Len(t, all, 60)
		for _, limit := range []int{1, 7, 59, 60} {
			require.Equal(t, all, b.find(store.Scope{}, query.Find{Sort: sort, Limit: limit}))
		}
	}
	// The position outlives the store, and the finding that it is the position of.
	q := query.Find{Limit: 20}
	var first []store.Key
	next, err := b.s.Find(ctx, store.Scope{}, &q, func(d *store.Doc) error {
		first = append(first, d.Key)
		return nil
	})
	require.NoError(t, err)
	rest := b.find(store.Scope{}, query.Find{Limit: 100, After: next})
	require.Len(t, rest, 40)
	for _, k := range first[10:] {
		b.remove(k)
	}
	b.reopen()
	require.Equal(t, rest, b.find(store.Scope{}, query.Find{Limit: 9, After: next}))
	// An error of the reader ends the page and comes back.
	_, err = b.s.Find(ctx, store.Scope{}, &q, func(*store.Doc) error { return context.DeadlineExceeded })
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func testRefused(t *testing.T, b *bench) {
	ctx := context.Background()
	none := func(*store.Doc) error { return nil }
	_, err := b.s.Find(ctx, store.Scope{}, &query.Find{}, none)
	require.Error(t, err, "a page of nothing")
	_, err = b.s.Find(ctx, store.Scope{}, &query.Find{Limit: 1, After: &query.Position{}}, none)
	require.Error(t, err, "a position without its values")
}

func testHistory(t *testing.T, b *bench) {
	ctx := context.Background()
	d, other := titled(t, "one", "x"), titled(t, "two", "x")
	k := keyOf(&d)
	b.put(d, other)
	at := func(n int) time.Time { return time.UnixMilli(int64(n) * 1000).UTC() }
	before, after := "old", ""
	var want []store.HistoryRecord
	for n := 1; n <= 10; n++ {
		rec := store.HistoryRecord{Time: at(n), Source: "BATCH_UPDATE_FINDINGS", Identity: fmt.Sprint("arn ", n)}
		switch n % 3 {
		case 0:
			rec.Updates = []asff.FieldChange{{Field: "Note.Text", Old: &before, New: &after}, {Field: "Workflow.Status"}}
		case 1:
			rec.Updates = []asff.FieldChange{{Field: "Types", New: &before}}
		}
		want = append([]store.HistoryRecord{rec}, want...)
		require.NoError(t, b.change(k, func(*store.Doc) (store.Change, error) {
			return store.Change{JSON: d.JSON, History: []store.HistoryRecord{rec}}, nil
		}))
	}
	read := func(q store.HistoryQuery) []store.HistoryRecord {
		list, err := b.s.History(ctx, q)
		require.NoError(t, err)
		var out []store.HistoryRecord
		for _, e := range list {
			out = append(out, e.HistoryRecord)
		}
		return out
	}
	for range 2 {
		require.Equal(t, want, read(store.HistoryQuery{Key: k, Limit: 100}))
		require.Equal(t, want[:3], read(store.HistoryQuery{Key: k, Limit: 3}))
		require.Equal(t, want[3:7], read(store.HistoryQuery{Key: k, From: at(4), To: at(7), Limit: 100}))
		require.Equal(t, want[9:], read(store.HistoryQuery{Key: k, To: at(1), Limit: 1}))
		require.Empty(t, read(store.HistoryQuery{Key: k, From: at(11), Limit: 1}))
		require.Empty(t, read(store.HistoryQuery{Key: keyOf(&other), Limit: 100}))
		var paged []store.HistoryRecord
		q := store.HistoryQuery{Key: k, Limit: 4}
		for {
			list, err := b.s.History(ctx, q)
			require.NoError(t, err)
			if len(list) == 0 {
				break
			}
			for _, e := range list {
				paged = append(paged, e.HistoryRecord)
			}
			q.After = list[len(list)-1].Seq
		}
		require.Equal(t, want, paged)
		b.reopen()
	}
	// Several records of one call keep their order.
	require.NoError(t, b.change(k, func(*store.Doc) (store.Change, error) {
		return store.Change{JSON: d.JSON, History: []store.HistoryRecord{{Time: at(20), Source: "first"}, {Time: at(20), Source: "second"}}}, nil
	}))
	got := read(store.HistoryQuery{Key: k, Limit: 2})
	require.Equal(t, "second", got[0].Source)
	require.Equal(t, "first", got[1].Source)
}

func testCancelled(t *testing.T, b *bench) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	d := titled(t, "one", "x")
	k := keyOf(&d)
	_, err := b.s.Update(ctx, []store.Key{k}, func(int, *store.Doc, store.StateView) (store.Change, error) {
		return store.Change{JSON: d.JSON}, nil
	})
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, b.s.State(ctx, []string{accountA}, func(tx store.StateTx) error {
		tx.Put(accountA, "hub", nil)
		return nil
	}), context.Canceled)
	require.Nil(t, b.get(k), "nothing is written for a caller who is gone")
	v, _ := b.version(accountA, "hub")
	require.Zero(t, v)
	b.put(d)
	_, err = b.s.Find(ctx, store.Scope{}, &query.Find{Limit: 1}, func(*store.Doc) error { return nil })
	require.ErrorIs(t, err, context.Canceled)
	_, err = b.s.Find(ctx, store.Scope{}, &query.Find{Limit: 1, Sort: []query.SortKey{{Field: asff.FieldTitle}}}, func(*store.Doc) error { return nil })
	require.ErrorIs(t, err, context.Canceled)
	_, err = b.s.Resolve(ctx, store.Scope{}, []store.Ident{{ProductArn: k.ProductArn, ID: k.ID}})
	require.ErrorIs(t, err, context.Canceled)
	_, err = b.s.Group(ctx, store.Scope{}, &query.Group{By: asff.FieldTitle})
	require.ErrorIs(t, err, context.Canceled)
	_, err = b.s.History(ctx, store.HistoryQuery{Key: k, Limit: 1})
	require.ErrorIs(t, err, context.Canceled)
	_, err = b.s.Get(ctx, k, func(*store.Doc) error { return nil })
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, b.s.View(ctx, func(store.StateView) error { return nil }), context.Canceled)
}

func testClosed(t *testing.T, b *bench) {
	ctx := context.Background()
	d := titled(t, "one", "x")
	k := keyOf(&d)
	require.NoError(t, b.s.Close())
	require.NoError(t, b.s.Close(), "closing twice is no error")
	_, err := b.s.Update(ctx, []store.Key{k}, func(int, *store.Doc, store.StateView) (store.Change, error) { panic("closed") })
	require.ErrorIs(t, err, store.ErrClosed)
	_, err = b.s.Get(ctx, k, func(*store.Doc) error { panic("closed") })
	require.ErrorIs(t, err, store.ErrClosed)
	_, err = b.s.Find(ctx, store.Scope{}, &query.Find{Limit: 1}, func(*store.Doc) error { panic("closed") })
	require.ErrorIs(t, err, store.ErrClosed)
	_, err = b.s.Group(ctx, store.Scope{}, &query.Group{By: asff.FieldTitle})
	require.ErrorIs(t, err, store.ErrClosed)
	_, err = b.s.Resolve(ctx, store.Scope{}, nil)
	require.ErrorIs(t, err, store.ErrClosed)
	_, err = b.s.History(ctx, store.HistoryQuery{Key: k})
	require.ErrorIs(t, err, store.ErrClosed)
	require.ErrorIs(t, b.s.View(ctx, func(store.StateView) error { panic("closed") }), store.ErrClosed)
	require.ErrorIs(t, b.s.State(ctx, nil, func(store.StateTx) error { panic("closed") }), store.ErrClosed)
	b.start()
}
