package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"net"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/require"

	"hubcap/internal/api"
	"hubcap/internal/hub"
	"hubcap/internal/iam"
)

// house is a running server on a port of its own, with operations that tests make.
type house struct {
	*Server
	t    testing.TB
	addr string
	log  *lines
	stop func() error // ends Serve and answers what it returned
}

// lines collects what is logged.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// The keys of the tests' --auth sigv4.
var (
	keyOne = Key{ID: "AKIAONE", Secret: "first secret", Account: "111122223333", Name: "ci"}
	keyTwo = Key{ID: "AKIATWO", Secret: "second secret", Account: "222233334444"}
)

func start(t testing.TB, cfg Config, bound map[string]operation, change ...func(*Server)) *house {
	t.Helper()
	h := &house{t: t, log: &lines{}}
	cfg.Log = slog.New(slog.NewTextHandler(h.log, nil))
	if cfg.Clock == nil {
		cfg.Clock = func() time.Time { return noon }
	}
	var err error
	h.Server, err = build(cfg, bound)
	require.NoError(t, err)
	for _, c := range change {
		c(h.Server)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	h.addr = l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- h.Serve(ctx, l) }()
	h.stop = sync.OnceValue(func() error {
		cancel()
		return <-served
	})
	t.Cleanup(func() { _ = h.stop() })
	return h
}

// request makes one, unsigned.
func (h *house) request(method, target, body string) *http.Request {
	h.t.Helper()
	r, err := http.NewRequest(method, "http://"+h.addr+target, strings.NewReader(body))
	require.NoError(h.t, err)
	r.Header.Set("Content-Type", "application/json")
	return r
}

// anyKey signs for --auth none: nobody looks at more than the key and the Region.
func anyKey(r *http.Request, keyID string) *http.Request {
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+keyID+"/20261122/eu-west-1/securityhub/aws4_request, SignedHeaders=host, Signature=0")
	return r
}

// sign signs with the SDK's signer.
func sign(t testing.TB, r *http.Request, k Key, service string, at time.Time) *http.Request {
	t.Helper()
	body := ""
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		body = string(b)
		r.Body = io.NopCloser(strings.NewReader(body))
	}
	sum := sha256.Sum256([]byte(body))
	creds := aws.Credentials{AccessKeyID: k.ID, SecretAccessKey: k.Secret}
	require.NoError(t, v4.NewSigner().SignHTTP(context.Background(), creds, r, hex.EncodeToString(sum[:]), service, "eu-west-1", at))
	return r
}

// answer is a response read to its end.
type answer struct {
	*http.Response
	body string
}

// do sends one request over a connection of its own.
func do(t testing.TB, r *http.Request) answer {
	t.Helper()
	a, err := try(r)
	require.NoError(t, err)
	return a
}

func try(r *http.Request) (answer, error) {
	tr := &http.Transport{DisableKeepAlives: true}
	resp, err := tr.RoundTrip(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp, string(b)}, err
}

// later sends a request and answers where its answer will arrive.
func (h *house) later(r *http.Request) <-chan answer {
	arrives := make(chan answer, 1)
	go func() {
		a, err := try(r)
		if err != nil {
			h.t.Error(err)
		}
		arrives <- a
	}()
	return arrives
}

func (a answer) is(t testing.TB, status int, errorType, body string) {
	t.Helper()
	require.Equal(t, status, a.StatusCode, a.body)
	require.Equal(t, errorType, a.Header.Get("X-Amzn-Errortype"))
	require.Equal(t, body, a.body)
	require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, a.Header.Get("X-Amzn-Requestid"))
	require.Equal(t, "application/json", a.Header.Get("Content-Type"))
}

type text struct {
	Text string `json:"Text"`
}

// say answers with what f makes of the call.
func say(f func(c *call) string) operation {
	return func(_ context.Context, c *call) (any, error) { return &text{f(c)}, nil }
}

const missingToken = `{"message":"Missing Authentication Token"}`

