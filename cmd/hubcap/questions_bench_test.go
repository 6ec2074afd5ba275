package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"

	"hubcap/internal/asff"
	"hubcap/internal/asff/asfftest"
)

// questionsSize is how many findings the questions are asked about; HUBCAP_BENCH_FINDINGS says otherwise.
func questionsSize() int {
	if n, err := strconv.Atoi(os.Getenv("HUBCAP_BENCH_FINDINGS")); err == nil && n >= 1000 {
		return n
	}
	return 20_000
}

// pageOf is how many findings a page has: the most that GetFindings gives.
const pageOf = 100

// hubProcess is a hub in a process of its own, so that its memory can be told from the client's.
type hubProcess struct {
	cmd      *exec.Cmd
	dir      string
	send     *sender
	from     caller
	bodies   sync.Pool
	lastRead atomic.Int64
}

// start serves the directory and waits until the hub answers. It returns how long that took.
func (h *hubProcess) start(b *testing.B) time.Duration {
	b.Helper()
	began := time.Now()
	h.cmd = exec.Command("hubcap", "serve", "--addr", "127.0.0.1:0", "--store", h.dir) //nolint:gosec // our own binary
	out, err := h.cmd.StdoutPipe()
	require.NoError(b, err)
	var errs bytes.Buffer
	h.cmd.Stderr = &errs
	require.NoError(b, h.cmd.Start())
	head := make([]byte, 4096)
	n, err := io.ReadAtLeast(out, head, len("hubcap serves http://127.0.0.1:1 "))
	require.NoError(b, err, errs.String())
	took := time.Since(began)
	m := regexp.MustCompile(`hubcap serves (\S+)`).FindSubmatch(head[:n])
	require.NotNil(b, m, string(head[:n]))
	go func() { _, _ = io.Copy(io.Discard, out) }()
	h.send, err = newSender(string(m[1]), 0, nil)
	require.NoError(b, err)
	// A caller whose key id is no account reads every account's findings.
	h.from = caller{Credentials: credentials.NewStaticCredentialsProvider("operator", "any", ""), Region: fallbackRegion}
	h.bodies.New = func() any { return new(bytes.Buffer) }
	return took
}

// stop ends the hub, with a signal that it may finish after, or one that it may not.
func (h *hubProcess) stop(b *testing.B, how os.Signal) {
	b.Helper()
	require.NoError(b, h.cmd.Process.Signal(how))
	_ = h.cmd.Wait()
}

// resident is the memory of the hub's process in MB.
func (h *hubProcess) resident(b *testing.B) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", h.cmd.Process.Pid))
	if err != nil {
		b.Skip("no /proc to read the memory from")
	}
	m := regexp.MustCompile(`VmRSS:\s+(\d+)`).FindSubmatch(text)
	require.NotNil(b, m)
	kb, err := strconv.ParseFloat(string(m[1]), 64)
	require.NoError(b, err)
	return kb / 1024
}

var nextToken = regexp.MustCompile(`"NextToken":"([^"]*)"`)

// ask sends a signed POST and reads the answer. It returns the next page's token, and how many bytes were read.
func (h *hubProcess) ask(ctx context.Context, path string, body []byte) (token string, size int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.send.endpoint+path, bytes.NewReader(body))
	if err != nil {
		return "", 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	keys, err := h.from.Credentials.Retrieve(ctx)
	if err != nil {
		return "", 0, err
	}
	if err := h.send.signer.SignHTTP(ctx, keys, req, payloadHash(body), signingName, h.from.Region, time.Now()); err != nil {
		return "", 0, err
	}
	resp, err := h.send.client.Do(req)
	if err != nil {
		return "", 0, err
	}
	defer resp.Body.Close() //nolint:errcheck // only read from
	buf := h.bodies.Get().(*bytes.Buffer)
	defer h.bodies.Put(buf)
	buf.Reset()
	if _, err := buf.ReadFrom(resp.Body); err != nil {
		return "", 0, err
	}
	if resp.StatusCode != http.StatusOK {
		return "", 0, fmt.Errorf("HTTP %d: %s", resp.StatusCode, buf.Bytes()[:min(300, buf.Len())])
	}
	text := buf.Bytes()
	for _, part := range [][]byte{text[:min(len(text), 1024)], text[max(0, len(text)-2048):]} { // a finding has no such member
		if m := nextToken.FindSubmatch(part); m != nil {
			token = string(m[1])
		}
	}
	return token, len(text), nil
}

