package event

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

const natsPassword = "a-password-of-nats"

// natsBroker is a server of this process, with its stream on disk.
type natsBroker struct {
	t       *testing.T
	options server.Options
	s       *server.Server
}

func newNATSBroker(t *testing.T, o server.Options) *natsBroker {
	t.Helper()
	o.Host, o.Port, o.NoSigs, o.NoLog, o.JetStream, o.StoreDir = "127.0.0.1", freePort(t), true, true, true, t.TempDir()
	b := &natsBroker{t: t, options: o}
	b.revive()
	t.Cleanup(b.kill)
	return b
}

func (b *natsBroker) url() string { return fmt.Sprintf("nats://127.0.0.1:%d", b.options.Port) }

func (b *natsBroker) kill() {
	b.s.Shutdown()
	b.s.WaitForShutdown()
}

func (b *natsBroker) revive() {
	o := b.options
	s, err := server.NewServer(&o)
	require.NoError(b.t, err)
	s.Start()
	require.True(b.t, s.ReadyForConnections(time.Minute))
	b.s = s
}

func (b *natsBroker) connect() (*nats.Conn, jetstream.JetStream) {
	conn, err := nats.Connect(b.url(), nats.UserInfo("hub", natsPassword))
	require.NoError(b.t, err)
	js, err := jetstream.New(conn)
	require.NoError(b.t, err)
	return conn, js
}

func (b *natsBroker) stream(c jetstream.StreamConfig) {
	conn, js := b.connect()
	defer conn.Close()
	_, err := js.CreateStream(b.t.Context(), c)
	require.NoError(b.t, err)
}

func (b *natsBroker) messages() (list []*jetstream.RawStreamMsg) {
	conn, js := b.connect()
	defer conn.Close()
	s, err := js.Stream(b.t.Context(), "findings")
	require.NoError(b.t, err)
	for n := uint64(1); n <= s.CachedInfo().State.LastSeq; n++ {
		m, err := s.GetMsg(b.t.Context(), n)
		require.NoError(b.t, err)
		list = append(list, m)
	}
	return list
}

func (b *natsBroker) received() (bodies [][]byte) {
	for _, m := range b.messages() {
		bodies = append(bodies, m.Data)
	}
	return bodies
}

func TestNATS(t *testing.T) {
	b := newNATSBroker(t, server.Options{Username: "hub", Password: natsPassword})
	b.stream(jetstream.StreamConfig{Name: "findings", Subjects: []string{"security.>"}, Storage: jetstream.FileStorage})
	n, err := NewNATS(NATSOptions{Servers: []string{b.url()}, Subject: "security.findings", User: "hub", Secret: natsPassword, AllowPrivate: true})
	require.NoError(t, err)
	survives(t, n, b)
}

// What goes over the wire, and what the stream makes of repetitions and of what it cannot take.
func TestNATSMessages(t *testing.T) {
	b := newNATSBroker(t, server.Options{Username: "hub", Password: natsPassword, MaxPayload: 64 << 10})
	o := NATSOptions{Servers: []string{b.url()}, Subject: "security.findings", User: "hub", Secret: natsPassword, AllowPrivate: true}
	n, err := NewNATS(o)
	require.NoError(t, err)
	refusedForNow(t, n.Deliver(t.Context(), sample("early", 1)), "no stream keeps what is published")
	b.stream(jetstream.StreamConfig{Name: "findings", Subjects: []string{"security.>"}, MaxMsgSize: 8 << 10})
	for _, id := range []string{"one", "one", "two"} {
		require.NoError(t, n.Deliver(t.Context(), sample(id, 1)))
	}
	list := b.messages()
	require.Len(t, list, 2, "the stream knows a repetition by its id")
	require.Equal(t, "one", list[0].Header.Get(nats.MsgIdHdr))
	require.Equal(t, sample("one", 1).Finding, list[0].Header.Get("Hubcap-Finding"))
	require.Equal(t, sample("one", 1).Body, list[0].Data)
	refusedForGood(t, n.Deliver(t.Context(), sample("large", 9<<10)), "answered 10054")
	refusedForGood(t, n.Deliver(t.Context(), sample("larger", 65<<10)), "max_payload")
	require.NoError(t, n.Close())
	require.NoError(t, n.Close())
	require.Error(t, n.Deliver(t.Context(), sample("late", 1)))

	wrong := o
	wrong.Secret = "not-that-one"
	n, err = NewNATS(wrong)
	require.NoError(t, err)
	err = n.Deliver(t.Context(), sample("three", 1))
	refusedForNow(t, err, "Authorization Violation")
	require.NotContains(t, err.Error(), "not-that-one")
	require.NoError(t, n.Close())
	public := o
	public.Servers, public.AllowPrivate = []string{"tls" + b.url()[len("nats"):]}, false
	n, err = NewNATS(public)
	require.NoError(t, err)
	guarded(t, n)
}