// No operation can be reached without credentials, built or not; with them, what is not built names itself (D22).
func TestEveryRow(t *testing.T) {
	h := start(t, Config{}, nil)
	require.Len(t, h.router.all(), len(api.Operations)+len(extensions(nil, nil)))
	for _, e := range extensions(nil, nil) { // hubcap's own are no exception
		target := strings.Replace(e.Pattern, "{JobId}", "some-job", 1)
		require.True(t, strings.HasPrefix(target, "/hubcap/v1/"), target)
		require.Equal(t, "hubcap:"+e.Name, e.Action)
		do(t, h.request(e.Method, target, "")).is(t, 403, "MissingAuthenticationTokenException", missingToken)
		_, taken := api.Find(e.Name)
		require.False(t, taken, "%s is the API's", e.Name)
	}
	for _, op := range api.Operations {
		target := op.Pattern
		if at := strings.IndexByte(target, '{'); at >= 0 {
			target = target[:at] + "arn%3Aaws%3Asecurityhub%3A%3A%3Ax%2Fy"
		}
		do(t, h.request(op.Method, target, "")).is(t, 403, "MissingAuthenticationTokenException", missingToken)
		do(t, anyKey(h.request(op.Method, target, ""), "111122223333")).is(t, 501, "NotImplementedException",
			`{"message":"The operation `+op.Name+` is not implemented by hubcap yet."}`)
	}
}

func (rt *router) all() []*row {
	rows := append([]*row(nil), rt.labelled...)
	for _, r := range rt.plain {
		rows = append(rows, r...)
	}
	return rows
}

func TestLabels(t *testing.T) {
	name := say(func(c *call) string { return c.row.Name + " " + c.label })
	bound := map[string]operation{}
	for _, op := range api.Operations {
		bound[op.Name] = name
	}
	h := start(t, Config{}, bound)
	for target, want := range map[string]string{
		"GET /insights/results/arn%3Aaws%3Ax%2F1": "GetInsightResults arn:aws:x/1",
		"PATCH /insights/arn:aws:x/1":             "UpdateInsight arn:aws:x/1",
		"DELETE /insights/a%252Fb":                "DeleteInsight a%2Fb",
		"GET /tags/arn%3Aaws%3Ax%2F1?x=1":         "ListTagsForResource arn:aws:x/1",
		"GET /accounts":                           "DescribeHub ",
		"POST /findings":                          "GetFindings ",
	} {
		method, path, _ := strings.Cut(target, " ")
		do(t, anyKey(h.request(method, path, ""), "x")).is(t, 200, "", `{"Text":"`+want+`"}`)
	}
	for _, target := range []string{
		"GET /nothing", "GET /", "GET /findings", "PUT /accounts", "POST /findings/", "GET /tags/", "GET /tags/a/b", "GET //accounts",
		"GET /./accounts", "OPTIONS /accounts", "GET /insights/results/%zz",
	} {
		l := h.dial(t)
		l.send("%s HTTP/1.1\nHost: localhost\n%sContent-Length: 0\n\n", target, credentials)
		if strings.Contains(target, "%zz") { // net/http refuses it before any handler
			require.Equal(t, 400, l.read().StatusCode)
			continue
		}
		l.read().is(t, 403, "MissingAuthenticationTokenException", missingToken)
	}
}

func TestPrincipals(t *testing.T) {
	who := map[string]operation{"DescribeHub": say(func(c *call) string {
		p := c.who
		word := ""
		if p.Operator {
			word = " operator"
		}
		if p.Verified {
			word += " verified"
		}
		return p.Account + " " + p.Region + " " + p.ARN + word
	})}
	open := start(t, Config{}, who)
	for key, want := range map[string]string{
		"444455556666":  "444455556666 eu-west-1 arn:aws:iam::444455556666:user/444455556666",
		"AKIAANY":       "123456789012 eu-west-1 arn:aws:iam::123456789012:user/operator operator",
		"4444555566667": "123456789012 eu-west-1 arn:aws:iam::123456789012:user/operator operator",
	} {
		do(t, anyKey(open.request("GET", "/accounts", ""), key)).is(t, 200, "", `{"Text":"`+want+`"}`)
	}
	// Nothing but key and Region is read (D54).
	r := anyKey(open.request("GET", "/accounts", ""), "444455556666")
	r.Header.Set("X-Amz-Security-Token", "x")
	r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	require.Equal(t, 200, do(t, r).StatusCode)

	checked := start(t, Config{Verify: true, Keys: []Key{keyOne, keyTwo}}, who)
	for _, c := range []struct {
		key  Key
		want string
	}{
		{keyOne, "111122223333 eu-west-1 arn:aws:iam::111122223333:user/ci verified"},
		{keyTwo, "222233334444 eu-west-1 arn:aws:iam::222233334444:user/AKIATWO verified"},
	} {
		do(t, sign(t, checked.request("GET", "/accounts", ""), c.key, "securityhub", noon)).is(t, 200, "", `{"Text":"`+c.want+`"}`)
	}
}

