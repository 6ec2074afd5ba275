package hub

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/store"
)

var (
	societyAccounts = []string{"111111111111", "222222222222", "333333333333"}
	societyRegions  = []string{"us-east-1", "eu-west-1"}
)

// society is some accounts in some Regions, and beside the hub a plain model of what they are to each other. It knows nothing of records,
// tables or scopes.
type society struct {
	t    *rapid.T // a failure of it is shrunk
	tb   *testing.T
	hub  *Hub
	time time.Time

	status     map[tie]string    // of a member to an administrator; "" none
	organized  map[tie]bool      // Enabled by the organisation
	invitation map[tie]string    // id of the last one
	off        map[seat]bool     // hubs
	home       map[string]string // aggregators
	linked     map[string][]string
	management string
	designated map[string]string // by Region
	automatic  map[string]bool   // by Region: new accounts become members
	findings   map[seat][]string
	workflow   map[string]string // by finding
}

type tie struct{ administrator, member, region string }

type seat struct{ account, region string }

func newSociety(t *testing.T, rt *rapid.T) *society {
	t.Helper()
	return &society{
		t: rt, tb: t, status: map[tie]string{}, organized: map[tie]bool{}, invitation: map[tie]string{}, off: map[seat]bool{},
		home: map[string]string{}, linked: map[string][]string{}, designated: map[string]string{}, automatic: map[string]bool{},
		findings: map[seat][]string{}, workflow: map[string]string{},
	}
}

func as(account, region string) *iam.Principal {
	return &iam.Principal{Account: account, Region: region, KeyID: account, ARN: "arn:aws:iam::" + account + ":user/" + account}
}

// administrator is the model's answer to whose member an account is.
func (s *society) administrator(at seat) string {
	for _, a := range societyAccounts {
		if s.status[tie{a, at.account, at.region}] == "Enabled" {
			return a
		}
	}
	return ""
}

func (s *society) hasMembers(at seat) bool {
	return slices.ContainsFunc(societyAccounts, func(m string) bool { return s.status[tie{at.account, m, at.region}] == "Enabled" })
}

// sees is the model's answer to what an account sees from a Region.
func (s *society) sees(at seat) []string {
	lives := s.administrator(at)
	if lives == "" {
		lives = at.account
	}
	var seen []string
	for _, region := range societyRegions {
		if region != at.region && (s.home[lives] != at.region || !slices.Contains(s.linked[lives], region)) {
			continue
		}
		for _, account := range societyAccounts {
			if account == at.account || s.status[tie{at.account, account, region}] == "Enabled" {
				seen = append(seen, s.findings[seat{account, region}]...)
			}
		}
	}
	slices.Sort(seen)
	return seen
}

// check holds every account's view in every Region against the model.
func (s *society) check(*rapid.T) {
	for _, account := range societyAccounts {
		for _, region := range societyRegions {
			at := seat{account, region}
			out, err := s.hub.GetFindings(s.tb.Context(), as(account, region), &api.GetFindingsInput{})
			if s.off[at] {
				require.ErrorContains(s.t, err, "is not subscribed")
				continue
			}
			require.NoError(s.t, err)
			var seen []string
			for _, f := range out.Findings {
				id := member(s.tb, f, "Id")
				seen = append(seen, id)
				require.Equal(s.t, s.workflow[id], member(s.tb, f, "Workflow.Status"), "%s, as %v sees it", id, at)
			}
			slices.Sort(seen)
			require.Equal(s.t, s.sees(at), seen, "what %v sees", at)
			admin, err := s.hub.GetAdministratorAccount(s.tb.Context(), as(account, region), &api.GetAdministratorAccountInput{})
			require.NoError(s.t, err)
			who := ""
			if admin.Administrator != nil {
				who = *admin.Administrator.AccountId
			}
			require.Equal(s.t, s.administrator(at), who, "administrator of %v", at)
			all := false
			members, err := s.hub.ListMembers(s.tb.Context(), as(account, region), &api.ListMembersInput{OnlyAssociated: &all})
			require.NoError(s.t, err)
			told, want := map[string]string{}, map[string]string{}
			for _, m := range members.Members {
				told[*m.AccountId] = *m.MemberStatus
			}
			for _, m := range societyAccounts {
				if is := s.status[tie{account, m, region}]; is != "" {
					want[m] = is
				}
			}
			require.Equal(s.t, want, told, "members of %v", at)
		}
	}
}

