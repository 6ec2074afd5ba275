package asff

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Values a provider might send for each member; the empty string leaves it out.
var drawn = []struct {
	name   string
	values []string
}{
	{"Title", []string{`"t"`, `"another \u00fc \"title\""`}},
	{"UpdatedAt", []string{
		`"2024-01-01T00:00:00Z"`, `"2024-01-01T00:00:00.0009Z"`, `"2024-01-01T01:00:00.001+01:00"`, `"2024-02-01T00:00:00.5Z"`, `"2023-12-31T23:59:60Z"`,
	}},
	{"CreatedAt", []string{`"2020-01-01T00:00:00.123456789Z"`, `"2019-01-01T00:00:00Z"`}},
	{"FirstObservedAt", []string{"", `"2020-01-01T00:00:00.123456789Z"`}},
	{"LastObservedAt", []string{"", "null", `"2020-01-01T00:00:00Z"`}},
	{"RecordState", []string{"", `"ACTIVE"`, `"ARCHIVED"`, "null"}},
	{"Compliance", []string{"", `{}`, `{"Status":"PASSED"}`, `{"Status":"FAILED"}`, `{"Status":"WARNING","RelatedRequirements":["a","b"]}`}},
	{"Workflow", []string{"", `{}`, `{"Status":"NOTIFIED"}`, `{"Status":"RESOLVED","Owner":{"a":[1]}}`, `{"Status":"SUPPRESSED"}`}},
	{"WorkflowState", []string{"", `"ASSIGNED"`, `"NEW"`}},
	{"VerificationState", []string{"", `"TRUE_POSITIVE"`}},
	{"Note", []string{"", `{"UpdatedAt":"2020-01-01T00:00:00Z","Text":"n","UpdatedBy":"u"}`}},
	{"UserDefinedFields", []string{"", `{}`, `{"k":"v","a":""}`}},
	{"ProductFields", []string{"", `{}`, `{"k":"v","aws/securityhub/FindingId":"forged"}`, `{"aws/x":"1","aws/securityhub/zz":"","\u00fc\"":"2"}`}},
	{"ProductName", []string{"", `"Mine"`}},
	{"CompanyName", []string{"", `"Us"`}},
	{"Region", []string{"", `"r"`}},
	{"Confidence", []string{"", "0", "100", "null"}},
	{"Criticality", []string{"", "7"}},
	{"RelatedFindings", []string{"", `[{"Id":"1","ProductArn":"arn:aws:securityhub:us-east-1::product/a/b"}]`}},
	{"Severity", []string{"", `{"Label":"LOW"}`, `{"Normalized":71}`, `{"Normalized":7,"Label":"HIGH","Product":1.5}`, `{"Original":"o","Label":"CRITICAL"}`}},
	{"Types", []string{"", `[]`, `["A/b"]`, `["A","B","C/d/e"]`}},
	{"Remediation", []string{"", `{"Recommendation":{"Text":"t","Url":"u"}}`, `{"Recommendation":{"Url":"v"}}`}},
	{"Unknown", []string{"", "1", `{"a":{"c":1,"b":[{"y":1,"z":2}]}}`, `{"b":1,"a":{"b":1}}`}},
	{"Later", []string{"", `"x"`, `[]`}},
	{"Resources", []string{
		`[{"Type":"t","Id":"i"}]`, `[{"Id":"i","Type":"t","Details":{"Other":{"k":"v","l":"w"}},"Tags":{"a":"b"}},{"Type":"u","Id":"arn:aws:s3:::b"}]`,
	}},
	{"Action", []string{"", `{}`, `{"ActionType":"x","AwsApiCallAction":{"AffectedResources":{"a":"b"},"DomainDetails":{"Domain":"d"}}}`}},
}

// drawProvided draws FindingProviderFields.
func drawProvided(rt *rapid.T, label string) string {
	var ms []string
	for _, name := range []string{"Types", "Severity", "Confidence", "Later", "RelatedFindings"} {
		for _, d := range drawn {
			if d.name == name {
				if v := rapid.SampledFrom(d.values).Draw(rt, label+".FPF."+name); v != "" {
					ms = append(ms, fmt.Sprintf("%q:%s", name, v))
				}
			}
		}
	}
	return "{" + strings.Join(ms, ",") + "}"
}

