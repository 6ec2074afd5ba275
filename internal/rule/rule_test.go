package rule_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"hubcap/internal/api"
	"hubcap/internal/asff"
	"hubcap/internal/rule"
)

// definition is the part of CreateAutomationRule's input that decides what a rule does.
type definition struct {
	Criteria api.RawJSON                 `json:"Criteria"`
	Actions  []api.AutomationRulesAction `json:"Actions"`
}

func compile(text string) (*rule.Rule, error) {
	var in definition
	if err := api.Decode(&in, &api.Request{Body: []byte(text)}); err != nil {
		return nil, err
	}
	r := new(rule.Rule)
	var err error
	if r.Criteria, err = rule.CompileCriteria(in.Criteria, "Criteria"); err != nil {
		return nil, err
	}
	if r.Action, err = rule.CompileActions(in.Actions, "Actions"); err != nil {
		return nil, err
	}
	return r, nil
}

const base = `{
	"SchemaVersion": "2018-10-08", "Id": "f1", "GeneratorId": "gen", "AwsAccountId": "111122223333", "Types": ["Software and Configuration Checks"],
	"ProductArn": "arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default",
	"CreatedAt": "2026-01-01T00:00:00Z", "UpdatedAt": "2026-01-01T00:00:00Z", "Severity": {"Label": "HIGH"},
	"Title": "title", "Description": "description", "Resources": [{"Type": "Other", "Id": "r1"}]
}`

// imported is a finding as an import makes it: members laid over the base finding, null takes one away.
func imported(t testing.TB, m *asff.Merger, old *asff.Stored, over string, now time.Time) asff.Stored {
	t.Helper()
	var f, change map[string]any
	require.NoError(t, json.Unmarshal([]byte(base), &f))
	require.NoError(t, json.Unmarshal([]byte(over), &change))
	for k, v := range change {
		if v == nil {
			delete(f, k)
		} else {
			f[k] = v
		}
	}
	raw, err := json.Marshal(f)
	require.NoError(t, err)
	return merged(t, m, old, raw, now)
}

func merged(t testing.TB, m *asff.Merger, old *asff.Stored, finding []byte, now time.Time) asff.Stored {
	t.Helper()
	var b asff.Batch
	require.NoError(t, b.Read(append(append([]byte(`{"Findings":[`), finding...), "]}"...)))
	require.Empty(t, b.Findings[0].Violations)
	doc, customer, _, err := m.Import(old, &b.Findings[0], &asff.Env{Now: now, Region: "us-east-1"})
	require.NoError(t, err)
	return asff.Stored{Doc: doc, Customer: customer}
}

// The language of testdata/*.txt. A file begins without rules.
//
//	now 2026-01-02T03:04:05Z                  sets the clock
//	rule NAME [order=N] [updated=SECONDS] [edition=N] [terminal] [everyone]    makes a rule of Criteria and Actions; everyone: the operator's
//	fields JSON...                            each line a FindingFieldsUpdate: prints what is wrong with it, or the paths it touches
//	criteria                                  each line criteria: prints what is wrong with them, or ok
//	judge                                     each line a finding: the rules that act on it
//	apply [show=Member.Member,...]            each line a finding, imported one after the other under one name: what each rule did to it,
//	                                          then members, and which attributes are the customer's
//	forget                                    no rules and no finding any more
func TestRules(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		w := &world{now: time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)}
		datadriven.RunTest(t, path, w.run)
	})
}

type world struct {
	now    time.Time
	rules  [2][]*rule.Rule
	stored *asff.Stored
	judge  rule.Judge
	reader asff.Reader
}

func (w *world) sets() *rule.Sets {
	return &rule.Sets{rule.NewSet(w.rules[0]), rule.NewSet(w.rules[1])}
}

