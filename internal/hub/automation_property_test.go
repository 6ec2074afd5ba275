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
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hubcap/internal/api"
	"hubcap/internal/asff"
	"hubcap/internal/iam"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

var mine = &iam.Principal{Account: "111122223333", Region: "us-east-1", ARN: "arn:aws:iam::111122223333:user/x"}

// keepRule creates a rule of CreateAutomationRule's input without name and description, and answers its ARN.
func keepRule(t testing.TB, h *Hub, p *iam.Principal, order int, criteria, fields string) string {
	t.Helper()
	in := new(api.CreateAutomationRuleInput)
	require.NoError(t, api.Decode(in, &api.Request{Body: fmt.Appendf(nil, `{"RuleName":"r","Description":"d","RuleOrder":%d,"Criteria":%s,
		"Actions":[{"Type":"FINDING_FIELDS_UPDATE","FindingFieldsUpdate":%s}]}`, order, criteria, fields)}))
	out, err := h.CreateAutomationRule(t.Context(), p, in)
	require.NoError(t, err)
	return *out.RuleArn
}

// What rules do inside an import is what a customer does who looks at the findings after it and makes the same edits, one after the
// other: the same documents, the same marks of what is the customer's, the same changes in the history.
func TestRulesAreACustomersEdits(t *testing.T) {
	criteria := []string{
		`"SeverityLabel":[{"Value":"HIGH","Comparison":"EQUALS"}]`, `"SeverityLabel":[{"Value":"LOW","Comparison":"NOT_EQUALS"}]`,
		`"Confidence":[{"Gte":30}]`, `"WorkflowStatus":[{"Value":"NEW","Comparison":"EQUALS"}]`,
		`"UserDefinedFields":[{"Key":"k","Value":"v","Comparison":"NOT_EQUALS"}]`, `"ComplianceStatus":[{"Value":"FAILED","Comparison":"EQUALS"}]`,
		`"UpdatedAt":[{"DateRange":{"Value":1,"Unit":"DAYS","Comparison":"WITHIN"}}]`, `"VerificationState":[{"Value":"UNKNOWN","Comparison":"EQUALS"}]`,
	}
	fields := []string{
		`"Confidence":40`, `"Criticality":3`, `"Severity":{"Label":"LOW"}`, `"Severity":{"Normalized":95}`, `"Types":["Effects/X"]`,
		`"UserDefinedFields":{"k":"v"}`, `"VerificationState":"TRUE_POSITIVE"`, `"Workflow":{"Status":"NOTIFIED"}`, `"Workflow":{"Status":"RESOLVED"}`,
		`"Severity":{"Product":2}`,
	}
	byName := func(s string) string {
		name, _, _ := strings.Cut(s, ":")
		return name
	}
	rapid.Check(t, func(r *rapid.T) {
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		clock := func() time.Time { return at }
		ruled, plain := openHub(t, newMemStore(), clock), openHub(t, newMemStore(), clock)
		type drawn struct{ criteria, fields string }
		var rules []drawn
		for i := range rapid.IntRange(1, 4).Draw(r, "rules") {
			d := drawn{
				"{" + strings.Join(rapid.SliceOfNDistinct(rapid.SampledFrom(criteria), 0, 2, byName).Draw(r, "criteria"), ",") + "}",
				"{" + strings.Join(rapid.SliceOfNDistinct(rapid.SampledFrom(fields), 1, 3, byName).Draw(r, "fields"), ",") + "}",
			}
			rules = append(rules, d)
			keepRule(t, ruled, mine, i+1, d.criteria, d.fields)
		}
		for range rapid.IntRange(1, 6).Draw(r, "steps") {
			at = at.Add(time.Duration(rapid.IntRange(1, 48).Draw(r, "hours")) * time.Hour)
			id := rapid.SampledFrom([]string{"a", "b"}).Draw(r, "id")
			body := []byte(importBody(t, mine, drawFinding(t, r, id, at.Add(-time.Duration(rapid.IntRange(0, 30).Draw(r, "late"))*time.Hour))))
			before := readAll(t, plain, operator)
			for _, h := range []*Hub{ruled, plain} {
				out, err := h.BatchImportFindings(t.Context(), mine, body)
				require.NoError(t, err)
				require.Zero(t, out.FailedCount)
			}
			// A stale import leaves everything as it was, and so does the customer then.
			if slices.EqualFunc(before, readAll(t, plain, operator), bytes.Equal) {
				continue
			}
			editAs(t, plain, id, at, func(matches func(string) bool) (edits []string) {
				for _, d := range rules {
					if matches(d.criteria) {
						edits = append(edits, d.fields)
					}
				}
				return edits
			})
		}
		require.Equal(t, texts(readAll(t, plain, operator)), texts(readAll(t, ruled, operator)))
		for _, id := range []string{"a", "b"} {
			require.Equal(t, changesOf(t, plain, id), changesOf(t, ruled, id))
		}
	})
}

