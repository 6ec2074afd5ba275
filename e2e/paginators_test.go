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
