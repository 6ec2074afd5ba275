package hub

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/store"
)

// ended waits for a job's end.
func ended(t *testing.T, h *Hub, p *iam.Principal, started *StartJobOutput) *Job {
	t.Helper()
	var job *Job
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		out, err := h.GetJob(t.Context(), p, &JobInput{JobId: started.Job.JobId})
		require.NoError(c, err)
		require.NotEmpty(c, out.Job.EndedAt)
		job = out.Job
	}, time.Minute, time.Millisecond)
	return job
}

// A rule that is run does to what is stored what it does to imports: once, with a record that names it; and it can be taken back. It is
// the rule as it was when the run began.
func TestRunAutomationRule(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			h := openHub(t, open(t), fixed("2026-04-01T00:00:00Z"))
			ctx, stop := context.WithCancel(t.Context())
			over := make(chan struct{})
			go func() { defer close(over); h.RunJobs(ctx) }()
			t.Cleanup(func() { stop(); <-over })
			_, err := h.BatchImportFindings(t.Context(), mine, []byte(importBody(t, mine, `{"Id":"a","Title":"sandbox 1"}
				{"Id":"b","Title":"sandbox 2","Workflow":{"Status":"SUPPRESSED"}}
				{"Id":"c","Title":"prod"}
				{"Id":"d","Title":"sandbox 3","Severity":null,"FindingProviderFields":{}}`)))
			require.NoError(t, err)
			elsewhere := &iam.Principal{Account: mine.Account, Region: "eu-west-1", ARN: mine.ARN}
			_, err = h.BatchImportFindings(t.Context(), elsewhere, []byte(importBody(t, elsewhere, `{"Id":"e","Title":"sandbox 4"}`)))
			require.NoError(t, err)
			arn := keepRule(t, h, mine, 1, `{"Title":[{"Value":"sandbox","Comparison":"CONTAINS"}]}`,
				`{"Workflow":{"Status":"SUPPRESSED"},"Note":{"Text":"noise","UpdatedBy":"bot"},"Severity":{"Product":1}}`)

			started, err := h.RunAutomationRule(t.Context(), mine, &RunAutomationRuleInput{RuleArn: &arn})
			require.NoError(t, err)
			_, err = h.BatchDeleteAutomationRules(t.Context(), mine, &api.BatchDeleteAutomationRulesInput{AutomationRulesArns: []string{arn}})
			require.NoError(t, err)
			job := ended(t, h, mine, started)
			require.Equal(t, "DONE", job.Status, job.Message)
			require.Equal(t, []int64{3, 2, 0, 0, 1}, []int64{job.Total, job.Changed, job.Unchanged, job.NoLonger, job.Failed})
			require.Equal(t, map[string]string{"a": "SUPPRESSED", "b": "SUPPRESSED", "c": "NEW", "d": "NEW"}, statuses(t, h))
			for id, want := range map[string]string{"a": "Workflow.Status", "b": "Note.Text"} {
				entries, err := h.store.History(t.Context(), store.HistoryQuery{Key: keyOf(id), Limit: 10})
				require.NoError(t, err)
				require.Len(t, entries, 1, id)
				require.Equal(t, arn, entries[0].Identity)
				require.Equal(t, sourceUpdate, entries[0].Source)
				var fields []string
				for _, u := range entries[0].Updates {
					fields = append(fields, u.Field)
				}
				require.Contains(t, fields, want, id)
			}

			undo, err := h.UndoJob(t.Context(), mine, &JobInput{JobId: job.JobId})
			require.NoError(t, err)
			job = ended(t, h, mine, &StartJobOutput{Job: undo.Job})
			require.Equal(t, "DONE", job.Status, job.Message)
			require.Equal(t, map[string]string{"a": "NEW", "b": "SUPPRESSED", "c": "NEW", "d": "NEW"}, statuses(t, h))
		})
	}
}

func statuses(t *testing.T, h *Hub) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, doc := range readAll(t, h, mine) {
		all[idOf(t, doc)] = member(t, doc, "Workflow.Status")
	}
	return all
}

// A run may do what BatchUpdateFindings may: a policy on the fields it touches holds. A rule that is told is run under the caller's name.
func TestRunAutomationRuleIsTheCallersUpdate(t *testing.T) {
	h := openHub(t, newMemStore(), fixed("2026-04-01T00:00:00Z"))
	policy, err := iam.NewPolicy(policies["no-suppress"])
	require.NoError(t, err)
	bound := &iam.Principal{Account: mine.Account, Region: mine.Region, ARN: mine.ARN, Verified: true, Policy: policy}
	draft := func(status string) *RunAutomationRuleInput {
		in := new(RunAutomationRuleInput)
		require.NoError(t, api.Decode(in, &api.Request{Body: []byte(`{"Rule":{"Criteria":{},"Actions":[{"Type":"FINDING_FIELDS_UPDATE",
			"FindingFieldsUpdate":{"Workflow":{"Status":"` + status + `"}}}]}}`)}))
		return in
	}
	_, err = h.RunAutomationRule(t.Context(), bound, draft("SUPPRESSED"))
	require.ErrorContains(t, err, "AccessDeniedException")
	started, err := h.RunAutomationRule(t.Context(), bound, draft("NOTIFIED"))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(started.Job.Where, "Region = "), started.Job.Where)

	// StartJob is no way around the permission to run rules.
	policy, err = iam.NewPolicy(append(slices.Clone(policies["no-suppress"]),
		iam.Statement{Effect: "Deny", Action: []string{"hubcap:RunAutomationRule"}, Resource: []string{"*"}}))
	require.NoError(t, err)
	bound.Policy = policy
	parameters, err := api.AppendOutput(nil, draft("NOTIFIED"))
	require.NoError(t, err)
	_, err = h.StartJob(t.Context(), bound, &StartJobInput{Kind: jobRunRule, Parameters: parameters})
	require.ErrorContains(t, err, "not authorized to perform: hubcap:RunAutomationRule on resource: "+ARN(mine.Region, mine.Account))
	_, err = h.StartJob(t.Context(), mine, &StartJobInput{Kind: jobRunRule, Parameters: parameters})
	require.NoError(t, err)

	for body, want := range map[string]string{
		`{}`: "Invalid parameter 'RuleArn'. is required, or else 'Rule'.",
		`{"RuleArn":"arn:aws:securityhub:us-east-1:111122223333:automation-rule/none"}`: "ResourceNotFoundException",
		`{"Rule":{"Criteria":{"X":[]},"Actions":[]}}`:                                   "Invalid parameter 'Rule.Criteria.X'.",
	} {
		in := new(RunAutomationRuleInput)
		require.NoError(t, api.Decode(in, &api.Request{Body: []byte(body)}))
		_, err := h.RunAutomationRule(t.Context(), mine, in)
		require.ErrorContains(t, err, want)
	}
}

