package api_test

import (
	"bytes"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"hubcap/internal/api"
)

// inputs are the ones the text cases and the fuzzer name; between them they hold every kind of member.
var inputs = map[string]func() any{
	"AcceptInvitation":                     func() any { return new(api.AcceptInvitationInput) },
	"BatchGetStandardsControlAssociations": func() any { return new(api.BatchGetStandardsControlAssociationsInput) },
	"BatchImportFindings":                  func() any { return new(api.BatchImportFindingsInput) },
	"BatchUpdateFindings":                  func() any { return new(api.BatchUpdateFindingsInput) },
	"CreateAutomationRuleV2":               func() any { return new(api.CreateAutomationRuleV2Input) },
	"DescribeHub":                          func() any { return new(api.DescribeHubInput) },
	"DescribeOrganizationConfiguration":    func() any { return new(api.DescribeOrganizationConfigurationInput) },
	"GetFindings":                          func() any { return new(api.GetFindingsInput) },
	"ListMembers":                          func() any { return new(api.ListMembersInput) },
	"StartConfigurationPolicyAssociation":  func() any { return new(api.StartConfigurationPolicyAssociationInput) },
	"UntagResource":                        func() any { return new(api.UntagResourceInput) },
	"UpdateActionTarget":                   func() any { return new(api.UpdateActionTargetInput) },
	"UpdateSecurityControl":                func() any { return new(api.UpdateSecurityControlInput) },
}

// TestDecode reads testdata/decode: "decode <operation> [path=name:value] [query=a=b&c=d]" with the body beneath, then what was
// understood or the error with its status.
func TestDecode(t *testing.T) {
	datadriven.RunTest(t, "testdata/decode", func(t *testing.T, d *datadriven.TestData) string {
		in := inputs[d.CmdArgs[0].Key]()
		r := &api.Request{Body: []byte(d.Input), Path: map[string]string{}}
		for _, a := range d.CmdArgs[1:] {
			switch a.Key {
			case "path":
				name, value, _ := strings.Cut(a.Vals[0], ":")
				r.Path[name] = value
			case "query":
				q, err := url.ParseQuery(a.Vals[0])
				require.NoError(t, err)
				r.Query = q
			case "repeat": // the body's § stands for so many of the next
				var n int
				d.ScanArgs(t, "repeat", &n)
				r.Body = []byte(expand(string(r.Body), n))
			case "latin1": // the body in another encoding than UTF-8
				var b []byte
				for _, c := range d.Input {
					b = append(b, byte(c)) // the cases hold Latin-1 only
				}
				r.Body = b
			}
		}
		if err := api.Decode(in, r); err != nil {
			return describe(t, err)
		}
		return show(t, in)
	})
}

// expand replaces §x by n times x.
func expand(s string, n int) string {
	for {
		i := strings.Index(s, "§")
		if i < 0 {
			return s
		}
		rest := s[i+len("§"):]
		s = s[:i] + strings.Repeat(rest[:1], n) + rest[1:]
	}
}

func describe(t *testing.T, err error) string {
	t.Helper()
	var e *api.Error
	require.ErrorAs(t, err, &e)
	return fmt.Sprintf("%d %s\n", e.Status, e)
}

// show writes an input's body as JSON and what came by path and query beneath it.
func show(t *testing.T, in any) string {
	t.Helper()
	b, err := api.AppendOutput(nil, in)
	require.NoError(t, err)
	var out strings.Builder
	fmt.Fprintf(&out, "%s\n", b)
	v := reflect.ValueOf(in).Elem()
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Tag.Get("json") != "-" || v.Field(i).IsZero() {
			continue
		}
		fmt.Fprintf(&out, "%s=%v\n", f.Name, reflect.Indirect(v.Field(i)).Interface())
	}
	return out.String()
}

func TestDecodeKeepsNothingOfTheBody(t *testing.T) {
	body := []byte(`{"Filters":{"Id":[{"Value":"one","Comparison":"EQUALS"}]},"NextToken":"token"}`)
	var in api.GetFindingsInput
	require.NoError(t, api.Decode(&in, &api.Request{Body: body}))
	for i := range body {
		body[i] = 'x'
	}
	require.JSONEq(t, `{"Id":[{"Value":"one","Comparison":"EQUALS"}]}`, string(in.Filters))
	require.Equal(t, "token", *in.NextToken)
}

func TestErrorBodies(t *testing.T) {
	datadriven.RunTest(t, "testdata/errors", func(t *testing.T, d *datadriven.TestData) string {
		var out strings.Builder
		for line := range strings.Lines(d.Input) {
			e := api.Errorf(strings.TrimSpace(line), "%s", "it \"says\" so")
			b, err := e.AppendJSON(nil)
			require.NoError(t, err)
			fmt.Fprintf(&out, "%d %s\n", e.Status, b)
		}
		return out.String()
	})
}

// FuzzDecode: what is accepted is strict JSON, and writing it and reading it again changes nothing; what is refused is refused as
// one of two exceptions; nothing panics.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{}`, ``, `[]`, `{"Filters":{"Id":[{}]},"SortCriteria":[{"Field":"Id","SortOrder":"asc"}],"MaxResults":1e1}`,
		`{"ConfigurationPolicyIdentifier":"a","Target":{"AccountId":"1"}}`, `{"a":{"a":1,"a":2}}`, `{"MaxResults":-1e400}`,
		`{"Parameters":{"x":{"ValueType":"CUSTOM","Value":{"IntegerList":[1,2.0]}}},"SecurityControlId":"S3.1"}`,
		strings.Repeat(`{"a":`, 60), `{"Findings":[{"Id":"\ud800"}]}`, "{\"RuleOrder\":1.5,\"Actions\":[null]}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for name, input := range inputs {
			in := input()
			err := api.Decode(in, &api.Request{Body: body})
			if err != nil {
				var e *api.Error
				require.ErrorAs(t, err, &e, name)
				require.Contains(t, []string{api.InvalidInput, api.Serialization}, e.Code, name)
				require.Equal(t, 400, e.Status)
				require.Less(t, len(e.Message), 1024)
				continue
			}
			require.True(t, len(body) == 0 || jsontext.Value(body).IsValid())
			written, err := json.Marshal(in, json.Deterministic(true))
			require.NoError(t, err)
			again := input()
			require.NoError(t, api.Decode(again, &api.Request{Body: written}), "%s: %s", name, written)
			twice, err := json.Marshal(again, json.Deterministic(true))
			require.NoError(t, err)
			require.True(t, bytes.Equal(written, twice), "%s: %s is not %s", name, written, twice)
		}
	})
}
