package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

const (
	prowler             = "arn:aws:securityhub:us-east-1::product/prowler/prowler"
	prowlerSubscription = "arn:aws:securityhub:us-east-1:" + mine + ":product-subscription/prowler/prowler"
)

func TestDescribeProducts(t *testing.T) {
	c := serve(t).as(mine)
	all := map[string]types.Product{}
	pages := securityhub.NewDescribeProductsPaginator(c, &securityhub.DescribeProductsInput{MaxResults: aws.Int32(7)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		require.LessOrEqual(t, len(page.Products), 7)
		for _, p := range page.Products {
			require.NotContains(t, all, *p.ProductArn)
			all[*p.ProductArn] = p
		}
	}
	require.GreaterOrEqual(t, len(all), 20)
	require.Equal(t, "Prowler", *all[prowler].ProductName)
	require.Contains(t, all, "arn:aws:securityhub:us-east-1::product/aws/guardduty")

	one, err := c.DescribeProducts(t.Context(), &securityhub.DescribeProductsInput{ProductArn: aws.String(prowler)})
	require.NoError(t, err)
	require.Len(t, one.Products, 1)
	require.Equal(t, prowler, *one.Products[0].ProductArn)
}

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

func TestEnableImportFindingsForProduct(t *testing.T) {
	c := serve(t, "--profile", "aws").as(mine)
	enable(t, c)
	fromProwler := newFinding(mine, "a", func(f *types.AwsSecurityFinding) { f.ProductArn = aws.String(prowler) })
	_, err := batchImport(t.Context(), c, fromProwler)
	require.ErrorContains(t, err, "AccessDeniedException")

	require.Equal(t, prowlerSubscription, enableProwler(t, c))
	imports(t, c, fromProwler)
	require.Equal(t, "Prowler", *get(t, c, "a").ProductName)

	_, err = c.EnableImportFindingsForProduct(t.Context(), &securityhub.EnableImportFindingsForProductInput{ProductArn: aws.String(prowler)})
	require.ErrorContains(t, err, "ResourceConflictException")
	_, err = c.EnableImportFindingsForProduct(t.Context(), &securityhub.EnableImportFindingsForProductInput{ProductArn: aws.String("prowler")})
	require.ErrorContains(t, err, "InvalidInputException")
}

func TestListEnabledProductsForImport(t *testing.T) {
	c := serve(t).as(mine)
	require.NotContains(t, listEnabled(t, c), prowlerSubscription)
	enableProwler(t, c)
	require.Contains(t, listEnabled(t, c), prowlerSubscription)
	require.NotContains(t, listEnabled(t, serve(t).as(other)), prowlerSubscription)
}

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
