package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestStartConfigurationPolicyAssociation(t *testing.T) {
	hub := serve(t)
	c := centralised(t, hub)
	on, off := policied(t, c, "on", pci), policied(t, c, "off")
	out, err := c.StartConfigurationPolicyAssociation(t.Context(), &securityhub.StartConfigurationPolicyAssociationInput{
		ConfigurationPolicyIdentifier: &on, Target: &types.TargetMemberAccountId{Value: other},
	})
	require.NoError(t, err)
	require.Equal(t, types.ConfigurationPolicyAssociationStatusSuccess, out.AssociationStatus)
	require.Equal(t, types.AssociationTypeApplied, out.AssociationType)
	require.Equal(t, types.TargetTypeAccount, out.TargetType)
	require.Equal(t, []string{pci}, enabledStandards(t, hub.as(other)))
	_, err = hub.as(other).DisableSecurityHub(t.Context(), &securityhub.DisableSecurityHubInput{})
	requireRefused(t, err, "AccessDeniedException: Account "+other+" is centrally configured by account "+mine+" and cannot change this itself")
	applied(t, c, off)
	_, err = hub.as(other).DescribeHub(t.Context(), &securityhub.DescribeHubInput{})
	requireRefused(t, err, "InvalidAccessException: Account "+other+" is not subscribed to AWS Security Hub")
	applied(t, c, selfManaged)
	require.Empty(t, enabledStandards(t, hub.as(other)), "its own again")
	_, err = c.StartConfigurationPolicyAssociation(t.Context(), &securityhub.StartConfigurationPolicyAssociationInput{
		ConfigurationPolicyIdentifier: aws.String("none"), Target: &types.TargetMemberRootId{Value: "r-1234"},
	})
	requireRefused(t, err, `ResourceNotFoundException: {"configurationPolicyIdentifier":"none"}`)
}
