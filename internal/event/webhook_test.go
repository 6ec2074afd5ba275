package event

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const testSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// The vector that the libraries of Standard Webhooks test themselves with.
func TestSign(t *testing.T) {
	key, err := readSecret(testSecret)
	require.NoError(t, err)
	got := Sign([][]byte{key}, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, []byte(`{"test": 2432232314}`))
	require.Equal(t, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", got)
}

func TestSecrets(t *testing.T) {
	for text, want := range map[string]string{
		"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw": "must begin with whsec_",
		"whsec_!":                          "must be base64",
		"whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 23)): "must have 24 to 64 bytes",
		"whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 65)): "must have 24 to 64 bytes",
	} {
		_, err := NewWebhook(WebhookOptions{URL: "https://example.com/", Secrets: []string{text}})
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), strings.TrimPrefix(text, "whsec_")+" ")
	}
	for url, want := range map[string]string{
		"example.com":               "must be an address",
		"http://example.com/":       "must begin with https://",
		"ftp://example.com/":        "must begin with https://",
		"https://u:p@example.com/":  "no user and password",
		"https://example.com/#part": "behind #",
		"https://exa mple.com/":     "must be an address",
	} {
		_, err := NewWebhook(WebhookOptions{URL: url, Secrets: []string{testSecret}})
		require.ErrorContains(t, err, want, url)
	}
	_, err := NewWebhook(WebhookOptions{URL: "https://example.com/"})
	require.ErrorContains(t, err, "a secret is missing")
}

func TestMayDial(t *testing.T) {
	for _, c := range []struct {
		ip              string
		public, private bool
	}{
		{"93.184.216.34", true, true},
		{"1.1.1.1", true, true},
		{"2606:4700:4700::1111", true, true},
		{"127.0.0.1", false, true},
		{"127.9.9.9", false, true},
		{"::1", false, true},
		{"0.0.0.0", false, false},
		{"::", false, false},
		{"10.1.2.3", false, true},
		{"172.16.0.1", false, true},
		{"172.32.0.1", true, true},
		{"192.168.1.1", false, true},
		{"100.64.0.1", false, true},
		{"169.254.1.1", false, true},
		{"fe80::1", false, true},
		{"fe80::1%eth0", false, true},
		{"fc00::1", false, true},
		{"fd12::1", false, true},
		{"169.254.169.254", false, false},
		{"169.254.170.2", false, false},
		{"100.100.100.200", false, false},
		{"fd00:ec2::254", false, false},
		{"::ffff:169.254.169.254", false, false},
		{"::169.254.169.254", false, false},
		{"2002:a9fe:a9fe::1", false, false},
		{"64:ff9b:1::a9fe:a9fe", false, false},
		{"64:ff9b:1:a9fe:a9:fe00::", false, false},
		{"168.63.129.16", false, false},
		{"192.0.0.192", false, false},
		{"64:ff9b::a9fe:a9fe", false, false},
		{"::ffff:127.0.0.1", false, true},
		{"::ffff:10.0.0.1", false, true},
		{"::ffff:93.184.216.34", false, true},
		{"64:ff9b::7f00:1", false, true},
		{"64:ff9b::5db8:d822", false, true},
		{"64:ff9b:1::1", false, true},
		{"2002:7f00:1::", false, true},
		{"2001::1", false, true},
		{"2001:db8::1", false, true},
		{"224.0.0.1", false, false},
		{"ff02::1", false, false},
		{"255.255.255.255", false, true},
		{"198.18.0.1", false, true},
		{"::127.0.0.1", false, true},
	} {
		ip := netip.MustParseAddr(c.ip)
		require.Equal(t, c.public, mayDial(ip, false), c.ip)
		require.Equal(t, c.private, mayDial(ip, true), c.ip+" where private addresses are allowed")
	}
}

type answer struct {
	status int
	header map[string]string
	body   string
}

