package asff

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
)

// sampleMembers are a finding that has what it must have and no more.
var sampleMembers = []string{
	`"SchemaVersion":"2018-10-08"`,
	`"Id":"f-1"`,
	`"ProductArn":"arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default"`,
	`"GeneratorId":"g"`,
	`"AwsAccountId":"111122223333"`,
	`"CreatedAt":"2026-01-02T03:04:05Z"`,
	`"UpdatedAt":"2026-01-02T03:04:05Z"`,
	`"Title":"t"`,
	`"Description":"d"`,
	`"Resources":[{"Type":"Other","Id":"r"}]`,
	`"FindingProviderFields":{"Severity":{"Label":"LOW"},"Types":["T"]}`,
}

var repeats = regexp.MustCompile(`<([^<>*]+)\*(\d+)>`)

// sampleWith writes the sample as the lines ask: `"Name":value` takes the place of that member or goes behind the others, `-Name`
// takes it away, `+text` goes behind the others as it stands. <x*n> is x, n times, with # for the number of the time.
func sampleWith(tb testing.TB, lines string) string {
	tb.Helper()
	members := append([]string(nil), sampleMembers...)
	lines = repeats.ReplaceAllStringFunc(lines, func(s string) string {
		m := repeats.FindStringSubmatch(s)
		n, err := strconv.Atoi(m[2])
		require.NoError(tb, err)
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.ReplaceAll(m[1], "#", strconv.Itoa(i)))
		}
		return b.String()
	})
	for line := range strings.Lines(lines) {
		line = strings.TrimSuffix(line, "\n")
		at := func(name string) int {
			for i, m := range members {
				if strings.HasPrefix(m, `"`+name+`":`) {
					return i
				}
			}
			return -1
		}
		switch {
		case strings.HasPrefix(line, "-"):
			i := at(line[1:])
			require.GreaterOrEqual(tb, i, 0, "no member %s to take away", line[1:])
			members = append(members[:i], members[i+1:]...)
		case strings.HasPrefix(line, "+"):
			members = append(members, line[1:])
		default:
			name, _, ok := strings.Cut(strings.TrimPrefix(line, `"`), `":`)
			require.True(tb, ok, "no member: %s", line)
			if i := at(name); i >= 0 {
				members[i] = line
			} else {
				members = append(members, line)
			}
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

// TestScan runs the cases of testdata/scan. The commands, with their input:
//
//	check [aws]   changes to the sample finding   its violations as AJV writes them
//	refuse        likewise                        the sentence that AWS answers with
//	lint          likewise                        its violations with keyword, pointer, value and remedy
//	doc           likewise                        its canonical document, without what the sample begins with
//	read          the text of a finding           its violations, or the canonical document
//	request       the body of a request           the findings' ids, or the error
//	values        changes to the sample finding   its filterable values beyond those of the sample
//	size          likewise                        bytes sent less bytes counted
func TestScan(t *testing.T) {
	datadriven.Walk(t, "testdata/scan", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var b strings.Builder
			if d.Cmd == "request" {
				printRequest(&b, d.Input)
				return b.String()
			}
			text := d.Input
			if d.Cmd != "read" {
				text = sampleWith(t, d.Input)
			}
			var r Reader
			f, err := r.Check([]byte(text), Options{RefuseUnknown: d.HasArg("aws")})
			if err != nil {
				return "syntax: " + err.Error()
			}
			requireFixpoint(t, f)
			switch d.Cmd {
			case "check":
				for _, v := range f.Violations {
					fmt.Fprintf(&b, "%s %s\n", v.Path, v.Message)
				}
			case "refuse":
				b.WriteString(ErrorMessage(f.Violations))
			case "lint":
				for _, v := range f.Violations {
					fmt.Fprintf(&b, "%s %s\n  %s at %q: %s\n  %s\n", v.Path, v.Message, v.Keyword, v.Pointer, v.Value, v.Remedy())
				}
			case "read", "doc":
				if len(f.Violations) > 0 {
					return "refused: " + ErrorMessage(f.Violations)
				}
				doc := string(f.Doc)
				if d.Cmd == "doc" {
					for _, m := range sampleMembers {
						doc = strings.Replace(doc, m, "", 1)
					}
					doc = strings.NewReplacer(",,", ",", "{,", "{", ",}", "}").Replace(regexp.MustCompile(`,{2,}`).ReplaceAllString(doc, ","))
				}
				b.WriteString(doc)
			case "values":
				sample := map[string]bool{}
				for _, v := range new(Reader).Values([]byte("{" + strings.Join(sampleMembers, ",") + "}")) {
					sample[fmt.Sprintf("%s %s %s", v.Field, v.Key, v.Text)] = true
				}
				for _, v := range r.Values(f.Doc) {
					if !sample[fmt.Sprintf("%s %s %s", v.Field, v.Key, v.Text)] {
						fmt.Fprintf(&b, "%s %q %q\n", v.Field, v.Key, v.Text)
					}
				}
			case "size":
				fmt.Fprint(&b, len(f.Raw)-f.CountedSize)
			default:
				d.Fatalf(t, "no command %s", d.Cmd)
			}
			if b.Len() == 0 {
				return "ok"
			}
			return b.String()
		})
	})
}

