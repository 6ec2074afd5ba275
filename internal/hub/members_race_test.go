package hub

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hubcap/internal/api"
	"hubcap/internal/store"
)

const (
	bossAccount   = "111111111111"
	memberAccount = "222222222222"
	homeRegion    = "us-east-1"
)

// join makes one account the member of another.
func join(t *testing.T, h *Hub, administrator, member, region string) {
	t.Helper()
	ctx := t.Context()
	_, err := h.CreateMembers(ctx, as(administrator, region), &api.CreateMembersInput{AccountDetails: []api.AccountDetails{{AccountId: member}}})
	require.NoError(t, err)
	_, err = h.InviteMembers(ctx, as(administrator, region), &api.InviteMembersInput{AccountIds: []string{member}})
	require.NoError(t, err)
	list, err := h.ListInvitations(ctx, as(member, region), &api.ListInvitationsInput{})
	require.NoError(t, err)
	_, err = h.AcceptInvitation(ctx, as(member, region), &api.AcceptInvitationInput{MasterId: administrator, InvitationId: *list.Invitations[0].InvitationId})
	require.NoError(t, err)
}

// lateUpdates change the finding "late" of a product by identifiers and by filters, from the home Region, and find that it is out of reach.
func lateUpdates(product string) map[string]func(*testing.T, *Hub) {
	return map[string]func(*testing.T, *Hub){
		"BatchUpdateFindings": func(t *testing.T, h *Hub) {
			t.Helper()
			out, err := h.BatchUpdateFindings(t.Context(), as(bossAccount, homeRegion),
				[]byte(`{"FindingIdentifiers":[{"Id":"late","ProductArn":"`+product+`"}],"Note":{"Text":"ours","UpdatedBy":"us"}}`))
			require.NoError(t, err)
			require.Len(t, out.UnprocessedFindings, 1)
			require.Equal(t, "FindingNotFound", out.UnprocessedFindings[0].ErrorCode)
		},
		"UpdateFindings": func(t *testing.T, h *Hub) {
			t.Helper()
			_, err := h.UpdateFindings(t.Context(), as(bossAccount, homeRegion),
				[]byte(`{"Filters":{"Id":[{"Value":"late","Comparison":"EQUALS"}]},"Note":{"Text":"ours","UpdatedBy":"us"}}`))
			require.NoError(t, err)
		},
		"StartJob": func(t *testing.T, h *Hub) {
			t.Helper()
			where := "Id = late"
			out, err := h.StartJob(t.Context(), as(bossAccount, homeRegion),
				&StartJobInput{Kind: jobUpdateFindings, Where: &where, Parameters: api.RawJSON(`{"Note":{"Text":"ours","UpdatedBy":"us"}}`)})
			require.NoError(t, err)
			require.NoError(t, h.work(t.Context()))
			job, err := h.GetJob(t.Context(), as(bossAccount, homeRegion), &JobInput{JobId: out.Job.JobId})
			require.NoError(t, err)
			require.Equal(t, jobDone, job.Job.Status)
			require.EqualValues(t, 1, job.Job.NoLonger)
		},
	}
}

// noted is the note of the one finding of an account in a Region.
func noted(t *testing.T, h *Hub, account, region string) string {
	t.Helper()
	out, err := h.GetFindings(t.Context(), as(account, region), &api.GetFindingsInput{})
	require.NoError(t, err)
	require.Len(t, out.Findings, 1)
	return member(t, out.Findings[0], "Note")
}

// A membership that ends between the moment in which an update found its findings and its commit lets nothing of a former member change:
// by identifiers, by filters and by a job.
func TestMembershipEndsUnderAnUpdate(t *testing.T) {
	for name, update := range lateUpdates("arn:aws:securityhub:us-east-1:222222222222:product/222222222222/default") {
		for engine, open := range engines {
			t.Run(name+"/"+engine, func(t *testing.T) {
				s := &racing{Store: open(t)}
				h, err := New(t.Context(), Config{Store: s, Clock: func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }})
				require.NoError(t, err)
				join(t, h, bossAccount, memberAccount, homeRegion)
				_, err = h.BatchImportFindings(t.Context(), as(memberAccount, homeRegion), []byte(importBody(t, as(memberAccount, homeRegion), `{"Id":"late"}`)))
				require.NoError(t, err)
				s.between = func() {
					_, err := h.DisassociateFromAdministratorAccount(t.Context(), as(memberAccount, homeRegion), &api.DisassociateFromAdministratorAccountInput{})
					require.NoError(t, err)
				}
				update(t, h)
				require.Nil(t, s.between, "it ended in between")
				require.Equal(t, "-", noted(t, h, memberAccount, homeRegion))
			})
		}
	}
}

