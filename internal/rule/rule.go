// Package rule is what an automation rule means: criteria that a finding satisfies or not, and an action that changes the finding
// as a customer would (spec 8, D37). It turns both, as the API has them, into something quick, and says which of many rules act on
// one finding and in which order. It keeps nothing and has no clock: the hub keeps rules and tells the time.
package rule

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"hubcap/internal/asff"
)

// Rule is one enabled rule, compiled. It is never changed, so many goroutines may share it.
type Rule struct {
	ARN       string
	Order     int       // 1..1000: lower first
	UpdatedAt time.Time // of equal orders the rule edited last acts last (spec 8.2)
	Edition   uint64    // grows with every edit of any rule of the owner: tells apart what was edited in one millisecond
	Terminal  bool      // after it no other rule acts on the finding
	Criteria  *Criteria
	Action    *Action
}

// Compare orders rules as they act: by Order, then the one that was edited earlier (spec 8.2).
func Compare(a, b *Rule) int {
	return cmp.Or(cmp.Compare(a.Order, b.Order), a.UpdatedAt.Compare(b.UpdatedAt), cmp.Compare(a.Edition, b.Edition), strings.Compare(a.ARN, b.ARN))
}

// Set is the rules of one owner in the order in which they act. A nil Set has none.
type Set struct {
	rules []*Rule
	uses  [numFields]bool // the attributes that any of the criteria speak of
}

// numFields is more than the attributes there are, asff.NoField among them.
const numFields = 128

// NewSet sorts the rules; nil for none.
func NewSet(rules []*Rule) *Set {
	if len(rules) == 0 {
		return nil
	}
	s := &Set{rules: slices.SortedFunc(slices.Values(rules), Compare)}
	for _, r := range s.rules {
		for i := range r.Criteria.parts {
			s.uses[r.Criteria.parts[i].field] = true
		}
	}
	return s
}

// Len is how many rules there are.
func (s *Set) Len() int {
	if s == nil {
		return 0
	}
	return len(s.rules)
}

// Sets are the rules that concern a finding, those of the first Set before all of the second: the operator's, then the account's or
// its administrator's (D37).
type Sets [2]*Set

// Empty tells that there are no rules at all.
func (s *Sets) Empty() bool { return s[0] == nil && s[1] == nil }

// Done is what one rule did to a finding: the members it changed, or why it could not. A rule that matched and changed nothing is
// not told.
type Done struct {
	Rule    *Rule
	Changes []asff.FieldChange // for the history; may be empty where only the customer's mark is new (D33)
	Err     error              // the finding stays as the rules before have left it
}
