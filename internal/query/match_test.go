package query_test

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hubcap/internal/asff"
	"hubcap/internal/query"
	"hubcap/internal/query/querytest"
)

// finding turns lines "Attribute text" or "Attribute[key] text" into values.
func finding(t testing.TB, lines string) []asff.Value {
	t.Helper()
	var vs []asff.Value
	for line := range strings.Lines(lines) {
		name, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		var v asff.Value
		if at, key, ok := strings.Cut(strings.TrimSuffix(name, "]"), "["); ok {
			name, v.Key = at, []byte(key)
		}
		f, ok := asff.FieldByName(name)
		require.True(t, ok, "%s", line)
		v.Field, v.Text = f, []byte(text)
		vs = append(vs, v)
	}
	return vs
}

// TestMatch judges conditions by the finding given before them: + it matches, - it does not. Documents that no import would
// accept are possible here; the rest of the rules stands in querytest's corpus, which every engine runs.
func TestMatch(t *testing.T) {
	datadriven.Walk(t, "testdata/match", func(t *testing.T, path string) {
		var vs []asff.Value
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd == "finding" {
				vs = finding(t, d.Input)
				return ""
			}
			var out strings.Builder
			for line := range strings.Lines(d.Input) {
				e, err := query.Parse(line)
				require.NoError(t, err, "%s", line)
				verdict := "- "
				if query.Match(&e, vs) {
					verdict = "+ "
				}
				out.WriteString(verdict + e.String() + "\n")
			}
			return out.String()
		})
	})
}

// The order in which a finding's values come does not matter.
func TestMatchIgnoresOrder(t *testing.T) {
	var r asff.Reader
	rapid.Check(t, func(t *rapid.T) {
		vs := r.Values(querytest.Findings().Draw(t, "finding").JSON)
		e := querytest.Exprs().Draw(t, "expr")
		before := query.Match(&e, vs)
		mixed := rapid.Permutation(vs).Draw(t, "order")
		require.Equal(t, before, query.Match(&e, mixed))
	})
}

const richFinding = `AwsAccountId 111122223333
Title An Amazon S3 bucket grants public access to everyone who asks for it, which is more than thirty-two bytes
Description Amazon S3 buckets should not be public
SeverityLabel HIGH
SeverityNormalized 70.5
WorkflowStatus NEW
RecordState ACTIVE
Confidence 42
CreatedAt 2026-01-01T00:00:00.123Z
UpdatedAt 2026-01-02T00:00:00+01:00
Type Effects/Data Exposure
Type TTPs/Discovery
ResourceType AwsS3Bucket
ResourceId arn:aws:s3:::a-bucket-with-a-rather-long-name-to-look-at
ResourceTags[env] production
NetworkSourceIpV4 10.1.2.3
NetworkSourceIpV6 2001:db8::10.1.2.3
NetworkDestinationIpV4 no address
ProductFields[aws/securityhub/CompanyName] Personal`

// Matching allocates nothing, whatever the comparison and however long the text.
func TestMatchAllocatesNothing(t *testing.T) {
	vs := finding(t, richFinding)
	for _, s := range []string{
		`SeverityLabel = HIGH and RecordState != ARCHIVED`,
		`Title contains "everyone who asks for it, which is more" and Title startswith "An Amazon S3 bucket grants public access to"`,
		`Keyword contains "EVERYONE WHO ASKS FOR IT, WHICH IS MORE THAN"`, `Keyword not contains ärger`,
		`Confidence = 42 and SeverityNormalized within (70, 71)`, `UpdatedAt >= 2026-01-01 and CreatedAt < 2027-01-01`,
		`NetworkSourceIpV4 in cidr 10.0.0.0/8 and NetworkSourceIpV6 in cidr 2001:db8::/32 and NetworkDestinationIpV4 not in cidr 0.0.0.0/0`,
		`ResourceTags[env] in (production, test) and ProductFields["aws/securityhub/CompanyName"] exists`,
		`not Confidence > 50 and VerificationState = UNKNOWN`,
	} {
		e, err := query.Parse(s)
		require.NoError(t, err)
		require.True(t, query.Match(&e, vs), s)
		require.Zero(t, testing.AllocsPerRun(10, func() { query.Match(&e, vs) }), s)
	}
}

