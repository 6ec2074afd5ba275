package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// realFindings are findings of many producers, kept beside the project and never in it.
func realFindings(t *testing.T) map[string][]json.RawMessage {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "shared", "data", "asff", "*.json"))
	require.NoError(t, err)
	if len(files) == 0 {
		t.Skip("no real findings: the folder ../shared/data/asff is absent beside the project")
	}
	all := map[string][]json.RawMessage{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		var list []json.RawMessage
		require.NoError(t, json.Unmarshal(text, &list), name)
		all[filepath.Base(name)] = list
	}
	return all
}

// refusals are the reasons for which real findings are refused in the profile open, and how many there are of each. They were
// looked at one by one: the findings are wrong.
var refusals = map[string]int{
	`400 InvalidInputException productArn: "arn:aws::securityhub:us-east-1::product/aws/guardduty"`: 1, // a typing error of a manual

	`InvalidInput Finding does not adhere to Amazon Finding Format. data.AwsAccountId should match pattern "^[0-9]{12}$".`:                7,
	"InvalidInput Finding does not adhere to Amazon Finding Format. data.Compliance.Status should be equal to one of the allowed values.": 4,
	"InvalidInput Finding does not adhere to Amazon Finding Format. data.WorkflowState should be equal to one of the allowed values.":     2,
	"InvalidInput Finding does not adhere to Amazon Finding Format. data should have required property 'GeneratorId'.":                    1,
}

// TestRealFindings imports each real finding over HTTP. It is refused for a reason that is listed above, or comes back as it was
// sent but for what the service fills in (wanted).
func TestRealFindings(t *testing.T) {
	all := realFindings(t)
	hub := serve(t)
	got := map[string]int{}
	seen := map[string]int{}
	taken := 0
	for _, file := range slices.Sorted(maps.Keys(all)) {
		for i, raw := range all[file] {
			where := fmt.Sprintf("%s[%d]", file, i)
			sent := object(t, raw)
			// A second finding of the same name would update the first: it goes into a region of its own.
			name := fmt.Sprint(sent["AwsAccountId"], sent["ProductArn"], sent["Id"])
			seen[name]++
			region := fmt.Sprintf("us-east-%d", seen[name])

			a := hub.post(t, operator, region, "/findings/import", slices.Concat([]byte(`{"Findings":[`), raw, []byte("]}")))
			if a.Status != 200 {
				var refused struct{ Code, Message string }
				require.NoError(t, json.Unmarshal([]byte(a.Body), &refused), where)
				got[fmt.Sprintf("%d %s %s", a.Status, refused.Code, refused.Message)]++
				continue
			}
			var out struct {
				SuccessCount, FailedCount int
				FailedFindings            []struct{ Id, ErrorCode, ErrorMessage string }
			}
			require.NoError(t, json.Unmarshal([]byte(a.Body), &out), where)
			require.Equal(t, 1, out.SuccessCount+out.FailedCount, where)
			if out.FailedCount == 1 {
				require.Equal(t, sent["Id"], out.FailedFindings[0].Id)
				got[out.FailedFindings[0].ErrorCode+" "+out.FailedFindings[0].ErrorMessage]++
				continue
			}
			taken++
			back := readBack(t, hub, region, sent)
			require.NotEmpty(t, back["ProductName"], where)
			require.NotEmpty(t, back["CompanyName"], where)
			require.Equal(t, wanted(sent, back, region), back, where)
		}
	}
	require.Equal(t, refusals, got)
	require.Positive(t, taken)
	t.Logf("%d findings imported and read back", taken)
}

func object(t *testing.T, raw []byte) map[string]any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var m map[string]any
	require.NoError(t, dec.Decode(&m))
	return m
}

// readBack asks for the finding as its account would.
func readBack(t *testing.T, hub *server, region string, sent map[string]any) map[string]any {
	t.Helper()
	is := func(name string) []map[string]any {
		return []map[string]any{{"Value": sent[name], "Comparison": "EQUALS"}}
	}
	question, err := json.Marshal(map[string]any{"Filters": map[string]any{"Id": is("Id"), "ProductArn": is("ProductArn")}})
	require.NoError(t, err)
	account, _ := sent["AwsAccountId"].(string)
	a := hub.post(t, account, region, "/findings", question)
	require.Equal(t, 200, a.Status, a.Body)
	found, _ := object(t, []byte(a.Body))["Findings"].([]any)
	require.Len(t, found, 1, a.Body)
	return found[0].(map[string]any)
}

