package postgres

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"hubcap/internal/asff"
	"hubcap/internal/store"
)

// How often a call tries again when others were first: without locks, and then with the findings and the records that it decides by
// locked before it reads them. Only a finding that does not exist cannot be locked.
const (
	optimisticRounds = 3
	lockedRounds     = 8
)

// item is one distinct key of a call.
type item struct {
	key   store.Key
	ident store.Identity
	again bool // the key comes more than once

	// As loaded. base is the version that must still be there at commit; 0: no such finding.
	loaded bool
	base   uint64
	stored []byte // the body
	floor  uint64 // versions up to it were given out, as far as is known beside base: before a deletion, or by another store

	// As the call leaves it.
	exists   bool
	changed  bool
	document bool // the document changed, not only the version
	wiped    bool // its history goes, whatever comes after
	first    uint64
	version  uint64
	customer asff.Attrs
	json     []byte // only where the key comes again, or before anything changed
	body     span   // of call.bodies, where document
	found    found
	history  []entry
	events   []pendingEvent
}

type span struct{ from, to int }

// entry is a record of the history on its way.
type entry struct {
	seq, at int64
	record  span // of call.histories
}

type pendingEvent struct {
	mark     store.EventMark
	version  uint64
	document bool // body is that of the change; else the stored one
	body     span
}

// writes tells whether anything is left to do for an item: what came and went in one call does not count.
func (it *item) writes() bool { return it.changed && (it.exists || it.base != 0) }

// next is the next version of an item: the time in microseconds, as far as that grows. So nothing is the same as what a server had that
// lost its last changes.
func (it *item) next(now uint64) uint64 {
	if it.version = max(it.version+1, it.floor+1, now); it.first == 0 {
		it.first = it.version
	}
	return it.version
}

// call is one Update under way: buffers that serve many calls, one after the other.
type call struct {
	s       *Store
	items   []item
	of      []int // the item of each key
	sorted  []int // items by account and identity
	byIdent map[store.Identity]int
	errs    []error
	reader  asff.Reader
	doc     store.Doc
	view    *decidedBy
	now     uint64        // the clock, in microseconds
	loading []store.Whole // of Load: by key

	expanded  []byte // the document last loaded
	plain     []byte // what is compressed
	hashed    []byte
	stored    []byte // bodies as loaded
	bodies    []byte // compressed documents of the round
	histories []byte
	docs      []byte // documents that are needed again
	fresh     documentRows
	freshRows findingRows
	old       documentRows
	oldRows   findingRows
}

func newCall(s *Store) *call { return &call{s: s, byIdent: map[store.Identity]int{}} }

// maxKept is how much of a buffer survives a call.
const maxKept = 4 << 20

// end lets go of what belongs to the caller, and of buffers that grew unusually.
func (c *call) end() {
	for i := range c.items {
		it := &c.items[i]
		it.key, it.json, it.stored = store.Key{}, nil, nil
		clear(it.events)
		clear(it.found.words)
	}
	clear(c.byIdent)
	clear(c.errs)
	c.doc, c.view, c.loading = store.Doc{}, nil, nil
	c.resetRows()
	for _, b := range [...]*[]byte{&c.expanded, &c.plain, &c.stored, &c.bodies, &c.histories, &c.docs} {
		if cap(*b) > maxKept {
			*b = nil
		}
	}
	c.s.scratch.Put(c)
}

func (c *call) resetRows() {
	c.fresh.reset()
	c.freshRows.reset()
	c.old.reset()
	c.oldRows.reset()
}

// decidedBy is the records that an Update decides by: as remembered, or read when asked for. Before anything is committed it is made
// certain that they are the accounts' records still.
type decidedBy struct {
	s     *Store
	ctx   context.Context
	conn  *pgx.Conn // where they are locked as they are read; nil: without a lock
	seen  map[string]*records
	order []string
	era   int64
	err   error
}

// Version implements store.StateView.
func (v *decidedBy) Version(account string) uint64 { return v.of(account).shown() }

// Get implements store.StateView.
func (v *decidedBy) Get(account, name string) ([]byte, bool) {
	value, ok := v.of(account).byName[name]
	return value, ok
}

// Names implements store.StateView.
func (v *decidedBy) Names(account, prefix string) []string { return v.of(account).with(prefix) }

