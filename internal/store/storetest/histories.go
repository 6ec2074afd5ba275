package storetest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hubcap/internal/asff"
	"hubcap/internal/query"
	"hubcap/internal/query/querytest"
	"hubcap/internal/store"
)

// kept is a finding of the model.
type kept struct {
	json     []byte
	customer asff.Attrs
	history  []store.HistoryRecord // oldest first
}

// machine is a random history of calls, run on a store and on a model: a map, walked with query.Match.
type machine struct {
	b      *bench
	model  map[store.Key]*kept
	spools map[string]map[uint64]string
	reader asff.Reader
	clock  int64
}

var scopes = []store.Scope{
	{},
	{},
	{Accounts: []string{accountA}},
	{Accounts: []string{accountB, "333344445555"}, Regions: []string{"us-east-1"}},
	{Regions: []string{"eu-west-1"}},
	{Accounts: []string{"999999999999"}},
}

// finding draws a finding under one of a few keys.
func (m *machine) finding(t *rapid.T) (store.Key, []byte) {
	d := querytest.Findings().Draw(t, "finding")
	d.Account = rapid.SampledFrom([]string{accountA, accountB}).Draw(t, "account")
	d.Region = rapid.SampledFrom([]string{"us-east-1", "eu-west-1"}).Draw(t, "region")
	return keyOf(&d), d.JSON
}

// Update changes, adds to, deletes and refuses findings in one call.
func (m *machine) Update(t *rapid.T) {
	n := rapid.IntRange(1, 6).Draw(t, "keys")
	keys, docs, kinds := make([]store.Key, n), make([][]byte, n), make([]int, n)
	for i := range n {
		keys[i], docs[i] = m.finding(t)
		kinds[i] = rapid.IntRange(0, 9).Draw(t, "kind")
	}
	m.clock++
	record := store.HistoryRecord{Time: time.UnixMilli(m.clock).UTC(), Source: "s", Identity: "i"}
	refused := errors.New("refused")
	errs, err := m.b.s.Update(context.Background(), keys, func(i int, old *store.Doc, _ store.StateView) (store.Change, error) {
		switch kinds[i] {
		case 0:
			return store.Change{}, refused
		case 1:
			return store.Change{}, nil
		case 2, 3:
			return store.Change{Delete: true}, nil
		case 4:
			return store.Change{History: []store.HistoryRecord{record}}, nil
		default:
			ch := store.Change{JSON: docs[i], Customer: asff.Attrs(kinds[i])}
			if old != nil {
				ch.History = []store.HistoryRecord{record}
			}
			return ch, nil
		}
	})
	require.NoError(t, err)
	for i, k := range keys {
		have := m.model[k]
		switch kinds[i] {
		case 0:
			require.ErrorIs(t, errs[i], refused)
			continue
		case 1:
		case 2, 3:
			delete(m.model, k)
		case 4:
			if have == nil {
				require.Error(t, errs[i])
				continue
			}
			have.history = append(have.history, record)
		default:
			if have == nil {
				have = &kept{}
				m.model[k] = have
			} else {
				have.history = append(have.history, record)
			}
			have.json, have.customer = docs[i], asff.Attrs(kinds[i])
		}
		require.NoError(t, errs[i])
	}
}

// Get reads one finding and its history.
func (m *machine) Get(t *rapid.T) {
	k, _ := m.finding(t)
	got, want := m.b.get(k), m.model[k]
	require.Equal(t, want == nil, got == nil)
	list, err := m.b.s.History(context.Background(), store.HistoryQuery{Key: k, Limit: 1000})
	require.NoError(t, err)
	if want == nil {
		require.Empty(t, list)
		return
	}
	require.Equal(t, string(want.json), string(got.JSON))
	require.Equal(t, want.customer, got.Customer)
	require.Len(t, list, len(want.history))
	for i := range list {
		require.Equal(t, want.history[len(want.history)-1-i], list[i].HistoryRecord)
	}
}

// matching lists what the model holds within a scope, sorted.
func (m *machine) matching(scope store.Scope, where *query.Expr, sort []query.SortKey) []store.Key {
	at := map[store.Key]*query.Position{}
	var keys []store.Key
	for k, d := range m.model {
		vs := m.reader.Values(d.json)
		if scope.Allows(k) && query.Match(where, vs) {
			at[k] = &query.Position{Values: query.Keys(sort, vs, nil), Identity: k.Identity()}
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b store.Key) int { return query.Compare(sort, at[a], at[b]) })
	return keys
}

// Find asks a random question, page by page.
func (m *machine) Find(t *rapid.T) {
	q := query.Find{
		Where: querytest.Exprs().Draw(t, "where"), Sort: querytest.Sorts().Draw(t, "sort"), Limit: rapid.IntRange(1, 12).Draw(t, "limit"),
	}
	scope := rapid.SampledFrom(scopes).Draw(t, "scope")
	want := m.matching(scope, &q.Where, q.Sort)
	var got []store.Key
	for {
		next, err := m.b.s.Find(context.Background(), scope, &q, func(d *store.Doc) error {
			require.Equal(t, string(m.model[d.Key].json), string(d.JSON))
			got = append(got, d.Key)
			return nil
		})
		require.NoError(t, err)
		if next == nil {
			break
		}
		q.After = next
	}
	require.Equal(t, want, got, "%s sorted by %v in %v", q.Where, q.Sort, scope)
}

