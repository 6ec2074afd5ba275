package asff

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hubcap/internal/asff/asfftest"
)

// spaceClass is ECMAScript's \s, spelt out for Go's regular expressions.
const spaceClass = `\t\n\v\f\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`

// oracle turns the tables into a JSON Schema, so that a validator which knows nothing of the scanner judges the same findings.
func oracle(tb testing.TB, refuseUnknown bool) *jsonschema.Schema {
	tb.Helper()
	defs := map[string]any{}
	var value func(sh *shape) map[string]any
	object := func(o *object) map[string]any {
		if _, ok := defs[o.name]; ok {
			return map[string]any{"$ref": "#/$defs/" + o.name}
		}
		def := map[string]any{"type": "object"}
		defs[o.name] = def
		properties, required := map[string]any{}, []any{}
		for i := range o.members {
			m := &o.members[i]
			properties[m.name] = value(m.shape)
			if m.required {
				required = append(required, m.name)
			}
		}
		def["properties"], def["required"] = properties, required
		if refuseUnknown {
			def["additionalProperties"] = false
		}
		if o.anyOf != nil {
			branches := []any{}
			for _, b := range o.anyOf.branches {
				names := []any{}
				for i := range o.members {
					if m := &o.members[i]; b.has(m.index) {
						names = append(names, m.name)
					}
				}
				branches = append(branches, map[string]any{"required": names})
			}
			def["anyOf"] = branches
		}
		return map[string]any{"$ref": "#/$defs/" + o.name}
	}
	value = func(sh *shape) map[string]any {
		number := func(v int64) any { return json.Number(strconv.FormatInt(v, 10)) }
		switch sh.kind {
		case kindString:
			s := map[string]any{"type": "string"}
			all := []any{}
			if sh.visible && sh.enum == nil && !sh.date {
				all = append(all, map[string]any{"pattern": `[^` + spaceClass + `]`})
			}
			switch {
			case sh.enum != nil:
				values := []any{}
				for _, e := range sh.enum {
					values = append(values, e)
				}
				s["enum"] = values
			case sh.date:
				s["pattern"], s["format"] = timestampPattern, "instant"
			case sh.arnOrID:
				arn := map[string]any{"pattern": "^arn:"}
				all = append(all, map[string]any{
					"if": arn, "then": map[string]any{"minLength": 12, "maxLength": 2048}, "else": map[string]any{"minLength": 1, "maxLength": 512},
				})
			default:
				s["minLength"], s["maxLength"] = number(int64(sh.min)), number(int64(sh.max))
				if sh.pattern != nil {
					s["pattern"] = sh.pattern.text
				}
			}
			if len(all) > 0 {
				s["allOf"] = all
			}
			return s
		case kindInt32, kindInt64:
			return map[string]any{"type": "integer", "minimum": number(sh.lo), "maximum": number(sh.hi)}
		case kindDouble:
			return map[string]any{"type": "number", "minimum": json.Number("-1.7976931348623157e308"), "maximum": json.Number("1.7976931348623157e308")}
		case kindBool:
			return map[string]any{"type": "boolean"}
		case kindObject:
			return object(sh.object)
		case kindList:
			return map[string]any{
				"type": "array", "items": value(sh.elem), "minItems": number(int64(sh.min)), "maxItems": number(int64(sh.max)), "uniqueItems": sh.unique,
			}
		case kindMap:
		}
		s := map[string]any{
			"type": "object", "additionalProperties": value(sh.elem), "minProperties": number(int64(sh.min)), "maxProperties": number(int64(sh.max)),
		}
		names := map[string]any{"minLength": sh.keys.min, "maxLength": sh.keys.max}
		if sh.keys.pattern != nil {
			names["pattern"] = strings.ReplaceAll(sh.keys.pattern.text, `\s`, spaceClass)
		}
		s["propertyNames"] = names
		return s
	}
	root := object(format().root)
	root["$schema"], root["$defs"] = "https://json-schema.org/draft/2020-12/schema", defs
	text, err := json.Marshal(root)
	require.NoError(tb, err)
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	require.NoError(tb, err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.RegisterFormat(&jsonschema.Format{Name: "instant", Validate: plainInstant})
	require.NoError(tb, c.AddResource("asff.json", doc))
	sch, err := c.Compile("asff.json")
	require.NoError(tb, err)
	return sch
}

// hugeExponent marks numbers that the oracle would write out digit by digit.
var hugeExponent = regexp.MustCompile(`[eE][+-]?0*[1-9]\d{3}`)

var zones = regexp.MustCompile(`^(.*[+-]\d\d)(?::?(\d\d))?$`)

// plainInstant judges a timestamp with the standard library.
func plainInstant(v any) error {
	s, ok := v.(string)
	if !ok {
		return nil
	}
	s = strings.ToUpper(s)
	s = strings.Replace(s, "T23:59:60", "T23:59:59", 1)
	if m := zones.FindStringSubmatch(s); m != nil {
		minutes := m[2]
		if minutes == "" {
			minutes = "00"
		}
		s = m[1] + ":" + minutes
	}
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return err
	}
	if _, offset := at.Zone(); offset > 18*3600 || offset < -18*3600 {
		return errors.New("offset beyond 18 hours")
	}
	return nil
}

