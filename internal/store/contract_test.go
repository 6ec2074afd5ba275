package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hubcap/internal/asff"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

// fake answers as it is told.
type fake struct {
	store.Store
	update  func(fn store.UpdateFunc) ([]error, error)
	find    func(yield func(*store.Doc) error) *query.Position
	get     func(fn func(*store.Doc) error) bool
	tx      store.StateTx
	resolve [][]store.Key
	counts  []query.Count
	history []store.HistoryEntry
}

func (f *fake) Update(_ context.Context, _ []store.Key, fn store.UpdateFunc) ([]error, error) {
	return f.update(fn)
}

func (f *fake) Find(_ context.Context, _ store.Scope, _ *query.Find, yield func(*store.Doc) error) (*query.Position, error) {
	return f.find(yield), nil
}

func (f *fake) Get(_ context.Context, _ store.Key, fn func(*store.Doc) error) (bool, error) {
	return f.get(fn), nil
}

func (f *fake) Resolve(context.Context, store.Scope, []store.Ident) ([][]store.Key, error) {
	return f.resolve, nil
}

func (f *fake) Group(context.Context, store.Scope, *query.Group) ([]query.Count, error) {
	return f.counts, nil
}

func (f *fake) History(context.Context, store.HistoryQuery) ([]store.HistoryEntry, error) {
	return f.history, nil
}

func (f *fake) State(_ context.Context, _ []string, fn func(store.StateTx) error) error {
	return fn(f.tx)
}

// names is a transaction that lists names, and has none of them.
type names []string

func (names) Version(string) uint64             { return 1 }
func (names) Get(string, string) ([]byte, bool) { return nil, false }
func (names) Put(string, string, []byte)        {}
func (names) Delete(string, string)             {}
func (names) Emit(store.Key, store.EventMark)   {}
func (n names) Names(string, string) []string   { return n }

var (
	here  = store.Key{Account: "111122223333", Region: "us-east-1", ProductArn: "p", ID: "a"}
	there = store.Key{Account: "222233334444", Region: "us-east-1", ProductArn: "p", ID: "a"}
	early = []byte(`{"Id":"a","UpdatedAt":"2026-01-01T00:00:00Z"}`)
	late  = []byte(`{"Id":"a","UpdatedAt":"2026-01-02T00:00:00Z"}`)
)

func document(k store.Key, json []byte) *store.Doc { return &store.Doc{Key: k, JSON: json, Version: 1} }

