package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/stretchr/testify/require"
)

func tags(t *testing.T, c *securityhub.Client, arn string) map[string]string {
	t.Helper()
	out, err := c.ListTagsForResource(t.Context(), &securityhub.ListTagsForResourceInput{ResourceArn: &arn})
	require.NoError(t, err)
	require.NotNil(t, out.Tags)
	return out.Tags
}

func TestListTagsForResource(t *testing.T) {
	c := serve(t).as(mine)
	require.Empty(t, tags(t, c, hubARN))
	require.NoError(t, tag(t, c, hubARN, map[string]string{"Team": "blue"}))
	require.Equal(t, map[string]string{"Team": "blue"}, tags(t, c, hubARN))
	_, err := c.ListTagsForResource(t.Context(), &securityhub.ListTagsForResourceInput{ResourceArn: aws.String("arn:aws:s3:::bucket")})
	requireRefused(t, err, `InvalidInputException: Invalid parameter 'ResourceArn'. should match pattern "^arn:aws:securityhub:.*".`)
}
