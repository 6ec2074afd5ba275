package server

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hubcap/internal/api"
	"hubcap/internal/hub"
	"hubcap/internal/iam"
	"hubcap/internal/store/embedded"
)

// newHub is a hub on a store of its own, in memory.
func newHub(t *testing.T) *hub.Hub {
	t.Helper()
	s, err := embedded.Open("data", embedded.Options{FS: embedded.NewMemory(), CacheSize: 1 << 20, MemTableSize: 1 << 20})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	h, err := hub.New(t.Context(), hub.Config{Store: s, Clock: func() time.Time { return noon }})
	require.NoError(t, err)
	return h
}

// The ARNs of account 111122223333 that requests of these tests name.
const (
	ownHub     = "arn:aws:securityhub:eu-west-1:111122223333:hub/default"
	ownProduct = "arn:aws:securityhub:eu-west-1:111122223333:product/111122223333/default"
	ownRule    = "arn:aws:securityhub:eu-west-1:111122223333:automation-rule/11111111-2222-3333-4444-555555555555"
	ownPolicy  = "arn:aws:securityhub:eu-west-1:111122223333:configuration-policy/11111111-2222-3333-4444-555555555555"
	ownLinks   = "arn:aws:securityhub:eu-west-1:111122223333:finding-aggregator/11111111-2222-3333-4444-555555555555"
)

// resourceOf is the resource of the request that requestOf makes, by AWS's authorisation table (the service's page of the Service
// Authorization Reference); the hub where it does not stand here.
var resourceOf = map[string]string{
	"BatchImportFindings":        ownProduct,
	"BatchDeleteAutomationRules": ownRule,
	"BatchGetAutomationRules":    ownRule,
	"BatchUpdateAutomationRules": ownRule,
	"DeleteConfigurationPolicy":  ownPolicy,
	"GetConfigurationPolicy":     ownPolicy,
	"UpdateConfigurationPolicy":  ownPolicy,
	"DeleteFindingAggregator":    ownLinks,
	"GetFindingAggregator":       ownLinks,
	"UpdateFindingAggregator":    ownLinks,
	"ListTagsForResource":        ownRule,
	"TagResource":                ownRule,
	"UntagResource":              ownRule,
}

// bodies are what operations are sent whose resource stands in the body, or which the hub itself authorises.
var bodies = map[string]string{
	"BatchImportFindings": `{"Findings": [{"AwsAccountId": "111122223333", "ProductArn": "` + ownProduct + `"}]}`,
	"BatchUpdateFindings": `{"FindingIdentifiers": [{"Id": "x", "ProductArn": "` + ownProduct + `"}]}`,

	"BatchDeleteAutomationRules": `{"AutomationRulesArns": ["` + ownRule + `"]}`,
	"BatchGetAutomationRules":    `{"AutomationRulesArns": ["` + ownRule + `"]}`,
	"BatchUpdateAutomationRules": `{"UpdateAutomationRulesRequestItems": [{"RuleArn": "` + ownRule + `", "RuleOrder": 1}]}`,
	"UpdateFindingAggregator":    `{"FindingAggregatorArn": "` + ownLinks + `", "RegionLinkingMode": "NO_REGIONS"}`,
}

// requestOf makes a request of an operation on resources of the account.
func requestOf(h *house, op *api.Operation) *http.Request {
	target, rest, found := strings.Cut(op.Pattern, "{")
	if label, end, _ := strings.Cut(rest, "}"); found {
		value := "11111111-2222-3333-4444-555555555555"
		switch strings.TrimSuffix(label, "+") {
		case "FindingAggregatorArn":
			value = ownLinks
		case "ResourceArn":
			value = ownRule
		case "ActionTargetArn":
			value = "arn:aws:securityhub:eu-west-1:111122223333:action/custom/nobody"
		case "InsightArn":
			value = "arn:aws:securityhub:eu-west-1:111122223333:insight/111122223333/custom/nobody"
		}
		target += strings.NewReplacer(":", "%3A", "/", "%2F").Replace(value) + end
	}
	if op.Name == "UntagResource" {
		target += "?tagKeys=Team"
	}
	body := bodies[op.Name]
	if body == "" && op.Method != http.MethodGet {
		body = "{}"
	}
	return h.request(op.Method, target, body)
}

