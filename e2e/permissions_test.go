package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

// TestPermissions: a key that may triage, but neither suppress nor touch severities, and manage its own custom action alone.
func TestPermissions(t *testing.T) {
	config := filepath.Join(t.TempDir(), "hubcap.toml")
	require.NoError(t, os.WriteFile(config, []byte(`
[[keys]]
id = "AKIAADMIN"
secret = "s"
account = "111122223333"

[[keys]]
id = "AKIATRIAGE"
secret = "s"
account = "111122223333"
name = "triage"
policy = [
  { effect = "Allow", action = ["securityhub:BatchUpdateFindings", "securityhub:GetFindings"], resource = ["arn:aws:securityhub:*:111122223333:hub/default"] },
  { effect = "Allow", action = ["securityhub:*ActionTarget"], resource = ["arn:aws:securityhub:us-east-1:111122223333:action/custom/mine"] },
  { effect = "Deny", action = ["*"], resource = ["*"], condition = { StringEquals = { "securityhub:ASFFSyntaxPath/Workflow.Status" = ["SUPPRESSED"] } } },
  { effect = "Deny", action = ["*"], resource = ["*"], condition = { Null = { "securityhub:ASFFSyntaxPath/Severity" = ["false"] } } },
]
`), 0o600))
	hub := serve(t, "--auth", "sigv4", "--config", config)
	admin, triage := hub.signed("AKIAADMIN", "s", region), hub.signed("AKIATRIAGE", "s", region)
	imports(t, admin, newFinding(mine, "a"))
	finding := []types.AwsSecurityFindingIdentifier{{Id: aws.String("a"), ProductArn: aws.String(defaultProduct(mine))}}
	update := func(in securityhub.BatchUpdateFindingsInput) error {
		in.FindingIdentifiers = finding
		_, err := triage.BatchUpdateFindings(t.Context(), &in)
		return err
	}
	status := func(s types.WorkflowStatus) securityhub.BatchUpdateFindingsInput {
		return securityhub.BatchUpdateFindingsInput{Workflow: &types.WorkflowUpdate{Status: s}}
	}
	const who = "AccessDeniedException: User: arn:aws:iam::" + mine + ":user/triage is not authorized to perform: securityhub:"
	const denied = " on resource: " + hubARN + " with an explicit deny"
	require.NoError(t, update(status(types.WorkflowStatusNotified)))
	requireRefused(t, update(status(types.WorkflowStatusSuppressed)), who+"BatchUpdateFindings"+denied)
	requireRefused(t, update(securityhub.BatchUpdateFindingsInput{Severity: &types.SeverityUpdate{Label: types.SeverityLabelLow}}), who+"BatchUpdateFindings"+denied)
	require.Equal(t, types.WorkflowStatusNotified, get(t, triage, "a").Workflow.Status)

	rename := func(id string) error {
		_, err := triage.UpdateActionTarget(t.Context(), &securityhub.UpdateActionTargetInput{ActionTargetArn: aws.String(pageARN + id), Name: aws.String("x")})
		return err
	}
	createAction(t, admin, "mine")
	createAction(t, admin, "theirs")
	require.NoError(t, rename("mine"))
	requireRefused(t, rename("theirs"), who+"UpdateActionTarget on resource: "+hubARN+
		" because no identity-based policy allows the securityhub:UpdateActionTarget action")
	_, err := triage.DescribeStandards(t.Context(), &securityhub.DescribeStandardsInput{})
	requireRefused(t, err, who+"DescribeStandards on resource: "+hubARN+" because no identity-based policy allows the securityhub:DescribeStandards action")

	// A policy that could never apply is no policy: the hub does not start.
	require.NoError(t, os.WriteFile(config, []byte(`
[[keys]]
id = "AKIAADMIN"
secret = "s"
account = "111122223333"
policy = [{ effect = "Deny", action = ["securityhub:BatchUpdateFinding"], resource = ["*"] }]
`), 0o600))
	code, _, stderr := hubcap(t, nil, "serve", "--addr", "127.0.0.1:0", "--store", "memory", "--auth", "sigv4", "--config", config)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, `[[keys]] number 1 ("AKIAADMIN"): policy: statement 1: action "securityhub:BatchUpdateFinding" means none that there is`)
}
