package postgres

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"hubcap/internal/store"
)

// eventPlace is where an event stands among all: its transaction, and its number there.
type eventPlace struct {
	xact int64
	n    int32
}

func (p eventPlace) bytes() []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, uint64(p.xact)), uint32(p.n)) //nolint:gosec // the bits
}

func placeFrom(b []byte) (p eventPlace, err error) {
	if len(b) != 12 {
		return p, fmt.Errorf("store: %d bytes are no place in the outbox", len(b))
	}
	return eventPlace{int64(binary.BigEndian.Uint64(b)), int32(binary.BigEndian.Uint32(b[8:]))}, nil //nolint:gosec // the bits
}

// first is before every event.
var first = eventPlace{0, -1}

const (
	// Transactions before it are over: those that were committed are seen by every statement from now on.
	selectSettled = `SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint`
	selectEvents  = `SELECT ` + eventColumns + `, e.xact, e.n FROM event e WHERE (e.xact, e.n) > ($1, $2) AND e.xact < $3 ORDER BY e.xact, e.n LIMIT $4`
	selectPlaces  = `SELECT account, identity, version, at, pg_column_size(body) + pg_column_size(detail), xact, n FROM event
		WHERE (xact, n) > ($1, $2) AND xact < $3 ORDER BY xact, n LIMIT $4`
	selectNextTime = `SELECT xact, n, at FROM event WHERE xact >= $1 AND xact < $2 ORDER BY xact, n LIMIT 1`
	selectLastXact = `SELECT xact FROM event ORDER BY xact DESC LIMIT 1`
)

func settled(ctx context.Context, conn *pgx.Conn) (bound int64, err error) {
	err = conn.QueryRow(ctx, selectSettled).Scan(&bound)
	return bound, err
}

// clockSlack is how far the instants of two events may stand against the order of their transactions: an instant is read before a
// transaction begins.
const clockSlack = time.Minute

// placeOf is a place before every event of an instant or later: found by halving, for transactions and instants grow together.
func placeOf(ctx context.Context, conn *pgx.Conn, from time.Time) (eventPlace, error) {
	if from.IsZero() {
		return first, nil
	}
	bound, err := settled(ctx, conn)
	if err != nil {
		return first, err
	}
	limit := from.Add(-clockSlack).UnixMilli()
	best := first
	low, high := int64(0), bound // every event before low is too old; what is sought lies before high
	for high-low > 0 {
		middle := low + (high-low)/2
		var p eventPlace
		var at int64
		rows, err := conn.Query(ctx, selectNextTime, middle, bound)
		if err != nil {
			return first, err
		}
		n := 0
		if _, err := pgx.ForEachRow(rows, []any{&p.xact, &p.n, &at}, func() error { n++; return nil }); err != nil {
			return first, err
		}
		if n == 0 || at >= limit {
			high = middle
			continue
		}
		best, low = p, p.xact+1
	}
	return best, nil
}

// outboxStep is how many events one call looks at.
const outboxStep = 4096

// retainedStep is how many events are read at once, with their documents.
const retainedStep = 256

// RetainedEvents implements store.Outbox. What a transaction under way may still put before an event is waited for: a transaction of
// anybody's that goes on for long keeps the younger events back.
func (s *Store) RetainedEvents(ctx context.Context, from time.Time, after []byte, limit int, yield func(*store.Event, []byte) error) (next []byte, err error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	at := first
	if after != nil {
		at, err = placeFrom(after)
	} else {
		err = s.read(ctx, func(conn *pgx.Conn) (err error) {
			at, err = placeOf(ctx, conn, from)
			return err
		})
	}
	if err != nil {
		return nil, err
	}
	oldest := ceilMilli(from)
	var buf []byte
	for shown, looked := 0, 0; shown < limit && looked < outboxStep; {
		step := min(retainedStep, limit-shown)
		list, err := s.events(ctx, at, step)
		if err != nil {
			return at.bytes(), err
		}
		for i := range list {
			if err := ctx.Err(); err != nil {
				return at.bytes(), err
			}
			if list[i].at >= oldest {
				shown++
				buf, err = list[i].show(buf, func(e *store.Event) error { return yield(e, list[i].place.bytes()) })
			}
			at = list[i].place
			if err != nil {
				return at.bytes(), err
			}
		}
		if looked += len(list); len(list) < step {
			break
		}
	}
	return at.bytes(), nil
}