// allRows are the rows of the API and hubcap's own.
func allRows() (rows []*api.Operation) {
	for i := range api.Operations {
		rows = append(rows, &api.Operations[i])
	}
	for _, e := range extensions(nil, nil) {
		rows = append(rows, &e.Operation)
	}
	return rows
}

// notCentral is what the operations on configuration policies answer whoever does not configure the organisation.
const notCentral = `"Must be a Security Hub delegated administrator with Central Configuration enabled"`

// TestEveryOperationIsPermitted asks for every operation on the real call path, with a hub behind it: where a policy allows exactly
// its action on exactly its resource, where nothing allows it, and where a statement denies it. What is not built says so only to who
// may ask for it.
func TestEveryOperationIsPermitted(t *testing.T) {
	classic := 0
	for _, op := range allRows() {
		also := []string(nil)
		for _, e := range extensions(nil, nil) {
			if e.Name == op.Name {
				also = e.also
			}
		}
		resource := resourceOf[op.Name]
		if resource == "" {
			resource = ownHub
		}
		if op.V2 && strings.Contains(op.Pattern, "{") {
			resource = "arn:aws:securityhub:eu-west-1:111122223333:*" // of kinds that are not built
		}
		if !op.V2 && strings.HasPrefix(op.Action, "securityhub:") {
			classic++
		}
		t.Run(op.Name, func(t *testing.T) {
			var others []string
			for _, other := range Actions() {
				if other != op.Action {
					others = append(others, other)
				}
			}
			allow := iam.Statement{Effect: "Allow", Action: append([]string{op.Action}, also...), Resource: []string{resource}}
			if len(also) > 0 {
				allow.Resource = append(allow.Resource, ownHub)
			}
			everythingElse := iam.Statement{Effect: "Allow", Action: others, Resource: []string{"*"}}
			everything := iam.Statement{Effect: "Allow", Action: []string{"*"}, Resource: []string{"*"}}
			deny := iam.Statement{Effect: "Deny", Action: []string{op.Action}, Resource: []string{resource}}
			elsewhere := iam.Statement{Effect: "Allow", Action: []string{op.Action}, Resource: []string{strings.Replace(resource, "111122223333", "444455556666", 1)}}

			h := newHub(t)
			ask := func(statements ...iam.Statement) answer {
				key := keyOne
				var err error
				key.Policy, err = iam.NewPolicy(statements, Actions()...)
				require.NoError(t, err)
				house := start(t, Config{Hub: h, Verify: true, Keys: []Key{key}}, bindings(h))
				return do(t, sign(t, requestOf(house, op), key, "securityhub", noon))
			}
			a := ask(allow)
			if !strings.Contains(a.body, notCentral) { // which the operation says itself, to who may call it
				require.NotEqual(t, "AccessDeniedException", a.Header.Get("X-Amzn-Errortype"), a.body)
				require.NotEqual(t, http.StatusForbidden, a.StatusCode, a.body)
			}
			require.NotEqual(t, http.StatusInternalServerError, a.StatusCode, a.body)
			if bindings(h)[op.Name] == nil && op.Action[:6] != "hubcap" {
				require.Equal(t, http.StatusNotImplemented, a.StatusCode)
			}

			named := resource
			if op.V2 && strings.Contains(op.Pattern, "{") {
				named = "" // any
			}
			refused := func(a answer, ending string) {
				require.Equal(t, http.StatusForbidden, a.StatusCode, a.body)
				require.Equal(t, "AccessDeniedException", a.Header.Get("X-Amzn-Errortype"))
				var e struct{ Message, Code string }
				require.NoError(t, json.Unmarshal([]byte(a.body), &e))
				require.Equal(t, "AccessDeniedException", e.Code)
				require.True(t, strings.HasPrefix(e.Message,
					"User: arn:aws:iam::111122223333:user/ci is not authorized to perform: "+op.Action+" on resource: "+named), e.Message)
				require.True(t, strings.HasSuffix(e.Message, ending), e.Message)
			}
			byDefault := " because no identity-based policy allows the " + op.Action + " action"
			refused(ask(), byDefault)
			if !slices.Contains(others, op.Action) {
				refused(ask(everythingElse), byDefault)
			}
			refused(ask(elsewhere, everythingElse), byDefault)
			refused(ask(everything, deny), " with an explicit deny")
			refused(ask(deny, everything), " with an explicit deny")
			for _, action := range also {
				a := ask(allow, iam.Statement{Effect: "Deny", Action: []string{action}, Resource: []string{"*"}})
				require.Equal(t, http.StatusForbidden, a.StatusCode, a.body)
				require.Contains(t, a.body, "is not authorized to perform: "+action+" on resource: ")
			}
		})
	}
	require.Equal(t, 79, classic)
}

