package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
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
