package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const project = "../.."

func TestCommittedPageIsWhatTheGeneratorWrites(t *testing.T) {
	want, err := generate(project)
	require.NoError(t, err)
	have, err := os.ReadFile(filepath.Join(project, "docs", "operations.md"))
	require.NoError(t, err)
	require.Equal(t, string(want), string(have), "docs/operations.md is not what genoperations writes: make gen")
}

func TestPage(t *testing.T) {
	page, err := generate(project)
	require.NoError(t, err)
	classic, rest, found := strings.Cut(string(page), "## The second version")
	require.True(t, found)
	require.Equal(t, 79, strings.Count(classic, "\n| ")-1, "a row an operation, and the head")
	v2, _, _ := strings.Cut(rest, "\n## ")
	require.Equal(t, 30, strings.Count(v2, "\n| ")-1)
	for _, row := range []string{
		"| DescribeHub | `GET /accounts` | yes | [describe_hub_test.go](../e2e/describe_hub_test.go) | ",
		"| GetFindingsV2 (as `securityhub:GetFindings`) | `POST /findingsv2` | no |  |  |\n",
	} {
		require.Equal(t, 1, strings.Count(string(page), "\n"+row), row)
	}
}

func TestTestFile(t *testing.T) {
	for name, want := range map[string]string{
		"DescribeHub": "describe_hub_test.go",
		"BatchUpdateStandardsControlAssociations": "batch_update_standards_control_associations_test.go",
		"GetFindingsV2":                        "get_findings_v2_test.go",
		"EnableImportFindingsForProduct":       "enable_import_findings_for_product_test.go",
		"DisassociateFromAdministratorAccount": "disassociate_from_administrator_account_test.go",
	} {
		require.Equal(t, want, testFile(name))
	}
}

// An item speaks of the operations that it names, and of those that the tests it names are named for.
func TestSpeaksOf(t *testing.T) {
	names := []string{"GetFindings", "GetFindingsV2", "GetFindingHistory", "GetInsights"}
	d := difference{words: []string{"GetInsights", "TestGetFindingsV2Sorts", "TestGetFindingHistory"}}
	var of []string
	for _, n := range names {
		if d.speaksOf(n, names) {
			of = append(of, n)
		}
	}
	require.Equal(t, []string{"GetFindingsV2", "GetFindingHistory", "GetInsights"}, of)

	// Under the heading of an operation, what names none is about that one.
	d = difference{section: "Asking", words: []string{"Nothing"}}
	require.True(t, d.speaksOf("GetFindings", names))
	require.False(t, d.speaksOf("GetInsights", names))
	d.words = []string{"GetInsights"}
	require.False(t, d.speaksOf("GetFindings", names))
}

// What is not as the generator expects it is an error that names the file, never a shorter page.
func TestBrokenSources(t *testing.T) {
	sources := map[string]string{
		"internal/api/operations_gen.go": "package api\nvar service = []Operation{{Name: \"Alpha\", Method: \"GET\", Pattern: \"/a\", Action: \"securityhub:Alpha\"}}\n",
		"internal/server/bind.go":        "package server\nvar m = map[string]operation{\"Alpha\": nil}\n",
		"internal/server/extensions.go":  "package server\nvar x = extend(\"B\", \"GET\", \"b\", nil)\n",
		"docs/differences.md":            "- **D1** of Alpha.\n",
	}
	write := func(t *testing.T, change map[string]string) string {
		root := t.TempDir()
		for name, text := range sources {
			if other, ok := change[name]; ok {
				text = other
			}
			path := filepath.Join(root, name)
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
			require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		}
		return root
	}
	root := write(t, nil)
	page, err := generate(root)
	require.NoError(t, err)
	require.Contains(t, string(page), "| Alpha | `GET /a` | yes |  | D1 |\n")
	require.Contains(t, string(page), "| B | `GET /hubcap/v1/b` | yes |  |  |\n")
	require.NoError(t, run(root))
	for name, text := range map[string]string{
		"internal/api/operations_gen.go": "package api\nvar service = []Operation{{Name: \"Alpha\", Method: \"GET\"}}\n",
		"internal/server/bind.go":        "package server\nvar m = map[string]operation{\"Unknown\": nil}\n",
		"internal/server/extensions.go":  "package server\nvar x = extend(name, \"GET\", \"b\", nil)\n",
		"docs/differences.md":            "nothing\n",
	} {
		_, err := generate(write(t, map[string]string{name: text}))
		require.Error(t, err, name)
	}
	for _, name := range []string{"internal/api/operations_gen.go", "internal/server/bind.go"} {
		_, err := generate(write(t, map[string]string{name: "package x\n"}))
		require.ErrorContains(t, err, name)
	}
}
