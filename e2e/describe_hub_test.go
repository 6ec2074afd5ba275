package e2e

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

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
