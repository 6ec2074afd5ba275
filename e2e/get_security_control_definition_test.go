package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestGetSecurityControlDefinition(t *testing.T) {
	c := serve(t).as(mine)
	get := func(id string) (*securityhub.GetSecurityControlDefinitionOutput, error) {
		return c.GetSecurityControlDefinition(t.Context(), &securityhub.GetSecurityControlDefinitionInput{SecurityControlId: &id})
	}
	out, err := get("ACM.1")
	require.NoError(t, err)
	d := out.SecurityControlDefinition
	require.Equal(t, types.SeverityRatingMedium, d.SeverityRating)
	require.Equal(t, []types.SecurityControlProperty{types.SecurityControlPropertyParameters}, d.CustomizableProperties)
	options, ok := d.ParameterDefinitions["daysToExpiration"].ConfigurationOptions.(*types.ConfigurationOptionsMemberInteger)
	require.True(t, ok)
	require.Equal(t, types.IntegerConfigurationOptions{DefaultValue: aws.Int32(30), Min: aws.Int32(14), Max: aws.Int32(365)}, options.Value)
	_, err = get("ACM.99")
	requireRefused(t, err, `ResourceNotFoundException: {"securityControlId":"ACM.99"}`)
}