func (v *decidedBy) of(account string) *records {
	if r := v.seen[account]; r != nil {
		return r
	}
	if v.err != nil {
		return nothing
	}
	r, err := v.load(account)
	if err != nil {
		v.err = err
		return nothing
	}
	v.seen[account] = r
	v.order = append(v.order, account)
	return r
}

func (v *decidedBy) load(account string) (r *records, err error) {
	if v.conn != nil {
		return v.lock(account)
	}
	if r = v.s.accounts.get(account); r != nil {
		return r, nil
	}
	err = v.s.read(v.ctx, func(conn *pgx.Conn) error {
		if r, err = loadRecords(v.ctx, conn, account); err != nil || r.version >= 0 {
			return err
		}
		// A row that others can lock, from now on.
		if _, err = conn.Exec(v.ctx, insertVersion, toText(account)); err == nil {
			r, err = loadRecords(v.ctx, conn, account)
		}
		return err
	})
	if err == nil {
		v.s.accounts.put(v.era, account, r)
	}
	return r, err
}

// lock reads an account's records while nobody can change them.
func (v *decidedBy) lock(account string) (*records, error) {
	if _, err := v.conn.Exec(v.ctx, insertVersion, toText(account)); err != nil {
		return nil, err
	}
	if _, err := v.conn.Exec(v.ctx, shareVersion, toText(account)); err != nil {
		return nil, err
	}
	return loadRecords(v.ctx, v.conn, account)
}

// Update implements store.Store.
func (s *Store) Update(ctx context.Context, keys []store.Key, fn store.UpdateFunc) ([]error, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	if len(keys) == 0 {
		return []error{}, nil
	}
	c := s.scratch.Get().(*call)
	defer c.end()
	c.begin(keys)
	if err := c.run(ctx, keys, fn); err != nil {
		return nil, explained(err)
	}
	return slices.Clone(c.errs), nil
}

// begin finds out which keys are the same.
func (c *call) begin(keys []store.Key) {
	c.items, c.of, c.sorted = c.items[:0], c.of[:0], c.sorted[:0]
	c.errs = slices.Grow(c.errs[:0], len(keys))[:len(keys)]
	for i := range keys {
		ident := keys[i].Identity()
		at, known := c.byIdent[ident]
		if known {
			c.items[at].again = true
		} else {
			at = len(c.items)
			c.byIdent[ident] = at
			c.items = slices.Grow(c.items, 1)[:at+1]
			it := &c.items[at]
			*it = item{
				key: keys[i], ident: ident, history: it.history[:0], events: it.events[:0],
				found: found{terms: it.found.terms[:0], words: it.found.words[:0]},
			}
			c.sorted = append(c.sorted, at)
		}
		c.of = append(c.of, at)
	}
	slices.SortFunc(c.sorted, func(a, b int) int {
		x, y := &c.items[a], &c.items[b]
		return cmp.Or(strings.Compare(x.key.Account, y.key.Account), bytes.Compare(x.ident[:], y.ident[:]))
	})
}

// byAccount calls fn for each account of the call, in ascending order, with its items that are chosen; not where there are none.
func (c *call) byAccount(chosen func(it *item) bool, fn func(account string, items []*item) error) error {
	var items []*item
	for n, at := range c.sorted {
		if it := &c.items[at]; chosen(it) {
			items = append(items, it)
		}
		account := c.items[at].key.Account
		if n+1 < len(c.sorted) && c.items[c.sorted[n+1]].key.Account == account || len(items) == 0 {
			continue
		}
		if err := fn(account, items); err != nil {
			return err
		}
		items = nil
	}
	return nil
}

func identities(items []*item) [][]byte {
	out := make([][]byte, len(items))
	for i, it := range items {
		out[i] = it.ident[:]
	}
	return out
}

// run decides and commits.
func (c *call) run(ctx context.Context, keys []store.Key, fn store.UpdateFunc) error {
	all := true
	for round := range optimisticRounds {
		if round > 0 && !c.s.pause(ctx, round) {
			return ctx.Err()
		}
		if all {
			c.restart()
			c.view = &decidedBy{s: c.s, ctx: ctx, era: c.s.era.Load(), seen: map[string]*records{}}
		}
		err := c.s.read(ctx, func(conn *pgx.Conn) error { return c.load(ctx, conn, selectDocuments) })
		if err == nil {
			err = c.decide(ctx, keys, fn)
		}
		if err != nil {
			return err
		}
		ok, stands, err := c.commit(ctx)
		if ok || err != nil {
			return err
		}
		all = !stands
	}
	for n := range lockedRounds {
		if !c.s.pause(ctx, n+1) {
			return ctx.Err()
		}
		ok, err := c.runLocked(ctx, keys, fn)
		if err == nil && ok || err != nil && !collided(err) && !lost(err) {
			return err
		}
	}
	return store.ErrConflict
}

