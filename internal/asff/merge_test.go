package asff

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
)

// base is the least a finding holds; the cases lay their members over it.
const base = bareFinding + `}`

// overlay lays members over a finding: null takes one away.
func overlay(tb testing.TB, finding, members string) []byte {
	tb.Helper()
	var f, m map[string]json.RawMessage
	require.NoError(tb, json.Unmarshal([]byte(finding), &f))
	require.NoError(tb, json.Unmarshal([]byte(members), &m), "members: %s", members)
	maps.Copy(f, m)
	maps.DeleteFunc(f, func(_ string, v json.RawMessage) bool { return string(v) == "null" })
	out, err := json.Marshal(f)
	require.NoError(tb, err)
	return out
}

// read is a finding as the reader gives it; it must be valid.
func read(tb testing.TB, doc []byte) *Finding {
	tb.Helper()
	var r Reader
	f, err := r.Check(doc, CheckOptions{})
	require.NoError(tb, err)
	require.Empty(tb, f.Violations, "%s", doc)
	return f
}

// requireCanonical holds what must be true of every document a Merger makes: it is a valid finding, written as the reader would.
func requireCanonical(tb testing.TB, doc []byte) {
	tb.Helper()
	require.Equal(tb, string(read(tb, doc).Doc), string(doc))
}

// bench is one finding's store, and the environment of its hub.
type bench struct {
	t      testing.TB
	m      Merger
	env    Env
	ticks  int
	stored *Stored
}

func newBench(tb testing.TB) *bench {
	tb.Helper()
	return &bench{t: tb, env: Env{Region: "eu-west-1", ProductName: "Default", CompanyName: "Personal"}}
}

// now is a clock that goes on by a second each time.
func (b *bench) now() time.Time {
	b.ticks++
	return time.Date(2025, 1, 1, 0, 0, b.ticks, 0, time.UTC)
}

// importing merges members laid over the base; UpdatedAt moves on by itself unless they say it.
func (b *bench) importing(members string) Outcome {
	b.t.Helper()
	b.env.Now = b.now()
	f := overlay(b.t, base, fmt.Sprintf(`{"UpdatedAt":%q}`, b.env.Now.Format(time.RFC3339)))
	in := read(b.t, overlay(b.t, string(f), members))
	doc, customer, out, err := b.m.Import(b.stored, in, &b.env)
	require.NoError(b.t, err)
	b.requireChanges(doc)
	b.keep(doc, customer)
	if out != Stale {
		again, customer, out, err := b.m.Import(b.stored, in, &b.env)
		require.NoError(b.t, err)
		require.Equal(b.t, Stale, out, "the same finding again is no news")
		require.Equal(b.t, b.stored.Doc, again)
		require.Equal(b.t, b.stored.Customer, customer)
	}
	return out
}

func (b *bench) editing(e *Edit) (changed bool, err error) {
	b.t.Helper()
	now := b.now()
	doc, customer, changed, err := b.m.Edit(b.stored, e, now)
	if err != nil {
		require.Nil(b.t, b.m.Changes())
		return false, err
	}
	b.requireChanges(doc)
	b.keep(doc, customer)
	again, customer, twice, err := b.m.Edit(b.stored, e, now)
	require.NoError(b.t, err)
	require.False(b.t, twice, "the same edit again changes nothing")
	require.Equal(b.t, b.stored.Doc, again)
	require.Equal(b.t, b.stored.Customer, customer)
	return changed, nil
}

// requireChanges holds that the Merger knows what it changed: what a Diff of the documents would tell.
func (b *bench) requireChanges(doc []byte) {
	b.t.Helper()
	if b.stored == nil {
		require.Nil(b.t, b.m.Changes())
		return
	}
	want, err := Diff(b.stored.Doc, doc)
	require.NoError(b.t, err)
	require.Equal(b.t, want, b.m.Changes())
}

func (b *bench) keep(doc []byte, customer Attrs) {
	b.t.Helper()
	requireCanonical(b.t, doc)
	b.stored = &Stored{Doc: append([]byte(nil), doc...), Customer: customer}
}

// member is a member of the stored finding, "-" where there is none. The path has one or two names.
func (b *bench) member(path string) string {
	b.t.Helper()
	top, name, nested := strings.Cut(path, ".")
	v := lookup(b.stored.Doc, top)
	if nested {
		v = lookup(v, name)
	}
	if v == nil {
		return "-"
	}
	return string(v)
}

func (b *bench) show(out *strings.Builder, d *datadriven.TestData) {
	for _, a := range d.CmdArgs {
		if a.Key != "show" {
			continue
		}
		for _, path := range a.Vals {
			fmt.Fprintf(out, "%s: %s\n", path, b.member(path))
		}
	}
}

