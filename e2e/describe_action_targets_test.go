package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/stretchr/testify/require"
)

// actions are the custom actions' names by ARN.
func actions(t *testing.T, c *securityhub.Client, arns ...string) map[string]string {
	t.Helper()
	all := map[string]string{}
	pages := securityhub.NewDescribeActionTargetsPaginator(c, &securityhub.DescribeActionTargetsInput{ActionTargetArns: arns, MaxResults: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		require.LessOrEqual(t, len(page.ActionTargets), 2)
		for _, a := range page.ActionTargets {
			require.NotContains(t, all, *a.ActionTargetArn)
			all[*a.ActionTargetArn] = *a.Name
		}
	}
	return all
}

func TestDescribeActionTargets(t *testing.T) {
	hub := serve(t)
	c := hub.as(mine)
	require.Empty(t, actions(t, c))
	want := map[string]string{}
	for _, id := range []string{"one", "two", "three", "four", "five"} {
		want[createAction(t, c, id)] = "Page " + id
	}
	require.Equal(t, want, actions(t, c))
	require.Equal(t, map[string]string{pageARN + "two": "Page two"}, actions(t, c, pageARN+"two"))
	require.Empty(t, actions(t, hub.as(other)))
	_, err := c.DescribeActionTargets(t.Context(), &securityhub.DescribeActionTargetsInput{ActionTargetArns: []string{pageARN + "nobody"}})
	requireRefused(t, err, `ResourceNotFoundException: {"actionTargetArn":"`+pageARN+`nobody"}`)
}
