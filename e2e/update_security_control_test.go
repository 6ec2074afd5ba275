package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestUpdateSecurityControl(t *testing.T) {
	hub := serve(t)
	c := hub.as(mine)
	update := func(v types.ParameterConfiguration) error {
		_, err := c.UpdateSecurityControl(t.Context(), &securityhub.UpdateSecurityControlInput{
			SecurityControlId: aws.String("ACM.1"), Parameters: map[string]types.ParameterConfiguration{"daysToExpiration": v},
			LastUpdateReason: aws.String("slow approvals"),
		})
		return err
	}
	days := func(c *securityhub.Client) types.ParameterConfiguration {
		return controlOf(t, c, "ACM.1").Parameters["daysToExpiration"]
	}
	custom := func(n int32) types.ParameterConfiguration {
		return types.ParameterConfiguration{ValueType: types.ParameterValueTypeCustom, Value: &types.ParameterValueMemberInteger{Value: n}}
	}
	standard := types.ParameterConfiguration{ValueType: types.ParameterValueTypeDefault, Value: &types.ParameterValueMemberInteger{Value: 30}}
	require.Equal(t, standard, days(c))
	requireRefused(t, update(custom(7)), "InvalidInputException: Invalid parameter 'Parameters.daysToExpiration.Value'. '7' is less than minimum value: 14.")
	require.NoError(t, update(custom(60)))
	require.Equal(t, custom(60), days(c))
	require.Equal(t, "slow approvals", *controlOf(t, c, "ACM.1").LastUpdateReason)
	require.Equal(t, standard, days(hub.as(other)), "another account has its own")
	require.NoError(t, update(types.ParameterConfiguration{ValueType: types.ParameterValueTypeDefault}))
	require.Equal(t, standard, days(c))
}
