package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

// TestRules: what a rule would do is tried, before it is kept and after; then it is run on what was there before it, and taken back.
func TestRules(t *testing.T) {
	hub := serve(t)
	c := hub.as(operator)
	imports(t, c, newFinding(mine, "a"), newFinding(mine, "b"), newFinding(other, "c"), newFinding(mine, "d", func(f *types.AwsSecurityFinding) {
		f.Title = aws.String("else")
	}))
	file := filepath.Join(t.TempDir(), "rule.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"RuleName":"quiet","Description":"d","RuleOrder":3,
		"Criteria":{"Title":[{"Value":"Title of ","Comparison":"PREFIX"}]},
		"Actions":[{"Type":"FINDING_FIELDS_UPDATE","FindingFieldsUpdate":{"Workflow":{"Status":"SUPPRESSED"}}}]}`), 0o600))
	rules := func(args ...string) (code int, out, errs string) {
		return hubcap(t, nil, append([]string{"rules"}, append(args, "--endpoint", hub.URL)...)...)
	}

	// Without credentials it is the operator who asks, of every account.
	code, out, errs := rules("try", file, "--samples", "1")
	require.Equal(t, 0, code, errs)
	require.Regexp(t, "^would change 3 findings of 3 that match\n  Title of [abc]\n    [0-9]{12} [abc]\n    Workflow.Status: NEW -> SUPPRESSED\n$", out)
	code, out, errs = rules("try", "-", "--format", "json")
	require.Equal(t, 1, code, out)
	require.Contains(t, errs, "stdin: ", "the standard input is empty")
	require.Equal(t, types.WorkflowStatusNew, get(t, c, "a").Workflow.Status)

	arn := newRule(t, c, 3, prefixed("Title of "), suppress())
	code, out, errs = rules("list")
	require.Equal(t, 0, code, errs)
	require.Regexp(t, `(?m)^Order +Status +Terminal +Name +Updated +Rule$`, out)
	require.Regexp(t, `(?m)^3 +ENABLED +rule 3 +\S+Z +`+arn+`$`, out)
	code, out, errs = rules("list", "--format", "json")
	require.Equal(t, 0, code, errs)
	require.Contains(t, out, `"`+arn+`"`)

	code, out, errs = rules("run", arn)
	require.Equal(t, 1, code, out)
	require.Contains(t, errs, "--yes")
	require.Equal(t, types.WorkflowStatusNew, get(t, c, "a").Workflow.Status)
	code, out, errs = rules("run", arn, "--yes")
	require.Equal(t, 0, code, errs)
	require.Contains(t, out, "would change 3 findings of 3 that match\n")
	require.Contains(t, out, ": done. 3 findings: 3 changed, 0 unchanged, 0 no longer matching, 0 failed\n")
	for id, want := range map[string]types.WorkflowStatus{"a": types.WorkflowStatusSuppressed, "c": types.WorkflowStatusSuppressed, "d": types.WorkflowStatusNew} {
		require.Equal(t, want, get(t, c, id).Workflow.Status, id)
	}
	require.Equal(t, arn, *history(t, c, "a")[0].UpdateSource.Identity)
	code, out, errs = rules("try", arn)
	require.Equal(t, 0, code, errs)
	require.Equal(t, "would change 0 findings of 3 that match\n", out)

	job := regexp.MustCompile(`update --undo (\S+)`).FindStringSubmatch(out + lastRun(t, hub, file))
	require.NotNil(t, job)
	code, out, errs = hubcap(t, nil, "update", "--undo", job[1], "--endpoint", hub.URL)
	require.Equal(t, 0, code, out+errs)

	// What is wrong is said where it is.
	require.NoError(t, os.WriteFile(file, []byte(`{"Criteria":{}}`), 0o600))
	code, _, errs = rules("try", file)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "rule.json: a rule has Criteria and Actions")
	require.NoError(t, os.WriteFile(file, []byte(`{"Criteria":{"Titel":[]},"Actions":[]}`), 0o600))
	code, _, errs = rules("try", file)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "Invalid parameter 'Rule.Criteria.Titel'. should NOT be there: no such property.")
	code, _, errs = rules("run", arn+"0", "--yes")
	require.Equal(t, 1, code)
	require.Contains(t, errs, "ResourceNotFoundException")
}

// lastRun runs a rule that changes one finding, and answers what was said.
func lastRun(t *testing.T, hub *server, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, []byte(strings.ReplaceAll(string(text), "Title of ", "else")), 0o600))
	code, out, errs := hubcap(t, nil, "rules", "run", "--yes", file, "--endpoint", hub.URL)
	require.Equal(t, 0, code, errs)
	return out
}

func TestReadmeRules(t *testing.T) {
	need(t, "aws", "--version")
	hub := serve(t)
	var block string
	for _, b := range readme(t)["sh"] {
		if strings.Contains(b, "hubcap rules try") {
			block = b
		}
	}
	out := shell(t, hub, strings.ReplaceAll(block, "bin/hubcap ", binary+" "))
	require.Contains(t, out, "would change 1 finding of 1 that match\n  Bucket invoices is readable by everyone\n    111122223333 my-first-finding\n")
	require.Contains(t, out, "    Severity.Label: HIGH -> CRITICAL\n")
	require.Contains(t, out, "Public buckets are critical")
	require.Contains(t, out, ": done. 1 finding: 1 changed, ")
	require.Equal(t, types.SeverityLabelCritical, get(t, hub.as(mine), "my-first-finding").Severity.Label)
}
