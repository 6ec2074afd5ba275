package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestGetConfigurationPolicyAssociation(t *testing.T) {
	c := centralised(t, serve(t))
	get := func() (*securityhub.GetConfigurationPolicyAssociationOutput, error) {
		return c.GetConfigurationPolicyAssociation(t.Context(), &securityhub.GetConfigurationPolicyAssociationInput{Target: &types.TargetMemberAccountId{Value: other}})
	}
	_, err := get()
	requireRefused(t, err, "ResourceNotFoundException: Target "+other+" has no configuration policy association")
	id := policied(t, c, "on", pci)
	_, err = c.StartConfigurationPolicyAssociation(t.Context(), &securityhub.StartConfigurationPolicyAssociationInput{
		ConfigurationPolicyIdentifier: &id, Target: &types.TargetMemberRootId{Value: "r-1234"},
	})
	require.NoError(t, err)
	out, err := get()
	require.NoError(t, err)
	require.Equal(t, types.AssociationTypeInherited, out.AssociationType)
	applied(t, c, selfManaged)
	out, err = get()
	require.NoError(t, err)
	require.Equal(t, types.AssociationTypeApplied, out.AssociationType)
	require.Equal(t, selfManaged, *out.ConfigurationPolicyId)
}
