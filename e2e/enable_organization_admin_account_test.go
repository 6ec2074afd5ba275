package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestEnableOrganizationAdminAccount(t *testing.T) {
	// In an organisation without a list the first account to ask is the management account.
	hub := serve(t)
	enable := func(hub *server, as, account string) error {
		_, err := hub.as(as).EnableOrganizationAdminAccount(t.Context(), &securityhub.EnableOrganizationAdminAccountInput{AdminAccountId: &account})
		return err
	}
	designated(t, hub)
	designated(t, hub)
	requireRefused(t, enable(hub, mine, mine), "AccessDeniedException: Account "+mine+" is not the management account of an organization")
	requireRefused(t, enable(hub, management, other), "InvalidInputException: Account "+mine+" is already the administrator of the organization in "+region+". Disable it first.")
	requireRefused(t, enable(hub, management, "x"), "InvalidInputException: Invalid parameter 'AdminAccountId'"+malformed)

	// One with a list has its management account, and nobody else.
	file := filepath.Join(t.TempDir(), "hubcap.toml")
	require.NoError(t, os.WriteFile(file, []byte(`[organization]
management_account = "`+management+`"
accounts = [{ id = "`+mine+`", name = "security" }, { id = "`+other+`", name = "shop" }]
`), 0o600))
	hub = serve(t, "--profile", "aws", "--config", file)
	requireRefused(t, enable(hub, mine, mine), "AccessDeniedException: Account "+mine+" is not the management account of an organization")
	requireRefused(t, enable(hub, management, third), "InvalidInputException: Account "+third+" does not belong to the organization")
	require.NoError(t, enable(hub, management, mine))
	_, err := hub.as(mine).CreateMembers(t.Context(), &securityhub.CreateMembersInput{AccountDetails: []types.AccountDetails{{AccountId: aws.String(other)}}})
	require.NoError(t, err)
	imports(t, hub.as(other), newFinding(other, "theirs"))
	found := find(t, hub.as(mine), types.AwsSecurityFindingFilters{})
	require.Len(t, found, 1)
	require.Equal(t, "shop", *found[0].AwsAccountName)
}
