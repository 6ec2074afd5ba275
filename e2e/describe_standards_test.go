package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/stretchr/testify/require"
)

func TestDescribeStandards(t *testing.T) {
	c := serve(t, "--profile", "aws").as(mine)
	_, err := c.DescribeStandards(t.Context(), &securityhub.DescribeStandardsInput{})
	requireRefused(t, err, "InvalidAccessException: "+notSubscribed)
	enable(t, c)
	pages := securityhub.NewDescribeStandardsPaginator(c, &securityhub.DescribeStandardsInput{MaxResults: aws.Int32(4)})
	byDefault := []string{}
	n := 0
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, s := range out.Standards {
			n++
			if *s.EnabledByDefault {
				byDefault = append(byDefault, *s.StandardsArn)
			}
		}
	}
	require.Equal(t, 10, n)
	require.Equal(t, []string{fsbp, cis}, byDefault)
}
