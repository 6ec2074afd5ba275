package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/require"
)

// output is what a running program writes, to be read meanwhile.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// running is `hubcap serve` inside the test.
type running struct {
	endpoint string
	out, err *output
	stop     func() int // as SIGTERM does; answers the exit code
}

var endpointLine = regexp.MustCompile(`(?m)^hubcap serves (\S+) .*\n(?s:.*)unset AWS_PROFILE AWS_SESSION_TOKEN\n`)

func serve(t *testing.T, args ...string) *running {
	t.Helper()
	r := &running{out: &output{}, err: &output{}}
	ctx, cancel := context.WithCancel(context.Background())
	exit := make(chan int, 1)
	go func() {
		exit <- Main(ctx, append([]string{"serve", "--addr", "127.0.0.1:0"}, args...), strings.NewReader(""), r.out, r.err)
	}()
	r.stop = sync.OnceValue(func() int {
		cancel()
		return <-exit
	})
	t.Cleanup(func() { r.stop() })
	require.Eventually(t, func() bool {
		m := endpointLine.FindStringSubmatch(r.out.String())
		if m != nil {
			r.endpoint = m[1]
		}
		return m != nil || len(exit) > 0
	}, 30*time.Second, time.Millisecond)
	require.NotEmpty(t, r.endpoint, r.err.String())
	return r
}

// fails runs serve where it must not start.
func fails(t *testing.T, code int, args ...string) string {
	t.Helper()
	var out, err bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	require.Equal(t, code, Main(ctx, append([]string{"serve"}, args...), strings.NewReader(""), &out, &err), err.String())
	require.Empty(t, out.String())
	return err.String()
}

func signed(t *testing.T, method, url, id, key string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, url, http.NoBody)
	require.NoError(t, err)
	sum := sha256.Sum256(nil)
	require.NoError(t, v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: id, SecretAccessKey: key}, r,
		hex.EncodeToString(sum[:]), "securityhub", "us-east-1", time.Now()))
	return r
}

func ask(t *testing.T, c *http.Client, r *http.Request) (int, string) {
	t.Helper()
	resp, err := c.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(b)
}

func TestServeAndStop(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "store")
	r := serve(t, "--store", dir)
	require.Contains(t, r.out.String(), "store: "+dir+"\n")
	require.Contains(t, r.out.String(), "export AWS_ENDPOINT_URL_SECURITYHUB="+r.endpoint+
		" AWS_ACCESS_KEY_ID=111122223333 AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION=us-east-1\n")
	status, body := ask(t, http.DefaultClient, signed(t, "GET", r.endpoint+"/accounts", "111122223333", "any"))
	require.Equal(t, 200, status, body)
	require.Contains(t, body, "arn:aws:securityhub:us-east-1:111122223333:hub/default")

	addr := strings.TrimPrefix(r.endpoint, "http://")
	require.Contains(t, fails(t, 1, "--addr", addr, "--store", "memory"), "--addr "+addr+" is in use by another process")
	require.Equal(t, "hubcap: --store: directory "+dir+" is in use by another hubcap process (or twice by this one): stop that one first\n",
		fails(t, 1, "--addr", "127.0.0.1:0", "--store", dir))

	require.Zero(t, r.stop(), r.err.String())
	require.Contains(t, r.err.String(), "what was acknowledged is on disk")
	require.Zero(t, serve(t, "--store", dir).stop(), "the directory can be opened again")
}

func TestStopWithoutADisk(t *testing.T) {
	r := serve(t, "--store", "memory")
	require.Zero(t, r.stop(), r.err.String())
	require.Contains(t, r.err.String(), "what was in memory is gone")
	require.NotContains(t, r.err.String(), "on disk")
}

func TestDefaultStore(t *testing.T) {
	data := t.TempDir()
	t.Setenv("XDG_DATA_HOME", data)
	r := serve(t)
	require.Contains(t, r.out.String(), "store: "+filepath.Join(data, "hubcap")+"\n")
	require.DirExists(t, filepath.Join(data, "hubcap"))
}

