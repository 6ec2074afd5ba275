package hub

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"hubcap/internal/api"
	"hubcap/internal/asff"
	"hubcap/internal/iam"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

// The bounds of one GroupFindings (D157).
const (
	maxGroupings     = 20
	maxGroupValues   = 1000
	usualGroupValues = 20
	searchedValues   = 5000 // among how many of the most frequent values Contains looks
)

// GroupFindingsInput asks for the values that attributes have among the findings that match, and how often.
type GroupFindingsInput struct {
	Where   *string        `json:"Where,omitzero"`
	Filters api.RawJSON    `json:"Filters,omitzero"`
	Groups  []GroupRequest `json:"Groups" api:"required"`
}

// GroupRequest is one attribute of it.
type GroupRequest struct {
	Attribute  string  `json:"Attribute" api:"required"`
	Key        *string `json:"Key,omitzero"`        // of a map attribute, and only there
	Prefix     *string `json:"Prefix,omitzero"`     // only values that begin so, letter by letter
	Contains   *string `json:"Contains,omitzero"`   // only values that hold this, whatever the case
	MaxResults *int32  `json:"MaxResults,omitzero"` // values; 20 unless said
	Except     *bool   `json:"Except,omitzero"`     // conditions on this attribute itself are left out: what else there is to choose
}

// GroupFindingsQuery is one attribute, or several, in a query string.
type GroupFindingsQuery struct {
	Where    *string  `query:"where"`
	By       []string `query:"by"` // Attribute or Attribute[key]
	Prefix   *string  `query:"prefix"`
	Contains *string  `query:"contains"`
	Max      *int32   `query:"max"`
	Except   *bool    `query:"except"`
}

// GroupFindingsOutput has a group for each that was asked for, in that order.
type GroupFindingsOutput struct {
	Count  int64         `json:"Count"` // findings that match
	Groups []GroupCounts `json:"Groups"`
}

// GroupCounts are the most frequent values, ties by value. A finding counts once for each distinct value that it has.
type GroupCounts struct {
	Attribute string       `json:"Attribute"`
	Key       string       `json:"Key,omitempty"`
	Values    []ValueCount `json:"Values"`
	More      bool         `json:"More"`    // there are more values than are told
	Missing   int64        `json:"Missing"` // findings without any value
}

// ValueCount is how many findings have a value.
type ValueCount struct {
	Value string `json:"Value"`
	Count int64  `json:"Count"`
}

// GroupFindings counts the findings in the caller's scope that match by the values of attributes (D157).
func (h *Hub) GroupFindings(ctx context.Context, p *iam.Principal, in *GroupFindingsInput) (*GroupFindingsOutput, error) {
	if n := len(in.Groups); n < 1 || n > maxGroupings {
		return nil, api.InvalidParameter("Groups", "should have 1 to "+strconv.Itoa(maxGroupings)+" items")
	}
	where, err := h.condition(in.Where, in.Filters, h.now())
	if err != nil {
		return nil, err
	}
	asked := make([]grouping, len(in.Groups))
	for i := range in.Groups {
		if asked[i], err = readGrouping("Groups["+strconv.Itoa(i)+"]", &in.Groups[i]); err != nil {
			return nil, err
		}
	}
	reach, err := h.mayAsk(ctx, p)
	if err != nil {
		return nil, err
	}
	ctx, cancel := h.limited(ctx)
	defer cancel()
	out := &GroupFindingsOutput{Groups: make([]GroupCounts, 0, len(asked))}
	if out.Count, err = h.store.Count(ctx, reach, &where); err != nil {
		return nil, err
	}
	for i := range asked {
		counts, err := asked[i].count(ctx, h.store, reach, where)
		if err != nil {
			return nil, err
		}
		out.Groups = append(out.Groups, counts)
	}
	return out, nil
}

// GroupFindingsQuery is GroupFindings for a query string.
func (h *Hub) GroupFindingsQuery(ctx context.Context, p *iam.Principal, in *GroupFindingsQuery) (*GroupFindingsOutput, error) {
	ask := &GroupFindingsInput{Where: in.Where}
	for _, by := range in.By {
		g := GroupRequest{Attribute: by, Prefix: in.Prefix, Contains: in.Contains, MaxResults: in.Max, Except: in.Except}
		if name, rest, ok := strings.Cut(by, "["); ok {
			key, closed := strings.CutSuffix(rest, "]")
			if !closed {
				return nil, api.InvalidParameter("by", "should be an attribute, or Attribute[key]")
			}
			g.Attribute, g.Key = name, &key
		}
		ask.Groups = append(ask.Groups, g)
	}
	return h.GroupFindings(ctx, p, ask)
}

