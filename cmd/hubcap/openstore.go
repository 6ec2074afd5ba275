package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hubcap/internal/store"
	"hubcap/internal/store/embedded"
	"hubcap/internal/store/postgres"
)

// isDatabase tells an address of PostgreSQL from a directory.
func isDatabase(place string) bool {
	return strings.HasPrefix(place, "postgres://") || strings.HasPrefix(place, "postgresql://")
}

// withoutPassword is a place as people may read it.
func withoutPassword(place string) string {
	if !isDatabase(place) {
		return place
	}
	u, err := url.Parse(place)
	if err != nil {
		return "the database"
	}
	q := u.Query()
	for name := range q {
		if strings.Contains(name, "password") {
			q.Set(name, "xxxxx")
		}
	}
	u.RawQuery = q.Encode()
	return u.Redacted()
}

// openCopied opens a store that nobody serves, to copy it or into it.
func openCopied(ctx context.Context, flag, place string, std *streams, create bool) (store.Copied, error) {
	if isDatabase(place) {
		st, err := postgres.Open(ctx, place, postgres.Options{Logger: newLog(std.Err, "text")})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", flag, err)
		}
		return st, nil
	}
	dir, err := filepath.Abs(place)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "FORMAT")); err != nil && !create {
		return nil, fmt.Errorf("%s %s: is no store of hubcap", flag, place)
	}
	st, err := embedded.Open(dir, embedded.Options{Logger: newLog(std.Err, "text")})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return st, nil
}

// inMemory is the --store that keeps nothing.
const inMemory = "memory"

// served is the store of a hub that serves.
type served struct {
	store.Store
	metrics prometheus.Collector
	where   string // as people read it
	left    string // what is left when the hub has stopped
	shared  bool   // other processes may serve it too
}

// open opens the store that --store names.
func (c *serveCmd) open(ctx context.Context, memory int64, log *slog.Logger) (*served, error) {
	timeout, err := time.ParseDuration(c.QueryTimeout)
	if err != nil || timeout <= 0 {
		return nil, fmt.Errorf("--query-timeout %s: must be a time such as 10s or 1m30s", c.QueryTimeout)
	}
	if isDatabase(c.Store) {
		st, err := postgres.Open(ctx, c.Store, postgres.Options{Logger: log, Clock: time.Now, QueryTimeout: timeout})
		if err != nil {
			return nil, fmt.Errorf("--store: %w", err)
		}
		return &served{Store: st, metrics: databaseMetrics{st}, where: withoutPassword(c.Store), left: "what was acknowledged is in the database", shared: true}, nil
	}
	return c.openEmbedded(memory, timeout, log)
}

func (c *serveCmd) openEmbedded(memory int64, timeout time.Duration, log *slog.Logger) (*served, error) {
	// A quarter of the machine for the dictionary of values: memory is 60 % of it.
	opts := embedded.Options{Logger: log, Clock: time.Now, IndexMemory: memory / 12 * 5, QueryTimeout: timeout}
	if c.IndexMemory != "" {
		n, err := parseSize(c.IndexMemory)
		if err != nil {
			return nil, fmt.Errorf("--index-memory: %w", err)
		}
		opts.IndexMemory = n
	}
	free, err := parseSize(c.MinFree)
	if err != nil {
		return nil, fmt.Errorf("--min-free: %w", err)
	}
	opts.MinFree = uint64(free) //nolint:gosec // parseSize answers only what is above 0
	dir := c.Store
	where, left := "memory (nothing outlives the process)", "what was in memory is gone"
	switch dir {
	case inMemory:
		opts.FS, opts.NoCheckpoint = embedded.NewMemory(), true
	case "":
		data := os.Getenv("XDG_DATA_HOME")
		if data == "" {
			home, err := os.UserHomeDir()
			if err != nil {
				return nil, fmt.Errorf("--store has no default here: %w", err)
			}
			data = filepath.Join(home, ".local", "share")
		}
		dir = filepath.Join(data, "hubcap")
		fallthrough
	default:
		absolute, err := filepath.Abs(dir)
		if err != nil {
			return nil, fmt.Errorf("--store %s: %w", dir, err)
		}
		dir, where, left = absolute, absolute, "what was acknowledged is on disk"
	}
	st, err := embedded.Open(dir, opts)
	if err != nil {
		return nil, fmt.Errorf("--store: %w", err)
	}
	return &served{Store: st, metrics: storeMetrics{st.Stats}, where: where, left: left}, nil
}
