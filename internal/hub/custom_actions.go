package hub

import (
	"context"
	"encoding/json"
	"strconv"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/store"
)

// maxSentFindings is how many findings one SendFindingsToAction may name, as AWS's console lets people select (spec 6).
const maxSentFindings = 20

const actionInsightResults = "securityhub:GetInsightResults"

// EventDetail is what the outbox keeps with the events of custom actions.
type EventDetail struct {
	Account  string          `json:"account"` // of the bus
	Region   string          `json:"region"`
	Resource string          `json:"resource"` // the envelope's: the action target's ARN
	Members  json.RawMessage `json:"members"`  // of the detail, beside findings
}

// SendFindingsToActionInput names a custom action of the caller's and up to 20 findings.
type SendFindingsToActionInput struct {
	ActionTargetArn string                             `json:"-" path:"ActionTargetArn" api:"required"`
	Findings        []api.AwsSecurityFindingIdentifier `json:"Findings" api:"required"`
}

// SendFindingsToActionOutput is what became of them.
type SendFindingsToActionOutput struct {
	ProcessedFindings   []api.AwsSecurityFindingIdentifier          `json:"ProcessedFindings"`
	UnprocessedFindings []api.BatchUpdateFindingsUnprocessedFinding `json:"UnprocessedFindings"`
}

// actionMembers are the members of both details that tell of the action.
type actionMembers struct {
	ActionName        string `json:"actionName"`
	ActionDescription string `json:"actionDescription"`
}

// SendFindingsToAction is what AWS's console does when somebody chooses a custom action for selected findings: one event each, of the
// detail-type `Security Hub Findings - Custom Action`, on the caller's own bus.
func (h *Hub) SendFindingsToAction(ctx context.Context, p *iam.Principal, in *SendFindingsToActionInput) (*SendFindingsToActionOutput, error) {
	switch n := len(in.Findings); {
	case n == 0:
		return nil, api.InvalidParameter("Findings", "should NOT have fewer than 1 items")
	case n > maxSentFindings:
		return nil, api.InvalidParameter("Findings", "should NOT have more than "+strconv.Itoa(maxSentFindings)+" items")
	}
	idents := make([]store.Ident, len(in.Findings))
	for i, id := range in.Findings {
		idents[i] = store.Ident{ProductArn: id.ProductArn, ID: id.Id}
		if err := checkIdent("Findings["+strconv.Itoa(i)+"]", idents[i]); err != nil {
			return nil, err
		}
	}
	detail, err := h.actionDetail(ctx, p, in.ActionTargetArn)
	if err != nil {
		return nil, err
	}
	u := update{h: h, p: p, now: h.now(), failed: make([]failure, len(idents))}
	u.dropDuplicates(idents)
	if err := u.resolve(ctx, idents); err != nil {
		return nil, err
	}
	kept, err := json.Marshal(detail)
	if err != nil {
		return nil, err
	}
	if len(u.keys) > 0 {
		errs, err := h.store.Update(ctx, u.keys, func(i int, old *store.Doc, st store.StateView) (store.Change, error) {
			if old == nil {
				return store.Change{}, errGone
			}
			if mine, err := h.reaches(st, p, u.keys[i]); err != nil {
				return store.Change{}, err
			} else if !mine {
				return store.Change{}, errGone
			}
			e := store.Event{Key: u.keys[i], Kind: store.CustomAction, Time: u.now, Detail: kept, JSON: old.JSON}
			wanted, err := h.sinks.want(h, st, &e, detail)
			return store.Change{Event: store.EventMark{Kind: e.Kind, Time: e.Time, Detail: kept, Sinks: wanted}}, err
		})
		if err != nil {
			return nil, err
		}
		u.collect(ctx, errs)
	}
	return (*SendFindingsToActionOutput)(u.output(idents)), nil
}

// actionDetail reads the custom action, for the detail of its events.
func (h *Hub) actionDetail(ctx context.Context, p *iam.Principal, arn string) (*EventDetail, error) {
	id, err := actionTargetID(p, "ActionTargetArn", arn)
	if err != nil {
		return nil, err
	}
	if h.NoSinks() {
		return nil, api.Errorf(api.InvalidInput, "This hub has no sink, so nobody would hear of it: docs/configuration.md tells of [[sinks]].")
	}
	d := &EventDetail{Account: p.Account, Region: p.Region, Resource: arn}
	err = h.store.View(ctx, func(st store.StateView) error {
		if _, err := h.enabledHub(st, p); err != nil {
			return err
		}
		rec, err := actionTargetOf(st, p, id)
		if err != nil {
			return err
		}
		d.Members, err = json.Marshal(actionMembers{rec.Name, rec.Description})
		return err
	})
	return d, err
}

