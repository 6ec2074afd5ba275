package event

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
)

// testdata/pattern: `match` has a pattern on the first line, and on each other line an event; it prints which match. `bad` prints what is
// wrong with each line's pattern.
func TestPattern(t *testing.T) {
	datadriven.RunTest(t, "testdata/pattern", func(t *testing.T, d *datadriven.TestData) string {
		lines := strings.Split(d.Input, "\n")
		var out strings.Builder
		if d.Cmd == "bad" {
			for _, line := range lines {
				_, err := ParsePattern(line)
				require.Error(t, err, line)
				out.WriteString(err.Error() + "\n")
			}
			return out.String()
		}
		p, err := ParsePattern(lines[0])
		require.NoError(t, err, lines[0])
		for _, line := range lines[1:] {
			require.True(t, json.Valid([]byte(line)), line)
			if p.Match([]byte(line)) {
				out.WriteString("yes " + line + "\n")
			} else {
				out.WriteString("no  " + line + "\n")
			}
		}
		return out.String()
	})
}

func TestPatternLimits(t *testing.T) {
	_, err := ParsePattern(`{"a":["` + strings.Repeat("x", maxPattern) + `"]}`)
	require.ErrorContains(t, err, "may have 2048")
	_, err = ParsePattern(strings.Repeat(`{"a":`, 40) + `["x"]` + strings.Repeat("}", 40))
	require.ErrorContains(t, err, "nested more than 32 deep")
	p, err := ParsePattern(`{"$or":[{"a":["x"]},{"id":["x"]}]}`)
	require.NoError(t, err)
	require.True(t, p.asksID)
	require.Equal(t, `{"$or":[{"a":["x"]},{"id":["x"]}]}`, p.String())
}

// leavesOf is the walk as encoding/json sees it: paths and values.
func leavesOf(path string, v any) []string {
	switch v := v.(type) {
	case map[string]any:
		var out []string
		for k, inner := range v {
			out = append(out, leavesOf(path+"/"+k, inner)...)
		}
		return out
	case []any:
		var out []string
		for _, inner := range v {
			out = append(out, leavesOf(path, inner)...)
		}
		return out
	case string:
		return []string{path + "=" + v}
	case json.Number:
		return []string{path + "=" + v.String()}
	case bool:
		return []string{path + "=" + map[bool]string{true: "true", false: "false"}[v]}
	}
	return []string{path + "=null"}
}

func walked(path string, raw []byte) (out []string) {
	if len(raw) == 0 {
		return nil
	}
	switch raw[0] {
	case '{':
		each(raw, func(key, v []byte) bool {
			out = append(out, walked(path+"/"+string(unquoted(key)), v)...)
			return true
		})
	case '[':
		each(raw, func(_, v []byte) bool {
			out = append(out, walked(path, v)...)
			return true
		})
	case '"':
		out = append(out, path+"="+string(unquoted(raw)))
	default:
		out = append(out, path+"="+string(raw))
	}
	return out
}

// The walk agrees with encoding/json on what is JSON, and ends on what is none.
func FuzzWalk(f *testing.F) {
	for _, s := range []string{`{"a":[1,{"b":"c\"d"},[]],"e":null}`, `{"a" : {"b" : [ true , false ] } }`, `[`, `{"a`, `{"a":"\`, `{"x":1]`, `{"\u0061":{}}`} {
		f.Add(s)
	}
	p, err := ParsePattern(`{"a":[{"anything-but":"x"}],"b":[{"exists":false}]}`)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.TrimLeft(text, " \t\r\n")
		p.Match([]byte(text))
		got := walked("", []byte(strings.TrimRight(text, " \t\r\n")))
		if !json.Valid([]byte(text)) || strings.Contains(text, `\u`) || strings.ToValidUTF8(text, "") != text {
			return
		}
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		var v any
		require.NoError(t, d.Decode(&v))
		want := leavesOf("", v)
		if hasTwice(got) { // encoding/json keeps the last of a member given twice
			return
		}
		slices.Sort(got)
		slices.Sort(want)
		if len(want) < len(got) {
			return // likewise
		}
		require.Equal(t, want, got)
	})
}

func hasTwice(list []string) bool {
	list = slices.Clone(list)
	slices.Sort(list)
	return len(slices.Compact(slices.Clone(list))) != len(list)
}

func FuzzParsePattern(f *testing.F) {
	for _, s := range []string{`{"a":["b",{"prefix":"c"}],"$or":[{"d":[1]},{"e":[{"numeric":[">",1]}]}]}`, `{"a":[{"wildcard":"a*\\*b"}]}`, `{"a":[{"anything-but":{"suffix":["x"]}}]}`} {
		f.Add(s, `{"a":"b","d":1}`)
	}
	f.Fuzz(func(t *testing.T, pattern, event string) {
		if p, err := ParsePattern(pattern); err == nil {
			p.Match([]byte(event))
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	e := testEvent()
	e.JSON = testFinding(&e)
	body, err := Append(nil, &e, "", "")
	require.NoError(b, err)
	p, err := ParsePattern(`{"detail-type":["Security Hub Findings - Imported"],"detail":{"findings":{"Severity":{"Label":["INFORMATIONAL"]},"Workflow":{"Status":["NEW"]}}}}`)
	require.NoError(b, err)
	require.True(b, p.Match(body))
	b.ReportAllocs()
	for b.Loop() {
		p.Match(body)
	}
}
