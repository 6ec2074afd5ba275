package e2e

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPaginators drives every paginator that boto3 has for the service: testdata/paginators.py finds them out from the client. What it
// could not page is what docs/operations.md says is not built.
func TestPaginators(t *testing.T) {
	need(t, "python3", "-c", "import boto3")
	out := shell(t, serve(t), "python3 e2e/testdata/paginators.py")
	page, err := os.ReadFile("../docs/operations.md")
	require.NoError(t, err)
	names := func(line string) []string {
		m := regexp.MustCompile(`(?m)^` + line + `:(.*)$`).FindStringSubmatch(out)
		require.NotNil(t, m, out)
		return strings.Fields(m[1])
	}
	built, missing := names("paginated"), names("not built")
	require.GreaterOrEqual(t, len(built), 6)
	require.GreaterOrEqual(t, len(built)+len(missing), 24)
	for answer, list := range map[string][]string{"yes": built, "no": missing} {
		for _, name := range list {
			require.Regexp(t, "(?m)^\\| "+name+"(?: \\(as `[^`]+`\\))? \\| `[^`]+` \\| "+answer+" \\|", string(page))
		}
	}
	t.Logf("%s", out)
}

// TestResponses holds the answer of every operation of the first version against botocore's model, byte for byte as boto3 gets it:
// testdata/responses.py. The SDK for Go takes what lacks a required member; others, and what is generated from the model, do not.
func TestResponses(t *testing.T) {
	need(t, "python3", "-c", "import boto3")
	require.Contains(t, shell(t, serve(t), "python3 e2e/testdata/responses.py"), "79 operations answer as the model says; ")
}
