package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/stretchr/testify/require"
)

func TestGetMembers(t *testing.T) {
	hub := serve(t)
	joined(t, hub)
	out, err := hub.as(mine).GetMembers(t.Context(), &securityhub.GetMembersInput{AccountIds: []string{third, other}})
	require.NoError(t, err)
	requireUnprocessed(t, out.UnprocessedAccounts, third+": "+notThere)
	require.Len(t, out.Members, 1)
	m := out.Members[0]
	require.Equal(t, other+" "+mine+" "+mine+" Enabled "+other+"@example.com", *m.AccountId+" "+*m.AdministratorId+" "+*m.MasterId+" "+*m.MemberStatus+" "+*m.Email) //nolint:staticcheck // deprecated, and served
	require.False(t, m.InvitedAt.IsZero())
	require.False(t, m.UpdatedAt.Before(*m.InvitedAt))
	_, err = hub.as(mine).GetMembers(t.Context(), &securityhub.GetMembersInput{AccountIds: []string{}})
	requireRefused(t, err, "InvalidInputException: Invalid parameter 'AccountIds'. should NOT have fewer than 1 items.")
}
