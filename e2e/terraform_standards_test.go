package e2e

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func terraformStandardsSubscription(t *testing.T, hub *server) provided {
	t.Helper()
	c := hub.as(mine)
	enable(t, c)
	return provided{
		create: func() (string, error) {
			out, err := c.BatchEnableStandards(t.Context(), &securityhub.BatchEnableStandardsInput{
				StandardsSubscriptionRequests: []types.StandardsSubscriptionRequest{{StandardsArn: aws.String(pci)}},
			}, patient) // one a second is AWS's rate
			if err != nil {
				return "", err
			}
			return *out.StandardsSubscriptions[0].StandardsSubscriptionArn, nil
		},
		// The provider waits until the subscription is ready, or is told no more.
		read: func(id string) (map[string]any, error) {
			out, err := c.GetEnabledStandards(t.Context(), &securityhub.GetEnabledStandardsInput{StandardsSubscriptionArns: []string{id}})
			if missing(err, notFound, hubIsOff) || err == nil && len(out.StandardsSubscriptions) == 0 {
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			s := out.StandardsSubscriptions[0]
			return map[string]any{"standards_arn": *s.StandardsArn, "status": s.StandardsStatus}, nil
		},
		want: map[string]any{"standards_arn": pci, "status": types.StandardsStatusReady},
		remove: func(id string) error {
			_, err := c.BatchDisableStandards(t.Context(), &securityhub.BatchDisableStandardsInput{StandardsSubscriptionArns: []string{id}})
			return err
		},
	}
}

// patient asks again where the rate is exceeded, as the provider's client does.
func patient(o *securityhub.Options) {
	o.RetryMaxAttempts = 20
	o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) { r.MaxAttempts, r.MaxBackoff = 20, time.Second })
}

func terraformConfigurationPolicy(t *testing.T, hub *server) provided {
	t.Helper()
	c := hub.as(mine)
	_, err := terraformOrganizationAdmin(t, hub).create()
	require.NoError(t, err)
	aggregated(t, c, "ALL_REGIONS")
	configuresCentrally(t, c)
	body := func(controls ...string) types.Policy {
		return &types.PolicyMemberSecurityHub{Value: types.SecurityHubPolicy{
			ServiceEnabled: aws.Bool(true), EnabledStandardIdentifiers: []string{cis, fsbp},
			SecurityControlsConfiguration: &types.SecurityControlsConfiguration{
				DisabledSecurityControlIdentifiers: controls,
				SecurityControlCustomParameters: []types.SecurityControlCustomParameter{{
					SecurityControlId: aws.String("ACM.1"),
					Parameters: map[string]types.ParameterConfiguration{
						"daysToExpiration": {ValueType: types.ParameterValueTypeCustom, Value: &types.ParameterValueMemberInteger{Value: 45}},
					},
				}},
			},
		}}
	}
	return provided{
		create: func() (string, error) {
			out, err := c.CreateConfigurationPolicy(t.Context(), &securityhub.CreateConfigurationPolicyInput{
				Name: aws.String("example"), Description: aws.String("This is an example configuration policy"), ConfigurationPolicy: body("IAM.1"),
			})
			if err != nil {
				return "", err
			}
			return *out.Id, nil
		},
		read: func(id string) (map[string]any, error) {
			out, err := c.GetConfigurationPolicy(t.Context(), &securityhub.GetConfigurationPolicyInput{Identifier: &id})
			if missing(err, notFound, "AccessDeniedException: Must be a Security Hub delegated administrator with Central Configuration enabled") {
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			return map[string]any{"name": *out.Name, "description": *out.Description, "configuration_policy": out.ConfigurationPolicy}, nil
		},
		want: map[string]any{"name": "example", "description": "This is an example configuration policy", "configuration_policy": body("IAM.1")},
		update: func(id string) error {
			_, err := c.UpdateConfigurationPolicy(t.Context(), &securityhub.UpdateConfigurationPolicyInput{
				Identifier: &id, Name: aws.String("renamed"), ConfigurationPolicy: body("IAM.1", "IAM.3"),
			})
			return err
		},
		updated: map[string]any{"name": "renamed", "description": "This is an example configuration policy", "configuration_policy": body("IAM.1", "IAM.3")},
		remove: func(id string) error {
			_, err := c.DeleteConfigurationPolicy(t.Context(), &securityhub.DeleteConfigurationPolicyInput{Identifier: &id})
			return err
		},
	}
}

// configuresCentrally lets the organisation's administrator configure its accounts by policies.
func configuresCentrally(t *testing.T, c *securityhub.Client) {
	t.Helper()
	_, err := c.UpdateOrganizationConfiguration(t.Context(), &securityhub.UpdateOrganizationConfigurationInput{
		AutoEnable: aws.Bool(false), AutoEnableStandards: types.AutoEnableStandardsNone,
		OrganizationConfiguration: &types.OrganizationConfiguration{ConfigurationType: types.OrganizationConfigurationConfigurationTypeCentral},
	})
	require.NoError(t, err)
}
