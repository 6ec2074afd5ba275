package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/stretchr/testify/require"
)

func TestDisassociateMembers(t *testing.T) {
	hub := serve(t)
	imports(t, hub.as(other), newFinding(other, "theirs"))
	joined(t, hub)
	leave := func(accounts ...string) error {
		_, err := hub.as(mine).DisassociateMembers(t.Context(), &securityhub.DisassociateMembersInput{AccountIds: accounts})
		return err
	}
	requireRefused(t, leave(other, third), "ResourceNotFoundException: Account "+third+" is not a member or associated member of the current account")
	require.Equal(t, []string{"theirs"}, sees(t, hub.as(mine)), "nothing of it was done")
	require.NoError(t, leave(other))
	require.Empty(t, sees(t, hub.as(mine)))
	require.Equal(t, "Removed", statusOf(t, hub, other))
}
