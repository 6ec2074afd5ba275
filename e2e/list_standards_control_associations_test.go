package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestListStandardsControlAssociations(t *testing.T) {
	c := serve(t).as(mine)
	enable(t, c)
	out, err := c.ListStandardsControlAssociations(t.Context(), &securityhub.ListStandardsControlAssociationsInput{SecurityControlId: aws.String("CloudTrail.2")})
	require.NoError(t, err)
	require.Len(t, out.StandardsControlAssociationSummaries, 2)
	require.Equal(t, fsbp, *out.StandardsControlAssociationSummaries[0].StandardsArn)
	s := out.StandardsControlAssociationSummaries[1]
	require.Equal(t, cis, *s.StandardsArn)
	require.Equal(t, []string{"CIS AWS Foundations Benchmark v1.2.0/2.7"}, s.RelatedRequirements)
	require.Equal(t, types.AssociationStatusEnabled, s.AssociationStatus)
	_, err = c.ListStandardsControlAssociations(t.Context(), &securityhub.ListStandardsControlAssociationsInput{SecurityControlId: aws.String("None.1")})
	requireRefused(t, err, "InvalidInputException: Invalid parameter 'SecurityControlId'. 'None.1' is not a security control.")
}
