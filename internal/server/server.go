// Package server is the HTTP edge: it turns a request into one call of the hub and the hub's answer into a response.
//
// Every operation is a row, of api.Operations or of hubcap's own (extensions.go), and takes the one path in call.go: browser's guard, row, headers, body, signature,
// permission, decode, call, encode. A row that no method of the hub is bound to answers 501 by the same path, so an operation cannot
// be reached without a signature even before it is built. The edge judges the limits (sizes, times, memory under way) and nothing about
// findings.
package server

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hubcap/internal/api"
	"hubcap/internal/hub"
	"hubcap/internal/iam"
	"hubcap/internal/sigv4"
	"hubcap/web"
)

// Key is an access key of --auth sigv4.
type Key struct {
	ID, Secret string
	Account    string      // 12 digits
	Name       string      // of the user in the principal's ARN; "" is the key id
	Products   []string    // product ARN patterns it is allow-listed for
	Policy     *iam.Policy // nil: everything in its own account
}

// Config is what a Server is made of. Hub and Clock are required.
type Config struct {
	Hub   *hub.Hub
	Clock func() time.Time
	Log   *slog.Logger // nil: nothing is logged

	Events Events // nil: there are no sinks

	Version string // of hubcap, for the console

	// Verify checks signatures against Keys (--auth sigv4). Else any key is taken at its word (--auth none), and only requests that
	// name a host of Hosts are answered.
	Verify bool
	Keys   []Key
	// Hosts may be named in the Host header beside loopback, without ports. Only with Verify unset (D40).
	Hosts []string
	// Origins are the origins of web pages that may call: "https://console.example". "*" is refused.
	Origins []string

	MaxInflight int64                // bytes of memory for requests under way; 0: 256 MB
	Metrics     *prometheus.Registry // nil: one of the server's own
	HideMetrics bool                 // /metrics is served elsewhere (Server.Metrics)
	TLS         *tls.Config          // nil: plain HTTP
	Throttle    bool                 // AWS's request rates per account and Region (profile aws)
}

// Times by which slow clients are cut off.
const (
	headerTime = 10 * time.Second // for the headers, from the first byte (or the connection's beginning)
	stepTime   = 30 * time.Second // for each step by which a body's buffer grows
	drainTime  = 2 * time.Second  // for what an early answer left unread
	idleTime   = 2 * time.Minute  // between requests of a connection
	writeTime  = time.Minute      // for a client to take the answer, and a second more for each 64 KB of it
	wholeTime  = 10 * time.Minute // for a request as a whole
	stopTime   = 30 * time.Second // for requests under way when the server stops

	maxHeaderBytes = 64 << 10
)

// Server answers HTTP. It is an http.Handler; Serve adds the limits of connections.
type Server struct {
	hub      *hub.Hub
	clock    func() time.Time
	log      *slog.Logger
	verifier *sigv4.Verifier // nil with --auth none
	keys     map[string]*Key
	console  *web.Console
	version  string
	browsers guard
	router   *router
	budget   budget
	meters   *meters
	rates    *rates // nil: unlimited
	tokens   seldom // the line about session tokens
	streams  atomic.Int32
	live     atomic.Int32 // streams without an end
	hide     bool         // /metrics
	tls      *tls.Config

	headerTime, stepTime, drainTime, writeTime time.Duration // shorter in tests
}

// New makes a Server.
func New(cfg Config) (*Server, error) {
	return build(cfg, bindings(cfg.Hub))
}

