package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestUpdateStandardsControl(t *testing.T) {
	c := serve(t).as(mine)
	subscribed(t, c)
	update := func(id string, status types.ControlStatus, reason *string) error {
		_, err := c.UpdateStandardsControl(t.Context(), &securityhub.UpdateStandardsControlInput{
			StandardsControlArn: aws.String(controlARN + "pci-dss/v/3.2.1/" + id), ControlStatus: status, DisabledReason: reason,
		})
		return err
	}
	requireRefused(t, update("PCI.S3.6", types.ControlStatusDisabled, nil),
		"InvalidInputException: Invalid parameter 'DisabledReason'. should be there with ControlStatus DISABLED.")
	requireRefused(t, update("S3.1", types.ControlStatusEnabled, nil),
		`ResourceNotFoundException: {"standardsControlArn":"`+controlARN+`pci-dss/v/3.2.1/S3.1"}`)
	require.Equal(t, types.ControlStatusEnabled, controlOf(t, c, "S3.1").SecurityControlStatus)
	require.NoError(t, update("PCI.S3.6", types.ControlStatusDisabled, aws.String("public on purpose")))
	require.Equal(t, types.ControlStatusDisabled, controlOf(t, c, "S3.1").SecurityControlStatus)
	require.NoError(t, update("PCI.S3.6", types.ControlStatusEnabled, nil))
	require.Equal(t, types.ControlStatusEnabled, controlOf(t, c, "S3.1").SecurityControlStatus)
}
