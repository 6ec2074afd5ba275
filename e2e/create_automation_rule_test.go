package e2e

import (
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

// action is a rule's one action.
func action(fields types.AutomationRulesFindingFieldsUpdate) []types.AutomationRulesAction {
	return []types.AutomationRulesAction{{Type: types.AutomationRulesActionTypeFindingFieldsUpdate, FindingFieldsUpdate: &fields}}
}

// suppress is the action that most rules have.
func suppress() []types.AutomationRulesAction {
	return action(types.AutomationRulesFindingFieldsUpdate{Workflow: &types.WorkflowUpdate{Status: types.WorkflowStatusSuppressed}})
}

// prefixed are the criteria of findings whose titles begin so.
func prefixed(title string) *types.AutomationRulesFindingFilters {
	return &types.AutomationRulesFindingFilters{Title: []types.StringFilter{{Value: &title, Comparison: types.StringFilterComparisonPrefix}}}
}

// newRule keeps a rule and answers its ARN.
func newRule(t *testing.T, c *securityhub.Client, order int32, criteria *types.AutomationRulesFindingFilters, actions []types.AutomationRulesAction) string {
	t.Helper()
	out, err := c.CreateAutomationRule(t.Context(), &securityhub.CreateAutomationRuleInput{
		RuleName: aws.String("rule " + strconv.Itoa(int(order))), Description: aws.String("made by a test"), RuleOrder: &order,
		Criteria: criteria, Actions: actions,
	})
	require.NoError(t, err)
	return *out.RuleArn
}

// rules tells the rules of ARNs that are all there.
func rules(t *testing.T, c *securityhub.Client, arns ...string) []types.AutomationRulesConfig {
	t.Helper()
	out, err := c.BatchGetAutomationRules(t.Context(), &securityhub.BatchGetAutomationRulesInput{AutomationRulesArns: arns})
	require.NoError(t, err)
	require.Empty(t, out.UnprocessedAutomationRules)
	return out.Rules
}

func TestCreateAutomationRule(t *testing.T) {
	c := serve(t).as(mine)
	before := time.Now().Add(-time.Second)
	criteria := &types.AutomationRulesFindingFilters{
		Title:        []types.StringFilter{{Value: aws.String("Résumé <of>"), Comparison: types.StringFilterComparisonContains}},
		ResourceTags: []types.MapFilter{{Key: aws.String("env"), Value: aws.String("prod"), Comparison: types.MapFilterComparisonNotEquals}},
		Confidence:   []types.NumberFilter{{Gte: aws.Float64(10)}},
		UpdatedAt:    []types.DateFilter{{DateRange: &types.DateRange{Unit: types.DateRangeUnitDays, Value: aws.Int32(7)}}},
	}
	actions := action(types.AutomationRulesFindingFieldsUpdate{
		Confidence: aws.Int32(5), Criticality: aws.Int32(100),
		Note:              &types.NoteUpdate{Text: aws.String("known"), UpdatedBy: aws.String("bot")},
		RelatedFindings:   []types.RelatedFinding{{Id: aws.String("x"), ProductArn: aws.String(defaultProduct(mine))}},
		Severity:          &types.SeverityUpdate{Label: types.SeverityLabelLow},
		Types:             []string{"Effects/Data Exposure"},
		UserDefinedFields: map[string]string{"team": "blue"},
		VerificationState: types.VerificationStateBenignPositive,
		Workflow:          &types.WorkflowUpdate{Status: types.WorkflowStatusSuppressed},
	})
	out, err := c.CreateAutomationRule(t.Context(), &securityhub.CreateAutomationRuleInput{
		RuleName: aws.String("quiet"), Description: aws.String("d"), RuleOrder: aws.Int32(7), IsTerminal: aws.Bool(true),
		RuleStatus: types.RuleStatusDisabled, Tags: map[string]string{"team": "blue"}, Criteria: criteria, Actions: actions,
	})
	require.NoError(t, err)
	require.Regexp(t, `^arn:aws:securityhub:us-east-1:111122223333:automation-rule/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`, *out.RuleArn)
	got := rules(t, c, *out.RuleArn)[0]
	require.WithinRange(t, *got.CreatedAt, before, time.Now().Add(time.Second))
	require.Equal(t, got.CreatedAt, got.UpdatedAt)
	got.CreatedAt, got.UpdatedAt = nil, nil
	require.Equal(t, types.AutomationRulesConfig{
		RuleArn: out.RuleArn, RuleName: aws.String("quiet"), Description: aws.String("d"), RuleOrder: aws.Int32(7), IsTerminal: aws.Bool(true),
		RuleStatus: types.RuleStatusDisabled, CreatedBy: aws.String("arn:aws:iam::" + mine + ":user/" + mine), Criteria: criteria, Actions: actions,
	}, got)
	tags, err := c.ListTagsForResource(t.Context(), &securityhub.ListTagsForResourceInput{ResourceArn: out.RuleArn})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"team": "blue"}, tags.Tags)
}

