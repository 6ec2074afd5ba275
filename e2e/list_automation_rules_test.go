package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestListAutomationRules(t *testing.T) {
	s := serve(t)
	c := s.as(mine)
	last, first, tie := newRule(t, c, 9, prefixed("a"), suppress()), newRule(t, c, 1, prefixed("b"), suppress()), newRule(t, c, 1, prefixed("c"), suppress())
	updateRules(t, c, types.UpdateAutomationRulesRequestItem{RuleArn: &first, RuleStatus: types.RuleStatusDisabled})

	// In the order in which they act: of equal orders the one edited last is last. A page at a time.
	var arns []string
	in := &securityhub.ListAutomationRulesInput{MaxResults: aws.Int32(2)}
	for {
		out, err := c.ListAutomationRules(t.Context(), in)
		require.NoError(t, err)
		for _, r := range out.AutomationRulesMetadata {
			arns = append(arns, *r.RuleArn)
			require.Equal(t, *r.RuleArn == first, r.RuleStatus == types.RuleStatusDisabled)
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	require.Equal(t, []string{tie, first, last}, arns)

	out, err := s.as(other).ListAutomationRules(t.Context(), &securityhub.ListAutomationRulesInput{})
	require.NoError(t, err)
	require.Empty(t, out.AutomationRulesMetadata)
	_, err = c.ListAutomationRules(t.Context(), &securityhub.ListAutomationRulesInput{NextToken: aws.String("abc")})
	require.ErrorContains(t, err, "InvalidInputException: Invalid parameter 'NextToken'")
}