// What a wrong signature answers, through the whole server.
func TestRefusedSignatures(t *testing.T) {
	h := start(t, Config{Verify: true, Keys: []Key{keyOne}}, map[string]operation{
		"GetFindings": say(func(*call) string { panic("reached") }),
	})
	stranger, wrong := keyOne, keyOne
	stranger.ID, wrong.Secret = "AKIANOBODY", "guessed"
	const mismatch = `{"message":"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key ` +
		`and signing method. Consult the service documentation for details."}`
	fresh := func() *http.Request { return h.request("POST", "/findings", "{}") }

	do(t, sign(t, fresh(), stranger, "securityhub", noon)).is(t, 403, "UnrecognizedClientException",
		`{"message":"The security token included in the request is invalid."}`)
	do(t, sign(t, fresh(), wrong, "securityhub", noon)).is(t, 403, "InvalidSignatureException", mismatch)
	do(t, sign(t, fresh(), keyOne, "securityhub", noon.Add(-6*time.Minute))).is(t, 403, "InvalidSignatureException",
		`{"message":"Signature expired: 20261122T115400Z is now earlier than 20261122T115500Z (20261122T120000Z - 5 min.)"}`)
	do(t, sign(t, fresh(), keyOne, "sts", noon)).is(t, 403, "InvalidSignatureException",
		`{"message":"Credential should be scoped to correct service: 'securityhub'."}`)

	r := sign(t, fresh(), keyOne, "securityhub", noon)
	r.Body = io.NopCloser(strings.NewReader("[]"))
	do(t, r).is(t, 403, "InvalidSignatureException", mismatch)

	r = sign(t, fresh(), keyOne, "securityhub", noon)
	r.Header.Set("X-Amz-Security-Token", "temporary")
	do(t, r).is(t, 403, "UnrecognizedClientException", `{"message":"The security token included in the request is invalid."}`)
	require.Contains(t, h.log.String(), "unset AWS_SESSION_TOKEN")

	for _, auth := range []bool{true, false} { // query-signed, in every mode (D40)
		h := start(t, Config{Verify: auth, Keys: []Key{keyOne}}, nil)
		do(t, h.request("GET", "/accounts?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0", "")).is(t, 403, "IncompleteSignatureException",
			`{"message":"Requests signed in the query string are not accepted: sign the Authorization header."}`)
	}
}

func TestPolicies(t *testing.T) {
	policy, err := iam.NewPolicy([]iam.Statement{
		{Effect: "Allow", Action: []string{"securityhub:Describe*", "securityhub:DeleteInsight"}, Resource: []string{"*"}},
		{Effect: "Deny", Action: []string{"*"}, Resource: []string{"arn:aws:securityhub:*:*:insight/*"}},
	})
	require.NoError(t, err)
	limited := keyOne
	limited.Policy = policy
	reached := say(func(*call) string { return "reached" })
	h := start(t, Config{Verify: true, Keys: []Key{limited}}, map[string]operation{
		"DescribeHub": reached, "GetFindings": reached, "BatchImportFindings": reached, "DeleteInsight": reached,
	})
	ask := func(method, target string) answer {
		return do(t, sign(t, h.request(method, target, ""), limited, "securityhub", noon))
	}
	ask("GET", "/accounts").is(t, 200, "", `{"Text":"reached"}`)
	ask("POST", "/findings").is(t, 403, "AccessDeniedException", `{"Message":"User: arn:aws:iam::111122223333:user/ci is not authorized to perform: `+
		`securityhub:GetFindings on resource: arn:aws:securityhub:eu-west-1:111122223333:hub/default because no identity-based policy allows the `+
		`securityhub:GetFindings action","Code":"AccessDeniedException"}`)
	ask("DELETE", "/insights/arn%3Aaws%3Asecurityhub%3Aeu-west-1%3A111122223333%3Ainsight%2Fx").is(t, 403, "AccessDeniedException",
		`{"Message":"User: arn:aws:iam::111122223333:user/ci is not authorized to perform: securityhub:DeleteInsight on resource: `+
			`arn:aws:securityhub:eu-west-1:111122223333:hub/default with an explicit deny","Code":"AccessDeniedException"}`)
	// Its permission is asked finding by finding, in the hub.
	ask("POST", "/findings/import").is(t, 200, "", `{"Text":"reached"}`)
}

