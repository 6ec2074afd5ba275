package hub

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/standards"
	"hubcap/internal/store"
)

// centralRecord is who configures the organisation's accounts, and from which Region: central-configuration of the store itself. It
// is there while the administrator's ConfigurationType is CENTRAL.
type centralRecord struct {
	Account string `json:"account"`
	Home    string `json:"home"`
}

// policyRecord is a configuration policy: configuration-policy/REGION/UUID of the administrator, in its home Region.
type policyRecord struct {
	Name        string                `json:"name"`
	Description *string               `json:"description,omitempty"`
	Policy      api.SecurityHubPolicy `json:"policy"`
	CreatedAt   time.Time             `json:"createdAt"`
	UpdatedAt   time.Time             `json:"updatedAt"`
}

// placedRecord is what was applied to one target: configuration-association/REGION/TYPE/ID of the administrator.
type placedRecord struct {
	Policy    string    `json:"policy"` // id of a policy, or selfManaged
	UpdatedAt time.Time `json:"updatedAt"`
}

// selfManaged is the policy of who decides for itself.
const selfManaged = "SELF_MANAGED_SECURITY_HUB"

// The types of a target.
const (
	targetAccount = "ACCOUNT"
	targetUnit    = "ORGANIZATIONAL_UNIT"
	targetRoot    = "ROOT"
)

// policyTarget is a target that a policy can be applied to.
type policyTarget struct{ kind, id string }

func (t policyTarget) String() string { return t.kind + "/" + t.id }

// central is the organisation's central configuration as of one version of the records that make it. It is never changed.
type central struct {
	centralRecord
	own, theirs uint64 // versions of the store's records and the administrator's

	aggregator aggregatorRecord
	policies   map[string]policyRecord
	placed     map[policyTarget]placedRecord
}

// centralCache remembers the last one read.
type centralCache struct{ last atomic.Pointer[central] }

// centralOf reads the central configuration; with an empty Account there is none. Where the records are as they were it answers the
// same pointer; a transaction sees what was before it.
func (h *Hub) centralOf(st store.StateView) (*central, error) {
	own := st.Version("")
	if c := h.central.last.Load(); c != nil && c.own == own && (c.Account == "" || st.Version(c.Account) == c.theirs) {
		return c, nil
	}
	c := &central{own: own}
	raw, there := st.Get("", recordCentral)
	if there {
		if err := json.Unmarshal(raw, &c.centralRecord); err != nil {
			return nil, fmt.Errorf("record %s: %w", recordCentral, err)
		}
		if err := c.read(st); err != nil {
			return nil, err
		}
	}
	if _, writing := st.(store.StateTx); !writing { // what a transaction reads may never be committed
		h.central.last.Store(c)
	}
	return c, nil
}

func (c *central) read(st store.StateView) (err error) {
	c.theirs = st.Version(c.Account)
	if c.aggregator, err = aggregatorOf(st, c.Account); err != nil {
		return err
	}
	if c.policies, err = policiesOf(st, c.Account, c.Home); err != nil {
		return err
	}
	c.placed = map[policyTarget]placedRecord{}
	prefix := recordPlaced + c.Home + "/"
	for _, name := range st.Names(c.Account, prefix) {
		var rec placedRecord
		if err := readRecord(st, c.Account, name, &rec); err != nil {
			return err
		}
		kind, id, _ := strings.Cut(name[len(prefix):], "/")
		c.placed[policyTarget{kind, id}] = rec
	}
	return nil
}

func policiesOf(st store.StateView, account, region string) (map[string]policyRecord, error) {
	policies := map[string]policyRecord{}
	prefix := recordPolicy + region + "/"
	for _, name := range st.Names(account, prefix) {
		var rec policyRecord
		if err := readRecord(st, account, name, &rec); err != nil {
			return nil, err
		}
		policies[name[len(prefix):]] = rec
	}
	return policies, nil
}

// inForce finds what holds for a target: what was applied to it, else to the nearest unit above it, else to the root (spec 9).
func (c *central) inForce(path []policyTarget) (rec placedRecord, at policyTarget, found bool) {
	for _, at := range path {
		if rec, ok := c.placed[at]; ok {
			return rec, at, true
		}
	}
	return placedRecord{}, policyTarget{}, false
}

// path is a target and what lies above it, the nearest first. In an organisation without a list everything lies right under the root.
func (o *organization) path(t policyTarget) []policyTarget {
	path := []policyTarget{t}
	if t.kind == targetRoot {
		return path
	}
	if o == nil {
		return append(path, policyTarget{targetRoot, openRoot})
	}
	unit := o.units[t.id].Parent
	if t.kind == targetAccount {
		unit = o.accounts[t.id].OU
	}
	for unit != "" && unit != o.root {
		path = append(path, policyTarget{targetUnit, unit})
		unit = o.units[unit].Parent
	}
	return append(path, policyTarget{targetRoot, o.root})
}

// openRoot stands for the root of an organisation without a list.
const openRoot = defaultRoot

// governance is a configuration policy that decides for an account in a Region.
type governance struct {
	administrator string
	policy        *policyRecord
	since         time.Time
}

