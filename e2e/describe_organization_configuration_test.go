package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestDescribeOrganizationConfiguration(t *testing.T) {
	hub := serve(t)
	_, err := hub.as(mine).DescribeOrganizationConfiguration(t.Context(), &securityhub.DescribeOrganizationConfigurationInput{})
	requireRefused(t, err, "InvalidAccessException: Account "+mine+" is not an administrator for this organization")
	designated(t, hub)
	out, err := hub.as(mine).DescribeOrganizationConfiguration(t.Context(), &securityhub.DescribeOrganizationConfigurationInput{})
	require.NoError(t, err)
	require.False(t, *out.AutoEnable)
	require.Equal(t, types.AutoEnableStandardsDefault, out.AutoEnableStandards)
	require.False(t, *out.MemberAccountLimitReached)
	require.Equal(t, types.OrganizationConfigurationConfigurationTypeLocal, out.OrganizationConfiguration.ConfigurationType)
	require.Equal(t, types.OrganizationConfigurationStatusEnabled, out.OrganizationConfiguration.Status)
}
