package hub

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"hubcap/internal/asff"
	"hubcap/internal/rule"
	"hubcap/internal/store"
)

// operatorAccount is the account of what the operator creates (D51).
const operatorAccount = "123456789012"

// ruleCache keeps compiled rules by owner. What it holds was made of one index record and is good as long as that record has the same
// bytes, whoever wrote it: no time makes it old.
type ruleCache struct {
	mu     sync.RWMutex
	owners map[accountRegion]*ownerRules
}

const mostRuleOwners = 4096

// ownerRules are the enabled rules of an account in a Region.
type ownerRules struct {
	index    []byte    // the record
	own      *rule.Set // for the account's findings, and its members'
	everyone *rule.Set // the operator's, for all findings
}

// rulesOf answers an account's rules as of a state; nil for an account that never had any. A rule that cannot be compiled, which only
// a later hubcap can have written, is left out and logged: it must not stop imports.
func (h *Hub) rulesOf(st store.StateView, account, region string) (*ownerRules, error) {
	raw, ok := st.Get(account, recordRuleIndex+region)
	if !ok {
		return nil, nil //nolint:nilnil // there are none
	}
	owner := accountRegion{account, region}
	h.rules.mu.RLock()
	have := h.rules.owners[owner]
	h.rules.mu.RUnlock()
	if have != nil && bytes.Equal(have.index, raw) {
		return have, nil
	}
	index, err := readRuleIndex(st, account, region)
	if err != nil {
		return nil, err
	}
	made := &ownerRules{index: bytes.Clone(raw)}
	var own, everyone []*rule.Rule
	for _, id := range index.IDs {
		rec, err := readRule(st, account, region, id)
		if err != nil {
			return nil, err
		}
		if rec == nil || rec.Status != ruleEnabled {
			continue
		}
		r, err := rec.compile(ruleARN(region, account, id))
		switch {
		case err != nil:
			h.log.Error("an automation rule cannot be understood and does not act", slog.String("rule", ruleARN(region, account, id)),
				slog.Any("error", err))
		case rec.Everyone:
			everyone = append(everyone, r)
		default:
			own = append(own, r)
		}
	}
	made.own, made.everyone = rule.NewSet(own), rule.NewSet(everyone)
	h.rules.mu.Lock()
	defer h.rules.mu.Unlock()
	if h.rules.owners == nil || len(h.rules.owners) >= mostRuleOwners {
		h.rules.owners = map[accountRegion]*ownerRules{}
	}
	// The account may lie in the buffer of a request, and the key outlives it.
	h.rules.owners[accountRegion{strings.Clone(account), strings.Clone(region)}] = made
	return made, nil
}

// rulesFor answers the rules that concern an account's findings in a Region: the operator's, then those of the account's
// administrator, or its own where it has none (D37).
func (h *Hub) rulesFor(st store.StateView, account, region string) (sets rule.Sets, err error) {
	all, err := h.rulesOf(st, operatorAccount, region)
	if err != nil {
		return sets, err
	}
	owner, err := h.administratorOf(st, account, region)
	if err != nil {
		return sets, err
	}
	own, err := h.rulesOf(st, owner, region)
	if err != nil {
		return sets, err
	}
	if all != nil {
		sets[0] = all.everyone
	}
	if own != nil {
		sets[1] = own.own
	}
	return sets, nil
}

// rulesSeen remembers, for one call, the rules of accounts, each for the versions of all accounts whose records decided them.
type rulesSeen struct {
	known []rulesKnown
	noted notedState
}

type rulesKnown struct {
	account string
	sets    rule.Sets
	read    []accountVersion
}

type accountVersion struct {
	account string
	version uint64
}

func (s *rulesSeen) of(h *Hub, st store.StateView, account, region string) (*rule.Sets, error) {
	at := -1
	for i := range s.known {
		if s.known[i].account == account {
			if s.known[i].stands(st) {
				return &s.known[i].sets, nil
			}
			at = i
		}
	}
	if at < 0 {
		at = len(s.known)
		s.known = slices.Grow(s.known, 1)[:at+1] // with the buffers of an earlier call
	}
	k := &s.known[at]
	k.account = account
	s.noted.StateView, s.noted.read = st, k.read[:0]
	sets, err := h.rulesFor(&s.noted, account, region)
	k.sets, k.read = sets, s.noted.read
	s.noted = notedState{}
	if err != nil {
		k.account = "" // to be asked for again
		return nil, err
	}
	return &k.sets, nil
}

func (k *rulesKnown) stands(st store.StateView) bool {
	for i := range k.read {
		if st.Version(k.read[i].account) != k.read[i].version {
			return false
		}
	}
	return true
}

func (s *rulesSeen) reset() {
	for i := range s.known {
		k := &s.known[i]
		clear(k.read)
		*k = rulesKnown{read: k.read[:0]}
	}
	s.known = s.known[:0]
}

// notedState is a state that notes whose records were asked for.
type notedState struct {
	store.StateView
	read []accountVersion
}

func (n *notedState) note(account string) {
	for i := range n.read {
		if n.read[i].account == account {
			return
		}
	}
	n.read = append(n.read, accountVersion{account, n.StateView.Version(account)})
}

// Version implements store.StateView.
func (n *notedState) Version(account string) uint64 {
	n.note(account)
	return n.StateView.Version(account)
}

// Names implements store.StateView.
func (n *notedState) Names(account, prefix string) []string {
	n.note(account)
	return n.StateView.Names(account, prefix)
}

// Get implements store.StateView.
func (n *notedState) Get(account, name string) ([]byte, bool) {
	n.note(account)
	return n.StateView.Get(account, name)
}

// applyRules lets the rules that concern an account act on what the merge of finding k made. What they change is in the same commit,
// each rule's part a record of the finding's history (D37).
func (c *importCall) applyRules(k int, change *store.Change, account string, st store.StateView) error {
	sets, err := c.rules.of(c.h, st, account, c.p.Region)
	if err != nil || sets.Empty() {
		return err
	}
	delete(c.hindered, k)
	values := c.reader.Values(change.JSON)
	after, done := c.judge.Apply(sets, &c.merger, asff.Stored{Doc: change.JSON, Customer: change.Customer}, values, c.now)
	// The engine need not read the values again, unless a rule made another document of the one they are of.
	change.Values = values
	for i := range done {
		d := &done[i]
		if d.Err != nil {
			if c.hindered == nil {
				c.hindered = map[int]hindrance{}
			}
			c.hindered[k] = hindrance{d.Rule.ARN, d.Err}
			continue
		}
		change.Values = nil
		if len(d.Changes) > 0 {
			change.History = append(change.History, store.HistoryRecord{
				Time: c.now, Source: sourceUpdate, Identity: d.Rule.ARN, Updates: d.Changes,
			})
		}
	}
	change.JSON, change.Customer = after.Doc, after.Customer
	return nil
}

// hindrance is a rule that could not change a finding.
type hindrance struct {
	arn string
	err error
}

// logHindered tells in one line of the log, however many findings it were, that rules could not act (D87).
func (c *importCall) logHindered(ctx context.Context) {
	for k, first := range c.hindered {
		c.h.log.LogAttrs(ctx, slog.LevelWarn, "automation rules could not change findings", slog.Int("findings", len(c.hindered)),
			slog.String("rule", first.arn), slog.String("finding", c.keys[k].ID), slog.String("error", first.err.Error()))
		return
	}
}
