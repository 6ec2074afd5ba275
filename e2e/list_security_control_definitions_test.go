package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/stretchr/testify/require"
)

func TestListSecurityControlDefinitions(t *testing.T) {
	c := serve(t).as(mine)
	count := func(standard *string) int {
		n := 0
		pages := securityhub.NewListSecurityControlDefinitionsPaginator(c, &securityhub.ListSecurityControlDefinitionsInput{StandardsArn: standard})
		for pages.HasMorePages() {
			out, err := pages.NextPage(t.Context())
			require.NoError(t, err)
			n += len(out.SecurityControlDefinitions)
		}
		return n
	}
	require.Greater(t, count(nil), 500)
	require.Equal(t, 42, count(aws.String(cis)), "one of them stands twice in it")
	_, err := c.ListSecurityControlDefinitions(t.Context(), &securityhub.ListSecurityControlDefinitionsInput{StandardsArn: aws.String("none")})
	requireRefused(t, err, "InvalidInputException: Invalid parameter 'StandardsArn'. 'none' is not a standard.")
}
