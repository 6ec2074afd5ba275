package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestBatchUpdateStandardsControlAssociations(t *testing.T) {
	c := serve(t).as(mine)
	subscribed(t, c)
	out, err := c.BatchUpdateStandardsControlAssociations(t.Context(), &securityhub.BatchUpdateStandardsControlAssociationsInput{
		StandardsControlAssociationUpdates: []types.StandardsControlAssociationUpdate{
			{SecurityControlId: aws.String("S3.1"), StandardsArn: aws.String(pci), AssociationStatus: types.AssociationStatusDisabled, UpdatedReason: aws.String("not ours")},
			{SecurityControlId: aws.String("IAM.1"), StandardsArn: aws.String(pci), AssociationStatus: types.AssociationStatusDisabled},
		},
	})
	require.NoError(t, err)
	require.Len(t, out.UnprocessedAssociationUpdates, 1)
	require.Equal(t, types.UnprocessedErrorCodeInvalidInput, out.UnprocessedAssociationUpdates[0].ErrorCode)
	require.Equal(t, types.ControlStatusDisabled, controlOf(t, c, "S3.1").SecurityControlStatus)
	require.Equal(t, types.ControlStatusEnabled, controlOf(t, c, "IAM.1").SecurityControlStatus)
}
