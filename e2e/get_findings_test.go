package e2e

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestGetFindingsFilters(t *testing.T) {
	c := serve(t).as(mine)
	imports(t, c,
		newFinding(mine, "a"),
		newFinding(mine, "b", at(updated), func(f *types.AwsSecurityFinding) {
			f.FindingProviderFields.Severity.Label = types.SeverityLabelLow
			f.Resources[0].Tags = map[string]string{"env": "dev"}
			f.Confidence = aws.Int32(50)
		}),
		newFinding(mine, "c", at(latest), func(f *types.AwsSecurityFinding) {
			f.RecordState = types.RecordStateArchived
			f.Network = &types.Network{SourceIpV4: aws.String("10.1.2.3")}
		}),
	)
	text := func(comparison types.StringFilterComparison, values ...string) []types.StringFilter {
		var all []types.StringFilter
		for _, v := range values {
			all = append(all, types.StringFilter{Comparison: comparison, Value: &v})
		}
		return all
	}
	for _, q := range []struct {
		name    string
		filters types.AwsSecurityFindingFilters
		want    []string
	}{
		{"none", types.AwsSecurityFindingFilters{}, []string{"a", "b", "c"}},
		{"equals", types.AwsSecurityFindingFilters{SeverityLabel: equals("LOW")}, []string{"b"}},
		{"one of two", types.AwsSecurityFindingFilters{Id: text("EQUALS", "a", "c")}, []string{"a", "c"}},
		{"prefix", types.AwsSecurityFindingFilters{ResourceId: text("PREFIX", "i-")}, []string{"a", "b", "c"}},
		{"neither of two", types.AwsSecurityFindingFilters{Title: text("NOT_EQUALS", "Title of a", "Title of b")}, []string{"c"}},
		{"map", types.AwsSecurityFindingFilters{ResourceTags: []types.MapFilter{{Key: aws.String("env"), Value: aws.String("dev"), Comparison: "EQUALS"}}}, []string{"b"}},
		{"number", types.AwsSecurityFindingFilters{Confidence: []types.NumberFilter{{Gte: aws.Float64(50), Lte: aws.Float64(51)}}}, []string{"b"}},
		{"date", types.AwsSecurityFindingFilters{UpdatedAt: []types.DateFilter{{Start: aws.String(updated), End: aws.String(latest)}}}, []string{"b", "c"}},
		{"address", types.AwsSecurityFindingFilters{NetworkSourceIpV4: []types.IpFilter{{Cidr: aws.String("10.1.0.0/16")}}}, []string{"c"}},
		{"two attributes", types.AwsSecurityFindingFilters{RecordState: equals("ACTIVE"), SeverityLabel: equals("HIGH")}, []string{"a"}},
		{"keyword", types.AwsSecurityFindingFilters{Keyword: []types.KeywordFilter{{Value: aws.String("TITLE OF B")}}}, []string{"b"}}, //nolint:staticcheck // deprecated, and still there
	} {
		t.Run(q.name, func(t *testing.T) { require.ElementsMatch(t, q.want, ids(find(t, c, q.filters))) })
	}
}

func TestGetFindingsSortsAndPages(t *testing.T) {
	c := serve(t).as(mine)
	var all []types.AwsSecurityFinding
	for i := range 25 {
		all = append(all, newFinding(mine, fmt.Sprintf("%02d", i), at(fmt.Sprintf("2026-11-02T08:00:%02dZ", i))))
	}
	imports(t, c, all...)
	// Without sort criteria: UpdatedAt, newest first.
	var got []string
	in := &securityhub.GetFindingsInput{MaxResults: aws.Int32(10)}
	sizes := []int{}
	for {
		page, err := c.GetFindings(t.Context(), in)
		require.NoError(t, err)
		sizes = append(sizes, len(page.Findings))
		got = append(got, ids(page.Findings)...)
		if in.NextToken = page.NextToken; in.NextToken == nil {
			break
		}
	}
	require.Equal(t, []int{10, 10, 5}, sizes)
	for i, id := range got {
		require.Equal(t, fmt.Sprintf("%02d", 24-i), id)
	}
	up := find(t, c, types.AwsSecurityFindingFilters{}, types.SortCriterion{Field: aws.String("Title"), SortOrder: types.SortOrderAscending})
	require.Equal(t, "00", *up[0].Id)
	require.Equal(t, "24", *up[24].Id)
}

func TestGetFindingsRefuses(t *testing.T) {
	hub := serve(t)
	c := hub.as(mine)
	imports(t, c, newFinding(mine, "a"), newFinding(mine, "b"))
	page, err := c.GetFindings(t.Context(), &securityhub.GetFindingsInput{MaxResults: aws.Int32(1)})
	require.NoError(t, err)
	many := make([]types.StringFilter, 21)
	for i := range many {
		many[i] = types.StringFilter{Comparison: "EQUALS", Value: aws.String(strconv.Itoa(i))}
	}
	for _, q := range []struct {
		name, member string
		in           securityhub.GetFindingsInput
	}{
		{"no page", "MaxResults", securityhub.GetFindingsInput{MaxResults: aws.Int32(0)}},
		{"too large a page", "MaxResults", securityhub.GetFindingsInput{MaxResults: aws.Int32(101)}},
		{"no token of ours", "NextToken", securityhub.GetFindingsInput{NextToken: aws.String("abc")}},
		{"the token of another question", "NextToken", securityhub.GetFindingsInput{
			NextToken: page.NextToken, Filters: &types.AwsSecurityFindingFilters{Id: equals("a")},
		}},
		{"too many values", "Title", securityhub.GetFindingsInput{Filters: &types.AwsSecurityFindingFilters{Title: many}}},
		{"an illegal mix", "Title", securityhub.GetFindingsInput{Filters: &types.AwsSecurityFindingFilters{Title: []types.StringFilter{
			{Comparison: "EQUALS", Value: aws.String("a")}, {Comparison: "NOT_EQUALS", Value: aws.String("b")},
		}}}},
		{"no such comparison", "Title", securityhub.GetFindingsInput{Filters: &types.AwsSecurityFindingFilters{Title: []types.StringFilter{
			{Comparison: "SOUNDS_LIKE", Value: aws.String("a")},
		}}}},
	} {
		t.Run(q.name, func(t *testing.T) {
			_, err := c.GetFindings(t.Context(), &q.in)
			require.ErrorContains(t, err, "InvalidInputException: Invalid parameter '")
			require.ErrorContains(t, err, q.member)
		})
	}
	// A token belongs to its account as well.
	_, err = hub.as(other).GetFindings(t.Context(), &securityhub.GetFindingsInput{MaxResults: aws.Int32(1), NextToken: page.NextToken})
	require.ErrorContains(t, err, "InvalidInputException: Invalid parameter 'NextToken'")
}

func TestGetFindingsOfARegion(t *testing.T) {
	hub := serve(t)
	imports(t, hub.as(mine), newFinding(mine, "a"))
	elsewhere := hub.signed(mine, "any", "eu-west-1")
	require.Empty(t, find(t, elsewhere, types.AwsSecurityFindingFilters{}))
}
