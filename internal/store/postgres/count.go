package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"hubcap/internal/asff"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

// counting is a Count or a Group under way, over one snapshot: what the dictionary says of terms and what the findings have agree.
type counting struct {
	s     *Store
	scope *store.Scope
	where *query.Expr
	sql   bounds
	r     asff.Reader
	plain []byte
}

// snapshot runs fn in a transaction that sees one instant.
func (s *Store) snapshot(ctx context.Context, conn *pgx.Conn, fn func() error) error {
	if _, err := conn.Exec(ctx, `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`); err != nil {
		return err
	}
	err := fn()
	if err != nil {
		s.rollback(ctx, conn)
		return err
	}
	_, err = conn.Exec(ctx, `COMMIT`)
	return err
}

// begin makes SQL of the condition, as exact as the dictionary allows.
func (c *counting) begin(ctx context.Context, conn *pgx.Conn) error {
	answers, err := c.s.look(ctx, conn, c.scope, c.where, lookUp{thorough: true, shared: true})
	if err != nil {
		return err
	}
	compiler := compiler{hash: c.s.hash, answers: answers, known: true}
	c.sql = compiler.compile(c.where)
	return nil
}

// from writes the tables, and that a condition holds in the scope.
func (c *counting) from(st *statement, document bool, where ...*condition) {
	all := allOf(append(scoped(c.scope), where...)...)
	st.write(" FROM finding AS f")
	if document || all.document {
		st.write(" JOIN document AS d ON ", sameFinding)
	}
	st.write(" WHERE ")
	byIndex, rest := all.gathered()
	allOf(rest...).filter(st)
	for _, part := range byIndex {
		st.write(" AND ")
		part.index(st)
	}
}

// each reads the findings that a condition holds for, and calls use with the values of those that satisfy the expression.
func (c *counting) each(ctx context.Context, conn *pgx.Conn, use func(values []asff.Value), where ...*condition) error {
	var st statement
	st.write("SELECT d.body")
	c.from(&st, true, where...)
	return st.run(ctx, conn, func(v [][]byte) error {
		key, doc, plain, err := unpack(c.plain, v[0])
		c.plain = plain
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
		if !c.scope.Allows(key) {
			return nil
		}
		if values := c.r.Values(doc); query.Match(c.where, values) {
			use(values)
		}
		return nil
	})
}

// vague is the condition of findings that must be looked at to know.
func (c *counting) vague() []*condition { return []*condition{c.sql.may, negation(c.sql.must)} }

// Count implements store.Store.
func (s *Store) Count(ctx context.Context, scope store.Scope, where *query.Expr) (int64, error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.leave()
	var n int64
	err := s.question(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return s.snapshot(ctx, conn, func() error {
			n = 0
			c := counting{s: s, scope: &scope, where: where}
			if err := c.begin(ctx, conn); err != nil {
				return err
			}
			if c.sql.must.op != isFalse {
				var st statement
				st.write("SELECT count(*)")
				c.from(&st, false, c.sql.must)
				if err := st.run(ctx, conn, func(v [][]byte) error {
					n = intOf(v[0])
					return nil
				}); err != nil {
					return err
				}
			}
			if c.sql.exact() {
				return nil
			}
			return c.each(ctx, conn, func([]asff.Value) { n++ }, c.vague()...)
		})
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// Group implements store.Store.
func (s *Store) Group(ctx context.Context, scope store.Scope, q *query.Group) ([]query.Count, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	var counts []query.Count
	err := s.question(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return s.snapshot(ctx, conn, func() error {
			g := grouping{counting: counting{s: s, scope: &scope, where: &q.Where}, q: q}
			if err := g.begin(ctx, conn); err != nil {
				return err
			}
			var err error
			counts, err = g.answer(ctx, conn)
			return err
		})
	})
	return slices.Clip(counts), err
}
