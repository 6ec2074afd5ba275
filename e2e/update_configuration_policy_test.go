package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestUpdateConfigurationPolicy(t *testing.T) {
	hub := serve(t)
	c := centralised(t, hub)
	id := policied(t, c, "base", pci)
	applied(t, c, id)
	require.Equal(t, []string{pci}, enabledStandards(t, hub.as(other)))
	out, err := c.UpdateConfigurationPolicy(t.Context(), &securityhub.UpdateConfigurationPolicyInput{
		Identifier: &id, Name: aws.String("better"), UpdatedReason: aws.String("more"),
		ConfigurationPolicy: &types.PolicyMemberSecurityHub{Value: types.SecurityHubPolicy{ServiceEnabled: aws.Bool(true), EnabledStandardIdentifiers: []string{fsbp, cis}}},
	})
	require.NoError(t, err)
	require.Equal(t, "better", *out.Name)
	require.Equal(t, []string{fsbp, cis}, enabledStandards(t, hub.as(other)), "it holds at once")
	_, err = c.UpdateConfigurationPolicy(t.Context(), &securityhub.UpdateConfigurationPolicyInput{Identifier: &id, Name: aws.String(" ")})
	requireRefused(t, err, `InvalidInputException: Invalid parameter 'Name'. should match pattern ".*\S.*".`)
}