// The example of docs/examples: two accounts and a partner, each with what its key may.
func TestExampleConfiguration(t *testing.T) {
	r := serve(t, "--store", "memory", "--auth", "sigv4", "--config", "../../docs/examples/hubcap.toml")
	require.NotContains(t, r.out.String()+r.err.String(), "hubcap/example/secret")
	require.Contains(t, r.out.String(), "AWS_ACCESS_KEY_ID=AKIAHUBCAPEXAMPLEAAA")
	for _, c := range []struct {
		id, key, method, path string
		status                int
		says                  string
	}{
		{"AKIAHUBCAPEXAMPLEAAA", "hubcap/example/secret/of/account/one0000", "GET", "/accounts", 200, ":111122223333:hub/default"},
		{"AKIAHUBCAPEXAMPLEBBB", "hubcap/example/secret/of/account/two0000", "GET", "/accounts", 200, ":222233334444:hub/default"},
		{"AKIAHUBCAPEXAMPLEBBB", "hubcap/example/secret/of/account/two0000", "DELETE", "/accounts", 403, "arn:aws:iam::222233334444:user/scanner is not authorized"},
		{"AKIAHUBCAPPARTNER000", "hubcap/example/secret/of/the/partner0000", "GET", "/accounts", 200, ":999999999999:hub/default"},
		{"AKIAHUBCAPEXAMPLEAAA", "hubcap/example/secret/of/account/two0000", "GET", "/accounts", 403, "signature we calculated does not match"},
		{"111122223333", "any", "GET", "/accounts", 403, "security token included in the request is invalid"},
	} {
		status, body := ask(t, http.DefaultClient, signed(t, c.method, r.endpoint+c.path, c.id, c.key))
		require.Equal(t, c.status, status, body)
		require.Contains(t, body, c.says)
	}
}

// A flag beats the environment, which beats the file.
func TestPrecedence(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hubcap.toml")
	require.NoError(t, os.WriteFile(file, []byte("profile = \"aws\"\nstore = \"memory\"\nlog_format = \"json\"\n"), 0o600))
	require.Contains(t, serve(t, "--config", file).out.String(), "(profile aws,")
	t.Setenv("HUBCAP_CONFIG", file)
	require.Contains(t, serve(t).out.String(), "(profile aws,")
	t.Setenv("HUBCAP_PROFILE", "open")
	require.Contains(t, serve(t).out.String(), "(profile open,")
	require.Contains(t, serve(t, "--profile", "aws").out.String(), "(profile aws,")

	require.NoError(t, os.WriteFile(file, []byte("profil = \"aws\"\n"), 0o600))
	require.Contains(t, fails(t, 1, "--addr", "127.0.0.1:0"), "hubcap: "+file+":1: unknown key \"profil\"")
	require.NoError(t, os.WriteFile(file, []byte("log_format = \"xml\"\n"), 0o600))
	require.Contains(t, fails(t, 2, "--addr", "127.0.0.1:0"), "--log-format must be one of")
}

