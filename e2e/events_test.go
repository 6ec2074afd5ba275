package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

// envelope is EventBridge's, as far as the tests look.
type envelope struct {
	Version, ID, Source, Account, Region string
	DetailType                           string `json:"detail-type"`
	Resources                            []string
	Detail                               struct {
		ActionName string `json:"actionName"`
		Findings   []struct {
			ID, UpdatedAt string
			Workflow      struct{ Status string }
		}
	}
}

// hook is a receiver of webhooks that fails at random, now before and now after it took the event.
type hook struct {
	t      *testing.T
	secret []byte

	mu      sync.Mutex
	failing bool
	ids     map[string]string   // finding and version -> the event's id
	order   map[string][]string // finding -> its versions, repetitions aside
	actions []envelope
	edited  []envelope // by BatchUpdateFindings
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the hub was killed
	}
	mac := hmac.New(sha256.New, h.secret)
	fmt.Fprintf(mac, "%s.%s.%s", r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), body)
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); r.Header.Get("webhook-signature") != want {
		h.t.Errorf("signature %s, not %s", r.Header.Get("webhook-signature"), want)
	}
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil {
		h.t.Errorf("%v: %s", err, body)
		return
	}
	if e.ID != r.Header.Get("webhook-id") {
		h.t.Errorf("webhook-id %s of event %s", r.Header.Get("webhook-id"), e.ID)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	fate := 9
	if h.failing {
		fate = rand.IntN(10)
	}
	if fate == 0 {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	f := e.Detail.Findings[0]
	at := f.ID + " " + f.UpdatedAt
	switch before, known := h.ids[at]; {
	case e.DetailType != "Security Hub Findings - Imported":
		h.actions = append(h.actions, e)
	case f.Workflow.Status != "NEW":
		h.edited = append(h.edited, e)
	case !known:
		h.ids[at] = e.ID
		h.order[f.ID] = append(h.order[f.ID], f.UpdatedAt)
	case before != e.ID:
		h.t.Errorf("%s came as %s and as %s", at, before, e.ID)
	}
	if fate == 1 {
		panic(http.ErrAbortHandler) // it has the event, and the hub never hears of it
	}
}

func (h *hook) has(keys []string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, k := range keys {
		if h.ids[k] == "" {
			return false
		}
	}
	return true
}

// mortal is a receiver that is gone now and then, with its connections, and returns at its address.
type mortal struct {
	URL     string
	t       *testing.T
	handler http.Handler
	server  *http.Server
	deaths  int
}

func newMortal(t *testing.T, handler http.Handler) *mortal {
	t.Helper()
	m := &mortal{t: t, handler: handler}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	m.URL = "http://" + l.Addr().String()
	m.live(l)
	t.Cleanup(func() { _ = m.server.Close() })
	return m
}

func (m *mortal) live(l net.Listener) {
	m.server = &http.Server{Handler: m.handler, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = m.server.Serve(l) }()
}

// dieAtRandom begins with it; stop leaves the receiver alive.
func (m *mortal) dieAtRandom() (stop func()) {
	ending, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ending:
				return
			case <-time.After(time.Duration(10+rand.IntN(200)) * time.Millisecond):
			}
			_ = m.server.Close() // in the middle of whatever it does
			m.deaths++
			select {
			case <-ending:
			case <-time.After(time.Duration(rand.IntN(100)) * time.Millisecond):
			}
			l, err := net.Listen("tcp", strings.TrimPrefix(m.URL, "http://"))
			if err != nil {
				m.t.Errorf("%v", err)
				return
			}
			m.live(l)
		}
	}()
	return func() { close(ending); <-ended }
}

// changes is how many TestEvents makes, 400 unless HUBCAP_TEST_EVENTS says more: 100000 take some minutes.
var changes, _ = strconv.Atoi(os.Getenv("HUBCAP_TEST_EVENTS"))

