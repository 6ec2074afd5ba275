package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/require"
)

// answer is a response read whole.
type answer struct {
	Status int
	Header http.Header
	Body   string
}

// signedRequest is a POST no SDK would make, signed as theirs are.
func (s *server) signedRequest(t *testing.T, key, region, path string, body []byte) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	sum := sha256.Sum256(body)
	keys := aws.Credentials{AccessKeyID: key, SecretAccessKey: "any"}
	require.NoError(t, v4.NewSigner().SignHTTP(context.Background(), keys, req, hex.EncodeToString(sum[:]), "securityhub", region, time.Now()))
	return req
}

// send sends a request and reads the answer.
func send(t *testing.T, req *http.Request) answer {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return answer{resp.StatusCode, resp.Header, string(text)}
}

// post signs and sends a body.
func (s *server) post(t *testing.T, key, region, path string, body []byte) answer {
	t.Helper()
	return send(t, s.signedRequest(t, key, region, path, body))
}
