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
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hubcap/internal/asff/asfftest"
	"hubcap/internal/hub"
)

// run is the command line run to its end.
func run(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = Main(t.Context(), args, strings.NewReader(""), &o, &e)
	return code, o.String(), e.String()
}

// noAWS keeps the machine's own credentials out of a test.
func noAWS(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_PROFILE": "",
	} {
		t.Setenv(name, value)
	}
}

// sample is a file of n findings.
func sample(t *testing.T, n int) string {
	t.Helper()
	body := []byte("[")
	for i := range n {
		if i > 0 {
			body = append(body, ',')
		}
		body = asfftest.Append(body, "", "", i, 0)
	}
	path := filepath.Join(t.TempDir(), "findings.json")
	require.NoError(t, os.WriteFile(path, append(body, ']'), 0o600))
	return path
}

func sendSample(t *testing.T, endpoint string, n int) {
	t.Helper()
	code, out, errs := run(t, "import", "--endpoint", endpoint, sample(t, n))
	require.Zero(t, code, out+errs)
}

// A backup of a hub that serves, restored, is a store with the same findings; so is one of its directory once it has ended.
func TestBackupAndRestore(t *testing.T) {
	noAWS(t)
	root := t.TempDir()
	at := func(name string) string { return filepath.Join(root, name) }
	r := serve(t, "--store", at("store"))
	sendSample(t, r.endpoint, 120)
	code, out, errs := run(t, "backup", "--endpoint", r.endpoint, at("backup"))
	require.Zero(t, code, errs)
	require.Contains(t, out, "backup in "+at("backup"))
	code, _, errs = run(t, "backup", "--endpoint", r.endpoint, at("backup"))
	require.Equal(t, 1, code)
	require.Equal(t, "hubcap: backup: directory "+at("backup")+" is not empty: it holds \"BACKUP\"; name a new or an empty one\n", errs)
	code, _, errs = run(t, "backup", "--from", at("store"), at("offline"))
	require.Equal(t, 1, code)
	require.Contains(t, errs, "is in use by another hubcap process")
	sendSample(t, r.endpoint, 130)
	require.Zero(t, r.stop())
	code, _, errs = run(t, "backup", "--from", at("store"), at("offline"))
	require.Zero(t, code, errs)

	for from, n := range map[string]int{"backup": 120, "offline": 130} {
		code, out, errs = run(t, "restore", at(from), at("restored-"+from))
		require.Zero(t, code, errs)
		require.Contains(t, out, "restored to "+at("restored-"+from))
		code, out, _ = run(t, "doctor", at("restored-"+from))
		require.Zero(t, code, out)
		require.Contains(t, out, fmt.Sprintf("looked at %d findings", n))
		require.Contains(t, out, "nothing is wrong\n")
		back := serve(t, "--store", at("restored-"+from))
		require.Contains(t, metricsOf(t, back), fmt.Sprintf("\nhubcap_store_findings %d\n", n))
		require.Zero(t, back.stop())
	}
	code, _, errs = run(t, "restore", at("store"), at("nowhere"))
	require.Equal(t, 1, code)
	require.Contains(t, errs, "holds no hubcap backup")
	require.NoDirExists(t, at("nowhere"))
}

func metricsOf(t *testing.T, r *running) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.endpoint+"/metrics", http.NoBody)
	require.NoError(t, err)
	status, body := ask(t, http.DefaultClient, req)
	require.Equal(t, 200, status)
	return body
}

