package e2e

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"
)

// TestControlPlaneKilled: whatever of the control plane was acknowledged before kill -9 is there afterwards, as every account sees it:
// hub, tags, subscriptions, actions, insights, rules, members of each kind, the organisation, Regions, standards, controls, policies.
func TestControlPlaneKilled(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	hub := serve(t, "--store", dir)
	c := hub.as(mine)
	enable(t, c)
	require.NoError(t, tag(t, c, hubARN, map[string]string{"team": "blue"}))
	enableProwler(t, c)
	createAction(t, c, "page")
	insight := newInsight(t, c, "by resource", "ResourceId", types.AwsSecurityFindingFilters{Title: equals("x")})
	rule := newRule(t, c, 1, prefixed("late"), suppress())
	require.NoError(t, tag(t, c, rule, map[string]string{"kind": "rule"}))
	joined(t, hub)
	invited(t, hub, third)
	for _, account := range []string{mine, other, third} {
		imports(t, hub.as(account), newFinding(account, "of "+account))
	}
	c = centralised(t, hub)
	policied(t, c, "none")
	applied(t, c, policied(t, c, "one", pci))
	own := hub.as(operator) // of an account that no policy decides for
	_, err := own.BatchEnableStandards(t.Context(), &securityhub.BatchEnableStandardsInput{
		StandardsSubscriptionRequests: []types.StandardsSubscriptionRequest{{StandardsArn: aws.String(cis)}},
	})
	require.NoError(t, err)
	_, err = own.UpdateSecurityControl(t.Context(), &securityhub.UpdateSecurityControlInput{
		SecurityControlId: aws.String("ACM.1"), Parameters: map[string]types.ParameterConfiguration{
			"daysToExpiration": {ValueType: types.ParameterValueTypeCustom, Value: &types.ParameterValueMemberInteger{Value: 45}},
		},
	})
	require.NoError(t, err)
	_, err = own.BatchUpdateStandardsControlAssociations(t.Context(), &securityhub.BatchUpdateStandardsControlAssociationsInput{
		StandardsControlAssociationUpdates: []types.StandardsControlAssociationUpdate{{
			SecurityControlId: aws.String("IAM.1"), StandardsArn: aws.String(cis), AssociationStatus: types.AssociationStatusDisabled, UpdatedReason: aws.String("r"),
		}},
	})
	require.NoError(t, err)

	questions := []any{
		&securityhub.DescribeHubInput{}, &securityhub.ListTagsForResourceInput{ResourceArn: aws.String(hubARN)},
		&securityhub.ListTagsForResourceInput{ResourceArn: &rule}, &securityhub.ListEnabledProductsForImportInput{},
		&securityhub.DescribeActionTargetsInput{}, &securityhub.GetInsightsInput{InsightArns: []string{insight}}, &securityhub.ListAutomationRulesInput{},
		&securityhub.ListMembersInput{OnlyAssociated: aws.Bool(false)}, &securityhub.ListInvitationsInput{}, &securityhub.GetAdministratorAccountInput{},
		&securityhub.ListOrganizationAdminAccountsInput{}, &securityhub.DescribeOrganizationConfigurationInput{}, &securityhub.ListFindingAggregatorsInput{},
		&securityhub.ListConfigurationPoliciesInput{}, &securityhub.ListConfigurationPolicyAssociationsInput{}, &securityhub.GetEnabledStandardsInput{},
		&securityhub.BatchGetSecurityControlsInput{SecurityControlIds: []string{"ACM.1", "IAM.1"}},
		&securityhub.ListStandardsControlAssociationsInput{SecurityControlId: aws.String("IAM.1")}, &securityhub.GetFindingsInput{},
	}
	ask := func(hub *server) map[string][]any {
		all := map[string][]any{}
		for _, account := range []string{mine, other, third, management, operator} {
			for _, q := range questions {
				all[account] = append(all[account], told(t, hub.as(account), q))
			}
		}
		return all
	}
	before := ask(hub)
	for i, q := range questions {
		require.NotEqual(t, reflect.String, reflect.ValueOf(before[mine][i]).Kind(), "%T: %v", q, before[mine][i])
	}
	hub.kill()
	require.Equal(t, before, ask(serve(t, "--store", dir)))
}

// told is the output of the operation that an input is of, or its error.
func told(t *testing.T, c *securityhub.Client, in any) any {
	t.Helper()
	name := strings.TrimSuffix(reflect.TypeOf(in).Elem().Name(), "Input")
	out := reflect.ValueOf(c).MethodByName(name).Call([]reflect.Value{reflect.ValueOf(t.Context()), reflect.ValueOf(in)})
	if err, _ := reflect.TypeAssert[error](out[1]); err != nil {
		var refused smithy.APIError
		require.ErrorAs(t, err, &refused)
		return refused.ErrorCode() + ": " + refused.ErrorMessage()
	}
	out[0].Elem().FieldByName("ResultMetadata").SetZero() // of the request
	return out[0].Interface()
}
