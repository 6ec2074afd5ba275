package query_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"hubcap/internal/query"
)

// TestParse prints each line of testdata/parse in normal form, or says what is wrong with it and points at the place.
func TestParse(t *testing.T) {
	datadriven.Walk(t, "testdata/parse", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var out strings.Builder
			for line := range strings.Lines(d.Input) {
				line = strings.TrimSuffix(line, "\n")
				e, err := query.ParseAt(line, time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
				if err != nil {
					var bad *query.ParseError
					require.ErrorAs(t, err, &bad)
					out.WriteString(line + "\n" + strings.Repeat(" ", bad.Offset) + "^ " + bad.Reason + "\n")
					continue
				}
				again, err := query.Parse(e.String())
				require.NoError(t, err, "%s", e)
				require.Equal(t, e, again, "the normal form has the same shape")
				out.WriteString(e.String() + "\n")
			}
			return out.String()
		})
	})
}

func TestParseErrorNamesThePlace(t *testing.T) {
	_, err := query.Parse("Title = a and")
	require.EqualError(t, err, "at byte 13: expected the name of an attribute, found the end")
}

func TestParseKnowsNoRelativeDates(t *testing.T) {
	_, err := query.Parse("UpdatedAt within 7 days")
	require.EqualError(t, err, "at byte 17: no relative date can stand here")
}

func TestParseBoundsNesting(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("(", n) + "Title = a" + strings.Repeat(")", n) }
	_, err := query.Parse(deep(200))
	require.NoError(t, err)
	_, err = query.Parse(deep(201))
	require.ErrorContains(t, err, "nested deeper than 200")
	_, err = query.Parse(strings.Repeat("not ", 1_000_000) + "Title = a")
	require.ErrorContains(t, err, "nested deeper than 200")
}

// FuzzParse: any text gives an expression whose printed form is a fixpoint, or a ParseError inside the text.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		``, `all`, `Title = a and (Id != "b c" or not Type in (x, y))`, `Confidence within (1, 2]`, `UpdatedAt >= 2026-01-01`,
		`ResourceTags[env] missing`, `NetworkSourceIpV4 not in cidr 10.0.0.0/8`, `Keyword contains "\x00\u00e9"`, `Sample = true`,
		`VerificationState in (UNKNOWN, TRUE_POSITIVE)`, `CreatedAt = @1.5`, `Title = "`, `((`, `not`, `Confidence within [-inf, inf)`,
		`UpdatedAt within 7 days`, `not CreatedAt older than 90 minutes`, `CreatedAt not older than 1 week`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := query.ParseAt(s, time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
		if err != nil {
			var bad *query.ParseError
			require.ErrorAs(t, err, &bad)
			require.GreaterOrEqual(t, bad.Offset, 0)
			require.LessOrEqual(t, bad.Offset, len(s))
			return
		}
		again, err := query.Parse(e.String())
		require.NoError(t, err, "%s", e)
		require.Equal(t, e.String(), again.String())
		require.Equal(t, query.Match(&e, nil), query.Match(&again, nil))
	})
}
