package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/store"
)

// invitationOf reads the invitation that an account has from another in a Region.
func invitationOf(st store.StateView, account, region, administrator string) (rec invitationRecord, ok bool, err error) {
	name := recordInvitation + region + "/" + administrator
	raw, ok := st.Get(account, name)
	if !ok {
		return rec, false, nil
	}
	if err := json.Unmarshal(raw, &rec); err != nil {
		return rec, false, fmt.Errorf("record %s of account %s: %w", name, account, err)
	}
	return rec, true, nil
}

// AcceptAdministratorInvitation makes the caller a member of who invited it.
func (h *Hub) AcceptAdministratorInvitation(ctx context.Context, p *iam.Principal, in *api.AcceptAdministratorInvitationInput) (*api.AcceptAdministratorInvitationOutput, error) {
	if err := h.accept(ctx, p, "AdministratorId", in.AdministratorId, in.InvitationId); err != nil {
		return nil, err
	}
	return &api.AcceptAdministratorInvitationOutput{}, nil
}

// AcceptInvitation is AcceptAdministratorInvitation by its deprecated name.
func (h *Hub) AcceptInvitation(ctx context.Context, p *iam.Principal, in *api.AcceptInvitationInput) (*api.AcceptInvitationOutput, error) {
	if err := h.accept(ctx, p, "MasterId", in.MasterId, in.InvitationId); err != nil {
		return nil, err
	}
	return &api.AcceptInvitationOutput{}, nil
}

func (h *Hub) accept(ctx context.Context, p *iam.Principal, member, administrator, id string) error {
	if err := checkAccount(member, administrator); err != nil {
		return err
	}
	if strings.TrimSpace(id) == "" {
		return api.InvalidParameter("InvitationId", `should match pattern ".*\S.*"`)
	}
	now := h.now()
	return h.store.State(ctx, []string{p.Account, administrator}, func(tx store.StateTx) error {
		if _, err := h.enabledHub(tx, p); err != nil {
			return err
		}
		rec, ok, err := invitationOf(tx, p.Account, p.Region, administrator)
		if err != nil {
			return err
		}
		if !ok || rec.ID != id || rec.Status != Invited {
			return api.Errorf(api.ResourceNotFound, "There is no open invitation %s from account %s", clip(id), administrator)
		}
		m, err := openMembership(tx, administrator, p.Account, p.Region)
		if err != nil {
			return err
		}
		why, err := m.happen(byAccept, now)
		if err == nil && why != "" {
			err = api.Errorf(api.InvalidInput, "%s", why)
		}
		return err
	})
}

// DeclineInvitations answers no to who invited the caller. The invitation stays on the list until it is deleted.
func (h *Hub) DeclineInvitations(ctx context.Context, p *iam.Principal, in *api.DeclineInvitationsInput) (*api.DeclineInvitationsOutput, error) {
	unprocessed, err := h.eachInvitation(ctx, p, in.AccountIds, func(tx store.StateTx, from string) (refusal, error) {
		m, err := openMembership(tx, from, p.Account, p.Region)
		if err != nil {
			return "", err
		}
		return m.happen(byDecline, h.now())
	})
	if err != nil {
		return nil, err
	}
	return &api.DeclineInvitationsOutput{UnprocessedAccounts: unprocessed}, nil
}

