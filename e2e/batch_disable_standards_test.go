package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestBatchDisableStandards(t *testing.T) {
	c := serve(t).as(mine)
	subscribed(t, c)
	disable := func() (*securityhub.BatchDisableStandardsOutput, error) {
		return c.BatchDisableStandards(t.Context(), &securityhub.BatchDisableStandardsInput{StandardsSubscriptionArns: []string{subscription + "pci-dss/v/3.2.1"}})
	}
	out, err := disable()
	require.NoError(t, err)
	require.Equal(t, types.StandardsStatusDeleting, out.StandardsSubscriptions[0].StandardsStatus)
	require.Empty(t, enabledStandards(t, c))
	_, err = disable()
	requireRefused(t, err, `InvalidInputException: Invalid StandardsSubscriptionArn(s): ["`+subscription+`pci-dss/v/3.2.1"]`)
}
