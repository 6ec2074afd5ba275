package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestBatchGetSecurityControls(t *testing.T) {
	c := serve(t).as(mine)
	subscribed(t, c)
	out, err := c.BatchGetSecurityControls(t.Context(), &securityhub.BatchGetSecurityControlsInput{
		SecurityControlIds: []string{"S3.1", "arn:aws:securityhub:" + region + ":" + mine + ":security-control/ACM.3", "S3.999"},
	})
	require.NoError(t, err)
	require.Len(t, out.SecurityControls, 2)
	require.Equal(t, types.ControlStatusEnabled, out.SecurityControls[0].SecurityControlStatus)
	require.Equal(t, types.ControlStatusDisabled, out.SecurityControls[1].SecurityControlStatus, "no standard of the caller's has it")
	require.Len(t, out.UnprocessedIds, 1)
	require.Equal(t, types.UnprocessedErrorCodeResourceNotFound, out.UnprocessedIds[0].ErrorCode)
}
