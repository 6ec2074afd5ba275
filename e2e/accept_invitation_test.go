package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/stretchr/testify/require"
)

func TestAcceptInvitation(t *testing.T) {
	hub := serve(t)
	imports(t, hub.as(other), newFinding(other, "theirs"))
	accept := func(account, administrator, id string) error {
		_, err := hub.as(account).AcceptInvitation(t.Context(), &securityhub.AcceptInvitationInput{MasterId: &administrator, InvitationId: &id}) //nolint:staticcheck // deprecated, and served
		return err
	}
	id := invited(t, hub, other)
	require.Empty(t, sees(t, hub.as(mine)))
	requireRefused(t, accept(other, mine, "another"), "ResourceNotFoundException: There is no open invitation another from account "+mine)
	requireRefused(t, accept(third, mine, id), "ResourceNotFoundException: There is no open invitation "+id+" from account "+mine)
	requireRefused(t, accept(other, "x", id), "InvalidInputException: Invalid parameter 'MasterId'"+malformed)
	require.NoError(t, accept(other, mine, id))
	require.Equal(t, "Enabled", statusOf(t, hub, other))
	require.Equal(t, []string{"theirs"}, sees(t, hub.as(mine)))
	require.Empty(t, sees(t, hub.as(third)))
}
