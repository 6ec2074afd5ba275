package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/rivo/uniseg"

	"hubcap/internal/query"
)

// hubFlags are those of every verb that asks a hub.
type hubFlags struct {
	Endpoint string `default:"http://127.0.0.1:4510" env:"HUBCAP_ENDPOINT,AWS_ENDPOINT_URL_SECURITYHUB" placeholder:"URL" help:"The hub (${default})."`
}

// asking is what such verbs say of who asks.
const asking = "Credentials and region are found as the AWS CLI finds them; where there are none, the operator asks, for " + fallbackRegion + "."

// hubClient asks a hub.
type hubClient struct {
	send *sender
	from caller
	w    *wallet
}

// client finds out who asks. Without credentials it is the operator of a hub under --auth none.
func (f *hubFlags) client(ctx context.Context, std *streams) (*hubClient, error) {
	send, err := newSender(f.Endpoint, time.Minute, func(err error, in time.Duration) {
		_, _ = fmt.Fprintf(std.Err, "hubcap: %s; trying again in %s\n", printable(err.Error()), in.Round(100*time.Millisecond))
	})
	if err != nil {
		return nil, err
	}
	w, err := openWallet(ctx)
	if err != nil {
		return nil, err
	}
	from := caller{Credentials: w.keys, Region: firstOf(w.region, fallbackRegion)}
	if w.keys == nil {
		from.Credentials = credentials.NewStaticCredentialsProvider("hubcap", "any", "")
	}
	return &hubClient{send: send, from: from, w: w}, nil
}

// maxPage bounds how much of a page is read: a hundred of the largest findings are less than half of it.
const maxPage = 64 << 20

// ask puts a question that may be put twice: it changes nothing.
func (c *hubClient) ask(ctx context.Context, method, path string, in, out any) error {
	body, err := bodyOf(in)
	if err != nil {
		return err
	}
	hash := payloadHash(body)
	text, err := patiently(ctx, c.send, func() ([]byte, error) {
		resp, err := c.send.open(ctx, c.send.client, c.from, method, path, body, hash)
		if err != nil {
			return nil, err
		}
		return c.send.readAll(resp, maxPage)
	})
	return c.read(ctx, text, err, out)
}

// order asks for something that must not happen twice.
func (c *hubClient) order(ctx context.Context, path string, in, out any) error {
	body, err := bodyOf(in)
	if err != nil {
		return err
	}
	resp, err := c.send.open(ctx, c.send.client, c.from, http.MethodPost, path, body, payloadHash(body))
	var text []byte
	if err == nil {
		text, err = c.send.readAll(resp, maxPage)
	}
	return c.read(ctx, text, bare(lastly(err)), out)
}

// stream asks for an answer of any length. Its reader ends with an error when the answer is not whole.
func (c *hubClient) stream(ctx context.Context, method, path string, in any) (io.ReadCloser, error) {
	body, err := bodyOf(in)
	if err != nil {
		return nil, err
	}
	patient := *c.send.client
	patient.Timeout = 0
	hash := payloadHash(body)
	resp, err := patiently(ctx, c.send, func() (*http.Response, error) { //nolint:bodyclose // the reader that is returned closes it
		return c.send.open(ctx, &patient, c.from, method, path, body, hash)
	})
	if err != nil {
		return nil, c.explained(ctx, err)
	}
	return &wholeReader{resp: resp}, nil
}

func bodyOf(in any) ([]byte, error) {
	if in == nil {
		return nil, nil
	}
	return json.Marshal(in)
}

func (c *hubClient) read(ctx context.Context, text []byte, err error, out any) error {
	if err != nil {
		return c.explained(ctx, err)
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("%s does not answer like a hub: %w", c.send.endpoint, err)
	}
	return nil
}

func (c *hubClient) explained(ctx context.Context, err error) error {
	r, refused := errors.AsType[*refusal](err)
	if !refused {
		return err
	}
	if r.ofKey() {
		if strings.Contains(r.Message, "Missing Authentication Token") && c.w.keys != nil {
			return fmt.Errorf("%w (is %s a hubcap of this version?)", err, c.send.endpoint)
		}
		return fmt.Errorf("%w (%s)", err, c.w.explain(ctx, groupKey{Region: c.from.Region}))
	}
	return err
}

// wholeReader reads a streamed answer and holds it against its trailer: a hub that could not finish cuts the connection, and a
// proxy between may hide that.
type wholeReader struct {
	resp *http.Response
	n    int64
}

var errCutOff = errors.New("the answer was cut off half way: what came is not the whole")

func (w *wholeReader) Read(p []byte) (int, error) {
	n, err := w.resp.Body.Read(p)
	w.n += int64(n)
	switch {
	case err == nil:
	case !errors.Is(err, io.EOF):
		err = fmt.Errorf("%w (%w)", errCutOff, err)
	case w.resp.Trailer.Get("X-Hubcap-Length") != strconv.FormatInt(w.n, 10):
		err = errCutOff
	}
	return n, err
}

func (w *wholeReader) Close() error { return w.resp.Body.Close() }

// checkWhere reads a condition before it is sent, and points at the character where it stops making sense.
func checkWhere(where string) error {
	_, err := query.ParseAt(where, time.Now())
	bad, ok := errors.AsType[*query.ParseError](err)
	if !ok {
		return err
	}
	return &whereError{text: where, ParseError: bad}
}

// whereError shows the condition and points at the place.
type whereError struct {
	text string
	*query.ParseError
}

// lines are the reason, the text and the place under it.
func (e *whereError) lines() []string {
	at := min(e.Offset, len(e.text))
	for at > 0 && at < len(e.text) && !utf8.RuneStart(e.text[at]) {
		at--
	}
	return []string{
		"--where: " + printable(e.Reason),
		"  " + printable(e.text),
		"  " + strings.Repeat(" ", uniseg.StringWidth(printable(e.text[:at]))) + "^",
	}
}

func (e *whereError) Error() string { return strings.Join(e.lines(), "\n") }

// tell prints the error, the place under the text.
func (e *whereError) tell(w io.Writer) exitCode {
	var b bytes.Buffer
	for i, line := range e.lines() {
		if i == 0 {
			line = "hubcap: " + line
		}
		b.WriteString(line + "\n")
	}
	_, _ = w.Write(b.Bytes())
	return exitCode(2)
}

// whereFlag checks --where and tells what is wrong with it.
func whereFlag(where string, std *streams) error {
	err := checkWhere(where)
	if bad, ok := errors.AsType[*whereError](err); ok {
		return bad.tell(std.Err)
	}
	return err
}
