package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestBatchImportFindingsCreates(t *testing.T) {
	c := serve(t).as(mine)
	imports(t, c, newFinding(mine, "a"))
	f := get(t, c, "a")
	require.Equal(t, "Title of a", *f.Title)
	require.Equal(t, created, *f.CreatedAt)

	// What the service fills in.
	require.Equal(t, types.SeverityLabelHigh, f.Severity.Label)
	require.EqualValues(t, 70, *f.Severity.Normalized)
	require.Equal(t, "8.1", *f.Severity.Original)
	require.Equal(t, []string{"Software and Configuration Checks/Vulnerabilities/CVE"}, f.Types)
	require.Equal(t, types.WorkflowStatusNew, f.Workflow.Status)
	require.Equal(t, types.WorkflowStateNew, f.WorkflowState) //nolint:staticcheck // deprecated, and still there
	require.Equal(t, types.RecordStateActive, f.RecordState)
	require.Equal(t, region, *f.Region)
	require.Equal(t, "Default", *f.ProductName)
	require.Equal(t, "Personal", *f.CompanyName)
	require.Equal(t, map[string]string{
		"aws/securityhub/FindingId":   defaultProduct(mine) + "/a",
		"aws/securityhub/ProductName": "Default",
		"aws/securityhub/CompanyName": "Personal",
	}, f.ProductFields)
	require.NotEmpty(t, f.ProcessedAt)
}

func TestBatchImportFindingsUpdates(t *testing.T) {
	c := serve(t).as(mine)
	title := func(s string) func(*types.AwsSecurityFinding) {
		return func(f *types.AwsSecurityFinding) { f.Title = &s }
	}
	imports(t, c, newFinding(mine, "a"))
	imports(t, c, newFinding(mine, "a", at(updated), title("second")))
	require.Equal(t, "second", *get(t, c, "a").Title)

	// A stale update counts as a success and changes nothing; so does one of the same moment.
	imports(t, c, newFinding(mine, "a", title("stale")))
	imports(t, c, newFinding(mine, "a", at(updated), title("same moment")))
	require.Equal(t, "second", *get(t, c, "a").Title)

	// The same finding twice in one request: in order.
	imports(t, c, newFinding(mine, "a", at(latest), title("third")), newFinding(mine, "a", at(updated), title("late")))
	require.Equal(t, "third", *get(t, c, "a").Title)
}

func TestBatchImportFindingsTakesTheGoodOnes(t *testing.T) {
	c := serve(t).as(mine)
	long := strings.Repeat("x", 257)
	out, err := batchImport(t.Context(), c,
		newFinding(mine, "good-1"),
		newFinding(mine, "bad", func(f *types.AwsSecurityFinding) { f.Title = &long }),
		newFinding(mine, "good-2"),
		newFinding(mine, "none", func(f *types.AwsSecurityFinding) { f.FindingProviderFields = nil }),
	)
	require.NoError(t, err)
	require.EqualValues(t, 2, *out.SuccessCount)
	require.EqualValues(t, 2, *out.FailedCount)
	var said []string
	for _, f := range out.FailedFindings {
		said = append(said, fmt.Sprintf("%s %s %s", *f.Id, *f.ErrorCode, *f.ErrorMessage))
	}
	require.Equal(t, []string{
		"bad InvalidInput Finding does not adhere to Amazon Finding Format. data.Title should NOT be longer than 256 characters.",
		"none InvalidInput Finding does not adhere to Amazon Finding Format. data should have required property 'FindingProviderFields', data should match some schema in anyOf.",
	}, said)
	require.ElementsMatch(t, []string{"good-1", "good-2"}, ids(find(t, c, types.AwsSecurityFindingFilters{})))
}

