package postgres

import (
	"bytes"
	"cmp"
	"container/list"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"hubcap/internal/store"
)

// records is an account's records as of one version. It is never changed.
type records struct {
	version int64 // of the row in state_version, which never falls; -1: there is no row
	live    bool  // there are records
	byName  map[string][]byte
	names   []string // sorted
}

// nothing is what there is of an account that nobody asked about before.
var nothing = &records{version: -1}

func newRecords(version int64, byName map[string][]byte) *records {
	return &records{version: version, live: len(byName) > 0, byName: byName, names: slices.Sorted(maps.Keys(byName))}
}

// shown is the version that callers see: an account without records has none.
func (r *records) shown() uint64 {
	if !r.live {
		return 0
	}
	return uint64(r.version) //nolint:gosec // counted from 1
}

func (r *records) with(prefix string) (names []string) {
	from, _ := slices.BinarySearch(r.names, prefix)
	for _, n := range r.names[from:] {
		if !strings.HasPrefix(n, prefix) {
			break
		}
		names = append(names, n)
	}
	return names
}

// accounts remembers the records of accounts, those used last. What it holds is true of its version; whoever decides by it asks the
// database whether that is still the account's.
type accounts struct {
	mu    sync.Mutex
	era   int64
	most  int
	by    map[string]*list.Element
	order list.List // of *remembered, the last used in front
}

type remembered struct {
	account string
	records *records
}

func newAccounts(most int) *accounts { return &accounts{most: most, by: map[string]*list.Element{}} }

func (a *accounts) get(account string) *records {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.by[account]
	if e == nil {
		return nil
	}
	a.order.MoveToFront(e)
	return e.Value.(*remembered).records
}

// put remembers an account as it was in an era; not if that is over, or it knows better.
func (a *accounts) put(era int64, account string, r *records) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if era != a.era {
		return
	}
	if e := a.by[account]; e != nil {
		if have := e.Value.(*remembered); have.records.version < r.version {
			have.records = r
		}
		a.order.MoveToFront(e)
		return
	}
	a.by[account] = a.order.PushFront(&remembered{account, r})
	for a.order.Len() > a.most {
		e := a.order.Back()
		delete(a.by, e.Value.(*remembered).account)
		a.order.Remove(e)
	}
}

// forget drops what turned out to be old.
func (a *accounts) forget(account string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e := a.by[account]; e != nil {
		delete(a.by, account)
		a.order.Remove(e)
	}
}

// begin begins an era, of which nothing is known.
func (a *accounts) begin(era int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.era = era
	clear(a.by)
	a.order.Init()
}

const (
	selectVersion = `SELECT version, live, told FROM state_version WHERE account = $1`
	selectRecords = `SELECT v.version, s.name, s.value FROM state_version v LEFT JOIN state s ON s.account = v.account WHERE v.account = $1`
	insertVersion = `INSERT INTO state_version (account, version, live, told) VALUES ($1, 0, false, 0) ON CONFLICT DO NOTHING`
)

