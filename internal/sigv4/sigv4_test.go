package sigv4

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/require"
)

const (
	exampleID     = "AKIDEXAMPLE"
	exampleSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

var example = time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)

func verifier() *Verifier {
	return NewVerifier(func(id string) (string, bool) {
		return exampleSecret, id == exampleID
	})
}

// judge takes all steps of a check, as the server does.
func judge(v *Verifier, r Request, service string, now time.Time, body []byte) error {
	c, err := v.Check(r, service, now)
	if err != nil {
		return err
	}
	return c.Body(body)
}

// The example that AWS's documentation of Signature Version 4 works through, signature and all, and vectors of AWS's test suite.
func TestPublishedVectors(t *testing.T) {
	for name, c := range map[string]struct {
		method, path, query, service, signed, signature string
		header                                          http.Header
		body                                            string
	}{
		"the documented example": {
			method: "GET", path: "/", query: "Action=ListUsers&Version=2010-05-08", service: "iam",
			header:    http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}},
			signed:    "content-type;host;x-amz-date",
			signature: "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
		},
		"get-vanilla": {
			method: "GET", path: "/", service: "service", signed: "host;x-amz-date",
			signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
		},
		"get-vanilla-query-order-key-case": {
			method: "GET", path: "/", query: "Param2=value2&Param1=value1", service: "service", signed: "host;x-amz-date",
			signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
		},
		"post-vanilla": {
			method: "POST", path: "/", service: "service", signed: "host;x-amz-date",
			signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
		},
	} {
		t.Run(name, func(t *testing.T) {
			host := "example.amazonaws.com"
			if c.service == "iam" {
				host = "iam.amazonaws.com"
			}
			h := c.header.Clone()
			if h == nil {
				h = http.Header{}
			}
			h.Set("X-Amz-Date", "20150830T123600Z")
			h.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+exampleID+"/20150830/us-east-1/"+c.service+
				"/aws4_request, SignedHeaders="+c.signed+", Signature="+c.signature)
			r := Request{Method: c.method, Path: c.path, Query: c.query, Host: host, Header: h}
			require.NoError(t, judge(verifier(), r, c.service, example, []byte(c.body)))
		})
	}
}

// wire signs a request with the SDK's signer and sends it through net/http's own writing and reading, so that the verifier sees what a
// server would.
func wire(t testing.TB, method, target, body string, edit func(*http.Request), contentHash bool) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, "http://127.0.0.1:4510"+target, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	if edit != nil {
		edit(req)
	}
	sum := sha256.Sum256([]byte(body))
	if contentHash {
		req.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
	}
	creds := aws.Credentials{AccessKeyID: exampleID, SecretAccessKey: exampleSecret}
	require.NoError(t, v4.NewSigner().SignHTTP(context.Background(), creds, req, hex.EncodeToString(sum[:]), "securityhub", "eu-west-1", example))
	return throughTheWire(t, req)
}

func throughTheWire(t testing.TB, req *http.Request) *http.Request {
	t.Helper()
	var got *http.Request
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = r.Clone(context.Background())
	}))
	defer srv.Close()
	req.Host, req.URL.Host = req.URL.Host, strings.TrimPrefix(srv.URL, "http://")
	resp, err := srv.Client().Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	return got
}

func TestSDKSignedRequests(t *testing.T) {
	for name, c := range map[string]struct {
		method, target, body string
		edit                 func(*http.Request)
	}{
		"import":           {method: "POST", target: "/findings/import", body: `{"Findings":[]}`},
		"no body":          {method: "GET", target: "/accounts"},
		"query":            {method: "GET", target: "/products?NextToken=a%2Fb%2Bc%3D%3D&MaxResults=10"},
		"query with space": {method: "GET", target: "/products?b=x%20y&a=%7E&a=*&a-b=1&a/b=2"},
		"a label":          {method: "DELETE", target: "/productSubscriptions/arn%3Aaws%3Asecurityhub%3Aeu-west-1%3A111122223333%3Aproduct-subscription%2Fprowler%2Fprowler"},
		"half escaped":     {method: "GET", target: "/tags/arn:aws:securityhub:eu-west-1:111122223333:hub%2Fdefault"},
		"odd header": {method: "POST", target: "/findings", body: "{}", edit: func(r *http.Request) {
			r.Header["X-Amz-User-Agent"] = []string{"  a   b  ", "c"}
		}},
	} {
		for _, contentHash := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				r := wire(t, c.method, c.target, c.body, c.edit, contentHash)
				v := verifier()
				for range 2 { // the second time with the cached key
					require.NoError(t, judge(v, NewRequest(r), "securityhub", example, []byte(c.body)))
				}
			})
		}
	}
}

