package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestUpdateOrganizationConfiguration(t *testing.T) {
	hub := serve(t)
	update := func(in *securityhub.UpdateOrganizationConfigurationInput) error {
		_, err := hub.as(mine).UpdateOrganizationConfiguration(t.Context(), in)
		return err
	}
	central := &types.OrganizationConfiguration{ConfigurationType: types.OrganizationConfigurationConfigurationTypeCentral}
	requireRefused(t, update(&securityhub.UpdateOrganizationConfigurationInput{AutoEnable: aws.Bool(true)}),
		"InvalidAccessException: Account "+mine+" is not an administrator for this organization")
	designated(t, hub)
	require.NoError(t, update(&securityhub.UpdateOrganizationConfigurationInput{AutoEnable: aws.Bool(true), AutoEnableStandards: types.AutoEnableStandardsNone}))

	// A new account becomes a member: in an organisation without a list, when it enables its hub.
	imports(t, hub.as(other), newFinding(other, "theirs"))
	require.Empty(t, sees(t, hub.as(mine)))
	enable(t, hub.as(other))
	require.Equal(t, []string{"theirs"}, sees(t, hub.as(mine)))
	_, err := hub.as(other).DisassociateFromAdministratorAccount(t.Context(), &securityhub.DisassociateFromAdministratorAccountInput{})
	require.ErrorContains(t, err, "InvalidInputException: The request is rejected because the current account is a member by its organization.")

	requireRefused(t, update(&securityhub.UpdateOrganizationConfigurationInput{AutoEnable: aws.Bool(true), OrganizationConfiguration: central}),
		"InvalidInputException: Auto Enable and AutoEnableStandards can not be enabled for Central Configuration")
	requireRefused(t, update(&securityhub.UpdateOrganizationConfigurationInput{AutoEnable: aws.Bool(false), OrganizationConfiguration: central}),
		"InvalidInputException: Central configuration requires a finding aggregator whose home Region is "+region)
	aggregated(t, hub.as(mine), "ALL_REGIONS")
	require.NoError(t, update(&securityhub.UpdateOrganizationConfigurationInput{AutoEnable: aws.Bool(false), OrganizationConfiguration: central}))
	out, err := hub.as(mine).DescribeOrganizationConfiguration(t.Context(), &securityhub.DescribeOrganizationConfigurationInput{})
	require.NoError(t, err)
	require.Equal(t, types.OrganizationConfigurationConfigurationTypeCentral, out.OrganizationConfiguration.ConfigurationType)
	require.Equal(t, types.AutoEnableStandardsNone, out.AutoEnableStandards)
}
