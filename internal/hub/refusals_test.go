package hub

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hubcap/internal/api"
)

// beyondTheModel are the refusals that the service's model does not name for an operation, and why they are answered.
var beyondTheModel = map[string]string{
	"BatchUpdateFindings 403 AccessDeniedException":                "IAM's, which the model names for some operations only",
	"BatchUpdateFindings 400 SerializationException":               "of every request that cannot be read (D42)",
	"UpdateFindings 400 SerializationException":                    "of every request that cannot be read (D42)",
	"DisableImportFindingsForProduct 403 AccessDeniedException":    "seen from AWS (D68)",
	"DisableSecurityHub 400 InvalidInputException":                 "seen from AWS: the administrator cannot",
	"EnableImportFindingsForProduct 404 ResourceNotFoundException": "seen from AWS (D67)",
	"EnableSecurityHub 400 InvalidInputException":                  "bad tags: the model names nothing for them",
	"ListEnabledProductsForImport 400 InvalidInputException":       "bad MaxResults: the model names nothing for it",
}

// Every refusal in testdata is an exception that the service's model names for the operation, or stands above: clients
// that are generated from the model know no others.
func TestRefusalsAreTheModels(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	refusal := regexp.MustCompile(`(?m)^call (\w+)[^\n]*\n(?:[^\n]+\n)*?----\n(\d\d\d) (\w+)$`)
	met, refusals := map[string]bool{}, 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range refusal.FindAllStringSubmatch(string(text), -1) {
			op, ok := api.Find(m[1])
			if !ok || !strings.HasPrefix(op.Action, "securityhub:") {
				continue // hubcap's own
			}
			refusals++
			what := m[1] + " " + m[2] + " " + m[3]
			if slices.Contains(op.Errors, m[3]) {
				continue
			}
			require.Contains(t, beyondTheModel, what, "%s: the model names %s", file, op.Errors)
			met[what] = true
		}
	}
	require.Greater(t, refusals, 300)
	for what := range beyondTheModel {
		require.True(t, met[what], "%s is not answered any more", what)
	}
}
