package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/store"
)

// The features an organisation's administrator is designated for; each has one of its own.
const (
	featureSecurityHub   = "SecurityHub"
	featureSecurityHubV2 = "SecurityHubV2"
)

// designationRecord is which account administers the organisation in a Region: organization-admin/REGION/FEATURE of the store itself, as
// there is one organisation.
type designationRecord struct {
	Management string `json:"management"`
	Account    string `json:"account"`
}

// organizationConfigurationRecord is what an organisation's administrator decided for one Region: organization-configuration/REGION.
type organizationConfigurationRecord struct {
	AutoEnable  bool `json:"autoEnable"`
	NoStandards bool `json:"noStandards"` // AutoEnableStandards is NONE; else DEFAULT
	Central     bool `json:"central"`     // ConfigurationType is CENTRAL; else LOCAL
}

func organizationConfigurationOf(st store.StateView, account, region string) (rec organizationConfigurationRecord, err error) {
	raw, ok := st.Get(account, recordOrganizationConfiguration+region)
	if !ok {
		return rec, nil
	}
	if err := json.Unmarshal(raw, &rec); err != nil {
		return rec, fmt.Errorf("record %s%s of account %s: %w", recordOrganizationConfiguration, region, account, err)
	}
	return rec, nil
}

func designationName(region, feature string) string {
	return recordOrganizationAdmin + region + "/" + feature
}

// designationOf reads who administers the organisation in a Region.
func designationOf(st store.StateView, region, feature string) (rec designationRecord, ok bool, err error) {
	name := designationName(region, feature)
	raw, ok := st.Get("", name)
	if !ok {
		return rec, false, nil
	}
	if err := json.Unmarshal(raw, &rec); err != nil {
		return rec, false, fmt.Errorf("record %s: %w", name, err)
	}
	return rec, true, nil
}

// openEnded tells that a caller lives in an organisation without a list: any account belongs to it (D36). Whoever proves who it is by
// a signature does not: an account would make others its members without asking them.
func (h *Hub) openEnded(p *iam.Principal) bool {
	return h.organization == nil && h.profile == Open && !p.Verified
}

// belongs tells whether an account is of the caller's organisation.
func (h *Hub) belongs(p *iam.Principal, account string) bool {
	return h.organization.has(account) || h.openEnded(p)
}

// management is the caller's management account: the configuration's, or the first that designated an administrator; "" for nobody yet.
func (h *Hub) management(st store.StateView, p *iam.Principal) (account string, exists bool) {
	if h.organization != nil {
		return h.organization.management, h.organization.has(p.Account)
	}
	if !h.openEnded(p) {
		return "", false
	}
	raw, _ := st.Get("", recordManagementAccount)
	return string(raw), true
}

// administersOrganization tells whether the caller was designated in its Region, by the management account that there is now.
func (h *Hub) administersOrganization(st store.StateView, p *iam.Principal) (bool, error) {
	management, exists := h.management(st, p)
	if !exists {
		return false, nil
	}
	rec, ok, err := designationOf(st, p.Region, featureSecurityHub)
	return ok && rec.Account == p.Account && rec.Management == management, err
}

// requireManagement refuses who is not the management account.
func (h *Hub) requireManagement(st store.StateView, p *iam.Principal, code string) error {
	management, exists := h.management(st, p)
	if !exists || management != p.Account {
		return api.Errorf(code, "Account %s is not the management account of an organization", p.Account)
	}
	return nil
}

func feature(asked *string) (string, error) {
	switch {
	case asked == nil:
		return featureSecurityHub, nil
	case *asked == featureSecurityHub || *asked == featureSecurityHubV2:
		return *asked, nil
	}
	return "", api.InvalidParameter("Feature", "should be equal to one of the allowed values: "+featureSecurityHub+", "+featureSecurityHubV2)
}

// EnableOrganizationAdminAccount designates who administers the organisation in the caller's Region, and enables its hub there. Again
// for the same account it changes nothing.
func (h *Hub) EnableOrganizationAdminAccount(ctx context.Context, p *iam.Principal, in *api.EnableOrganizationAdminAccountInput) (*api.EnableOrganizationAdminAccountOutput, error) {
	what, err := feature(in.Feature)
	if err == nil {
		err = checkAccount("AdminAccountId", in.AdminAccountId)
	}
	if err != nil {
		return nil, err
	}
	admin, now := in.AdminAccountId, h.now()
	err = h.store.State(ctx, []string{"", admin}, func(tx store.StateTx) error {
		if management, exists := h.management(tx, p); exists && management == "" {
			tx.Put("", recordManagementAccount, []byte(p.Account))
		}
		if err := h.requireManagement(tx, p, api.AccessDenied); err != nil {
			return err
		}
		if !h.belongs(p, admin) || h.organization.suspended(admin) {
			return api.Errorf(api.InvalidInput, "Account %s does not belong to the organization", admin)
		}
		old, has, err := designationOf(tx, p.Region, what)
		switch {
		case err != nil:
			return err
		case has && old.Management == p.Account && old.Account == admin:
			return nil
		case has && old.Management == p.Account:
			return api.Errorf(api.InvalidInput, "Account %s is already the administrator of the organization in %s. Disable it first.", old.Account, p.Region)
		}
		if err := putRecord(tx, "", designationName(p.Region, what), designationRecord{Management: p.Account, Account: admin}); err != nil {
			return err
		}
		if what != featureSecurityHub {
			return nil
		}
		if theirs, member, err := administratorRecordOf(tx, admin, p.Region); err != nil {
			return err
		} else if member {
			return api.Errorf(api.InvalidInput, "Account %s is a member of account %s", admin, theirs.Account)
		}
		return h.switchOn(tx, admin, p.Region, true, now)
	})
	if err != nil {
		return nil, err
	}
	return &api.EnableOrganizationAdminAccountOutput{AdminAccountId: &admin, Feature: &what}, nil
}

