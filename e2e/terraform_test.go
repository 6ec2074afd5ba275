package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"
)

// provided is a resource as Terraform's provider manages it: the calls it makes to create, read, change and delete one, and what the
// configuration says it should be. A state is the configured and computed attributes as the provider reads them back.
type provided struct {
	create  func() (id string, err error)
	read    func(id string) (map[string]any, error) // nil: gone
	want    map[string]any                          // of the configuration
	update  func(id string) error                   // nil: the provider makes a new one instead
	updated map[string]any
	remove  func(id string) error
	rest    map[string]any // what reading answers after remove; nil: gone
}

// TestTerraform takes each resource through its life in the profile aws: create, read, plan again without a change, import (a read by id
// alone, which is the same call), change, plan again, delete, and gone. In between another apply of the same configuration changes
// nothing.
func TestTerraform(t *testing.T) {
	config := filepath.Join(t.TempDir(), "hubcap.toml")
	require.NoError(t, os.WriteFile(config, []byte(`
[organization]
management_account = "`+other+`"
accounts = [{ id = "`+mine+`", name = "security" }]
`), 0o600))
	for name, resource := range map[string]func(t *testing.T, hub *server) provided{
		"aws_securityhub_account":                    terraformAccount,
		"aws_securityhub_product_subscription":       terraformProductSubscription,
		"aws_securityhub_action_target":              terraformActionTarget,
		"aws_securityhub_insight":                    terraformInsight,
		"aws_securityhub_automation_rule":            terraformAutomationRule,
		"aws_securityhub_finding_aggregator":         terraformFindingAggregator,
		"aws_securityhub_member":                     terraformMember,
		"aws_securityhub_organization_admin_account": terraformOrganizationAdmin,
		"aws_securityhub_organization_configuration": terraformOrganizationConfiguration,
		"aws_securityhub_standards_subscription":     terraformStandardsSubscription,
		"aws_securityhub_configuration_policy":       terraformConfigurationPolicy,
	} {
		t.Run(name, func(t *testing.T) {
			r := resource(t, serve(t, "--profile", "aws", "--config", config))
			for range 2 { // a resource that was deleted can be made again
				life(t, r)
			}
		})
	}
}

func life(t *testing.T, r provided) {
	t.Helper()
	id, err := r.create()
	require.NoError(t, err)
	require.NotEmpty(t, id)
	unchanged := func(want map[string]any) {
		t.Helper()
		state, err := r.read(id)
		require.NoError(t, err)
		require.NotNil(t, state, "it is there")
		for attribute, value := range want {
			require.Equal(t, value, state[attribute], attribute)
		}
		again, err := r.read(id)
		require.NoError(t, err)
		require.Equal(t, state, again, "planning again finds no change")
	}
	unchanged(r.want)
	if r.update != nil {
		require.NoError(t, r.update(id))
		unchanged(r.updated)
		require.NoError(t, r.update(id), "applying it again")
		unchanged(r.updated)
	}
	require.NoError(t, r.remove(id))
	state, err := r.read(id)
	require.NoError(t, err)
	if r.rest == nil {
		require.Nil(t, state, "it is gone")
		return
	}
	for attribute, value := range r.rest {
		require.Equal(t, value, state[attribute], attribute)
	}
}

// missing is how the provider tells that a resource is gone: by the code, and for some by a part of the sentence.
func missing(err error, codes ...string) bool {
	var refused smithy.APIError
	return errors.As(err, &refused) && slices.ContainsFunc(codes, func(code string) bool {
		code, part, _ := strings.Cut(code, ": ")
		return refused.ErrorCode() == code && strings.Contains(refused.ErrorMessage(), part)
	})
}

const (
	notFound = "ResourceNotFoundException"
	hubIsOff = "InvalidAccessException: not subscribed to AWS Security Hub"
)

