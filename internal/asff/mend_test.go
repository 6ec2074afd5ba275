package asff

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"hubcap/internal/asff/asfftest"
)

// TestMend: members laid over a valid finding; what was changed, the members that differ then, and what is still wrong.
func TestMend(t *testing.T) {
	datadriven.RunTest(t, "testdata/mend", func(t *testing.T, d *datadriven.TestData) string {
		opts := MendOptions{Region: "eu-west-1"}
		opts.RefuseUnknown = d.HasArg("refuse-unknown")
		var sent []byte
		if d.Cmd == "raw" {
			sent = []byte(d.Input)
		} else {
			sent = overlay(t, base, d.Input)
		}
		var r Reader
		m, err := r.Mend(sent, opts)
		require.NoError(t, err)
		var b strings.Builder
		for _, c := range m.Mends {
			fmt.Fprintf(&b, "%s: %s\n", c.Path, c.Message)
		}
		if m.Text == nil {
			b.WriteString("nothing\n")
		} else {
			var before, after map[string]json.RawMessage
			require.NoError(t, json.Unmarshal([]byte(base), &before))
			require.NoError(t, json.Unmarshal(m.Text, &after), "%s", m.Text)
			for _, name := range topMembers(after) {
				if compact(t, before[name]) != compact(t, after[name]) {
					fmt.Fprintf(&b, "%s = %s\n", name, compact(t, after[name]))
				}
			}
		}
		for _, v := range m.Left {
			fmt.Fprintf(&b, "left: %s %s\n", v.Path, v.Message)
		}
		return b.String()
	})
}

func compact(t *testing.T, v json.RawMessage) string {
	t.Helper()
	if v == nil {
		return ""
	}
	n, err := parseTree(v)
	require.NoError(t, err)
	return string(n.append(nil, -1))
}

func topMembers(m map[string]json.RawMessage) []string {
	var keys []string
	for _, top := range topNames {
		if _, ok := m[top]; ok {
			keys = append(keys, top)
		}
	}
	return keys
}

func TestMendLeavesAloneWhatIsValid(t *testing.T) {
	var r Reader
	for n := range 20 {
		m, err := r.Mend(asfftest.Finding(n, 0), MendOptions{})
		require.NoError(t, err)
		require.Equal(t, &Mending{}, m)
	}
	_, err := r.Mend([]byte(`{"Id":`), MendOptions{})
	require.Error(t, err)
}

// FuzzMend: whatever is sent, the result is a finding with no more members at fault in it than the changes account for, and a result
// without violations is a valid one; nothing panics.
func FuzzMend(f *testing.F) {
	f.Add([]byte(base), true)
	for _, members := range []string{
		`"severity":{"Label":"high"},"Types":["a/b/c/d",""],"Resources":{"Type":"x","Id":1}`, `"Title":"","Description":"\ud800","CreatedAt":"yesterday"`,
		`"Confidence":"12.7","Criticality":900,"Note":null,"UserDefinedFields":{"a\"b":"x","\ud800":"y"},"Tags":[]`, `"Id":"1","Id":"2","Severity":"HIGH"`,
	} {
		f.Add([]byte(bareFinding+`,`+members+`}`), true)
	}
	f.Fuzz(func(t *testing.T, text []byte, refuse bool) {
		var r Reader
		opts := MendOptions{Region: "us-east-1", Options: Options{RefuseUnknown: refuse}}
		m, err := r.Mend(text, opts)
		if err != nil || m.Text == nil {
			return
		}
		require.NotEmpty(t, m.Mends)
		again, err := r.Check(m.Text, opts.Options)
		require.NoError(t, err, "%s", m.Text)
		require.Len(t, again.Violations, len(m.Left))
	})
}
