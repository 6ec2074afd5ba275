package e2e

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/smithy-go/middleware"
	"github.com/stretchr/testify/require"
)

// TestThrottledClientsSucceed: in the profile aws a client that asks too fast is told 429 TooManyRequestsException, which the SDK takes for
// throttling: it waits, tries again, and its call succeeds.
func TestThrottledClientsSucceed(t *testing.T) {
	hub := serve(t, "--profile", "aws")
	c := hub.as(mine)
	enable(t, c)
	const burst = 6 // of GetFindings; three a second after it
	patient := func(o *securityhub.Options) {
		o.RetryMaxAttempts = 20
		o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) { r.MaxAttempts, r.MaxBackoff = 20, time.Second })
	}

	var tried atomic.Int32
	count := func(o *securityhub.Options) {
		o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error {
			return s.Deserialize.Add(middleware.DeserializeMiddlewareFunc("count", func(
				ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
			) (middleware.DeserializeOutput, middleware.Metadata, error) {
				tried.Add(1)
				return next.HandleDeserialize(ctx, in)
			}), middleware.After)
		})
	}
	var calls sync.WaitGroup
	errs := make(chan error, burst+4)
	for range cap(errs) {
		calls.Go(func() {
			_, err := securityhub.New(c.Options(), patient, count).GetFindings(t.Context(), &securityhub.GetFindingsInput{MaxResults: aws.Int32(1)})
			errs <- err
		})
	}
	calls.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	require.Greater(t, int(tried.Load()), burst+4, "some were told to wait")

	// Who does not wait hears it; another account, Region or operation has its own rate.
	var err error
	for range burst + 30 {
		if _, err = c.GetFindings(t.Context(), &securityhub.GetFindingsInput{}); err != nil {
			break
		}
	}
	requireRefused(t, err, "TooManyRequestsException: Too Many Requests")
	var status interface{ HTTPStatusCode() int }
	require.ErrorAs(t, err, &status)
	require.Equal(t, 429, status.HTTPStatusCode())
	describe(t, c)
	enable(t, hub.as(other))
	_, err = hub.as(other).GetFindings(t.Context(), &securityhub.GetFindingsInput{})
	require.NoError(t, err)
}
