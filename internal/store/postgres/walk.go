package postgres

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"hubcap/internal/asff"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

// Of a Walk: how many findings one statement looks at, at first and at most, and the most bytes of bodies it should answer with.
const (
	firstStep = 256
	mostStep  = 4096
)

// walking is one Walk under way.
type walking struct {
	s     *Store
	scope *store.Scope
	where *query.Expr
	may   *condition
	plain []byte
	r     asff.Reader
}

// step is what one statement of a walk found.
type step struct {
	docs []store.Doc
	last *keyPlace // nil: the end
	err  error
}

// keyPlace is a place in the order of keys.
type keyPlace struct {
	account  string // as the column has it
	identity []byte
}

// Walk implements store.Store: in the order of accounts and identities. No transaction lasts while the caller works, so a slow one holds
// nothing up, and one that takes hours loses nothing when the server does: each step goes on behind the key of the last.
func (s *Store) Walk(ctx context.Context, scope store.Scope, where *query.Expr, yield func(*store.Doc) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	w := walking{s: s, scope: &scope, where: where}
	if err := s.read(ctx, func(conn *pgx.Conn) error {
		answers, err := s.look(ctx, conn, &scope, where, lookUp{thorough: true})
		c := compiler{hash: s.hash, answers: answers}
		w.may = c.compile(where).may
		return err
	}); err != nil {
		return err
	}
	// The next step is read while the caller works.
	ctx, cancel := context.WithCancel(ctx)
	steps := make(chan step)
	go func() {
		defer close(steps)
		var at *keyPlace
		for n := firstStep; ; n = min(2*n, mostStep) {
			next := w.step(ctx, at, n)
			select {
			case steps <- next:
			case <-ctx.Done():
				return
			}
			if at = next.last; at == nil || next.err != nil {
				return
			}
		}
	}()
	err := w.deliver(ctx, steps, yield)
	cancel()
	for range steps { // until the reader has ended
	}
	return err
}

func (w *walking) deliver(ctx context.Context, steps <-chan step, yield func(*store.Doc) error) error {
	for next := range steps {
		if next.err != nil {
			return next.err
		}
		for i := range next.docs {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := yield(&next.docs[i]); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// step reads the findings behind a key, looking at n.
func (w *walking) step(ctx context.Context, at *keyPlace, n int) (next step) {
	next.err = w.s.read(ctx, func(conn *pgx.Conn) error {
		next = step{}
		rows := 0
		return w.statement(at, n).run(ctx, conn, func(v [][]byte) error {
			if rows++; rows == n {
				next.last = &keyPlace{string(v[0]), bytes.Clone(v[1])}
			}
			if v[4] == nil {
				return nil
			}
			key, doc, plain, err := unpack(w.plain, v[4])
			w.plain = plain
			if err != nil {
				return fmt.Errorf("store: finding %x: %w", v[1], err)
			}
			if w.scope.Allows(key) && query.Match(w.where, w.r.Values(doc)) {
				next.docs = append(next.docs, store.Doc{
					Key: key, JSON: bytes.Clone(doc), Customer: asff.Attrs(intOf(v[3])), Version: uint64(intOf(v[2])), //nolint:gosec // as written
				})
			}
			return nil
		})
	})
	return next
}

// statement reads the next n findings in the scope. The body of one for which the condition does not hold is NULL.
func (w *walking) statement(at *keyPlace, n int) *statement {
	st := &statement{}
	st.write("SELECT f.account, f.identity, d.version, d.customer, CASE WHEN ")
	w.may.filter(st)
	st.write(" THEN d.body END FROM (SELECT f.* FROM finding AS f WHERE ")
	allOf(slices.Concat(scoped(w.scope))...).filter(st)
	if at != nil {
		st.write(" AND (f.account, f.identity) > (", st.string(at.account), ", ", st.bytes(at.identity), ")")
	}
	st.write(" ORDER BY f.account, f.identity LIMIT ", st.int(int64(n)), ") AS f JOIN document AS d ON ", sameFinding, " ORDER BY f.account, f.identity")
	return st
}
