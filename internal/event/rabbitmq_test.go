package event

import (
	"crypto/tls"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"
)

// rabbitServer is where Debian has the server itself; the one on the PATH changes the user.
const rabbitServer = "/usr/lib/rabbitmq/bin/rabbitmq-server"

// rabbitBroker is a server in a process of its own, with everything it keeps in a directory of the test.
type rabbitBroker struct {
	t    *testing.T
	port int
	env  []string
	cmd  *exec.Cmd
}

func newRabbitBroker(t *testing.T) *rabbitBroker {
	t.Helper()
	if _, err := os.Stat(rabbitServer); err != nil {
		t.Skip("RabbitMQ is not installed here (apt-get install rabbitmq-server)")
	}
	dir := t.TempDir()
	b := &rabbitBroker{t: t, port: freePort(t)}
	epmd := strconv.Itoa(freePort(t))
	conf := fmt.Sprintf("listeners.tcp.1 = 127.0.0.1:%d\nlog.console = false\n", b.port)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "rabbitmq.conf"), []byte(conf), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "plugins"), []byte("[].\n"), 0o600))
	b.env = append(os.Environ(),
		"HOME="+dir, "RABBITMQ_NODENAME=hubcap-test@localhost", "RABBITMQ_MNESIA_BASE="+filepath.Join(dir, "data"), "RABBITMQ_LOG_BASE="+filepath.Join(dir, "log"),
		"RABBITMQ_CONFIG_FILE="+filepath.Join(dir, "rabbitmq"), "RABBITMQ_ENABLED_PLUGINS_FILE="+filepath.Join(dir, "plugins"),
		"RABBITMQ_PID_FILE="+filepath.Join(dir, "pid"), "ERL_EPMD_PORT="+epmd, "ERL_EPMD_ADDRESS=127.0.0.1", "RABBITMQ_DIST_PORT="+strconv.Itoa(freePort(t)),
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}", "RABBITMQ_FEATURE_FLAGS=")
	b.revive()
	t.Cleanup(func() {
		b.kill()
		names := exec.Command("epmd", "-port", epmd, "-kill") // which the server started, at a port of its own
		names.Env = b.env
		_ = names.Run()
	})
	return b
}

func (b *rabbitBroker) url() string { return fmt.Sprintf("amqp://127.0.0.1:%d", b.port) }

// kill ends the whole process group, as a loss of power would.
func (b *rabbitBroker) kill() {
	if b.cmd == nil {
		return
	}
	_ = syscall.Kill(-b.cmd.Process.Pid, syscall.SIGKILL)
	_ = b.cmd.Wait()
	b.cmd = nil
}

func (b *rabbitBroker) revive() {
	b.cmd = exec.Command(rabbitServer)
	b.cmd.Env, b.cmd.SysProcAttr = b.env, &syscall.SysProcAttr{Setpgid: true}
	require.NoError(b.t, b.cmd.Start())
	require.Eventually(b.t, func() bool {
		c, err := amqp091.Dial(b.url())
		if err != nil {
			return false
		}
		return c.Close() == nil
	}, 2*time.Minute, 20*time.Millisecond)
}

func (b *rabbitBroker) channel() *amqp091.Channel {
	c, err := amqp091.Dial(b.url())
	require.NoError(b.t, err)
	b.t.Cleanup(func() { _ = c.Close() }) // it may be dead by then
	ch, err := c.Channel()
	require.NoError(b.t, err)
	return ch
}

func (b *rabbitBroker) messages(queue string) (list []amqp091.Delivery) {
	ch := b.channel()
	for {
		d, ok, err := ch.Get(queue, true)
		require.NoError(b.t, err)
		if !ok {
			return list
		}
		list = append(list, d)
	}
}

func (b *rabbitBroker) received() (bodies [][]byte) {
	for _, d := range b.messages("findings") {
		bodies = append(bodies, d.Body)
	}
	return bodies
}