// TestEvents: the hub is killed again and again while findings change, and the receiver fails and dies at random. Every acknowledged change arrives,
// each finding's in order, a repetition with its id; then the command line looks after the sinks.
func TestEvents(t *testing.T) {
	rounds, findings, enough := 4, 20, 5
	if changes > 0 {
		rounds, findings = 10, 500
		enough = max(changes/rounds/findings, 1)
	}
	h := &hook{t: t, secret: []byte(strings.Repeat("s", 32)), failing: true, ids: map[string]string{}, order: map[string][]string{}}
	receiver := newMortal(t, h)
	dir := t.TempDir()
	file, config := filepath.Join(dir, "events.ndjson"), filepath.Join(dir, "hubcap.toml")
	secret := "whsec_" + base64.StdEncoding.EncodeToString(h.secret)
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `
[[sinks]]
name = "hook"
type = "webhook"
url = "%s/secret-path"
secrets = ["%s"]
allow_private = true

[[sinks]]
name = "down"
type = "webhook"
url = "http://127.0.0.1:1/"
secrets = ["%s"]
allow_private = true

[[sinks]]
name = "file"
type = "file"
path = "%s"
pattern = '{"detail":{"findings":{"Id":["f0"]}}}'

[[sinks]]
name = "live"
type = "stream"
`, receiver.URL, secret, secret, file), 0o600))
	args := []string{"--store", filepath.Join(dir, "store"), "--config", config}

	var acknowledged []string
	version := 0
	var hub *server
	stop := receiver.dieAtRandom()
	for range rounds {
		hub = serve(t, args...)
		c := hub.as(mine)
		for range enough {
			version++
			at := time.Date(2026, 1, 1, 0, 0, version, 0, time.UTC).Format(time.RFC3339)
			var list []types.AwsSecurityFinding
			for i := range findings {
				list = append(list, newFinding(mine, fmt.Sprint("f", i), func(f *types.AwsSecurityFinding) { f.UpdatedAt = aws.String(at) }))
			}
			for batch := range slices.Chunk(list, 100) {
				imports(t, c, batch...)
			}
			for _, f := range list {
				acknowledged = append(acknowledged, *f.Id+" "+at)
			}
		}
		hub.kill()
	}
	hub = serve(t, args...)
	stop()
	require.Eventually(t, func() bool { return h.has(acknowledged) }, 10*time.Minute, 20*time.Millisecond)
	t.Logf("%d changes arrived; the receiver died %d times, the hub %d", len(acknowledged), receiver.deaths, rounds)
	h.mu.Lock()
	require.Len(t, h.ids, len(acknowledged), "nothing else came")
	for id, versions := range h.order {
		require.IsIncreasing(t, versions, id)
	}
	h.failing = false
	h.mu.Unlock()

	// A custom action is an event too.
	c := hub.as(mine)
	arn := createAction(t, c, "Page")
	req, err := http.NewRequest(http.MethodPost, hub.URL+"/hubcap/v1/custom-actions/"+arn,
		strings.NewReader(fmt.Sprintf(`{"Findings":[{"Id":"f3","ProductArn":%q}]}`, defaultProduct(mine))))
	require.NoError(t, err)
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+mine+"/20260101/"+region+"/securityhub/aws4_request, SignedHeaders=host, Signature="+strings.Repeat("0", 64))
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, 200, resp.StatusCode)
	require.Eventually(t, func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.actions) == 1 // sent once, for the receiver fails no more
	}, patience, time.Millisecond)
	require.Equal(t, []string{arn}, h.actions[0].Resources)
	require.Equal(t, "Page Page", h.actions[0].Detail.ActionName)
	require.Equal(t, mine, h.actions[0].Account)

	_, err = c.BatchUpdateFindings(t.Context(), &securityhub.BatchUpdateFindingsInput{
		FindingIdentifiers: []types.AwsSecurityFindingIdentifier{{Id: aws.String("f0"), ProductArn: aws.String(defaultProduct(mine))}},
		Workflow:           &types.WorkflowUpdate{Status: types.WorkflowStatusNotified},
	})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.edited) == 1
	}, patience, time.Millisecond)
	lines := func() int {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		return strings.Count(string(text), "\n")
	}
	require.Eventually(t, func() bool { return lines() >= rounds*enough+1 }, patience, time.Millisecond)

	// The command line.
	said, stdout, stderr := hubcap(t, nil, "sinks", "test", "hook", "--endpoint", hub.URL)
	require.Zero(t, said, stderr)
	require.Contains(t, stdout, "sink hook took event")
	said, stdout, stderr = hubcap(t, nil, "sinks", "test", "live", "--endpoint", hub.URL)
	require.Zero(t, said, stderr)
	require.Contains(t, stdout, "sink live is a stream")
	said, _, stderr = hubcap(t, nil, "sinks", "test", "down", "--endpoint", hub.URL)
	require.Equal(t, 1, said)
	require.Contains(t, stderr, "sink down did not take the event: dial tcp 127.0.0.1:1")
	said, stdout, stderr = hubcap(t, nil, "sinks", "list", "--endpoint", hub.URL)
	require.Zero(t, said, stderr)
	require.Regexp(t, `down +webhook +DOWN`, stdout)
	require.Regexp(t, `hook +webhook +UP`, stdout)
	said, stdout, stderr = hubcap(t, nil, "events", "tail", "--endpoint", hub.URL, "--from", "2026-01-01T00:00:00Z", "--events", "7")
	require.Zero(t, said, stderr)
	require.Equal(t, 7, strings.Count(stdout, "\n"))
	require.Contains(t, stdout, `"source":"aws.securityhub"`)
	before := lines()
	said, stdout, stderr = hubcap(t, nil, "events", "replay", "--endpoint", hub.URL, "--sink", "file", "--from", "2020-01-01T00:00:00Z")
	require.Zero(t, said, stderr)
	require.Contains(t, stdout, "on the way to file again")
	require.Eventually(t, func() bool { return lines() >= before+rounds*enough+1 }, patience, time.Millisecond, "what its pattern wants")

	metrics, err := http.Get(hub.URL + "/metrics")
	require.NoError(t, err)
	defer metrics.Body.Close()
	text, err := io.ReadAll(metrics.Body)
	require.NoError(t, err)
	require.Contains(t, string(text), `hubcap_event_sink_up{sink="down"} 0`)
	require.Contains(t, string(text), `hubcap_events_delivered_total{sink="hook"}`)
	for _, shown := range []string{hub.said(), string(text), stdout, stderr} {
		require.NotContains(t, shown, secret)
		require.NotContains(t, shown, "secret-path")
	}
	hub.stop(t)
}

// TestEventsExample: the example of the documentation runs as it stands, and what its webhook misses waits.
func TestEventsExample(t *testing.T) {
	hub := serve(t, "--config", "docs/examples/hubcap-events.toml")
	imports(t, hub.as(mine), newFinding(mine, "one"))
	code, stdout, stderr := hubcap(t, nil, "events", "tail", "--endpoint", hub.URL, "--from", "2020-01-01T00:00:00Z", "--events", "1")
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, `"Id":"one"`)
	hub.stop(t)
}
