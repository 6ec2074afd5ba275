package postgres

import (
	"context"
	"testing"

	"hubcap/internal/store"
	"hubcap/internal/store/postgres/postgrestest"
	"hubcap/internal/store/storetest"
)

// in is a place for stores in a database of its own, made with these clauses.
func in(opts Options, clauses ...string) storetest.Place {
	return func(t testing.TB) func() (store.Store, error) {
		t.Helper()
		address := postgrestest.Database(t, clauses...)
		return func() (store.Store, error) { return Open(context.Background(), address, opts) }
	}
}

func TestStore(t *testing.T) { storetest.Run(t, in(Options{})) }

// TestStoreForgets: nothing is remembered for longer than the next call, and values meet in their hashes.
func TestStoreForgets(t *testing.T) {
	storetest.Run(t, in(Options{KnownWords: 1, KnownAccounts: 1, hashMask: 0xff}))
}

// TestStoreInAnotherLocale: a database that sorts and compares text as people do changes nothing.
func TestStoreInAnotherLocale(t *testing.T) {
	storetest.Run(t, in(Options{}, `LOCALE_PROVIDER icu ICU_LOCALE 'und-u-ks-level2' LOCALE 'C'`))
}

func TestCopies(t *testing.T) { storetest.RunCopies(t, in(Options{}), in(Options{})) }
