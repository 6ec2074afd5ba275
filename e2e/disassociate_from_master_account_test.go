package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/stretchr/testify/require"
)

func TestDisassociateFromMasterAccount(t *testing.T) {
	hub := serve(t)
	imports(t, hub.as(other), newFinding(other, "theirs"))
	leave := func() error {
		_, err := hub.as(other).DisassociateFromMasterAccount(t.Context(), &securityhub.DisassociateFromMasterAccountInput{}) //nolint:staticcheck // deprecated, and served
		return err
	}
	requireRefused(t, leave(), "ResourceNotFoundException: "+notMember)
	joined(t, hub)
	require.Equal(t, []string{"theirs"}, sees(t, hub.as(mine)))
	require.NoError(t, leave())
	require.Empty(t, sees(t, hub.as(mine)))
	require.Equal(t, "Resigned", statusOf(t, hub, other))
}
