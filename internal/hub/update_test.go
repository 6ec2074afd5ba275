package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hubcap/internal/api"
	"hubcap/internal/asff"
	"hubcap/internal/iam"
)

const ownProductARN = "arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default"

// edition is one BatchUpdateFindings of one of several customers at once. Its name stands in every finding it reaches.
type edition struct {
	name string
	ids  []string
	body []byte
}

func drawEdition(t *testing.T, r *rapid.T, name string, ids []string) edition {
	t.Helper()
	e := edition{name: name}
	var idents []map[string]string
	for _, id := range ids {
		if rapid.IntRange(0, 3).Draw(r, "on "+id) > 0 {
			e.ids = append(e.ids, id)
			idents = append(idents, map[string]string{"Id": id, "ProductArn": ownProductARN})
		}
	}
	if len(idents) == 0 {
		e.ids = ids[:1]
		idents = []map[string]string{{"Id": ids[0], "ProductArn": ownProductARN}}
	}
	body := map[string]any{"FindingIdentifiers": idents, "UserDefinedFields": map[string]string{"edition": name}}
	for member, draw := range map[string]func() any{
		"Confidence":  func() any { return rapid.IntRange(0, 100).Draw(r, "confidence") },
		"Criticality": func() any { return rapid.IntRange(0, 100).Draw(r, "criticality") },
		"Note":        func() any { return map[string]any{"Text": name, "UpdatedBy": "u"} },
		"Severity": func() any {
			return map[string]any{"Label": rapid.SampledFrom([]string{"LOW", "HIGH"}).Draw(r, "label")}
		},
		"Types":             func() any { return []string{"TTPs/" + name} },
		"VerificationState": func() any { return rapid.SampledFrom([]string{"UNKNOWN", "TRUE_POSITIVE"}).Draw(r, "state") },
		"Workflow": func() any {
			return map[string]any{"Status": rapid.SampledFrom([]string{"NEW", "NOTIFIED", "RESOLVED"}).Draw(r, "to")}
		},
		"RelatedFindings": func() any { return []map[string]string{{"Id": name, "ProductArn": ownProductARN}} },
	} {
		if rapid.Bool().Draw(r, member) {
			body[member] = draw()
		}
	}
	var err error
	e.body, err = json.Marshal(body)
	require.NoError(t, err)
	return e
}

// Several customers edit the same findings at once, and one archives them with UpdateFindings in between: nobody is refused, nothing
// is lost, and each finding is what it would be had one waited for the other, in the order its history tells.
func TestEditorsAtOnce(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			h := openHub(t, open(t), fixed("2026-04-01T00:00:00Z"))
			p := &iam.Principal{Account: "111122223333", Region: "us-east-1", ARN: "arn:aws:iam::111122223333:user/x"}
			round := 0
			rapid.Check(t, func(r *rapid.T) {
				round++
				var ids []string
				var lines strings.Builder
				for i := range 3 {
					ids = append(ids, fmt.Sprintf("r%d-f%d", round, i))
					fmt.Fprintf(&lines, `{"Id": %q}`+"\n", ids[i])
				}
				findings := []byte(importBody(t, p, lines.String()))
				_, err := h.BatchImportFindings(t.Context(), p, findings)
				require.NoError(t, err)

				editions := map[string]edition{}
				writers := make([][]edition, rapid.IntRange(2, 4).Draw(r, "writers"))
				for w := range writers {
					for n := range rapid.IntRange(1, 4).Draw(r, "editions") {
						e := drawEdition(t, r, fmt.Sprintf("w%d.%d", w, n), ids)
						writers[w] = append(writers[w], e)
						editions[e.name] = e
					}
				}
				archive := []byte(`{"Filters":{"Id":[{"Comparison":"PREFIX","Value":"r` + strconv.Itoa(round) + `-"}]},"RecordState":"ARCHIVED"}`)
				var all sync.WaitGroup
				for _, mine := range writers {
					all.Go(func() {
						for _, e := range mine {
							out, err := h.BatchUpdateFindings(context.Background(), p, e.body)
							if err != nil || len(out.UnprocessedFindings) != 0 || len(out.ProcessedFindings) != len(e.ids) {
								t.Errorf("%s: %v %v", e.name, out, err)
							}
						}
					})
				}
				all.Go(func() {
					for range 2 {
						if _, err := h.UpdateFindings(context.Background(), p, archive); err != nil {
							t.Errorf("archive: %v", err)
						}
					}
				})
				all.Wait()

				alone := openHub(t, newMemStore(), fixed("2026-04-01T00:00:00Z"))
				_, err = alone.BatchImportFindings(t.Context(), p, findings)
				require.NoError(t, err)
				for _, id := range ids {
					order := editionsOf(t, h, p, id)
					for w, mine := range writers {
						var sent, told []string
						for _, e := range mine {
							if slices.Contains(e.ids, id) {
								sent = append(sent, e.name)
							}
						}
						for _, name := range order {
							if strings.HasPrefix(name, fmt.Sprintf("w%d.", w)) {
								told = append(told, name)
							}
						}
						require.Equal(t, sent, told, "what writer %d did to %s", w, id)
					}
					for _, name := range order {
						one := onlyFor(t, editions[name].body, id)
						out, err := alone.BatchUpdateFindings(t.Context(), p, one)
						require.NoError(t, err)
						require.Empty(t, out.UnprocessedFindings)
					}
				}
				_, err = alone.UpdateFindings(t.Context(), p, archive)
				require.NoError(t, err)
				for _, id := range ids {
					require.JSONEq(t, documentOf(t, alone, p, id), documentOf(t, h, p, id))
				}
			})
		})
	}
}

