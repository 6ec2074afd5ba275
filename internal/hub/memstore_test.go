package hub

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"hubcap/internal/asff"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

// memStore is the contract's plainest engine: everything in maps under one lock. It is as unkind as the contract allows: it runs
// every closure twice and spoils the document in between, the way an engine does that lost an optimistic race.
type memStore struct {
	mu      sync.Mutex
	docs    map[store.Identity]*memDoc
	state   map[string]map[string][]byte
	version map[string]uint64
	spools  map[string]map[uint64][]byte
	outbox  memOutbox
	seq     uint64
	fail    func(store.Key) error // what Update answers for a key in place of writing it
	refuse  error                 // what Update and State answer in place of doing anything
}

type memDoc struct {
	doc     store.Doc
	history []store.HistoryEntry // oldest first
}

func newMemStore() *memStore {
	return &memStore{
		docs: map[store.Identity]*memDoc{}, state: map[string]map[string][]byte{}, version: map[string]uint64{},
		spools: map[string]map[uint64][]byte{},
	}
}

func (m *memStore) Update(ctx context.Context, keys []store.Key, fn store.UpdateFunc) ([]error, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refuse != nil {
		return nil, m.refuse
	}
	errs := make([]error, len(keys))
	for i, key := range keys {
		if m.fail != nil {
			if errs[i] = m.fail(key); errs[i] != nil {
				continue
			}
		}
		errs[i] = m.updateOne(i, key, fn)
	}
	return errs, nil
}

func (m *memStore) updateOne(i int, key store.Key, fn store.UpdateFunc) error {
	id := key.Identity()
	have := m.docs[id]
	load := func() *store.Doc {
		if have == nil {
			return nil
		}
		d := have.doc
		d.JSON = bytes.Clone(d.JSON)
		return &d
	}
	lost := load()
	if _, err := fn(i, lost, memTx{m}); err != nil {
		return err
	}
	if lost != nil {
		for at := range lost.JSON {
			lost.JSON[at] = '!'
		}
	}
	c, err := fn(i, load(), memTx{m})
	switch {
	case err != nil:
		return err
	case c.Delete:
		delete(m.docs, id)
		return nil
	case c.JSON == nil && c.History == nil && !c.Event.Wanted():
		return nil
	}
	m.seq++
	if have == nil {
		have = &memDoc{doc: store.Doc{Key: store.Key{
			Account: strings.Clone(key.Account), Region: strings.Clone(key.Region),
			ProductArn: strings.Clone(key.ProductArn), ID: strings.Clone(key.ID),
		}}}
		m.docs[id] = have
	}
	if c.JSON != nil {
		have.doc.JSON = bytes.Clone(c.JSON)
		have.doc.Customer = c.Customer
	}
	have.doc.Version = m.seq
	m.emit(key, m.seq, have.doc.JSON, &c.Event)
	for _, r := range c.History {
		m.seq++
		have.history = append(have.history, store.HistoryEntry{HistoryRecord: r, Seq: m.seq})
	}
	return nil
}

