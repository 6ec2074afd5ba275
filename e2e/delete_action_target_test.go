package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/stretchr/testify/require"
)

func TestDeleteActionTarget(t *testing.T) {
	hub := serve(t)
	c := hub.as(mine)
	arn := createAction(t, c, "one")
	remove := func(c *securityhub.Client) error {
		out, err := c.DeleteActionTarget(t.Context(), &securityhub.DeleteActionTargetInput{ActionTargetArn: &arn})
		if err == nil {
			require.Equal(t, arn, *out.ActionTargetArn)
		}
		return err
	}
	requireRefused(t, remove(hub.as(other)), `ResourceNotFoundException: {"actionTargetArn":"`+arn+`"}`)
	require.Len(t, actions(t, c), 1)
	require.NoError(t, remove(c))
	require.Empty(t, actions(t, c))
	requireRefused(t, remove(c), `ResourceNotFoundException: {"actionTargetArn":"`+arn+`"}`)
}
