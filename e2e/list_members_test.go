package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/stretchr/testify/require"
)

func TestListMembers(t *testing.T) {
	hub := serve(t)
	joined(t, hub)
	invited(t, hub, third, "888899990000")
	list := func(associated *bool) []string {
		var all []string
		pages := securityhub.NewListMembersPaginator(hub.as(mine), &securityhub.ListMembersInput{OnlyAssociated: associated, MaxResults: aws.Int32(2)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			require.NoError(t, err)
			require.LessOrEqual(t, len(page.Members), 2)
			for _, m := range page.Members {
				all = append(all, *m.AccountId+" "+*m.MemberStatus)
			}
		}
		return all
	}
	require.Equal(t, []string{other + " Enabled"}, list(nil))
	require.Equal(t, []string{other + " Enabled"}, list(aws.Bool(true)))
	require.Equal(t, []string{other + " Enabled", third + " Invited", "888899990000 Invited"}, list(aws.Bool(false)))
}
