package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/store"
)

// switchOn enables an account's hub in a Region where it is off, as its administrator may (spec 9).
func (h *Hub) switchOn(tx store.StateTx, account, region string, standards bool, now time.Time) error {
	rec, err := h.hubOf(tx, account, region)
	if err != nil || rec.Enabled {
		return err
	}
	if standards {
		if err := h.subscribeDefaults(tx, account, region, now); err != nil {
			return err
		}
	}
	return putRecord(tx, account, recordHub+region, hubRecord{
		Enabled: true, Explicit: true, SubscribedAt: now, AutoEnableControls: true,
		ControlFindingGenerator: generatorSecurityControl, DefaultStandards: standards,
	})
}

// enrolledHub enables the hub of an account that became a member by its organisation.
func (h *Hub) enrolledHub(tx store.StateTx, m *membership, now time.Time) error {
	cfg, err := organizationConfigurationOf(tx, m.administrator, m.region)
	if err != nil {
		return err
	}
	return h.switchOn(tx, m.member, m.region, !cfg.NoStandards, now)
}

// enrol makes an account that is new to the organisation a member of its administrator in a Region, where that is what the administrator
// wants. An account that has a place already keeps it.
func (h *Hub) enrol(tx store.StateTx, administrator, account, region string, now time.Time) error {
	cfg, err := organizationConfigurationOf(tx, administrator, region)
	if err != nil || !cfg.AutoEnable || account == administrator {
		return err
	}
	m, err := openMembership(tx, administrator, account, region)
	if err != nil || m.rec.Status != Deleted {
		return err
	}
	event := byEnrol
	if h.organization.suspended(account) {
		event = bySuspended
	}
	why, err := m.happen(event, now)
	if err != nil || why != "" || event != byEnrol {
		return err // an account that is somebody else's stays there
	}
	return h.enrolledHub(tx, &m, now)
}

// dismiss ends the memberships by organisation of those accounts that have left it.
func dismiss(tx store.StateTx, administrator, region string, left func(account string) bool, now time.Time) error {
	for _, account := range accountsOf(tx, administrator, region) {
		if !left(account) {
			continue
		}
		m, err := openMembership(tx, administrator, account, region)
		if err != nil {
			return err
		}
		if !m.rec.Organization {
			continue
		}
		if _, err := m.happen(byLeave, now); err != nil {
			return err
		}
	}
	return nil
}

// joined is what EnableSecurityHub means in an organisation without a list: the account is new to it.
func (h *Hub) joined(tx store.StateTx, p *iam.Principal, now time.Time) error {
	if !h.openEnded(p) {
		return nil
	}
	rec, ok, err := designationOf(tx, p.Region, featureSecurityHub)
	if err != nil || !ok || rec.Management == p.Account {
		return err
	}
	return h.enrol(tx, rec.Account, p.Account, p.Region, now)
}

// designated is the accounts that State must name for joined.
func designated(st store.StateView, p *iam.Principal) []string {
	rec, ok, err := designationOf(st, p.Region, featureSecurityHub)
	if err != nil || !ok {
		return nil // joined tells the error
	}
	return []string{rec.Account}
}

