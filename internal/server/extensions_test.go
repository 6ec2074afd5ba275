package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hubcap/internal/api"
	"hubcap/internal/iam"
)

type exportTestInput struct {
	Where *string `json:"Where"`
	From  *string `query:"from"`
}

// streaming is an answer that tests write.
func streaming(write func(ctx context.Context, in *exportTestInput, w io.Writer) error) map[string]operation {
	return map[string]operation{
		"ExportFindings": bindStream("application/x-ndjson", func(ctx context.Context, _ *iam.Principal, in *exportTestInput, w io.Writer) error {
			return write(ctx, in, w)
		}),
	}
}

const exportPath = "/hubcap/v1/findings/export"

func TestStream(t *testing.T) {
	line := []byte(strings.Repeat("x", 999) + "\n")
	h := start(t, Config{}, streaming(func(_ context.Context, _ *exportTestInput, w io.Writer) error {
		for range 10_000 {
			if _, err := w.Write(line); err != nil {
				return err
			}
		}
		return nil
	}))
	a := do(t, anyKey(h.request("POST", exportPath, ""), "x"))
	require.Equal(t, 200, a.StatusCode)
	require.Equal(t, "application/x-ndjson", a.Header.Get("Content-Type"))
	require.Len(t, a.body, 10_000_000)
	require.Equal(t, "10000000", a.Trailer.Get("X-Hubcap-Length"))
	require.NotEmpty(t, a.Header.Get("X-Amzn-Requestid"))
	require.Equal(t, 200, do(t, anyKey(h.request("GET", exportPath, ""), "x")).StatusCode, "by GET too")
	require.Contains(t, do(t, h.request("GET", "/metrics", "")).body, `hubcap_requests_total{code="200",operation="ExportFindings"} 2`)
	require.Zero(t, h.budget.used.Load())

	empty := start(t, Config{}, streaming(func(context.Context, *exportTestInput, io.Writer) error { return nil }))
	a = do(t, anyKey(empty.request("POST", exportPath, ""), "x"))
	require.Equal(t, 200, a.StatusCode)
	require.Empty(t, a.body)
	require.Equal(t, "0", a.Trailer.Get("X-Hubcap-Length"))
}

// What fails before anything is out is an error as any other; what fails later is cut off, so that nobody takes it for the whole.
func TestStreamFails(t *testing.T) {
	h := start(t, Config{}, streaming(func(_ context.Context, in *exportTestInput, w io.Writer) error {
		n, err := strconv.Atoi(*in.From)
		if err != nil {
			return api.InvalidParameter("from", "should be integer")
		}
		if _, err := w.Write(make([]byte, n)); err != nil {
			return err
		}
		return errors.New("the disk is gone")
	}))
	do(t, anyKey(h.request("GET", exportPath+"?from=x", ""), "x")).is(t, 400, "InvalidInputException",
		`{"Message":"Invalid parameter 'from'. should be integer.","Code":"InvalidInputException"}`)
	a := do(t, anyKey(h.request("GET", exportPath+"?from=1000", ""), "x"))
	require.Equal(t, 500, a.StatusCode, "a kilobyte waits for more before it is sent")
	require.Contains(t, a.body, "InternalException")

	_, err := try(anyKey(h.request("GET", exportPath+"?from=1000000", ""), "x"))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Contains(t, h.log.String(), "the disk is gone")
	require.Contains(t, do(t, h.request("GET", "/metrics", "")).body, `hubcap_requests_total{code="500",operation="ExportFindings"} 2`)
	require.Zero(t, h.budget.used.Load())
	require.Zero(t, h.streams.Load())
}