// editionsOf are the editions in a finding's history, the oldest first; each change begins where the last one of the member ended.
func editionsOf(t *testing.T, h *Hub, p *iam.Principal, id string) []string {
	t.Helper()
	var order []string
	in := &api.GetFindingHistoryInput{FindingIdentifier: api.AwsSecurityFindingIdentifier{Id: id, ProductArn: ownProductARN}}
	out, err := h.GetFindingHistory(t.Context(), p, in)
	require.NoError(t, err)
	require.Nil(t, out.NextToken)
	last := map[string]string{}
	for _, rec := range slices.Backward(out.Records) {
		for _, u := range rec.Updates {
			if was, ok := last[*u.UpdatedField]; ok {
				require.Equal(t, was, text(u.OldValue), "%s of %s", *u.UpdatedField, id)
			}
			last[*u.UpdatedField] = text(u.NewValue)
			if *u.UpdatedField == "UserDefinedFields" {
				var fields map[string]string
				require.NoError(t, json.Unmarshal([]byte(*u.NewValue), &fields))
				order = append(order, fields["edition"])
			}
			require.NotEqual(t, "RecordState", *u.UpdatedField, "UpdateFindings leaves no history")
		}
	}
	require.Len(t, order, len(out.Records)-1, "each edition has one record")
	return order
}

// onlyFor is the same edit for one finding.
func onlyFor(t *testing.T, body []byte, id string) []byte {
	t.Helper()
	m := without(t, body)
	m["FindingIdentifiers"] = []map[string]string{{"Id": id, "ProductArn": ownProductARN}}
	raw, err := json.Marshal(m)
	require.NoError(t, err)
	return raw
}

func documentOf(t *testing.T, h *Hub, p *iam.Principal, id string) string {
	t.Helper()
	filters := `{"Id":[{"Comparison":"EQUALS","Value":"` + id + `"}]}`
	out, err := h.GetFindings(t.Context(), p, &api.GetFindingsInput{Filters: []byte(filters)})
	require.NoError(t, err)
	require.Len(t, out.Findings, 1)
	return string(out.Findings[0])
}

// sizedBody imports a finding of the largest size there may be, and a small one.
func sizedBody(t *testing.T, p *iam.Principal) []byte {
	t.Helper()
	body := []byte(importBody(t, p, `{"Id": "full", "RecordState": "ARCHIVED", "Padding": ""}`))
	finding := body[len(`{"Findings":[`) : len(body)-len(`]}`)]
	pad := strings.Repeat("p", asff.MaxFindingBytes-len(finding))
	finding = bytes.Replace(finding, []byte(`"Padding":""`), []byte(`"Padding":"`+pad+`"`), 1)
	require.Len(t, finding, asff.MaxFindingBytes)
	small := []byte(importBody(t, p, `{"Id": "small"}`))
	return batch([][]byte{finding, small[len(`{"Findings":[`) : len(small)-len(`]}`)]})
}

