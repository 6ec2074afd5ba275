package postgres

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"hubcap/internal/asff"
	"hubcap/internal/store"
)

// appendHistory writes what table history has of a record beside its time: texts with their lengths; an absent value has length 0, any
// other its length plus one.
func appendHistory(dst []byte, r *store.HistoryRecord) []byte {
	dst = appendText(dst, &r.Source)
	dst = appendText(dst, &r.Identity)
	dst = binary.AppendUvarint(dst, uint64(len(r.Updates)))
	for i := range r.Updates {
		u := &r.Updates[i]
		dst = appendText(dst, &u.Field)
		dst = appendText(dst, u.Old)
		dst = appendText(dst, u.New)
	}
	return dst
}

func appendText(dst []byte, s *string) []byte {
	if s == nil {
		return append(dst, 0)
	}
	dst = binary.AppendUvarint(dst, uint64(len(*s))+1)
	return append(dst, *s...)
}

// texts reads what appendText wrote.
type texts struct {
	rest []byte
	bad  bool
}

func (t *texts) number() uint64 {
	v, n := binary.Uvarint(t.rest)
	if n <= 0 {
		t.bad, t.rest = true, nil
		return 0
	}
	t.rest = t.rest[n:]
	return v
}

func (t *texts) next() *string {
	v := t.number()
	if v == 0 {
		return nil
	}
	if v-1 > uint64(len(t.rest)) {
		t.bad, t.rest = true, nil
		return nil
	}
	s := string(t.rest[:v-1])
	t.rest = t.rest[v-1:]
	return &s
}

func (t *texts) must() string {
	s := t.next()
	if s == nil {
		t.bad = true
		return ""
	}
	return *s
}

func decodeHistory(at int64, b []byte) (r store.HistoryRecord, err error) {
	t := texts{rest: b}
	r.Time = instant(at)
	r.Source, r.Identity = t.must(), t.must()
	n := t.number()
	if n > uint64(len(t.rest)) {
		return r, errDamaged
	}
	if n > 0 {
		r.Updates = make([]asff.FieldChange, n)
	}
	for i := range r.Updates {
		r.Updates[i] = asff.FieldChange{Field: t.must(), Old: t.next(), New: t.next()}
	}
	if t.bad || len(t.rest) > 0 {
		return r, errDamaged
	}
	return r, nil
}

const selectHistory = `SELECT seq, at, record FROM history
	WHERE account = $1 AND identity = $2 AND seq < $3 AND at BETWEEN $4 AND $5 ORDER BY seq DESC LIMIT $6`

// History implements store.Store.
func (s *Store) History(ctx context.Context, q store.HistoryQuery) (out []store.HistoryEntry, err error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	ident := q.Key.Identity()
	before, from, to := int64(math.MaxInt64), int64(math.MinInt64), int64(math.MaxInt64)
	if q.After != 0 {
		before = int64(min(q.After, math.MaxInt64))
	}
	if !q.From.IsZero() {
		from = ceilMilli(q.From)
	}
	if !q.To.IsZero() {
		to = q.To.UnixMilli()
	}
	var limit *int
	if q.Limit > 0 {
		limit = &q.Limit
	}
	err = s.read(ctx, func(conn *pgx.Conn) error {
		out = nil
		rows, err := conn.Query(ctx, selectHistory, toText(q.Key.Account), ident[:], before, from, to, limit)
		if err != nil {
			return err
		}
		var seq, at int64
		var record []byte
		_, err = pgx.ForEachRow(rows, []any{&seq, &at, &record}, func() error {
			rec, err := decodeHistory(at, record)
			if err != nil {
				return fmt.Errorf("store: history of finding %s: %w", q.Key.ID, err)
			}
			out = append(out, store.HistoryEntry{HistoryRecord: rec, Seq: uint64(seq)}) //nolint:gosec // counted from 1
			return nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// instant is what a column of instants says.
func instant(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// ceilMilli is the first millisecond that is not before t.
func ceilMilli(t time.Time) int64 {
	ms := t.UnixMilli()
	if time.UnixMilli(ms).Before(t) {
		ms++
	}
	return ms
}

// expireStep is how many records one call of ExpireHistory looks at.
const expireStep = 4096

const (
	selectExpired = `SELECT account, identity, seq, at < $4 FROM history WHERE (account, identity, seq) > ($1, $2, $3)
		ORDER BY account, identity, seq LIMIT $5`
	deleteExpired = `DELETE FROM history AS h USING unnest($2::bytea[], $3::bigint[]) AS x (identity, seq)
		WHERE h.account = $1 AND h.identity = x.identity AND h.seq = x.seq`
)

// ExpireHistory implements store.Store. A place is the account, the identity and the number of the last record looked at.
func (s *Store) ExpireHistory(ctx context.Context, before time.Time, from []byte) (next []byte, err error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	account, ident, seq := "", []byte{}, int64(0)
	if len(from) > 0 {
		if len(from) < 24 {
			return nil, fmt.Errorf("store: %d bytes are no place in the history", len(from))
		}
		n := len(from) - 24
		account, ident, seq = string(from[:n]), from[n:n+16], int64(binary.BigEndian.Uint64(from[n+16:])) //nolint:gosec // as written below
	}
	err = s.read(ctx, func(conn *pgx.Conn) error {
		next = nil
		rows, err := conn.Query(ctx, selectExpired, account, ident, seq, ceilMilli(before), expireStep)
		if err != nil {
			return err
		}
		gone := &pgx.Batch{}
		var (
			looked     int
			at         string
			identities [][]byte
			seqs       []int64
			lastIdent  []byte
			last       int64
			old        bool
		)
		flush := func() {
			if len(seqs) > 0 {
				gone.Queue(deleteExpired, at, identities, seqs)
				identities, seqs = nil, nil
			}
		}
		var name string
		_, err = pgx.ForEachRow(rows, []any{&name, &lastIdent, &last, &old}, func() error {
			if looked++; name != at {
				flush()
				at = name
			}
			if old {
				identities, seqs = append(identities, append([]byte{}, lastIdent...)), append(seqs, last)
			}
			return nil
		})
		if err != nil {
			return err
		}
		flush()
		if looked == expireStep {
			next = binary.BigEndian.AppendUint64(append([]byte(at), lastIdent...), uint64(last)) //nolint:gosec // counted from 1
		}
		if gone.Len() == 0 {
			return nil
		}
		return conn.SendBatch(ctx, gone).Close()
	})
	if err != nil {
		return nil, err
	}
	return next, nil
}
