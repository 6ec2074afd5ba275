package hub

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/store"
)

// The types and statuses of an association. A policy holds at once, so that none is PENDING.
const (
	associationApplied   = "APPLIED"
	associationInherited = "INHERITED"
	associationSuccess   = "SUCCESS"
	associationFailed    = "FAILED"
)

// placeOf reads a target. An organisation with a list knows its accounts, units and root; one without takes what is named like one.
func (h *Hub) placeOf(path string, t *api.Target) (policyTarget, error) {
	switch {
	case t == nil:
		return policyTarget{}, api.InvalidParameter(path, "should be there")
	case t.AccountId != nil:
		if err := checkAccount(path+".AccountId", *t.AccountId); err != nil {
			return policyTarget{}, err
		}
		if h.organization != nil && !h.organization.has(*t.AccountId) {
			return policyTarget{}, noTarget(*t.AccountId)
		}
		return policyTarget{targetAccount, *t.AccountId}, nil
	case t.OrganizationalUnitId != nil:
		id := *t.OrganizationalUnitId
		if h.organization == nil {
			if !isTargetID(id, "ou-") {
				return policyTarget{}, api.InvalidParameter(path+".OrganizationalUnitId", `should match pattern "^ou-[0-9a-z-]+$"`)
			}
		} else if _, known := h.organization.units[id]; !known {
			return policyTarget{}, noTarget(id)
		}
		return policyTarget{targetUnit, id}, nil
	case t.RootId != nil:
		id := *t.RootId
		if h.organization != nil {
			if id != h.organization.root {
				return policyTarget{}, noTarget(id)
			}
			return policyTarget{targetRoot, id}, nil
		}
		if !isTargetID(id, "r-") {
			return policyTarget{}, api.InvalidParameter(path+".RootId", `should match pattern "^r-[0-9a-z-]+$"`)
		}
		return policyTarget{targetRoot, openRoot}, nil // there is one root, whatever it is called
	}
	return policyTarget{}, api.InvalidParameter(path, "should have one of AccountId, OrganizationalUnitId, RootId")
}

func isTargetID(id, prefix string) bool {
	rest, ok := strings.CutPrefix(id, prefix)
	return ok && rest != "" && len(id) <= 68 && strings.Trim(rest, "0123456789abcdefghijklmnopqrstuvwxyz-") == ""
}

func noTarget(id string) error {
	return api.Errorf(api.ResourceNotFound, "Target %s is not found in the organization", quotable(id))
}

// targetID is the id that a request called its target by.
func targetID(t *api.Target) string {
	for _, id := range []*string{t.AccountId, t.OrganizationalUnitId, t.RootId} {
		if id != nil {
			return *id
		}
	}
	return ""
}

// associationOf tells what holds for a target; nil: nothing does.
func (h *Hub) associationOf(c *central, t policyTarget, id string) *api.ConfigurationPolicyAssociationSummary {
	rec, at, found := c.inForce(h.organization.path(t))
	if !found {
		return nil
	}
	kind, status := associationInherited, associationSuccess
	if at == t {
		kind = associationApplied
	}
	s := &api.ConfigurationPolicyAssociationSummary{
		AssociationStatus: &status, AssociationType: &kind, ConfigurationPolicyId: &rec.Policy, TargetId: &id, TargetType: &t.kind,
		UpdatedAt: instant(rec.UpdatedAt),
	}
	if t.kind == targetAccount && h.organization.suspended(t.id) {
		status = associationFailed
		why := "Account " + t.id + " is suspended"
		s.AssociationStatusMessage = &why
	}
	return s
}

