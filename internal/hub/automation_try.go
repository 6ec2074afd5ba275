package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"hubcap/internal/api"
	"hubcap/internal/asff"
	"hubcap/internal/iam"
	"hubcap/internal/query"
	"hubcap/internal/rule"
	"hubcap/internal/store"
)

// Bounds of one try (D88).
const (
	maxTrySamples  = 10
	maxTryExamined = 1_000_000
	maxTryTime     = 20 * time.Second
	tryClock       = 256 // findings between two looks at the clock
)

// AutomationRuleDraft is the part of CreateAutomationRule's input that decides what a rule does; the other members may stand beside.
type AutomationRuleDraft struct {
	Criteria api.RawJSON                 `json:"Criteria" api:"required"`
	Actions  []api.AutomationRulesAction `json:"Actions" api:"required"`
}

// TryAutomationRuleInput is what TryAutomationRule takes: exactly one of RuleArn and Rule.
type TryAutomationRuleInput struct {
	RuleArn    *string              `json:"RuleArn,omitzero"`
	Rule       *AutomationRuleDraft `json:"Rule,omitzero"`
	MaxSamples *int32               `json:"MaxSamples,omitzero"` // 0..10; 10 unless said
}

// TryAutomationRuleOutput tells what a rule would do to the findings that are stored.
type TryAutomationRuleOutput struct {
	Matching    int64                  `json:"Matching"`    // findings that satisfy the criteria
	Examined    int64                  `json:"Examined"`    // of these, looked at: all where Complete
	WouldChange int64                  `json:"WouldChange"` // of those examined; one that is as the rule wants it is not changed
	CouldNot    int64                  `json:"CouldNot"`    // of those examined: the change would be refused, as for size
	Complete    bool                   `json:"Complete"`
	Samples     []AutomationRuleSample `json:"Samples"`
}

// AutomationRuleSample is a finding that a rule would change, and how.
type AutomationRuleSample struct {
	AwsAccountId      string                           `json:"AwsAccountId"`
	FindingIdentifier api.AwsSecurityFindingIdentifier `json:"FindingIdentifier"`
	Title             string                           `json:"Title"`
	Updates           []api.FindingHistoryUpdate       `json:"Updates"`
}

// errEnough ends a walk that has seen all it may.
var errEnough = errors.New("enough findings were looked at")

