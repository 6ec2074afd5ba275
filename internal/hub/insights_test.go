package hub

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hubcap/internal/api"
	"hubcap/internal/asff"
	"hubcap/internal/asff/asfftest"
	"hubcap/internal/iam"
	"hubcap/internal/query"
)

// What an insight tells is what counting by hand over GetFindings tells, whatever it filters and groups by (D34).
func TestInsightResultsAreTheTally(t *testing.T) {
	var groups []asff.Field
	for _, f := range asff.Fields() {
		if _, err := groupingAttribute(f.Name()); err == nil {
			groups = append(groups, f)
		}
	}
	require.Len(t, groups, 99, "all but the four maps and Keyword")
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			now := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
			h := openHub(t, open(t), func() time.Time { return now })
			p := &iam.Principal{Account: "111122223333", Region: "us-east-1", ARN: "arn:aws:iam::111122223333:user/x"}
			var findings [][]byte
			for n := range 300 {
				findings = append(findings, asfftest.Append(nil, "111122223333", "us-east-1", n, n%3))
			}
			require.Empty(t, importAll(t, h, p, findings))
			require.Empty(t, importAll(t, h, operator, [][]byte{asfftest.Append(nil, "444455556666", "us-east-1", 1, 0)}))
			_, err := h.UpdateFindings(t.Context(), p, []byte(`{"Filters":{"SeverityLabel":[{"Comparison":"EQUALS","Value":"LOW"}]},"Note":{"Text":"n","UpdatedBy":"u"},"RecordState":"ARCHIVED"}`))
			require.NoError(t, err)
			most := 0
			rapid.Check(t, func(r *rapid.T) {
				by := rapid.SampledFrom(groups).Draw(r, "by")
				filters := drawFilters(r)
				made, err := h.CreateInsight(t.Context(), p, &api.CreateInsightInput{Name: "n", Filters: filters, GroupByAttribute: by.Name()})
				require.NoError(t, err)
				got, err := h.GetInsightResults(t.Context(), p, &api.GetInsightResultsInput{InsightArn: made.InsightArn})
				require.NoError(t, err)

				tally := query.NewTally(query.Group{By: by, Limit: 100})
				var reader asff.Reader
				in := &api.GetFindingsInput{Filters: filters}
				for {
					page, err := h.GetFindings(t.Context(), p, in)
					require.NoError(t, err)
					for _, doc := range page.Findings {
						tally.Add(reader.Values(doc))
					}
					if in.NextToken = page.NextToken; in.NextToken == nil {
						break
					}
				}
				want := make([]api.InsightResultValue, 0, 100)
				for _, c := range tally.Counts() {
					want = append(want, api.InsightResultValue{Count: int32(c.N), GroupByAttributeValue: c.Value})
				}
				require.Equal(t, want, got.InsightResults.ResultValues, "%s of %s", by, filters)
				most = max(most, len(want))
			})
			require.Equal(t, 100, most, "no insight had more values than may be told")
		})
	}
}

func drawFilters(r *rapid.T) []byte {
	conditions := []string{
		`"SeverityLabel":[{"Comparison":"EQUALS","Value":"HIGH"},{"Comparison":"EQUALS","Value":"LOW"}]`,
		`"RecordState":[{"Comparison":"EQUALS","Value":"ACTIVE"}]`,
		`"ResourceType":[{"Comparison":"PREFIX","Value":"Aws"}]`,
		`"Type":[{"Comparison":"PREFIX_NOT_EQUALS","Value":"TTPs"}]`,
		`"CreatedAt":[{"DateRange":{"Value":2000,"Unit":"DAYS"}}]`,
		`"UpdatedAt":[{"DateRange":{"Value":30,"Unit":"DAYS"}}]`,
		`"SeverityNormalized":[{"Gte":40}]`,
		`"Title":[{"Comparison":"CONTAINS","Value":"e"}]`,
		`"AwsAccountId":[{"Comparison":"EQUALS","Value":"444455556666"}]`,
	}
	var some []string
	for i := range rapid.IntRange(0, 3).Draw(r, "conditions") {
		c := rapid.SampledFrom(conditions).Draw(r, "condition "+strconv.Itoa(i))
		if !slices.Contains(some, c) {
			some = append(some, c)
		}
	}
	return []byte("{" + strings.Join(some, ",") + "}")
}

