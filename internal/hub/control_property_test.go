package hub

import (
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hubcap/internal/api"
	"hubcap/internal/iam"
)

// corner is one account in one Region, as the model of the property below has it: everything of the control plane that a caller may see.
type corner struct {
	on            bool
	generator     string
	tags          map[string]string
	actions       map[string]string // name by ARN
	subscriptions map[string]bool   // by ARN
	insights      map[string]string // name by ARN
	rules         map[string]string // name by ARN
}

// code is the exception of an error, "" for none.
func code(t require.TestingT, err error) string {
	if err == nil {
		return ""
	}
	var known *api.Error
	require.ErrorAs(t, err, &known)
	return known.Code
}

// Random calls of several accounts in several Regions, the ARNs of all in everyone's hands: each place stays what its own calls made it.
func TestControlPlanesAreApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, err := New(t.Context(), Config{Store: newMemStore(), Clock: fixed("2026-01-01T00:00:00Z"), Profile: AWS})
		require.NoError(t, err)
		places := map[*iam.Principal]*corner{}
		var callers []*iam.Principal
		for _, account := range []string{"111122223333", "444455556666"} {
			for _, region := range []string{"us-east-1", "eu-west-1"} {
				p := &iam.Principal{Account: account, Region: region, ARN: "arn:aws:iam::" + account + ":user/x"}
				callers = append(callers, p)
				places[p] = &corner{tags: map[string]string{}, actions: map[string]string{}, subscriptions: map[string]bool{}, insights: map[string]string{}, rules: map[string]string{}}
			}
		}
		ids, products := []string{"a", "b"}, []string{"prowler/prowler", "aws/guardduty"}
		var insights, rules []string // the ARNs of all, of what was deleted too
		ctx := t.Context()
		t.Repeat(map[string]func(*rapid.T){
			"hub": func(t *rapid.T) {
				p := rapid.SampledFrom(callers).Draw(t, "caller")
				m := places[p]
				if rapid.IntRange(0, 3).Draw(t, "off") == 0 {
					_, err := h.DisableSecurityHub(ctx, p, &api.DisableSecurityHubInput{})
					require.Equal(t, map[bool]string{true: "", false: api.ResourceNotFound}[m.on], code(t, err))
					m.on, m.tags, m.generator = false, map[string]string{}, ""
					return
				}
				generator := rapid.SampledFrom([]string{generatorSecurityControl, generatorStandardControl}).Draw(t, "generator")
				_, err := h.EnableSecurityHub(ctx, p, &api.EnableSecurityHubInput{ControlFindingGenerator: &generator})
				require.Equal(t, map[bool]string{true: api.ResourceConflict, false: ""}[m.on], code(t, err))
				if err == nil {
					m.on, m.generator = true, generator
				}
			},
			"tag": func(t *rapid.T) {
				p, owner := rapid.SampledFrom(callers).Draw(t, "caller"), rapid.SampledFrom(callers).Draw(t, "owner")
				m := places[p]
				arn, key, value := ARN(owner.Region, owner.Account), rapid.SampledFrom(ids).Draw(t, "key"), rapid.StringMatching(`[a-c]`).Draw(t, "value")
				want := map[bool]string{true: "", false: api.ResourceNotFound}[m.on && p == owner]
				if rapid.Bool().Draw(t, "untag") {
					_, err := h.UntagResource(ctx, p, &api.UntagResourceInput{ResourceArn: arn, TagKeys: []string{key}})
					require.Equal(t, want, code(t, err))
					if err == nil {
						delete(m.tags, key)
					}
					return
				}
				_, err := h.TagResource(ctx, p, &api.TagResourceInput{ResourceArn: arn, Tags: map[string]string{key: value}})
				require.Equal(t, want, code(t, err))
				if err == nil {
					m.tags[key] = value
				}
			},
			"create action": func(t *rapid.T) {
				p := rapid.SampledFrom(callers).Draw(t, "caller")
				m := places[p]
				id, name := rapid.SampledFrom(ids).Draw(t, "id"), rapid.StringMatching(`[a-c]`).Draw(t, "name")
				arn := ownARN(p, actionTargetKind+id)
				want := ""
				if _, there := m.actions[arn]; !m.on {
					want = api.InvalidAccess
				} else if there {
					want = api.ResourceConflict
				}
				_, err := h.CreateActionTarget(ctx, p, &api.CreateActionTargetInput{Id: id, Name: name, Description: "d"})
				require.Equal(t, want, code(t, err))
				if err == nil {
					m.actions[arn] = name
				}
			},
			"change action": func(t *rapid.T) {
				p, owner := rapid.SampledFrom(callers).Draw(t, "caller"), rapid.SampledFrom(callers).Draw(t, "owner")
				m := places[p]
				arn := ownARN(owner, actionTargetKind+rapid.SampledFrom(ids).Draw(t, "id"))
				name := rapid.StringMatching(`[a-c]`).Draw(t, "name")
				_, there := m.actions[arn]
				want := ""
				switch {
				case p != owner:
					want = api.ResourceNotFound
				case !m.on:
					want = api.InvalidAccess
				case !there:
					want = api.ResourceNotFound
				}
				if rapid.Bool().Draw(t, "delete") {
					_, err := h.DeleteActionTarget(ctx, p, &api.DeleteActionTargetInput{ActionTargetArn: arn})
					require.Equal(t, want, code(t, err))
					if err == nil {
						delete(m.actions, arn)
					}
					return
				}
				_, err := h.UpdateActionTarget(ctx, p, &api.UpdateActionTargetInput{ActionTargetArn: arn, Name: &name})
				require.Equal(t, want, code(t, err))
				if err == nil {
					m.actions[arn] = name
				}
			},
			"subscribe": func(t *rapid.T) {
				p := rapid.SampledFrom(callers).Draw(t, "caller")
				m := places[p]
				product := rapid.SampledFrom(products).Draw(t, "product")
				arn := ownARN(p, "product-subscription/"+product)
				want := ""
				if !m.on {
					want = api.InvalidAccess
				} else if m.subscriptions[arn] {
					want = api.ResourceConflict
				}
				_, err := h.EnableImportFindingsForProduct(ctx, p, &api.EnableImportFindingsForProductInput{
					ProductArn: "arn:aws:securityhub:" + p.Region + "::product/" + product,
				})
				require.Equal(t, want, code(t, err))
				if err == nil {
					m.subscriptions[arn] = true
				}
			},
			"unsubscribe": func(t *rapid.T) {
				p, owner := rapid.SampledFrom(callers).Draw(t, "caller"), rapid.SampledFrom(callers).Draw(t, "owner")
				m := places[p]
				arn := ownARN(owner, "product-subscription/"+rapid.SampledFrom(products).Draw(t, "product"))
				want := ""
				switch {
				case p != owner:
					want = api.AccessDenied
				case !m.on:
					want = api.InvalidAccess
				case !m.subscriptions[arn]:
					want = api.ResourceNotFound
				}
				_, err := h.DisableImportFindingsForProduct(ctx, p, &api.DisableImportFindingsForProductInput{ProductSubscriptionArn: arn})
				require.Equal(t, want, code(t, err))
				if err == nil {
					delete(m.subscriptions, arn)
				}
			},
			"create insight": func(t *rapid.T) {
				p := rapid.SampledFrom(callers).Draw(t, "caller")
				m := places[p]
				name := rapid.StringMatching(`[a-c]`).Draw(t, "name")
				out, err := h.CreateInsight(ctx, p, &api.CreateInsightInput{Name: name, GroupByAttribute: "ResourceId", Filters: []byte(`{}`)})
				require.Equal(t, map[bool]string{true: "", false: api.InvalidAccess}[m.on], code(t, err))
				if err == nil {
					m.insights[out.InsightArn] = name
					insights = append(insights, out.InsightArn)
				}
			},
			"change insight": func(t *rapid.T) {
				if len(insights) == 0 {
					return
				}
				p := rapid.SampledFrom(callers).Draw(t, "caller")
				m := places[p]
				arn, name := rapid.SampledFrom(insights).Draw(t, "insight"), rapid.StringMatching(`[a-c]`).Draw(t, "name")
				want := ""
				if _, own := m.insights[arn]; !m.on {
					want = api.InvalidAccess
				} else if !own {
					want = api.ResourceNotFound
				}
				_, err := h.GetInsightResults(ctx, p, &api.GetInsightResultsInput{InsightArn: arn})
				require.Equal(t, want, code(t, err))
				if rapid.Bool().Draw(t, "delete") {
					_, err := h.DeleteInsight(ctx, p, &api.DeleteInsightInput{InsightArn: arn})
					require.Equal(t, want, code(t, err))
					if err == nil {
						delete(m.insights, arn)
					}
					return
				}
				_, err = h.UpdateInsight(ctx, p, &api.UpdateInsightInput{InsightArn: arn, Name: &name})
				require.Equal(t, want, code(t, err))
				if err == nil {
					m.insights[arn] = name
				}
			},
			"create rule": func(t *rapid.T) {
				p := rapid.SampledFrom(callers).Draw(t, "caller")
				m := places[p]
				name := rapid.StringMatching(`[a-c]`).Draw(t, "name")
				arn, err := createRule(ctx, h, p, name)
				require.Equal(t, map[bool]string{true: "", false: api.InvalidAccess}[m.on], code(t, err))
				if err == nil {
					m.rules[arn] = name
					rules = append(rules, arn)
				}
			},
			"change rule": func(t *rapid.T) {
				if len(rules) == 0 {
					return
				}
				p := rapid.SampledFrom(callers).Draw(t, "caller")
				m := places[p]
				arn, name := rapid.SampledFrom(rules).Draw(t, "rule"), rapid.StringMatching(`[a-c]`).Draw(t, "name")
				_, own := m.rules[arn]
				done := 0
				if rapid.Bool().Draw(t, "delete") {
					out, err := h.BatchDeleteAutomationRules(ctx, p, &api.BatchDeleteAutomationRulesInput{AutomationRulesArns: []string{arn}})
					require.Equal(t, map[bool]string{true: "", false: api.InvalidAccess}[m.on], code(t, err))
					if err == nil {
						done = len(out.ProcessedAutomationRules)
						delete(m.rules, arn)
					}
				} else {
					out, err := h.BatchUpdateAutomationRules(ctx, p, &api.BatchUpdateAutomationRulesInput{
						UpdateAutomationRulesRequestItems: []api.UpdateAutomationRulesRequestItem{{RuleArn: arn, RuleName: &name}},
					})
					require.Equal(t, map[bool]string{true: "", false: api.InvalidAccess}[m.on], code(t, err))
					if err == nil && own {
						done = len(out.ProcessedAutomationRules)
						m.rules[arn] = name
					} else if err == nil {
						require.Empty(t, out.ProcessedAutomationRules)
					}
				}
				require.Equal(t, m.on && own, done == 1)
			},
			"": func(t *rapid.T) {
				for p, m := range places {
					see(t, h, p, m)
				}
			},
		})
	})
}