// asOracleSees is a finding as the oracle must see it: null members and what only the service writes are gone.
func asOracleSees(tb testing.TB, text []byte) any {
	tb.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	require.NoError(tb, err)
	v = withoutNulls(v, format().root)
	if m, ok := v.(map[string]any); ok {
		if fields, ok := m["ProductFields"].(map[string]any); ok {
			for k, value := range fields {
				if _, isString := value.(string); isString && strings.HasPrefix(k, "aws/securityhub/") {
					delete(fields, k)
				}
			}
		}
	}
	return v
}

// abused tells whether a finding breaks a rule that JSON Schema cannot see: the decoder has already chosen.
func abused(vs []Violation) bool {
	for _, v := range vs {
		if v.Keyword == "duplicate" || v.Keyword == "unicode" {
			return true
		}
	}
	return false
}

// requireVerdict compares the scanner's verdict on a finding with the oracle's, and checks what holds of every valid one.
func requireVerdict(tb testing.TB, sch *jsonschema.Schema, text []byte, opts Options) {
	tb.Helper()
	var r Reader
	f, err := r.Check(text, opts)
	require.NoError(tb, err)
	if abused(f.Violations) {
		return
	}
	verdict := sch.Validate(asOracleSees(tb, text))
	if (verdict == nil) != (len(f.Violations) == 0) {
		require.FailNow(tb, "verdicts differ", "%s\nscanner: %+v\noracle: %v", text, f.Violations, verdict)
	}
	requireFixpoint(tb, f)
	if len(f.Violations) == 0 {
		var sent any
		require.NoError(tb, json.Unmarshal(text, &sent))
		requireSameMeaning(tb, sent, f.Doc, "")
		requireValues(tb, f.Doc, new(Reader).Values(f.Doc))
	}
}

// TestOracle draws findings from the tables, right and wrong in every way they speak of, and compares verdicts.
func TestOracle(t *testing.T) {
	for _, opts := range []Options{{}, {RefuseUnknown: true}} {
		sch := oracle(t, opts.RefuseUnknown)
		valid, checks := 0, 0
		rapid.Check(t, func(rt *rapid.T) {
			d := drawing{rt: rt, wrong: rapid.SampledFrom([]int{0, 0, 2, 10}).Draw(rt, "wrong")}
			text, err := json.Marshal(d.object(format().root, 0))
			require.NoError(rt, err)
			var r Reader
			f, err := r.Check(text, opts)
			require.NoError(rt, err)
			checks++
			if len(f.Violations) == 0 {
				valid++
			}
			requireVerdict(t, sch, text, opts)
		})
		require.Greater(t, valid, checks/10, "too few valid findings drawn to mean anything")
		require.Less(t, valid, checks, "no invalid finding drawn")
		for n := range 50 {
			requireVerdict(t, sch, asfftest.Finding(n, 0), opts)
		}
	}
}

// drawing draws values of a shape. Of a hundred, wrong are not what the shape asks for.
type drawing struct {
	rt    *rapid.T
	wrong int
}

func (d *drawing) oneIn100(n int) bool { return rapid.IntRange(0, 99).Draw(d.rt, "chance") >= 100-n }

func (d *drawing) object(o *object, depth int) map[string]any {
	m := map[string]any{}
	optional := 60 / (len(o.members) + 2*depth*depth)
	for i := range o.members {
		known := &o.members[i]
		include := known.required || known.name == "FindingProviderFields" && depth == 0 || o.anyOf != nil && depth > 0 && i < 2 || d.oneIn100(optional)
		if include != d.oneIn100(d.wrong) {
			m[known.name] = d.value(known.shape, depth+1)
		}
	}
	if d.oneIn100(5) {
		m[rapid.SampledFrom([]string{"Unknown", "id", "x y", "é\n"}).Draw(d.rt, "name")] = rapid.SampledFrom([]any{
			nil, 1, "x", []any{nil, map[string]any{"a": nil}},
		}).Draw(d.rt, "unknown")
	}
	return m
}

