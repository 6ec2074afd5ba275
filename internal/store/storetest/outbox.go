package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hubcap/internal/query/querytest"
	"hubcap/internal/store"
)

// told is an event as a test remembers it.
type told struct {
	store.EventRef
	ID   string
	Kind store.EventKind
	Time time.Time
	Text string // key, detail and document
}

func tell(e *store.Event) told {
	ref := e.Ref()
	return told{ref, ref.ID(), e.Kind, e.Time, fmt.Sprintf("%v %s %s", e.Key, e.Detail, e.JSON)}
}

var epoch = time.UnixMilli(1_700_000_000_000).UTC()

func minute(n int) time.Time { return epoch.Add(time.Duration(n) * time.Minute) }

func imported(at time.Time, sinks ...string) store.EventMark {
	return store.EventMark{Kind: store.Imported, Time: at, Sinks: sinks}
}

// announce stores a finding and marks it.
func (b *bench) announce(d querytest.Doc, mark store.EventMark) {
	b.t.Helper()
	require.NoError(b.t, b.change(keyOf(&d), func(*store.Doc) (store.Change, error) {
		return store.Change{JSON: d.JSON, Event: mark}, nil
	}))
}

// waiting lists what waits for a sink, account by account.
func (b *bench) waiting(sink string) (list []told) {
	b.t.Helper()
	ctx := context.Background()
	for account := ""; ; {
		accounts, err := b.s.EventAccounts(ctx, sink, account, 1)
		require.NoError(b.t, err)
		if len(accounts) == 0 {
			return list
		}
		account = accounts[0]
		var after *store.EventRef
		for {
			n := 0
			require.NoError(b.t, b.s.WaitingEvents(ctx, sink, account, after, 3, func(e *store.Event) error {
				list = append(list, tell(e))
				ref := e.Ref()
				after = &ref
				n++
				return nil
			}))
			if n == 0 {
				break
			}
		}
	}
}

// retained lists all events from an instant on, two at a time.
func (b *bench) retained(from time.Time) (list []told) {
	b.t.Helper()
	var place []byte
	for {
		next, err := b.s.RetainedEvents(context.Background(), from, place, 2, func(e *store.Event, _ []byte) error {
			list = append(list, tell(e))
			return nil
		})
		require.NoError(b.t, err)
		if bytes.Equal(next, place) {
			return list
		}
		place = next
	}
}

func (b *bench) settle(events ...told) {
	b.t.Helper()
	refs := make([]store.EventRef, len(events))
	for i := range events {
		refs[i] = events[i].EventRef
	}
	require.NoError(b.t, b.s.SettleEvents(context.Background(), "hook", refs, nil))
}

func (b *bench) dead(sink string) (list []store.DeadEvent) {
	b.t.Helper()
	require.NoError(b.t, b.s.DeadEvents(context.Background(), sink, func(d *store.DeadEvent) error {
		list = append(list, *d)
		return nil
	}))
	return list
}

func testEvents(t *testing.T, b *bench) {
	one, two := titled(t, "one", "first"), titled(t, "two", "other")
	require.Empty(t, b.waiting("hook"))
	b.put(one)
	b.announce(one, store.EventMark{Kind: store.Imported, Time: minute(0)})
	b.announce(one, store.EventMark{Sinks: []string{"hook"}})
	require.Empty(t, b.retained(time.Time{}), "nobody wants them")

	b.announce(one, imported(minute(1), "hook", "file"))
	b.announce(two, imported(minute(2), "hook"))
	changed := titled(t, "one", "second")
	b.announce(changed, imported(minute(3), "hook"))
	list := b.retained(time.Time{})
	require.Len(t, list, 3)
	require.Equal(t, []time.Time{minute(1), minute(2), minute(3)}, []time.Time{list[0].Time, list[1].Time, list[2].Time})
	require.Equal(t, fmt.Sprintf("%v  %s", keyOf(&changed), changed.JSON), list[2].Text)
	require.Less(t, list[0].Version, list[2].Version)
	require.NotEqual(t, list[0].ID, list[2].ID)
	require.Equal(t, b.get(keyOf(&changed)).Version, list[2].Version, "the version that the change gave the finding")

	// In the order of identity and version, whatever the order of the commits.
	byRef := slices.Clone(list)
	slices.SortFunc(byRef, func(x, y told) int {
		if x.Before(&y.EventRef) {
			return -1
		}
		return 1
	})
	require.Equal(t, byRef, b.waiting("hook"))
	require.Equal(t, list[:1], b.waiting("file"))
	require.Empty(t, b.waiting("hoo"))
	require.Empty(t, b.waiting("hook2"))

	// An action on a finding: the document stays, and so does what it says.
	require.NoError(t, b.change(keyOf(&two), func(*store.Doc) (store.Change, error) {
		return store.Change{Event: store.EventMark{Kind: store.CustomAction, Time: minute(4), Sinks: []string{"file"}, Detail: []byte("to me")}}, nil
	}))
	require.Equal(t, string(two.JSON), string(b.get(keyOf(&two)).JSON))
	last := b.retained(minute(4))
	require.Len(t, last, 1)
	require.Equal(t, fmt.Sprintf("%v to me %s", keyOf(&two), two.JSON), last[0].Text)
	require.Equal(t, store.CustomAction, last[0].Kind)
	missing := titled(t, "missing", "x")
	require.Error(t, b.change(keyOf(&missing), func(*store.Doc) (store.Change, error) {
		return store.Change{Event: imported(minute(4), "hook")}, nil
	}))

	// Delivered to one sink, it waits for the other.
	b.settle(list[0], list[1])
	b.settle(list[0], told{EventRef: store.EventRef{Account: "999999999999", Version: 7}})
	b.reopen()
	require.Equal(t, list[2:], b.waiting("hook"))
	require.Len(t, b.waiting("file"), 2)
	require.Len(t, b.retained(time.Time{}), 4, "delivered ones stay for a while")
}

