package hub

import (
	"context"
	"encoding/json"
	"time"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

// GetFindings answers one page of the findings in the caller's scope that match the filters: the stored documents, byte for
// byte. A token continues with the first page's instant, so that relative dates mean the same on every page (D43).
func (h *Hub) GetFindings(ctx context.Context, p *iam.Principal, in *api.GetFindingsInput) (*api.GetFindingsOutput, error) {
	limit, err := pageSize(in.MaxResults)
	if err != nil {
		return nil, err
	}
	order, err := sortCriteria(in.SortCriteria)
	if err != nil {
		return nil, err
	}
	q := ask("GetFindings", p, in.Filters, order)
	after, at, err := h.openToken(in.NextToken, q, h.now())
	if err != nil {
		return nil, err
	}
	find := query.Find{After: after, Limit: limit}
	if find.Where, err = query.Compile(in.Filters, at, query.Options{AllowContains: h.profile == Open}); err != nil {
		return nil, paramError(err)
	}
	if find.Sort, err = query.CompileSort(order); err != nil {
		return nil, paramError(err)
	}
	return h.findPage(ctx, p, q, &find, at)
}

// findPage answers one page, and the token of the next.
func (h *Hub) findPage(ctx context.Context, p *iam.Principal, q query.Question, find *query.Find, at time.Time) (*api.GetFindingsOutput, error) {
	if _, err := h.requireHub(ctx, p); err != nil {
		return nil, err
	}
	reach, err := h.reach(ctx, p)
	if err != nil {
		return nil, err
	}
	docs := documents{list: make([]api.RawJSON, 0, find.Limit)}
	next, err := h.store.Find(ctx, reach, find, docs.add)
	if err != nil {
		return nil, err
	}
	out := &api.GetFindingsOutput{Findings: docs.list}
	if next != nil {
		token, err := h.sealer.Seal(q, next, at)
		if err != nil {
			return nil, err
		}
		out.NextToken = &token
	}
	return out, nil
}

// sortCriteria is what query.CompileSort reads; nil for none.
func sortCriteria(list []api.SortCriterion) ([]byte, error) {
	if len(list) == 0 {
		return nil, nil
	}
	return json.Marshal(list)
}

// documents copies what a store shows only for the length of a callback: many documents share one buffer.
type documents struct {
	list []api.RawJSON
	buf  []byte
}

const documentsChunk = 256 << 10

func (d *documents) add(doc *store.Doc) error {
	n := len(doc.JSON)
	if cap(d.buf)-len(d.buf) < n {
		d.buf = make([]byte, 0, max(n, min(documentsChunk, n*(cap(d.list)-len(d.list)))))
	}
	from := len(d.buf)
	d.buf = append(d.buf, doc.JSON...)
	d.list = append(d.list, d.buf[from:len(d.buf):len(d.buf)])
	return nil
}
