package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

// TestKilled: what was acknowledged before kill -9 is there afterwards, as new as it was acknowledged, and whole.
func TestKilled(t *testing.T) {
	const writers, rounds, enough, size = 4, 3, 24, 50
	dir := filepath.Join(t.TempDir(), "store")
	acknowledged := map[string]int{} // Id: version
	for round := range rounds {
		hub := serve(t, "--store", dir)
		checkKept(t, hub, acknowledged)
		c := hub.as(mine)
		var mu sync.Mutex
		var wg sync.WaitGroup
		batches := 0
		reached := make(chan struct{})
		for writer := range writers {
			wg.Go(func() {
				for n := 0; ; n++ {
					// Every other batch updates what the one before created.
					version := n % 2
					var list []types.AwsSecurityFinding
					for i := range size {
						f := newFinding(mine, fmt.Sprintf("%d-%d-%d-%d", round, writer, n/2, i), at(moment(version)))
						f.Title = f.UpdatedAt
						list = append(list, f)
					}
					out, err := batchImport(t.Context(), c, list...)
					if err != nil {
						return // killed
					}
					mu.Lock()
					if *out.SuccessCount == size {
						for _, f := range list {
							acknowledged[*f.Id] = version
						}
					}
					if batches++; batches == enough {
						close(reached)
					}
					mu.Unlock()
				}
			})
		}
		<-reached
		hub.kill()
		wg.Wait()
	}
	hub := serve(t, "--store", dir)
	checkKept(t, hub, acknowledged)

	// It goes on as if nothing had been, and a graceful end keeps everything too.
	imports(t, hub.as(mine), newFinding(mine, "afterwards"))
	acknowledged["afterwards"] = 0
	hub.stop(t)
	checkKept(t, serve(t, "--store", dir), acknowledged)
}

func moment(version int) string { return fmt.Sprintf("2026-11-01T08:00:%02dZ", version) }

// checkKept: every acknowledged finding is there, at least as new; and no finding is half a finding.
func checkKept(t *testing.T, hub *server, acknowledged map[string]int) {
	t.Helper()
	kept := map[string]string{}
	for _, f := range find(t, hub.as(mine), types.AwsSecurityFindingFilters{}) {
		require.NotContains(t, kept, *f.Id)
		kept[*f.Id] = *f.UpdatedAt
		if *f.Id != "afterwards" {
			require.Equal(t, *f.UpdatedAt, *f.Title, "torn: %s", *f.Id)
		}
		require.Len(t, f.Resources, 1)
	}
	for id, version := range acknowledged {
		if id != "afterwards" {
			require.GreaterOrEqual(t, kept[id], moment(version), "lost: %s", id)
		} else {
			require.Contains(t, kept, id)
		}
	}
}

// TestStoreOfAnotherProcess: a data directory serves one process, and the second is told so.
func TestStoreOfAnotherProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	hub := serve(t, "--store", dir)
	code, _, errs := hubcap(t, nil, "serve", "--addr", "127.0.0.1:0", "--store", dir)
	require.Equal(t, 1, code)
	require.Contains(t, errs, dir)
	require.Contains(t, errs, "another hubcap process")
	imports(t, hub.as(mine), newFinding(mine, "a"))
}

// TestStoreSurvivesRestart: findings, history and the state of the hub are as they were.
func TestStoreSurvivesRestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	hub := serve(t, "--store", dir, "--profile", "aws")
	c := hub.as(mine)
	enable(t, c)
	enableProwler(t, c)
	imports(t, c, newFinding(mine, "a"), newFinding(mine, "b"))
	_, err := c.BatchUpdateFindings(t.Context(), &securityhub.BatchUpdateFindingsInput{
		FindingIdentifiers: []types.AwsSecurityFindingIdentifier{identifier("a")},
		Workflow:           &types.WorkflowUpdate{Status: types.WorkflowStatusResolved},
	})
	require.NoError(t, err)
	before, past := get(t, c, "a"), history(t, c, "a")
	one := int32(1)
	page, err := c.GetFindings(t.Context(), &securityhub.GetFindingsInput{MaxResults: &one})
	require.NoError(t, err)
	hub.stop(t)

	c = serve(t, "--store", dir, "--profile", "aws").as(mine)
	require.Equal(t, before, get(t, c, "a"))
	require.Equal(t, past, history(t, c, "a"))
	require.Contains(t, listEnabled(t, c), prowlerSubscription)
	next, err := c.GetFindings(t.Context(), &securityhub.GetFindingsInput{MaxResults: &one, NextToken: page.NextToken})
	require.NoError(t, err)
	require.NotEqual(t, *page.Findings[0].Id, *next.Findings[0].Id, "a page token outlives a restart")
}