func receiver(t *testing.T, a answer, seen func(*http.Request, []byte)) (*httptest.Server, *Webhook) {
	t.Helper()
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if seen != nil {
			seen(r, body)
		}
		for k, v := range a.header {
			w.Header().Set(k, v)
		}
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, a.body)
	}))
	t.Cleanup(srv.Close)
	second := "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("n", 32)))
	hook, err := NewWebhook(WebhookOptions{
		URL: srv.URL + "/secret-path", Secrets: []string{testSecret, second}, AllowPrivate: true, Clock: func() time.Time { return time.Unix(1_700_000_000, 0) },
		TLS: &tls.Config{InsecureSkipVerify: true},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, hook.Close()) })
	return srv, hook
}

func TestWebhook(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	m := &Message{ID: "8a7f", Body: []byte(`{"a":1}`)}
	var got *http.Request
	var body []byte
	_, hook := receiver(t, answer{status: 204}, func(r *http.Request, b []byte) { got, body = r, b })
	require.NoError(t, hook.Deliver(t.Context(), m))
	require.Equal(t, `{"a":1}`, string(body))
	require.Equal(t, "8a7f", got.Header.Get("webhook-id"))
	require.Equal(t, "1700000000", got.Header.Get("webhook-timestamp"))
	require.Equal(t, "application/json", got.Header.Get("Content-Type"))
	signatures := strings.Fields(got.Header.Get("webhook-signature"))
	require.Len(t, signatures, 2, "one for each secret while they change")
	mac := hmac.New(sha256.New, []byte(strings.Repeat("n", 32)))
	mac.Write([]byte("8a7f.1700000000." + string(body)))
	require.Equal(t, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)), signatures[1])

	for _, c := range []struct {
		answer
		reason    string
		permanent bool
		after     time.Duration
	}{
		{answer{status: 500}, "answered 500", false, 0},
		{answer{status: 503, header: map[string]string{"Retry-After": "7"}}, "answered 503", false, 7 * time.Second},
		{answer{status: 429, header: map[string]string{"Retry-After": "nonsense"}}, "answered 429", false, 0},
		{answer{status: 408}, "answered 408", false, 0},
		{answer{status: 400}, "answered 400", true, 0},
		{answer{status: 410}, "answered 410", true, 0},
		{answer{status: 302, header: map[string]string{"Location": "/elsewhere"}}, "answered 302: redirects are not followed", true, 0},
	} {
		asked := 0
		_, hook := receiver(t, c.answer, func(*http.Request, []byte) { asked++ })
		err := hook.Deliver(t.Context(), m)
		var r *Refusal
		require.ErrorAs(t, err, &r)
		require.Equal(t, Refusal{Reason: c.reason, Permanent: c.permanent, After: c.after}, *r)
		require.Equal(t, 1, asked)
	}
	_, hook = receiver(t, answer{status: 200, body: strings.Repeat("x", 1<<20)}, nil)
	require.NoError(t, hook.Deliver(t.Context(), m), "no more than 64 KB of the answer is read")
}

// What is told of a failure holds neither the address nor a secret.
func TestWebhookKeepsSecrets(t *testing.T) {
	srv, hook := receiver(t, answer{status: 200}, nil)
	srv.Close()
	err := hook.Deliver(t.Context(), &Message{ID: "1"})
	require.Error(t, err)
	require.NotContains(t, err.Error(), "secret-path")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, hook = receiver(t, answer{status: 200}, nil)
	require.Error(t, hook.Deliver(ctx, &Message{ID: "1"}))
}

// A name that leads to this machine is not dialled, whatever it is called.
func TestDialJudgesWhatANameMeans(t *testing.T) {
	asked := false
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer srv.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(srv.URL, "http://"), ":")
	for _, host := range []string{"localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "127.1", "0x7f000001"} {
		hook, err := NewWebhook(WebhookOptions{URL: "https://" + host + ":" + port + "/", Secrets: []string{testSecret}, Clock: time.Now})
		require.NoError(t, err)
		err = hook.Deliver(t.Context(), &Message{ID: "1"})
		require.Error(t, err, host)
		if !strings.Contains(err.Error(), "no such host") {
			require.ErrorIs(t, err, errForbiddenAddress, host)
		}
	}
	require.False(t, asked)
}