// Content-Length is signed by the SDKs; a server may have taken it out of the headers.
func TestLengthOutsideTheHeaders(t *testing.T) {
	r := NewRequest(wire(t, "POST", "/findings/import", `{"Findings":[]}`, nil, false))
	require.Contains(t, r.Header.Get("Authorization"), "content-length;")
	r.Header.Del("Content-Length")
	require.NoError(t, judge(verifier(), r, "securityhub", example, []byte(`{"Findings":[]}`)))
	r.Length++
	requireFailure(t, Mismatch, judge(verifier(), r, "securityhub", example, []byte(`{"Findings":[]}`)))
}

// A router that cleans the path before the signature is checked would make of this request another one.
func TestCanonicalPathIsEscapedTwice(t *testing.T) {
	r := wire(t, "GET", "/tags/arn%3Aaws%2Fx", "", nil, false)
	signed := NewRequest(r)
	require.Equal(t, "/tags/arn%3Aaws%2Fx", signed.Path)
	require.Equal(t, "/tags/arn%253Aaws%252Fx", string(escapePath(nil, signed.Path)))
	require.NoError(t, judge(verifier(), signed, "securityhub", example, nil))
	signed.Path = r.URL.Path
	requireFailure(t, Mismatch, judge(verifier(), signed, "securityhub", example, nil))
}

func requireFailure(t *testing.T, want Failure, err error) *Error {
	t.Helper()
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, want, e.Failure, e.Message)
	return e
}

