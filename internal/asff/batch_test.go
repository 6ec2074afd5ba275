package asff

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestBatchKeepsNoMoreThanARequestHolds(t *testing.T) {
	var b Batch
	require.NoError(t, b.Read([]byte(`{"Findings":[`+strings.TrimSuffix(strings.Repeat(`{},`, 250), ",")+`]}`)))
	require.Len(t, b.Findings, MaxFindings)
	require.Equal(t, 250, b.Count)

	require.NoError(t, b.ReadFindings([]byte(`[`+strings.TrimSuffix(strings.Repeat(`{},`, 250), ",")+`]`)))
	require.Len(t, b.Findings, 250)

	require.Error(t, b.Read([]byte(`{"Findings":[{},{]}`)))
	require.Empty(t, b.Findings, "nothing of a broken request is kept")
	var wrong *TypeError
	require.ErrorAs(t, b.ReadFindings([]byte(`{}`)), &wrong)
	require.Equal(t, "body should be array", wrong.Error())
	require.Error(t, b.ReadFindings([]byte(`[{},`)))
	require.Empty(t, b.Findings)
}

func TestBatchDoesNotTouchItsInput(t *testing.T) {
	whole := []byte(`[` + sampleWith(t, "") + `]BEHIND`)
	var b Batch
	require.NoError(t, b.ReadFindings(whole[:len(whole)-6]))
	require.True(t, strings.HasSuffix(string(whole), `]BEHIND`))
	doc := string(b.Findings[0].Doc)
	clear(whole)
	require.Equal(t, doc, string(b.Findings[0].Doc))
	require.Equal(t, "f-1", b.Findings[0].ID)
}

// TestFlood holds that a finding which breaks rules without end costs no memory without end, and that the first violations in
// AJV's order are the ones kept.
func TestFlood(t *testing.T) {
	const n = 200_000
	text := sampleWith(t, `"Types":[`+strings.Repeat(`1,`, n)+`2]`+"\n-Title\n+"+`"Resources":[]`)
	var r Reader
	f, err := r.Check([]byte(text), Options{})
	require.NoError(t, err)
	require.Len(t, f.Violations, maxViolations)
	require.Equal(t, "should have required property 'Title'", f.Violations[0].Message)
	require.Equal(t, "data.Types", f.Violations[1].Path)
	require.Equal(t, fmt.Sprintf("data.Types[%d]", maxViolations-3), f.Violations[maxViolations-1].Path)
}

// TestFloodOfLongPaths holds the same of violations whose paths repeat a key that is as long as the finding.
func TestFloodOfLongPaths(t *testing.T) {
	key := strings.Repeat("k", 100_000)
	text := sampleWith(t, `"Foo":{"`+key+`":[`+strings.Repeat(`{"z":1,"z":2},`, 3000)+`0]}`+"\n-Title")
	var r Reader
	f, err := r.Check([]byte(text), Options{})
	require.NoError(t, err)
	total := 0
	for i := range f.Violations {
		total += f.Violations[i].size()
	}
	require.LessOrEqual(t, total, maxViolationBytes/2)
	require.Equal(t, "should have required property 'Title'", f.Violations[0].Message)
	require.Equal(t, "data.Foo."+key+"[0].z", f.Violations[1].Path)
	require.Equal(t, "/Foo/"+key+"/1/z", f.Violations[2].Pointer)

	// the first one is kept, however long
	f, err = r.Check([]byte(sampleWith(t, `"ProductFields":{"`+strings.Repeat(key, 20)+`":1}`)), Options{})
	require.NoError(t, err)
	kept := len(f.Violations) // require.Len would print them
	require.Equal(t, 1, kept)
	require.Equal(t, "additionalProperties", f.Violations[0].Keyword)
}

func TestManyNames(t *testing.T) {
	var b strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&b, `"k%d":{},`, i)
	}
	var r Reader
	f, err := r.Check([]byte(sampleWith(t, `"Foo":{`+b.String()+`"k500":1,"\u006b7":2}`)), Options{})
	require.NoError(t, err)
	require.Len(t, f.Violations, 2)
	require.ElementsMatch(t, []string{"data.Foo.k500", "data.Foo.k7"}, []string{f.Violations[0].Path, f.Violations[1].Path})
}

func TestMembers(t *testing.T) {
	var r Reader
	f, err := r.Check([]byte(sampleWith(t, "\"Zed\":[1]\n\"Confidence\":5\n\"A b\":{}")), Options{})
	require.NoError(t, err)
	require.Equal(t, "5", string(f.Members.Get(f.Doc, TopConfidence)))
	require.True(t, f.Members.Has(TopConfidence))
	require.False(t, f.Members.Has(TopNote))
	require.Nil(t, f.Members.Get(f.Doc, TopNote))
	require.Equal(t, `"Zed":[1],"A b":{}`, string(f.Members.Unknown(f.Doc)))

	var m Members
	require.NoError(t, Split([]byte(`{}`), &m))
	require.Nil(t, m.Unknown([]byte(`{}`)))
	for _, bad := range []string{"", "{", "[]", `{"Id":"a"`, `{"Id":"a"}x`, `{"Id":"a","SchemaVersion":"b"}`, `{"X":1,"Id":"a"}`, `{"Id":"a" }`, `{"Id" :1}`, `{Id:1}`, `{"Id":"a",}`} {
		require.Error(t, Split([]byte(bad), &m), bad)
	}
}

func TestErrorMessageOfAValidFinding(t *testing.T) {
	require.Empty(t, ErrorMessage(nil))
}

// TestParseTime compares with the standard library over drawn moments.
func TestParseTime(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		offset := rapid.IntRange(-18*60, 18*60).Draw(rt, "offset")
		at := time.UnixMilli(rapid.Int64Range(-62_167_132_800_000, 253_402_000_000_000).Draw(rt, "ms")).In(time.FixedZone("", offset*60))
		text := at.Format("2006-01-02T15:04:05.000Z07:00")
		ms, ok := ParseTime([]byte(text))
		require.True(rt, ok, text)
		require.Equal(rt, at.UnixMilli(), ms, text)
		ms, ok = ParseTime([]byte(at.Format("2006-01-02T15:04:05.000-0700")))
		require.True(rt, ok)
		require.Equal(rt, at.UnixMilli(), ms)
	})
	second := func(s string) int64 {
		ms, ok := ParseTime([]byte(s))
		require.True(t, ok, s)
		return ms
	}
	require.Equal(t, second("2017-01-01T00:00:00Z"), second("2016-12-31T23:59:60Z"), "the leap second is the next second")
	require.Equal(t, second("2026-01-01T00:00:00.123Z"), second("2026-01-01T00:00:00.123999999Z"), "cut, not rounded")
	for _, bad := range []string{
		"", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:60Z", "2026-00-01T00:00:00Z",
		"2026-04-31T00:00:00Z", "1900-02-29T00:00:00Z", "2026-01-01T00:00:00+1", "2026-01-01T00:00:00+01:60", "2026-01-01T00:00:00+01:0", "2026-01-01T00:00:00Zx",
		"2026-01-01T00:00:00+19", "20x6-01-01T00:00:00Z", "2026-01-01T00:00:00 Z",
	} {
		_, ok := ParseTime([]byte(bad))
		require.False(t, ok, bad)
	}
}
