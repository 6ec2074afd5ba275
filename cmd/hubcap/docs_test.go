package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
)

// TestDifferencesArePinned holds docs/differences.md against the tests it names: each number stands once, with a test that exists
// and a text case that exists, unless it says that it is not built.
func TestDifferencesArePinned(t *testing.T) {
	page, err := os.ReadFile("../../docs/differences.md")
	require.NoError(t, err)
	built, later, _ := strings.Cut(string(page), "## Settled, but not built yet")
	number := regexp.MustCompile(`(?m)^- \*\*D(\d+)\*\* `)
	seen := map[string]bool{}
	for _, part := range []string{built, later} {
		for _, m := range number.FindAllStringSubmatch(part, -1) {
			require.False(t, seen[m[1]], "D%s stands twice", m[1])
			seen[m[1]] = true
		}
	}
	for n := range 70 { // later ones came in ranges
		require.True(t, seen[strconv.Itoa(n+1)], "D%d is missing", n+1)
	}

	pin := regexp.MustCompile("`((?:internal|cmd|e2e|web)[a-z0-9/]*)\\s+(Test\\w+)`(?:\\s+\\(([^)]+)\\))?")
	for _, at := range number.FindAllStringSubmatchIndex(built, -1) {
		text := built[at[1]:]
		if next := number.FindStringIndex(text); next != nil {
			text = text[:next[0]]
		}
		name := "D" + built[at[2]:at[3]]
		require.Contains(t, text, "*Pinned by*", name)
		pins := pin.FindAllStringSubmatch(text, -1)
		require.NotEmpty(t, pins, name)
		for _, p := range pins {
			require.True(t, hasTest(t, filepath.Join("../..", p[1]), p[2]), "%s: there is no %s in %s", name, p[2], p[1])
			if p[3] != "" {
				_, err := os.Stat(filepath.Join("../..", p[1], "testdata", p[3]))
				require.NoError(t, err, name)
			}
		}
	}
}

func hasTest(t *testing.T, dir, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	require.NoError(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		if strings.Contains(string(text), "\nfunc "+name+"(t *testing.T) {") {
			return true
		}
	}
	return false
}

// TestEveryFlagIsDocumented holds docs/configuration.md against the command line: each flag of each verb, its environment and its
// default.
func TestEveryFlagIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/configuration.md")
	require.NoError(t, err)
	parser, err := kong.New(new(cli), kong.Name("hubcap"), kong.DefaultEnvars("HUBCAP"))
	require.NoError(t, err)
	rows := strings.Split(string(page), "\n")
	flags := 0
	for _, verb := range parser.Model.Children {
		for _, f := range verb.Flags {
			flags++
			row := ""
			for _, line := range rows {
				if strings.HasPrefix(line, "|") && strings.Contains(line, "`--"+f.Name+"`") && (verb.Name == "serve" || strings.Contains(line, "`"+verb.Name+"`")) {
					row = line
					break
				}
			}
			require.NotEmpty(t, row, "hubcap %s --%s", verb.Name, f.Name)
			require.Contains(t, f.Envs, "HUBCAP_"+strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_")), "hubcap %s --%s", verb.Name, f.Name)
			for _, env := range f.Envs {
				require.Contains(t, row, "`"+env+"`", "--%s", f.Name)
			}
			if f.HasDefault && f.Default != "" {
				require.Contains(t, row, "`"+f.Default+"`", "--%s", f.Name)
			}
		}
	}
	require.Greater(t, flags, 20)
}

// TestEveryFlagHasItsVariable reads the help of each verb, as the program prints it: a flag without its variable would not name one.
func TestEveryFlagHasItsVariable(t *testing.T) {
	flag := regexp.MustCompile(`(?m)^ +(?:-\w, )?--([a-z-]+)`)
	for _, verb := range []string{"serve", "import", "lint", "bench", "backup", "restore", "doctor", "findings", "update", "jobs", "export", "explain", "version"} {
		var out, errs bytes.Buffer
		require.Zero(t, Main(t.Context(), []string{"help", verb}, nil, &out, &errs), errs.String())
		names := flag.FindAllStringSubmatch(out.String(), -1)
		require.NotEmpty(t, names)
		for _, m := range names {
			if m[1] == "help" || m[1] == "version" {
				continue
			}
			variable := "$HUBCAP_" + strings.ToUpper(strings.ReplaceAll(m[1], "-", "_"))
			require.Regexp(t, regexp.QuoteMeta(variable)+`[,)]`, out.String(), "hubcap %s --%s", verb, m[1])
		}
	}
}

// TestPagesLeadSomewhere: no link between the pages is dead.
func TestPagesLeadSomewhere(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	more, err := filepath.Glob("../../docs/adr/*.md")
	require.NoError(t, err)
	pages = append(append(pages, more...), "../../README.md", "../../CONTRIBUTING.md")
	for _, page := range pages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		prose := regexp.MustCompile("(?s)```.*?```|`[^`]*`").ReplaceAllString(string(text), "")
		for _, m := range regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`).FindAllStringSubmatch(prose, -1) {
			_, err := os.Stat(filepath.Join(filepath.Dir(page), m[1]))
			require.NoError(t, err, "%s names %s", page, m[1])
		}
	}
}

// TestArchitectureIsTrue: the rooms and files that the plan of the house names are there.
func TestArchitectureIsTrue(t *testing.T) {
	page, err := os.ReadFile("../../docs/architecture.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(page), "## Where is...?")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "\n## ")
	named := 0
	for _, m := range regexp.MustCompile(`(?m)^\| [^|]+ \| ([^|]+) \|$`).FindAllStringSubmatch(table, -1) {
		for room := range strings.SplitSeq(m[1], ",") {
			room = strings.TrimSpace(room)
			if room == "room" {
				continue
			}
			named++
			_, inside := os.Stat(filepath.Join("../../internal", room))
			_, top := os.Stat(filepath.Join("../..", room))
			require.True(t, inside == nil || top == nil, "there is no %s", room)
		}
	}
	require.Greater(t, named, 8)
}
