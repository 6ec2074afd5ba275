package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

// The standards that the tests subscribe to.
const (
	standardsPrefix = "arn:aws:securityhub:" + region + "::standards/"
	fsbp            = standardsPrefix + "aws-foundational-security-best-practices/v/1.0.0"
	cis             = "arn:aws:securityhub:::ruleset/cis-aws-foundations-benchmark/v/1.2.0"
	pci             = standardsPrefix + "pci-dss/v/3.2.1"
	subscription    = "arn:aws:securityhub:" + region + ":" + mine + ":subscription/"
	controlARN      = "arn:aws:securityhub:" + region + ":" + mine + ":control/"
	notCentral      = "AccessDeniedException: Must be a Security Hub delegated administrator with Central Configuration enabled"
)

// subscribed enables the hub of mine with PCI DSS alone.
func subscribed(t *testing.T, c *securityhub.Client) {
	t.Helper()
	_, err := c.EnableSecurityHub(t.Context(), &securityhub.EnableSecurityHubInput{EnableDefaultStandards: aws.Bool(false)})
	require.NoError(t, err)
	_, err = c.BatchEnableStandards(t.Context(), &securityhub.BatchEnableStandardsInput{
		StandardsSubscriptionRequests: []types.StandardsSubscriptionRequest{{StandardsArn: aws.String(pci)}},
	})
	require.NoError(t, err)
}

// enabledStandards are the ARNs of a caller's standards.
func enabledStandards(t *testing.T, c *securityhub.Client) []string {
	t.Helper()
	out, err := c.GetEnabledStandards(t.Context(), &securityhub.GetEnabledStandardsInput{})
	require.NoError(t, err)
	arns := []string{}
	for _, s := range out.StandardsSubscriptions {
		require.Equal(t, types.StandardsStatusReady, s.StandardsStatus)
		arns = append(arns, *s.StandardsArn)
	}
	return arns
}

// controlOf is a control as a caller has it.
func controlOf(t *testing.T, c *securityhub.Client, id string) types.SecurityControl {
	t.Helper()
	out, err := c.BatchGetSecurityControls(t.Context(), &securityhub.BatchGetSecurityControlsInput{SecurityControlIds: []string{id}})
	require.NoError(t, err)
	require.Len(t, out.SecurityControls, 1)
	return out.SecurityControls[0]
}

// centralised gives mine central configuration of an organisation without a list.
func centralised(t *testing.T, hub *server) *securityhub.Client {
	t.Helper()
	designated(t, hub)
	c := hub.as(mine)
	aggregated(t, c, "NO_REGIONS")
	configuresCentrally(t, c)
	return c
}

// policied makes a policy that enables standards, or with none disables the hub, and answers its id.
func policied(t *testing.T, c *securityhub.Client, name string, standards ...string) string {
	t.Helper()
	out, err := c.CreateConfigurationPolicy(t.Context(), &securityhub.CreateConfigurationPolicyInput{
		Name: &name,
		ConfigurationPolicy: &types.PolicyMemberSecurityHub{Value: types.SecurityHubPolicy{
			ServiceEnabled: aws.Bool(len(standards) > 0), EnabledStandardIdentifiers: standards,
		}},
	})
	require.NoError(t, err)
	return *out.Id
}

// applied applies a policy to other.
func applied(t *testing.T, c *securityhub.Client, policy string) {
	t.Helper()
	_, err := c.StartConfigurationPolicyAssociation(t.Context(), &securityhub.StartConfigurationPolicyAssociationInput{
		ConfigurationPolicyIdentifier: &policy, Target: &types.TargetMemberAccountId{Value: other},
	})
	require.NoError(t, err)
}

const selfManaged = "SELF_MANAGED_SECURITY_HUB"
