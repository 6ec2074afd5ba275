package hub

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/store"
)

// What holds for an account, a unit or the root is what was applied to it, else what holds for what it lies in: the plain reading of
// inheritance, held against a hub that policies are applied to and taken from at random.
func TestInheritance(t *testing.T) {
	const management, admin, region = "100000000000", "111111111111", "us-east-1"
	rapid.Check(t, func(t *rapid.T) {
		org := &Organization{ManagementAccount: management, Root: "r-root1", Accounts: []OrganizationAccount{{ID: admin}}}
		above := map[string]string{management: org.Root, admin: org.Root} // by id: what it lies in
		targets := map[string]*api.Target{org.Root: {RootId: &org.Root}}
		ids := []string{""}
		for i := range rapid.IntRange(0, 5).Draw(t, "units") {
			id := fmt.Sprintf("ou-%d", i)
			parent := rapid.SampledFrom(ids).Draw(t, "parent")
			org.Units = append(org.Units, OrganizationUnit{ID: id, Parent: parent})
			above[id], targets[id] = cmp.Or(parent, org.Root), &api.Target{OrganizationalUnitId: &id}
			ids = append(ids, id)
		}
		for i := range rapid.IntRange(1, 4).Draw(t, "accounts") {
			id := fmt.Sprintf("20000000000%d", i)
			unit := rapid.SampledFrom(ids).Draw(t, "unit")
			org.Accounts = append(org.Accounts, OrganizationAccount{ID: id, OU: unit})
			above[id] = cmp.Or(unit, org.Root)
		}
		for id := range above {
			if targets[id] == nil {
				targets[id] = &api.Target{AccountId: &id}
			}
		}
		h, err := New(t.Context(), Config{Store: newMemStore(), Clock: fixed("2026-01-01T00:00:00Z"), Profile: AWS, Organization: org})
		require.NoError(t, err)
		p := &iam.Principal{Account: admin, Region: region}
		on, off := centralPolicies(t, h, p, management)

		placed := map[string]string{}
		var holds func(id string) string
		holds = func(id string) string {
			if policy := placed[id]; policy != "" || id == org.Root {
				return policy
			}
			return holds(above[id])
		}
		names := slices.Sorted(maps.Keys(targets))
		t.Repeat(map[string]func(*rapid.T){
			"apply": func(t *rapid.T) {
				id, policy := rapid.SampledFrom(names).Draw(t, "target"), rapid.SampledFrom([]string{on, off, selfManaged}).Draw(t, "policy")
				out, err := h.StartConfigurationPolicyAssociation(t.Context(), p, &api.StartConfigurationPolicyAssociationInput{
					ConfigurationPolicyIdentifier: policy, Target: *targets[id],
				})
				require.NoError(t, err)
				require.Equal(t, associationApplied, *out.AssociationType)
				placed[id] = policy
			},
			"take": func(t *rapid.T) {
				id, policy := rapid.SampledFrom(names).Draw(t, "target"), rapid.SampledFrom([]string{on, off, selfManaged}).Draw(t, "policy")
				_, err := h.StartConfigurationPolicyDisassociation(t.Context(), p, &api.StartConfigurationPolicyDisassociationInput{
					ConfigurationPolicyIdentifier: policy, Target: targets[id],
				})
				require.Equal(t, placed[id] != policy, err != nil)
				if err == nil {
					delete(placed, id)
				}
			},
			"": func(t *rapid.T) {
				n := 0
				for _, id := range names {
					want := holds(id)
					out, err := h.GetConfigurationPolicyAssociation(t.Context(), p, &api.GetConfigurationPolicyAssociationInput{Target: *targets[id]})
					if want == "" {
						require.Equal(t, api.ResourceNotFound, code(t, err))
					} else {
						n++
						require.NoError(t, err)
						require.Equal(t, want, *out.ConfigurationPolicyId, id)
						require.Equal(t, placed[id] != "", *out.AssociationType == associationApplied)
					}
					if targets[id].AccountId != nil && id != admin {
						_, err := h.DescribeHub(t.Context(), &iam.Principal{Account: id, Region: region}, &api.DescribeHubInput{})
						require.Equal(t, want == on, err == nil, id)
						_, err = h.DescribeHub(t.Context(), &iam.Principal{Account: id, Region: "eu-west-1"}, &api.DescribeHubInput{})
						require.Error(t, err, "a Region that is not linked")
					}
				}
				all, err := h.ListConfigurationPolicyAssociations(t.Context(), p, &api.ListConfigurationPolicyAssociationsInput{})
				require.NoError(t, err)
				require.Len(t, all.ConfigurationPolicyAssociationSummaries, n)
			},
		})
	})
}

// centralPolicies gives an administrator central configuration, and two policies: one enables the hub and a standard, one disables it.
func centralPolicies(t require.TestingT, h *Hub, p *iam.Principal, management string) (on, off string) {
	ctx := context.Background()
	_, err := h.EnableOrganizationAdminAccount(ctx, &iam.Principal{Account: management, Region: p.Region}, &api.EnableOrganizationAdminAccountInput{AdminAccountId: p.Account})
	require.NoError(t, err)
	_, err = h.CreateFindingAggregator(ctx, p, &api.CreateFindingAggregatorInput{RegionLinkingMode: linkNone})
	require.NoError(t, err)
	kind := configuredCentral
	_, err = h.UpdateOrganizationConfiguration(ctx, p, &api.UpdateOrganizationConfigurationInput{
		OrganizationConfiguration: &api.OrganizationConfiguration{ConfigurationType: &kind},
	})
	require.NoError(t, err)
	for name, to := range map[string]*string{"on": &on, "off": &off} {
		enabled := name == "on"
		out, err := h.CreateConfigurationPolicy(ctx, p, &api.CreateConfigurationPolicyInput{
			Name: name, ConfigurationPolicy: api.Policy{SecurityHub: &api.SecurityHubPolicy{ServiceEnabled: &enabled}},
		})
		require.NoError(t, err)
		*to = *out.Id
	}
	return on, off
}

