package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"hubcap/internal/asff"
	"hubcap/internal/query/querytest"
	"hubcap/internal/store"
)

// RunCopies holds two engines, or one twice, against what store.Copying asks of them: everything arrives, as it was; what was
// interrupted goes on; what changed since is all that is written the next time.
func RunCopies(t *testing.T, from, to Place) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(t *testing.T, from, to *bench)
	}{
		{"Everything", testCopyEverything},
		{"Again", testCopyAgain},
		{"Interrupted", testCopyInterrupted},
		{"Nothing", testCopyNothing},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, newBench(t, from), newBench(t, to)) })
	}
}

// copied is the engine of a bench.
func (b *bench) copied() store.Copied {
	b.t.Helper()
	s, ok := b.raw.(store.Copied)
	require.True(b.t, ok, "%T is no store.Copied", b.raw)
	return s
}

// copyAll copies one bench to another.
func copyAll(t *testing.T, from, to *bench) *store.Copy {
	t.Helper()
	c := store.Copying{From: from.copied(), To: to.copied()}
	out, err := c.Run(t.Context())
	require.NoError(t, err)
	return out
}

// write gives a finding another title, with a record of history.
func (b *bench) write(n, version int, customer asff.Attrs, sinks ...string) {
	b.t.Helper()
	d := titled(b.t, fmt.Sprintf("finding-%d", n), fmt.Sprintf("title %d", version))
	old := "before"
	record := store.HistoryRecord{
		Time: minute(version), Source: "BATCH_IMPORT_FINDINGS", Identity: "provider",
		Updates: []asff.FieldChange{{Field: "Title", Old: &old}, {Field: "Note.Text"}},
	}
	require.NoError(b.t, b.change(keyOf(&d), func(old *store.Doc) (store.Change, error) {
		ch := store.Change{JSON: d.JSON, Customer: customer, Event: imported(minute(version), sinks...)}
		if old != nil {
			ch.History = []store.HistoryRecord{record}
		}
		return ch, nil
	}))
}

const copiedFindings = 700 // more than are copied at once

// fill writes findings, history, records, spools and events.
func (b *bench) fill() {
	b.t.Helper()
	docs := make([]querytest.Doc, copiedFindings)
	for i := range docs {
		docs[i] = titled(b.t, fmt.Sprintf("finding-%d", i), "title 0")
	}
	b.put(docs...)
	for i := range 20 {
		for version := 1; version <= i%3+1; version++ {
			b.write(i, version, asff.Attrs(i), "hook", "file")
		}
	}
	b.remove(keyOf(&docs[5]))
	b.put(docs[5]) // without its history
	ctx := context.Background()
	require.NoError(b.t, b.s.State(ctx, []string{"", accountA, accountB}, func(tx store.StateTx) error {
		tx.Put("", "own", []byte("of the store"))
		tx.Put(accountA, "rule/1", []byte{0, 1, 2, 255})
		tx.Put(accountB, "empty", nil)
		tx.Emit(store.Key{Account: accountA, Region: "eu-west-1", ID: "an insight"},
			store.EventMark{Kind: store.InsightResults, Time: minute(9), Sinks: []string{"hook"}, Detail: []byte("results")})
		return nil
	}))
	for n := range 3 {
		require.NoError(b.t, b.s.PutChunk(ctx, "job/1", uint64(n)<<40, []byte(fmt.Sprint("piece ", n))))
	}
	list := b.waiting("hook")
	require.NoError(b.t, b.s.SettleEvents(ctx, "hook", []store.EventRef{list[0].EventRef},
		[]store.DeadEvent{{EventRef: list[1].EventRef, Reason: "410 Gone", Time: minute(30)}}))
}

