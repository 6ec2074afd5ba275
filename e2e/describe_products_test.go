package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
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
