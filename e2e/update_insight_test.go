package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestUpdateInsight(t *testing.T) {
	s := serve(t)
	c := s.as(mine)
	high := types.AwsSecurityFindingFilters{SeverityLabel: equals("HIGH")}
	low := types.AwsSecurityFindingFilters{SeverityLabel: equals("LOW"), RecordState: equals("ACTIVE")}
	arn := newInsight(t, c, "before", "ResourceId", high)
	want := types.Insight{InsightArn: &arn, Name: aws.String("before"), GroupByAttribute: aws.String("ResourceId"), Filters: &high}
	update := func(in securityhub.UpdateInsightInput) {
		t.Helper()
		in.InsightArn = &arn
		_, err := c.UpdateInsight(t.Context(), &in)
		require.NoError(t, err)
		require.Equal(t, []types.Insight{want}, insights(t, c, arn))
	}
	// What is not sent stays; filters are replaced as a whole.
	want.Name = aws.String("after")
	update(securityhub.UpdateInsightInput{Name: want.Name})
	want.GroupByAttribute = aws.String("ResourceType")
	update(securityhub.UpdateInsightInput{GroupByAttribute: want.GroupByAttribute})
	want.Filters = &low
	update(securityhub.UpdateInsightInput{Filters: &low})
	update(securityhub.UpdateInsightInput{})

	for _, refused := range []struct {
		c    *securityhub.Client
		in   securityhub.UpdateInsightInput
		want string
	}{
		{c, securityhub.UpdateInsightInput{InsightArn: aws.String(managed(1))}, "InvalidInputException: Invalid parameter 'InsightArn'. " +
			"should be the ARN of a custom insight: managed insights cannot be changed or deleted."},
		{c, securityhub.UpdateInsightInput{InsightArn: aws.String("insight")}, "InvalidInputException: Invalid parameter 'InsightArn'. " +
			"should be the ARN of an insight."},
		{c, securityhub.UpdateInsightInput{InsightArn: &arn, GroupByAttribute: aws.String("Keyword")}, "InvalidInputException: " +
			"Invalid parameter 'GroupByAttribute'. should be an attribute with values to count, which Keyword is not."},
		{s.as(other), securityhub.UpdateInsightInput{InsightArn: &arn, Name: aws.String("theirs")}, `ResourceNotFoundException: {"insightArn":"` + arn + `"}`},
	} {
		_, err := refused.c.UpdateInsight(t.Context(), &refused.in)
		requireRefused(t, err, refused.want)
	}
	require.Equal(t, []types.Insight{want}, insights(t, c))
}
