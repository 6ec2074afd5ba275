package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/stretchr/testify/require"
)

func TestBatchGetAutomationRules(t *testing.T) {
	s := serve(t)
	c := s.as(mine)
	first, second := newRule(t, c, 2, prefixed("a"), suppress()), newRule(t, c, 1, prefixed("b"), suppress())
	got := rules(t, c, second, first)
	require.Equal(t, []string{second, first}, []string{*got[0].RuleArn, *got[1].RuleArn})
	require.Equal(t, "rule 2", *got[1].RuleName)

	// What is not the caller's own, of its Region, is told one by one.
	for name, c := range map[string]*securityhub.Client{"another account": s.as(other), "another Region": s.signed(mine, "any", "eu-west-1")} {
		out, err := c.BatchGetAutomationRules(t.Context(), &securityhub.BatchGetAutomationRulesInput{AutomationRulesArns: []string{first}})
		require.NoError(t, err, name)
		require.Empty(t, out.Rules, name)
		require.Len(t, out.UnprocessedAutomationRules, 1, name)
		u := out.UnprocessedAutomationRules[0]
		require.Equal(t, first, *u.RuleArn)
		require.EqualValues(t, 404, *u.ErrorCode)
		require.Equal(t, "Automation rule "+first+" is not found", *u.ErrorMessage)
	}
	_, err := c.BatchGetAutomationRules(t.Context(), &securityhub.BatchGetAutomationRulesInput{AutomationRulesArns: make([]string, 101)})
	require.ErrorContains(t, err, "InvalidInputException: Invalid parameter 'AutomationRulesArns'. should NOT have more than 100 items.")
}
