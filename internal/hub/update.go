package hub

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"hubcap/internal/api"
	"hubcap/internal/asff"
	"hubcap/internal/iam"
	"hubcap/internal/store"
)

// maxIdentifiers is how many findings one BatchUpdateFindings may name (spec 3.1).
const maxIdentifiers = 100

// BatchUpdateFindings applies one edit to the findings that identifiers name. body is the request's JSON. An identifier is
// processed when every finding it means was (D41); else its first trouble is told.
func (h *Hub) BatchUpdateFindings(ctx context.Context, p *iam.Principal, body []byte) (*api.BatchUpdateFindingsOutput, error) {
	idents, edit, err := readUpdate(body)
	if err != nil {
		// Who may not update at all is told so, and not what is wrong with the request (D104).
		return nil, cmp.Or(authorize(p, iam.Request{Action: actionUpdate, Resource: ARN(p.Region, p.Account)}), err)
	}
	if err := mayEdit(p, edit); err != nil {
		return nil, err
	}
	if _, err := h.requireHub(ctx, p); err != nil {
		return nil, err
	}
	u := update{h: h, p: p, edit: edit, now: h.now(), failed: make([]failure, len(idents))}
	u.dropDuplicates(idents)
	if err := u.resolve(ctx, idents); err != nil {
		return nil, err
	}
	if len(u.keys) > 0 {
		u.merger = mergers.Get().(*asff.Merger) //nolint:forcetypeassert // the pool makes nothing else
		defer mergers.Put(u.merger)
		errs, err := h.store.Update(ctx, u.keys, u.apply)
		if err != nil {
			return nil, err
		}
		u.collect(ctx, errs)
	}
	return u.output(idents), nil
}

var mergers = sync.Pool{New: func() any { return &asff.Merger{} }}

// mayEdit asks the caller's policy, which may look at every path the edit touches (spec 3.5).
func mayEdit(p *iam.Principal, edit *asff.Edit) error {
	if p.Unrestricted() {
		return nil
	}
	paths := edit.Paths()
	conditions := make(map[string][]string, len(paths))
	for _, pv := range paths {
		conditions[conditionASFFSyntaxPath+pv.Path] = pv.Values
	}
	return authorize(p, iam.Request{Action: actionUpdate, Resource: ARN(p.Region, p.Account), Conditions: conditions})
}

// update is the state of one BatchUpdateFindings.
type update struct {
	h    *Hub
	p    *iam.Principal
	edit *asff.Edit
	now  time.Time

	failed []failure   // by identifier
	keys   []store.Key // every finding that an identifier means
	owner  []int       // by key: its identifier

	merger *asff.Merger
}

// dropDuplicates refuses an identifier that was named before: the first of equals is processed (D32).
func (u *update) dropDuplicates(idents []store.Ident) {
	seen := make(map[store.Ident]bool, len(idents))
	for i, id := range idents {
		if seen[id] {
			u.failed[i] = failedTwice
		}
		seen[id] = true
	}
}

func (u *update) resolve(ctx context.Context, idents []store.Ident) error {
	found, err := u.h.resolve(ctx, u.p, idents)
	if err != nil {
		return err
	}
	for i, keys := range found {
		if u.failed[i].code != "" {
			continue
		}
		if len(keys) == 0 {
			u.failed[i] = failedNotFound
		}
		for _, key := range keys {
			u.keys = append(u.keys, key)
			u.owner = append(u.owner, i)
		}
	}
	return nil
}

// resolve finds what identifiers mean to a caller: every finding of the pair in its scope. An account in the ARN narrows that to
// the account's own, where it has one (D41).
func (h *Hub) resolve(ctx context.Context, p *iam.Principal, idents []store.Ident) ([][]store.Key, error) {
	reach, err := h.reach(ctx, p)
	if err != nil {
		return nil, err
	}
	found, err := h.store.Resolve(ctx, reach, idents)
	if err != nil {
		return nil, err
	}
	for i, ident := range idents {
		keys := found[i]
		a, ok := parseProductARN(ident.ProductArn)
		if !ok || a.account == "" || len(keys) < 2 {
			continue
		}
		var own []store.Key
		for _, key := range keys {
			if key.Account == a.account {
				own = append(own, key)
			}
		}
		if len(own) > 0 {
			found[i] = own
		}
	}
	return found, nil
}

