package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestDeleteInvitations(t *testing.T) {
	hub := serve(t)
	remove := func(account, from string) []types.Result {
		out, err := hub.as(account).DeleteInvitations(t.Context(), &securityhub.DeleteInvitationsInput{AccountIds: []string{from}})
		require.NoError(t, err)
		return out.UnprocessedAccounts
	}
	invited(t, hub, other)
	require.Empty(t, remove(other, mine))
	require.Equal(t, "Resigned", statusOf(t, hub, other))
	requireUnprocessed(t, remove(other, mine), mine+": The request is rejected because the given account ID has no open invitation from the current account.")

	// Who invited withdraws.
	invited(t, hub, third)
	require.Empty(t, remove(mine, third))
	require.Equal(t, "Created", statusOf(t, hub, third))
	list, err := hub.as(third).ListInvitations(t.Context(), &securityhub.ListInvitationsInput{})
	require.NoError(t, err)
	require.Empty(t, list.Invitations)
}
