package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/cenkalti/backoff/v5"
)

// signingName is the service name of the signature's scope.
const signingName = "securityhub"

// maxConnections is how many connections to one hub are kept open for the next request.
const maxConnections = 256

// maxAnswer bounds how much of an answer is read: 100 failed findings with the longest reasons stay far below.
const maxAnswer = 4 << 20

// caller is who a request is from: the key that signs it and the region it is for.
type caller struct {
	Credentials aws.CredentialsProvider
	Region      string
}

// importAnswer is what BatchImportFindings answers.
type importAnswer struct {
	FailedCount    int
	SuccessCount   int
	FailedFindings []failedFinding
}

// failedFinding is a finding the hub did not take, and why.
type failedFinding struct {
	ID           string `json:"Id"`
	ErrorCode    string
	ErrorMessage string
}

// refusal is an answer that refuses the whole request.
type refusal struct {
	Status  int
	Code    string // InvalidInputException
	Message string
}

// Error reads like the AWS CLI's.
func (e *refusal) Error() string {
	return fmt.Sprintf("HTTP %d %s: %s", e.Status, e.Code, e.Message)
}

// passing tells whether the same request may well succeed in a moment.
func (e *refusal) passing() bool {
	return e.Status == http.StatusTooManyRequests || e.Status == http.StatusRequestTimeout ||
		e.Status >= 500 && e.Status != http.StatusNotImplemented
}

// ofContent tells whether another content might not be refused: one finding is to blame, and the rest deserves another try.
func (e *refusal) ofContent() bool {
	switch e.Code {
	case "InvalidInputException", "SerializationException", "ValidationException", "RequestEntityTooLargeException", "AccessDeniedException":
		return true
	}
	return e.Status == http.StatusRequestEntityTooLarge
}

// ofKey tells whether the hub does not know who sent it.
func (e *refusal) ofKey() bool {
	return e.Code == "UnrecognizedClientException" || strings.HasPrefix(e.Code, "MissingAuthenticationToken")
}

// sender sends signed requests to a hub, again and again while that may help.
type sender struct {
	client   *http.Client
	signer   *v4.Signer
	endpoint string
	retryFor time.Duration                     // how long one request is tried; 0: once
	notify   func(err error, in time.Duration) // told before each further try
}

// newSender checks the endpoint: scheme, host and perhaps a path before the operation's. The environment may name the authorities
// to trust.
func newSender(endpoint string, retryFor time.Duration, notify func(error, time.Duration)) (*sender, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("--endpoint %s: it should look like http://127.0.0.1:4510", endpoint)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = maxConnections
	transport.DisableCompression = true
	roots, err := trusted(os.Getenv(caBundle))
	if err != nil {
		return nil, err
	}
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return &sender{
		client: &http.Client{
			Timeout:   2 * time.Minute,
			Transport: transport,
			// A redirected request would lose its signature or reach somebody it was not meant for.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		signer:   v4.NewSigner(),
		endpoint: strings.TrimSuffix(endpoint, "/"),
		retryFor: retryFor,
		notify:   notify,
	}, nil
}

// caBundle is the variable in which the AWS CLI and the SDKs look for authorities to trust.
const caBundle = "AWS_CA_BUNDLE"

// trusted reads the authorities to trust instead of the machine's; nil: the machine's.
func trusted(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil //nolint:nilnil // as tls.Config means it
	}
	text, err := os.ReadFile(file) //nolint:gosec // the file its user names
	if err != nil {
		return nil, fmt.Errorf("%s: %w", caBundle, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s: %s holds no certificate in PEM form", caBundle, file)
	}
	return pool, nil
}

// lasting tells whether a connection failed for a reason that a further try meets again: a certificate, or another protocol.
func lasting(err error) bool {
	_, cert := errors.AsType[*tls.CertificateVerificationError](err)
	_, noTLS := errors.AsType[tls.RecordHeaderError](err)
	alert, ok := errors.AsType[*net.OpError](err)
	return cert || noTLS || ok && alert.Op == "remote error" || errors.Is(err, http.ErrSchemeMismatch) ||
		strings.Contains(err.Error(), "unsupported protocol") // the errors of TLS versions and of URL schemes have no type
}

// importBatch sends one BatchImportFindings. Import is idempotent (merging twice is merging once), so a request whose answer
// was lost is sent again. The error is *refusal where the hub answered.
func (s *sender) importBatch(ctx context.Context, from caller, body []byte) (*importAnswer, error) {
	return s.importHashed(ctx, from, body, payloadHash(body))
}

// payloadHash is what a signature covers of a body.
func payloadHash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

func (s *sender) importHashed(ctx context.Context, from caller, body []byte, hash string) (*importAnswer, error) {
	try := func() (*importAnswer, error) {
		text, err := s.once(ctx, from, body, hash)
		if err != nil {
			return nil, err
		}
		answer := new(importAnswer)
		if err := json.Unmarshal(text, answer); err != nil {
			return nil, backoff.Permanent(fmt.Errorf("%s does not answer like Security Hub: %w", s.endpoint, err))
		}
		return answer, nil
	}
	return patiently(ctx, s, try)
}

// patiently tries again while that may help, for as long as the sender has patience.
func patiently[T any](ctx context.Context, s *sender, try func() (T, error)) (T, error) {
	if s.retryFor <= 0 {
		answer, err := try()
		return answer, bare(lastly(err))
	}
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval = 200 * time.Millisecond
	pause.MaxInterval = 10 * time.Second
	answer, err := backoff.Retry(ctx, try, backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(s.retryFor), backoff.WithNotify(s.notify))
	return answer, bare(err)
}

// lastly is an error without what it says to a retry loop.
func lastly(err error) error {
	if p, ok := errors.AsType[*backoff.PermanentError](err); ok {
		return p.Unwrap()
	}
	return err
}

// wait is a refusal that says itself when to come back.
type wait struct {
	*backoff.RetryAfterError
	refusal *refusal
}

func (w *wait) Error() string   { return w.refusal.Error() }
func (w *wait) Unwrap() []error { return []error{w.RetryAfterError, w.refusal} }

// bare is the refusal without what was said to the retry loop.
func bare(err error) error {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r
	}
	return err
}

