package hub

import (
	"context"
	"maps"

	"hubcap/internal/api"
	"hubcap/internal/iam"
)

func init() {
	maps.Copy(operations, map[string]func(*Hub, context.Context, *iam.Principal, *api.Request) (any, error){
		"BatchDisableStandards":                   operation((*Hub).BatchDisableStandards),
		"BatchEnableStandards":                    operation((*Hub).BatchEnableStandards),
		"BatchGetConfigurationPolicyAssociations": operation((*Hub).BatchGetConfigurationPolicyAssociations),
		"BatchGetSecurityControls":                operation((*Hub).BatchGetSecurityControls),
		"BatchGetStandardsControlAssociations":    operation((*Hub).BatchGetStandardsControlAssociations),
		"BatchUpdateStandardsControlAssociations": operation((*Hub).BatchUpdateStandardsControlAssociations),
		"CreateConfigurationPolicy":               operation((*Hub).CreateConfigurationPolicy),
		"DeleteConfigurationPolicy":               operation((*Hub).DeleteConfigurationPolicy),
		"DescribeStandards":                       operation((*Hub).DescribeStandards),
		"DescribeStandardsControls":               operation((*Hub).DescribeStandardsControls),
		"GetConfigurationPolicy":                  operation((*Hub).GetConfigurationPolicy),
		"GetConfigurationPolicyAssociation":       operation((*Hub).GetConfigurationPolicyAssociation),
		"GetEnabledStandards":                     operation((*Hub).GetEnabledStandards),
		"GetSecurityControlDefinition":            operation((*Hub).GetSecurityControlDefinition),
		"ListConfigurationPolicies":               operation((*Hub).ListConfigurationPolicies),
		"ListConfigurationPolicyAssociations":     operation((*Hub).ListConfigurationPolicyAssociations),
		"ListSecurityControlDefinitions":          operation((*Hub).ListSecurityControlDefinitions),
		"ListStandardsControlAssociations":        operation((*Hub).ListStandardsControlAssociations),
		"StartConfigurationPolicyAssociation":     operation((*Hub).StartConfigurationPolicyAssociation),
		"StartConfigurationPolicyDisassociation":  operation((*Hub).StartConfigurationPolicyDisassociation),
		"UpdateConfigurationPolicy":               operation((*Hub).UpdateConfigurationPolicy),
		"UpdateSecurityControl":                   operation((*Hub).UpdateSecurityControl),
		"UpdateStandardsControl":                  operation((*Hub).UpdateStandardsControl),
	})
}