// editAs makes the edits that choose names for a finding as it is now.
func editAs(t *testing.T, h *Hub, id string, now time.Time, choose func(matches func(criteria string) bool) []string) {
	t.Helper()
	var values asff.Reader
	var edits []string
	_, err := h.store.Get(t.Context(), keyOf(id), func(d *store.Doc) error {
		vs := values.Values(d.JSON)
		edits = choose(func(criteria string) bool {
			e, err := query.Compile([]byte(criteria), now, query.Options{AllowContains: true})
			require.NoError(t, err)
			return query.Match(&e, vs)
		})
		return nil
	})
	require.NoError(t, err)
	for _, fields := range edits {
		body := fmt.Appendf(nil, `{"FindingIdentifiers":[{"Id":%q,"ProductArn":%q}],%s`, id, keyOf(id).ProductArn, fields[1:])
		_, err := h.BatchUpdateFindings(t.Context(), mine, body)
		require.NoError(t, err)
	}
}

func keyOf(id string) store.Key {
	return store.Key{
		Account: mine.Account, Region: mine.Region, ID: id,
		ProductArn: "arn:aws:securityhub:us-east-1:" + mine.Account + ":product/" + mine.Account + "/default",
	}
}

func texts(docs [][]byte) (list []string) {
	for _, d := range docs {
		list = append(list, string(d))
	}
	return list
}

// changesOf is a finding's history without its identities, oldest first.
func changesOf(t *testing.T, h *Hub, id string) (list []string) {
	t.Helper()
	entries, err := h.store.History(t.Context(), store.HistoryQuery{Key: keyOf(id), Limit: 1000})
	require.NoError(t, err)
	for _, e := range slices.Backward(entries) {
		raw, err := json.Marshal(e.Updates)
		require.NoError(t, err)
		list = append(list, e.Time.String()+" "+e.Source+" "+string(raw))
	}
	return list
}

// A rule that was acknowledged acts on every import that begins after it, whichever process of the store it was given to; one that is
// being changed acts as it was or as it will be.
func TestRulesAndImportsAtOnce(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			const importers, editions = 3, 40
			s := open(t)
			h, other := openHub(t, s, fixed("2026-04-01T00:00:00Z")), openHub(t, s, fixed("2026-04-01T00:00:00Z"))
			arn := keepRule(t, other, mine, 1, `{"Title":[{"Value":"ti","Comparison":"PREFIX"}]}`, `{"Confidence":0}`)
			var asked, acknowledged atomic.Int32
			var all sync.WaitGroup
			all.Go(func() {
				for n := int32(1); n <= editions; n++ {
					asked.Store(n)
					kind := "FINDING_FIELDS_UPDATE"
					out, err := other.BatchUpdateAutomationRules(context.Background(), mine, &api.BatchUpdateAutomationRulesInput{
						UpdateAutomationRulesRequestItems: []api.UpdateAutomationRulesRequestItem{{RuleArn: arn, Actions: []api.AutomationRulesAction{{
							Type: &kind, FindingFieldsUpdate: &api.AutomationRulesFindingFieldsUpdate{Confidence: &n},
						}}}},
					})
					if err != nil || len(out.ProcessedAutomationRules) != 1 {
						t.Errorf("update: %v %v", out, err)
					}
					acknowledged.Store(n)
				}
			})
			for i := range importers {
				all.Go(func() {
					for n := 0; acknowledged.Load() < editions; n++ {
						id := fmt.Sprintf("%d-%d", i, n)
						least := acknowledged.Load()
						out, err := h.BatchImportFindings(context.Background(), mine, []byte(importBody(t, mine, `{"Id":"`+id+`"}`)))
						most := asked.Load()
						if err != nil || out.FailedCount != 0 {
							t.Errorf("import: %v %v", out, err)
							return
						}
						var f struct{ Confidence int32 }
						_, err = s.Get(context.Background(), keyOf(id), func(d *store.Doc) error { return json.Unmarshal(d.JSON, &f) })
						if err != nil || f.Confidence < least || f.Confidence > most {
							t.Errorf("finding %s has %d, the rule said %d to %d: %v", id, f.Confidence, least, most, err)
						}
					}
				})
			}
			all.Wait()
		})
	}
}

