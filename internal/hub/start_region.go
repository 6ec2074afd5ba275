package hub

import (
	"context"

	"hubcap/internal/asff"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

// Profile is how strict the hub is.
func (h *Hub) Profile() Profile { return h.profile }

// OnlyRegion is the Region that all findings of all accounts lie in, or "" where there are none, or several: whoever looks at the hub without
// having said where begins there (D38). It tells nobody more than that, and is for a hub that takes any key at its word.
func (h *Hub) OnlyRegion(ctx context.Context) (string, error) {
	ctx, cancel := h.limited(ctx)
	defer cancel()
	counts, err := h.store.Group(ctx, store.Scope{}, &query.Group{By: asff.FieldRegion, Limit: 2})
	if err != nil || len(counts) != 1 {
		return "", err
	}
	return counts[0].Value, nil
}