// DisableOrganizationAdminAccount ends a designation in the caller's Region, and with it the memberships of the organisation's accounts.
func (h *Hub) DisableOrganizationAdminAccount(ctx context.Context, p *iam.Principal, in *api.DisableOrganizationAdminAccountInput) (*api.DisableOrganizationAdminAccountOutput, error) {
	what, err := feature(in.Feature)
	if err == nil {
		err = checkAccount("AdminAccountId", in.AdminAccountId)
	}
	if err != nil {
		return nil, err
	}
	admin, now := in.AdminAccountId, h.now()
	involved := func(st store.StateView) []string {
		return append(accountsOf(st, admin, p.Region), "", admin)
	}
	err = h.stateOver(ctx, involved, func(tx store.StateTx) error {
		if err := h.requireManagement(tx, p, api.AccessDenied); err != nil {
			return err
		}
		old, has, err := designationOf(tx, p.Region, what)
		switch {
		case err != nil:
			return err
		case !has || old.Management != p.Account || old.Account != admin:
			return api.Errorf(api.InvalidInput, "Account %s is not the administrator of the organization in %s", admin, p.Region)
		}
		tx.Delete("", designationName(p.Region, what))
		if what != featureSecurityHub {
			return nil
		}
		tx.Delete(admin, recordOrganizationConfiguration+p.Region)
		if err := decentralize(tx, admin, p.Region); err != nil {
			return err
		}
		return dismiss(tx, admin, p.Region, func(string) bool { return true }, now)
	})
	if err != nil {
		return nil, err
	}
	return &api.DisableOrganizationAdminAccountOutput{}, nil
}