func build(cfg Config, bound map[string]operation) (*Server, error) {
	if cfg.Clock == nil {
		return nil, errors.New("server: Config.Clock is required")
	}
	s := &Server{
		hub: cfg.Hub, clock: cfg.Clock, log: cfg.Log, hide: cfg.HideMetrics, tls: cfg.TLS, version: cfg.Version,
		headerTime: headerTime, stepTime: stepTime, drainTime: drainTime, writeTime: writeTime,
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.budget.most = cfg.MaxInflight; s.budget.most == 0 {
		s.budget.most = 256 << 20
	}
	if cfg.Verify {
		s.keys = make(map[string]*Key, len(cfg.Keys))
		for i := range cfg.Keys {
			s.keys[cfg.Keys[i].ID] = &cfg.Keys[i]
		}
		s.verifier = sigv4.NewVerifier(func(id string) (string, bool) {
			if k := s.keys[id]; k != nil {
				return k.Secret, true
			}
			return "", false
		})
	}
	if cfg.Throttle {
		s.rates = newRates()
	}
	var err error
	if s.console, err = web.Embedded(); err != nil {
		return nil, err
	}
	if s.browsers, err = newGuard(!cfg.Verify, cfg.Hosts, cfg.Origins); err != nil {
		return nil, err
	}
	if s.meters, err = newMeters(cfg.Metrics, &s.budget); err != nil {
		return nil, err
	}
	rest := maps.Clone(bound)
	rows := make([]*row, 0, len(api.Operations))
	for i := range api.Operations {
		op := &api.Operations[i]
		r := &row{Operation: op, inside: authorisedInside[op.Name], answer: bound[op.Name], meter: s.meters.of(op.Name)}
		if r.answer == nil {
			r.answer = notBuilt(op.Name)
		}
		delete(rest, op.Name)
		rows = append(rows, r)
	}
	for _, e := range extensions(cfg.Hub, cfg.Events) {
		r := &row{Operation: &e.Operation, also: e.also, answer: e.answer, meter: s.meters.of(e.Name)}
		if instead := bound[e.Name]; instead != nil { // a test's
			r.answer = instead
		}
		delete(rest, e.Name)
		rows = append(rows, r)
	}
	for name := range rest {
		return nil, fmt.Errorf("server: %s is bound but is no row of api.Operations or of the extensions", name)
	}
	s.router = newRouter(rows)
	return s, nil
}

// Metrics answers Prometheus's questions, for a listener of its own.
func (s *Server) Metrics() http.Handler { return s.meters.handler }

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := requestID()
	w.Header()["x-amzn-RequestId"] = []string{id}
	c := call{s: s, w: w, r: r, id: id, began: time.Now(), meter: s.meters.unknown} //nolint:forbidigo // how long it took, not when it was
	defer c.end()
	if r.ContentLength != 0 { // whoever leaves it unread: nobody holds a connection by a body that never comes
		readWithin(http.NewResponseController(w), s.stepTime)
	}
	path := escapedPath(r)
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case path == "/healthz" && reads:
		c.meter = s.meters.page
		c.text(http.StatusOK, "ok\n")
	case !s.browsers.admit(&c):
	case path == "/metrics" && !s.hide && reads:
		c.meter, c.status = s.meters.page, http.StatusOK
		s.meters.handler.ServeHTTP(w, r)
	case consoleWants(path, r):
		c.console(path)
	case path == "/" && r.Method == http.MethodPost:
		c.meter = s.meters.identity
		c.identity()
	default:
		c.operation(path)
	}
}

// escapedPath is the path as it came over the wire.
func escapedPath(r *http.Request) string {
	if path, _, _ := strings.Cut(r.RequestURI, "?"); strings.HasPrefix(path, "/") {
		return path
	}
	return r.URL.EscapedPath()
}

// requestID makes a name for one request, in the shape of a UUID as AWS's are.
func requestID() string {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails
	raw[6], raw[8] = raw[6]&0x0f|0x40, raw[8]&0x3f|0x80
	var text [36]byte
	at := 0
	for i, n := range [...]int{4, 2, 2, 2, 6} {
		if i > 0 {
			text[at] = '-'
			at++
		}
		hex.Encode(text[at:], raw[:n])
		copy(raw[:], raw[n:])
		at += 2 * n
	}
	return string(text[:])
}

// Serve answers the connections of a listener until ctx ends, then stops taking new ones, finishes what is under way and returns nil.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: s.headerTime,
		IdleTimeout:       idleTime,
		WriteTimeout:      wholeTime,
		MaxHeaderBytes:    maxHeaderBytes,
		TLSConfig:         s.tls,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // strangers' broken handshakes and the like
	}
	done := make(chan error, 1)
	go func() {
		if s.tls != nil {
			done <- srv.ServeTLS(l, "", "")
			return
		}
		done <- srv.Serve(l)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	if err := srv.Shutdown(stopping); err != nil {
		s.log.WarnContext(ctx, "requests were still under way when the time to stop was over", slog.Duration("waited", stopTime))
		return srv.Close()
	}
	return nil
}
