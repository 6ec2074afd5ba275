package postgres

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
)

// How often what is needed for a while only is looked for, and how long it is kept: the notes of transactions far longer than anybody asks
// for their outcome, the versions of deleted findings far longer than clocks differ.
const (
	tidyEvery    = time.Minute
	keepWritings = "10 minutes"
	keepGone     = 24 * time.Hour
)

// tidy works behind the calls until the store is closed. Every process does; what one deleted the next does not find.
func (s *Store) tidy() {
	defer close(s.tidied)
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
			if err := s.tidyUp(s.ctx); err != nil && s.ctx.Err() == nil {
				s.opts.Logger.Warn("store: what is needed no longer could not be deleted", slog.Any("error", withoutSecrets(err)))
			}
		}
	}
}

func (s *Store) tidyUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.opts.StatementTimeout)
	defer cancel()
	return s.once(ctx, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, `DELETE FROM writing WHERE at < now() - $1::interval`, keepWritings); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, `DELETE FROM gone WHERE version < $1`, s.opts.Clock().Add(-keepGone).UnixMicro())
		return err
	})
}
