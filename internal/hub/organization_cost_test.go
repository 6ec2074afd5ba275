package hub

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"hubcap/internal/api"
	"hubcap/internal/store"
)

// What an import allocates does not grow with the organisation: an administrator's members, and what its configuration policies are
// applied to, are read when they change and not when a finding comes.
func TestImportsDoNotPayForTheOrganisation(t *testing.T) {
	const management, admin, region = "100000000000", "111111111111", "us-east-1"
	account := func(i int) string { return strconv.Itoa(300_000_000_000 + i) }
	cost := func(accounts int) float64 {
		org := &Organization{ManagementAccount: management, Units: []OrganizationUnit{{ID: "ou-1"}, {ID: "ou-2", Parent: "ou-1"}}}
		org.Accounts = append(org.Accounts, OrganizationAccount{ID: admin})
		for i := range accounts {
			org.Accounts = append(org.Accounts, OrganizationAccount{ID: account(i), OU: "ou-2"})
		}
		s := openEmbedded(t)
		h, err := New(t.Context(), Config{Store: s, Clock: fixed("2026-01-01T00:00:00Z"), Organization: org})
		require.NoError(t, err)
		p := as(admin, region)
		on, _ := centralPolicies(t, h, p, management)
		_, err = createRule(t.Context(), h, p, "rule")
		require.NoError(t, err)
		require.NoError(t, s.State(t.Context(), []string{admin}, func(tx store.StateTx) error {
			for i := range accounts {
				if err := putRecord(tx, admin, recordMember+region+"/"+account(i), memberRecord{Status: Enabled, Organization: true}); err != nil {
					return err
				}
				if err := putRecord(tx, admin, placedName(region, policyTarget{targetAccount, account(i)}), placedRecord{Policy: on}); err != nil {
					return err
				}
			}
			return putRecord(tx, admin, placedName(region, policyTarget{targetUnit, "ou-1"}), placedRecord{Policy: on})
		}))
		require.NoError(t, s.State(t.Context(), []string{account(0)}, func(tx store.StateTx) error {
			return putRecord(tx, account(0), recordAdministrator+region, administratorRecord{Account: admin, Organization: true})
		}))
		one := as(account(0), region)
		body := []byte(importBody(t, one, `{"Id":"x"}`))
		importOnce := func() {
			out, err := h.BatchImportFindings(t.Context(), one, body)
			if err != nil || out.FailedCount != 0 {
				t.Fatal(out, err)
			}
		}
		importOnce()
		seen, err := h.GetFindings(t.Context(), p, &api.GetFindingsInput{})
		require.NoError(t, err)
		require.Len(t, seen.Findings, 1, "the administrator sees it")
		return testing.AllocsPerRun(50, importOnce)
	}
	small, large := cost(2), cost(3000)
	t.Logf("allocations of an import: %.0f in an organisation of 2 accounts, %.0f in one of 3000", small, large)
	require.LessOrEqual(t, large, small*1.2+10)
}