// querier is a connection or a batch's.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// loadRecords reads an account's records, in one statement so that they are of one version.
func loadRecords(ctx context.Context, q querier, account string) (*records, error) {
	rows, err := q.Query(ctx, selectRecords, toText(account))
	if err != nil {
		return nil, err
	}
	version, byName := int64(-1), map[string][]byte{}
	var name *string
	var value []byte
	_, err = pgx.ForEachRow(rows, []any{&version, &name, &value}, func() error {
		if name != nil {
			byName[fromText(*name)] = bytes.Clone(value)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if version < 0 {
		return nothing, nil
	}
	return newRecords(version, byName), nil
}

// recordsOf reads an account's records, and not again those that are known to be of the version that is there.
func (s *Store) recordsOf(ctx context.Context, q querier, era int64, account string) (*records, error) {
	known := s.accounts.get(account)
	if known != nil {
		version, live, told := int64(-1), false, int64(0)
		rows, err := q.Query(ctx, selectVersion, toText(account))
		if err != nil {
			return nil, err
		}
		if _, err := pgx.ForEachRow(rows, []any{&version, &live, &told}, func() error { return nil }); err != nil {
			return nil, err
		}
		if version == known.version {
			return known, nil
		}
	}
	r, err := loadRecords(ctx, q, account)
	if err == nil && r.version >= 0 {
		s.accounts.put(era, account, r)
	}
	return r, err
}

// view reads records as of one snapshot of the database. The first error ends it: from then on it answers nothing, and who asked gets the
// error.
type view struct {
	s    *Store
	ctx  context.Context
	conn *pgx.Conn
	free func()
	seen map[string]*records
	era  int64
	err  error
}

// Version implements store.StateView.
func (v *view) Version(account string) uint64 { return v.of(account).shown() }

// Get implements store.StateView.
func (v *view) Get(account, name string) ([]byte, bool) {
	value, ok := v.of(account).byName[name]
	return value, ok
}

// Names implements store.StateView.
func (v *view) Names(account, prefix string) []string { return v.of(account).with(prefix) }

func (v *view) of(account string) *records {
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
	return r
}

func (v *view) load(account string) (r *records, err error) {
	if v.conn != nil {
		r, err = v.s.recordsOf(v.ctx, v.conn, v.era, account)
		return r, explained(err)
	}
	// The snapshot is that of the first question: until then another connection does as well.
	err = v.s.retry(v.ctx, func() error {
		conn, err := v.s.acquire(v.ctx)
		if err != nil {
			return err
		}
		if _, err = conn.Exec(v.ctx, `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`); err == nil {
			r, err = v.s.recordsOf(v.ctx, conn.Conn(), v.era, account)
		}
		if err != nil {
			conn.Release() // which closes it, being in the middle of something
			return err
		}
		v.conn, v.free = conn.Conn(), conn.Release
		return nil
	})
	return r, err
}

func (v *view) close() {
	if v.conn == nil {
		return
	}
	v.s.rollback(v.ctx, v.conn)
	v.free()
}

// View implements store.Store.
func (s *Store) View(ctx context.Context, fn func(store.StateView) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	v := &view{s: s, ctx: ctx, era: s.era.Load(), seen: map[string]*records{}}
	defer v.close()
	err := fn(v)
	if v.err != nil {
		return v.err
	}
	return err
}

// stateTx is the records as a State call changes them. Those of the accounts it was opened for are locked.
type stateTx struct {
	view
	mine    map[string]*opened
	order   []string // of mine
	refused error
}

// opened is an account that a State call was opened for.
type opened struct {
	was     *records
	told    int64 // events of State calls so far
	now     map[string][]byte
	changed map[string]bool // names; nil: nothing was touched
	events  []emitted
}

type emitted struct {
	key  store.Key
	mark store.EventMark
}

// Get implements store.StateView; what the call put before is seen.
func (t *stateTx) Get(account, name string) ([]byte, bool) {
	if a := t.mine[account]; a != nil && a.changed != nil {
		v, ok := a.now[name]
		return v, ok
	}
	return t.view.Get(account, name)
}

// Names implements store.StateView.
func (t *stateTx) Names(account, prefix string) []string {
	a := t.mine[account]
	if a == nil || a.changed == nil {
		return t.view.Names(account, prefix)
	}
	var names []string
	for n := range a.now {
		if strings.HasPrefix(n, prefix) {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

// Put implements store.StateTx.
func (t *stateTx) Put(account, name string, value []byte) {
	if name == "" || len(account) > maxAccount || len(name) > maxName {
		t.refuse(fmt.Errorf("state: no record %q can be kept under account %q", name, account))
		return
	}
	if a := t.own(account); a != nil {
		a.now[name] = append([]byte{}, value...)
		a.changed[name] = true
	}
}

// Both stand in an index.
const (
	maxAccount = 255
	maxName    = 1024
)

// Delete implements store.StateTx.
func (t *stateTx) Delete(account, name string) {
	if a := t.own(account); a != nil {
		if _, there := a.now[name]; there {
			delete(a.now, name)
			a.changed[name] = true
		}
	}
}

// Emit implements store.StateTx.
func (t *stateTx) Emit(key store.Key, mark store.EventMark) {
	a := t.mine[key.Account]
	if a == nil {
		t.refuse(fmt.Errorf("state: the call was not opened for account %q", key.Account))
		return
	}
	if mark.Wanted() {
		a.events = append(a.events, emitted{key, mark})
	}
}

func (t *stateTx) refuse(err error) {
	if t.refused == nil {
		t.refused = err
	}
}

// own is the call's copy of an account, nil for one it was not opened for.
func (t *stateTx) own(account string) *opened {
	a := t.mine[account]
	if a == nil {
		t.refuse(fmt.Errorf("state: the call was not opened for account %q", account))
		return nil
	}
	if a.changed == nil {
		a.now, a.changed = maps.Clone(a.was.byName), map[string]bool{}
		if a.now == nil {
			a.now = map[string][]byte{}
		}
	}
	return a
}

// State implements store.Store. fn runs once, while the accounts' rows in state_version are locked: in ascending order, so that no two
// calls wait for each other.
func (s *Store) State(ctx context.Context, names []string, fn func(store.StateTx) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	var t *stateTx
	err := s.retry(ctx, func() (err error) {
		t, err = s.beginState(ctx, names)
		return err
	})
	if err != nil {
		return err
	}
	defer t.close()
	if err := fn(t); err != nil {
		return err
	}
	if err := cmp.Or(t.err, t.refused); err != nil {
		return err
	}
	return s.commitState(ctx, t)
}

// beginState locks and reads the accounts.
func (s *Store) beginState(ctx context.Context, names []string) (_ *stateTx, err error) {
	era := s.era.Load()
	conn, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			conn.Release()
		}
	}()
	t := &stateTx{mine: map[string]*opened{}, order: names}
	t.view = view{s: s, ctx: ctx, era: era, conn: conn.Conn(), free: conn.Release, seen: map[string]*records{}}
	b := &pgx.Batch{}
	b.Queue(`BEGIN`)
	versions := map[string]int64{}
	for _, name := range names {
		a := &opened{}
		t.mine[name] = a
		b.Queue(insertVersion, toText(name))
		b.Queue(selectVersion+` FOR UPDATE`, toText(name)).QueryRow(func(row pgx.Row) error {
			var version int64
			var live bool
			err := row.Scan(&version, &live, &a.told)
			versions[name] = version
			return err
		})
	}
	if err := conn.SendBatch(ctx, b).Close(); err != nil {
		return nil, err
	}
	for _, name := range names {
		r := s.accounts.get(name)
		if r == nil || r.version != versions[name] || era != s.era.Load() {
			if r, err = loadRecords(ctx, conn.Conn(), name); err != nil {
				return nil, err
			}
		}
		t.mine[name].was, t.seen[name] = r, r
	}
	return t, nil
}

// commitState writes what a State call changed.
func (s *Store) commitState(ctx context.Context, t *stateTx) error {
	w := newWriting(s)
	after := map[string]*records{}
	for _, name := range t.order {
		a := t.mine[name]
		set, gone := a.difference()
		if len(set)+len(gone)+len(a.events) == 0 {
			continue
		}
		w.account(name)
		version, live := a.was.version, a.was.live
		if len(set)+len(gone) > 0 {
			version++
			after[name] = newRecords(version, a.now)
			live = after[name].live
			w.records(name, a.now, set, gone)
		}
		told := a.told
		for i := range a.events {
			told++
			w.event(&a.events[i].key, a.events[i].key.Identity(), uint64(told), &a.events[i].mark, nil) //nolint:gosec // counted from 1
		}
		w.batch.Queue(`UPDATE state_version SET version = $2, live = $3, told = $4 WHERE account = $1`, toText(name), version, live, told)
	}
	if w.batch.Len() == 0 {
		return nil
	}
	ctx, cancel := s.detached(ctx)
	defer cancel()
	w.finish()
	fresh := true
	w.taken = func() { fresh = false }
	if err := t.conn.SendBatch(ctx, w.batch).Close(); err != nil {
		return explained(err)
	}
	if !fresh {
		return fmt.Errorf("store: %w: an event of that version is in the outbox already", errDamaged)
	}
	committed, err := s.commit(ctx, t.conn, w)
	if err != nil {
		return explained(err)
	}
	if !committed {
		return errNotCommitted
	}
	for name, r := range after {
		s.accounts.put(t.era, name, r)
	}
	return nil
}

// difference lists the names of records that are to be written, and of those to be deleted. A record that was put as it was is no change.
func (a *opened) difference() (set, gone []string) {
	for _, name := range slices.Sorted(maps.Keys(a.changed)) {
		was, had := a.was.byName[name]
		is, has := a.now[name]
		switch {
		case has && (!had || !bytes.Equal(was, is)):
			set = append(set, name)
		case had && !has:
			gone = append(gone, name)
		}
	}
	return set, gone
}
