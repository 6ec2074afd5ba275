package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"hubcap/internal/iam"
	"hubcap/internal/store"
)

// reach is what a caller may see and edit. Its own account's findings in the Region it speaks to; for an administrator also those of
// its members there (spec 9); in the home Region of an aggregator also what lies in the linked Regions, each with the members the
// administrator has in that Region. A member's own findings follow its administrator's aggregator. The operator sees everyone's (D51),
// in the Regions that its account links. What changes a finding asks reaches again, in the
// same commit.
func (h *Hub) reach(ctx context.Context, p *iam.Principal) (store.Scope, error) {
	var s store.Scope
	err := h.store.View(ctx, func(st store.StateView) error {
		var err error
		s, err = h.reachIn(st, p)
		return err
	})
	return s, err
}

// reaches tells whether a finding is within a caller's reach as of one commit: the answer to "may it change this" inside store.Update,
// where a membership, or a link to another Region, may have ended since the keys were found.
func (h *Hub) reaches(st store.StateView, p *iam.Principal, key store.Key) (bool, error) {
	if key.Region != p.Region {
		agg, err := aggregatorInForce(st, p.Account, p.Region)
		linked := agg.reach(p.Region)
		if err != nil || !linked.Allows(store.Key{Region: key.Region}) {
			return false, err
		}
	}
	if p.Operator || key.Account == p.Account {
		return true, nil
	}
	rec, ok, err := administratorRecordOf(st, key.Account, key.Region)
	return ok && rec.Account == p.Account, err
}

// reachIn is reach as of one commit.
func (h *Hub) reachIn(st store.StateView, p *iam.Principal) (store.Scope, error) {
	if p.Operator {
		agg, err := aggregatorInForce(st, p.Account, p.Region)
		return agg.reach(p.Region), err
	}
	return h.scopes.of(st, p.Account, p.Region)
}

// scopeCache remembers scopes, each for one version of the records it was made of: never for a time.
type scopeCache struct {
	mu    sync.Mutex
	known map[accountRegion]scopeSeen
}

type accountRegion struct{ account, region string }

type scopeSeen struct {
	scope         store.Scope
	version       uint64
	administrator string // "": none
	theirs        uint64 // version of the administrator's records
}

// maxScopes bounds the cache; a full one begins anew.
const maxScopes = 4096

func (c *scopeCache) of(st store.StateView, account, region string) (store.Scope, error) {
	at := accountRegion{account, region}
	version := st.Version(account)
	if version == 0 { // no records: nothing widens the scope
		return store.Scope{Accounts: []string{account}, Regions: []string{region}}, nil
	}
	c.mu.Lock()
	seen, ok := c.known[at]
	c.mu.Unlock()
	if ok && seen.version == version && (seen.administrator == "" || st.Version(seen.administrator) == seen.theirs) {
		return seen.scope, nil
	}
	seen = scopeSeen{version: version}
	rec, member, err := administratorRecordOf(st, account, region)
	if err != nil {
		return store.Scope{}, err
	}
	if member {
		seen.administrator, seen.theirs = rec.Account, st.Version(rec.Account)
	}
	if seen.scope, err = scopeOf(st, account, region); err != nil {
		return store.Scope{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= maxScopes {
		c.known = map[accountRegion]scopeSeen{}
	}
	c.known[at] = seen
	return seen.scope, nil
}

// scopeOf computes an account's scope in a Region.
func scopeOf(st store.StateView, account, region string) (store.Scope, error) {
	agg, err := aggregatorInForce(st, account, region)
	if err != nil {
		return store.Scope{}, err
	}
	reach := agg.reach(region)
	members, err := enabledMembers(st, account, reach)
	if err != nil {
		return store.Scope{}, err
	}
	own := []string{account}
	if len(members) == 0 {
		reach.Accounts = own
		return reach, nil
	}
	everywhere := len(reach.Regions) > 0 // every Region has the same members
	for _, r := range reach.Regions {
		everywhere = everywhere && slices.Equal(members[r], members[reach.Regions[0]])
	}
	if everywhere {
		return store.ScopeOf(append(own, members[reach.Regions[0]]...), reach.Regions), nil
	}
	wide := append([]string{}, own...)
	parts := []store.Scope{{Accounts: own}}
	for _, r := range slices.Sorted(maps.Keys(members)) {
		// Regions with the same members are one part: what a question costs grows with the parts.
		alike := slices.IndexFunc(parts[1:], func(part store.Scope) bool { return slices.Equal(part.Accounts, members[r]) }) + 1
		if alike > 0 {
			parts[alike].Regions = append(parts[alike].Regions, r)
			continue
		}
		wide = append(wide, members[r]...)
		parts = append(parts, store.ScopeOf(members[r], []string{r}))
	}
	slices.Sort(wide)
	s := store.ScopeOf(slices.Compact(wide), reach.Regions)
	s.Without, s.Parts = reach.Without, parts
	return s, nil
}

// enabledMembers reads an administrator's members by Region, sorted, in those Regions that a reach has.
func enabledMembers(st store.StateView, account string, reach store.Scope) (map[string][]string, error) {
	var members map[string][]string
	prefixes := []string{recordMember}
	if len(reach.Regions) > 0 {
		prefixes = prefixes[:0]
		for _, r := range reach.Regions {
			prefixes = append(prefixes, recordMember+r+"/")
		}
	}
	for _, prefix := range prefixes {
		for _, name := range st.Names(account, prefix) {
			region, member, _ := strings.Cut(strings.TrimPrefix(name, recordMember), "/")
			if !reach.Allows(store.Key{Region: region}) {
				continue
			}
			var rec memberRecord
			if err := readRecord(st, account, name, &rec); err != nil {
				return nil, err
			}
			if rec.Status != Enabled {
				continue
			}
			if members == nil {
				members = map[string][]string{}
			}
			members[region] = append(members[region], member)
		}
	}
	return members, nil
}

// administratorOf is the account whose say goes for an account's findings in a Region: its administrator, or itself where it has
// none (D37).
func (h *Hub) administratorOf(st store.StateView, account, region string) (string, error) {
	rec, ok, err := administratorRecordOf(st, account, region)
	if !ok || err != nil {
		return account, err
	}
	return rec.Account, nil
}

// administratorRecord is whose member an account is in one Region. It is there exactly while the administrator's record of the member
// says Enabled.
type administratorRecord struct {
	Account      string `json:"account"`
	Organization bool   `json:"organization,omitempty"` // by the organisation, not by invitation
}

func administratorRecordOf(st store.StateView, account, region string) (rec administratorRecord, ok bool, err error) {
	raw, ok := st.Get(account, recordAdministrator+region)
	if !ok {
		return rec, false, nil
	}
	if err := json.Unmarshal(raw, &rec); err != nil {
		return rec, false, fmt.Errorf("record %s%s of account %s: %w", recordAdministrator, region, account, err)
	}
	return rec, true, nil
}

// readRecord reads a small record that is there.
func readRecord(st store.StateView, account, name string, v any) error {
	raw, ok := st.Get(account, name)
	if !ok {
		return fmt.Errorf("record %s of account %s is gone", name, account)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("record %s of account %s: %w", name, account, err)
	}
	return nil
}
