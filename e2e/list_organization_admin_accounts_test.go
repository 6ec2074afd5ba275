package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestListOrganizationAdminAccounts(t *testing.T) {
	hub := serve(t)
	list := func(account string) ([]types.AdminAccount, error) {
		out, err := hub.as(account).ListOrganizationAdminAccounts(t.Context(), &securityhub.ListOrganizationAdminAccountsInput{})
		if err != nil {
			return nil, err
		}
		return out.AdminAccounts, nil
	}
	none, err := list(management)
	require.NoError(t, err)
	require.Empty(t, none)
	designated(t, hub)
	for _, account := range []string{management, mine} {
		admins, err := list(account)
		require.NoError(t, err)
		require.Equal(t, []types.AdminAccount{{AccountId: aws.String(mine), Status: types.AdminStatusEnabled}}, admins)
	}
	_, err = list(other)
	requireRefused(t, err, "InvalidAccessException: Account "+other+" is not the management account of an organization")
}
