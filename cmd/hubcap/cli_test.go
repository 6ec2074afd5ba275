package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"hubcap/internal/query"
)

// alone keeps the machine's own settings out of a test: no credentials, no region, no instance.
func alone(t *testing.T, endpoint string) {
	t.Helper()
	for _, name := range []string{"AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("HUBCAP_ENDPOINT", endpoint)
}

// command runs a verb and answers what it wrote.
func command(t *testing.T, stdin string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = Main(t.Context(), args, strings.NewReader(stdin), &o, &e)
	return code, o.String(), e.String()
}

const cliFinding = `{"SchemaVersion": "2018-10-08", "GeneratorId": "gen", "AwsAccountId": "111122223333",
	"ProductArn": "arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default", "Types": ["A/B"],
	"CreatedAt": "2026-01-01T00:00:00Z", "UpdatedAt": "2026-01-01T00:00:00Z", "Severity": {"Label": "HIGH"},
	"Title": "title", "Description": "description", "Resources": [{"Type": "Other", "Id": "r1"}]}`

// findingsOver lays each line over a finding, a line each.
func findingsOver(t *testing.T, lines string) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(lines) {
		var f map[string]any
		require.NoError(t, json.Unmarshal([]byte(cliFinding), &f))
		require.NoError(t, json.Unmarshal([]byte(line), &f), line)
		raw, err := json.Marshal(f)
		require.NoError(t, err)
		b.Write(raw)
		b.WriteByte('\n')
	}
	return b.String()
}

var (
	jobID   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)
	justNow = regexp.MustCompile(`20[0-9-]{8}T[0-9:]{8}\.[0-9]{3}Z`) // the findings' own have no milliseconds
	took    = regexp.MustCompile(`in [0-9.]+(µs|ms|s) \([0-9]+ a second\)`)
)

// TestCommands runs the verbs that ask a hub: testdata/cli. Commands of the files: "fresh" is a new hub in memory; "import" sends
// findings, each line laid over one; "run" is hubcap with an argument a line, where job-1, job-2, ... are the jobs in the order in which they
// were met and FILE is a file of the test's; "show" prints FILE.
func TestCommands(t *testing.T) {
	datadriven.Walk(t, "testdata/cli", func(t *testing.T, path string) {
		file := filepath.Join(t.TempDir(), "file")
		var jobs []string
		hide := func(s string) string {
			s = jobID.ReplaceAllStringFunc(s, func(id string) string {
				at := slices.Index(jobs, id)
				if at < 0 {
					at = len(jobs)
					jobs = append(jobs, id)
				}
				return fmt.Sprintf("job-%d", at+1)
			})
			s = justNow.ReplaceAllString(took.ReplaceAllString(s, "in TIME"), "NOW")
			return strings.ReplaceAll(s, file, "FILE")
		}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "fresh":
				alone(t, serve(t, "--store", "memory", "--min-free", "1").endpoint)
			case "import":
				code, out, errs := command(t, findingsOver(t, d.Input), "import", "-")
				require.Zero(t, code, out+errs)
			case "run":
				args := strings.Split(d.Input, "\n")
				for i := range args {
					args[i] = strings.ReplaceAll(args[i], "FILE", file)
					for n, id := range slices.Backward(jobs) {
						args[i] = strings.ReplaceAll(args[i], fmt.Sprintf("job-%d", n+1), id)
					}
				}
				code, out, errs := command(t, "", args...)
				if errs != "" {
					out += "--- standard error\n" + errs
				}
				if code != 0 {
					out += fmt.Sprintf("--- exit %d\n", code)
				}
				return hide(out)
			case "show":
				text, err := os.ReadFile(file)
				require.NoError(t, err)
				return hide(string(text))
			default:
				d.Fatalf(t, "unknown command %q", d.Cmd)
			}
			return ""
		})
	})
}

// What was exported comes back: a fresh hub that imports it exports the same, but for what the service writes anew.
func TestExportRoundTrip(t *testing.T) {
	file := filepath.Join(t.TempDir(), "all.ndjson")
	export := func() []map[string]any {
		code, out, errs := command(t, "", "export", "-o", file)
		require.Zero(t, code, out+errs)
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var list []map[string]any
		for line := range strings.Lines(string(text)) {
			var f map[string]any
			require.NoError(t, json.Unmarshal([]byte(line), &f))
			delete(f, "ProcessedAt")
			list = append(list, f)
		}
		slices.SortFunc(list, func(a, b map[string]any) int { return strings.Compare(a["Id"].(string), b["Id"].(string)) })
		return list
	}
	alone(t, serve(t, "--store", "memory", "--min-free", "1").endpoint)
	code, out, errs := command(t, findingsOver(t, `{"Id": "a", "Zeta": {"unknown": [1, "é\u202e"]}, "UserDefinedFields": {"k": "v"}}
{"Id": "b", "RecordState": "ARCHIVED", "Workflow": {"Status": "SUPPRESSED"}, "Note": {"Text": "n", "UpdatedBy": "me", "UpdatedAt": "2026-01-01T00:00:00Z"}}
{"Id": "c", "Confidence": 7, "FindingProviderFields": {"Severity": {"Label": "LOW"}, "Types": ["P/Q"]}, "VerificationState": "TRUE_POSITIVE"}
`), "import", "-")
	require.Zero(t, code, out+errs)
	code, out, errs = command(t, "", "update", "--where", "Id = a", "--workflow", "resolved", "--note", "fixed", "--note-by", "me", "--yes")
	require.Zero(t, code, out+errs)
	before := export()
	require.Len(t, before, 3)

	alone(t, serve(t, "--store", "memory", "--min-free", "1").endpoint)
	code, out, errs = command(t, "", "import", file)
	require.Zero(t, code, out+errs)
	require.Equal(t, before, export())
}

