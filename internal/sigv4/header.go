package sigv4

import (
	"net/http"
	"strings"
)

// get is the first value of a header, whose name must be in canonical form.
func get(h http.Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return strings.Trim(v[0], " \t")
	}
	return ""
}

// values finds a header by its lower-case name, as signatures list it, without making a string of the canonical one for the names
// that clients sign.
func values(h http.Header, lower string) []string {
	if name, ok := usual[lower]; ok {
		return h[name]
	}
	return h[http.CanonicalHeaderKey(lower)]
}

// usual are the headers that the SDKs sign.
var usual = map[string]string{ //nolint:gosec // names of headers, no credentials
	"accept":                       "Accept",
	"accept-encoding":              "Accept-Encoding",
	"amz-sdk-invocation-id":        "Amz-Sdk-Invocation-Id",
	"amz-sdk-request":              "Amz-Sdk-Request",
	"content-encoding":             "Content-Encoding",
	"content-length":               "Content-Length",
	"content-md5":                  "Content-Md5",
	"content-type":                 "Content-Type",
	"date":                         "Date",
	"x-amz-content-sha256":         "X-Amz-Content-Sha256",
	"x-amz-date":                   "X-Amz-Date",
	"x-amz-target":                 "X-Amz-Target",
	"x-amz-user-agent":             "X-Amz-User-Agent",
	"x-amzn-trace-id":              "X-Amzn-Trace-Id",
	"x-amz-security-token":         "X-Amz-Security-Token",
	"x-amz-sdk-checksum-algorithm": "X-Amz-Sdk-Checksum-Algorithm",
}