// drawFinding draws a finding that is valid.
func drawFinding(rt *rapid.T, label string) []byte {
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(base), &members); err != nil {
		rt.Fatal(err)
	}
	for _, d := range drawn {
		if v := rapid.SampledFrom(d.values).Draw(rt, label+"."+d.name); v != "" {
			members[d.name] = json.RawMessage(v)
		}
	}
	delete(members, "FindingProviderFields")
	if members["Severity"] == nil || members["Types"] == nil || rapid.Bool().Draw(rt, label+".FPF") {
		members["FindingProviderFields"] = json.RawMessage(drawProvided(rt, label))
	}
	out, err := json.Marshal(members)
	if err != nil {
		rt.Fatal(err)
	}
	return out
}

func drawEdit(rt *rapid.T, label string) *Edit {
	var ms []string
	for _, d := range []struct {
		name   string
		values []string
	}{
		{"Confidence", []string{"", "1", "100"}},
		{"Criticality", []string{"", "0"}},
		{"Note", []string{"", `{"Text":"edited","UpdatedBy":"me"}`}},
		{"RelatedFindings", []string{"", `[{"Id":"e","ProductArn":"arn:aws:securityhub:us-east-1::product/a/b"}]`}},
		{"Severity", []string{"", `{}`, `{"Label":"HIGH"}`, `{"Normalized":33}`, `{"Product":3}`, `{"Label":"LOW","Normalized":80}`}},
		{"Types", []string{"", "[]", `["E"]`}},
		{"UserDefinedFields", []string{"", "{}", `{"e":"f"}`}},
		{"VerificationState", []string{"", `"UNKNOWN"`}},
		{"Workflow", []string{"", `{"Status":"NEW"}`, `{"Status":"NOTIFIED"}`, `{"Status":"RESOLVED"}`, `{"Status":"SUPPRESSED"}`}},
	} {
		if v := rapid.SampledFrom(d.values).Draw(rt, label+"."+d.name); v != "" {
			ms = append(ms, fmt.Sprintf("%q:%s", d.name, v))
		}
	}
	e, err := ParseEdit([]byte("{" + strings.Join(ms, ",") + "}"))
	require.NoError(rt, err)
	require.NoError(rt, e.Invalid())
	return e
}

// parsed is a document without some members.
func parsed(tb testing.TB, doc []byte, without ...Top) map[string]any {
	tb.Helper()
	var v map[string]any
	require.NoError(tb, json.Unmarshal(doc, &v))
	for _, top := range without {
		delete(v, topNames[top])
	}
	return v
}

// TestMergeHistory plays random histories of imports and edits on one finding and holds after each step what must always hold.
func TestMergeHistory(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t)
		b.env.TakeSentNames = rapid.Bool().Draw(rt, "take names")
		b.importing(string(drawFinding(rt, "created")))
		for i := range rapid.IntRange(0, 6).Draw(rt, "steps") {
			before := *b.stored
			if rapid.Bool().Draw(rt, "edit?") {
				e := drawEdit(rt, fmt.Sprint("edit", i))
				changed, err := b.editing(e) // twice is once: see editing
				if err != nil {
					var ee *EditError
					require.ErrorAs(rt, err, &ee)
					require.Equal(rt, before, *b.stored)
					continue
				}
				require.Equal(rt, changed, string(before.Doc) != string(b.stored.Doc) || before.Customer != b.stored.Customer)
				kept := []Top{
					TopConfidence, TopCriticality, TopNote, TopRelatedFindings, TopSeverity, TopTypes, TopUserDefinedFields,
					TopVerificationState, TopWorkflow, TopWorkflowState,
				}
				require.Equal(rt, parsed(t, before.Doc, kept...), parsed(t, b.stored.Doc, kept...), "an edit touches nothing else")
				continue
			}
			sent := string(drawFinding(rt, fmt.Sprint("import", i)))
			if b.importing(sent) == Stale { // the same again is stale: see importing
				require.Equal(rt, before, *b.stored)
			}
			require.Equal(rt, before.Customer, b.stored.Customer, "a provider takes nothing from the customer")
		}

		// What GetFindings gives may be imported again: nothing but the clock's members changes.
		before := *b.stored
		again := overlay(t, string(before.Doc), `{"UpdatedAt":"2030-01-01T00:00:00Z"}`)
		require.Equal(rt, Updated, b.importing(string(again)))
		want := parsed(t, before.Doc, TopUpdatedAt, TopProcessedAt)
		for _, a := range attributes {
			// The one thing that is not a fixed point: an attribute that only a customer wrote is now sent at the top by a
			// provider, who gets it as its own (spec 1.5, "T only").
			if fpf, _ := want["FindingProviderFields"].(map[string]any); fpf != nil && want[a.name] != nil && fpf[a.name] == nil {
				require.NotZero(rt, before.Customer&a.bit, a.name)
				fpf[a.name] = want[a.name]
			}
		}
		require.Equal(rt, want, parsed(t, b.stored.Doc, TopUpdatedAt, TopProcessedAt))
		require.Equal(rt, before.Customer, b.stored.Customer)
	})
}

