package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestBatchEnableStandards(t *testing.T) {
	c := serve(t).as(mine)
	request := func(arns ...string) error {
		in := &securityhub.BatchEnableStandardsInput{}
		for _, arn := range arns {
			in.StandardsSubscriptionRequests = append(in.StandardsSubscriptionRequests, types.StandardsSubscriptionRequest{StandardsArn: aws.String(arn)})
		}
		_, err := c.BatchEnableStandards(t.Context(), in)
		return err
	}
	enable(t, c)
	require.Equal(t, []string{fsbp, cis}, enabledStandards(t, c), "those that are enabled by default")
	requireRefused(t, request(pci, standardsPrefix+"none/v/1.0.0"),
		`InvalidInputException: Invalid StandardsSubscriptionRequest(s): [{"StandardsArn":"`+standardsPrefix+`none/v/1.0.0"}]`)
	require.NoError(t, request(pci))
	require.NoError(t, request(pci), "again")
	require.Equal(t, []string{fsbp, cis, pci}, enabledStandards(t, c))
}