// A client that goes away ends what is written for it.
func TestStreamClientGoes(t *testing.T) {
	begun, over := make(chan struct{}), make(chan error, 1)
	h := start(t, Config{}, streaming(func(ctx context.Context, _ *exportTestInput, w io.Writer) error {
		_, _ = w.Write(bytes.Repeat([]byte("x"), streamBuffer+1))
		close(begun)
		<-ctx.Done()
		over <- ctx.Err()
		return ctx.Err()
	}))
	ctx, cancel := context.WithCancel(t.Context())
	r := anyKey(h.request("POST", exportPath, ""), "x").WithContext(ctx)
	resp, err := (&http.Transport{}).RoundTrip(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	<-begun
	cancel()
	require.ErrorIs(t, <-over, context.Canceled)
}

// A client that does not take its answer is cut off; one that takes it slowly is not held to the time of the whole.
func TestStreamSlowClient(t *testing.T) {
	over := make(chan error, 1)
	h := start(t, Config{}, streaming(func(_ context.Context, _ *exportTestInput, w io.Writer) error {
		for {
			if _, err := w.Write(make([]byte, 32<<10)); err != nil {
				over <- err
				return err
			}
		}
	}), func(s *Server) { s.writeTime = 50 * time.Millisecond })
	l := h.dial(t)
	l.send("POST %s HTTP/1.1\nHost: localhost\n%sContent-Length: 0\n\n", exportPath, credentials)
	require.ErrorIs(t, <-over, errSlowReader) // nobody reads
}

// The time in which the hub looks for what to write is not the client's.
func TestStreamSlowHub(t *testing.T) {
	const patience, pieces = 400 * time.Millisecond, 3 // small ones: no time is added for their size
	h := start(t, Config{}, streaming(func(_ context.Context, _ *exportTestInput, w io.Writer) error {
		for range pieces {
			if _, err := w.Write([]byte("x\n")); err != nil {
				return err
			}
			if err := w.(interface{ Flush() error }).Flush(); err != nil {
				return err
			}
			<-time.After(patience * 5 / 4) // longer than a client may take
		}
		return nil
	}), func(s *Server) { s.writeTime = patience })
	a := do(t, anyKey(h.request("POST", exportPath, ""), "x"))
	require.Equal(t, strconv.Itoa(pieces*len("x\n")), a.Trailer.Get("X-Hubcap-Length"))
}

// Each stream holds a snapshot and a buffer: there are not many at once.
func TestStreamsAreBounded(t *testing.T) {
	release, begun := make(chan struct{}), make(chan struct{}, mostStreams)
	h := start(t, Config{}, streaming(func(context.Context, *exportTestInput, io.Writer) error {
		begun <- struct{}{}
		<-release
		return nil
	}))
	var answers []<-chan answer
	for range mostStreams {
		answers = append(answers, h.later(anyKey(h.request("POST", exportPath, ""), "x")))
	}
	for range mostStreams {
		<-begun
	}
	a := do(t, anyKey(h.request("POST", exportPath, ""), "x"))
	require.Equal(t, 503, a.StatusCode)
	require.Equal(t, "1", a.Header.Get("Retry-After"))
	close(release)
	for _, arrives := range answers {
		require.Equal(t, 200, (<-arrives).StatusCode)
	}
	require.Zero(t, h.streams.Load())
}

// A member or a parameter that an extension does not know is refused: a filter mistyped would mean every finding.
func TestExtensionsAreStrict(t *testing.T) {
	h := start(t, Config{}, streaming(func(context.Context, *exportTestInput, io.Writer) error { return nil }))
	for _, c := range []struct{ target, body, want string }{
		{exportPath, `{"Were": "all"}`, "Invalid parameter 'Were'. is no parameter of ExportFindings."},
		{exportPath, `{"Where": "all", "from": "x"}`, "Invalid parameter 'from'. is no parameter of ExportFindings."},
		{exportPath + "?where=all", ``, "Invalid parameter 'where'. is no parameter of ExportFindings."},
		{exportPath, `{"Where": 1}`, "Invalid parameter 'Where'. should be string."},
	} {
		do(t, anyKey(h.request("POST", c.target, c.body), "x")).is(t, 400, "InvalidInputException",
			`{"Message":"`+c.want+`","Code":"InvalidInputException"}`)
	}
	require.Equal(t, 200, do(t, anyKey(h.request("POST", exportPath+"?from=1", `{"Where": "all"}`), "x")).StatusCode)
}

// Who may not read findings may not export them either, and hubcap's own actions are allowed by name.
func TestExtensionsAskTwice(t *testing.T) {
	bound := streaming(func(context.Context, *exportTestInput, io.Writer) error { return nil })
	export := func(statements ...iam.Statement) int {
		policy, err := iam.NewPolicy(statements)
		require.NoError(t, err)
		k := keyOne
		k.Policy = policy
		h := start(t, Config{Verify: true, Keys: []Key{k}}, bound)
		return do(t, sign(t, h.request("POST", exportPath, ""), k, "securityhub", noon)).StatusCode
	}
	allow := func(actions ...string) iam.Statement {
		return iam.Statement{Effect: "Allow", Action: actions, Resource: []string{"*"}}
	}
	require.Equal(t, 403, export(allow("securityhub:*")))
	require.Equal(t, 403, export(allow("hubcap:*")))
	require.Equal(t, 200, export(allow("hubcap:ExportFindings", "securityhub:GetFindings")))
	require.Equal(t, 403, export(allow("*"), iam.Statement{Effect: "Deny", Action: []string{"securityhub:Get*"}, Resource: []string{"*"}}))
}

// Every route of hubcap's own stands in docs/extensions.md with its action, and no other does.
func TestExtensionsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/extensions.md")
	require.NoError(t, err)
	rows := 0
	for _, e := range extensions(nil, nil) {
		found := false
		for line := range strings.Lines(string(page)) {
			if strings.HasPrefix(line, "|") && strings.Contains(line, "`"+e.Method+" "+e.Pattern+"`") {
				require.Contains(t, line, "`"+e.Action+"`")
				for _, action := range e.also {
					require.Contains(t, line, "`"+action+"`", e.Name)
				}
				found = true
			}
		}
		require.True(t, found, "%s %s", e.Method, e.Pattern)
		rows++
	}
	require.Len(t, regexp.MustCompile("`(GET|POST|PUT|PATCH|DELETE) /hubcap/v1/").FindAllString(string(page), -1), rows)
}
