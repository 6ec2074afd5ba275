package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestDisableImportFindingsForProduct(t *testing.T) {
	c := serve(t, "--profile", "aws").as(mine)
	enable(t, c)
	arn := enableProwler(t, c)
	disable := func() error {
		_, err := c.DisableImportFindingsForProduct(t.Context(), &securityhub.DisableImportFindingsForProductInput{ProductSubscriptionArn: &arn})
		return err
	}
	require.NoError(t, disable())
	require.NotContains(t, listEnabled(t, c), arn)
	require.ErrorContains(t, disable(), "ResourceNotFoundException")
	_, err := batchImport(t.Context(), c, newFinding(mine, "a", func(f *types.AwsSecurityFinding) { f.ProductArn = aws.String(prowler) }))
	require.ErrorContains(t, err, "AccessDeniedException")
}
