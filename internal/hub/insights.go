package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"hubcap/internal/api"
	"hubcap/internal/asff"
	"hubcap/internal/iam"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

const (
	maxInsights       = 100       // custom ones of an account in a Region, in the profile aws (spec 7.2)
	maxInsightName    = 128       // characters (spec 7.4)
	maxInsightFilters = 256 << 10 // bytes (D80)
)

// insightRecord is a custom insight: the small record insight/REGION/UUID of its account.
type insightRecord struct {
	Name             string `json:"name"`
	GroupByAttribute string `json:"groupByAttribute"`
	Filters          string `json:"filters"` // as sent, less white space
}

// insight is one that is there, whoever made it.
type insight struct {
	arn     string
	name    string
	groupBy string
	filters []byte
}

func (i *insight) wire() api.Insight {
	return api.Insight{Filters: i.filters, GroupByAttribute: i.groupBy, InsightArn: i.arn, Name: i.name}
}

// CreateInsight keeps a question of the caller's: filters, and the attribute whose values are counted among what they match. Two
// insights may have one name (D80).
func (h *Hub) CreateInsight(ctx context.Context, p *iam.Principal, in *api.CreateInsightInput) (*api.CreateInsightOutput, error) {
	if err := checkInsightName(in.Name); err != nil {
		return nil, err
	}
	now := h.now()
	filters, err := h.insightFilters(in.Filters, now)
	if err != nil {
		return nil, err
	}
	if _, err := groupingAttribute(in.GroupByAttribute); err != nil {
		return nil, err
	}
	rec := insightRecord{Name: in.Name, GroupByAttribute: in.GroupByAttribute, Filters: filters}
	id := newUUID(now)
	err = h.store.State(ctx, []string{p.Account}, func(tx store.StateTx) error {
		if _, err := h.enabledHub(tx, p); err != nil {
			return err
		}
		if h.profile == AWS && len(tx.Names(p.Account, insightNames(p))) >= maxInsights {
			return api.Errorf(api.LimitExceeded, "Account %s has reached the limit of %d custom insights in %s", p.Account, maxInsights, p.Region)
		}
		return putRecord(tx, p.Account, insightNames(p)+id, rec)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateInsightOutput{InsightArn: insightPrefix(p.Region, p.Account) + id}, nil
}

// GetInsights tells the insights of the ARNs given, each once, in that order; without any, the caller's custom ones, the oldest first
// (spec 7.3, D84). One ARN that names none refuses the request.
func (h *Hub) GetInsights(ctx context.Context, p *iam.Principal, in *api.GetInsightsInput) (*api.GetInsightsOutput, error) {
	limit, err := pageSize(in.MaxResults)
	if err != nil {
		return nil, err
	}
	arns := make([]insightARN, len(in.InsightArns))
	for i, text := range in.InsightArns {
		if arns[i], err = readInsightARN("InsightArns["+strconv.Itoa(i)+"]", text); err != nil {
			return nil, err
		}
	}
	asked, err := json.Marshal(in.InsightArns)
	if err != nil {
		return nil, err
	}
	q := ask("GetInsights", p, asked, nil)
	if len(arns) == 0 {
		return h.customInsights(ctx, p, in, q)
	}
	now := h.now()
	after, _, err := h.openToken(in.NextToken, q, now)
	if err != nil {
		return nil, err
	}
	list, err := h.namedInsights(ctx, p, arns)
	if err != nil {
		return nil, err
	}
	if after != nil && len(after.Values) == 1 {
		at := slices.IndexFunc(list, func(i insight) bool { return i.arn == after.Values[0].Text })
		list = list[at+1:]
	}
	out := &api.GetInsightsOutput{Insights: make([]api.Insight, 0, min(limit, len(list)))}
	for i := range list {
		if i == limit {
			last := &query.Position{Values: []query.SortValue{{Text: list[i-1].arn}}}
			token, err := h.sealer.Seal(q, last, now)
			if err != nil {
				return nil, err
			}
			out.NextToken = &token
			break
		}
		out.Insights = append(out.Insights, list[i].wire())
	}
	return out, nil
}

// namedInsights finds the insights of ARNs, each once.
func (h *Hub) namedInsights(ctx context.Context, p *iam.Principal, arns []insightARN) ([]insight, error) {
	list := make([]insight, 0, len(arns))
	seen := make(map[insightARN]bool, len(arns))
	err := h.store.View(ctx, func(st store.StateView) error {
		if _, err := h.enabledHub(st, p); err != nil {
			return err
		}
		list = list[:0]
		clear(seen)
		for _, a := range arns {
			if seen[a] {
				continue
			}
			seen[a] = true
			i, err := findInsight(st, p, a)
			if err != nil {
				return err
			}
			list = append(list, i)
		}
		return nil
	})
	return list, err
}

// customInsights tells a page of the caller's, by ARN. It reads those of the page alone.
func (h *Hub) customInsights(ctx context.Context, p *iam.Principal, in *api.GetInsightsInput, q query.Question) (*api.GetInsightsOutput, error) {
	out := &api.GetInsightsOutput{}
	err := h.store.View(ctx, func(st store.StateView) error {
		if _, err := h.enabledHub(st, p); err != nil {
			return err
		}
		prefix := insightNames(p)
		names, next, err := h.page(st.Names(p.Account, prefix), in.NextToken, in.MaxResults, q)
		if err != nil {
			return err
		}
		out.NextToken, out.Insights = next, make([]api.Insight, 0, len(names))
		for _, name := range names {
			i, _, err := customInsight(st, p, name[len(prefix):])
			if err != nil {
				return err
			}
			out.Insights = append(out.Insights, i.wire())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateInsight changes the members that are given, each as a whole, of one of the caller's custom insights.
func (h *Hub) UpdateInsight(ctx context.Context, p *iam.Principal, in *api.UpdateInsightInput) (*api.UpdateInsightOutput, error) {
	a, err := ownInsightARN(in.InsightArn)
	if err != nil {
		return nil, err
	}
	if in.Name != nil {
		if err := checkInsightName(*in.Name); err != nil {
			return nil, err
		}
	}
	filters, err := h.insightFilters(in.Filters, h.now())
	if err != nil {
		return nil, err
	}
	if in.GroupByAttribute != nil {
		if _, err := groupingAttribute(*in.GroupByAttribute); err != nil {
			return nil, err
		}
	}
	err = h.store.State(ctx, []string{p.Account}, func(tx store.StateTx) error {
		rec, name, err := h.ownInsight(tx, p, a)
		if err != nil {
			return err
		}
		if in.Name != nil {
			rec.Name = *in.Name
		}
		if in.GroupByAttribute != nil {
			rec.GroupByAttribute = *in.GroupByAttribute
		}
		if filters != "" {
			rec.Filters = filters
		}
		return putRecord(tx, p.Account, name, rec)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateInsightOutput{}, nil
}

// DeleteInsight deletes one of the caller's custom insights.
func (h *Hub) DeleteInsight(ctx context.Context, p *iam.Principal, in *api.DeleteInsightInput) (*api.DeleteInsightOutput, error) {
	a, err := ownInsightARN(in.InsightArn)
	if err != nil {
		return nil, err
	}
	err = h.store.State(ctx, []string{p.Account}, func(tx store.StateTx) error {
		_, name, err := h.ownInsight(tx, p, a)
		if err == nil {
			tx.Delete(p.Account, name)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteInsightOutput{InsightArn: in.InsightArn}, nil
}

// ownInsight finds a custom insight of the caller's, to change it.
func (h *Hub) ownInsight(tx store.StateTx, p *iam.Principal, a insightARN) (insightRecord, string, error) {
	if _, err := h.enabledHub(tx, p); err != nil {
		return insightRecord{}, "", err
	}
	if !a.of(p) {
		return insightRecord{}, "", noInsight(a)
	}
	rec, ok, err := readInsight(tx, p, a.id)
	if err == nil && !ok {
		err = noInsight(a)
	}
	return rec, insightNames(p) + a.id, err
}

// findInsight finds the insight of an ARN: a managed one of the caller's partition, or a custom one of the caller's account and
// Region. Others are not there (D81).
func findInsight(st store.StateView, p *iam.Principal, a insightARN) (insight, error) {
	if a.managed {
		all, err := managedInsights()
		if err != nil {
			return insight{}, err
		}
		m, ok := all[a.id]
		if !ok || a.partition != partitionOf(p.Region) {
			return insight{}, noInsight(a)
		}
		return insight{arn: a.String(), name: m.name, groupBy: m.groupBy, filters: m.filters}, nil
	}
	if !a.of(p) {
		return insight{}, noInsight(a)
	}
	i, ok, err := customInsight(st, p, a.id)
	if err == nil && !ok {
		err = noInsight(a)
	}
	return i, err
}

func customInsight(st store.StateView, p *iam.Principal, id string) (insight, bool, error) {
	rec, ok, err := readInsight(st, p, id)
	return insight{
		arn: insightPrefix(p.Region, p.Account) + id, name: rec.Name, groupBy: rec.GroupByAttribute, filters: []byte(rec.Filters),
	}, ok, err
}

func readInsight(st store.StateView, p *iam.Principal, id string) (rec insightRecord, ok bool, err error) {
	name := insightNames(p) + id
	raw, ok := st.Get(p.Account, name)
	if !ok {
		return rec, false, nil
	}
	if err := json.Unmarshal(raw, &rec); err != nil {
		return rec, true, fmt.Errorf("record %s of account %s: %w", name, p.Account, err)
	}
	return rec, true, nil
}

// insightNames is how the names of the records of a caller's custom insights begin.
func insightNames(p *iam.Principal) string { return recordInsight + p.Region + "/" }

func noInsight(a insightARN) error {
	return api.Errorf(api.ResourceNotFound, "%s", named("insightArn", a.String()))
}

// insightARN is an insight's ARN taken apart (spec 7.1): arn:PARTITION:securityhub:REGION:ACCOUNT:insight/ACCOUNT/custom/UUID, or, where
// managed, arn:PARTITION:securityhub:::insight/securityhub/default/NUMBER.
type insightARN struct {
	partition, region, account string
	managed                    bool
	id                         string // the UUID, or the number
}

func insightPrefix(region, account string) string {
	return "arn:" + partitionOf(region) + ":securityhub:" + region + ":" + account + ":insight/" + account + "/custom/"
}

// of tells whether it is a custom insight of the caller's account and Region.
func (a insightARN) of(p *iam.Principal) bool {
	return !a.managed && a.account == p.Account && a.region == p.Region && a.partition == partitionOf(p.Region)
}

// String is the ARN again.
func (a insightARN) String() string {
	if a.managed {
		return "arn:" + a.partition + ":securityhub:::insight/securityhub/default/" + a.id
	}
	return "arn:" + a.partition + ":securityhub:" + a.region + ":" + a.account + ":insight/" + a.account + "/custom/" + a.id
}

// parseInsightARN takes an ARN apart; what is formed otherwise names no insight. A custom insight's account stands in it twice.
func parseInsightARN(s string) (a insightARN, ok bool) {
	part := strings.SplitN(s, ":", 6)
	if len(part) != 6 || part[0] != "arn" || !isPartition(part[1]) || part[2] != "securityhub" {
		return a, false
	}
	a = insightARN{partition: part[1], region: part[3], account: part[4]}
	if a.region == "" && a.account == "" {
		a.managed = true
		a.id, ok = strings.CutPrefix(part[5], "insight/securityhub/default/")
		n, err := strconv.ParseUint(a.id, 10, 16)
		return a, ok && err == nil && strconv.FormatUint(n, 10) == a.id
	}
	a.id, ok = strings.CutPrefix(part[5], "insight/"+a.account+"/custom/")
	return a, ok && isRegion(a.region) && isAccount(a.account) && isUUID(a.id)
}

func readInsightARN(parameter, s string) (insightARN, error) {
	a, ok := parseInsightARN(s)
	if !ok {
		return a, api.InvalidParameter(parameter, "should be the ARN of an insight")
	}
	return a, nil
}

// ownInsightARN reads the ARN of an insight to change. The managed ones are nobody's (spec 7.3, D81).
func ownInsightARN(s string) (insightARN, error) {
	const parameter = "InsightArn"
	a, err := readInsightARN(parameter, s)
	if err == nil && a.managed {
		err = api.InvalidParameter(parameter, "should be the ARN of a custom insight: managed insights cannot be changed or deleted")
	}
	return a, err
}

func checkInsightName(name string) error {
	const parameter = "Name"
	switch {
	case strings.TrimSpace(name) == "":
		return api.InvalidParameter(parameter, `should match pattern ".*\S.*"`)
	case utf8.RuneCountInString(name) > maxInsightName:
		return api.InvalidParameter(parameter, "should NOT be longer than "+strconv.Itoa(maxInsightName)+" characters")
	}
	return nil
}

// insightFilters checks the filters of a custom insight and answers them without white space, "" where there are none. The sentence is
// CreateInsight's own (spec 7.5), and not the one of GetFindings.
func (h *Hub) insightFilters(filters api.RawJSON, now time.Time) (string, error) {
	if filters == nil {
		return "", nil
	}
	_, err := query.Compile(filters, now, query.Options{AllowContains: h.profile == Open, Name: "data"})
	if q, ok := errors.AsType[*query.ParamError](err); ok {
		return "", api.Errorf(api.InvalidInput, "Invalid Filters in the input: %s %s", q.Name, q.Reason)
	}
	if err != nil {
		return "", err
	}
	text := slices.Clone(filters)
	if err := text.Compact(); err != nil {
		return "", err
	}
	if len(text) > maxInsightFilters {
		return "", api.InvalidParameter("Filters", "should NOT be longer than "+strconv.Itoa(maxInsightFilters)+" bytes")
	}
	return string(text), nil
}

// groupingAttribute finds the attribute that an insight counts by. What has no value of its own, a map or Keyword, has nothing to
// count (D80).
func groupingAttribute(name string) (asff.Field, error) {
	const parameter = "GroupByAttribute"
	f, ok := asff.FieldByName(name)
	switch {
	case !ok:
		return f, api.InvalidParameter(parameter, "should be the name of a filter attribute")
	case f.Kind() == asff.KindMap || f.Kind() == asff.KindKeyword:
		return f, api.InvalidParameter(parameter, "should be an attribute with values to count, which "+name+" is not")
	}
	return f, nil
}
