package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestStartConfigurationPolicyDisassociation(t *testing.T) {
	hub := serve(t)
	c := centralised(t, hub)
	off := policied(t, c, "off")
	applied(t, c, off)
	end := func() error {
		_, err := c.StartConfigurationPolicyDisassociation(t.Context(), &securityhub.StartConfigurationPolicyDisassociationInput{
			ConfigurationPolicyIdentifier: &off, Target: &types.TargetMemberAccountId{Value: other},
		})
		return err
	}
	require.NoError(t, end())
	require.Empty(t, enabledStandards(t, hub.as(other)), "its hub is on again")
	requireRefused(t, end(), "ResourceNotFoundException: Configuration policy "+off+" is not associated with target "+other)
}
