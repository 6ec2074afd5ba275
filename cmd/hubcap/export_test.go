package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a terminal is shown cannot move its cursor, whatever a finding says; a file has the text as it is.
func TestExportToATerminal(t *testing.T) {
	const line = `{"Id":"a","Title":"red \u001b[31m` + "\u202e" + `","Description":"=two\nlines"}` + "\n"
	export := func(format string, terminal bool) (string, error) {
		c := exportCmd{Format: format, Columns: []string{"Id", "Title", "Description"}}
		cells, err := newColumnReader(c.Columns)
		require.NoError(t, err)
		var out bytes.Buffer
		n, err := c.write(&out, strings.NewReader(line), cells, terminal)
		if err == nil {
			require.Equal(t, 1, n)
		}
		return out.String(), err
	}
	for format, want := range map[string]string{
		"ndjson": `{"Id":"a","Title":"red \u001b[31m\u202e","Description":"=two\nlines"}` + "\n",
		"csv":    "Id,Title,Description\na,red \\u001b[31m\\u202e,'=two\\u000alines\n",
	} {
		text, err := export(format, true)
		require.NoError(t, err)
		require.Equal(t, want, text)
	}
	text, err := export("csv", false)
	require.NoError(t, err)
	require.Equal(t, "Id,Title,Description\na,red \x1b[31m\u202e,\"'=two\nlines\"\n", text)
	_, err = export("parquet", true)
	require.EqualError(t, err, "parquet is nothing for a terminal: name a file with --output")
	text, err = export("parquet", false)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(text, "PAR1"))
}