// ListOrganizationAdminAccounts lists who administers the organisation in the caller's Region, for the management account and that
// administrator.
func (h *Hub) ListOrganizationAdminAccounts(ctx context.Context, p *iam.Principal, in *api.ListOrganizationAdminAccountsInput) (*api.ListOrganizationAdminAccountsOutput, error) {
	what, err := feature(in.Feature)
	if err != nil {
		return nil, err
	}
	size, err := pageWithin(in.MaxResults, maxAdminsPage)
	if err != nil {
		return nil, err
	}
	var admins []string
	err = h.store.View(ctx, func(st store.StateView) error {
		management, exists := h.management(st, p)
		rec, has, err := designationOf(st, p.Region, what)
		has = has && rec.Management == management
		switch {
		case err != nil:
			return err
		case exists && management == "":
			return nil // nobody was the first yet
		case !has || rec.Account != p.Account:
			err = h.requireManagement(st, p, api.InvalidAccess)
		}
		if has && err == nil {
			admins = append(admins, rec.Account)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	admins, next, err := h.page(admins, in.NextToken, size, ask("ListOrganizationAdminAccounts", p, []byte(what), nil))
	if err != nil {
		return nil, err
	}
	out := &api.ListOrganizationAdminAccountsOutput{AdminAccounts: []api.AdminAccount{}, Feature: &what, NextToken: next}
	status := "ENABLED"
	for _, id := range admins {
		out.AdminAccounts = append(out.AdminAccounts, api.AdminAccount{AccountId: &id, Status: &status})
	}
	return out, nil
}

// The values of AutoEnableStandards and of ConfigurationType.
const (
	standardsNone     = "NONE"
	standardsDefault  = "DEFAULT"
	configuredLocal   = "LOCAL"
	configuredCentral = "CENTRAL"
)

// DescribeOrganizationConfiguration tells the organisation's administrator what happens to new accounts in its Region.
func (h *Hub) DescribeOrganizationConfiguration(ctx context.Context, p *iam.Principal, _ *api.DescribeOrganizationConfigurationInput) (*api.DescribeOrganizationConfigurationOutput, error) {
	var rec organizationConfigurationRecord
	reached := false
	err := h.store.View(ctx, func(st store.StateView) error {
		if err := h.requireOrganizationAdmin(st, p); err != nil {
			return err
		}
		reached = len(st.Names(p.Account, recordMember+p.Region+"/")) >= maxMembers
		var err error
		rec, err = organizationConfigurationOf(st, p.Account, p.Region)
		return err
	})
	if err != nil {
		return nil, err
	}
	standards, kind, status := standardsDefault, configuredLocal, "ENABLED"
	if rec.NoStandards {
		standards = standardsNone
	}
	if rec.Central {
		kind = configuredCentral
	}
	return &api.DescribeOrganizationConfigurationOutput{
		AutoEnable: &rec.AutoEnable, AutoEnableStandards: &standards, MemberAccountLimitReached: &reached,
		OrganizationConfiguration: &api.OrganizationConfiguration{ConfigurationType: &kind, Status: &status},
	}, nil
}

// requireOrganizationAdmin refuses who does not administer the organisation, in AWS's words (spec 2.3).
func (h *Hub) requireOrganizationAdmin(st store.StateView, p *iam.Principal) error {
	if _, err := h.enabledHub(st, p); err != nil {
		return err
	}
	ok, err := h.administersOrganization(st, p)
	if err == nil && !ok {
		err = api.Errorf(api.InvalidAccess, "Account %s is not an administrator for this organization", p.Account)
	}
	return err
}

// UpdateOrganizationConfiguration changes what DescribeOrganizationConfiguration tells. What is not sent stays, but that central
// configuration enables nothing by itself (spec 9). It is chosen in the home Region of a finding aggregator, by an administrator other
// than the management account.
func (h *Hub) UpdateOrganizationConfiguration(ctx context.Context, p *iam.Principal, in *api.UpdateOrganizationConfigurationInput) (*api.UpdateOrganizationConfigurationOutput, error) {
	kind := ""
	if in.OrganizationConfiguration != nil && in.OrganizationConfiguration.ConfigurationType != nil {
		kind = *in.OrganizationConfiguration.ConfigurationType
		if kind != configuredLocal && kind != configuredCentral {
			return nil, api.InvalidParameter("OrganizationConfiguration.ConfigurationType", "should be equal to one of the allowed values: "+configuredCentral+", "+configuredLocal)
		}
	}
	if s := in.AutoEnableStandards; s != nil && *s != standardsNone && *s != standardsDefault {
		return nil, api.InvalidParameter("AutoEnableStandards", "should be equal to one of the allowed values: "+standardsNone+", "+standardsDefault)
	}
	err := h.store.State(ctx, []string{"", p.Account}, func(tx store.StateTx) error {
		if err := h.requireOrganizationAdmin(tx, p); err != nil {
			return err
		}
		rec, err := organizationConfigurationOf(tx, p.Account, p.Region)
		if err != nil {
			return err
		}
		if kind != "" {
			rec.Central = kind == configuredCentral
		}
		rec.AutoEnable = in.AutoEnable
		if in.AutoEnableStandards != nil {
			rec.NoStandards = *in.AutoEnableStandards == standardsNone
		}
		if rec.Central {
			if in.AutoEnable || in.AutoEnableStandards != nil && !rec.NoStandards {
				return api.Errorf(api.InvalidInput, "Auto Enable and AutoEnableStandards can not be enabled for Central Configuration")
			}
			rec.NoStandards = true
			err = h.mayCentralize(tx, p)
			if err == nil {
				err = centralize(tx, p.Account, p.Region)
			}
		} else {
			err = decentralize(tx, p.Account, p.Region)
		}
		if err != nil {
			return err
		}
		return putRecord(tx, p.Account, recordOrganizationConfiguration+p.Region, rec)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateOrganizationConfigurationOutput{}, nil
}

func (h *Hub) mayCentralize(st store.StateView, p *iam.Principal) error {
	if management, _ := h.management(st, p); management == p.Account {
		return api.Errorf(api.InvalidInput, "The management account of the organization cannot use central configuration")
	}
	agg, err := aggregatorOf(st, p.Account)
	if err == nil && agg.Home != p.Region {
		err = api.Errorf(api.InvalidInput, "Central configuration requires a finding aggregator whose home Region is %s", p.Region)
	}
	return err
}

// accountsOf lists the accounts that an administrator has in a Region, whatever their status.
func accountsOf(st store.StateView, administrator, region string) []string {
	prefix := recordMember + region + "/"
	names := st.Names(administrator, prefix)
	accounts := make([]string, len(names))
	for i, name := range names {
		accounts[i] = name[len(prefix):]
	}
	return accounts
}

// stateOver is store.State over accounts that the state itself tells. Where another writer changes which they are meanwhile, it looks
// again.
func (h *Hub) stateOver(ctx context.Context, involved func(store.StateView) []string, fn func(store.StateTx) error) error {
	var accounts []string
	err := h.store.View(ctx, func(st store.StateView) error {
		accounts = involved(st)
		return nil
	})
	if err != nil {
		return err
	}
	for {
		again := false
		err := h.store.State(ctx, accounts, func(tx store.StateTx) error {
			named := make(map[string]bool, len(accounts))
			for _, a := range accounts {
				named[a] = true
			}
			accounts = involved(tx)
			again = slices.ContainsFunc(accounts, func(a string) bool { return !named[a] })
			if again {
				return nil
			}
			return fn(tx)
		})
		if err != nil || !again {
			return err
		}
	}
}
