package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/stretchr/testify/require"
)

func TestGetInvitationsCount(t *testing.T) {
	hub := serve(t)
	count := func() int32 {
		out, err := hub.as(other).GetInvitationsCount(t.Context(), &securityhub.GetInvitationsCountInput{})
		require.NoError(t, err)
		return *out.InvitationsCount
	}
	require.Zero(t, count())
	id := invited(t, hub, other)
	require.EqualValues(t, 1, count())
	_, err := hub.as(other).AcceptAdministratorInvitation(t.Context(), &securityhub.AcceptAdministratorInvitationInput{AdministratorId: aws.String(mine), InvitationId: &id})
	require.NoError(t, err)
	require.Zero(t, count(), "an accepted one is not counted")
}
