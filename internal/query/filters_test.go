package query_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"hubcap/internal/asff"
	"hubcap/internal/query"
)

// clock is the instant at which the tests resolve relative dates.
var clock = time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)

// TestFilters compiles the filters of testdata/filters and prints what they ask for, or what is wrong with them. Options: contains
// (admit CONTAINS), name=N, attributes=N, values=N, only=A (one attribute, with at most 2 conditions).
func TestFilters(t *testing.T) {
	datadriven.Walk(t, "testdata/filters", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			o := query.Options{AllowContains: d.HasArg("contains")}
			d.MaybeScanArgs(t, "name", &o.Name)
			d.MaybeScanArgs(t, "attributes", &o.MaxAttributes)
			d.MaybeScanArgs(t, "values", &o.MaxValues)
			var only string
			if d.MaybeScanArgs(t, "only", &only) {
				o.Attribute = func(f asff.Field) (int, bool) { return 2, f.Name() == only }
			}
			e, err := query.Compile([]byte(d.Input), clock, o)
			if err != nil {
				var bad *query.ParamError
				require.ErrorAs(t, err, &bad)
				require.NotEmpty(t, bad.Name)
				return err.Error()
			}
			again, err := query.Parse(e.String())
			require.NoError(t, err)
			require.Equal(t, e.String(), again.String())
			return e.String()
		})
	})
}

// The API reads at most 10 attributes and 20 conditions each (spec 4.1); a rule may allow more (spec 8.4).
func TestFilterLimits(t *testing.T) {
	condition := `{"Value":"x","Comparison":"EQUALS"}`
	filters := func(attributes, values int) []byte {
		var members []string
		for _, f := range asff.Fields() {
			if f.Kind() == asff.KindString && len(members) < attributes {
				members = append(members, `"`+f.Name()+`":[`+strings.TrimSuffix(strings.Repeat(condition+",", values), ",")+`]`)
			}
		}
		return []byte("{" + strings.Join(members, ",") + "}")
	}
	_, err := query.Compile(filters(10, 20), clock, query.Options{})
	require.NoError(t, err)
	_, err = query.Compile(filters(11, 1), clock, query.Options{})
	require.EqualError(t, err, "Invalid parameter 'Filters'. should NOT have more than 10 properties.")
	_, err = query.Compile(filters(1, 21), clock, query.Options{})
	require.EqualError(t, err, "Invalid parameter 'Filters.AwsAccountId'. should NOT have more than 20 items.")

	rule := query.Options{Name: "Criteria", MaxAttributes: 38, Attribute: func(f asff.Field) (int, bool) {
		if f == asff.FieldAwsAccountId {
			return 100, true
		}
		return 0, true
	}}
	_, err = query.Compile(filters(1, 100), clock, rule)
	require.NoError(t, err)
	_, err = query.Compile(filters(1, 101), clock, rule)
	require.EqualError(t, err, "Invalid parameter 'Criteria.AwsAccountId'. should NOT have more than 100 items.")
	_, err = query.Compile(filters(38, 20), clock, rule)
	require.NoError(t, err)
	_, err = query.Compile(filters(2, 21), clock, rule)
	require.EqualError(t, err, "Invalid parameter 'Criteria.AwsAccountName'. should NOT have more than 20 items.")
}

// sample is, for each kind, a value, a filter condition that it meets and one that it does not.
var sample = map[asff.FieldKind]struct{ value, meets, misses string }{
	asff.KindString: {
		`"MATCH me"`, `{"Comparison":"PREFIX","Value":"MATCH"}`, `{"Comparison":"EQUALS","Value":"match me"}`,
	},
	asff.KindNumber: {`42`, `{"Gt":41,"Lte":42}`, `{"Eq":41}`},
	asff.KindDate: {
		`"2026-03-01T00:00:00.000Z"`,
		`{"Start":"2026-03-01T01:00:00+01:00","End":"2026-03-01T00:00:00Z"}`, `{"DateRange":{"Value":30,"Unit":"DAYS"}}`,
	},
	asff.KindIP:   {`"10.1.2.3"`, `{"Cidr":"10.1.255.255/16"}`, `{"Cidr":"10.1.2.4"}`},
	asff.KindMap:  {`"MATCH me"`, `{"Key":"k","Comparison":"EQUALS","Value":"MATCH me"}`, `{"Key":"K","Comparison":"EQUALS","Value":"MATCH me"}`},
	asff.KindBool: {`true`, `{"Value":true}`, `{"Value":false}`},
}

