package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/stretchr/testify/require"
)

const hubARN = "arn:aws:securityhub:" + region + ":" + mine + ":hub/default"

func tag(t *testing.T, c *securityhub.Client, arn string, tags map[string]string) error {
	t.Helper()
	_, err := c.TagResource(t.Context(), &securityhub.TagResourceInput{ResourceArn: &arn, Tags: tags})
	return err
}

func TestTagResource(t *testing.T) {
	hub := serve(t, "--profile", "aws")
	c := hub.as(mine)
	gone := `ResourceNotFoundException: {"resourceArn":"` + hubARN + `"}`
	requireRefused(t, tag(t, c, hubARN, map[string]string{"Team": "blue"}), gone)
	_, err := c.EnableSecurityHub(t.Context(), &securityhub.EnableSecurityHubInput{Tags: map[string]string{"Team": "blue"}})
	require.NoError(t, err)
	require.NoError(t, tag(t, c, hubARN, map[string]string{"Team": "red", "Owner": "me"}))
	require.Equal(t, map[string]string{"Team": "red", "Owner": "me"}, tags(t, c, hubARN))

	enable(t, hub.as(other))
	requireRefused(t, tag(t, hub.as(other), hubARN, map[string]string{"Team": "theirs"}), gone)
	require.ErrorContains(t, tag(t, c, hubARN, map[string]string{"aws:x": "y"}), "InvalidInputException: Invalid parameter 'Tags'. key \"aws:x\" ")
	require.Equal(t, map[string]string{"Team": "red", "Owner": "me"}, tags(t, c, hubARN))
}