// permit answers what a policy makes of requests: a house whose only key has it.
func permit(t *testing.T, statements ...iam.Statement) func(method, target, body string) answer {
	t.Helper()
	key := keyOne
	var err error
	key.Policy, err = iam.NewPolicy(statements, Actions()...)
	require.NoError(t, err)
	h := newHub(t)
	house := start(t, Config{Hub: h, Verify: true, Keys: []Key{key}}, bindings(h))
	return func(method, target, body string) answer {
		t.Helper()
		return do(t, sign(t, house.request(method, target, body), key, "securityhub", noon))
	}
}

func allowAll() iam.Statement {
	return iam.Statement{Effect: "Allow", Action: []string{"*"}, Resource: []string{"*"}}
}

// Of several resources each must be allowed; an id in place of an ARN is the same resource.
func TestEveryResourceOfARequestIsAsked(t *testing.T) {
	other := strings.Replace(ownRule, "11111111", "99999999", 1)
	ask := permit(t, allowAll(), iam.Statement{Effect: "Deny", Action: []string{"*"}, Resource: []string{other, ownPolicy}})
	a := ask("POST", "/automationrules/get", `{"AutomationRulesArns": ["`+ownRule+`", "`+other+`"]}`)
	require.Equal(t, 403, a.StatusCode, a.body)
	require.Contains(t, a.body, "on resource: "+other+" with an explicit deny")
	a = ask("POST", "/automationrules/get", `{"AutomationRulesArns": ["`+ownRule+`"]}`)
	require.NotEqual(t, 403, a.StatusCode, a.body)
	a = ask("PATCH", "/automationrules/update", `{"UpdateAutomationRulesRequestItems": [{"RuleArn": "`+ownRule+`"}, {"RuleArn": "`+other+`"}]}`)
	require.Equal(t, 403, a.StatusCode, a.body)

	for _, name := range []string{"11111111-2222-3333-4444-555555555555", strings.NewReplacer(":", "%3A", "/", "%2F").Replace(ownPolicy)} {
		a = ask("GET", "/configurationPolicy/get/"+name, "")
		require.Equal(t, 403, a.StatusCode, a.body)
		require.Contains(t, a.body, "on resource: "+ownPolicy+" with an explicit deny")
	}
}

// What is within the hub may be named in its place (D103).
func TestPartsOfTheHub(t *testing.T) {
	const action, insight = "arn:aws:securityhub:eu-west-1:111122223333:action/custom/", "arn:aws:securityhub:eu-west-1:111122223333:insight/111122223333/custom/11111111-2222-3333-4444-555555555555"
	path := func(arn string) string { return strings.NewReplacer(":", "%3A", "/", "%2F").Replace(arn) }
	only := permit(t, iam.Statement{Effect: "Allow", Action: []string{"*"}, Resource: []string{action + "mine", "arn:aws:securityhub:*::product/prowler/*"}})
	require.Equal(t, 404, only("DELETE", "/actionTargets/"+path(action+"mine"), "").StatusCode)
	require.Equal(t, 403, only("DELETE", "/actionTargets/"+path(action+"other"), "").StatusCode)
	require.Equal(t, 403, only("DELETE", "/insights/"+path(insight), "").StatusCode)
	require.Equal(t, 200, only("POST", "/productSubscriptions", `{"ProductArn": "arn:aws:securityhub:eu-west-1::product/prowler/prowler"}`).StatusCode)
	require.Equal(t, 403, only("POST", "/productSubscriptions", `{"ProductArn": "arn:aws:securityhub:eu-west-1::product/aws/guardduty"}`).StatusCode)

	but := permit(t, allowAll(), iam.Statement{Effect: "Deny", Action: []string{"*"}, Resource: []string{action + "*"}})
	require.Equal(t, 403, but("DELETE", "/actionTargets/"+path(action+"mine"), "").StatusCode)
	require.Equal(t, 404, but("DELETE", "/insights/"+path(insight), "").StatusCode)
}

