package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestListFindingAggregators(t *testing.T) {
	hub := serve(t)
	list := func(c *securityhub.Client) []types.FindingAggregator {
		out, err := c.ListFindingAggregators(t.Context(), &securityhub.ListFindingAggregatorsInput{})
		require.NoError(t, err)
		require.Nil(t, out.NextToken)
		return out.FindingAggregators
	}
	require.Empty(t, list(hub.as(mine)))
	arn := aggregated(t, hub.as(mine), "ALL_REGIONS")
	for _, from := range []string{region, "eu-west-1"} {
		require.Equal(t, arn, *list(hub.signed(mine, "any", from))[0].FindingAggregatorArn)
	}
	require.Empty(t, list(hub.as(other)))
	_, err := hub.as(mine).ListFindingAggregators(t.Context(), &securityhub.ListFindingAggregatorsInput{NextToken: &arn})
	require.ErrorContains(t, err, "InvalidInputException: Invalid parameter 'NextToken'. ")
}
