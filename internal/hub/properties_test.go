package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hubcap/internal/api"
	"hubcap/internal/asff"
	"hubcap/internal/asff/asfftest"
	"hubcap/internal/iam"
	"hubcap/internal/store"
)

var operator = &iam.Principal{
	Account: "123456789012", Region: "us-east-1", ARN: "arn:aws:iam::123456789012:user/operator", Operator: true,
}

func openHub(t testing.TB, s store.Store, clock func() time.Time) *Hub {
	t.Helper()
	h, err := New(t.Context(), Config{Store: s, Clock: clock})
	require.NoError(t, err)
	return h
}

func fixed(text string) func() time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return func() time.Time { return at }
}

// batch is the request of these findings.
func batch(findings [][]byte) []byte {
	return append(append([]byte(`{"Findings":[`), bytes.Join(findings, []byte(","))...), "]}"...)
}

// importAll imports in batches and answers the failures by the finding's place.
func importAll(t testing.TB, h *Hub, p *iam.Principal, findings [][]byte) map[int]api.ImportFindingsError {
	t.Helper()
	failed := map[int]api.ImportFindingsError{}
	for from := 0; from < len(findings); from += asff.MaxFindings {
		part := findings[from:min(from+asff.MaxFindings, len(findings))]
		out, err := h.BatchImportFindings(t.Context(), p, batch(part))
		require.NoError(t, err)
		require.Equal(t, len(part), int(out.FailedCount+out.SuccessCount))
		require.Len(t, out.FailedFindings, int(out.FailedCount))
		at := 0
		for _, f := range out.FailedFindings {
			for idOf(t, part[at]) != f.Id {
				at++
			}
			failed[from+at] = f
			at++
		}
	}
	return failed
}

func idOf(t testing.TB, finding []byte) string {
	t.Helper()
	var f struct{ ID any }
	require.NoError(t, json.Unmarshal(finding, &f))
	id, _ := f.ID.(string)
	return id
}

// readAll pages through everything the caller sees, oldest id first, a few at a time.
func readAll(t testing.TB, h *Hub, p *iam.Principal) [][]byte {
	t.Helper()
	size := int32(37)
	field, order := "Id", "asc"
	in := &api.GetFindingsInput{MaxResults: &size, SortCriteria: []api.SortCriterion{{Field: &field, SortOrder: &order}}}
	var all [][]byte
	for {
		out, err := h.GetFindings(t.Context(), p, in)
		require.NoError(t, err)
		for _, f := range out.Findings {
			all = append(all, f)
		}
		if out.NextToken == nil {
			return all
		}
		require.NotEmpty(t, out.Findings)
		in.NextToken = out.NextToken
	}
}

// without reads a document less the members named.
func without(t testing.TB, doc []byte, names ...string) map[string]any {
	t.Helper()
	var m map[string]any
	require.NoError(t, json.Unmarshal(doc, &m))
	for _, n := range names {
		delete(m, n)
	}
	return m
}

// with sets a top-level string of a document.
func with(t testing.TB, doc []byte, name, value string) []byte {
	t.Helper()
	m := without(t, doc)
	m[name] = value
	raw, err := json.Marshal(m)
	require.NoError(t, err)
	return raw
}

// What GetFindings returned can be imported again: as news to the same hub, where it changes nothing but the instant, and into
// another hub. Where an attribute is not the same at the top and in FindingProviderFields (agreed is false), two rows of spec 1.5
// show: a hub that never heard of the finding takes the latter, and what stood at the top alone counts as the provider's word from
// then on.
func reimport(t testing.TB, open func() store.Store, h *Hub, agreed bool) {
	t.Helper()
	docs := readAll(t, h, operator)
	other := openHub(t, open(), fixed("2027-05-01T00:00:00Z"))
	require.Empty(t, importAll(t, other, operator, docs), "into another hub")
	again := readAll(t, other, operator)
	require.Len(t, again, len(docs))
	may := []string{"ProcessedAt"}
	if !agreed {
		may = append(may, "Confidence", "Criticality", "RelatedFindings", "Severity", "Types", "FindingProviderFields")
	}
	for i := range docs {
		require.Equal(t, without(t, docs[i], may...), without(t, again[i], may...))
	}
	later := make([][]byte, len(docs))
	for i := range docs {
		later[i] = with(t, docs[i], "UpdatedAt", "2027-06-01T00:00:00Z")
	}
	require.Empty(t, importAll(t, h, operator, later), "as news")
	news := readAll(t, h, operator)
	require.Len(t, news, len(docs))
	may = []string{"ProcessedAt", "UpdatedAt"}
	if !agreed {
		may = append(may, "FindingProviderFields")
	}
	for i := range docs {
		require.Equal(t, without(t, docs[i], may...), without(t, news[i], may...))
		require.Equal(t, "2027-06-01T00:00:00Z", member(t, news[i], "UpdatedAt"))
	}
}