func (s *society) draw(rt *rapid.T) (at seat, other string) {
	return seat{rapid.SampledFrom(societyAccounts).Draw(rt, "account"), rapid.SampledFrom(societyRegions).Draw(rt, "region")},
		rapid.SampledFrom(societyAccounts).Draw(rt, "other")
}

// aim is a seat and another account; mostly two of which one is to the other what a call is about, where there are such.
func (s *society) aim(rt *rapid.T, statuses ...string) tie {
	var such []tie
	for x, is := range s.status {
		if slices.Contains(statuses, is) {
			such = append(such, x)
		}
	}
	if len(such) > 0 && rapid.IntRange(0, 4).Draw(rt, "aim") > 0 {
		slices.SortFunc(such, func(a, b tie) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		return rapid.SampledFrom(such).Draw(rt, "tie")
	}
	at, other := s.draw(rt)
	return tie{at.account, other, at.region}
}

// refused asks for an error where the model wants one, and tells whether it did.
func (s *society) refused(err error, why string) bool {
	if why == "" {
		require.NoError(s.t, err)
		return false
	}
	require.ErrorContains(s.t, err, why)
	return true
}

// items holds what was not processed against the model: the account, or nothing.
func (s *society) items(results []api.Result, err error, why string, done bool) bool {
	if s.refused(err, why) {
		return false
	}
	require.Equal(s.t, !done, len(results) == 1, "%v", results)
	return done
}

func (s *society) offOrMember(at seat) string {
	switch {
	case s.off[at]:
		return "is not subscribed"
	case s.administrator(at) != "":
		return "is a member of account"
	}
	return ""
}

func (s *society) offline(at seat) string {
	if s.off[at] {
		return "is not subscribed"
	}
	return ""
}

// mayJoin tells whether an account could become a member of another now.
func (s *society) mayJoin(x tie) bool {
	m := seat{x.member, x.region}
	return s.administrator(m) == "" && s.administrator(seat{x.administrator, x.region}) == "" && !s.hasMembers(m) && s.designated[x.region] != x.member
}

// imports brings a finding, of an id that tells where it lies.
func (s *society) imports(at seat) {
	id := fmt.Sprintf("%s %s %d", at.account, at.region, len(s.workflow))
	out, err := s.hub.BatchImportFindings(s.tb.Context(), as(at.account, at.region), []byte(importBody(s.tb, as(at.account, at.region), `{"Id":"`+id+`"}`)))
	require.NoError(s.t, err)
	if s.off[at] {
		require.EqualValues(s.t, 1, out.FailedCount)
		return
	}
	require.Zero(s.t, out.FailedCount)
	s.findings[at] = append(s.findings[at], id)
	s.workflow[id] = "NEW"
}

func (s *society) actions() map[string]func(*rapid.T) {
	ctx := s.tb.Context()
	return map[string]func(*rapid.T){
		"": s.check,
		"import": func(rt *rapid.T) {
			at, _ := s.draw(rt)
			s.imports(at)
		},
		"update": func(rt *rapid.T) {
			at, _ := s.draw(rt)
			if len(s.workflow) == 0 {
				return
			}
			id := rapid.SampledFrom(slices.Sorted(maps.Keys(s.workflow))).Draw(rt, "finding")
			to := rapid.SampledFrom([]string{"NOTIFIED", "RESOLVED", "SUPPRESSED"}).Draw(rt, "status")
			words := strings.Fields(id)
			out, err := s.hub.BatchUpdateFindings(ctx, as(at.account, at.region), fmt.Appendf(nil,
				`{"FindingIdentifiers":[{"Id":%q,"ProductArn":"arn:aws:securityhub:%s:%s:product/%s/default"}],"Workflow":{"Status":%q}}`,
				id, words[1], words[0], words[0], to))
			if s.refused(err, s.offline(at)) {
				return
			}
			if slices.Contains(s.sees(at), id) {
				require.Len(s.t, out.ProcessedFindings, 1)
				s.workflow[id] = to
			} else {
				require.Len(s.t, out.UnprocessedFindings, 1)
			}
		},
		"create": func(rt *rapid.T) {
			at, other := s.draw(rt)
			x := tie{at.account, other, at.region}
			out, err := s.hub.CreateMembers(ctx, as(at.account, at.region), &api.CreateMembersInput{AccountDetails: []api.AccountDetails{{AccountId: other}}})
			is, enrols := s.status[x], s.designated[at.region] == at.account
			done := other != at.account && (enrols && is != "Enabled" && s.mayJoin(x) || !enrols && slices.Contains([]string{"", "Removed", "Resigned"}, is))
			if out == nil {
				out = &api.CreateMembersOutput{}
			}
			if s.items(out.UnprocessedAccounts, err, s.offOrMember(at), done) {
				s.status[x], s.organized[x] = "Created", enrols
				if enrols {
					s.status[x] = "Enabled"
					s.off[seat{other, at.region}] = false
				}
				delete(s.invitation, x)
			}
		},
		"invite": func(rt *rapid.T) {
			x := s.aim(rt, "Created")
			at, other := seat{x.administrator, x.region}, x.member
			out, err := s.hub.InviteMembers(ctx, as(at.account, at.region), &api.InviteMembersInput{AccountIds: []string{other}})
			if out == nil {
				out = &api.InviteMembersOutput{}
			}
			done := other != at.account && slices.Contains([]string{"Created", "Invited", "Removed", "Resigned"}, s.status[x])
			if s.items(out.UnprocessedAccounts, err, s.offOrMember(at), done) {
				id := s.invited(x)
				require.NotEqual(s.t, s.invitation[x], id)
				s.status[x], s.invitation[x] = "Invited", id
			}
		},
		"accept": func(rt *rapid.T) {
			x := s.aim(rt, "Invited")
			at, other := seat{x.member, x.region}, x.administrator
			id := s.invitation[x]
			if id == "" || rapid.IntRange(0, 9).Draw(rt, "wrong") == 0 {
				id = "none"
			}
			_, err := s.hub.AcceptAdministratorInvitation(ctx, as(at.account, at.region), &api.AcceptAdministratorInvitationInput{AdministratorId: other, InvitationId: id})
			why := s.offline(at)
			switch {
			case why != "":
			case s.status[x] != "Invited" || id == "none":
				why = "There is no open invitation"
			case !s.mayJoin(x):
				why = "The request is rejected"
			}
			if !s.refused(err, why) {
				s.status[x], s.organized[x] = "Enabled", false
			}
		},
		"decline": func(rt *rapid.T) {
			x := s.aim(rt, "Invited")
			at, other := seat{x.member, x.region}, x.administrator
			out, err := s.hub.DeclineInvitations(ctx, as(at.account, at.region), &api.DeclineInvitationsInput{AccountIds: []string{other}})
			if out == nil {
				out = &api.DeclineInvitationsOutput{}
			}
			if s.items(out.UnprocessedAccounts, err, s.offline(at), other != at.account && s.status[x] == "Invited") {
				s.status[x] = "Resigned"
			}
		},
		"disassociate": func(rt *rapid.T) {
			x := s.aim(rt, "Enabled")
			at, other := seat{x.administrator, x.region}, x.member
			_, err := s.hub.DisassociateMembers(ctx, as(at.account, at.region), &api.DisassociateMembersInput{AccountIds: []string{other}})
			why := s.offOrMember(at)
			if why == "" && other != at.account && s.status[x] == "" {
				why = "is not a member or associated"
			}
			if !s.refused(err, why) && other != at.account {
				s.status[x] = "Removed"
			}
		},
		"delete": func(rt *rapid.T) {
			x := s.aim(rt, "Removed", "Resigned")
			at, other := seat{x.administrator, x.region}, x.member
			out, err := s.hub.DeleteMembers(ctx, as(at.account, at.region), &api.DeleteMembersInput{AccountIds: []string{other}})
			if out == nil {
				out = &api.DeleteMembersOutput{}
			}
			done := other != at.account && s.status[x] != "" && s.status[x] != "Enabled"
			if s.items(out.UnprocessedAccounts, err, s.offOrMember(at), done) {
				s.status[x] = ""
			}
		},
		"resign": func(rt *rapid.T) {
			x := s.aim(rt, "Enabled")
			at := seat{x.member, x.region}
			x.administrator = s.administrator(at)
			_, err := s.hub.DisassociateFromAdministratorAccount(ctx, as(at.account, at.region), &api.DisassociateFromAdministratorAccountInput{})
			why := s.offline(at)
			switch {
			case why != "":
			case x.administrator == "":
				why = "is not a member"
			case s.organized[x]:
				why = "a member by its organization"
			}
			if !s.refused(err, why) {
				s.status[x] = "Resigned"
			}
		},
		"link": func(rt *rapid.T) {
			at, _ := s.draw(rt)
			mode := rapid.SampledFrom(linkingModes).Draw(rt, "mode")
			named := rapid.SliceOfNDistinct(rapid.SampledFrom(societyRegions), 1, 1, rapid.ID[string]).Draw(rt, "regions")
			var linked []string
			for _, r := range societyRegions {
				if mode == linkAll || mode == linkSpecified && slices.Contains(named, r) || mode == linkAllExcept && !slices.Contains(named, r) {
					linked = append(linked, r)
				}
			}
			if mode == linkAll || mode == linkNone {
				named = nil
			}
			p := as(at.account, at.region)
			if s.home[at.account] != at.region {
				_, err := s.hub.CreateFindingAggregator(ctx, p, &api.CreateFindingAggregatorInput{RegionLinkingMode: mode, Regions: named})
				why := s.offline(at)
				switch {
				case why != "":
				case s.administrator(at) != "":
					why = "cannot be created by a member"
				case s.home[at.account] != "":
					why = "already exists"
				}
				if s.refused(err, why) {
					return
				}
			} else {
				arn := s.aggregatorARN(at.account)
				_, err := s.hub.UpdateFindingAggregator(ctx, p, &api.UpdateFindingAggregatorInput{FindingAggregatorArn: arn, RegionLinkingMode: mode, Regions: named})
				if s.refused(err, s.offline(at)) {
					return
				}
			}
			s.home[at.account], s.linked[at.account] = at.region, linked
		},
		"unlink": func(rt *rapid.T) {
			at, _ := s.draw(rt)
			if s.home[at.account] != at.region {
				return
			}
			p := as(at.account, at.region)
			_, err := s.hub.DeleteFindingAggregator(ctx, p, &api.DeleteFindingAggregatorInput{FindingAggregatorArn: s.aggregatorARN(at.account)})
			if !s.refused(err, s.offline(at)) {
				delete(s.home, at.account)
			}
		},
		"disable": func(rt *rapid.T) {
			x := s.aim(rt, "Enabled")
			at := seat{x.member, x.region}
			_, err := s.hub.DisableSecurityHub(ctx, as(at.account, at.region), &api.DisableSecurityHubInput{})
			why := s.offline(at)
			switch {
			case why != "":
				why = "is not subscribed"
			case s.hasMembers(at) || s.designated[at.region] == at.account:
				why = "Cannot disable Security Hub on the Security Hub administrator"
			}
			if s.refused(err, why) {
				return
			}
			if a := s.administrator(at); a != "" {
				s.status[tie{a, at.account, at.region}] = "Resigned"
			}
			for _, m := range societyAccounts {
				s.status[tie{at.account, m, at.region}] = ""
			}
			s.off[at] = true
		},
		"enable": func(rt *rapid.T) {
			at, _ := s.draw(rt)
			if !s.off[at] {
				return
			}
			_, err := s.hub.EnableSecurityHub(ctx, as(at.account, at.region), &api.EnableSecurityHubInput{})
			require.NoError(s.t, err)
			s.off[at] = false
			x := tie{s.designated[at.region], at.account, at.region}
			if s.automatic[at.region] && s.management != at.account && x.administrator != at.account && s.status[x] == "" && s.mayJoin(x) {
				s.status[x], s.organized[x] = "Enabled", true
			}
		},
		"automate": func(rt *rapid.T) {
			at, _ := s.draw(rt)
			_, err := s.hub.UpdateOrganizationConfiguration(ctx, as(at.account, at.region), &api.UpdateOrganizationConfigurationInput{AutoEnable: true})
			why := s.offline(at)
			if why == "" && s.designated[at.region] != at.account {
				why = "is not an administrator for this organization"
			}
			if !s.refused(err, why) {
				s.automatic[at.region] = true
			}
		},
		"designate": func(rt *rapid.T) {
			at, other := s.draw(rt)
			_, err := s.hub.EnableOrganizationAdminAccount(ctx, as(at.account, at.region), &api.EnableOrganizationAdminAccountInput{AdminAccountId: other})
			why := ""
			switch {
			case s.management != "" && s.management != at.account:
				why = "is not the management account"
			case s.designated[at.region] != "" && s.designated[at.region] != other:
				why = "is already the administrator"
			case s.designated[at.region] == "" && s.administrator(seat{other, at.region}) != "":
				why = "is a member of account"
			}
			if s.refused(err, why) {
				return // of which the first designation is none: nothing half-written
			}
			s.management = at.account
			if s.designated[at.region] == "" {
				s.off[seat{other, at.region}] = false
			}
			s.designated[at.region] = other
		},
		"dismiss": func(rt *rapid.T) {
			at, _ := s.draw(rt)
			other := s.designated[at.region]
			if s.management != at.account || other == "" {
				return
			}
			_, err := s.hub.DisableOrganizationAdminAccount(ctx, as(at.account, at.region), &api.DisableOrganizationAdminAccountInput{AdminAccountId: other})
			require.NoError(s.t, err)
			delete(s.designated, at.region)
			delete(s.automatic, at.region)
			for _, m := range societyAccounts {
				if x := (tie{other, m, at.region}); s.status[x] == "Enabled" && s.organized[x] {
					s.status[x] = "Removed"
				}
			}
		},
	}
}

// TestSociety drives random calls of several accounts in several Regions against the model: no account sees or changes another's, and an
// administrator's rights begin and end exactly with the membership.
func TestSociety(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				s := newSociety(t, rt)
				s.time = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
				var err error
				s.hub, err = New(t.Context(), Config{Store: open(t), Clock: func() time.Time { return s.time }})
				require.NoError(rt, err)
				for _, account := range societyAccounts {
					for _, region := range societyRegions {
						s.imports(seat{account, region})
					}
				}
				rt.Repeat(s.actions())
			})
		})
	}
}

// invited is the id of the invitation that an account has.
func (s *society) invited(x tie) string {
	var rec memberRecord
	require.NoError(s.t, s.hub.store.View(s.tb.Context(), func(st store.StateView) (err error) {
		rec, err = memberOf(st, x.administrator, x.region, x.member)
		return err
	}))
	require.NotEmpty(s.t, rec.InvitationID)
	return rec.InvitationID
}

func (s *society) aggregatorARN(account string) string {
	var rec aggregatorRecord
	require.NoError(s.t, s.hub.store.View(s.tb.Context(), func(st store.StateView) (err error) {
		rec, err = aggregatorOf(st, account)
		return err
	}))
	require.Equal(s.t, s.home[account], rec.Home)
	return rec.arn(account)
}
