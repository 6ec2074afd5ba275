package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"hubcap/internal/store"
)

// codeOf is PostgreSQL's code of an error (SQLSTATE), "" for one that is not the server's.
func codeOf(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// Codes of errors that mean something to us.
const (
	codeDiskFull      = "53100"
	codeSerialization = "40001"
	codeDeadlock      = "40P01"
	codeLockNotHad    = "55P03"
	codeCancelled     = "57014"
	codeReadOnly      = "25006" // of a server that is no primary any more
	classConnection   = "08"
	classIntervention = "57P" // the server shuts down, crashed or starts
	codeTooMany       = "53300"
	codeIdleTooLong   = "25P03"
)

// lost tells whether an error is the connection's, not the statement's: another one may do better.
func lost(err error) bool {
	if err == nil || errors.Is(err, errUnknown) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	if errors.Is(err, errNotCommitted) {
		return true
	}
	if code := codeOf(err); code != "" {
		return code[:2] == classConnection || code[:3] == classIntervention || code == codeReadOnly || code == codeTooMany || code == codeIdleTooLong
	}
	var connect *pgconn.ConnectError
	var netErr net.Error
	return pgconn.SafeToRetry(err) || errors.As(err, &connect) || errors.As(err, &netErr) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// collided tells whether a transaction failed because of another one, and may be tried again.
func collided(err error) bool {
	code := codeOf(err)
	return code == codeSerialization || code == codeDeadlock
}

// explained makes an error of the database one of the store's.
func explained(err error) error {
	switch {
	case err == nil:
		return nil
	case codeOf(err) == codeDiskFull:
		return fmt.Errorf("%w: %w", store.ErrNearlyFull, withoutSecrets(err))
	default:
		return withoutSecrets(err)
	}
}

// Between attempts.
const (
	attempts   = 4
	firstPause = 20 * time.Millisecond
)

// retry runs fn until it succeeds, fails for good or was tried often enough: a connection of the pool may have died with a server that
// is there again.
func (s *Store) retry(ctx context.Context, fn func() error) error {
	for n := 1; ; n++ {
		err := fn()
		if err == nil || n == attempts || !lost(err) && !collided(err) {
			return explained(err)
		}
		if !s.pause(ctx, n) {
			return explained(err)
		}
	}
}

// pause waits before attempt n+1, for longer the more there were; false when nobody waits any more.
func (s *Store) pause(ctx context.Context, n int) bool {
	d := firstPause << min(n-1, 5)
	t := time.NewTimer(d/2 + rand.N(d)) //nolint:gosec // jitter
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	case <-s.ctx.Done():
		return false
	}
}

// password finds the secret in what looks like an address.
var password = regexp.MustCompile(`(://[^:/@\s]*:)[^@\s]*@|(password\s*=\s*)('[^']*'|\S+)`)

type plainError struct {
	text string
	err  error
}

func (e *plainError) Error() string { return e.text }
func (e *plainError) Unwrap() error { return e.err }

// withoutSecrets takes a password out of the text of an error.
func withoutSecrets(err error) error {
	if text := err.Error(); password.MatchString(text) {
		return &plainError{password.ReplaceAllString(text, "${1}${2}xxxxx@"), err}
	}
	return err
}
