package archtest

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	root   = "../.."
	module = "hubcap"
)

// stairs are the levels of the house: imports run only down. The longest prefix of a package's path decides.
var stairs = map[string]int{
	"cmd/hubcap":              5,
	"internal/server":         4,
	"internal/event":          4,
	"web":                     4,
	"internal/hub":            3,
	"internal/store/embedded": 2,
	"internal/store/postgres": 2,
	"internal/store":          1,
	"internal/rule":           1,
	"internal/query":          0,
	"internal/asff":           0,
	"internal/api":            0,
	"internal/sigv4":          0,
	"internal/iam":            0,
	"internal/standards":      0,
	"internal/demo":           0,
	"internal/archtest":       0,
}

// landings are the imports allowed on one level, and of a kit by what ships.
var landings = map[string][]string{
	"cmd/hubcap":      {"internal/asff/asfftest"}, // `hubcap bench` sends findings that are like real ones
	"internal/demo":   {"internal/asff"},          // its tests: what it invents is valid
	"internal/query":  {"internal/asff", "internal/api"},
	"internal/server": {"web"},
}

// kit: a package named for the one it stands in, as storetest in store, is what tests are made of. Only tests, other kits and
// generators import it; it may import what stands on its own level.
func kit(pkg string) bool { return path.Base(pkg) == path.Base(path.Dir(pkg))+"test" }

// rooms may import what the others may not, in what ships: a package and everything beneath it.
var rooms = []struct {
	imported string
	allowed  []string
}{
	{"net/http", []string{"internal/server", "internal/event", "internal/sigv4", "cmd", "web"}},
	{"os", []string{"internal/store/embedded", "internal/store/postgres", "cmd"}},
	{"database/sql", []string{"internal/store/postgres"}},
	{"github.com/jackc/pgx", []string{"internal/store/postgres"}},
	{"github.com/cockroachdb/pebble", []string{"internal/store/embedded"}},
	{"github.com/nats-io", []string{"internal/event"}},
	{"github.com/twmb/franz-go", []string{"internal/event"}},
	{"github.com/rabbitmq", []string{"internal/event"}},
	{"github.com/aws/aws-sdk-go-v2/service", []string{"internal/event"}},
}

// securityhub is the package of the AWS SDK that must not enter the main module, not even by way of a test.
const securityhub = "github.com/aws/aws-sdk-go-v2/service/securityhub"

func TestImportsRunOnlyDown(t *testing.T) {
	for _, f := range sources(t) {
		from := level(f.pkg)
		if from < 0 {
			t.Errorf("%s: package %s stands on no stair: give it a level here and in docs/architecture.md", f.path, f.pkg)
			continue
		}
		for _, imported := range f.imports {
			to, ours := strings.CutPrefix(imported, module+"/")
			if !ours || to == f.pkg {
				continue
			}
			if kit(to) {
				if !f.test && !f.generator && !kit(f.pkg) && !slices.Contains(landings[f.pkg], to) {
					t.Errorf("%s imports %s: only tests and generators may", f.path, to)
				}
				continue
			}
			if level(to) > from || level(to) == from && !kit(f.pkg) && !slices.Contains(landings[f.pkg], to) {
				t.Errorf("%s: %s (level %d) imports %s (level %d): imports run only down", f.path, f.pkg, from, to, level(to))
			}
		}
	}
}

func TestWhoMayImportWhat(t *testing.T) {
	for _, f := range sources(t) {
		for _, imported := range f.imports {
			if within(imported, securityhub) {
				t.Errorf("%s imports %s: only e2e and tools may", f.path, imported)
			}
			if f.test || f.generator || kit(f.pkg) {
				continue
			}
			for _, r := range rooms {
				if within(imported, r.imported) && !slices.ContainsFunc(r.allowed, func(room string) bool { return within(f.pkg, room) }) {
					t.Errorf("%s imports %s: only %v may", f.path, imported, r.allowed)
				}
			}
		}
	}
}

