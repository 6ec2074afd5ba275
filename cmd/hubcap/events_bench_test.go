package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"

	"hubcap/internal/asff/asfftest"
)

// quick is a receiver of webhooks that costs as little as one can, for it shares the machine with the hub that is measured: it reads a
// request as far as it must and answers 204.
type quick struct {
	l     net.Listener
	taken atomic.Int64
	seen  func(body []byte) // nil: nobody looks
}

func newQuick(tb testing.TB) *quick {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	q := &quick{l: l}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go q.serve(conn)
		}
	}()
	tb.Cleanup(func() { _ = l.Close() })
	return q
}

func (q *quick) serve(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReaderSize(conn, 64<<10)
	var body []byte
	for {
		length := 0
		for {
			line, err := r.ReadSlice('\n')
			if err != nil {
				return
			}
			if len(line) <= 2 {
				break
			}
			if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
				length, _ = strconv.Atoi(string(bytes.TrimSpace(v)))
			}
		}
		body = slices.Grow(body[:0], length)[:length]
		if _, err := io.ReadFull(r, body); err != nil {
			return
		}
		if q.seen != nil {
			q.seen(body)
		}
		q.taken.Add(1)
		if _, err := io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n"); err != nil {
			return
		}
	}
}

// benchHub is a hub in a process of its own, with one webhook sink or none.
type benchHub struct {
	send *sender
	from caller
	got  *quick
	work benchWork
	took time.Duration
	used spent   // with the delivery of all events
	busy float64 // seconds of processor time while the imports were under way
	n    int
}

const eventsAccount = "111122223333"

func startBenchHub(b *testing.B, sink bool) *benchHub {
	b.Helper()
	const key, secret = "AKIAHUBCAPBENCHMARK0", "a secret of this benchmark"
	dir := b.TempDir()
	config := fmt.Sprintf("[[keys]]\nid = %q\nsecret = %q\naccount = %q\n", key, secret, eventsAccount)
	h := &benchHub{work: benchWork{account: eventsAccount, region: fallbackRegion, batch: 100}}
	if sink {
		h.got = newQuick(b)
		config += fmt.Sprintf("[[sinks]]\nname = \"hook\"\ntype = \"webhook\"\nurl = \"http://%s/\"\nallow_private = true\nsecrets = [\"whsec_%s\"]\n",
			h.got.l.Addr(), base64.StdEncoding.EncodeToString(make([]byte, 32)))
	}
	file := filepath.Join(dir, "hubcap.toml")
	require.NoError(b, os.WriteFile(file, []byte(config), 0o600))
	cmd := exec.Command("hubcap", "serve", "--addr", "127.0.0.1:0", "--store", filepath.Join(dir, "store"), "--auth", "sigv4", "--config", file)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	require.NoError(b, cmd.Start())
	b.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	head := make([]byte, 4096)
	n, err := io.ReadAtLeast(out, head, len("hubcap serves http://127.0.0.1:1 "))
	require.NoError(b, err, errs.String())
	m := regexp.MustCompile(`hubcap serves (\S+)`).FindSubmatch(head[:n])
	require.NotNil(b, m, string(head[:n]))
	go func() { _, _ = io.Copy(io.Discard, out) }()
	h.send, err = newSender(string(m[1]), 0, nil)
	require.NoError(b, err)
	h.from = caller{Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""), Region: fallbackRegion}
	return h
}

// imports sends the next findings, new ones, and counts what that took; then it waits until all events have arrived, which counts as
// the processor's time and not as the import's.
func (h *benchHub) imports(b *testing.B, findings int) {
	b.Helper()
	before := askSpent(b.Context(), h.send)
	h.work.findings = findings
	row, err := h.work.run(b.Context(), h.send, h.from, 16, time.Hour)
	require.NoError(b, err)
	require.Zero(b, row.failed, row.reason)
	h.work.first += findings
	h.n += findings
	h.took += row.took
	h.busy += row.used.cpu
	if h.got != nil {
		require.Eventually(b, func() bool { return h.got.taken.Load() >= int64(h.n) }, 10*time.Minute, time.Millisecond)
	}
	after := askSpent(b.Context(), h.send)
	h.used.cpu += after.cpu - before.cpu
	h.used.allocs += after.allocs - before.allocs
}

func (h *benchHub) report(b *testing.B) {
	b.Helper()
	n := float64(h.n)
	b.ReportMetric(n/h.took.Seconds(), "findings/s")
	b.ReportMetric(h.used.cpu*1e6/n, "cpu-us/finding")
	b.ReportMetric(h.used.allocs/n, "allocs/finding")
	b.ReportMetric(h.busy*1e6/n, "import-cpu-us/finding")
}