// The managed insights are those of the guide, and AWS's own limits on filters hold for them.
func TestManagedInsights(t *testing.T) {
	all, err := managedInsights()
	require.NoError(t, err)
	require.Len(t, all, 32)
	h := openHub(t, newMemStore(), fixed("2026-04-01T00:00:00Z"))
	in := &api.GetInsightsInput{}
	for _, n := range []int{
		1, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 18, 19, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37,
	} {
		in.InsightArns = append(in.InsightArns, "arn:aws:securityhub:::insight/securityhub/default/"+strconv.Itoa(n))
	}
	out, err := h.GetInsights(t.Context(), operator, in)
	require.NoError(t, err)
	require.Len(t, out.Insights, 32)
	require.Nil(t, out.NextToken)
	names := map[string]bool{}
	for i, m := range out.Insights {
		require.Equal(t, in.InsightArns[i], m.InsightArn)
		names[m.Name] = true
		require.NoError(t, checkInsightName(m.Name))
		where, err := query.Compile(m.Filters, time.Now(), query.Options{})
		require.NoError(t, err, m.Name)
		open := bytes.Contains(m.Filters, []byte(`"RecordState":[{"Comparison":"EQUALS","Value":"ACTIVE"}]`)) &&
			bytes.Contains(m.Filters, []byte(`"WorkflowStatus":[{"Comparison":"EQUALS","Value":"NEW"},{"Comparison":"EQUALS","Value":"NOTIFIED"}]`))
		require.Equal(t, m.InsightArn != "arn:aws:securityhub:::insight/securityhub/default/26", open, m.Name)
		require.NotEqual(t, query.All, where.Op, m.Name)
		results, err := h.GetInsightResults(t.Context(), operator, &api.GetInsightResultsInput{InsightArn: m.InsightArn})
		require.NoError(t, err)
		require.Equal(t, m.GroupByAttribute, results.InsightResults.GroupByAttribute)
	}
	require.Len(t, names, 32, "no name stands twice")
}

func TestTableOfInsights(t *testing.T) {
	all, err := parseInsights("# a comment\n\n7\tType\tany\tguide\tA name\tId=x=y\tId^z\tUpdatedAt<3\n9\tType\topen\tguide\tB\n")
	require.NoError(t, err)
	require.Equal(t, "A name", all["7"].name)
	require.JSONEq(t, `{"Id":[{"Comparison":"EQUALS","Value":"x=y"},{"Comparison":"PREFIX","Value":"z"}],
		"UpdatedAt":[{"DateRange":{"Unit":"DAYS","Value":3}}]}`, string(all["7"].filters))
	require.JSONEq(t, `{"RecordState":[{"Comparison":"EQUALS","Value":"ACTIVE"}],
		"WorkflowStatus":[{"Comparison":"EQUALS","Value":"NEW"},{"Comparison":"EQUALS","Value":"NOTIFIED"}]}`, string(all["9"].filters))
	for table, want := range map[string]string{
		"1\tType\tany\tguide\n":                  "insights.tsv:1: 4 columns",
		"x\tType\tany\tguide\tA\n":               "invalid syntax",
		"1\tTypo\tany\tguide\tA\n":               "GroupByAttribute",
		"1\tType\tshut\tguide\tA\n":              `state "shut"`,
		"1\tType\tany\t\tA\n":                    "may not be empty",
		"1\tType\tany\tguide\t\n":                "may not be empty",
		"1\tType\tany\tguide\tA\tId\n":           `filter "Id"`,
		"1\tType\tany\tguide\tA\tId<many\n":      "invalid syntax",
		"2\tType\tany\tg\tA\n1\tType\tany\tg\tB": "insights.tsv:2: number 1 stands after 2",
		"2\tType\tany\tg\tA\n2\tType\tany\tg\tB": "number 2 stands after 2",
	} {
		_, err := parseInsights(table)
		require.ErrorContains(t, err, want, table)
	}
}