func TestRabbitMQ(t *testing.T) {
	b := newRabbitBroker(t)
	o := RabbitMQOptions{URL: b.url(), Exchange: "security", RoutingKey: "findings", User: "guest", Secret: "guest", AllowPrivate: true}
	r, err := NewRabbitMQ(o)
	require.NoError(t, err)
	refusedForNow(t, r.Deliver(t.Context(), sample("no exchange", 1)), "404 NOT_FOUND")
	ch := b.channel()
	require.NoError(t, ch.ExchangeDeclare("security", amqp091.ExchangeDirect, true, false, false, false, nil))
	refusedForNow(t, r.Deliver(t.Context(), sample("no queue", 1)), `no queue takes what is published to exchange "security" with routing key "findings"`)
	_, err = ch.QueueDeclare("findings", true, false, false, false, nil)
	require.NoError(t, err)
	require.NoError(t, ch.QueueBind("findings", "findings", "security", false, nil))

	// What goes over the wire; and the same message, once more, after it was returned.
	require.NoError(t, r.Deliver(t.Context(), sample("no queue", 1)))
	list := b.messages("findings")
	require.Len(t, list, 1)
	require.Equal(t, "no queue", list[0].MessageId)
	require.Equal(t, sample("no queue", 1).Body, list[0].Body)
	require.Equal(t, amqp091.Persistent, list[0].DeliveryMode)
	require.Equal(t, sample("", 1).Finding, list[0].Headers["hubcap-finding"])

	// A queue that is full says so.
	_, err = ch.QueueDeclare("full", true, false, false, false, amqp091.Table{"x-max-length": 1, "x-overflow": "reject-publish"})
	require.NoError(t, err)
	full := o
	full.Exchange, full.RoutingKey = "", "full"
	f, err := NewRabbitMQ(full)
	require.NoError(t, err)
	var refused error
	require.Eventually(t, func() bool { refused = f.Deliver(t.Context(), sample("full", 1)); return refused != nil }, time.Minute, time.Millisecond)
	refusedForNow(t, refused, "basic.nack")
	require.NoError(t, f.Close())
	require.NoError(t, f.Close())

	wrong := o
	wrong.Secret = "not-that-one"
	w, err := NewRabbitMQ(wrong)
	require.NoError(t, err)
	err = w.Deliver(t.Context(), sample("wrong", 1))
	refusedForNow(t, err, "403")
	require.NotContains(t, err.Error(), "not-that-one")
	require.NoError(t, w.Close())
	public := o
	public.URL, public.AllowPrivate = strings.Replace(o.URL, "amqp:", "amqps:", 1), false
	p, err := NewRabbitMQ(public)
	require.NoError(t, err)
	guarded(t, p)

	survives(t, r, b)
}

func TestRabbitMQOptions(t *testing.T) {
	const password = "a-password-of-rabbitmq"
	good := RabbitMQOptions{URL: "amqps://rabbitmq.example/vhost", Exchange: "e", User: "hub", Secret: password}
	_, err := NewRabbitMQ(good)
	require.NoError(t, err)
	for want, change := range map[string]func(*RabbitMQOptions){
		"url: must be an address":          func(o *RabbitMQOptions) { o.URL = "rabbitmq.example" },
		"url: must begin with amqps://":    func(o *RabbitMQOptions) { o.URL = "amqp://rabbitmq.example" },
		"url: must begin with amqps:// (o": func(o *RabbitMQOptions) { o.URL, o.AllowPrivate = "https://rabbitmq.example", true },
		"url: must hold no user":           func(o *RabbitMQOptions) { o.URL = "amqps://hub:" + password + "@rabbitmq.example" },
		"exchange or routing_key is":       func(o *RabbitMQOptions) { o.Exchange = "" },
		"must have at most 255 bytes":      func(o *RabbitMQOptions) { o.RoutingKey = strings.Repeat("k", 256) },
		"a secret is missing":              func(o *RabbitMQOptions) { o.Secret = "" },
		"user is missing":                  func(o *RabbitMQOptions) { o.User = "" },
		"user is missing: a name, or tls_": func(o *RabbitMQOptions) { o.User, o.Secret, o.TLS = "", "", &tls.Config{} },
	} {
		o := good
		change(&o)
		_, err := NewRabbitMQ(o)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), password)
	}
	certified := good
	certified.User, certified.Secret, certified.TLS = "", "", &tls.Config{Certificates: make([]tls.Certificate, 1)}
	_, err = NewRabbitMQ(certified)
	require.NoError(t, err, "a certificate tells who hubcap is")
}