// TryAutomationRule tells what a rule alone would change among the findings the caller sees in its Region, and changes nothing. It
// looks at a million findings or for 20 seconds at most; where that is not all, Complete is false (D88).
func (h *Hub) TryAutomationRule(ctx context.Context, p *iam.Principal, in *TryAutomationRuleInput) (*TryAutomationRuleOutput, error) {
	samples := maxTrySamples
	if n := in.MaxSamples; n != nil {
		switch {
		case *n < 0:
			return nil, api.InvalidParameter("MaxSamples", "'"+strconv.Itoa(int(*n))+"' is less than minimum value: 0")
		case *n > maxTrySamples:
			return nil, api.InvalidParameter("MaxSamples", "'"+strconv.Itoa(int(*n))+"' is greater than maximum value: "+strconv.Itoa(maxTrySamples))
		}
		samples = int(*n)
	}
	r, err := h.chooseRule(ctx, p, in.RuleArn, in.Rule)
	if err != nil {
		return nil, err
	}
	now := h.now()
	where, err := reachOfRule(p.Region, r.Criteria, now)
	if err != nil {
		return nil, err
	}
	reach, err := h.reach(ctx, p)
	if err != nil {
		return nil, err
	}
	out := &TryAutomationRuleOutput{Samples: []AutomationRuleSample{}}
	if out.Matching, err = h.store.Count(ctx, reach, &where); err != nil {
		return nil, err
	}
	var m asff.Merger
	err = h.store.Walk(ctx, reach, &where, func(d *store.Doc) error {
		if out.Examined == maxTryExamined || out.Examined%tryClock == 0 && h.clock().Sub(now) > maxTryTime {
			return errEnough
		}
		out.Examined++
		doc, _, changed, err := r.Action.Apply(&m, &asff.Stored{Doc: d.JSON, Customer: d.Customer}, now)
		if _, refused := errors.AsType[*asff.EditError](err); refused {
			out.CouldNot++
			return nil
		}
		if err != nil || !changed || bytes.Equal(doc, d.JSON) {
			return err
		}
		out.WouldChange++
		if len(out.Samples) == samples {
			return nil
		}
		title, err := titleOf(d.JSON)
		out.Samples = append(out.Samples, AutomationRuleSample{
			AwsAccountId:      d.Key.Account,
			FindingIdentifier: api.AwsSecurityFindingIdentifier{Id: d.Key.ID, ProductArn: d.Key.ProductArn},
			Title:             title, Updates: updatesOf(m.Changes()),
		})
		return err
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	out.Complete = err == nil
	return out, nil
}

func titleOf(doc []byte) (title string, err error) {
	var m asff.Members
	if err := asff.Split(doc, &m); err != nil {
		return "", err
	}
	if raw := m.Get(doc, asff.TopTitle); raw != nil {
		err = json.Unmarshal(raw, &title)
	}
	return title, err
}

// updatesOf is what changed, as histories tell it.
func updatesOf(changes []asff.FieldChange) []api.FindingHistoryUpdate {
	return historyRecord(nil, time.Time{}, false, "", "", changes).Updates
}

// reachOfRule is the findings that a rule's criteria mean: of its own Region, also where the caller sees others (D37).
func reachOfRule(region string, criteria *rule.Criteria, now time.Time) (query.Expr, error) {
	where, err := criteria.Where(now)
	if err != nil {
		return where, paramError(err)
	}
	here := query.Where(query.Cond{Field: asff.FieldRegion, Cmp: query.Equals, Text: region})
	if where.Op == query.All {
		return here, nil
	}
	return query.Every(here, where), nil
}

// chosenRule is a rule that a request names, and what a job must keep of it.
type chosenRule struct {
	*rule.Rule
	run ruleRun
}

// chooseRule finds or compiles the rule that a request names in one of two ways.
func (h *Hub) chooseRule(ctx context.Context, p *iam.Principal, arn *string, draft *AutomationRuleDraft) (chosen chosenRule, err error) {
	switch {
	case arn != nil && draft != nil:
		return chosen, api.InvalidParameter("Rule", "should NOT be there together with 'RuleArn'")
	case arn == nil && draft == nil:
		return chosen, api.InvalidParameter("RuleArn", "is required, or else 'Rule'")
	}
	if draft != nil {
		chosen.run = ruleRun{Criteria: draft.Criteria, Actions: draft.Actions}
		if chosen.Rule, err = ruleOf(draft.Criteria, draft.Actions, "Rule."); err != nil {
			return chosen, err
		}
	} else if err := mayReadRule(p, *arn); err != nil {
		return chosen, err
	}
	err = h.store.View(ctx, func(st store.StateView) error {
		if _, err := h.enabledHub(st, p); err != nil || draft != nil {
			return err
		}
		_, rec, ok, err := ownRule(st, p, *arn)
		if err != nil {
			return err
		}
		if !ok {
			return api.Errorf(api.ResourceNotFound, "%s", named("ruleArn", *arn))
		}
		chosen.run = ruleRun{RuleArn: *arn, Criteria: api.RawJSON(rec.Criteria), Actions: rec.Actions}
		chosen.Rule, err = rec.compile(*arn)
		return err
	})
	return chosen, err
}

const actionGetRules = "securityhub:BatchGetAutomationRules"

// mayReadRule asks the caller's policy about a rule as BatchGetAutomationRules does: its resource is the rule.
func mayReadRule(p *iam.Principal, arn string) error {
	if !strings.HasPrefix(arn, "arn:") {
		arn = ARN(p.Region, p.Account) // what is no ARN names no resource
	}
	return authorize(p, iam.Request{Action: actionGetRules, Resource: arn})
}
