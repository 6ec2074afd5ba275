package e2e

import (
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestCreateMembers(t *testing.T) {
	hub := serve(t)
	create := func(c *securityhub.Client, accounts ...string) ([]types.Result, error) {
		in := &securityhub.CreateMembersInput{AccountDetails: []types.AccountDetails{}}
		for _, a := range accounts {
			in.AccountDetails = append(in.AccountDetails, types.AccountDetails{AccountId: &a})
		}
		out, err := c.CreateMembers(t.Context(), in)
		if err != nil {
			return nil, err
		}
		return out.UnprocessedAccounts, nil
	}
	results, err := create(hub.as(mine), other, mine, other)
	require.NoError(t, err)
	requireUnprocessed(t, results, mine+": The request is rejected because the given account ID is the current account.", other+": "+there)
	require.Equal(t, "Created", statusOf(t, hub, other))

	_, err = create(hub.as(mine), third, "7777")
	requireRefused(t, err, "InvalidInputException: Invalid parameter 'AccountDetails[1].AccountId'"+malformed)
	require.Empty(t, statusOf(t, hub, third))
	_, err = create(hub.as(mine))
	requireRefused(t, err, "InvalidInputException: Invalid parameter 'AccountDetails'. should NOT have fewer than 1 items.")

	// 50 in a call.
	var many []string
	for i := range 51 {
		many = append(many, strconv.Itoa(300000000000+i))
	}
	results, err = create(hub.as(mine), many...)
	require.NoError(t, err)
	requireUnprocessed(t, results, many[50]+": Maximum number of results exceeded")

	_, err = create(serve(t, "--profile", "aws").as(mine), other)
	requireRefused(t, err, "InvalidAccessException: "+notSubscribed)
}