func TestReimportOfSyntheticFindings(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			h := openHub(t, open(t), fixed("2026-04-01T00:00:00Z"))
			var findings [][]byte
			for n := range 150 {
				findings = append(findings, asfftest.Append(nil, "111122223333", "us-east-1", n, n%3))
			}
			require.Empty(t, importAll(t, h, operator, findings))
			require.Len(t, readAll(t, h, operator), 150)
			reimport(t, func() store.Store { return open(t) }, h, true)
		})
	}
}

// Findings as their producers published them, when they are at hand. The reasons for which some are refused are the format's.
func TestReimportOfPublishedFindings(t *testing.T) {
	files, err := filepath.Glob("../../../shared/data/asff/*.json")
	require.NoError(t, err)
	if len(files) == 0 {
		t.Skip("the published findings are not beside the project")
	}
	var findings [][]byte
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		var list []json.RawMessage
		require.NoError(t, json.Unmarshal(raw, &list))
		for _, f := range list {
			var arn struct{ ProductArn string }
			require.NoError(t, json.Unmarshal(f, &arn))
			if _, ok := parseProductARN(arn.ProductArn); ok { // else it refuses its whole batch
				findings = append(findings, f)
			}
		}
	}
	h := openHub(t, newMemStore(), fixed("2026-04-01T00:00:00Z"))
	failed := importAll(t, h, operator, findings)
	for _, f := range failed {
		require.Equal(t, "InvalidInput", f.ErrorCode, f.ErrorMessage)
	}
	require.Less(t, len(failed), len(findings)/10, "%d of %d refused", len(failed), len(findings))
	reimport(t, func() store.Store { return newMemStore() }, h, false)
}

// Whatever providers and customers do one after the other, what comes out can go in again.
func TestReimportAfterAnyHistory(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		h := openHub(t, newMemStore(), func() time.Time { return at })
		p := &iam.Principal{Account: "111122223333", Region: "us-east-1", ARN: "arn:aws:iam::111122223333:user/x"}
		for range rapid.IntRange(1, 8).Draw(r, "steps") {
			at = at.Add(time.Second)
			id := rapid.SampledFrom([]string{"a", "b"}).Draw(r, "id")
			if rapid.Bool().Draw(r, "edit") {
				_, err := h.BatchUpdateFindings(t.Context(), p, drawEdit(t, r, p, id))
				require.NoError(t, err)
				continue
			}
			line := drawFinding(t, r, id, at)
			out, err := h.BatchImportFindings(t.Context(), p, []byte(importBody(t, p, line)))
			require.NoError(t, err)
			require.Zero(t, out.FailedCount, "%s: %v", line, out.FailedFindings)
		}
		if len(readAll(t, h, operator)) > 0 {
			reimport(t, func() store.Store { return newMemStore() }, h, false)
		}
	})
}