// Rules that are deleted and made again are not taken for those that were.
func TestRulesOfTheSameNumberAreOthers(t *testing.T) {
	h := openHub(t, newMemStore(), fixed("2026-04-01T00:00:00Z"))
	for n := range 4 {
		arn := keepRule(t, h, mine, 1, `{}`, fmt.Sprintf(`{"Confidence":%d}`, n))
		id := strconv.Itoa(n)
		_, err := h.BatchImportFindings(t.Context(), mine, []byte(importBody(t, mine, `{"Id":"`+id+`"}`)))
		require.NoError(t, err)
		_, err = h.store.Get(t.Context(), keyOf(id), func(d *store.Doc) error {
			require.Equal(t, id, member(t, d.JSON, "Confidence"))
			return nil
		})
		require.NoError(t, err)
		_, err = h.BatchDeleteAutomationRules(t.Context(), mine, &api.BatchDeleteAutomationRulesInput{AutomationRulesArns: []string{arn}})
		require.NoError(t, err)
	}
}

// An account and Region has room for 100 rules in the profile aws, for 1,000 in open (D37).
func TestRuleLimits(t *testing.T) {
	for profile, most := range map[Profile]int{Open: 1000, AWS: 100} {
		t.Run(profile.String(), func(t *testing.T) {
			h, err := New(t.Context(), Config{Store: newMemStore(), Clock: fixed("2026-04-01T00:00:00Z"), Profile: profile})
			require.NoError(t, err)
			if profile == AWS {
				_, err := h.EnableSecurityHub(t.Context(), mine, &api.EnableSecurityHubInput{})
				require.NoError(t, err)
			}
			var arns []string
			for n := range most {
				arns = append(arns, keepRule(t, h, mine, 1+n%10, `{"Title":[{"Value":"`+strconv.Itoa(n)+`","Comparison":"EQUALS"}]}`, `{"Confidence":1}`))
			}
			in := new(api.CreateAutomationRuleInput)
			require.NoError(t, api.Decode(in, &api.Request{Body: []byte(`{"RuleName":"r","Description":"d","RuleOrder":1,"Criteria":{},
				"Actions":[{"Type":"FINDING_FIELDS_UPDATE","FindingFieldsUpdate":{"Confidence":1}}]}`)}))
			_, err = h.CreateAutomationRule(t.Context(), mine, in)
			require.ErrorContains(t, err, fmt.Sprintf("LimitExceededException: Account 111122223333 has reached the limit of %d automation rules", most))
			_, err = h.BatchDeleteAutomationRules(t.Context(), mine, &api.BatchDeleteAutomationRulesInput{AutomationRulesArns: arns[:1]})
			require.NoError(t, err)
			_, err = h.CreateAutomationRule(t.Context(), mine, in)
			require.NoError(t, err)

			// Paging meets each of them once, in their order.
			var listed []api.AutomationRulesMetadata
			size := int32(37)
			list := &api.ListAutomationRulesInput{MaxResults: &size}
			for {
				out, err := h.ListAutomationRules(t.Context(), mine, list)
				require.NoError(t, err)
				listed = append(listed, out.AutomationRulesMetadata...)
				if list.NextToken = out.NextToken; out.NextToken == nil {
					break
				}
			}
			require.Len(t, listed, most)
			require.True(t, slices.IsSortedFunc(listed, func(a, b api.AutomationRulesMetadata) int { return int(*a.RuleOrder - *b.RuleOrder) }))
		})
	}
}

