package rule_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hubcap/internal/asff"
	"hubcap/internal/asff/asfftest"
	"hubcap/internal/query"
	"hubcap/internal/rule"
)

// The parts of random rules: some hold for some of asfftest's findings, which have versions.
var (
	someCriteria = []string{
		`"SeverityLabel":[{"Value":"HIGH","Comparison":"EQUALS"},{"Value":"MEDIUM","Comparison":"EQUALS"}]`,
		`"SeverityLabel":[{"Value":"INFO","Comparison":"PREFIX_NOT_EQUALS"}]`,
		`"Title":[{"Value":"e","Comparison":"CONTAINS"}]`,
		`"Title":[{"Value":"encryption","Comparison":"NOT_CONTAINS"}]`,
		`"ResourceType":[{"Value":"AwsE","Comparison":"PREFIX"},{"Value":"AwsEc2Instance","Comparison":"NOT_EQUALS"}]`,
		`"ResourceTags":[{"Key":"env","Value":"prod","Comparison":"NOT_EQUALS"}]`,
		`"Confidence":[{"Gte":50},{"Lt":10}]`,
		`"UpdatedAt":[{"DateRange":{"Value":30,"Unit":"DAYS","Comparison":"WITHIN"}},{"Start":"2026-01-01T00:00:00Z","End":"2026-01-10T00:00:00Z"}]`,
		`"CreatedAt":[{"DateRange":{"Value":60,"Unit":"DAYS","Comparison":"OLDER_THAN"}}]`,
		`"VerificationState":[{"Value":"UNKNOWN","Comparison":"EQUALS"}]`,
		`"WorkflowStatus":[{"Value":"NEW","Comparison":"EQUALS"}]`,
		`"NoteText":[{"Value":"two","Comparison":"NOT_EQUALS"}]`,
		`"RecordState":[{"Value":"ACTIVE","Comparison":"EQUALS"}]`,
	}
	someFields = []string{
		`"Confidence":7`, `"Confidence":8`, `"Criticality":9`, `"Severity":{"Label":"LOW"}`, `"Severity":{"Normalized":95}`,
		`"Severity":{"Product":1.5}`, `"Note":{"Text":"one","UpdatedBy":"a"}`, `"Note":{"Text":"two","UpdatedBy":"a"}`,
		`"Types":["Effects/Data Exposure"]`, `"Types":[]`, `"UserDefinedFields":{"k":"v"}`, `"VerificationState":"TRUE_POSITIVE"`,
		`"Workflow":{"Status":"SUPPRESSED"}`, `"Workflow":{"Status":"NOTIFIED"}`,
		`"RelatedFindings":[{"ProductArn":"arn:aws:securityhub:us-east-1::product/a/b","Id":"x"}]`,
	}
)

func distinct(t *rapid.T, from []string, least, most int, label string) []string {
	byName := func(s string) string {
		name, _, _ := strings.Cut(s, ":")
		return name
	}
	return rapid.SliceOfNDistinct(rapid.SampledFrom(from), least, most, byName).Draw(t, label)
}

// drawn is a random rule, with what a plain reading of it needs.
type drawn struct {
	*rule.Rule
	edit, rest *asff.Edit // rest: without the note
	note       string
}

func drawRule(t *rapid.T, i int) drawn {
	criteria := "{" + strings.Join(distinct(t, someCriteria, 0, 3, "criteria"), ",") + "}"
	fields := distinct(t, someFields, 1, 4, "fields")
	r, err := compile(`{"Criteria":` + criteria + `,"Actions":[{"Type":"FINDING_FIELDS_UPDATE","FindingFieldsUpdate":{` + strings.Join(fields, ",") + `}}]}`)
	require.NoError(t, err)
	r.ARN = fmt.Sprintf("rule-%d", i)
	r.Order = rapid.IntRange(1, 3).Draw(t, "order")
	r.UpdatedAt = time.Unix(int64(rapid.IntRange(1, 2).Draw(t, "updated")), 0)
	r.Edition = uint64(i)
	r.Terminal = rapid.IntRange(0, 5).Draw(t, "terminal") == 0
	d := drawn{Rule: r}
	parse := func(fields []string) *asff.Edit {
		e, err := asff.ParseEdit([]byte("{" + strings.Join(fields, ",") + "}"))
		require.NoError(t, err)
		return e
	}
	d.edit = parse(fields)
	d.rest = parse(slices.DeleteFunc(slices.Clone(fields), func(f string) bool {
		if strings.HasPrefix(f, `"Note"`) {
			d.note = strings.TrimSuffix(strings.TrimPrefix(f, `"Note":`), "}")
			return true
		}
		return false
	}))
	return d
}

// plainly is what D37 says, read off word by word.
func plainly(t require.TestingT, groups [2][]drawn, f asff.Stored, now time.Time) (asff.Stored, []string) {
	var values asff.Reader
	vs := values.Values(slices.Clone(f.Doc))
	var acting []drawn
groups:
	for _, g := range groups {
		slices.SortFunc(g, func(a, b drawn) int { return rule.Compare(a.Rule, b.Rule) })
		for _, r := range g {
			where, err := r.Criteria.Where(now)
			require.NoError(t, err)
			if query.Match(&where, vs) {
				acting = append(acting, r)
				if r.Terminal {
					break groups
				}
			}
		}
	}
	var log []string
	for _, r := range acting {
		edit := r.edit
		if r.note != "" && strings.Contains(string(f.Doc), `"Note":`+r.note) {
			edit = r.rest
		}
		var m asff.Merger
		old := slices.Clone(f.Doc)
		doc, customer, changed, err := m.Edit(&asff.Stored{Doc: old, Customer: f.Customer}, edit, now)
		switch {
		case err != nil:
			log = append(log, r.ARN+" failed")
		case changed:
			changes, err := asff.Diff(old, doc)
			require.NoError(t, err)
			log = append(log, fmt.Sprintf("%s %d", r.ARN, len(changes)))
			f = asff.Stored{Doc: slices.Clone(doc), Customer: customer}
		}
	}
	return f, log
}

