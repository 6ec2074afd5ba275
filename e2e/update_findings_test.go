package e2e

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestUpdateFindings(t *testing.T) {
	s := serve(t)
	c := s.as(mine)
	var findings []types.AwsSecurityFinding
	for n := range 150 {
		findings = append(findings, newFinding(mine, fmt.Sprintf("%03d", n)))
	}
	imports(t, c, findings[:100]...)
	imports(t, c, findings[100:]...)
	imports(t, s.as(other), newFinding(other, "theirs"))
	_, err := c.UpdateFindings(t.Context(), &securityhub.UpdateFindingsInput{
		Filters:     &types.AwsSecurityFindingFilters{SeverityLabel: equals("HIGH")},
		Note:        &types.NoteUpdate{Text: aws.String("seen"), UpdatedBy: aws.String("me")},
		RecordState: types.RecordStateArchived,
	})
	require.NoError(t, err)
	all := find(t, c, types.AwsSecurityFindingFilters{RecordState: equals("ARCHIVED"), NoteText: equals("seen")})
	require.Len(t, all, 150, "everything that matches, beyond a hundred")
	require.Equal(t, created, *all[0].UpdatedAt)
	require.NotEmpty(t, *all[0].Note.UpdatedAt)
	require.Equal(t, types.RecordStateActive, get(t, s.as(other), "theirs").RecordState)
	require.Len(t, history(t, c, "007"), 1, "the creation alone")

	// The provider's next word settles the state; the note stays.
	imports(t, c, newFinding(mine, "007", at(updated)))
	f := get(t, c, "007")
	require.Equal(t, types.RecordStateActive, f.RecordState)
	require.Equal(t, "seen", *f.Note.Text)

	for want, in := range map[string]*securityhub.UpdateFindingsInput{
		"InvalidInputException: Invalid parameter 'RecordState'. should be equal to one of the allowed values.": {
			Filters: &types.AwsSecurityFindingFilters{}, RecordState: "GONE",
		},
		"InvalidInputException: Invalid parameter 'Filters.Id[0].Value'. should NOT be shorter than 1 characters.": {
			Filters: &types.AwsSecurityFindingFilters{Id: equals("")}, RecordState: types.RecordStateActive,
		},
	} {
		_, err := c.UpdateFindings(t.Context(), in)
		requireRefused(t, err, want)
	}
}