// A hundred custom insights an account and Region in the profile aws; as many as one likes in open (docs/differences.md, the profiles).
func TestHowManyInsights(t *testing.T) {
	p := &iam.Principal{Account: "111122223333", Region: "us-east-1", ARN: "arn:aws:iam::111122223333:user/x"}
	for _, profile := range []Profile{Open, AWS} {
		h, err := New(t.Context(), Config{Store: newMemStore(), Clock: fixed("2026-01-01T00:00:00Z"), Profile: profile})
		require.NoError(t, err)
		create := func(region string) (string, error) {
			who := *p
			who.Region = region
			out, err := h.CreateInsight(t.Context(), &who, &api.CreateInsightInput{Name: "same", Filters: []byte("{}"), GroupByAttribute: "Type"})
			if err != nil {
				return "", err
			}
			return out.InsightArn, nil
		}
		for _, region := range []string{"us-east-1", "eu-west-1"} {
			_, err := h.EnableSecurityHub(t.Context(), &iam.Principal{Account: p.Account, Region: region}, &api.EnableSecurityHubInput{})
			require.NoError(t, err)
		}
		var last string
		for range 100 {
			last, err = create("us-east-1")
			require.NoError(t, err)
		}
		_, err = create("us-east-1")
		if profile == Open {
			require.NoError(t, err)
			continue
		}
		require.Equal(t, "429 LimitExceededException\nAccount 111122223333 has reached the limit of 100 custom insights in us-east-1\n", answer[any](nil, err))
		_, err = create("eu-west-1")
		require.NoError(t, err, "another Region has its own hundred")
		_, err = h.DeleteInsight(t.Context(), p, &api.DeleteInsightInput{InsightArn: last})
		require.NoError(t, err)
		_, err = create("us-east-1")
		require.NoError(t, err)

		// All of them fit one page, and pages hold each once.
		all, err := h.GetInsights(t.Context(), p, &api.GetInsightsInput{})
		require.NoError(t, err)
		require.Len(t, all.Insights, 100)
		require.Nil(t, all.NextToken)
		size := int32(7)
		in := &api.GetInsightsInput{MaxResults: &size}
		var paged []api.Insight
		for {
			page, err := h.GetInsights(t.Context(), p, in)
			require.NoError(t, err)
			paged = append(paged, page.Insights...)
			if in.NextToken = page.NextToken; in.NextToken == nil {
				break
			}
			require.Len(t, page.Insights, 7)
		}
		require.Equal(t, all.Insights, paged)
	}
}

// A page reads the insights that it tells and no others: in the profile open an account has as many as it likes.
func TestAPageOfInsightsReadsNoOthers(t *testing.T) {
	m := newMemStore()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	h := openHub(t, m, func() time.Time { at = at.Add(time.Millisecond); return at })
	p := &iam.Principal{Account: "111122223333", Region: "us-east-1"}
	var arns []string
	for range 5 {
		made, err := h.CreateInsight(t.Context(), p, &api.CreateInsightInput{Name: "n", Filters: []byte("{}"), GroupByAttribute: "Type"})
		require.NoError(t, err)
		arns = append(arns, made.InsightArn)
	}
	spoilt := "insight/us-east-1/" + arns[2][strings.LastIndex(arns[2], "/")+1:]
	whole := m.state[p.Account][spoilt]
	memTx{m}.Put(p.Account, spoilt, []byte("{"))
	size := int32(2)
	in := &api.GetInsightsInput{MaxResults: &size}
	var told []string
	for page := range 3 {
		out, err := h.GetInsights(t.Context(), p, in)
		if page == 1 {
			require.ErrorContains(t, err, spoilt)
			memTx{m}.Put(p.Account, spoilt, whole)
			out, err = h.GetInsights(t.Context(), p, in)
			memTx{m}.Put(p.Account, spoilt, []byte("{"))
		}
		require.NoError(t, err)
		for _, i := range out.Insights {
			told = append(told, i.InsightArn)
		}
		in.NextToken = out.NextToken
	}
	require.Nil(t, in.NextToken)
	require.Equal(t, arns, told)
}

// Filters are kept as they are, and so are bounded (D80).
func TestLongInsightFilters(t *testing.T) {
	h := openHub(t, newMemStore(), fixed("2026-01-01T00:00:00Z"))
	filters := func(size int) []byte {
		f := `{"Title":[{"Value":"","Comparison":"EQUALS"}]}`
		return []byte(strings.Replace(f, `""`, `"`+strings.Repeat("t", size-len(f))+`"`, 1))
	}
	in := &api.CreateInsightInput{Name: "n", Filters: append([]byte("   "), filters(256<<10)...), GroupByAttribute: "Type"}
	made, err := h.CreateInsight(t.Context(), operator, in)
	require.NoError(t, err, "white space is not kept, and not counted")
	got, err := h.GetInsights(t.Context(), operator, &api.GetInsightsInput{InsightArns: []string{made.InsightArn}})
	require.NoError(t, err)
	require.Equal(t, api.RawJSON(filters(256<<10)), got.Insights[0].Filters)
	in.Filters = filters(256<<10 + 1)
	_, err = h.CreateInsight(t.Context(), operator, in)
	require.Equal(t, "400 InvalidInputException\nInvalid parameter 'Filters'. should NOT be longer than 262144 bytes.\n", answer[any](nil, err))
}

