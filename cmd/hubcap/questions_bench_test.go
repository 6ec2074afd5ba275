package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
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

// The organisation: an account that designates, one that administers, and those that the findings are spread over.
const (
	benchManagement    = "111111111111"
	benchAdministrator = "222222222222"
)

// hubProcess is a hub in a process of its own, so that its memory can be told from the client's. It checks signatures; each account has
// a key, and the administrator reads what all of them have.
type hubProcess struct {
	cmd    *exec.Cmd
	store  string
	send   *sender
	bodies sync.Pool
}

func benchCaller(account string) caller {
	return caller{Credentials: credentials.NewStaticCredentialsProvider("AKIAHUBCAP"+account, "secret of "+account, ""), Region: fallbackRegion}
}

var benchAccounts = sync.OnceValue(func() []string {
	seen := map[string]bool{}
	for n := 0; len(seen) < asfftest.Accounts; n++ {
		seen[asfftest.Account(n)] = true
	}
	return slices.Sorted(maps.Keys(seen))
})

// configure writes the configuration beside the store.
func (h *hubProcess) configure(b *testing.B) (file string) {
	b.Helper()
	var text bytes.Buffer
	for _, a := range append([]string{benchManagement, benchAdministrator}, benchAccounts()...) {
		fmt.Fprintf(&text, "[[keys]]\nid = \"AKIAHUBCAP%s\"\nsecret = \"secret of %s\"\naccount = %q\n", a, a, a)
	}
	fmt.Fprintf(&text, "[organization]\nmanagement_account = %q\naccounts = [{ id = %q }", benchManagement, benchAdministrator)
	for _, a := range benchAccounts() {
		fmt.Fprintf(&text, ", { id = %q }", a)
	}
	text.WriteString("]\n")
	file = filepath.Join(b.TempDir(), "hubcap.toml")
	require.NoError(b, os.WriteFile(file, text.Bytes(), 0o600))
	return file
}

// organise makes the accounts members of the administrator.
func (h *hubProcess) organise(b *testing.B) {
	b.Helper()
	_, _, err := h.ask(b.Context(), benchCaller(benchManagement), http.MethodPost, "/organization/admin/enable", []byte(`{"AdminAccountId":"`+benchAdministrator+`"}`))
	require.NoError(b, err)
	for some := range slices.Chunk(benchAccounts(), 50) {
		body := []byte(`{"AccountDetails":[`)
		for i, a := range some {
			if i > 0 {
				body = append(body, ',')
			}
			body = append(body, `{"AccountId":"`+a+`"}`...)
		}
		_, _, err := h.ask(b.Context(), benchCaller(benchAdministrator), http.MethodPost, "/members", append(body, "]}"...))
		require.NoError(b, err)
	}
}

