package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hubcap/internal/api"
	"hubcap/internal/asff"
	"hubcap/internal/iam"
	"hubcap/internal/store"
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

// steps notes how many findings each Update names.
type steps struct {
	store.Store
	keys []int
}

func (s *steps) Update(ctx context.Context, keys []store.Key, fn store.UpdateFunc) ([]error, error) {
	s.keys = append(s.keys, len(keys))
	return s.Store.Update(ctx, keys, fn)
}

// UpdateFindings has no limit of a hundred.
func TestUpdateFindingsReachesEverything(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			const findings = 2*recordChunk + 50
			s := &steps{Store: open(t)}
			h := openHub(t, s, fixed("2026-01-01T00:00:00Z"))
			p := &iam.Principal{Account: "111122223333", Region: "us-east-1", ARN: "arn:aws:iam::111122223333:user/x"}
			for from := 0; from < findings; from += 50 {
				var lines strings.Builder
				for n := from; n < from+50; n++ {
					title := "even"
					if n%2 == 1 {
						title = "odd"
					}
					fmt.Fprintf(&lines, `{"Id": "f%d", "Title": %q}`+"\n", n, title)
				}
				out, err := h.BatchImportFindings(t.Context(), p, []byte(importBody(t, p, lines.String())))
				require.NoError(t, err)
				require.Zero(t, out.FailedCount)
			}
			s.keys = nil
			_, err := h.UpdateFindings(t.Context(), p, []byte(`{"Filters":{},"Note":{"Text":"all","UpdatedBy":"u"}}`))
			require.NoError(t, err)
			require.Equal(t, []int{recordChunk, recordChunk, 50}, s.keys, "no step is larger, however much matches")
			_, err = h.UpdateFindings(t.Context(), p, []byte(`{"Filters":{"Title":[{"Comparison":"EQUALS","Value":"odd"}]},"RecordState":"ARCHIVED"}`))
			require.NoError(t, err)
			docs := readAll(t, h, p)
			require.Len(t, docs, findings)
			for _, doc := range docs {
				want := map[string]string{"odd": "ARCHIVED", "even": "ACTIVE"}[member(t, doc, "Title")]
				require.Equal(t, want, member(t, doc, "RecordState"))
				require.Equal(t, "all", member(t, doc, "Note.Text"))
			}
		})
	}
}

// What stops matching, or goes, between being found and being changed is left alone.
func TestUpdateFindingsJudgesAgain(t *testing.T) {
	p := &iam.Principal{Account: "111122223333", Region: "us-east-1", ARN: "arn:aws:iam::111122223333:user/x"}
	m := newMemStore()
	s := &racing{Store: m}
	h := openHub(t, s, fixed("2026-01-01T00:00:00Z"))
	_, err := h.BatchImportFindings(t.Context(), p, []byte(importBody(t, p, `{"Id": "a"}`+"\n"+`{"Id": "b"}`+"\n"+`{"Id": "c"}`)))
	require.NoError(t, err)
	s.between = func() {
		edit := `{"FindingIdentifiers":[{"Id":"a","ProductArn":"` + ownProductARN + `"}],"Workflow":{"Status":"SUPPRESSED"}}`
		_, err := h.BatchUpdateFindings(t.Context(), p, []byte(edit))
		require.NoError(t, err)
		for id, d := range m.docs {
			if d.doc.Key.ID == "b" {
				delete(m.docs, id)
			}
		}
	}
	_, err = h.UpdateFindings(t.Context(), p, []byte(`{"Filters":{"WorkflowStatus":[{"Comparison":"EQUALS","Value":"NEW"}]},"RecordState":"ARCHIVED"}`))
	require.NoError(t, err)
	var told []string
	for _, doc := range readAll(t, h, p) {
		told = append(told, member(t, doc, "Id")+" "+member(t, doc, "RecordState"))
	}
	require.Equal(t, []string{"a ACTIVE", "c ARCHIVED"}, told)
}

