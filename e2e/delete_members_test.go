package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestDeleteMembers(t *testing.T) {
	hub := serve(t)
	joined(t, hub)
	remove := func() []types.Result {
		out, err := hub.as(mine).DeleteMembers(t.Context(), &securityhub.DeleteMembersInput{AccountIds: []string{other}})
		require.NoError(t, err)
		return out.UnprocessedAccounts
	}
	requireUnprocessed(t, remove(), other+": The request is rejected because the given account ID is a member of the current account. Disassociate it first.")
	_, err := hub.as(mine).DisassociateMembers(t.Context(), &securityhub.DisassociateMembersInput{AccountIds: []string{other}})
	require.NoError(t, err)
	require.Empty(t, remove())
	require.Empty(t, statusOf(t, hub, other))
	requireUnprocessed(t, remove(), other+": "+notThere)
}