func TestInsightARN(t *testing.T) {
	const uuid = "01937d1e-8f3a-7c11-9a2b-0123456789ab"
	for _, text := range []string{
		"arn:aws:securityhub:us-east-1:111122223333:insight/111122223333/custom/" + uuid,
		"arn:aws-us-gov:securityhub:us-gov-west-1:111122223333:insight/111122223333/custom/" + uuid,
		"arn:aws-cn:securityhub:::insight/securityhub/default/1",
	} {
		a, ok := parseInsightARN(text)
		require.True(t, ok, text)
		require.Equal(t, text, a.String())
	}
	for _, text := range []string{
		"", "arn", "arn:aws:securityhub", "arn:aws:securityhub:::",
		"arn:aws:securityhub:::insight/securityhub/default/",
		"arn:aws:securityhub:::insight/securityhub/default/+1",
		"arn:aws:securityhub:::insight/securityhub/default/1/2",
		"arn:aws:securityhub:::insight/securityhub/default/99999999",
		"arn:aws:securityhub:us-east-1::insight/securityhub/default/1",
		"arn:aws:securityhub::111122223333:insight/111122223333/custom/" + uuid,
		"arn:aws:securityhub:us-east-1::insight//custom/" + uuid,
		"arn:aws:securityhub:us-east-1:1111:insight/1111/custom/" + uuid,
		"arn:aws:securityhub:us-east-1:111122223333:insight/444455556666/custom/" + uuid,
		"arn:aws:securityhub:us-east-1:111122223333:insight/111122223333/custom/" + strings.ToUpper(uuid),
		"arn:aws:securityhub:us-east-1:111122223333:insight/111122223333/custom/" + uuid + "x",
		"arn:aws:securityhub:us-east-1:111122223333:insight/111122223333/default/" + uuid,
		"arn:aws:guardduty:us-east-1:111122223333:insight/111122223333/custom/" + uuid,
		"urn:aws:securityhub:us-east-1:111122223333:insight/111122223333/custom/" + uuid,
		"arn:azure:securityhub:us-east-1:111122223333:insight/111122223333/custom/" + uuid,
	} {
		_, ok := parseInsightARN(text)
		require.False(t, ok, text)
	}
}

func FuzzParseInsightARN(f *testing.F) {
	f.Add("arn:aws:securityhub:us-east-1:111122223333:insight/111122223333/custom/01937d1e-8f3a-7c11-9a2b-0123456789ab")
	f.Add("arn:aws:securityhub:::insight/securityhub/default/12")
	f.Fuzz(func(t *testing.T, text string) {
		if a, ok := parseInsightARN(text); ok && a.String() != text {
			t.Fatalf("%q printed as %q", text, a.String())
		}
	})
}

func TestNewUUID(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	seen := map[string]bool{}
	last := ""
	for range 1000 {
		s := newUUID(at)
		require.True(t, isUUID(s), s)
		require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, s)
		require.False(t, seen[s])
		seen[s] = true
		require.Less(t, last, s, "in the order of their making")
		last = s
		at = at.Add(time.Millisecond)
	}
	require.Equal(t, fmt.Sprintf("%012x", at.UnixMilli()), strings.ReplaceAll(newUUID(at), "-", "")[:12])
	for _, s := range []string{"", last[1:], last + "0", strings.Replace(last, "-", "x", 1), "g" + last[1:], last[:14] + "-" + last[15:]} {
		require.False(t, isUUID(s), s)
	}
}

// A record that cannot be read is the hub's own trouble, and names itself.
func TestSpoiltInsight(t *testing.T) {
	m := newMemStore()
	h := openHub(t, m, fixed("2026-01-01T00:00:00Z"))
	p := &iam.Principal{Account: "111122223333", Region: "us-east-1"}
	made, err := h.CreateInsight(t.Context(), p, &api.CreateInsightInput{Name: "n", Filters: []byte("{}"), GroupByAttribute: "Type"})
	require.NoError(t, err)
	name := "insight/us-east-1/" + made.InsightArn[strings.LastIndex(made.InsightArn, "/")+1:]
	require.True(t, json.Valid(m.state[p.Account][name]))
	memTx{m}.Put(p.Account, name, []byte("{"))
	_, err = h.GetInsights(t.Context(), p, &api.GetInsightsInput{})
	require.ErrorContains(t, err, name)
	_, err = h.GetInsightResults(t.Context(), p, &api.GetInsightResultsInput{InsightArn: made.InsightArn})
	require.ErrorContains(t, err, name)
	_, err = h.UpdateInsight(t.Context(), p, &api.UpdateInsightInput{InsightArn: made.InsightArn})
	require.ErrorContains(t, err, name)
}
