package embedded

import (
	"path/filepath"
	"testing"

	"hubcap/internal/store"
	"hubcap/internal/store/storetest"
)

// small makes many stores fit into a test.
var small = Options{CacheSize: 4 << 20, MemTableSize: 1 << 20, MinFree: 1 << 20, Ballast: -1}

func TestOnDisk(t *testing.T) {
	storetest.Run(t, func(t testing.TB) func() (store.Store, error) {
		t.Helper()
		dir := filepath.Join(t.TempDir(), "store")
		return func() (store.Store, error) { return Open(dir, small) }
	})
}

func TestCopies(t *testing.T) {
	place := func(testing.TB) func() (store.Store, error) {
		opts := small
		opts.FS = NewMemory()
		return func() (store.Store, error) { return Open("store", opts) }
	}
	storetest.RunCopies(t, place, place)
}

func TestInMemory(t *testing.T) {
	storetest.Run(t, func(testing.TB) func() (store.Store, error) {
		opts := small
		opts.FS = NewMemory()
		return func() (store.Store, error) { return Open("store", opts) }
	})
}

// Every term has the hash of some two hundred others, and every finding shares a pair hash: nothing may depend on hashes.
func TestCollisions(t *testing.T) {
	storetest.Run(t, func(testing.TB) func() (store.Store, error) {
		opts := small
		opts.FS, opts.hashMask = NewMemory(), 0xff
		return func() (store.Store, error) { return Open("store", opts) }
	})
}

// With no memory for terms everything is found by reading.
func TestNoIndexMemory(t *testing.T) {
	storetest.Run(t, func(testing.TB) func() (store.Store, error) {
		opts := small
		opts.FS, opts.IndexMemory = NewMemory(), 1
		return func() (store.Store, error) { return Open("store", opts) }
	})
}

// The ways that questions go in large stores, in a small one: by indexes of values however few there are, along orders however
// far, and value by value.
func TestWaysOfLargeStores(t *testing.T) {
	storetest.Run(t, func(testing.TB) func() (store.Store, error) {
		opts := small
		opts.FS, opts.tuning = NewMemory(), tuning{manyTerms: 1, fewTermed: 0, treeSteps: 1 << 30, manySatisfy: 1, scanShare: 1}
		return func() (store.Store, error) { return Open("store", opts) }
	})
}

// And those of sparse answers: a look at every candidate, with what is known of its values.
func TestWaysOfSparseAnswers(t *testing.T) {
	storetest.Run(t, func(testing.TB) func() (store.Store, error) {
		opts := small
		opts.FS, opts.tuning = NewMemory(), tuning{manyTerms: 1, fewTermed: -1, treeSteps: 0, manySatisfy: 0, scanShare: 1 << 30}
		return func() (store.Store, error) { return Open("store", opts) }
	})
}
