package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"hubcap/internal/event"
)

// sinkConfig is one receiver of events. The tag for names the types that a key belongs to, where it is not of all; need those of them
// that cannot do without it.
type sinkConfig struct {
	Name string `toml:"name"` // letters, digits and -
	Type string `toml:"type"`
	// Account and Region are the bus it listens on; absent: every finding's own.
	Account  string `toml:"account"`
	Region   string `toml:"region"`
	Pattern  string `toml:"pattern"`                                                              // an event pattern, JSON
	RetryFor string `toml:"retry_for" for:"webhook file nats kafka rabbitmq sqs sns eventbridge"` // how long an event is tried again

	URL        string   `toml:"url" for:"webhook rabbitmq" need:"webhook rabbitmq"`
	Servers    []string `toml:"servers" for:"nats kafka" need:"nats kafka"`
	Subject    string   `toml:"subject" for:"nats" need:"nats"`
	Topic      string   `toml:"topic" for:"kafka" need:"kafka"`
	Exchange   string   `toml:"exchange" for:"rabbitmq"`
	RoutingKey string   `toml:"routing_key" for:"rabbitmq"`
	QueueURL   string   `toml:"queue_url" for:"sqs" need:"sqs"`
	TopicARN   string   `toml:"topic_arn" for:"sns" need:"sns"`
	EventBus   string   `toml:"event_bus" for:"eventbridge" need:"eventbridge"`
	Source     string   `toml:"source" for:"eventbridge"`
	Endpoint   string   `toml:"endpoint" for:"sqs sns eventbridge"`
	AWSRegion  string   `toml:"aws_region" for:"sqs sns eventbridge"`

	SASL        string   `toml:"sasl" for:"kafka"`
	User        string   `toml:"user" for:"nats kafka rabbitmq"`
	AccessKeyID string   `toml:"access_key_id" for:"sqs sns eventbridge" need:"sqs sns eventbridge"`
	Secrets     []secret `toml:"secrets" for:"webhook"`                                            // whsec_...
	Secret      secret   `toml:"secret" for:"nats kafka rabbitmq sqs sns eventbridge"`             // or one of these two
	SecretEnv   string   `toml:"secret_env" for:"webhook nats kafka rabbitmq sqs sns eventbridge"` // name of an environment variable
	SecretFile  string   `toml:"secret_file" for:"webhook nats kafka rabbitmq sqs sns eventbridge"`

	AllowPrivate bool   `toml:"allow_private" for:"webhook nats kafka rabbitmq sqs sns eventbridge"`
	TLS          *bool  `toml:"tls" for:"kafka"` // absent: true
	TLSCA        string `toml:"tls_ca" for:"webhook nats kafka rabbitmq sqs sns eventbridge"`
	TLSCert      string `toml:"tls_cert" for:"webhook nats kafka rabbitmq sqs sns eventbridge"`
	TLSKey       string `toml:"tls_key" for:"webhook nats kafka rabbitmq sqs sns eventbridge"`

	Path string `toml:"path" for:"file" need:"file"`
}

const (
	sinkWebhook     = "webhook"
	sinkFile        = "file"
	sinkStream      = "stream"
	sinkNATS        = "nats"
	sinkKafka       = "kafka"
	sinkRabbitMQ    = "rabbitmq"
	sinkSQS         = "sqs"
	sinkSNS         = "sns"
	sinkEventBridge = "eventbridge"
)

var sinkTypes = []string{sinkWebhook, sinkFile, sinkStream, sinkNATS, sinkKafka, sinkRabbitMQ, sinkSQS, sinkSNS, sinkEventBridge}

