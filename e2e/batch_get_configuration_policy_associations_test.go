package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestBatchGetConfigurationPolicyAssociations(t *testing.T) {
	c := centralised(t, serve(t))
	applied(t, c, policied(t, c, "on", pci))
	out, err := c.BatchGetConfigurationPolicyAssociations(t.Context(), &securityhub.BatchGetConfigurationPolicyAssociationsInput{
		ConfigurationPolicyAssociationIdentifiers: []types.ConfigurationPolicyAssociation{
			{Target: &types.TargetMemberAccountId{Value: other}}, {Target: &types.TargetMemberAccountId{Value: mine}},
		},
	})
	require.NoError(t, err)
	require.Len(t, out.ConfigurationPolicyAssociations, 1)
	require.Equal(t, other, *out.ConfigurationPolicyAssociations[0].TargetId)
	require.Len(t, out.UnprocessedConfigurationPolicyAssociations, 1)
	require.Equal(t, "404", *out.UnprocessedConfigurationPolicyAssociations[0].ErrorCode)
}
