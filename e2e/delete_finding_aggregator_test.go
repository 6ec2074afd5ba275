package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/stretchr/testify/require"
)

func TestDeleteFindingAggregator(t *testing.T) {
	hub := serve(t)
	arn := aggregated(t, hub.as(mine), "ALL_REGIONS")
	remove := func(c *securityhub.Client, arn string) error {
		_, err := c.DeleteFindingAggregator(t.Context(), &securityhub.DeleteFindingAggregatorInput{FindingAggregatorArn: &arn})
		return err
	}
	requireRefused(t, remove(hub.as(other), arn), `ResourceNotFoundException: {"findingAggregatorArn":"`+arn+`"}`)
	requireRefused(t, remove(hub.signed(mine, "any", "eu-west-1"), arn), "InvalidInputException: The finding aggregator can be changed in its home Region alone: "+region)
	require.NoError(t, remove(hub.as(mine), arn))
	requireRefused(t, remove(hub.as(mine), arn), `ResourceNotFoundException: {"findingAggregatorArn":"`+arn+`"}`)
	requireRefused(t, remove(hub.as(mine), "one"), "InvalidInputException: Invalid parameter 'FindingAggregatorArn'. should be the ARN of a finding aggregator.")
}
