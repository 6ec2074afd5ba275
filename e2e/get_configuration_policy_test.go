package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestGetConfigurationPolicy(t *testing.T) {
	c := centralised(t, serve(t))
	id := policied(t, c, "base", pci)
	for _, name := range []string{id, "arn:aws:securityhub:" + region + ":" + mine + ":configuration-policy/" + id} {
		out, err := c.GetConfigurationPolicy(t.Context(), &securityhub.GetConfigurationPolicyInput{Identifier: &name})
		require.NoError(t, err)
		policy, ok := out.ConfigurationPolicy.(*types.PolicyMemberSecurityHub)
		require.True(t, ok)
		require.Equal(t, []string{pci}, policy.Value.EnabledStandardIdentifiers)
		require.Equal(t, "base", *out.Name)
	}
	_, err := c.GetConfigurationPolicy(t.Context(), &securityhub.GetConfigurationPolicyInput{Identifier: aws.String("none")})
	requireRefused(t, err, `ResourceNotFoundException: {"configurationPolicyIdentifier":"none"}`)
}