// question is one row: body i of a series that differs from one to the next, so that no answer was just given.
type question struct {
	name  string
	pages int // one after the other
	body  func(i int, token string) []byte
}

func getFindings(filters, sort, token string) []byte {
	body := fmt.Sprintf(`{"MaxResults":%d,"Filters":{%s}`, pageOf, filters)
	if sort != "" {
		body += `,"SortCriteria":[` + sort + `]`
	}
	if token != "" {
		body += `,"NextToken":` + strconv.Quote(token)
	}
	return []byte(body + "}")
}

// valueOf is the first value of an attribute of finding n as it was imported first.
func valueOf(f asff.Field, n int) string {
	var r asff.Reader
	for _, v := range r.Values(asfftest.Append(nil, "", fallbackRegion, n, 0)) {
		if v.Field == f {
			text, _ := json.Marshal(string(v.Text)) //nolint:errchkjson // a string
			return string(text)
		}
	}
	return `""`
}

func is(attribute string, values ...string) string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = `{"Comparison":"EQUALS","Value":"` + v + `"}`
	}
	return `"` + attribute + `":[` + strings.Join(list, ",") + `]`
}

func turn[T any](list []T, i int) T { return list[i%len(list)] }

func questionsAbout(n int) []question {
	one := func(name string, filters func(i int) string, sort string) question {
		return question{name: name, pages: 1, body: func(i int, token string) []byte { return getFindings(filters(i), sort, token) }}
	}
	severities := []string{"CRITICAL", "HIGH", "MEDIUM"}
	all := func(int) string { return "" }
	lastDay := asfftest.Last(n).Add(-24 * time.Hour).Format(time.RFC3339)
	deep := func(name, sort string) question {
		return question{name: name, pages: 200, body: func(_ int, token string) []byte { return getFindings("", sort, token) }}
	}
	return []question{
		one("severity-record-workflow", func(i int) string {
			return is("SeverityLabel", turn(severities, i)) + "," + is("RecordState", "ACTIVE") + "," + is("WorkflowStatus", "NEW")
		}, ""),
		one("account-by-severity", func(i int) string { return is("AwsAccountId", asfftest.Account(i*7)) }, `{"Field":"SeverityLabel","SortOrder":"desc"}`),
		one("resource", func(i int) string {
			return `"ResourceId":[{"Comparison":"EQUALS","Value":` + valueOf(asff.FieldResourceId, (i*991+60)%n) + `}]`
		}, ""),
		one("tag-type-prefix", func(i int) string {
			return `"ResourceTags":[{"Key":"env","Comparison":"EQUALS","Value":"` + turn([]string{"prod", "staging", "dev", "test", "sandbox"}, i) +
				`"}],"Type":[{"Comparison":"PREFIX","Value":"Software and Configuration Checks/Vulnerabilities"}]`
		}, ""),
		one("title-contains-failed", func(i int) string {
			return `"Title":[{"Comparison":"CONTAINS","Value":"` + turn([]string{"encryption", "snapshot-", "malicious host", "backdoor"}, i) + `"}],` + is("ComplianceStatus", "FAILED")
		}, ""),
		one("title-contains-rare", func(i int) string {
			return `"Title":[{"Comparison":"CONTAINS","Value":"-` + strconv.Itoa(10_000+i*37) + ` "}]`
		}, ""),
		one("last-day-generator", func(i int) string {
			return `"UpdatedAt":[{"Start":"` + lastDay + `","End":"2099-01-01T00:00:00Z"}],"GeneratorId":[{"Comparison":"PREFIX","Value":"` +
				turn([]string{"cis-", "pci-", "nist-"}, i) + `"}]`
		}, ""),
		one("newest", all, ""),
		one("id", func(i int) string {
			return `"Id":[{"Comparison":"EQUALS","Value":` + valueOf(asff.FieldId, (i*7919+11)%n) + `}]`
		}, ""),
		one("rare-product-field", func(i int) string {
			return `"ProductFields":[{"Key":"custom/campaign","Comparison":"EQUALS","Value":"c` + strconv.Itoa(i%3) + `"}]`
		}, ""),
		one("seven-with-not", func(i int) string {
			return is("SeverityLabel", "HIGH", "CRITICAL") + "," + is("RecordState", "ACTIVE") + "," + is("WorkflowStatus", "NEW") + "," +
				is("ComplianceStatus", turn([]string{"FAILED", "WARNING", "NOT_AVAILABLE"}, i)) + "," + is("ResourceType", "AwsS3Bucket") +
				`,"Type":[{"Comparison":"PREFIX_NOT_EQUALS","Value":"TTPs"}],"ProductFields":[{"Key":"StandardsGuideArn","Comparison":"EQUALS",` +
				`"Value":"arn:aws:securityhub:::ruleset/cis-aws-foundations-benchmark/v/1.4.0"}]`
		}, ""),
		one("newest-by-title", all, `{"Field":"Title"}`),
		deep("200-pages-newest", ""),
		deep("200-pages-by-title", `{"Field":"Title","SortOrder":"asc"}`),
		deep("200-pages-by-id", `{"Field":"Id","SortOrder":"asc"}`),
		deep("200-pages-by-created", `{"Field":"CreatedAt","SortOrder":"asc"}`),
	}
}

