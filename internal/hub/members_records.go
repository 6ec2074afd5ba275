package hub

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"hubcap/internal/store"
)

// memberRecord is what an administrator knows of one account in one Region: member/REGION/ACCOUNT.
type memberRecord struct {
	Status       memberStatus `json:"status"`
	Email        string       `json:"email,omitempty"`
	Organization bool         `json:"organization,omitempty"` // by the organisation, not by invitation
	InvitationID string       `json:"invitationId,omitempty"`
	InvitedAt    time.Time    `json:"invitedAt,omitzero"`
	UpdatedAt    time.Time    `json:"updatedAt"`
}

// invitationRecord is what an account knows of one invitation: invitation/REGION/ADMINISTRATOR. It is there while the invitation is
// open, was accepted and the membership lasts, or was declined and not deleted.
type invitationRecord struct {
	ID        string       `json:"id"`
	InvitedAt time.Time    `json:"invitedAt"`
	Status    memberStatus `json:"status"`
}

// membership is the two sides of one relation in a transaction.
type membership struct {
	tx                            store.StateTx
	administrator, member, region string

	rec memberRecord // the administrator's side; Status Deleted: none
}

func openMembership(tx store.StateTx, administrator, member, region string) (membership, error) {
	m := membership{tx: tx, administrator: administrator, member: member, region: region}
	var err error
	m.rec, err = memberOf(tx, administrator, region, member)
	return m, err
}

func memberOf(st store.StateView, administrator, region, member string) (memberRecord, error) {
	var rec memberRecord
	name := recordMember + region + "/" + member
	if raw, ok := st.Get(administrator, name); ok {
		if err := json.Unmarshal(raw, &rec); err != nil {
			return rec, fmt.Errorf("record %s of account %s: %w", name, administrator, err)
		}
	}
	return rec, nil
}

// happen lets an event happen to a membership, as the table says, and keeps every record that follows from it: the administrator's of
// the member, the member's of its administrator and of the invitation. Nothing is written when it is refused.
func (m *membership) happen(e memberEvent, now time.Time) (refusal, error) {
	was := m.rec.Status
	cell := was.after(e)
	if cell.why != "" {
		return cell.why, nil
	}
	if cell.next == Enabled && was != Enabled {
		if why, err := m.conflict(); err != nil || why != "" {
			return why, err
		}
	}
	m.rec.Status, m.rec.UpdatedAt = cell.next, now
	switch e {
	case byEnrol, bySuspended:
		m.rec.Organization, m.rec.InvitationID, m.rec.InvitedAt = true, "", time.Time{}
	case byCreate:
		m.rec.Organization, m.rec.InvitationID, m.rec.InvitedAt = false, "", time.Time{}
	case byInvite:
		m.rec.Organization, m.rec.InvitationID, m.rec.InvitedAt = false, strings.ReplaceAll(newUUID(now), "-", ""), now
	case byWithdraw:
		m.rec.InvitationID, m.rec.InvitedAt = "", time.Time{}
	case byAccept, byDecline, byDisassociate, byResign, byLeave, byDelete:
	}
	return "", m.write(e, was)
}

// conflict is why an account cannot become a member now, though the table lets it: an account has one administrator in a Region, and
// nobody is administrator and member at once.
func (m *membership) conflict() (refusal, error) {
	if _, has, err := administratorRecordOf(m.tx, m.member, m.region); err != nil || has {
		return refusedOther, err
	}
	if _, has, err := administratorRecordOf(m.tx, m.administrator, m.region); err != nil || has {
		return refusedChain, err
	}
	rec, has, err := designationOf(m.tx, m.region, featureSecurityHub)
	if err != nil || has && rec.Account == m.member {
		return refusedAdmin, err
	}
	if members, err := countMembers(m.tx, m.member, m.region, Enabled); err != nil || members > 0 {
		return refusedAdmin, err
	}
	return "", nil
}

func (m *membership) write(e memberEvent, was memberStatus) error {
	name := recordMember + m.region + "/" + m.member
	if m.rec.Status == Deleted {
		m.tx.Delete(m.administrator, name)
	} else if err := putRecord(m.tx, m.administrator, name, m.rec); err != nil {
		return err
	}
	switch {
	case m.rec.Status == Enabled:
		rec := administratorRecord{Account: m.administrator, Organization: m.rec.Organization}
		if err := putRecord(m.tx, m.member, recordAdministrator+m.region, rec); err != nil {
			return err
		}
	case was == Enabled:
		m.tx.Delete(m.member, recordAdministrator+m.region)
	}
	invitation := recordInvitation + m.region + "/" + m.administrator
	if m.rec.InvitationID != "" && (e == byInvite || e == byAccept || e == byDecline) {
		return putRecord(m.tx, m.member, invitation, invitationRecord{ID: m.rec.InvitationID, InvitedAt: m.rec.InvitedAt, Status: m.rec.Status})
	}
	m.tx.Delete(m.member, invitation)
	return nil
}

// countMembers tells how many accounts of a status an administrator has in a Region.
func countMembers(st store.StateView, administrator, region string, status memberStatus) (n int, err error) {
	for _, account := range accountsOf(st, administrator, region) {
		rec, err := memberOf(st, administrator, region, account)
		if err != nil {
			return 0, err
		}
		if rec.Status == status {
			n++
		}
	}
	return n, nil
}
