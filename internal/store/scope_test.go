package store

import (
	"testing"

	"pgregory.net/rapid"

	"hubcap/internal/asff"
	"hubcap/internal/query"
)

// What Narrowed asks an engine means what the scope does: the plain scope and the condition together allow a finding exactly where the
// scope allows its key.
func TestNarrowedMeansTheScope(t *testing.T) {
	accounts := []string{"111111111111", "222222222222", "333333333333"}
	regions := []string{"us-east-1", "eu-west-1", "ap-south-1"}
	some := func(from []string, least int) *rapid.Generator[[]string] {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(from), least, 2, rapid.ID[string])
	}
	part := rapid.Custom(func(t *rapid.T) Scope {
		return Scope{
			Accounts: some(accounts, 0).Draw(t, "accounts"), Regions: some(regions, 0).Draw(t, "regions"), Without: some(regions, 0).Draw(t, "without"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		s := part.Draw(t, "scope")
		s.Parts = rapid.SliceOfN(part, 0, 3).Draw(t, "parts")
		key := Key{Account: rapid.SampledFrom(accounts).Draw(t, "account"), Region: rapid.SampledFrom(regions).Draw(t, "region")}
		values := []asff.Value{
			{Field: asff.FieldAwsAccountId, Text: []byte(key.Account)},
			{Field: asff.FieldRegion, Text: []byte(key.Region)},
		}
		wide, where := split(s, &query.Expr{Op: query.All})
		if !wide.plain() {
			t.Fatalf("%+v is more than engines know", wide)
		}
		if got, want := wide.Allows(key) && query.Match(where, values), s.Allows(key); got != want {
			t.Fatalf("%+v allows %v: %v, and its condition %v", s, key, want, got)
		}
		if many := ScopeOf(append(make([]string, manyAccounts), s.Accounts...), s.Regions); len(s.Accounts) > 0 && many.Allows(key) != (Scope{Accounts: s.Accounts, Regions: s.Regions}).Allows(key) {
			t.Fatalf("a set of accounts is not the list %v", s.Accounts)
		}
	})
}