// once sends the request one time and returns the body of a 200.
func (s *sender) once(ctx context.Context, from caller, body []byte, hash string) ([]byte, error) {
	resp, err := s.open(ctx, s.client, from, http.MethodPost, "/findings/import", body, hash)
	if err != nil {
		return nil, err
	}
	return s.readAll(resp, maxAnswer)
}

// readAll reads an answer to its end, at most so many bytes of it.
func (s *sender) readAll(resp *http.Response, most int64) ([]byte, error) {
	defer resp.Body.Close() //nolint:errcheck // only read from
	text, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err != nil {
		return nil, fmt.Errorf("reading the answer of %s: %w", s.endpoint, err)
	}
	return text, nil
}

// open sends one signed request and returns the answer of a 200, unread. Other errors than those that a further try may be spared are
// permanent.
func (s *sender) open(ctx context.Context, client *http.Client, from caller, method, path string, body []byte, hash string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.endpoint+path, bytes.NewReader(body))
	if err != nil {
		return nil, backoff.Permanent(err)
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("User-Agent", "hubcap")
	keys, err := from.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, backoff.Permanent(err)
	}
	if err := s.signer.SignHTTP(ctx, keys, req, hash, signingName, from.Region, time.Now()); err != nil {
		return nil, backoff.Permanent(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, backoff.Permanent(context.Cause(ctx))
		}
		if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
			err = fmt.Errorf("%w (%s may name a file of authorities to trust)", err, caBundle)
		}
		if lasting(err) {
			return nil, backoff.Permanent(err)
		}
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	text, err := s.readAll(resp, maxAnswer)
	if err != nil {
		return nil, err
	}
	r := readRefusal(resp, text)
	if !r.passing() {
		return nil, backoff.Permanent(r)
	}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds >= 0 {
		return nil, &wait{RetryAfterError: &backoff.RetryAfterError{Duration: time.Duration(seconds) * time.Second}, refusal: r}
	}
	return nil, r
}

// readRefusal understands both ways in which errors are written: {"Message","Code"} of the service and {"message"} of the
// gateway before it (spec 12.2, 12.5).
func readRefusal(resp *http.Response, text []byte) *refusal {
	var said struct{ Code, Message string } // encoding/json takes "message" too
	if json.Unmarshal(text, &said) != nil || said.Message == "" {
		said.Message = strings.TrimSpace(string(text[:min(len(text), 300)]))
	}
	code, _, _ := strings.Cut(resp.Header.Get("X-Amzn-Errortype"), ":")
	return &refusal{Status: resp.StatusCode, Code: firstOf(said.Code, code, http.StatusText(resp.StatusCode)), Message: said.Message}
}

// firstOf is the first of the strings that is not empty.
func firstOf(ss ...string) string {
	for _, s := range ss {
		if s != "" {
			return s
		}
	}
	return ""
}
