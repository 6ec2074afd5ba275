package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

// newInsight makes a custom insight and answers its ARN.
func newInsight(t *testing.T, c *securityhub.Client, name, groupBy string, filters types.AwsSecurityFindingFilters) string {
	t.Helper()
	out, err := c.CreateInsight(t.Context(), &securityhub.CreateInsightInput{Name: &name, GroupByAttribute: &groupBy, Filters: &filters})
	require.NoError(t, err)
	return *out.InsightArn
}

// insights tells those of the ARNs, or the custom ones.
func insights(t *testing.T, c *securityhub.Client, arns ...string) []types.Insight {
	t.Helper()
	out, err := c.GetInsights(t.Context(), &securityhub.GetInsightsInput{InsightArns: arns})
	require.NoError(t, err)
	require.Nil(t, out.NextToken)
	return out.Insights
}

func TestCreateInsight(t *testing.T) {
	c := serve(t).as(mine)
	filters := types.AwsSecurityFindingFilters{
		SeverityLabel: equals("HIGH"),
		UpdatedAt:     []types.DateFilter{{DateRange: &types.DateRange{Unit: types.DateRangeUnitDays, Value: aws.Int32(7)}}},
		ResourceTags:  []types.MapFilter{{Key: aws.String("env"), Value: aws.String("prod"), Comparison: types.MapFilterComparisonEquals}},
		Confidence:    []types.NumberFilter{{Gte: aws.Float64(10), Lte: aws.Float64(99.5)}},
		NetworkSourceIpV4: []types.IpFilter{
			{Cidr: aws.String("10.0.0.0/8")},
		},
		Sample: []types.BooleanFilter{{Value: aws.Bool(false)}},
	}
	arn := newInsight(t, c, "Résumé <of> \"it\" & all", "ResourceId", filters)
	require.Regexp(t, `^arn:aws:securityhub:us-east-1:111122223333:insight/111122223333/custom/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`, arn)
	// It comes back as it was made.
	require.Equal(t, []types.Insight{{
		InsightArn: &arn, Name: aws.String("Résumé <of> \"it\" & all"), GroupByAttribute: aws.String("ResourceId"), Filters: &filters,
	}}, insights(t, c, arn))
	require.NotEqual(t, arn, newInsight(t, c, "Résumé <of> \"it\" & all", "ResourceId", filters), "a name may be used again")
}

func TestCreateInsightRefuses(t *testing.T) {
	c := serve(t).as(mine)
	none := &types.AwsSecurityFindingFilters{}
	for want, in := range map[string]*securityhub.CreateInsightInput{
		`InvalidInputException: Invalid parameter 'Name'. should match pattern ".*\S.*".`: {
			Name: aws.String(" "), GroupByAttribute: aws.String("Type"), Filters: none,
		},
		"InvalidInputException: Invalid parameter 'GroupByAttribute'. should be the name of a filter attribute.": {
			Name: aws.String("n"), GroupByAttribute: aws.String("Severity.Label"), Filters: none,
		},
		"InvalidInputException: Invalid Filters in the input: data.CreatedAt[0].DateRange.Value should be <= 3650": {
			Name: aws.String("n"), GroupByAttribute: aws.String("Type"), Filters: &types.AwsSecurityFindingFilters{
				CreatedAt: []types.DateFilter{{DateRange: &types.DateRange{Unit: types.DateRangeUnitDays, Value: aws.Int32(4000)}}},
			},
		},
	} {
		_, err := c.CreateInsight(t.Context(), in)
		requireRefused(t, err, want)
	}
	require.Empty(t, insights(t, c))

	// In the profile aws the hub has to be on.
	c = serve(t, "--profile", "aws").as(mine)
	_, err := c.CreateInsight(t.Context(), &securityhub.CreateInsightInput{Name: aws.String("n"), GroupByAttribute: aws.String("Type"), Filters: none})
	requireRefused(t, err, "InvalidAccessException: "+notSubscribed)
}
