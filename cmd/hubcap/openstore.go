package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"hubcap/internal/store"
	"hubcap/internal/store/embedded"
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
