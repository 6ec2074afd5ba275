package hub

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"hubcap/internal/api"
	"hubcap/internal/asff"
	"hubcap/internal/iam"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

// recordChunk is how many findings one step of UpdateFindings changes.
const recordChunk = 100

// recordFilters is the part of UpdateFindings that says which findings; the rest of the request is the edit.
type recordFilters struct {
	Filters api.RawJSON `json:"Filters" api:"required"`
}

// UpdateFindings is the older way to edit (spec 4.9): Note and RecordState of every finding in the caller's scope that the filters
// match, however many. It leaves no history, and RecordState lasts until the finding's next import (D35). body is the request's JSON.
//
// Findings change in steps of their own, each judged again as it changes; when the answer is an error, some may have changed, and
// asking again does the rest (D82). A finding that has no room for the note stays as it is.
func (h *Hub) UpdateFindings(ctx context.Context, p *iam.Principal, body []byte) (*api.UpdateFindingsOutput, error) {
	var in recordFilters
	// First the way every operation reads its body: it judges JSON, nesting and members given twice (D42).
	if err := api.Decode(&in, &api.Request{Body: body}); err != nil {
		return nil, err
	}
	edit, err := asff.ParseRecordEdit(body)
	if err != nil {
		return nil, paramError(err)
	}
	if err := edit.Invalid(); err != nil {
		return nil, invalidEdit(err)
	}
	u := recordUpdate{h: h, p: p, edit: edit, now: h.now()}
	if u.where, err = query.Compile(in.Filters, u.now, query.Options{AllowContains: h.profile == Open}); err != nil {
		return nil, paramError(err)
	}
	if _, err := h.requireHub(ctx, p); err != nil {
		return nil, err
	}
	if edit.Empty() {
		return &api.UpdateFindingsOutput{}, nil
	}
	reach, err := h.reach(ctx, p)
	if err != nil {
		return nil, err
	}
	if err := u.run(ctx, reach); err != nil {
		return nil, err
	}
	return &api.UpdateFindingsOutput{}, nil
}

// recordUpdate is the state of one UpdateFindings.
type recordUpdate struct {
	h     *Hub
	p     *iam.Principal
	edit  *asff.Edit
	where query.Expr
	now   time.Time

	merger *asff.Merger
	reader asff.Reader
	keys   []store.Key // of the step to come
	full   int         // findings that had no room
	failed trouble
}

func (u *recordUpdate) run(ctx context.Context, scope store.Scope) error {
	u.merger = mergers.Get().(*asff.Merger) //nolint:forcetypeassert // the pool makes nothing else
	defer mergers.Put(u.merger)
	u.keys = make([]store.Key, 0, recordChunk)
	err := u.h.store.Walk(ctx, scope, &u.where, func(doc *store.Doc) error {
		u.keys = append(u.keys, cloneKey(doc.Key))
		if len(u.keys) < recordChunk {
			return nil
		}
		return u.step(ctx)
	})
	if err == nil {
		err = u.step(ctx)
	}
	if u.full > 0 {
		u.h.log.LogAttrs(ctx, slog.LevelWarn, "findings have no room for the note", slog.Int("findings", u.full))
	}
	if err == nil && u.failed.n > 0 {
		err = u.failed.first
	}
	return err
}

// step changes the findings gathered.
func (u *recordUpdate) step(ctx context.Context) error {
	if len(u.keys) == 0 {
		return nil
	}
	errs, err := u.h.store.Update(ctx, u.keys, u.apply)
	u.keys = u.keys[:0]
	if err != nil {
		return err
	}
	for _, err := range errs {
		var refused *asff.EditError
		switch {
		case err == nil:
		case errors.As(err, &refused):
			u.full++
		default:
			u.failed.add(err)
		}
	}
	return nil
}

// apply is the store's closure: what does not match any more, or is gone, stays so.
func (u *recordUpdate) apply(_ int, old *store.Doc, st store.StateView) (store.Change, error) {
	if old == nil || !query.Match(&u.where, u.reader.Values(old.JSON)) {
		return store.Change{}, nil
	}
	if mine, err := u.h.reaches(st, u.p, old.Key); err != nil || !mine { // the membership may have ended since
		return store.Change{}, err
	}
	before := asff.Stored{Doc: old.JSON, Customer: old.Customer}
	doc, customer, changed, err := u.merger.Edit(&before, u.edit, u.now)
	if err != nil || !changed {
		return store.Change{}, err
	}
	return store.Change{JSON: doc, Customer: customer}, nil
}

// cloneKey copies a key that a store shows for the length of a callback.
func cloneKey(k store.Key) store.Key {
	return store.Key{
		Account: strings.Clone(k.Account), Region: strings.Clone(k.Region), ProductArn: strings.Clone(k.ProductArn), ID: strings.Clone(k.ID),
	}
}

// invalidEdit refuses a request whose values no finding may hold. The rule names a path below data: that is the parameter.
func invalidEdit(err error) error {
	refused, ok := errors.AsType[*asff.EditError](err)
	if !ok {
		return err
	}
	path, reason, ok := strings.Cut(strings.TrimPrefix(refused.Detail, "data."), " ")
	if !ok {
		return api.Errorf(api.InvalidInput, "%s", refused.Message)
	}
	return api.InvalidParameter(path, reason)
}
