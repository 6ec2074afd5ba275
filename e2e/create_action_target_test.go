package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/stretchr/testify/require"
)

const pageARN = "arn:aws:securityhub:" + region + ":" + mine + ":action/custom/"

// createAction makes a custom action named for its id.
func createAction(t *testing.T, c *securityhub.Client, id string) string {
	t.Helper()
	out, err := c.CreateActionTarget(t.Context(), &securityhub.CreateActionTargetInput{
		Id: aws.String(id), Name: aws.String("Page " + id), Description: aws.String("Pages who is on duty"),
	})
	require.NoError(t, err)
	return *out.ActionTargetArn
}

func TestCreateActionTarget(t *testing.T) {
	c := serve(t, "--profile", "aws").as(mine)
	create := func(id, name, description string) error {
		_, err := c.CreateActionTarget(t.Context(), &securityhub.CreateActionTargetInput{Id: &id, Name: &name, Description: &description})
		return err
	}
	requireRefused(t, create("a", "b", "c"), "InvalidAccessException: "+notSubscribed)
	enable(t, c)
	require.Equal(t, pageARN+"one", createAction(t, c, "one"))
	requireRefused(t, create("one", "b", "c"), "ResourceConflictException: Action target "+pageARN+"one already exists")
	requireRefused(t, create("a", "more than twenty chars", "c"), "InvalidInputException: Invalid parameter 'Name'. should NOT be longer than 20 characters.")
	requireRefused(t, create("not-alnum", "b", "c"), "InvalidInputException: Invalid parameter 'Id'. 'not-alnum' should be 1 to 20 letters and digits.")
}