// Applied in the import's own buffers, with values sorted by attribute and dates that move, rules do what their plain reading does, for
// finding after finding and import after import.
func TestApplyIsThePlainReading(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var groups [2][]drawn
		for i := range rapid.IntRange(0, 8).Draw(t, "rules") {
			owner := rapid.IntRange(0, 1).Draw(t, "owner")
			groups[owner] = append(groups[owner], drawRule(t, i))
		}
		var sets rule.Sets
		for i, g := range groups {
			var rules []*rule.Rule
			for _, r := range g {
				rules = append(rules, r.Rule)
			}
			sets[i] = rule.NewSet(rules)
		}
		var (
			judge  rule.Judge
			m      asff.Merger
			reader asff.Reader
			batch  asff.Batch
		)
		for n := range rapid.IntRange(1, 6).Draw(t, "findings") {
			var stored *asff.Stored
			at := asfftest.Last(1)
			for version := range rapid.IntRange(1, 3).Draw(t, "versions") {
				now := at.Add(time.Duration(rapid.IntRange(0, 90*24).Draw(t, "hours")) * time.Hour)
				finding := asfftest.Append(nil, "111122223333", "us-east-1", n, version)
				require.NoError(t, batch.Read(append(append([]byte(`{"Findings":[`), finding...), "]}"...)))
				require.Empty(t, batch.Findings[0].Violations)
				doc, customer, _, err := m.Import(stored, &batch.Findings[0], &asff.Env{Now: now, Region: "us-east-1"})
				require.NoError(t, err)
				merged := asff.Stored{Doc: slices.Clone(doc), Customer: customer}
				after, done := judge.Apply(&sets, &m, asff.Stored{Doc: doc, Customer: customer}, reader.Values(doc), now)
				var log []string
				for _, d := range done {
					if d.Err != nil {
						log = append(log, d.Rule.ARN+" failed")
					} else {
						log = append(log, fmt.Sprintf("%s %d", d.Rule.ARN, len(d.Changes)))
					}
				}
				want, wantLog := plainly(t, groups, merged, now)
				require.Equal(t, wantLog, log)
				require.Equal(t, string(want.Doc), string(after.Doc))
				require.Equal(t, want.Customer, after.Customer)
				stored = &want
			}
		}
	})
}

// A set of rules that do not match costs no allocation.
func TestJudgingAllocatesNothing(t *testing.T) {
	var rules []*rule.Rule
	for i, criteria := range someCriteria {
		r, err := compile(`{"Criteria":{"Id":[{"Value":"nobody","Comparison":"EQUALS"}],` + criteria + `},"Actions":[{"Type":"FINDING_FIELDS_UPDATE","FindingFieldsUpdate":{"Confidence":1}}]}`)
		require.NoError(t, err)
		r.Order = i
		rules = append(rules, r)
		last, err := compile(`{"Criteria":{` + criteria + `,"Description":[{"Value":"nothing","Comparison":"CONTAINS"}]},"Actions":[{"Type":"FINDING_FIELDS_UPDATE","FindingFieldsUpdate":{"Confidence":1}}]}`)
		require.NoError(t, err)
		rules = append(rules, last)
	}
	sets := rule.Sets{nil, rule.NewSet(rules)}
	var m asff.Merger
	f := merged(t, &m, nil, asfftest.Append(nil, "111122223333", "us-east-1", 3, 0), time.Now())
	var reader asff.Reader
	vs := reader.Values(f.Doc)
	var judge rule.Judge
	now := time.Now()
	require.Empty(t, judge.Matching(&sets, vs, now))
	require.Zero(t, testing.AllocsPerRun(100, func() { judge.Matching(&sets, vs, now) }))
}

// BenchmarkJudge is one finding of 3.3 KB held against rules of which none matches.
func BenchmarkJudge(b *testing.B) {
	var m asff.Merger
	f := merged(b, &m, nil, asfftest.Append(nil, "111122223333", "us-east-1", 3, 0), time.Now())
	var reader asff.Reader
	vs := reader.Values(f.Doc)
	for _, n := range []int{1, 20, 100, 1000} {
		var rules []*rule.Rule
		for i := range n {
			r, err := compile(`{"Criteria":{` + someCriteria[i%5] + `,"GeneratorId":[{"Value":"none-` + strconv.Itoa(i) + `","Comparison":"EQUALS"}]},` +
				`"Actions":[{"Type":"FINDING_FIELDS_UPDATE","FindingFieldsUpdate":{"Confidence":1}}]}`)
			require.NoError(b, err)
			rules = append(rules, r)
		}
		sets := rule.Sets{nil, rule.NewSet(rules)}
		b.Run(fmt.Sprint("rules=", n), func(b *testing.B) {
			var judge rule.Judge
			now := time.Now()
			b.ReportAllocs()
			for b.Loop() {
				judge.Matching(&sets, vs, now)
			}
		})
	}
}
