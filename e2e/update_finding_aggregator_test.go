package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/stretchr/testify/require"
)

func TestUpdateFindingAggregator(t *testing.T) {
	hub := serve(t)
	c := hub.as(mine)
	far := newFinding(mine, "far")
	far.ProductArn = aws.String("arn:aws:securityhub:eu-west-1:" + mine + ":product/" + mine + "/default")
	imports(t, hub.signed(mine, "any", "eu-west-1"), far)
	arn := aggregated(t, c, "SPECIFIED_REGIONS", "ap-south-1")
	update := func(c *securityhub.Client, arn, mode string, regions ...string) error {
		out, err := c.UpdateFindingAggregator(t.Context(), &securityhub.UpdateFindingAggregatorInput{
			FindingAggregatorArn: &arn, RegionLinkingMode: &mode, Regions: regions,
		})
		if err == nil {
			require.Equal(t, arn+" "+mode, *out.FindingAggregatorArn+" "+*out.RegionLinkingMode)
			require.Equal(t, regions, out.Regions)
		}
		return err
	}
	require.Empty(t, sees(t, c))
	for _, step := range []struct {
		mode    string
		regions []string
		sees    bool
	}{
		{"ALL_REGIONS", nil, true},
		{"ALL_REGIONS_EXCEPT_SPECIFIED", []string{"eu-west-1"}, false},
		{"SPECIFIED_REGIONS", []string{"eu-west-1"}, true},
		{"NO_REGIONS", nil, false},
	} {
		require.NoError(t, update(c, arn, step.mode, step.regions...))
		require.Equal(t, step.sees, len(sees(t, c)) == 1, step.mode)
	}
	requireRefused(t, update(c, aggregatorARN+"one", "ALL_REGIONS"), `ResourceNotFoundException: {"findingAggregatorArn":"`+aggregatorARN+`one"}`)
	requireRefused(t, update(hub.signed(mine, "any", "eu-west-1"), arn, "ALL_REGIONS"),
		"InvalidInputException: The finding aggregator can be changed in its home Region alone: "+region)
	require.ErrorContains(t, update(c, arn, "SOME"), "InvalidInputException: Invalid parameter 'RegionLinkingMode'. ")
}