func TestTheSDKsPackageStaysOutOfTheModule(t *testing.T) {
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		require.NotContains(t, string(text), securityhub, name)
	}
}

func TestNoHandWrittenFileIsLong(t *testing.T) {
	const limit = 800
	walk(t, func(file string, d fs.DirEntry) {
		if d.IsDir() || !slices.Contains([]string{".go", ".py", ".sh", ".js", ".mjs", ".ts", ".tsx"}, filepath.Ext(file)) {
			return
		}
		text, err := os.ReadFile(filepath.Join(root, file))
		require.NoError(t, err)
		if n := bytes.Count(text, []byte("\n")); n > limit && !generated(text) {
			t.Errorf("%s has %d lines, more than %d", file, n, limit)
		}
	})
}

func TestNoJunkDrawers(t *testing.T) {
	junk := []string{"util", "utils", "common", "helper", "helpers", "model", "models", "types", "pkg", "middleware", "misc", "shared"}
	walk(t, func(file string, d fs.DirEntry) {
		if d.IsDir() && slices.Contains(junk, d.Name()) {
			t.Errorf("%s: a package is named for what it is to its reader", file)
		}
	})
}

// TestTheRulesBite holds the helpers above against cases that must be found.
func TestTheRulesBite(t *testing.T) {
	require.Equal(t, 2, level("internal/store/embedded"))
	require.Equal(t, 1, level("internal/store/storetest"))
	require.Equal(t, 5, level("cmd/hubcap"))
	require.Equal(t, -1, level("internal/storage"))
	require.True(t, kit("internal/store/storetest"))
	require.False(t, kit("internal/archtest"))
	require.True(t, within("os/exec", "os"))
	require.True(t, within("os", "os"))
	require.False(t, within("oslo", "os"))
	require.True(t, generated([]byte("// Code generated by x. DO NOT EDIT.\n\npackage y\n")))
	require.False(t, generated([]byte("package y\n// Code generated by x. DO NOT EDIT.\n")))
	require.Greater(t, len(sources(t)), 20)
}

type source struct {
	path, pkg string
	test      bool
	generator bool // a command outside cmd/: go:generate runs it, nobody ships it
	imports   []string
}

// sources are the Go files of the main module.
func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	walk(t, func(file string, d fs.DirEntry) {
		if d.IsDir() || filepath.Ext(file) != ".go" || within(file, "tools") || within(file, "e2e") {
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.ImportsOnly)
		require.NoError(t, err)
		s := source{path: file, pkg: path.Dir(file), test: strings.HasSuffix(file, "_test.go")}
		s.generator = f.Name.Name == "main" && !within(file, "cmd")
		for _, i := range f.Imports {
			name, err := strconv.Unquote(i.Path.Value)
			require.NoError(t, err)
			s.imports = append(s.imports, name)
		}
		out = append(out, s)
	})
	return out
}

// walk visits what belongs to the project: no build output, no data, nothing hidden, no packages of others.
func walk(t *testing.T, visit func(file string, d fs.DirEntry)) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(root, func(full string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, full)
		if err != nil || rel == "." {
			return err
		}
		name := d.Name()
		if d.IsDir() && (strings.HasPrefix(name, ".") || name == "bin" || name == "data" || name == "testdata" || name == "node_modules" || rel == "web/dist") {
			return filepath.SkipDir
		}
		visit(filepath.ToSlash(rel), d)
		return nil
	}))
}

func level(pkg string) int {
	best, found := -1, ""
	for room, l := range stairs {
		if within(pkg, room) && len(room) > len(found) {
			best, found = l, room
		}
	}
	return best
}

// within: p is dir or lies beneath it.
func within(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }

// generated: the line that marks generated files stands before the package clause.
func generated(text []byte) bool {
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(line, []byte("package ")) {
			return false
		}
		if bytes.HasPrefix(line, []byte("// Code generated ")) && bytes.Contains(line, []byte(" DO NOT EDIT.")) {
			return true
		}
	}
	return false
}
