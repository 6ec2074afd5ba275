package postgres

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"hubcap/internal/store"
)

// The outbox: a row in table event for each event, one in table waiting for each sink that is to get it, in table dead for each that
// never will. Rows are written in the transaction of the change. No number says in which order they were committed; the transaction's
// own does as nearly as PostgreSQL knows: all that began before the oldest transaction under way are over.

func checkSink(sink string) error {
	if sink == "" || len(sink) > 64 || strings.ContainsRune(sink, 0) {
		return fmt.Errorf("store: no sink can be named %q", sink)
	}
	return nil
}

// enterOutbox begins a call on what a sink has.
func (s *Store) enterOutbox(ctx context.Context, sink string) error {
	if err := checkSink(sink); err != nil {
		return err
	}
	return s.enter(ctx)
}

// waitingStep is how many rows are looked at for the accounts they belong to.
const waitingStep = 512

const selectWaitingAccounts = `SELECT w.account FROM (SELECT account FROM waiting WHERE sink = $1 AND account > $2 ORDER BY account LIMIT $3) AS w
	GROUP BY w.account ORDER BY w.account`

// EventAccounts implements store.Outbox. An account with many rows is stepped over: none of its rows is looked at twice.
func (s *Store) EventAccounts(ctx context.Context, sink, after string, limit int) (accounts []string, err error) {
	if err := s.enterOutbox(ctx, sink); err != nil {
		return nil, err
	}
	defer s.leave()
	err = s.read(ctx, func(conn *pgx.Conn) error {
		accounts = nil
		last := toText(after)
		for len(accounts) < limit {
			rows, err := conn.Query(ctx, selectWaitingAccounts, toText(sink), last, waitingStep)
			if err != nil {
				return err
			}
			some, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil || len(some) == 0 {
				return err
			}
			last = some[len(some)-1]
			for _, a := range some[:min(len(some), limit-len(accounts))] {
				accounts = append(accounts, fromText(a))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return accounts, nil
}

const (
	takeLease = `INSERT INTO lease (account, sink, owner, until) VALUES ($1, $2, $3, $4)
		ON CONFLICT (account, sink) DO UPDATE SET owner = excluded.owner, until = excluded.until
		WHERE lease.owner = excluded.owner OR lease.until <= $5`
	dropLease = `DELETE FROM lease WHERE account = $1 AND sink = $2 AND owner = $3`
)

// LeaseEvents implements store.Outbox.
func (s *Store) LeaseEvents(ctx context.Context, l store.EventLease, now time.Time) (ok bool, err error) {
	if err := s.enterOutbox(ctx, l.Sink); err != nil {
		return false, err
	}
	defer s.leave()
	err = s.read(ctx, func(conn *pgx.Conn) error {
		tag, err := conn.Exec(ctx, takeLease, toText(l.Account), toText(l.Sink), toText(l.Owner), l.Until.UnixMilli(), now.UnixMilli())
		ok = err == nil && tag.RowsAffected() > 0
		return err
	})
	return ok, err
}

// ReleaseEvents implements store.Outbox.
func (s *Store) ReleaseEvents(ctx context.Context, l store.EventLease) error {
	if err := s.enterOutbox(ctx, l.Sink); err != nil {
		return err
	}
	defer s.leave()
	return s.read(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, dropLease, toText(l.Account), toText(l.Sink), toText(l.Owner))
		return err
	})
}

const (
	eventColumns  = `e.version, e.kind, e.at, e.detail, e.body`
	selectWaiting = `SELECT ` + eventColumns + ` FROM waiting w JOIN event e ON e.account = w.account AND e.identity = w.identity AND e.version = w.version
		WHERE w.account = $1 AND w.sink = $2 AND (w.identity, w.version) > ($3, $4) ORDER BY w.identity, w.version LIMIT $5`
)

// eventRow is a row of table event as it is read.
type eventRow struct {
	version int64
	kind    int16
	at      int64
	detail  []byte
	body    []byte
	place   eventPlace
}

func (r *eventRow) columns() []any {
	return []any{&r.version, &r.kind, &r.at, &r.detail, &r.body}
}

// show gives a row to a caller. buf is a buffer.
func (r *eventRow) show(buf []byte, yield func(*store.Event) error) ([]byte, error) {
	key, doc, buf, err := unpack(buf, r.body)
	if err != nil {
		return buf, fmt.Errorf("store: event: %w", err)
	}
	return buf, yield(&store.Event{
		Key: key, Version: uint64(r.version), Kind: store.EventKind(r.kind), Time: instant(r.at), Detail: r.detail, JSON: doc, //nolint:gosec // as written
	})
}

// WaitingEvents implements store.Outbox.
func (s *Store) WaitingEvents(ctx context.Context, sink, account string, after *store.EventRef, limit int, yield func(*store.Event) error) error {
	if err := s.enterOutbox(ctx, sink); err != nil {
		return err
	}
	defer s.leave()
	ident, version := []byte{}, int64(0)
	if after != nil {
		ident, version = after.Identity[:], int64(after.Version) //nolint:gosec // a bigint
	}
	var list []eventRow
	err := s.read(ctx, func(conn *pgx.Conn) error {
		list = nil
		rows, err := conn.Query(ctx, selectWaiting, toText(account), toText(sink), ident, version, limit)
		if err != nil {
			return err
		}
		var r eventRow
		_, err = pgx.ForEachRow(rows, r.columns(), func() error {
			list = append(list, r)
			r.detail, r.body = nil, nil
			return nil
		})
		return err
	})
	if err != nil {
		return err
	}
	var buf []byte
	for i := range list {
		if err := ctx.Err(); err != nil {
			return err
		}
		if buf, err = list[i].show(buf, yield); err != nil {
			return err
		}
	}
	return nil
}

const (
	settleWaiting = `DELETE FROM waiting AS w USING unnest($3::bytea[], $4::bigint[]) AS x (identity, version)
		WHERE w.account = $1 AND w.sink = $2 AND w.identity = x.identity AND w.version = x.version`
	buryWaiting = `WITH gone AS (
			DELETE FROM waiting AS w USING unnest($3::bytea[], $4::bigint[], $5::bigint[], $6::text[]) AS x (identity, version, at, reason)
			WHERE w.account = $1 AND w.sink = $2 AND w.identity = x.identity AND w.version = x.version
			RETURNING w.account, w.sink, w.identity, w.version, x.at, x.reason)
		INSERT INTO dead (account, sink, identity, version, at, reason) SELECT account, sink, identity, version, at, reason FROM gone
		ON CONFLICT (account, sink, identity, version) DO UPDATE SET at = excluded.at, reason = excluded.reason`
)

// SettleEvents implements store.Outbox: a statement an account, each its own transaction.
func (s *Store) SettleEvents(ctx context.Context, sink string, delivered []store.EventRef, dead []store.DeadEvent) error {
	if err := s.enterOutbox(ctx, sink); err != nil {
		return err
	}
	defer s.leave()
	delivered = slices.SortedFunc(slices.Values(delivered), func(a, b store.EventRef) int { return strings.Compare(a.Account, b.Account) })
	dead = slices.SortedFunc(slices.Values(dead), func(a, b store.DeadEvent) int { return strings.Compare(a.Account, b.Account) })
	return s.read(ctx, func(conn *pgx.Conn) error {
		for list := delivered; len(list) > 0; {
			n := 1
			for n < len(list) && list[n].Account == list[0].Account {
				n++
			}
			identities, versions := make([][]byte, n), make([]int64, n)
			for i := range n {
				identities[i], versions[i] = list[i].Identity[:], int64(list[i].Version) //nolint:gosec // a bigint
			}
			if _, err := conn.Exec(ctx, settleWaiting, toText(list[0].Account), toText(sink), identities, versions); err != nil {
				return err
			}
			list = list[n:]
		}
		for list := dead; len(list) > 0; {
			n := 1
			for n < len(list) && list[n].Account == list[0].Account {
				n++
			}
			if err := bury(ctx, conn, sink, list[:n]); err != nil {
				return err
			}
			list = list[n:]
		}
		return nil
	})
}

// bury makes waiting events of one account dead ones.
func bury(ctx context.Context, conn *pgx.Conn, sink string, list []store.DeadEvent) error {
	n := len(list)
	identities, versions, times, reasons := make([][]byte, n), make([]int64, n), make([]int64, n), make([]string, n)
	for i := range list {
		identities[i], versions[i] = list[i].Identity[:], int64(list[i].Version) //nolint:gosec // a bigint
		times[i], reasons[i] = list[i].Time.UnixMilli(), toText(list[i].Reason)
	}
	_, err := conn.Exec(ctx, buryWaiting, toText(list[0].Account), toText(sink), identities, versions, times, reasons)
	return err
}

// deadStep is how many dead events are read at once.
const deadStep = 1000

const selectDead = `SELECT account, identity, version, at, reason FROM dead
	WHERE sink = $1 AND (at, account, identity, version) > ($2, $3, $4, $5) ORDER BY at, account, identity, version LIMIT $6`

// DeadEvents implements store.Outbox.
func (s *Store) DeadEvents(ctx context.Context, sink string, yield func(*store.DeadEvent) error) error {
	if err := s.enterOutbox(ctx, sink); err != nil {
		return err
	}
	defer s.leave()
	at, account, ident, version := int64(math.MinInt64), "", []byte{}, int64(0)
	for {
		var list []store.DeadEvent
		err := s.read(ctx, func(conn *pgx.Conn) error {
			list = nil
			rows, err := conn.Query(ctx, selectDead, toText(sink), at, account, ident, version, deadStep)
			if err != nil {
				return err
			}
			var d store.DeadEvent
			var v, ms int64
			_, err = pgx.ForEachRow(rows, []any{&d.Account, (*identityScan)(&d.Identity), &v, &ms, &d.Reason}, func() error {
				d.Version, d.Time = uint64(v), instant(ms) //nolint:gosec // as written
				list = append(list, d)
				return nil
			})
			return err
		})
		if err != nil {
			return err
		}
		for i := range list {
			d := list[i]
			at, account, ident, version = d.Time.UnixMilli(), d.Account, list[i].Identity[:], int64(d.Version) //nolint:gosec // as read
			d.Account, d.Reason = fromText(d.Account), fromText(d.Reason)
			if err := yield(&d); err != nil {
				return err
			}
		}
		if len(list) < deadStep {
			return nil
		}
	}
}
