package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/stretchr/testify/require"
)

const (
	prowler             = "arn:aws:securityhub:us-east-1::product/prowler/prowler"
	prowlerSubscription = "arn:aws:securityhub:us-east-1:" + mine + ":product-subscription/prowler/prowler"
)

func listEnabled(t *testing.T, c *securityhub.Client) []string {
	t.Helper()
	out, err := c.ListEnabledProductsForImport(t.Context(), &securityhub.ListEnabledProductsForImportInput{})
	require.NoError(t, err)
	return out.ProductSubscriptions
}

func enableProwler(t *testing.T, c *securityhub.Client) string {
	t.Helper()
	out, err := c.EnableImportFindingsForProduct(t.Context(), &securityhub.EnableImportFindingsForProductInput{ProductArn: aws.String(prowler)})
	require.NoError(t, err)
	return *out.ProductSubscriptionArn
}
