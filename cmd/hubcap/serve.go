package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"hubcap/internal/event"
	"hubcap/internal/hub"
	"hubcap/internal/server"
)

// serveCmd is `hubcap serve`.
type serveCmd struct {
	Addr         string   `default:"127.0.0.1:4510" placeholder:"HOST:PORT" help:"Address to listen on (${default})."`
	Store        string   `placeholder:"STORE" help:"Directory of the store, postgres://USER:PASSWORD@HOST/DATABASE, or memory ($${XDG_DATA_HOME:-~/.local/share}/hubcap)."`
	Profile      string   `default:"open" enum:"open,aws" help:"How strict: open to run a hub, aws to fail where AWS fails (${default})."`
	Auth         string   `default:"none" enum:"none,sigv4" help:"none takes any key at its word; sigv4 checks signatures against the keys of --config (${default})."`
	Config       string   `placeholder:"FILE" help:"Configuration file (TOML): keys, products, and any of these flags."`
	Insecure     bool     `help:"Serve a public address with --auth none: whoever reaches it may read and write everything."`
	AllowHost    []string `placeholder:"HOST" help:"Host names that requests may name with --auth none, beside loopback and --addr."`
	CORSOrigin   []string `name:"cors-origin" placeholder:"ORIGIN" help:"Origins of web pages that may call this hub."`
	TLSCert      string   `name:"tls-cert" placeholder:"FILE" help:"Certificate chain (PEM), read again when it changes."`
	TLSKey       string   `name:"tls-key" placeholder:"FILE" help:"Private key (PEM)."`
	Memory       string   `placeholder:"SIZE" help:"Memory the process should stay below (60 % of the container's or the machine's)."`
	IndexMemory  string   `placeholder:"SIZE" help:"Memory for the values that the index knows; beyond it search reads documents (5/12 of --memory)."`
	MinFree      string   `default:"512MB" placeholder:"SIZE" help:"Free disk space below which writes are answered 503 (${default})."`
	QueryTimeout string   `default:"10s" placeholder:"DURATION" help:"Time for a page of findings, a count or an insight; beyond it 503 (${default})."`
	MaxInflight  string   `default:"256MB" placeholder:"SIZE" help:"Memory for requests under way; beyond it new ones are answered 503 (${default})."`
	MetricsAddr  string   `placeholder:"HOST:PORT" help:"Serve /metrics here, over plain HTTP, and not on --addr."`
	LogFormat    string   `default:"text" enum:"text,json" help:"Form of the log on standard error: text or json (${default})."`
	HistoryDays  int      `default:"90" placeholder:"DAYS" help:"How long a change is told in a finding's history (${default})."`

	RetainActive   int    `default:"-1" placeholder:"DAYS" help:"Delete findings that are not archived so long after their last update; 0: never, -1: as the profile does (aws 90, open never)."`
	RetainArchived int    `default:"-1" placeholder:"DAYS" help:"Delete archived findings so long after their last update; 0: never, -1: as the profile does (aws 30, open never)."`
	ArchiveAfter   int    `default:"0" placeholder:"DAYS" help:"Archive findings so long after their last update; 0: never (${default})."`
	SweepEvery     string `default:"6h" placeholder:"TIME" help:"How often to look for what is kept longer than that (${default})."`
}