// Group counts.
func (m *machine) Group(t *rapid.T) {
	q := querytest.Groups().Draw(t, "group")
	scope := rapid.SampledFrom(scopes).Draw(t, "scope")
	tally := query.NewTally(q)
	for k, d := range m.model {
		if scope.Allows(k) {
			tally.Add(m.reader.Values(d.json))
		}
	}
	got, err := m.b.s.Group(context.Background(), scope, &q)
	require.NoError(t, err)
	if want := tally.Counts(); len(want)+len(got) > 0 {
		require.Equal(t, want, got, "%s by %s[%s]", q.Where, q.By, q.Key)
	}
}

// Walk and Count answer the same question.
func (m *machine) Walk(t *rapid.T) {
	ctx := context.Background()
	e := querytest.Exprs().Draw(t, "where")
	scope := rapid.SampledFrom(scopes).Draw(t, "scope")
	want := m.matching(scope, &e, nil)
	n, err := m.b.s.Count(ctx, scope, &e)
	require.NoError(t, err)
	require.EqualValues(t, len(want), n, "%s in %v", e, scope)
	got := []store.Key{}
	require.NoError(t, m.b.s.Walk(ctx, scope, &e, func(d *store.Doc) error {
		require.Equal(t, string(m.model[d.Key].json), string(d.JSON))
		require.Equal(t, m.model[d.Key].customer, d.Customer)
		got = append(got, d.Key)
		return nil
	}))
	require.ElementsMatch(t, want, got, "%s in %v", e, scope)
}

// Expire forgets the older records of history.
func (m *machine) Expire(t *rapid.T) {
	before := time.UnixMilli(m.clock - int64(rapid.IntRange(0, 30).Draw(t, "kept"))).UTC()
	m.b.expire(before)
	for _, d := range m.model {
		d.history = slices.DeleteFunc(d.history, func(r store.HistoryRecord) bool { return r.Time.Before(before) })
	}
}

// Spool writes, reads and drops.
func (m *machine) Spool(t *rapid.T) {
	ctx := context.Background()
	name := rapid.SampledFrom([]string{"a", "ab", "b"}).Draw(t, "spool")
	n := rapid.Uint64Range(0, 3).Draw(t, "piece")
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		require.NoError(t, m.b.s.DropSpool(ctx, name))
		delete(m.spools, name)
	case 1, 2:
		v := rapid.StringN(0, 20, -1).Draw(t, "bytes")
		require.NoError(t, m.b.s.PutChunk(ctx, name, n, []byte(v)))
		if m.spools[name] == nil {
			m.spools[name] = map[uint64]string{}
		}
		m.spools[name][n] = v
	default:
		v, ok, err := m.b.s.Chunk(ctx, name, n)
		require.NoError(t, err)
		want, there := m.spools[name][n]
		require.Equal(t, there, ok)
		require.Equal(t, want, string(v))
	}
}

// Resolve looks identifiers up.
func (m *machine) Resolve(t *rapid.T) {
	k, _ := m.finding(t)
	scope := rapid.SampledFrom(scopes).Draw(t, "scope")
	var want []store.Key
	for other := range m.model {
		if other.ProductArn == k.ProductArn && other.ID == k.ID && scope.Allows(other) {
			want = append(want, other)
		}
	}
	slices.SortFunc(want, func(a, b store.Key) int {
		x, y := a.Identity(), b.Identity()
		return bytes.Compare(x[:], y[:])
	})
	got, err := m.b.s.Resolve(context.Background(), scope, []store.Ident{{ProductArn: k.ProductArn, ID: k.ID}})
	require.NoError(t, err)
	require.Equal(t, want, got[0])
}

// Reopen closes the store and opens it again.
func (m *machine) Reopen(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "really") == 0 {
		m.b.reopen()
	}
}

// Check holds the number of findings against the model, after every step.
func (m *machine) Check(t *rapid.T) {
	counts, err := m.b.s.Group(context.Background(), store.Scope{}, &query.Group{By: asff.FieldAwsAccountId})
	require.NoError(t, err)
	n := int64(0)
	for _, c := range counts {
		n += c.N
	}
	require.Equal(t, 0, cmp.Compare(n, int64(len(m.model))))
}

func testHistories(t *testing.T, b *bench) {
	place := b.open
	rapid.Check(t, func(rt *rapid.T) {
		// A fresh start on the same store: what an earlier history left goes first.
		m := &machine{b: &bench{t: t, open: place, s: b.s}, model: map[store.Key]*kept{}, spools: map[string]map[uint64]string{}}
		m.empty(rt)
		rt.Repeat(rapid.StateMachineActions(m))
		b.s = m.b.s
	})
}

// empty deletes everything.
func (m *machine) empty(t *rapid.T) {
	var keys []store.Key
	_, err := m.b.s.Find(context.Background(), store.Scope{}, &query.Find{Limit: 10_000}, func(d *store.Doc) error {
		keys = append(keys, d.Key)
		return nil
	})
	require.NoError(t, err)
	_, err = m.b.s.Update(context.Background(), keys, func(int, *store.Doc, store.StateView) (store.Change, error) {
		return store.Change{Delete: true}, nil
	})
	require.NoError(t, err)
	for _, spool := range []string{"a", "ab", "b"} {
		require.NoError(t, m.b.s.DropSpool(context.Background(), spool))
	}
}
