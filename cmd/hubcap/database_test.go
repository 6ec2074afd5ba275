package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"

	"hubcap/internal/asff/asfftest"
	"hubcap/internal/store/postgres/postgrestest"
)

const oneAccount = "111122223333"

// client speaks to a hub under --auth none.
type client struct {
	t    *testing.T
	hub  hubProcess
	from caller
}

func newClient(t *testing.T, endpoint string) *client {
	t.Helper()
	send, err := newSender(endpoint, 0, nil)
	require.NoError(t, err)
	c := &client{t: t, from: caller{Credentials: credentials.NewStaticCredentialsProvider(oneAccount, "any", ""), Region: fallbackRegion}}
	c.hub.send = send
	c.hub.bodies.New = func() any { return new(bytes.Buffer) }
	return c
}

// send is a call that succeeds.
func (c *client) send(method, path, body string) {
	c.t.Helper()
	_, _, err := c.hub.ask(c.t.Context(), c.from, method, path, []byte(body))
	require.NoError(c.t, err)
}

// oneFinding is a request with finding n of the account.
func oneFinding(n, version int) []byte {
	body := append(asfftest.Append([]byte(batchHead), oneAccount, fallbackRegion, n, version), batchTail...)
	return body
}

// importOne sends finding n, and answers why it was not taken.
func (c *client) importOne(ctx context.Context, n, version int) error {
	answer, err := c.hub.send.importBatch(ctx, c.from, oneFinding(n, version))
	if err == nil && answer.FailedCount > 0 {
		err = errors.New(answer.FailedFindings[0].ErrorCode)
	}
	return err
}

func (c *client) count(where string) string {
	c.t.Helper()
	c.t.Setenv("AWS_ACCESS_KEY_ID", oneAccount)
	c.t.Setenv("AWS_SECRET_ACCESS_KEY", "any")
	code, out, errs := run(c.t, "findings", "--endpoint", c.hub.send.endpoint, "--where", where, "--format", "count")
	require.Zero(c.t, code, errs)
	return strings.TrimSpace(out)
}

// Two hubs serve one database: what one acknowledged the other knows, and a rule or a hub that is switched off acts on the very next
// import of the other.
func TestTwoHubsOnOneDatabase(t *testing.T) {
	noAWS(t)
	address := postgrestest.Database(t)
	one, other := newClient(t, startHub(t, "--store", address)), newClient(t, startHub(t, "--store", address))
	for n := range 20 {
		require.NoError(t, one.importOne(t.Context(), n, 0))
		require.Equal(t, strconv.Itoa(n+1), other.count("all"))
	}
	one.send(http.MethodPost, "/automationrules/create", `{"RuleName":"r","RuleOrder":1,"Description":"d","RuleStatus":"ENABLED",
		"Criteria":{"RecordState":[{"Value":"ACTIVE","Comparison":"EQUALS"},{"Value":"ARCHIVED","Comparison":"EQUALS"}]},
		"Actions":[{"Type":"FINDING_FIELDS_UPDATE","FindingFieldsUpdate":{"UserDefinedFields":{"seen":"by-a-rule"}}}]}`)
	require.NoError(t, other.importOne(t.Context(), 100, 0))
	require.Equal(t, "1", one.count(`UserDefinedFields[seen] = by-a-rule`))

	one.send(http.MethodDelete, "/accounts", "")
	require.EqualError(t, other.importOne(t.Context(), 101, 0), "InvalidAccess")
	other.send(http.MethodPost, "/accounts", "{}")
	require.NoError(t, one.importOne(t.Context(), 101, 0))
	require.Equal(t, "22", other.count("all"))
}

// A hub of two is killed in the middle of imports. What it acknowledged is there, and the other goes on.
func TestHubOnDatabaseKilled(t *testing.T) {
	noAWS(t)
	address := postgrestest.Database(t)
	other := newClient(t, startHub(t, "--store", address))
	cmd := exec.Command("hubcap", "serve", "--addr", "127.0.0.1:0", "--store", address)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	head := make([]byte, 4096)
	n, err := io.ReadAtLeast(out, head, len("hubcap serves http://127.0.0.1:1 "))
	require.NoError(t, err)
	m := regexp.MustCompile(`hubcap serves (\S+)`).FindSubmatch(head[:n])
	require.NotNil(t, m, string(head[:n]))
	dying := newClient(t, string(m[1]))

	var last [4]atomic.Int64 // the version of finding w that was acknowledged, plus one
	var writers sync.WaitGroup
	for w := range last {
		writers.Go(func() {
			for version := 0; dying.importOne(t.Context(), w, version) == nil; version++ {
				last[w].Store(int64(version) + 1)
			}
		})
	}
	require.Eventually(t, func() bool {
		for w := range last {
			if last[w].Load() < 5 {
				return false
			}
		}
		return true
	}, time.Minute, time.Millisecond)
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	writers.Wait()
	for w := range last {
		// An update that is no newer changes nothing: the next version does, unless the write under way went through.
		acknowledged := int(last[w].Load()) - 1
		require.NotEqual(t, "0", other.count(fmt.Sprintf("ProductFields[scan/run] = run-%d-%d or ProductFields[scan/run] = run-%d-%d",
			w, acknowledged, w, acknowledged+1)))
	}
	require.Equal(t, "4", other.count("all"))
}

// From a directory into a database and back: everything arrives.
func TestMigrateToDatabase(t *testing.T) {
	noAWS(t)
	address := postgrestest.Database(t)
	from, back := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "back")
	t.Run("fill", func(t *testing.T) { sendSample(t, startHub(t, "--store", from), 300) })
	sums := map[string]bool{}
	for _, way := range [][2]string{{from, address}, {address, back}, {from, back}} {
		code, out, errs := run(t, "migrate", "--from", way[0], "--to", way[1])
		require.Zero(t, code, out+errs)
		require.Contains(t, out, "copied 300 findings")
		sums[out[strings.LastIndex(out, " "):]] = true
	}
	require.Len(t, sums, 1)
	t.Run("serve", func(t *testing.T) {
		endpoint := startHub(t, "--store", address)
		code, out, errs := run(t, "findings", "--endpoint", endpoint, "--where", "RecordState = ACTIVE", "--format", "count")
		require.Zero(t, code, errs)
		require.NotEqual(t, "0", strings.TrimSpace(out))
	})
	code, _, errs := run(t, "migrate", "--from", from, "--to", address)
	require.Equal(t, 1, code, "it was served")
	require.Contains(t, errs, "is no copy under way")
}

func TestDistributeRefuses(t *testing.T) {
	code, _, errs := run(t, "store", "distribute", "--store", postgrestest.Database(t))
	require.Equal(t, 1, code)
	require.Contains(t, errs, "the database has no extension citus")
	code, _, errs = run(t, "store", "distribute", "--store", "./data")
	require.Equal(t, 1, code)
	require.Contains(t, errs, "is no postgres:// address")
}

func TestWrongDatabase(t *testing.T) {
	noAWS(t)
	for _, c := range []struct{ address, want string }{
		{"postgres://me:secret@127.0.0.1:1/hub", "127.0.0.1:1"},
		{"postgres://me:sec%ret@127.0.0.1/hub", "address of the database"},
	} {
		code, out, errs := run(t, "serve", "--addr", "127.0.0.1:0", "--store", c.address)
		require.Equal(t, 1, code, out)
		require.Contains(t, errs, c.want)
		require.NotContains(t, errs+out, "sec", "the password")
	}
}