// An export that is cut off, or whose end a proxy hid, is exit code 1, and no file stays that looks whole.
func TestExportCutOff(t *testing.T) {
	for name, cut := range map[string]func(w http.ResponseWriter){
		"connection": func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
		"no trailer": func(http.ResponseWriter) {},
		"too short":  func(w http.ResponseWriter) { w.Header().Set(http.TrailerPrefix+"X-Hubcap-Length", "1000000") },
	} {
		t.Run(name, func(t *testing.T) {
			hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, strings.Repeat(`{"Id":"a"}`+"\n", 1000))
				_ = http.NewResponseController(w).Flush()
				cut(w)
			}))
			defer hub.Close()
			alone(t, hub.URL)
			dir := t.TempDir()
			old := filepath.Join(dir, "old.csv")
			require.NoError(t, os.WriteFile(old, []byte("yesterday's"), 0o600))
			for _, args := range [][]string{{"-o", filepath.Join(dir, "all.ndjson")}, {"--format", "csv", "-o", old}, {"--format", "parquet", "-o", filepath.Join(dir, "p")}, {}} {
				code, _, errs := command(t, "", append([]string{"export"}, args...)...)
				require.Equal(t, 1, code)
				require.Contains(t, errs, "cut off half way")
			}
			files, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Len(t, files, 1)
			text, err := os.ReadFile(old)
			require.NoError(t, err)
			require.Equal(t, "yesterday's", string(text))
		})
	}
}

func TestExportParquet(t *testing.T) {
	alone(t, serve(t, "--store", "memory", "--min-free", "1").endpoint)
	code, out, errs := command(t, findingsOver(t, `{"Id": "a", "Confidence": 7}
{"Id": "b", "Resources": [{"Type": "Other", "Id": "x"}, {"Type": "Other", "Id": "y"}]}
`), "import", "-")
	require.Zero(t, code, out+errs)
	file := filepath.Join(t.TempDir(), "all.parquet")
	code, out, errs = command(t, "", "export", "--format", "parquet", "--columns", "Resources.Id,Id,Confidence", "-o", file)
	require.Zero(t, code, out+errs)
	rows, err := parquet.ReadFile[struct {
		ID         *string `parquet:"Id,optional"`
		Resources  *string `parquet:"Resources.Id,optional"`
		Confidence *string `parquet:"Confidence,optional"`
	}](file)
	require.NoError(t, err)
	require.Len(t, rows, 2)
	slices.SortFunc(rows, func(a, b struct {
		ID         *string `parquet:"Id,optional"`
		Resources  *string `parquet:"Resources.Id,optional"`
		Confidence *string `parquet:"Confidence,optional"`
	},
	) int {
		return strings.Compare(*a.ID, *b.ID)
	})
	require.Equal(t, "7", *rows[0].Confidence)
	require.Nil(t, rows[1].Confidence)
	require.Equal(t, "x; y", *rows[1].Resources)
}

// FuzzWhere: whatever is typed, the mark stands under a place of what is shown, and nothing reaches the terminal that it would obey.
func FuzzWhere(f *testing.F) {
	for _, seed := range []string{"", "SeverityLabel = ", "Title = \"", "\x1b[31m = x", "Tïtle\u202e = 漢字 and", "Title = a and \xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, where string) {
		err := checkWhere(where)
		if err == nil {
			_, err := query.Parse(where)
			if err != nil {
				require.ErrorContains(t, err, "no relative date can stand here")
			}
			return
		}
		bad, ok := err.(*whereError) //nolint:errorlint // checkWhere's own
		require.True(t, ok)
		lines := bad.lines()
		require.Len(t, lines, 3)
		for _, line := range lines {
			require.Equal(t, line, printable(line))
		}
		require.Equal(t, "^", strings.TrimSpace(lines[2]))
		require.LessOrEqual(t, len(lines[2]), len(lines[1])+1)
	})
}