// State takes back what a call did that fails, or that changes an account it did not name.
func (m *memStore) State(_ context.Context, accounts []string, fn func(store.StateTx) error) error {
	if m.refuse != nil {
		return m.refuse
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	before, events := map[string]map[string][]byte{}, len(m.outbox.rows)
	for account, records := range m.state {
		before[account] = maps.Clone(records)
	}
	err := fn(memTx{m})
	if err == nil {
		for account := range m.state {
			if !slices.Contains(accounts, account) && !maps.EqualFunc(m.state[account], before[account], bytes.Equal) {
				err = fmt.Errorf("state: the call was not opened for account %q", account)
			}
		}
	}
	if err != nil {
		m.state, m.outbox.rows = before, m.outbox.rows[:events]
	}
	return err
}

func (m *memStore) View(_ context.Context, fn func(store.StateView) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return fn(memTx{m})
}

type memTx struct{ m *memStore }

func (t memTx) Version(account string) uint64 { return t.m.version[account] }

func (t memTx) Get(account, name string) ([]byte, bool) {
	v, ok := t.m.state[account][name]
	return v, ok
}

func (t memTx) Put(account, name string, value []byte) {
	if t.m.state[account] == nil {
		t.m.state[account] = map[string][]byte{}
	}
	t.m.state[account][name] = bytes.Clone(value)
	t.m.version[account]++
}

func (t memTx) Delete(account, name string) {
	delete(t.m.state[account], name)
	t.m.version[account]++
}

func (t memTx) Names(account, prefix string) []string {
	var names []string
	for name := range t.m.state[account] {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (m *memStore) sorted(scope store.Scope) []*memDoc {
	var all []*memDoc
	for _, d := range m.docs {
		if scope.Allows(d.doc.Key) {
			all = append(all, d)
		}
	}
	slices.SortFunc(all, func(a, b *memDoc) int {
		x, y := a.doc.Key.Identity(), b.doc.Key.Identity()
		return bytes.Compare(x[:], y[:])
	})
	return all
}

func (m *memStore) Resolve(_ context.Context, scope store.Scope, ids []store.Ident) ([][]store.Key, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := make([][]store.Key, len(ids))
	for _, d := range m.sorted(scope) {
		for i, id := range ids {
			if d.doc.Key.ProductArn == id.ProductArn && d.doc.Key.ID == id.ID {
				found[i] = append(found[i], d.doc.Key)
			}
		}
	}
	return found, nil
}

func (m *memStore) Get(_ context.Context, key store.Key, fn func(*store.Doc) error) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.docs[key.Identity()]
	if d == nil {
		return false, nil
	}
	return true, fn(&d.doc)
}

func (m *memStore) Find(_ context.Context, scope store.Scope, q *query.Find, yield func(*store.Doc) error) (*query.Position, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	sort := q.Sort
	if len(sort) == 0 {
		sort = []query.SortKey{{Field: asff.FieldUpdatedAt, Desc: true}}
	}
	type hit struct {
		doc *memDoc
		at  query.Position
	}
	var hits []hit
	var r asff.Reader
	for _, d := range m.sorted(scope) {
		vs := r.Values(d.doc.JSON)
		at := query.Position{Values: query.Keys(sort, vs, nil), Identity: d.doc.Key.Identity()}
		if query.Match(&q.Where, vs) && (q.After == nil || query.Compare(sort, q.After, &at) < 0) {
			for i := range at.Values {
				at.Values[i].Text = strings.Clone(at.Values[i].Text)
			}
			hits = append(hits, hit{d, at})
		}
	}
	slices.SortFunc(hits, func(a, b hit) int { return query.Compare(sort, &a.at, &b.at) })
	for i, x := range hits {
		if i == q.Limit {
			return &hits[i-1].at, nil
		}
		shown := x.doc.doc
		shown.JSON = bytes.Clone(shown.JSON)
		if err := yield(&shown); err != nil {
			return nil, err
		}
		for at := range shown.JSON {
			shown.JSON[at] = '!' // valid until the callback returns
		}
	}
	return nil, nil //nolint:nilnil // no position: there is no more
}

func (m *memStore) Count(ctx context.Context, scope store.Scope, where *query.Expr) (n int64, err error) {
	err = m.Walk(ctx, scope, where, func(*store.Doc) error {
		n++
		return nil
	})
	return n, err
}

func (m *memStore) Walk(_ context.Context, scope store.Scope, where *query.Expr, yield func(*store.Doc) error) error {
	m.mu.Lock()
	var list []store.Doc
	var r asff.Reader
	for _, d := range m.sorted(scope) {
		if query.Match(where, r.Values(d.doc.JSON)) {
			shown := d.doc
			shown.JSON = bytes.Clone(shown.JSON)
			list = append(list, shown)
		}
	}
	m.mu.Unlock()
	for i := range list {
		if err := yield(&list[i]); err != nil {
			return err
		}
	}
	return nil
}

func (m *memStore) Explain(context.Context, store.Scope, *query.Find) (string, error) {
	return "every finding is looked at\n", nil
}

func (m *memStore) ExpireHistory(_ context.Context, before time.Time, _ []byte) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range m.docs {
		d.history = slices.DeleteFunc(d.history, func(e store.HistoryEntry) bool { return e.Time.Before(before) })
	}
	return nil, nil
}

func (m *memStore) PutChunk(_ context.Context, spool string, n uint64, chunk []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.spools[spool] == nil {
		m.spools[spool] = map[uint64][]byte{}
	}
	m.spools[spool][n] = bytes.Clone(chunk)
	return nil
}

func (m *memStore) Chunk(_ context.Context, spool string, n uint64) ([]byte, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.spools[spool][n]
	return bytes.Clone(v), ok, nil
}

func (m *memStore) DropSpool(_ context.Context, spool string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.spools, spool)
	return nil
}

func (m *memStore) Group(_ context.Context, scope store.Scope, q *query.Group) ([]query.Count, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var r asff.Reader
	t := query.NewTally(*q)
	for _, d := range m.sorted(scope) {
		t.Add(r.Values(d.doc.JSON))
	}
	return t.Counts(), nil
}

func (m *memStore) History(_ context.Context, q store.HistoryQuery) ([]store.HistoryEntry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.docs[q.Key.Identity()]
	if d == nil {
		return nil, nil
	}
	var out []store.HistoryEntry
	for _, e := range slices.Backward(d.history) {
		if (q.After != 0 && e.Seq >= q.After) || (!q.From.IsZero() && e.Time.Before(q.From)) || (!q.To.IsZero() && e.Time.After(q.To)) {
			continue
		}
		if len(out) == q.Limit {
			break
		}
		out = append(out, e)
	}
	return out, nil
}

func (m *memStore) Close() error { return nil }
