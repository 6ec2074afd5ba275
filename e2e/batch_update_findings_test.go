package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestBatchUpdateFindings(t *testing.T) {
	c := serve(t).as(mine)
	imports(t, c, newFinding(mine, "a"), newFinding(mine, "b"))
	out, err := c.BatchUpdateFindings(t.Context(), &securityhub.BatchUpdateFindingsInput{
		FindingIdentifiers: []types.AwsSecurityFindingIdentifier{
			identifier("a"), identifier("nobody"), identifier("b"), identifier("a"),
		},
		Note:              &types.NoteUpdate{Text: aws.String("seen"), UpdatedBy: aws.String("me")},
		Severity:          &types.SeverityUpdate{Label: types.SeverityLabelLow},
		Workflow:          &types.WorkflowUpdate{Status: types.WorkflowStatusNotified},
		Confidence:        aws.Int32(42),
		Criticality:       aws.Int32(43),
		VerificationState: types.VerificationStateTruePositive,
		Types:             []string{"TTPs"},
		UserDefinedFields: map[string]string{"owner": "web"},
		RelatedFindings:   []types.RelatedFinding{{Id: aws.String("b"), ProductArn: aws.String(defaultProduct(mine))}},
	})
	require.NoError(t, err)
	require.Equal(t, []types.AwsSecurityFindingIdentifier{identifier("a"), identifier("b")}, out.ProcessedFindings)
	var said []string
	for _, u := range out.UnprocessedFindings {
		said = append(said, *u.FindingIdentifier.Id+" "+*u.ErrorCode+" "+*u.ErrorMessage)
	}
	require.ElementsMatch(t, []string{
		"nobody FindingNotFound Finding Not Found", "a DuplicatedFindingIdentifier Finding Identifier is duplicated",
	}, said)

	for _, id := range []string{"a", "b"} {
		f := get(t, c, id)
		require.Equal(t, "seen", *f.Note.Text)
		require.NotEmpty(t, f.Note.UpdatedAt)
		require.Equal(t, types.SeverityLabelLow, f.Severity.Label)
		require.EqualValues(t, 1, *f.Severity.Normalized)
		require.Equal(t, types.WorkflowStatusNotified, f.Workflow.Status)
		require.EqualValues(t, 42, *f.Confidence)
		require.EqualValues(t, 43, *f.Criticality)
		require.Equal(t, types.VerificationStateTruePositive, f.VerificationState)
		require.Equal(t, []string{"TTPs"}, f.Types)
		require.Equal(t, map[string]string{"owner": "web"}, f.UserDefinedFields)
		require.Len(t, f.RelatedFindings, 1)
		require.Equal(t, created, *f.UpdatedAt)
		require.Equal(t, types.SeverityLabelHigh, f.FindingProviderFields.Severity.Label)
	}

	// The provider's next word does not undo the customer's.
	imports(t, c, newFinding(mine, "a", at(updated)))
	f := get(t, c, "a")
	require.Equal(t, types.SeverityLabelLow, f.Severity.Label)
	require.Equal(t, "seen", *f.Note.Text)
	require.Equal(t, types.WorkflowStatusNotified, f.Workflow.Status)
}

func TestBatchUpdateFindingsRefusesWholeRequests(t *testing.T) {
	c := serve(t).as(mine)
	imports(t, c, newFinding(mine, "a"))
	for _, in := range []*securityhub.BatchUpdateFindingsInput{
		{FindingIdentifiers: []types.AwsSecurityFindingIdentifier{}},
		{FindingIdentifiers: []types.AwsSecurityFindingIdentifier{identifier("a")}, Confidence: aws.Int32(101)},
		{FindingIdentifiers: []types.AwsSecurityFindingIdentifier{identifier("a")}, Workflow: &types.WorkflowUpdate{Status: "DONE"}},
	} {
		_, err := c.BatchUpdateFindings(t.Context(), in)
		require.ErrorContains(t, err, "InvalidInputException: Invalid parameter '")
	}
	require.Nil(t, get(t, c, "a").Confidence)
}
