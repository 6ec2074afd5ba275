package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestDescribeStandardsControls(t *testing.T) {
	c := serve(t).as(mine)
	enable(t, c)
	pages := securityhub.NewDescribeStandardsControlsPaginator(c, &securityhub.DescribeStandardsControlsInput{
		StandardsSubscriptionArn: aws.String(subscription + "cis-aws-foundations-benchmark/v/1.2.0"), MaxResults: aws.Int32(20),
	})
	var controls []types.StandardsControl
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		controls = append(controls, out.Controls...)
	}
	require.Len(t, controls, 43)
	first := controls[0]
	require.Equal(t, "CIS.1.1", *first.ControlId)
	require.Equal(t, controlARN+"cis-aws-foundations-benchmark/v/1.2.0/1.1", *first.StandardsControlArn)
	require.Equal(t, types.ControlStatusEnabled, first.ControlStatus)
	require.Equal(t, types.SeverityRatingLow, first.SeverityRating)
	require.NotNil(t, first.ControlStatusUpdatedAt)
	_, err := c.DescribeStandardsControls(t.Context(), &securityhub.DescribeStandardsControlsInput{StandardsSubscriptionArn: aws.String(subscription + "pci-dss/v/3.2.1")})
	requireRefused(t, err, `ResourceNotFoundException: {"standardsSubscriptionArn":"`+subscription+`pci-dss/v/3.2.1"}`)
}
