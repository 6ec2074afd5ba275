package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"hubcap/internal/asff"
	"hubcap/internal/asff/asfftest"
)

// benchCmd is `hubcap bench`.
type benchCmd struct {
	Endpoint string        `default:"http://127.0.0.1:4510" env:"HUBCAP_ENDPOINT,AWS_ENDPOINT_URL_SECURITYHUB" placeholder:"URL" help:"The hub (${default})."`
	Clients  []int         `default:"1,4,16" placeholder:"N,..." help:"Numbers of clients at once, a pair of rows each (${default})."`
	Findings int           `default:"20000" placeholder:"N" help:"Findings a row at most (${default})."`
	For      time.Duration `default:"10s" placeholder:"DURATION" help:"Time a row at most (${default})."`
	Batch    int           `default:"100" placeholder:"N" help:"Findings a request (${default})."`
	Account  string        `default:"111122223333" placeholder:"ID" help:"The account of the findings; with keys that are checked, the key's (${default})."`
}

// Help is what `hubcap bench --help` says besides.
func (*benchCmd) Help() string {
	return `Measures how many findings a second a hub takes: new ones, then updates of the same in which three members changed. Requests are made
beforehand and signed as they are sent; findings are synthetic, 3.3 KB, of the account's default product. THEY STAY IN THE HUB: use one
that may be thrown away. Credentials and region are found as the AWS CLI finds them; where there are none, the account is the key id.
The columns cpu and allocs are what the hub's own process used for a finding, from its /metrics.`
}

// maxBenchFindings keeps the requests of a row in memory: 3.3 KB a finding.
const maxBenchFindings = 200_000

func (c *benchCmd) check() error {
	switch {
	case c.Findings < 1 || c.Findings > maxBenchFindings:
		return fmt.Errorf("--findings %d: must be 1 to %d", c.Findings, maxBenchFindings)
	case c.Batch < 1 || c.Batch > asff.MaxFindings:
		return fmt.Errorf("--batch %d: must be 1 to %d", c.Batch, asff.MaxFindings)
	case c.For <= 0:
		return fmt.Errorf("--for %s: must be longer than nothing", c.For)
	case !accountID.MatchString(c.Account):
		return fmt.Errorf("--account %s: must be 12 digits", c.Account)
	}
	for _, n := range c.Clients {
		if n < 1 || n > maxConnections {
			return fmt.Errorf("--clients %d: must be 1 to %d", n, maxConnections)
		}
	}
	return nil
}

// Run prints a table, row by row.
func (c *benchCmd) Run(ctx context.Context, std *streams) error {
	if err := c.check(); err != nil {
		return err
	}
	send, err := newSender(c.Endpoint, 0, nil)
	if err != nil {
		return err
	}
	w, err := openWallet(ctx)
	if err != nil {
		return err
	}
	from := caller{Credentials: w.keys, Region: firstOf(w.region, fallbackRegion)}
	if w.keys == nil {
		from.Credentials = credentials.NewStaticCredentialsProvider(c.Account, "any", "")
	}
	info, _ := debug.ReadBuildInfo()
	if _, err := fmt.Fprintf(std.Out, "hubcap %s against %s: %s a request, at most %s or %s a row; client on %d processors, %s %s/%s\n\n",
		versionName(info), send.endpoint, count(c.Batch, "finding"), count(c.Findings, "finding"), c.For,
		runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH); err != nil {
		return err
	}

	// Wide enough for any row, so that each can be printed when it is done.
	table := tabwriter.NewWriter(std.Out, 10, 0, 2, ' ', tabwriter.AlignRight)
	line := func(cells ...string) error {
		if _, err := fmt.Fprintln(table, strings.Join(cells, "\t")+"\t"); err != nil {
			return err
		}
		return table.Flush()
	}
	if err := line("clients", "what", "findings", "seconds", "findings/s", "p50 ms", "p99 ms", "cpu us", "allocs", "failed"); err != nil {
		return err
	}
	// Numbers no other run of the last days had, so that new findings are new.
	next := int(time.Now().Unix()&(1<<20-1)) << 18
	for _, clients := range c.Clients {
		work := benchWork{account: c.Account, region: from.Region, first: next, findings: c.Findings, batch: c.Batch}
		next += c.Findings
		for version, what := range []string{"new", "update"} {
			work.version = version
			row, err := work.run(ctx, send, from, clients, c.For)
			if err != nil {
				return err
			}
			if err := line(strconv.Itoa(clients), what, strconv.Itoa(row.findings), fmt.Sprintf("%.2f", row.took.Seconds()),
				fmt.Sprintf("%.0f", float64(row.findings)/row.took.Seconds()), milliseconds(row.quantile(0.5)), milliseconds(row.quantile(0.99)),
				each(row.used.cpu*1e6, row.findings), each(row.used.allocs, row.findings), strconv.Itoa(row.failed)); err != nil {
				return err
			}
			work.findings = row.findings // what was not reached cannot be updated
			if row.failed > 0 {
				return fmt.Errorf("%s failed, the first with: %s", count(row.failed, "finding"), printable(row.reason))
			}
		}
	}
	return nil
}

