package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/sigv4"
	"hubcap/internal/store"
)

// call is one request on its way through the house.
type call struct {
	s     *Server
	w     http.ResponseWriter
	r     *http.Request
	id    string // x-amzn-RequestId
	began time.Time
	meter *meter

	row    *row
	label  string // value of the path's label, unescaped
	who    *iam.Principal
	buf    *buffer // that body lies in
	body   []byte
	status int  // answered; 0: nothing yet
	unread bool // the body was left unread, though there may be one
	xml    bool // errors go out as the query protocol wants them
	paid   bool // a token of the caller's rate was taken
}

// operation is what answers a row: the output, to be encoded, a *stream, or an error.
type operation func(ctx context.Context, c *call) (any, error)

// operation is the single path.
func (c *call) operation(path string) {
	c.row, c.label = c.s.router.find(c.r.Method, path)
	if c.row == nil {
		// As the gateway answers (spec 12.5); the sentence in the log tells a stranger's client from a wrong path.
		c.fail(api.Errorf(api.MissingAuthenticationToken, "Missing Authentication Token"))
		return
	}
	c.meter = c.row.meter
	if err := c.receive("securityhub"); err != nil {
		c.fail(err)
		return
	}
	if !c.row.inside {
		err := c.authorise()
		if err == nil {
			err = c.authoriseAlso()
		}
		if err != nil {
			c.fail(err)
			return
		}
	}
	ctx := context.WithValue(c.r.Context(), requestKey{}, c.id)
	out, err := c.row.answer(ctx, c)
	if err != nil {
		c.fail(err)
		return
	}
	if s, ok := out.(*stream); ok {
		c.stream(ctx, s)
		return
	}
	c.answer(out)
}

// receive finds out who calls and reads the body: headers are judged before the first byte of it (D53).
func (c *call) receive(service string) error {
	c.unread = true
	signed := sigv4.NewRequest(c.r)
	var checked *sigv4.Checked
	if c.s.verifier == nil {
		a, err := sigv4.Claim(&signed)
		if err != nil {
			return err
		}
		c.who = claimed(a)
	} else {
		var err error
		if checked, err = c.s.verifier.Check(signed, service, c.s.clock()); err != nil {
			return err
		}
		c.who = c.s.keys[checked.KeyID].principal(checked.Region)
	}
	c.who.Secure = c.r.TLS != nil
	if e := c.r.Header["Content-Encoding"]; len(e) > 0 && (len(e) > 1 || e[0] != "" && !strings.EqualFold(e[0], "identity")) {
		return api.Errorf(api.UnsupportedMediaType, "Content-Encoding '%s' is not supported: send the body as it is.", strings.Join(e, ", "))
	}
	buf, body, err := c.s.readBody(c.w, c.r)
	c.buf = buf
	if err != nil {
		return err
	}
	c.body, c.unread = body, false
	if checked != nil {
		if err := checked.Body(body); err != nil {
			return err
		}
	}
	// Only who proved to be the caller spends the caller's rate, and fail gives it back to who may not do what was asked (D30).
	if c.s.rates != nil && c.row != nil {
		if !c.s.rates.allow(c.who, c.row.Name, c.s.clock()) {
			return api.Errorf(api.TooManyRequests, "Too Many Requests")
		}
		c.paid = true
	}
	return nil
}

// The operator is who calls with a key that names no account, with --auth none (docs/differences.md, "Who is calling"; D49).
const operatorAccount = "123456789012"

// claimed is the principal of --auth none: a key id of 12 digits is the account, any other key the operator.
func claimed(a sigv4.Authorization) *iam.Principal {
	if len(a.KeyID) == 12 && strings.Trim(a.KeyID, "0123456789") == "" {
		return &iam.Principal{Account: a.KeyID, Region: a.Region, KeyID: a.KeyID, ARN: "arn:aws:iam::" + a.KeyID + ":user/" + a.KeyID}
	}
	return &iam.Principal{
		Account: operatorAccount, Region: a.Region, KeyID: a.KeyID, Operator: true,
		ARN: "arn:aws:iam::" + operatorAccount + ":user/operator",
	}
}

func (k *Key) principal(region string) *iam.Principal {
	name := k.Name
	if name == "" {
		name = k.ID
	}
	return &iam.Principal{
		Account: k.Account, Region: region, KeyID: k.ID, Verified: true, Products: k.Products, Policy: k.Policy,
		ARN: "arn:aws:iam::" + k.Account + ":user/" + name,
	}
}

// request is what the contract decodes inputs from.
func (c *call) request() (*api.Request, error) {
	r := &api.Request{Body: c.body}
	if c.row.label != "" {
		r.Path = map[string]string{c.row.label: c.label}
	}
	if c.r.URL.RawQuery != "" {
		q, err := url.ParseQuery(c.r.URL.RawQuery)
		if err != nil {
			return nil, api.Errorf(api.InvalidInput, "The query string cannot be read: %v.", err)
		}
		r.Query = q
	}
	return r, nil
}

// outs keeps buffers for answers. One that grew beyond keepOut is not kept; one within smallOut is not counted.
var outs = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

const (
	keepOut  = 4 << 20
	smallOut = 64 << 10
)

