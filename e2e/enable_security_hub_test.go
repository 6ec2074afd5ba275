package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestEnableSecurityHub(t *testing.T) {
	for _, profile := range []string{"open", "aws"} {
		t.Run(profile, func(t *testing.T) {
			c := serve(t, "--profile", profile).as(mine)
			enable(t, c)
			_, err := c.EnableSecurityHub(t.Context(), &securityhub.EnableSecurityHubInput{})
			requireRefused(t, err, "ResourceConflictException: Account is already subscribed to Security Hub")
		})
	}
}

// TestEnableSecurityHubAsAsked: what the request says of the hub is what the hub then says; what is refused leaves it off.
func TestEnableSecurityHubAsAsked(t *testing.T) {
	c := serve(t, "--profile", "aws").as(mine)
	_, err := c.EnableSecurityHub(t.Context(), &securityhub.EnableSecurityHubInput{Tags: map[string]string{"aws:x": "y"}})
	require.ErrorContains(t, err, "InvalidInputException: Invalid parameter 'Tags'. ")
	_, err = c.EnableSecurityHub(t.Context(), &securityhub.EnableSecurityHubInput{ControlFindingGenerator: "SOME"})
	require.ErrorContains(t, err, "InvalidInputException: Invalid parameter 'ControlFindingGenerator'. ")
	_, err = c.DescribeHub(t.Context(), &securityhub.DescribeHubInput{})
	requireRefused(t, err, "InvalidAccessException: "+notSubscribed)

	_, err = c.EnableSecurityHub(t.Context(), &securityhub.EnableSecurityHubInput{
		ControlFindingGenerator: types.ControlFindingGeneratorStandardControl, EnableDefaultStandards: aws.Bool(false), Tags: map[string]string{"Team": "blue"},
	})
	require.NoError(t, err)
	hub := describe(t, c)
	require.Equal(t, types.ControlFindingGeneratorStandardControl, hub.ControlFindingGenerator)
	require.True(t, *hub.AutoEnableControls)
	require.Equal(t, map[string]string{"Team": "blue"}, tags(t, c, hubARN))
}
