package hub

import (
	"context"
	"strconv"
	"strings"
	"time"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/store"
)

// AWS's quotas (spec 11). The first holds in both profiles, for it is a call's; the others in the profile aws.
const (
	maxCreateMembers   = 50
	maxMembers         = 11_000
	maxOpenInvitations = 1_000
)

// refusedBatch is what AWS was seen to say of every account beyond the first 50 of a CreateMembers (spec 2.3).
const refusedBatch refusal = "Maximum number of results exceeded"

// CreateMembers adds accounts to those of the caller in its Region. Accounts of the organisation that the caller administers become
// members at once, and their hubs are enabled; any other is to be invited.
func (h *Hub) CreateMembers(ctx context.Context, p *iam.Principal, in *api.CreateMembersInput) (*api.CreateMembersOutput, error) {
	ids := make([]string, len(in.AccountDetails))
	for i, d := range in.AccountDetails {
		path := "AccountDetails[" + strconv.Itoa(i) + "]"
		if err := checkAccount(path+".AccountId", d.AccountId); err != nil {
			return nil, err
		}
		if d.Email != nil && strings.TrimSpace(*d.Email) == "" {
			return nil, api.InvalidParameter(path+".Email", `should match pattern ".*\S.*"`)
		}
		ids[i] = d.AccountId
	}
	if len(ids) == 0 {
		return nil, api.InvalidParameter("AccountDetails", "should NOT have fewer than 1 items")
	}
	out := &api.CreateMembersOutput{}
	now := h.now()
	err := h.eachMember(ctx, p, ids, &out.UnprocessedAccounts, func(tx store.StateTx, i int, m *membership) (refusal, error) {
		if i >= maxCreateMembers {
			return refusedBatch, nil
		}
		if email := in.AccountDetails[i].Email; email != nil {
			m.rec.Email = *email
		}
		event, err := h.creation(tx, p, m.member)
		if err != nil {
			return "", err
		}
		why, err := m.happen(event, now)
		if err != nil || why != "" || event != byEnrol {
			return why, err
		}
		return "", h.enrolledHub(tx, m, now)
	}, h.checkMembers)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// creation is what CreateMembers means for an account.
func (h *Hub) creation(st store.StateView, p *iam.Principal, account string) (memberEvent, error) {
	administers, err := h.administersOrganization(st, p)
	switch {
	case err != nil:
		return 0, err
	case !administers || !h.belongs(p, account):
		return byCreate, nil
	case h.organization.suspended(account):
		return bySuspended, nil
	}
	return byEnrol, nil
}

// checkMembers holds an administrator to AWS's quota of members.
func (h *Hub) checkMembers(st store.StateView, p *iam.Principal) error {
	if h.profile == AWS && len(st.Names(p.Account, recordMember+p.Region+"/")) > maxMembers {
		return api.Errorf(api.LimitExceeded, "An administrator account can have %d member accounts in a Region", maxMembers)
	}
	return nil
}

// InviteMembers asks accounts that CreateMembers added to become members of the caller in its Region.
func (h *Hub) InviteMembers(ctx context.Context, p *iam.Principal, in *api.InviteMembersInput) (*api.InviteMembersOutput, error) {
	if err := checkAccounts(in.AccountIds); err != nil {
		return nil, err
	}
	out := &api.InviteMembersOutput{}
	now := h.now()
	err := h.eachMember(ctx, p, in.AccountIds, &out.UnprocessedAccounts, func(_ store.StateTx, _ int, m *membership) (refusal, error) {
		return m.happen(byInvite, now)
	}, h.checkInvitations)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// checkInvitations holds an administrator to AWS's quota of open invitations.
func (h *Hub) checkInvitations(st store.StateView, p *iam.Principal) error {
	if h.profile != AWS {
		return nil
	}
	open, err := countMembers(st, p.Account, p.Region, Invited)
	if err == nil && open > maxOpenInvitations {
		err = api.Errorf(api.LimitExceeded, "An administrator account can have %d open invitations in a Region", maxOpenInvitations)
	}
	return err
}

// DeleteMembers takes accounts off the caller's list. Members must be disassociated first.
func (h *Hub) DeleteMembers(ctx context.Context, p *iam.Principal, in *api.DeleteMembersInput) (*api.DeleteMembersOutput, error) {
	if err := checkAccounts(in.AccountIds); err != nil {
		return nil, err
	}
	out := &api.DeleteMembersOutput{}
	now := h.now()
	err := h.eachMember(ctx, p, in.AccountIds, &out.UnprocessedAccounts, func(_ store.StateTx, _ int, m *membership) (refusal, error) {
		return m.happen(byDelete, now)
	}, nil)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DisassociateMembers ends memberships, and withdraws invitations. The API has no place for single accounts that are none of the
// caller's: one is ResourceNotFoundException, and nothing is changed.
func (h *Hub) DisassociateMembers(ctx context.Context, p *iam.Principal, in *api.DisassociateMembersInput) (*api.DisassociateMembersOutput, error) {
	if err := checkAccounts(in.AccountIds); err != nil {
		return nil, err
	}
	now := h.now()
	var none []api.Result
	err := h.eachMember(ctx, p, in.AccountIds, &none, func(_ store.StateTx, _ int, m *membership) (refusal, error) {
		why, err := m.happen(byDisassociate, now)
		if err == nil && why != "" {
			err = api.Errorf(api.ResourceNotFound, "Account %s is not a member or associated member of the current account", m.member)
		}
		return why, err
	}, nil)
	if err != nil {
		return nil, err
	}
	return &api.DisassociateMembersOutput{}, nil
}

// eachMember opens the caller's membership with each account and lets fn change it, all in one transaction. Why an account was refused
// stands in unprocessed. check, where there is one, looks at what came of it and may refuse it all.
func (h *Hub) eachMember(ctx context.Context, p *iam.Principal, ids []string, unprocessed *[]api.Result,
	fn func(tx store.StateTx, i int, m *membership) (refusal, error), check func(store.StateView, *iam.Principal) error,
) error {
	accounts := append([]string{p.Account}, ids...)
	return h.store.State(ctx, accounts, func(tx store.StateTx) error {
		*unprocessed = []api.Result{}
		if err := h.mayAdminister(tx, p); err != nil {
			return err
		}
		for i, id := range ids {
			why := refusedOwn
			if id != p.Account {
				m, err := openMembership(tx, p.Account, id, p.Region)
				if err == nil {
					why, err = fn(tx, i, &m)
				}
				if err != nil {
					return err
				}
			}
			if why != "" {
				*unprocessed = append(*unprocessed, unprocessedAccount(id, why))
			}
		}
		if check == nil {
			return nil
		}
		return check(tx, p)
	})
}

func unprocessedAccount(id string, why refusal) api.Result {
	text := string(why)
	return api.Result{AccountId: &id, ProcessingResult: &text}
}

// mayAdminister refuses a hub that is off, and a member: its administrator is the only one.
func (h *Hub) mayAdminister(st store.StateView, p *iam.Principal) error {
	if _, err := h.enabledHub(st, p); err != nil {
		return err
	}
	rec, member, err := administratorRecordOf(st, p.Account, p.Region)
	if err == nil && member {
		err = api.Errorf(api.InvalidInput, "Account %s is a member of account %s and cannot have members", p.Account, rec.Account)
	}
	return err
}

// GetMembers tells of accounts by their ids.
func (h *Hub) GetMembers(ctx context.Context, p *iam.Principal, in *api.GetMembersInput) (*api.GetMembersOutput, error) {
	if err := checkAccounts(in.AccountIds); err != nil {
		return nil, err
	}
	out := &api.GetMembersOutput{Members: []api.Member{}, UnprocessedAccounts: []api.Result{}}
	err := h.store.View(ctx, func(st store.StateView) error {
		if _, err := h.enabledHub(st, p); err != nil {
			return err
		}
		for _, id := range in.AccountIds {
			rec, err := memberOf(st, p.Account, p.Region, id)
			if err != nil {
				return err
			}
			if rec.Status == Deleted {
				out.UnprocessedAccounts = append(out.UnprocessedAccounts, unprocessedAccount(id, refusedUnknown))
				continue
			}
			out.Members = append(out.Members, rec.wire(p.Account, id))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ListMembers lists the caller's accounts in its Region by their ids: its members, or, with OnlyAssociated false, all.
func (h *Hub) ListMembers(ctx context.Context, p *iam.Principal, in *api.ListMembersInput) (*api.ListMembersOutput, error) {
	only := in.OnlyAssociated == nil || *in.OnlyAssociated
	size, err := pageWithin(in.MaxResults, maxAccountsPage)
	if err != nil {
		return nil, err
	}
	out := &api.ListMembersOutput{Members: []api.Member{}}
	prefix := recordMember + p.Region + "/"
	q := ask("ListMembers", p, strconv.AppendBool(nil, only), nil)
	err = h.store.View(ctx, func(st store.StateView) error {
		if _, err := h.enabledHub(st, p); err != nil {
			return err
		}
		var recs []api.Member
		names, err := h.following(st.Names(p.Account, prefix), in.NextToken, size, q, func(name string) (bool, error) {
			id := strings.TrimPrefix(name, prefix)
			rec, err := memberOf(st, p.Account, p.Region, id)
			if err != nil || only && rec.Status != Enabled {
				return false, err
			}
			recs = append(recs, rec.wire(p.Account, id))
			return true, nil
		})
		if err != nil {
			return err
		}
		names, out.NextToken, err = h.page(names, in.NextToken, size, q)
		out.Members = append(out.Members, recs[:len(names)]...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// wire is a member as the API tells it; master is the deprecated name of administrator.
func (r *memberRecord) wire(administrator, id string) api.Member {
	m := api.Member{
		AccountId: &id, AdministratorId: &administrator, MasterId: &administrator, MemberStatus: (*string)(&r.Status), UpdatedAt: instant(r.UpdatedAt),
		InvitedAt: instantOf(r.InvitedAt),
	}
	if r.Email != "" {
		m.Email = &r.Email
	}
	return m
}

// instantOf is instant, and nothing of no time.
func instantOf(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return instant(t)
}

func checkAccounts(ids []string) error {
	if len(ids) == 0 {
		return api.InvalidParameter("AccountIds", "should NOT have fewer than 1 items")
	}
	for i, id := range ids {
		if err := checkAccount("AccountIds["+strconv.Itoa(i)+"]", id); err != nil {
			return err
		}
	}
	return nil
}

func checkAccount(path, id string) error {
	if !isAccount(id) {
		return api.InvalidParameter(path, `should match pattern "^[0-9]{12}$"`)
	}
	return nil
}
