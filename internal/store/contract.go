package store

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"hubcap/internal/asff"
	"hubcap/internal/query"
)

// Checked wraps a store in tests and holds every call against the contract: what an engine answers, and what it may keep. It also
// spoils what a caller must not keep, so that whoever does finds garbage. violated hears of every breach; it may be called by
// several goroutines.
func Checked(s Store, violated func(error)) Store { return &checked{s: s, violated: violated} }

type checked struct {
	s        Store
	violated func(error)
	leases   leases
}

func (c *checked) breach(format string, args ...any) {
	c.violated(fmt.Errorf("store contract: "+format, args...))
}

// spoil overwrites what is no longer valid.
func spoil(b []byte) {
	for i := range b {
		b[i] = '#'
	}
}

// result is what fn made of a key the last time it ran.
type result struct {
	seen bool
	json []byte // nil: as it was
	gone bool
}

// Update implements Store.
func (c *checked) Update(ctx context.Context, keys []Key, fn UpdateFunc) ([]error, error) {
	var (
		mu      sync.Mutex // fn must not run twice at once: found out by TryLock
		results = make([]result, len(keys))
		before  = previous(keys)
		oldJSON []byte
		newJSON []byte
	)
	errs, err := c.s.Update(ctx, keys, func(i int, old *Doc, st StateView) (Change, error) {
		if i < 0 || i >= len(keys) {
			c.breach("fn for key %d of %d", i, len(keys))
			return Change{}, nil
		}
		if !mu.TryLock() {
			c.breach("fn runs twice at once")
			mu.Lock()
		}
		defer mu.Unlock()
		spoil(oldJSON)
		spoil(newJSON)
		c.checkOld(keys, i, old, before, results)
		if old != nil {
			mine := *old
			oldJSON = bytes.Clone(old.JSON)
			mine.JSON = oldJSON
			old = &mine
		}
		ch, err := fn(i, old, st)
		results[i] = result{seen: true, json: bytes.Clone(ch.JSON), gone: ch.Delete}
		if err != nil {
			results[i] = result{seen: true}
		}
		if ch.JSON != nil && ch.Values == nil {
			newJSON = bytes.Clone(ch.JSON)
			ch.JSON = newJSON
		}
		return ch, err
	})
	spoil(oldJSON)
	spoil(newJSON)
	switch {
	case err == nil && len(errs) != len(keys):
		c.breach("Update answers %d results for %d keys", len(errs), len(keys))
	case err != nil && errs != nil:
		c.breach("Update answers results beside the error %w", err)
	}
	for i := range results {
		if err == nil && !results[i].seen {
			c.breach("fn never ran for key %d", i)
		}
	}
	return errs, err
}

// previous is, for each key, the place of the same key before it; -1 where there is none.
func previous(keys []Key) []int {
	last, out := map[Key]int{}, make([]int, len(keys))
	for i, k := range keys {
		out[i] = -1
		if j, ok := last[k]; ok {
			out[i] = j
		}
		last[k] = i
	}
	return out
}

// checkOld holds what fn is given against the key, and against what it made of the same key before.
func (c *checked) checkOld(keys []Key, i int, old *Doc, before []int, results []result) {
	if old != nil && (old.Key != keys[i] || old.Version == 0 || len(old.JSON) == 0) {
		c.breach("key %v is given a document of key %v, version %d, %d bytes", keys[i], old.Key, old.Version, len(old.JSON))
	}
	j := before[i]
	for j >= 0 && results[j].seen && results[j].json == nil && !results[j].gone {
		j = before[j]
	}
	if j < 0 {
		return
	}
	switch r := &results[j]; {
	case !r.seen:
		c.breach("fn runs for key %d before key %d, which is the same", i, j)
	case r.gone && old != nil:
		c.breach("key %d was deleted by key %d and is there", i, j)
	case !r.gone && (old == nil || !bytes.Equal(old.JSON, r.json)):
		c.breach("key %d does not see what key %d made of it", i, j)
	}
}

