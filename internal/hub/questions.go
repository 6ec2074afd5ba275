package hub

import (
	"context"
	"errors"
	"io"
	"time"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

// The questions of hubcap's own (docs/extensions.md) take a condition in the printed form of query.Expr, or AwsSecurityFindingFilters,
// or neither, which means every finding.

// SearchFindingsInput asks for a page of findings.
type SearchFindingsInput struct {
	Where        *string             `json:"Where,omitzero"`
	Filters      api.RawJSON         `json:"Filters,omitzero"`
	SortCriteria []api.SortCriterion `json:"SortCriteria,omitzero"`
	MaxResults   *int32              `json:"MaxResults,omitzero"`
	NextToken    *string             `json:"NextToken,omitzero"`
}

// CountFindingsInput asks how many findings there are.
type CountFindingsInput struct {
	Where   *string     `json:"Where,omitzero"`
	Filters api.RawJSON `json:"Filters,omitzero"`
}

// CountFindingsOutput is how many there are.
type CountFindingsOutput struct {
	Count int64 `json:"Count"`
}

// ExplainFindingsInput asks how a question would be answered.
type ExplainFindingsInput struct {
	Where        *string             `json:"Where,omitzero"`
	Filters      api.RawJSON         `json:"Filters,omitzero"`
	SortCriteria []api.SortCriterion `json:"SortCriteria,omitzero"`
}

// ExplainFindingsOutput tells it to people.
type ExplainFindingsOutput struct {
	Where string `json:"Where"` // as it was understood: the normal form, dates resolved
	Plan  string `json:"Plan"`  // a line a step, indented by depth
}

// ExportFindingsInput asks for every finding that matches.
type ExportFindingsInput struct {
	Where   *string     `json:"Where,omitzero"`
	Filters api.RawJSON `json:"Filters,omitzero"`
}

// ExportFindingsQuery is the same in a query string.
type ExportFindingsQuery struct {
	Where  *string `query:"where"`
	Format *string `query:"format"` // ndjson, the only one
}

// ExplainFindingsQuery is ExplainFindingsInput in a query string.
type ExplainFindingsQuery struct {
	Where *string `query:"where"`
}

// condition reads what a question is about. Relative dates are resolved at an instant.
func (h *Hub) condition(where *string, filters api.RawJSON, at time.Time) (query.Expr, error) {
	if where != nil && filters != nil {
		return query.Expr{}, api.InvalidParameter("Filters", "should be absent beside Where")
	}
	if where == nil {
		e, err := query.Compile(filters, at, query.Options{AllowContains: h.profile == Open})
		return e, paramError(err)
	}
	e, err := query.ParseAt(*where, at)
	if bad, ok := errors.AsType[*query.ParseError](err); ok {
		return e, api.InvalidParameter("Where", bad.Error())
	}
	return e, err
}

// SearchFindings is GetFindings with a condition in the printed form: the same pages, the same tokens' rules, without AWS's limits on
// the number of attributes and values.
func (h *Hub) SearchFindings(ctx context.Context, p *iam.Principal, in *SearchFindingsInput) (*api.GetFindingsOutput, error) {
	limit, err := pageSize(in.MaxResults)
	if err != nil {
		return nil, err
	}
	order, err := sortCriteria(in.SortCriteria)
	if err != nil {
		return nil, err
	}
	asked := []byte(in.Filters)
	if in.Where != nil {
		asked = []byte(*in.Where)
	}
	q := ask("SearchFindings", p, asked, order)
	after, at, err := h.openToken(in.NextToken, q, h.now())
	if err != nil {
		return nil, err
	}
	find := query.Find{After: after, Limit: limit}
	if find.Where, err = h.condition(in.Where, in.Filters, at); err != nil {
		return nil, err
	}
	if find.Sort, err = query.CompileSort(order); err != nil {
		return nil, paramError(err)
	}
	return h.findPage(ctx, p, q, &find, at)
}

// CountFindings counts the findings in the caller's scope that match.
func (h *Hub) CountFindings(ctx context.Context, p *iam.Principal, in *CountFindingsInput) (*CountFindingsOutput, error) {
	where, err := h.condition(in.Where, in.Filters, h.now())
	if err != nil {
		return nil, err
	}
	if _, err := h.requireHub(ctx, p); err != nil {
		return nil, err
	}
	reach, err := h.reach(ctx, p)
	if err != nil {
		return nil, err
	}
	n, err := h.store.Count(ctx, reach, &where)
	return &CountFindingsOutput{Count: n}, err
}

// ExplainFindings tells how SearchFindings would find its first page.
func (h *Hub) ExplainFindings(ctx context.Context, p *iam.Principal, in *ExplainFindingsInput) (*ExplainFindingsOutput, error) {
	order, err := sortCriteria(in.SortCriteria)
	if err != nil {
		return nil, err
	}
	find := query.Find{Limit: maxPage}
	if find.Where, err = h.condition(in.Where, in.Filters, h.now()); err != nil {
		return nil, err
	}
	if find.Sort, err = query.CompileSort(order); err != nil {
		return nil, paramError(err)
	}
	if _, err := h.requireHub(ctx, p); err != nil {
		return nil, err
	}
	reach, err := h.reach(ctx, p)
	if err != nil {
		return nil, err
	}
	plan, err := h.store.Explain(ctx, reach, &find)
	return &ExplainFindingsOutput{Where: find.Where.String(), Plan: plan}, err
}

// ExplainFindingsQuery is ExplainFindings for a browser's address bar.
func (h *Hub) ExplainFindingsQuery(ctx context.Context, p *iam.Principal, in *ExplainFindingsQuery) (*ExplainFindingsOutput, error) {
	return h.ExplainFindings(ctx, p, &ExplainFindingsInput{Where: in.Where})
}

// ExportFindings writes every finding in the caller's scope that matches, as stored, one a line, in an order that no change of a finding
// alters: what matches all the while is there exactly once.
func (h *Hub) ExportFindings(ctx context.Context, p *iam.Principal, in *ExportFindingsInput, out io.Writer) error {
	where, err := h.condition(in.Where, in.Filters, h.now())
	if err != nil {
		return err
	}
	if _, err := h.requireHub(ctx, p); err != nil {
		return err
	}
	reach, err := h.reach(ctx, p)
	if err != nil {
		return err
	}
	return h.store.Walk(ctx, reach, &where, func(doc *store.Doc) error {
		if _, err := out.Write(doc.JSON); err != nil {
			return err
		}
		_, err := out.Write(endOfLine)
		return err
	})
}

var endOfLine = []byte("\n")

// ExportFindingsQuery is ExportFindings for a query string.
func (h *Hub) ExportFindingsQuery(ctx context.Context, p *iam.Principal, in *ExportFindingsQuery, out io.Writer) error {
	if in.Format != nil && *in.Format != "ndjson" {
		return api.InvalidParameter("format", "should be equal to one of the allowed values: ndjson")
	}
	return h.ExportFindings(ctx, p, &ExportFindingsInput{Where: in.Where}, out)
}
