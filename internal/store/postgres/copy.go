package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"hubcap/internal/asff"
	"hubcap/internal/store"
)

var _ store.Copied = (*Store)(nil)

const selectWholeHistory = `SELECT identity, seq, at, record FROM history WHERE account = $1 AND identity = ANY($2::bytea[]) ORDER BY identity, seq`

// kept is a finding as it is read for a copy.
type kept struct {
	version  int64
	customer int16
	body     []byte
	history  []store.HistoryEntry
}

// Whole implements store.Copied: all of them as of one snapshot.
func (s *Store) Whole(ctx context.Context, keys []store.Key, yield func(*store.Whole) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	byAccount := map[string][][]byte{}
	for i := range keys {
		ident := keys[i].Identity()
		byAccount[keys[i].Account] = append(byAccount[keys[i].Account], ident[:])
	}
	var all map[store.Identity]*kept
	err := s.read(ctx, func(conn *pgx.Conn) error {
		all = make(map[store.Identity]*kept, len(keys))
		b := &pgx.Batch{}
		b.Queue(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`)
		for account, identities := range byAccount {
			b.Queue(selectDocuments, toText(account), identities).Query(func(rows pgx.Rows) error { return keepDocuments(rows, all) })
			b.Queue(selectWholeHistory, toText(account), identities).Query(func(rows pgx.Rows) error { return keepHistory(rows, all) })
		}
		b.Queue(`COMMIT`)
		defer s.rollback(ctx, conn)
		return conn.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return err
	}
	var buf []byte
	for i := range keys {
		k := all[keys[i].Identity()]
		if k == nil {
			continue
		}
		var w store.Whole
		if w.Key, w.JSON, buf, err = unpack(buf, k.body); err != nil {
			return fmt.Errorf("store: finding %s: %w", keys[i].ID, err)
		}
		w.Customer, w.Version, w.History = asff.Attrs(k.customer), uint64(k.version), k.history //nolint:gosec // as written
		if err := yield(&w); err != nil {
			return err
		}
	}
	return nil
}

func keepDocuments(rows pgx.Rows, all map[store.Identity]*kept) error {
	var ident store.Identity
	var k kept
	_, err := pgx.ForEachRow(rows, []any{(*identityScan)(&ident), &k.version, &k.customer, &k.body}, func() error {
		mine := k
		all[ident], k.body = &mine, nil
		return nil
	})
	return err
}

func keepHistory(rows pgx.Rows, all map[store.Identity]*kept) error {
	var ident store.Identity
	var seq, at int64
	var record []byte
	_, err := pgx.ForEachRow(rows, []any{(*identityScan)(&ident), &seq, &at, (*shortLived)(&record)}, func() error {
		k := all[ident]
		if k == nil {
			return errDamaged // a history without a finding
		}
		r, err := decodeHistory(at, record)
		k.history = append(k.history, store.HistoryEntry{HistoryRecord: r, Seq: uint64(seq)}) //nolint:gosec // as written
		return err
	})
	return err
}

// Load implements store.Copied.
func (s *Store) Load(ctx context.Context, findings []store.Whole) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	if len(findings) == 0 {
		return nil
	}
	keys := make([]store.Key, len(findings))
	for i := range findings {
		keys[i] = findings[i].Key
	}
	c := s.scratch.Get().(*call)
	defer c.end()
	c.begin(keys)
	if len(c.items) != len(keys) {
		return errors.New("store: a finding is loaded twice in one call")
	}
	c.loading = findings
	err := c.run(ctx, keys, func(i int, _ *store.Doc, _ store.StateView) (store.Change, error) {
		return store.Change{JSON: findings[i].JSON, Customer: findings[i].Customer}, nil
	})
	return explained(errors.Join(append(slices.Clone(c.errs), err)...))
}

// applyWhole gives an item the version and the history that it is loaded with, in place of its own.
func (c *call) applyWhole(it *item, w *store.Whole) {
	it.version, it.first, it.wiped = w.Version, w.Version, true
	it.history = it.history[:0]
	for i := range w.History {
		from := len(c.histories)
		c.histories = appendHistory(c.histories, &w.History[i].HistoryRecord)
		it.history = append(it.history, entry{int64(w.History[i].Seq), w.History[i].Time.UnixMilli(), span{from, len(c.histories)}}) //nolint:gosec // a bigint
	}
}

// copyStep is how many records, pieces or events are read at once.
const copyStep = 64

const (
	selectAllRecords = `SELECT account, name, value FROM state WHERE (account, name) > ($1, $2) ORDER BY account, name LIMIT $3`
	selectAllChunks  = `SELECT name, n, chunk FROM spool WHERE (name, n) > ($1, $2) ORDER BY name, n LIMIT $3`
)

// Records implements store.Copied.
func (s *Store) Records(ctx context.Context, yield func(account, name string, value []byte) error) error {
	type record struct {
		account, name string
		value         []byte
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	var last record
	for {
		var list []record
		err := s.read(ctx, func(conn *pgx.Conn) error {
			rows, err := conn.Query(ctx, selectAllRecords, last.account, last.name, copyStep)
			if err != nil {
				return err
			}
			list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (r record, err error) {
				err = row.Scan(&r.account, &r.name, &r.value)
				return r, err
			})
			return err
		})
		if err != nil {
			return err
		}
		for i := range list {
			last = list[i]
			if err := yield(fromText(last.account), fromText(last.name), last.value); err != nil {
				return err
			}
		}
		if len(list) < copyStep {
			return nil
		}
	}
}

// Spools implements store.Copied.
func (s *Store) Spools(ctx context.Context, yield func(spool string, n uint64, chunk []byte) error) error {
	type piece struct {
		name  string
		n     int64
		chunk []byte
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	var last piece
	for {
		var list []piece
		err := s.read(ctx, func(conn *pgx.Conn) error {
			before := last.n
			if last.name == "" {
				before = -1 << 63
			}
			rows, err := conn.Query(ctx, selectAllChunks, last.name, before, 1)
			if err != nil {
				return err
			}
			list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (p piece, err error) {
				err = row.Scan(&p.name, &p.n, &p.chunk)
				return p, err
			})
			return err
		})
		if err != nil || len(list) == 0 {
			return err
		}
		last = list[0]
		if err := yield(fromText(last.name), uint64(last.n), last.chunk); err != nil { //nolint:gosec // the bits
			return err
		}
	}
}

const (
	selectWaitingOf = `SELECT w.identity, w.version, w.sink FROM waiting w JOIN unnest($2::bytea[], $3::bigint[]) AS x (identity, version)
			ON w.identity = x.identity AND w.version = x.version
		WHERE w.account = $1 ORDER BY w.sink`
	selectDeadOf = `SELECT d.identity, d.version, d.sink, d.at, d.reason FROM dead d JOIN unnest($2::bytea[], $3::bigint[]) AS x (identity, version)
			ON d.identity = x.identity AND d.version = x.version
		WHERE d.account = $1`
)

// Outgoing implements store.Copied.
func (s *Store) Outgoing(ctx context.Context, yield func(*store.Outgoing) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	at := first
	var buf []byte
	for {
		rows, err := s.events(ctx, at, copyStep)
		if err != nil || len(rows) == 0 {
			return err
		}
		list := make([]store.Outgoing, len(rows))
		by := make(map[store.EventRef]*store.Outgoing, len(rows))
		for i := range rows {
			at = rows[i].place
			if buf, err = rows[i].show(buf, func(e *store.Event) error {
				list[i].Event = *e
				list[i].JSON = bytes.Clone(e.JSON)
				by[e.Ref()] = &list[i]
				return nil
			}); err != nil {
				return err
			}
		}
		if err := s.addressees(ctx, by); err != nil {
			return err
		}
		for i := range list {
			if err := yield(&list[i]); err != nil {
				return err
			}
		}
	}
}

// addressees finds out for whom events are.
func (s *Store) addressees(ctx context.Context, by map[store.EventRef]*store.Outgoing) error {
	var list []placedEvent
	for ref := range by {
		list = append(list, placedEvent{account: ref.Account, ident: ref.Identity, version: int64(ref.Version)}) //nolint:gosec // a bigint
	}
	return s.read(ctx, func(conn *pgx.Conn) error {
		for _, e := range by {
			e.Waiting, e.Dead = nil, nil
		}
		b := &pgx.Batch{}
		each(list, func(account string, identities [][]byte, versions []int64) {
			var ident store.Identity
			var version, at int64
			var sink, reason string
			of := func() *store.Outgoing {
				return by[store.EventRef{Account: account, Identity: ident, Version: uint64(version)}] //nolint:gosec // as written
			}
			b.Queue(selectWaitingOf, toText(account), identities, versions).Query(func(rows pgx.Rows) error {
				_, err := pgx.ForEachRow(rows, []any{(*identityScan)(&ident), &version, &sink}, func() error {
					of().Waiting = append(of().Waiting, fromText(sink))
					return nil
				})
				return err
			})
			b.Queue(selectDeadOf, toText(account), identities, versions).Query(func(rows pgx.Rows) error {
				_, err := pgx.ForEachRow(rows, []any{(*identityScan)(&ident), &version, &sink, &at, &reason}, func() error {
					e := of()
					if e.Dead == nil {
						e.Dead = map[string]store.DeadEvent{}
					}
					e.Dead[fromText(sink)] = store.DeadEvent{EventRef: e.Ref(), Reason: fromText(reason), Time: instant(at)}
					return nil
				})
				return err
			})
		})
		return conn.SendBatch(ctx, b).Close()
	})
}

const (
	insertDead = `INSERT INTO dead (account, sink, identity, version, at, reason)
		SELECT $1, x.sink, x.identity, x.version, x.at, x.reason FROM unnest($2::text[], $3::bytea[], $4::bigint[], $5::bigint[], $6::text[])
			AS x (sink, identity, version, at, reason) ON CONFLICT DO NOTHING`
	raiseTold = `UPDATE state_version SET told = greatest(told, $2) WHERE account = $1`
)

// LoadOutgoing implements store.Copied. Versions that are given out later are greater than those of the events: for findings that are no
// more as well, and for what State calls tell of.
func (s *Store) LoadOutgoing(ctx context.Context, events []store.Outgoing) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	if len(events) == 0 {
		return nil
	}
	return s.read(ctx, func(conn *pgx.Conn) error {
		w, same := newWriting(s), true
		w.taken = func() { same = false }
		w.batch.Queue(`BEGIN`)
		if err := w.loadOutgoing(events); err != nil {
			return err
		}
		w.finish()
		defer s.rollback(ctx, conn)
		if err := conn.SendBatch(ctx, w.batch).Close(); err != nil {
			return err
		}
		if !same {
			return errors.New("store: an event that is loaded is in the outbox already")
		}
		ok, err := s.commit(ctx, conn, w)
		if err == nil && !ok {
			err = errNotCommitted
		}
		return err
	})
}

func (w *writing) loadOutgoing(events []store.Outgoing) error {
	var body []byte
	last := map[string]map[store.Identity]uint64{}
	told := map[string]uint64{}
	for i := range events {
		e := &events[i]
		w.account(e.Key.Account)
		for _, sink := range slices.Concat(e.Waiting, slices.Collect(maps.Keys(e.Dead))) {
			if err := checkSink(sink); err != nil {
				return err
			}
		}
		mark := store.EventMark{Kind: e.Kind, Time: e.Time, Detail: e.Detail, Sinks: e.Waiting}
		body, w.plain = pack(nil, w.plain, &e.Key, e.JSON)
		ident := e.Key.Identity()
		w.event(&e.Key, ident, e.Version, &mark, body)
		if of := last[e.Key.Account]; of == nil {
			last[e.Key.Account] = map[store.Identity]uint64{ident: e.Version}
		} else {
			of[ident] = max(of[ident], e.Version)
		}
		if e.Kind == store.InsightResults {
			told[e.Key.Account] = max(told[e.Key.Account], e.Version)
		}
	}
	w.flushEvents()
	for _, account := range slices.Sorted(maps.Keys(last)) {
		var identities [][]byte
		var versions []int64
		for _, ident := range slices.SortedFunc(maps.Keys(last[account]), func(a, b store.Identity) int { return bytes.Compare(a[:], b[:]) }) {
			identities, versions = append(identities, ident[:]), append(versions, int64(last[account][ident])) //nolint:gosec // a bigint
		}
		w.batch.Queue(insertGone, toText(account), identities, versions)
		if told[account] > 0 {
			w.batch.Queue(insertVersion, toText(account))
			w.batch.Queue(raiseTold, toText(account), int64(told[account])) //nolint:gosec // a bigint
		}
		w.loadDead(account, events)
	}
	return nil
}

// loadDead adds the dead events of an account.
func (w *writing) loadDead(account string, events []store.Outgoing) {
	var sinks, reasons []string
	var identities [][]byte
	var versions, times []int64
	for i := range events {
		e := &events[i]
		if e.Key.Account != account {
			continue
		}
		ident := e.Key.Identity()
		for _, sink := range slices.SortedFunc(maps.Keys(e.Dead), strings.Compare) {
			dead := e.Dead[sink]
			sinks, reasons = append(sinks, toText(sink)), append(reasons, toText(dead.Reason))
			identities = append(identities, slices.Clone(ident[:]))
			versions, times = append(versions, int64(e.Version)), append(times, dead.Time.UnixMilli()) //nolint:gosec // a bigint
		}
	}
	if len(sinks) > 0 {
		w.batch.Queue(insertDead, toText(account), sinks, identities, versions, times, reasons)
	}
}

// DropOutgoing implements store.Copied.
func (s *Store) DropOutgoing(ctx context.Context) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	return s.read(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `TRUNCATE event, waiting, dead`)
		return err
	})
}
