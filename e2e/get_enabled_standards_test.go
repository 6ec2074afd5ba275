package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

func TestGetEnabledStandards(t *testing.T) {
	hub := serve(t)
	c := hub.as(mine)
	require.Empty(t, enabledStandards(t, c), "an implicit hub has none")
	subscribed(t, c)
	out, err := c.GetEnabledStandards(t.Context(), &securityhub.GetEnabledStandardsInput{
		StandardsSubscriptionArns: []string{subscription + "pci-dss/v/3.2.1", subscription + "nist-800-53/v/5.0.0"},
	})
	require.NoError(t, err)
	require.Len(t, out.StandardsSubscriptions, 1)
	s := out.StandardsSubscriptions[0]
	require.Equal(t, subscription+"pci-dss/v/3.2.1", *s.StandardsSubscriptionArn)
	require.Equal(t, pci, *s.StandardsArn)
	require.Equal(t, types.StandardsControlsUpdatableReadyForUpdates, s.StandardsControlsUpdatable)
	require.Empty(t, enabledStandards(t, hub.as(other)))
}

// A hub that is disabled has no standards.
func TestGetEnabledStandardsOfADisabledHub(t *testing.T) {
	c := serve(t).as(mine)
	subscribed(t, c)
	_, err := c.DisableSecurityHub(t.Context(), &securityhub.DisableSecurityHubInput{})
	require.NoError(t, err)
	_, err = c.GetEnabledStandards(t.Context(), &securityhub.GetEnabledStandardsInput{})
	requireRefused(t, err, "InvalidAccessException: "+notSubscribed)
	_, err = c.EnableSecurityHub(t.Context(), &securityhub.EnableSecurityHubInput{EnableDefaultStandards: aws.Bool(false)})
	require.NoError(t, err)
	require.Empty(t, enabledStandards(t, c))
}
