package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// fakeHub answers BatchImportFindings by rules a test sets, and remembers what it took.
type fakeHub struct {
	mu       sync.Mutex
	requests []fakeRequest
	taken    []string                         // Ids
	plan     []func(http.ResponseWriter) bool // answers the next requests; false: the request is taken after all
	judge    func(finding) (code string)      // per finding, "": taken
	refuse   func([]finding) *refusal         // the whole request
}

type fakeRequest struct {
	Key, Region, Token string
	Findings, Bytes    int
}

type finding struct{ ID, ProductArn, AwsAccountID string }

var scope = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([^/]+)/\d{8}/([^/]+)/securityhub/aws4_request, SignedHeaders=[^,]*host[^,]*, Signature=[0-9a-f]{64}$`)

func (h *fakeHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	m := scope.FindStringSubmatch(r.Header.Get("Authorization"))
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/findings/import" || m == nil {
		http.Error(w, fmt.Sprint("no import: ", err, r.Method, r.URL, r.Header), http.StatusTeapot)
		return
	}
	var in struct {
		Findings []struct{ Id, ProductArn, AwsAccountId string }
	}
	bad := json.Unmarshal(body, &in)
	h.requests = append(h.requests, fakeRequest{m[1], m[2], r.Header.Get("X-Amz-Security-Token"), len(in.Findings), len(body)})
	if len(h.plan) > 0 {
		next := h.plan[0]
		h.plan = h.plan[1:]
		if next(w) {
			return
		}
	}
	answerError := func(status int, code, message string) {
		w.Header().Set("X-Amzn-Errortype", code)
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"Code": code, "Message": message})
	}
	if bad != nil {
		answerError(400, "SerializationException", bad.Error())
		return
	}
	var all []finding
	for _, f := range in.Findings {
		all = append(all, finding{f.Id, f.ProductArn, f.AwsAccountId})
	}
	if h.refuse != nil {
		if no := h.refuse(all); no != nil {
			answerError(no.Status, no.Code, no.Message)
			return
		}
	}
	answer := importAnswer{FailedFindings: []failedFinding{}}
	for _, f := range all {
		code := ""
		if h.judge != nil {
			code = h.judge(f)
		}
		if code != "" {
			answer.FailedCount++
			answer.FailedFindings = append(answer.FailedFindings, failedFinding{f.ID, code, "because of " + f.ID})
			continue
		}
		answer.SuccessCount++
		h.taken = append(h.taken, f.ID)
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// bareEnvironment is a machine on which nothing of AWS is set up.
func bareEnvironment(t *testing.T) string {
	t.Helper()
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "HUBCAP_") {
			t.Setenv(name, "")
			require.NoError(t, os.Unsetenv(name))
		}
	}
	dir := t.TempDir()
	// The SDK looks up the home directory when the program starts: its files are named here.
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(dir, "config"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(dir, "credentials"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	return dir
}

// runImport runs the command line against the hub.
func runImport(t *testing.T, hub http.Handler, stdin string, args ...string) (code int, out, errs string) {
	t.Helper()
	srv := httptest.NewServer(hub)
	defer srv.Close()
	var stdout, stderr bytes.Buffer
	code = Main(t.Context(), append([]string{"import", "--endpoint", srv.URL}, args...), strings.NewReader(stdin), &stdout, &stderr)
	return code, duration.ReplaceAllString(stdout.String(), ", in T"), strings.ReplaceAll(stderr.String(), srv.URL, "http://hub")
}

var duration = regexp.MustCompile(`, in \S+ \(\d+ a second\)`)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// of is a finding of an account with a product of a region.
func of(id, account, region string) string {
	return fmt.Sprintf(`{"Id":%q,"AwsAccountId":%q,"ProductArn":"arn:aws:securityhub:%s:%s:product/%[2]s/default"}`, id, account, region, account)
}

func ofAny(id string) string { return of(id, "111122223333", "us-east-1") }

func TestImportWithoutCredentialsGoesInByFinding(t *testing.T) {
	bareEnvironment(t)
	hub := &fakeHub{}
	code, out, errs := runImport(t, hub, strings.Join([]string{
		of("a", "111122223333", "us-east-1"), of("b", "444455556666", "eu-central-1"), of("c", "111122223333", "us-east-1"),
		of("d", "111122223333", "us-gov-west-1"), `{"Id":"e","AwsAccountId":"somebody","Region":"ap-south-1"}`, `{"Id":"f","Region":7}`,
	}, "\n"), "-")
	require.Equal(t, 0, code, "%s%s", out, errs)
	require.Equal(t, "6 findings read: 6 imported, 0 failed, in T\n", out)
	var sent []string
	for _, r := range hub.requests {
		sent = append(sent, fmt.Sprintf("%s %s %d", r.Key, r.Region, r.Findings))
	}
	require.Equal(t, []string{
		"hubcap-import ap-south-1 1", "hubcap-import us-east-1 1", "111122223333 us-east-1 2", "111122223333 us-gov-west-1 1",
		"444455556666 eu-central-1 1",
	}, sent)
	require.Equal(t, []string{"e", "f", "a", "c", "d", "b"}, hub.taken)
}

func TestImportFindsCredentialsAsTheAWSCLIDoes(t *testing.T) {
	const two = `{"Id":"a","AwsAccountId":"111122223333"}{"Id":"b","AwsAccountId":"444455556666"}`
	t.Run("environment", func(t *testing.T) {
		bareEnvironment(t)
		t.Setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
		t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
		t.Setenv("AWS_SESSION_TOKEN", "token")
		t.Setenv("AWS_REGION", "eu-north-1")
		hub := &fakeHub{}
		code, _, errs := runImport(t, hub, two, "-")
		require.Equal(t, 0, code, errs)
		require.Equal(t, []fakeRequest{{"AKIDENV", "eu-north-1", "token", 2, hub.requests[0].Bytes}}, hub.requests)
	})
	t.Run("profile, region by finding", func(t *testing.T) {
		home := bareEnvironment(t)
		require.NoError(t, os.WriteFile(filepath.Join(home, "credentials"),
			[]byte("[default]\naws_access_key_id=AKIDDEF\naws_secret_access_key=s\n[ci]\naws_access_key_id=AKIDCI\naws_secret_access_key=s\n"), 0o600))
		hub := &fakeHub{}
		code, _, errs := runImport(t, hub, two, "-")
		require.Equal(t, 0, code, errs)
		t.Setenv("AWS_PROFILE", "ci")
		code, _, errs = runImport(t, hub, of("c", "1", "eu-west-3"), "-")
		require.Equal(t, 0, code, errs)
		require.Equal(t, "AKIDDEF us-east-1 AKIDCI eu-west-3", fmt.Sprintf("%s %s %s %s",
			hub.requests[0].Key, hub.requests[0].Region, hub.requests[1].Key, hub.requests[1].Region))
	})
	t.Run("a profile that is not there is an error", func(t *testing.T) {
		bareEnvironment(t)
		t.Setenv("AWS_PROFILE", "nowhere")
		code, out, errs := runImport(t, &fakeHub{}, two, "-")
		require.Equal(t, 1, code)
		require.Empty(t, out)
		require.Contains(t, errs, "nowhere")
	})
	t.Run("credentials that are set up and broken are an error", func(t *testing.T) {
		home := bareEnvironment(t)
		require.NoError(t, os.WriteFile(filepath.Join(home, "config"), []byte("[default]\ncredential_process=/nowhere/at/all\n"), 0o600))
		code, _, errs := runImport(t, &fakeHub{}, two, "-")
		require.Equal(t, 1, code)
		require.Contains(t, errs, "AWS credentials: ")
	})
}

func TestImportBatches(t *testing.T) {
	bareEnvironment(t)
	var list []string
	for i := range 250 {
		list = append(list, ofAny(strconv.Itoa(i)))
	}
	hub := &fakeHub{}
	code, _, errs := runImport(t, hub, "["+strings.Join(list, ",")+"]", "-")
	require.Equal(t, 0, code, errs)
	require.Len(t, hub.requests, 3)
	require.Equal(t, 100, hub.requests[0].Findings)
	require.Equal(t, 50, hub.requests[2].Findings)
	for i, id := range hub.taken {
		require.Equal(t, strconv.Itoa(i), id, "the order of the file")
	}

	// 60 findings of 200 KB: no request over 5.5 MB, and none far below but the last.
	list = list[:0]
	for i := range 60 {
		list = append(list, fmt.Sprintf(`{"Id":"%d","Title":%q}`, i, strings.Repeat("x", 200_000)))
	}
	hub = &fakeHub{}
	code, _, errs = runImport(t, hub, strings.Join(list, "\n"), "-")
	require.Equal(t, 0, code, errs)
	require.Len(t, hub.taken, 60)
	for i, r := range hub.requests {
		require.LessOrEqual(t, r.Bytes, maxBatchBytes)
		require.True(t, i == len(hub.requests)-1 || r.Bytes > maxBatchBytes-210_000, r.Bytes)
	}

	// A finding over 240 KB does not travel.
	hub = &fakeHub{}
	code, out, _ := runImport(t, hub, fmt.Sprintf(`[{"Id":"big","Title":%q},{"Id":"small"}]`, strings.Repeat("x", 250_000)), "-")
	require.Equal(t, 1, code)
	require.Equal(t, []string{"small"}, hub.taken)
	require.Equal(t, "stdin:1:2: big: FindingSizeExceeded: Finding size exceeded 240 KB\n2 findings read: 1 imported, 1 failed, in T\n", out)
}

func TestBatcherBoundsWhatItHolds(t *testing.T) {
	var sent, held int
	c := batcher{send: func(b *batch) error {
		sent += len(b.items)
		return nil
	}}
	raw := bytes.Repeat([]byte{' '}, 100_000)
	for i := range 2000 {
		require.NoError(t, c.add(groupKey{Account: strconv.Itoa(i)}, raw, batchItem{}))
		held = 0
		for _, b := range c.open {
			held += len(b.body)
		}
		require.Equal(t, held, c.held)
		require.LessOrEqual(t, held, maxHeldBytes)
	}
	require.NoError(t, c.finish())
	require.Equal(t, 2000, sent)
	require.Empty(t, c.open)
	require.Zero(t, c.held)
}

func TestImportTellsEveryFailure(t *testing.T) {
	bareEnvironment(t)
	one := write(t, "one.json", "[\n"+ofAny("good")+",\n"+strings.Replace(ofAny("bad"), "bad", "bad\u202e\\u001b[31m", 1)+",\n"+ofAny("good")+"]")
	two := write(t, "two.ndjson", ofAny("bad2")+"\n"+ofAny("bad2")+"\n{\"Id\":3}\n")
	hub := &fakeHub{judge: func(f finding) string {
		if strings.HasPrefix(f.ID, "bad") || f.ID == "" {
			return "InvalidInput"
		}
		return ""
	}}
	code, out, errs := runImport(t, hub, "", one, two)
	require.Equal(t, 1, code, errs)
	require.Contains(t, out, `one.json:3:1: bad\u202e\u001b[31m: InvalidInput: because of bad\u202e\u001b[31m`+"\n")
	require.Contains(t, out, `two.ndjson:1:1: bad2: InvalidInput`)
	require.Contains(t, out, `two.ndjson:2:1: bad2: InvalidInput`)
	require.Contains(t, out, "6 findings read: 2 imported, 4 failed, in T\n")
}

func TestImportKeepsTheNeighboursOfABadFinding(t *testing.T) {
	bareEnvironment(t)
	var lines []string
	for i := range 100 {
		lines = append(lines, ofAny(strconv.Itoa(i)))
	}
	lines[37] = `{"Id":"37","ProductArn":"arn:aws::securityhub"}`
	hub := &fakeHub{refuse: func(fs []finding) *refusal {
		if i := slices.IndexFunc(fs, func(f finding) bool { return strings.HasPrefix(f.ProductArn, "arn:aws::") }); i >= 0 {
			return &refusal{400, "InvalidInputException", `productArn: "` + fs[i].ProductArn + `"`}
		}
		return nil
	}}
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "111122223333")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "any")
	code, out, errs := runImport(t, hub, strings.Join(lines, "\n"), "-")
	require.Equal(t, 1, code, errs)
	require.Equal(t, "stdin:38:1: 37: InvalidInputException: productArn: \"arn:aws::securityhub\"\n100 findings read: 99 imported, 1 failed, in T\n", out)
	require.Len(t, hub.taken, 99)
	require.Less(t, len(hub.requests), 20)

	// A finding that is no UTF-8 makes the request no JSON.
	hub = &fakeHub{refuse: func(fs []finding) *refusal {
		if i := slices.IndexFunc(fs, func(f finding) bool { return strings.Contains(f.ID, "\ufffd") }); i >= 0 {
			return &refusal{400, "SerializationException", "no UTF-8"}
		}
		return nil
	}}
	code, out, _ = runImport(t, hub, `[{"Id":"a"},{"Id":"b`+"\xff"+`"},{"Id":"c"}]`, "-")
	require.Equal(t, 1, code)
	require.Equal(t, []string{"a", "c"}, hub.taken)
	require.Contains(t, out, "SerializationException: no UTF-8")
}

func TestImportOfAForbiddenProductAsksOnceForEach(t *testing.T) {
	bareEnvironment(t)
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKID")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "any")
	var lines []string
	for i := range 100 {
		lines = append(lines, of(strconv.Itoa(i), []string{"111111111111", "222222222222", "333333333333"}[i%3], "us-east-1"))
	}
	hub := &fakeHub{refuse: func(fs []finding) *refusal {
		for _, f := range fs {
			if f.AwsAccountID != "222222222222" {
				return &refusal{403, "AccessDeniedException", "not you: " + f.AwsAccountID}
			}
		}
		return nil
	}}
	code, out, _ := runImport(t, hub, strings.Join(lines, "\n"), "-")
	require.Equal(t, 1, code)
	require.Len(t, hub.taken, 33)
	require.Len(t, hub.requests, 5)
	require.Equal(t, 34, strings.Count(out, "not you: 111111111111"))
	require.Equal(t, 33, strings.Count(out, "not you: 333333333333"))
}

func answerWith(status int, header, value, body string) func(http.ResponseWriter) bool {
	return func(w http.ResponseWriter) bool {
		if header != "" {
			w.Header().Set(header, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		return true
	}
}

func hangUp(http.ResponseWriter) bool { panic(http.ErrAbortHandler) }

func TestImportTriesAgain(t *testing.T) {
	bareEnvironment(t)
	hub := &fakeHub{plan: []func(http.ResponseWriter) bool{
		hangUp,
		answerWith(429, "Retry-After", "0", `{"message":"Too Many Requests"}`),
		answerWith(503, "Retry-After", "0", `{}`),
		answerWith(500, "", "", `{"Code":"InternalException","Message":"oh"}`),
	}}
	code, out, errs := runImport(t, hub, ofAny("a"), "-")
	require.Equal(t, 0, code, errs)
	require.Equal(t, "1 finding read: 1 imported, 0 failed, in T\n", out)
	require.Equal(t, 4, strings.Count(errs, "trying again"), errs)
	require.Contains(t, errs, "HTTP 429 Too Many Requests: Too Many Requests; trying again in 0s")
	require.Contains(t, errs, "HTTP 500 InternalException: oh; trying again")
	require.Equal(t, []string{"a"}, hub.taken)
}

func TestImportGivesUp(t *testing.T) {
	bareEnvironment(t)
	for _, c := range []struct {
		name string
		plan func(http.ResponseWriter) bool
		args []string
		want string
	}{
		{"when it is not to try again", answerWith(503, "", "", `{"Code":"ServiceUnavailable","Message":"busy"}`), []string{"--retry-for", "0"}, "HTTP 503 ServiceUnavailable: busy"},
		{"when the wait would be too long", answerWith(429, "Retry-After", "3600", `{"message":"Too Many Requests"}`), nil, "HTTP 429 Too Many Requests: Too Many Requests"},
		{"when the key is not known", answerWith(403, "X-Amzn-Errortype", "UnrecognizedClientException", `{"message":"The security token included in the request is invalid."}`), nil, "HTTP 403 UnrecognizedClientException: The security token included in the request is invalid."},
		{"when it is no hub", answerWith(200, "", "", "<html>hello"), nil, "http://hub does not answer like Security Hub"},
		{"when it is sent elsewhere", answerWith(302, "Location", "http://elsewhere.invalid/", ""), nil, "HTTP 302 Found: "},
		{"when it is not built", answerWith(501, "X-Amzn-Errortype", "NotImplementedException", `{"Message":"BatchImportFindings"}`), nil, "HTTP 501 NotImplementedException: BatchImportFindings"},
	} {
		t.Run(c.name, func(t *testing.T) {
			hub := &fakeHub{plan: []func(http.ResponseWriter) bool{c.plan}}
			code, out, errs := runImport(t, hub, ofAny("a")+of("b", "444455556666", "us-east-1"), append(c.args, "-")...)
			require.Equal(t, 1, code)
			if c.name == "when it is no hub" {
				require.Equal(t, "2 findings read: 0 imported, 0 failed, 2 not sent, in T\n", out)
			} else {
				require.Equal(t, "2 findings read: 0 imported, 0 failed, 1 refused, 1 not sent, in T\n", out)
			}
			require.Contains(t, errs, "hubcap: "+c.want)
			require.Len(t, hub.requests, 1)
		})
	}
}

// What the hub was shown is said where it does not know the key.
func TestImportTellsTheKeyItSent(t *testing.T) {
	unknown := answerWith(403, "X-Amzn-Errortype", "UnrecognizedClientException", `{"message":"The security token included in the request is invalid."}`)
	missing := answerWith(403, "X-Amzn-Errortype", "MissingAuthenticationTokenException", `{"message":"Missing Authentication Token"}`)
	for _, c := range []struct {
		name        string
		environment []string
		in          string
		answer      func(http.ResponseWriter) bool
		want        string
	}{
		{"none found", nil, ofAny("a"), unknown, "(no credentials were found, so the findings were sent with their account 111122223333 as key id)\n"},
		{"none found, missing", nil, ofAny("a"), missing, "(no credentials were found, so the findings were sent with their account 111122223333 as key id)\n"},
		{"none found, no account", nil, `{"Id":"a"}`, unknown, "(no credentials were found, and the findings name no account to send as key id)\n"},
		{"static", []string{"AWS_ACCESS_KEY_ID", "AKIDENV", "AWS_SECRET_ACCESS_KEY", "s"}, ofAny("a"), unknown, "(the key id sent was AKIDENV)\n"},
		{"session", []string{"AWS_ACCESS_KEY_ID", "AKIDENV", "AWS_SECRET_ACCESS_KEY", "s", "AWS_SESSION_TOKEN", "t"}, ofAny("a"), unknown, "(a session token was sent, and hubcap takes static keys only: unset AWS_SESSION_TOKEN)\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bareEnvironment(t)
			for i := 0; i < len(c.environment); i += 2 {
				t.Setenv(c.environment[i], c.environment[i+1])
			}
			code, out, errs := runImport(t, &fakeHub{plan: []func(http.ResponseWriter) bool{c.answer}}, c.in, "-")
			require.Equal(t, 1, code)
			require.Equal(t, "1 finding read: 0 imported, 0 failed, 1 refused, in T\n", out)
			require.Contains(t, errs, c.want)
		})
	}
}

// A certificate does not become good by waiting; AWS_CA_BUNDLE names whom to trust, as for the AWS CLI.
func TestImportTrustsWhomItIsTold(t *testing.T) {
	bareEnvironment(t)
	hub := &fakeHub{}
	srv := httptest.NewUnstartedServer(hub)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	plain := httptest.NewServer(hub)
	defer plain.Close()
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600))
	of := func(endpoint string) (int, string) {
		var stdout, stderr bytes.Buffer
		// Were it tried again, the test would hang.
		code := Main(t.Context(), []string{"import", "--retry-for", "1h", "--endpoint", endpoint, "-"}, strings.NewReader(ofAny("a")), &stdout, &stderr)
		return code, stderr.String()
	}
	code, errs := of(srv.URL)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "signed by unknown authority (AWS_CA_BUNDLE may name a file of authorities to trust)\n")
	require.NotContains(t, errs, "trying again")

	t.Setenv("AWS_CA_BUNDLE", bundle)
	code, errs = of(srv.URL)
	require.Zero(t, code, errs)
	require.Equal(t, []string{"a"}, hub.taken)
	code, errs = of(strings.Replace(srv.URL, "127.0.0.1", "localhost", 1))
	require.Equal(t, 1, code)
	require.Contains(t, errs, "not localhost\n")
	code, errs = of(strings.Replace(plain.URL, "http://", "https://", 1))
	require.Equal(t, 1, code)
	require.Contains(t, errs, "server gave HTTP response to HTTPS client\n")

	old := httptest.NewUnstartedServer(hub)
	old.Config.ErrorLog = log.New(io.Discard, "", 0)
	old.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	old.StartTLS()
	defer old.Close()
	code, errs = of(old.URL)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "protocol version not supported")

	for _, bad := range []string{"/nowhere/ca.pem", write(t, "ca.pem", "no certificate")} {
		t.Setenv("AWS_CA_BUNDLE", bad)
		code, errs = of(srv.URL)
		require.Equal(t, 1, code)
		require.Contains(t, errs, bad)
	}
}

func TestImportOfNoFindings(t *testing.T) {
	bareEnvironment(t)
	empty, none := write(t, "empty.json", "\n"), write(t, "none.json", `{"Findings":[]}`)
	code, out, errs := runImport(t, &fakeHub{}, "", none)
	require.Zero(t, code)
	require.Equal(t, "0 findings read: 0 imported, 0 failed, in T\n", out)
	require.Equal(t, "hubcap: "+none+": no findings in it\n", errs)
	hub := &fakeHub{}
	code, _, errs = runImport(t, hub, ofAny("a"), empty, "-")
	require.Equal(t, 1, code)
	require.Equal(t, "hubcap: "+empty+": no findings in it: it is empty\n", errs)
	require.Equal(t, []string{"a"}, hub.taken)
}

func TestImportOfADisabledAccountGoesOnWithTheNext(t *testing.T) {
	bareEnvironment(t)
	hub := &fakeHub{plan: []func(http.ResponseWriter) bool{answerWith(401, "X-Amzn-Errortype", "InvalidAccessException",
		`{"Code":"InvalidAccessException","Message":"Account 111122223333 is not subscribed to AWS Security Hub"}`)}}
	code, out, _ := runImport(t, hub, ofAny("a")+of("b", "444455556666", "us-east-1"), "-")
	require.Equal(t, 1, code)
	require.Equal(t, "stdin:1:1: a: InvalidAccessException: Account 111122223333 is not subscribed to AWS Security Hub\n"+
		"2 findings read: 1 imported, 1 failed, in T\n", out)
}

func TestImportReadsTheOtherFiles(t *testing.T) {
	bareEnvironment(t)
	broken := write(t, "broken.json", "["+ofAny("a")+",\n{")
	good := write(t, "good.json", ofAny("b"))
	hub := &fakeHub{}
	code, out, errs := runImport(t, hub, "", "/nowhere/x.json", t.TempDir(), broken, good)
	require.Equal(t, 1, code)
	require.Equal(t, "2 findings read: 2 imported, 0 failed, in T\n", out)
	require.Contains(t, errs, "hubcap: open /nowhere/x.json: no such file or directory\n")
	require.Contains(t, errs, " is a directory\n")
	require.Contains(t, errs, "broken.json:2:2: not JSON: the file ends in the middle of a value\n")
}

func TestImportUsage(t *testing.T) {
	bareEnvironment(t)
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"import"}, 2, "expected"},
		{[]string{"import", "--endpoint", "localhost:4510", "-"}, 1, "--endpoint localhost:4510: it should look like http://127.0.0.1:4510"},
		{[]string{"import", "--endpoint", "127.0.0.1:4510", "-"}, 1, "hubcap: --endpoint 127.0.0.1:4510: it should look like http://127.0.0.1:4510\n"},
		{[]string{"import", "--endpoint", "ftp://x", "-"}, 1, "it should look like"},
		{[]string{"import", "--endpoint", "http://x/?a=b", "-"}, 1, "it should look like"},
		{[]string{"import", "--retry-for", "soon", "-"}, 2, "retry-for"},
	} {
		var stdout, stderr bytes.Buffer
		require.Equal(t, c.code, Main(t.Context(), c.args, strings.NewReader(""), &stdout, &stderr), c.args)
		require.Contains(t, stderr.String(), c.want)
	}
}

func TestImportTakesTheEndpointOfTheEnvironment(t *testing.T) {
	bareEnvironment(t)
	hub := &fakeHub{}
	srv := httptest.NewServer(hub)
	defer srv.Close()
	t.Setenv("AWS_ENDPOINT_URL_SECURITYHUB", srv.URL+"/")
	var stdout, stderr bytes.Buffer
	require.Equal(t, 0, Main(t.Context(), []string{"import", "-"}, strings.NewReader(ofAny("a")), &stdout, &stderr), stderr.String())
	require.Equal(t, []string{"a"}, hub.taken)
}

func TestImportEndsWhenItIsTold(t *testing.T) {
	bareEnvironment(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	hub := &fakeHub{}
	hub.plan = []func(http.ResponseWriter) bool{func(w http.ResponseWriter) bool {
		cancel(context.Canceled)
		return answerWith(503, "", "", "")(w)
	}}
	srv := httptest.NewServer(hub)
	defer srv.Close()
	var stdout, stderr bytes.Buffer
	require.Equal(t, 1, Main(ctx, []string{"import", "--endpoint", srv.URL, "-"}, strings.NewReader(ofAny("a")), &stdout, &stderr))
	require.Contains(t, stdout.String(), "1 not sent")
	require.Contains(t, stderr.String(), "context canceled")
}

func TestRefusalsAreRead(t *testing.T) {
	for _, c := range []struct {
		status             int
		errorType, body    string
		want               string
		passing, ofContent bool
	}{
		{400, "InvalidInputException", `{"Message":"m","Code":"InvalidInputException"}`, "HTTP 400 InvalidInputException: m", false, true},
		{403, "MissingAuthenticationTokenException:http://x", `{"message":"Missing Authentication Token"}`, "HTTP 403 MissingAuthenticationTokenException: Missing Authentication Token", false, false},
		{413, "", "too large\n", "HTTP 413 Request Entity Too Large: too large", false, true},
		{502, "", "<html>", "HTTP 502 Bad Gateway: <html>", true, false},
		{408, "", "", "HTTP 408 Request Timeout: ", true, false},
		{501, "", "", "HTTP 501 Not Implemented: ", false, false},
	} {
		r := readRefusal(&http.Response{StatusCode: c.status, Header: http.Header{"X-Amzn-Errortype": {c.errorType}}}, []byte(c.body))
		require.Equal(t, c.want, r.Error())
		require.Equal(t, c.passing, r.passing(), c.want)
		require.Equal(t, c.ofContent, r.ofContent(), c.want)
	}
}

func TestProgressIsSilentOffATerminal(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, []string{"-"})
	p.findings(3)
	p.clear()
	p.finish()
	require.Empty(t, out.String())
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	require.NoError(t, err)
	require.Nil(t, newProgress(f, nil).bar)
}

func BenchmarkImportPath(b *testing.B) {
	raw := []byte(ofAny(strings.Repeat("x", 200)))
	var w wallet
	c := batcher{send: func(*batch) error { return nil }}
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		l := readLabel(raw)
		if err := c.add(w.group(l), raw, batchItem{label: l}); err != nil {
			b.Fatal(err)
		}
	}
}
