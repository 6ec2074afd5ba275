package server

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hubcap/internal/api"
	"hubcap/internal/asff"
	"hubcap/internal/store"
)

// line is a connection on which a test writes what it likes.
type line struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

func (h *house) dial(t testing.TB) *line {
	t.Helper()
	c, err := net.Dial("tcp", h.addr)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(30*time.Second)))
	return &line{t, c, bufio.NewReader(c)}
}

func (l *line) send(format string, a ...any) {
	l.t.Helper()
	_, err := fmt.Fprintf(l.Conn, strings.ReplaceAll(format, "\n", "\r\n"), a...)
	require.NoError(l.t, err)
}

func (l *line) read() answer {
	l.t.Helper()
	resp, err := http.ReadResponse(l.r, nil)
	require.NoError(l.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(l.t, err)
	return answer{resp, string(b)}
}

// closed tells that the server ended the connection.
func (l *line) closed() {
	l.t.Helper()
	_, err := l.r.ReadByte()
	require.Error(l.t, err)
	var ne net.Error
	require.False(l.t, errors.As(err, &ne) && ne.Timeout(), "the connection is still open")
}

// allGivenBack tells that no request holds memory any more. A client has its answer a moment before the server is done with it.
func (h *house) allGivenBack(t testing.TB) {
	t.Helper()
	require.Eventually(t, func() bool { return h.budget.used.Load() == 0 }, 10*time.Second, time.Millisecond)
}

const credentials = "Authorization: AWS4-HMAC-SHA256 Credential=111122223333/x/eu-west-1/securityhub/aws4_request\n"

func length() map[string]operation {
	return map[string]operation{"BatchImportFindings": say(func(c *call) string {
		return strconv.Itoa(len(c.body))
	})}
}

func TestBodies(t *testing.T) {
	h := start(t, Config{}, length())
	for _, n := range []int{
		1, 2, steps[0] - 1, steps[0], steps[0] + 1, steps[1], steps[2] + 1, steps[3],
		asff.MaxBodyBytes - 1, asff.MaxBodyBytes,
	} {
		for _, chunked := range []bool{false, true} {
			r := anyKey(h.request("POST", "/findings/import", strings.Repeat("x", n)), "111122223333")
			if chunked {
				r.ContentLength = -1
			}
			do(t, r).is(t, 200, "", fmt.Sprintf(`{"Text":"%d"}`, n))
		}
	}
	h.allGivenBack(t)
}

// patience is a connection that notes the deadlines it is given.
type patience struct {
	*httptest.ResponseRecorder
	reads []time.Duration // from now; 0: none
}

func (p *patience) SetReadDeadline(at time.Time) error {
	if at.IsZero() {
		p.reads = append(p.reads, 0)
	} else {
		p.reads = append(p.reads, time.Until(at).Round(time.Hour))
	}
	return nil
}

// Each step by which a body's buffer grows has its time; a body that is there has no deadline any more.
func TestEachStepHasItsTime(t *testing.T) {
	h := start(t, Config{}, length(), func(s *Server) { s.stepTime = 2 * time.Hour })
	for i, n := range steps {
		w := &patience{ResponseRecorder: httptest.NewRecorder()}
		h.ServeHTTP(w, anyKey(h.request("POST", "/findings/import", strings.Repeat("x", n-1)), "111122223333"))
		require.Equal(t, 200, w.Code)
		want := append(slices.Repeat([]time.Duration{2 * time.Hour}, i+1), 0)
		require.Equal(t, want, w.reads, "%d bytes", n-1)
	}
}

const tooLarge = `{"message":"The request body is larger than 6291456 bytes."}`

// A client that writes all before it reads still gets the answer.
func TestTooLargeBody(t *testing.T) {
	h := start(t, Config{}, length(), func(s *Server) { s.drainTime = 50 * time.Millisecond })
	for name, header := range map[string]string{
		"announced": fmt.Sprintf("Content-Length: %d\n", asff.MaxBodyBytes+1),
		"chunked":   "Transfer-Encoding: chunked\n",
	} {
		t.Run(name, func(t *testing.T) {
			l := h.dial(t)
			l.send("POST /findings/import HTTP/1.1\nHost: localhost\n%s%s\n", credentials, header)
			chunk := bytes.Repeat([]byte("x"), 1<<20)
			for sent := 0; sent <= asff.MaxBodyBytes; sent += len(chunk) {
				n := min(len(chunk), asff.MaxBodyBytes+1-sent)
				if name == "chunked" {
					l.send("%x\n%s\n", n, chunk[:n])
				} else if sent < drainMost { // more than is drained needs no promise
					_, err := l.Write(chunk[:n])
					require.NoError(t, err)
				}
			}
			l.read().is(t, 413, "RequestEntityTooLargeException", tooLarge)
			l.closed()
		})
	}
	h.allGivenBack(t)
}

func TestContentEncoding(t *testing.T) {
	h := start(t, Config{}, length())
	for _, e := range []string{"gzip", "deflate", "aws-chunked", "identity, gzip"} {
		r := anyKey(h.request("POST", "/findings/import", "xx"), "111122223333")
		r.Header.Set("Content-Encoding", e)
		do(t, r).is(t, 415, "UnsupportedMediaTypeException",
			`{"message":"Content-Encoding '`+e+`' is not supported: send the body as it is."}`)
	}
	r := anyKey(h.request("POST", "/findings/import", "xx"), "111122223333")
	r.Header["Content-Encoding"] = []string{"identity", "gzip"}
	do(t, r).is(t, 415, "UnsupportedMediaTypeException", `{"message":"Content-Encoding 'identity, gzip' is not supported: send the body as it is."}`)
	r = anyKey(h.request("POST", "/findings/import", "xx"), "111122223333")
	r.Header.Set("Content-Encoding", "Identity")
	do(t, r).is(t, 200, "", `{"Text":"2"}`)
}

// Strangers are answered by their headers alone: their bodies are not waited for (D53).
func TestStrangersBodiesAreNotRead(t *testing.T) {
	h := start(t, Config{Verify: true, Keys: []Key{keyOne}}, length(), func(s *Server) {
		s.drainTime = time.Hour // who waits for 100-continue is not waited for
	})
	l := h.dial(t)
	l.send("POST /findings/import HTTP/1.1\nHost: localhost\nExpect: 100-continue\nContent-Length: 1000000\nAuthorization: AWS4-HMAC-SHA256 "+
		"Credential=NOBODY/20261122/eu-west-1/securityhub/aws4_request, SignedHeaders=host, Signature=%s\nX-Amz-Date: 20261122T120000Z\n\n",
		strings.Repeat("0", 64))
	l.read().is(t, 403, "UnrecognizedClientException", `{"message":"The security token included in the request is invalid."}`)
	l.closed()

	l = h.dial(t) // without Expect, and nothing sent: the answer comes before the body would
	l.send("POST /findings/import HTTP/1.1\nHost: localhost\nContent-Length: 1000000\n\n")
	l.read().is(t, 403, "MissingAuthenticationTokenException", missingToken)
}

// Memory for requests under way is bounded: the next one is told to come back, and is served when it does.
func TestTooMuchInflight(t *testing.T) {
	entered, leave := make(chan struct{}, 2), make(chan struct{})
	h := start(t, Config{MaxInflight: int64(steps[0]) + 100}, map[string]operation{
		"BatchImportFindings": say(func(*call) string { entered <- struct{}{}; <-leave; return "done" }),
		"DescribeHub":         say(func(*call) string { return "no body, no memory" }),
	})
	first := h.later(anyKey(h.request("POST", "/findings/import", "{}"), "111122223333"))
	<-entered
	a := do(t, anyKey(h.request("POST", "/findings/import", "{}"), "111122223333"))
	a.is(t, 503, "ServiceUnavailable", `{"message":"Too many requests are under way. Try again in a second."}`)
	require.Equal(t, "1", a.Header.Get("Retry-After"))
	require.Equal(t, 200, do(t, anyKey(h.request("GET", "/accounts", ""), "111122223333")).StatusCode)
	close(leave)
	(<-first).is(t, 200, "", `{"Text":"done"}`)
	do(t, anyKey(h.request("POST", "/findings/import", "{}"), "111122223333")).is(t, 200, "", `{"Text":"done"}`)
	h.allGivenBack(t)
}

// spying asks, while an answer is written, what the budget holds.
type spying struct {
	http.ResponseWriter
	ask func()
}

func (w spying) Write(b []byte) (int, error) { w.ask(); return w.ResponseWriter.Write(b) }

// The body's memory is given back before the answer leaves; a large answer is counted while a client takes it.
func TestMemoryComesBackBeforeTheAnswer(t *testing.T) {
	const large = 1 << 20
	h := start(t, Config{}, map[string]operation{"BatchImportFindings": say(func(*call) string { return strings.Repeat("x", large) })})
	asked := false
	w := spying{httptest.NewRecorder(), func() {
		asked = true
		require.GreaterOrEqual(t, h.budget.used.Load(), int64(large))
		require.Less(t, h.budget.used.Load(), int64(asff.MaxBodyBytes), "the body is still held")
	}}
	h.ServeHTTP(w, anyKey(h.request("POST", "/findings/import", strings.Repeat("x", asff.MaxBodyBytes)), "111122223333"))
	require.True(t, asked)
	require.Zero(t, h.budget.used.Load())
}

func TestSlowClients(t *testing.T) {
	// Only what is to run out is short: all else has its time, however busy the machine is.
	t.Run("headers", func(t *testing.T) {
		h := start(t, Config{}, length(), func(s *Server) { s.headerTime = 50 * time.Millisecond })
		l := h.dial(t)
		l.send("POST /findings/import HTTP/1.1\nHost: loc")
		l.closed()
	})
	shortStep := func(s *Server) { s.stepTime = 50 * time.Millisecond }
	t.Run("body", func(t *testing.T) {
		h := start(t, Config{}, length(), shortStep)
		l := h.dial(t)
		l.send("POST /findings/import HTTP/1.1\nHost: localhost\n%sContent-Length: 10\n\n12345", credentials)
		l.read().is(t, 408, "RequestTimeoutException", `{"Message":"The request body came too slowly.","Code":"RequestTimeoutException"}`)
		l.closed()
		h.allGivenBack(t)
	})
	t.Run("body that nobody reads", func(t *testing.T) {
		h := start(t, Config{}, length(), shortStep)
		for _, path := range []string{"/no/such/path", "/healthz"} {
			l := h.dial(t)
			l.send("POST %s HTTP/1.1\nHost: localhost\nContent-Length: 10\n\n12345", path)
			l.read()
			l.closed()
		}
		h.allGivenBack(t)
	})
	t.Run("stops halfway", func(t *testing.T) {
		h := start(t, Config{}, length())
		l := h.dial(t)
		l.send("POST /findings/import HTTP/1.1\nHost: localhost\n%sContent-Length: 10\n\n12345", credentials)
		require.NoError(t, l.Conn.(*net.TCPConn).CloseWrite())
		l.read().is(t, 400, "RequestTimeoutException",
			`{"Message":"The request body ended before its announced length.","Code":"RequestTimeoutException"}`)
		h.allGivenBack(t)
	})
}

// flood is an answer larger than what a connection takes without a reader, and small enough for no extra time.
type flood struct{}

func (flood) AppendJSON(dst []byte) ([]byte, error) { return append(dst, make([]byte, 60<<10)...), nil }

// Who asks and asks and never reads is cut off, and what it held comes back.
func TestClientsThatDoNotRead(t *testing.T) {
	h := start(t, Config{}, map[string]operation{"DescribeHub": func(context.Context, *call) (any, error) { return flood{}, nil }},
		func(s *Server) { s.writeTime = 50 * time.Millisecond })
	l := h.dial(t)
	for { // until the server has closed the connection on us
		if _, err := l.Write([]byte("GET /accounts HTTP/1.1\r\nHost: localhost\r\n" + strings.ReplaceAll(credentials, "\n", "\r\n") + "\r\n")); err != nil {
			var ne net.Error
			require.False(t, errors.As(err, &ne) && ne.Timeout(), "the server never gave up")
			break
		}
	}
	h.allGivenBack(t)
}

// The deadline of a body does not outlive it: an operation may take longer than the body was given.
func TestDeadlineOfABodyEndsWithIt(t *testing.T) {
	h := start(t, Config{}, map[string]operation{"BatchImportFindings": func(ctx context.Context, _ *call) (any, error) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(200 * time.Millisecond): // four times what the body was given
			return &text{"done"}, nil
		}
	}}, func(s *Server) { s.stepTime = 50 * time.Millisecond })
	l := h.dial(t)
	for range 2 { // and the connection lives on
		l.send("POST /findings/import HTTP/1.1\nHost: localhost\n%sContent-Length: 2\n\n{}", credentials)
		l.read().is(t, 200, "", `{"Text":"done"}`)
	}
}

