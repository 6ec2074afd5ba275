// Package storetest is the store contract as tests: one suite that every engine must pass. Each test gets a place of its own for
// a store, which may be opened, closed and opened again; every store is wrapped in store.Checked, so whatever a test asks is also
// held against the contract.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"hubcap/internal/asff"
	"hubcap/internal/query"
	"hubcap/internal/query/querytest"
	"hubcap/internal/store"
)

// Place makes an empty place for a store. The function it returns opens the store that is there; it is called again only after
// Close.
type Place func(t testing.TB) (open func() (store.Store, error))

// Run holds an engine against the contract.
func Run(t *testing.T, place Place) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(t *testing.T, b *bench)
	}{
		{"Documents", testDocuments},
		{"RepeatedKeys", testRepeatedKeys},
		{"ErrorsOfKeys", testErrorsOfKeys},
		{"NothingChanged", testNothingChanged},
		{"DeleteAndCreate", testDeleteAndCreate},
		{"GivenValues", testGivenValues},
		{"LargeDocuments", testLargeDocuments},
		{"LongAndManyValues", testLongAndManyValues},
		{"State", testState},
		{"StateRefuses", testStateRefuses},
		{"StateIsSerializable", testStateIsSerializable},
		{"UpdateSeesOneState", testUpdateSeesOneState},
		{"WritersLoseNothing", testWritersLoseNothing},
		{"WritersOfSeveralKeys", testWritersOfSeveralKeys},
		{"ReadersSeeWrites", testReadersSeeWrites},
		{"ReadersAmongWriters", testReadersAmongWriters},
		{"Resolve", testResolve},
		{"Scope", testScope},
		{"Pages", testPages},
		{"Refused", testRefused},
		{"History", testHistory},
		{"Cancelled", testCancelled},
		{"Closed", testClosed},
		{"Walk", testWalk},
		{"WalkAmongWriters", testWalkAmongWriters},
		{"Explain", testExplain},
		{"ExpireHistory", testExpireHistory},
		{"Spools", testSpools},
		{"NobodyAsks", testNobodyAsks},
		{"Histories", testHistories},
		{"Events", testEvents},
		{"EventsOfACall", testEventsOfACall},
		{"EventsOfState", testEventsOfState},
		{"EventLeases", testEventLeases},
		{"DeadEventsAndReplay", testDeadEventsAndReplay},
		{"ExpireEvents", testExpireEvents},
		{"EventsAmongWriters", testEventsAmongWriters},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, newBench(t, place)) })
	}
	t.Run("Queries", func(t *testing.T) {
		querytest.Run(t, func(t testing.TB) querytest.Engine {
			t.Helper()
			return &engine{s: newBench(t, place).s}
		})
	})
}

// bench is a store under test.
type bench struct {
	t    testing.TB
	open func() (store.Store, error)
	raw  store.Store // the engine
	s    store.Store // held against the contract
}

func newBench(t testing.TB, place Place) *bench {
	t.Helper()
	b := &bench{t: t, open: place(t)}
	b.start()
	t.Cleanup(func() { require.NoError(t, b.s.Close()) })
	return b
}

func (b *bench) start() {
	b.t.Helper()
	s, err := b.open()
	require.NoError(b.t, err)
	b.raw = s
	b.s = store.Checked(s, func(err error) { b.t.Errorf("%v", err) })
}

// reopen closes the store and opens it again.
func (b *bench) reopen() {
	b.t.Helper()
	require.NoError(b.t, b.s.Close())
	b.start()
}

// engine is a store as querytest sees one.
type engine struct{ s store.Store }

func keyOf(d *querytest.Doc) store.Key {
	return store.Key{Account: d.Account, Region: d.Region, ProductArn: d.ProductArn, ID: d.ID}
}

func (e *engine) Load(docs ...querytest.Doc) error {
	keys := make([]store.Key, len(docs))
	for i := range docs {
		keys[i] = keyOf(&docs[i])
	}
	errs, err := e.s.Update(context.Background(), keys, func(i int, _ *store.Doc, _ store.StateView) (store.Change, error) {
		return store.Change{JSON: docs[i].JSON}, nil
	})
	return errors.Join(append(errs, err)...)
}

func (e *engine) Find(q *query.Find) (page [][]byte, next *query.Position, err error) {
	next, err = e.s.Find(context.Background(), store.Scope{}, q, func(d *store.Doc) error {
		page = append(page, append([]byte{}, d.JSON...))
		return nil
	})
	return page, next, err
}

func (e *engine) Group(q *query.Group) ([]query.Count, error) {
	return e.s.Group(context.Background(), store.Scope{}, q)
}

// doc makes a finding: members as in the corpus of querytest.
func doc(t testing.TB, name, members string) querytest.Doc {
	t.Helper()
	d, err := querytest.NewDoc(name, members)
	require.NoError(t, err)
	return d
}

func titled(t testing.TB, name, title string) querytest.Doc {
	t.Helper()
	return doc(t, name, fmt.Sprintf(`{"Title":%q}`, title))
}

// put stores findings.
func (b *bench) put(docs ...querytest.Doc) {
	b.t.Helper()
	require.NoError(b.t, (&engine{b.s}).Load(docs...))
}

// change runs fn on one key and returns its error.
func (b *bench) change(k store.Key, fn func(old *store.Doc) (store.Change, error)) error {
	b.t.Helper()
	errs, err := b.s.Update(context.Background(), []store.Key{k}, func(_ int, old *store.Doc, _ store.StateView) (store.Change, error) {
		return fn(old)
	})
	require.NoError(b.t, err)
	require.Len(b.t, errs, 1)
	return errs[0]
}

func (b *bench) remove(k store.Key) {
	b.t.Helper()
	require.NoError(b.t, b.change(k, func(*store.Doc) (store.Change, error) { return store.Change{Delete: true}, nil }))
}

// get reads a finding; nil when there is none.
func (b *bench) get(k store.Key) *store.Doc {
	b.t.Helper()
	var got *store.Doc
	_, err := b.s.Get(context.Background(), k, func(d *store.Doc) error {
		copied := *d
		copied.JSON = append([]byte{}, d.JSON...)
		got = &copied
		return nil
	})
	require.NoError(b.t, err)
	return got
}

// find lists the ids of all pages.
func (b *bench) find(scope store.Scope, q query.Find) []string {
	b.t.Helper()
	ids := []string{}
	for {
		next, err := b.s.Find(context.Background(), scope, &q, func(d *store.Doc) error {
			ids = append(ids, d.Key.ID)
			return nil
		})
		require.NoError(b.t, err)
		if next == nil {
			return ids
		}
		q.After = next
	}
}

// where parses a printed expression.
func where(t testing.TB, text string) query.Expr {
	t.Helper()
	e, err := query.Parse(text)
	require.NoError(t, err, "%s", text)
	return e
}

func is(f asff.Field, cmp query.Cmp, text string) query.Expr {
	return query.Expr{Op: query.Is, Cond: query.Cond{Field: f, Cmp: cmp, Text: text}}
}
