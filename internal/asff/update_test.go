package asff

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestEditLimits tries both sides of each limit that a text file would be too long for; those of a finding are told per finding.
func TestEditLimits(t *testing.T) {
	long := func(n int) string { return strings.Repeat("é", n) }
	list := func(n int, format string) string {
		var items []string
		for i := range n {
			items = append(items, fmt.Sprintf(format, i))
		}
		return strings.Join(items, ",")
	}
	related := `{"Id":"%d","ProductArn":"arn:aws:securityhub:us-east-1::product/a/b"}`
	for _, c := range []struct{ name, fits, exceeds, detail string }{
		{
			"note", `{"Note":{"UpdatedBy":"b","Text":"` + long(512) + `"}}`, `{"Note":{"UpdatedBy":"b","Text":"` + long(513) + `"}}`,
			"data.Note.Text should NOT be longer than 512 characters",
		},
		{
			"author", `{"Note":{"Text":"t","UpdatedBy":"` + long(512) + `"}}`, `{"Note":{"Text":"t","UpdatedBy":"` + long(513) + `"}}`,
			"data.Note.UpdatedBy should NOT be longer than 512 characters",
		},
		{
			"author's ARN", `{"Note":{"Text":"t","UpdatedBy":"arn:` + long(2044) + `"}}`, `{"Note":{"Text":"t","UpdatedBy":"arn:` + long(2045) + `"}}`,
			"data.Note.UpdatedBy should NOT be longer than 2048 characters",
		},
		{
			"types", `{"Types":[` + list(50, `"T%d"`) + `]}`, `{"Types":[` + list(51, `"T%d"`) + `]}`,
			"data.Types should NOT have more than 50 items",
		},
		{
			"related findings", `{"RelatedFindings":[` + list(10, related) + `]}`, `{"RelatedFindings":[` + list(11, related) + `]}`,
			"data.RelatedFindings should NOT have more than 10 items",
		},
		{
			"pairs", `{"UserDefinedFields":{` + list(50, `"k%d":"v"`) + `}}`, `{"UserDefinedFields":{` + list(51, `"k%d":"v"`) + `}}`,
			"data.UserDefinedFields should NOT have more than 50 properties",
		},
		{
			"values", `{"UserDefinedFields":{"k":"` + long(1024) + `"}}`, `{"UserDefinedFields":{"k":"` + long(1025) + `"}}`,
			"data.UserDefinedFields['k'] should NOT be longer than 1024 characters",
		},
		{
			"keys", `{"UserDefinedFields":{"` + strings.Repeat("k", 128) + `":""}}`, `{"UserDefinedFields":{"` + strings.Repeat("k", 129) + `":""}}`,
			"data.UserDefinedFields should NOT have additional properties",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.importing(`{}`)
			e, err := ParseEdit([]byte(c.fits))
			require.NoError(t, err)
			require.NoError(t, e.Invalid())
			changed, err := b.editing(e)
			require.NoError(t, err)
			require.True(t, changed)

			before := *b.stored
			e, err = ParseEdit([]byte(c.exceeds))
			require.NoError(t, err)
			require.Error(t, e.Invalid())
			_, err = b.editing(e)
			var refused *EditError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, EditError{"InvalidInput", "Invalid Input", c.detail}, *refused)
			require.Equal(t, before, *b.stored)
		})
	}
}

// TestEditSize holds D44: what the service wrote is not counted, and only growing past the limit is refused.
func TestEditSize(t *testing.T) {
	note := func(n int) *Edit {
		e, err := ParseEdit([]byte(`{"Note":{"UpdatedBy":"b","Text":"` + strings.Repeat("n", n) + `"}}`))
		require.NoError(t, err)
		return e
	}
	b := newBench(t)
	b.importing(`{"FindingProviderFields":{"Types":["A/` + strings.Repeat("a", 5000) + `"]},"ProductFields":{"k":"v"}}`)
	_, err := b.editing(note(100))
	require.NoError(t, err)
	var m Members
	var d document
	require.NoError(t, Split(b.stored.Doc, &m))
	d.take(b.stored.Doc, &m)
	room := MaxFindingBytes - countedSize(b.stored.Doc, &d)
	counted := overlay(t, string(b.stored.Doc), `{"ProductName":null,"CompanyName":null,"Region":null,"WorkflowState":null,
		"FindingProviderFields":null,"ProcessedAt":null,"ProductFields":{"k":"v"}}`)
	require.Equal(t, len(counted), MaxFindingBytes-room)

	// A member that fills the finding exactly.
	fill := func(n int) { b.importing(string(parsedOver(b, n))) }
	fill(room)
	require.Greater(t, len(b.stored.Doc), MaxFindingBytes)
	require.NoError(t, Split(b.stored.Doc, &m))
	d.take(b.stored.Doc, &m)
	require.Equal(t, MaxFindingBytes, countedSize(b.stored.Doc, &d))

	_, err = b.editing(note(100))
	require.NoError(t, err, "the note is as long as it was")
	_, err = b.editing(note(99))
	require.NoError(t, err)
	_, err = b.editing(note(100))
	require.NoError(t, err, "up to the limit")
	_, err = b.editing(note(101))
	require.EqualError(t, err, "FindingSizeExceeded: Finding size exceeded 240 KB")

	// Beyond the limit already: an edit may shrink it, but not let it grow.
	fill(room + 1000)
	_, err = b.editing(note(100))
	require.NoError(t, err)
	_, err = b.editing(note(101))
	require.EqualError(t, err, "FindingSizeExceeded: Finding size exceeded 240 KB")
	_, err = b.editing(note(50))
	require.NoError(t, err)
}

