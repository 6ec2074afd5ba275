package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestDisableOrganizationAdminAccount(t *testing.T) {
	hub := serve(t)
	disable := func(as, account string) error {
		_, err := hub.as(as).DisableOrganizationAdminAccount(t.Context(), &securityhub.DisableOrganizationAdminAccountInput{AdminAccountId: &account})
		return err
	}
	designated(t, hub)
	imports(t, hub.as(other), newFinding(other, "theirs"))
	_, err := hub.as(mine).CreateMembers(t.Context(), &securityhub.CreateMembersInput{AccountDetails: []types.AccountDetails{{AccountId: aws.String(other)}}})
	require.NoError(t, err)
	require.Equal(t, []string{"theirs"}, sees(t, hub.as(mine)))
	requireRefused(t, disable(mine, mine), "AccessDeniedException: Account "+mine+" is not the management account of an organization")
	requireRefused(t, disable(management, other), "InvalidInputException: Account "+other+" is not the administrator of the organization in "+region)
	require.NoError(t, disable(management, mine))
	require.Equal(t, "Removed", statusOf(t, hub, other))
	require.Empty(t, sees(t, hub.as(mine)))
}
