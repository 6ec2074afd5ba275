package rule

import (
	"time"

	"hubcap/internal/asff"
	"hubcap/internal/query"
)

// Judge tells which rules act on a finding, and lets them act. Its buffers serve one goroutine, finding after finding; the zero Judge
// is ready.
type Judge struct {
	values  []asff.Value // of the attributes that criteria speak of, side by side by attribute
	from    [numFields + 1]int32
	matched []*Rule
	done    []Done
	scratch query.Expr
}

// Matching lists the rules that act on a finding with these values, in their order, up to and with the first terminal one. The
// criteria of all are judged on the same values: what one rule changes is no news to another (D37). The list is valid until the
// Judge's next call. Nothing is allocated for a rule that does not match.
func (j *Judge) Matching(sets *Sets, vs []asff.Value, now time.Time) []*Rule {
	j.sort(sets, vs)
	j.matched = j.matched[:0]
	for _, s := range sets {
		if s == nil {
			continue
		}
		for _, r := range s.rules {
			if j.holds(r.Criteria, now) {
				j.matched = append(j.matched, r)
				if r.Terminal {
					return j.matched
				}
			}
		}
	}
	return j.matched
}

func (j *Judge) holds(c *Criteria, now time.Time) bool {
	for i := range c.parts {
		p := &c.parts[i]
		if !p.holds(j.values[j.from[p.field]:j.from[p.field+1]], now, &j.scratch) {
			return false
		}
	}
	return true
}

// sort puts the values of each attribute that any rule speaks of side by side, so that a condition looks at no others.
func (j *Judge) sort(sets *Sets, vs []asff.Value) {
	var uses [numFields]bool
	for _, s := range sets {
		if s != nil {
			for f, used := range s.uses {
				uses[f] = uses[f] || used
			}
		}
	}
	j.from = [numFields + 1]int32{}
	for i := range vs {
		if f := vs[i].Field; uses[f] {
			j.from[f+1]++
		}
	}
	for f := range numFields {
		j.from[f+1] += j.from[f]
	}
	n := int(j.from[numFields])
	if cap(j.values) < n {
		j.values = make([]asff.Value, n, 2*n)
	}
	j.values = j.values[:n]
	next := j.from
	for i := range vs {
		if f := vs[i].Field; uses[f] {
			j.values[next[f]] = vs[i]
			next[f]++
		}
	}
}

// Apply lets the rules act on a finding: what an import made of it, with the values of that document. Which rules act is settled
// before the first of them does (D37). doc and customer are the finding afterwards; done tells each rule that changed it, or failed
// to: then the finding goes on as it was before that rule, and the rules after it have their turn, but for those that a terminal
// rule stops, for it did match (D87). What is returned aliases f, m and j until their next calls; vs may be overwritten.
func (j *Judge) Apply(sets *Sets, m *asff.Merger, f asff.Stored, vs []asff.Value, now time.Time) (after asff.Stored, done []Done) {
	j.done = j.done[:0]
	for _, r := range j.Matching(sets, vs, now) {
		doc, customer, changed, err := r.Action.Apply(m, &f, now)
		switch {
		case err != nil:
			j.done = append(j.done, Done{Rule: r, Err: err})
		case changed:
			j.done = append(j.done, Done{Rule: r, Changes: m.Changes()})
			f.Doc, f.Customer = doc, customer
		}
	}
	return f, j.done
}

// Forget lets go of the findings and rules seen last.
func (j *Judge) Forget() {
	clear(j.values)
	clear(j.matched[:cap(j.matched)])
	clear(j.done[:cap(j.done)])
	j.values, j.matched, j.done = j.values[:0], j.matched[:0], j.done[:0]
}
