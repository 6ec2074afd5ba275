package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

// The accounts of an organisation in the tests: mine administers, other is a member or is asked to be.
const (
	third      = "777788889999"
	management = "100000000000"

	notAsked  = "The request is rejected because there is no invitation from the given account ID."
	notThere  = "The request is rejected because the given account ID is not a member or associated member of the current account."
	there     = "The request is rejected because the given account ID is already a member or associated member of the current account."
	notMember = "The request is rejected because the current account is not a member."
	malformed = `. should match pattern "^[0-9]{12}$".`
)

// invited asks accounts to be members of mine and answers the id of the first's invitation.
func invited(t *testing.T, hub *server, accounts ...string) string {
	t.Helper()
	c := hub.as(mine)
	added := &securityhub.CreateMembersInput{}
	for _, a := range accounts {
		added.AccountDetails = append(added.AccountDetails, types.AccountDetails{AccountId: &a, Email: aws.String(a + "@example.com")})
	}
	created, err := c.CreateMembers(t.Context(), added)
	require.NoError(t, err)
	require.Empty(t, created.UnprocessedAccounts)
	out, err := c.InviteMembers(t.Context(), &securityhub.InviteMembersInput{AccountIds: accounts})
	require.NoError(t, err)
	require.Empty(t, out.UnprocessedAccounts)
	list, err := hub.as(accounts[0]).ListInvitations(t.Context(), &securityhub.ListInvitationsInput{})
	require.NoError(t, err)
	require.Len(t, list.Invitations, 1)
	return *list.Invitations[0].InvitationId
}

// joined makes other a member of mine.
func joined(t *testing.T, hub *server) {
	t.Helper()
	id := invited(t, hub, other)
	_, err := hub.as(other).AcceptAdministratorInvitation(t.Context(), &securityhub.AcceptAdministratorInvitationInput{
		AdministratorId: aws.String(mine), InvitationId: &id,
	})
	require.NoError(t, err)
}

// statusOf is what an account is to mine; "" for nothing.
func statusOf(t *testing.T, hub *server, account string) string {
	t.Helper()
	out, err := hub.as(mine).GetMembers(t.Context(), &securityhub.GetMembersInput{AccountIds: []string{account}})
	require.NoError(t, err)
	if len(out.Members) == 0 {
		return ""
	}
	return *out.Members[0].MemberStatus
}

// requireUnprocessed holds what was not done against "account: why" lines.
func requireUnprocessed(t *testing.T, results []types.Result, want ...string) {
	t.Helper()
	var have []string
	for _, r := range results {
		have = append(have, *r.AccountId+": "+*r.ProcessingResult)
	}
	require.Equal(t, want, have)
}

// sees is the ids of the findings that an account sees.
func sees(t *testing.T, c *securityhub.Client) []string {
	t.Helper()
	return ids(find(t, c, types.AwsSecurityFindingFilters{}))
}

// designated makes mine the administrator of an organisation without a list.
func designated(t *testing.T, hub *server) {
	t.Helper()
	_, err := hub.as(management).EnableOrganizationAdminAccount(t.Context(), &securityhub.EnableOrganizationAdminAccountInput{AdminAccountId: aws.String(mine)})
	require.NoError(t, err)
}

// aggregated links Regions to the tests' Region and answers the aggregator's ARN.
func aggregated(t *testing.T, c *securityhub.Client, mode string, regions ...string) string {
	t.Helper()
	out, err := c.CreateFindingAggregator(t.Context(), &securityhub.CreateFindingAggregatorInput{RegionLinkingMode: &mode, Regions: regions})
	require.NoError(t, err)
	return *out.FindingAggregatorArn
}

const aggregatorARN = "arn:aws:securityhub:" + region + ":" + mine + ":finding-aggregator/"