var strays = []any{nil, 1, -1, 1.5, true, "x", "", []any{}, map[string]any{}, json.Number("1e400"), json.Number("1.0"), json.Number("1e2"), json.Number("99999999999")}

func (d *drawing) value(sh *shape, depth int) any {
	if d.oneIn100(d.wrong) {
		return rapid.SampledFrom(strays).Draw(d.rt, "stray")
	}
	count := func(low, high int32) int {
		if d.oneIn100(d.wrong) {
			return int(rapid.SampledFrom([]int32{max(low-1, 0), low, min(high, 200), min(high, 200) + 1}).Draw(d.rt, "edge"))
		}
		return int(rapid.Int32Range(low, min(max(low, 2), high)).Draw(d.rt, "count"))
	}
	switch sh.kind {
	case kindString:
		return d.text(sh)
	case kindInt32, kindInt64:
		if d.oneIn100(d.wrong) {
			return json.Number(rapid.SampledFrom([]string{
				strconv.FormatInt(sh.lo, 10), strconv.FormatInt(sh.hi, 10), "-1", "101", "2147483648", "-2147483649", "9223372036854775808", "1.0", "1e1", "10e-1", "1e-1", "0e5", "-0", "12345678901234567890e-3",
			}).Draw(d.rt, "edge"))
		}
		return rapid.Int64Range(max(sh.lo, 0), min(sh.hi, 100)).Draw(d.rt, "int")
	case kindDouble:
		return rapid.SampledFrom([]json.Number{"0", "1.5", "-1e3", "1e-400", "179769313486231570e291"}).Draw(d.rt, "double")
	case kindBool:
		return rapid.Bool().Draw(d.rt, "bool")
	case kindObject:
		return d.object(sh.object, depth)
	case kindList:
		list := []any{}
		for i := range count(sh.min, sh.max) {
			e := d.value(sh.elem, depth+1)
			if s, ok := e.(string); ok && sh.unique && !d.oneIn100(d.wrong) {
				e = fmt.Sprintf("%s%d", s, i)
			}
			list = append(list, e)
		}
		return list
	case kindMap:
	}
	m := map[string]any{}
	for i := range count(sh.min, sh.max) {
		key := fmt.Sprintf("%s%d", rapid.SampledFrom([]string{"k", "a b:", "aws/securityhub/", "é", "", strings.Repeat("k", 127)}).Draw(d.rt, "key"), i)
		m[key] = d.value(sh.elem, depth+1)
	}
	return m
}

func (d *drawing) text(sh *shape) string {
	long := func(n int32) string {
		return strings.Repeat(rapid.SampledFrom([]string{"x", "é", "😀"}).Draw(d.rt, "rune"), int(max(min(n, 3000), 0)))
	}
	if d.oneIn100(d.wrong) {
		return rapid.SampledFrom([]string{
			"", " ", "\u00a0\n", "\u200b", "arn:", "arn:" + strings.Repeat("x", 7), "arn:" + strings.Repeat("x", 2045), long(sh.max), long(sh.max + 1), long(sh.min), long(512),
			"a/b/c/d", "a//b", "/", "a/b/c", "11112222333", "111122223333", "2018-10-09", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00.1234567+0530",
			"2026-01-01T23:59:60Z", "2026-01-01T00:00:00+1801", "x2026-01-01T00:00:00Z", "2026-01-01", "NEW", "low",
		}).Draw(d.rt, "edge")
	}
	switch {
	case sh.enum != nil:
		return rapid.SampledFrom(sh.enum).Draw(d.rt, "enum")
	case sh.date:
		return rapid.SampledFrom([]string{"2026-01-02T03:04:05Z", "2024-02-29t23:59:59.123456789-18:00", "2016-12-31T23:59:60.5+00"}).Draw(d.rt, "date")
	case sh.pattern != nil && sh.pattern.text == `^[0-9]{12}$`:
		return "111122223333"
	}
	s := rapid.SampledFrom([]string{"text", "\"quoted\\", "tab\tnul\x00", "日本", "a/b"}).Draw(d.rt, "text")
	for len(s) < int(sh.min) {
		s += "x"
	}
	return s
}
