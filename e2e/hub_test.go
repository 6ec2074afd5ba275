package e2e

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

const notSubscribed = "Account " + mine + " is not subscribed to AWS Security Hub"

func enable(t *testing.T, c *securityhub.Client) {
	t.Helper()
	_, err := c.EnableSecurityHub(t.Context(), &securityhub.EnableSecurityHubInput{})
	require.NoError(t, err)
}

func describe(t *testing.T, c *securityhub.Client) *securityhub.DescribeHubOutput {
	t.Helper()
	out, err := c.DescribeHub(t.Context(), &securityhub.DescribeHubInput{})
	require.NoError(t, err)
	return out
}

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

func TestDescribeHub(t *testing.T) {
	c := serve(t).as(mine)
	out := describe(t, c)
	require.Equal(t, "arn:aws:securityhub:"+region+":"+mine+":hub/default", *out.HubArn)
	_, err := time.Parse(time.RFC3339, *out.SubscribedAt)
	require.NoError(t, err)
	_, err = c.DescribeHub(t.Context(), &securityhub.DescribeHubInput{HubArn: out.HubArn})
	require.NoError(t, err)

	// In the profile aws there is nothing to describe until the hub is enabled.
	c = serve(t, "--profile", "aws").as(mine)
	_, err = c.DescribeHub(t.Context(), &securityhub.DescribeHubInput{})
	requireRefused(t, err, "InvalidAccessException: "+notSubscribed)
	enable(t, c)
	require.Equal(t, types.ControlFindingGeneratorSecurityControl, describe(t, c).ControlFindingGenerator)
}

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

func TestDisableSecurityHub(t *testing.T) {
	c := serve(t).as(mine)
	imports(t, c, newFinding(mine, "a"))
	disable := func() error {
		_, err := c.DisableSecurityHub(t.Context(), &securityhub.DisableSecurityHubInput{})
		return err
	}
	// An implicit hub is turned off too; then nothing works until it is enabled again.
	require.NoError(t, disable())
	_, err := c.GetFindings(t.Context(), &securityhub.GetFindingsInput{})
	requireRefused(t, err, "InvalidAccessException: "+notSubscribed)
	out, err := batchImport(t.Context(), c, newFinding(mine, "b"))
	require.NoError(t, err)
	require.Equal(t, "InvalidAccess "+notSubscribed, *out.FailedFindings[0].ErrorCode+" "+*out.FailedFindings[0].ErrorMessage)
	requireRefused(t, disable(), "ResourceNotFoundException: Account is not subscribed to Security Hub")
	enable(t, c)
	require.Equal(t, []string{"a"}, ids(find(t, c, types.AwsSecurityFindingFilters{})))
}
