package store

import (
	"context"
	"io"
	"slices"

	"hubcap/internal/asff"
	"hubcap/internal/query"
)

// Scope bounds what a caller may see: the findings of these accounts in these Regions. Empty lists mean every one.
type Scope struct {
	Accounts []string
	Regions  []string
	// Without are Regions that are left out where Regions is empty.
	Without []string
	// Parts, where there are any, narrow the scope further: a finding must lie in one of them too. An administrator's accounts may
	// differ from Region to Region. Parts have no parts.
	//
	// Without and Parts are not the engines' affair: Narrowed says them as a condition.
	Parts []Scope

	members map[string]struct{} // Accounts, where they are many
}

// manyAccounts is from how many accounts on a scope is worth a set.
const manyAccounts = 32

// ScopeOf is the scope of these accounts and Regions, quick to ask however many accounts there are.
func ScopeOf(accounts, regions []string) Scope {
	s := Scope{Accounts: accounts, Regions: regions}
	if len(accounts) >= manyAccounts {
		s.members = make(map[string]struct{}, len(accounts))
		for _, a := range accounts {
			s.members[a] = struct{}{}
		}
	}
	return s
}

// Allows tells whether a key lies in the scope.
func (s Scope) Allows(k Key) bool {
	if !s.allowsAccount(k.Account) || !allows(s.Regions, k.Region) || len(s.Regions) == 0 && slices.Contains(s.Without, k.Region) {
		return false
	}
	if len(s.Parts) == 0 {
		return true
	}
	for i := range s.Parts {
		if s.Parts[i].Allows(k) {
			return true
		}
	}
	return false
}

func (s Scope) allowsAccount(account string) bool {
	if s.members != nil {
		_, ok := s.members[account]
		return ok
	}
	return allows(s.Accounts, account)
}

func allows(list []string, v string) bool { return len(list) == 0 || slices.Contains(list, v) }

// plain tells that accounts and Regions say it all.
func (s Scope) plain() bool { return len(s.Parts) == 0 && (len(s.Without) == 0 || len(s.Regions) > 0) }

// rest is what Without and Parts ask of a finding. Its account and Region are the key's: the service writes them.
func (s Scope) rest() query.Expr {
	var every []query.Expr
	if len(s.Regions) == 0 && len(s.Without) > 0 {
		every = append(every, query.Negate(oneOf(asff.FieldRegion, s.Without)))
	}
	if len(s.Parts) > 0 {
		var parts []query.Expr
		for i := range s.Parts {
			p := &s.Parts[i]
			var both []query.Expr
			if len(p.Accounts) > 0 {
				both = append(both, oneOf(asff.FieldAwsAccountId, p.Accounts))
			}
			if len(p.Regions) > 0 {
				both = append(both, oneOf(asff.FieldRegion, p.Regions))
			}
			if !p.plain() {
				both = append(both, p.rest())
			}
			parts = append(parts, query.Every(both...))
		}
		every = append(every, query.Any(parts...))
	}
	return query.Every(every...)
}

func oneOf(f asff.Field, values []string) query.Expr {
	each := make([]query.Expr, len(values))
	for i, v := range values {
		each[i] = query.Expr{Op: query.Is, Cond: query.Cond{Field: f, Cmp: query.Equals, Text: v}}
	}
	return query.Any(each...)
}

// Narrowed is a store that takes every scope: what its engine need not know of a scope it says as a condition.
func Narrowed(s Store) Store { return narrowed{s} }

type narrowed struct{ Store }

// split makes a scope and a condition into ones that engines know.
func split(scope Scope, where *query.Expr) (Scope, *query.Expr) {
	if scope.plain() {
		return scope, where
	}
	both := query.Every(scope.rest(), *where)
	scope.Without, scope.Parts = nil, nil
	return scope, &both
}

// Resolve implements Store.
func (n narrowed) Resolve(ctx context.Context, scope Scope, ids []Ident) ([][]Key, error) {
	if scope.plain() {
		return n.Store.Resolve(ctx, scope, ids)
	}
	wide := scope
	wide.Without, wide.Parts = nil, nil
	found, err := n.Store.Resolve(ctx, wide, ids)
	for i := range found {
		found[i] = slices.DeleteFunc(found[i], func(k Key) bool { return !scope.Allows(k) })
	}
	return found, err
}

// Find implements Store.
func (n narrowed) Find(ctx context.Context, scope Scope, q *query.Find, yield func(*Doc) error) (*query.Position, error) {
	scope, where := split(scope, &q.Where)
	mine := *q
	mine.Where = *where
	return n.Store.Find(ctx, scope, &mine, yield)
}

// Count implements Store.
func (n narrowed) Count(ctx context.Context, scope Scope, where *query.Expr) (int64, error) {
	scope, where = split(scope, where)
	return n.Store.Count(ctx, scope, where)
}

// Walk implements Store.
func (n narrowed) Walk(ctx context.Context, scope Scope, where *query.Expr, yield func(*Doc) error) error {
	scope, where = split(scope, where)
	return n.Store.Walk(ctx, scope, where, yield)
}

// Explain implements Store.
func (n narrowed) Explain(ctx context.Context, scope Scope, q *query.Find) (string, error) {
	scope, where := split(scope, &q.Where)
	mine := *q
	mine.Where = *where
	return n.Store.Explain(ctx, scope, &mine)
}

// Group implements Store.
func (n narrowed) Group(ctx context.Context, scope Scope, q *query.Group) ([]query.Count, error) {
	scope, where := split(scope, &q.Where)
	mine := *q
	mine.Where = *where
	return n.Store.Group(ctx, scope, &mine)
}

// Backup implements Backuper for stores whose engine does.
func (n narrowed) Backup(ctx context.Context, w io.Writer) error {
	b, ok := n.Store.(Backuper)
	if !ok {
		return ErrNoBackup
	}
	return b.Backup(ctx, w)
}
