package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func results(t *testing.T, c *securityhub.Client, arn string) []string {
	t.Helper()
	out, err := c.GetInsightResults(t.Context(), &securityhub.GetInsightResultsInput{InsightArn: &arn})
	require.NoError(t, err)
	require.Equal(t, arn, *out.InsightResults.InsightArn)
	values := []string{}
	for _, v := range out.InsightResults.ResultValues {
		values = append(values, fmt.Sprint(*v.Count, " ", *v.GroupByAttributeValue))
	}
	return values
}

func TestGetInsightResults(t *testing.T) {
	s := serve(t)
	c := s.as(mine)
	on := func(resources ...string) func(*types.AwsSecurityFinding) {
		return func(f *types.AwsSecurityFinding) {
			f.Resources = nil
			for _, r := range resources {
				f.Resources = append(f.Resources, types.Resource{Type: aws.String("AwsS3Bucket"), Id: &r})
			}
		}
	}
	imports(t, c, newFinding(mine, "a", on("one", "two", "one")), newFinding(mine, "b", on("two")), newFinding(mine, "c", on("three")))
	imports(t, s.as(other), newFinding(other, "d", on("one")))
	byResource := newInsight(t, c, "by resource", "ResourceId", types.AwsSecurityFindingFilters{RecordState: equals("ACTIVE")})
	require.Equal(t, []string{"2 two", "1 one", "1 three"}, results(t, c, byResource))
	require.Equal(t, []string{"2 two", "1 one", "1 three"}, results(t, c, managed(30)))
	require.Equal(t, []string{"3 HIGH"}, results(t, c, managed(29)))

	// What is archived or suppressed leaves the results at once.
	_, err := c.BatchUpdateFindings(t.Context(), &securityhub.BatchUpdateFindingsInput{
		FindingIdentifiers: []types.AwsSecurityFindingIdentifier{identifier("b")}, Workflow: &types.WorkflowUpdate{Status: types.WorkflowStatusSuppressed},
	})
	require.NoError(t, err)
	require.Equal(t, []string{"1 one", "1 three", "1 two"}, results(t, c, managed(30)))
	require.Equal(t, []string{"2 two", "1 one", "1 three"}, results(t, c, byResource))

	// Relative dates are those of the call.
	imports(t, c, newFinding(mine, "b", on("two"), at(time.Now().UTC().Format(time.RFC3339))))
	today := newInsight(t, c, "today", "ResourceId", types.AwsSecurityFindingFilters{
		UpdatedAt: []types.DateFilter{{DateRange: &types.DateRange{Unit: types.DateRangeUnitDays, Value: aws.Int32(1)}}},
	})
	require.Equal(t, []string{"1 two"}, results(t, c, today))

	// The operator's insights span every account; others see their own findings alone.
	require.Equal(t, []string{"2 111122223333", "1 444455556666"}, results(t, s.as(operator), managed(27)))
	require.Equal(t, []string{"1 444455556666"}, results(t, s.as(other), managed(27)))
	_, err = s.as(other).GetInsightResults(t.Context(), &securityhub.GetInsightResultsInput{InsightArn: &byResource})
	requireRefused(t, err, `ResourceNotFoundException: {"insightArn":"`+byResource+`"}`)
}

// An insight tells a hundred values, the most frequent ones.
func TestGetInsightResultsTellsAHundred(t *testing.T) {
	c := serve(t).as(mine)
	var findings []types.AwsSecurityFinding
	for n := range 100 {
		findings = append(findings, newFinding(mine, fmt.Sprintf("%03d", n), func(f *types.AwsSecurityFinding) {
			f.Resources = append(f.Resources, types.Resource{Type: aws.String("Other"), Id: aws.String("everywhere")})
		}))
	}
	imports(t, c, findings...)
	got := results(t, c, newInsight(t, c, "n", "ResourceId", types.AwsSecurityFindingFilters{}))
	require.Len(t, got, 100)
	require.Equal(t, []string{"100 everywhere", "1 i-000", "1 i-001"}, got[:3])
	require.Equal(t, "1 i-098", got[99])
}