func TestAuthorisedInsideNamesRows(t *testing.T) {
	for name := range authorisedInside {
		_, ok := api.Find(name)
		require.True(t, ok, name)
	}
	_, err := build(Config{Clock: time.Now}, map[string]operation{"GetFinding": nil})
	require.ErrorContains(t, err, "GetFinding is bound but is no row")
}

func TestIdentity(t *testing.T) {
	ask := func(h *house, body string) *http.Request {
		r := h.request("POST", "/", body)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		return r
	}
	const form = "Action=GetCallerIdentity&Version=2011-06-15"
	h := start(t, Config{Verify: true, Keys: []Key{keyOne}}, nil)
	a := do(t, sign(t, ask(h, form), keyOne, "sts", noon))
	require.Equal(t, 200, a.StatusCode, a.body)
	require.Equal(t, "text/xml", a.Header.Get("Content-Type"))
	require.Equal(t, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>`+
		`<Arn>arn:aws:iam::111122223333:user/ci</Arn><UserId>AKIAONE</UserId><Account>111122223333</Account></GetCallerIdentityResult>`+
		`<ResponseMetadata><RequestId>`+a.Header.Get("X-Amzn-Requestid")+`</RequestId></ResponseMetadata></GetCallerIdentityResponse>`+"\n", a.body)

	a = do(t, ask(h, form))
	require.Equal(t, 403, a.StatusCode)
	require.Contains(t, a.body, "<Type>Sender</Type><Code>MissingAuthenticationTokenException</Code><Message>Missing Authentication Token</Message>")
	a = do(t, sign(t, ask(h, "Action=Assume<Role>"), keyOne, "sts", noon))
	require.Equal(t, 501, a.StatusCode)
	require.Contains(t, a.body, "GetCallerIdentity alone, not Assume&lt;Role&gt;.")
	a = do(t, sign(t, ask(h, ""), keyOne, "sts", noon))
	require.Equal(t, 403, a.StatusCode)

	open := start(t, Config{}, nil)
	require.Contains(t, do(t, anyKey(ask(open, form), "777788889999")).body, "<Account>777788889999</Account>")
}

// AWS's rates hold for an account, Region and operation (D105), and refill with the clock (spec 11). The profile open has none.
func TestRates(t *testing.T) {
	var mu sync.Mutex
	now := noon
	pass := func(d time.Duration) { mu.Lock(); defer mu.Unlock(); now = now.Add(d) }
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	answers := say(func(*call) string { return "" })
	refuses := func(context.Context, *call) (any, error) { return nil, api.Errorf(api.AccessDenied, "no") }
	bound := map[string]operation{
		"GetFindings": answers, "BatchImportFindings": answers, "BatchUpdateFindings": answers, "DescribeHub": answers, "DescribeProducts": answers,
		"UpdateStandardsControl": answers, "BatchEnableStandards": answers, "GetFindingHistory": refuses,
	}
	h := start(t, Config{Throttle: true, Clock: clock}, bound)
	ask := func(h *house, operation, key string) int {
		op, ok := api.Find(operation)
		require.True(t, ok)
		target, _, _ := strings.Cut(op.Pattern, "{")
		if target != op.Pattern {
			target += "x"
		}
		a := do(t, anyKey(h.request(op.Method, target, ""), key))
		if a.StatusCode == http.StatusTooManyRequests {
			a.is(t, 429, "TooManyRequestsException", `{"message":"Too Many Requests"}`)
		}
		return a.StatusCode
	}
	count := func(operation, key string) (passed int) {
		for ask(h, operation, key) == 200 {
			passed++
		}
		return passed
	}
	for _, c := range []struct {
		operation     string
		steady, burst int
	}{{"GetFindings", 3, 6}, {"BatchImportFindings", 10, 30}, {"BatchUpdateFindings", 10, 30}, {"DescribeHub", 10, 30}, {"UpdateStandardsControl", 1, 5}, {"BatchEnableStandards", 1, 1}} {
		require.Equal(t, c.burst, count(c.operation, "111122223333"), "the burst of %s", c.operation)
		require.Equal(t, c.burst, count(c.operation, "222233334444"), "another account has its own")
		pass(time.Second)
		require.Equal(t, c.steady, count(c.operation, "111122223333"), "the steady rate of %s", c.operation)
		pass(time.Hour)
		require.Equal(t, c.burst, count(c.operation, "111122223333"), "never more than the burst")
		pass(time.Hour)
	}

	// Being refused access costs nothing; a request over the rate is told so before its access is judged (D30).
	for range 100 {
		require.Equal(t, 403, ask(h, "GetFindingHistory", "111122223333"))
	}
	require.Equal(t, 30, count("DescribeProducts", "111122223333"))
	require.Equal(t, 30, count("DescribeHub", "111122223333"), "each operation has a rate of its own, and AWS's text names none for most")
	require.Equal(t, 429, ask(h, "DescribeHub", "111122223333"))
	r := anyKey(h.request("GET", "/accounts", ""), "111122223333")
	r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "eu-west-1", "eu-west-2", 1))
	require.Equal(t, 200, do(t, r).StatusCode, "each Region has its own")

	open := start(t, Config{Clock: clock}, bound)
	for range 100 {
		require.Equal(t, 200, ask(open, "GetFindings", "111122223333"))
	}
}

// However many accounts call, what is kept of their rates is bounded; who is over the rate stays so while others come and go.
func TestRatesAreBounded(t *testing.T) {
	r := newRates()
	who := func(n int) *iam.Principal { return &iam.Principal{Account: strconv.Itoa(n), Region: "eu-west-1"} }
	now := noon
	for n := range 5 * mostBuckets {
		require.True(t, r.allow(who(n), "DescribeHub", now))
		require.LessOrEqual(t, len(r.buckets), mostBuckets)
	}

	r = newRates()
	busy := who(-1)
	for n := range mostBuckets - 1 {
		require.True(t, r.allow(who(n), "DescribeHub", now))
	}
	now = now.Add(time.Hour)
	for r.allow(busy, "GetFindings", now) {
		require.Len(t, r.buckets, mostBuckets)
	}
	require.True(t, r.allow(who(mostBuckets), "DescribeHub", now))
	require.Len(t, r.buckets, 2, "those that are full again are forgotten")
	require.False(t, r.allow(busy, "GetFindings", now), "whose rate is spent is not")
}

func TestMetrics(t *testing.T) {
	h := start(t, Config{}, map[string]operation{"GetFindings": say(func(*call) string { return "" })})
	do(t, anyKey(h.request("POST", "/findings", ""), "111122223333"))
	do(t, h.request("GET", "/no-such-path/arn:aws:x", ""))
	a := do(t, h.request("GET", "/metrics", ""))
	require.Equal(t, 200, a.StatusCode)
	require.Contains(t, a.body, `hubcap_requests_total{code="200",operation="GetFindings"} 1`)
	require.Contains(t, a.body, `hubcap_requests_total{code="403",operation="unknown"} 1`)
	require.Contains(t, a.body, `hubcap_request_seconds_count{operation="GetFindings"} 1`)
	require.Contains(t, a.body, "hubcap_inflight_bytes 0")
	require.NotContains(t, a.body, "111122223333")
	require.NotContains(t, a.body, "arn:")

	apart := start(t, Config{HideMetrics: true}, nil)
	do(t, apart.request("GET", "/metrics", "")).is(t, 403, "MissingAuthenticationTokenException", missingToken)
}

// The pages for machines need no signature and answer GET and HEAD; any other method is nobody's.
func TestHealth(t *testing.T) {
	h := start(t, Config{Verify: true}, nil)
	for _, path := range []string{"/healthz", "/metrics"} {
		a := do(t, h.request("GET", path, ""))
		require.Equal(t, 200, a.StatusCode)
		require.Equal(t, path == "/healthz", a.body == "ok\n", a.body)
		a = do(t, h.request("HEAD", path, ""))
		require.Equal(t, 200, a.StatusCode)
		require.Empty(t, a.body)
		for _, method := range []string{"POST", "DELETE", "OPTIONS"} {
			do(t, h.request(method, path, "")).is(t, 403, "MissingAuthenticationTokenException", missingToken)
		}
		do(t, h.request("GET", path+"/", "")).is(t, 403, "MissingAuthenticationTokenException", missingToken)
	}
}

// What the hub can do can be asked for: a method named as an operation is bound to its row.
func TestEveryMethodIsBound(t *testing.T) {
	bound := bindings(&hub.Hub{})
	built := 0
	for m := range reflect.TypeFor[*hub.Hub]().Methods() {
		if _, ok := api.Find(m.Name); ok {
			require.Contains(t, bound, m.Name)
			built++
		}
	}
	require.Len(t, bound, built)
}
