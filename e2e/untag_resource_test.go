package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/stretchr/testify/require"
)

func TestUntagResource(t *testing.T) {
	c := serve(t).as(mine)
	require.NoError(t, tag(t, c, hubARN, map[string]string{"a": "1", "b": "2", "c:/x": "3"}))
	_, err := c.UntagResource(t.Context(), &securityhub.UntagResourceInput{ResourceArn: aws.String(hubARN), TagKeys: []string{"a", "c:/x", "nothing"}})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"b": "2"}, tags(t, c, hubARN))
	_, err = c.UntagResource(t.Context(), &securityhub.UntagResourceInput{ResourceArn: aws.String(hubARN + "s"), TagKeys: []string{"a"}})
	requireRefused(t, err, `ResourceNotFoundException: {"resourceArn":"`+hubARN+`s"}`)
}
