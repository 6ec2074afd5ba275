package e2e

import (
	"bytes"
	"io"
	"net/http"
)

// ownBodies gives the transport a body of its own. The SDK closes a request's body as soon as the answer's head is
// there; on a busy machine and a near server the transport may just then look whether that body has ended, take the closing for
// a failure, and close the connection under an answer that is still being read ("use of closed network connection"). It happens
// against any server; with retries, which these tests have not, nobody sees it.
type ownBodies struct{ *http.Client }

// Do implements the SDK's HTTPClient.
func (c ownBodies) Do(req *http.Request) (*http.Response, error) {
	if req.Body != nil && req.Body != http.NoBody {
		text, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		// The transport gets a body that nobody else closes.
		req.Body = io.NopCloser(bytes.NewReader(text))
	}
	return c.Client.Do(req)
}
