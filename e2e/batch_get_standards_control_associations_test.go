package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestBatchGetStandardsControlAssociations(t *testing.T) {
	c := serve(t).as(mine)
	subscribed(t, c)
	out, err := c.BatchGetStandardsControlAssociations(t.Context(), &securityhub.BatchGetStandardsControlAssociationsInput{
		StandardsControlAssociationIds: []types.StandardsControlAssociationId{
			{SecurityControlId: aws.String("S3.1"), StandardsArn: aws.String(pci)},
			{SecurityControlId: aws.String("S3.1"), StandardsArn: aws.String(fsbp)},
		},
	})
	require.NoError(t, err)
	require.Len(t, out.StandardsControlAssociationDetails, 1)
	require.Equal(t, []string{controlARN + "pci-dss/v/3.2.1/PCI.S3.6"}, out.StandardsControlAssociationDetails[0].StandardsControlArns)
	require.Len(t, out.UnprocessedAssociations, 1)
	require.Equal(t, "Account "+mine+" is not subscribed to standard aws-foundational-security-best-practices/v/1.0.0", *out.UnprocessedAssociations[0].ErrorReason)
}
