package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

// TestImport sends files to a hub as a user would, without any AWS set-up.
func TestImport(t *testing.T) {
	hub := serve(t)
	file := filepath.Join(t.TempDir(), "findings.ndjson")
	text := validJSON("a", "") + "\n" + validJSON("bad", `,"Types":["\u001b/a/b/c"]`) + "\n" + validJSON("b", "") + "\n"
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	code, out, errs := hubcap(t, nil, "import", "--endpoint", hub.URL, file, "docs/examples/finding.json")
	require.Equal(t, 1, code, errs)
	require.Contains(t, out, "findings.ndjson:2:1: bad: InvalidInput: Finding does not adhere to Amazon Finding Format. data.Types[0] should match pattern ")
	require.Contains(t, out, "4 findings read: 3 imported, 1 failed, ")
	require.ElementsMatch(t, []string{"a", "b", "my-first-finding"}, ids(find(t, hub.as(mine), types.AwsSecurityFindingFilters{})))

	// The same again: all stale, all well.
	code, out, _ = hubcap(t, strings.NewReader(validJSON("a", "")), "import", "--endpoint", hub.URL, "-")
	require.Equal(t, 0, code)
	require.Contains(t, out, "1 finding read: 1 imported, 0 failed, ")

	// lint says beforehand what import will say, and more.
	code, out, _ = hubcap(t, nil, "lint", file)
	require.Equal(t, 1, code)
	require.Contains(t, out, "findings.ndjson:2:")
	require.Contains(t, out, "data.Types[0] should match pattern ")
	require.Contains(t, out, `"\u001b/a/b/c"`)
	require.Contains(t, out, "3 findings read: 1 bad, ")
}

// TestImportOfNobody: a hub that is not there is given up in time.
func TestImportOfNobody(t *testing.T) {
	code, out, errs := hubcap(t, nil, "import", "--endpoint", "http://127.0.0.1:1", "--retry-for", "0", "docs/examples/finding.json")
	require.Equal(t, 1, code)
	require.Contains(t, out, "1 not sent")
	require.Contains(t, errs, "connection refused")
}

func TestVersion(t *testing.T) {
	code, out, errs := hubcap(t, nil, "version")
	require.Equal(t, 0, code)
	require.Regexp(t, `^hubcap \S+ go1\.\S+ \w+/\w+\n$`, out)
	require.Empty(t, errs)
}

// TestBench measures the hub shortly.
func TestBench(t *testing.T) {
	hub := serve(t)
	code, out, errs := hubcap(t, nil, "bench", "--endpoint", hub.URL, "--clients", "2", "--findings", "200")
	require.Equal(t, 0, code, errs)
	require.Regexp(t, `(?m)^ +2 +new +200 .* \d+\.\d +0$`, out, "with the hub's own processor time")
	require.Regexp(t, `(?m)^ +2 +update +200 `, out)
}

// TestOneSDK: these tests and the generators read the same version of the SDK's package.
func TestOneSDK(t *testing.T) {
	const name = "github.com/aws/aws-sdk-go-v2/service/securityhub "
	versions := map[string]bool{}
	for _, file := range []string{"go.mod", "../tools/go.mod"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		_, rest, found := strings.Cut(string(text), name)
		require.True(t, found, file)
		version, _, _ := strings.Cut(rest, "\n")
		version, _, _ = strings.Cut(version, " ")
		versions[version] = true
	}
	require.Len(t, versions, 1, "tools/go.mod pins it; this module follows")
	main, err := os.ReadFile("../go.mod")
	require.NoError(t, err)
	require.NotContains(t, string(main), name)
}