func TestRefusesToServe(t *testing.T) {
	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{1, "--insecure", []string{"--addr", "0.0.0.0:0"}},
		{1, "--insecure", []string{"--addr", ":0"}},
		{1, "--insecure", []string{"--addr", "hub.example:4510"}},
		{1, "must be HOST:PORT", []string{"--addr", "4510"}},
		{1, "needs keys", []string{"--auth", "sigv4"}},
		{1, "go together", []string{"--tls-cert", "x"}},
		{1, "no such file", []string{"--tls-cert", "/nonexistent/x", "--tls-key", "/nonexistent/y"}},
		{1, "--max-inflight 1MB: must be 16MB or more", []string{"--max-inflight", "1MB"}},
		{1, "--memory: \"lots\"", []string{"--memory", "lots"}},
		{1, "--index-memory: \"much\"", []string{"--index-memory", "much", "--store", "memory", "--addr", "127.0.0.1:0"}},
		{1, "--query-timeout 0s: must be a time", []string{"--query-timeout", "0s", "--store", "memory", "--addr", "127.0.0.1:0"}},
		{1, "--min-free: \"0\"", []string{"--min-free", "0", "--store", "memory", "--addr", "127.0.0.1:0"}},
		{1, "--insecure", []string{"--addr", "[::]:0"}},
		{1, "--history-days 0", []string{"--history-days", "0"}},
		{1, "--addr 127.0.0.1:99999: the port must be 0 to 65535", []string{"--addr", "127.0.0.1:99999"}},
		{1, "--addr 127.0.0.1:-1: the port must be 0 to 65535", []string{"--addr", "127.0.0.1:-1"}},
		{1, "--addr 127.0.0.1:9999999999999999999999: the port", []string{"--addr", "127.0.0.1:9999999999999999999999"}},
		{1, "--metrics-addr 127.0.0.1:65536: the port", []string{"--addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:65536"}},
		{1, "hubcap: --cors-origin *: is no origin", []string{"--cors-origin", "*", "--addr", "127.0.0.1:0"}},
		{1, "--cors-origin https://x/: is no origin", []string{"--cors-origin", "https://x/", "--addr", "127.0.0.1:0"}},
		{1, "--cors-origin", []string{"--cors-origin", "ftp://x", "--store", "memory", "--addr", "127.0.0.1:0"}},
		{1, "is no host name", []string{"--allow-host", "*", "--store", "memory", "--addr", "127.0.0.1:0"}},
		{1, "--store", []string{"--store", "/dev/null/x", "--addr", "127.0.0.1:0"}},
		{2, "--profile must be one of", []string{"--profile", "gcp"}},
		{2, "unknown flag --adr", []string{"--adr", "x"}},
	} {
		require.Contains(t, fails(t, c.code, c.args...), c.says)
	}
	var out, err bytes.Buffer
	require.Equal(t, 2, Main(context.Background(), []string{"sevre"}, nil, &out, &err))
	require.Contains(t, err.String(), "sevre")
	require.Zero(t, Main(context.Background(), []string{"--help"}, nil, &out, &err))
	require.Contains(t, out.String(), "serve")
}

// A public address with --insecure serves the names of --allow-host; its host is no name that a browser may use.
func TestInsecure(t *testing.T) {
	r := serve(t, "--addr", "0.0.0.0:0", "--insecure", "--allow-host", "hub.example", "--store", "memory")
	require.True(t, strings.HasPrefix(r.endpoint, "http://127.0.0.1:"), r.endpoint)
	for host, status := range map[string]int{"hub.example": 200, "127.0.0.1": 200, "0.0.0.0": 403, "other.example": 403} {
		q := signed(t, "GET", r.endpoint+"/accounts", "111122223333", "any")
		q.Host = host
		got, body := ask(t, http.DefaultClient, q)
		require.Equal(t, status, got, "%s: %s", host, body)
	}
}

