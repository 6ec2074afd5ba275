package server

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a web page of a stranger can make a browser send, and what it gets (D40).
func TestBrowsers(t *testing.T) {
	const host = "hub.example:4510"
	page := "https://console.example"
	for name, c := range map[string]struct {
		verify  bool
		method  string
		target  string
		host    string
		header  http.Header
		status  int // 200: it went through to the operation
		allowed bool
	}{
		"loopback address":              {host: "127.0.0.1:4510", status: 200},
		"loopback name":                 {host: "LocalHost:1", status: 200},
		"loopback of IPv6":              {host: "[::1]:4510", status: 200},
		"a listed host":                 {host: host, status: 200},
		"rebinding":                     {host: "evil.example:4510", status: 403},
		"rebinding, a look-alike":       {host: "localhost.evil.example", status: 403},
		"rebinding to the health page":  {host: "evil.example", method: "GET", target: "/healthz", status: 200},
		"rebinding to metrics":          {host: "evil.example", method: "GET", target: "/metrics", status: 403},
		"any host where keys are known": {verify: true, host: "evil.example", status: 200},
		"cross-site form as text/plain": {header: http.Header{"Sec-Fetch-Site": {"cross-site"}, "Content-Type": {"text/plain"}}, status: 403},
		"cross-site, old browser":       {header: http.Header{"Origin": {"https://evil.example"}, "Content-Type": {"text/plain"}}, status: 403},
		"cross-site with sigv4":         {verify: true, header: http.Header{"Sec-Fetch-Site": {"cross-site"}}, status: 403},
		"foreign origin with sigv4":     {verify: true, header: http.Header{"Origin": {"https://evil.example"}}, status: 403},
		"sandboxed frame":               {header: http.Header{"Origin": {"null"}}, status: 403},
		"two origins":                   {header: http.Header{"Origin": {page, page}}, status: 403},
		"its own page":                  {host: host, header: http.Header{"Origin": {"http://" + host}, "Sec-Fetch-Site": {"same-origin"}}, status: 200},
		"its own page behind TLS":       {host: host, header: http.Header{"Origin": {"https://" + host}}, status: 200},
		"its own page, led by another":  {host: host, header: http.Header{"Origin": {"http://" + host}, "Sec-Fetch-Site": {"cross-site"}}, status: 403},
		"its own name, another port":    {host: host, header: http.Header{"Origin": {"http://hub.example:9"}}, status: 403},
		"another scheme":                {host: host, header: http.Header{"Origin": {"chrome-extension://" + host}}, status: 403},
		"a listed origin":               {header: http.Header{"Origin": {page}, "Sec-Fetch-Site": {"cross-site"}}, status: 200, allowed: true},
		"a listed origin with sigv4":    {verify: true, header: http.Header{"Origin": {page}}, status: 200, allowed: true},
		"a listed origin's suffix":      {header: http.Header{"Origin": {page + ".evil.example"}}, status: 403},
		"a listed origin by http":       {header: http.Header{"Origin": {"http://console.example"}}, status: 403},
		"a listed origin, rebinding":    {host: "evil.example", header: http.Header{"Origin": {page}}, status: 403},
		"preflight of a stranger":       {method: "OPTIONS", header: http.Header{"Origin": {"https://evil.example"}, "Access-Control-Request-Method": {"POST"}}, status: 403},
		"preflight of a listed origin":  {method: "OPTIONS", header: http.Header{"Origin": {page}, "Access-Control-Request-Method": {"POST"}}, status: 204, allowed: true},
		"no preflight, for all it says": {method: "GET", target: "/accounts", header: http.Header{"Origin": {page}, "Access-Control-Request-Method": {"POST"}}, status: 200, allowed: true},
		"EventSource of a stranger":     {method: "GET", target: "/accounts", header: http.Header{"Origin": {"https://evil.example"}, "Accept": {"text/event-stream"}}, status: 403},
		"EventSource without an origin": {method: "GET", target: "/accounts", header: http.Header{"Sec-Fetch-Site": {"cross-site"}, "Accept": {"text/event-stream"}}, status: 403},
		"health page of a stranger":     {method: "GET", target: "/metrics", header: http.Header{"Sec-Fetch-Site": {"cross-site"}}, status: 403},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{Verify: c.verify, Keys: []Key{keyOne}, Hosts: []string{host}, Origins: []string{page}}
			reached := false
			h := start(t, cfg, map[string]operation{
				"GetFindings": say(func(*call) string { reached = true; return "" }),
				"DescribeHub": say(func(*call) string { reached = true; return "" }),
			})
			if c.method == "" {
				c.method, c.target = "POST", "/findings"
			}
			r := h.request(c.method, c.target, "")
			maps.Copy(r.Header, c.header)
			r.Host = c.host
			if r.Host == "" {
				r.Host = "localhost"
			}
			if c.verify {
				sign(t, r, keyOne, "securityhub", noon)
			} else {
				anyKey(r, "111122223333")
			}
			a := do(t, r)
			require.Equal(t, c.status, a.StatusCode, a.body)
			require.Equal(t, c.status == 200 && c.target != "/healthz", reached)
			if c.allowed {
				require.Equal(t, page, a.Header.Get("Access-Control-Allow-Origin"))
				require.Contains(t, a.Header.Get("Access-Control-Expose-Headers"), "x-amzn-requestid")
			} else {
				require.Empty(t, a.Header.Get("Access-Control-Allow-Origin"))
			}
			if c.status == 204 {
				require.Contains(t, a.Header.Get("Access-Control-Allow-Headers"), "Authorization")
				require.Contains(t, a.Header.Get("Access-Control-Allow-Methods"), "PATCH")
				require.Equal(t, "86400", a.Header.Get("Access-Control-Max-Age"))
				require.Contains(t, do(t, h.request("GET", "/metrics", "")).body, `hubcap_requests_total{code="204",operation="page"} 1`)
			}
			if len(c.header["Origin"]) > 0 && c.host != "evil.example" {
				require.Equal(t, "Origin", a.Header.Get("Vary"), "a cache must not give it to other origins")
			}
			require.Empty(t, a.Header.Get("Access-Control-Allow-Credentials"))
			require.Empty(t, a.Header.Get("Set-Cookie"))
		})
	}
}