// measure asks a question again and again, and reports the times. A question of many pages is timed as a whole.
func (h *hubProcess) measure(b *testing.B, q *question) {
	b.Helper()
	ctx := b.Context()
	var times []time.Duration
	read := 0
	once := func(i int) {
		token := ""
		began := time.Now()
		for page := range q.pages {
			var size int
			var err error
			token, size, err = h.ask(ctx, "/findings", q.body(i, token))
			require.NoError(b, err)
			read += size
			if token == "" && page < q.pages-1 {
				require.Equal(b, 1, q.pages, "the pages end too early")
			}
		}
		times = append(times, time.Since(began))
	}
	for i := range min(20, 40/q.pages+1) { // warm
		once(i)
	}
	times, read = times[:0], 0
	most, began := 500/q.pages+3, time.Now()
	b.ResetTimer()
	for i := 0; i < most && (i < 3 || time.Since(began) < 6*time.Second); i++ {
		once(1000 + i)
	}
	b.StopTimer()
	report(b, times)
	b.ReportMetric(float64(read)/float64(len(times))/1024, "KB")
}

// report tells the middle of the times, and the time that one in a hundred exceeds.
func report(b *testing.B, times []time.Duration) {
	b.Helper()
	slices.Sort(times)
	ms := func(d time.Duration) float64 { return float64(d) / 1e6 }
	b.ReportMetric(ms(times[len(times)/2]), "p50-ms")
	b.ReportMetric(ms(times[len(times)*99/100]), "p99-ms")
	b.ReportMetric(0, "ns/op")
}

// fill imports findings 0 to n: a batch is of one account.
func (h *hubProcess) fill(b *testing.B, n int) {
	b.Helper()
	type batch struct {
		text  []byte
		count int
	}
	full := make(chan batch, 16)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for c := range full {
				answer, err := h.send.importBatch(b.Context(), h.from, append(c.text, batchTail...))
				if err != nil || answer.FailedCount > 0 {
					b.Errorf("import: %v %+v", err, answer)
				}
			}
		})
	}
	open := map[string]*batch{}
	for i := range n {
		account := asfftest.Account(i)
		c := open[account]
		if c == nil {
			c = &batch{text: append(make([]byte, 0, 100*3600), batchHead...)}
			open[account] = c
		} else {
			c.text = append(c.text, ',')
		}
		c.text = asfftest.Append(c.text, "", fallbackRegion, i, 0)
		if c.count++; c.count == asff.MaxFindings {
			full <- *c
			delete(open, account)
		}
	}
	for _, c := range open {
		full <- *c
	}
	close(full)
	wg.Wait()
}