// names are the attributes of a set.
func names(set Attrs) string {
	var ns []string
	for _, a := range attributes {
		if set&a.bit != 0 {
			ns = append(ns, a.name)
		}
	}
	return strings.Join(ns, " ")
}

// TestMerge runs the files testdata/merge_*, edit_* and workflow_*: each is the story of one finding at a time.
//
//	new                       forget the finding; arguments set the environment: region= product= company= account= take-names
//	import [show=(A,B.C)]     a provider sends the members below, laid over a bare finding; says what came of it
//	edit [show=(A,B.C)]       a customer sends the body below to BatchUpdateFindings
//	record [show=(A,B.C)]     likewise to UpdateFindings
//	paths                     the ASFF paths the body of an edit touches
//	table attr=A              the table of spec 1.5 for one attribute, from the values F, T, stored and customer below
func TestMerge(t *testing.T) {
	for _, pattern := range []string{"merge_rules", "merge_providers", "merge_workflow", "edit_rules", "edit_refused"} {
		t.Run(pattern, func(t *testing.T) {
			b := newBench(t)
			datadriven.RunTest(t, "testdata/"+pattern, func(t *testing.T, d *datadriven.TestData) string {
				b.t = t
				return b.run(t, d)
			})
		})
	}
}

func (b *bench) run(t *testing.T, d *datadriven.TestData) string {
	var out strings.Builder
	switch d.Cmd {
	case "new":
		*b = *newBench(t)
		d.MaybeScanArgs(t, "region", &b.env.Region)
		d.MaybeScanArgs(t, "product", &b.env.ProductName)
		d.MaybeScanArgs(t, "company", &b.env.CompanyName)
		d.MaybeScanArgs(t, "account", &b.env.AwsAccountName)
		b.env.TakeSentNames = d.HasArg("take-names")
		return ""
	case "import":
		input := d.Input
		if input == "" {
			input = "{}"
		}
		fmt.Fprintln(&out, b.importing(input))
		b.show(&out, d)
	case "edit", "record", "paths":
		parse := ParseEdit
		if d.Cmd == "record" {
			parse = ParseRecordEdit
		}
		e, err := parse([]byte(d.Input))
		if err != nil {
			return fmt.Sprintf("%T: %v\n", err, err)
		}
		if d.Cmd == "paths" {
			for _, p := range e.Paths() {
				fmt.Fprintf(&out, "%s: %q\n", p.Path, p.Values)
			}
			return out.String()
		}
		changed, err := b.editing(e)
		if err != nil {
			return fmt.Sprintf("%v\n", err)
		}
		fmt.Fprintf(&out, "changed: %t, customer's: %s\n", changed, names(b.stored.Customer))
		b.show(&out, d)
	case "table":
		return b.table(t, d)
	default:
		d.Fatalf(t, "no command %s", d.Cmd)
	}
	return out.String()
}

// table plays the table of spec 1.5.
func (b *bench) table(t *testing.T, d *datadriven.TestData) string {
	var attr string
	d.ScanArgs(t, "attr", &attr)
	value := map[string]string{}
	for line := range strings.Lines(d.Input) {
		name, v, _ := strings.Cut(line, ": ")
		value[name] = strings.TrimSpace(v)
	}
	customer, err := ParseEdit(fmt.Appendf(nil, `{%q:%s}`, attr, value["customer"]))
	require.NoError(t, err)
	member := func(v string) string { return fmt.Sprintf(`{%q:%s}`, attr, v) }
	both := func(f, top string) string {
		return fmt.Sprintf(`{"FindingProviderFields":%s,%q:%s}`, member(f), attr, top)
	}
	requests := []struct{ name, members string }{
		{"F only ", `{"FindingProviderFields":` + member(value["F"]) + `}`},
		{"T only ", both("null", value["T"])},
		{"both   ", both(value["F"], value["T"])},
		{"neither", `{}`},
	}
	var out strings.Builder
	for _, when := range []string{"create          ", "update          ", "update, customer"} {
		for _, r := range requests {
			b := newBench(t)
			if when[0] == 'u' {
				b.importing(`{"FindingProviderFields":` + member(value["stored"]) + `}`)
			}
			if strings.HasSuffix(when, "customer") {
				_, err := b.editing(customer)
				require.NoError(t, err)
			}
			b.importing(r.members)
			fmt.Fprintf(&out, "%s  %s  fpf=%s top=%s\n", when, r.name, b.member("FindingProviderFields."+attr), b.member(attr))
		}
	}
	return out.String()
}
