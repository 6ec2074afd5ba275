package hub

import (
	"context"
	"slices"
	"strings"
	"time"

	"hubcap/internal/asff"
	"hubcap/internal/store"
)

// undoing takes back the changes of a piece of another job. A member comes back when it still has the value that the job gave it and no
// record of the finding's history, later than the job's, speaks of it: who set another value and then this one again has changed
// it.
type undoing struct {
	j      *jobRecord
	list   []traced
	later  []map[string]bool // by finding: the top-level members that the later records speak of
	merger asff.Merger
}

// before reads what happened to a finding since, and the version that this is told of: the history is read after the version, so
// a change that it lacks is one of the version.
func (u *undoing) before(ctx context.Context, h *Hub, i int) (version uint64, err error) {
	t := &u.list[i]
	found, err := h.store.Get(ctx, t.Key, func(doc *store.Doc) error {
		version = doc.Version
		return nil
	})
	if err != nil || !found || t.Who == "" {
		return version, err
	}
	u.later[i] = map[string]bool{}
	for q := (store.HistoryQuery{Key: t.Key, From: time.UnixMilli(t.Time).UTC(), Limit: maxPage}); ; {
		entries, err := h.store.History(ctx, q)
		if err != nil {
			return 0, err
		}
		for k := range entries {
			e := &entries[k]
			if e.Time.UnixMilli() == t.Time && e.Source == t.Source && e.Identity == t.Who {
				return version, nil
			}
			for _, c := range e.Updates {
				member, _, _ := strings.Cut(c.Field, ".")
				u.later[i][member] = true
			}
			q.After = e.Seq
		}
		if len(entries) < q.Limit {
			return version, nil
		}
	}
}

func (u *undoing) apply(i int, doc *store.Doc, at time.Time) (store.Change, error) {
	trace, err := u.list[i].trace()
	if err != nil {
		return store.Change{}, err
	}
	trace.Members = slices.DeleteFunc(trace.Members, func(m asff.TraceMember) bool { return u.later[i][m.Top.Name()] })
	before := asff.Stored{Doc: doc.JSON, Customer: doc.Customer}
	out, customer, changed, err := u.merger.Restore(&before, &trace)
	if err != nil || !changed {
		return store.Change{}, err
	}
	return store.Change{JSON: out, Customer: customer, History: history(&u.merger, at, sourceUpdate, u.j.Caller.ARN)}, nil
}