// Every breach is noticed, and what keeps the contract passes.
func TestCheckedNotices(t *testing.T) {
	ctx := context.Background()
	ok := func(int, *store.Doc, store.StateView) (store.Change, error) { return store.Change{}, nil }
	sets := func(int, *store.Doc, store.StateView) (store.Change, error) { return store.Change{JSON: early}, nil }
	removes := func(int, *store.Doc, store.StateView) (store.Change, error) { return store.Change{Delete: true}, nil }
	run := func(s store.Store, keys []store.Key, fn store.UpdateFunc) { _, _ = s.Update(ctx, keys, fn) }
	find := func(s store.Store, q query.Find, scope store.Scope) {
		_, _ = s.Find(ctx, scope, &q, func(*store.Doc) error { return nil })
	}
	twice := []store.Key{here, here}
	position := func(json []byte, k store.Key) *query.Position {
		var r asff.Reader
		return &query.Position{Values: query.Keys(nil, r.Values(json), nil), Identity: k.Identity()}
	}
	for _, c := range []struct {
		name string
		fake fake
		call func(s store.Store)
		want string // part of the first breach; "": none
	}{
		{"update", fake{update: func(fn store.UpdateFunc) ([]error, error) {
			_, _ = fn(0, nil, nil)
			_, _ = fn(1, document(here, early), nil)
			return make([]error, 2), nil
		}}, func(s store.Store) { run(s, twice, sets) }, ""},
		{"too few results", fake{update: func(fn store.UpdateFunc) ([]error, error) {
			_, _ = fn(0, nil, nil)
			return nil, nil
		}}, func(s store.Store) { run(s, twice[:1], ok) }, "0 results for 1 keys"},
		{"a key left out", fake{update: func(store.UpdateFunc) ([]error, error) { return make([]error, 1), nil }}, func(s store.Store) { run(s, twice[:1], ok) }, "fn never ran for key 0"},
		{"no such key", fake{update: func(fn store.UpdateFunc) ([]error, error) {
			_, _ = fn(7, nil, nil)
			return nil, context.Canceled
		}}, func(s store.Store) { run(s, twice[:1], ok) }, "fn for key 7 of 1"},
		{"another's document", fake{update: func(fn store.UpdateFunc) ([]error, error) {
			_, _ = fn(0, document(there, early), nil)
			return make([]error, 1), nil
		}}, func(s store.Store) { run(s, twice[:1], ok) }, "is given a document of key"},
		{"what was made before is not seen", fake{update: func(fn store.UpdateFunc) ([]error, error) {
			_, _ = fn(0, nil, nil)
			_, _ = fn(1, document(here, late), nil)
			return make([]error, 2), nil
		}}, func(s store.Store) { run(s, twice, sets) }, "does not see what key 0 made of it"},
		{"what was deleted before is seen", fake{update: func(fn store.UpdateFunc) ([]error, error) {
			_, _ = fn(0, nil, nil)
			_, _ = fn(1, document(here, late), nil)
			return make([]error, 2), nil
		}}, func(s store.Store) { run(s, twice, removes) }, "was deleted by key 0 and is there"},
		{"out of turn", fake{update: func(fn store.UpdateFunc) ([]error, error) {
			_, _ = fn(1, nil, nil)
			_, _ = fn(0, nil, nil)
			return make([]error, 2), nil
		}}, func(s store.Store) { run(s, twice, sets) }, "fn runs for key 1 before key 0"},
		{"find", fake{find: func(yield func(*store.Doc) error) *query.Position {
			_ = yield(document(here, late))
			_ = yield(document(there, early))
			return position(early, there)
		}}, func(s store.Store) { find(s, query.Find{Limit: 2}, store.Scope{}) }, ""},
		{"out of order", fake{find: func(yield func(*store.Doc) error) *query.Position {
			_ = yield(document(here, early))
			_ = yield(document(there, late))
			return nil
		}}, func(s store.Store) { find(s, query.Find{Limit: 2}, store.Scope{}) }, "out of order"},
		{"twice", fake{find: func(yield func(*store.Doc) error) *query.Position {
			_ = yield(document(here, early))
			_ = yield(document(here, early))
			return nil
		}}, func(s store.Store) { find(s, query.Find{Limit: 2}, store.Scope{}) }, "out of order"},
		{"out of scope", fake{find: func(yield func(*store.Doc) error) *query.Position {
			_ = yield(document(here, early))
			return nil
		}}, func(s store.Store) { find(s, query.Find{Limit: 2}, store.Scope{Accounts: []string{"other"}}) }, "Find in"},
		{"no match", fake{find: func(yield func(*store.Doc) error) *query.Position {
			_ = yield(document(here, early))
			return nil
		}}, func(s store.Store) { find(s, query.Find{Limit: 2, Where: query.Expr{Op: query.None}}, store.Scope{}) }, "does not match"},
		{"too many", fake{find: func(yield func(*store.Doc) error) *query.Position {
			_ = yield(document(here, late))
			_ = yield(document(there, early))
			return nil
		}}, func(s store.Store) { find(s, query.Find{Limit: 1}, store.Scope{}) }, "2 documents of at most 1"},
		{"a wrong position", fake{find: func(yield func(*store.Doc) error) *query.Position {
			_ = yield(document(here, late))
			return position(late, there)
		}}, func(s store.Store) { find(s, query.Find{Limit: 1}, store.Scope{}) }, "position is not that of the last"},
		{"before the page", fake{find: func(yield func(*store.Doc) error) *query.Position {
			_ = yield(document(here, late))
			return nil
		}}, func(s store.Store) { find(s, query.Find{Limit: 1, After: position(early, here)}, store.Scope{}) }, "out of order"},
		{"get", fake{get: func(fn func(*store.Doc) error) bool { return fn(document(here, early)) == nil }}, func(s store.Store) {
			_, _ = s.Get(ctx, here, func(*store.Doc) error { return nil })
		}, ""},
		{"another finding", fake{get: func(fn func(*store.Doc) error) bool { return fn(document(there, early)) == nil }}, func(s store.Store) {
			_, _ = s.Get(ctx, here, func(*store.Doc) error { return nil })
		}, "Get of"},
		{"found and not shown", fake{get: func(func(*store.Doc) error) bool { return true }}, func(s store.Store) {
			_, _ = s.Get(ctx, here, func(*store.Doc) error { return nil })
		}, "Get answers true after 0 calls"},
		{"resolved wrongly", fake{resolve: [][]store.Key{{there}}}, func(s store.Store) {
			_, _ = s.Resolve(ctx, store.Scope{}, []store.Ident{{ProductArn: "p", ID: "b"}})
		}, "Resolve of"},
		{"resolved twice", fake{resolve: [][]store.Key{{here, here}}}, func(s store.Store) {
			_, _ = s.Resolve(ctx, store.Scope{}, []store.Ident{{ProductArn: "p", ID: "a"}})
		}, "not in identity order"},
		{"resolved too little", fake{}, func(s store.Store) {
			_, _ = s.Resolve(ctx, store.Scope{}, []store.Ident{{ProductArn: "p", ID: "a"}})
		}, "0 lists for 1"},
		{"counts in disorder", fake{counts: []query.Count{{Value: "b", N: 1}, {Value: "a", N: 1}}}, func(s store.Store) {
			_, _ = s.Group(ctx, store.Scope{}, &query.Group{})
		}, "Group answers {a 1} after {b 1}"},
		{"counts of nothing", fake{counts: []query.Count{{Value: "b"}}}, func(s store.Store) {
			_, _ = s.Group(ctx, store.Scope{}, &query.Group{})
		}, "Group answers 0"},
		{"too many counts", fake{counts: []query.Count{{Value: "a", N: 2}, {Value: "b", N: 1}}}, func(s store.Store) {
			_, _ = s.Group(ctx, store.Scope{}, &query.Group{Limit: 1})
		}, "2 values of at most 1"},
		{"history in disorder", fake{history: []store.HistoryEntry{{Seq: 1}, {Seq: 2}}}, func(s store.Store) {
			_, _ = s.History(ctx, store.HistoryQuery{})
		}, "record 2 after 1"},
		{"history out of bounds", fake{history: []store.HistoryEntry{{Seq: 1}}}, func(s store.Store) {
			_, _ = s.History(ctx, store.HistoryQuery{From: time.UnixMilli(1)})
		}, "record of"},
		{"too much history", fake{history: []store.HistoryEntry{{Seq: 2}, {Seq: 1}}}, func(s store.Store) {
			_, _ = s.History(ctx, store.HistoryQuery{Limit: 1})
		}, "2 records of at most 1"},
		{"names in disorder", fake{tx: names{"b", "a"}}, func(s store.Store) {
			_ = s.State(ctx, []string{"a"}, func(store.StateTx) error { return nil })
		}, "not sorted"},
		{"a name without a record", fake{tx: names{"a"}}, func(s store.Store) {
			_ = s.State(ctx, []string{"a"}, func(store.StateTx) error { return nil })
		}, `a name "a" and no record`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var breaches []error
			c.call(store.Checked(&c.fake, func(err error) { breaches = append(breaches, err) }))
			if c.want == "" {
				require.Empty(t, breaches)
				return
			}
			require.NotEmpty(t, breaches)
			require.ErrorContains(t, breaches[0], c.want)
		})
	}
}

