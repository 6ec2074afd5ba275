package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestDeleteInsight(t *testing.T) {
	s := serve(t)
	c := s.as(mine)
	arn := newInsight(t, c, "n", "Type", types.AwsSecurityFindingFilters{})
	stays := newInsight(t, c, "m", "Type", types.AwsSecurityFindingFilters{})
	remove := func(c *securityhub.Client, arn string) (*securityhub.DeleteInsightOutput, error) {
		return c.DeleteInsight(t.Context(), &securityhub.DeleteInsightInput{InsightArn: &arn})
	}
	notFound := `ResourceNotFoundException: {"insightArn":"` + arn + `"}`
	_, err := remove(s.as(other), arn)
	requireRefused(t, err, notFound)
	_, err = remove(s.as(operator), arn)
	requireRefused(t, err, notFound)
	out, err := remove(c, arn)
	require.NoError(t, err)
	require.Equal(t, arn, *out.InsightArn)
	_, err = remove(c, arn)
	requireRefused(t, err, notFound)
	left := insights(t, c)
	require.Len(t, left, 1)
	require.Equal(t, stays, *left[0].InsightArn)

	_, err = remove(c, managed(1))
	requireRefused(t, err, "InvalidInputException: Invalid parameter 'InsightArn'. "+
		"should be the ARN of a custom insight: managed insights cannot be changed or deleted.")
	_, err = c.GetInsightResults(t.Context(), &securityhub.GetInsightResultsInput{InsightArn: aws.String(arn)})
	requireRefused(t, err, notFound)
}

// An insight is kept as safely as a finding.
func TestInsightsSurviveAKill(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, "--store", dir)
	arn := newInsight(t, s.as(mine), "n", "Type", types.AwsSecurityFindingFilters{SeverityLabel: equals("HIGH")})
	before := insights(t, s.as(mine))
	s.kill()
	s = serve(t, "--store", dir)
	require.Equal(t, before, insights(t, s.as(mine), arn))
}
