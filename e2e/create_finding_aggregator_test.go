package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestCreateFindingAggregator(t *testing.T) {
	hub := serve(t)
	c, linked := hub.as(mine), hub.signed(mine, "any", "eu-west-1")
	imports(t, c, newFinding(mine, "home"))
	far := newFinding(mine, "far", at(latest))
	far.ProductArn = aws.String("arn:aws:securityhub:eu-west-1:" + mine + ":product/" + mine + "/default")
	imports(t, linked, far)
	create := func(c *securityhub.Client, mode string, regions ...string) error {
		_, err := c.CreateFindingAggregator(t.Context(), &securityhub.CreateFindingAggregatorInput{RegionLinkingMode: &mode, Regions: regions})
		return err
	}
	requireRefused(t, create(c, "NO_REGIONS", "eu-west-1"), "InvalidInputException: Invalid parameter 'Regions'. should NOT be there with RegionLinkingMode NO_REGIONS.")
	requireRefused(t, create(c, "SPECIFIED_REGIONS"), "InvalidInputException: Invalid parameter 'Regions'. should NOT have fewer than 1 items.")
	require.ErrorContains(t, create(c, "SOME"), "InvalidInputException: Invalid parameter 'RegionLinkingMode'. ")

	arn := aggregated(t, c, "SPECIFIED_REGIONS", "eu-west-1")
	require.Regexp(t, "^"+aggregatorARN+"[0-9a-f-]{36}$", arn)
	require.Equal(t, []string{"far", "home"}, sees(t, c))
	require.Equal(t, []string{"far"}, sees(t, linked))
	requireRefused(t, create(linked, "ALL_REGIONS"), "InvalidInputException: A finding aggregator already exists in this account: "+arn)

	// What is updated at home is updated where it lies.
	out, err := c.BatchUpdateFindings(t.Context(), &securityhub.BatchUpdateFindingsInput{
		FindingIdentifiers: []types.AwsSecurityFindingIdentifier{{Id: far.Id, ProductArn: far.ProductArn}},
		Workflow:           &types.WorkflowUpdate{Status: types.WorkflowStatusNotified},
	})
	require.NoError(t, err)
	require.Len(t, out.ProcessedFindings, 1)
	require.Equal(t, types.WorkflowStatusNotified, find(t, linked, types.AwsSecurityFindingFilters{})[0].Workflow.Status)

	joined(t, hub)
	requireRefused(t, create(hub.as(other), "ALL_REGIONS"), "InvalidInputException: A finding aggregator cannot be created by a member account.")
}
