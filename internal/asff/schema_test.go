package asff

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFormat(t *testing.T) {
	sc := format()
	require.Equal(t, "AwsSecurityFinding", sc.root.name)
	require.Len(t, sc.objects, 610)
	require.Len(t, sc.root.members, int(numTops))
	for i, m := range sc.root.members {
		require.Equal(t, m.name, Top(i).Name(), "the constants follow the service model's order")
	}
	var pad [maxName + padding]byte
	for _, o := range sc.objects {
		for i := range o.members {
			m := &o.members[i]
			require.Less(t, len(m.name), maxName-8)
			clear(pad[:])
			n := copy(pad[3:], m.name)
			require.Same(t, m, o.lookup(pad[:], 3, n), "%s.%s", o.name, m.name)
			copy(pad[3:], strings.ToLower(m.name[:1]))
			require.Nil(t, o.lookup(pad[:], 3, n), "%s.%s in another case", o.name, m.name)
		}
	}
}

// TestLimitsHaveSources holds that every hand-written rule says where it comes from, and is written once.
func TestLimitsHaveSources(t *testing.T) {
	source := regexp.MustCompile(`^\S+ (\S+)( \S.*)?  # \S`)
	seen := map[string]bool{}
	for line := range strings.Lines(limitsText) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		require.Regexp(t, source, line)
		target := strings.Join(strings.Fields(line)[:2], " ")
		require.False(t, seen[target], "twice: %s", target)
		seen[target] = true
	}
	require.Greater(t, len(seen), 50)
}

func TestBrokenTables(t *testing.T) {
	schema := "AwsSecurityFinding\n Id! string\n List []string\n Map {}string\n N int32\n Sub Sub\nSub\n A string\n#E X|Y\n"
	_, err := parseSchema(schema, "Sub any-of A Missing  # x\n")
	require.ErrorContains(t, err, "Missing")
	for limits, want := range map[string]string{
		"Nothing.Id len 1..2":                  "limits.txt:1: no structure Nothing",
		"\nSub.B len 1..2":                     "limits.txt:2: Sub has no member B",
		"Sub.A len 2..1":                       "no bounds",
		"Sub.A len 1":                          "no bounds",
		"Sub.A items 1..2":                     "no rule items for this type",
		"Sub.A[] len 1..2":                     "no list or map",
		"AwsSecurityFinding.List{} len 1..2":   "no list or map",
		"AwsSecurityFinding.N pattern x":       "no rule pattern",
		"Sub.A pattern (":                      "missing closing",
		"AwsSecurityFinding.Sub type Missing":  "no structure Missing",
		"Sub any-of A":                         "two branches",
		"Sub len 1..2":                         "a structure has no rule len",
		"AwsSecurityFinding.Map key-pattern [": "missing closing",
	} {
		_, err := parseSchema(schema, limits)
		require.ErrorContains(t, err, want, limits)
	}
	for _, text := range []string{"S\n A\n", "S\n A #None\n", "S\n A Missing\n", "S\n A string what=1\n", "S\n A []Missing\n"} {
		_, err := parseSchema(text, "")
		require.Error(t, err, text)
	}
}

// TestPairsLowerLimit holds what no rule of the format asks for today: a map that must not be empty.
func TestPairsLowerLimit(t *testing.T) {
	sc, err := parseSchema("AwsSecurityFinding\n Map {}string\n", "AwsSecurityFinding.Map pairs 2..3")
	require.NoError(t, err)
	r := Reader{s: scanner{format: sc, guess: make([]uint8, sc.ids)}}
	for text, want := range map[string]string{
		`{"Map":{"a":"b"}}`:                         "data.Map should NOT have fewer than 2 properties",
		`{"Map":{"a":"b","c":"d"}}`:                 "",
		`{"Map":{"a":"b","c":"d","e":"f","g":"h"}}`: "data.Map should NOT have more than 3 properties",
	} {
		f, err := r.Check([]byte(text), Options{})
		require.NoError(t, err)
		require.Equal(t, want, strings.TrimSuffix(strings.TrimPrefix(ErrorMessage(f.Violations), "Finding does not adhere to Amazon Finding Format. "), "."))
	}
}

func TestFields(t *testing.T) {
	require.Len(t, Fields(), 104)
	names := map[string]bool{}
	for _, f := range Fields() {
		require.False(t, names[f.Name()], "%s twice", f)
		names[f.Name()] = true
		found, ok := FieldByName(f.Name())
		require.True(t, ok)
		require.Equal(t, f, found)
		if f == FieldKeyword {
			require.Empty(t, f.Path())
			require.Equal(t, KindKeyword, f.Kind())
			continue
		}
		requirePath(t, f)
	}
	for _, bad := range []string{"", "severityLabel", "Keywords"} {
		_, ok := FieldByName(bad)
		require.False(t, ok)
	}
	require.Empty(t, NoField.Name())
	require.Empty(t, Field(200).Name()+Field(200).Path())
	require.True(t, slices.IsSortedFunc(Fields(), func(a, b Field) int { return strings.Compare(a.Name(), b.Name()) }), "the API's order is by name")
	require.True(t, FieldType.List())
	require.True(t, FieldResourceTags.List())
	require.False(t, FieldSeverityLabel.List())
}

// requirePath holds that the format has what the attribute reads, and that its values are of the attribute's kind.
func requirePath(t *testing.T, f Field) {
	t.Helper()
	sh := &shape{kind: kindObject, object: format().root}
	for part := range strings.SplitSeq(f.Path(), ".") {
		name := strings.TrimRight(part, "[]{}")
		require.Equal(t, kindObject, sh.kind, "%s at %s", f, part)
		m := sh.object.find(name)
		require.NotNil(t, m, "%s at %s", f, part)
		sh = m.shape
		suffix := part[len(name):]
		require.Equal(t, sh.kind == kindList, suffix == "[]", "%s at %s", f, part)
		require.Equal(t, sh.kind == kindMap, suffix == "{}", "%s at %s", f, part)
		if suffix != "" {
			sh = sh.elem
		}
	}
	switch f.Kind() {
	case KindString, KindIP:
		require.Equal(t, kindString, sh.kind, f)
		require.False(t, sh.date, f)
	case KindDate:
		require.True(t, sh.date, f)
	case KindMap:
		require.Equal(t, kindString, sh.kind, f)
		require.True(t, strings.HasSuffix(f.Path(), "{}"), f)
	case KindNumber:
		require.Contains(t, []kind{kindInt32, kindDouble}, sh.kind, f)
	case KindBool:
		require.Equal(t, kindBool, sh.kind, f)
	default:
		require.Fail(t, "a kind without a path", "%s", f)
	}
}
