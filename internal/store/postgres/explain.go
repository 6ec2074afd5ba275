package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"hubcap/internal/query"
	"hubcap/internal/store"
)

// Explain implements store.Store. It tells no numbers of findings: they might be another account's.
func (s *Store) Explain(ctx context.Context, scope store.Scope, q *query.Find) (string, error) {
	if err := s.enter(ctx); err != nil {
		return "", err
	}
	defer s.leave()
	f := s.searching(&scope, q)
	var text strings.Builder
	err := s.question(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		text.Reset()
		fmt.Fprintf(&text, "where %s\n", q.Where)
		return f.compile(ctx, conn, false)
	})
	if err != nil {
		return "", err
	}
	return text.String(), nil
}