// TestMergerChains holds that a Merger may be fed its own last document: an import, then a rule's edits, then the next import.
func TestMergerChains(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		first, second := drawFinding(rt, "first"), drawFinding(rt, "second")
		edits := []*Edit{drawEdit(rt, "e1"), drawEdit(rt, "e2"), drawEdit(rt, "e3")}
		env := Env{Now: time.Unix(1.7e9, 0), Region: "r", ProductName: "P", CompanyName: "C"}
		run := func(fresh bool) (string, Attrs) {
			m := &Merger{}
			var s *Stored
			keep := func(doc []byte, customer Attrs) {
				s = &Stored{doc, customer}
				if fresh {
					s.Doc = append([]byte(nil), doc...)
					m = &Merger{}
				}
			}
			for i, in := range [][]byte{first, second} {
				doc, customer, _, err := m.Import(s, read(t, in), &env)
				require.NoError(rt, err)
				keep(doc, customer)
				for _, e := range edits[i:] {
					doc, customer, _, err := m.Edit(s, e, env.Now)
					if err == nil {
						keep(doc, customer)
					}
				}
			}
			return string(s.Doc), s.Customer
		}
		aliasing, c1 := run(false)
		copying, c2 := run(true)
		require.Equal(rt, copying, aliasing)
		require.Equal(rt, c2, c1)
	})
}

// rich is a finding with each member's last value of drawn.
func rich(tb testing.TB) []byte {
	tb.Helper()
	var ms []string
	for _, d := range drawn {
		ms = append(ms, fmt.Sprintf("%q:%s", d.name, d.values[len(d.values)-1]))
	}
	return overlay(tb, base, "{"+strings.Join(ms, ",")+"}")
}

// FuzzImport feeds the merge whatever the reader lets through.
func FuzzImport(f *testing.F) {
	f.Add([]byte(base), []byte(base))
	f.Add([]byte(benchFinding), []byte(base))
	f.Add(rich(f), overlay(f, string(rich(f)), `{"UpdatedAt":"2031-01-01T00:00:00Z","RecordState":"ACTIVE"}`))
	f.Add(overlay(f, string(rich(f)), `{"FindingProviderFields":{"x":null,"Severity":{"Normalized":1e1},"Types":[]}}`), rich(f))
	f.Fuzz(func(t *testing.T, one, two []byte) {
		var r Reader
		var m Merger
		env := Env{Now: time.Unix(1.7e9, 0), Region: "r", ProductName: "P \"q\"", CompanyName: "C\xff"}
		var stored *Stored
		for _, sent := range [][]byte{one, two} {
			in, err := r.Check(sent, CheckOptions{})
			if err != nil || len(in.Violations) > 0 {
				continue
			}
			doc, customer, out, err := m.Import(stored, in, &env)
			if err != nil {
				t.Fatalf("%v: %s", err, sent)
			}
			if out == Stale {
				continue
			}
			stored = &Stored{append([]byte(nil), doc...), customer}
			requireCanonical(t, stored.Doc)
		}
	})
}

// FuzzEdit parses anything, and applies what it parsed.
func FuzzEdit(f *testing.F) {
	f.Add([]byte(`{"Confidence":1,"Severity":{"Label":"LOW","Product":1e2},"Note":{"Text":"\u00e9","UpdatedBy":"b"},"Types":["A"]}`))
	f.Add([]byte(`{"UserDefinedFields":{"k":"v"},"Workflow":{"Status":"RESOLVED"},"RelatedFindings":[{"Id":"i","ProductArn":"arn:aws:a:b:c:d"}]}`))
	f.Add([]byte(` [1, {"a": null}, "\ud800"]`))
	f.Fuzz(func(t *testing.T, input []byte) {
		e, err := ParseEdit(input)
		if err != nil {
			if err.Error() == "" || e != nil {
				t.Fatal(e, err)
			}
			return
		}
		var m Merger
		old := &Stored{Doc: []byte(base)}
		doc, customer, changed, err := m.Edit(old, e, time.Unix(1.7e9, 0))
		switch {
		case e.Invalid() != nil && err == nil:
			t.Fatalf("applied, although %v", e.Invalid())
		case err != nil:
			return
		case changed:
			requireCanonical(t, doc)
		}
		if twice, _, changed, err := m.Edit(&Stored{doc, customer}, e, time.Unix(1.7e9, 0)); err != nil || changed {
			t.Fatalf("again: %v %s", err, twice)
		}
	})
}