// A rule acts on the next import, with the members of its action and a record in the finding's history that names it.
func TestAutomationRuleActsOnImports(t *testing.T) {
	c := serve(t).as(mine)
	imports(t, c, newFinding(mine, "before"))
	arn := newRule(t, c, 1, prefixed("Title of "), suppress())
	imports(t, c, newFinding(mine, "a"), newFinding(mine, "b", func(f *types.AwsSecurityFinding) { f.Title = aws.String("other") }))
	require.Equal(t, types.WorkflowStatusNew, get(t, c, "before").Workflow.Status)
	require.Equal(t, types.WorkflowStatusSuppressed, get(t, c, "a").Workflow.Status)
	require.Equal(t, types.WorkflowStatusNew, get(t, c, "b").Workflow.Status)
	records := history(t, c, "a")
	require.Len(t, records, 2)
	require.Equal(t, types.FindingHistoryUpdateSourceTypeBatchUpdateFindings, records[0].UpdateSource.Type)
	require.Equal(t, arn, *records[0].UpdateSource.Identity)
	require.Equal(t, []types.FindingHistoryUpdate{{
		UpdatedField: aws.String("Workflow.Status"), OldValue: aws.String("NEW"), NewValue: aws.String("SUPPRESSED"),
	}}, records[0].Updates)
}

// The criteria are the 38 attributes that the SDK knows, each with as many values as its model says and no more.
func TestCreateAutomationRuleTakesEveryCriterion(t *testing.T) {
	c := serve(t).as(mine)
	many := map[string]bool{"AwsAccountId": true, "GeneratorId": true, "ResourceId": true, "Title": true}
	attributes := 0
	for field := range reflect.TypeFor[types.AutomationRulesFindingFilters]().Fields() {
		if !field.IsExported() {
			continue
		}
		attributes++
		t.Run(field.Name, func(t *testing.T) {
			most := 20
			if many[field.Name] {
				most = 100
			}
			criteria := func(n int) *types.AutomationRulesFindingFilters {
				all := new(types.AutomationRulesFindingFilters)
				list := reflect.MakeSlice(field.Type, n, n)
				for i := range n {
					switch v := list.Index(i).Addr().Interface().(type) {
					case *types.StringFilter:
						*v = types.StringFilter{Value: aws.String(strconv.Itoa(i)), Comparison: types.StringFilterComparisonNotContains}
					case *types.MapFilter:
						*v = types.MapFilter{Key: aws.String("k"), Value: aws.String(strconv.Itoa(i)), Comparison: types.MapFilterComparisonContains}
					case *types.NumberFilter:
						*v = types.NumberFilter{Gt: aws.Float64(float64(i)), Lt: aws.Float64(float64(i + 2))}
					case *types.DateFilter:
						*v = types.DateFilter{Start: aws.String("2026-01-01T00:00:00Z"), End: aws.String("2026-01-02T00:00:00Z")}
					default:
						t.Fatalf("a filter of type %T", v)
					}
				}
				reflect.ValueOf(all).Elem().FieldByIndex(field.Index).Set(list)
				return all
			}
			newRule(t, c, 1, criteria(most), suppress())
			_, err := c.CreateAutomationRule(t.Context(), &securityhub.CreateAutomationRuleInput{
				RuleName: aws.String("r"), Description: aws.String("d"), RuleOrder: aws.Int32(1), Criteria: criteria(most + 1), Actions: suppress(),
			})
			require.ErrorContains(t, err, "Invalid parameter 'Criteria."+field.Name+"'. should NOT have more than "+strconv.Itoa(most)+" items.")
		})
	}
	require.Equal(t, 38, attributes)
}

func TestCreateAutomationRuleRefuses(t *testing.T) {
	c := serve(t).as(mine)
	valid := func(change func(*securityhub.CreateAutomationRuleInput)) *securityhub.CreateAutomationRuleInput {
		in := &securityhub.CreateAutomationRuleInput{
			RuleName: aws.String("r"), Description: aws.String("d"), RuleOrder: aws.Int32(1), Criteria: prefixed("x"), Actions: suppress(),
		}
		change(in)
		return in
	}
	for want, in := range map[string]*securityhub.CreateAutomationRuleInput{
		"Invalid parameter 'RuleOrder'. '1100' is greater than maximum value: 1000.": valid(func(in *securityhub.CreateAutomationRuleInput) {
			in.RuleOrder = aws.Int32(1100)
		}),
		"Invalid parameter 'RuleName'. should NOT be longer than 256 characters.": valid(func(in *securityhub.CreateAutomationRuleInput) {
			in.RuleName = aws.String(strings.Repeat("ä", 257))
		}),
		"Invalid parameter 'Description'. should NOT be longer than 1024 characters.": valid(func(in *securityhub.CreateAutomationRuleInput) {
			in.Description = aws.String(strings.Repeat("d", 1025))
		}),
		"Invalid parameter 'RuleStatus'. should be equal to one of the allowed values": valid(func(in *securityhub.CreateAutomationRuleInput) {
			in.RuleStatus = "ON"
		}),
		"Invalid parameter 'Actions'. should NOT have more than 1 items.": valid(func(in *securityhub.CreateAutomationRuleInput) {
			in.Actions = append(suppress(), suppress()...)
		}),
		"Invalid parameter 'Actions[0].FindingFieldsUpdate'. should NOT have fewer than 1 properties.": valid(func(in *securityhub.CreateAutomationRuleInput) {
			in.Actions = action(types.AutomationRulesFindingFieldsUpdate{})
		}),
		"Invalid parameter 'Actions[0].FindingFieldsUpdate.Confidence'. '101' is greater than maximum value: 100.": valid(func(in *securityhub.CreateAutomationRuleInput) {
			in.Actions = action(types.AutomationRulesFindingFieldsUpdate{Confidence: aws.Int32(101)})
		}),
	} {
		_, err := c.CreateAutomationRule(t.Context(), in)
		require.ErrorContains(t, err, "InvalidInputException: "+want)
	}
}
