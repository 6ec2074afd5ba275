package event

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// AWSOptions are what the sinks of AWS have in common: who asks, and where.
type AWSOptions struct {
	// Endpoint is another address than that of the service in the Region: https://, with AllowPrivate http:// too.
	Endpoint, Region    string
	AccessKeyID, Secret string
	AllowPrivate        bool
	TLS                 *tls.Config
}

const (
	awsBatch    = 10        // events that one request takes, of each of the three services
	awsBytes    = 240 << 10 // of their bodies, for a request has at most 256 KB of everything
	awsRequests = 4         // at once
)

var (
	awsRegion = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)
	awsKeyID  = regexp.MustCompile(`^[A-Za-z0-9_-]{3,128}$`)
)

// config makes what a client of a service is made of. The client itself tries nothing again: who keeps the order does.
func (o *AWSOptions) config() (aws.Config, error) {
	switch {
	case o.Region == "":
		return aws.Config{}, errors.New("aws_region is missing, such as us-east-1")
	case !awsRegion.MatchString(o.Region):
		return aws.Config{}, fmt.Errorf("aws_region: must be one such as us-east-1, not %q", o.Region)
	case o.AccessKeyID == "":
		return aws.Config{}, errors.New("access_key_id is missing")
	case !awsKeyID.MatchString(o.AccessKeyID):
		return aws.Config{}, errors.New("access_key_id: must be 3 to 128 letters, digits, _ or -")
	case o.Secret == "":
		return aws.Config{}, errors.New("a secret is missing: the secret access key")
	}
	c := aws.Config{
		Region: o.Region, Credentials: credentials.NewStaticCredentialsProvider(o.AccessKeyID, o.Secret, ""), HTTPClient: briefly{httpClient(o.AllowPrivate, o.TLS)},
		Retryer: func() aws.Retryer { return aws.NopRetryer{} }, AppID: "hubcap",
	}
	if o.Endpoint != "" {
		u, err := url.Parse(o.Endpoint)
		switch {
		case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "":
			return aws.Config{}, errors.New("endpoint: must be an address such as https://sqs.us-east-1.amazonaws.com")
		case u.Scheme != "https" && (u.Scheme != "http" || !o.AllowPrivate):
			return aws.Config{}, errors.New("endpoint: must begin with https:// (or, with allow_private, http://)")
		case u.User != nil:
			return aws.Config{}, errors.New("endpoint: must hold no user and password: they are access_key_id and a secret")
		}
		c.BaseEndpoint = aws.String(strings.TrimSuffix(o.Endpoint, "/"))
	}
	return c, nil
}

// arnOf takes an ARN apart: its Region and its resource.
func arnOf(text, service string) (region, resource string, ok bool) {
	parts := strings.SplitN(text, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != service || parts[3] == "" || parts[5] == "" {
		return "", "", false
	}
	return parts[3], parts[5], true
}

// tooMuch are AWS's codes for what lies in the event. All else lies in who asks, in what is asked or in the service: people mend it, or it
// passes.
var tooMuch = map[string]bool{
	"InvalidMessageContents": true, "InvalidParameterValue": true, "InvalidParameter": true, "InvalidParameterValueException": true, "ParameterValueInvalid": true,
	"BatchRequestTooLong": true, "AWS.SimpleQueueService.BatchRequestTooLong": true, "BatchRequestTooLongException": true, "MessageTooLong": true,
	"InvalidBatchEntryId": true, "ValidationException": true, "ValidationError": true, "RequestEntityTooLarge": true, "RequestEntityTooLargeException": true,
	"MalformedDetail": true, "InvalidArgument": true, "PayloadTooLargeException": true,
}

// awsAnswer is a failure that AWS told by a code.
func awsAnswer(code, message string) error {
	if message != "" {
		message = ": " + message
	}
	return &Refusal{Reason: "answered " + code + message, Permanent: tooMuch[code]}
}

// awsError is what became of a whole request.
func awsError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if e, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && e.HTTPStatusCode() == http.StatusRequestEntityTooLarge {
		return &Refusal{Reason: "answered 413: the request is too large", Permanent: true}
	}
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() != "UnknownError" {
		return awsAnswer(api.ErrorCode(), api.ErrorMessage())
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		return fmt.Errorf("answered %d", e.HTTPStatusCode())
	}
	return err
}

// entryID names an event within its request.
func entryID(i int) string { return strconv.Itoa(i) }

// entryIndex finds it again; false: an answer of something else.
func entryIndex(id *string, n int) (int, bool) {
	i, err := strconv.Atoi(aws.ToString(id))
	return i, err == nil && i >= 0 && i < n
}

// silence is what became of events that an answer does not speak of.
func silence(n int) []error {
	list := make([]error, n)
	for i := range list {
		list[i] = errors.New("the answer does not tell what became of the event")
	}
	return list
}
