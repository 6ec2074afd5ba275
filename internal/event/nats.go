package event

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// NATSOptions say which stream of NATS JetStream gets events, by a subject that it listens to.
type NATSOptions struct {
	// Servers are addresses of one cluster: tls://host:4222, with AllowPrivate nats:// too. What else belongs to it, they tell.
	Servers []string
	Subject string
	// User and Secret are a name and a password. Without User, Secret is a token or the text of a file of credentials (.creds).
	User, Secret string
	AllowPrivate bool
	TLS          *tls.Config
}

// natsAtOnce is how many events wait for the stream's word at once.
const natsAtOnce = 64

// NATS publishes to JetStream: the stream confirms each event once it keeps it, and knows a repetition by its Nats-Msg-Id, the event's id.
type NATS struct {
	subject string
	link    link[natsConn]
}

type natsConn struct {
	conn   *nats.Conn
	stream jetstream.JetStream
}

// NewNATS makes a target; it connects when there is something to deliver. Its errors show no secret.
func NewNATS(o NATSOptions) (*NATS, error) {
	if len(o.Servers) == 0 {
		return nil, errors.New("servers is missing, such as [\"tls://nats.example:4222\"]")
	}
	for _, s := range o.Servers {
		u, err := url.Parse(s)
		switch {
		case err != nil || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "":
			return nil, errors.New("servers: must be addresses such as tls://nats.example:4222")
		case u.User != nil:
			return nil, errors.New("servers: must hold no user and password: they are user and secret")
		case u.Scheme != "tls" && (u.Scheme != "nats" || !o.AllowPrivate):
			return nil, errors.New("servers: must begin with tls:// (or, with allow_private, nats://)")
		}
	}
	if o.Subject == "" || strings.ContainsAny(o.Subject, " \t\r\n*>") || strings.HasPrefix(o.Subject, ".") || strings.HasSuffix(o.Subject, ".") || strings.Contains(o.Subject, "..") {
		return nil, fmt.Errorf("subject: must be one that events can be published to, such as security.findings, not %q", o.Subject)
	}
	if o.User != "" && o.Secret == "" {
		return nil, errors.New("a secret is missing: the password of user")
	}
	options := []nats.Option{
		nats.Name("hubcap"), nats.Timeout(dialTime), nats.SetCustomDialer(Dialer(o.AllowPrivate)), nats.MaxReconnects(-1), nats.ReconnectWait(time.Second),
		nats.ReconnectBufSize(-1), // what cannot be sent now is tried again by whoever keeps the order
		nats.NoEcho(), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
	}
	if o.TLS != nil {
		options = append(options, nats.Secure(o.TLS.Clone()))
	}
	switch {
	case o.User != "":
		options = append(options, nats.UserInfo(o.User, o.Secret))
	case bytes.Contains([]byte(o.Secret), []byte("-----BEGIN NATS USER JWT-----")):
		options = append(options, nats.UserCredentialBytes([]byte(o.Secret)))
	case o.Secret != "":
		options = append(options, nats.Token(o.Secret))
	}
	servers := strings.Join(o.Servers, ",")
	n := &NATS{subject: o.Subject}
	n.link.alive = func(c natsConn) bool { return !c.conn.IsClosed() }
	n.link.dial = func(context.Context) (natsConn, error) {
		conn, err := nats.Connect(servers, options...)
		if err != nil {
			return natsConn{}, err
		}
		stream, err := jetstream.New(conn)
		if err != nil {
			conn.Close()
			return natsConn{}, err
		}
		return natsConn{conn, stream}, nil
	}
	return n, nil
}

// AtOnce implements Wide.
func (*NATS) AtOnce() int { return natsAtOnce }

// Deliver implements Target: the stream's acknowledgement means that it keeps the event.
func (n *NATS) Deliver(ctx context.Context, m *Message) error {
	c, err := n.link.get(ctx)
	if err != nil {
		return natsRefusal(err)
	}
	if !c.conn.IsConnected() { // it comes back by itself
		return fmt.Errorf("the connection is lost: %w", or(c.conn.LastError(), nats.ErrDisconnected))
	}
	_, err = c.stream.PublishMsg(ctx, &nats.Msg{
		Subject: n.subject, Data: m.Body,
		Header: nats.Header{"Content-Type": {"application/json"}, "Hubcap-Finding": {m.Finding}},
	}, jetstream.WithMsgID(m.ID), jetstream.WithRetryAttempts(0))
	return natsRefusal(err)
}

// jetStreamTooLarge is the server's error code for a message beyond the stream's max_msg_size.
const jetStreamTooLarge jetstream.ErrorCode = 10054

// natsRefusal tells what lies in the event from what lies in the sink. A stream that nobody answers for may be choosing its leader.
func natsRefusal(err error) error {
	var api *jetstream.APIError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, nats.ErrMaxPayload):
		return &Refusal{Reason: "the event is larger than the server's max_payload", Permanent: true}
	case errors.As(err, &api):
		return &Refusal{Reason: fmt.Sprintf("answered %d: %s", api.ErrorCode, api.Description), Permanent: api.ErrorCode == jetStreamTooLarge}
	case errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, nats.ErrNoResponders):
		return errors.New("no stream keeps what is published to the subject")
	}
	return err
}

// Close implements Target.
func (n *NATS) Close() error {
	if c, ok := n.link.end(); ok {
		c.conn.Close()
	}
	return nil
}
