package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func counted(t *testing.T, where string) string {
	t.Helper()
	code, out, errs := command(t, "", "findings", "--where", where, "--format", "count")
	require.Zero(t, code, errs)
	return strings.TrimSpace(out)
}

// A demo goes in by the public API, with what people did about it; twice is once; it can be retired (D151).
func TestDemo(t *testing.T) {
	r := serve(t, "--store", "memory", "--min-free", "1")
	alone(t, r.endpoint)
	code, out, errs := command(t, "", "demo", "--findings", "600")
	require.Zero(t, code, out+errs)
	require.Regexp(t, `^600 findings of 4 accounts imported, \d+ triaged, in \S+
  eu-west-1    \d+
  us-east-1    \d+
Look at them: `+r.endpoint+`/console/
$`, out)
	first := counted(t, "all")
	require.NotEqual(t, "0", counted(t, "WorkflowStatus = NOTIFIED and NoteText exists"))
	require.NotEqual(t, "0", counted(t, "WorkflowStatus = SUPPRESSED"))
	require.NotEqual(t, "0", counted(t, "RecordState = ARCHIVED"))
	require.Equal(t, first, counted(t, `ProductName contains "(demo)" and AwsAccountId in (111122223333, 444455556666, 777788889999, 123412341234)`))

	// Again, with the key that the README shows: it says nothing that a hub under --auth none would hold against the others' findings.
	t.Setenv("AWS_ACCESS_KEY_ID", "111122223333")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "any")
	code, out, errs = command(t, "", "demo", "--findings", "600")
	require.Zero(t, code, out+errs)
	alone(t, r.endpoint)
	require.Equal(t, first, counted(t, "all"))

	code, out, errs = command(t, "", "demo", "--findings", "600", "--archive")
	require.Zero(t, code, out+errs)
	require.NotContains(t, out, "Look at them")
	require.Equal(t, "0", counted(t, "RecordState = ACTIVE"))
}

// Where keys are checked, one account has it all.
func TestDemoForOneAccount(t *testing.T) {
	r := serve(t, "--auth", "sigv4", "--config", "../../docs/examples/hubcap.toml", "--store", "memory", "--min-free", "1")
	alone(t, r.endpoint)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAHUBCAPEXAMPLEAAA")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "hubcap/example/secret/of/account/one0000")
	t.Setenv("AWS_REGION", "eu-central-1")
	code, out, errs := command(t, "", "demo", "--findings", "50")
	require.Equal(t, 1, code, out)
	require.Contains(t, errs+out, "AccessDeniedException")
	code, out, errs = command(t, "", "demo", "--findings", "50", "--account", "111122223333")
	require.Zero(t, code, out+errs)
	require.Contains(t, out, "  eu-central-1 50\n")
	require.Equal(t, "50", counted(t, "AwsAccountId = 111122223333"))
}

func TestDemoUsage(t *testing.T) {
	for args, want := range map[string]string{
		"--findings 0": "--findings 0: must be 1 to 1000000", "--account 12": "--account 12: must be 12 digits", "--endpoint ftp://x": "--endpoint ftp://x",
	} {
		code, _, errs := command(t, "", append([]string{"demo"}, strings.Fields(args)...)...)
		require.Equal(t, 1, code)
		require.Contains(t, errs, want)
	}
}
