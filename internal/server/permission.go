package server

import (
	"slices"
	"strings"

	"hubcap/internal/api"
	"hubcap/internal/hub"
	"hubcap/internal/iam"
)

// authorisedInside are the operations whose permission depends on what their body holds: each finding's product and account
// (securityhub:TargetAccount), the members that change (securityhub:ASFFSyntaxPath). The hub asks for them.
var authorisedInside = map[string]bool{"BatchImportFindings": true, "BatchUpdateFindings": true}

// ownResources are the operations whose resource, by AWS's authorisation table, is not the hub but what the request names: in the
// path, or by ARN in these members of the body. Every one that is named must be allowed.
// own begins the ARNs of the caller's resources.
var ownResources = map[string]func(r *api.Request, own string) ([]string, error){
	"BatchDeleteAutomationRules": ruleARNs,
	"BatchGetAutomationRules":    ruleARNs,
	"BatchUpdateAutomationRules": func(r *api.Request, _ string) ([]string, error) {
		var in api.BatchUpdateAutomationRulesInput
		err := api.Decode(&in, r)
		var arns []string
		for i := range in.UpdateAutomationRulesRequestItems {
			arns = append(arns, in.UpdateAutomationRulesRequestItems[i].RuleArn)
		}
		return arns, err
	},
	"DeleteFindingAggregator": inPath("FindingAggregatorArn", ""),
	"GetFindingAggregator":    inPath("FindingAggregatorArn", ""),
	"UpdateFindingAggregator": func(r *api.Request, _ string) ([]string, error) {
		var in struct {
			FindingAggregatorArn string `json:"FindingAggregatorArn"`
		}
		err := api.Decode(&in, &api.Request{Body: r.Body})
		return []string{in.FindingAggregatorArn}, err
	},
	"DeleteConfigurationPolicy": inPath("Identifier", "configuration-policy/"),
	"GetConfigurationPolicy":    inPath("Identifier", "configuration-policy/"),
	"UpdateConfigurationPolicy": inPath("Identifier", "configuration-policy/"),
	"ListTagsForResource":       inPath("ResourceArn", ""),
	"TagResource":               inPath("ResourceArn", ""),
	"UntagResource":             inPath("ResourceArn", ""),
	"DeleteAggregatorV2":        inPath("AggregatorV2Arn", ""),
	"GetAggregatorV2":           inPath("AggregatorV2Arn", ""),
	"UpdateAggregatorV2":        inPath("AggregatorV2Arn", ""),
	"DeleteAutomationRuleV2":    inPath("Identifier", "automation-rulev2/"),
	"GetAutomationRuleV2":       inPath("Identifier", "automation-rulev2/"),
	"UpdateAutomationRuleV2":    inPath("Identifier", "automation-rulev2/"),
	"DeleteConnectorV2":         inPath("ConnectorId", "connectorv2/"),
	"GetConnectorV2":            inPath("ConnectorId", "connectorv2/"),
	"UpdateConnectorV2":         inPath("ConnectorId", "connectorv2/"),
}

func ruleARNs(r *api.Request, _ string) ([]string, error) {
	var in struct {
		AutomationRulesArns []string `json:"AutomationRulesArns"`
	}
	err := api.Decode(&in, &api.Request{Body: r.Body})
	return in.AutomationRulesArns, err
}

// inPath takes the resource from a label. kind stands before an id that is sent in place of the ARN, so that one resource has one
// name for policies.
func inPath(label, kind string) func(*api.Request, string) ([]string, error) {
	return func(r *api.Request, own string) ([]string, error) {
		s := r.Path[label]
		if kind != "" && !strings.HasPrefix(s, "arn:") {
			s = own + kind + s
		}
		return []string{s}, nil
	}
}

// parts are the operations on the hub that are about something within it: the ARN in the path always, and here one in the body.
// Policies may name it in place of the hub (D103).
var parts = map[string]func(*api.Request) (string, error){
	"EnableImportFindingsForProduct": func(r *api.Request) (string, error) {
		var in api.EnableImportFindingsForProductInput
		err := api.Decode(&in, r)
		return in.ProductArn, err
	},
}

