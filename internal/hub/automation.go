package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/rule"
	"hubcap/internal/store"
)

// The limits of automation rules (spec 8).
const (
	maxRulesAWS        = 100 // of an account in a Region, in the profile aws
	maxRulesOpen       = 1000
	maxRuleOrder       = 1000
	maxRuleName        = 256
	maxRuleDescription = 1024
	maxRuleCriteria    = 256 << 10 // bytes (D85)
	maxRuleBatch       = 100       // of Batch... operations
)

const (
	ruleEnabled  = "ENABLED"
	ruleDisabled = "DISABLED"
)

// CreateAutomationRule keeps a rule of the caller's. It acts on every finding that is imported after the answer (D37).
func (h *Hub) CreateAutomationRule(ctx context.Context, p *iam.Principal, in *api.CreateAutomationRuleInput) (*api.CreateAutomationRuleOutput, error) {
	edit := api.UpdateAutomationRulesRequestItem{
		Actions: in.Actions, Criteria: in.Criteria, Description: &in.Description, IsTerminal: in.IsTerminal,
		RuleName: &in.RuleName, RuleOrder: &in.RuleOrder, RuleStatus: in.RuleStatus,
	}
	if edit.Actions == nil {
		edit.Actions = []api.AutomationRulesAction{} // here a member that must be there
	}
	if err := checkRule(&edit, ""); err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	now := h.now()
	rec := ruleRecord{Status: ruleEnabled, CreatedBy: p.ARN, CreatedAt: now, Everyone: p.Operator}
	rec.take(&edit)
	id := newUUID(now)
	arn := ruleARN(p.Region, p.Account, id)
	err := h.store.State(ctx, []string{p.Account}, func(tx store.StateTx) error {
		if _, err := h.enabledHub(tx, p); err != nil {
			return err
		}
		if err := h.requireOwnRules(tx, p); err != nil {
			return err
		}
		index, err := readRuleIndex(tx, p.Account, p.Region)
		if err != nil {
			return err
		}
		most := maxRulesOpen
		if h.profile == AWS {
			most = maxRulesAWS
		}
		if len(index.IDs) >= most {
			return api.Errorf(api.LimitExceeded, "Account %s has reached the limit of %d automation rules in %s", p.Account, most, p.Region)
		}
		index.IDs = append(index.IDs, id)
		if err := index.put(tx, p, id, &rec, now); err != nil {
			return err
		}
		return createTags(tx, p.Account, arn, in.Tags)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateAutomationRuleOutput{RuleArn: &arn}, nil
}

// requireOwnRules refuses a member: its administrator's rules act on its findings, its own never would (D37). It may still read and
// delete what it made before.
func (h *Hub) requireOwnRules(st store.StateView, p *iam.Principal) error {
	owner, err := h.administratorOf(st, p.Account, p.Region)
	if err == nil && owner != p.Account {
		err = api.Errorf(api.InvalidAccess, "Account %s is a member of the administrator account %s, whose automation rules act on its findings", p.Account, owner)
	}
	return err
}

// BatchGetAutomationRules tells the rules of the ARNs given, in their order. An ARN that names no rule of the caller's in its Region
// is told in UnprocessedAutomationRules (D85).
func (h *Hub) BatchGetAutomationRules(ctx context.Context, p *iam.Principal, in *api.BatchGetAutomationRulesInput) (*api.BatchGetAutomationRulesOutput, error) {
	if err := checkBatch("AutomationRulesArns", len(in.AutomationRulesArns)); err != nil {
		return nil, err
	}
	var out *api.BatchGetAutomationRulesOutput
	err := h.store.View(ctx, func(st store.StateView) error {
		if _, err := h.enabledHub(st, p); err != nil {
			return err
		}
		out = &api.BatchGetAutomationRulesOutput{
			Rules: []api.AutomationRulesConfig{}, UnprocessedAutomationRules: []api.UnprocessedAutomationRule{},
		}
		for _, arn := range in.AutomationRulesArns {
			_, rec, ok, err := ownRule(st, p, arn)
			if err != nil {
				return err
			}
			if !ok {
				out.UnprocessedAutomationRules = append(out.UnprocessedAutomationRules, noSuchRule(arn))
				continue
			}
			out.Rules = append(out.Rules, rec.wire(arn))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// BatchUpdateAutomationRules changes the members that an item names; the others stay. A member outside the API's model refuses the
// request. An item is an edit even when it changes nothing: the rule edited last acts last among those of its order (spec 8.2). Items
// are done one after another (D85).
func (h *Hub) BatchUpdateAutomationRules(ctx context.Context, p *iam.Principal, in *api.BatchUpdateAutomationRulesInput) (*api.BatchUpdateAutomationRulesOutput, error) {
	const name = "UpdateAutomationRulesRequestItems"
	items := in.UpdateAutomationRulesRequestItems
	if err := checkBatch(name, len(items)); err != nil {
		return nil, err
	}
	for i := range items {
		if err := checkRule(&items[i], name+"["+strconv.Itoa(i)+"]."); err != nil {
			return nil, err
		}
	}
	arns := make([]string, len(items))
	for i := range items {
		arns[i] = items[i].RuleArn
	}
	now := h.now()
	processed, unprocessed, err := h.changeRules(ctx, p, arns, func(tx store.StateTx, index *ruleIndex, i int, id string, rec *ruleRecord) error {
		if err := h.requireOwnRules(tx, p); err != nil {
			return err
		}
		rec.take(&items[i])
		return index.put(tx, p, id, rec, now)
	})
	if err != nil {
		return nil, err
	}
	return &api.BatchUpdateAutomationRulesOutput{ProcessedAutomationRules: processed, UnprocessedAutomationRules: unprocessed}, nil
}

// BatchDeleteAutomationRules forgets rules. What they changed in findings stays.
func (h *Hub) BatchDeleteAutomationRules(ctx context.Context, p *iam.Principal, in *api.BatchDeleteAutomationRulesInput) (*api.BatchDeleteAutomationRulesOutput, error) {
	if err := checkBatch("AutomationRulesArns", len(in.AutomationRulesArns)); err != nil {
		return nil, err
	}
	processed, unprocessed, err := h.changeRules(ctx, p, in.AutomationRulesArns, func(tx store.StateTx, index *ruleIndex, i int, id string, _ *ruleRecord) error {
		deleteTags(tx, p.Account, in.AutomationRulesArns[i])
		return index.remove(tx, p, id)
	})
	if err != nil {
		return nil, err
	}
	return &api.BatchDeleteAutomationRulesOutput{ProcessedAutomationRules: processed, UnprocessedAutomationRules: unprocessed}, nil
}

// changeRules calls change, in one transaction, for each ARN that names a rule of the caller's, one after another.
func (h *Hub) changeRules(ctx context.Context, p *iam.Principal, arns []string,
	change func(tx store.StateTx, index *ruleIndex, i int, id string, rec *ruleRecord) error,
) (processed []string, unprocessed []api.UnprocessedAutomationRule, err error) {
	err = h.store.State(ctx, []string{p.Account}, func(tx store.StateTx) error {
		if _, err := h.enabledHub(tx, p); err != nil {
			return err
		}
		processed, unprocessed = []string{}, []api.UnprocessedAutomationRule{}
		index, err := readRuleIndex(tx, p.Account, p.Region)
		if err != nil {
			return err
		}
		for i, arn := range arns {
			id, rec, ok, err := ownRule(tx, p, arn)
			if err != nil {
				return err
			}
			if !ok {
				unprocessed = append(unprocessed, noSuchRule(arn))
				continue
			}
			if err := change(tx, &index, i, id, rec); err != nil {
				return err
			}
			processed = append(processed, arn)
		}
		return nil
	})
	return processed, unprocessed, err
}

// ListAutomationRules lists the caller's rules in its Region, in the order in which they act.
func (h *Hub) ListAutomationRules(ctx context.Context, p *iam.Principal, in *api.ListAutomationRulesInput) (*api.ListAutomationRulesOutput, error) {
	var names []string
	found := map[string]api.AutomationRulesMetadata{}
	err := h.store.View(ctx, func(st store.StateView) error {
		if _, err := h.enabledHub(st, p); err != nil {
			return err
		}
		index, err := readRuleIndex(st, p.Account, p.Region)
		if err != nil {
			return err
		}
		for _, id := range index.IDs {
			arn := ruleARN(p.Region, p.Account, id)
			_, rec, ok, err := ownRule(st, p, arn)
			if err != nil {
				return err
			}
			if ok {
				name := fmt.Sprintf("%04d %s %016x %s", rec.Order, rec.UpdatedAt.UTC().Format(timestamp), rec.Edition, id)
				names, found[name] = append(names, name), rec.metadata(arn)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	names, next, err := h.page(names, in.NextToken, in.MaxResults, ask("ListAutomationRules", p, nil, nil))
	if err != nil {
		return nil, err
	}
	out := &api.ListAutomationRulesOutput{AutomationRulesMetadata: make([]api.AutomationRulesMetadata, 0, len(names)), NextToken: next}
	for _, name := range names {
		out.AutomationRulesMetadata = append(out.AutomationRulesMetadata, found[name])
	}
	return out, nil
}

// checkRule holds what a request says of a rule to the API's model (spec 8.2 to 8.4). prefix is where it stands in the request.
func checkRule(in *api.UpdateAutomationRulesRequestItem, prefix string) error {
	if err := checkRuleText(prefix+"RuleName", in.RuleName, maxRuleName); err != nil {
		return err
	}
	if err := checkRuleText(prefix+"Description", in.Description, maxRuleDescription); err != nil {
		return err
	}
	if o := in.RuleOrder; o != nil {
		switch {
		case *o < 1:
			return api.InvalidParameter(prefix+"RuleOrder", "'"+strconv.Itoa(int(*o))+"' is less than minimum value: 1")
		case *o > maxRuleOrder: // the sentence was seen from AWS (spec 2.3)
			return api.InvalidParameter(prefix+"RuleOrder", "'"+strconv.Itoa(int(*o))+"' is greater than maximum value: "+strconv.Itoa(maxRuleOrder))
		}
	}
	if s := in.RuleStatus; s != nil && *s != ruleEnabled && *s != ruleDisabled {
		return api.InvalidParameter(prefix+"RuleStatus", "should be equal to one of the allowed values: "+ruleEnabled+", "+ruleDisabled)
	}
	if in.Criteria != nil {
		if _, err := readCriteria(in.Criteria, prefix+"Criteria"); err != nil {
			return err
		}
	}
	if in.Actions != nil {
		if _, err := rule.CompileActions(in.Actions, prefix+"Actions"); err != nil {
			return err
		}
	}
	return nil
}

// readCriteria holds what a request says of a rule's criteria to their bound, and compiles them.
func readCriteria(criteria api.RawJSON, name string) (*rule.Criteria, error) {
	if len(criteria) > maxRuleCriteria {
		return nil, api.InvalidParameter(name, "should NOT be longer than "+strconv.Itoa(maxRuleCriteria)+" bytes")
	}
	c, err := rule.CompileCriteria(criteria, name)
	if err != nil {
		return nil, paramError(err)
	}
	return c, nil
}

func checkRuleText(name string, text *string, most int) error {
	switch {
	case text == nil:
		return nil
	case *text == "":
		return api.InvalidParameter(name, "should NOT be shorter than 1 characters")
	case utf8.RuneCountInString(*text) > most:
		return api.InvalidParameter(name, "should NOT be longer than "+strconv.Itoa(most)+" characters")
	case strings.IndexFunc(*text, func(r rune) bool { return !unicode.IsSpace(r) }) < 0:
		return api.InvalidParameter(name, `should match pattern ".*\S.*"`)
	}
	return nil
}

func checkBatch(name string, n int) error {
	switch {
	case n == 0:
		return api.InvalidParameter(name, "should NOT have fewer than 1 items")
	case n > maxRuleBatch:
		return api.InvalidParameter(name, "should NOT have more than "+strconv.Itoa(maxRuleBatch)+" items")
	}
	return nil
}

// noSuchRule tells an ARN that names no rule the caller may see. The code is HTTP's: the model has an integer there (spec 8.5, D85).
func noSuchRule(arn string) api.UnprocessedAutomationRule {
	code, message := int32(404), "Automation rule "+arn+" is not found"
	return api.UnprocessedAutomationRule{ErrorCode: &code, ErrorMessage: &message, RuleArn: &arn}
}

// ruleRecord is one automation rule.
type ruleRecord struct {
	Name        string                      `json:"name"`
	Description string                      `json:"description"`
	Order       int32                       `json:"order"`
	Terminal    bool                        `json:"terminal"`
	Status      string                      `json:"status"`
	Criteria    string                      `json:"criteria"` // as sent, less white space
	Actions     []api.AutomationRulesAction `json:"actions"`
	Everyone    bool                        `json:"everyone"` // the operator's: for every account's findings (D37), and nobody else's to see
	CreatedBy   string                      `json:"createdBy"`
	CreatedAt   time.Time                   `json:"createdAt"`
	UpdatedAt   time.Time                   `json:"updatedAt"`
	Edition     uint64                      `json:"edition"` // of the index when the rule was edited last
}

// take changes the record as a checked request says.
func (r *ruleRecord) take(in *api.UpdateAutomationRulesRequestItem) {
	set(&r.Name, in.RuleName)
	set(&r.Description, in.Description)
	set(&r.Order, in.RuleOrder)
	set(&r.Terminal, in.IsTerminal)
	set(&r.Status, in.RuleStatus)
	if in.Criteria != nil {
		text := in.Criteria.Clone()
		_ = text.Compact() // it was read before
		r.Criteria = string(text)
	}
	if in.Actions != nil {
		r.Actions = in.Actions
	}
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

func (r *ruleRecord) wire(arn string) api.AutomationRulesConfig {
	return api.AutomationRulesConfig{
		Actions: r.Actions, CreatedAt: instant(r.CreatedAt), CreatedBy: &r.CreatedBy, Criteria: api.RawJSON(r.Criteria),
		Description: &r.Description, IsTerminal: &r.Terminal, RuleArn: &arn, RuleName: &r.Name, RuleOrder: &r.Order,
		RuleStatus: &r.Status, UpdatedAt: instant(r.UpdatedAt),
	}
}

func (r *ruleRecord) metadata(arn string) api.AutomationRulesMetadata {
	return api.AutomationRulesMetadata{
		CreatedAt: instant(r.CreatedAt), CreatedBy: &r.CreatedBy, Description: &r.Description, IsTerminal: &r.Terminal,
		RuleArn: &arn, RuleName: &r.Name, RuleOrder: &r.Order, RuleStatus: &r.Status, UpdatedAt: instant(r.UpdatedAt),
	}
}

// compile makes the rule that acts.
func (r *ruleRecord) compile(arn string) (*rule.Rule, error) {
	criteria, err := rule.CompileCriteria([]byte(r.Criteria), "Criteria")
	if err != nil {
		return nil, err
	}
	action, err := rule.CompileActions(r.Actions, "Actions")
	if err != nil {
		return nil, err
	}
	return &rule.Rule{
		ARN: arn, Order: int(r.Order), UpdatedAt: r.UpdatedAt, Edition: r.Edition, Terminal: r.Terminal,
		Criteria: criteria, Action: action,
	}, nil
}

// ruleIndex names the rules of an account in a Region. It changes with each of them, so that what was made of one index holds as long
// as the record's bytes are the same.
type ruleIndex struct {
	Edition uint64   `json:"edition"`
	IDs     []string `json:"ids"`
}

func readRuleIndex(st store.StateView, account, region string) (ruleIndex, error) {
	var x ruleIndex
	raw, ok := st.Get(account, recordRuleIndex+region)
	if !ok {
		return x, nil
	}
	if err := json.Unmarshal(raw, &x); err != nil {
		return x, fmt.Errorf("record %s%s of account %s: %w", recordRuleIndex, region, account, err)
	}
	return x, nil
}

// put writes a rule that was made or edited.
func (x *ruleIndex) put(tx store.StateTx, p *iam.Principal, id string, rec *ruleRecord, now time.Time) error {
	x.Edition++
	rec.UpdatedAt, rec.Edition = now, x.Edition
	if err := putRecord(tx, p.Account, ruleName(p.Region, id), rec); err != nil {
		return err
	}
	return putRecord(tx, p.Account, recordRuleIndex+p.Region, x)
}

// remove deletes a rule. The index stays, empty, so that no edition comes twice.
func (x *ruleIndex) remove(tx store.StateTx, p *iam.Principal, id string) error {
	x.Edition++
	x.IDs = slices.DeleteFunc(x.IDs, func(have string) bool { return have == id })
	tx.Delete(p.Account, ruleName(p.Region, id))
	return putRecord(tx, p.Account, recordRuleIndex+p.Region, x)
}

func ruleName(region, id string) string { return recordRule + region + "/" + id }

// ruleARN names a rule (spec 8.5).
func ruleARN(region, account, id string) string {
	return "arn:" + partitionOf(region) + ":securityhub:" + region + ":" + account + ":automation-rule/" + id
}

// ownRule finds the rule of an ARN among those the caller may see: its account's in its Region, and of account 123456789012 the
// operator's only where the caller is the operator.
func ownRule(st store.StateView, p *iam.Principal, arn string) (id string, rec *ruleRecord, ok bool, err error) {
	id, ok = strings.CutPrefix(arn, ruleARN(p.Region, p.Account, ""))
	if !ok || !isUUID(id) {
		return "", nil, false, nil
	}
	rec, err = readRule(st, p.Account, p.Region, id)
	if rec == nil || err != nil || rec.Everyone && !p.Operator {
		return "", nil, false, err
	}
	return id, rec, true, nil
}

// readRule reads a rule's record; nil where there is none.
func readRule(st store.StateView, account, region, id string) (*ruleRecord, error) {
	raw, ok := st.Get(account, ruleName(region, id))
	if !ok {
		return nil, nil //nolint:nilnil // there is none
	}
	rec := new(ruleRecord)
	if err := json.Unmarshal(raw, rec); err != nil {
		return nil, fmt.Errorf("record %s of account %s: %w", ruleName(region, id), account, err)
	}
	return rec, nil
}

// ruleOf compiles what a request says of a rule that may not be kept: its criteria and action.
func ruleOf(criteria api.RawJSON, actions []api.AutomationRulesAction, prefix string) (*rule.Rule, error) {
	c, err := readCriteria(criteria, prefix+"Criteria")
	if err != nil {
		return nil, err
	}
	a, err := rule.CompileActions(actions, prefix+"Actions")
	if err != nil {
		return nil, err
	}
	return &rule.Rule{Criteria: c, Action: a}, nil
}