func terraformAccount(t *testing.T, hub *server) provided {
	t.Helper()
	c := hub.as(mine)
	configure := func(auto bool, generator types.ControlFindingGenerator) error {
		_, err := c.UpdateSecurityHubConfiguration(t.Context(), &securityhub.UpdateSecurityHubConfigurationInput{
			AutoEnableControls: &auto, ControlFindingGenerator: generator,
		})
		return err
	}
	return provided{
		create: func() (string, error) {
			_, err := c.EnableSecurityHub(t.Context(), &securityhub.EnableSecurityHubInput{EnableDefaultStandards: aws.Bool(false)})
			if err != nil {
				return "", err
			}
			return mine, configure(false, types.ControlFindingGeneratorSecurityControl)
		},
		read: func(string) (map[string]any, error) {
			out, err := c.DescribeHub(t.Context(), &securityhub.DescribeHubInput{})
			if missing(err, notFound, hubIsOff) {
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			return map[string]any{
				"arn": *out.HubArn, "auto_enable_controls": *out.AutoEnableControls, "control_finding_generator": out.ControlFindingGenerator,
				"subscribed_at": *out.SubscribedAt,
			}, nil
		},
		want: map[string]any{
			"arn": hubARN, "auto_enable_controls": false, "control_finding_generator": types.ControlFindingGeneratorSecurityControl,
		},
		update: func(string) error { return configure(true, types.ControlFindingGeneratorStandardControl) },
		updated: map[string]any{
			"arn": hubARN, "auto_enable_controls": true, "control_finding_generator": types.ControlFindingGeneratorStandardControl,
		},
		remove: func(string) error {
			_, err := c.DisableSecurityHub(t.Context(), &securityhub.DisableSecurityHubInput{})
			return err
		},
	}
}

func terraformProductSubscription(t *testing.T, hub *server) provided {
	t.Helper()
	c := hub.as(mine)
	enable(t, c)
	return provided{
		create: func() (string, error) { return enableProwler(t, c), nil },
		read: func(id string) (map[string]any, error) {
			pages := securityhub.NewListEnabledProductsForImportPaginator(c, &securityhub.ListEnabledProductsForImportInput{})
			for pages.HasMorePages() {
				page, err := pages.NextPage(t.Context())
				if err != nil {
					return nil, err
				}
				if slices.Contains(page.ProductSubscriptions, id) {
					return map[string]any{"arn": id}, nil
				}
			}
			return nil, nil
		},
		want: map[string]any{"arn": prowlerSubscription},
		remove: func(id string) error {
			_, err := c.DisableImportFindingsForProduct(t.Context(), &securityhub.DisableImportFindingsForProductInput{ProductSubscriptionArn: &id})
			return err
		},
	}
}

func terraformActionTarget(t *testing.T, hub *server) provided {
	t.Helper()
	c := hub.as(mine)
	enable(t, c)
	return provided{
		create: func() (string, error) { return createAction(t, c, "terraform"), nil },
		read: func(id string) (map[string]any, error) {
			out, err := c.DescribeActionTargets(t.Context(), &securityhub.DescribeActionTargetsInput{ActionTargetArns: []string{id}})
			if missing(err, notFound, hubIsOff) {
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			a := out.ActionTargets[0]
			return map[string]any{"arn": *a.ActionTargetArn, "name": *a.Name, "description": *a.Description}, nil
		},
		want: map[string]any{"arn": pageARN + "terraform", "name": "Page terraform", "description": "Pages who is on duty"},
		update: func(id string) error {
			_, err := c.UpdateActionTarget(t.Context(), &securityhub.UpdateActionTargetInput{
				ActionTargetArn: &id, Name: aws.String("Call"), Description: aws.String("Calls"),
			})
			return err
		},
		updated: map[string]any{"arn": pageARN + "terraform", "name": "Call", "description": "Calls"},
		remove: func(id string) error {
			_, err := c.DeleteActionTarget(t.Context(), &securityhub.DeleteActionTargetInput{ActionTargetArn: &id})
			return err
		},
	}
}

func terraformInsight(t *testing.T, hub *server) provided {
	t.Helper()
	c := hub.as(mine)
	enable(t, c)
	filters := &types.AwsSecurityFindingFilters{
		AwsAccountId: equals("1234567890"),
		SeverityLabel: []types.StringFilter{
			{Comparison: types.StringFilterComparisonEquals, Value: aws.String("HIGH")},
			{Comparison: types.StringFilterComparisonEquals, Value: aws.String("CRITICAL")},
		},
		CreatedAt:              []types.DateFilter{{DateRange: &types.DateRange{Unit: types.DateRangeUnitDays, Value: aws.Int32(5)}}},
		NetworkSourceIpV4:      []types.IpFilter{{Cidr: aws.String("10.0.0.0/16")}},
		Confidence:             []types.NumberFilter{{Gte: aws.Float64(80)}},
		ProductFields:          []types.MapFilter{{Comparison: types.MapFilterComparisonEquals, Key: aws.String("key1"), Value: aws.String("value1")}},
		WorkflowStatus:         equals("NEW"),
		RecordState:            equals("ACTIVE"),
		ComplianceStatus:       []types.StringFilter{{Comparison: types.StringFilterComparisonNotEquals, Value: aws.String("PASSED")}},
		NetworkDestinationPort: []types.NumberFilter{{Eq: aws.Float64(22)}},
	}
	return provided{
		create: func() (string, error) {
			out, err := c.CreateInsight(t.Context(), &securityhub.CreateInsightInput{
				Name: aws.String("insight"), GroupByAttribute: aws.String("AwsAccountId"), Filters: filters,
			})
			if err != nil {
				return "", err
			}
			return *out.InsightArn, nil
		},
		read: func(id string) (map[string]any, error) {
			out, err := c.GetInsights(t.Context(), &securityhub.GetInsightsInput{InsightArns: []string{id}, MaxResults: aws.Int32(1)})
			if missing(err, notFound, hubIsOff) {
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			if len(out.Insights) == 0 {
				return nil, nil
			}
			i := out.Insights[0]
			return map[string]any{"arn": *i.InsightArn, "name": *i.Name, "group_by_attribute": *i.GroupByAttribute, "filters": i.Filters}, nil
		},
		want: map[string]any{"name": "insight", "group_by_attribute": "AwsAccountId", "filters": filters},
		update: func(id string) error {
			_, err := c.UpdateInsight(t.Context(), &securityhub.UpdateInsightInput{
				InsightArn: &id, Name: aws.String("other"), Filters: &types.AwsSecurityFindingFilters{Title: equals("x")},
			})
			return err
		},
		updated: map[string]any{
			"name": "other", "group_by_attribute": "AwsAccountId", "filters": &types.AwsSecurityFindingFilters{Title: equals("x")},
		},
		remove: func(id string) error {
			_, err := c.DeleteInsight(t.Context(), &securityhub.DeleteInsightInput{InsightArn: &id})
			return err
		},
	}
}

func terraformAutomationRule(t *testing.T, hub *server) provided {
	t.Helper()
	c := hub.as(mine)
	enable(t, c)
	criteria := &types.AutomationRulesFindingFilters{
		ResourceId: []types.StringFilter{{Comparison: types.StringFilterComparisonEquals, Value: aws.String("arn:aws:s3:::examplebucket/*")}},
		Confidence: []types.NumberFilter{{Gte: aws.Float64(1), Lte: aws.Float64(9)}},
	}
	actions := []types.AutomationRulesAction{{
		Type: types.AutomationRulesActionTypeFindingFieldsUpdate,
		FindingFieldsUpdate: &types.AutomationRulesFindingFieldsUpdate{
			Severity:          &types.SeverityUpdate{Label: types.SeverityLabelLow},
			Types:             []string{"Software and Configuration Checks/Industry and Regulatory Standards"},
			UserDefinedFields: map[string]string{"key": "value"},
		},
	}}
	return provided{
		create: func() (string, error) {
			out, err := c.CreateAutomationRule(t.Context(), &securityhub.CreateAutomationRuleInput{
				RuleName: aws.String("rule"), Description: aws.String("description"), RuleOrder: aws.Int32(1), RuleStatus: types.RuleStatusEnabled,
				Criteria: criteria, Actions: actions, Tags: map[string]string{"key1": "value1", "key2": "value2"},
			})
			if err != nil {
				return "", err
			}
			return *out.RuleArn, nil
		},
		read: func(id string) (map[string]any, error) {
			out, err := c.BatchGetAutomationRules(t.Context(), &securityhub.BatchGetAutomationRulesInput{AutomationRulesArns: []string{id}})
			if missing(err, notFound, hubIsOff) {
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			if len(out.Rules) == 0 {
				if len(out.UnprocessedAutomationRules) != 1 {
					return nil, fmt.Errorf("%d rules, and none unprocessed", len(out.Rules))
				}
				return nil, nil
			}
			r := out.Rules[0]
			return map[string]any{
				"arn": *r.RuleArn, "rule_name": *r.RuleName, "description": *r.Description, "rule_order": *r.RuleOrder, "rule_status": r.RuleStatus,
				"is_terminal": *r.IsTerminal, "criteria": r.Criteria, "actions": r.Actions, "tags": tags(t, c, id),
			}, nil
		},
		want: map[string]any{
			"rule_name": "rule", "description": "description", "rule_order": int32(1), "rule_status": types.RuleStatusEnabled, "is_terminal": false,
			"criteria": criteria, "actions": actions, "tags": map[string]string{"key1": "value1", "key2": "value2"},
		},
		update: func(id string) error {
			out, err := c.BatchUpdateAutomationRules(t.Context(), &securityhub.BatchUpdateAutomationRulesInput{
				UpdateAutomationRulesRequestItems: []types.UpdateAutomationRulesRequestItem{{
					RuleArn: &id, RuleName: aws.String("rule two"), RuleOrder: aws.Int32(2), IsTerminal: aws.Bool(true), RuleStatus: types.RuleStatusDisabled,
				}},
			})
			if err == nil && len(out.UnprocessedAutomationRules) > 0 {
				err = errors.New(*out.UnprocessedAutomationRules[0].ErrorMessage)
			}
			if err != nil {
				return err
			}
			if err := tag(t, c, id, map[string]string{"key1": "other"}); err != nil {
				return err
			}
			_, err = c.UntagResource(t.Context(), &securityhub.UntagResourceInput{ResourceArn: &id, TagKeys: []string{"key2"}})
			return err
		},
		updated: map[string]any{
			"rule_name": "rule two", "description": "description", "rule_order": int32(2), "rule_status": types.RuleStatusDisabled, "is_terminal": true,
			"criteria": criteria, "actions": actions, "tags": map[string]string{"key1": "other"},
		},
		remove: func(id string) error {
			_, err := c.BatchDeleteAutomationRules(t.Context(), &securityhub.BatchDeleteAutomationRulesInput{AutomationRulesArns: []string{id}})
			return err
		},
	}
}

func terraformFindingAggregator(t *testing.T, hub *server) provided {
	t.Helper()
	c := hub.as(mine)
	enable(t, c)
	return provided{
		create: func() (string, error) {
			out, err := c.CreateFindingAggregator(t.Context(), &securityhub.CreateFindingAggregatorInput{
				RegionLinkingMode: aws.String("ALL_REGIONS_EXCEPT_SPECIFIED"), Regions: []string{"eu-west-1", "eu-west-2"},
			})
			if err != nil {
				return "", err
			}
			return *out.FindingAggregatorArn, nil
		},
		read: func(id string) (map[string]any, error) {
			out, err := c.GetFindingAggregator(t.Context(), &securityhub.GetFindingAggregatorInput{FindingAggregatorArn: &id})
			if missing(err, notFound, hubIsOff) {
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			regions := slices.Clone(out.Regions)
			slices.Sort(regions) // a set
			return map[string]any{"arn": *out.FindingAggregatorArn, "linking_mode": *out.RegionLinkingMode, "specified_regions": regions}, nil
		},
		want: map[string]any{"linking_mode": "ALL_REGIONS_EXCEPT_SPECIFIED", "specified_regions": []string{"eu-west-1", "eu-west-2"}},
		update: func(id string) error {
			_, err := c.UpdateFindingAggregator(t.Context(), &securityhub.UpdateFindingAggregatorInput{
				FindingAggregatorArn: &id, RegionLinkingMode: aws.String("SPECIFIED_REGIONS"), Regions: []string{"eu-west-3"},
			})
			return err
		},
		updated: map[string]any{"linking_mode": "SPECIFIED_REGIONS", "specified_regions": []string{"eu-west-3"}},
		remove: func(id string) error {
			_, err := c.DeleteFindingAggregator(t.Context(), &securityhub.DeleteFindingAggregatorInput{FindingAggregatorArn: &id})
			return err
		},
	}
}

func terraformMember(t *testing.T, hub *server) provided {
	t.Helper()
	c := hub.as(mine)
	enable(t, c)
	unprocessed := func(list []types.Result, err error) error {
		if err == nil && len(list) > 0 {
			return errors.New(*list[0].ProcessingResult)
		}
		return err
	}
	return provided{
		create: func() (string, error) {
			made, err := c.CreateMembers(t.Context(), &securityhub.CreateMembersInput{
				AccountDetails: []types.AccountDetails{{AccountId: aws.String(other), Email: aws.String("member@example.com")}},
			})
			if err != nil {
				return "", err
			}
			if err := unprocessed(made.UnprocessedAccounts, nil); err != nil {
				return "", err
			}
			invited, err := c.InviteMembers(t.Context(), &securityhub.InviteMembersInput{AccountIds: []string{other}})
			if err != nil {
				return "", err
			}
			return other, unprocessed(invited.UnprocessedAccounts, nil)
		},
		read: func(id string) (map[string]any, error) {
			out, err := c.GetMembers(t.Context(), &securityhub.GetMembersInput{AccountIds: []string{id}})
			if missing(err, notFound, hubIsOff) {
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			if len(out.Members) == 0 {
				return nil, nil
			}
			m := out.Members[0]
			return map[string]any{
				"account_id": *m.AccountId, "email": *m.Email, "master_id": *m.AdministratorId, "member_status": *m.MemberStatus,
			}, nil
		},
		want: map[string]any{"account_id": other, "email": "member@example.com", "master_id": mine, "member_status": "Invited"},
		remove: func(id string) error {
			if _, err := c.DisassociateMembers(t.Context(), &securityhub.DisassociateMembersInput{AccountIds: []string{id}}); err != nil {
				return err
			}
			out, err := c.DeleteMembers(t.Context(), &securityhub.DeleteMembersInput{AccountIds: []string{id}})
			if err != nil {
				return err
			}
			return unprocessed(out.UnprocessedAccounts, nil)
		},
	}
}

func terraformOrganizationAdmin(t *testing.T, hub *server) provided {
	t.Helper()
	c := hub.as(other) // the management account
	return provided{
		create: func() (string, error) {
			_, err := c.EnableOrganizationAdminAccount(t.Context(), &securityhub.EnableOrganizationAdminAccountInput{AdminAccountId: aws.String(mine)})
			return mine, err
		},
		read: func(id string) (map[string]any, error) {
			pages := securityhub.NewListOrganizationAdminAccountsPaginator(c, &securityhub.ListOrganizationAdminAccountsInput{})
			for pages.HasMorePages() {
				page, err := pages.NextPage(t.Context())
				if err != nil {
					return nil, err
				}
				for _, a := range page.AdminAccounts {
					if *a.AccountId == id {
						return map[string]any{"admin_account_id": id, "status": a.Status}, nil
					}
				}
			}
			return nil, nil
		},
		want: map[string]any{"admin_account_id": mine, "status": types.AdminStatusEnabled},
		remove: func(id string) error {
			_, err := c.DisableOrganizationAdminAccount(t.Context(), &securityhub.DisableOrganizationAdminAccountInput{AdminAccountId: &id})
			return err
		},
	}
}

func terraformOrganizationConfiguration(t *testing.T, hub *server) provided {
	t.Helper()
	c := hub.as(mine)
	_, err := terraformOrganizationAdmin(t, hub).create()
	require.NoError(t, err)
	configure := func(auto bool, standards types.AutoEnableStandards) error {
		_, err := c.UpdateOrganizationConfiguration(t.Context(), &securityhub.UpdateOrganizationConfigurationInput{
			AutoEnable: &auto, AutoEnableStandards: standards,
			OrganizationConfiguration: &types.OrganizationConfiguration{ConfigurationType: types.OrganizationConfigurationConfigurationTypeLocal},
		})
		return err
	}
	state := func(auto bool, standards types.AutoEnableStandards) map[string]any {
		return map[string]any{
			"auto_enable": auto, "auto_enable_standards": standards,
			"configuration_type": types.OrganizationConfigurationConfigurationTypeLocal, "status": types.OrganizationConfigurationStatusEnabled,
		}
	}
	return provided{
		create: func() (string, error) { return mine, configure(true, types.AutoEnableStandardsNone) },
		read: func(string) (map[string]any, error) {
			out, err := c.DescribeOrganizationConfiguration(t.Context(), &securityhub.DescribeOrganizationConfigurationInput{})
			if err != nil {
				return nil, err
			}
			return map[string]any{
				"auto_enable": *out.AutoEnable, "auto_enable_standards": out.AutoEnableStandards,
				"configuration_type": out.OrganizationConfiguration.ConfigurationType, "status": out.OrganizationConfiguration.Status,
			}, nil
		},
		want:    state(true, types.AutoEnableStandardsNone),
		update:  func(string) error { return configure(true, types.AutoEnableStandardsDefault) },
		updated: state(true, types.AutoEnableStandardsDefault),
		// An organisation always has a configuration: the provider leaves the defaults behind.
		remove: func(string) error { return configure(false, types.AutoEnableStandardsNone) },
		rest:   state(false, types.AutoEnableStandardsNone),
	}
}