// Who may not read a rule may neither try nor run it: the policy is asked about the rule, as BatchGetAutomationRules asks it.
func TestTryAndRunAskForTheRule(t *testing.T) {
	h := openHub(t, newMemStore(), fixed("2026-04-01T00:00:00Z"))
	shown := keepRule(t, h, mine, 1, `{}`, `{"Confidence":1}`)
	hidden := keepRule(t, h, mine, 2, `{}`, `{"Confidence":2}`)
	every := []iam.Statement{{Effect: "Allow", Action: []string{"*"}, Resource: []string{"*"}}}
	for name, statements := range map[string][]iam.Statement{
		"denied": append(slices.Clone(every), iam.Statement{Effect: "Deny", Action: []string{actionGetRules}, Resource: []string{hidden}}),
		"not allowed": {
			{Effect: "Allow", Action: []string{actionUpdate}, Resource: []string{"*"}},
			{Effect: "Allow", Action: []string{actionGetRules}, Resource: []string{shown}},
		},
	} {
		policy, err := iam.NewPolicy(statements)
		require.NoError(t, err)
		bound := &iam.Principal{Account: mine.Account, Region: mine.Region, ARN: mine.ARN, Verified: true, Policy: policy}
		_, err = h.TryAutomationRule(t.Context(), bound, &TryAutomationRuleInput{RuleArn: &shown})
		require.NoError(t, err, name)
		_, err = h.RunAutomationRule(t.Context(), bound, &RunAutomationRuleInput{RuleArn: &shown})
		require.NoError(t, err, name)
		refusal := "is not authorized to perform: " + actionGetRules + " on resource: " + hidden
		_, err = h.TryAutomationRule(t.Context(), bound, &TryAutomationRuleInput{RuleArn: &hidden})
		require.ErrorContains(t, err, refusal, name)
		_, err = h.RunAutomationRule(t.Context(), bound, &RunAutomationRuleInput{RuleArn: &hidden})
		require.ErrorContains(t, err, refusal, name)
		nonsense := "nonsense" // names no resource
		_, err = h.TryAutomationRule(t.Context(), bound, &TryAutomationRuleInput{RuleArn: &nonsense})
		require.ErrorContains(t, err, map[string]string{"denied": "ResourceNotFoundException", "not allowed": "on resource: " + ARN(mine.Region, mine.Account)}[name])
	}
}

// What cannot be kept can be neither tried nor run: criteria are bounded (D85), for a job keeps them too.
func TestLongCriteriaAreNotRun(t *testing.T) {
	h := openHub(t, newMemStore(), fixed("2026-04-01T00:00:00Z"))
	draft := func(size int) *AutomationRuleDraft {
		d := new(AutomationRuleDraft)
		criteria := `{"Title":[{"Value":"","Comparison":"EQUALS"}]}`
		criteria = strings.Replace(criteria, `""`, `"`+strings.Repeat("t", size-len(criteria))+`"`, 1)
		require.NoError(t, api.Decode(d, &api.Request{
			Body: []byte(`{"Criteria":` + criteria + `,"Actions":[{"Type":"FINDING_FIELDS_UPDATE","FindingFieldsUpdate":{"Confidence":1}}]}`),
		}))
		return d
	}
	for size, want := range map[int]string{
		256 << 10:     "",
		256<<10 + 1:   "InvalidInputException: Invalid parameter 'Rule.Criteria'. should NOT be longer than 262144 bytes.",
		5 * (1 << 20): "InvalidInputException: Invalid parameter 'Rule.Criteria'. should NOT be longer than 262144 bytes.",
	} {
		_, err := h.TryAutomationRule(t.Context(), mine, &TryAutomationRuleInput{Rule: draft(size)})
		_, ran := h.RunAutomationRule(t.Context(), mine, &RunAutomationRuleInput{Rule: draft(size)})
		_, kept := h.CreateAutomationRule(t.Context(), mine, &api.CreateAutomationRuleInput{
			RuleName: "r", Description: "d", RuleOrder: 1, Criteria: draft(size).Criteria, Actions: draft(size).Actions,
		})
		for prefix, err := range map[string]error{"try Rule.": err, "run Rule.": ran, "create ": kept} {
			if want == "" {
				require.NoError(t, err, prefix)
				continue
			}
			_, prefix, _ := strings.Cut(prefix, " ")
			require.EqualError(t, err, strings.Replace(want, "Rule.", prefix, 1))
		}
	}
}