// importing has 4 clients import until stop is called: updates of findings that are there, and new ones.
func (h *hubProcess) importing(b *testing.B, n int) (stop func()) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	for c := range 4 {
		wg.Go(func() {
			for round := 0; ctx.Err() == nil; round++ {
				text := append([]byte(nil), batchHead...)
				account, count := asfftest.Account(round*4+c), 0
				for i := 0; count < asff.MaxFindings; i++ {
					k := (round*7919 + c*104_729 + i*31) % n
					version := 1 + round%5
					if i%4 == 0 { // one that is new
						k, version = n+(round*4+c)*10_000+i, 0
					}
					if count > 0 {
						text = append(text, ',')
					}
					text = asfftest.Append(text, account, fallbackRegion, k, version)
					count++
				}
				if _, err := h.send.importBatch(ctx, h.from, append(text, batchTail...)); err != nil && ctx.Err() == nil {
					b.Errorf("import: %v", err)
					return
				}
			}
		})
	}
	return func() {
		cancel()
		wg.Wait()
	}
}

// BenchmarkQuestions asks a hub, in a process of its own and over HTTP with signed requests, for what people ask: pages of 100, warm. One run
// is the whole table: go test -bench '^BenchmarkQuestions$' -benchtime 1x. HUBCAP_BENCH_FINDINGS says how many findings there are;
// HUBCAP_BENCH_STORE names a directory that is kept and used again.
func BenchmarkQuestions(b *testing.B) {
	n := questionsSize()
	h := &hubProcess{dir: os.Getenv("HUBCAP_BENCH_STORE")}
	if h.dir == "" {
		h.dir = b.TempDir()
	}
	_, err := os.Stat(h.dir + "/filled")
	h.start(b)
	if os.IsNotExist(err) {
		h.fill(b, n)
		require.NoError(b, os.WriteFile(h.dir+"/filled", nil, 0o600))
	}
	size := "n=" + strconv.Itoa(n) + "/"
	defer func() { h.stop(b, os.Interrupt) }()
	b.Run(size+"open-after-close", func(b *testing.B) {
		h.stop(b, os.Interrupt)
		report(b, []time.Duration{h.start(b)})
	})
	b.Run(size+"open-after-kill", func(b *testing.B) {
		stop := h.importing(b, 1000)
		time.Sleep(200 * time.Millisecond) //nolint:forbidigo // a benchmark, not a test: some writes are to be under way
		stop()
		h.stop(b, os.Kill)
		report(b, []time.Duration{h.start(b)})
	})
	questions := questionsAbout(n)
	for i := range questions {
		b.Run(size+questions[i].name, func(b *testing.B) { h.measure(b, &questions[i]) })
	}
	b.Run(size+"resident", func(b *testing.B) {
		b.ReportMetric(h.resident(b), "MB")
		b.ReportMetric(0, "ns/op")
	})
	stop := h.importing(b, n)
	for i := range questions {
		b.Run(size+questions[i].name+"/importing", func(b *testing.B) { h.measure(b, &questions[i]) })
	}
	stop()
	b.Run(size+"export-paged", func(b *testing.B) {
		began, token := time.Now(), ""
		for {
			var err error
			if token, _, err = h.ask(b.Context(), "/findings", getFindings("", `{"Field":"Id"}`, token)); err != nil || token == "" {
				require.NoError(b, err)
				break
			}
		}
		report(b, []time.Duration{time.Since(began)})
	})
}