// document builds the smallest finding that has a value at the attribute's path.
func document(f asff.Field, value string) string {
	path := f.Path()
	var open, shut string
	for path != "" {
		end := strings.IndexAny(path, ".[{")
		if end < 0 {
			end = len(path)
		}
		if name := path[:end]; name != "" {
			open, shut = open+`{"`+name+`":`, "}"+shut
		}
		switch path = path[end:]; {
		case strings.HasPrefix(path, "[]"):
			open, shut, path = open+"[", "]"+shut, path[2:]
		case strings.HasPrefix(path, "{}"):
			open, shut, path = open+`{"k":`, "}"+shut, path[2:]
		}
		path = strings.TrimPrefix(path, ".")
	}
	return open + value + shut
}

// Every attribute compiles, reads its place in a document, and matches there and nowhere else.
func TestEveryAttribute(t *testing.T) {
	require.Len(t, asff.Fields(), 104)
	var r asff.Reader
	for _, f := range asff.Fields() {
		t.Run(f.Name(), func(t *testing.T) {
			compile := func(condition string) query.Expr {
				e, err := query.Compile([]byte(`{"`+f.Name()+`":[`+condition+`]}`), clock, query.Options{})
				require.NoError(t, err)
				return e
			}
			if f.Kind() == asff.KindKeyword {
				vs := []asff.Value{{Field: asff.FieldTitle, Text: []byte("the Word is here")}}
				hit, miss := compile(`{"Value":"wORD"}`), compile(`{"Value":"words"}`)
				require.True(t, query.Match(&hit, vs))
				require.False(t, query.Match(&miss, vs))
				return
			}
			s, ok := sample[f.Kind()]
			require.True(t, ok)
			hit, miss := compile(s.meets), compile(s.misses)
			doc := document(f, s.value)
			vs := r.Values([]byte(doc))
			require.True(t, query.Match(&hit, vs), "%s should match %s, values %q", hit, doc, vs)
			require.False(t, query.Match(&miss, vs), "%s should not match %s", miss, doc)
			require.False(t, query.Match(&hit, nil), "a finding without it")
			for i := range vs {
				require.Equal(t, f, vs[i].Field, "no other attribute reads the place")
			}
		})
	}
}

// FuzzCompile: any bytes give an expression that prints, or a ParamError; never a panic.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		``, `null`, `{}`, `[`, `{"Title":null}`, `{"Title":[null]}`, `{"Title":[{}]}`, `{"Title":[],"Title":[]}`, `{} {}`,
		`{"Title":[{"Value":"x","Comparison":"PREFIX"}],"ResourceTags":[{"Key":"k","Value":"v","Comparison":"NOT_EQUALS"}]}`,
		`{"UpdatedAt":[{"DateRange":{"Unit":"DAYS","Value":1,"Comparison":"OLDER_THAN"}},{"Start":"2026-01-01T00:00:00Z","End":"2026-01-01T23:59:60Z"}]}`,
		`{"Confidence":[{"Gte":1,"Lt":1e2}],"Sample":[{"Value":false}],"Keyword":[{"Value":"a"}],"NetworkSourceIpV6":[{"Cidr":"2001:db8::1/32"}]}`,
	} {
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, filters []byte, contains bool) {
		e, err := query.Compile(filters, clock, query.Options{AllowContains: contains})
		if err != nil {
			var bad *query.ParamError
			require.ErrorAs(t, err, &bad)
			return
		}
		again, err := query.Parse(e.String())
		require.NoError(t, err, "%s", e)
		require.Equal(t, e.String(), again.String())
		query.Match(&e, nil)
	})
}