// events reads the events behind a place.
func (s *Store) events(ctx context.Context, after eventPlace, limit int) (list []eventRow, err error) {
	err = s.read(ctx, func(conn *pgx.Conn) error {
		list = nil
		bound, err := settled(ctx, conn)
		if err != nil {
			return err
		}
		rows, err := conn.Query(ctx, selectEvents, after.xact, after.n, bound, limit)
		if err != nil {
			return err
		}
		var r eventRow
		_, err = pgx.ForEachRow(rows, append(r.columns(), &r.place.xact, &r.place.n), func() error {
			list = append(list, r)
			r.detail, r.body = nil, nil
			return nil
		})
		return err
	})
	return list, err
}

// placedEvent is an event without what it tells.
type placedEvent struct {
	account string // as in the column
	ident   store.Identity
	version int64
	at      int64
	bytes   int64
	place   eventPlace
}

// places reads what stands behind a place.
func places(ctx context.Context, conn *pgx.Conn, after eventPlace, limit int) (list []placedEvent, err error) {
	bound, err := settled(ctx, conn)
	if err != nil {
		return nil, err
	}
	rows, err := conn.Query(ctx, selectPlaces, after.xact, after.n, bound, limit)
	if err != nil {
		return nil, err
	}
	var p placedEvent
	_, err = pgx.ForEachRow(rows, []any{&p.account, (*identityScan)(&p.ident), &p.version, &p.at, &p.bytes, &p.place.xact, &p.place.n}, func() error {
		list = append(list, p)
		return nil
	})
	return list, err
}

// each calls fn for the events of each account, in ascending order.
func each(list []placedEvent, fn func(account string, identities [][]byte, versions []int64)) {
	byAccount := map[string][]placedEvent{}
	for i := range list {
		byAccount[list[i].account] = append(byAccount[list[i].account], list[i])
	}
	for _, account := range slices.Sorted(maps.Keys(byAccount)) {
		some := byAccount[account]
		identities, versions := make([][]byte, len(some)), make([]int64, len(some))
		for i := range some {
			identities[i], versions[i] = some[i].ident[:], some[i].version
		}
		fn(account, identities, versions)
	}
}

const (
	waitAgain = `INSERT INTO waiting (account, sink, identity, version)
		SELECT e.account, $2, e.identity, e.version FROM event e JOIN unnest($3::bytea[], $4::bigint[]) AS x (identity, version)
			ON e.identity = x.identity AND e.version = x.version
		WHERE e.account = $1 ON CONFLICT DO NOTHING`
	riseAgain = `DELETE FROM dead AS d USING unnest($3::bytea[], $4::bigint[]) AS x (identity, version)
		WHERE d.account = $1 AND d.sink = $2 AND d.identity = x.identity AND d.version = x.version`
)