// DeleteInvitations takes invitations off the caller's list, declining open ones; of an account that invited nobody here but was invited
// by the caller, it withdraws that invitation (D97).
func (h *Hub) DeleteInvitations(ctx context.Context, p *iam.Principal, in *api.DeleteInvitationsInput) (*api.DeleteInvitationsOutput, error) {
	now := h.now()
	unprocessed, err := h.eachInvitation(ctx, p, in.AccountIds, func(tx store.StateTx, id string) (refusal, error) {
		rec, ok, err := invitationOf(tx, p.Account, p.Region, id)
		if err != nil {
			return "", err
		}
		if !ok {
			m, err := openMembership(tx, p.Account, id, p.Region)
			if err != nil {
				return "", err
			}
			return m.happen(byWithdraw, now)
		}
		if rec.Status != Resigned {
			m, err := openMembership(tx, id, p.Account, p.Region)
			if err != nil {
				return "", err
			}
			if why, err := m.happen(byDecline, now); err != nil || why != "" {
				return why, err
			}
		}
		tx.Delete(p.Account, recordInvitation+p.Region+"/"+id)
		return "", nil
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteInvitationsOutput{UnprocessedAccounts: unprocessed}, nil
}

func (h *Hub) eachInvitation(ctx context.Context, p *iam.Principal, ids []string, fn func(store.StateTx, string) (refusal, error)) ([]api.Result, error) {
	if err := checkAccounts(ids); err != nil {
		return nil, err
	}
	var unprocessed []api.Result
	err := h.store.State(ctx, append([]string{p.Account}, ids...), func(tx store.StateTx) error {
		unprocessed = []api.Result{}
		if _, err := h.enabledHub(tx, p); err != nil {
			return err
		}
		for _, id := range ids {
			why := refusedOwn
			if id != p.Account {
				var err error
				if why, err = fn(tx, id); err != nil {
					return err
				}
			}
			if why != "" {
				unprocessed = append(unprocessed, unprocessedAccount(id, why))
			}
		}
		return nil
	})
	return unprocessed, err
}

// ListInvitations lists the invitations that the caller has: open, accepted, or declined and not deleted.
func (h *Hub) ListInvitations(ctx context.Context, p *iam.Principal, in *api.ListInvitationsInput) (*api.ListInvitationsOutput, error) {
	size, err := pageWithin(in.MaxResults, maxAccountsPage)
	if err != nil {
		return nil, err
	}
	prefix := recordInvitation + p.Region + "/"
	out := &api.ListInvitationsOutput{Invitations: []api.Invitation{}}
	err = h.store.View(ctx, func(st store.StateView) error {
		if _, err := h.enabledHub(st, p); err != nil {
			return err
		}
		names, next, err := h.page(st.Names(p.Account, prefix), in.NextToken, size, ask("ListInvitations", p, nil, nil))
		if err != nil {
			return err
		}
		out.NextToken = next
		for _, name := range names {
			from := strings.TrimPrefix(name, prefix)
			rec, _, err := invitationOf(st, p.Account, p.Region, from)
			if err != nil {
				return err
			}
			out.Invitations = append(out.Invitations, rec.wire(from))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (r *invitationRecord) wire(from string) api.Invitation {
	status := string(r.Status)
	return api.Invitation{AccountId: &from, InvitationId: &r.ID, InvitedAt: instant(r.InvitedAt), MemberStatus: &status}
}

// GetInvitationsCount counts the caller's open invitations.
func (h *Hub) GetInvitationsCount(ctx context.Context, p *iam.Principal, _ *api.GetInvitationsCountInput) (*api.GetInvitationsCountOutput, error) {
	var n int32
	prefix := recordInvitation + p.Region + "/"
	err := h.store.View(ctx, func(st store.StateView) error {
		if _, err := h.enabledHub(st, p); err != nil {
			return err
		}
		for _, name := range st.Names(p.Account, prefix) {
			rec, _, err := invitationOf(st, p.Account, p.Region, strings.TrimPrefix(name, prefix))
			if err != nil {
				return err
			}
			if rec.Status == Invited {
				n++
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.GetInvitationsCountOutput{InvitationsCount: &n}, nil
}

// GetAdministratorAccount tells whose member the caller is; nobody's is an empty answer.
func (h *Hub) GetAdministratorAccount(ctx context.Context, p *iam.Principal, _ *api.GetAdministratorAccountInput) (*api.GetAdministratorAccountOutput, error) {
	who, err := h.administrator(ctx, p)
	if err != nil {
		return nil, err
	}
	return &api.GetAdministratorAccountOutput{Administrator: who}, nil
}

// GetMasterAccount is GetAdministratorAccount by its deprecated name.
func (h *Hub) GetMasterAccount(ctx context.Context, p *iam.Principal, _ *api.GetMasterAccountInput) (*api.GetMasterAccountOutput, error) {
	who, err := h.administrator(ctx, p)
	if err != nil {
		return nil, err
	}
	return &api.GetMasterAccountOutput{Master: who}, nil
}

func (h *Hub) administrator(ctx context.Context, p *iam.Principal) (*api.Invitation, error) {
	var who *api.Invitation
	err := h.store.View(ctx, func(st store.StateView) error {
		if _, err := h.enabledHub(st, p); err != nil {
			return err
		}
		rec, member, err := administratorRecordOf(st, p.Account, p.Region)
		if err != nil || !member {
			return err
		}
		status := string(Enabled)
		who = &api.Invitation{AccountId: &rec.Account, MemberStatus: &status}
		invited, ok, err := invitationOf(st, p.Account, p.Region, rec.Account)
		if ok { // a member by its organisation was not invited
			who.InvitationId, who.InvitedAt = &invited.ID, instant(invited.InvitedAt)
		}
		return err
	})
	return who, err
}

// DisassociateFromAdministratorAccount ends the caller's membership. A member by its organisation stays until its administrator ends it.
func (h *Hub) DisassociateFromAdministratorAccount(ctx context.Context, p *iam.Principal, _ *api.DisassociateFromAdministratorAccountInput) (*api.DisassociateFromAdministratorAccountOutput, error) {
	if err := h.resign(ctx, p); err != nil {
		return nil, err
	}
	return &api.DisassociateFromAdministratorAccountOutput{}, nil
}

// DisassociateFromMasterAccount is DisassociateFromAdministratorAccount by its deprecated name.
func (h *Hub) DisassociateFromMasterAccount(ctx context.Context, p *iam.Principal, _ *api.DisassociateFromMasterAccountInput) (*api.DisassociateFromMasterAccountOutput, error) {
	if err := h.resign(ctx, p); err != nil {
		return nil, err
	}
	return &api.DisassociateFromMasterAccountOutput{}, nil
}

func (h *Hub) resign(ctx context.Context, p *iam.Principal) error {
	now := h.now()
	involved := func(st store.StateView) []string {
		accounts := []string{p.Account}
		if rec, ok, err := administratorRecordOf(st, p.Account, p.Region); ok && err == nil { // fn tells the error
			accounts = append(accounts, rec.Account)
		}
		return accounts
	}
	return h.stateOver(ctx, involved, func(tx store.StateTx) error {
		if _, err := h.enabledHub(tx, p); err != nil {
			return err
		}
		rec, member, err := administratorRecordOf(tx, p.Account, p.Region)
		switch {
		case err != nil:
			return err
		case !member:
			return api.Errorf(api.ResourceNotFound, "%s", refusedNotAMember)
		case rec.Organization:
			return api.Errorf(api.InvalidInput, "%s", refusedOrgLeave)
		}
		m, err := openMembership(tx, rec.Account, p.Account, p.Region)
		if err != nil {
			return err
		}
		why, err := m.happen(byResign, now)
		if err == nil && why != "" {
			err = fmt.Errorf("account %s is a member of %s, which says %q", p.Account, rec.Account, m.rec.Status)
		}
		return err
	})
}
