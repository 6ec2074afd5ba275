package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

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
