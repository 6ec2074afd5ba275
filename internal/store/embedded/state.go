package embedded

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"hubcap/internal/store"
)

// state is every account's small records, in memory. A snapshot is never changed; a commit puts another in its place.
type state struct {
	writing sync.Mutex   // one State call at a time: they are rare, and so they are serializable
	commit  sync.RWMutex // held for reading while findings commit, for writing while records do
	now     atomic.Pointer[snapshot]
}

// snapshot is the records as of one commit, by account.
type snapshot map[string]*account

type account struct {
	version uint64
	records map[string][]byte
}

func newState() *state {
	s := new(state)
	s.now.Store(&snapshot{})
	return s
}

// Version implements store.StateView. An account whose records are all gone has version 0 again; the next record gives it a
// version that no other commit had.
func (s snapshot) Version(name string) uint64 {
	if a := s[name]; a != nil {
		return a.version
	}
	return 0
}

// Get implements store.StateView.
func (s snapshot) Get(name, record string) ([]byte, bool) {
	if a := s[name]; a != nil {
		v, ok := a.records[record]
		return v, ok
	}
	return nil, false
}

// Names implements store.StateView.
func (s snapshot) Names(name, prefix string) []string { return s[name].names(prefix) }

// names lists the records that begin with prefix, sorted.
func (a *account) names(prefix string) []string {
	if a == nil {
		return nil
	}
	var names []string
	for n := range a.records {
		if strings.HasPrefix(n, prefix) {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

func (s *Store) loadState() error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{statePrefix}, UpperBound: []byte{statePrefix + 1}})
	if err != nil {
		return err
	}
	snap := snapshot{}
	for ok := it.First(); ok; ok = it.Next() {
		who, name, err := splitStateKey(it.Key())
		if err == nil && name == "" && len(it.Value()) != 8 {
			err = errDamaged
		}
		if err != nil {
			_ = it.Close() // the first error tells more
			return fmt.Errorf("state: %w", err)
		}
		a := snap[who]
		if a == nil {
			a = &account{records: map[string][]byte{}}
			snap[who] = a
		}
		if name == "" {
			a.version = binary.BigEndian.Uint64(it.Value())
		} else {
			a.records[name] = bytes.Clone(it.Value())
		}
	}
	s.state.now.Store(&snap)
	return it.Close()
}

// View implements store.Store.
func (s *Store) View(ctx context.Context, fn func(store.StateView) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	return fn(*s.state.now.Load())
}

// stateTx is the records as a State call changes them: a copy of the accounts it was opened for over a snapshot.
type stateTx struct {
	snapshot
	mine    map[string]*account // of the accounts named; copied when first changed
	changed map[string]map[string]bool
	events  []emitted
	err     error
}

// emitted is an event of a State call.
type emitted struct {
	key  store.Key
	mark store.EventMark
}

// Emit implements store.StateTx.
func (t *stateTx) Emit(key store.Key, mark store.EventMark) {
	if _, named := t.mine[key.Account]; !named {
		t.refuse(fmt.Errorf("state: the call was not opened for account %q", key.Account))
		return
	}
	if mark.Wanted() {
		t.events = append(t.events, emitted{key, mark})
	}
}

// emit writes the events of a State call.
func (s *Store) emit(b *pebble.Batch, events []emitted, first uint64) error {
	for i := range events {
		e := &events[i]
		ref := store.EventRef{Account: e.key.Account, Identity: e.key.Identity(), Version: s.sequence.take()}
		row := appendEvent(nil, &e.mark, ref.Version, compress(nil, appendBody(nil, &e.key, nil)))
		if err := s.putEvent(b, first+uint64(i), &ref, row, e.mark.Sinks); err != nil {
			return err
		}
	}
	return nil
}

// Version implements store.StateView: that of the last commit, until this one is done.
func (t *stateTx) Version(name string) uint64 { return t.snapshot.Version(name) }

// Get implements store.StateView; what the call put before is seen.
func (t *stateTx) Get(name, record string) ([]byte, bool) {
	if a := t.mine[name]; a != nil {
		v, ok := a.records[record]
		return v, ok
	}
	return t.snapshot.Get(name, record)
}

// Names implements store.StateTx.
func (t *stateTx) Names(name, prefix string) []string {
	if a := t.mine[name]; a != nil {
		return a.names(prefix)
	}
	return t.snapshot.Names(name, prefix)
}