// alike holds what two benches tell of everything against each other.
func alike(t *testing.T, from, to *bench) {
	t.Helper()
	ctx := t.Context()
	whole := func(b *bench) map[store.Key]store.Whole {
		all := map[store.Key]store.Whole{}
		var keys []store.Key
		everything := where(t, "all")
		require.NoError(t, b.s.Walk(ctx, store.Scope{}, &everything, func(d *store.Doc) error {
			keys = append(keys, d.Key)
			return nil
		}))
		require.NoError(t, b.copied().Whole(ctx, keys, func(w *store.Whole) error {
			mine := *w
			mine.JSON = append([]byte{}, w.JSON...)
			mine.History = append([]store.HistoryEntry{}, w.History...)
			all[w.Key] = mine
			return nil
		}))
		require.Len(t, all, len(keys))
		return all
	}
	require.Equal(t, whole(from), whole(to))
	records := func(b *bench) (list []string) {
		require.NoError(t, b.copied().Records(ctx, func(account, name string, value []byte) error {
			list = append(list, fmt.Sprintf("%q %q %q", account, name, value))
			return nil
		}))
		return list
	}
	require.ElementsMatch(t, records(from), records(to))
	spools := func(b *bench) (list []string) {
		require.NoError(t, b.copied().Spools(ctx, func(spool string, n uint64, chunk []byte) error {
			list = append(list, fmt.Sprintf("%s %d %s", spool, n, chunk))
			return nil
		}))
		return list
	}
	require.ElementsMatch(t, spools(from), spools(to))
	require.ElementsMatch(t, from.retained(epoch), to.retained(epoch))
	for _, sink := range []string{"hook", "file"} {
		require.Equal(t, from.waiting(sink), to.waiting(sink))
		require.ElementsMatch(t, from.dead(sink), to.dead(sink))
	}
}

func testCopyEverything(t *testing.T, from, to *bench) {
	from.fill()
	out := copyAll(t, from, to)
	require.EqualValues(t, copiedFindings, out.Findings)
	require.EqualValues(t, copiedFindings, out.Written)
	require.EqualValues(t, 3, out.Records)
	require.EqualValues(t, 3, out.Chunks)
	require.Positive(t, out.Histories)
	require.Len(t, out.Digest, 64)
	alike(t, from, to)
	to.reopen()
	alike(t, from, to)

	// What comes after has versions and places of its own.
	k := keyOf(&[]querytest.Doc{titled(t, "finding-19", "x")}[0])
	before := to.get(k)
	to.write(19, 50, 0, "hook")
	require.Greater(t, to.get(k).Version, before.Version)
	list, err := to.s.History(t.Context(), store.HistoryQuery{Key: k, Limit: 10})
	require.NoError(t, err)
	require.Equal(t, minute(50), list[0].Time)
	require.Greater(t, list[0].Seq, list[1].Seq)
	require.Len(t, to.waiting("hook"), len(from.waiting("hook"))+1)
}

func testCopyAgain(t *testing.T, from, to *bench) {
	from.fill()
	copyAll(t, from, to)
	out := copyAll(t, from, to)
	require.Zero(t, out.Written)
	require.Zero(t, out.Removed)
	alike(t, from, to)

	from.write(3, 60, 7, "hook")
	gone := titled(t, "finding-44", "x")
	from.remove(keyOf(&gone))
	fresh := titled(t, "finding-new", "new")
	from.put(fresh)
	require.NoError(t, from.s.State(t.Context(), []string{accountA}, func(tx store.StateTx) error {
		tx.Delete(accountA, "rule/1")
		return nil
	}))
	require.NoError(t, from.s.DropSpool(t.Context(), "job/1"))
	from.settle(from.waiting("hook")...)
	out = copyAll(t, from, to)
	require.EqualValues(t, 2, out.Written)
	require.EqualValues(t, 1, out.Removed)
	alike(t, from, to)
}

// interrupted is a store that takes no more after a while.
type interrupted struct {
	store.Copied
	loads int
}

var errInterrupted = errors.New("interrupted")

func (s *interrupted) Load(ctx context.Context, findings []store.Whole) error {
	if s.loads--; s.loads < 0 {
		return errInterrupted
	}
	return s.Copied.Load(ctx, findings)
}

func testCopyInterrupted(t *testing.T, from, to *bench) {
	from.fill()
	c := store.Copying{From: from.copied(), To: &interrupted{to.copied(), 1}, Workers: 1}
	_, err := c.Run(t.Context())
	require.ErrorIs(t, err, errInterrupted)
	out := copyAll(t, from, to)
	require.Less(t, out.Written, int64(copiedFindings), "what was there is not written again")
	require.Positive(t, out.Written)
	alike(t, from, to)
}

func testCopyNothing(t *testing.T, from, to *bench) {
	to.fill()
	out := copyAll(t, from, to)
	require.Zero(t, out.Findings)
	require.EqualValues(t, copiedFindings, out.Removed)
	alike(t, from, to)
}
