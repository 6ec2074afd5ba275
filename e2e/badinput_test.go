package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

// validJSON is a valid finding with one more member.
func validJSON(id, member string) string {
	return fmt.Sprintf(`{"SchemaVersion":"2018-10-08","Id":%q,"ProductArn":%q,"GeneratorId":"g","AwsAccountId":%q,"CreatedAt":%q,"UpdatedAt":%q,`+
		`"Title":"t","Description":"d","FindingProviderFields":{},"Resources":[{"Type":"Other","Id":"r"}]%s}`,
		id, defaultProduct(mine), mine, created, created, member)
}

// TestBadInput sends what no SDK would. Each answer says what is wrong; the server lives, and keeps what was good.
func TestBadInput(t *testing.T) {
	hub := serve(t)
	batch := func(findings ...string) string { return `{"Findings":[` + strings.Join(findings, ",") + `]}` }
	good := validJSON("good", "")
	for _, c := range []struct {
		name, body string
		status     int
		want       string // in the body
	}{
		{"nothing", "", 400, "SerializationException"},
		{"no JSON", "<xml/>", 400, "SerializationException"},
		{"cut off", `{"Findings":[` + good, 400, "SerializationException"},
		{"trailing text", batch(good) + "x", 400, "SerializationException"},
		{"trailing comma", batch(good + ","), 400, "SerializationException"},
		{"single quotes", `{'Findings':[]}`, 400, "SerializationException"},
		{"byte order mark", "\xef\xbb\xbf" + batch(good), 400, "SerializationException"},
		{"bad UTF-8", batch(validJSON("u", `,"Region":"`+"\xff"+`"`)), 400, "SerializationException"},
		{"overlong UTF-8", batch(validJSON("u", `,"Region":"`+"\xc0\xaf"+`"`)), 400, "SerializationException"},
		{"raw control character", batch(validJSON("u", `,"Region":"`+"\x01"+`"`)), 400, "SerializationException"},
		{"leading zero", batch(validJSON("u", `,"Confidence":01`)), 400, "SerializationException"},
		{"too deep", batch(validJSON("u", `,"x":`+strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000))), 400, "SerializationException"},
		{"a list for a body", "[" + good + "]", 400, "SerializationException"},
		{"Findings is no list", `{"Findings":{}}`, 400, "SerializationException"},
		{"no Findings", `{}`, 400, "InvalidInputException"},
		{"empty Findings", `{"Findings":[]}`, 400, "InvalidInputException"},
		{"101 findings", batch(strings.Split(strings.Repeat(good+"\n", 101), "\n")[:101]...), 400, "InvalidInputException"},
		{"too large", `{"Findings":[` + good + strings.Repeat(" ", 6_291_456) + "]}", 413, "RequestEntityTooLargeException"},

		{"a finding that is no object", batch(good, "7"), 200, "data should be object"},
		{"wrong type", batch(validJSON("u", `,"Confidence":"high"`)), 200, "data.Confidence should be integer"},
		{"a fraction for a whole number", batch(validJSON("u", `,"Confidence":1.5`)), 200, "data.Confidence should be integer"},
		{"twice the same member", batch(validJSON("u", `,"Title":"u"`)), 200, "InvalidInput"},
		{"half a surrogate pair", batch(validJSON("u", `,"Region":"\ud800"`)), 200, "InvalidInput"},
		{"a number beyond all", batch(validJSON("u", `,"Severity":{"Label":"LOW","Product":1e400}`)), 200, "InvalidInput"},
		{"null in a list", batch(validJSON("u", `,"Types":[null]`)), 200, "data.Types[0] should be string"},
		{"30 February", batch(validJSON("u", `,"FirstObservedAt":"2026-02-30T00:00:00Z"`)), 200, `should match format`},
		{"a finding of 241 KB", batch(validJSON("u", `,"x":"`+strings.Repeat("x", 245_760)+`"`)), 200, "FindingSizeExceeded"},
		{"an unknown member is kept", batch(validJSON("known", `,"Colour":"red"`)), 200, `"SuccessCount":1`},
		{"the far future", batch(validJSON("known", `,"LastObservedAt":"2999-01-01T00:00:00Z"`)), 200, `"SuccessCount":1`},
		{"null is absent", batch(validJSON("known", `,"Confidence":null`)), 200, `"SuccessCount":1`},
		{"numbers as others write them", batch(validJSON("numbers", `,"Confidence":1e1,"Criticality":50.0`)), 200, `"SuccessCount":1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := hub.post(t, mine, region, "/findings/import", []byte(c.body))
			require.Equal(t, c.status, a.Status, a.Body)
			require.Contains(t, a.Body+a.Header.Get("X-Amzn-Errortype"), c.want)
			require.NotEmpty(t, a.Header.Get("X-Amzn-Requestid"))
			require.True(t, json.Valid([]byte(a.Body)), a.Body)
			if c.status != http.StatusOK {
				require.Equal(t, c.want, a.Header.Get("X-Amzn-Errortype"))
			}
		})
	}
	require.ElementsMatch(t, []string{"good", "known", "numbers"}, ids(find(t, hub.as(mine), types.AwsSecurityFindingFilters{})))
}

// TestBadRequests: what is wrong before a body is looked at.
func TestBadRequests(t *testing.T) {
	hub := serve(t)
	body := []byte(`{"Findings":[` + validJSON("a", "") + `]}`)
	for _, c := range []struct {
		name   string
		change func(*http.Request)
		status int
		want   string
	}{
		{"no signature", func(r *http.Request) { r.Header.Del("Authorization") }, 403, "MissingAuthenticationTokenException"},
		{"half a signature", func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x") }, 0, "IncompleteSignatureException"},
		{"signed in the query", func(r *http.Request) {
			r.Header.Del("Authorization")
			r.URL.RawQuery = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0"
		}, 0, "IncompleteSignatureException"},
		{"unknown path", func(r *http.Request) { r.URL.Path = "/nowhere" }, 403, "Missing Authentication Token"},
		{"unknown method", func(r *http.Request) { r.Method = http.MethodDelete }, 403, "Missing Authentication Token"},
		{"compressed", func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }, 415, ""},
		{"foreign host", func(r *http.Request) { r.Host = "evil.example" }, 403, "--allow-host"},
		{"cross-site", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403, ""},
		{"foreign origin", func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := hub.signedRequest(t, mine, region, "/findings/import", body)
			c.change(r)
			a := send(t, r)
			if c.status == 0 {
				require.GreaterOrEqual(t, a.Status, 400)
				require.Less(t, a.Status, 500)
			} else {
				require.Equal(t, c.status, a.Status, a.Body)
			}
			require.Contains(t, a.Body+a.Header.Get("X-Amzn-Errortype"), c.want)
			require.NotContains(t, a.Header, "Access-Control-Allow-Origin")
		})
	}
	require.Empty(t, find(t, hub.as(mine), types.AwsSecurityFindingFilters{}))
}

// TestClientsThatStopHalfway: a request of which only a part arrives stores nothing and holds nobody up.
func TestClientsThatStopHalfway(t *testing.T) {
	hub := serve(t)
	r := hub.signedRequest(t, mine, region, "/findings/import", []byte(`{"Findings":[`+validJSON("half", "")+`]}`))
	var whole bytes.Buffer
	require.NoError(t, r.Write(&whole))
	for _, n := range []int{1, whole.Len() / 4, whole.Len() - 200, whole.Len() - 1} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(hub.URL, "http://"))
		require.NoError(t, err)
		_, err = conn.Write(whole.Bytes()[:n])
		require.NoError(t, err)
		// The end of what the client sends; it still listens.
		require.NoError(t, conn.(*net.TCPConn).CloseWrite())
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
		text, err := io.ReadAll(conn)
		require.NoError(t, err)
		require.NotContains(t, string(text), "200 OK", "after %d bytes", n)
		require.NoError(t, conn.Close())
	}
	require.Empty(t, find(t, hub.as(mine), types.AwsSecurityFindingFilters{}))
	imports(t, hub.as(mine), newFinding(mine, "a"))
}

// TestHealthAndMetrics are for machines: no signature.
func TestHealthAndMetrics(t *testing.T) {
	hub := serve(t)
	imports(t, hub.as(mine), newFinding(mine, "a"))
	resp, err := http.Get(hub.URL + "/healthz")
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, 200, resp.StatusCode)

	resp, err = http.Get(hub.URL + "/metrics")
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, 200, resp.StatusCode)
	all, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	text := string(all)
	require.Contains(t, text, "process_cpu_seconds_total ")
	require.NotContains(t, text, mine, "no account in a label")
}
