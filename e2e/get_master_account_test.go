package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestGetMasterAccount(t *testing.T) {
	hub := serve(t)
	get := func() *types.Invitation {
		out, err := hub.as(other).GetMasterAccount(t.Context(), &securityhub.GetMasterAccountInput{}) //nolint:staticcheck // deprecated, and served
		require.NoError(t, err)
		return out.Master
	}
	require.Nil(t, get())
	joined(t, hub)
	who := get()
	require.Equal(t, mine+" Enabled", *who.AccountId+" "+*who.MemberStatus)
	require.Len(t, *who.InvitationId, 32)
	require.False(t, who.InvitedAt.IsZero())
	_, err := serve(t, "--profile", "aws").as(mine).GetMasterAccount(t.Context(), &securityhub.GetMasterAccountInput{}) //nolint:staticcheck // deprecated, and served
	requireRefused(t, err, "InvalidAccessException: "+notSubscribed)
}
