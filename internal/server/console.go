package server

import (
	"net/http"
	"strings"
	"time"

	"hubcap/web"
)

// aboutPath is where the console learns how the hub runs before it can ask as anybody.
const aboutPath = web.Root + "hub.json"

// about is what GET /console/hub.json tells, to anybody: nothing of it is a secret, or about findings where keys are checked.
type about struct {
	Auth    string `json:"Auth"`    // none or sigv4
	Profile string `json:"Profile"` // open or aws
	Region  string `json:"Region"`  // where to begin
	Version string `json:"Version"`
}

// consoleWants tells whether a request is for the console: its files, its address without the slash, or a browser that came to the root.
func consoleWants(path string, r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	return path+"/" == web.Root || strings.HasPrefix(path, web.Root) || path == "/" && wantsPage(r)
}

// wantsPage: browsers name HTML when they open an address; clients of the API do not.
func wantsPage(r *http.Request) bool {
	for _, line := range r.Header["Accept"] {
		for item := range strings.SplitSeq(line, ",") {
			kind, _, _ := strings.Cut(item, ";")
			if strings.EqualFold(strings.TrimSpace(kind), "text/html") {
				return true
			}
		}
	}
	return false
}

// opens tells that a person follows a link to the console, from wherever it stands. The page that comes has nothing in it, may stand in no frame
// and asks for what it shows as a page of its own origin, so a link does no harm (D148).
func (c *call) opens() bool {
	h := c.r.Header
	return h.Get("Sec-Fetch-Mode") == "navigate" && h.Get("Sec-Fetch-Dest") == "document" && consoleWants(escapedPath(c.r), c.r)
}

// console answers what consoleWants.
func (c *call) console(path string) {
	c.meter = c.s.meters.page
	h := c.w.Header()
	switch {
	case path == aboutPath:
		c.about()
	case strings.HasPrefix(path, web.Root):
		_ = http.NewResponseController(c.w).SetWriteDeadline(time.Now().Add(c.s.writeTime)) //nolint:forbidigo // the operating system's clock
		c.s.console.ServeHTTP(&statusWriter{c.w, &c.status}, c.r)
	default:
		web.Harden(h)
		h.Set("Location", web.Root)
		h.Set("Cache-Control", "no-cache")
		if path == "/" {
			h.Add("Vary", "Accept")
		}
		c.status = http.StatusFound
		c.w.WriteHeader(c.status)
	}
}

func (c *call) about() {
	web.Harden(c.w.Header())
	c.w.Header().Set("Cache-Control", "no-store")
	a := about{Auth: "none", Profile: c.s.hub.Profile().String(), Region: usualRegion, Version: c.s.version}
	if c.s.verifier != nil {
		a.Auth = "sigv4"
	} else {
		region, err := c.s.hub.OnlyRegion(c.r.Context())
		if err != nil {
			c.fail(err)
			return
		}
		if region != "" {
			a.Region = region
		}
	}
	c.answer(&a)
}

// usualRegion is where the console begins where the findings do not say (D38).
const usualRegion = "us-east-1"

// statusWriter notes the status that a handler answers, for the metrics.
type statusWriter struct {
	http.ResponseWriter
	status *int
}

func (w *statusWriter) WriteHeader(status int) {
	*w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
