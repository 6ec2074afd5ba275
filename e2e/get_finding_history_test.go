package e2e

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func history(t *testing.T, c *securityhub.Client, id string) []types.FindingHistoryRecord {
	t.Helper()
	of := identifier(id)
	out, err := c.GetFindingHistory(t.Context(), &securityhub.GetFindingHistoryInput{FindingIdentifier: &of})
	require.NoError(t, err)
	return out.Records
}

func TestGetFindingHistory(t *testing.T) {
	c := serve(t).as(mine)
	now := time.Now().UTC().Add(-time.Hour).Format("2006-01-02T15:04:05Z")
	fresh := func(f *types.AwsSecurityFinding) { f.CreatedAt = &now }
	imports(t, c, newFinding(mine, "a", at(created), fresh))
	imports(t, c, newFinding(mine, "a", at(updated), fresh, func(f *types.AwsSecurityFinding) { f.Title = aws.String("new title") }))
	imports(t, c, newFinding(mine, "a", at(latest), fresh, func(f *types.AwsSecurityFinding) { f.Title = aws.String("new title") }))
	_, err := c.BatchUpdateFindings(t.Context(), &securityhub.BatchUpdateFindingsInput{
		FindingIdentifiers: []types.AwsSecurityFindingIdentifier{identifier("a")},
		Workflow:           &types.WorkflowUpdate{Status: types.WorkflowStatusResolved},
	})
	require.NoError(t, err)

	records := history(t, c, "a")
	require.Len(t, records, 3, "newest first; the import that changed nothing recorded wrote none")
	require.Equal(t, types.FindingHistoryUpdateSourceTypeBatchUpdateFindings, records[0].UpdateSource.Type)
	require.Equal(t, "arn:aws:iam::"+mine+":user/"+mine, *records[0].UpdateSource.Identity)
	require.Contains(t, records[0].Updates, types.FindingHistoryUpdate{
		UpdatedField: aws.String("Workflow.Status"), OldValue: aws.String("NEW"), NewValue: aws.String("RESOLVED"),
	})
	require.Equal(t, types.FindingHistoryUpdateSourceTypeBatchImportFindings, records[1].UpdateSource.Type)
	require.Equal(t, defaultProduct(mine), *records[1].UpdateSource.Identity)
	require.Equal(t, []types.FindingHistoryUpdate{{
		UpdatedField: aws.String("Title"), OldValue: aws.String("Title of a"), NewValue: aws.String("new title"),
	}}, records[1].Updates)
	for i, r := range records {
		require.Equal(t, identifier("a"), *r.FindingIdentifier)
		require.Equal(t, i == 2, r.FindingCreated != nil && *r.FindingCreated)
		if i < 2 {
			require.WithinDuration(t, time.Now(), *r.UpdateTime, time.Minute)
		}
	}
	require.Equal(t, now, records[2].UpdateTime.Format(time.RFC3339), "the creation is told by CreatedAt")
	require.Empty(t, records[2].Updates)
	require.Empty(t, history(t, c, "nobody"))
}

func TestGetFindingHistoryRefuses(t *testing.T) {
	c := serve(t).as(mine)
	of := identifier("a")
	for _, in := range []*securityhub.GetFindingHistoryInput{
		{FindingIdentifier: &of, MaxResults: aws.Int32(101)},
		{FindingIdentifier: &of, NextToken: aws.String("abc")},
		{FindingIdentifier: &of, StartTime: aws.Time(time.Now().AddDate(0, 0, -91)), EndTime: aws.Time(time.Now())},
	} {
		_, err := c.GetFindingHistory(t.Context(), in)
		require.ErrorContains(t, err, "InvalidInputException: ")
	}
}
