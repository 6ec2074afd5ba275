package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/stretchr/testify/require"
)

func TestInviteMembers(t *testing.T) {
	hub := serve(t)
	joined(t, hub)
	out, err := hub.as(mine).InviteMembers(t.Context(), &securityhub.InviteMembersInput{AccountIds: []string{other, third}})
	require.NoError(t, err)
	requireUnprocessed(t, out.UnprocessedAccounts, other+": "+there, third+": "+notThere)
	invited(t, hub, third)
	require.Equal(t, "Invited", statusOf(t, hub, third))
	_, err = hub.as(other).InviteMembers(t.Context(), &securityhub.InviteMembersInput{AccountIds: []string{third}})
	requireRefused(t, err, "InvalidInputException: Account "+other+" is a member of account "+mine+" and cannot have members")
}
