package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A hub is copied while it serves, then once more when it has ended; whoever serves the copy finds everything.
func TestMigrate(t *testing.T) {
	noAWS(t)
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	written := regexp.MustCompile(`written (\d+) findings, removed (\d+);`)
	migrate := func(place string) string {
		code, out, errs := run(t, "migrate", "--from", place, "--to", to)
		require.Zero(t, code, out+errs)
		require.Regexp(t, `verified: both sides have the SHA-256 sum [0-9a-f]{64}\n$`, out)
		require.NotContains(t, errs, "%", "no bar where nobody looks")
		return written.FindString(out)
	}
	export := func(t *testing.T, store string) (text string) {
		t.Helper()
		t.Run("export", func(t *testing.T) {
			endpoint := startHub(t, "--store", store)
			file := filepath.Join(t.TempDir(), "all.ndjson")
			code, out, errs := run(t, "export", "--endpoint", endpoint, "-o", file)
			require.Zero(t, code, out+errs)
			b, err := os.ReadFile(file)
			require.NoError(t, err)
			lines := strings.Split(string(b), "\n")
			slices.Sort(lines) // each store has an order of its own
			sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
			text = fmt.Sprintf("%d lines, %x", len(lines), sum)
		})
		return text
	}
	t.Run("while it serves", func(t *testing.T) {
		endpoint := startHub(t, "--store", from)
		sendSample(t, endpoint, 300)
		require.Equal(t, "written 300 findings, removed 0;", migrate(endpoint))
		sendSample(t, endpoint, 500)
	})
	require.Equal(t, "written 200 findings, removed 0;", migrate(from))
	require.Equal(t, "written 0 findings, removed 0;", migrate(from))
	all := export(t, to)
	require.Equal(t, export(t, from), all)
	require.Regexp(t, `^\d{3} lines`, all)

	// It was served: from here on it has a life of its own.
	code, _, errs := run(t, "migrate", "--from", from, "--to", to)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "holds 500 findings and is no copy under way: name an empty store, or say --over")
	code, out, errs := run(t, "migrate", "--from", from, "--to", to, "--over")
	require.Zero(t, code, out+errs)
}

func TestMigrateRefuses(t *testing.T) {
	noAWS(t)
	dir := t.TempDir()
	one, other := filepath.Join(dir, "one"), filepath.Join(dir, "other")
	for _, store := range []string{one, other} {
		t.Run("fill", func(t *testing.T) { sendSample(t, startHub(t, "--store", store), 3) })
	}
	for _, c := range []struct {
		from, to, want string
	}{
		{one, one, "--from and --to are the same store"},
		{filepath.Join(dir, "nothing"), one, "is no store of hubcap"},
		{one, other, "--to " + other + " holds 3 findings and is no copy under way"},
		{"http://127.0.0.1:1", other, "a backup of http://127.0.0.1:1: "},
	} {
		code, out, errs := run(t, "migrate", "--from", c.from, "--to", c.to)
		require.Equal(t, 1, code, out)
		require.Contains(t, errs, c.want)
	}
	copied := filepath.Join(dir, "copied")
	code, out, errs := run(t, "migrate", "--from", one, "--to", copied)
	require.Zero(t, code, out+errs)
	code, _, errs = run(t, "migrate", "--from", other, "--to", copied)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "is of another store")
	require.NoDirExists(t, filepath.Join(dir, "nothing"), "what is not there is not made")
}

func TestWithoutPassword(t *testing.T) {
	for place, want := range map[string]string{
		"./data":                           "./data",
		"postgres://me:secret@db:5432/hub": "postgres://me:xxxxx@db:5432/hub",
		"postgres://me@db/hub?password=secret&sslmode=require": "postgres://me@db/hub?password=xxxxx&sslmode=require",
		"postgres://me:sec%ret@db/hub":                         "the database",
	} {
		require.Equal(t, want, withoutPassword(place))
	}
}
