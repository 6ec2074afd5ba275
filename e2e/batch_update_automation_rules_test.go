package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

// updateRules changes rules that are all there.
func updateRules(t *testing.T, c *securityhub.Client, items ...types.UpdateAutomationRulesRequestItem) {
	t.Helper()
	out, err := c.BatchUpdateAutomationRules(t.Context(), &securityhub.BatchUpdateAutomationRulesInput{UpdateAutomationRulesRequestItems: items})
	require.NoError(t, err)
	require.Empty(t, out.UnprocessedAutomationRules)
	require.Len(t, out.ProcessedAutomationRules, len(items))
}

func TestBatchUpdateAutomationRules(t *testing.T) {
	c := serve(t).as(mine)
	arn := newRule(t, c, 2, prefixed("nothing"), suppress())
	before := rules(t, c, arn)[0]
	imports(t, c, newFinding(mine, "a"))
	require.Equal(t, types.WorkflowStatusNew, get(t, c, "a").Workflow.Status)

	updateRules(t, c, types.UpdateAutomationRulesRequestItem{RuleArn: &arn, Criteria: prefixed("Title"), RuleName: aws.String("renamed")})
	after := rules(t, c, arn)[0]
	require.False(t, after.UpdatedAt.Before(*before.UpdatedAt))
	require.Equal(t, before.CreatedAt, after.CreatedAt)
	before.UpdatedAt, before.Criteria, before.RuleName = after.UpdatedAt, prefixed("Title"), aws.String("renamed")
	require.Equal(t, before, after, "what was not named stays")

	// The next import meets the rule as it is now.
	imports(t, c, newFinding(mine, "b"))
	require.Equal(t, types.WorkflowStatusSuppressed, get(t, c, "b").Workflow.Status)
	updateRules(t, c, types.UpdateAutomationRulesRequestItem{RuleArn: &arn, RuleStatus: types.RuleStatusDisabled})
	imports(t, c, newFinding(mine, "c"))
	require.Equal(t, types.WorkflowStatusNew, get(t, c, "c").Workflow.Status)

	// An unknown rule stops nothing; a bad value refuses all.
	unknown := arn[:len(arn)-12] + "000000000000"
	out, err := c.BatchUpdateAutomationRules(t.Context(), &securityhub.BatchUpdateAutomationRulesInput{
		UpdateAutomationRulesRequestItems: []types.UpdateAutomationRulesRequestItem{
			{RuleArn: &unknown, RuleOrder: aws.Int32(5)}, {RuleArn: &arn, RuleOrder: aws.Int32(5)},
		},
	})
	require.NoError(t, err)
	require.Equal(t, []string{arn}, out.ProcessedAutomationRules)
	require.Len(t, out.UnprocessedAutomationRules, 1)
	require.Equal(t, unknown, *out.UnprocessedAutomationRules[0].RuleArn)
	_, err = c.BatchUpdateAutomationRules(t.Context(), &securityhub.BatchUpdateAutomationRulesInput{
		UpdateAutomationRulesRequestItems: []types.UpdateAutomationRulesRequestItem{
			{RuleArn: &arn, RuleOrder: aws.Int32(6)}, {RuleArn: &arn, RuleOrder: aws.Int32(1001)},
		},
	})
	require.ErrorContains(t, err, "InvalidInputException: Invalid parameter 'UpdateAutomationRulesRequestItems[1].RuleOrder'. '1001' is greater than maximum value: 1000.")
	require.EqualValues(t, 5, *rules(t, c, arn)[0].RuleOrder)
}