// An administrator has room for 20 policies in the profile aws, and for any number in open.
func TestConfigurationPolicyQuota(t *testing.T) {
	for profile, most := range map[Profile]int{AWS: maxPolicies, Open: maxPolicies + 5} {
		org := &Organization{ManagementAccount: "100000000000", Accounts: []OrganizationAccount{{ID: "111111111111"}}}
		h, err := New(t.Context(), Config{Store: newMemStore(), Clock: fixed("2026-01-01T00:00:00Z"), Profile: profile, Organization: org})
		require.NoError(t, err)
		p := &iam.Principal{Account: "111111111111", Region: "us-east-1"}
		centralPolicies(t, h, p, "100000000000")
		on := true
		create := func(i int) error {
			_, err := h.CreateConfigurationPolicy(t.Context(), p, &api.CreateConfigurationPolicyInput{
				Name: strconv.Itoa(i), ConfigurationPolicy: api.Policy{SecurityHub: &api.SecurityHubPolicy{ServiceEnabled: &on}},
			})
			return err
		}
		for i := range most - 2 {
			require.NoError(t, create(i))
		}
		want := map[Profile]string{AWS: api.LimitExceeded, Open: ""}[profile]
		require.Equal(t, want, code(t, create(most)))
	}
}

// Accounts and Regions that enable, disable and switch at random, the ARNs of all in everyone's hands: each has what its own calls
// made, and a control's status is what its standards say.
func TestStandardsAreApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, err := New(t.Context(), Config{Store: newMemStore(), Clock: fixed("2026-01-01T00:00:00Z"), Profile: AWS})
		require.NoError(t, err)
		ctx := t.Context()
		type standing map[string]map[string]bool // standards that are enabled: controls of them that are disabled
		var callers []*iam.Principal
		model := map[*iam.Principal]standing{}
		for _, account := range []string{"111122223333", "444455556666"} {
			for _, region := range []string{"us-east-1", "eu-west-1"} {
				p := &iam.Principal{Account: account, Region: region}
				none := false
				_, err := h.EnableSecurityHub(ctx, p, &api.EnableSecurityHubInput{EnableDefaultStandards: &none})
				require.NoError(t, err)
				callers, model[p] = append(callers, p), standing{}
			}
		}
		keys, controls := []string{"fsbp", "cis120", "pci321"}, []string{"CloudTrail.2", "IAM.1"} // of each standard
		t.Repeat(map[string]func(*rapid.T){
			"enable": func(t *rapid.T) {
				p, key := rapid.SampledFrom(callers).Draw(t, "caller"), rapid.SampledFrom(keys).Draw(t, "standard")
				_, err := h.BatchEnableStandards(ctx, p, &api.BatchEnableStandardsInput{StandardsSubscriptionRequests: []api.StandardsSubscriptionRequest{
					{StandardsArn: h.standards.Standard(key).ARN("aws", p.Region)},
				}})
				require.NoError(t, err)
				if model[p][key] == nil {
					model[p][key] = map[string]bool{}
				}
			},
			"disable": func(t *rapid.T) {
				p, owner := rapid.SampledFrom(callers).Draw(t, "caller"), rapid.SampledFrom(callers).Draw(t, "owner")
				key := rapid.SampledFrom(keys).Draw(t, "standard")
				_, err := h.BatchDisableStandards(ctx, p, &api.BatchDisableStandardsInput{
					StandardsSubscriptionArns: []string{standardsSubscriptionARN(owner.Region, owner.Account, h.standards.Standard(key))},
				})
				require.Equal(t, p == owner && model[p][key] != nil, err == nil)
				if err == nil {
					delete(model[p], key)
				}
			},
			"switch": func(t *rapid.T) {
				p, owner := rapid.SampledFrom(callers).Draw(t, "caller"), rapid.SampledFrom(callers).Draw(t, "owner")
				std, control := h.standards.Standard(rapid.SampledFrom(keys).Draw(t, "standard")), rapid.SampledFrom(controls).Draw(t, "control")
				disable, reason := rapid.Bool().Draw(t, "disable"), "r"
				arn := standardsControlARN(owner, std, h.standards.Control(control).Of(std).IDs[0])
				_, err := h.UpdateStandardsControl(ctx, p, &api.UpdateStandardsControlInput{
					StandardsControlArn: arn, ControlStatus: controlStatus(disable), DisabledReason: &reason,
				})
				require.Equal(t, p == owner && model[p][std.Key] != nil, err == nil)
				if err == nil {
					model[p][std.Key][control] = disable
				}
			},
			"": func(t *rapid.T) {
				for _, p := range callers {
					var own subscribed
					require.NoError(t, h.store.View(ctx, func(st store.StateView) (err error) {
						own, err = h.standardsOf(st, p.Account, p.Region)
						return err
					}))
					require.ElementsMatch(t, slices.Collect(maps.Keys(model[p])), slices.Collect(maps.Keys(own.standards)))
					out, err := h.BatchGetSecurityControls(ctx, p, &api.BatchGetSecurityControlsInput{SecurityControlIds: controls})
					require.NoError(t, err)
					for i, control := range controls {
						enabled := false
						for _, disabled := range model[p] {
							enabled = enabled || !disabled[control]
						}
						require.Equal(t, *controlStatus(!enabled), out.SecurityControls[i].SecurityControlStatus)
					}
				}
			},
		})
	})
}