// What the flags make of the edge: rates are the profile's, a concrete --addr host is a name that requests may use, and the
// loopback of either protocol needs no --insecure.
func TestFlagsReachTheEdge(t *testing.T) {
	base := serveCmd{Addr: "127.0.0.1:0", Auth: "none", Profile: "open", MaxInflight: "256MB", HistoryDays: 90}
	for _, c := range []struct {
		change   func(*serveCmd)
		throttle bool
		hosts    []string
	}{
		{func(*serveCmd) {}, false, []string{"127.0.0.1"}},
		{func(c *serveCmd) { c.Profile = "aws" }, true, []string{"127.0.0.1"}},
		{func(c *serveCmd) { c.Addr = "[::1]:0" }, false, []string{"::1"}},
		{func(c *serveCmd) { c.Addr, c.Insecure = "hub.example:1", true }, false, []string{"hub.example"}},
		{func(c *serveCmd) { c.Addr, c.Insecure = "[::]:1", true }, false, nil},
		{func(c *serveCmd) { c.Addr, c.Insecure, c.AllowHost = "0.0.0.0:1", true, []string{"a", "b"} }, false, []string{"a", "b"}},
	} {
		cmd := base
		c.change(&cmd)
		sc, err := cmd.server(&config{}, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		require.Equal(t, c.throttle, sc.Throttle, "%+v", cmd)
		require.Equal(t, c.hosts, sc.Hosts, "%+v", cmd)
	}
}

func TestMetricsApart(t *testing.T) {
	r := serve(t, "--store", "memory", "--metrics-addr", "127.0.0.1:0", "--log-format", "json")
	at := regexp.MustCompile(`"serving metrics","addr":"([^"]+)"`).FindStringSubmatch(r.err.String())
	require.NotNil(t, at, r.err.String())
	q, err := http.NewRequest(http.MethodGet, "http://"+at[1]+"/metrics", http.NoBody)
	require.NoError(t, err)
	status, body := ask(t, http.DefaultClient, q)
	require.Equal(t, 200, status)
	require.Contains(t, body, "go_goroutines")
	require.Contains(t, body, "\nhubcap_store_findings 0\n")
	require.Contains(t, body, "\nhubcap_store_nearly_full 0\n")
	q, err = http.NewRequest(http.MethodGet, r.endpoint+"/metrics", http.NoBody)
	require.NoError(t, err)
	status, _ = ask(t, http.DefaultClient, q)
	require.Equal(t, 403, status)
	require.Zero(t, r.stop())
}

// pair writes a key pair for a name.
func pair(t *testing.T, certFile, keyFile, name string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return cert
}

func TestTLSReload(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	first := pair(t, certFile, keyFile, "first")
	r := serve(t, "--store", "memory", "--tls-cert", certFile, "--tls-key", keyFile)
	require.True(t, strings.HasPrefix(r.endpoint, "https://"), r.endpoint)
	name := func(roots ...*x509.Certificate) string {
		pool := x509.NewCertPool()
		for _, c := range roots {
			pool.AddCert(c)
		}
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true, ForceAttemptHTTP2: true}
		resp, err := tr.RoundTrip(signed(t, "GET", r.endpoint+"/accounts", "111122223333", "any"))
		require.NoError(t, err)
		defer resp.Body.Close()
		require.Equal(t, 200, resp.StatusCode)
		require.Equal(t, 2, resp.ProtoMajor)
		return resp.TLS.PeerCertificates[0].Subject.CommonName
	}
	require.Equal(t, "first", name(first))
	second := pair(t, certFile, keyFile, "second certificate")
	require.Equal(t, "second certificate", name(second))
	// A broken one is told and not used; the last good one stays, and the log does not fill up.
	require.NoError(t, os.WriteFile(certFile, []byte("half a fi"), 0o600))
	require.Equal(t, "second certificate", name(second))
	require.Equal(t, "second certificate", name(second))
	require.Equal(t, 1, strings.Count(r.err.String(), "the changed certificate cannot be used"))
	require.NoError(t, os.Remove(certFile))
	require.Equal(t, "second certificate", name(second))
	require.Equal(t, "second certificate", name(second))
	require.Equal(t, 2, strings.Count(r.err.String(), "the changed certificate cannot be used"))
	third := pair(t, certFile, keyFile, "third")
	require.Equal(t, "third", name(third))
}

func TestWarnings(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	cfg := &config{Keys: []keyConfig{{ID: "AKIA", Secret: "s", Account: "111122223333"}}}
	base := serveCmd{Addr: "0.0.0.0:1", Auth: "sigv4", Profile: "open", MaxInflight: "256MB", HistoryDays: 90}
	for says, c := range map[string]func(*serveCmd){
		"findings travel unencrypted":               func(*serveCmd) {},
		"--allow-host has no effect":                func(c *serveCmd) { c.AllowHost = []string{"x"} },
		"keys of the configuration are not checked": func(c *serveCmd) { c.Auth, c.Addr = "none", "127.0.0.1:1" },
	} {
		out.Reset()
		cmd := base
		c(&cmd)
		_, err := cmd.server(cfg, log)
		require.NoError(t, err)
		require.Contains(t, out.String(), says)
	}
	out.Reset()
	base.Addr = "127.0.0.1:1"
	_, err := base.server(cfg, log)
	require.NoError(t, err)
	require.Empty(t, out.String())
}
