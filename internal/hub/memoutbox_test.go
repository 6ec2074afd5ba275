package hub

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"slices"
	"time"

	"hubcap/internal/store"
)

// memOutbox is the plainest outbox: a list, under the lock of its memStore.
type memOutbox struct {
	rows   []*memEvent // in the order of the commits
	leases map[[2]string]store.EventLease
}

type memEvent struct {
	store.Event
	number  uint64
	waiting map[string]bool
	dead    map[string]store.DeadEvent
}

func (m *memStore) emit(key store.Key, version uint64, doc []byte, mark *store.EventMark) {
	if !mark.Wanted() {
		return
	}
	m.seq++
	row := &memEvent{number: m.seq, waiting: map[string]bool{}, dead: map[string]store.DeadEvent{}, Event: store.Event{
		Key: cloneKey(key), Version: version, Kind: mark.Kind, Time: mark.Time, Detail: bytes.Clone(mark.Detail), JSON: bytes.Clone(doc),
	}}
	for _, sink := range mark.Sinks {
		row.waiting[sink] = true
	}
	m.outbox.rows = append(m.outbox.rows, row)
}

func (t memTx) Emit(key store.Key, mark store.EventMark) {
	t.m.seq++
	t.m.emit(key, t.m.seq, nil, &mark)
}

func (m *memStore) EventAccounts(_ context.Context, sink, after string, limit int) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []string
	for _, r := range m.outbox.rows {
		if r.waiting[sink] && r.Key.Account > after {
			list = append(list, r.Key.Account)
		}
	}
	slices.Sort(list)
	list = slices.Compact(list)
	return list[:min(limit, len(list))], nil
}

func (m *memStore) LeaseEvents(_ context.Context, l store.EventLease, now time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := [2]string{l.Sink, l.Account}
	if have, ok := m.outbox.leases[at]; ok && have.Owner != l.Owner && have.Until.After(now) {
		return false, nil
	}
	if m.outbox.leases == nil {
		m.outbox.leases = map[[2]string]store.EventLease{}
	}
	m.outbox.leases[at] = l
	return true, nil
}

func (m *memStore) ReleaseEvents(_ context.Context, l store.EventLease) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if at := [2]string{l.Sink, l.Account}; m.outbox.leases[at].Owner == l.Owner {
		delete(m.outbox.leases, at)
	}
	return nil
}

func (m *memStore) WaitingEvents(_ context.Context, sink, account string, after *store.EventRef, limit int, yield func(*store.Event) error) error {
	m.mu.Lock()
	var list []store.Event
	for _, r := range m.outbox.rows {
		if ref := r.Ref(); r.waiting[sink] && r.Key.Account == account && (after == nil || after.Before(&ref)) {
			list = append(list, r.Event)
		}
	}
	m.mu.Unlock()
	slices.SortFunc(list, func(a, b store.Event) int {
		x, y := a.Key.Identity(), b.Key.Identity()
		return cmp.Or(bytes.Compare(x[:], y[:]), cmp.Compare(a.Version, b.Version))
	})
	for i := range list[:min(limit, len(list))] {
		if err := yield(&list[i]); err != nil {
			return err
		}
	}
	return nil
}

func (m *memStore) event(r *store.EventRef) *memEvent {
	for _, row := range m.outbox.rows {
		if row.Ref() == *r {
			return row
		}
	}
	return nil
}

func (m *memStore) SettleEvents(_ context.Context, sink string, delivered []store.EventRef, dead []store.DeadEvent) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range delivered {
		if row := m.event(&delivered[i]); row != nil {
			delete(row.waiting, sink)
		}
	}
	for i := range dead {
		if row := m.event(&dead[i].EventRef); row != nil && row.waiting[sink] {
			delete(row.waiting, sink)
			row.dead[sink] = dead[i]
		}
	}
	return nil
}

func (m *memStore) DeadEvents(_ context.Context, sink string, yield func(*store.DeadEvent) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.outbox.rows {
		if d, ok := r.dead[sink]; ok {
			if err := yield(&d); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *memStore) RetainedEvents(_ context.Context, from time.Time, after []byte, limit int, yield func(*store.Event, []byte) error) ([]byte, error) {
	m.mu.Lock()
	rows := slices.Clone(m.outbox.rows)
	m.mu.Unlock()
	next := after
	if next == nil {
		next = make([]byte, 8)
	}
	for _, r := range rows {
		if r.number <= binary.BigEndian.Uint64(next) {
			continue
		}
		if limit == 0 {
			break
		}
		next = binary.BigEndian.AppendUint64(nil, r.number)
		if r.Time.Before(from) {
			continue
		}
		limit--
		if err := yield(&r.Event, next); err != nil {
			return next, err
		}
	}
	return next, nil
}

func (m *memStore) ReplayEvents(_ context.Context, sink string, from, to time.Time, _ []byte) (n int, next []byte, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.outbox.rows {
		if !r.Time.Before(from) && r.Time.Before(to) {
			r.waiting[sink] = true
			delete(r.dead, sink)
			n++
		}
	}
	return n, nil, nil
}

func (m *memStore) ExpireEvents(_ context.Context, before time.Time, _ int64, sinks []string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.outbox.rows = slices.DeleteFunc(m.outbox.rows, func(r *memEvent) bool {
		return r.Time.Before(before) && !slices.ContainsFunc(sinks, func(sink string) bool { return r.waiting[sink] })
	})
	return false, nil
}
