package event

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// WebhookOptions say where a webhook is and how it is signed.
type WebhookOptions struct {
	URL string
	// Secrets sign by the Standard Webhooks scheme: whsec_ and 24 to 64 bytes in base64. Several while one takes another's place: each
	// signs.
	Secrets []string
	// AllowPrivate lets it be http, and lets its address be one of this machine or a private network. Addresses at which clouds tell
	// secrets are refused all the same.
	AllowPrivate bool
	Clock        func() time.Time
	TLS          *tls.Config // whom to trust and what to show; nil: as the machine does, and nothing
}

const secretPrefix = "whsec_"

// Webhook posts events to an address.
type Webhook struct {
	url     string
	secrets [][]byte
	clock   func() time.Time
	client  *http.Client
}

// NewWebhook makes a target of an address. Its errors show neither secrets nor more of the address than its host.
func NewWebhook(o WebhookOptions) (*Webhook, error) {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || u.Host == "":
		return nil, errors.New("url: must be an address such as https://receiver.example/hook")
	case u.Scheme != "https" && (u.Scheme != "http" || !o.AllowPrivate):
		return nil, errors.New("url: must begin with https:// (or, with allow_private, http://)")
	case u.User != nil:
		return nil, errors.New("url: must hold no user and password")
	case u.Fragment != "":
		return nil, errors.New("url: must have no part behind #")
	case len(o.Secrets) == 0:
		return nil, errors.New("a secret is missing: receivers tell by it that hubcap sent the event")
	}
	w := &Webhook{url: u.String(), clock: o.Clock}
	for i, s := range o.Secrets {
		key, err := readSecret(s)
		if err != nil {
			return nil, fmt.Errorf("secret number %d: %w", i+1, err)
		}
		w.secrets = append(w.secrets, key)
	}
	w.client = httpClient(o.AllowPrivate, o.TLS)
	return w, nil
}

// readSecret takes a key out of its text.
func readSecret(s string) ([]byte, error) {
	text, ok := strings.CutPrefix(s, secretPrefix)
	if !ok {
		return nil, errors.New("must begin with " + secretPrefix)
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("must be base64 behind " + secretPrefix)
	}
	if len(key) < 24 || len(key) > 64 {
		return nil, fmt.Errorf("must have 24 to 64 bytes in base64 behind %s, not %d", secretPrefix, len(key))
	}
	return key, nil
}

// Sign is the value of the header webhook-signature: a signature for each secret.
func Sign(secrets [][]byte, id string, at int64, body []byte) string {
	out := make([]string, 0, len(secrets))
	for _, key := range secrets {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(id))
		h.Write([]byte{'.'})
		h.Write(strconv.AppendInt(nil, at, 10))
		h.Write([]byte{'.'})
		h.Write(body)
		out = append(out, "v1,"+base64.StdEncoding.EncodeToString(h.Sum(nil)))
	}
	return strings.Join(out, " ")
}

// Deliver implements Target: an answer of 2xx means that the receiver has the event.
func (w *Webhook) Deliver(ctx context.Context, m *Message) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(m.Body))
	if err != nil {
		return errors.New("the request could not be made")
	}
	at := w.clock().Unix()
	h := r.Header
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "hubcap")
	h.Set("webhook-id", m.ID)
	h.Set("webhook-timestamp", strconv.FormatInt(at, 10))
	h.Set("webhook-signature", Sign(w.secrets, m.ID, at, m.Body))
	resp, err := w.client.Do(r)
	if err != nil {
		return withoutURL(err)
	}
	defer resp.Body.Close() //nolint:errcheck // only read from
	// Read to the end, so that the connection serves again; who sends more than that loses it.
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300 && err == nil:
		return nil
	case code >= 200 && code < 300:
		return errors.New("the answer broke off")
	case code >= 300 && code < 400:
		return &Refusal{Reason: fmt.Sprintf("answered %d: redirects are not followed", code), Permanent: true}
	default:
		return &Refusal{
			Reason: fmt.Sprintf("answered %d", code), After: retryAfter(resp.Header.Get("Retry-After")),
			Permanent: code >= 400 && code < 500 && code != http.StatusRequestTimeout && code != http.StatusTooEarly && code != http.StatusTooManyRequests,
		}
	}
}

// retryAfter reads a number of seconds; dates are not looked at.
func retryAfter(text string) time.Duration {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 86_400 {
		return 0
	}
	return time.Duration(n) * time.Second
}

// withoutURL takes the address out of an error: it may hold a secret.
func withoutURL(err error) error {
	if of, ok := errors.AsType[*url.Error](err); ok {
		err = of.Err
	}
	return err
}

// Close implements Target.
func (w *Webhook) Close() error {
	w.client.CloseIdleConnections()
	return nil
}