// createRule keeps a rule of a name, and answers its ARN.
func createRule(ctx context.Context, h *Hub, p *iam.Principal, name string) (string, error) {
	low, kind := "LOW", "FINDING_FIELDS_UPDATE"
	out, err := h.CreateAutomationRule(ctx, p, &api.CreateAutomationRuleInput{
		RuleName: name, Description: "d", RuleOrder: 1, Criteria: api.RawJSON(`{}`), Actions: []api.AutomationRulesAction{{
			Type: &kind, FindingFieldsUpdate: &api.AutomationRulesFindingFieldsUpdate{Severity: &api.SeverityUpdate{Label: &low}},
		}},
	})
	if err != nil {
		return "", err
	}
	return *out.RuleArn, nil
}

// see holds what a caller is shown against the model of its place.
func see(t *rapid.T, h *Hub, p *iam.Principal, m *corner) {
	ctx := t.Context()
	hub, err := h.DescribeHub(ctx, p, &api.DescribeHubInput{})
	if !m.on {
		require.Equal(t, api.InvalidAccess, code(t, err))
		return
	}
	require.NoError(t, err)
	require.Equal(t, m.generator, *hub.ControlFindingGenerator)
	tags, err := h.ListTagsForResource(ctx, p, &api.ListTagsForResourceInput{ResourceArn: ARN(p.Region, p.Account)})
	require.NoError(t, err)
	require.Equal(t, m.tags, tags.Tags)
	list, err := h.DescribeActionTargets(ctx, p, &api.DescribeActionTargetsInput{})
	require.NoError(t, err)
	actions := map[string]string{}
	for _, a := range list.ActionTargets {
		actions[a.ActionTargetArn] = a.Name
	}
	require.Equal(t, m.actions, actions)
	enabled, err := h.ListEnabledProductsForImport(ctx, p, &api.ListEnabledProductsForImportInput{})
	require.NoError(t, err)
	require.Equal(t, slices.Sorted(maps.Keys(m.subscriptions)), slices.Sorted(slices.Values(enabled.ProductSubscriptions)))
	custom, err := h.GetInsights(ctx, p, &api.GetInsightsInput{})
	require.NoError(t, err)
	insights := map[string]string{}
	for _, i := range custom.Insights {
		insights[i.InsightArn] = i.Name
	}
	require.Equal(t, m.insights, insights)
	own, err := h.ListAutomationRules(ctx, p, &api.ListAutomationRulesInput{})
	require.NoError(t, err)
	rules := map[string]string{}
	for _, r := range own.AutomationRulesMetadata {
		rules[*r.RuleArn] = *r.RuleName
	}
	require.Equal(t, m.rules, rules)
}

// An ARN that an action target's parser takes is the one that it made; whatever it is given, it does not panic.
func FuzzActionTargetARN(f *testing.F) {
	p := &iam.Principal{Account: "111122223333", Region: "us-east-1"}
	for _, seed := range []string{
		ownARN(p, actionTargetKind+"a"), "arn:aws:securityhub:us-east-1:111122223333:action/custom/", "arn:aws-cn:securityhub::::action/custom/a",
		"arn", "", "arn:aws:securityhub:us-east-1:444455556666:action/custom/a", "arn:aws:securityhub:us-east-1:111122223333:action/custom/a/b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, arn string) {
		id, err := actionTargetID(p, "ActionTargetArn", arn)
		if err != nil {
			require.Contains(t, []string{api.InvalidInput, api.ResourceNotFound}, code(t, err))
			return
		}
		require.Equal(t, arn, ownARN(p, actionTargetKind+id))
		require.True(t, isActionID(id))
		require.NoError(t, checkResourceARN(arn), "what is an ARN of ours may be asked for its tags")
	})
}
