package hub

// The life of a membership (spec 9) is a table: what an account is to another in one Region, and what becomes of that by an event. No
// operation writes a status but through it.

// memberStatus is what a member account is to an administrator, by the API's name. The zero status is that of an account which the
// administrator does not have, or deleted: AWS's name for it, Deleted, is never read, as nothing is left that could tell it (D96).
type memberStatus string

// The statuses.
const (
	Deleted          memberStatus = ""
	Created          memberStatus = "Created"          // added, not yet invited
	Invited          memberStatus = "Invited"          // has not answered
	Enabled          memberStatus = "Enabled"          // a member: the administrator sees and edits its findings
	Removed          memberStatus = "Removed"          // taken off by the administrator, or no longer of the organisation
	Resigned         memberStatus = "Resigned"         // declined, or left by itself
	AccountSuspended memberStatus = "AccountSuspended" // suspended in the organisation when it was to be enabled
)

// memberEvent is what happens to a membership.
type memberEvent uint8

const (
	byCreate       memberEvent = iota // CreateMembers of an account that must be invited
	byEnrol                           // CreateMembers, or automatic enabling, of an account of the organisation
	bySuspended                       // the same of one that is suspended there
	byInvite                          // InviteMembers
	byAccept                          // AcceptAdministratorInvitation, AcceptInvitation
	byDecline                         // DeclineInvitations, or DeleteInvitations by who was invited
	byWithdraw                        // DeleteInvitations by who invited
	byDisassociate                    // DisassociateMembers
	byResign                          // DisassociateFromAdministratorAccount, or the member's hub is disabled
	byLeave                           // the organisation loses the account, or the administrator
	byDelete                          // DeleteMembers
)

// refusal is why an event does not happen: the ProcessingResult of one account (spec 2.3). Of AWS only the first is known.
type refusal string

const (
	refusedMember     refusal = "The request is rejected because the given account ID is already a member or associated member of the current account."
	refusedUnknown    refusal = "The request is rejected because the given account ID is not a member or associated member of the current account."
	refusedEnabled    refusal = "The request is rejected because the given account ID is a member of the current account. Disassociate it first."
	refusedSuspended  refusal = "The request is rejected because the given account ID is suspended in the organization."
	refusedNoInvite   refusal = "The request is rejected because there is no invitation from the given account ID."
	refusedNotInvited refusal = "The request is rejected because the given account ID has no open invitation from the current account."
	refusedOwn        refusal = "The request is rejected because the given account ID is the current account."
	refusedOther      refusal = "The request is rejected because the given account ID is a member of another account."
	refusedAdmin      refusal = "The request is rejected because the given account ID is the administrator of other accounts."
	refusedChain      refusal = "The request is rejected because the administrator account is itself a member of another account."
	refusedOrgLeave   refusal = "The request is rejected because the current account is a member by its organization. Only the administrator account can disassociate it."
	refusedNotAMember refusal = "The request is rejected because the current account is not a member."
)

// outcome is a cell of the table: the status that follows, or why there is none.
type outcome struct {
	next memberStatus
	why  refusal // "": the event happens
}

func to(next memberStatus) outcome { return outcome{next: next} }
func no(why refusal) outcome       { return outcome{why: why} }

// memberStatuses and memberEvents are the rows and columns of the table, in its order.
var (
	memberStatuses = [...]memberStatus{Deleted, Created, Invited, Enabled, Removed, Resigned, AccountSuspended}
	memberEvents   = [...]string{
		byCreate: "create", byEnrol: "enrol", bySuspended: "enrol-suspended", byInvite: "invite", byAccept: "accept", byDecline: "decline",
		byWithdraw: "withdraw", byDisassociate: "disassociate", byResign: "resign", byLeave: "leave", byDelete: "delete",
	}
)

// memberTable answers status and event. testdata/members/machine prints it whole.
var memberTable = map[memberStatus][len(memberEvents)]outcome{
	Deleted: {
		byCreate: to(Created), byEnrol: to(Enabled), bySuspended: to(AccountSuspended), byInvite: no(refusedUnknown), byAccept: no(refusedNoInvite),
		byDecline: no(refusedNoInvite), byWithdraw: no(refusedNotInvited), byDisassociate: no(refusedUnknown), byResign: no(refusedNotAMember),
		byLeave: no(refusedUnknown), byDelete: no(refusedUnknown),
	},
	Created: {
		byCreate: no(refusedMember), byEnrol: to(Enabled), bySuspended: to(AccountSuspended), byInvite: to(Invited), byAccept: no(refusedNoInvite),
		byDecline: no(refusedNoInvite), byWithdraw: no(refusedNotInvited), byDisassociate: to(Removed), byResign: no(refusedNotAMember),
		byLeave: no(refusedUnknown), byDelete: to(Deleted),
	},
	Invited: {
		byCreate: no(refusedMember), byEnrol: to(Enabled), bySuspended: to(AccountSuspended), byInvite: to(Invited), byAccept: to(Enabled),
		byDecline: to(Resigned), byWithdraw: to(Created), byDisassociate: to(Removed), byResign: no(refusedNotAMember),
		byLeave: no(refusedUnknown), byDelete: to(Deleted),
	},
	Enabled: {
		byCreate: no(refusedMember), byEnrol: no(refusedMember), bySuspended: no(refusedMember), byInvite: no(refusedMember), byAccept: no(refusedNoInvite),
		byDecline: no(refusedNoInvite), byWithdraw: no(refusedNotInvited), byDisassociate: to(Removed), byResign: to(Resigned),
		byLeave: to(Removed), byDelete: no(refusedEnabled),
	},
	Removed: {
		byCreate: to(Created), byEnrol: to(Enabled), bySuspended: to(AccountSuspended), byInvite: to(Invited), byAccept: no(refusedNoInvite),
		byDecline: no(refusedNoInvite), byWithdraw: no(refusedNotInvited), byDisassociate: to(Removed), byResign: no(refusedNotAMember),
		byLeave: no(refusedUnknown), byDelete: to(Deleted),
	},
	Resigned: {
		byCreate: to(Created), byEnrol: to(Enabled), bySuspended: to(AccountSuspended), byInvite: to(Invited), byAccept: no(refusedNoInvite),
		byDecline: no(refusedNoInvite), byWithdraw: no(refusedNotInvited), byDisassociate: to(Removed), byResign: no(refusedNotAMember),
		byLeave: no(refusedUnknown), byDelete: to(Deleted),
	},
	AccountSuspended: {
		byCreate: no(refusedMember), byEnrol: to(Enabled), bySuspended: to(AccountSuspended), byInvite: no(refusedSuspended), byAccept: no(refusedNoInvite),
		byDecline: no(refusedNoInvite), byWithdraw: no(refusedNotInvited), byDisassociate: to(Removed), byResign: no(refusedNotAMember),
		byLeave: to(Removed), byDelete: to(Deleted),
	},
}

// after looks the table up.
func (s memberStatus) after(e memberEvent) outcome { return memberTable[s][e] }
