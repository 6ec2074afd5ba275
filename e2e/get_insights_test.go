package e2e

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func managed(n int) string {
	return fmt.Sprint("arn:aws:securityhub:::insight/securityhub/default/", n)
}

func TestGetInsights(t *testing.T) {
	s := serve(t)
	c := s.as(mine)
	require.Empty(t, insights(t, c), "without ARNs only custom ones are told")
	var made []string
	for n := range 7 {
		made = append(made, newInsight(t, c, fmt.Sprint("insight ", n), "SeverityLabel", types.AwsSecurityFindingFilters{}))
	}
	var paged []string
	pages := securityhub.NewGetInsightsPaginator(c, &securityhub.GetInsightsInput{MaxResults: aws.Int32(3)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		require.LessOrEqual(t, len(page.Insights), 3)
		for _, i := range page.Insights {
			paged = append(paged, *i.InsightArn)
		}
	}
	require.ElementsMatch(t, made, paged)

	// By ARN, in the order asked for; the managed ones can be told so and in no other way.
	got := insights(t, c, managed(29), made[4], managed(1), managed(29))
	require.Len(t, got, 3)
	require.Equal(t, []string{"Severity by counts of findings", "insight 4", "AWS resources with the most findings"},
		[]string{*got[0].Name, *got[1].Name, *got[2].Name})
	require.Equal(t, equals("ACTIVE"), got[0].Filters.RecordState)

	// Another account and another Region have their own.
	require.Empty(t, insights(t, s.as(other)))
	require.Empty(t, insights(t, s.signed(mine, "any", "eu-west-1")))
	require.Empty(t, insights(t, s.as(operator)))
}

func TestGetInsightsRefuses(t *testing.T) {
	s := serve(t)
	arn := newInsight(t, s.as(mine), "n", "Type", types.AwsSecurityFindingFilters{})
	for want, arns := range map[string][]string{
		`ResourceNotFoundException: {"insightArn":"` + managed(2) + `"}`:                              {managed(1), managed(2)},
		`ResourceNotFoundException: {"insightArn":"` + arn + `"}`:                                     {arn},
		"InvalidInputException: Invalid parameter 'InsightArns[1]'. should be the ARN of an insight.": {managed(1), "one"},
	} {
		_, err := s.as(other).GetInsights(t.Context(), &securityhub.GetInsightsInput{InsightArns: arns})
		requireRefused(t, err, want)
		var gone *types.ResourceNotFoundException
		if arns[len(arns)-1] != "one" {
			require.ErrorAs(t, err, &gone)
		}
	}
	_, err := s.as(mine).GetInsights(t.Context(), &securityhub.GetInsightsInput{NextToken: aws.String("abc")})
	require.ErrorContains(t, err, "InvalidInputException: Invalid parameter 'NextToken'. ")
}
