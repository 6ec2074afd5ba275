package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestDeleteConfigurationPolicy(t *testing.T) {
	c := centralised(t, serve(t))
	id := policied(t, c, "base", pci)
	applied(t, c, id)
	remove := func() error {
		_, err := c.DeleteConfigurationPolicy(t.Context(), &securityhub.DeleteConfigurationPolicyInput{Identifier: &id})
		return err
	}
	requireRefused(t, remove(), "ResourceConflictException: Configuration policy "+id+" is associated with a target. Disassociate it first.")
	_, err := c.StartConfigurationPolicyDisassociation(t.Context(), &securityhub.StartConfigurationPolicyDisassociationInput{
		ConfigurationPolicyIdentifier: &id, Target: &types.TargetMemberAccountId{Value: other},
	})
	require.NoError(t, err)
	require.NoError(t, remove())
	requireRefused(t, remove(), `ResourceNotFoundException: {"configurationPolicyIdentifier":"`+id+`"}`)
}