// testEventsOfACall: what is not committed is not told, and each change of one finding in one call is.
func testEventsOfACall(t *testing.T, b *bench) {
	one, two := titled(t, "one", "a"), titled(t, "two", "b")
	docs := [][]byte{one.JSON, titled(t, "one", "c").JSON, two.JSON}
	keys := []store.Key{keyOf(&one), keyOf(&one), keyOf(&two)}
	errs, err := b.s.Update(context.Background(), keys, func(i int, _ *store.Doc, _ store.StateView) (store.Change, error) {
		ch := store.Change{JSON: docs[i], Event: imported(minute(i), "hook")}
		if i == 2 {
			return ch, errors.New("refused")
		}
		return ch, nil
	})
	require.NoError(t, err)
	require.Error(t, errs[2])
	list := b.retained(time.Time{})
	require.Len(t, list, 2)
	require.Contains(t, list[0].Text, string(docs[0]))
	require.Contains(t, list[1].Text, string(docs[1]))

	b.remove(keyOf(&one))
	require.Len(t, b.waiting("hook"), 2, "the finding is gone, its events are not")
	_, err = b.s.Update(context.Background(), keys[:2], func(i int, _ *store.Doc, _ store.StateView) (store.Change, error) {
		if i == 1 {
			return store.Change{Delete: true}, nil
		}
		return store.Change{JSON: docs[0], Event: imported(minute(9), "hook")}, nil
	})
	require.NoError(t, err)
	require.Empty(t, b.retained(minute(9)), "what came and went in one call is not told")
}

func testEventsOfState(t *testing.T, b *bench) {
	ctx := context.Background()
	about := store.Key{Account: accountA, Region: "us-east-1", ID: "arn:insight"}
	mark := store.EventMark{Kind: store.InsightResults, Time: minute(1), Sinks: []string{"hook"}, Detail: []byte(`{"n":1}`)}
	require.Error(t, b.s.State(ctx, []string{accountA}, func(tx store.StateTx) error {
		tx.Emit(about, mark)
		return errors.New("no")
	}))
	require.Error(t, b.s.State(ctx, []string{accountB}, func(tx store.StateTx) error {
		tx.Emit(about, mark)
		return nil
	}), "another's account")
	require.Empty(t, b.retained(time.Time{}))
	for range 2 {
		require.NoError(t, b.s.State(ctx, []string{accountA}, func(tx store.StateTx) error {
			tx.Emit(about, mark)
			return nil
		}))
	}
	list := b.waiting("hook")
	require.Len(t, list, 2)
	require.Equal(t, fmt.Sprintf(`%v {"n":1} `, about), list[0].Text)
	require.NotEqual(t, list[0].ID, list[1].ID)
}

func testEventLeases(t *testing.T, b *bench) {
	ctx := context.Background()
	lease := func(sink, account, owner string, now, until int) bool {
		ok, err := b.s.LeaseEvents(ctx, store.EventLease{Sink: sink, Account: account, Owner: owner, Until: minute(until)}, minute(now))
		require.NoError(t, err)
		return ok
	}
	require.True(t, lease("hook", accountA, "me", 0, 5))
	require.False(t, lease("hook", accountA, "you", 1, 9), "taken")
	require.True(t, lease("hook", accountB, "you", 1, 9), "another account")
	require.True(t, lease("file", accountA, "you", 1, 9), "another sink")
	require.True(t, lease("hook", accountA, "me", 4, 7), "renewed")
	require.False(t, lease("hook", accountA, "you", 6, 9))
	require.True(t, lease("hook", accountA, "you", 7, 9), "it ended")
	require.False(t, lease("hook", accountA, "me", 8, 9))
	require.NoError(t, b.s.ReleaseEvents(ctx, store.EventLease{Sink: "hook", Account: accountA, Owner: "me"}))
	require.False(t, lease("hook", accountA, "me", 8, 9), "not theirs to give back")
	require.NoError(t, b.s.ReleaseEvents(ctx, store.EventLease{Sink: "hook", Account: accountA, Owner: "you"}))
	require.True(t, lease("hook", accountA, "me", 8, 9))
}

