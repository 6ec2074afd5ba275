package server

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"hubcap/internal/api"
)

// guard keeps strangers' web pages from using a browser against the hub (D40).
type guard struct {
	hosts   map[string]bool // nil: any
	origins []string
}

func newGuard(checkHosts bool, hosts, origins []string) (guard, error) {
	var g guard
	if checkHosts {
		g.hosts = map[string]bool{"127.0.0.1": true, "localhost": true, "::1": true}
		for _, h := range hosts {
			name := hostName(h)
			if name == "" || strings.ContainsAny(h, "*/ ") {
				return g, fmt.Errorf("%q is no host name", h)
			}
			g.hosts[name] = true
		}
	}
	for _, o := range origins {
		u, err := url.Parse(o)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Contains(u.Host, "*") || o != u.Scheme+"://"+u.Host {
			return g, fmt.Errorf("%q is no origin: write it as https://console.example (\"*\" is not accepted)", o)
		}
		g.origins = append(g.origins, strings.ToLower(o))
	}
	return g, nil
}

// hostName cuts the port and the brackets off a Host header.
func hostName(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

const (
	corsMethods = "GET,POST,OPTIONS,PUT,PATCH,DELETE"
	corsHeaders = "Authorization,Date,X-Amz-Date,X-Amz-Security-Token,X-Amz-Target,content-type,x-amz-content-sha256,x-amz-user-agent," +
		"amz-sdk-invocation-id,amz-sdk-request"
	corsExposed = "x-amzn-errortype,x-amzn-requestid,x-amzn-errormessage,date"
)

// admit answers false when it has answered the request itself: a refusal, or a preflight.
func (g *guard) admit(c *call) bool {
	h := c.r.Header
	if g.hosts != nil && !g.hosts[hostName(c.r.Host)] {
		c.fail(api.Errorf(api.AccessDenied, "The host name '%s' is not allowed: with --auth none hubcap answers only to loopback names, "+
			"the host of --addr and those of --allow-host. Start it with --allow-host %s if that is you.", hostName(c.r.Host), hostName(c.r.Host)))
		return false
	}
	origins := h["Origin"]
	if len(origins) == 0 {
		if h.Get("Sec-Fetch-Site") == "cross-site" && !c.opens() {
			c.fail(api.Errorf(api.AccessDenied, "Requests from other web sites are refused; --cors-origin lists the origins that may call."))
			return false
		}
		return true
	}
	c.w.Header().Add("Vary", "Origin")
	origin := strings.ToLower(origins[0])
	listed := len(origins) == 1 && slices.Contains(g.origins, origin)
	scheme, host, _ := strings.Cut(origin, "://")
	own := len(origins) == 1 && (scheme == "http" || scheme == "https") && host == strings.ToLower(c.r.Host) &&
		h.Get("Sec-Fetch-Site") != "cross-site"
	if !listed && !own {
		c.fail(api.Errorf(api.AccessDenied, "The origin '%s' may not call this hub; --cors-origin lists those that may.", origins[0]))
		return false
	}
	if listed {
		out := c.w.Header()
		out["Access-Control-Allow-Origin"] = origins[:1]
		out.Set("Access-Control-Expose-Headers", corsExposed)
		if c.r.Method == http.MethodOptions && h.Get("Access-Control-Request-Method") != "" {
			out.Set("Access-Control-Allow-Methods", corsMethods)
			out.Set("Access-Control-Allow-Headers", corsHeaders)
			out.Set("Access-Control-Max-Age", "86400")
			c.meter = c.s.meters.page
			c.status = http.StatusNoContent
			c.w.WriteHeader(http.StatusNoContent)
			return false
		}
	}
	return true
}