// mayAsk answers the scope of who may ask at all.
func (h *Hub) mayAsk(ctx context.Context, p *iam.Principal) (store.Scope, error) {
	if _, err := h.requireHub(ctx, p); err != nil {
		return store.Scope{}, err
	}
	return h.reach(ctx, p)
}

// limited gives an answer of many questions the time of one.
func (h *Hub) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if h.questionTime <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, h.questionTime, fmt.Errorf("%w: more than %s", store.ErrTooSlow, h.questionTime))
}

// grouping is one GroupRequest that was understood.
type grouping struct {
	name     string
	by       asff.Field
	key      string
	prefix   string
	contains string
	limit    int
	except   bool
}

func readGrouping(at string, r *GroupRequest) (grouping, error) {
	g := grouping{name: r.Attribute, limit: usualGroupValues}
	var ok bool
	if g.by, ok = asff.FieldByName(r.Attribute); !ok {
		return g, api.InvalidParameter(at+".Attribute", "should be the name of a filter attribute")
	}
	switch kind := g.by.Kind(); {
	case kind == asff.KindKeyword:
		return g, api.InvalidParameter(at+".Attribute", "should be an attribute with values to count, which "+r.Attribute+" is not")
	case kind == asff.KindDate:
		return g, api.InvalidParameter(at+".Attribute", "should be no date: findings are counted by day with /hubcap/v1/series")
	case kind == asff.KindMap && (r.Key == nil || *r.Key == ""):
		return g, api.InvalidParameter(at+".Key", "is required with the map "+r.Attribute)
	case kind != asff.KindMap && r.Key != nil:
		return g, api.InvalidParameter(at+".Key", "should be absent: "+r.Attribute+" is no map")
	case (r.Prefix != nil || r.Contains != nil) && kind != asff.KindString && kind != asff.KindMap:
		return g, api.InvalidParameter(at, "should have neither Prefix nor Contains: "+r.Attribute+" is no text")
	case r.Prefix != nil && r.Contains != nil:
		return g, api.InvalidParameter(at+".Contains", "should be absent beside Prefix")
	}
	if r.Key != nil {
		g.key = *r.Key
	}
	if r.Prefix != nil {
		g.prefix = *r.Prefix
	}
	if r.Contains != nil {
		g.contains = strings.ToLower(*r.Contains)
	}
	if r.MaxResults != nil {
		if *r.MaxResults < 1 || *r.MaxResults > maxGroupValues {
			return g, api.InvalidParameter(at+".MaxResults", "should be 1 to "+strconv.Itoa(maxGroupValues))
		}
		g.limit = int(*r.MaxResults)
	}
	g.except = r.Except != nil && *r.Except
	return g, nil
}

// count asks the store. The findings are narrowed to those with a value that begins with the prefix; their other values are left out
// here, so that more values are asked for until enough are left.
func (g *grouping) count(ctx context.Context, st store.Store, reach store.Scope, where query.Expr) (GroupCounts, error) {
	if g.except {
		where = query.Without(where, g.by, g.key)
	}
	out := GroupCounts{Attribute: g.name, Key: g.key, Values: []ValueCount{}}
	lacks := query.Every(where, query.Negate(query.Expr{Op: query.Is, Cond: query.Cond{Field: g.by, Key: g.key, Cmp: query.Exists}}))
	var err error
	if out.Missing, err = st.Count(ctx, reach, &lacks); err != nil {
		return out, err
	}
	ask := query.Group{Where: where, By: g.by, Key: g.key, Limit: g.limit + 1}
	switch {
	case g.prefix != "":
		begins := query.Expr{Op: query.Is, Cond: query.Cond{Field: g.by, Key: g.key, Cmp: query.Prefix, Text: g.prefix}}
		ask.Where, ask.Limit = query.Every(where, begins), 4*g.limit
	case g.contains != "":
		ask.Limit = searchedValues
	}
	for {
		counts, err := st.Group(ctx, reach, &ask)
		if err != nil {
			return out, err
		}
		out.Values, out.More = out.Values[:0], false
		for _, c := range counts {
			if !strings.HasPrefix(c.Value, g.prefix) || g.contains != "" && !strings.Contains(strings.ToLower(c.Value), g.contains) {
				continue
			}
			if len(out.Values) == g.limit {
				out.More = true
				break
			}
			out.Values = append(out.Values, ValueCount{c.Value, c.N})
		}
		full := len(counts) == ask.Limit // there may be more values
		if g.contains != "" && full {
			out.More = true // which ones, nobody looked
		}
		if g.prefix == "" || !full || out.More {
			return out, nil
		}
		ask.Limit *= 8
	}
}