// restart forgets everything that was loaded.
func (c *call) restart() {
	c.stored, c.bodies, c.histories, c.docs = c.stored[:0], c.bodies[:0], c.histories[:0], c.docs[:0]
	for i := range c.items {
		c.items[i].loaded = false
	}
}

// load reads the items that are not loaded, as they are now.
func (c *call) load(ctx context.Context, conn *pgx.Conn, statement string) error {
	c.now = uint64(max(c.s.opts.Clock().UnixMicro(), 1))
	b := &pgx.Batch{}
	err := c.byAccount(func(it *item) bool { return !it.loaded }, func(account string, items []*item) error {
		for _, it := range items {
			it.exists, it.base, it.stored, it.json, it.customer = false, 0, nil, nil, 0
			it.version, it.changed, it.document, it.wiped, it.first = 0, false, false, false, 0
			it.history, it.events = it.history[:0], it.events[:0]
		}
		b.Queue(statement, toText(account), identities(items)).Query(c.take)
		return nil
	})
	if err != nil || b.Len() == 0 {
		return err
	}
	return conn.SendBatch(ctx, b).Close()
}

// take reads the answer to load.
func (c *call) take(rows pgx.Rows) error {
	var ident store.Identity
	var body []byte
	var version int64
	var customer int16
	_, err := pgx.ForEachRow(rows, []any{(*identityScan)(&ident), &version, &customer, (*shortLived)(&body)}, func() error {
		at, known := c.byIdent[ident]
		if !known {
			return errDamaged
		}
		it := &c.items[at]
		from := len(c.stored)
		c.stored = append(c.stored, body...)
		it.stored = c.stored[from:len(c.stored):len(c.stored)]
		it.exists, it.base, it.version = true, uint64(version), uint64(version) //nolint:gosec // positive
		it.customer = asff.Attrs(customer)                                      //nolint:gosec // as written
		return nil
	})
	return err
}

// decide runs fn for every key whose finding was loaded for it, in the order of the keys.
func (c *call) decide(ctx context.Context, keys []store.Key, fn store.UpdateFunc) error {
	fresh := make([]bool, len(c.items))
	for i := range c.items {
		fresh[i] = !c.items[i].loaded
	}
	for i := range keys {
		at := c.of[i]
		if !fresh[at] {
			continue
		}
		if i%16 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		it := &c.items[at]
		if !it.loaded {
			if err := c.open(it); err != nil {
				return err
			}
			it.loaded = true
		}
		var old *store.Doc
		if it.exists {
			c.doc = store.Doc{Key: it.key, JSON: it.json, Customer: it.customer, Version: it.version}
			old = &c.doc
		}
		ch, err := fn(i, old, c.view)
		if c.view.err != nil {
			return c.view.err
		}
		if err == nil {
			err = c.apply(it, &ch)
		}
		if err == nil && c.loading != nil {
			c.applyWhole(it, &c.loading[i])
		}
		c.errs[i] = err
	}
	return nil
}

// open takes apart what was loaded of an item.
func (c *call) open(it *item) (err error) {
	if !it.exists {
		return nil
	}
	var key store.Key
	if key, it.json, c.expanded, err = unpack(c.expanded, it.stored); err != nil {
		return fmt.Errorf("store: finding %s: %w", it.key.ID, err)
	}
	if key != it.key {
		return fmt.Errorf("store: finding %s: %w: it is another's", it.key.ID, errDamaged)
	}
	if it.again {
		it.json = c.keep(it.json)
	}
	return nil
}

// keep copies a document that is needed again.
func (c *call) keep(doc []byte) []byte {
	at := len(c.docs)
	c.docs = append(c.docs, doc...)
	return c.docs[at:len(c.docs):len(c.docs)]
}

