package hub

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/standards"
	"hubcap/internal/store"
)

const (
	maxPolicies          = 20 // of an administrator, in the profile aws
	maxPolicyName        = 128
	maxPolicyDescription = 512
	maxPolicyControls    = 1000 // ids, or customised controls, in a policy
)

func policyARN(account, region, id string) string {
	return "arn:" + partitionOf(region) + ":securityhub:" + region + ":" + account + ":configuration-policy/" + id
}

func policyName(region, id string) string { return recordPolicy + region + "/" + id }

// policyID reads a policy's id from an id or an ARN of the caller's; what is neither comes back as it is and names nothing.
func policyID(p *iam.Principal, identifier string) string {
	return strings.TrimPrefix(identifier, ownARN(p, "configuration-policy/"))
}

func noPolicy(identifier string) error {
	return api.Errorf(api.ResourceNotFound, "%s", named("configurationPolicyIdentifier", shown(identifier)))
}

// policy finds one of the administrator's policies.
func (c *central) policy(p *iam.Principal, identifier string) (string, policyRecord, error) {
	id := policyID(p, identifier)
	rec, ok := c.policies[id]
	if !ok {
		return "", rec, noPolicy(identifier)
	}
	return id, rec, nil
}

// CreateConfigurationPolicy makes a policy, which decides nothing until it is applied.
func (h *Hub) CreateConfigurationPolicy(ctx context.Context, p *iam.Principal, in *api.CreateConfigurationPolicyInput) (*api.CreateConfigurationPolicyOutput, error) {
	now := h.now()
	rec := policyRecord{Name: in.Name, Description: in.Description, CreatedAt: now, UpdatedAt: now}
	err := checkLength("Name", in.Name, maxPolicyName)
	if err == nil && in.Description != nil {
		err = checkLength("Description", *in.Description, maxPolicyDescription)
	}
	if err == nil {
		err = checkTags(in.Tags)
	}
	if err == nil {
		rec.Policy, err = h.readPolicy(p, in.ConfigurationPolicy)
	}
	if err != nil {
		return nil, err
	}
	id := newUUID(now)
	arn := policyARN(p.Account, p.Region, id)
	err = h.store.State(ctx, []string{p.Account}, func(tx store.StateTx) error {
		c, err := h.requireCentral(tx, p)
		if err != nil {
			return err
		}
		if h.profile == AWS && len(c.policies) >= maxPolicies {
			return api.Errorf(api.LimitExceeded, "Account %s has reached its limit of %d configuration policies", p.Account, maxPolicies)
		}
		if err := c.freeName(in.Name, ""); err != nil {
			return err
		}
		if err := createTags(tx, p.Account, arn, in.Tags); err != nil {
			return err
		}
		return putRecord(tx, p.Account, policyName(p.Region, id), rec)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateConfigurationPolicyOutput{
		Arn: &arn, ConfigurationPolicy: &api.Policy{SecurityHub: &rec.Policy}, CreatedAt: instant(now), Description: rec.Description,
		Id: &id, Name: &rec.Name, UpdatedAt: instant(now),
	}, nil
}

// freeName refuses a name that another policy has.
func (c *central) freeName(name, but string) error {
	for id, rec := range c.policies {
		if rec.Name == name && id != but {
			return api.Errorf(api.ResourceConflict, "A configuration policy named %s already exists", name)
		}
	}
	return nil
}

// GetConfigurationPolicy tells of a policy, by id or ARN.
func (h *Hub) GetConfigurationPolicy(ctx context.Context, p *iam.Principal, in *api.GetConfigurationPolicyInput) (*api.GetConfigurationPolicyOutput, error) {
	out := &api.GetConfigurationPolicyOutput{}
	err := h.store.View(ctx, func(st store.StateView) error {
		c, err := h.requireCentral(st, p)
		if err != nil {
			return err
		}
		id, rec, err := c.policy(p, in.Identifier)
		if err != nil {
			return err
		}
		arn := policyARN(p.Account, p.Region, id)
		*out = api.GetConfigurationPolicyOutput{
			Arn: &arn, ConfigurationPolicy: &api.Policy{SecurityHub: &rec.Policy}, CreatedAt: instant(rec.CreatedAt),
			Description: rec.Description, Id: &id, Name: &rec.Name, UpdatedAt: instant(rec.UpdatedAt),
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateConfigurationPolicy changes what is sent of a policy; ConfigurationPolicy replaces it whole. Where the policy is applied the
// change holds at once.
func (h *Hub) UpdateConfigurationPolicy(ctx context.Context, p *iam.Principal, in *api.UpdateConfigurationPolicyInput) (*api.UpdateConfigurationPolicyOutput, error) {
	var sent api.SecurityHubPolicy
	for _, text := range []struct {
		member string
		value  *string
		most   int
	}{{"Name", in.Name, maxPolicyName}, {"Description", in.Description, maxPolicyDescription}, {"UpdatedReason", in.UpdatedReason, maxReason}} {
		if text.value == nil {
			continue
		}
		if err := checkLength(text.member, *text.value, text.most); err != nil {
			return nil, err
		}
	}
	if in.ConfigurationPolicy != nil {
		var err error
		if sent, err = h.readPolicy(p, *in.ConfigurationPolicy); err != nil {
			return nil, err
		}
	}
	now := h.now()
	out := &api.UpdateConfigurationPolicyOutput{}
	err := h.store.State(ctx, []string{p.Account}, func(tx store.StateTx) error {
		c, err := h.requireCentral(tx, p)
		if err != nil {
			return err
		}
		id, rec, err := c.policy(p, in.Identifier)
		if err != nil {
			return err
		}
		if in.Name != nil {
			if err := c.freeName(*in.Name, id); err != nil {
				return err
			}
			rec.Name = *in.Name
		}
		if in.Description != nil {
			rec.Description = in.Description
		}
		if in.ConfigurationPolicy != nil {
			rec.Policy = sent
		}
		rec.UpdatedAt = now
		arn := policyARN(p.Account, p.Region, id)
		*out = api.UpdateConfigurationPolicyOutput{
			Arn: &arn, ConfigurationPolicy: &api.Policy{SecurityHub: &rec.Policy}, CreatedAt: instant(rec.CreatedAt),
			Description: rec.Description, Id: &id, Name: &rec.Name, UpdatedAt: instant(now),
		}
		return putRecord(tx, p.Account, policyName(p.Region, id), rec)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DeleteConfigurationPolicy forgets a policy that is applied nowhere.
func (h *Hub) DeleteConfigurationPolicy(ctx context.Context, p *iam.Principal, in *api.DeleteConfigurationPolicyInput) (*api.DeleteConfigurationPolicyOutput, error) {
	err := h.store.State(ctx, []string{p.Account}, func(tx store.StateTx) error {
		c, err := h.requireCentral(tx, p)
		if err != nil {
			return err
		}
		id, _, err := c.policy(p, in.Identifier)
		if err != nil {
			return err
		}
		for _, rec := range c.placed {
			if rec.Policy == id {
				return api.Errorf(api.ResourceConflict, "Configuration policy %s is associated with a target. Disassociate it first.", id)
			}
		}
		tx.Delete(p.Account, policyName(p.Region, id))
		deleteTags(tx, p.Account, policyARN(p.Account, p.Region, id))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteConfigurationPolicyOutput{}, nil
}

// ListConfigurationPolicies tells the policies, the oldest first.
func (h *Hub) ListConfigurationPolicies(ctx context.Context, p *iam.Principal, in *api.ListConfigurationPoliciesInput) (*api.ListConfigurationPoliciesOutput, error) {
	var c *central
	err := h.store.View(ctx, func(st store.StateView) (err error) {
		c, err = h.requireCentral(st, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	ids, next, err := h.page(slices.Sorted(maps.Keys(c.policies)), in.NextToken, in.MaxResults, ask("ListConfigurationPolicies", p, nil, nil))
	if err != nil {
		return nil, err
	}
	out := &api.ListConfigurationPoliciesOutput{ConfigurationPolicySummaries: []api.ConfigurationPolicySummary{}, NextToken: next}
	for _, id := range ids {
		rec := c.policies[id]
		arn, on := policyARN(p.Account, p.Region, id), rec.on()
		out.ConfigurationPolicySummaries = append(out.ConfigurationPolicySummaries, api.ConfigurationPolicySummary{
			Arn: &arn, Description: rec.Description, Id: &id, Name: &rec.Name, ServiceEnabled: &on, UpdatedAt: instant(rec.UpdatedAt),
		})
	}
	return out, nil
}

// readPolicy checks what a policy decides: whether the hub is on, and with it the standards, which controls of these, their parameters.
// Standards are named by their ARNs in the home Region.
func (h *Hub) readPolicy(p *iam.Principal, in api.Policy) (api.SecurityHubPolicy, error) {
	const path = "ConfigurationPolicy.SecurityHub"
	if in.SecurityHub == nil || in.SecurityHub.ServiceEnabled == nil {
		return api.SecurityHubPolicy{}, api.InvalidParameter(path+".ServiceEnabled", "should be there")
	}
	policy := *in.SecurityHub
	c := policy.SecurityControlsConfiguration
	if !*policy.ServiceEnabled {
		if len(policy.EnabledStandardIdentifiers) > 0 || c != nil {
			return policy, api.InvalidParameter(path, "should NOT have standards or controls with ServiceEnabled false")
		}
		return policy, nil
	}
	for i, arn := range policy.EnabledStandardIdentifiers {
		if h.standardByARN(arn, p.Region) == nil {
			return policy, api.InvalidParameter(path+".EnabledStandardIdentifiers["+strconv.Itoa(i)+"]", "'"+shown(arn)+"' is not a standard")
		}
	}
	if c == nil {
		return policy, nil
	}
	return policy, h.checkPolicyControls(path+".SecurityControlsConfiguration", p, &policyRecord{Policy: policy})
}

func (h *Hub) checkPolicyControls(path string, p *iam.Principal, rec *policyRecord) error {
	c := rec.Policy.SecurityControlsConfiguration
	if c.EnabledSecurityControlIdentifiers != nil && c.DisabledSecurityControlIdentifiers != nil {
		return api.InvalidParameter(path, "should NOT have both EnabledSecurityControlIdentifiers and DisabledSecurityControlIdentifiers")
	}
	for _, list := range []struct {
		member string
		ids    []string
	}{
		{"EnabledSecurityControlIdentifiers", c.EnabledSecurityControlIdentifiers},
		{"DisabledSecurityControlIdentifiers", c.DisabledSecurityControlIdentifiers},
	} {
		at := path + "." + list.member
		if len(list.ids) > maxPolicyControls {
			return api.InvalidParameter(at, "should NOT have more than "+strconv.Itoa(maxPolicyControls)+" items")
		}
		for i, id := range list.ids {
			if h.standards.Control(id) == nil {
				return api.InvalidParameter(at+"["+strconv.Itoa(i)+"]", "'"+clip(id)+"' is not a security control")
			}
		}
	}
	if len(c.SecurityControlCustomParameters) > maxPolicyControls {
		return api.InvalidParameter(path+".SecurityControlCustomParameters", "should NOT have more than "+strconv.Itoa(maxPolicyControls)+" items")
	}
	for i, custom := range c.SecurityControlCustomParameters {
		at := path + ".SecurityControlCustomParameters[" + strconv.Itoa(i) + "]"
		var ctl *standards.Control
		if custom.SecurityControlId != nil {
			ctl = h.controlByID(p, *custom.SecurityControlId)
		}
		switch {
		case ctl == nil || ctl.ID != *custom.SecurityControlId:
			return api.InvalidParameter(at+".SecurityControlId", "should be the id of a security control")
		case !rec.enables(ctl.ID):
			return api.InvalidParameter(at+".SecurityControlId", "should be a control that the policy enables")
		}
		if err := checkParameters(at+".Parameters", ctl, custom.Parameters); err != nil {
			return err
		}
	}
	return nil
}