// StartConfigurationPolicyAssociation applies a policy, or self-management, to a target, in place of what was applied to it before. It
// holds at once, for what lies below the target too.
func (h *Hub) StartConfigurationPolicyAssociation(ctx context.Context, p *iam.Principal, in *api.StartConfigurationPolicyAssociationInput) (*api.StartConfigurationPolicyAssociationOutput, error) {
	now := h.now()
	out := &api.StartConfigurationPolicyAssociationOutput{}
	err := h.store.State(ctx, []string{p.Account}, func(tx store.StateTx) error {
		c, err := h.requireCentral(tx, p)
		if err != nil {
			return err
		}
		policy := selfManaged
		if in.ConfigurationPolicyIdentifier != selfManaged {
			if policy, _, err = c.policy(p, in.ConfigurationPolicyIdentifier); err != nil {
				return err
			}
		}
		t, err := h.placeOf("Target", &in.Target)
		if err != nil {
			return err
		}
		rec := placedRecord{Policy: policy, UpdatedAt: now}
		s := h.associationOf(c.with(t, rec), t, targetID(&in.Target))
		*out = api.StartConfigurationPolicyAssociationOutput(*s)
		return putRecord(tx, p.Account, placedName(p.Region, t), rec)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// with is a central configuration with one more policy applied.
func (c *central) with(t policyTarget, rec placedRecord) *central {
	more := *c
	more.placed = maps.Clone(c.placed)
	more.placed[t] = rec
	return &more
}

func placedName(region string, t policyTarget) string {
	return recordPlaced + region + "/" + t.String()
}

// StartConfigurationPolicyDisassociation takes from a target what was applied to it; what it inherits holds again.
func (h *Hub) StartConfigurationPolicyDisassociation(ctx context.Context, p *iam.Principal, in *api.StartConfigurationPolicyDisassociationInput) (*api.StartConfigurationPolicyDisassociationOutput, error) {
	err := h.store.State(ctx, []string{p.Account}, func(tx store.StateTx) error {
		c, err := h.requireCentral(tx, p)
		if err != nil {
			return err
		}
		t, err := h.placeOf("Target", in.Target)
		if err != nil {
			return err
		}
		rec, applied := c.placed[t]
		if !applied || rec.Policy != policyID(p, in.ConfigurationPolicyIdentifier) {
			return api.Errorf(api.ResourceNotFound, "Configuration policy %s is not associated with target %s",
				shown(in.ConfigurationPolicyIdentifier), targetID(in.Target))
		}
		tx.Delete(p.Account, placedName(p.Region, t))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.StartConfigurationPolicyDisassociationOutput{}, nil
}

// GetConfigurationPolicyAssociation tells what holds for a target, applied or inherited.
func (h *Hub) GetConfigurationPolicyAssociation(ctx context.Context, p *iam.Principal, in *api.GetConfigurationPolicyAssociationInput) (*api.GetConfigurationPolicyAssociationOutput, error) {
	out := &api.GetConfigurationPolicyAssociationOutput{}
	err := h.store.View(ctx, func(st store.StateView) error {
		c, err := h.requireCentral(st, p)
		if err != nil {
			return err
		}
		t, err := h.placeOf("Target", &in.Target)
		if err != nil {
			return err
		}
		s := h.associationOf(c, t, targetID(&in.Target))
		if s == nil {
			return noAssociation(targetID(&in.Target))
		}
		*out = api.GetConfigurationPolicyAssociationOutput(*s)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func noAssociation(id string) error {
	return api.Errorf(api.ResourceNotFound, "Target %s has no configuration policy association", quotable(id))
}

// BatchGetConfigurationPolicyAssociations tells what holds for up to 100 targets.
func (h *Hub) BatchGetConfigurationPolicyAssociations(ctx context.Context, p *iam.Principal, in *api.BatchGetConfigurationPolicyAssociationsInput) (*api.BatchGetConfigurationPolicyAssociationsOutput, error) {
	if err := checkCount("ConfigurationPolicyAssociationIdentifiers", len(in.ConfigurationPolicyAssociationIdentifiers), maxControls); err != nil {
		return nil, err
	}
	out := &api.BatchGetConfigurationPolicyAssociationsOutput{
		ConfigurationPolicyAssociations:            []api.ConfigurationPolicyAssociationSummary{},
		UnprocessedConfigurationPolicyAssociations: []api.UnprocessedConfigurationPolicyAssociation{},
	}
	err := h.store.View(ctx, func(st store.StateView) error {
		c, err := h.requireCentral(st, p)
		if err != nil {
			return err
		}
		for i, asked := range in.ConfigurationPolicyAssociationIdentifiers {
			t, err := h.placeOf("ConfigurationPolicyAssociationIdentifiers["+strconv.Itoa(i)+"].Target", asked.Target)
			var s *api.ConfigurationPolicyAssociationSummary
			if err == nil {
				if s = h.associationOf(c, t, targetID(asked.Target)); s == nil {
					err = noAssociation(targetID(asked.Target))
				}
			}
			if err == nil {
				out.ConfigurationPolicyAssociations = append(out.ConfigurationPolicyAssociations, *s)
				continue
			}
			code, reason, ok := told(err)
			if !ok {
				return err
			}
			out.UnprocessedConfigurationPolicyAssociations = append(out.UnprocessedConfigurationPolicyAssociations, api.UnprocessedConfigurationPolicyAssociation{
				ConfigurationPolicyAssociationIdentifiers: &asked, ErrorCode: &code, ErrorReason: &reason,
			})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ListConfigurationPolicyAssociations tells what holds for every target of the organisation: accounts, units, the root, each in the
// order of their ids.
func (h *Hub) ListConfigurationPolicyAssociations(ctx context.Context, p *iam.Principal, in *api.ListConfigurationPolicyAssociationsInput) (*api.ListConfigurationPolicyAssociationsOutput, error) {
	f := api.AssociationFilters{}
	if in.Filters != nil {
		f = *in.Filters
	}
	if err := checkAssociationFilters(&f); err != nil {
		return nil, err
	}
	found := map[string]*api.ConfigurationPolicyAssociationSummary{}
	err := h.store.View(ctx, func(st store.StateView) error {
		c, err := h.requireCentral(st, p)
		if err != nil {
			return err
		}
		for t := range h.places(st, c) {
			s := h.associationOf(c, t, t.id)
			if s != nil && wanted(f.ConfigurationPolicyId, s.ConfigurationPolicyId) && wanted(f.AssociationType, s.AssociationType) &&
				wanted(f.AssociationStatus, s.AssociationStatus) {
				found[t.String()] = s
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	names, next, err := h.page(slices.Sorted(maps.Keys(found)), in.NextToken, in.MaxResults, ask("ListConfigurationPolicyAssociations", p, []byte(jsonOf(f)), nil))
	if err != nil {
		return nil, err
	}
	out := &api.ListConfigurationPolicyAssociationsOutput{ConfigurationPolicyAssociationSummaries: []api.ConfigurationPolicyAssociationSummary{}, NextToken: next}
	for _, name := range names {
		out.ConfigurationPolicyAssociationSummaries = append(out.ConfigurationPolicyAssociationSummaries, *found[name])
	}
	return out, nil
}

func wanted(filter, value *string) bool { return filter == nil || *filter == *value }

func checkAssociationFilters(f *api.AssociationFilters) error {
	for _, e := range []struct {
		member  string
		value   *string
		allowed []string
	}{
		{"Filters.AssociationType", f.AssociationType, []string{associationInherited, associationApplied}},
		{"Filters.AssociationStatus", f.AssociationStatus, []string{"PENDING", associationSuccess, associationFailed}},
	} {
		if e.value != nil && !slices.Contains(e.allowed, *e.value) {
			return api.InvalidParameter(e.member, "should be equal to one of the allowed values: "+strings.Join(e.allowed, ", "))
		}
	}
	return nil
}

// places are the targets that there are: of an organisation with a list everything in it, else the administrator, its members in the
// home Region and what something was applied to.
func (h *Hub) places(st store.StateView, c *central) map[policyTarget]bool {
	all := map[policyTarget]bool{}
	if o := h.organization; o != nil {
		all[policyTarget{targetRoot, o.root}] = true
		for id := range o.units {
			all[policyTarget{targetUnit, id}] = true
		}
		for id := range o.accounts {
			all[policyTarget{targetAccount, id}] = true
		}
		return all
	}
	for t := range c.placed {
		all[t] = true
	}
	all[policyTarget{targetAccount, c.Account}] = true
	for _, account := range accountsOf(st, c.Account, c.Home) {
		if rec, member, err := administratorRecordOf(st, account, c.Home); err == nil && member && rec.Account == c.Account {
			all[policyTarget{targetAccount, account}] = true
		}
	}
	return all
}

// told splits an error that a client may see into its status and sentence.
func told(err error) (code, reason string, ok bool) {
	e, ok := err.(*api.Error) //nolint:errorlint // made here, never wrapped
	if !ok {
		return "", "", false
	}
	return strconv.Itoa(e.Status), e.Message, true
}