// BenchmarkEvents is what a sink costs: new findings over HTTP with checked signatures, 16 clients in batches of 100, into a hub without
// sinks and into one whose webhook gets every event, by turns in one run, so that what else the machine does falls on both. Each hub has a
// process of its own; cpu and allocs are the hub's, with the delivery of all its events. Then 5,000 changes a second into the second hub:
// how long after the request was sent the receiver had the event. import-cpu-us is the hub's processor time while the imports
// were under way, which other work on the machine changes least. -benchtime says how many batches each hub gets.
func BenchmarkEvents(b *testing.B) {
	const turns = 4
	var bare, sink *benchHub
	b.Run("sinks=0", func(b *testing.B) {
		bare, sink = startBenchHub(b, false), startBenchHub(b, true)
		bare.imports(b, 2000) // what a process does first is not what it does
		sink.imports(b, 2000)
		for _, h := range []*benchHub{bare, sink} {
			h.took, h.used, h.busy, h.work.first = 0, spent{}, 0, 2000
		}
		share := max(b.N*100/turns/100*100, 100)
		b.ResetTimer()
		bare.n = 0
		for turn := range turns {
			if turn%2 == 0 {
				bare.imports(b, share)
				sink.imports(b, share)
			} else {
				sink.imports(b, share)
				bare.imports(b, share)
			}
		}
		bare.report(b)
	})
	b.Run("sinks=1", func(b *testing.B) {
		sink.n -= 2000
		sink.report(b)
		b.ReportMetric((sink.took.Seconds()/bare.took.Seconds()-1)*100, "slower-%")
		b.ReportMetric(15, "goal-%")
	})
	b.Run("lag", func(b *testing.B) { benchLag(b) })
}

// idIn is the first Id in a text: the finding's own, which stands before its resources.
func idIn(text []byte) string {
	_, rest, _ := bytes.Cut(text, []byte(`"Id":"`))
	id, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(id)
}

// benchLag sends 50 batches of 100 a second.
func benchLag(b *testing.B) {
	b.Helper()
	const rate, batch = 5000, 100
	h := startBenchHub(b, true)
	began := time.Now()
	seconds := max(b.N*batch/rate, 2)
	n := seconds * rate
	h.work.findings = n
	bodies := h.work.bodies()
	number := make(map[string]int, n) // of each id
	for i := range n {
		number[idIn(asfftest.Append(nil, eventsAccount, fallbackRegion, i, 0))] = i
	}
	require.Len(b, number, n)
	sent, lags := make([]atomic.Int64, n), make([]time.Duration, n)
	h.got.seen = func(body []byte) {
		_, finding, _ := bytes.Cut(body, []byte(`"findings":[`))
		if k, ok := number[idIn(finding)]; ok {
			lags[k] = time.Since(began) - time.Duration(sent[k].Load())
		}
	}
	before := askSpent(b.Context(), h.send)
	b.ResetTimer()
	var all sync.WaitGroup
	var failed atomic.Int64
	start := time.Now()
	tick := time.NewTicker(time.Second * batch / rate)
	defer tick.Stop()
	for i := range bodies {
		<-tick.C
		for k := range batch {
			sent[i*batch+k].Store(int64(time.Since(began)))
		}
		all.Go(func() {
			out, err := h.send.importHashed(context.Background(), h.from, bodies[i].text, bodies[i].hash)
			if err != nil || out.FailedCount > 0 {
				failed.Add(1)
			}
		})
	}
	all.Wait()
	took := time.Since(start)
	require.Zero(b, failed.Load())
	require.Eventually(b, func() bool { return h.got.taken.Load() >= int64(n) }, 10*time.Minute, time.Millisecond)
	after := askSpent(b.Context(), h.send)
	slices.Sort(lags)
	q := func(p float64) float64 { return float64(lags[int(math.Ceil(p*float64(n)))-1]) / 1e6 }
	b.ReportMetric(float64(n)/took.Seconds(), "findings/s")
	b.ReportMetric((after.cpu-before.cpu)*1e6/float64(n), "cpu-us/finding")
	b.ReportMetric((after.allocs-before.allocs)/float64(n), "allocs/finding")
	b.ReportMetric(q(0.5), "p50-ms")
	b.ReportMetric(q(0.99), "p99-ms")
	b.ReportMetric(1000, "goal-ms")
}