func TestHugeHeaders(t *testing.T) {
	h := start(t, Config{}, nil)
	l := h.dial(t)
	l.send("GET /accounts HTTP/1.1\nHost: localhost\nX: %s\n\n", strings.Repeat("x", maxHeaderBytes+8<<10))
	require.Equal(t, 431, l.read().StatusCode)
}

func TestPanicsAndOwnTrouble(t *testing.T) {
	trouble := func(context.Context, *call) (any, error) {
		return nil, fmt.Errorf("disk %w: /secret/path", io.ErrShortWrite)
	}
	h := start(t, Config{}, map[string]operation{
		"GetFindings":   say(func(*call) string { panic("secret of the house") }),
		"DescribeHub":   trouble,
		"GetFindingsV2": trouble,
		"GetInsights":   func(context.Context, *call) (any, error) { return nil, fmt.Errorf("x: %w", store.ErrNearlyFull) },
		"ListMembers":   func(context.Context, *call) (any, error) { return nil, store.ErrClosed },
		"ListInvitations": func(context.Context, *call) (any, error) {
			return nil, fmt.Errorf("%w: more than 10s", store.ErrTooSlow)
		},
		"DescribeActionTargets": func(context.Context, *call) (any, error) {
			return nil, fmt.Errorf("wrapped: %w", api.Errorf(api.ResourceNotFound, "no \"such\" thing"))
		},
	})
	for op, code := range map[string]string{"POST /findings": "InternalException", "GET /accounts": "InternalException", "POST /findingsv2": "InternalServerException"} {
		method, path, _ := strings.Cut(op, " ")
		a := do(t, anyKey(h.request(method, path, "{}"), "111122223333"))
		id := a.Header.Get("X-Amzn-Requestid")
		a.is(t, 500, code, `{"Message":"Internal service failure (request `+id+`).","Code":"`+code+`"}`)
		require.Equal(t, 1, strings.Count(h.log.String(), id), "one line in the log")
	}
	require.Contains(t, h.log.String(), "secret of the house")
	require.Contains(t, h.log.String(), "/secret/path")
	require.Contains(t, h.log.String(), "limits_test.go", "where the panic was")

	a := do(t, anyKey(h.request("POST", "/insights/get", "{}"), "111122223333"))
	a.is(t, 503, "ServiceUnavailable", `{"message":"The disk is nearly full: nothing is written until there is room again."}`)
	require.Equal(t, "1", a.Header.Get("Retry-After"))
	do(t, anyKey(h.request("GET", "/invitations", ""), "111122223333")).is(t, 503, "ServiceUnavailable",
		`{"message":"The answer took longer than a question may (--query-timeout). Ask for less, or once more in a moment."}`)
	do(t, anyKey(h.request("GET", "/members", ""), "111122223333")).is(t, 503, "ServiceUnavailable", `{"message":"The hub is stopping."}`)
	do(t, anyKey(h.request("POST", "/actionTargets/get", "{}"), "111122223333")).is(t, 404, "ResourceNotFoundException",
		`{"Message":"no \"such\" thing","Code":"ResourceNotFoundException"}`)
	h.allGivenBack(t)
}