// TestMessageForms holds that each form of AJV's messages (spec 2.1.6) is the outcome of a case. The two others are of no use here:
// no map of the format must hold a pair (see TestPairsLowerLimit), and nothing in it is a oneOf.
func TestMessageForms(t *testing.T) {
	var cases strings.Builder
	datadriven.Walk(t, "testdata/scan", func(t *testing.T, path string) {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		cases.Write(text)
	})
	for _, form := range []string{
		`data should have required property '\w+'`, `data\S+ should have required property '\w+'`, `should NOT have additional properties`,
		`should NOT be longer than \d+ characters`, `should NOT be shorter than \d+ characters`, `should NOT have more than \d+ items`,
		`should NOT have fewer than \d+ items`, `should NOT have more than \d+ properties`, `should be equal to one of the allowed values`,
		`should match pattern "\S+"`, `should match format "date-time"`, `should be <= \d+`, `should be >= -?\d+`, `should be string`,
		`should be integer`, `should be number`, `should be array`, `should be object`, `should be boolean`,
		`should NOT have duplicate items \(items ## \d+ and \d+ are identical\)`, `should match some schema in anyOf`,
		`data\.Resources\[0\]\.Details\.Other\['\w+'\] should .*`,
	} {
		require.Regexp(t, `(?m)^(Finding does not adhere to Amazon Finding Format\. )?data.*`+strings.TrimPrefix(form, "data")+`\.?$`, cases.String(), form)
	}
}

// TestRawStaysAsSent holds that a canonical document leaves what was sent alone.
func TestRawStaysAsSent(t *testing.T) {
	text := sampleWith(t, "\"Confidence\":1.0e1\n\"Criticality\":-0\n\"Note\":null\n\"SourceUrl\":\"\\u0041\\/\"\n\"ProcessedAt\":\"2026-01-02T03:04:05.123456Z\"")
	f, err := new(Reader).Check([]byte(" "+text+"\n"), Options{})
	require.NoError(t, err)
	require.Empty(t, f.Violations)
	require.Equal(t, text, string(f.Raw))
	require.Equal(t, len(text), f.CountedSize)
	require.Equal(t, "10", string(f.Members.Get(f.Doc, TopConfidence)))
	require.Equal(t, "0", string(f.Members.Get(f.Doc, TopCriticality)))
	require.Equal(t, `"2026-01-02T03:04:05.123Z"`, string(f.Members.Get(f.Doc, TopProcessedAt)))
}

func printRequest(b *strings.Builder, body string) {
	var batch Batch
	err := batch.Read([]byte(body))
	var syntax *SyntaxError
	var wrong *TypeError
	switch {
	case errors.As(err, &syntax):
		fmt.Fprintf(b, "syntax: %v", err)
		return
	case errors.As(err, &wrong):
		fmt.Fprintf(b, "type: %v", err)
		return
	}
	fmt.Fprintf(b, "%d findings\n", batch.Count)
	for _, f := range batch.Findings {
		fmt.Fprintf(b, "%q %t %q %t %q %t: %s\n", f.ID, f.HasID, f.ProductArn, f.HasProductArn, f.AwsAccountID, f.HasAwsAccountID,
			ErrorMessage(f.Violations))
	}
}

// requireFixpoint holds that a canonical document reads as itself, and that Split finds in it what the scanner noted.
func requireFixpoint(tb testing.TB, f *Finding) {
	tb.Helper()
	if len(f.Violations) > 0 {
		require.Nil(tb, f.Doc)
		return
	}
	var r Reader
	again, err := r.Check(f.Doc, Options{})
	require.NoError(tb, err)
	require.Empty(tb, again.Violations, "%s", f.Doc)
	require.Equal(tb, string(f.Doc), string(again.Doc))
	require.Equal(tb, f.Members, again.Members)
	var m Members
	require.NoError(tb, Split(f.Doc, &m))
	require.Equal(tb, f.Members, m)
}