func drawFinding(t *testing.T, r *rapid.T, id string, at time.Time) string {
	t.Helper()
	f := map[string]any{"Id": id, "UpdatedAt": at.Format(time.RFC3339)}
	severity := rapid.SampledFrom([]any{
		map[string]any{"Label": "LOW"},
		map[string]any{"Normalized": 71},
		map[string]any{"Label": "HIGH", "Original": "8.1"},
		map[string]any{"Normalized": 5, "Product": 3.5},
		map[string]any{"Label": "CRITICAL", "Normalized": 10},
	})
	for name, draw := range map[string]func() any{
		"Confidence":        func() any { return rapid.IntRange(0, 100).Draw(r, "confidence") },
		"Criticality":       func() any { return rapid.IntRange(0, 100).Draw(r, "criticality") },
		"Severity":          func() any { return severity.Draw(r, "severity") },
		"Note":              func() any { return map[string]any{"Text": "n", "UpdatedBy": "p", "UpdatedAt": "2026-01-01T00:00:00Z"} },
		"UserDefinedFields": func() any { return map[string]any{"k": "v"} },
		"RecordState":       func() any { return rapid.SampledFrom([]string{"ACTIVE", "ARCHIVED"}).Draw(r, "state") },
		"Compliance": func() any {
			return map[string]any{"Status": rapid.SampledFrom([]string{"PASSED", "FAILED"}).Draw(r, "status")}
		},
		"Workflow": func() any {
			return map[string]any{"Status": rapid.SampledFrom([]string{"NEW", "RESOLVED"}).Draw(r, "workflow")}
		},
		"ProductFields": func() any { return map[string]any{"aws/securityhub/FindingId": "mine", "a": "b"} },
		"Unheard":       func() any { return []any{1, "x", nil, map[string]any{"y": 1.5}} },
		"FindingProviderFields": func() any {
			return map[string]any{"Severity": severity.Draw(r, "provider severity"), "Types": []string{"TTPs/Discovery"}}
		},
	} {
		if rapid.Bool().Draw(r, name) {
			f[name] = draw()
		}
	}
	raw, err := json.Marshal(f)
	require.NoError(t, err)
	return string(raw)
}

func drawEdit(t *testing.T, r *rapid.T, p *iam.Principal, id string) []byte {
	t.Helper()
	edit := map[string]any{"FindingIdentifiers": []map[string]string{{
		"Id": id, "ProductArn": "arn:aws:securityhub:us-east-1:" + p.Account + ":product/" + p.Account + "/default",
	}}}
	for name, draw := range map[string]func() any{
		"Confidence": func() any { return rapid.IntRange(0, 100).Draw(r, "confidence") },
		"Severity": func() any {
			return map[string]any{"Label": rapid.SampledFrom([]string{"LOW", "HIGH"}).Draw(r, "label")}
		},
		"Types":             func() any { return []string{"Effects/Data Exposure"} },
		"Note":              func() any { return map[string]any{"Text": "t", "UpdatedBy": "u"} },
		"VerificationState": func() any { return "TRUE_POSITIVE" },
		"Workflow": func() any {
			return map[string]any{"Status": rapid.SampledFrom([]string{"NOTIFIED", "SUPPRESSED", "RESOLVED"}).Draw(r, "to")}
		},
		"UserDefinedFields": func() any { return map[string]any{"k2": "v2"} },
		"RelatedFindings": func() any {
			return []map[string]string{{"Id": "r", "ProductArn": "arn:aws:securityhub:us-east-1::product/aws/macie"}}
		},
	} {
		if rapid.Bool().Draw(r, name) {
			edit[name] = draw()
		}
	}
	raw, err := json.Marshal(edit)
	require.NoError(t, err)
	return raw
}

// Providers and a customer at the same findings at once: the newest news is there at the end, what the customer set stays, and
// each accepted change has one record.
func TestWritersAtOnce(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			const providers, rounds, findings = 4, 25, 5
			h := openHub(t, open(t), fixed("2026-04-01T00:00:00Z"))
			p := &iam.Principal{Account: "111122223333", Region: "us-east-1", ARN: "arn:aws:iam::111122223333:user/x"}
			body := func(version int) []byte {
				at := time.Date(2026, 1, 1, 0, 0, version, 0, time.UTC).Format(time.RFC3339)
				var lines strings.Builder
				for f := range findings {
					fmt.Fprintf(&lines, `{"Id": "f%d", "Title": "version %d", "UpdatedAt": %q}`+"\n", f, version, at)
				}
				return []byte(importBody(t, p, lines.String()))
			}
			_, err := h.BatchImportFindings(t.Context(), p, body(0))
			require.NoError(t, err)

			var all sync.WaitGroup
			for w := range providers {
				all.Go(func() {
					for n := range rounds {
						out, err := h.BatchImportFindings(context.Background(), p, body(1+n*providers+w))
						if err != nil || out.FailedCount != 0 {
							t.Errorf("import: %v %v", out, err)
						}
					}
				})
			}
			all.Go(func() {
				for n := range rounds {
					var ids []string
					for f := range findings {
						ids = append(ids, `{"Id":"f`+strconv.Itoa(f)+`","ProductArn":"arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default"}`)
					}
					edit := `{"FindingIdentifiers":[` + strings.Join(ids, ",") + `],"Confidence":` + strconv.Itoa(n+1) + `}`
					out, err := h.BatchUpdateFindings(context.Background(), p, []byte(edit))
					if err != nil || len(out.UnprocessedFindings) != 0 {
						t.Errorf("update: %v %v", out, err)
					}
				}
			})
			all.Wait()

			docs := readAll(t, h, p)
			require.Len(t, docs, findings)
			for f, doc := range docs {
				require.Equal(t, "version "+strconv.Itoa(providers*rounds), member(t, doc, "Title"))
				require.Equal(t, strconv.Itoa(rounds), member(t, doc, "Confidence"))
				checkChain(t, h, p, "f"+strconv.Itoa(f), rounds)
			}
		})
	}
}

