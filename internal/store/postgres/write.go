package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"hubcap/internal/store"
)

// writing is a transaction's statements, sent to the server at once. It does not hold COMMIT: whether all went as decided is known only
// from the answers.
type writing struct {
	s       *Store
	batch   *pgx.Batch
	id      [16]byte // of the transaction
	home    string   // the account under which the transaction notes that it was
	some    bool     // there is a home
	ordinal int32    // of events
	plain   []byte
	events  eventRows
	taken   func() // hears that a version, or a place in a history, is there already
}

func newWriting(s *Store) *writing {
	w := &writing{s: s, batch: &pgx.Batch{}, taken: func() {}}
	if _, err := rand.Read(w.id[:]); err != nil {
		panic(err) // it cannot fail (crypto/rand)
	}
	return w
}

// account says that an account is written to. The first one is where the outcome is noted.
func (w *writing) account(name string) {
	if !w.some {
		w.home, w.some = name, true
	}
}

const insertWriting = `INSERT INTO writing (account, id, at, done) VALUES ($1, $2, now(), $3) ON CONFLICT DO NOTHING`

// expect adds a statement that inserts so many rows, unless some are there already.
func (w *writing) expect(rows int, statement string, args ...any) {
	w.batch.Queue(statement, args...).Exec(func(tag pgconn.CommandTag) error {
		if tag.RowsAffected() != int64(rows) {
			w.taken()
		}
		return nil
	})
}

// finish adds what stands at the end of every transaction.
func (w *writing) finish() {
	w.flushEvents()
	w.batch.Queue(insertWriting, toText(w.home), w.id, true)
}

// records writes an account's records.
func (w *writing) records(account string, now map[string][]byte, set, gone []string) {
	if len(gone) > 0 {
		w.batch.Queue(`DELETE FROM state WHERE account = $1 AND name = ANY($2::text[])`, toText(account), toTexts(gone))
	}
	if len(set) > 0 {
		values := make([][]byte, len(set))
		for i, name := range set {
			values[i] = now[name]
		}
		w.batch.Queue(`INSERT INTO state (account, name, value) SELECT $1, x.name, x.value FROM unnest($2::text[], $3::bytea[]) AS x (name, value)
			ON CONFLICT (account, name) DO UPDATE SET value = excluded.value`, toText(account), toTexts(set), values)
	}
}

func toTexts(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = toText(s)
	}
	return out
}

// eventRows are rows of the outbox on their way, of one account.
type eventRows struct {
	account    string
	identities [][]byte
	versions   []int64
	numbers    []int32
	kinds      []int16
	times      []int64
	details    [][]byte
	bodies     [][]byte

	sinks          []string // and the sinks that wait for them
	sinkIdentities [][]byte
	sinkVersions   []int64
}

// event adds a row to the outbox, and one for each sink. body is the finding's; nil where there is none.
func (w *writing) event(key *store.Key, ident store.Identity, version uint64, mark *store.EventMark, body []byte) {
	r := &w.events
	if len(r.identities) > 0 && r.account != key.Account {
		w.flushEvents()
	}
	if body == nil {
		body, w.plain = pack(nil, w.plain, key, nil)
	}
	detail := mark.Detail
	if detail == nil {
		detail = []byte{}
	}
	r.account = key.Account
	r.identities, r.versions, r.numbers = append(r.identities, ident[:]), append(r.versions, int64(version)), append(r.numbers, w.ordinal) //nolint:gosec // from a bigint
	r.kinds, r.times = append(r.kinds, int16(mark.Kind)), append(r.times, mark.Time.UnixMilli())
	r.details, r.bodies = append(r.details, detail), append(r.bodies, body)
	w.ordinal++
	for _, sink := range mark.Sinks {
		r.sinks, r.sinkIdentities, r.sinkVersions = append(r.sinks, toText(sink)), append(r.sinkIdentities, ident[:]), append(r.sinkVersions, int64(version)) //nolint:gosec // as above
	}
}

// Where another writer was first, these find its rows; then nothing is committed.
const (
	insertEvents = `INSERT INTO event (account, identity, version, xact, n, kind, at, detail, body)
		SELECT $1, x.identity, x.version, (SELECT pg_current_xact_id()::text::bigint), x.n, x.kind, x.at, x.detail, x.body
		FROM unnest($2::bytea[], $3::bigint[], $4::integer[], $5::smallint[], $6::bigint[], $7::bytea[], $8::bytea[]) AS x (identity, version, n, kind, at, detail, body)
		ON CONFLICT DO NOTHING`
	insertWaiting = `INSERT INTO waiting (account, sink, identity, version)
		SELECT $1, x.sink, x.identity, x.version FROM unnest($2::text[], $3::bytea[], $4::bigint[]) AS x (sink, identity, version) ON CONFLICT DO NOTHING`
)

// flushEvents makes statements of the rows so far.
func (w *writing) flushEvents() {
	r := &w.events
	if len(r.identities) == 0 {
		return
	}
	account := toText(r.account)
	w.expect(len(r.identities), insertEvents, account, r.identities, r.versions, r.numbers, r.kinds, r.times, r.details, r.bodies)
	w.batch.Queue(insertWaiting, account, r.sinks, r.sinkIdentities, r.sinkVersions)
	*r = eventRows{}
}

// decideWithin is how long is tried to find out what became of a commit whose answer did not come.
const decideWithin = 5 * time.Second

// commit ends a transaction: true when it is committed for certain, false when it is not and never will be.
func (s *Store) commit(ctx context.Context, conn *pgx.Conn, w *writing) (bool, error) {
	tag, err := conn.Exec(ctx, `COMMIT`)
	if err == nil {
		if tag.String() != "COMMIT" { // the server rolled back what had failed
			return false, fmt.Errorf("store: the server answered %s to COMMIT", tag)
		}
		return true, nil
	}
	if codeOf(err) != "" && !lost(err) {
		return false, err
	}
	return s.outcome(ctx, w, err)
}

// outcome finds out what became of a transaction whose answer to COMMIT did not come. It writes the transaction's own note, marked as not
// done: the server lets it wait while the transaction is under way, refuses it where the transaction was committed, and where it was not,
// the transaction cannot come after it any more.
func (s *Store) outcome(ctx context.Context, w *writing, cause error) (bool, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.decideWithin)
	defer cancel()
	for n := 1; ; n++ {
		done := false
		err := s.once(ctx, func(conn *pgx.Conn) error {
			if _, err := conn.Exec(ctx, insertWriting, toText(w.home), w.id, false); err != nil {
				return err
			}
			return conn.QueryRow(ctx, `SELECT done FROM writing WHERE account = $1 AND id = $2`, toText(w.home), w.id).Scan(&done)
		})
		if err == nil {
			s.opts.Logger.WarnContext(ctx, "store: the connection was lost while committing; what became of it was looked up",
				slog.Bool("committed", done), slog.Any("error", withoutSecrets(cause)))
			return done, nil
		}
		if ctx.Err() != nil || !s.pause(ctx, n) {
			s.opts.Logger.ErrorContext(ctx, "store: the connection was lost while committing, and what became of it cannot be found out",
				slog.Any("error", withoutSecrets(errors.Join(cause, err))))
			return false, fmt.Errorf("%w: %w", errUnknown, cause)
		}
	}
}

// errUnknown: nobody can tell whether the call was written.
var errUnknown = errors.New("store: the connection to the database was lost, and whether the call was written cannot be found out")