// answer sends an output with status 200.
func (c *call) answer(out any) {
	p := outs.Get().(*[]byte)
	b, err := api.AppendOutput((*p)[:0], out)
	if err != nil {
		outs.Put(p)
		c.fail(err)
		return
	}
	c.release() // a client that has its answer finds the room it left
	held := 0
	if cap(b) > smallOut {
		held = cap(b)
	}
	c.s.budget.used.Add(int64(held)) // counted, not refused: the work is done
	c.send(http.StatusOK, b)
	c.s.budget.give(held)
	if cap(b) <= keepOut {
		*p = b
		outs.Put(p)
	}
}

var contentJSON, contentText, contentXML = []string{"application/json"}, []string{"text/plain; charset=utf-8"}, []string{"text/xml"}

func (c *call) send(status int, body []byte) {
	h := c.w.Header()
	if h["Content-Type"] == nil {
		h["Content-Type"] = contentJSON
	}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	c.status = status
	patience := c.s.writeTime + time.Duration(len(body)>>16)*time.Second
	_ = http.NewResponseController(c.w).SetWriteDeadline(time.Now().Add(patience)) //nolint:forbidigo // the operating system's clock
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body) // a client that is gone
}

func (c *call) text(status int, body string) {
	c.w.Header()["Content-Type"] = contentText
	c.send(status, []byte(body))
}

// fail answers an error. What is none a client may see is an InternalException outside, and the whole story is one line of the log.
func (c *call) fail(err error) {
	e := c.visible(err)
	if c.paid && e.Code == api.AccessDenied {
		c.s.rates.giveBack(c.who, c.row.Name)
	}
	h := c.w.Header()
	h["x-amzn-ErrorType"] = []string{e.Code}
	if e.Status == http.StatusServiceUnavailable {
		h["Retry-After"] = []string{"1"}
	}
	if c.unread && c.r.ContentLength != 0 {
		h["Connection"] = []string{"close"} // what is left of the body is not worth reading to its end
	}
	if c.xml {
		h["Content-Type"] = contentXML
		c.send(e.Status, errorXML(e, c.id))
	} else {
		body, _ := e.AppendJSON(nil) // of an error it always succeeds
		c.send(e.Status, body)
	}
	if c.unread {
		c.release()
		c.s.drain(c.w, c.r)
	}
}

// visible turns any error into one that a client may see.
func (c *call) visible(err error) *api.Error {
	if e, ok := errors.AsType[*api.Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*sigv4.Error](err); ok {
		if e.Failure == sigv4.SessionToken && c.s.tokens.due(c.s.clock()) {
			c.s.log.Warn("a request came with a session token: hubcap knows static keys only, unset AWS_SESSION_TOKEN",
				slog.String("request", c.id))
		}
		return api.Errorf(e.Code(), "%s", e.Message)
	}
	if e, ok := errors.AsType[*iam.Denied](err); ok {
		return api.Errorf(api.AccessDenied, "%s", e.Error())
	}
	if errors.Is(err, store.ErrNearlyFull) {
		return api.Errorf(api.ServiceUnavailable, "The disk is nearly full: nothing is written until there is room again.")
	}
	if errors.Is(err, store.ErrTooSlow) {
		// What a question needed of an index may be there when it is asked again (D73).
		return api.Errorf(api.ServiceUnavailable, "The answer took longer than a question may (--query-timeout). Ask for less, or once more in a moment.")
	}
	if errors.Is(err, store.ErrClosed) {
		return api.Errorf(api.ServiceUnavailable, "The hub is stopping.")
	}
	if errors.Is(err, context.Canceled) && c.r.Context().Err() != nil {
		return &api.Error{Code: "RequestTimeoutException", Status: 499, Message: "The client went away."}
	}
	c.s.log.Error("an operation failed", slog.String("request", c.id), slog.String("operation", c.name()), slog.Any("error", err))
	return c.internal()
}

// internal is the one thing a client learns about the hub's own trouble.
func (c *call) internal() *api.Error {
	code := api.Internal
	if c.row != nil && slices.Contains(c.row.Errors, api.InternalServer) {
		code = api.InternalServer
	}
	return api.Errorf(code, "Internal service failure (request %s).", c.id)
}

func (c *call) name() string {
	if c.row != nil {
		return c.row.Name
	}
	return c.r.Method + " " + c.r.URL.Path
}

// end is the last thing of every request: panics become InternalException, buffers go back, the meter counts.
func (c *call) end() {
	if p := recover(); p != nil {
		if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so too
			c.finish()
			panic(p)
		}
		c.s.log.Error("an operation panicked", slog.String("request", c.id), slog.String("operation", c.name()),
			slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
		if c.status != 0 { // half an answer is out: only a broken connection tells the client
			c.finish()
			panic(http.ErrAbortHandler)
		}
		c.fail(c.internal())
	}
	c.finish()
}

// release gives the body's memory back.
func (c *call) release() {
	c.s.budget.giveBack(c.buf)
	c.buf, c.body = nil, nil
}

func (c *call) finish() {
	c.release()
	c.meter.count(c.status, time.Since(c.began))
}
