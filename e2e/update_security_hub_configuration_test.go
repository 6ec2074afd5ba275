package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestUpdateSecurityHubConfiguration(t *testing.T) {
	c := serve(t).as(mine)
	enable(t, c)
	_, err := c.UpdateSecurityHubConfiguration(t.Context(), &securityhub.UpdateSecurityHubConfigurationInput{
		AutoEnableControls:      aws.Bool(false),
		ControlFindingGenerator: types.ControlFindingGeneratorStandardControl,
	})
	require.NoError(t, err)
	out := describe(t, c)
	require.False(t, *out.AutoEnableControls)
	require.Equal(t, types.ControlFindingGeneratorStandardControl, out.ControlFindingGenerator)

	// What is not sent stays.
	_, err = c.UpdateSecurityHubConfiguration(t.Context(), &securityhub.UpdateSecurityHubConfigurationInput{AutoEnableControls: aws.Bool(true)})
	require.NoError(t, err)
	require.Equal(t, types.ControlFindingGeneratorStandardControl, describe(t, c).ControlFindingGenerator)

	_, err = c.UpdateSecurityHubConfiguration(t.Context(), &securityhub.UpdateSecurityHubConfigurationInput{ControlFindingGenerator: "SOME"})
	require.ErrorContains(t, err, "InvalidInputException: Invalid parameter 'ControlFindingGenerator'. ")
}