// So it is with the link to another Region.
func TestLinkEndsUnderAnUpdate(t *testing.T) {
	const far = "eu-west-1"
	for name, update := range lateUpdates("arn:aws:securityhub:eu-west-1:111111111111:product/111111111111/default") {
		for engine, open := range engines {
			t.Run(name+"/"+engine, func(t *testing.T) {
				s := &racing{Store: open(t)}
				h, err := New(t.Context(), Config{Store: s, Clock: func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }})
				require.NoError(t, err)
				agg, err := h.CreateFindingAggregator(t.Context(), as(bossAccount, homeRegion),
					&api.CreateFindingAggregatorInput{RegionLinkingMode: linkSpecified, Regions: []string{far}})
				require.NoError(t, err)
				_, err = h.BatchImportFindings(t.Context(), as(bossAccount, far), []byte(importBody(t, as(bossAccount, far), `{"Id":"late"}`)))
				require.NoError(t, err)
				s.between = func() {
					_, err := h.DeleteFindingAggregator(t.Context(), as(bossAccount, homeRegion),
						&api.DeleteFindingAggregatorInput{FindingAggregatorArn: *agg.FindingAggregatorArn})
					require.NoError(t, err)
				}
				update(t, h)
				require.Nil(t, s.between, "it ended in between")
				require.Equal(t, "-", noted(t, h, bossAccount, far))
			})
		}
	}
}

// AWS's quotas hold in its profile, for the whole request; the profile open has none.
func TestMemberQuotas(t *testing.T) {
	for _, profile := range []Profile{Open, AWS} {
		t.Run(profile.String(), func(t *testing.T) {
			s := newMemStore()
			h, err := New(t.Context(), Config{Store: s, Profile: profile, Clock: func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }})
			require.NoError(t, err)
			p := as(bossAccount, homeRegion)
			_, err = h.EnableSecurityHub(t.Context(), p, &api.EnableSecurityHubInput{})
			require.NoError(t, err)
			put := func(from, to int, status memberStatus) {
				require.NoError(t, s.State(t.Context(), []string{bossAccount}, func(tx store.StateTx) error {
					for i := from; i < to; i++ {
						name := recordMember + homeRegion + "/" + strconv.Itoa(300_000_000_000+i)
						if err := putRecord(tx, bossAccount, name, memberRecord{Status: status}); err != nil {
							return err
						}
					}
					return nil
				}))
			}
			refused := func(err error, limit string) {
				t.Helper()
				if profile == Open {
					require.NoError(t, err)
					return
				}
				require.ErrorContains(t, err, "LimitExceededException: An administrator account can have "+limit)
			}
			create := func(accounts ...int) error {
				in := &api.CreateMembersInput{}
				for _, a := range accounts {
					in.AccountDetails = append(in.AccountDetails, api.AccountDetails{AccountId: strconv.Itoa(400_000_000_000 + a)})
				}
				_, err := h.CreateMembers(t.Context(), p, in)
				return err
			}
			put(0, maxOpenInvitations-1, Invited)
			require.NoError(t, create(0, 1))
			invite := func(a int) error {
				_, err := h.InviteMembers(t.Context(), p, &api.InviteMembersInput{AccountIds: []string{strconv.Itoa(400_000_000_000 + a)}})
				return err
			}
			require.NoError(t, invite(0))
			refused(invite(1), "1000 open invitations")

			put(maxOpenInvitations-1, maxMembers-3, Created)
			require.NoError(t, create(2))
			refused(create(3, 4), "11000 member accounts")
			left := len(memTx{s}.Names(bossAccount, recordMember))
			if profile == AWS {
				require.Equal(t, maxMembers, left, "nothing of a request that is refused is kept")
			}
		})
	}
}