func testDeadEventsAndReplay(t *testing.T, b *bench) {
	ctx := context.Background()
	for i := range 6 {
		b.announce(titled(t, fmt.Sprint("f", i), "x"), imported(minute(10*i), "hook"))
	}
	all := b.retained(time.Time{})
	dead := store.DeadEvent{EventRef: all[1].EventRef, Reason: "answered 400", Time: minute(60)}
	require.NoError(t, b.s.SettleEvents(ctx, "hook", nil, []store.DeadEvent{dead}))
	require.NoError(t, b.s.SettleEvents(ctx, "hook", nil, []store.DeadEvent{{EventRef: store.EventRef{Account: accountA, Version: 9}}}))
	require.Len(t, b.waiting("hook"), 5)
	require.Equal(t, []store.DeadEvent{dead}, b.dead("hook"))
	require.Empty(t, b.dead("file"))
	b.reopen()
	require.Equal(t, []store.DeadEvent{dead}, b.dead("hook"))

	b.settle(all...)
	require.Empty(t, b.waiting("hook"))
	replay := func(sink string, from, to int) (n int) {
		var place []byte
		for {
			some, next, err := b.s.ReplayEvents(ctx, sink, minute(from), minute(to), place)
			require.NoError(t, err)
			n += some
			if next == nil {
				return n
			}
			place = next
		}
	}
	require.Equal(t, 2, replay("file", 20, 40), "from the first on, before the second")
	require.ElementsMatch(t, all[2:4], b.waiting("file"))
	require.Equal(t, 6, replay("hook", 0, 1000))
	require.ElementsMatch(t, all, b.waiting("hook"), "with the same ids")
	require.Empty(t, b.dead("hook"), "what is tried again is dead no longer")
	require.Equal(t, all[3:], b.retained(minute(30)))
}

func testExpireEvents(t *testing.T, b *bench) {
	ctx := context.Background()
	expire := func(before int, sinks ...string) {
		for {
			more, err := b.s.ExpireEvents(ctx, minute(before), 0, sinks)
			require.NoError(t, err)
			if !more {
				return
			}
		}
	}
	for i := range 4 {
		b.announce(titled(t, fmt.Sprint("f", i), "x"), imported(minute(10*i), "hook", "gone"))
	}
	all := b.retained(time.Time{})
	b.settle(all[1], all[2])
	expire(15, "hook")
	require.Equal(t, []told{all[0], all[2], all[3]}, b.retained(time.Time{}), "what waits for a sink in force stays")
	require.Len(t, b.waiting("gone"), 3)
	require.NoError(t, b.s.SettleEvents(ctx, "hook", nil, []store.DeadEvent{{EventRef: all[0].EventRef, Reason: "r", Time: minute(1)}}))
	expire(25, "hook")
	require.Equal(t, all[3:], b.retained(time.Time{}))
	require.Empty(t, b.dead("hook"), "it goes with its event")
	require.Len(t, b.waiting("gone"), 1)
	b.reopen()
	require.Equal(t, all[3:], b.waiting("hook"))
}

// testEventsAmongWriters: who reads on from place to place while others commit misses nothing and meets nothing twice, and each finding's
// events come in order.
func testEventsAmongWriters(t *testing.T, b *bench) {
	const writers, rounds, own = 4, 40, 3
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for r := range rounds {
				keys, docs := []store.Key{}, [][]byte{}
				for i := range own {
					d := titled(t, fmt.Sprintf("f%d-%d", w, i), fmt.Sprintf("round %d", r))
					keys, docs = append(keys, keyOf(&d)), append(docs, d.JSON)
				}
				_, err := b.s.Update(context.Background(), keys, func(i int, _ *store.Doc, _ store.StateView) (store.Change, error) {
					return store.Change{JSON: docs[i], Event: imported(minute(r), "hook")}, nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	met, last := map[string]bool{}, map[store.Identity]uint64{}
	var place []byte
	for over := false; ; {
		select {
		case <-done:
			over = true
		default:
		}
		next, err := b.s.RetainedEvents(context.Background(), time.Time{}, place, 7, func(e *store.Event, _ []byte) error {
			ref := e.Ref()
			require.False(t, met[ref.ID()], "met again")
			require.Greater(t, ref.Version, last[ref.Identity])
			met[ref.ID()], last[ref.Identity] = true, ref.Version
			return nil
		})
		require.NoError(t, err)
		if over && bytes.Equal(next, place) {
			break
		}
		place = next
	}
	require.Len(t, met, writers*rounds*own)
	require.Len(t, b.waiting("hook"), writers*rounds*own)
}
