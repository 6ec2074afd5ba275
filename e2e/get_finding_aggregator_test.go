package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/stretchr/testify/require"
)

func TestGetFindingAggregator(t *testing.T) {
	hub := serve(t)
	arn := aggregated(t, hub.as(mine), "ALL_REGIONS_EXCEPT_SPECIFIED", "sa-east-1", "af-south-1")
	get := func(c *securityhub.Client) (*securityhub.GetFindingAggregatorOutput, error) {
		return c.GetFindingAggregator(t.Context(), &securityhub.GetFindingAggregatorInput{FindingAggregatorArn: &arn})
	}
	for _, from := range []string{region, "eu-west-1"} { // any Region tells of it
		out, err := get(hub.signed(mine, "any", from))
		require.NoError(t, err)
		require.Equal(t, region, *out.FindingAggregationRegion)
		require.Equal(t, arn, *out.FindingAggregatorArn)
		require.Equal(t, "ALL_REGIONS_EXCEPT_SPECIFIED", *out.RegionLinkingMode)
		require.Equal(t, []string{"af-south-1", "sa-east-1"}, out.Regions)
	}
	_, err := get(hub.as(other))
	requireRefused(t, err, `ResourceNotFoundException: {"findingAggregatorArn":"`+arn+`"}`)
	joined(t, hub)
	_, err = get(hub.as(other)) // its administrator's
	require.NoError(t, err)
}
