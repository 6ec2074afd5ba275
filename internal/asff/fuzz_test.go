package asff

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"hubcap/internal/asff/asfftest"
)

// nesting is how deep a valid JSON text goes.
func nesting(text []byte) int {
	deepest, depth, inside := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			inside = !inside
		case inside && c == '\\':
			i++
		case !inside && (c == '{' || c == '['):
			depth++
			deepest = max(deepest, depth)
		case !inside && (c == '}' || c == ']'):
			depth--
		}
	}
	return deepest
}

// FuzzBatchRead holds that what is read is JSON in UTF-8, and that all such is read; that a batch which has learned from other
// bodies answers as a fresh one; that what it accepts reads as itself.
func FuzzBatchRead(f *testing.F) {
	f.Add([]byte(`{"Findings":[` + sampleWith(f, "") + `,` + sampleWith(f, "\"Foo\":{\"a\":1,\"a\":[null]}\n\"Title\":\"\\ud800\\u00e9\\/\"") + `]}`))
	f.Add([]byte(`{"Findings":[` + string(asfftest.Finding(1, 0)) + `]}`))
	f.Add([]byte(` { "Findings" : [ { "Unknown" : 1e5 , "Id" : "x\n\/", "Note" : null ,"Severity":{"Normalized":1.0, "q":[1,{"a":null}] } , "zz":2 } ] , "x":"é" } `))
	f.Add([]byte(`{"Findings":[{"X":` + strings.Repeat("[", 45) + strings.Repeat("]", 45) + `}]}`))
	var warm Batch
	f.Fuzz(func(t *testing.T, body []byte) {
		var fresh Batch
		err := fresh.Read(body)
		syntax, refused := errors.AsType[*SyntaxError](err)
		isJSON := json.Valid(body) && utf8.Valid(body)
		if refused {
			require.True(t, syntax.Offset >= 0 && syntax.Offset <= len(body))
			require.False(t, isJSON && nesting(body) <= MaxDepth, "refused: %v", err)
		} else {
			require.True(t, isJSON, "accepted what is no JSON: %v", err)
			require.LessOrEqual(t, nesting(body), MaxDepth+2)
		}
		require.Equal(t, err, warm.Read(body))
		require.Equal(t, fresh.Count, warm.Count)
		for i := range fresh.Findings {
			requireFixpoint(t, &fresh.Findings[i])
			if !reflect.DeepEqual(fresh.Findings[i], warm.Findings[i]) {
				require.Equal(t, fresh.Findings[i], warm.Findings[i])
			}
		}
	})
}

// FuzzVerdict compares verdicts with the oracle's.
func FuzzVerdict(f *testing.F) {
	f.Add([]byte(sampleWith(f, "")), false)
	f.Add([]byte(sampleWith(f, "\"UserDefinedFields\":{\"a\":\"b\"}\n\"Confidence\":1e1\n\"Note\":{\"Text\":\"n\",\"UpdatedBy\":\"arn:aws:iam::1:u\",\"UpdatedAt\":\"2026-01-02T03:04:05.5+01\"}")), true)
	for n := range 5 {
		f.Add(asfftest.Finding(n, 0), true)
	}
	open, strict := oracle(f, false), oracle(f, true)
	f.Fuzz(func(t *testing.T, text []byte, refuse bool) {
		var r Reader
		opts := Options{RefuseUnknown: refuse}
		if _, err := r.Check(text, opts); err != nil || hugeExponent.Match(text) {
			return
		}
		sch := open
		if refuse {
			sch = strict
		}
		requireVerdict(t, sch, text, opts)
	})
}

// FuzzWalk holds that the walks over stored documents end well on anything, and agree with the scanner on what is canonical.
func FuzzWalk(f *testing.F) {
	f.Add([]byte(sampleWith(f, "\"Foo\":{\"a\":[1]}\n\"ProductFields\":{\"a\\\"\":\"\\u0001\"}")))
	f.Add([]byte(`{"Id":"\u12`))
	f.Add([]byte(`{"ProductFields":{"a":"\`))
	f.Add(asfftest.Finding(2, 0))
	f.Fuzz(func(t *testing.T, doc []byte) {
		var m Members
		var r Reader
		err := Split(doc, &m)
		r.Values(doc)
		if found, checkErr := r.Check(doc, Options{}); checkErr == nil && len(found.Violations) == 0 && string(found.Doc) == string(doc) {
			require.NoError(t, err)
			require.Equal(t, found.Members, m)
			requireValues(t, doc, new(Reader).Values(doc))
		}
	})
}
