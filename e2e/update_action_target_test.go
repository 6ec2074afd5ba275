package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/stretchr/testify/require"
)

func TestUpdateActionTarget(t *testing.T) {
	c := serve(t).as(mine)
	arn := createAction(t, c, "one")
	_, err := c.UpdateActionTarget(t.Context(), &securityhub.UpdateActionTargetInput{ActionTargetArn: &arn, Name: aws.String("Call")})
	require.NoError(t, err)
	out, err := c.DescribeActionTargets(t.Context(), &securityhub.DescribeActionTargetsInput{})
	require.NoError(t, err)
	require.Len(t, out.ActionTargets, 1)
	require.Equal(t, "Call", *out.ActionTargets[0].Name)
	require.Equal(t, "Pages who is on duty", *out.ActionTargets[0].Description, "what is not sent stays")

	_, err = c.UpdateActionTarget(t.Context(), &securityhub.UpdateActionTargetInput{ActionTargetArn: aws.String(pageARN + "nobody"), Name: aws.String("x")})
	requireRefused(t, err, `ResourceNotFoundException: {"actionTargetArn":"`+pageARN+`nobody"}`)
}
