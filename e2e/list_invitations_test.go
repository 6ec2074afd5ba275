package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/stretchr/testify/require"
)

func TestListInvitations(t *testing.T) {
	hub := serve(t)
	id := invited(t, hub, other)
	out, err := hub.as(other).ListInvitations(t.Context(), &securityhub.ListInvitationsInput{})
	require.NoError(t, err)
	require.Len(t, out.Invitations, 1)
	i := out.Invitations[0]
	require.Equal(t, mine+" "+id+" Invited", *i.AccountId+" "+*i.InvitationId+" "+*i.MemberStatus)
	out, err = hub.as(mine).ListInvitations(t.Context(), &securityhub.ListInvitationsInput{})
	require.NoError(t, err)
	require.Empty(t, out.Invitations)
	_, err = hub.as(mine).ListInvitations(t.Context(), &securityhub.ListInvitationsInput{MaxResults: aws.Int32(101)})
	require.ErrorContains(t, err, "InvalidInputException: Invalid parameter 'MaxResults'. ")
}