// Where the engine fails, UpdateFindings goes on and says so at the end; asking again does the rest (D82).
func TestUpdateFindingsTrouble(t *testing.T) {
	p := &iam.Principal{Account: "111122223333", Region: "us-east-1", ARN: "arn:aws:iam::111122223333:user/x"}
	m := newMemStore()
	h := openHub(t, m, fixed("2026-01-01T00:00:00Z"))
	_, err := h.BatchImportFindings(t.Context(), p, []byte(importBody(t, p, `{"Id": "a"}`+"\n"+`{"Id": "b"}`+"\n"+`{"Id": "c"}`)))
	require.NoError(t, err)
	archive := []byte(`{"Filters":{},"RecordState":"ARCHIVED"}`)
	states := func() (all []string) {
		for _, doc := range readAll(t, h, p) {
			all = append(all, member(t, doc, "RecordState"))
		}
		return all
	}
	for _, whole := range []error{store.ErrNearlyFull, store.ErrClosed} {
		m.refuse = whole
		_, err = h.UpdateFindings(t.Context(), p, archive)
		require.ErrorIs(t, err, whole)
		require.Equal(t, []string{"ACTIVE", "ACTIVE", "ACTIVE"}, states())
	}
	m.refuse = nil
	m.fail = func(k store.Key) error {
		if k.ID == "b" {
			return store.ErrConflict
		}
		return nil
	}
	_, err = h.UpdateFindings(t.Context(), p, archive)
	require.ErrorIs(t, err, store.ErrConflict)
	var known *api.Error
	require.NotErrorAs(t, err, &known, "a 500 outside")
	require.Equal(t, []string{"ARCHIVED", "ACTIVE", "ARCHIVED"}, states())
	m.fail = nil
	_, err = h.UpdateFindings(t.Context(), p, archive)
	require.NoError(t, err)
	require.Equal(t, []string{"ARCHIVED", "ARCHIVED", "ARCHIVED"}, states())

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = h.UpdateFindings(ctx, p, archive)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, errors.New("x"), invalidEdit(errors.New("x")))
	require.EqualError(t, invalidEdit(&asff.EditError{Code: "InvalidInput", Message: "Invalid Input"}), "InvalidInputException: Invalid Input")
}

// A page of history has a hundred records unless fewer are asked for, and the pages hold each record once (spec 5.1).
func TestLongHistory(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			const edits = 230
			now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			h := openHub(t, open(t), func() time.Time { return now })
			p := &iam.Principal{Account: "111122223333", Region: "us-east-1", ARN: "arn:aws:iam::111122223333:user/x"}
			_, err := h.BatchImportFindings(t.Context(), p, []byte(importBody(t, p, `{"Id": "a"}`)))
			require.NoError(t, err)
			for n := range edits {
				if n%3 == 0 { // several changes of one millisecond
					now = now.Add(time.Millisecond)
				}
				edit := `{"FindingIdentifiers":[{"Id":"a","ProductArn":"` + ownProductARN + `"}],"UserDefinedFields":{"n":"` + strconv.Itoa(n) + `"}}`
				_, err := h.BatchUpdateFindings(t.Context(), p, []byte(edit))
				require.NoError(t, err)
			}
			in := &api.GetFindingHistoryInput{FindingIdentifier: api.AwsSecurityFindingIdentifier{Id: "a", ProductArn: ownProductARN}}
			var sizes []int
			n := edits
			for {
				out, err := h.GetFindingHistory(t.Context(), p, in)
				require.NoError(t, err)
				sizes = append(sizes, len(out.Records))
				for _, rec := range out.Records {
					if *rec.FindingCreated {
						require.Zero(t, n)
						continue
					}
					n--
					require.Equal(t, `{"n":"`+strconv.Itoa(n)+`"}`, *rec.Updates[0].NewValue)
				}
				if in.NextToken = out.NextToken; in.NextToken == nil {
					break
				}
				// What happens meanwhile is newer than every page to come.
				edit := `{"FindingIdentifiers":[{"Id":"a","ProductArn":"` + ownProductARN + `"}],"Confidence":` + strconv.Itoa(len(sizes)) + `}`
				_, err = h.BatchUpdateFindings(t.Context(), p, []byte(edit))
				require.NoError(t, err)
			}
			require.Equal(t, []int{100, 100, 31}, sizes)
		})
	}
}