// A request that cannot be read is told so only to who may do such a thing.
func TestUnreadableRequestsAreAuthorised(t *testing.T) {
	may, mayNot := permit(t, allowAll()), permit(t, iam.Statement{Effect: "Allow", Action: []string{"securityhub:Get*"}, Resource: []string{"*"}})
	for _, r := range [][3]string{
		{"POST", "/automationrules/get", `{"AutomationRulesArns": `},
		{"POST", "/automationrules/delete", `{"AutomationRulesArns": ["a"], "AutomationRulesArns": []}`},
		{"PATCH", "/automationrules/update", `[]`},
		{"PATCH", "/findingAggregator/update", `{"FindingAggregatorArn": 1}`},
		{"POST", "/productSubscriptions", `{"ProductArn": {}}`},
		{"POST", "/accounts", `{"Tags": 1}`},
		{"PATCH", "/findings/batchupdate", `{"FindingIdentifiers": `},
		{"PATCH", "/findings/batchupdate", `{"FindingIdentifiers": []}`},
		{"PATCH", "/findings/batchupdate", `{"FindingIdentifiers": [{"Id": "x", "ProductArn": "y"}], "Confidence": 101}`},
		{"POST", "/tags/" + strings.NewReplacer(":", "%3A", "/", "%2F").Replace(ownHub), `{"Tags": {"a": 1}}`},
	} {
		a := may(r[0], r[1], r[2])
		require.Equal(t, 400, a.StatusCode, "%v %s", r, a.body)
		a = mayNot(r[0], r[1], r[2])
		require.Equal(t, 403, a.StatusCode, "%v %s", r, a.body)
	}
}