// A token stands in for user and password, and certificates of one's own are trusted where they are named.
func TestNATSOverTLS(t *testing.T) {
	serverSide, clientSide := certificates(t)
	b := newNATSBroker(t, server.Options{Authorization: natsPassword, TLSConfig: serverSide, TLSTimeout: 10})
	address := "tls" + b.url()[len("nats"):]
	n, err := NewNATS(NATSOptions{Servers: []string{address}, Subject: "s", Secret: natsPassword, AllowPrivate: true, TLS: clientSide})
	require.NoError(t, err)
	refusedForNow(t, n.Deliver(t.Context(), sample("one", 1)), "no stream keeps what is published") // so it was let in
	require.NoError(t, n.Close())
	n, err = NewNATS(NATSOptions{Servers: []string{address}, Subject: "s", Secret: natsPassword, AllowPrivate: true})
	require.NoError(t, err)
	refusedForNow(t, n.Deliver(t.Context(), sample("one", 1)), "certificate signed by unknown authority")
	require.NoError(t, n.Close())
}

func TestNATSOptions(t *testing.T) {
	for want, o := range map[string]NATSOptions{
		"servers is missing":                  {Subject: "s"},
		"servers: must be addresses":          {Servers: []string{"nats.example:4222"}, Subject: "s"},
		"servers: must hold no user":          {Servers: []string{"tls://hub:" + natsPassword + "@nats.example"}, Subject: "s"},
		"servers: must begin with tls://":     {Servers: []string{"nats://nats.example"}, Subject: "s"},
		"servers: must begin with tls:// (or": {Servers: []string{"ws://nats.example"}, Subject: "s", AllowPrivate: true},
		"subject: must be one":                {Servers: []string{"tls://nats.example"}, Subject: "a.*"},
		"a secret is missing":                 {Servers: []string{"tls://nats.example"}, Subject: "s", User: "hub"},
	} {
		_, err := NewNATS(o)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), natsPassword)
	}
}

// A broker that is away costs one attempt to reach it, however many events ask for it, and who waits no longer leaves.
func TestLink(t *testing.T) {
	dialled, answer := make(chan struct{}), make(chan error)
	l := link[int]{alive: func(int) bool { return true }, dial: func(context.Context) (int, error) {
		dialled <- struct{}{}
		return 7, <-answer
	}}
	results := make(chan error)
	for range 3 {
		go func() { _, err := l.get(t.Context()); results <- err }()
	}
	<-dialled
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := l.get(gone)
	require.ErrorIs(t, err, context.Canceled)
	require.Eventually(t, func() bool {
		select {
		case answer <- context.DeadlineExceeded:
			return true
		case <-dialled: // one that came late begins the next attempt
			return false
		}
	}, time.Minute, time.Millisecond)
	require.ErrorIs(t, <-results, context.DeadlineExceeded)
	go func() {
		for {
			select {
			case <-dialled:
				answer <- nil
			case <-t.Context().Done():
				return
			}
		}
	}()
	<-results
	<-results
	conn, err := l.get(t.Context())
	require.NoError(t, err)
	require.Equal(t, 7, conn)
	_, ok := l.end()
	require.True(t, ok)
	_, ok = l.end()
	require.False(t, ok)
	_, err = l.get(t.Context())
	require.Error(t, err)
}