// parseAddr is not exported; a network of one address shows what it reads. It agrees with net/netip but for zones.
func FuzzAddress(f *testing.F) {
	for _, seed := range []string{
		"10.0.0.1", "0.0.0.0", "255.255.255.255", "256.0.0.1", "01.0.0.1", "1.2.3", "1.2.3.4.5", "1..2.3", ".1.2.3", "1.2.3.", "::", "::1", "1::",
		"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::2::3", ":1", "1:", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::",
		"::ffff:10.0.0.1", "1:2:3:4:5:6:10.0.0.1", "1:2:3:4:5:6:7:10.0.0.1", "::10.0.0", "::1.2.3.4:5", "fe80::1%eth0", "2001:DB8::a", "", "x", ":::",
		"1:2:3:4:5:6:7::8", "::1:2:3:4:5:6:7:8", "1:2:3:4::5:6:1.2.3.4",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := netip.ParseAddr(s)
		ok := err == nil && a.Zone() == ""
		vs := []asff.Value{{Field: asff.FieldNetworkSourceIpV4, Text: []byte(s)}}
		within := func(cidr string) bool {
			e := query.Where(query.Cond{Field: asff.FieldNetworkSourceIpV4, Cmp: query.InCIDR, Text: cidr})
			return query.Match(&e, vs)
		}
		require.Equal(t, ok && a.Is4(), within("0.0.0.0/0"))
		require.Equal(t, ok && a.Is6(), within("::/0"))
		if ok {
			require.True(t, within(netip.PrefixFrom(a, a.BitLen()).String()))
		}
	})
}

// Keyword finds what a naive search with strings.EqualFold finds.
func FuzzKeyword(f *testing.F) {
	for _, seed := range [][2]string{
		{"My Bucket", "bUCKET"}, {"ſtraße", "STRA"}, {"\u212aelvin", "KELVIN"}, {"ΣΊΣΥΦΟΣ", "σίσυφος"}, {"aab", "ab"}, {"", "a"}, {"é", "É"}, {"ab", "abc"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, text, word string) {
		if len(text) > 60 || len(word) > 60 {
			return // the naive search is cubic
		}
		text, word = strings.ToValidUTF8(text, "?"), strings.ToValidUTF8(word, "?")
		e := query.Where(query.Cond{Field: asff.FieldKeyword, Cmp: query.Keyword, Text: word})
		vs := []asff.Value{{Field: asff.FieldTitle, Text: []byte(text)}}
		want := word == ""
		for i := range text {
			for j := range text[i:] {
				want = want || strings.EqualFold(text[i:i+j], word)
			}
			want = want || strings.EqualFold(text[i:], word)
		}
		require.Equal(t, want, query.Match(&e, vs), "%q in %q", word, text)
	})
}

// Contains finds what bytes.Contains finds.
func TestContains(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ab]{0,12}`).Draw(t, "text")
		part := rapid.StringMatching(`[ab]{0,4}`).Draw(t, "part")
		e := query.Where(query.Cond{Field: asff.FieldTitle, Cmp: query.Contains, Text: part})
		vs := []asff.Value{{Field: asff.FieldTitle, Text: []byte(text)}}
		require.Equal(t, bytes.Contains([]byte(text), []byte(part)), query.Match(&e, vs))
	})
}

func BenchmarkMatch(b *testing.B) {
	vs := finding(b, richFinding)
	for len(vs) < 73 { // as many as the measured findings have
		vs = append(vs, asff.Value{Field: asff.FieldResourceTags, Key: []byte("another"), Text: []byte("value of a tag")})
	}
	for _, c := range []struct{ name, where string }{
		{"equal", `SeverityLabel = HIGH and RecordState = ACTIVE and WorkflowStatus = NEW`},
		{"contains", `Title contains "which is"`},
		{"keyword", `Keyword contains "nowhere to be found"`},
		{"date", `UpdatedAt >= 2026-01-01`},
		{"number", `Confidence within [40, 50]`},
		{"cidr", `NetworkSourceIpV6 in cidr 2001:db8::/32`},
		{"tag", `ResourceTags[env] = production`},
		{"20 values", `ResourceId in (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t)`},
		{"seven", `SeverityLabel = HIGH and RecordState = ACTIVE and Type startswith TTPs and ResourceTags[env] != test and ` +
			`Confidence > 10 and UpdatedAt > 2026-01-01 and Title not contains zzz`},
	} {
		b.Run(c.name, func(b *testing.B) {
			e, err := query.Parse(c.where)
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				query.Match(&e, vs)
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	filters := []byte(`{"SeverityLabel":[{"Value":"HIGH","Comparison":"EQUALS"},{"Value":"CRITICAL","Comparison":"EQUALS"}],` +
		`"RecordState":[{"Value":"ACTIVE","Comparison":"EQUALS"}],"UpdatedAt":[{"DateRange":{"Value":7,"Unit":"DAYS"}}]}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := query.Compile(filters, clock, query.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
