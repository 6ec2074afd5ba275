package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/stretchr/testify/require"
)

func TestListConfigurationPolicies(t *testing.T) {
	hub := serve(t)
	c := centralised(t, hub)
	policied(t, c, "on", pci)
	policied(t, c, "off")
	pages := securityhub.NewListConfigurationPoliciesPaginator(c, &securityhub.ListConfigurationPoliciesInput{MaxResults: aws.Int32(1)})
	enabled := map[string]bool{}
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		require.Len(t, out.ConfigurationPolicySummaries, 1)
		enabled[*out.ConfigurationPolicySummaries[0].Name] = *out.ConfigurationPolicySummaries[0].ServiceEnabled
	}
	require.Equal(t, map[string]bool{"on": true, "off": false}, enabled)
	_, err := hub.as(other).ListConfigurationPolicies(t.Context(), &securityhub.ListConfigurationPoliciesInput{})
	requireRefused(t, err, notCentral)
}