// Run serves until ctx ends, then finishes what was acknowledged.
func (c *serveCmd) Run(ctx context.Context, std *streams) (err error) {
	cfg, err := loadConfig(c.Config)
	if err != nil {
		return err
	}
	log := newLog(std.Err, c.LogFormat)
	sc, err := c.server(cfg, log)
	if err != nil {
		return err
	}
	profile, err := hub.ParseProfile(c.Profile)
	if err != nil {
		return err
	}
	retention, every, err := c.retention(profile)
	if err != nil {
		return err
	}
	memory, err := memoryLimit(c.Memory)
	if err != nil {
		return err
	}
	debug.SetMemoryLimit(memory)
	defer tuneCollector(ctx)()

	sinks, err := cfg.sinks(ctx, log)
	if err != nil {
		return err
	}
	l, err := listen(ctx, "--addr", c.Addr)
	if err != nil {
		return err
	}
	defer l.Close() //nolint:errcheck // closed by Serve when all goes well
	st, err := c.open(ctx, memory, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	sc.Metrics.MustRegister(st.metrics)

	questionTime, err := time.ParseDuration(c.QueryTimeout)
	if err != nil {
		return err // open has read it before
	}
	sc.Hub, err = hub.New(ctx, hub.Config{
		Store: st.Store, Profile: profile, Clock: time.Now, Products: cfg.products(), Organization: cfg.organization(), Log: log, HistoryDays: c.HistoryDays, Retention: retention,
		Sinks: event.ForHub(sinks), QuestionTime: questionTime, Shared: st.shared,
	})
	if err != nil {
		return err
	}
	var events *event.Service
	if len(sinks) > 0 {
		if events, err = event.New(event.Config{Hub: sc.Hub, Sinks: sinks, Clock: time.Now, Log: log, Metrics: sc.Metrics}); err != nil {
			return err
		}
		sc.Events = events
	}
	srv, err := server.New(sc)
	if err != nil {
		return err
	}
	if c.MetricsAddr != "" {
		stop, err := serveMetrics(ctx, c.MetricsAddr, srv.Metrics(), log)
		if err != nil {
			return err
		}
		defer stop()
	}
	// Jobs go on while requests are answered, and rest before the store closes.
	working, rest := context.WithCancel(ctx)
	var workers sync.WaitGroup
	workers.Go(func() { sc.Hub.RunJobs(working) })
	defer workers.Wait()
	defer rest()
	defer deliver(ctx, sinks, events, log)()
	defer newSweeper(sc.Hub, every, log, sc.Metrics).start(ctx)()
	if err := c.greet(std.Out, l.Addr(), st.where, cfg); err != nil {
		return err
	}
	if err := srv.Serve(ctx, l); err != nil {
		return err
	}
	log.InfoContext(ctx, "stopped: "+st.left)
	return nil
}

// server turns flags and file into the edge's configuration, and refuses what is not safe to serve.
func (c *serveCmd) server(cfg *config, log *slog.Logger) (server.Config, error) {
	info, _ := debug.ReadBuildInfo()
	sc := server.Config{
		Version: versionName(info), Clock: time.Now, Log: log, Origins: c.CORSOrigin, HideMetrics: c.MetricsAddr != "", Verify: c.Auth == "sigv4", Throttle: c.Profile == "aws",
		Metrics: prometheus.NewRegistry(),
	}
	sc.Metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	host, err := splitAddr("--addr", c.Addr)
	if err != nil {
		return sc, err
	}
	if c.MetricsAddr != "" {
		if _, err := splitAddr("--metrics-addr", c.MetricsAddr); err != nil {
			return sc, err
		}
	}
	for _, o := range c.CORSOrigin {
		// The server's own check does not know where it got them.
		if u, err := url.Parse(o); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Scheme+"://"+u.Host != o || strings.Contains(o, "*") {
			return sc, fmt.Errorf("--cors-origin %s: is no origin; write it as https://console.example (* is not accepted)", o)
		}
	}
	public := !loopback(host)
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return sc, errors.New("--tls-cert and --tls-key go together")
	}
	if c.HistoryDays < 1 {
		return sc, fmt.Errorf("--history-days %d: must be 1 or more", c.HistoryDays)
	}
	if sc.MaxInflight, err = parseSize(c.MaxInflight); err != nil {
		return sc, fmt.Errorf("--max-inflight: %w", err)
	}
	if sc.MaxInflight < leastInflight {
		return sc, fmt.Errorf("--max-inflight %s: must be 16MB or more, so that the largest request fits", c.MaxInflight)
	}
	if sc.Verify {
		if len(cfg.Keys) == 0 {
			return sc, errors.New("--auth sigv4 needs keys: name a --config file with at least one [[keys]] (docs/examples/hubcap.toml)")
		}
		if len(c.AllowHost) > 0 {
			log.Warn("--allow-host has no effect with --auth sigv4: signatures cover the host")
		}
		if public && c.TLSCert == "" {
			log.Warn("findings travel unencrypted: --addr is public and there is no --tls-cert", slog.String("addr", c.Addr))
		}
		for i := range cfg.Keys {
			k, err := cfg.Keys[i].key()
			if err != nil {
				return sc, err
			}
			sc.Keys = append(sc.Keys, k)
		}
	} else {
		if public && !c.Insecure {
			return sc, fmt.Errorf("refusing to serve %s with --auth none: whoever reaches that address could read and write every finding. "+
				"Use --auth sigv4 with keys in --config, or --insecure where the network keeps strangers out "+
				"(in a container whose port is published on loopback)", c.Addr)
		}
		if len(cfg.Keys) > 0 {
			log.Warn("the keys of the configuration are not checked: --auth is none")
		}
		sc.Hosts = c.AllowHost
		if ip := net.ParseIP(host); host != "" && (ip == nil || !ip.IsUnspecified()) {
			sc.Hosts = append(sc.Hosts, host)
		}
	}
	if c.TLSCert != "" {
		if sc.TLS, err = reloadingTLS(c.TLSCert, c.TLSKey, log); err != nil {
			return sc, err
		}
	}
	return sc, nil
}