// TestServeRefusesToStart: what cannot work is said at once, with what to do.
func TestServeRefusesToStart(t *testing.T) {
	busy := serve(t)
	readOnly := filepath.Join(t.TempDir(), "readonly")
	require.NoError(t, os.Mkdir(readOnly, 0o500))
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"port in use", []string{"--store", "memory", "--addr", strings.TrimPrefix(busy.URL, "http://")}, "is in use by another process"},
		{"public without keys", []string{"--store", "memory", "--addr", "0.0.0.0:0"}, "--insecure"},
		{"a file for a directory", []string{"--store", filepath.Join(file, "x"), "--addr", "127.0.0.1:0"}, file},
		{"no such configuration", []string{"--store", "memory", "--addr", "127.0.0.1:0", "--config", "/nowhere/hubcap.toml"}, "/nowhere/hubcap.toml"},
		{"sigv4 without keys", []string{"--store", "memory", "--addr", "127.0.0.1:0", "--auth", "sigv4"}, "--config"},
		{"read-only directory", []string{"--store", filepath.Join(readOnly, "store"), "--addr", "127.0.0.1:0"}, readOnly},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "read-only directory" && os.Geteuid() == 0 {
				// The superuser may write everywhere but to a file system that cannot be written.
				c.args[1], c.want = "/proc/hubcap", "/proc/hubcap"
			}
			code, out, errs := hubcap(t, nil, append([]string{"serve"}, c.args...)...)
			require.Equal(t, 1, code, "%s%s", out, errs)
			require.Contains(t, errs, c.want)
			require.NotContains(t, errs, "goroutine ")
		})
	}
}

// TestNearlyFullDisk: below --min-free writes are refused with 503 and nothing of them is kept; reads go on; with room again all is
// as it was.
func TestNearlyFullDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	hub := serve(t, "--store", dir)
	imports(t, hub.as(mine), newFinding(mine, "a"))
	hub.stop(t)

	hub = serve(t, "--store", dir, "--min-free", "1000000TB")
	c := hub.as(mine)
	a := hub.post(t, mine, region, "/findings/import", []byte(`{"Findings":[`+validJSON("b", "")+`]}`))
	require.Equal(t, 503, a.Status, a.Body)
	require.Equal(t, "ServiceUnavailable", a.Header.Get("X-Amzn-Errortype"))
	require.NotEmpty(t, a.Header.Get("Retry-After"))
	require.Contains(t, a.Body, "nearly full")
	_, err := c.BatchUpdateFindings(t.Context(), &securityhub.BatchUpdateFindingsInput{
		FindingIdentifiers: []types.AwsSecurityFindingIdentifier{identifier("a")}, Workflow: &types.WorkflowUpdate{Status: types.WorkflowStatusResolved},
	})
	require.ErrorContains(t, err, "nearly full")
	_, err = c.EnableSecurityHub(t.Context(), &securityhub.EnableSecurityHubInput{})
	require.ErrorContains(t, err, "nearly full")
	require.Equal(t, []string{"a"}, ids(find(t, c, types.AwsSecurityFindingFilters{})), "reads go on")
	code, out, errs := hubcap(t, strings.NewReader(validJSON("b", "")), "import", "--endpoint", hub.URL, "--retry-for", "0", "-")
	require.Equal(t, 1, code, out)
	require.Contains(t, errs, "nearly full")
	hub.stop(t)

	c = serve(t, "--store", dir).as(mine)
	require.Equal(t, []string{"a"}, ids(find(t, c, types.AwsSecurityFindingFilters{})))
	require.Equal(t, types.WorkflowStatusNew, get(t, c, "a").Workflow.Status)
	imports(t, c, newFinding(mine, "b"))
}
