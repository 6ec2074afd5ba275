package e2e

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

// The moments of the tests' findings.
const (
	created = "2026-11-01T08:00:00Z"
	updated = "2026-11-02T08:00:00Z"
	latest  = "2026-11-03T08:00:00Z"
)

func defaultProduct(account string) string {
	return "arn:aws:securityhub:" + region + ":" + account + ":product/" + account + "/default"
}

// newFinding is a valid finding of an account's default product; changes are made before it is returned.
func newFinding(account, id string, changes ...func(*types.AwsSecurityFinding)) types.AwsSecurityFinding {
	f := types.AwsSecurityFinding{
		SchemaVersion: aws.String("2018-10-08"),
		Id:            &id,
		ProductArn:    aws.String(defaultProduct(account)),
		GeneratorId:   aws.String("e2e"),
		AwsAccountId:  &account,
		CreatedAt:     aws.String(created),
		UpdatedAt:     aws.String(created),
		Title:         aws.String("Title of " + id),
		Description:   aws.String("Description"),
		FindingProviderFields: &types.FindingProviderFields{
			Severity: &types.FindingProviderSeverity{Label: types.SeverityLabelHigh, Original: aws.String("8.1")},
			Types:    []string{"Software and Configuration Checks/Vulnerabilities/CVE"},
		},
		Resources: []types.Resource{{Type: aws.String("AwsEc2Instance"), Id: aws.String("i-" + id), Tags: map[string]string{"env": "prod"}}},
	}
	for _, change := range changes {
		change(&f)
	}
	return f
}

// at sets UpdatedAt.
func at(moment string) func(*types.AwsSecurityFinding) {
	return func(f *types.AwsSecurityFinding) { f.UpdatedAt = &moment }
}

func batchImport(ctx context.Context, c *securityhub.Client, findings ...types.AwsSecurityFinding) (*securityhub.BatchImportFindingsOutput, error) {
	return c.BatchImportFindings(ctx, &securityhub.BatchImportFindingsInput{Findings: findings})
}

// imports findings that must all be taken.
func imports(t *testing.T, c *securityhub.Client, findings ...types.AwsSecurityFinding) {
	t.Helper()
	out, err := batchImport(t.Context(), c, findings...)
	require.NoError(t, err)
	require.Empty(t, out.FailedFindings)
	require.EqualValues(t, len(findings), *out.SuccessCount)
	require.Zero(t, *out.FailedCount)
}

// equals is a filter for one value.
func equals(value string) []types.StringFilter {
	return []types.StringFilter{{Value: &value, Comparison: types.StringFilterComparisonEquals}}
}

// find asks for findings by filter; all pages.
func find(t *testing.T, c *securityhub.Client, filters types.AwsSecurityFindingFilters, sort ...types.SortCriterion) []types.AwsSecurityFinding {
	t.Helper()
	var all []types.AwsSecurityFinding
	pages := securityhub.NewGetFindingsPaginator(c, &securityhub.GetFindingsInput{Filters: &filters, SortCriteria: sort})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		all = append(all, page.Findings...)
	}
	return all
}

// get is the one finding with the Id.
func get(t *testing.T, c *securityhub.Client, id string) types.AwsSecurityFinding {
	t.Helper()
	all := find(t, c, types.AwsSecurityFindingFilters{Id: equals(id)})
	require.Len(t, all, 1)
	return all[0]
}

func ids(findings []types.AwsSecurityFinding) []string {
	all := make([]string, 0, len(findings))
	for _, f := range findings {
		all = append(all, *f.Id)
	}
	return all
}

// identifier names one of our findings.
func identifier(id string) types.AwsSecurityFindingIdentifier {
	return types.AwsSecurityFindingIdentifier{Id: &id, ProductArn: aws.String(defaultProduct(mine))}
}
