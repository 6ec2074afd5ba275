package event

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

const kafkaPassword = "a-password-of-kafka"

// certificates are what a server at 127.0.0.1 shows, and who trusts it and shows the same.
func certificates(t *testing.T) (serverSide, clientSide *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "hub"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	pair := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ClientCAs: pool},
		&tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool, Certificates: []tls.Certificate{pair}}
}

// kafkaBroker speaks Kafka's protocol in this process, with its log on disk.
type kafkaBroker struct {
	t       *testing.T
	port    int
	options []kfake.Opt
	c       *kfake.Cluster
	client  []kgo.Opt
}

func newKafkaBroker(t *testing.T, options ...kfake.Opt) *kafkaBroker {
	t.Helper()
	b := &kafkaBroker{t: t, port: freePort(t)}
	b.options = append([]kfake.Opt{kfake.Ports(b.port), kfake.NumBrokers(1), kfake.SeedTopics(4, "findings"), kfake.DataDir(t.TempDir()), kfake.SyncWrites()}, options...)
	b.revive()
	t.Cleanup(b.kill)
	return b
}

func (b *kafkaBroker) address() string { return fmt.Sprintf("127.0.0.1:%d", b.port) }

func (b *kafkaBroker) kill() { b.c.Close() }

func (b *kafkaBroker) revive() {
	require.Eventually(b.t, func() (ok bool) {
		c, err := kfake.NewCluster(b.options...)
		b.c = c
		return err == nil
	}, time.Minute, 10*time.Millisecond)
}

func (b *kafkaBroker) records() (list []*kgo.Record) {
	options := append([]kgo.Opt{kgo.SeedBrokers(b.address()), kgo.ConsumeTopics("findings"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())}, b.client...)
	c, err := kgo.NewClient(options...)
	require.NoError(b.t, err)
	defer c.Close()
	// All of it: up to a record that stands behind everything else in each partition.
	ends := 0
	for p := range int32(4) {
		end, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(b.address()), kgo.RecordPartitioner(kgo.ManualPartitioner())}, b.client...)...)
		require.NoError(b.t, err)
		require.NoError(b.t, end.ProduceSync(b.t.Context(), &kgo.Record{Topic: "findings", Partition: p, Key: []byte("end")}).FirstErr())
		end.Close()
	}
	for ends < 4 {
		ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
		fetched := c.PollFetches(ctx)
		cancel()
		require.NoError(b.t, fetched.Err())
		fetched.EachRecord(func(r *kgo.Record) {
			if string(r.Key) == "end" {
				ends++
				return
			}
			list = append(list, r)
		})
	}
	return list
}

func (b *kafkaBroker) received() (bodies [][]byte) {
	partitions := map[string]int32{}
	for _, r := range b.records() {
		if p, ok := partitions[string(r.Key)]; ok {
			require.Equal(b.t, p, r.Partition, "a finding's events stay in one partition")
		}
		partitions[string(r.Key)] = r.Partition
		bodies = append(bodies, r.Value)
	}
	used := map[int32]bool{}
	for _, p := range partitions {
		used[p] = true
	}
	require.Len(b.t, used, 4, "findings are spread over the partitions")
	return bodies
}

func TestKafka(t *testing.T) {
	b := newKafkaBroker(t)
	k, err := NewKafka(KafkaOptions{Servers: []string{b.address()}, Topic: "findings", Plaintext: true, AllowPrivate: true})
	require.NoError(t, err)
	survives(t, k, b)
}

// What goes over the wire, with TLS and a password, and what the topic cannot take.
func TestKafkaRecords(t *testing.T) {
	serverSide, clientSide := certificates(t)
	b := newKafkaBroker(t, kfake.TLS(serverSide), kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", "hub", kafkaPassword),
		kfake.BrokerConfigs(map[string]string{"message.max.bytes": "65536"}))
	b.client = []kgo.Opt{kgo.DialTLSConfig(clientSide), kgo.SASL(scram.Auth{User: "hub", Pass: kafkaPassword}.AsSha256Mechanism())}
	o := KafkaOptions{Servers: []string{b.address()}, Topic: "findings", SASL: "scram-sha-256", User: "hub", Secret: kafkaPassword, AllowPrivate: true, TLS: clientSide}
	k, err := NewKafka(o)
	require.NoError(t, err)
	m := sample("one", 1)
	require.NoError(t, k.Deliver(t.Context(), m))
	list := b.records()
	require.Len(t, list, 1)
	require.Equal(t, m.Finding, string(list[0].Key))
	require.Equal(t, m.Body, list[0].Value)
	require.Equal(t, m.Time.UTC(), list[0].Timestamp.UTC())
	require.Equal(t, "id", list[0].Headers[0].Key)
	require.Equal(t, "one", string(list[0].Headers[0].Value))
	refusedForGood(t, k.Deliver(t.Context(), sample("large", 2<<20)), "MESSAGE_TOO_LARGE")
	require.NoError(t, k.Close())

	wrong := o
	wrong.Secret = "not-that-one"
	k, err = NewKafka(wrong)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	err = k.Deliver(ctx, m)
	cancel()
	require.Error(t, err) // this broker hangs up
	require.NotContains(t, err.Error(), "not-that-one")
	require.NoError(t, k.Close())

	absent := o
	absent.Topic = "elsewhere"
	k, err = NewKafka(absent)
	require.NoError(t, err)
	refusedForNow(t, k.Deliver(t.Context(), m), "UNKNOWN_TOPIC_OR_PARTITION")
	require.NoError(t, k.Close())

	public := o
	public.AllowPrivate = false
	k, err = NewKafka(public)
	require.NoError(t, err)
	guarded(t, k)
}

func TestKafkaOptions(t *testing.T) {
	servers := []string{"kafka.example:9093"}
	for want, o := range map[string]KafkaOptions{
		"servers is missing":                     {Topic: "t"},
		`servers: "kafka.example" must be`:       {Servers: []string{"kafka.example"}, Topic: "t"},
		`servers: "kafka.example:x" must be`:     {Servers: []string{"kafka.example:x"}, Topic: "t"},
		"topic: must be 1 to 249":                {Servers: servers, Topic: "a b"},
		"tls: can be false only with":            {Servers: servers, Topic: "t", Plaintext: true},
		"tls: is false, so":                      {Servers: servers, Topic: "t", Plaintext: true, AllowPrivate: true, TLS: &tls.Config{}},
		"sasl is missing":                        {Servers: servers, Topic: "t", User: "hub", Secret: kafkaPassword},
		"user is missing":                        {Servers: servers, Topic: "t", SASL: "plain", Secret: kafkaPassword},
		"a secret is missing":                    {Servers: servers, Topic: "t", SASL: "plain", User: "hub"},
		"sasl: must be plain, scram-sha-256 or ": {Servers: servers, Topic: "t", SASL: "gssapi", User: "hub", Secret: kafkaPassword},
	} {
		_, err := NewKafka(o)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), kafkaPassword)
	}
}
