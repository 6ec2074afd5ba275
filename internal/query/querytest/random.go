package querytest

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"pgregory.net/rapid"

	"hubcap/internal/asff"
	"hubcap/internal/query"
)

// texts are values that share prefixes, parts and letters, differ in case, and need quotes and escapes.
var texts = []string{"alpha", "Alpha", "alphabet", "beta", "a", "a b", "ärger", "ÄRGER", `q"\`, "tab\tx", "in", "10.0.0.1", "日本"}

// vocabulary holds the values of the attributes that do not take any text. All are valid, so that the findings are.
var vocabulary = map[asff.Field][]string{
	asff.FieldAwsAccountId:                                   {Account, "222233334444"},
	asff.FieldComplianceStatus:                               {"PASSED", "WARNING", "FAILED", "NOT_AVAILABLE"},
	asff.FieldFindingProviderFieldsRelatedFindingsProductArn: {ProductArn},
	asff.FieldFindingProviderFieldsSeverityLabel:             severities,
	asff.FieldFindingProviderFieldsTypes:                     types,
	asff.FieldId:                                             {"1", "2", "3", "4", "5", "6", "7", "8", "9"},
	asff.FieldMalwareState:                                   {"OBSERVED", "REMOVAL_FAILED", "REMOVED"},
	asff.FieldMalwareType:                                    {"ADWARE", "BOTNET_AGENT", "WORM"},
	asff.FieldNetworkDirection:                               {"IN", "OUT"},
	asff.FieldNetworkSourceMac:                               {"00:0d:83:b1:c0:8e", "00:0d:83:b1:c0:8f"},
	asff.FieldProductArn:                                     {ProductArn},
	asff.FieldRecordState:                                    {"ACTIVE", "ARCHIVED"},
	asff.FieldRegion:                                         {Region},
	asff.FieldRelatedFindingsProductArn:                      {ProductArn},
	asff.FieldResourceApplicationArn:                         {ProductArn},
	asff.FieldResourcePartition:                              {"aws", "aws-cn", "aws-us-gov"},
	asff.FieldResourceAwsIamAccessKeyStatus:                  {"Active", "Inactive"},
	asff.FieldSample:                                         {"true", "false"},
	asff.FieldSeverityLabel:                                  severities,
	asff.FieldSourceUrl:                                      {"https://example.com/a", "https://example.com/b"},
	asff.FieldThreatIntelIndicatorCategory:                   {"BACKDOOR", "CARD_STEALER", "KEYLOGGER"},
	asff.FieldThreatIntelIndicatorSourceUrl:                  {"https://example.com/a", "https://example.com/b"},
	asff.FieldThreatIntelIndicatorType:                       {"DOMAIN", "EMAIL_ADDRESS", "HASH_MD5"},
	asff.FieldType:                                           types,
	asff.FieldVerificationState:                              {"UNKNOWN", "TRUE_POSITIVE", "FALSE_POSITIVE", "BENIGN_POSITIVE"},
	asff.FieldVulnerabilitiesExploitAvailable:                {"YES", "NO"},
	asff.FieldVulnerabilitiesFixAvailable:                    {"YES", "NO", "PARTIAL"},
	asff.FieldWorkflowState:                                  {"NEW", "RESOLVED"},
	asff.FieldWorkflowStatus:                                 {"NEW", "NOTIFIED", "RESOLVED", "SUPPRESSED"},
}

var (
	severities = []string{"INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"}
	types      = []string{"Effects", "Effects/Data Exposure", "TTPs/Discovery", "TTPs/Discovery/Recon"}
	numbers    = []string{"0", "1", "5", "50", "99", "100"}
	fractions  = []string{"0", "0.5", "1.0", "1", "7.25"}
	addresses  = []string{"10.0.0.1", "10.0.0.2", "10.1.0.1", "192.168.0.1", "2001:db8::1", "2001:db8:0::1", "::1", "none"}
	networks   = []string{"10.0.0.0/8", "10.0.0.0/16", "10.0.0.1/32", "0.0.0.0/0", "::/0", "2001:db8::/32", "2001:db8::1/128"}
	keys       = []string{"env", "team", "a b", "Env"}
	// The same instant in two zones, neighbours a millisecond apart, and both ends of a day.
	dates = []string{
		"2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "2026-01-01T00:00:00.001Z", "2025-12-31T23:59:59.999Z",
		"2026-03-31T12:00:00Z", "2026-03-30T12:00:00.000Z", "2024-02-29T10:00:00-0730",
	}
	// hot attributes are drawn more often than the rest, so that questions meet findings.
	hot = []asff.Field{
		asff.FieldSeverityLabel, asff.FieldWorkflowStatus, asff.FieldTitle, asff.FieldType, asff.FieldResourceId, asff.FieldResourceTags,
		asff.FieldUpdatedAt, asff.FieldConfidence, asff.FieldVerificationState, asff.FieldSample, asff.FieldNetworkSourceIpV4,
		asff.FieldCreatedAt, asff.FieldUserDefinedFields, asff.FieldMalwareName, asff.FieldId,
	}
)

// valuesOf lists the texts of an attribute's values.
func valuesOf(f asff.Field) []string {
	if vs, ok := vocabulary[f]; ok {
		return vs
	}
	switch f.Kind() {
	case asff.KindNumber:
		if f == asff.FieldSeverityProduct {
			return fractions
		}
		return numbers
	case asff.KindDate:
		return dates
	case asff.KindIP:
		return addresses
	default:
		return texts
	}
}

func attribute() *rapid.Generator[asff.Field] {
	return rapid.OneOf(rapid.SampledFrom(hot), rapid.SampledFrom(asff.Fields()))
}

// Findings generates valid findings of few identities, with values that Exprs asks for.
func Findings() *rapid.Generator[Doc] {
	return rapid.Custom(func(t *rapid.T) Doc {
		finding := map[string]any{}
		place(finding, asff.FieldId.Path(), 0, rapid.SampledFrom(valuesOf(asff.FieldId)).Draw(t, "Id"))
		for _, f := range rapid.SliceOfNDistinct(attribute(), 0, 25, rapid.ID[asff.Field]).Draw(t, "attributes") {
			if f.Kind() == asff.KindKeyword || f == asff.FieldId {
				continue
			}
			n := 1
			if f.List() {
				n = rapid.IntRange(1, 3).Draw(t, "n")
			}
			for i := range n {
				place(finding, pathOf(t, f), i, value(f, rapid.SampledFrom(valuesOf(f)).Draw(t, f.Name())))
			}
		}
		complete(finding)
		text, err := json.Marshal(finding)
		if err != nil {
			t.Fatalf("marshal: %v", err)
		}
		doc, err := newDoc(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return doc
	})
}

// pathOf is where a value goes; for a map, under a random key.
func pathOf(t *rapid.T, f asff.Field) string {
	if f.Kind() != asff.KindMap {
		return f.Path()
	}
	return strings.TrimSuffix(f.Path(), "{}") + "." + rapid.SampledFrom(keys).Draw(t, "key")
}

// value is the JSON value of an attribute's text.
func value(f asff.Field, text string) any {
	switch f.Kind() {
	case asff.KindNumber:
		return json.Number(text)
	case asff.KindBool:
		return text == "true"
	default:
		return text
	}
}

// place puts v at a path into a finding; the first list on the way takes it in element i, an inner one at its end.
func place(in map[string]any, path string, i int, v any) {
	name, rest, deeper := strings.Cut(path, ".")
	name, isList := strings.CutSuffix(name, "[]")
	switch {
	case isList && !deeper:
		list, _ := in[name].([]any)
		if !slices.Contains(list, v) { // lists of texts are sets
			in[name] = append(list, v)
		}
	case isList:
		list, _ := in[name].([]any)
		for len(list) <= i {
			list = append(list, map[string]any{})
		}
		in[name] = list
		place(list[i].(map[string]any), rest, 0, v) // only maps were put there
	case deeper:
		inner, ok := in[name].(map[string]any)
		if !ok {
			inner = map[string]any{}
			in[name] = inner
		}
		place(inner, rest, i, v)
	default:
		in[name] = v
	}
}

// required lists what the format wants beside the attributes that were drawn.
var required = []struct {
	path, member string
	value        any
}{
	{"", "SchemaVersion", "2018-10-08"},
	{"", "ProductArn", ProductArn},
	{"", "GeneratorId", "g"},
	{"", "AwsAccountId", Account},
	{"", "CreatedAt", "2026-01-01T00:00:00Z"},
	{"", "UpdatedAt", "2026-01-01T00:00:00Z"},
	{"", "Title", "t"},
	{"", "Description", "d"},
	{"", "Types", []any{"Effects"}},
	{"", "Severity", map[string]any{}},
	{"", "Resources", []any{map[string]any{}}},
	{"Severity", "Label", "LOW"},
	{"FindingProviderFields.Severity", "Label", "LOW"},
	{"FindingProviderFields.RelatedFindings[]", "Id", "x"},
	{"FindingProviderFields.RelatedFindings[]", "ProductArn", ProductArn},
	{"RelatedFindings[]", "Id", "x"},
	{"RelatedFindings[]", "ProductArn", ProductArn},
	{"Resources[]", "Type", "Other"},
	{"Resources[]", "Id", "r"},
	{"Malware[]", "Name", "m"},
	{"Note", "Text", "n"},
	{"Note", "UpdatedBy", "u"},
	{"Note", "UpdatedAt", "2026-01-01T00:00:00Z"},
	{"Vulnerabilities[]", "Id", "CVE-2026-1"},
}

// complete adds what is required and absent.
func complete(finding map[string]any) {
	for _, r := range required {
		addMissing(finding, r.path, r.member, r.value)
	}
}

func addMissing(in any, path, member string, v any) {
	object, ok := in.(map[string]any)
	if !ok {
		return
	}
	if path == "" {
		if _, has := object[member]; !has {
			object[member] = v
		}
		return
	}
	name, rest, _ := strings.Cut(path, ".")
	name, isList := strings.CutSuffix(name, "[]")
	if !isList {
		addMissing(object[name], rest, member, v)
		return
	}
	list, _ := object[name].([]any)
	for _, element := range list {
		addMissing(element, rest, member, v)
	}
}

// Exprs generates conditions on the attributes and values of Findings, three levels deep at most.
func Exprs() *rapid.Generator[query.Expr] { return exprs(3) }

func exprs(depth int) *rapid.Generator[query.Expr] {
	return rapid.Custom(func(t *rapid.T) query.Expr {
		most := 9
		if depth == 0 {
			most = 5
		}
		switch n := rapid.IntRange(0, most).Draw(t, "op"); n {
		case 6:
			return query.Negate(exprs(depth-1).Draw(t, "not"))
		case 7, 8, 9:
			op := query.And
			if n == 9 {
				op = query.Or
			}
			return query.Expr{Op: op, Args: rapid.SliceOfN(exprs(depth-1), 0, 4).Draw(t, "args")}
		case 0:
			return query.Expr{Op: rapid.SampledFrom([]query.Op{query.All, query.None}).Draw(t, "all or none")}
		case 1:
			return query.Expr{Op: query.Is, Cond: conds().Draw(t, "is")}
		default:
			return query.Where(conds().Draw(t, "where"))
		}
	})
}

func conds() *rapid.Generator[query.Cond] {
	return rapid.Custom(func(t *rapid.T) query.Cond {
		f := attribute().Draw(t, "attribute")
		c := query.Cond{Field: f}
		if f.Kind() == asff.KindKeyword {
			c.Cmp = query.Keyword
			c.Text = part(t, rapid.SampledFrom(texts).Draw(t, "word"), true)
			return c
		}
		if f.Kind() == asff.KindMap {
			c.Key = rapid.SampledFrom(keys).Draw(t, "key")
		}
		if rapid.IntRange(0, 7).Draw(t, "exists") == 0 {
			c.Cmp = query.Exists
			return c
		}
		switch f.Kind() {
		case asff.KindNumber, asff.KindDate:
			c.Cmp = query.Range
			c.Lo, c.LoOpen = bound(t, f, -1)
			c.Hi, c.HiOpen = bound(t, f, 1)
			if rapid.Bool().Draw(t, "equal") {
				c.Hi, c.LoOpen, c.HiOpen = c.Lo, false, false
			}
		case asff.KindIP:
			c.Cmp, c.Text = query.InCIDR, rapid.SampledFrom(networks).Draw(t, "network")
		case asff.KindBool:
			c.Cmp, c.Text = query.Equals, rapid.SampledFrom(valuesOf(f)).Draw(t, "value")
		default:
			c.Text = rapid.SampledFrom(valuesOf(f)).Draw(t, "value")
			c.Cmp = rapid.SampledFrom([]query.Cmp{query.Equals, query.Prefix, query.Contains}).Draw(t, "cmp")
			if c.Cmp != query.Equals {
				c.Text = part(t, c.Text, c.Cmp == query.Contains)
			}
		}
		return c
	})
}

// part cuts a text down to some characters of it, from its start unless anywhere is set.
func part(t *rapid.T, text string, anywhere bool) string {
	runes := []rune(text)
	from := 0
	if anywhere {
		from = rapid.IntRange(0, len(runes)-1).Draw(t, "from")
	}
	to := rapid.IntRange(from+1, len(runes)).Draw(t, "to")
	return string(runes[from:to])
}

// bound draws one end of a Range: one of the attribute's values, a neighbour of it, or none.
func bound(t *rapid.T, f asff.Field, direction int) (x float64, open bool) {
	if rapid.IntRange(0, 3).Draw(t, "unbounded") == 0 {
		return math.Inf(direction), false
	}
	text := rapid.SampledFrom(valuesOf(f)).Draw(t, "bound")
	if f.Kind() == asff.KindDate {
		ms, ok := asff.ParseTime([]byte(text))
		if !ok {
			t.Fatalf("%s is no instant", text)
		}
		x = float64(ms)
	} else {
		var err error
		if x, err = strconv.ParseFloat(text, 64); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	return x + float64(rapid.IntRange(-1, 1).Draw(t, "beside")), rapid.Bool().Draw(t, "open")
}

// Sorts generates sort criteria, none among them.
func Sorts() *rapid.Generator[[]query.SortKey] {
	key := rapid.Custom(func(t *rapid.T) query.SortKey {
		return query.SortKey{Field: attribute().Filter(query.Sortable).Draw(t, "by"), Desc: rapid.Bool().Draw(t, "desc")}
	})
	return rapid.SliceOfN(key, 0, 3)
}

// Groups generates groupings.
func Groups() *rapid.Generator[query.Group] {
	return rapid.Custom(func(t *rapid.T) query.Group {
		g := query.Group{
			Where: Exprs().Draw(t, "where"),
			By:    attribute().Filter(func(f asff.Field) bool { return f.Kind() != asff.KindKeyword }).Draw(t, "by"),
			Limit: rapid.IntRange(1, 10).Draw(t, "limit"),
		}
		if g.By.Kind() == asff.KindMap {
			g.Key = rapid.SampledFrom(keys).Draw(t, "key")
		}
		return g
	})
}