func (w *world) run(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	var b strings.Builder
	switch d.Cmd {
	case "now":
		var err error
		w.now, err = time.Parse(time.RFC3339, d.CmdArgs[0].Key)
		require.NoError(t, err)
	case "forget":
		w.rules, w.stored = [2][]*rule.Rule{}, nil
	case "rule":
		return w.rule(t, d)
	case "fields":
		for line := range strings.Lines(d.Input) {
			r, err := compile(`{"Criteria":{},"Actions":[{"Type":"FINDING_FIELDS_UPDATE","FindingFieldsUpdate":` + line + `}]}`)
			if err != nil {
				fmt.Fprintln(&b, err)
				continue
			}
			for i, p := range r.Action.Edit().Paths() {
				b.WriteString(strings.Repeat(" ", min(i, 1)) + p.Path)
			}
			b.WriteByte('\n')
		}
	case "criteria":
		for line := range strings.Lines(d.Input) {
			if _, err := rule.CompileCriteria([]byte(line), "Criteria"); err != nil {
				fmt.Fprintln(&b, err)
				continue
			}
			b.WriteString("ok\n")
		}
	case "judge":
		for line := range strings.Lines(d.Input) {
			var m asff.Merger
			f := imported(t, &m, nil, line, w.now)
			var names []string
			for _, r := range w.judge.Matching(w.sets(), w.reader.Values(f.Doc), w.now) {
				names = append(names, r.ARN)
			}
			fmt.Fprintf(&b, "%s\n", strings.Join(append(names, "."), " "))
		}
	case "apply":
		for line := range strings.Lines(d.Input) {
			w.apply(t, d, line, &b)
		}
	default:
		d.Fatalf(t, "unknown command %q", d.Cmd)
	}
	return b.String()
}

func (w *world) rule(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	r, err := compile(d.Input)
	if err != nil {
		return err.Error() + "\n"
	}
	r.ARN, r.Order, r.Terminal = d.CmdArgs[0].Key, 1, d.HasArg("terminal")
	var updated, edition int
	d.MaybeScanArgs(t, "order", &r.Order)
	d.MaybeScanArgs(t, "updated", &updated)
	d.MaybeScanArgs(t, "edition", &edition)
	r.UpdatedAt, r.Edition = time.Unix(int64(updated), 0), uint64(edition)
	owner := 1
	if d.HasArg("everyone") {
		owner = 0
	}
	w.rules[owner] = append(w.rules[owner], r)
	return ""
}

func (w *world) apply(t *testing.T, d *datadriven.TestData, line string, b *strings.Builder) {
	t.Helper()
	var m asff.Merger
	f := imported(t, &m, w.stored, line, w.now)
	after, done := w.judge.Apply(w.sets(), &m, f, w.reader.Values(f.Doc), w.now)
	for _, x := range done {
		b.WriteString(x.Rule.ARN)
		if x.Err != nil {
			fmt.Fprintf(b, " failed: %v", x.Err)
		}
		for _, c := range x.Changes {
			fmt.Fprintf(b, " %s: %s -> %s", c.Field, shown(c.Old), shown(c.New))
		}
		b.WriteByte('\n')
	}
	w.stored = &asff.Stored{Doc: append([]byte(nil), after.Doc...), Customer: after.Customer}
	for _, a := range d.CmdArgs {
		if a.Key == "show" {
			for path := range strings.SplitSeq(strings.Join(a.Vals, ","), ",") {
				fmt.Fprintf(b, "%s=%s ", path, member(t, after.Doc, path))
			}
		}
	}
	fmt.Fprintf(b, "customer=%s\n", strconv.FormatUint(uint64(after.Customer), 2))
}

func shown(s *string) string {
	if s == nil {
		return "(none)"
	}
	return *s
}

// member shows a member of a document by its dotted path.
func member(t testing.TB, doc []byte, path string) string {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal(doc, &v))
	for name := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return "-"
		}
		if v, ok = m[name]; !ok {
			return "-"
		}
	}
	raw, err := json.Marshal(v)
	require.NoError(t, err)
	return string(raw)
}

// An attribute beyond the array of the Judge would stop every import.
func TestEveryAttributeHasItsPlace(t *testing.T) {
	for _, f := range asff.Fields() {
		require.Less(t, int(f), 128, f.Name())
	}
}