// halfway writes half an answer and panics.
type halfway struct{}

func (halfway) AppendJSON([]byte) ([]byte, error) { panic("while encoding") }

func TestPanicWhileEncoding(t *testing.T) {
	h := start(t, Config{}, map[string]operation{"DescribeHub": func(context.Context, *call) (any, error) { return halfway{}, nil }})
	require.Equal(t, 500, do(t, anyKey(h.request("GET", "/accounts", ""), "111122223333")).StatusCode)
}

// Half an answer is out: only a broken connection tells the client. The buffers come back all the same.
func TestPanicAfterTheAnswerBegan(t *testing.T) {
	for name, c := range map[string]struct {
		with   any
		logged string
	}{
		"a panic":             {"in the middle", "an operation panicked"},
		"of net/http's own":   {http.ErrAbortHandler, ""},
		"net/http's, wrapped": {fmt.Errorf("x: %w", http.ErrAbortHandler), "an operation panicked"},
	} {
		t.Run(name, func(t *testing.T) {
			h := start(t, Config{}, map[string]operation{"BatchImportFindings": func(_ context.Context, call *call) (any, error) {
				call.text(http.StatusOK, "half")
				panic(c.with)
			}})
			w := httptest.NewRecorder()
			require.PanicsWithValue(t, http.ErrAbortHandler, func() {
				h.ServeHTTP(w, anyKey(h.request("POST", "/findings/import", "{}"), "111122223333"))
			})
			require.Equal(t, "half", w.Body.String(), "nothing is added to it")
			require.Zero(t, h.budget.used.Load())
			if c.logged == "" {
				require.Empty(t, h.log.String())
			} else {
				require.Equal(t, 1, strings.Count(h.log.String(), c.logged))
			}
		})
	}
}

