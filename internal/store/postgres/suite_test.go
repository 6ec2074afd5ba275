package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"hubcap/internal/asff"
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

// TestStoreElsewhere: a database that sorts and compares text as people do, a store that remembers nothing for longer than the next call,
// and hashes that often meet change nothing.
func TestStoreElsewhere(t *testing.T) {
	opts := Options{KnownWords: 1, KnownAccounts: 1, hashMask: 0xff}
	storetest.Run(t, in(opts, `LOCALE_PROVIDER icu ICU_LOCALE 'und-u-ks-level2' LOCALE 'C'`))
}

func TestCopies(t *testing.T) { storetest.RunCopies(t, in(Options{}), in(Options{})) }

// TestFieldsKeepTheirNumbers: the dictionary and the terms name attributes by number. Where one comes that is not the last, what is stored
// needs numbers of its own.
func TestFieldsKeepTheirNumbers(t *testing.T) {
	h := sha256.New()
	for _, f := range asff.Fields() {
		fmt.Fprintln(h, int(f), f.Name())
	}
	require.Equal(t, "c87bf9a9f6d10cd6", hex.EncodeToString(h.Sum(nil)[:8]))
	require.Len(t, asff.Fields(), 104)
}
