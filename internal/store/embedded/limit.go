package embedded

import (
	"context"
	"errors"
	"fmt"

	"hubcap/internal/store"
)

// limited gives a question its time.
func (s *Store) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.opts.QueryTimeout < 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, s.opts.QueryTimeout, fmt.Errorf("%w: more than %s", store.ErrTooSlow, s.opts.QueryTimeout))
}

// tooSlow is the error of a question whose time is over, where it is; else err.
func tooSlow(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(err, context.DeadlineExceeded) && errors.Is(cause, store.ErrTooSlow) {
		return cause
	}
	return err
}
