package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
)

func TestEnableSecurityHub(t *testing.T) {
	for _, profile := range []string{"open", "aws"} {
		t.Run(profile, func(t *testing.T) {
			c := serve(t, "--profile", profile).as(mine)
			enable(t, c)
			_, err := c.EnableSecurityHub(t.Context(), &securityhub.EnableSecurityHubInput{})
			requireRefused(t, err, "ResourceConflictException: Account is already subscribed to Security Hub")
		})
	}
}