// apply makes a change part of the item. Everything in ch is consumed.
func (c *call) apply(it *item, ch *store.Change) error {
	switch {
	case ch.Delete:
		if it.exists {
			it.exists, it.changed, it.document, it.wiped = false, true, false, true
			it.history, it.events = it.history[:0], it.events[:0]
		}
		return nil
	case ch.JSON == nil && len(ch.History) == 0 && !ch.Event.Wanted():
		return nil
	case ch.JSON == nil && !it.exists:
		return fmt.Errorf("store: finding %s: history or event of a finding that is not there", it.key.ID)
	}
	if ch.JSON != nil {
		values := ch.Values
		if values == nil {
			values = c.reader.Values(ch.JSON)
		}
		c.hashed = it.found.read(c.s.hash, c.s.words, &it.key, values, c.hashed)
		it.customer, it.document = ch.Customer, true
		from := len(c.bodies)
		c.bodies, c.plain = pack(c.bodies, c.plain, &it.key, ch.JSON)
		it.body = span{from, len(c.bodies)}
		if it.again {
			it.json = c.keep(ch.JSON)
		}
	}
	for i := range ch.History {
		from := len(c.histories)
		c.histories = appendHistory(c.histories, &ch.History[i])
		it.history = append(it.history, entry{int64(it.next(c.now)), ch.History[i].Time.UnixMilli(), span{from, len(c.histories)}}) //nolint:gosec // a bigint
	}
	it.exists, it.changed, it.version = true, true, it.next(c.now)
	if ch.Event.Wanted() {
		it.events = append(it.events, pendingEvent{ch.Event, it.version, it.document, it.body})
	}
	return nil
}

// bodyOf is a body as it is written.
func (c *call) bodyOf(it *item, document bool, body span) []byte {
	if !document {
		return it.stored
	}
	return c.bodies[body.from:body.to]
}

// commit writes what was decided, unless another writer was first: then ok is false, and those who lost are to be loaded again; stands
// tells whether at least the records are as they were. From here on the call goes on to its end, whether somebody waits for it or not.
func (c *call) commit(ctx context.Context) (ok, stands bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, false, err
	}
	if !c.writes() {
		stands, err := c.stands(ctx)
		return stands, stands, err
	}
	ctx, cancel := c.s.detached(ctx)
	defer cancel()
	if err := c.tellWords(ctx); err != nil {
		return false, false, err
	}
	err = c.s.retry(ctx, func() error {
		return c.s.once(ctx, func(conn *pgx.Conn) error {
			defer c.s.rollback(ctx, conn)
			ok, stands, err = c.transact(ctx, conn)
			return err
		})
	})
	return ok, stands, err
}

func (c *call) writes() bool {
	return slices.ContainsFunc(c.items, func(it item) bool { return it.writes() })
}

// stands tells whether the records that a call decided by are as they were, for a call that writes nothing.
func (c *call) stands(ctx context.Context) (bool, error) {
	if len(c.view.order) == 0 {
		return true, nil
	}
	versions := map[string]int64{}
	err := c.s.read(ctx, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, selectVersions, toTexts(c.view.order))
		if err != nil {
			return err
		}
		var account string
		var version int64
		_, err = pgx.ForEachRow(rows, []any{&account, &version}, func() error {
			versions[fromText(account)] = version
			return nil
		})
		return err
	})
	if err != nil {
		return false, err
	}
	same := c.view.era == c.s.era.Load()
	for _, account := range c.view.order {
		if version, there := versions[account]; !there || version != c.view.seen[account].version {
			c.s.accounts.forget(account)
			same = false
		}
	}
	return same, nil
}

// transact is one attempt: the records that were decided by are locked against change, then the findings, both in ascending order; then
// everything is written. If the answers show that another was first, nothing is committed.
func (c *call) transact(ctx context.Context, conn *pgx.Conn) (ok, stands bool, err error) {
	if c.view.era != c.s.era.Load() {
		return false, false, nil
	}
	w := newWriting(c.s)
	w.batch.Queue(`BEGIN`)
	stands = true
	slices.Sort(c.view.order)
	for _, account := range c.view.order {
		w.batch.Queue(shareVersion, toText(account)).Query(func(rows pgx.Rows) error {
			version := int64(-1)
			_, err := pgx.ForEachRow(rows, []any{&version}, func() error { return nil })
			if err == nil && version != c.view.seen[account].version {
				c.s.accounts.forget(account)
				stands = false
			}
			return err
		})
	}
	same := true
	_ = c.byAccount(func(it *item) bool { return it.writes() && it.base != 0 }, func(account string, items []*item) error {
		w.batch.Queue(lockDocuments, toText(account), identities(items)).Query(func(rows pgx.Rows) error {
			return c.compare(rows, items, &same)
		})
		return nil
	})
	c.write(w, &same)
	if err := conn.SendBatch(ctx, w.batch).Close(); err != nil {
		return false, false, err
	}
	if !stands || !same {
		return false, stands, nil
	}
	ok, err = c.s.commit(ctx, conn, w)
	switch {
	case err != nil:
		return false, false, err
	case !ok:
		return false, false, errNotCommitted
	}
	c.committed()
	return true, true, nil
}

