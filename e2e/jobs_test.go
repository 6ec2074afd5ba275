package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

// asked runs a verb against a hub and wants it to succeed.
func asked(t *testing.T, hub *server, args ...string) string {
	t.Helper()
	code, out, errs := hubcap(t, nil, append(args, "--endpoint", hub.URL)...)
	require.Zero(t, code, out+errs)
	return out
}

type jobLine struct {
	Job struct {
		JobID   string `json:"JobId"`
		Status  string
		Total   int
		Done    int
		Changed int
	}
}

func jobNow(t *testing.T, hub *server, id string) jobLine {
	t.Helper()
	req := hub.signedRequest(t, operator, region, "/hubcap/v1/jobs/"+id, nil)
	req.Method = http.MethodGet // nobody checks the signature
	a := send(t, req)
	require.Equal(t, http.StatusOK, a.Status, a.Body)
	var j jobLine
	require.NoError(t, json.Unmarshal([]byte(a.Body), &j))
	return j
}

// TestJobKilled kills the hub in the middle of a job, twice: the next start goes on with it, and in the end each finding was changed once, as
// its history tells; then the same with its undo.
func TestJobKilled(t *testing.T) {
	const n = 12_000
	dir := filepath.Join(t.TempDir(), "store")
	hub := serve(t, "--store", dir)
	c := hub.as(mine)
	for from := 0; from < n; from += 100 {
		var list []types.AwsSecurityFinding
		for i := from; i < from+100; i++ {
			list = append(list, newFinding(mine, fmt.Sprint("f", i)))
		}
		imports(t, c, list...)
	}
	killedTwice := func(id string) {
		for kills := 0; kills < 2; {
			j := jobNow(t, hub, id)
			if j.Job.Done > kills*n/3 || j.Job.Status == "DONE" {
				require.NotEqual(t, "DONE", j.Job.Status, "too fast to be killed: more findings are needed")
				kills++
				hub.kill()
				hub = serve(t, "--store", dir)
			}
		}
		last := jobNow(t, hub, id)
		for began := time.Now(); last.Job.Status != "DONE"; last = jobNow(t, hub, id) {
			require.Less(t, time.Since(began), time.Minute)
		}
		require.Equal(t, n, last.Job.Changed)
	}
	out := asked(t, hub, "update", "--where", "all", "--workflow", "resolved", "--note", "bulk", "--yes", "--no-wait")
	id := regexp.MustCompile(`job (\S+) is under way`).FindStringSubmatch(out)[1]
	killedTwice(id)
	require.Equal(t, fmt.Sprintln(n), asked(t, hub, "findings", "--where", "WorkflowStatus = RESOLVED and NoteText = bulk", "--format", "count"))
	c = hub.as(mine)
	for i := 0; i < n; i += n / 20 {
		require.Len(t, history(t, c, fmt.Sprint("f", i)), 2, "the creation and one change")
	}

	// Somebody changed one meanwhile: it stays.
	_, err := c.BatchUpdateFindings(t.Context(), &securityhub.BatchUpdateFindingsInput{
		FindingIdentifiers: []types.AwsSecurityFindingIdentifier{identifier("f7")},
		Workflow:           &types.WorkflowUpdate{Status: types.WorkflowStatusSuppressed},
	})
	require.NoError(t, err)
	out = asked(t, hub, "update", "--undo", id, "--no-wait")
	killedTwice(regexp.MustCompile(`job (\S+) is under way`).FindStringSubmatch(out)[1])
	require.Equal(t, fmt.Sprintln(n-1), asked(t, hub, "findings", "--where", "WorkflowStatus = NEW and NoteText missing", "--format", "count"))
	require.Equal(t, types.WorkflowStatusSuppressed, get(t, hub.as(mine), "f7").Workflow.Status)
}

// TestExport: everything goes out by one request and comes back by import; nobody exports another account's.
func TestExport(t *testing.T) {
	hub := serve(t)
	for from := range 5 {
		var list []types.AwsSecurityFinding
		for i := range 100 {
			list = append(list, newFinding(mine, fmt.Sprint("f", from*100+i)))
		}
		imports(t, hub.as(mine), list...)
	}
	imports(t, hub.as(other), newFinding(other, "theirs"))
	file := filepath.Join(t.TempDir(), "all.ndjson")
	asked(t, hub, "export", "-o", file, "--where", "AwsAccountId = "+mine)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, 500, strings.Count(string(text), "\n"))

	again := serve(t)
	require.Contains(t, asked(t, again, "import", file), "500 imported, 0 failed")
	require.Equal(t, "500\n", asked(t, again, "findings", "--format", "count"))

	// Over plain HTTP, as an account: its own, to the last byte.
	resp, err := http.DefaultClient.Do(hub.signedRequest(t, mine, "us-east-1", "/hubcap/v1/findings/export", []byte("{}")))
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, 200, resp.StatusCode, string(body))
	require.Equal(t, strconv.Itoa(len(body)), resp.Trailer.Get("X-Hubcap-Length"))
	require.Equal(t, 500, strings.Count(string(body), "\n"))
	require.NotContains(t, string(body), "theirs")
}

// TestExtensionsPage runs the commands of docs/extensions.md, one block after the other.
func TestExtensionsPage(t *testing.T) {
	need(t, "curl", "--version")
	hub := serve(t)
	imports(t, hub.as(mine), newFinding(mine, "a", at(time.Now().UTC().Format(time.RFC3339))), newFinding(mine, "b"))
	page, err := os.ReadFile("../docs/extensions.md")
	require.NoError(t, err)
	var script strings.Builder
	for _, m := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllStringSubmatch(string(page), -1) {
		script.WriteString(m[1])
	}
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", strings.ReplaceAll(script.String(), "http://127.0.0.1:4510", hub.URL))
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), `{"Count":2}`)
	require.Contains(t, string(out), `"Preview":{"Matching":2,`)
	require.Contains(t, string(out), `"Changed":2`)
	require.Contains(t, string(out), `"Kind":"Undo"`)
	require.Contains(t, string(out), `"Plan":`)
	lines, err := os.ReadFile(filepath.Join(cmd.Dir, "findings.ndjson"))
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(string(lines), "\n"))
}

// What the reader has at that place is the example as the triage left it.
func TestReadmeFindChangeExport(t *testing.T) {
	hub := serve(t)
	asked(t, hub, "import", "docs/examples/finding.json")
	asked(t, hub, "update", "--where", "all", "--workflow", "notified", "--yes")
	script := ""
	for _, block := range readme(t)["sh"] {
		if strings.HasPrefix(block, "bin/hubcap findings ") {
			script = block
		}
	}
	require.NotEmpty(t, script)
	require.Contains(t, script, "resolved.csv")
	csv := filepath.Join(t.TempDir(), "resolved.csv")
	out := shell(t, hub, strings.NewReplacer("bin/hubcap", binary, "resolved.csv", csv).Replace(script))
	require.Contains(t, out, "my-first-finding  HIGH            Bucket invoices is readable by everyone")
	require.Contains(t, out, "1 finding: 1 changed")
	text, err := os.ReadFile(csv)
	require.NoError(t, err)
	require.Contains(t, string(text), "my-first-finding")
	require.Contains(t, string(text), "the bucket is closed")
}