// One ingredient of a good request is changed a case.
func TestMutations(t *testing.T) {
	type request struct {
		Request
		body    string
		service string
		now     time.Time
	}
	auth := func(r *request, old, repl string) {
		h := r.Header.Get("Authorization")
		if !strings.Contains(h, old) {
			panic("nothing to change: " + old + " in " + h)
		}
		r.Header.Set("Authorization", strings.Replace(h, old, repl, 1))
	}
	flip := func(r *request) {
		h := []byte(r.Header.Get("Authorization"))
		last := &h[len(h)-1]
		if *last == '0' {
			*last = '1'
		} else {
			*last = '0'
		}
		r.Header.Set("Authorization", string(h))
	}
	const body = `{"Findings":[]}`
	for name, c := range map[string]struct {
		mutate func(*request)
		want   Failure
		says   string
	}{
		"method":           {func(r *request) { r.Method = "PUT" }, Mismatch, mismatch},
		"path":             {func(r *request) { r.Path = "/findings" }, Mismatch, ""},
		"path's escape":    {func(r *request) { r.Path = "/findings%2Fimport" }, Mismatch, ""},
		"query":            {func(r *request) { r.Query = "a=1" }, Mismatch, ""},
		"host":             {func(r *request) { r.Host = "127.0.0.1:4511" }, Mismatch, ""},
		"body":             {func(r *request) { r.body = `{"Findings":[ ]}` }, Mismatch, ""},
		"no body":          {func(r *request) { r.body = "" }, Mismatch, ""},
		"content type":     {func(r *request) { r.Header.Set("Content-Type", "text/plain") }, Mismatch, ""},
		"date":             {func(r *request) { r.Header.Set("X-Amz-Date", "20150830T123601Z") }, Mismatch, ""},
		"signature":        {flip, Mismatch, ""},
		"upper-case digit": {func(r *request) { auth(r, "Signature=", "Signature=A") }, Mismatch, ""},
		"signature in capitals": {func(r *request) {
			h := r.Header.Get("Authorization")
			at := strings.Index(h, "Signature=") + len("Signature=")
			r.Header.Set("Authorization", h[:at]+strings.ToUpper(h[at:]))
		}, Mismatch, ""},
		"short signature": {func(r *request) {
			h := r.Header.Get("Authorization")
			r.Header.Set("Authorization", h[:len(h)-2])
		}, Mismatch, ""},
		"region":              {func(r *request) { auth(r, "/eu-west-1/", "/us-east-1/") }, Mismatch, ""},
		"signed headers":      {func(r *request) { auth(r, "content-type;", "") }, Mismatch, ""},
		"one more signed":     {func(r *request) { auth(r, "SignedHeaders=", "SignedHeaders=accept;") }, Mismatch, ""},
		"host not signed":     {func(r *request) { auth(r, ";host", "") }, UnsignedHeader, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
		"key":                 {func(r *request) { auth(r, exampleID, "AKIDOTHER") }, UnknownKey, "The security token included in the request is invalid."},
		"session token":       {func(r *request) { r.Header.Set("X-Amz-Security-Token", "x") }, SessionToken, "The security token included in the request is invalid."},
		"empty session token": {func(r *request) { r.Header.Set("X-Amz-Security-Token", "") }, SessionToken, ""},
		"scope's day":         {func(r *request) { auth(r, "/20150830/", "/20150829/") }, WrongScope, "'20150829' != '20150830', from '20150830T123600Z'."},
		"scope's service":     {func(r *request) { auth(r, "/securityhub/", "/sts/") }, WrongScope, "Credential should be scoped to correct service: 'securityhub'."},
		"scope's end":         {func(r *request) { auth(r, "/aws4_request", "/aws5_request") }, WrongScope, "valid terminator: 'aws4_request'"},
		"other service asked": {func(r *request) { r.service = "sts" }, WrongScope, "correct service: 'sts'"},
		"four parts":          {func(r *request) { auth(r, "/securityhub/", "/") }, BadCredential, "exactly 5 slash-delimited elements"},
		"six parts":           {func(r *request) { auth(r, "/aws4_request", "/aws4_request/x") }, BadCredential, "exactly 5 slash-delimited elements"},
		"empty part":          {func(r *request) { auth(r, "/eu-west-1/", "//") }, BadCredential, "exactly 5 slash-delimited elements"},
		"key of spite":        {func(r *request) { auth(r, exampleID, "AKID:x") }, BadCredential, "no valid access key id: 'AKID:x'"},
		"region of spite":     {func(r *request) { auth(r, "/eu-west-1/", "/eu:west/") }, BadCredential, "valid region"},
		"late": {
			func(r *request) { r.now = example.Add(5*time.Minute + time.Second) }, Expired,
			"Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T124101Z - 5 min.)",
		},
		"early": {
			func(r *request) { r.now = example.Add(-5*time.Minute - time.Second) }, NotYet,
			"Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T123059Z + 5 min.)",
		},
		"no authorization":    {func(r *request) { r.Header.Del("Authorization") }, NoSignature, "Missing Authentication Token"},
		"empty authorization": {func(r *request) { r.Header.Set("Authorization", "") }, NoSignature, "Missing Authentication Token"},
		"two authorizations":  {func(r *request) { r.Header.Add("Authorization", "x") }, NotKeyValue, "more than once"},
		"bearer":              {func(r *request) { r.Header.Set("Authorization", "Bearer abc") }, UnknownAlgorithm, "must begin with 'AWS4-HMAC-SHA256'"},
		"sigv4a":              {func(r *request) { auth(r, "AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256") }, UnknownAlgorithm, "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'"},
		"no equal-sign":       {func(r *request) { auth(r, "Signature=", "Signature") }, NotKeyValue, "not a valid key=value pair (missing equal-sign)"},
		"no credential":       {func(r *request) { auth(r, "Credential=", "X=") }, MissingPart, "Authorization header requires 'Credential' parameter."},
		"no signature":        {func(r *request) { auth(r, "Signature=", "X=") }, MissingPart, "Authorization header requires 'Signature' parameter."},
		"no signed headers":   {func(r *request) { auth(r, "SignedHeaders=", "X=") }, MissingPart, "Authorization header requires 'SignedHeaders' parameter."},
		"credential twice":    {func(r *request) { auth(r, "SignedHeaders=", "Credential=") }, NotKeyValue, "more than one 'Credential'"},
		"no date":             {func(r *request) { r.Header.Del("X-Amz-Date") }, MissingPart, "existence of either a 'X-Amz-Date' or a 'Date' header"},
		"another kind of date": {func(r *request) {
			r.Header.Del("X-Amz-Date")
			r.Header.Set("Date", example.Format(http.TimeFormat))
		}, Mismatch, ""},
		"late by that date": {func(r *request) {
			r.Header.Del("X-Amz-Date")
			r.Header.Set("Date", example.Add(-6*time.Minute).Format(http.TimeFormat))
		}, Expired, "Signature expired: 20150830T123000Z is now earlier than 20150830T123100Z"},
		"a date of neither kind": {func(r *request) {
			r.Header.Del("X-Amz-Date")
			r.Header.Set("Date", example.Format(time.RFC3339))
		}, BadDate, "ISO-8601 'basic format' or RFC 1123 format"},
		"bad date":         {func(r *request) { r.Header.Set("X-Amz-Date", "2015-08-30T12:36:00Z") }, BadDate, "ISO-8601 'basic format'"},
		"unsigned payload": {func(r *request) { r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD") }, UnsignedPayload, "'UNSIGNED-PAYLOAD' is not accepted"},
		"streaming":        {func(r *request) { r.Header.Set("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD") }, UnsignedPayload, "Streaming signatures"},
		"payload hash":     {func(r *request) { r.Header.Set("X-Amz-Content-Sha256", strings.Repeat("0", 64)) }, Mismatch, ""},
		"payload hash in capitals": {
			func(r *request) { r.Header.Set("X-Amz-Content-Sha256", strings.Repeat("A", 64)) }, UnsignedPayload, "64 lower-case hex digits",
		},
		"query-signed": {
			func(r *request) { r.Query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=x" }, QuerySigned,
			"Requests signed in the query string are not accepted",
		},
		"query-signed, escaped": {func(r *request) { r.Query = "a=b&x%2Damz%2Dsignature=0" }, QuerySigned, ""},
	} {
		for _, contentHash := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				r := request{
					Request: NewRequest(wire(t, "POST", "/findings/import", body, nil, contentHash)),
					body:    body, service: "securityhub", now: example,
				}
				require.NoError(t, judge(verifier(), r.Request, r.service, r.now, []byte(r.body)), "unchanged it passes")
				c.mutate(&r)
				e := requireFailure(t, c.want, judge(verifier(), r.Request, r.service, r.now, []byte(r.body)))
				require.Contains(t, e.Message, c.says)
			})
		}
	}
}

func TestClockWindowIsInclusive(t *testing.T) {
	r := NewRequest(wire(t, "POST", "/findings/import", "{}", nil, false))
	for _, off := range []time.Duration{-Window, -Window + time.Second, 0, Window, Window + 999*time.Millisecond} {
		require.NoError(t, judge(verifier(), r, "securityhub", example.Add(off), []byte("{}")), "off by %v", off)
	}
}

// A stranger's body must not be read: with a payload hash the signature is judged by the headers alone.
func TestHeadersAloneRefuse(t *testing.T) {
	r := NewRequest(wire(t, "POST", "/findings/import", "{}", nil, true))
	_, err := verifier().Check(r, "securityhub", example)
	require.NoError(t, err)
	r.Path = "/findings"
	_, err = verifier().Check(r, "securityhub", example)
	requireFailure(t, Mismatch, err)
}

func TestEveryFailureHasItsException(t *testing.T) {
	for f, code := range map[Failure]string{
		NoSignature: "MissingAuthenticationTokenException",
		QuerySigned: "IncompleteSignatureException", UnknownAlgorithm: "IncompleteSignatureException",
		NotKeyValue: "IncompleteSignatureException", MissingPart: "IncompleteSignatureException",
		BadCredential: "IncompleteSignatureException", BadDate: "IncompleteSignatureException",
		UnsignedHeader: "IncompleteSignatureException", UnsignedPayload: "IncompleteSignatureException",
		SessionToken: "UnrecognizedClientException", UnknownKey: "UnrecognizedClientException",
		WrongScope: "InvalidSignatureException", Expired: "InvalidSignatureException",
		NotYet: "InvalidSignatureException", Mismatch: "InvalidSignatureException",
	} {
		require.Equal(t, code, fail(f, "").Code())
	}
	require.EqualValues(t, 15, Mismatch, "a new failure wants its row above")
}

// --auth none reads key id and Region and nothing else (D54).
func TestClaim(t *testing.T) {
	for header, want := range map[string][2]string{
		"AWS4-HMAC-SHA256 Credential=111122223333/20150830/us-east-1/securityhub/aws4_request, SignedHeaders=host, Signature=0": {"111122223333", "us-east-1"},
		"AWS4-HMAC-SHA256 Credential=any/x/eu-central-1/sts/y":                                                                  {"any", "eu-central-1"},
	} {
		a, err := Claim(&Request{Header: http.Header{"Authorization": {header}, "X-Amz-Security-Token": {"x"}}})
		require.NoError(t, err)
		require.Equal(t, want, [2]string{a.KeyID, a.Region})
	}
	_, err := Claim(&Request{Header: http.Header{}})
	requireFailure(t, NoSignature, err)
	_, err = Claim(&Request{Query: "X-Amz-Signature=0", Header: http.Header{}})
	requireFailure(t, QuerySigned, err)
	_, err = Claim(&Request{Header: http.Header{"Authorization": {"AWS4-HMAC-SHA256 Credential=a/b"}}})
	requireFailure(t, BadCredential, err)
	_, err = Claim(&Request{Header: http.Header{"Authorization": {"AWS4-HMAC-SHA256 SignedHeaders=host"}}})
	requireFailure(t, MissingPart, err)
}

// A client chooses its scope's Region, so it must not fill the memory with keys.
func TestCacheOfKeysIsBounded(t *testing.T) {
	v := verifier()
	for i := range 3 * mostDays {
		c := &Checked{v: v, Authorization: Authorization{KeyID: exampleID, Day: "20150830", Region: "r" + strings.Repeat("x", i%7) + hex.EncodeToString([]byte{byte(i), byte(i >> 8)}), Service: "s"}}
		_, ok := v.signer(c)
		require.True(t, ok)
	}
	kept := 0
	v.days.Range(func(any, any) bool { kept++; return true })
	require.LessOrEqual(t, kept, mostDays)
}

func FuzzParseHeader(f *testing.F) {
	for _, s := range []string{
		"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d67",
		"AWS4-HMAC-SHA256 Credential=a/b/c/d/e,SignedHeaders=host,Signature=0", "AWS4-HMAC-SHA256", "Bearer x", "", "AWS4-HMAC-SHA256 ,,=,",
		"AWS4-HMAC-SHA256 Credential=\xff/b/c/d/e, x",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseHeader(s)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("an untyped error: %v", err)
			}
			for _, r := range e.Message {
				if r < 0x20 || r > 0x7e {
					t.Fatalf("an unprintable sentence: %q", e.Message)
				}
			}
			return
		}
		if !word(a.KeyID, 128) || !word(a.Region, 32) || a.Signature == "" || a.SignedHeaders == "" {
			t.Fatalf("accepted with parts missing: %+v", a)
		}
		// What was understood, written anew, is understood alike.
		again, err := ParseHeader(algorithm + " Credential=" + strings.Join([]string{a.KeyID, a.Day, a.Region, a.Service, a.Terminator}, "/") +
			", SignedHeaders=" + a.SignedHeaders + ", Signature=" + a.Signature)
		if err != nil || again != a {
			t.Fatalf("%+v became %+v (%v)", a, again, err)
		}
	})
}

