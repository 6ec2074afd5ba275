package asff

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// corpus reads the real findings of many producers, which are kept beside the project and never in it.
func corpus(tb testing.TB) map[string][]byte {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "data", "asff", "*.json"))
	require.NoError(tb, err)
	if len(files) == 0 {
		tb.Skip("no real findings: ../shared/data/asff is absent beside the project")
	}
	all := make(map[string][]byte, len(files))
	for _, name := range files {
		if all[filepath.Base(name)], err = os.ReadFile(name); err != nil {
			tb.Fatal(err)
		}
	}
	return all
}

// TestCorpus reads every real finding: what is accepted must keep its meaning, and what is refused must be refused for a reason
// that the format gives.
func TestCorpus(t *testing.T) {
	read, accepted := 0, 0
	refusals := map[string]int{}
	for name, list := range corpus(t) {
		var want []any
		require.NoError(t, json.Unmarshal(list, &want), name)
		var b Batch
		require.NoError(t, b.ReadFindings(list), name)
		require.Len(t, b.Findings, len(want), name)
		read += len(want)
		for i := range b.Findings {
			f := &b.Findings[i]
			if len(f.Violations) > 0 {
				refusals[strings.TrimPrefix(ErrorMessage(f.Violations), "Finding does not adhere to Amazon Finding Format. ")]++
				if testing.Verbose() {
					for _, v := range f.Violations {
						t.Logf("%s[%d] %s %s (%s)", name, i, v.Path, v.Message, v.Value)
					}
				}
				continue
			}
			accepted++
			requireSameMeaning(t, want[i], f.Doc, fmt.Sprintf("%s[%d]", name, i))
		}
	}
	t.Logf("%d findings, %d accepted", read, accepted)
	for _, sentence := range sortedKeys(refusals) {
		t.Logf("%4d %s", refusals[sentence], sentence)
	}
	require.Equal(t, 915, read)
	require.Equal(t, map[string]int{ // each looked at by hand: the finding is wrong, not the reader
		"data should have required property 'GeneratorId'.":                    1,
		`data.AwsAccountId should match pattern "^[0-9]{12}$".`:                7,
		"data.Compliance.Status should be equal to one of the allowed values.": 4,
		"data.WorkflowState should be equal to one of the allowed values.":     2,
	}, refusals)
}

func sortedKeys(m map[string]int) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// requireSameMeaning compares what was sent with the canonical document: null members are gone, timestamps of the finding itself
// are cut to milliseconds, the rest is equal.
func requireSameMeaning(tb testing.TB, sent any, doc []byte, where string) {
	tb.Helper()
	var got any
	require.NoError(tb, json.Unmarshal(doc, &got), where)
	sent = withoutNulls(sent, format().root)
	for _, name := range []string{"FirstObservedAt", "LastObservedAt", "CreatedAt", "UpdatedAt", "ProcessedAt"} {
		m, _ := sent.(map[string]any)
		if s, ok := m[name].(string); ok {
			if from, to := extraFraction([]byte(s)); from < to {
				m[name] = s[:from] + s[to:]
			}
		}
	}
	require.Equal(tb, sent, got, where)
}

// withoutNulls drops the null members of the objects that the format lays out, as the reader does.
func withoutNulls(v any, o *object) any {
	m, ok := v.(map[string]any)
	if !ok || o == nil {
		return v
	}
	for name, value := range m {
		if value == nil {
			delete(m, name)
			continue
		}
		known := o.find(name)
		if known == nil {
			continue
		}
		sh := known.shape
		if list, ok := value.([]any); ok && sh.kind == kindList {
			for i := range list {
				list[i] = withoutNulls(list[i], sh.elem.object)
			}
		} else {
			m[name] = withoutNulls(value, sh.object)
		}
	}
	return m
}

// TestCorpusValues holds the quick walk against the plain one.
func TestCorpusValues(t *testing.T) {
	var r Reader
	n := 0
	for name, list := range corpus(t) {
		var b Batch
		require.NoError(t, b.ReadFindings(list), name)
		for i := range b.Findings {
			if f := &b.Findings[i]; len(f.Violations) == 0 {
				requireValues(t, f.Doc, r.Values(f.Doc))
				var m Members
				require.NoError(t, Split(f.Doc, &m))
				require.Equal(t, f.Members, m)
				n++
			}
		}
	}
	t.Logf("%d documents", n)
}

// requireValues compares values with those that the table of fields leads to through a decoded document.
func requireValues(tb testing.TB, doc []byte, got []Value) {
	tb.Helper()
	d := json.NewDecoder(strings.NewReader(string(doc)))
	d.UseNumber()
	var v any
	require.NoError(tb, d.Decode(&v))
	var want []string
	for _, f := range Fields() {
		if f.Path() != "" {
			want = plainValues(want, f, "", v, strings.Split(f.Path(), "."))
		}
	}
	texts := make([]string, len(got))
	for i, g := range got {
		texts[i] = fmt.Sprintf("%s %q %q", g.Field, g.Key, g.Text)
	}
	slices.Sort(want)
	slices.Sort(texts)
	require.Equal(tb, want, texts, "%s", doc)
}

func plainValues(dst []string, f Field, key string, v any, path []string) []string {
	if len(path) == 0 {
		switch v := v.(type) {
		case string:
			if k := f.Kind(); k != KindNumber && k != KindBool {
				return append(dst, fmt.Sprintf("%s %q %q", f, key, v))
			}
		case json.Number:
			if f.Kind() == KindNumber {
				return append(dst, fmt.Sprintf("%s %q %q", f, key, v.String()))
			}
		case bool:
			if f.Kind() == KindBool {
				return append(dst, fmt.Sprintf("%s %q %q", f, key, strconv.FormatBool(v)))
			}
		}
		return dst
	}
	m, _ := v.(map[string]any)
	name := strings.TrimRight(path[0], "[]{}")
	value, suffix := m[name], path[0][len(name):]
	switch suffix {
	case "[]":
		list, _ := value.([]any)
		for _, e := range list {
			dst = plainValues(dst, f, key, e, path[1:])
		}
	case "{}":
		entries, _ := value.(map[string]any)
		for k, e := range entries {
			dst = plainValues(dst, f, k, e, path[1:])
		}
	default:
		dst = plainValues(dst, f, key, value, path[1:])
	}
	return dst
}