// checkChain walks a finding's history: each change of a member begins where the one before ended, and all edits are there.
func checkChain(t *testing.T, h *Hub, p *iam.Principal, id string, edits int) {
	t.Helper()
	in := &api.GetFindingHistoryInput{FindingIdentifier: api.AwsSecurityFindingIdentifier{
		Id: id, ProductArn: "arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default",
	}}
	var records []api.FindingHistoryRecord
	for {
		out, err := h.GetFindingHistory(t.Context(), p, in)
		require.NoError(t, err)
		records = append(records, out.Records...)
		if out.NextToken == nil {
			break
		}
		in.NextToken = out.NextToken
	}
	require.True(t, *records[len(records)-1].FindingCreated)
	last := map[string]string{}
	for i := len(records) - 2; i >= 0; i-- {
		require.False(t, *records[i].FindingCreated)
		require.NotEmpty(t, records[i].Updates)
		for _, u := range records[i].Updates {
			if was, ok := last[*u.UpdatedField]; ok {
				require.Equal(t, was, text(u.OldValue), "%s of %s", *u.UpdatedField, id)
			}
			last[*u.UpdatedField] = text(u.NewValue)
			if *u.UpdatedField == "Confidence" {
				edits--
			}
		}
	}
	require.Zero(t, edits)
}

