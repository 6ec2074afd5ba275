package event

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// KafkaOptions say which topic gets events.
type KafkaOptions struct {
	Servers []string // host:port, some of the cluster
	Topic   string
	// SASL is plain, scram-sha-256 or scram-sha-512, with User and Secret, or "".
	SASL, User, Secret string
	// Plaintext leaves TLS out; only with AllowPrivate.
	Plaintext, AllowPrivate bool
	TLS                     *tls.Config
}

// kafkaAtOnce is how many events are on their way at once: the client makes batches of what is.
const kafkaAtOnce = 256

var kafkaTopic = regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`)

// Kafka produces to a topic. The key of a record is its finding, so that its events stay in one partition, in order; every replica in
// sync has a record before it is acknowledged, and the broker leaves out what the client repeats by itself.
type Kafka struct {
	client *kgo.Client
	// reach is whether some broker answers: asked first, for a record does not tell why it waits.
	reach   link[struct{}]
	reached atomic.Bool
}

// NewKafka makes a target; it connects when there is something to deliver. Its errors show no secret.
func NewKafka(o KafkaOptions) (*Kafka, error) {
	if len(o.Servers) == 0 {
		return nil, errors.New("servers is missing, such as [\"kafka.example:9093\"]")
	}
	for _, s := range o.Servers {
		host, port, err := net.SplitHostPort(s)
		if n, e := strconv.ParseUint(port, 10, 16); err != nil || e != nil || n == 0 || host == "" {
			return nil, fmt.Errorf("servers: %q must be host:port, such as kafka.example:9093", s)
		}
	}
	switch {
	case !kafkaTopic.MatchString(o.Topic) || o.Topic == "." || o.Topic == "..":
		return nil, fmt.Errorf("topic: must be 1 to 249 letters, digits, dots, _ or -, not %q", o.Topic)
	case o.Plaintext && !o.AllowPrivate:
		return nil, errors.New("tls: can be false only with allow_private")
	case o.Plaintext && o.TLS != nil:
		return nil, errors.New("tls: is false, so tls_ca, tls_cert and tls_key must be absent")
	case o.SASL == "" && (o.User != "" || o.Secret != ""):
		return nil, errors.New("sasl is missing: plain, scram-sha-256 or scram-sha-512 say what user and secret are for")
	case o.SASL != "" && o.User == "":
		return nil, errors.New("user is missing: sasl needs one")
	case o.SASL != "" && o.Secret == "":
		return nil, errors.New("a secret is missing: the password of user")
	}
	conf := o.TLS
	switch {
	case o.Plaintext:
		conf = nil
	case conf == nil:
		conf = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	options := []kgo.Opt{
		kgo.SeedBrokers(o.Servers...), kgo.ClientID("hubcap"), kgo.SoftwareNameAndVersion("hubcap", "1"), kgo.DefaultProduceTopic(o.Topic),
		kgo.Dialer(func(ctx context.Context, network, address string) (net.Conn, error) {
			return dialTLS(ctx, o.AllowPrivate, conf, network, address)
		}),
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.ProducerLinger(0), kgo.DisableClientMetrics(),
		// What was not acknowledged in time is given up by the client too, with its place in the sequence: who keeps the order sends it again.
		kgo.AllowIdempotentProduceCancellation(), kgo.RecordRetries(2), kgo.RetryTimeout(dialTime),
		kgo.MetadataMinAge(time.Second), kgo.ProduceRequestTimeout(dialTime), kgo.RequestTimeoutOverhead(dialTime), kgo.UnknownTopicRetries(1), kgo.MaxBufferedRecords(4 * kafkaAtOnce),
	}
	switch o.SASL {
	case "":
	case "plain":
		options = append(options, kgo.SASL(plain.Auth{User: o.User, Pass: o.Secret}.AsMechanism()))
	case "scram-sha-256":
		options = append(options, kgo.SASL(scram.Auth{User: o.User, Pass: o.Secret}.AsSha256Mechanism()))
	case "scram-sha-512":
		options = append(options, kgo.SASL(scram.Auth{User: o.User, Pass: o.Secret}.AsSha512Mechanism()))
	default:
		return nil, fmt.Errorf("sasl: must be plain, scram-sha-256 or scram-sha-512, not %q", o.SASL)
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return nil, err
	}
	k := &Kafka{client: client}
	k.reach.alive = func(struct{}) bool { return k.reached.Load() }
	k.reach.dial = func(ctx context.Context) (struct{}, error) {
		err := client.Ping(ctx)
		k.reached.Store(err == nil)
		return struct{}{}, err
	}
	return k, nil
}

// AtOnce implements Wide.
func (*Kafka) AtOnce() int { return kafkaAtOnce }

// Deliver implements Target: the partition's leader answers when all replicas in sync have the event. A record that is not sent in time
// may still be: it then stands before whatever is tried after it, for a partition's records leave in the order they came.
func (k *Kafka) Deliver(ctx context.Context, m *Message) error {
	if _, err := k.reach.get(ctx); err != nil {
		return err
	}
	answer := make(chan error, 1)
	k.client.Produce(ctx, &kgo.Record{
		Key: []byte(m.Finding), Value: bytes.Clone(m.Body), Timestamp: m.Time, // cloned: the client may send it after this has returned
		Headers: []kgo.RecordHeader{{Key: "id", Value: []byte(m.ID)}, {Key: "content-type", Value: []byte("application/json")}},
	}, func(_ *kgo.Record, err error) { answer <- err })
	select {
	case err := <-answer:
		if err != nil {
			k.reached.Store(false)
		}
		return kafkaRefusal(err)
	case <-ctx.Done():
		k.reached.Store(false)
		return ctx.Err()
	}
}

// kafkaRefusal tells what lies in the event from what lies in the sink.
func kafkaRefusal(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*kerr.Error](err); ok {
		switch {
		case errors.Is(e, kerr.MessageTooLarge), errors.Is(e, kerr.RecordListTooLarge), errors.Is(e, kerr.InvalidRecord):
			return &Refusal{Reason: "answered " + e.Message + ": " + e.Description, Permanent: true}
		default:
			return &Refusal{Reason: "answered " + e.Message + ": " + e.Description}
		}
	}
	return err
}

// Close implements Target.
func (k *Kafka) Close() error {
	k.reach.end()
	k.client.Close()
	return nil
}
