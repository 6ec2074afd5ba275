package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestBatchDeleteAutomationRules(t *testing.T) {
	s := serve(t)
	c := s.as(mine)
	arn := newRule(t, c, 1, prefixed("Title"), suppress())
	imports(t, c, newFinding(mine, "a"))

	// Another account's word counts for nothing.
	in := &securityhub.BatchDeleteAutomationRulesInput{AutomationRulesArns: []string{arn}}
	out, err := s.as(other).BatchDeleteAutomationRules(t.Context(), in)
	require.NoError(t, err)
	require.Empty(t, out.ProcessedAutomationRules)
	require.EqualValues(t, 404, *out.UnprocessedAutomationRules[0].ErrorCode)

	out, err = c.BatchDeleteAutomationRules(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, []string{arn}, out.ProcessedAutomationRules)
	require.Empty(t, out.UnprocessedAutomationRules)

	// It is gone, and what it changed stays.
	got, err := c.BatchGetAutomationRules(t.Context(), &securityhub.BatchGetAutomationRulesInput{AutomationRulesArns: []string{arn}})
	require.NoError(t, err)
	require.Empty(t, got.Rules)
	imports(t, c, newFinding(mine, "b"))
	require.Equal(t, types.WorkflowStatusSuppressed, get(t, c, "a").Workflow.Status)
	require.Equal(t, types.WorkflowStatusNew, get(t, c, "b").Workflow.Status)
	out, err = c.BatchDeleteAutomationRules(t.Context(), in)
	require.NoError(t, err)
	require.Len(t, out.UnprocessedAutomationRules, 1)
}