// A rule that would make a finding too large leaves it as it was merged; the import goes on, and the log has one line (D87).
func TestRuleThatCannotAct(t *testing.T) {
	var log bytes.Buffer
	h, err := New(t.Context(), Config{Store: newMemStore(), Clock: fixed("2026-04-01T00:00:00Z"), Log: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	var large []string
	for n := range 50 {
		large = append(large, fmt.Sprintf(`"k%d":%q`, n, strings.Repeat("x", 1000)))
	}
	arn := keepRule(t, h, mine, 1, `{}`, `{"UserDefinedFields":{`+strings.Join(large, ",")+`}}`)
	keepRule(t, h, mine, 2, `{}`, `{"Confidence":7}`)
	// Product fields of 50 times 2 KB, and resources with the rest: together just below the limit.
	var fields, resources []string
	for n := range 50 {
		fields = append(fields, fmt.Sprintf(`"f%d":%q`, n, strings.Repeat("y", 2000)))
	}
	for n := range 30 {
		var other []string
		for k := range 4 {
			other = append(other, fmt.Sprintf(`"o%d":%q`, k, strings.Repeat("z", 1000)))
		}
		resources = append(resources, fmt.Sprintf(`{"Type":"Other","Id":"r%d","Details":{"Other":{%s}}}`, n, strings.Join(other, ",")))
	}
	body := fmt.Sprintf(`{"Id":"%%s","ProductFields":{%s},"Resources":[%s]}`+"\n", strings.Join(fields, ","), strings.Join(resources, ","))
	out, err := h.BatchImportFindings(t.Context(), mine, []byte(importBody(t, mine, fmt.Sprintf(body, "a")+fmt.Sprintf(body, "b")+`{"Id":"c"}`)))
	require.NoError(t, err)
	require.Zero(t, out.FailedCount, out.FailedFindings)
	for id, has := range map[string]bool{"a": false, "b": false, "c": true} {
		_, err := h.store.Get(t.Context(), keyOf(id), func(d *store.Doc) error {
			require.Equal(t, has, bytes.Contains(d.JSON, []byte("UserDefinedFields")), id)
			require.Equal(t, "7", member(t, d.JSON, "Confidence"), "the rules after it have their turn")
			return nil
		})
		require.NoError(t, err)
	}
	require.Equal(t, 1, strings.Count(log.String(), "automation rules could not change findings"), log.String())
	require.Contains(t, log.String(), "findings=2 rule="+arn)
	require.Contains(t, log.String(), "FindingSizeExceeded")
}

// The rules of an administrator act on its members' findings, and the members' own then do not; without an administrator they do again
// (D37). That is so from the import after the membership changed.
func TestRulesOfAnAdministrator(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			h := openHub(t, open(t), fixed("2026-04-01T00:00:00Z"))
			administrator := &iam.Principal{Account: "444455556666", Region: mine.Region, ARN: "arn:aws:iam::444455556666:user/x"}
			keepRule(t, h, mine, 1, `{}`, `{"UserDefinedFields":{"by":"member"}}`)
			keepRule(t, h, administrator, 1, `{}`, `{"UserDefinedFields":{"by":"administrator"}}`)
			n := 0
			acted := func(p *iam.Principal) string {
				n++
				id := strconv.Itoa(n)
				out, err := h.BatchImportFindings(t.Context(), p, []byte(importBody(t, p, `{"Id":"`+id+`"}`)))
				require.NoError(t, err)
				require.Zero(t, out.FailedCount)
				key := keyOf(id)
				key.Account, key.ProductArn = p.Account, strings.ReplaceAll(key.ProductArn, mine.Account, p.Account)
				var by string
				_, err = h.store.Get(t.Context(), key, func(d *store.Doc) error {
					by = member(t, d.JSON, "UserDefinedFields.by")
					return nil
				})
				require.NoError(t, err)
				return by
			}
			require.Equal(t, "member", acted(mine))
			accounts := []api.AccountDetails{{AccountId: mine.Account}}
			_, err := h.CreateMembers(t.Context(), administrator, &api.CreateMembersInput{AccountDetails: accounts})
			require.NoError(t, err)
			_, err = h.InviteMembers(t.Context(), administrator, &api.InviteMembersInput{AccountIds: []string{mine.Account}})
			require.NoError(t, err)
			require.Equal(t, "member", acted(mine), "an invitation is no membership")
			invitations, err := h.ListInvitations(t.Context(), mine, &api.ListInvitationsInput{})
			require.NoError(t, err)
			_, err = h.AcceptAdministratorInvitation(t.Context(), mine, &api.AcceptAdministratorInvitationInput{
				AdministratorId: administrator.Account, InvitationId: *invitations.Invitations[0].InvitationId,
			})
			require.NoError(t, err)
			require.Equal(t, "administrator", acted(mine))
			require.Equal(t, "administrator", acted(administrator))
			elsewhere := &iam.Principal{Account: mine.Account, Region: "eu-west-1", ARN: mine.ARN}
			_, err = h.BatchImportFindings(t.Context(), elsewhere, []byte(importBody(t, elsewhere, `{"Id":"far"}`)))
			require.NoError(t, err)

			// The administrator tries its rule on all of them, and on nothing of another Region.
			out, err := h.TryAutomationRule(t.Context(), administrator, tryInput(t, `{"Rule":{"Criteria":{},"Actions":[{"Type":"FINDING_FIELDS_UPDATE",
				"FindingFieldsUpdate":{"UserDefinedFields":{"by":"administrator"}}}]}}`))
			require.NoError(t, err)
			require.Equal(t, []int64{4, 2}, []int64{out.Matching, out.WouldChange})

			_, err = h.DisassociateFromAdministratorAccount(t.Context(), mine, &api.DisassociateFromAdministratorAccountInput{})
			require.NoError(t, err)
			require.Equal(t, "member", acted(mine))
		})
	}
}