// SendInsightResultsToActionInput names a custom action of the caller's, an insight, and which of its values are meant.
type SendInsightResultsToActionInput struct {
	ActionTargetArn string   `json:"-" path:"ActionTargetArn" api:"required"`
	InsightArn      string   `json:"InsightArn" api:"required"`
	Values          []string `json:"Values"` // absent: all of the insight's results, at most 100
}

// SendInsightResultsToActionOutput is what was sent.
type SendInsightResultsToActionOutput struct {
	InsightResults api.InsightResults `json:"InsightResults"`
}

// insightMembers are the members of the detail of `Security Hub Insight Results` (spec 6).
type insightMembers struct {
	actionMembers
	InsightArn      string             `json:"insightArn"`
	InsightName     string             `json:"insightName"`
	ResultType      string             `json:"resultType"`
	NumberOfResults string             `json:"number of results"`
	InsightResults  []map[string]int32 `json:"insightResults"`
}

// SendInsightResultsToAction sends an insight's results, as GetInsightResults counts them now, to a custom action: one event on the
// caller's own bus.
func (h *Hub) SendInsightResultsToAction(ctx context.Context, p *iam.Principal, in *SendInsightResultsToActionInput) (*SendInsightResultsToActionOutput, error) {
	if len(in.Values) > maxInsightResults {
		return nil, api.InvalidParameter("Values", "should NOT have more than "+strconv.Itoa(maxInsightResults)+" items")
	}
	detail, err := h.actionDetail(ctx, p, in.ActionTargetArn)
	if err != nil {
		return nil, err
	}
	a, err := readInsightARN("InsightArn", in.InsightArn)
	if err != nil {
		return nil, err
	}
	// The row asked about the hub; a policy may speak of the insight (D103).
	if err := authorize(p, iam.Request{Action: actionInsightResults, Resource: ARN(p.Region, p.Account), Part: in.InsightArn}); err != nil {
		return nil, err
	}
	results, err := h.GetInsightResults(ctx, p, &api.GetInsightResultsInput{InsightArn: in.InsightArn})
	if err != nil {
		return nil, err
	}
	out := results.InsightResults
	if in.Values != nil {
		if out.ResultValues, err = chosenResults(out.ResultValues, in.Values); err != nil {
			return nil, err
		}
	}
	now := h.now()
	err = h.store.State(ctx, []string{p.Account}, func(tx store.StateTx) error {
		of, err := findInsight(tx, p, a)
		if err != nil {
			return err
		}
		m := insightMembers{
			InsightArn: of.arn, InsightName: of.name, ResultType: of.groupBy,
			NumberOfResults: strconv.Itoa(len(out.ResultValues)), InsightResults: make([]map[string]int32, 0, len(out.ResultValues)),
		}
		for _, v := range out.ResultValues {
			m.InsightResults = append(m.InsightResults, map[string]int32{v.GroupByAttributeValue: v.Count})
		}
		if err := json.Unmarshal(detail.Members, &m.actionMembers); err != nil {
			return err
		}
		sent := *detail
		if sent.Members, err = json.Marshal(m); err != nil {
			return err
		}
		kept, err := json.Marshal(sent)
		if err != nil {
			return err
		}
		e := store.Event{Key: store.Key{Account: p.Account, Region: p.Region, ID: of.arn}, Kind: store.InsightResults, Time: now, Detail: kept}
		wanted, err := h.sinks.want(h, tx, &e, &sent)
		tx.Emit(e.Key, store.EventMark{Kind: e.Kind, Time: now, Detail: kept, Sinks: wanted})
		return err
	})
	if err != nil {
		return nil, err
	}
	h.sinks.wake()
	return &SendInsightResultsToActionOutput{InsightResults: out}, nil
}

// chosenResults are the results of the values named, in the order of the results.
func chosenResults(all []api.InsightResultValue, values []string) ([]api.InsightResultValue, error) {
	wanted := map[string]bool{}
	for _, v := range values {
		wanted[v] = true
	}
	chosen := []api.InsightResultValue{}
	for _, r := range all {
		if wanted[r.GroupByAttributeValue] {
			chosen = append(chosen, r)
			delete(wanted, r.GroupByAttributeValue)
		}
	}
	for i, v := range values {
		if wanted[v] {
			return nil, api.InvalidParameter("Values["+strconv.Itoa(i)+"]", "'"+quotable(v)+"' is none of the insight's results")
		}
	}
	return chosen, nil
}
