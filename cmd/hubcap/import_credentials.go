package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
)

// fallbackRegion is the region of a finding that names none.
const fallbackRegion = "us-east-1"

// wallet knows who signs for a finding. Credentials and region are found as the AWS CLI finds them: environment, shared files,
// SSO, container and instance roles. What is not found comes from each finding: its account, 12 digits, is then the access key
// id, which a hub under --auth none takes for the account.
type wallet struct {
	keys   aws.CredentialsProvider // nil: by finding
	region string                  // "": by finding
}

// openWallet looks for credentials and region. That something is set up and does not work is an error, as it is for the AWS
// CLI; that nothing is set up is none.
func openWallet(ctx context.Context) (*wallet, error) {
	instance := &instanceRole{client: imds.New(imds.Options{
		// As the AWS CLI does: one second, one try. Where there is no instance, nobody answers.
		HTTPClient: &http.Client{Timeout: time.Second},
		Retryer:    aws.NopRetryer{},
	})}
	cfg, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithEC2RoleCredentialOptions(func(o *ec2rolecreds.Options) { o.Client = instance }))
	if err != nil {
		return nil, fmt.Errorf("AWS configuration: %w", err)
	}
	w := &wallet{keys: cfg.Credentials, region: cfg.Region}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		if !instance.missing.Load() {
			return nil, fmt.Errorf("AWS credentials: %w", err)
		}
		w.keys = nil
	}
	return w, nil
}

// instanceRole is the last resort of the search for credentials; when it fails, there are none.
type instanceRole struct {
	client  *imds.Client
	missing atomic.Bool
}

// GetMetadata implements ec2rolecreds.GetMetadataAPIClient.
func (i *instanceRole) GetMetadata(ctx context.Context, in *imds.GetMetadataInput, fns ...func(*imds.Options)) (*imds.GetMetadataOutput, error) {
	out, err := i.client.GetMetadata(ctx, in, fns...)
	if err != nil {
		i.missing.Store(true)
	}
	return out, err
}

var (
	accountID  = regexp.MustCompile(`^[0-9]{12}$`)
	regionName = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$`)
)

// forgetAccount drops a key that is an account's number: only a hub under --auth none takes such a one, and that takes any. Each finding then
// travels with the key of its own account.
func (w *wallet) forgetAccount(ctx context.Context) {
	if w.keys == nil {
		return
	}
	if keys, err := w.keys.Retrieve(ctx); err == nil && accountID.MatchString(keys.AccessKeyID) {
		w.keys = nil
	}
}

// group tells with whom a finding travels.
func (w *wallet) group(l label) groupKey {
	var g groupKey
	if w.keys == nil && accountID.MatchString(l.Account) {
		g.Account = l.Account
	}
	if w.region == "" {
		g.Region = fallbackRegion
		// The product's region is where the finding is taken; the member Region is the service's and often not there yet.
		arn := strings.SplitN(l.ProductArn, ":", 6)
		for _, r := range []string{arnRegion(arn), l.Region} {
			if regionName.MatchString(r) {
				g.Region = r
				break
			}
		}
	}
	return g
}

func arnRegion(arn []string) string {
	if len(arn) < 6 || arn[0] != "arn" || arn[2] != "securityhub" {
		return ""
	}
	return arn[3]
}

// caller is who signs for a group.
func (w *wallet) caller(g groupKey) caller {
	c := caller{Credentials: w.keys, Region: firstOf(w.region, g.Region)}
	if w.keys == nil {
		// Any key that is no account is the operator of a hub under --auth none.
		c.Credentials = credentials.NewStaticCredentialsProvider(firstOf(g.Account, "hubcap-import"), "any", "")
	}
	return c
}

// explain tells what a hub was shown that does not know the key of a group.
func (w *wallet) explain(ctx context.Context, g groupKey) string {
	if w.keys == nil {
		if g.Account == "" {
			return "no credentials were found, and the findings name no account to send as key id"
		}
		return "no credentials were found, so the findings were sent with their account " + g.Account + " as key id"
	}
	keys, err := w.keys.Retrieve(ctx)
	switch {
	case err != nil:
		return "the credentials are gone: " + err.Error()
	case keys.SessionToken == "":
		return "the key id sent was " + keys.AccessKeyID
	case os.Getenv("AWS_SESSION_TOKEN") != "":
		return "a session token was sent, and hubcap takes static keys only: unset AWS_SESSION_TOKEN"
	default:
		return "a session token was sent, and hubcap takes static keys only: give one in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
	}
}