// What the engine answers for one finding, or for the whole call, in the API's words.
func TestEngineTrouble(t *testing.T) {
	p := &iam.Principal{Account: "111122223333", Region: "us-east-1", ARN: "arn:aws:iam::111122223333:user/x"}
	var log bytes.Buffer
	m := newMemStore()
	h, err := New(t.Context(), Config{Store: m, Clock: fixed("2026-01-01T00:00:00Z"), Log: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	body := []byte(importBody(t, p, `{"Id": "conflict"}`+"\n"+`{"Id": "good"}`+"\n"+`{"Id": "broken"}`))
	_, err = h.BatchImportFindings(t.Context(), p, body)
	require.NoError(t, err)

	m.fail = func(k store.Key) error {
		switch k.ID {
		case "conflict":
			return store.ErrConflict
		case "broken":
			return errors.New("no such luck")
		}
		return nil
	}
	body = bytes.ReplaceAll(body, []byte("2025-12-01"), []byte("2025-12-02"))
	out, err := h.BatchImportFindings(t.Context(), p, body)
	require.NoError(t, err)
	require.Equal(t, []api.ImportFindingsError{
		{Id: "conflict", ErrorCode: "ConcurrentUpdateError", ErrorMessage: "Concurrent finding updates detected"},
		{Id: "broken", ErrorCode: "InternalFailure", ErrorMessage: "Internal service failure"},
	}, out.FailedFindings)
	require.Equal(t, int32(1), out.SuccessCount)
	require.Regexp(t, `msg="findings could not be stored" findings=1 first="no such luck"\n$`, log.String())
	require.Equal(t, 1, strings.Count(log.String(), "\n"), "one line, however many findings")
	require.NotContains(t, answer(out, nil), "no such luck")

	const arn = `"ProductArn":"arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default"`
	edited, err := h.BatchUpdateFindings(t.Context(), p, []byte(`{"FindingIdentifiers":[{"Id":"conflict",`+arn+`},{"Id":"broken",`+arn+`},{"Id":"good",`+arn+`}],"Confidence":1}`))
	require.NoError(t, err)
	require.Len(t, edited.ProcessedFindings, 1)
	require.Equal(t, "ConcurrentUpdateError", edited.UnprocessedFindings[0].ErrorCode)
	require.Equal(t, "InternalFailure", edited.UnprocessedFindings[1].ErrorCode)

	for _, whole := range []error{store.ErrNearlyFull, fmt.Errorf("%w: 3 MB free in /data", store.ErrNearlyFull), store.ErrClosed} {
		m.refuse = whole
		_, err = h.BatchImportFindings(t.Context(), p, body)
		require.ErrorIs(t, err, whole, "it is for the edge to tell, without the store's directory")
		var known *api.Error
		require.NotErrorAs(t, err, &known)
	}
	m.refuse = errors.New("burnt")
	_, err = h.BatchImportFindings(t.Context(), p, body)
	require.EqualError(t, err, "burnt")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m.refuse = nil
	_, err = h.BatchImportFindings(ctx, p, body)
	require.ErrorIs(t, err, context.Canceled)
}

// An implicit hub is nowhere written down: reading makes no state, in neither profile (D52).
func TestReadingMakesNoState(t *testing.T) {
	p := &iam.Principal{Account: "111122223333", Region: "us-east-1", ARN: "arn:aws:iam::111122223333:user/x"}
	const ident = `{"Id":"a","ProductArn":"arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default"}`
	m := newMemStore()
	for profile, status := range map[Profile]int{Open: 0, AWS: 401} {
		h, err := New(t.Context(), Config{Store: m, Clock: fixed("2026-01-01T00:00:00Z"), Profile: profile})
		require.NoError(t, err)
		for name, body := range map[string]string{
			"DescribeHub": "", "GetFindings": "{}", "GetFindingHistory": `{"FindingIdentifier":` + ident + `}`, "DescribeProducts": "",
			"ListEnabledProductsForImport": "", "BatchUpdateFindings": `{"FindingIdentifiers":[` + ident + `],"Confidence":1}`,
			"GetInsights": "", "UpdateFindings": `{"Filters":{},"RecordState":"ACTIVE"}`,
		} {
			_, err := operations[name](h, t.Context(), p, &api.Request{Body: []byte(body)})
			if status == 0 {
				require.NoError(t, err, name)
				continue
			}
			known, ok := errors.AsType[*api.Error](err)
			require.True(t, ok, "%s: %v", name, err)
			require.Equal(t, status, known.Status, name)
		}
	}
	require.Empty(t, m.state[p.Account])
	require.Len(t, m.state[""], 2, "the store's own records are all")
	require.Empty(t, m.docs)
}

// The size limit counts what the provider sent, less what only the service writes (D14, D44).
func TestFindingSize(t *testing.T) {
	p := &iam.Principal{Account: "111122223333", Region: "us-east-1", ARN: "arn:aws:iam::111122223333:user/x"}
	h := openHub(t, newMemStore(), fixed("2026-01-01T00:00:00Z"))
	sized := func(id string, size int, service bool) []byte {
		over := map[string]any{"Id": id}
		if service {
			over["ProductFields"] = map[string]any{"aws/securityhub/FindingId": strings.Repeat("s", 2000)}
		}
		over["Padding"] = ""
		line, err := json.Marshal(over)
		require.NoError(t, err)
		body := []byte(importBody(t, p, string(line)))
		finding := body[len(`{"Findings":[`) : len(body)-len(`]}`)]
		pad := size - len(finding)
		return bytes.Replace(finding, []byte(`"Padding":""`), []byte(`"Padding":"`+strings.Repeat("p", pad)+`"`), 1)
	}
	atLimit := sized("at", asff.MaxFindingBytes, false)
	require.Len(t, atLimit, asff.MaxFindingBytes)
	out, err := h.BatchImportFindings(t.Context(), p, batch([][]byte{
		atLimit,
		sized("over", asff.MaxFindingBytes+1, false),
		sized("service", asff.MaxFindingBytes+1000, true),
		sized("beside", 2000, false),
	}))
	require.NoError(t, err)
	require.Equal(t, []api.ImportFindingsError{
		{Id: "over", ErrorCode: "FindingSizeExceeded", ErrorMessage: "Finding size exceeded 240 KB"},
	}, out.FailedFindings)
	require.Equal(t, int32(3), out.SuccessCount)

	_, err = h.BatchImportFindings(t.Context(), p, batch(repeated([]byte(`{}`), 101)))
	require.Equal(t, "400 InvalidInputException\nInvalid parameter 'Findings'. should NOT have more than 100 items.\n", answer[any](nil, err))
}

func repeated(f []byte, n int) [][]byte {
	list := make([][]byte, n)
	for i := range list {
		list[i] = f
	}
	return list
}

func TestNewAsksForWhatItNeeds(t *testing.T) {
	_, err := New(t.Context(), Config{})
	require.ErrorContains(t, err, "Config.Store and Config.Clock")
	_, err = New(t.Context(), Config{Store: newMemStore(), Clock: time.Now, Products: []Product{{}}})
	require.ErrorContains(t, err, "company and product")
	_, err = New(t.Context(), Config{Store: newMemStore(), Clock: time.Now, Rand: strings.NewReader("short")})
	require.ErrorContains(t, err, "page token key")
	for _, name := range []string{recordTokenKey, recordCreated} {
		m := newMemStore()
		openHub(t, m, time.Now)
		memTx{m}.Put("", name, []byte("spoilt"))
		_, err = New(t.Context(), Config{Store: m, Clock: time.Now})
		require.ErrorContains(t, err, name)
	}
	m := newMemStore()
	openHub(t, m, time.Now)
	m.refuse = store.ErrNearlyFull
	_, err = New(t.Context(), Config{Store: m, Clock: time.Now})
	require.NoError(t, err, "a hub starts where nothing can be written")
	m = newMemStore()
	m.refuse = store.ErrNearlyFull
	_, err = New(t.Context(), Config{Store: m, Clock: time.Now})
	require.ErrorIs(t, err, store.ErrNearlyFull, "but not for the first time")
	for _, name := range []string{"open", "aws"} {
		p, err := ParseProfile(name)
		require.NoError(t, err)
		require.Equal(t, name, p.String())
	}
	_, err = ParseProfile("strict")
	require.ErrorContains(t, err, "must be open or aws")
}

// Findings that go between being found and being changed are not found.
func TestFindingsThatVanish(t *testing.T) {
	p := &iam.Principal{Account: "111122223333", Region: "us-east-1", ARN: "arn:aws:iam::111122223333:user/x"}
	m := newMemStore()
	s := &racing{Store: m}
	h := openHub(t, s, fixed("2026-01-01T00:00:00Z"))
	id := api.AwsSecurityFindingIdentifier{Id: "a", ProductArn: "arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default"}
	out, err := h.BatchImportFindings(t.Context(), p, []byte(importBody(t, p, `{"Id": "a"}`)))
	require.NoError(t, err)
	require.Equal(t, int32(1), out.SuccessCount)
	s.between = func() { clear(m.docs) }
	edit := `{"FindingIdentifiers":[{"Id":"a","ProductArn":"` + id.ProductArn + `"}],"Confidence":1}`
	edited, err := h.BatchUpdateFindings(t.Context(), p, []byte(edit))
	require.NoError(t, err)
	require.Empty(t, edited.ProcessedFindings)
	require.Equal(t, []api.BatchUpdateFindingsUnprocessedFinding{
		{FindingIdentifier: id, ErrorCode: "FindingNotFound", ErrorMessage: "Finding Not Found"},
	}, edited.UnprocessedFindings)

	streams, err := h.openStreams(t.Context(), []store.Key{{Account: "111122223333", Region: "us-east-1", ProductArn: id.ProductArn, ID: "a"}}, nil, window{}, 10)
	require.NoError(t, err)
	require.Nil(t, newest(streams))
}

func TestHowManyIdentifiers(t *testing.T) {
	p := &iam.Principal{Account: "111122223333", Region: "us-east-1", ARN: "arn:aws:iam::111122223333:user/x"}
	h := openHub(t, newMemStore(), fixed("2026-01-01T00:00:00Z"))
	for n, want := range map[int]string{
		100: `{"ProcessedFindings":[],"UnprocessedFindings":[{"ErrorCode":"FindingNotFound"`,
		101: "400 InvalidInputException\nInvalid parameter 'FindingIdentifiers'. should NOT have more than 100 items.",
	} {
		ids := make([]string, n)
		for i := range ids {
			ids[i] = `{"Id":"` + strconv.Itoa(i) + `","ProductArn":"p"}`
		}
		got := answer(h.BatchUpdateFindings(t.Context(), p, []byte(`{"FindingIdentifiers":[`+strings.Join(ids, ",")+`],"Confidence":1}`)))
		require.True(t, strings.HasPrefix(got, want), got)
	}
}