func TestCanonicalQuery(t *testing.T) {
	for query, want := range map[string]string{
		"":                   "",
		"b=2&a=1&a=0":        "a=0&a=1&b=2",
		"a-b=1&a=2&a.=3":     "a=2&a-b=1&a.=3", // by name, not by name=value
		"a=b+c%2Bd%20e":      "a=b%20c%2Bd%20e",
		"a=%7e*%2f&flag&&=x": "=x&a=~%2A%2F&flag=",
		"a=%zz%2":            "a=%25zz%252",
	} {
		require.Equal(t, want, string(canonicalQuery(nil, query)), query)
	}
}

func FuzzCanonicalQuery(f *testing.F) {
	f.Add("a=b&c=d")
	f.Add("%zz=+&=&&a")
	f.Add("a\x00b=%00")
	f.Fuzz(func(t *testing.T, q string) {
		once := canonicalQuery(nil, q)
		if twice := canonicalQuery(nil, string(once)); !bytes.Equal(once, twice) {
			t.Fatalf("%q -> %q -> %q", q, once, twice)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	body := bytes.Repeat([]byte("x"), 321<<10)
	r := NewRequest(wire(b, "POST", "/findings/import", string(body), nil, true))
	v := verifier()
	b.Run("headers", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.Check(r, "securityhub", example); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("body", func(b *testing.B) {
		b.ReportAllocs()
		c, err := v.Check(r, "securityhub", example)
		require.NoError(b, err)
		for b.Loop() {
			if err := c.Body(body); err != nil {
				b.Fatal(err)
			}
		}
	})
}
