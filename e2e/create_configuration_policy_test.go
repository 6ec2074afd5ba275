package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestCreateConfigurationPolicy(t *testing.T) {
	hub := serve(t)
	create := func() (*securityhub.CreateConfigurationPolicyOutput, error) {
		return hub.as(mine).CreateConfigurationPolicy(t.Context(), &securityhub.CreateConfigurationPolicyInput{
			Name: aws.String("base"), Description: aws.String("for all"), Tags: map[string]string{"team": "security"},
			ConfigurationPolicy: &types.PolicyMemberSecurityHub{Value: types.SecurityHubPolicy{
				ServiceEnabled: aws.Bool(true), EnabledStandardIdentifiers: []string{pci},
				SecurityControlsConfiguration: &types.SecurityControlsConfiguration{DisabledSecurityControlIdentifiers: []string{"S3.1"}},
			}},
		})
	}
	_, err := create()
	requireRefused(t, err, notCentral)
	c := centralised(t, hub)
	out, err := create()
	require.NoError(t, err)
	require.Equal(t, "arn:aws:securityhub:"+region+":"+mine+":configuration-policy/"+*out.Id, *out.Arn)
	require.Equal(t, *out.CreatedAt, *out.UpdatedAt)
	tags, err := c.ListTagsForResource(t.Context(), &securityhub.ListTagsForResourceInput{ResourceArn: out.Arn})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"team": "security"}, tags.Tags)
	_, err = create()
	requireRefused(t, err, "ResourceConflictException: A configuration policy named base already exists")
}