var sinkName = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$`)

// mostRetry is less than events are kept.
const mostRetry = 6 * 24 * time.Hour

// check tells what is wrong with a table, without looking for secrets and certificates elsewhere.
func (c *sinkConfig) check() error {
	switch {
	case !sinkName.MatchString(c.Name):
		return errors.New("name must be 1 to 64 small letters, digits or - between them")
	case c.Type == "":
		return errors.New("type is missing: " + oneOf(sinkTypes))
	case !slices.Contains(sinkTypes, c.Type):
		return fmt.Errorf("type must be %s, not %q", oneOf(sinkTypes), c.Type)
	case (c.Account == "") != (c.Region == ""):
		return errors.New("account and region go together: they name a bus")
	case c.Account != "" && !twelveDigits.MatchString(c.Account):
		return fmt.Errorf("account must be a string of 12 digits, not %q", c.Account)
	case c.Region != "" && !regionName.MatchString(c.Region):
		return fmt.Errorf("region must be one such as us-east-1, not %q", c.Region)
	}
	if _, err := c.retryFor(); err != nil {
		return err
	}
	if c.Pattern != "" {
		if _, err := event.ParsePattern(c.Pattern); err != nil {
			return err
		}
	}
	if err := c.checkKeys(); err != nil {
		return err
	}
	if err := c.checkSecretSources(); err != nil {
		return err
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("tls_cert and tls_key go together")
	}
	// What is read later is stood in for, so that all else is judged now.
	secrets := c.given()
	if c.SecretEnv != "" || c.SecretFile != "" {
		secrets = []secret{secret("whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 24)))}
	}
	var conf *tls.Config
	if c.TLSCA != "" || c.TLSCert != "" {
		conf = &tls.Config{MinVersion: tls.VersionTLS12}
		if c.TLSCert != "" {
			conf.Certificates = make([]tls.Certificate, 1)
		}
	}
	target, err := c.target(secrets, conf)
	if err != nil || target == nil {
		return err
	}
	return target.Close()
}

// checkKeys holds the table against the tags for and need.
func (c *sinkConfig) checkKeys() error {
	v := reflect.ValueOf(c).Elem()
	var all []error
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		key := tag.Get("toml")
		of, needed := strings.Fields(tag.Get("for")), strings.Fields(tag.Get("need"))
		if !v.Field(i).IsZero() && len(of) > 0 && !slices.Contains(of, c.Type) {
			all = append(all, fmt.Errorf("%s is for the type %s", key, allOf(of)))
		}
		if v.Field(i).IsZero() && slices.Contains(needed, c.Type) {
			all = append(all, fmt.Errorf("%s is missing", key))
		}
	}
	return errors.Join(all...)
}

// oneOf writes a, b or c, and allOf a, b and c.
func oneOf(list []string) string { return enumerate(list, "or") }
func allOf(list []string) string { return enumerate(list, "and") }

func enumerate(list []string, last string) string {
	if len(list) == 1 {
		return list[0]
	}
	return strings.Join(list[:len(list)-1], ", ") + " " + last + " " + list[len(list)-1]
}

// checkSecretSources: a webhook and AWS need a secret, and nothing has two places for one.
func (c *sinkConfig) checkSecretSources() error {
	sources := 0
	for _, set := range []bool{len(c.given()) > 0, c.SecretEnv != "", c.SecretFile != ""} {
		if set {
			sources++
		}
	}
	switch {
	case c.Type == sinkWebhook && sources != 1:
		return errors.New("give exactly one of secrets, secret_env and secret_file")
	case sources > 1, sources == 0 && (c.AccessKeyID != "" || c.User != ""):
		return errors.New("give exactly one of secret, secret_env and secret_file")
	}
	return nil
}

// given are the secrets that stand in the table itself.
func (c *sinkConfig) given() []secret {
	if c.Secret != "" {
		return []secret{c.Secret}
	}
	return c.Secrets
}

func (c *sinkConfig) retryFor() (time.Duration, error) {
	if c.RetryFor == "" {
		return event.DefaultRetryFor, nil
	}
	d, err := time.ParseDuration(c.RetryFor)
	if err != nil || d < time.Second || d > mostRetry {
		return 0, fmt.Errorf("retry_for must be a time from 1s to %s, such as 24h", mostRetry)
	}
	return d, nil
}

// secretsOf finds the secrets: of a webhook those between white space, of anything else the text without what surrounds it. An error
// names where they should be, never what they are.
func (c *sinkConfig) secretsOf(getenv func(string) (string, bool)) ([]secret, error) {
	var text, where string
	switch {
	case c.SecretEnv != "":
		v, ok := getenv(c.SecretEnv)
		if !ok || strings.TrimSpace(v) == "" {
			return nil, fmt.Errorf("secret_env: the environment has no %s", c.SecretEnv)
		}
		text, where = v, c.SecretEnv
	case c.SecretFile != "":
		v, err := os.ReadFile(c.SecretFile)
		if err != nil {
			return nil, fmt.Errorf("secret_file: %w", err)
		}
		text, where = string(v), c.SecretFile
	default:
		return c.given(), nil
	}
	if text = strings.TrimSpace(text); text == "" {
		return nil, fmt.Errorf("secret_file: %s holds no secret", where)
	}
	if c.Type != sinkWebhook {
		return []secret{secret(text)}, nil
	}
	var list []secret
	for s := range strings.FieldsSeq(text) {
		list = append(list, secret(s))
	}
	return list, nil
}

// tlsConfig reads whom to trust and what to show; nil: whom the machine trusts, and nothing.
func (c *sinkConfig) tlsConfig() (*tls.Config, error) {
	if c.TLSCA == "" && c.TLSCert == "" {
		return nil, nil //nolint:nilnil // as crypto/tls has it
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.TLSCA != "" {
		text, err := os.ReadFile(c.TLSCA)
		if err != nil {
			return nil, fmt.Errorf("tls_ca: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("tls_ca: %s holds no certificate in PEM", c.TLSCA)
		}
	}
	if c.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
		if err != nil {
			return nil, fmt.Errorf("tls_cert, tls_key: %w", err)
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	return conf, nil
}

// target makes what events are handed to; nil of a stream.
func (c *sinkConfig) target(secrets []secret, conf *tls.Config) (event.Target, error) {
	one := ""
	if len(secrets) > 0 {
		one = string(secrets[0])
	}
	amazon := event.AWSOptions{
		Endpoint: c.Endpoint, Region: c.AWSRegion, AccessKeyID: c.AccessKeyID, Secret: one, AllowPrivate: c.AllowPrivate, TLS: conf,
	}
	switch c.Type {
	case sinkWebhook:
		o := event.WebhookOptions{URL: c.URL, AllowPrivate: c.AllowPrivate, Clock: time.Now, TLS: conf}
		for _, s := range secrets {
			o.Secrets = append(o.Secrets, string(s))
		}
		return orNone(event.NewWebhook(o))
	case sinkFile:
		return &fileTarget{path: c.Path}, nil
	case sinkNATS:
		return orNone(event.NewNATS(event.NATSOptions{
			Servers: c.Servers, Subject: c.Subject, User: c.User, Secret: one, AllowPrivate: c.AllowPrivate, TLS: conf,
		}))
	case sinkKafka:
		return orNone(event.NewKafka(event.KafkaOptions{
			Servers: c.Servers, Topic: c.Topic, SASL: c.SASL, User: c.User, Secret: one, Plaintext: c.TLS != nil && !*c.TLS, AllowPrivate: c.AllowPrivate, TLS: conf,
		}))
	case sinkRabbitMQ:
		return orNone(event.NewRabbitMQ(event.RabbitMQOptions{
			URL: c.URL, Exchange: c.Exchange, RoutingKey: c.RoutingKey, User: c.User, Secret: one, AllowPrivate: c.AllowPrivate, TLS: conf,
		}))
	case sinkSQS:
		return orNone(event.NewSQS(event.SQSOptions{AWSOptions: amazon, QueueURL: c.QueueURL}))
	case sinkSNS:
		return orNone(event.NewSNS(event.SNSOptions{AWSOptions: amazon, TopicARN: c.TopicARN}))
	case sinkEventBridge:
		return orNone(event.NewEventBridge(event.EventBridgeOptions{AWSOptions: amazon, EventBus: c.EventBus, Source: c.Source}))
	default: // a stream
		return nil, nil //nolint:nilnil // as event.Sink has it
	}
}

// orNone keeps a target that could not be made from being one.
func orNone[T event.Target](t T, err error) (event.Target, error) {
	if err != nil {
		return nil, err
	}
	return t, nil
}

// open reads what the table leaves elsewhere and makes the target.
func (c *sinkConfig) open() (event.Target, error) {
	secrets, err := c.secretsOf(os.LookupEnv)
	if err != nil {
		return nil, err
	}
	conf, err := c.tlsConfig()
	if err != nil {
		return nil, err
	}
	return c.target(secrets, conf)
}

// sinks are the receivers of the configuration, ready to be delivered to. One whose secret or certificate is missing is told of and down
// until they are there: its events wait like those of any sink that is down, and it keeps neither the hub nor another sink from work.
func (c *config) sinks(ctx context.Context, log *slog.Logger) ([]event.Sink, error) {
	list := make([]event.Sink, 0, len(c.Sinks))
	for i := range c.Sinks {
		k := &c.Sinks[i]
		s := event.Sink{Name: k.Name, Type: k.Type, Account: k.Account, Region: k.Region}
		var err error
		if s.RetryFor, err = k.retryFor(); err == nil && k.Pattern != "" {
			s.Pattern, err = event.ParsePattern(k.Pattern)
		}
		if err != nil {
			return nil, fmt.Errorf("[[sinks]] %s: %w", k.Name, err) // checked before
		}
		if s.Target, err = k.open(); err != nil {
			log.ErrorContext(ctx, "a sink cannot be delivered to; its events wait", slog.String("sink", k.Name), slog.String("error", err.Error()))
			s.Target = &unopened{open: k.open}
		}
		list = append(list, s)
	}
	return list, nil
}

// unopened is a target that could not be made yet. Each attempt tries it anew: files may come.
type unopened struct {
	open func() (event.Target, error)

	mu     sync.Mutex
	target event.Target
}

// Deliver implements event.Target.
func (u *unopened) Deliver(ctx context.Context, m *event.Message) error {
	u.mu.Lock()
	if u.target == nil {
		t, err := u.open()
		if err != nil {
			u.mu.Unlock()
			return err
		}
		u.target = t
	}
	t := u.target
	u.mu.Unlock()
	return t.Deliver(ctx, m)
}

// Close implements event.Target.
func (u *unopened) Close() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.target == nil {
		return nil
	}
	return u.target.Close()
}