// tagging are the operations that policies may judge by the tags sent (aws:RequestTag, aws:TagKeys), as AWS's table has it.
var tagging = map[string]bool{
	"CreateAutomationRule": true, "CreateConfigurationPolicy": true, "EnableSecurityHub": true, "TagResource": true, "UntagResource": true,
	"CreateAutomationRuleV2": true, "CreateConnectorV2": true, "EnableSecurityHubV2": true,
}

// authorise asks the caller's policy about the row's action: on each resource that the request names, else on the hub of the caller's
// account. A request that cannot be read is told so to who may do such a thing at all, and refused to who may not.
func (c *call) authorise() error {
	if c.who.Unrestricted() {
		return nil
	}
	hubARN := hub.ARN(c.who.Region, c.who.Account)
	question := iam.Request{Action: c.row.Action, Resource: hubARN}
	unreadable := func(err error) error {
		if denied := c.who.Authorize(iam.Request{Action: c.row.Action, Resource: hubARN}); denied != nil {
			return denied
		}
		return err
	}
	r, err := c.request()
	if err != nil {
		return unreadable(err)
	}
	if tagging[c.row.Name] {
		if question.Conditions, err = requestTags(r); err != nil {
			return unreadable(err)
		}
	}
	if strings.HasPrefix(c.label, "arn:") {
		question.Part = c.label
	}
	if part := parts[c.row.Name]; part != nil {
		if question.Part, err = part(r); err != nil {
			return unreadable(err)
		}
	}
	find := ownResources[c.row.Name]
	if find == nil {
		return c.who.Authorize(question)
	}
	question.Part = ""
	names, err := find(r, strings.TrimSuffix(hubARN, "hub/default"))
	if err != nil {
		return unreadable(err)
	}
	if len(names) == 0 {
		return c.who.Authorize(question)
	}
	for _, name := range names {
		if question.Resource = name; !strings.HasPrefix(name, "arn:") {
			question.Resource = hubARN // what is no ARN names no resource
		}
		if err := c.who.Authorize(question); err != nil {
			return err
		}
	}
	return nil
}

// requestTags are the condition keys of the tags in a request.
func requestTags(r *api.Request) (map[string][]string, error) {
	var in struct {
		Tags    map[string]string `json:"Tags"`
		TagKeys []string          `json:"-" query:"tagKeys"`
	}
	if err := api.Decode(&in, &api.Request{Body: r.Body, Query: r.Query}); err != nil {
		return nil, err
	}
	keys, conditions := in.TagKeys, make(map[string][]string, len(in.Tags)+1)
	for k, v := range in.Tags {
		conditions[iam.RequestTag+k] = []string{v}
		keys = append(keys, k)
	}
	if len(keys) > 0 {
		conditions[iam.TagKeys] = keys
	}
	return conditions, nil
}

// permissionOnly are actions of the service that are no operations: AWS's console asks for them, and policies written for AWS name
// them.
var permissionOnly = []string{
	"AllowVendedLogDeliveryForResource", "BatchGetControlEvaluations", "ConnectorRegistrationsV2", "GetAdhocInsightResults",
	"GetControlFindingSummary", "GetFreeTrialEndDate", "GetFreeTrialUsage", "GetInsightFindingTrend", "GetUsage", "GetUsageV2",
	"ListAccountUsageV2", "ListControlEvaluationSummaries", "SendFindingEvents", "SendInsightEvents",
}

// Actions are all that a policy may name: those of the rows, and those that only AWS's console asks for.
func Actions() []string {
	var all []string
	for i := range api.Operations {
		all = append(all, api.Operations[i].Action)
	}
	for _, e := range extensions(nil, nil) {
		all = append(all, e.Action)
	}
	for _, name := range permissionOnly {
		all = append(all, "securityhub:"+name)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