// The members a provider and a customer share, and their place in FindingProviderFields.
var shared = []string{"Confidence", "Criticality", "RelatedFindings", "Severity", "Types"}

// Top-level timestamps are kept to the millisecond.
var fraction = regexp.MustCompile(`(\.\d{3})\d+`)

// wanted is what GetFindings must return for a finding that was created from sent. Every line is a documented fill-in.
func wanted(sent, back map[string]any, region string) map[string]any {
	w, _ := withoutNulls(sent).(map[string]any)
	for _, name := range []string{"CreatedAt", "UpdatedAt", "FirstObservedAt", "LastObservedAt"} {
		if text, ok := w[name].(string); ok {
			w[name] = fraction.ReplaceAllString(text, "$1")
		}
	}

	// What only the service sets.
	w["Region"] = region
	w["ProcessedAt"] = back["ProcessedAt"]
	w["ProductName"], w["CompanyName"] = back["ProductName"], back["CompanyName"]
	fields := map[string]any{}
	if had, ok := w["ProductFields"].(map[string]any); ok {
		maps.Copy(fields, had)
	}
	maps.DeleteFunc(fields, func(k string, _ any) bool { return strings.HasPrefix(k, "aws/securityhub/") })
	fields["aws/securityhub/FindingId"] = fmt.Sprint(w["ProductArn"], "/", w["Id"])
	got, _ := back["ProductFields"].(map[string]any)
	fields["aws/securityhub/ProductName"], fields["aws/securityhub/CompanyName"] = got["aws/securityhub/ProductName"], got["aws/securityhub/CompanyName"]
	w["ProductFields"] = fields

	// Defaults of a new finding.
	if w["RecordState"] == nil {
		w["RecordState"] = "ACTIVE"
	}
	flow, _ := w["Workflow"].(map[string]any)
	if flow == nil {
		flow = map[string]any{}
		w["Workflow"] = flow
	}
	if flow["Status"] == nil {
		flow["Status"] = "NEW"
	}
	w["WorkflowState"] = "NEW"
	if flow["Status"] == "RESOLVED" {
		w["WorkflowState"] = "RESOLVED"
	}

	// What is sent in FindingProviderFields counts; what is sent only at the top level is copied there.
	provider, _ := w["FindingProviderFields"].(map[string]any)
	if provider == nil {
		provider = map[string]any{}
	}
	for _, name := range shared {
		switch {
		case provider[name] != nil:
			w[name] = provider[name]
		case w[name] != nil:
			provider[name] = w[name]
		}
	}
	w["FindingProviderFields"] = provider
	if severity, ok := w["Severity"].(map[string]any); ok {
		w["Severity"] = completed(severity)
		// The half that was not sent is filled in the copy too, when the copy was made from the top level.
		if theirs, ok := back["FindingProviderFields"].(map[string]any)["Severity"].(map[string]any); ok && sameSeverity(theirs, provider["Severity"]) {
			provider["Severity"] = theirs
		}
	}
	return w
}

// completed fills the missing one of Label and Normalized.
func completed(severity map[string]any) map[string]any {
	s := maps.Clone(severity)
	labels := map[string]int{"INFORMATIONAL": 0, "LOW": 1, "MEDIUM": 40, "HIGH": 70, "CRITICAL": 90}
	label, hasLabel := s["Label"].(string)
	number, hasNumber := s["Normalized"].(json.Number)
	switch {
	case hasLabel && !hasNumber:
		s["Normalized"] = json.Number(strconv.Itoa(labels[label]))
	case hasNumber && !hasLabel:
		n, _ := number.Int64()
		for l, least := range labels {
			if int(n) >= least && (s["Label"] == nil || least > labels[fmt.Sprint(s["Label"])]) {
				s["Label"] = l
			}
		}
	}
	return s
}

// sameSeverity tells whether theirs is sent, perhaps completed.
func sameSeverity(theirs map[string]any, sent any) bool {
	s, ok := sent.(map[string]any)
	return ok && (fmt.Sprint(theirs) == fmt.Sprint(s) || fmt.Sprint(theirs) == fmt.Sprint(completed(s)))
}

// withoutNulls drops members that are null: they count as absent.
func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := map[string]any{}
		for k, e := range v {
			if e != nil {
				m[k] = withoutNulls(e)
			}
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = withoutNulls(e)
		}
		return list
	}
	return v
}
