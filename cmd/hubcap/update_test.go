package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a hub says of a job it started cannot move the cursor; one that names no job is told of.
func TestStartedJobIsShown(t *testing.T) {
	for said, want := range map[string]string{
		`{"Job":{"JobId":"j\u001b[2J"}}`: `job j\u001b[2J is under way; hubcap jobs j\u001b[2J tells how it stands` + "\n",
		`{}`:                             "",
	} {
		hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if strings.HasSuffix(r.URL.Path, "/try") || strings.Contains(string(body), "DryRun") {
				said := `{"Matching":1,"Preview":{"Matching":1}}`
				_, _ = io.WriteString(w, said)
				return
			}
			_, _ = io.WriteString(w, said)
		}))
		for name, run := range map[string]func(*streams) error{
			"update": func(std *streams) error {
				c := updateCmd{Where: "all", Workflow: "NEW", Yes: true, hubFlags: hubFlags{Endpoint: hub.URL}}
				return c.Run(t.Context(), std)
			},
			"undo": func(std *streams) error {
				c := updateCmd{Undo: "j", hubFlags: hubFlags{Endpoint: hub.URL}}
				return c.Run(t.Context(), std)
			},
			"rules run": func(std *streams) error {
				c := rulesRunCmd{Yes: true, ruleFlags: ruleFlags{Rule: "arn:aws:securityhub:r:a:automation-rule/x", hubFlags: hubFlags{Endpoint: hub.URL}}}
				return c.Run(t.Context(), std)
			},
		} {
			var out bytes.Buffer
			err := run(&streams{In: strings.NewReader(""), Out: &out, Err: io.Discard})
			if want == "" {
				require.EqualError(t, err, "the hub did not say which job it started", name)
				continue
			}
			require.NoError(t, err, name)
			require.Contains(t, out.String(), want, name)
		}
		hub.Close()
	}
}
