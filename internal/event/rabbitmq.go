package event

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/rabbitmq/amqp091-go"
)

// RabbitMQOptions say which exchange gets events.
type RabbitMQOptions struct {
	URL string // amqps://host:5671/vhost, with AllowPrivate amqp:// too
	// Exchange "" is the default one: RoutingKey is then the name of a queue.
	Exchange, RoutingKey string
	// User and Secret are a name and a password; without them a certificate (TLS) tells who hubcap is.
	User, Secret string
	AllowPrivate bool
	TLS          *tls.Config
}

// rabbitAtOnce is how many events wait for the broker's word at once. All of them fit among the returned messages that nobody fetched yet.
const rabbitAtOnce = 64

// RabbitMQ publishes to an exchange: persistent, mandatory, and confirmed by the broker.
type RabbitMQ struct {
	exchange, key string
	link          link[*rabbitConn]
}

// rabbitConn is a connection with the one channel that everything goes over, so that order holds.
type rabbitConn struct {
	raw     net.Conn
	conn    *amqp091.Connection
	channel *amqp091.Channel
	returns chan amqp091.Return
	over    chan struct{} // closed when the channel has ended; why is set then
	why     error

	mu       sync.Mutex
	returned map[string]amqp091.Return // by message
}

// NewRabbitMQ makes a target; it connects when there is something to deliver. Its errors show no secret.
func NewRabbitMQ(o RabbitMQOptions) (*RabbitMQ, error) {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("url: must be an address such as amqps://rabbitmq.example/vhost")
	case u.Scheme != "amqps" && (u.Scheme != "amqp" || !o.AllowPrivate):
		return nil, errors.New("url: must begin with amqps:// (or, with allow_private, amqp://)")
	case u.User != nil:
		return nil, errors.New("url: must hold no user and password: they are user and secret")
	case o.Exchange == "" && o.RoutingKey == "":
		return nil, errors.New("exchange or routing_key is missing: without an exchange, routing_key is the name of a queue")
	case len(o.Exchange) > 255 || len(o.RoutingKey) > 255:
		return nil, errors.New("exchange and routing_key: must have at most 255 bytes")
	case o.User != "" && o.Secret == "":
		return nil, errors.New("a secret is missing: the password of user")
	case o.User == "" && (o.Secret != "" || o.TLS == nil || len(o.TLS.Certificates) == 0):
		return nil, errors.New("user is missing: a name, or tls_cert and tls_key in its place")
	}
	uri, err := amqp091.ParseURI(u.String())
	if err != nil {
		return nil, errors.New("url: must be an address such as amqps://rabbitmq.example/vhost")
	}
	auth := amqp091.Authentication(&amqp091.ExternalAuth{})
	if o.User != "" {
		auth = &amqp091.PlainAuth{Username: o.User, Password: o.Secret}
	}
	r := &RabbitMQ{exchange: o.Exchange, key: o.RoutingKey}
	r.link.alive = func(c *rabbitConn) bool { return !c.channel.IsClosed() }
	r.link.dial = func(ctx context.Context) (*rabbitConn, error) {
		c := &rabbitConn{over: make(chan struct{}), returned: map[string]amqp091.Return{}}
		properties := amqp091.NewConnectionProperties()
		properties.SetClientConnectionName("hubcap")
		conf := amqp091.Config{
			SASL: []amqp091.Authentication{auth}, Vhost: uri.Vhost, Heartbeat: attemptTime, Properties: properties,
			Dial: func(network, address string) (net.Conn, error) {
				conn, err := Dialer(o.AllowPrivate).DialContext(ctx, network, address)
				if err != nil {
					return nil, err
				}
				c.raw = conn
				return conn, conn.SetDeadline(time.Now().Add(dialTime)) //nolint:forbidigo // of a socket; taken off when the connection is open
			},
		}
		if o.TLS != nil {
			conf.TLSClientConfig = o.TLS.Clone()
		}
		return c, c.open(u.String(), conf)
	}
	return r, nil
}

func (c *rabbitConn) open(address string, conf amqp091.Config) (err error) {
	if c.conn, err = amqp091.DialConfig(address, conf); err != nil {
		if c.raw != nil {
			_ = c.raw.Close() // it failed
		}
		return rabbitError(err)
	}
	if c.channel, err = c.conn.Channel(); err == nil {
		c.returns = c.channel.NotifyReturn(make(chan amqp091.Return, 2*rabbitAtOnce))
		err = c.channel.Confirm(false)
	}
	if err != nil {
		return errors.Join(rabbitError(err), c.raw.Close())
	}
	ended := c.channel.NotifyClose(make(chan *amqp091.Error, 1))
	go func() {
		c.why = errors.New("the connection ended before the broker confirmed the event")
		if e := <-ended; e != nil {
			c.why = rabbitError(e)
		}
		close(c.over)
		_ = c.conn.Close() // the next one is made anew
	}()
	return nil
}

// AtOnce implements Wide.
func (*RabbitMQ) AtOnce() int { return rabbitAtOnce }

// Deliver implements Target: the broker's confirmation of an event that it did not return means that its queues have it.
func (r *RabbitMQ) Deliver(ctx context.Context, m *Message) error {
	c, err := r.link.get(ctx)
	if err != nil {
		return err
	}
	// Writing waits for as long as a broker that is short of memory reads nothing: time cuts that off.
	stop := context.AfterFunc(ctx, func() { _ = c.raw.Close() })
	confirmed, err := c.channel.PublishWithDeferredConfirm(r.exchange, r.key, true, false, amqp091.Publishing{
		MessageId: m.ID, Body: m.Body, ContentType: "application/json", DeliveryMode: amqp091.Persistent, Timestamp: m.Time, AppId: "hubcap",
		Headers: amqp091.Table{"hubcap-finding": m.Finding},
	})
	stop()
	if err != nil {
		return rabbitError(err)
	}
	taken, err := confirmed.WaitContext(ctx)
	back, returned := c.fetch(m.ID)
	switch {
	case returned:
		return fmt.Errorf("answered %d %s: no queue takes what is published to exchange %q with routing key %q", back.ReplyCode, back.ReplyText, r.exchange, r.key)
	case err != nil:
		return err
	case !taken && c.channel.IsClosed():
		<-c.over
		return c.why
	case !taken:
		return errors.New("the broker did not take the event (basic.nack)")
	}
	return nil
}

// fetch tells whether a message came back. The broker returns it before it confirms it, so its return was put down before.
func (c *rabbitConn) fetch(id string) (amqp091.Return, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		select {
		case back, ok := <-c.returns:
			if ok {
				c.returned[back.MessageId] = back
				continue
			}
		default:
		}
		back, ok := c.returned[id]
		delete(c.returned, id)
		return back, ok
	}
}

// rabbitError is what the broker said, in short.
func rabbitError(err error) error {
	if e, ok := errors.AsType[*amqp091.Error](err); ok {
		return fmt.Errorf("answered %d %s", e.Code, e.Reason)
	}
	return err
}

// Close implements Target.
func (r *RabbitMQ) Close() error {
	if c, ok := r.link.end(); ok && !c.conn.IsClosed() {
		return c.conn.CloseDeadline(time.Now().Add(dialTime)) //nolint:forbidigo // of a socket
	}
	return nil
}
