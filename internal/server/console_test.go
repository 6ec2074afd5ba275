package server

import (
	"context"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hubcap/internal/hub"
	"hubcap/internal/store/embedded"
	"hubcap/web"
)

const browserAccepts = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

// A browser that comes to the hub finds the console; an API client at the same address gets the API's answer (D148).
func TestConsole(t *testing.T) {
	h := start(t, Config{}, nil)
	page := http.Header{"Accept": {browserAccepts}}
	for target, header := range map[string]http.Header{"/": page, "/console": nil, "/console?x=1": nil} {
		r := h.request("GET", target, "")
		maps.Copy(r.Header, header)
		a := do(t, r)
		require.Equal(t, 302, a.StatusCode, target)
		require.Equal(t, "/console/", a.Header.Get("Location"), target)
		require.Equal(t, web.Policy, a.Header.Get("Content-Security-Policy"))
	}
	for _, target := range []string{"/console/", "/console/findings"} {
		a := do(t, h.request("GET", target, ""))
		require.Equal(t, 200, a.StatusCode, target)
		require.Equal(t, "text/html; charset=utf-8", a.Header.Get("Content-Type"))
		require.Contains(t, a.body, "<html")
		require.Equal(t, web.Policy, a.Header.Get("Content-Security-Policy"))
		require.NotEmpty(t, a.Header.Get("ETag"))
	}
	require.Equal(t, 404, do(t, h.request("GET", "/console/assets/none.js", "")).StatusCode)
	require.Contains(t, do(t, h.request("GET", "/metrics", "")).body, `hubcap_requests_total{code="404",operation="page"} 1`)

	for _, accept := range []string{"", "*/*", "application/json", "text/htmlx"} {
		r := h.request("GET", "/", "")
		r.Header.Set("Accept", accept)
		do(t, r).is(t, 403, "MissingAuthenticationTokenException", missingToken)
	}
	for _, c := range [][2]string{{"POST", "/console/"}, {"POST", "/console"}, {"DELETE", "/console/hub.json"}, {"GET", "/consoles"}, {"GET", "/console%2F"}} {
		do(t, h.request(c[0], c[1], "")).is(t, 403, "MissingAuthenticationTokenException", missingToken)
	}
	caller := anyKey(h.request("POST", "/", "Action=GetCallerIdentity&Version=2011-06-15"), "111122223333")
	caller.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	caller.Header.Set("Accept", browserAccepts)
	require.Contains(t, do(t, caller).body, "<Account>111122223333</Account>")
}

// The console is behind the same guard as the API, but that people may follow links to it (D40, D148).
func TestConsoleGuard(t *testing.T) {
	h := start(t, Config{Hosts: []string{"hub.example"}}, nil)
	followed := http.Header{"Accept": {browserAccepts}, "Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}}
	framed := maps.Clone(followed)
	framed["Sec-Fetch-Dest"] = []string{"iframe"}
	fetched := http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"no-cors"}, "Sec-Fetch-Dest": {"script"}}
	for name, c := range map[string]struct {
		method, target, host string
		header               http.Header
		status               int
	}{
		"a listed host":            {"GET", "/console/", "hub.example:4510", nil, 200},
		"rebinding":                {"GET", "/console/", "evil.example:4510", nil, 403},
		"rebinding, a link":        {"GET", "/console/", "evil.example", followed, 403},
		"rebinding, how it runs":   {"GET", "/console/hub.json", "evil.example", nil, 403},
		"a link to a page":         {"GET", "/console/findings", "localhost", followed, 200},
		"a link to the root":       {"GET", "/", "localhost", followed, 302},
		"a frame":                  {"GET", "/console/", "localhost", framed, 403},
		"a script of another site": {"GET", "/console/assets/x.js", "localhost", fetched, 403},
		"a link to an operation":   {"GET", "/accounts", "localhost", followed, 403},
		"a form of another site":   {"POST", "/console/", "localhost", followed, 403},
		"a foreign origin's fetch": {"GET", "/console/hub.json", "localhost", http.Header{"Origin": {"https://evil.example"}}, 403},
		"a foreign origin navigates": {"GET", "/console/", "localhost", http.Header{
			"Origin": {"https://evil.example"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"},
		}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			r := h.request(c.method, c.target, "")
			maps.Copy(r.Header, c.header)
			r.Host = c.host
			require.Equal(t, c.status, do(t, r).StatusCode)
		})
	}
}

// How the hub runs is told to anybody who may load the console, and holds no secret (D38).
func TestAbout(t *testing.T) {
	st, err := embedded.Open("/store", embedded.Options{FS: embedded.NewMemory(), NoCheckpoint: true, Clock: func() time.Time { return noon }})
	require.NoError(t, err)
	defer func() { require.NoError(t, st.Close()) }()
	service, err := hub.New(context.Background(), hub.Config{Store: st, Clock: func() time.Time { return noon }})
	require.NoError(t, err)
	h := start(t, Config{Hub: service, Version: "v1.2.3"}, bindings(service))
	ask := func(h *house) string {
		a := do(t, h.request("GET", "/console/hub.json", ""))
		require.Equal(t, 200, a.StatusCode, a.body)
		require.Equal(t, "application/json", a.Header.Get("Content-Type"))
		require.Equal(t, "no-store", a.Header.Get("Cache-Control"))
		return a.body
	}
	require.Equal(t, `{"Auth":"none","Profile":"open","Region":"us-east-1","Version":"v1.2.3"}`, ask(h))
	send := func(region string) {
		r := h.request("POST", "/findings/import", `{"Findings":[{"SchemaVersion":"2018-10-08","Id":"1","ProductArn":"arn:aws:securityhub:`+region+
			`:111122223333:product/111122223333/default","GeneratorId":"g","AwsAccountId":"111122223333","CreatedAt":"2026-11-01T08:00:00Z",`+
			`"UpdatedAt":"2026-11-01T08:00:00Z","Title":"t","Description":"d","FindingProviderFields":{},"Resources":[{"Type":"Other","Id":"r"}]}]}`)
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=111122223333/20261122/"+region+"/securityhub/aws4_request, SignedHeaders=host, Signature=0")
		require.Contains(t, do(t, r).body, `"SuccessCount":1`)
	}
	send("eu-west-1")
	require.Equal(t, `{"Auth":"none","Profile":"open","Region":"eu-west-1","Version":"v1.2.3"}`, ask(h))
	checked := start(t, Config{Hub: service, Version: "v1.2.3", Verify: true, Keys: []Key{keyOne}}, nil)
	require.Equal(t, `{"Auth":"sigv4","Profile":"open","Region":"us-east-1","Version":"v1.2.3"}`, ask(checked),
		"where keys are checked, a stranger learns nothing of the findings")
	send("us-west-2")
	require.Equal(t, `{"Auth":"none","Profile":"open","Region":"us-east-1","Version":"v1.2.3"}`, ask(h))
}
