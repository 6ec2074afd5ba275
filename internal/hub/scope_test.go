package hub

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hubcap/internal/api"
	"hubcap/internal/store"
)

// An administrator whose members are the same in many Regions has one part for them all: a scope is as long as its lists of members that
// differ, not as its Regions.
func TestRegionsWithTheSameMembersAreOnePart(t *testing.T) {
	s := newMemStore()
	h, err := New(t.Context(), Config{Store: s, Clock: func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }})
	require.NoError(t, err)
	p := as(bossAccount, homeRegion)
	_, err = h.CreateFindingAggregator(t.Context(), p, &api.CreateFindingAggregatorInput{RegionLinkingMode: linkAll})
	require.NoError(t, err)
	const members = 50
	account := func(i int) string { return strconv.Itoa(300_000_000_000 + i) }
	require.NoError(t, s.State(t.Context(), []string{bossAccount}, func(tx store.StateTx) error {
		for _, region := range regions["aws"] {
			for i := range members {
				if region == "eu-west-1" && i == 7 {
					continue
				}
				if err := putRecord(tx, bossAccount, recordMember+region+"/"+account(i), memberRecord{Status: Enabled}); err != nil {
					return err
				}
			}
		}
		return nil
	}))
	scope, err := h.reach(t.Context(), p)
	require.NoError(t, err)
	require.Len(t, scope.Parts, 3, "its own, the Regions that are alike, and eu-west-1")
	require.Len(t, scope.Accounts, members+1)
	for _, region := range regions["aws"] {
		require.True(t, scope.Allows(store.Key{Account: bossAccount, Region: region}))
		require.True(t, scope.Allows(store.Key{Account: account(8), Region: region}))
		require.Equal(t, region != "eu-west-1", scope.Allows(store.Key{Account: account(7), Region: region}), region)
		require.False(t, scope.Allows(store.Key{Account: account(members), Region: region}))
	}
	require.False(t, scope.Allows(store.Key{Account: account(8), Region: "cn-north-1"}))
}
