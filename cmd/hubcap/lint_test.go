package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"hubcap/internal/asff"
	"hubcap/internal/hub"
)

func TestLocator(t *testing.T) {
	raw := "{\"Id\": \"ä\",\n \"Resources\": [ {\"Type\":\"\"}, {\"Tags\":{\"a/b~c\" :\t1}},[2,[]]],\n\"Types\":[true , null]}"
	item := readItem{Raw: []byte(raw), place: place{Offset: 100, Line: 10, Column: 5}}
	for _, c := range []struct{ pointer, want string }{
		{"", "{"},
		{"/Id", `"ä"`},
		{"/Resources", "[ {"},
		{"/Resources/0", `{"Type"`},
		{"/Resources/0/Type", `""`},
		{"/Resources/1/Tags/a~1b~0c", "1}},"},
		{"/Resources/2/0", "2,"},
		{"/Resources/2/1", "[]]"},
		{"/Types/0", "true ,"},
		{"/Types/1", "null"},
		{"/Title", "{\"Id"},                      // missing: its object
		{"/Resources/1/Details/x", "{\"Tags\":"}, // two levels missing
		{"/Resources/7", "[ {"},
	} {
		var l locator
		got := l.find(item, []lintResult{{Violation: asff.Violation{Pointer: c.pointer}}})
		at := strings.Index(raw, c.want)
		if c.want == "{" {
			at = 0
		}
		require.Equal(t, item.after([]byte(raw[:at])), got[0], "%s", c.pointer)
		require.True(t, strings.HasPrefix(raw[got[0].Offset-100:], c.want), c.pointer)
	}

	// All in one walk, and again with the same locator.
	var l locator
	for range 2 {
		got := l.find(item, []lintResult{
			{Violation: asff.Violation{Pointer: "/Types/1"}}, {Violation: asff.Violation{Pointer: "/Resources/0/Type"}}, {Offset: 3},
		})
		require.Equal(t, []int{12, 11, 10}, []int{got[0].Line, got[1].Line, got[2].Line})
		require.Equal(t, []int{17, 25, 8}, []int{got[0].Column, got[1].Column, got[2].Column})
	}
}

// FuzzLocator: every value of a document is found where it stands.
func FuzzLocator(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b/":"x"}],"":{"~":null}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var v any
		// Of two members with one name encoding/json keeps the last, the locator finds the first: leave them out.
		if !jsontext.Value(raw).IsValid() || json.Unmarshal(raw, &v) != nil {
			return
		}
		var pointers []lintResult
		var values []any
		var visit func(pointer string, v any)
		visit = func(pointer string, v any) {
			pointers = append(pointers, lintResult{Violation: asff.Violation{Pointer: pointer}})
			values = append(values, v)
			switch v := v.(type) {
			case map[string]any:
				for k, e := range v {
					visit(pointer+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(k), e)
				}
			case []any:
				for i, e := range v {
					visit(fmt.Sprint(pointer, "/", i), e)
				}
			}
		}
		visit("", v)
		raw = bytes.TrimLeft(raw, " \t\r\n")
		var l locator
		for i, p := range l.find(readItem{Raw: raw}, pointers) {
			var got any
			require.NoError(t, json.NewDecoder(bytes.NewReader(raw[p.Offset:])).Decode(&got), "%s in %s", pointers[i].Pointer, raw)
			require.Equal(t, values[i], got, "%s in %s", pointers[i].Pointer, raw)
		}
	})
}

// goodFinding is valid, and has room for one more member.
const goodFinding = `{"SchemaVersion":"2018-10-08","Id":"a","ProductArn":"arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default",` +
	`"GeneratorId":"g","AwsAccountId":"111122223333","CreatedAt":"2026-11-01T08:00:00Z","UpdatedAt":"2026-11-01T08:00:00Z","Title":"t",` +
	`"Description":"d","FindingProviderFields":{},"Resources":[{"Type":"Other","Id":"r"}]%s}`

func TestLintTellsWhatNoRequestMayHold(t *testing.T) {
	for _, c := range []struct{ name, member, want string }{
		{"nothing", "", ""},
		{"too large", `,"Note":{"Text":"` + strings.Repeat("x", 245_760) + `","UpdatedBy":"u","UpdatedAt":"2026-11-01T08:00:00Z"}`, "size maxLength"},
		{"bad UTF-8", `,"Region":"` + "\xff" + `"`, "json"},
		{"raw control character", `,"Region":"` + "a\x01" + `"`, "json"},
		{"as deep as may be", `,"x":` + strings.Repeat("[", asff.MaxDepth-1) + strings.Repeat("]", asff.MaxDepth-1), ""},
		{"too deep", `,"x":` + strings.Repeat("[", asff.MaxDepth) + strings.Repeat("]", asff.MaxDepth), "json"},
		{"half a surrogate pair", `,"Region":"\ud800"`, "unicode"},
		{"twice the same", `,"Title":"u"`, "duplicate"},
		{"number beyond its range", `,"Severity":{"Label":"LOW","Product":1e400}`, "range"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			code := Main(t.Context(), []string{"lint", "--format", "json", "-"}, strings.NewReader(fmt.Sprintf(goodFinding, c.member)), &out, &errs)
			var got struct {
				Violations []struct {
					Rule, Remedy string
					Offset       int
				}
			}
			require.NoError(t, json.Unmarshal(out.Bytes(), &got), "%s%s", &out, &errs)
			var rules []string
			for _, v := range got.Violations {
				rules = append(rules, v.Rule)
				require.NotEmpty(t, v.Remedy)
				if v.Rule == hub.RuleJSON && c.name != "too deep" {
					require.Contains(t, []byte("\xff\x01"), fmt.Sprintf(goodFinding, c.member)[v.Offset])
				}
			}
			require.Equal(t, c.want, strings.Join(rules, " "), out.String())
			require.Equal(t, min(len(rules), 1), code)
		})
	}
}

// TestLintRules: SARIF's table names no rule that the check does not have.
func TestLintRules(t *testing.T) {
	require.True(t, slices.IsSortedFunc(lintRules, func(a, b struct{ ID, Text string }) int {
		return strings.Compare(strings.ToLower(a.ID), strings.ToLower(b.ID))
	}))
	for _, r := range lintRules {
		switch r.ID {
		case hub.RuleJSON, hub.RuleSize, hub.RuleProductArn:
		default:
			require.NotEmpty(t, asff.Violation{Keyword: r.ID}.Remedy(), r.ID)
		}
	}
}

func TestFileURI(t *testing.T) {
	require.Equal(t, "a%20b/c.json", fileURI("a b/c.json"))
	require.Equal(t, "./c:d.json", fileURI("c:d.json"))
	require.Equal(t, "file:///x/%C3%A4.json", fileURI("/x/ä.json"))
}