// apply is the store's closure.
func (u *update) apply(i int, old *store.Doc, st store.StateView) (store.Change, error) {
	if old == nil {
		return store.Change{}, errGone
	}
	// The membership may have ended since the key was found.
	if mine, err := u.h.reaches(st, u.p, u.keys[i]); err != nil || !mine {
		return store.Change{}, cmp.Or(err, errGone)
	}
	before := asff.Stored{Doc: old.JSON, Customer: old.Customer}
	doc, customer, changed, err := u.merger.Edit(&before, u.edit, u.now)
	if err != nil || !changed {
		return store.Change{}, err
	}
	return store.Change{JSON: doc, Customer: customer, History: history(u.merger, u.now, sourceUpdate, u.p.ARN)}, nil
}

// collect notes what the store said to each finding; an identifier keeps its first trouble.
func (u *update) collect(ctx context.Context, errs []error) {
	var t trouble
	for k, err := range errs {
		i := u.owner[k]
		if err == nil || u.failed[i].code != "" {
			continue
		}
		var refused *asff.EditError
		switch {
		case errors.As(err, &refused):
			u.failed[i] = failure{refused.Code, refused.Message}
		case errors.Is(err, errGone):
			u.failed[i] = failedNotFound
		case errors.Is(err, store.ErrConflict):
			u.failed[i] = failedConflict
		default:
			u.failed[i] = failedInternal
			t.add(err)
		}
	}
	t.log(ctx, u.h.log, "findings could not be updated")
}

func (u *update) output(idents []store.Ident) *api.BatchUpdateFindingsOutput {
	out := &api.BatchUpdateFindingsOutput{
		ProcessedFindings:   make([]api.AwsSecurityFindingIdentifier, 0, len(idents)),
		UnprocessedFindings: []api.BatchUpdateFindingsUnprocessedFinding{},
	}
	for i, id := range idents {
		wire := api.AwsSecurityFindingIdentifier{Id: id.ID, ProductArn: id.ProductArn}
		if why := u.failed[i]; why.code != "" {
			out.UnprocessedFindings = append(out.UnprocessedFindings, api.BatchUpdateFindingsUnprocessedFinding{
				FindingIdentifier: wire, ErrorCode: why.code, ErrorMessage: why.message,
			})
			continue
		}
		out.ProcessedFindings = append(out.ProcessedFindings, wire)
	}
	return out
}

// identifiers is the part of BatchUpdateFindings that names findings; the rest of the request is the edit.
type identifiers struct {
	FindingIdentifiers []api.AwsSecurityFindingIdentifier `json:"FindingIdentifiers" api:"required"`
}

// readUpdate reads a request's identifiers and its edit.
func readUpdate(body []byte) ([]store.Ident, *asff.Edit, error) {
	// First the way every operation reads its body: it judges JSON, nesting and members given twice (D42).
	idents, err := readIdentifiers(body)
	if err != nil {
		return nil, nil, err
	}
	edit, err := asff.ParseEdit(body)
	return idents, edit, paramError(err)
}

func readIdentifiers(body []byte) ([]store.Ident, error) {
	const name = "FindingIdentifiers"
	var in identifiers
	if err := api.Decode(&in, &api.Request{Body: body}); err != nil {
		return nil, err
	}
	switch n := len(in.FindingIdentifiers); {
	case n == 0:
		return nil, api.InvalidParameter(name, "should NOT have fewer than 1 items")
	case n > maxIdentifiers:
		return nil, api.InvalidParameter(name, "should NOT have more than "+strconv.Itoa(maxIdentifiers)+" items")
	}
	list := make([]store.Ident, len(in.FindingIdentifiers))
	for i, id := range in.FindingIdentifiers {
		list[i] = store.Ident{ProductArn: id.ProductArn, ID: id.Id}
		if err := checkIdent(name+"["+strconv.Itoa(i)+"]", list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func checkIdent(path string, id store.Ident) error {
	if id.ID == "" {
		return api.InvalidParameter(path+".Id", "should NOT be shorter than 1 characters")
	}
	if id.ProductArn == "" {
		return api.InvalidParameter(path+".ProductArn", "should NOT be shorter than 1 characters")
	}
	return nil
}