// ReplayEvents implements store.Outbox.
func (s *Store) ReplayEvents(ctx context.Context, sink string, from, to time.Time, after []byte) (n int, next []byte, err error) {
	if err := s.enterOutbox(ctx, sink); err != nil {
		return 0, nil, err
	}
	defer s.leave()
	start := first
	if after != nil {
		if start, err = placeFrom(after); err != nil {
			return 0, nil, err
		}
	}
	oldest, before, over := ceilMilli(from), ceilMilli(to), to.Add(clockSlack).UnixMilli()
	err = s.read(ctx, func(conn *pgx.Conn) (err error) {
		n, next = 0, nil
		at := start
		if after == nil {
			if at, err = placeOf(ctx, conn, from); err != nil {
				return err
			}
		}
		list, err := places(ctx, conn, at, outboxStep)
		if err != nil {
			return err
		}
		if len(list) == outboxStep && list[len(list)-1].at <= over {
			next = list[len(list)-1].place.bytes()
		}
		var some []placedEvent
		for i := range list {
			if list[i].at >= oldest && list[i].at < before {
				some = append(some, list[i])
			}
		}
		n = len(some)
		b := &pgx.Batch{}
		each(some, func(account string, identities [][]byte, versions []int64) {
			b.Queue(waitAgain, account, toText(sink), identities, versions)
			b.Queue(riseAgain, account, toText(sink), identities, versions)
		})
		if b.Len() == 0 {
			return nil
		}
		return conn.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return 0, nil, err
	}
	return n, next, nil
}

const (
	selectKept = `SELECT w.identity, w.version FROM waiting w JOIN unnest($3::bytea[], $4::bigint[]) AS x (identity, version)
			ON w.identity = x.identity AND w.version = x.version
		WHERE w.account = $1 AND w.sink = ANY($2::text[])`
	forgetEvents = `DELETE FROM event AS e USING unnest($2::bytea[], $3::bigint[]) AS x (identity, version)
		WHERE e.account = $1 AND e.identity = x.identity AND e.version = x.version`
	forgetWaiting = `DELETE FROM waiting AS w USING unnest($2::bytea[], $3::bigint[]) AS x (identity, version)
		WHERE w.account = $1 AND w.identity = x.identity AND w.version = x.version`
	forgetDead = `DELETE FROM dead AS d USING unnest($2::bytea[], $3::bigint[]) AS x (identity, version)
		WHERE d.account = $1 AND d.identity = x.identity AND d.version = x.version`
	selectEventBytes = `SELECT coalesce(sum(pg_column_size(body) + pg_column_size(detail) + 100), 0)::bigint FROM event`
)

// ExpireEvents implements store.Outbox. Where it left off it goes on, in this process: what it looked at and kept is looked at again
// when it begins anew.
func (s *Store) ExpireEvents(ctx context.Context, before time.Time, most int64, keep []string) (more bool, err error) {
	if err := s.enter(ctx); err != nil {
		return false, err
	}
	defer s.leave()
	s.expiring.Lock()
	defer s.expiring.Unlock()
	oldest := ceilMilli(before)
	var next eventPlace
	var excess int64
	err = s.read(ctx, func(conn *pgx.Conn) error {
		next, more, excess = eventPlace{}, false, s.excess
		at := s.expired
		if at == (eventPlace{}) { // from the first one on
			if at, excess = first, 0; most > 0 {
				if err := conn.QueryRow(ctx, selectEventBytes).Scan(&excess); err != nil {
					return err
				}
				excess -= most
			}
		}
		list, err := places(ctx, conn, at, outboxStep)
		if err != nil || len(list) == 0 {
			return err
		}
		old, err := s.unwanted(ctx, conn, list, oldest, &excess, keep)
		if err != nil {
			return err
		}
		last := &list[len(list)-1]
		if len(list) == outboxStep && (last.at < oldest || excess > 0) {
			more, next = true, last.place
		}
		if len(old) == 0 {
			return nil
		}
		b := &pgx.Batch{}
		each(old, func(account string, identities [][]byte, versions []int64) {
			b.Queue(forgetWaiting, account, identities, versions)
			b.Queue(forgetDead, account, identities, versions)
			b.Queue(forgetEvents, account, identities, versions)
		})
		return conn.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return false, err
	}
	s.expired, s.excess = next, excess
	return more, nil
}

// unwanted picks the events that are to go: those that are too old and, oldest first, as many as are too much. What waits for one of the
// sinks to keep stays.
func (s *Store) unwanted(ctx context.Context, conn *pgx.Conn, list []placedEvent, oldest int64, excess *int64, keep []string) (old []placedEvent, err error) {
	type ref struct {
		ident   store.Identity
		version int64
	}
	kept := map[ref]bool{}
	if len(keep) > 0 {
		b := &pgx.Batch{}
		each(list, func(account string, identities [][]byte, versions []int64) {
			b.Queue(selectKept, account, toTexts(keep), identities, versions).Query(func(rows pgx.Rows) error {
				var r ref
				_, err := pgx.ForEachRow(rows, []any{(*identityScan)(&r.ident), &r.version}, func() error {
					kept[r] = true
					return nil
				})
				return err
			})
		})
		if b.Len() > 0 {
			if err := conn.SendBatch(ctx, b).Close(); err != nil {
				return nil, err
			}
		}
	}
	for i := range list {
		p := &list[i]
		if p.at >= oldest && *excess <= 0 || kept[ref{p.ident, p.version}] {
			continue
		}
		*excess -= p.bytes
		old = append(old, *p)
	}
	return old, nil
}