func tryInput(t *testing.T, body string) *TryAutomationRuleInput {
	t.Helper()
	in := new(TryAutomationRuleInput)
	require.NoError(t, api.Decode(in, &api.Request{Body: []byte(body)}))
	return in
}

// A try looks at no more than its time allows, and says so (D88).
func TestTryEnds(t *testing.T) {
	at := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	var step time.Duration
	h := openHub(t, newMemStore(), func() time.Time { at = at.Add(step); return at })
	var findings [][]byte
	for n := range 3 * tryClock {
		findings = append(findings, []byte(strings.TrimSuffix(strings.TrimPrefix(importBody(t, mine, fmt.Sprintf(`{"Id":"%d"}`, n)), `{"Findings":[`), "]}")))
	}
	require.Empty(t, importAll(t, h, mine, findings))
	in := tryInput(t, `{"Rule":{"Criteria":{},"Actions":[{"Type":"FINDING_FIELDS_UPDATE","FindingFieldsUpdate":{"Confidence":1}}]}}`)
	out, err := h.TryAutomationRule(t.Context(), mine, in)
	require.NoError(t, err)
	require.Equal(t, TryAutomationRuleOutput{Matching: 3 * tryClock, Examined: 3 * tryClock, WouldChange: 3 * tryClock, Complete: true, Samples: out.Samples}, *out)
	require.Len(t, out.Samples, maxTrySamples)
	step = maxTryTime * 3 / 4
	out, err = h.TryAutomationRule(t.Context(), mine, in)
	require.NoError(t, err)
	require.Equal(t, TryAutomationRuleOutput{Matching: 3 * tryClock, Examined: tryClock, WouldChange: tryClock, Samples: out.Samples}, *out)
}