// parsedOver is what b's import sent, with an unknown member of n bytes in all.
func parsedOver(b *bench, n int) []byte {
	pad := n - len(`,"Pad":""`)
	return overlay(b.t, `{"FindingProviderFields":{"Types":["A/`+strings.Repeat("a", 5000)+`"]},"ProductFields":{"k":"v"}}`,
		`{"Pad":"`+strings.Repeat("p", pad)+`"}`)
}

func TestEditKeepsWhatItDoesNotKnow(t *testing.T) {
	b := newBench(t)
	b.importing(`{"Zeta":{"b":1,"a":2},"Alpha":[],"Workflow":{"Status":"NEW","Owner":"x"}}`)
	e, err := ParseEdit([]byte(`{"Workflow":{"Status":"NOTIFIED"},"Confidence":1}`))
	require.NoError(t, err)
	_, err = b.editing(e)
	require.NoError(t, err)
	require.Contains(t, string(b.stored.Doc), `"Workflow":{"Status":"NOTIFIED","Owner":"x"}`)
	require.True(t, strings.HasSuffix(string(b.stored.Doc), `,"Alpha":[],"Zeta":{"b":1,"a":2}}`), "%s", b.stored.Doc)
}

func TestMergerRefusesWhatIsNoDocument(t *testing.T) {
	var m Merger
	in := read(t, []byte(benchFinding))
	e, err := ParseEdit([]byte(`{"Confidence":1}`))
	require.NoError(t, err)
	for _, bad := range []string{``, `[]`, `{"Id":`, `{"Id":"x"`, `null`} {
		_, _, _, err := m.Import(&Stored{Doc: []byte(bad)}, in, &benchEnv)
		require.ErrorContains(t, err, "stored finding", bad)
		_, _, _, err = m.Edit(&Stored{Doc: []byte(bad)}, e, time.Time{})
		require.ErrorContains(t, err, "stored finding", bad)
	}
	_, _, _, err = m.Import(&Stored{Doc: []byte(`{"UpdatedAt":"yesterday"}`)}, in, &benchEnv)
	require.ErrorIs(t, err, ErrTimestamp)
}

func TestSettle(t *testing.T) {
	// The table of spec 1.5 again, as the specification words it: FPF, then top.
	f, top, wasF, wasT := []byte("F"), []byte("T"), []byte("f"), []byte("t")
	for _, c := range []struct {
		sentF, sentT []byte
		cells        string
	}{
		{f, nil, "FF FF Ft"},
		{nil, top, "TT TT Tt"},
		{f, top, "FF FT Ft"},
		{nil, nil, "-- ft ft"},
	} {
		cell := func(wasF, wasT []byte, create, customer bool) string {
			fpf, top := settle(c.sentF, c.sentT, wasF, wasT, create, customer)
			if fpf == nil && top == nil {
				return "--"
			}
			return string(fpf) + string(top)
		}
		got := cell(nil, nil, true, false) + " " + cell(wasF, wasT, false, false) + " " + cell(wasF, wasT, false, true)
		require.Equal(t, c.cells, got, "sent %q %q", c.sentF, c.sentT)
	}
}

func TestAppendTime(t *testing.T) {
	at := time.Date(2026, 2, 3, 4, 5, 6, 78_999_999, time.FixedZone("", 3600))
	require.Equal(t, `"2026-02-03T03:05:06.078Z"`, string(appendTime(nil, at)))
}

func TestParseEditShares(t *testing.T) {
	// An Edit owns its memory: the body's buffer is used again while the edit lives on.
	body := []byte(`{"UserDefinedFields":{"key":"value"},"Types":["T"],"Note":{"Text":"text","UpdatedBy":"by"},"VerificationState":"UNKNOWN"}`)
	e, err := ParseEdit(body)
	require.NoError(t, err)
	clear(body)
	b := newBench(t)
	b.importing(`{}`)
	_, err = b.editing(e)
	require.NoError(t, err)
	require.Equal(t, `{"key":"value"}`, b.member("UserDefinedFields"))
	require.Equal(t, `"UNKNOWN"`, b.member("VerificationState"))
}
