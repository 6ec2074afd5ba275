package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"hubcap/internal/query"
	"hubcap/internal/store"
)

// Explain implements store.Store. It tells no numbers, and runs nothing but what the dictionary is asked: what it says to a caller of some
// accounts does not depend on another account's findings.
func (s *Store) Explain(ctx context.Context, scope store.Scope, q *query.Find) (string, error) {
	if err := s.enter(ctx); err != nil {
		return "", err
	}
	defer s.leave()
	f := s.searching(&scope, q)
	if err := f.refuse(); err != nil {
		return "", err
	}
	var text string
	err := s.question(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		text, err = f.explain(ctx, conn)
		return err
	})
	return text, err
}

// explain tells how answer would answer.
func (f *search) explain(ctx context.Context, conn *pgx.Conn) (string, error) {
	var out strings.Builder
	say := func(depth int, format string, args ...any) {
		fmt.Fprintf(&out, strings.Repeat("  ", depth)+format+"\n", args...)
	}
	if err := f.compile(ctx, conn, false); err != nil {
		return "", err
	}
	stages, err := f.stages(ctx, conn)
	if err != nil {
		return "", err
	}
	if stages == nil {
		if err := f.compile(ctx, conn, true); err != nil {
			return "", err
		}
	}
	say(0, "where %s", f.q.Where)
	comparisons(&f.q.Where, func(c *query.Cond) {
		if found, asked := f.answers.words[wordsOf(c)]; asked && found.all {
			say(1, "its values are looked up in the dictionary: %s", query.Expr{Op: query.Is, Cond: *c})
		} else if lookedUp(c) {
			say(1, "it has many values, or they are looked up when it must be: %s", query.Expr{Op: query.Is, Cond: *c})
		}
	})
	if !f.where.exact() {
		say(1, "SQL finds these and perhaps more: each finding is looked at")
	}
	say(0, "order by %s", printOrder(f.order))
	byIndex, _ := f.where.may.gathered()
	switch {
	case stages == nil:
		say(1, "along its values in the dictionary, or of all findings that may be meant the first")
		return out.String(), nil
	case len(byIndex) > 0:
		say(1, "from the index of terms where it has few findings, in this order: %s", f.gatherStatement(&stages[0], stages[0].from).text.String())
	}
	for i := range stages {
		st, _ := f.walkStatement(&stages[i], stages[i].from, f.want)
		say(1, "along %s: %s", stages[i].name, st.text.String())
	}
	return out.String(), nil
}

func printOrder(order []query.SortKey) string {
	keys := make([]string, len(order))
	for i, k := range order {
		keys[i] = k.Field.Name()
		if k.Desc {
			keys[i] += " desc"
		}
	}
	return strings.Join(keys, ", ")
}
