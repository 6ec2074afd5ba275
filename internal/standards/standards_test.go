package standards

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	arnForm     = regexp.MustCompile(`^arn:aws:securityhub:(us-east-1)?::(ruleset|standards)/[a-z0-9-]+/v/[0-9]+\.[0-9]+\.[0-9]+$`)
	requirement = regexp.MustCompile(`^(NIST\.800-53\.r5 [A-Z]{2}-[0-9]+(\([0-9]+\))?|PCI DSS v3\.2\.1/[0-9.]+|CIS AWS Foundations Benchmark v1\.[24]\.0/[0-9.]+)$`)
	sources     = []string{"export", "findings", "guide", "reference"}
)

// The tables are in order: what parse does not see by itself.
func TestTables(t *testing.T) {
	c, err := Load()
	require.NoError(t, err)
	require.Len(t, c.Standards, 10)
	require.Greater(t, len(c.Controls), 500)
	for _, s := range c.Standards {
		require.Regexp(t, arnForm, s.ARN("aws", "us-east-1"))
		require.Same(t, s, c.ByResource(s.Resource))
		require.Same(t, s, c.ByPath(s.Path()))
		require.Same(t, s, c.Standard(s.Key))
		require.NotEmpty(t, s.Members, s.Key)
		require.Equal(t, s.Key == "fsbp" || s.Key == "cis120", s.Default, s.Key)
	}
	require.Equal(t, "arn:aws:securityhub:::ruleset/cis-aws-foundations-benchmark/v/1.2.0", c.Standard("cis120").ARN("aws", "us-east-1"))
	for _, ctl := range c.Controls {
		require.Same(t, ctl, c.Control(ctl.ID))
		require.Less(t, len(ctl.Title), 250, "%s: a title is short", ctl.ID)
		require.False(t, strings.HasSuffix(ctl.Title, "."), "%s: a title is no sentence", ctl.ID)
		for _, m := range ctl.In {
			for _, r := range m.Requirements {
				require.Regexp(t, requirement, r, ctl.ID)
			}
		}
		for _, p := range ctl.Parameters {
			checkParameter(t, ctl, p)
		}
	}
	n := 0
	for line := range strings.Lines(controlsTable) {
		if line[0] == '#' {
			continue
		}
		cols := strings.Split(line, "\t")
		said := strings.Split(cols[2], ",")
		require.True(t, slices.IsSorted(said), cols[0])
		for _, s := range said {
			require.Contains(t, sources, s, "%s: a source that the head does not explain", cols[0])
		}
		n++
	}
	require.Equal(t, len(c.Controls), n)
}

func checkParameter(t *testing.T, ctl *Control, p *Parameter) {
	t.Helper()
	what := ctl.ID + " " + p.Name
	for _, v := range p.Default {
		switch p.Type {
		case "Boolean":
			require.Contains(t, []string{"true", "false"}, v, what)
		case "Integer", "IntegerList", "Double":
			n, err := strconv.ParseFloat(v, 64)
			require.NoError(t, err, what)
			require.True(t, (p.Min == nil || n >= *p.Min) && (p.Max == nil || n <= *p.Max), what)
		case "Enum", "EnumList":
			require.True(t, len(p.Allowed) == 0 || slices.Contains(p.Allowed, v), what)
		}
	}
	require.True(t, len(p.Default) < 2 || strings.HasSuffix(p.Type, "List"), what)
	require.True(t, len(p.Allowed) == 0 || strings.HasPrefix(p.Type, "Enum"), what)
	require.True(t, p.MaxItems == 0 || strings.HasSuffix(p.Type, "List"), what)
}

// What a standard calls its controls.
func TestMembers(t *testing.T) {
	c, err := Load()
	require.NoError(t, err)
	cis := c.Standard("cis120")
	var ids []string
	for _, m := range cis.Members {
		ids = append(ids, m.ID)
	}
	require.Len(t, ids, 43)
	require.Equal(t, []string{"1.1", "1.2", "1.3", "1.4"}, ids[:4])
	require.Less(t, slices.Index(ids, "1.9"), slices.Index(ids, "1.10"))
	twice := c.Control("CloudWatch.1").Of(cis)
	require.Equal(t, []string{"1.1", "3.3"}, twice.IDs)
	require.Equal(t, []string{"CIS AWS Foundations Benchmark v1.2.0/1.1", "CIS AWS Foundations Benchmark v1.2.0/3.3"}, twice.Requirements)
	require.Equal(t, []string{"PCI.S3.6"}, c.Control("S3.1").Of(c.Standard("pci321")).IDs)
	require.Nil(t, c.Control("S3.1").Of(cis))
}

// A table with a mistake is refused, by its line.
func TestMistakes(t *testing.T) {
	const s = "a\tstandards/a/v/1.0.0\tno\tx\tA\ta\n"
	const good = "S3.1\tLOW\tx\ta\tt\t-\n"
	for want, tables := range map[string][3]string{
		"standards.tsv:2: standard a stands twice":                              {s + s},
		"standards.tsv:1: resource \"standards/a\"":                             {"a\tstandards/a\tno\tx\tA\ta\n"},
		"standards.tsv:1: default \"\\x00\"":                                    {"a\tstandards/a/v/1\t\x00\tx\tA\ta\n"},
		"standards.tsv:2: standard b stands after a":                            {"a\tstandards/b/v/1.0.0\tno\tx\tA\ta\nb\truleset/a/v/1\tno\tx\tA\ta\n"},
		"standards.tsv:1: 1 columns, or an empty one: 6 are wanted":             {"a\n"},
		"controls.tsv:1: severity \"BIG\"":                                      {s, "S3.1\tBIG\tx\ta\tt\t-\n"},
		"controls.tsv:2: control S3.1 stands after S3.1":                        {s, good + good},
		"controls.tsv:1: control id \"S3.01\"":                                  {s, "S3.01\tLOW\tx\ta\tt\t-\n"},
		"controls.tsv:1: standard \"b\" is unknown or stands twice":             {s, "S3.1\tLOW\tx\tb\tt\t-\n"},
		"controls.tsv:2: 1 of standard a stands twice":                          {s, "S3.1\tLOW\tx\ta=1\tt\t-\nS3.2\tLOW\tx\ta=1\tt\t-\n"},
		"controls.tsv:1: requirements \"a:1\"":                                  {s, "S3.1\tLOW\tx\ta\tt\ta:1\n"},
		"parameters.tsv:1: control \"S3.2\" is unknown":                         {s, good, "S3.2\tp\tInteger\t-\t-\t-\t-\t-\n"},
		"parameters.tsv:1: type \"Text\"":                                       {s, good, "S3.1\tp\tText\t-\t-\t-\t-\t-\n"},
		"parameters.tsv:2: parameter p stands after p":                          {s, good, strings.Repeat("S3.1\tp\tInteger\t-\t-\t-\t-\t-\n", 2)},
		"parameters.tsv:1: strconv.ParseFloat: parsing \"low\": invalid syntax": {s, good, "S3.1\tp\tInteger\t-\tlow\t-\t-\t-\n"},
		"parameters.tsv:1: strconv.Atoi: parsing \"many\": invalid syntax":      {s, good, "S3.1\tp\tStringList\t-\t-\t-\t-\tmany\n"},
		"controls.tsv:1: requirements of a standard that does not have it":      {s + "nist53\tstandards/n/v/5\tno\tx\tA\ta\n", "S3.1\tLOW\tx\ta\tt\tnist53:A-1\n"},
	} {
		_, err := parse(tables[0], tables[1], tables[2])
		require.EqualError(t, err, want)
	}
}