// State implements Store.
func (c *checked) State(ctx context.Context, accounts []string, fn func(StateTx) error) error {
	return c.s.State(ctx, accounts, func(tx StateTx) error {
		err := fn(tx)
		for _, a := range accounts {
			names := tx.Names(a, "")
			if !slices.IsSorted(names) {
				c.breach("names of account %s are not sorted: %q", a, names)
			}
			for _, n := range names {
				if _, ok := tx.Get(a, n); !ok {
					c.breach("account %s has a name %q and no record", a, n)
				}
			}
		}
		return err
	})
}

// View implements Store.
func (c *checked) View(ctx context.Context, fn func(StateView) error) error { return c.s.View(ctx, fn) }

// Resolve implements Store.
func (c *checked) Resolve(ctx context.Context, scope Scope, ids []Ident) ([][]Key, error) {
	out, err := c.s.Resolve(ctx, scope, ids)
	if err != nil {
		return out, err
	}
	if len(out) != len(ids) {
		c.breach("Resolve answers %d lists for %d identifiers", len(out), len(ids))
	}
	for i, keys := range out {
		var last Identity
		for n, k := range keys {
			ident := k.Identity()
			if k.ProductArn != ids[i].ProductArn || k.ID != ids[i].ID || !scope.Allows(k) {
				c.breach("Resolve of %v in %v answers %v", ids[i], scope, k)
			}
			if n > 0 && bytes.Compare(last[:], ident[:]) >= 0 {
				c.breach("Resolve of %v is not in identity order", ids[i])
			}
			last = ident
		}
	}
	return out, nil
}

// lend gives fn a copy of a document that is spoiled afterwards.
func (c *checked) lend(d *Doc, fn func(*Doc) error) error {
	if d.Version == 0 || len(d.JSON) == 0 {
		c.breach("document %v has version %d and %d bytes", d.Key, d.Version, len(d.JSON))
	}
	mine := *d
	mine.JSON = bytes.Clone(d.JSON)
	err := fn(&mine)
	spoil(mine.JSON)
	return err
}

// Get implements Store.
func (c *checked) Get(ctx context.Context, key Key, fn func(*Doc) error) (bool, error) {
	calls := 0
	ok, err := c.s.Get(ctx, key, func(d *Doc) error {
		calls++
		if d.Key != key {
			c.breach("Get of %v answers %v", key, d.Key)
		}
		return c.lend(d, fn)
	})
	if ok != (calls == 1) || calls > 1 {
		c.breach("Get answers %v after %d calls", ok, calls)
	}
	return ok, err
}

// Find implements Store.
func (c *checked) Find(ctx context.Context, scope Scope, q *query.Find, yield func(*Doc) error) (*query.Position, error) {
	var (
		r    asff.Reader
		last *query.Position
		n    int
	)
	if q.After != nil {
		last = q.After
	}
	next, err := c.s.Find(ctx, scope, q, func(d *Doc) error {
		n++
		values := r.Values(d.JSON)
		at := &query.Position{Values: query.Keys(q.Sort, values, nil), Identity: d.Key.Identity()}
		switch {
		case !scope.Allows(d.Key):
			c.breach("Find in %v answers %v", scope, d.Key)
		case !query.Match(&q.Where, values):
			c.breach("Find answers %v, which does not match %s", d.Key, q.Where)
		case last != nil && query.Compare(q.Sort, last, at) >= 0:
			c.breach("Find answers %v out of order", d.Key)
		}
		last = at
		return c.lend(d, yield)
	})
	if err != nil {
		return next, err
	}
	switch {
	case n > q.Limit:
		c.breach("Find answers %d documents of at most %d", n, q.Limit)
	case next != nil && (n == 0 || query.Compare(q.Sort, next, last) != 0):
		c.breach("Find's position is not that of the last of its %d documents", n)
	}
	return next, nil
}