// A finding without room is told by BatchUpdateFindings (spec 3.4), and left alone by UpdateFindings, which has no words for it (D82).
func TestEditsThatDoNotFit(t *testing.T) {
	p := &iam.Principal{Account: "111122223333", Region: "us-east-1", ARN: "arn:aws:iam::111122223333:user/x"}
	var log bytes.Buffer
	h, err := New(t.Context(), Config{Store: newMemStore(), Clock: fixed("2026-01-01T00:00:00Z"), Log: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	imported, err := h.BatchImportFindings(t.Context(), p, sizedBody(t, p))
	require.NoError(t, err)
	require.Empty(t, imported.FailedFindings)
	const ids = `"FindingIdentifiers":[{"Id":"full","ProductArn":"` + ownProductARN + `"},{"Id":"small","ProductArn":"` + ownProductARN + `"}]`
	note := `"Note":{"Text":"` + strings.Repeat("n", 500) + `","UpdatedBy":"me"}`
	before := documentOf(t, h, p, "full")
	out, err := h.BatchUpdateFindings(t.Context(), p, []byte(`{`+ids+`,`+note+`,"Confidence":1}`))
	require.NoError(t, err)
	require.Equal(t, []api.AwsSecurityFindingIdentifier{{Id: "small", ProductArn: ownProductARN}}, out.ProcessedFindings)
	require.Equal(t, []api.BatchUpdateFindingsUnprocessedFinding{{
		FindingIdentifier: api.AwsSecurityFindingIdentifier{Id: "full", ProductArn: ownProductARN},
		ErrorCode:         "FindingSizeExceeded", ErrorMessage: "Finding size exceeded 240 KB",
	}}, out.UnprocessedFindings)
	require.Equal(t, before, documentOf(t, h, p, "full"), "none of the edit is there")

	_, err = h.UpdateFindings(t.Context(), p, []byte(`{"Filters":{},`+strings.Replace(note, "nn", "mm", 1)+`,"RecordState":"ARCHIVED"}`))
	require.NoError(t, err)
	require.Equal(t, before, documentOf(t, h, p, "full"))
	require.Contains(t, documentOf(t, h, p, "small"), `"Text":"mm`)
	require.Contains(t, log.String(), `level=WARN msg="findings have no room for the note" findings=1`)

	_, err = h.UpdateFindings(t.Context(), p, []byte(`{"Filters":{},"RecordState":"ACTIVE"}`))
	require.NoError(t, err, "what does not make it larger fits")
	require.Equal(t, "ACTIVE", member(t, []byte(documentOf(t, h, p, "full")), "RecordState"))
}

// What an administrator counts and edits are its members' findings too, for as long as they are its members (spec 3.2, 7); a member's
// are its own.
func TestTriageSpansMembers(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			const administrator, member, stranger = "111122223333", "444455556666", "777788889999"
			h := openHub(t, open(t), fixed("2026-01-01T00:00:00Z"))
			as := func(account string) *iam.Principal {
				return &iam.Principal{Account: account, Region: "us-east-1", ARN: "arn:aws:iam::" + account + ":user/x"}
			}
			arns := map[string]string{}
			for _, account := range []string{administrator, member, stranger} {
				out, err := h.BatchImportFindings(t.Context(), as(account), []byte(importBody(t, as(account), `{"Id": "f"}`)))
				require.NoError(t, err)
				require.Zero(t, out.FailedCount)
				made, err := h.CreateInsight(t.Context(), as(account), &api.CreateInsightInput{
					Name: "n", Filters: []byte(`{"RecordState":[{"Comparison":"EQUALS","Value":"ACTIVE"}]}`), GroupByAttribute: "AwsAccountId",
				})
				require.NoError(t, err)
				arns[account] = made.InsightArn
			}
			counted := func(account string) (values []string) {
				t.Helper()
				out, err := h.GetInsightResults(t.Context(), as(account), &api.GetInsightResultsInput{InsightArn: arns[account]})
				require.NoError(t, err)
				for _, v := range out.InsightResults.ResultValues {
					values = append(values, v.GroupByAttributeValue)
				}
				return values
			}
			update := func(account, state string) {
				t.Helper()
				_, err := h.UpdateFindings(t.Context(), as(account), []byte(`{"Filters":{},"RecordState":"`+state+`"}`))
				require.NoError(t, err)
			}
			require.Equal(t, []string{administrator}, counted(administrator))

			_, err := h.CreateMembers(t.Context(), as(administrator), &api.CreateMembersInput{AccountDetails: []api.AccountDetails{{AccountId: member}}})
			require.NoError(t, err)
			_, err = h.InviteMembers(t.Context(), as(administrator), &api.InviteMembersInput{AccountIds: []string{member}})
			require.NoError(t, err)
			invitations, err := h.ListInvitations(t.Context(), as(member), &api.ListInvitationsInput{})
			require.NoError(t, err)
			_, err = h.AcceptAdministratorInvitation(t.Context(), as(member), &api.AcceptAdministratorInvitationInput{
				AdministratorId: administrator, InvitationId: *invitations.Invitations[0].InvitationId,
			})
			require.NoError(t, err)

			require.Equal(t, []string{administrator, member}, counted(administrator))
			require.Equal(t, []string{member}, counted(member))
			_, err = h.GetInsightResults(t.Context(), as(member), &api.GetInsightResultsInput{InsightArn: arns[administrator]})
			require.ErrorContains(t, err, "ResourceNotFoundException", "insights themselves are each account's own")

			update(member, "ARCHIVED")
			require.Equal(t, []string{administrator}, counted(administrator))
			require.Equal(t, []string{stranger}, counted(stranger))
			update(administrator, "ARCHIVED")
			require.Empty(t, counted(administrator))
			update(administrator, "ACTIVE")
			require.Equal(t, []string{member}, counted(member), "its administrator's word")

			_, err = h.DisassociateMembers(t.Context(), as(administrator), &api.DisassociateMembersInput{AccountIds: []string{member}})
			require.NoError(t, err)
			require.Equal(t, []string{administrator}, counted(administrator))
			update(administrator, "ARCHIVED")
			require.Equal(t, []string{member}, counted(member))
			require.Equal(t, []string{stranger}, counted(stranger))
		})
	}
}
