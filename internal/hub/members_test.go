package hub

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/store"
)

// The language of testdata/*.txt knows, beside what hub_test.go says:
//
//	organization [none]     a new hub on the same store; a line is: management ID | root ID | unit ID [PARENT] | account ID [NAME] [OU]
//	                        [suspended]. none: the configuration names no organisation
//	machine                 every status and every event: what becomes of the records
func init() {
	maps.Copy(operations, map[string]func(*Hub, context.Context, *iam.Principal, *api.Request) (any, error){
		"AcceptAdministratorInvitation":        operation((*Hub).AcceptAdministratorInvitation),
		"AcceptInvitation":                     operation((*Hub).AcceptInvitation),
		"CreateFindingAggregator":              operation((*Hub).CreateFindingAggregator),
		"CreateMembers":                        operation((*Hub).CreateMembers),
		"DeclineInvitations":                   operation((*Hub).DeclineInvitations),
		"DeleteFindingAggregator":              operation((*Hub).DeleteFindingAggregator),
		"DeleteInvitations":                    operation((*Hub).DeleteInvitations),
		"DeleteMembers":                        operation((*Hub).DeleteMembers),
		"DescribeOrganizationConfiguration":    operation((*Hub).DescribeOrganizationConfiguration),
		"DisableOrganizationAdminAccount":      operation((*Hub).DisableOrganizationAdminAccount),
		"DisassociateFromAdministratorAccount": operation((*Hub).DisassociateFromAdministratorAccount),
		"DisassociateFromMasterAccount":        operation((*Hub).DisassociateFromMasterAccount),
		"DisassociateMembers":                  operation((*Hub).DisassociateMembers),
		"EnableOrganizationAdminAccount":       operation((*Hub).EnableOrganizationAdminAccount),
		"GetAdministratorAccount":              operation((*Hub).GetAdministratorAccount),
		"GetFindingAggregator":                 operation((*Hub).GetFindingAggregator),
		"GetInvitationsCount":                  operation((*Hub).GetInvitationsCount),
		"GetMasterAccount":                     operation((*Hub).GetMasterAccount),
		"GetMembers":                           operation((*Hub).GetMembers),
		"InviteMembers":                        operation((*Hub).InviteMembers),
		"ListFindingAggregators":               operation((*Hub).ListFindingAggregators),
		"ListInvitations":                      operation((*Hub).ListInvitations),
		"ListMembers":                          operation((*Hub).ListMembers),
		"ListOrganizationAdminAccounts":        operation((*Hub).ListOrganizationAdminAccounts),
		"UpdateFindingAggregator":              operation((*Hub).UpdateFindingAggregator),
		"UpdateOrganizationConfiguration":      operation((*Hub).UpdateOrganizationConfiguration),
	})
	commands["organization"] = (*world).organize
	commands["machine"] = machine
}

func (w *world) organize(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	w.organization = nil
	if !d.HasArg("none") {
		w.organization = organizationOf(t, d.Input)
	}
	w.start(t, w.profile)
	return ""
}

func organizationOf(t testing.TB, lines string) *Organization {
	t.Helper()
	o := &Organization{}
	for line := range strings.Lines(lines) {
		words := append(strings.Fields(line), "", "", "")
		switch words[0] {
		case "management":
			o.ManagementAccount = words[1]
		case "root":
			o.Root = words[1]
		case "unit":
			o.Units = append(o.Units, OrganizationUnit{ID: words[1], Name: words[1], Parent: words[2]})
		case "account":
			o.Accounts = append(o.Accounts, OrganizationAccount{ID: words[1], Name: words[2], OU: words[3], Suspended: strings.Contains(line, "suspended")})
		default:
			t.Fatalf("no line of an organisation: %s", line)
		}
	}
	return o
}

// machine lets every event happen to every status, through the records, and holds the records against each other after each.
func machine(_ *world, t *testing.T, _ *datadriven.TestData) string { //nolint:thelper // the language hands the world first
	t.Helper()
	const (
		a, m, r = "111111111111", "222222222222", "us-east-1"
		name    = recordMember + r + "/" + m
	)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	// The shortest way to each status.
	ways := map[memberStatus][]memberEvent{
		Deleted: nil, Created: {byCreate}, Invited: {byCreate, byInvite}, Enabled: {byCreate, byInvite, byAccept},
		Removed: {byCreate, byDisassociate}, Resigned: {byCreate, byInvite, byDecline}, AccountSuspended: {bySuspended},
	}
	var b strings.Builder
	for _, from := range memberStatuses {
		for event, called := range memberEvents {
			s := newMemStore()
			happen := func(e memberEvent) (why refusal) {
				require.NoError(t, s.State(t.Context(), []string{a, m}, func(tx store.StateTx) error {
					got, err := openMembership(tx, a, m, r)
					require.NoError(t, err)
					why, err = got.happen(e, at)
					return err
				}))
				return why
			}
			for _, e := range ways[from] {
				require.Empty(t, happen(e))
			}
			before := fmt.Sprint(s.state)
			why := happen(memberEvent(event))
			rec, err := memberOf(memTx{s}, a, r, m)
			require.NoError(t, err)
			fmt.Fprintf(&b, "%-16s %-16s -> ", statusName(from), called)
			if why != "" {
				require.Equal(t, before, fmt.Sprint(s.state), "a refused event writes nothing")
				fmt.Fprintln(&b, "refused:", strings.TrimPrefix(string(why), "The request is rejected because "))
				continue
			}
			fmt.Fprint(&b, statusName(rec.Status))
			theirs, member, err := administratorRecordOf(memTx{s}, m, r)
			require.NoError(t, err)
			require.Equal(t, rec.Status == Enabled, member, "an administrator exactly while Enabled")
			if member {
				require.Equal(t, administratorRecord{Account: a, Organization: rec.Organization}, theirs)
			}
			invited, asked, err := invitationOf(memTx{s}, m, r, a)
			require.NoError(t, err)
			if rec.Status == Invited {
				require.True(t, asked)
			}
			if asked {
				require.Equal(t, rec.Status, invited.Status)
				require.Equal(t, rec.InvitationID, invited.ID)
				fmt.Fprint(&b, ", invitation ", statusName(invited.Status))
			}
			_, there := memTx{s}.Get(a, name)
			require.Equal(t, rec.Status != Deleted, there)
			fmt.Fprintln(&b)
		}
	}
	return b.String()
}

func statusName(s memberStatus) string {
	if s == Deleted {
		return "Deleted"
	}
	return string(s)
}
