package query

import (
	"cmp"
	"slices"
	"strings"

	"hubcap/internal/asff"
)

// Tally answers a Group one finding at a time: the meaning of grouping, which engines with an index must agree with.
type Tally struct {
	group  Group
	counts map[string]int64
	seen   map[string]struct{} // values of the finding at hand
}

// NewTally begins an answer to g.
func NewTally(g Group) *Tally {
	return &Tally{group: g, counts: map[string]int64{}, seen: map[string]struct{}{}}
}

// Add counts a finding once for each distinct value of the attribute, when it satisfies the condition (D34). A finding that
// lacks the attribute is not counted. vs may be used again afterwards.
func (t *Tally) Add(vs []asff.Value) {
	if !Match(&t.group.Where, vs) {
		return
	}
	clear(t.seen)
	for i := range vs {
		v := &vs[i]
		if v.Field != t.group.By || string(v.Key) != t.group.Key {
			continue
		}
		if _, again := t.seen[string(v.Text)]; again {
			continue
		}
		t.seen[string(v.Text)] = struct{}{}
		t.counts[string(v.Text)]++
	}
}

// Counts lists the most frequent values first, ties by value ascending, at most Limit of them (all when Limit is 0).
func (t *Tally) Counts() []Count {
	all := make([]Count, 0, len(t.counts))
	for value, n := range t.counts {
		all = append(all, Count{Value: value, N: n})
	}
	slices.SortFunc(all, func(a, b Count) int {
		if c := cmp.Compare(b.N, a.N); c != 0 {
			return c
		}
		return strings.Compare(a.Value, b.Value)
	})
	if t.group.Limit > 0 && len(all) > t.group.Limit {
		all = all[:t.group.Limit]
	}
	return all
}