// each is a sum by finding; "-" where the hub does not say.
func each(sum float64, findings int) string {
	if math.IsNaN(sum) {
		return "-"
	}
	return strconv.FormatFloat(sum/float64(findings), 'f', 1, 64)
}

func milliseconds(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/1e6, 'f', 1, 64)
}

// benchWork is what a row sends: findings first, first+1, ... of an account.
type benchWork struct {
	account, region          string
	first, findings, version int
	batch                    int
}

// benchBody is a request made beforehand.
type benchBody struct {
	text     []byte
	hash     string
	findings int
}

func (w *benchWork) bodies() []benchBody {
	var all []benchBody
	for from := 0; from < w.findings; from += w.batch {
		n := min(w.batch, w.findings-from)
		text := make([]byte, 0, n*3600)
		text = append(text, batchHead...)
		for i := range n {
			if i > 0 {
				text = append(text, ',')
			}
			text = asfftest.Append(text, w.account, w.region, w.first+from+i, w.version)
		}
		text = append(text, batchTail...)
		all = append(all, benchBody{text: text, hash: payloadHash(text), findings: n})
	}
	return all
}

// benchRow is what was measured.
type benchRow struct {
	findings int // acknowledged, failed ones included
	failed   int
	reason   string // of the first that failed
	took     time.Duration
	used     spent
	requests []time.Duration
}

// quantile is the time within which the share q of the requests was answered.
func (r *benchRow) quantile(q float64) time.Duration {
	if len(r.requests) == 0 {
		return 0
	}
	slices.Sort(r.requests)
	return r.requests[max(int(math.Ceil(q*float64(len(r.requests))))-1, 0)]
}

// run sends the work with many clients at once, each its next request as soon as the last was answered, in order, until the work
// or the time is over.
func (w *benchWork) run(ctx context.Context, send *sender, from caller, clients int, limit time.Duration) (*benchRow, error) {
	bodies := w.bodies()
	runtime.GC() // not while the clock runs
	row := new(benchRow)
	before := askSpent(ctx, send)
	var (
		taken atomic.Int64
		mu    sync.Mutex
		wg    sync.WaitGroup
		first error
		start = time.Now()
	)
	for range clients {
		wg.Go(func() {
			for time.Since(start) < limit {
				i := int(taken.Add(1)) - 1
				if i >= len(bodies) {
					return
				}
				asked := time.Now()
				answer, err := send.importHashed(ctx, from, bodies[i].text, bodies[i].hash)
				took := time.Since(asked)
				mu.Lock()
				if err != nil {
					if first == nil {
						first = err
					}
					taken.Store(int64(len(bodies)))
				} else {
					row.findings += bodies[i].findings
					row.failed += answer.FailedCount
					row.requests = append(row.requests, took)
					if row.reason == "" && len(answer.FailedFindings) > 0 {
						f := answer.FailedFindings[0]
						row.reason = f.ErrorCode + ": " + f.ErrorMessage
					}
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	row.took = time.Since(start)
	row.used = askSpent(ctx, send)
	row.used.cpu -= before.cpu
	row.used.allocs -= before.allocs
	return row, first
}

// spent is what the hub's process has used so far; NaN where it does not say.
type spent struct {
	cpu    float64 // seconds of processor time
	allocs float64 // objects allocated
}

// askSpent reads the hub's /metrics.
func askSpent(ctx context.Context, send *sender) spent {
	out := spent{cpu: math.NaN(), allocs: math.NaN()}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, send.endpoint+"/metrics", http.NoBody)
	if err != nil {
		return out
	}
	resp, err := send.client.Do(req)
	if err != nil {
		return out
	}
	defer resp.Body.Close() //nolint:errcheck // only read from
	if resp.StatusCode != http.StatusOK {
		return out
	}
	lines := bufio.NewScanner(io.LimitReader(resp.Body, maxAnswer))
	for lines.Scan() {
		name, text, _ := strings.Cut(lines.Text(), " ")
		to := &out.cpu
		switch name {
		case "process_cpu_seconds_total":
		case "go_memstats_mallocs_total":
			to = &out.allocs
		default:
			continue
		}
		if v, err := strconv.ParseFloat(text, 64); err == nil {
			*to = v
		}
	}
	return out
}
