package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestDisableSecurityHub(t *testing.T) {
	c := serve(t).as(mine)
	imports(t, c, newFinding(mine, "a"))
	disable := func() error {
		_, err := c.DisableSecurityHub(t.Context(), &securityhub.DisableSecurityHubInput{})
		return err
	}
	// An implicit hub is turned off too; then nothing works until it is enabled again.
	require.NoError(t, disable())
	_, err := c.GetFindings(t.Context(), &securityhub.GetFindingsInput{})
	requireRefused(t, err, "InvalidAccessException: "+notSubscribed)
	out, err := batchImport(t.Context(), c, newFinding(mine, "b"))
	require.NoError(t, err)
	require.Equal(t, "InvalidAccess "+notSubscribed, *out.FailedFindings[0].ErrorCode+" "+*out.FailedFindings[0].ErrorMessage)
	requireRefused(t, disable(), "ResourceNotFoundException: Account is not subscribed to Security Hub")
	enable(t, c)
	require.Equal(t, []string{"a"}, ids(find(t, c, types.AwsSecurityFindingFilters{})))
}