// separate ends what binds an account whose hub is being disabled to others: its own membership, and its list of accounts none of
// which is a member (spec 5.3). Who has members, or administers the organisation, is refused.
func (h *Hub) separate(tx store.StateTx, p *iam.Principal, now time.Time) error {
	rec, has, err := designationOf(tx, p.Region, featureSecurityHub)
	if err != nil {
		return err
	}
	members, err := countMembers(tx, p.Account, p.Region, Enabled)
	if err != nil {
		return err
	}
	if members > 0 || has && rec.Account == p.Account {
		return api.Errorf(api.InvalidInput, "Cannot disable Security Hub on the Security Hub administrator account")
	}
	if theirs, member, err := administratorRecordOf(tx, p.Account, p.Region); err != nil {
		return err
	} else if member {
		m, err := openMembership(tx, theirs.Account, p.Account, p.Region)
		if err == nil {
			_, err = m.happen(byResign, now)
		}
		if err != nil {
			return err
		}
	}
	for _, account := range accountsOf(tx, p.Account, p.Region) {
		m, err := openMembership(tx, p.Account, account, p.Region)
		if err == nil {
			_, err = m.happen(byDelete, now)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bound is the accounts that State must name for separate.
func bound(st store.StateView, p *iam.Principal) []string {
	accounts := append(accountsOf(st, p.Account, p.Region), p.Account)
	if rec, ok, err := administratorRecordOf(st, p.Account, p.Region); ok && err == nil { // separate tells the error
		accounts = append(accounts, rec.Account)
	}
	return accounts
}

// meetOrganization compares the configured organisation with the one that the store met last: accounts that are gone from it are no
// longer members, those that are new become members where the administrator wants it (AutoEnable). On a disk that is nearly full the
// next start does it.
func (h *Hub) meetOrganization(ctx context.Context) error {
	if h.organization == nil {
		return nil
	}
	var known []string
	var meeting bool
	look := func(st store.StateView) error {
		known, meeting = nil, true
		raw, met := st.Get("", recordOrganizationAccounts)
		if met {
			if err := json.Unmarshal(raw, &known); err != nil {
				return fmt.Errorf("record %s: %w", recordOrganizationAccounts, err)
			}
			meeting = !slices.Equal(known, h.organization.ids())
		}
		for _, at := range designations(st) {
			rec, ok, err := designationOf(st, at.region, at.feature)
			if err != nil {
				return err
			}
			meeting = meeting || ok && !h.stands(rec)
		}
		return nil
	}
	err := h.store.View(ctx, look)
	if err != nil || !meeting {
		return err
	}
	now := h.now()
	err = h.stateOver(ctx, h.everyoneOfOrganization, func(tx store.StateTx) error {
		if err := look(tx); err != nil {
			return err
		}
		return h.meet(tx, known, now)
	})
	if errors.Is(err, store.ErrNearlyFull) {
		h.log.LogAttrs(ctx, slog.LevelWarn, "the accounts of [organization] changed, and that could not be written", slog.String("error", err.Error()))
		return nil
	}
	return err
}

// meet does what meetOrganization says; known are the accounts of the last meeting.
func (h *Hub) meet(tx store.StateTx, known []string, now time.Time) error {
	_, met := tx.Get("", recordOrganizationAccounts)
	for _, at := range designations(tx) {
		rec, ok, err := designationOf(tx, at.region, at.feature)
		if err != nil || !ok {
			return err
		}
		stands := h.stands(rec)
		if !stands {
			tx.Delete("", designationName(at.region, at.feature))
		}
		if at.feature != featureSecurityHub {
			continue
		}
		left := func(account string) bool { return !stands || !h.organization.has(account) }
		if !stands {
			tx.Delete(rec.Account, recordOrganizationConfiguration+at.region)
			if err := decentralize(tx, rec.Account, at.region); err != nil {
				return err
			}
		}
		if err := dismiss(tx, rec.Account, at.region, left, now); err != nil {
			return err
		}
		if !stands || !met {
			continue
		}
		for _, account := range h.organization.ids() {
			if slices.Contains(known, account) || account == h.organization.management {
				continue
			}
			if err := h.enrol(tx, rec.Account, account, at.region, now); err != nil {
				return err
			}
		}
	}
	return putRecord(tx, "", recordOrganizationAccounts, h.organization.ids())
}

// stands tells whether a designation was made by the management account that there is, of an account that belongs to it.
func (h *Hub) stands(rec designationRecord) bool {
	return rec.Management == h.organization.management && h.organization.has(rec.Account)
}

// everyoneOfOrganization is the accounts that State must name for meet.
func (h *Hub) everyoneOfOrganization(st store.StateView) []string {
	accounts := append(h.organization.ids(), "")
	for _, at := range designations(st) {
		rec, ok, err := designationOf(st, at.region, at.feature)
		if ok && err == nil { // meet tells the error
			accounts = append(append(accounts, rec.Account), accountsOf(st, rec.Account, at.region)...)
		}
	}
	return accounts
}

// ids lists the organisation's accounts, sorted.
func (o *organization) ids() []string { return slices.Sorted(maps.Keys(o.accounts)) }

type designatedAt struct{ region, feature string }

// designations lists where the organisation has administrators.
func designations(st store.StateView) []designatedAt {
	var all []designatedAt
	for _, name := range st.Names("", recordOrganizationAdmin) {
		region, feature, _ := strings.Cut(strings.TrimPrefix(name, recordOrganizationAdmin), "/")
		all = append(all, designatedAt{region, feature})
	}
	return all
}