// Who may not, gets no backup, and no directory is made of a refusal or of half a stream.
func TestBackupRefused(t *testing.T) {
	noAWS(t)
	r := serve(t, "--store", "memory")
	dir := filepath.Join(t.TempDir(), "backup")
	t.Setenv("AWS_ACCESS_KEY_ID", "111122223333")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "any")
	code, _, errs := run(t, "backup", "--endpoint", r.endpoint, dir)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "is not authorized to perform: hubcap:Backup")
	require.NoDirExists(t, dir)
	t.Setenv("AWS_ACCESS_KEY_ID", "operator")
	code, _, errs = run(t, "backup", "--endpoint", r.endpoint, dir)
	require.Zero(t, code, errs, "a store in memory too")

	half := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half a tar")
	}))
	defer half.Close()
	dir = filepath.Join(t.TempDir(), "backup")
	code, _, errs = run(t, "backup", "--endpoint", half.URL, dir)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "the backup is damaged")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestDoctor(t *testing.T) {
	noAWS(t)
	dir := filepath.Join(t.TempDir(), "store")
	r := serve(t, "--store", dir)
	sendSample(t, r.endpoint, 40)
	code, _, errs := run(t, "doctor", dir)
	require.Equal(t, 2, code)
	require.Equal(t, "hubcap: doctor: directory "+dir+" is in use by another hubcap process (or twice by this one): stop that one first\n", errs)
	require.Zero(t, r.stop())
	code, out, _ := run(t, "doctor", dir)
	require.Zero(t, code, out)
	require.Contains(t, out, "looked at 40 findings")

	files, err := filepath.Glob(filepath.Join(dir, "index", "*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	require.NoError(t, os.WriteFile(files[0], []byte("not any more"), 0o600))
	code, out, _ = run(t, "doctor", dir)
	require.Equal(t, 1, code)
	require.Contains(t, out, "checkpoint: checkpoint of the index: file ")
	require.Contains(t, out, "nothing was changed; --repair mends them\n")
	code, out, _ = run(t, "doctor", "--format", "json", "--repair", dir)
	require.Equal(t, 1, code)
	var told struct {
		Findings int
		Mended   bool
		Counts   map[string]int
	}
	require.NoError(t, json.Unmarshal([]byte(out), &told))
	require.Equal(t, 40, told.Findings)
	require.True(t, told.Mended)
	require.Equal(t, map[string]int{"checkpoint": 1}, told.Counts)
	code, out, _ = run(t, "doctor", dir)
	require.Zero(t, code, out)

	for _, args := range [][]string{{"doctor", t.TempDir()}, {"doctor", filepath.Join(dir, "nowhere")}, {"doctor"}, {"doctor", "--format", "xml", dir}} {
		code, _, errs := run(t, args...)
		require.Equal(t, 2, code, errs)
		require.NotEmpty(t, errs)
	}
}

// serve sweeps in the background, tells what it did, and ends with the hub.
func TestServeSweeps(t *testing.T) {
	noAWS(t)
	dir := filepath.Join(t.TempDir(), "store")
	r := serve(t, "--store", dir)
	sendSample(t, r.endpoint, 60)
	require.Zero(t, r.stop())
	// ProcessedAt is now: what is kept for so little is found at once.
	for _, bad := range [][]string{
		{"--retain-active=-2"},
		{"--archive-after=-1"},
		{"--sweep-every=1ms"},
		{"--sweep-every=soon"},
		{"--archive-after=40", "--retain-archived=30"},
	} {
		name, _, _ := strings.Cut(bad[0], "=")
		require.Contains(t, fails(t, 1, append([]string{"--addr", "127.0.0.1:0", "--store", dir}, bad...)...), name)
	}
	r = serve(t, "--store", dir, "--retain-active", "1", "--sweep-every", "1s")
	require.Eventually(t, func() bool { return strings.Contains(r.err.String(), "swept what was kept long enough") }, time.Minute, 10*time.Millisecond)
	require.Contains(t, metricsOf(t, r), "\nhubcap_sweep_findings_expired_total 0\n")
	require.NotContains(t, metricsOf(t, r), "\nhubcap_sweep_last_timestamp_seconds 0\n")
	require.Contains(t, metricsOf(t, r), "\nhubcap_store_findings 60\n")
	require.Zero(t, r.stop())
}

func TestRetentionFlags(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		cmd     serveCmd
		profile hub.Profile
		want    hub.Retention
	}{
		{serveCmd{RetainActive: -1, RetainArchived: -1}, hub.Open, hub.Retention{}},
		{serveCmd{RetainActive: -1, RetainArchived: -1}, hub.AWS, hub.Retention{Active: 90 * day, Archived: 30 * day}},
		{serveCmd{RetainActive: 0, RetainArchived: 0}, hub.AWS, hub.Retention{}},
		{serveCmd{RetainActive: 365, RetainArchived: -1, ArchiveAfter: 20}, hub.AWS, hub.Retention{Active: 365 * day, Archived: 30 * day, Archive: 20 * day}},
	} {
		c.cmd.SweepEvery = "6h"
		got, every, err := c.cmd.retention(c.profile)
		require.NoError(t, err)
		require.Equal(t, c.want, got)
		require.Equal(t, 6*time.Hour, every)
	}
}
