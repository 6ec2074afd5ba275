package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"hubcap/internal/asff"
	"hubcap/internal/query"
)

// grouping is one Group under way.
type grouping struct {
	counting
	q *query.Group
}

// answer counts.
func (g *grouping) answer(ctx context.Context, conn *pgx.Conn) ([]query.Count, error) {
	return g.readAll(ctx, conn)
}

// readAll counts by looking at every finding.
func (g *grouping) readAll(ctx context.Context, conn *pgx.Conn) ([]query.Count, error) {
	tally := query.NewTally(*g.q)
	err := g.each(ctx, conn, func(values []asff.Value) { tally.Add(values) }, g.sql.may)
	return tally.Counts(), err
}