// Who keeps what is only lent finds garbage.
func TestCheckedSpoils(t *testing.T) {
	var kept []byte
	s := store.Checked(&fake{get: func(fn func(*store.Doc) error) bool { return fn(document(here, early)) == nil }}, func(err error) { t.Error(err) })
	_, err := s.Get(context.Background(), here, func(d *store.Doc) error {
		require.Equal(t, string(early), string(d.JSON))
		kept = d.JSON
		return nil
	})
	require.NoError(t, err)
	require.NotContains(t, string(kept), "Id")
	require.Contains(t, string(early), "Id", "the engine's own bytes are left alone")
}

func TestIdentity(t *testing.T) {
	require.NotEqual(t, here.Identity(), there.Identity())
	a, b := here, here
	a.ProductArn, a.ID, b.ProductArn, b.ID = "ab", "c", "a", "bc"
	require.NotEqual(t, a.Identity(), b.Identity(), "lengths count")
	require.Equal(t, here.Identity(), (store.Key{Account: "111122223333", Region: "us-east-1", ProductArn: "p", ID: "a"}).Identity())
	// SHA-256 of the length-prefixed parts: every engine and every version must agree.
	require.Equal(t, "15bdd80759a1305fc06ca92d0af87712", hexOf(here.Identity()))
}

func hexOf(id store.Identity) string {
	const digits = "0123456789abcdef"
	var out []byte
	for _, b := range id {
		out = append(out, digits[b>>4], digits[b&15])
	}
	return string(out)
}