// Count implements Store.
func (c *checked) Count(ctx context.Context, scope Scope, where *query.Expr) (int64, error) {
	n, err := c.s.Count(ctx, scope, where)
	if n < 0 || err != nil && n != 0 {
		c.breach("Count answers %d and the error %v", n, err)
	}
	return n, err
}

// Walk implements Store.
func (c *checked) Walk(ctx context.Context, scope Scope, where *query.Expr, yield func(*Doc) error) error {
	var r asff.Reader
	met := map[Key]bool{}
	return c.s.Walk(ctx, scope, where, func(d *Doc) error {
		switch {
		case !scope.Allows(d.Key):
			c.breach("Walk in %v meets %v", scope, d.Key)
		case met[d.Key]:
			c.breach("Walk meets %v again", d.Key)
		case !query.Match(where, r.Values(d.JSON)):
			c.breach("Walk meets %v, which does not match %s", d.Key, *where)
		}
		met[d.Key] = true
		return c.lend(d, yield)
	})
}

// Explain implements Store.
func (c *checked) Explain(ctx context.Context, scope Scope, q *query.Find) (string, error) {
	text, err := c.s.Explain(ctx, scope, q)
	if err == nil && text == "" {
		c.breach("Explain answers nothing")
	}
	return text, err
}

// Group implements Store.
func (c *checked) Group(ctx context.Context, scope Scope, q *query.Group) ([]query.Count, error) {
	counts, err := c.s.Group(ctx, scope, q)
	for i := range counts {
		if counts[i].N < 1 {
			c.breach("Group answers %d of %q", counts[i].N, counts[i].Value)
		}
		if i > 0 && (counts[i-1].N < counts[i].N || counts[i-1].N == counts[i].N && counts[i-1].Value >= counts[i].Value) {
			c.breach("Group answers %v after %v", counts[i], counts[i-1])
		}
	}
	if q.Limit > 0 && len(counts) > q.Limit {
		c.breach("Group answers %d values of at most %d", len(counts), q.Limit)
	}
	return counts, err
}

// History implements Store.
func (c *checked) History(ctx context.Context, q HistoryQuery) ([]HistoryEntry, error) {
	list, err := c.s.History(ctx, q)
	after := q.After
	for i := range list {
		e := &list[i]
		if e.Seq == 0 || after != 0 && e.Seq >= after {
			c.breach("History answers record %d after %d", e.Seq, after)
		}
		if !q.From.IsZero() && e.Time.Before(q.From) || !q.To.IsZero() && e.Time.After(q.To) {
			c.breach("History answers a record of %v", e.Time)
		}
		after = e.Seq
	}
	if q.Limit > 0 && len(list) > q.Limit {
		c.breach("History answers %d records of at most %d", len(list), q.Limit)
	}
	return list, err
}

// ExpireHistory implements Store.
func (c *checked) ExpireHistory(ctx context.Context, before time.Time, from []byte) ([]byte, error) {
	next, err := c.s.ExpireHistory(ctx, before, from)
	if err == nil && next != nil && bytes.Equal(next, from) {
		c.breach("ExpireHistory goes on where it began")
	}
	return next, err
}

// PutChunk implements Store.
func (c *checked) PutChunk(ctx context.Context, spool string, n uint64, chunk []byte) error {
	mine := bytes.Clone(chunk)
	err := c.s.PutChunk(ctx, spool, n, mine)
	spoil(mine)
	return err
}

// Chunk implements Store.
func (c *checked) Chunk(ctx context.Context, spool string, n uint64) ([]byte, bool, error) {
	return c.s.Chunk(ctx, spool, n)
}

// DropSpool implements Store.
func (c *checked) DropSpool(ctx context.Context, spool string) error {
	return c.s.DropSpool(ctx, spool)
}

// Close implements Store.
func (c *checked) Close() error { return c.s.Close() }
