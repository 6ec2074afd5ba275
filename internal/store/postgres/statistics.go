package postgres

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// statistics is what the server's own statistics say of terms: how many findings there are, and which terms many of them have. It serves
// to choose between ways to the same answer, so it may be old.
type statistics struct {
	mu       sync.Mutex
	read     time.Time
	findings float64
	common   map[int64]float64 // the share of findings that have a term
	least    float64           // the share that a term which is not among these has at most
}

// statisticsFor is how long statistics are good.
const statisticsFor = time.Minute

// unknown is the answer where there are no statistics: before the server first made some, or where the tables are distributed.
const unknown = -1

// estimate is about how many findings have a term of each of the sets, as if the sets had nothing to do with each other.
func (s *Store) estimate(ctx context.Context, conn *pgx.Conn, sets [][]int64) (float64, error) {
	t := &s.statistics
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := s.opts.Clock(); t.read.IsZero() || now.Sub(t.read) > statisticsFor {
		if err := t.renew(ctx, conn); err != nil {
			return unknown, err
		}
		t.read = now
	}
	if t.findings <= 0 || t.common == nil {
		return unknown, nil
	}
	n := t.findings
	for _, terms := range sets {
		share := 0.0
		for _, term := range terms {
			if some, ok := t.common[term]; ok {
				share += some
			} else {
				share += t.least / 2
			}
		}
		n *= math.Min(share, 1)
	}
	return n, nil
}

// renew reads the statistics.
func (t *statistics) renew(ctx context.Context, conn *pgx.Conn) error {
	var st statement
	st.write(`SELECT c.reltuples::float8, s.most_common_elems::text::bigint[], s.most_common_elem_freqs FROM pg_class AS c
		LEFT JOIN pg_stats AS s ON s.tablename = 'document' AND s.attname = 'terms' AND s.schemaname = c.relnamespace::regnamespace::text
		WHERE c.oid = 'document'::regclass`)
	return st.run(ctx, conn, func(v [][]byte) error {
		t.findings, t.common, t.least = floatOf(v[0]), nil, 0
		terms, shares := intsOf(v[1]), floatsOf(v[2])
		if len(terms) == 0 || len(shares) < len(terms)+1 {
			return nil
		}
		t.common = make(map[int64]float64, len(terms))
		for i, term := range terms {
			t.common[term] = shares[i]
		}
		t.least = shares[len(terms)] // then the greatest, and that of no elements
		return nil
	})
}