func TestRefusedHostNamesTheFlag(t *testing.T) {
	h := start(t, Config{}, nil)
	r := anyKey(h.request("GET", "/accounts", ""), "111122223333")
	r.Host = "hub.internal:4510"
	require.Contains(t, do(t, r).body, "--allow-host hub.internal")
}

func TestOriginsAndHostsAreChecked(t *testing.T) {
	for _, o := range []string{"*", "https://*.example", "console.example", "https://console.example/", "ftp://x", "null", ""} {
		_, err := newGuard(false, nil, []string{o})
		require.Error(t, err, o)
	}
	for _, h := range []string{"*", "*.example", "http://x", ""} {
		_, err := newGuard(true, []string{h}, nil)
		require.Error(t, err, h)
	}
}

// The signature covers Host: a proxy that keeps it works, one that writes its own breaks every signature.
func TestProxiesMustKeepHost(t *testing.T) {
	h := start(t, Config{Verify: true, Keys: []Key{keyOne}}, map[string]operation{"GetFindings": say(func(*call) string { return "through" })})
	to, err := url.Parse("http://" + h.addr)
	require.NoError(t, err)
	for _, keeps := range []bool{true, false} {
		proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(to)
			p.SetXForwarded()
			if keeps {
				p.Out.Host = p.In.Host
			}
		}})
		defer proxy.Close()
		r, err := http.NewRequest(http.MethodPost, proxy.URL+"/findings", http.NoBody)
		require.NoError(t, err)
		a := do(t, sign(t, r, keyOne, "securityhub", noon))
		if keeps {
			a.is(t, 200, "", `{"Text":"through"}`)
		} else {
			require.Equal(t, "InvalidSignatureException", a.Header.Get("X-Amzn-Errortype"))
		}
	}
}
