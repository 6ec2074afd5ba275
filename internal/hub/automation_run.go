package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"hubcap/internal/api"
	"hubcap/internal/asff"
	"hubcap/internal/iam"
	"hubcap/internal/rule"
	"hubcap/internal/store"
)

// jobRunRule is the kind of job that runs a rule over what is stored (D88).
const jobRunRule = "RunAutomationRule"

func init() {
	jobKinds[jobRunRule] = jobKind{action: "hubcap:" + jobRunRule, start: startRuleRun, may: mayRunRule, open: openRuleRun}
}

// RunAutomationRuleInput is what RunAutomationRule takes, and the parameters of its kind of job: exactly one of RuleArn and Rule.
type RunAutomationRuleInput struct {
	RuleArn *string              `json:"RuleArn,omitzero"`
	Rule    *AutomationRuleDraft `json:"Rule,omitzero"`
}

// RunAutomationRule starts a job that lets one rule act, alone, on all that is stored and satisfies its criteria: a rule that is kept, on
// or off, or one that is told. Which findings are looked at is settled when the job starts; each is changed in a step of its own, with a
// record in its history, and UndoJob takes it all back.
func (h *Hub) RunAutomationRule(ctx context.Context, p *iam.Principal, in *RunAutomationRuleInput) (*StartJobOutput, error) {
	parameters, err := api.AppendOutput(nil, in)
	if err != nil {
		return nil, err
	}
	return h.startJob(ctx, p, &StartJobInput{Kind: jobRunRule, Parameters: parameters})
}

// ruleRun is what a job's record keeps of a rule: all that it needs, so that editing the rule does not change the job.
type ruleRun struct {
	RuleArn  string                      `json:"RuleArn,omitzero"` // "": the rule is not kept
	Criteria api.RawJSON                 `json:"Criteria"`
	Actions  []api.AutomationRulesAction `json:"Actions"`
}

func startRuleRun(ctx context.Context, h *Hub, p *iam.Principal, parameters []byte) (jobOrder, error) {
	if len(parameters) == 0 {
		parameters = []byte("{}")
	}
	var in RunAutomationRuleInput
	if err := knownMembers(parameters, "Parameters", &in); err != nil {
		return jobOrder{}, err
	}
	if err := api.Decode(&in, &api.Request{Body: parameters}); err != nil {
		return jobOrder{}, err
	}
	chosen, err := h.chooseRule(ctx, p, in.RuleArn, in.Rule)
	if err != nil {
		return jobOrder{}, err
	}
	if err := mayEdit(p, chosen.Action.Edit()); err != nil {
		return jobOrder{}, err
	}
	where, err := reachOfRule(p.Region, chosen.Criteria, h.now())
	if err != nil {
		return jobOrder{}, err
	}
	kept, err := json.Marshal(chosen.run)
	if err != nil {
		return jobOrder{}, fmt.Errorf("the parameters of a job: %w", err)
	}
	return jobOrder{parameters: kept, where: &where}, nil
}

func (j *jobRecord) ruleRun() (*ruleRun, *rule.Action, error) {
	run := new(ruleRun)
	err := json.Unmarshal(j.Parameters, run)
	var action *rule.Action
	if err == nil {
		action, err = rule.CompileActions(run.Actions, "Actions")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("job %s: parameters: %w", j.ID, err)
	}
	return run, action, nil
}

func mayRunRule(p *iam.Principal, j *jobRecord) error {
	_, action, err := j.ruleRun()
	if err != nil {
		return err
	}
	return mayEdit(p, action.Edit())
}

// openRuleRun lets the rule's action act. The history tells the rule where it is kept, as an import's does (D33), else the caller.
func openRuleRun(_ *Hub, j *jobRecord) (jobApply, error) {
	run, action, err := j.ruleRun()
	if err != nil {
		return nil, err
	}
	identity := j.Caller.ARN
	if run.RuleArn != "" {
		identity = run.RuleArn
	}
	m := new(asff.Merger)
	return func(doc *store.Doc, at time.Time) (store.Change, error) {
		out, customer, changed, err := action.Apply(m, &asff.Stored{Doc: doc.JSON, Customer: doc.Customer}, at)
		if err != nil || !changed {
			return store.Change{}, err
		}
		return store.Change{JSON: out, Customer: customer, History: history(m, at, sourceUpdate, identity)}, nil
	}, nil
}
