package storetest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"hubcap/internal/store"
)

const accountA, accountB = "111122223333", "222233334444"

// version reads an account's version and one record.
func (b *bench) version(account, name string) (version uint64, value string) {
	b.t.Helper()
	require.NoError(b.t, b.s.View(context.Background(), func(v store.StateView) error {
		version = v.Version(account)
		got, _ := v.Get(account, name)
		value = string(got)
		return nil
	}))
	return version, value
}

func testState(t *testing.T, b *bench) {
	ctx := context.Background()
	v, _ := b.version(accountA, "hub")
	require.Zero(t, v)
	require.NoError(t, b.s.State(ctx, []string{accountA, ""}, func(tx store.StateTx) error {
		_, ok := tx.Get(accountA, "hub")
		require.False(t, ok)
		value := []byte("one")
		tx.Put(accountA, "hub", value)
		value[0] = 'x' // the store took a copy
		tx.Put(accountA, "rule/b", nil)
		tx.Put(accountA, "rule/a", []byte("r"))
		tx.Put("", "key", []byte("secret"))
		tx.Delete(accountA, "nothing")
		got, ok := tx.Get(accountA, "hub")
		require.True(t, ok, "a call sees what it put")
		require.Equal(t, "one", string(got))
		require.Equal(t, []string{"rule/a", "rule/b"}, tx.Names(accountA, "rule/"))
		return nil
	}))
	v1, hub := b.version(accountA, "hub")
	require.NotZero(t, v1)
	require.Equal(t, "one", hub)
	b.reopen()
	v, hub = b.version(accountA, "hub")
	require.Equal(t, v1, v, "a version outlives the process")
	require.Equal(t, "one", hub)
	_, key := b.version("", "key")
	require.Equal(t, "secret", key)

	// An account's version grows with its own changes alone, and not where nothing changed.
	require.NoError(t, b.s.State(ctx, []string{accountA, accountB}, func(tx store.StateTx) error {
		tx.Put(accountA, "hub", []byte("one"))
		tx.Put(accountB, "hub", []byte("b"))
		return nil
	}))
	v, _ = b.version(accountA, "hub")
	require.Equal(t, v1, v)
	require.NoError(t, b.s.State(ctx, []string{accountA}, func(tx store.StateTx) error {
		tx.Delete(accountA, "hub")
		tx.Delete(accountA, "rule/a")
		return nil
	}))
	v2, hub := b.version(accountA, "hub")
	require.Greater(t, v2, v1)
	require.Empty(t, hub)
	// Without records there is no version; with the next one there is one that never was.
	require.NoError(t, b.s.State(ctx, []string{accountA}, func(tx store.StateTx) error {
		for _, n := range tx.Names(accountA, "") {
			tx.Delete(accountA, n)
		}
		return nil
	}))
	v, _ = b.version(accountA, "hub")
	require.Zero(t, v)
	b.reopen()
	require.NoError(t, b.s.State(ctx, []string{accountA}, func(tx store.StateTx) error {
		require.Empty(t, tx.Names(accountA, ""))
		tx.Put(accountA, "hub", []byte("new"))
		return nil
	}))
	v, _ = b.version(accountA, "hub")
	require.Greater(t, v, v2)
}

func testStateRefuses(t *testing.T, b *bench) {
	ctx := context.Background()
	failed := errors.New("failed")
	require.ErrorIs(t, b.s.State(ctx, []string{accountA}, func(tx store.StateTx) error {
		tx.Put(accountA, "hub", []byte("x"))
		return failed
	}), failed)
	for name, fn := range map[string]func(store.StateTx){
		"another account":           func(tx store.StateTx) { tx.Put(accountB, "hub", []byte("x")) },
		"deletion in another":       func(tx store.StateTx) { tx.Delete(accountB, "hub") },
		"a record without a name":   func(tx store.StateTx) { tx.Put(accountA, "", []byte("x")) },
		"after something it may do": func(tx store.StateTx) { tx.Put(accountA, "hub", nil); tx.Put(accountB, "hub", nil) },
	} {
		require.Error(t, b.s.State(ctx, []string{accountA}, func(tx store.StateTx) error { fn(tx); return nil }), name)
	}
	for _, a := range []string{accountA, accountB} {
		v, _ := b.version(a, "hub")
		require.Zero(t, v, "nothing of a refused call is kept")
	}
	// Reading another account is no offence.
	require.NoError(t, b.s.State(ctx, []string{accountA}, func(tx store.StateTx) error {
		_, ok := tx.Get(accountB, "hub")
		require.False(t, ok)
		return nil
	}))
}

func number(b []byte) uint64 {
	if len(b) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

func bytesOf(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// Several goroutines move amounts between two accounts and count; nothing is lost.
func testStateIsSerializable(t *testing.T, b *bench) {
	const writers, rounds = 8, 30
	ctx := context.Background()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range rounds {
				err := b.s.State(ctx, []string{accountA, accountB}, func(tx store.StateTx) error {
					for _, a := range []string{accountA, accountB} {
						v, _ := tx.Get(a, "count")
						tx.Put(a, "count", bytesOf(number(v)+1))
					}
					return nil
				})
				if err != nil {
					t.Errorf("writer %d, round %d: %v", w, i, err)
				}
				_ = b.s.View(ctx, func(v store.StateView) error {
					x, _ := v.Get(accountA, "count")
					y, _ := v.Get(accountB, "count")
					if number(x) != number(y) {
						t.Errorf("a view of two commits: %d and %d", number(x), number(y))
					}
					return nil
				})
			}
		})
	}
	wg.Wait()
	b.reopen()
	for _, a := range []string{accountA, accountB} {
		_, v := b.version(a, "count")
		require.Equal(t, uint64(writers*rounds), number([]byte(v)))
	}
}

// A finding is decided with the state that its commit meets: when the state changes in between, fn runs again.
func testUpdateSeesOneState(t *testing.T, b *bench) {
	ctx := context.Background()
	set := func(value string) {
		require.NoError(t, b.s.State(ctx, []string{accountA}, func(tx store.StateTx) error {
			tx.Put(accountA, "hub", []byte(value))
			return nil
		}))
	}
	set("before")
	d := titled(t, "one", "x")
	runs := 0
	errs, err := b.s.Update(ctx, []store.Key{keyOf(&d)}, func(_ int, _ *store.Doc, st store.StateView) (store.Change, error) {
		v, _ := st.Get(accountA, "hub")
		if runs++; runs == 1 {
			require.Equal(t, "before", string(v))
			set("after")
		}
		return store.Change{JSON: titled(t, "one", string(v)).JSON}, nil
	})
	require.NoError(t, err)
	require.NoError(t, errs[0])
	require.Equal(t, 2, runs)
	require.Contains(t, string(b.get(keyOf(&d)).JSON), `"Title":"after"`)
	// What was not read does not matter.
	runs = 0
	errs, err = b.s.Update(ctx, []store.Key{keyOf(&d)}, func(int, *store.Doc, store.StateView) (store.Change, error) {
		runs++
		set(fmt.Sprint("again ", runs))
		return store.Change{JSON: d.JSON}, nil
	})
	require.NoError(t, err)
	require.NoError(t, errs[0])
	require.Equal(t, 1, runs)
}