// governed tells which policy decides for an account in a Region; nil: the account itself does. Policies hold in the home Region and
// in those that the administrator's aggregator links.
func (h *Hub) governed(st store.StateView, account, region string) (*governance, error) {
	c, err := h.centralOf(st)
	if err != nil || c.Account == "" {
		return nil, err
	}
	reach := c.aggregator.reach(c.Home)
	if !reach.Allows(store.Key{Account: account, Region: region}) || h.organization.suspended(account) {
		return nil, nil //nolint:nilnil // nobody's
	}
	rec, at, found := c.inForce(h.organization.path(policyTarget{targetAccount, account}))
	if !found || rec.Policy == selfManaged {
		return nil, nil //nolint:nilnil // the account itself
	}
	if h.organization == nil && at.kind == targetRoot && account != c.Account {
		// Without a list the root holds the administrator's members.
		theirs, member, err := administratorRecordOf(st, account, region)
		if err != nil || !member || theirs.Account != c.Account {
			return nil, err
		}
	}
	if h.organization != nil && !h.organization.has(account) {
		return nil, nil //nolint:nilnil // it left the organisation
	}
	policy, ok := c.policies[rec.Policy]
	if !ok {
		return nil, fmt.Errorf("record %s%s/%s of account %s: there is no policy %s", recordPlaced, c.Home, at, c.Account, rec.Policy)
	}
	return &governance{administrator: c.Account, policy: &policy, since: rec.UpdatedAt}, nil
}

// overlay is what a policy makes of an account's hub. The administrator's own stays on: nobody else could switch it on again.
func (g *governance) overlay(own hubRecord, account string) hubRecord {
	on := g.policy.on() || account == g.administrator && own.Enabled
	if on && !own.Enabled {
		own.SubscribedAt, own.AutoEnableControls = g.since, true
	}
	if own.ControlFindingGenerator == "" {
		own.ControlFindingGenerator = generatorSecurityControl
	}
	own.Enabled = on
	return own
}

// refusal is the sentence for an account that a policy decides for.
func (g *governance) refusal(account string) string {
	return "Account " + account + " is centrally configured by account " + g.administrator + " and cannot change this itself"
}

// requireOwnSay refuses who is configured centrally.
func (h *Hub) requireOwnSay(st store.StateView, p *iam.Principal) error {
	g, err := h.governed(st, p.Account, p.Region)
	if err == nil && g != nil {
		err = api.Errorf(api.AccessDenied, "%s", g.refusal(p.Account))
	}
	return err
}

// requireCentral refuses who is not the administrator with central configuration in its home Region, in AWS's words. Whose hub is off is
// told no more than that, for Terraform takes it, and no other refusal, for a policy that is gone (D166).
func (h *Hub) requireCentral(st store.StateView, p *iam.Principal) (*central, error) {
	c, err := h.centralOf(st)
	switch {
	case err != nil:
		return nil, err
	case c.Account != p.Account:
		return nil, api.Errorf(api.AccessDenied, "Must be a Security Hub delegated administrator with Central Configuration enabled")
	case c.Home != p.Region:
		return nil, api.Errorf(api.AccessDenied, "Central Configuration APIs can only be called from the aggregation region")
	}
	_, err = h.enabledHub(st, p)
	return c, err
}

// centralize begins central configuration from a Region.
func centralize(tx store.StateTx, account, region string) error {
	return putRecord(tx, "", recordCentral, centralRecord{Account: account, Home: region})
}

// decentralize ends central configuration that an account does from a Region: what was applied is forgotten, policies stay.
func decentralize(tx store.StateTx, account, region string) error {
	raw, there := tx.Get("", recordCentral)
	if !there {
		return nil
	}
	var rec centralRecord
	if err := json.Unmarshal(raw, &rec); err != nil {
		return fmt.Errorf("record %s: %w", recordCentral, err)
	}
	if rec != (centralRecord{Account: account, Home: region}) {
		return nil
	}
	tx.Delete("", recordCentral)
	for _, name := range tx.Names(account, recordPlaced+region+"/") {
		tx.Delete(account, name)
	}
	return nil
}

func (r *policyRecord) on() bool { return r.Policy.ServiceEnabled != nil && *r.Policy.ServiceEnabled }

// enabledStandards are those that a policy enables.
func (r *policyRecord) enabledStandards(c *standards.Catalogue) []*standards.Standard {
	var list []*standards.Standard
	for _, arn := range r.Policy.EnabledStandardIdentifiers {
		if std := c.ByResource(arn[strings.LastIndexByte(arn, ':')+1:]); std != nil && r.on() && !slices.Contains(list, std) {
			list = append(list, std)
		}
	}
	return list
}

// enables tells whether a policy leaves a control of its standards enabled.
func (r *policyRecord) enables(control string) bool {
	c := r.Policy.SecurityControlsConfiguration
	switch {
	case c == nil:
		return true
	case c.EnabledSecurityControlIdentifiers != nil:
		return slices.Contains(c.EnabledSecurityControlIdentifiers, control)
	}
	return !slices.Contains(c.DisabledSecurityControlIdentifiers, control)
}

// custom are the parameters of a control that a policy customises.
func (r *policyRecord) custom(control string) map[string]api.ParameterValue {
	c := r.Policy.SecurityControlsConfiguration
	if c == nil {
		return nil
	}
	var values map[string]api.ParameterValue
	for _, s := range c.SecurityControlCustomParameters {
		if s.SecurityControlId == nil || *s.SecurityControlId != control {
			continue
		}
		for name, v := range s.Parameters {
			if v.ValueType == valueCustom && v.Value != nil {
				if values == nil {
					values = map[string]api.ParameterValue{}
				}
				values[name] = *v.Value
			}
		}
	}
	return values
}