// errNotCommitted: the connection was lost before the server took COMMIT; the transaction is no more, and may be tried once again.
var errNotCommitted = errors.New("store: the connection to the database was lost; nothing was written")

// wordStep is how many words are written in one transaction.
const wordStep = 64

// tellWords tells the dictionary what it may not know, before the transaction of the findings: in short ones, so that writers who bring
// the same words hardly wait for each other, and not waited for until they are on disk, which they are before what comes after them.
func (c *call) tellWords(ctx context.Context) error {
	return c.s.read(ctx, func(conn *pgx.Conn) error {
		if c.view.era != c.s.era.Load() {
			return nil // all will be decided again
		}
		w := newWriting(c.s)
		_ = c.byAccount(func(it *item) bool { return it.writes() && it.exists && it.document }, func(account string, items []*item) error {
			for some := range slices.Chunk(c.wordsOf(items), wordStep) {
				w.batch.Queue(`BEGIN`)
				w.batch.Queue(`SET LOCAL synchronous_commit = off`)
				w.words(account, some)
				w.batch.Queue(`COMMIT`)
			}
			return nil
		})
		if w.batch.Len() == 0 {
			return nil
		}
		defer c.s.rollback(ctx, conn)
		if err := conn.SendBatch(ctx, w.batch).Close(); err != nil {
			return err
		}
		c.committed()
		return nil
	})
}

// committed notes what is now known to be in the dictionary.
func (c *call) committed() {
	var list []digest
	for i := range c.items {
		if it := &c.items[i]; it.writes() && it.exists && it.document {
			for k := range it.found.words {
				list = append(list, it.found.words[k].digest)
			}
		}
	}
	if len(list) > 0 {
		c.s.words.add(c.view.era, list...)
	}
}

// compare holds the versions of the findings, now that they are locked, against those that were decided by.
func (c *call) compare(rows pgx.Rows, items []*item, same *bool) error {
	there := make(map[store.Identity]uint64, len(items))
	var ident store.Identity
	var version int64
	_, err := pgx.ForEachRow(rows, []any{(*identityScan)(&ident), &version}, func() error {
		there[ident] = uint64(version) //nolint:gosec // positive
		return nil
	})
	for _, it := range items {
		if there[it.ident] != it.base {
			it.loaded, *same = false, false
		}
	}
	return err
}

// runLocked decides while nobody else can write the findings that are there, or the records that fn reads.
func (c *call) runLocked(ctx context.Context, keys []store.Key, fn store.UpdateFunc) (ok bool, err error) {
	before := c.view.order
	err = c.s.once(ctx, func(conn *pgx.Conn) error {
		defer c.s.rollback(ctx, conn)
		if _, err := conn.Exec(ctx, `BEGIN`); err != nil {
			return err
		}
		c.restart()
		c.view = &decidedBy{s: c.s, ctx: ctx, era: c.s.era.Load(), conn: conn, seen: map[string]*records{}}
		for _, account := range slices.Sorted(slices.Values(before)) {
			if c.view.of(account); c.view.err != nil {
				return c.view.err
			}
		}
		if err := c.load(ctx, conn, selectLocking); err != nil {
			return err
		}
		if err := c.decide(ctx, keys, fn); err != nil {
			return err
		}
		if !c.writes() {
			ok = true
			return nil
		}
		ctx, cancel := c.s.detached(ctx)
		defer cancel()
		w, same := newWriting(c.s), true
		c.write(w, &same)
		if err := conn.SendBatch(ctx, w.batch).Close(); err != nil || !same {
			return err
		}
		if ok, err = c.s.commit(ctx, conn, w); ok {
			c.committed()
		}
		return err
	})
	return ok, err
}
