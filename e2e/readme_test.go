package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	_ "github.com/aws/aws-sdk-go-v2/config" // the README's Go program imports it
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

// readme is the README's fenced blocks by language, in order.
func readme(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	blocks := map[string][]string{}
	for _, m := range regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		blocks[m[1]] = append(blocks[m[1]], m[2])
	}
	return blocks
}

// clientBlock is the block that makes any client work, for this hub.
func clientBlock(t *testing.T, hub *server) string {
	t.Helper()
	block := readme(t)["sh"][0]
	require.Contains(t, block, "export AWS_ENDPOINT_URL_SECURITYHUB=http://127.0.0.1:4510 ")
	return strings.ReplaceAll(block, "http://127.0.0.1:4510", hub.URL)
}

// shell runs lines in the project's folder, after the block that points clients at the hub.
func shell(t *testing.T, hub *server, lines string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", clientBlock(t, hub)+lines)
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_PAGER=", "AWS_PROFILE=nobody")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	require.NoError(t, cmd.Run(), "%s%s", out.String(), errs.String())
	return out.String()
}

// TestRoundTrip: what a user does in a day, with the AWS CLI and with boto3: testdata/roundtrip.*.
func TestRoundTrip(t *testing.T) {
	t.Run("AWS CLI", func(t *testing.T) {
		need(t, "aws", "--version")
		require.Contains(t, shell(t, serve(t), "bash -euo pipefail e2e/testdata/roundtrip.sh"), "round trip done\n")
	})
	t.Run("boto3", func(t *testing.T) {
		need(t, "python3", "-c", "import boto3")
		require.Contains(t, shell(t, serve(t), "python3 e2e/testdata/roundtrip.py"), "round trip done\n")
	})
}

// need skips a test where a program is not installed.
func need(t *testing.T, program string, args ...string) {
	t.Helper()
	if err := exec.Command(program, args...).Run(); err != nil {
		t.Skipf("%s %s does not run on this machine: %v", program, strings.Join(args, " "), err)
	}
}

func TestReadmeClientBlock(t *testing.T) {
	hub := serve(t)
	for line := range strings.SplitSeq(strings.TrimSpace(clientBlock(t, hub)), "\n") {
		require.Contains(t, hub.said(), line, "serve prints the README's block")
	}
}

func TestReadmeAWSCLI(t *testing.T) {
	need(t, "aws", "--version")
	hub := serve(t)
	out := shell(t, hub, readme(t)["sh"][1])
	require.Contains(t, out, `"SuccessCount": 1`)
	require.Contains(t, out, "Bucket invoices is readable by everyone")
	require.Equal(t, []string{"my-first-finding"}, ids(find(t, hub.as(mine), types.AwsSecurityFindingFilters{})))
}

func TestReadmeTriage(t *testing.T) {
	need(t, "aws", "--version")
	hub := serve(t)
	imports(t, hub.as(mine), newFinding(mine, "my-first-finding", at(time.Now().UTC().Format(time.RFC3339))))
	out := shell(t, hub, readme(t)["sh"][4])
	require.Contains(t, out, `"ProcessedFindings": [
        {
            "Id": "my-first-finding",`)
	require.Contains(t, out, `"Severity.Label",`)
	require.Contains(t, out, `"GroupByAttributeValue": "i-my-first-finding",
                "Count": 1`)
	require.Contains(t, out, `"GroupByAttributeValue": "CRITICAL",
                "Count": 1`)
}

// An administrator, its member, and all Regions in one place.
func TestReadmeManyAccounts(t *testing.T) {
	need(t, "aws", "--version")
	hub := serve(t)
	member := hub.as("444455556666")
	imports(t, member, newFinding("444455556666", "of-the-member"))
	out := shell(t, hub, readme(t)["sh"][7])
	require.Contains(t, out, "444455556666\tEnabled\n")
	require.Contains(t, out, `"FindingAggregationRegion": "us-east-1",`)
	require.Equal(t, []string{"of-the-member"}, ids(find(t, hub.as(mine), types.AwsSecurityFindingFilters{})))
}

func TestReadmePython(t *testing.T) {
	need(t, "python3", "-c", "import boto3")
	hub := serve(t)
	program := filepath.Join(t.TempDir(), "first.py")
	require.NoError(t, os.WriteFile(program, []byte(readme(t)["python"][0]), 0o600))
	require.Equal(t, "1 []\nHIGH Bucket invoices is readable by everyone\n", shell(t, hub, "python3 "+program))
}

func TestReadmeGo(t *testing.T) {
	hub := serve(t)
	// Inside this module, which has the SDK.
	dir, err := os.MkdirTemp(".", "readme-go-") //nolint:usetesting // outside this module the SDK would not be found
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(readme(t)["go"][0]), 0o600))
	require.Equal(t, "1 imported, 0 failed\n", shell(t, hub, "cd e2e && go run ./"+dir))
	require.Equal(t, types.SeverityLabelHigh, get(t, hub.as(mine), "my-first-go-finding").Severity.Label)
}

func TestReadmeJavaScript(t *testing.T) {
	need(t, "node", "--version")
	if _, err := os.Stat("js/node_modules/@aws-sdk/client-securityhub"); err != nil {
		t.Skip("the JavaScript SDK is not installed: npm ci --prefix e2e/js")
	}
	hub := serve(t)
	program, err := os.CreateTemp("js", "readme-*.mjs")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.Remove(program.Name()) })
	_, err = program.WriteString(readme(t)["js"][0])
	require.NoError(t, err)
	require.NoError(t, program.Close())
	require.Equal(t, "1 []\n", shell(t, hub, "node e2e/"+program.Name()))
	require.Equal(t, "Bucket invoices is readable by everyone", *get(t, hub.as(mine), "my-first-finding").Title)
}

func TestReadmeHubcap(t *testing.T) {
	hub := serve(t)
	sh := readme(t)["sh"]
	require.Len(t, sh, 8, "the client block, the AWS CLI, import, lint, triage, rules, find, many accounts")
	for i, want := range map[int]string{2: "1 finding read: 1 imported, 0 failed, ", 3: "1 finding read: 0 bad, 0 violations"} {
		require.Contains(t, sh[i], "bin/hubcap ")
		lines := strings.ReplaceAll(strings.ReplaceAll(sh[i], "bin/hubcap ", binary+" "), "http://127.0.0.1:4510", hub.URL)
		require.Contains(t, shell(t, hub, lines), want)
	}
	require.Equal(t, []string{"my-first-finding"}, ids(find(t, hub.as(mine), types.AwsSecurityFindingFilters{})))
}
