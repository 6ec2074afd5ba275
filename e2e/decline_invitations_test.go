package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/stretchr/testify/require"
)

func TestDeclineInvitations(t *testing.T) {
	hub := serve(t)
	invited(t, hub, other)
	out, err := hub.as(other).DeclineInvitations(t.Context(), &securityhub.DeclineInvitationsInput{AccountIds: []string{mine, third}})
	require.NoError(t, err)
	requireUnprocessed(t, out.UnprocessedAccounts, third+": "+notAsked)
	require.Equal(t, "Resigned", statusOf(t, hub, other))
	_, err = hub.as(other).DeclineInvitations(t.Context(), &securityhub.DeclineInvitationsInput{AccountIds: []string{"x"}})
	requireRefused(t, err, "InvalidInputException: Invalid parameter 'AccountIds[0]'"+malformed)
}