// Conditions look at what a request holds: whose finding it imports, which members it changes and to what, which tags it sends, and
// whether it came over TLS.
func TestConditions(t *testing.T) {
	deny := func(action, operator, key string, values ...string) iam.Statement {
		return iam.Statement{
			Effect: "Deny", Action: []string{action}, Resource: []string{"*"},
			Condition: map[string]map[string][]string{operator: {key: values}},
		}
	}
	const update = "securityhub:BatchUpdateFindings"
	edit := func(members string) string {
		return `{"FindingIdentifiers": [{"Id": "x", "ProductArn": "` + ownProduct + `"}], ` + members + `}`
	}
	triage := permit(t, allowAll(),
		deny(update, "Null", iam.SyntaxPath+"Severity", "false"),
		deny(update, "StringEquals", iam.SyntaxPath+"Workflow.Status", "SUPPRESSED"),
		deny(update, "ForAnyValue:StringEquals", iam.SyntaxPath+"Types", "A/B"),
	)
	for body, want := range map[string]int{
		`"Confidence": 1`:                       200,
		`"Severity": {"Label": "LOW"}`:          403,
		`"Severity": {"Product": 1}`:            403,
		`"Workflow": {"Status": "RESOLVED"}`:    200,
		`"Workflow": {"Status": "SUPPRESSED"}`:  403,
		`"Types": ["C/D", "A/B"]`:               403,
		`"Types": ["C/D"]`:                      200,
		`"Types": [], "Criticality": 3`:         200,
		`"UserDefinedFields": {"owner": "you"}`: 200,
	} {
		a := triage("PATCH", "/findings/batchupdate", edit(body))
		require.Equal(t, want, a.StatusCode, "%s: %s", body, a.body)
		if want == 403 {
			require.Contains(t, a.body, "is not authorized to perform: securityhub:BatchUpdateFindings on resource: "+ownHub+" with an explicit deny")
		}
	}

	only := iam.Statement{
		Effect: "Allow", Action: []string{update}, Resource: []string{"*"},
		Condition: map[string]map[string][]string{"ForAllValues:StringEquals": {iam.SyntaxPath + "Types": {"A/B", "C/D"}}},
	}
	some := permit(t, only)
	require.Equal(t, 200, some("PATCH", "/findings/batchupdate", edit(`"Types": ["C/D", "A/B"]`)).StatusCode)
	require.Equal(t, 403, some("PATCH", "/findings/batchupdate", edit(`"Types": ["C/D", "E/F"]`)).StatusCode)

	imports := permit(t, iam.Statement{
		Effect: "Allow", Action: []string{"securityhub:BatchImportFindings"}, Resource: []string{ownProduct},
		Condition: map[string]map[string][]string{"StringEquals": {iam.TargetAccount: {"111122223333"}}},
	})
	require.Equal(t, 200, imports("POST", "/findings/import", bodies["BatchImportFindings"]).StatusCode)
	require.Equal(t, 403, imports("POST", "/findings/import", strings.Replace(bodies["BatchImportFindings"], `"111122223333"`, `"444455556666"`, 1)).StatusCode)

	tags := permit(t, allowAll(), deny("securityhub:TagResource", "StringNotEquals", iam.RequestTag+"Team", "blue"),
		deny("securityhub:UntagResource", "ForAnyValue:StringEquals", iam.TagKeys, "Team"))
	path := "/tags/" + strings.NewReplacer(":", "%3A", "/", "%2F").Replace(ownHub)
	require.Equal(t, 200, tags("POST", path, `{"Tags": {"Team": "blue", "x": "y"}}`).StatusCode)
	require.Equal(t, 403, tags("POST", path, `{"Tags": {"Team": "red"}}`).StatusCode)
	require.Equal(t, 403, tags("POST", path, `{"Tags": {"x": "y"}}`).StatusCode)
	require.Equal(t, 403, tags("DELETE", path+"?tagKeys=x&tagKeys=Team", "").StatusCode)
	require.Equal(t, 200, tags("DELETE", path+"?tagKeys=x", "").StatusCode)

	plain := permit(t, allowAll(), deny("*", "Bool", "aws:SecureTransport", "false"))
	require.Equal(t, 403, plain("GET", "/accounts", "").StatusCode)
}

// The principal of a request over TLS says so.
func TestSecureTransport(t *testing.T) {
	h := start(t, Config{}, map[string]operation{"DescribeHub": say(func(c *call) string {
		if c.who.Secure {
			return "secure"
		}
		return "plain"
	})})
	for _, state := range []*tls.ConnectionState{nil, {}} {
		r := anyKey(h.request("GET", "/accounts", ""), "111122223333")
		r.Host, r.RequestURI, r.TLS = "localhost", "/accounts", state
		w := &recorder{header: http.Header{}}
		h.ServeHTTP(w, r)
		require.Equal(t, map[bool]string{true: `{"Text":"secure"}`, false: `{"Text":"plain"}`}[state != nil], string(w.body))
	}
}

// recorder is a response writer that keeps what is written.
type recorder struct {
	header http.Header
	status int
	body   []byte
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) { r.status = status }

func (r *recorder) Write(b []byte) (int, error) {
	r.body = append(r.body, b...)
	return len(b), nil
}

// What the tables name are rows and labels of theirs.
func TestPermissionTablesNameRows(t *testing.T) {
	label := func(name string) string {
		op, ok := api.Find(name)
		require.True(t, ok, name)
		_, label, _ := strings.Cut(op.Pattern, "{")
		return strings.Trim(label, "+}")
	}
	for name, find := range ownResources {
		if l := label(name); l != "" {
			names, err := find(&api.Request{Path: map[string]string{l: "arn:x"}}, "")
			require.NoError(t, err)
			require.Equal(t, []string{"arn:x"}, names, name)
		}
	}
	for name := range parts {
		label(name)
	}
	for name := range tagging {
		label(name)
	}
	for _, name := range permissionOnly {
		_, ok := api.Find(name)
		require.False(t, ok, "%s is an operation", name)
	}
	require.Contains(t, Actions(), "securityhub:GetFindings")
	require.True(t, slices.IsSorted(Actions()))
}
