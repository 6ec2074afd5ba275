package server

import (
	"context"

	"hubcap/internal/api"
	"hubcap/internal/hub"
	"hubcap/internal/iam"
)

// bindings are the operations that are built: a row's name and the hub's method. A row that does not stand here answers 501.
func bindings(h *hub.Hub) map[string]operation {
	if h == nil {
		return nil
	}
	return map[string]operation{
		"BatchImportFindings":                     bindBody(h.BatchImportFindings),
		"BatchUpdateFindings":                     bindBody(h.BatchUpdateFindings),
		"CreateAutomationRule":                    bind(h.CreateAutomationRule),
		"BatchGetAutomationRules":                 bind(h.BatchGetAutomationRules),
		"BatchUpdateAutomationRules":              bind(h.BatchUpdateAutomationRules),
		"BatchDeleteAutomationRules":              bind(h.BatchDeleteAutomationRules),
		"ListAutomationRules":                     bind(h.ListAutomationRules),
		"GetFindings":                             bind(h.GetFindings),
		"GetFindingHistory":                       bind(h.GetFindingHistory),
		"UpdateFindings":                          bindBody(h.UpdateFindings),
		"CreateInsight":                           bind(h.CreateInsight),
		"GetInsights":                             bind(h.GetInsights),
		"UpdateInsight":                           bind(h.UpdateInsight),
		"DeleteInsight":                           bind(h.DeleteInsight),
		"GetInsightResults":                       bind(h.GetInsightResults),
		"EnableSecurityHub":                       bind(h.EnableSecurityHub),
		"DescribeHub":                             bind(h.DescribeHub),
		"UpdateSecurityHubConfiguration":          bind(h.UpdateSecurityHubConfiguration),
		"DisableSecurityHub":                      bind(h.DisableSecurityHub),
		"DescribeProducts":                        bind(h.DescribeProducts),
		"EnableImportFindingsForProduct":          bind(h.EnableImportFindingsForProduct),
		"ListEnabledProductsForImport":            bind(h.ListEnabledProductsForImport),
		"DisableImportFindingsForProduct":         bind(h.DisableImportFindingsForProduct),
		"CreateActionTarget":                      bind(h.CreateActionTarget),
		"DescribeActionTargets":                   bind(h.DescribeActionTargets),
		"UpdateActionTarget":                      bind(h.UpdateActionTarget),
		"DeleteActionTarget":                      bind(h.DeleteActionTarget),
		"TagResource":                             bind(h.TagResource),
		"UntagResource":                           bind(h.UntagResource),
		"ListTagsForResource":                     bind(h.ListTagsForResource),
		"AcceptAdministratorInvitation":           bind(h.AcceptAdministratorInvitation),
		"AcceptInvitation":                        bind(h.AcceptInvitation),
		"CreateFindingAggregator":                 bind(h.CreateFindingAggregator),
		"CreateMembers":                           bind(h.CreateMembers),
		"DeclineInvitations":                      bind(h.DeclineInvitations),
		"DeleteFindingAggregator":                 bind(h.DeleteFindingAggregator),
		"DeleteInvitations":                       bind(h.DeleteInvitations),
		"DeleteMembers":                           bind(h.DeleteMembers),
		"DescribeOrganizationConfiguration":       bind(h.DescribeOrganizationConfiguration),
		"DisableOrganizationAdminAccount":         bind(h.DisableOrganizationAdminAccount),
		"DisassociateFromAdministratorAccount":    bind(h.DisassociateFromAdministratorAccount),
		"DisassociateFromMasterAccount":           bind(h.DisassociateFromMasterAccount),
		"DisassociateMembers":                     bind(h.DisassociateMembers),
		"EnableOrganizationAdminAccount":          bind(h.EnableOrganizationAdminAccount),
		"GetAdministratorAccount":                 bind(h.GetAdministratorAccount),
		"GetFindingAggregator":                    bind(h.GetFindingAggregator),
		"GetInvitationsCount":                     bind(h.GetInvitationsCount),
		"GetMasterAccount":                        bind(h.GetMasterAccount),
		"GetMembers":                              bind(h.GetMembers),
		"InviteMembers":                           bind(h.InviteMembers),
		"ListFindingAggregators":                  bind(h.ListFindingAggregators),
		"ListInvitations":                         bind(h.ListInvitations),
		"ListMembers":                             bind(h.ListMembers),
		"ListOrganizationAdminAccounts":           bind(h.ListOrganizationAdminAccounts),
		"UpdateFindingAggregator":                 bind(h.UpdateFindingAggregator),
		"UpdateOrganizationConfiguration":         bind(h.UpdateOrganizationConfiguration),
		"BatchDisableStandards":                   bind(h.BatchDisableStandards),
		"BatchEnableStandards":                    bind(h.BatchEnableStandards),
		"BatchGetConfigurationPolicyAssociations": bind(h.BatchGetConfigurationPolicyAssociations),
		"BatchGetSecurityControls":                bind(h.BatchGetSecurityControls),
		"BatchGetStandardsControlAssociations":    bind(h.BatchGetStandardsControlAssociations),
		"BatchUpdateStandardsControlAssociations": bind(h.BatchUpdateStandardsControlAssociations),
		"CreateConfigurationPolicy":               bind(h.CreateConfigurationPolicy),
		"DeleteConfigurationPolicy":               bind(h.DeleteConfigurationPolicy),
		"DescribeStandards":                       bind(h.DescribeStandards),
		"DescribeStandardsControls":               bind(h.DescribeStandardsControls),
		"GetConfigurationPolicy":                  bind(h.GetConfigurationPolicy),
		"GetConfigurationPolicyAssociation":       bind(h.GetConfigurationPolicyAssociation),
		"GetEnabledStandards":                     bind(h.GetEnabledStandards),
		"GetSecurityControlDefinition":            bind(h.GetSecurityControlDefinition),
		"ListConfigurationPolicies":               bind(h.ListConfigurationPolicies),
		"ListConfigurationPolicyAssociations":     bind(h.ListConfigurationPolicyAssociations),
		"ListSecurityControlDefinitions":          bind(h.ListSecurityControlDefinitions),
		"ListStandardsControlAssociations":        bind(h.ListStandardsControlAssociations),
		"StartConfigurationPolicyAssociation":     bind(h.StartConfigurationPolicyAssociation),
		"StartConfigurationPolicyDisassociation":  bind(h.StartConfigurationPolicyDisassociation),
		"UpdateConfigurationPolicy":               bind(h.UpdateConfigurationPolicy),
		"UpdateSecurityControl":                   bind(h.UpdateSecurityControl),
		"UpdateStandardsControl":                  bind(h.UpdateStandardsControl),
	}
}

// bind makes an operation of a method: its input is decoded from path, query and body.
func bind[In, Out any](method func(context.Context, *iam.Principal, *In) (*Out, error)) operation {
	return func(ctx context.Context, c *call) (any, error) {
		r, err := c.request()
		if err != nil {
			return nil, err
		}
		in := new(In)
		if err := api.Decode(in, r); err != nil {
			return nil, err
		}
		return method(ctx, c.who, in)
	}
}

// bindBody makes an operation of a method that reads the body itself. The body is used again as soon as the method
// returns.
func bindBody[Out any](method func(context.Context, *iam.Principal, []byte) (*Out, error)) operation {
	return func(ctx context.Context, c *call) (any, error) { return method(ctx, c.who, c.body) }
}

// notBuilt answers for a row that no method is bound to (D22).
func notBuilt(name string) operation {
	return func(context.Context, *call) (any, error) {
		return nil, api.Errorf(api.NotImplemented, "The operation %s is not implemented by hubcap yet.", name)
	}
}
