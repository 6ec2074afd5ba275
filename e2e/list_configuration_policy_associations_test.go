package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestListConfigurationPolicyAssociations(t *testing.T) {
	c := centralised(t, serve(t))
	id := policied(t, c, "on", pci)
	_, err := c.StartConfigurationPolicyAssociation(t.Context(), &securityhub.StartConfigurationPolicyAssociationInput{
		ConfigurationPolicyIdentifier: &id, Target: &types.TargetMemberRootId{Value: "r-1234"},
	})
	require.NoError(t, err)
	applied(t, c, selfManaged)
	list := func(f *types.AssociationFilters) (targets []string) {
		pages := securityhub.NewListConfigurationPolicyAssociationsPaginator(c, &securityhub.ListConfigurationPolicyAssociationsInput{Filters: f, MaxResults: aws.Int32(1)})
		for pages.HasMorePages() {
			out, err := pages.NextPage(t.Context())
			require.NoError(t, err)
			for _, s := range out.ConfigurationPolicyAssociationSummaries {
				targets = append(targets, *s.TargetId)
			}
		}
		return targets
	}
	require.ElementsMatch(t, []string{mine, other, "r-root"}, list(nil))
	require.Equal(t, []string{mine}, list(&types.AssociationFilters{AssociationType: types.AssociationTypeInherited}))
	require.Equal(t, []string{other}, list(&types.AssociationFilters{ConfigurationPolicyId: aws.String(selfManaged)}))
}
