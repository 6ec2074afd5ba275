package hub

import (
	"context"
	"math"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

// maxInsightResults is how many values an insight tells: the most frequent ones (spec 7.2).
const maxInsightResults = 100

// GetInsightResults counts the findings in the caller's scope that match an insight's filters, by the values of its attribute, the
// most frequent first. Relative dates are those of the call. A finding counts once for each distinct value, of any of its resources
// (spec 7.6), and not at all where it lacks the attribute (D34).
func (h *Hub) GetInsightResults(ctx context.Context, p *iam.Principal, in *api.GetInsightResultsInput) (*api.GetInsightResultsOutput, error) {
	a, err := readInsightARN("InsightArn", in.InsightArn)
	if err != nil {
		return nil, err
	}
	var of insight
	err = h.store.View(ctx, func(st store.StateView) error {
		if _, err := h.enabledHub(st, p); err != nil {
			return err
		}
		of, err = findInsight(st, p, a)
		return err
	})
	if err != nil {
		return nil, err
	}
	group := query.Group{Limit: maxInsightResults}
	if group.By, err = groupingAttribute(of.groupBy); err != nil {
		return nil, err
	}
	// What CreateInsight took is not refused here, though the profile may have changed since.
	if group.Where, err = query.Compile(of.filters, h.now(), query.Options{AllowContains: true}); err != nil {
		return nil, paramError(err)
	}
	reach, err := h.reach(ctx, p)
	if err != nil {
		return nil, err
	}
	counts, err := h.store.Group(ctx, reach, &group)
	if err != nil {
		return nil, err
	}
	out := api.InsightResults{
		GroupByAttribute: of.groupBy, InsightArn: of.arn, ResultValues: make([]api.InsightResultValue, 0, len(counts)),
	}
	for _, c := range counts {
		out.ResultValues = append(out.ResultValues, api.InsightResultValue{
			Count: int32(min(c.N, math.MaxInt32)), GroupByAttributeValue: c.Value, //nolint:gosec // within 32 bits
		})
	}
	return &api.GetInsightResultsOutput{InsightResults: out}, nil
}