// start serves the directory and waits until the hub answers. It returns how long that took.
func (h *hubProcess) start(b *testing.B) time.Duration {
	b.Helper()
	began := time.Now()
	h.cmd = exec.Command("hubcap", "serve", "--addr", "127.0.0.1:0", "--store", h.store, "--auth", "sigv4", "--config", h.configure(b))
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

var nextToken = regexp.MustCompile(`"(?:NextToken|InsightArn)":"([^"]*)"`)

// ask sends a signed request and reads the answer. It returns what follows "NextToken" or "InsightArn" in it, and how many bytes
// were read.
func (h *hubProcess) ask(ctx context.Context, as caller, method, path string, body []byte) (token string, size int, err error) {
	req, err := http.NewRequestWithContext(ctx, method, h.send.endpoint+path, bytes.NewReader(body))
	if err != nil {
		return "", 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	keys, err := as.Credentials.Retrieve(ctx)
	if err != nil {
		return "", 0, err
	}
	if err := h.send.signer.SignHTTP(ctx, keys, req, payloadHash(body), signingName, as.Region, time.Now()); err != nil {
		return "", 0, err
	}
	resp, err := h.send.client.Do(req)
	if err != nil {
		return "", 0, err
	}
	defer resp.Body.Close()
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
	goal  float64 // p50 in milliseconds, to reach with a million findings
	pages int     // one after the other
	group string  // an insight instead: the attribute that it counts by
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
	one := func(name string, goal float64, filters func(i int) string, sort string) question {
		return question{name: name, goal: goal, pages: 1, body: func(i int, token string) []byte { return getFindings(filters(i), sort, token) }}
	}
	severities := []string{"CRITICAL", "HIGH", "MEDIUM"}
	all := func(int) string { return "" }
	lastDay := asfftest.Last(n).Add(-24 * time.Hour).Format(time.RFC3339)
	deep := func(name, sort string) question {
		return question{name: name, goal: 400, pages: 200, body: func(_ int, token string) []byte { return getFindings("", sort, token) }}
	}
	return []question{
		one("severity-record-workflow", 5, func(i int) string {
			return is("SeverityLabel", turn(severities, i)) + "," + is("RecordState", "ACTIVE") + "," + is("WorkflowStatus", "NEW")
		}, ""),
		one("account-by-severity", 5, func(i int) string { return is("AwsAccountId", asfftest.Account(i*7)) }, `{"Field":"SeverityLabel","SortOrder":"desc"}`),
		one("resource", 1, func(i int) string {
			return `"ResourceId":[{"Comparison":"EQUALS","Value":` + valueOf(asff.FieldResourceId, (i*991+60)%n) + `}]`
		}, ""),
		one("tag-type-prefix", 5, func(i int) string {
			return `"ResourceTags":[{"Key":"env","Comparison":"EQUALS","Value":"` + turn([]string{"prod", "staging", "dev", "test", "sandbox"}, i) +
				`"}],"Type":[{"Comparison":"PREFIX","Value":"Software and Configuration Checks/Vulnerabilities"}]`
		}, ""),
		one("title-contains-failed", 10, func(i int) string {
			return `"Title":[{"Comparison":"CONTAINS","Value":"` + turn([]string{"encryption", "snapshot-", "malicious host", "backdoor"}, i) + `"}],` + is("ComplianceStatus", "FAILED")
		}, ""),
		one("title-contains-rare", 10, func(i int) string {
			return `"Title":[{"Comparison":"CONTAINS","Value":"-` + strconv.Itoa(10_000+i*37) + ` "}]`
		}, ""),
		one("last-day-generator", 5, func(i int) string {
			return `"UpdatedAt":[{"Start":"` + lastDay + `","End":"2099-01-01T00:00:00Z"}],"GeneratorId":[{"Comparison":"PREFIX","Value":"` +
				turn([]string{"cis-", "pci-", "nist-"}, i) + `"}]`
		}, ""),
		one("newest", 3, all, ""),
		one("id", 0.5, func(i int) string {
			return `"Id":[{"Comparison":"EQUALS","Value":` + valueOf(asff.FieldId, (i*7919+11)%n) + `}]`
		}, ""),
		one("rare-product-field", 5, func(i int) string {
			return `"ProductFields":[{"Key":"custom/campaign","Comparison":"EQUALS","Value":"c` + strconv.Itoa(i%3) + `"}]`
		}, ""),
		one("seven-with-not", 5, func(i int) string {
			return is("SeverityLabel", "HIGH", "CRITICAL") + "," + is("RecordState", "ACTIVE") + "," + is("WorkflowStatus", "NEW") + "," +
				is("ComplianceStatus", turn([]string{"FAILED", "WARNING", "NOT_AVAILABLE"}, i)) + "," + is("ResourceType", "AwsS3Bucket") +
				`,"Type":[{"Comparison":"PREFIX_NOT_EQUALS","Value":"TTPs"}],"ProductFields":[{"Key":"StandardsGuideArn","Comparison":"EQUALS",` +
				`"Value":"arn:aws:securityhub:::ruleset/cis-aws-foundations-benchmark/v/1.4.0"}]`
		}, ""),
		one("first-by-title", 5, all, `{"Field":"Title"}`),
		{name: "group-by-resource", goal: 30, pages: 1, group: `{"Name":"a","Filters":{` + is("SeverityLabel", "HIGH", "CRITICAL") + `},"GroupByAttribute":"ResourceId"}`},
		{name: "group-by-severity", goal: 5, pages: 1, group: `{"Name":"b","Filters":{},"GroupByAttribute":"SeverityLabel"}`},
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
	reader := benchCaller(benchAdministrator)
	method, path, body := http.MethodPost, "/findings", q.body
	if q.group != "" {
		arn, _, err := h.ask(ctx, reader, method, "/insights", []byte(q.group))
		require.NoError(b, err)
		method, path, body = http.MethodGet, "/insights/results/"+arn, func(int, string) []byte { return nil }
	}
	once := func(i int) {
		token := ""
		began := time.Now()
		for page := range q.pages {
			var size int
			var err error
			token, size, err = h.ask(ctx, reader, method, path, body(i, token))
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
	b.ReportMetric(q.goal, "goal-ms")
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
		account string
		text    []byte
		count   int
	}
	full := make(chan batch, 16)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for c := range full {
				answer, err := h.send.importBatch(b.Context(), benchCaller(c.account), append(c.text, batchTail...))
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
			c = &batch{account: account, text: append(make([]byte, 0, 100*3600), batchHead...)}
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

// importing has 4 clients, in a process of their own, import until stop is called: new findings of an account, then updates of them, and
// so on.
func (h *hubProcess) importing(b *testing.B) (stop func()) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	account := benchAccounts()[0]
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			cmd := exec.CommandContext(ctx, "hubcap", "bench", "--endpoint", h.send.endpoint, "--clients", "4", "--account", account, "--findings", "20000")
			cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=AKIAHUBCAP"+account, "AWS_SECRET_ACCESS_KEY=secret of "+account, "AWS_REGION="+fallbackRegion)
			if out, err := cmd.CombinedOutput(); err != nil && ctx.Err() == nil {
				b.Errorf("importing: %v: %s", err, out)
				return
			}
		}
	})
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
	h := &hubProcess{store: os.Getenv("HUBCAP_BENCH_STORE")}
	if h.store == "" {
		h.store = b.TempDir()
	}
	_, err := os.Stat(h.store + "/filled")
	h.start(b)
	if os.IsNotExist(err) {
		h.organise(b)
		h.fill(b, n)
		require.NoError(b, os.WriteFile(h.store+"/filled", nil, 0o600))
	}
	size := "n=" + strconv.Itoa(n) + "/"
	if os.Getenv("HUBCAP_BENCH_STORE") == "" { // else somebody wants to keep what is in it
		defer func() { sweepPauses(b, size, h.store) }()
	}
	defer func() { h.stop(b, os.Interrupt) }()
	b.Run(size+"open-after-close", func(b *testing.B) {
		h.stop(b, os.Interrupt)
		report(b, []time.Duration{h.start(b)})
		b.ReportMetric(2000, "goal-ms")
	})
	b.Run(size+"open-after-kill", func(b *testing.B) {
		stop := h.importing(b)
		time.Sleep(time.Second)
		stop()
		h.stop(b, os.Kill)
		report(b, []time.Duration{h.start(b)})
		b.ReportMetric(2000, "goal-ms")
	})
	h.questions(b, size, questionsAbout(n))
	reader := benchCaller(benchAdministrator)
	b.Run(size+"export-paged", func(b *testing.B) {
		began, token := time.Now(), ""
		for {
			var err error
			if token, _, err = h.ask(b.Context(), reader, http.MethodPost, "/findings", getFindings("", `{"Field":"CreatedAt"}`, token)); err != nil || token == "" {
				require.NoError(b, err)
				break
			}
		}
		report(b, []time.Duration{time.Since(began)})
		b.ReportMetric(60_000, "goal-ms")
	})
	b.Run(size+"export-stream", func(b *testing.B) {
		began := time.Now()
		got, err := h.export(b.Context(), reader)
		require.NoError(b, err)
		require.GreaterOrEqual(b, got, n)
		report(b, []time.Duration{time.Since(began)})
		b.ReportMetric(15_000, "goal-ms")
	})
}

// questions asks them all, on a hub that does nothing else and on one that imports.
func (h *hubProcess) questions(b *testing.B, size string, questions []question) {
	b.Helper()
	for i := range questions {
		b.Run(size+questions[i].name, func(b *testing.B) { h.measure(b, &questions[i]) })
	}
	b.Run(size+"resident", func(b *testing.B) {
		b.ReportMetric(h.resident(b), "MB")
		b.ReportMetric(1200, "goal-MB")
		b.ReportMetric(0, "ns/op")
	})
	stop := h.importing(b)
	for i := range questions {
		b.Run(size+questions[i].name+"/importing", func(b *testing.B) { h.measure(b, &questions[i]) })
	}
	stop()
}

// export reads every finding from the stream, and counts them.
func (h *hubProcess) export(ctx context.Context, as caller) (findings int, err error) {
	body := []byte("{}")
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.send.endpoint+"/hubcap/v1/findings/export", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	keys, err := as.Credentials.Retrieve(ctx)
	if err != nil {
		return 0, err
	}
	if err := h.send.signer.SignHTTP(ctx, keys, req, payloadHash(body), signingName, as.Region, time.Now()); err != nil {
		return 0, err
	}
	client := http.Client{Transport: h.send.client.Transport} // no limit of time
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 300))
		return 0, fmt.Errorf("HTTP %d: %s", resp.StatusCode, text)
	}
	buf := make([]byte, 256<<10)
	for {
		n, err := resp.Body.Read(buf)
		findings += bytes.Count(buf[:n], []byte{'\n'})
		if err == io.EOF {
			return findings, nil
		}
		if err != nil {
			return findings, err
		}
	}
}