func TestBatchImportFindingsRefusesWholeRequests(t *testing.T) {
	many := make([]types.AwsSecurityFinding, 101)
	for i := range many {
		many[i] = newFinding(mine, strconv.Itoa(i))
	}
	product := func(arn string) func(*types.AwsSecurityFinding) {
		return func(f *types.AwsSecurityFinding) { f.ProductArn = &arn }
	}
	for _, c := range []struct {
		name     string
		args     []string
		findings []types.AwsSecurityFinding
		want     string
	}{
		{"none", nil, []types.AwsSecurityFinding{}, "InvalidInputException: Invalid parameter 'Findings'. "},
		{"too many", nil, many, "InvalidInputException: Invalid parameter 'Findings'. "},
		{
			"a product of no region", nil,
			[]types.AwsSecurityFinding{newFinding(mine, "a"), newFinding(mine, "b", product("arn:aws:securityhub:::product/aquasecurity/aquasecurity"))},
			`InvalidInputException: productArn: "arn:aws:securityhub:::product/aquasecurity/aquasecurity"`,
		},
		{
			"another account",
			[]string{"--profile", "aws"},
			[]types.AwsSecurityFinding{newFinding(other, "a")},
			"AccessDeniedException: User: arn:aws:iam::" + mine + ":user/" + mine +
				" is not authorized to perform: securityhub:BatchImportFindings on resource: " + defaultProduct(other),
		},
		{
			"a product that is not enabled",
			[]string{"--profile", "aws"},
			[]types.AwsSecurityFinding{newFinding(mine, "a", product("arn:aws:securityhub:us-east-1::product/prowler/prowler"))},
			"AccessDeniedException: User: arn:aws:iam::" + mine + ":user/" + mine +
				" is not authorized to perform: securityhub:BatchImportFindings on resource: arn:aws:securityhub:us-east-1::product/prowler/prowler",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			hub := serve(t, c.args...).as(mine)
			_, err := batchImport(t.Context(), hub, c.findings...)
			require.Error(t, err)
			require.Contains(t, err.Error(), c.want)
			if c.args == nil {
				require.Empty(t, find(t, hub, types.AwsSecurityFindingFilters{}), "nothing of it is kept")
			}
		})
	}
}

func TestBatchImportFindingsInProfileAWS(t *testing.T) {
	hub := serve(t, "--profile", "aws")
	c := hub.as(mine)
	// The hub is off: each finding fails.
	out, err := batchImport(t.Context(), c, newFinding(mine, "a"))
	require.NoError(t, err)
	require.EqualValues(t, 1, *out.FailedCount)
	require.Equal(t, "InvalidAccess", *out.FailedFindings[0].ErrorCode)
	require.Equal(t, "Account "+mine+" is not subscribed to AWS Security Hub", *out.FailedFindings[0].ErrorMessage)

	_, err = c.EnableSecurityHub(t.Context(), &securityhub.EnableSecurityHubInput{})
	require.NoError(t, err)
	imports(t, c, newFinding(mine, "a"))
	require.Equal(t, []string{"a"}, ids(find(t, c, types.AwsSecurityFindingFilters{})))
}

// TestBatchImportFindingsOfTheOperator: any key that is no account may import for every account in the open profile.
func TestBatchImportFindingsOfTheOperator(t *testing.T) {
	hub := serve(t)
	imports(t, hub.as(operator), newFinding(mine, "a"), newFinding(other, "b"))
	require.Equal(t, []string{"a"}, ids(find(t, hub.as(mine), types.AwsSecurityFindingFilters{})))
	require.Equal(t, []string{"b"}, ids(find(t, hub.as(other), types.AwsSecurityFindingFilters{})))
	require.Len(t, find(t, hub.as(operator), types.AwsSecurityFindingFilters{}), 2)
}

// TestBatchImportFindingsTakesItsOwnAnswer: what GetFindings returned can be imported again.
func TestBatchImportFindingsTakesItsOwnAnswer(t *testing.T) {
	c := serve(t).as(mine)
	imports(t, c, newFinding(mine, "a"))
	f := get(t, c, "a")
	f.UpdatedAt = aws.String(updated)
	imports(t, c, f)
	again := get(t, c, "a")
	again.ProcessedAt = f.ProcessedAt
	require.Equal(t, f, again)
}
