package embedded

import (
	"bytes"
	"slices"
	"sync"

	"hubcap/internal/store"
)

// keyLocks locks findings by identity: exactly the keys that are asked for, so that writers of other keys never wait.
type keyLocks struct {
	shards [256]keyShard
}

type keyShard struct {
	mu   sync.Mutex
	held map[store.Identity]*keyLock
	idle []*keyLock // for the next one
}

type keyLock struct {
	mu   sync.Mutex
	uses int // holders and waiters, under the shard's lock
}

// sortIdentities puts identities in the order in which they must be locked.
func sortIdentities(ids []store.Identity) {
	slices.SortFunc(ids, func(a, b store.Identity) int { return bytes.Compare(a[:], b[:]) })
}

// lock locks identities, which must be sorted and distinct.
func (k *keyLocks) lock(ids []store.Identity) {
	for _, id := range ids {
		s := &k.shards[id[0]]
		s.mu.Lock()
		l := s.held[id]
		if l == nil {
			if n := len(s.idle); n > 0 {
				l, s.idle = s.idle[n-1], s.idle[:n-1]
			} else {
				l = new(keyLock)
			}
			if s.held == nil {
				s.held = map[store.Identity]*keyLock{}
			}
			s.held[id] = l
		}
		l.uses++
		s.mu.Unlock()
		l.mu.Lock()
	}
}

func (k *keyLocks) unlock(ids []store.Identity) {
	for _, id := range ids {
		s := &k.shards[id[0]]
		s.mu.Lock()
		l := s.held[id]
		l.uses--
		if l.uses == 0 {
			delete(s.held, id)
			s.idle = append(s.idle, l)
		}
		l.mu.Unlock()
		s.mu.Unlock()
	}
}