// leastInflight is room for two of the largest requests.
const leastInflight = 16 << 20

func loopback(host string) bool {
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// splitAddr is the host of HOST:PORT.
func splitAddr(flag, addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("%s %s: must be HOST:PORT", flag, addr)
	}
	if n, err := strconv.Atoi(port); err == nil && (n < 0 || n > math.MaxUint16) || errors.Is(err, strconv.ErrRange) {
		return "", fmt.Errorf("%s %s: the port must be 0 to %d", flag, addr, math.MaxUint16)
	}
	return host, nil
}

// listen opens a port, and says what to do where it cannot.
func listen(ctx context.Context, flag, addr string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s %s is in use by another process: stop that one or choose another address", flag, addr)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s %s: not permitted to listen there; ports below 1024 need a privilege", flag, addr)
	case err != nil:
		return nil, fmt.Errorf("%s %s: %w", flag, addr, err)
	}
	return l, nil
}

// greet prints where the hub is and the block that makes any client work with it.
func (c *serveCmd) greet(w io.Writer, addr net.Addr, where string, cfg *config) error {
	scheme := "http"
	if c.TLSCert != "" {
		scheme = "https"
	}
	id, value := "111122223333", "any"
	if c.Auth == "sigv4" {
		id, value = cfg.Keys[0].ID, "its-secret"
	}
	endpoint := scheme + "://" + reachable(c.Addr, addr)
	_, err := fmt.Fprintf(w, `hubcap serves %s (profile %s, auth %s)
store: %s
console: %s/console/

Point any AWS client at it:

  export AWS_ENDPOINT_URL_SECURITYHUB=%s AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s AWS_DEFAULT_REGION=us-east-1
  unset AWS_PROFILE AWS_SESSION_TOKEN

`, endpoint, c.Profile, c.Auth, printable(where), endpoint, endpoint, id, value)
	return err
}

// reachable is the listener's address as a client on this machine writes it: with the port it really got, and no wildcard host.
func reachable(wanted string, got net.Addr) string {
	host, _, _ := net.SplitHostPort(wanted)
	_, port, _ := net.SplitHostPort(got.String())
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// serveMetrics answers /metrics on a listener of its own.
func serveMetrics(ctx context.Context, addr string, h http.Handler, log *slog.Logger) (stop func(), err error) {
	l, err := listen(ctx, "--metrics-addr", addr)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", h)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, WriteTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	go func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.ErrorContext(ctx, "metrics are no longer served", slog.Any("error", err))
		}
	}()
	log.InfoContext(ctx, "serving metrics", slog.String("addr", l.Addr().String()))
	return func() { _ = srv.Close() }, nil
}

func newLog(w io.Writer, format string) *slog.Logger {
	if format == "json" {
		return slog.New(server.LogHandler(slog.NewJSONHandler(printableLines{w}, nil)))
	}
	return slog.New(server.LogHandler(slog.NewTextHandler(printableLines{w}, nil)))
}

// key is what the edge needs of a configured key.
func (k *keyConfig) key() (server.Key, error) {
	s, err := k.resolve(os.LookupEnv)
	if err != nil {
		return server.Key{}, err
	}
	policy, err := k.policy()
	if err != nil {
		return server.Key{}, fmt.Errorf("key %s: policy: %w", k.ID, err)
	}
	return server.Key{ID: k.ID, Secret: string(s), Account: k.Account, Name: k.Name, Products: k.Products, Policy: policy}, nil
}

// organization is what the hub needs of [organization]; nil: there is none.
func (c *config) organization() *hub.Organization {
	if c.Organization == nil {
		return nil
	}
	o := &hub.Organization{ManagementAccount: c.Organization.ManagementAccount, Root: c.Organization.Root}
	for _, u := range c.Organization.Units {
		o.Units = append(o.Units, hub.OrganizationUnit{ID: u.ID, Name: cmp.Or(u.Name, u.ID), Parent: u.Parent})
	}
	for _, a := range c.Organization.Accounts {
		o.Accounts = append(o.Accounts, hub.OrganizationAccount(a))
	}
	return o
}

func (c *config) products() []hub.Product {
	var list []hub.Product
	for _, p := range c.Products {
		list = append(list, hub.Product{
			Company: p.Company, Product: p.Product, CompanyName: p.CompanyName, ProductName: p.ProductName,
			Description: p.Description, Categories: p.Categories,
		})
	}
	return list
}