// A client that went away is no trouble of the hub's: nothing is logged.
func TestClientsThatGoAway(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	h := start(t, Config{}, map[string]operation{"GetFindings": func(ctx context.Context, _ *call) (any, error) {
		cancel()
		return nil, fmt.Errorf("reading: %w", ctx.Err())
	}})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, anyKey(h.request("POST", "/findings", "{}"), "111122223333").WithContext(ctx))
	require.Equal(t, 499, w.Code)
	require.Empty(t, h.log.String())
}

// Stopping lets requests under way end and takes no new ones.
func TestStop(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	h := start(t, Config{}, map[string]operation{
		"BatchImportFindings": say(func(*call) string { close(entered); <-leave; return "kept" }),
	})
	first := h.later(anyKey(h.request("POST", "/findings/import", "{}"), "111122223333"))
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- h.stop() }()
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", h.addr)
		if err == nil {
			c.Close()
		}
		return err != nil
	}, 10*time.Second, time.Millisecond, "no new connections")
	close(leave)
	(<-first).is(t, 200, "", `{"Text":"kept"}`)
	require.NoError(t, <-stopped)
}

func BenchmarkImport(b *testing.B) {
	h := start(b, Config{Verify: true, Keys: []Key{keyOne}}, map[string]operation{
		"BatchImportFindings": say(func(*call) string { return "" }),
	})
	r := sign(b, h.request("POST", "/findings/import", strings.Repeat("x", 321<<10)), keyOne, "securityhub", noon)
	body, err := io.ReadAll(r.Body)
	require.NoError(b, err)
	client := &http.Transport{}
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		r.Body = io.NopCloser(bytes.NewReader(body))
		resp, err := client.RoundTrip(r)
		if err != nil || resp.StatusCode != http.StatusOK {
			b.Fatal(err, resp)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
}