// Put implements store.StateTx.
func (t *stateTx) Put(name, record string, value []byte) {
	if record == "" || len(name) > 255 {
		t.refuse(fmt.Errorf("state: no record %q can be kept under account %q", record, name))
		return
	}
	if a := t.own(name); a != nil {
		a.records[record] = append([]byte{}, value...)
		t.changed[name][record] = true
	}
}

// Delete implements store.StateTx.
func (t *stateTx) Delete(name, record string) {
	if _, there := t.Get(name, record); !there {
		if _, named := t.mine[name]; !named {
			t.refuse(fmt.Errorf("state: the call was not opened for account %q", name))
		}
		return
	}
	if a := t.own(name); a != nil {
		delete(a.records, record)
		t.changed[name][record] = true
	}
}

func (t *stateTx) refuse(err error) {
	if t.err == nil {
		t.err = err
	}
}

// own is the call's copy of an account, nil for one it was not opened for.
func (t *stateTx) own(name string) *account {
	a, named := t.mine[name]
	if !named {
		t.refuse(fmt.Errorf("state: the call was not opened for account %q", name))
		return nil
	}
	if a == nil {
		a = &account{records: map[string][]byte{}}
		if old := t.snapshot[name]; old != nil {
			a.records = maps.Clone(old.records)
		}
		t.mine[name] = a
	}
	if t.changed[name] == nil {
		t.changed[name] = map[string]bool{}
	}
	return a
}

// State implements store.Store.
func (s *Store) State(ctx context.Context, accounts []string, fn func(store.StateTx) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	if err := s.space.check(); err != nil {
		return err
	}
	b, err := s.commitState(ctx, accounts, fn)
	if err != nil {
		return err
	}
	if b == nil {
		return s.settle()
	}
	return s.finish(b)
}

// commitState runs fn and applies what it changed; nil when that is nothing. The batch is visible, but perhaps not on disk yet.
func (s *Store) commitState(ctx context.Context, accounts []string, fn func(store.StateTx) error) (*pebble.Batch, error) {
	s.state.writing.Lock()
	defer s.state.writing.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := s.sequence.reserve(s.db); err != nil {
		return nil, err
	}
	old := *s.state.now.Load()
	tx := &stateTx{snapshot: old, mine: map[string]*account{}, changed: map[string]map[string]bool{}}
	for _, a := range accounts {
		tx.mine[a] = nil
	}
	if err := fn(tx); err != nil {
		return nil, err
	}
	if tx.err != nil {
		return nil, tx.err
	}
	snap := maps.Clone(old)
	b := s.db.NewBatch()
	for name, records := range tx.changed {
		if err := s.putAccount(b, snap, name, tx.mine[name], records); err != nil {
			return nil, errorsJoinClose(err, b)
		}
	}
	if n := len(tx.events); n > 0 {
		first := s.outbox.begin(&s.sequence, n)
		defer s.outbox.end(first)
		if err := s.emit(b, tx.events, first); err != nil {
			return nil, errorsJoinClose(err, b)
		}
	}
	if b.Empty() {
		return nil, b.Close()
	}
	s.state.commit.Lock()
	defer s.state.commit.Unlock()
	if err := s.applyBatch(b); err != nil {
		return nil, err
	}
	s.state.now.Store(&snap)
	return b, nil
}

// putAccount writes an account's changed records into a batch and the account into a snapshot. A record that was put as it was
// is no change.
func (s *Store) putAccount(b *pebble.Batch, snap snapshot, name string, a *account, records map[string]bool) error {
	old, changed := snap[name], false
	for record := range records {
		v, there := a.records[record]
		if old != nil {
			if was, had := old.records[record]; had == there && bytes.Equal(was, v) {
				continue
			}
		} else if !there {
			continue
		}
		changed = true
		var err error
		if there {
			err = b.Set(stateKey(name, record), v, nil)
		} else {
			err = b.Delete(stateKey(name, record), nil)
		}
		if err != nil {
			return err
		}
	}
	if !changed {
		return nil
	}
	if len(a.records) == 0 {
		delete(snap, name)
		return b.Delete(stateKey(name, ""), nil)
	}
	a.version = s.sequence.take()
	snap[name] = a
	return b.Set(stateKey(name, ""), binary.BigEndian.AppendUint64(nil, a.version), nil)
}
