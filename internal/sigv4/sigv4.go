// Package sigv4 tells who signed a request, by AWS's Signature Version 4, or in which of its ways the signature fails.
//
// Only signatures in the Authorization header count. A request that is signed in its query string, streams its payload in signed
// pieces or leaves it unsigned is refused with a sentence that says so. Checking goes in steps, so that a server may read the body of
// strangers last: Parse reads the header, Verifier.Check judges key, scope and clock (and the signature, when the client named its
// payload's hash), Checked.Body judges the bytes that came.
//
// A trap: for Security Hub, as for every service but S3, the canonical URI is the escaped path escaped once more. So the path is
// taken as it came over the wire, before any router has cleaned it.
package sigv4

import (
	"net/http"
	"net/url"
	"strings"
)

// Authorization is a parsed Authorization header. Its strings alias the header.
type Authorization struct {
	KeyID      string
	Day        string // of the scope: 20150830
	Region     string // of the scope
	Service    string // of the scope
	Terminator string // of the scope: aws4_request

	SignedHeaders string // "content-type;host;x-amz-date"
	Signature     string
}

const algorithm = "AWS4-HMAC-SHA256"

// Request is what of a request its signature covers.
type Request struct {
	Method string
	Path   string // as escaped on the wire, before any cleaning; "" is "/"
	Query  string // as on the wire, without the ?
	Host   string // the Host header
	Header http.Header
	Length int64 // of the body as announced; used when Content-Length is signed but was taken out of Header
}

// NewRequest takes from a server's request what its signature covers.
func NewRequest(r *http.Request) Request {
	path, query, _ := strings.Cut(r.RequestURI, "?")
	if !strings.HasPrefix(path, "/") { // absolute form, or a request that never was on a wire
		path, query = r.URL.EscapedPath(), r.URL.RawQuery
	}
	return Request{Method: r.Method, Path: path, Query: query, Host: r.Host, Header: r.Header, Length: r.ContentLength}
}

// Parse reads the credentials of a request: who says to have signed it, in which scope. It judges neither key nor signature.
func Parse(r *Request) (Authorization, error) {
	if querySigned(r.Query) {
		return Authorization{}, fail(QuerySigned, "Requests signed in the query string are not accepted: sign the Authorization header.")
	}
	values := r.Header["Authorization"]
	if len(values) == 0 || values[0] == "" {
		return Authorization{}, fail(NoSignature, missingToken)
	}
	if len(values) > 1 {
		return Authorization{}, fail(NotKeyValue, "Authorization header comes more than once.")
	}
	return ParseHeader(values[0])
}

// Claim reads who says to have signed a request, where nobody checks it (--auth none, D54): key id and Region are all that must be
// there. Session tokens, dates and signatures are not looked at.
func Claim(r *Request) (Authorization, error) {
	a, err := Parse(r)
	if a.KeyID != "" && a.Region != "" && a.Terminator != "" {
		return a, nil
	}
	return a, err
}

func querySigned(query string) bool {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		name, _, _ := strings.Cut(pair, "=")
		if strings.IndexByte(name, '%') >= 0 {
			if n, err := url.QueryUnescape(name); err == nil {
				name = n
			}
		}
		if strings.EqualFold(name, "X-Amz-Algorithm") || strings.EqualFold(name, "X-Amz-Signature") ||
			strings.EqualFold(name, "X-Amz-Credential") {
			return true
		}
	}
	return false
}

// ParseHeader reads the value of an Authorization header.
func ParseHeader(value string) (Authorization, error) {
	var a Authorization
	scheme, rest, _ := strings.Cut(strings.Trim(value, " \t"), " ")
	if scheme != algorithm {
		if strings.HasPrefix(scheme, "AWS4-") {
			return a, fail(UnknownAlgorithm, "Unsupported AWS 'algorithm': '"+clip(scheme)+"', only "+algorithm+" is supported.")
		}
		return a, fail(UnknownAlgorithm, "Authorization header must begin with '"+algorithm+"', got '"+clip(scheme)+"'.")
	}
	var credential string
	for part := range strings.SplitSeq(rest, ",") {
		part = strings.Trim(part, " \t")
		if part == "" {
			continue
		}
		name, v, found := strings.Cut(part, "=")
		if !found {
			return a, fail(NotKeyValue,
				"'"+clip(part)+"' not a valid key=value pair (missing equal-sign) in Authorization header.")
		}
		var to *string
		switch name {
		case "Credential":
			to = &credential
		case "SignedHeaders":
			to = &a.SignedHeaders
		case "Signature":
			to = &a.Signature
		default:
			continue
		}
		if *to != "" {
			return a, fail(NotKeyValue, "Authorization header has more than one '"+name+"' parameter.")
		}
		*to = v
	}
	if credential != "" {
		if err := a.scope(credential); err != nil {
			return Authorization{}, err
		}
	}
	var missing []string
	for _, p := range [...]struct{ name, value string }{
		{"Credential", credential}, {"Signature", a.Signature}, {"SignedHeaders", a.SignedHeaders},
	} {
		if p.value == "" {
			missing = append(missing, "Authorization header requires '"+p.name+"' parameter.")
		}
	}
	if missing != nil {
		return a, fail(MissingPart, strings.Join(missing, " "))
	}
	return a, nil
}

// scope splits keyid/date/region/service/terminator.
func (a *Authorization) scope(credential string) error {
	rest := credential
	for i, to := range [...]*string{&a.KeyID, &a.Day, &a.Region, &a.Service, &a.Terminator} {
		v, after, found := strings.Cut(rest, "/")
		if v == "" || found == (i == 4) {
			return fail(BadCredential, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '"+
				clip(credential)+"'")
		}
		*to, rest = v, after
	}
	if !word(a.KeyID, 128) {
		return fail(BadCredential, "Credential has no valid access key id: '"+clip(a.KeyID)+"'")
	}
	if !word(a.Region, 32) {
		return fail(BadCredential, "Credential should be scoped to a valid region, not '"+clip(a.Region)+"'.")
	}
	return nil
}

// word holds key ids and regions to letters, digits, - and _: both become part of ARNs, keys of the store and lines of logs.
func word(s string, most int) bool {
	if s == "" || len(s) > most {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			continue
		}
		return false
	}
	return true
}

// clip keeps what a client sent short and printable where a sentence repeats it.
func clip(s string) string {
	if len(s) > 64 {
		s = s[:64] + "..."
	}
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return strings.Map(func(r rune) rune {
				if r < 0x20 || r > 0x7e {
					return '?'
				}
				return r
			}, s)
		}
	}
	return s
}
