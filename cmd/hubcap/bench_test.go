package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"
)

func TestBench(t *testing.T) {
	bareEnvironment(t)
	hub := &fakeHub{}
	srv := httptest.NewServer(hub)
	defer srv.Close()
	var out, errs bytes.Buffer
	args := []string{"bench", "--endpoint", srv.URL, "--clients", "1,3", "--findings", "250", "--account", "444455556666"}
	require.Equal(t, 0, Main(t.Context(), args, nil, &out, &errs), errs.String())
	rows := regexp.MustCompile(`(?m)^ +(\d+) +(new|update) +250 +\d+\.\d\d +\d+ +\d+\.\d +\d+\.\d +- +- +0$`).FindAllStringSubmatch(out.String(), -1)
	var got []string
	for _, r := range rows {
		got = append(got, r[1]+" "+r[2])
	}
	require.Equal(t, []string{"1 new", "1 update", "3 new", "3 update"}, got, out.String())

	// New findings are new, updates are of the same: 2 x 250 findings, each sent twice.
	times := map[string]int{}
	for _, id := range hub.taken {
		times[id]++
	}
	require.Len(t, times, 500)
	for id, n := range times {
		require.Equal(t, 2, n, id)
	}
	for _, r := range hub.requests {
		require.Equal(t, "444455556666", r.Key)
		require.LessOrEqual(t, r.Findings, 100)
	}
}

func TestBenchTellsWhatFails(t *testing.T) {
	bareEnvironment(t)
	for _, c := range []struct {
		hub  *fakeHub
		args []string
		want string
	}{
		{&fakeHub{judge: func(finding) string { return "InvalidAccess" }}, nil, "10 findings failed, the first with: InvalidAccess: because of arn:"},
		{&fakeHub{plan: []func(http.ResponseWriter) bool{answerWith(429, "", "", `{"message":"Too Many Requests"}`)}}, nil, "HTTP 429 Too Many Requests"},
		{&fakeHub{}, []string{"--findings", "0"}, "--findings 0: must be 1 to 200000"},
		{&fakeHub{}, []string{"--batch", "101"}, "--batch 101: must be 1 to 100"},
		{&fakeHub{}, []string{"--clients", "4,0"}, "--clients 0: must be 1 to 256"},
		{&fakeHub{}, []string{"--for", "0s"}, "--for 0s: must be longer than nothing"},
		{&fakeHub{}, []string{"--account", "me"}, "--account me: must be 12 digits"},
	} {
		srv := httptest.NewServer(c.hub)
		var out, errs bytes.Buffer
		args := append([]string{"bench", "--endpoint", srv.URL, "--clients", "1", "--findings", "10"}, c.args...)
		require.Equal(t, 1, Main(t.Context(), args, nil, &out, &errs))
		require.Contains(t, errs.String(), c.want)
		srv.Close()
	}
}

func TestQuantile(t *testing.T) {
	r := benchRow{}
	require.Zero(t, r.quantile(0.5))
	for i := range 100 {
		r.requests = append(r.requests, time.Duration(100-i))
	}
	require.Equal(t, []time.Duration{1, 50, 99, 100}, []time.Duration{r.quantile(0), r.quantile(0.5), r.quantile(0.99), r.quantile(1)})
}

// startHub serves a hub of this process on a directory of its own, the whole way: listener, edge, store. It ends with the test.
func startHub(tb testing.TB, args ...string) (endpoint string) {
	tb.Helper()
	dir := tb.TempDir() // before the clean-up below: it goes after the hub has ended
	ctx, cancel := context.WithCancel(tb.Context())
	r, w := io.Pipe()
	ended := make(chan struct{})
	var errs bytes.Buffer
	go func() {
		defer close(ended)
		if code := Main(ctx, append([]string{"serve", "--addr", "127.0.0.1:0", "--store", dir}, args...), nil, w, &errs); code != 0 {
			_ = w.CloseWithError(fmt.Errorf("serve ended with %d: %s", code, errs.String()))
		}
	}()
	tb.Cleanup(func() {
		cancel()
		_ = r.Close()
		<-ended
	})
	head := make([]byte, 4096)
	n, err := io.ReadAtLeast(r, head, len("hubcap serves http://127.0.0.1:1 "))
	require.NoError(tb, err)
	m := regexp.MustCompile(`hubcap serves (\S+)`).FindStringSubmatch(string(head[:n]))
	require.NotNil(tb, m, string(head[:n]))
	go func() { _, _ = io.Copy(io.Discard, r) }()
	return m[1]
}

// BenchmarkServe is the whole way: signed requests over HTTP to a hub on disk that checks every signature, in batches of 100, new findings and updates of
// 20,000 findings in which three members changed. One operation is a batch, the time to make it included; findings/s,
// cpu-us/finding and allocs/finding count only while requests are under way. Client and hub share the processors: cpu and allocations are of both.
func BenchmarkServe(b *testing.B) {
	for _, what := range []string{"new", "update"} {
		for _, clients := range []int{1, 4, 16} {
			b.Run(fmt.Sprintf("%s/clients=%d", what, clients), func(b *testing.B) { benchServe(b, what == "update", clients, nil) })
		}
	}
}

// benchServe measures one row; flags are further ones of serve.
func benchServe(b *testing.B, updates bool, clients int, flags []string) {
	b.Helper()
	const set, account = 20_000, "111122223333"
	const key, secret = "AKIAHUBCAPBENCHMARK0", "a secret of this benchmark"
	config := filepath.Join(b.TempDir(), "hubcap.toml")
	require.NoError(b, os.WriteFile(config, fmt.Appendf(nil, "[[keys]]\nid = %q\nsecret = %q\naccount = %q\n", key, secret, account), 0o600))
	send, err := newSender(startHub(b, append([]string{"--auth", "sigv4", "--config", config}, flags...)...), 0, nil)
	require.NoError(b, err)
	from := caller{Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""), Region: fallbackRegion}
	var took time.Duration
	var used spent
	run := func(w benchWork) {
		row, err := w.run(b.Context(), send, from, clients, time.Hour)
		require.NoError(b, err)
		require.Zero(b, row.failed, row.reason)
		require.Equal(b, w.findings, row.findings)
		took += row.took
		used.cpu += row.used.cpu
		used.allocs += row.used.allocs
	}
	work := benchWork{account: account, region: fallbackRegion, batch: 100, findings: set}
	if updates {
		run(work)
	}
	took, used = 0, spent{}
	b.ResetTimer()
	for left := b.N * work.batch; left > 0; left -= work.findings {
		work.findings = min(left, set)
		if updates {
			work.version++
		}
		run(work)
		if !updates {
			work.first += work.findings
		}
	}
	n := float64(b.N * work.batch)
	b.ReportMetric(n/took.Seconds(), "findings/s")
	b.ReportMetric(used.cpu*1e6/n, "cpu-us/finding")
	b.ReportMetric(used.allocs/n, "allocs/finding")
}
