package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/store"
)

func init() {
	operations["StartJob"] = operation((*Hub).StartJob)
	operations["GetJob"] = operation((*Hub).GetJob)
	operations["ListJobs"] = operation((*Hub).ListJobs)
	operations["CancelJob"] = operation((*Hub).CancelJob)
	operations["UndoJob"] = operation((*Hub).UndoJob)
	operations["SearchFindings"] = operation((*Hub).SearchFindings)
	operations["CountFindings"] = operation((*Hub).CountFindings)
	operations["GroupFindings"] = operation((*Hub).GroupFindings)
	operations["GroupFindingsQuery"] = operation((*Hub).GroupFindingsQuery)
	operations["ListProducers"] = operation((*Hub).ListProducers)
	operations["ListRejectedFindings"] = operation((*Hub).ListRejectedFindings)
	operations["GetImportRates"] = operation((*Hub).GetImportRates)
	operations["GetFindingSeries"] = operation((*Hub).GetFindingSeries)
	operations["ExplainFindings"] = operation((*Hub).ExplainFindings)
	operations["ExportFindings"] = func(h *Hub, ctx context.Context, p *iam.Principal, r *api.Request) (any, error) {
		var in ExportFindingsInput
		if err := api.Decode(&in, r); err != nil {
			return nil, err
		}
		var out strings.Builder
		err := h.ExportFindings(ctx, p, &in, &out)
		return map[string]int{"lines": strings.Count(out.String(), "\n")}, err
	}
}

// work runs every job that is due, one after the other, as RunJobs does in the background.
func (h *Hub) work(ctx context.Context) error {
	list, err := h.jobList(ctx)
	for _, j := range list {
		if err == nil && h.due(j, h.now()) {
			err = h.runJob(ctx, j.ID)
		}
	}
	return err
}

// mortal is a store whose process dies: of its writes only the first live are made; the one after them is made or not, and from
// then on every call fails.
type mortal struct {
	store.Store
	live  int  // writes to go; negative: it never dies
	last  bool // the write that it dies in is made
	dead  bool
	meets func() // called before each Update: somebody else's moment
}

var errDied = errors.New("the process died")

func (m *mortal) write(do func() error) error {
	if m.dead {
		return errDied
	}
	if m.live == 0 {
		m.dead = true
		if m.last {
			_ = do()
		}
		return errDied
	}
	m.live--
	return do()
}

func (m *mortal) Update(ctx context.Context, keys []store.Key, fn store.UpdateFunc) (errs []error, err error) {
	if m.meets != nil && !m.dead {
		m.meets()
	}
	err = m.write(func() (err error) {
		errs, err = m.Store.Update(ctx, keys, fn)
		return err
	})
	if err != nil {
		return nil, err
	}
	return errs, nil
}

func (m *mortal) State(ctx context.Context, accounts []string, fn func(store.StateTx) error) error {
	return m.write(func() error { return m.Store.State(ctx, accounts, fn) })
}

func (m *mortal) PutChunk(ctx context.Context, spool string, n uint64, chunk []byte) error {
	return m.write(func() error { return m.Store.PutChunk(ctx, spool, n, chunk) })
}

func (m *mortal) DropSpool(ctx context.Context, spool string) error {
	return m.write(func() error { return m.Store.DropSpool(ctx, spool) })
}

// jobWorld is a store with findings, and processes that come and go.
type jobWorld struct {
	t     *rapid.T
	tb    testing.TB
	store store.Store
	now   time.Time
	n     int // findings: f0, f1, ...
	other int // notes that the other writer left

	ci, writer *iam.Principal // of the same account
}

func (w *jobWorld) clock() time.Time {
	w.now = w.now.Add(time.Millisecond)
	return w.now
}

// process starts a hub that does jobs in small pieces.
func (w *jobWorld) process(s store.Store) *Hub {
	h, err := New(context.Background(), Config{Store: s, Clock: w.clock})
	require.NoError(w.t, err)
	h.jobs.piece, h.jobs.step = 4, 2
	return h
}

func (w *jobWorld) ident(i int) string {
	return fmt.Sprintf(`{"Id": "f%d", "ProductArn": "arn:aws:securityhub:us-east-1:%s:product/%s/default"}`, i, w.ci.Account, w.ci.Account)
}

// meddle is the other writer: it suppresses a finding, notes something, or only confirms what is there.
func (w *jobWorld) meddle(h *Hub) {
	i := rapid.IntRange(0, w.n-1).Draw(w.t, "which")
	edit := ""
	switch rapid.IntRange(0, 3).Draw(w.t, "what") {
	case 0:
		edit = `"Workflow": {"Status": "SUPPRESSED"}`
	case 1:
		w.other++
		edit = `"Note": {"Text": "other ` + strconv.Itoa(w.other) + `", "UpdatedBy": "other"}`
	case 2:
		edit = `"Criticality": ` + strconv.Itoa(rapid.IntRange(0, 9).Draw(w.t, "criticality"))
	case 3:
		edit = `"Workflow": {"Status": "RESOLVED"}` // what the job wants too
	}
	_, err := h.BatchUpdateFindings(context.Background(), w.writer, []byte(`{"FindingIdentifiers": [`+w.ident(i)+`], `+edit+`}`))
	require.NoError(w.t, err)
}

// untilDone lets processes come and die until the job is over.
func (w *jobWorld) untilDone(id string, calm bool) *jobRecord {
	for try := 0; ; try++ {
		require.Less(w.t, try, 500, "the job comes to no end")
		m := &mortal{Store: w.store, live: -1}
		if try < 8 && rapid.Bool().Draw(w.t, "mortal") {
			m.live, m.last = rapid.IntRange(0, 25).Draw(w.t, "lives"), rapid.Bool().Draw(w.t, "last")
		}
		direct := w.process(w.store)
		if !calm {
			m.meets = func() {
				if rapid.IntRange(0, 2).Draw(w.t, "meddles") == 0 {
					w.meddle(direct)
				}
			}
		}
		h := w.process(w.store)
		h.store = m
		err := h.runJob(context.Background(), id)
		if err == nil {
			break
		}
		require.ErrorIs(w.t, err, errDied)
		if !calm && rapid.Bool().Draw(w.t, "between") {
			w.meddle(direct)
		}
	}
	var j *jobRecord
	require.NoError(w.t, w.store.View(context.Background(), func(st store.StateView) (err error) {
		j, err = readJob(st, id)
		return err
	}))
	return j
}

// past is what a finding's history tells, oldest first.
func (w *jobWorld) past(i int) (list []api.FindingHistoryRecord) {
	h := w.process(w.store)
	var in api.GetFindingHistoryInput
	require.NoError(w.t, json.Unmarshal([]byte(`{"FindingIdentifier": `+w.ident(i)+`}`), &in))
	out, err := h.GetFindingHistory(context.Background(), w.ci, &in)
	require.NoError(w.t, err)
	require.Nil(w.t, out.NextToken)
	list = out.Records
	slices.Reverse(list)
	return list
}

// members reads what a finding is now.
func (w *jobWorld) members(i int) map[string]string {
	h := w.process(w.store)
	var out map[string]string
	where := "Id = f" + strconv.Itoa(i)
	page, err := h.SearchFindings(context.Background(), w.ci, &SearchFindingsInput{Where: &where})
	require.NoError(w.t, err)
	require.Len(w.t, page.Findings, 1)
	var f struct {
		Workflow struct{ Status string }
		Note     *struct{ Text string }
		Criticality,
		Confidence *int
	}
	require.NoError(w.t, json.Unmarshal(page.Findings[0], &f))
	out = map[string]string{"Workflow.Status": f.Workflow.Status}
	if f.Note != nil {
		out["Note.Text"] = f.Note.Text
	}
	if f.Confidence != nil {
		out["Confidence"] = strconv.Itoa(*f.Confidence)
	}
	return out
}

func said(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// TestJobsAndCrashes runs a job and its undo while processes die at any of their writes and somebody else changes findings before, between
// and after: each finding that matched is changed exactly once or told why not, the counts are right, and undo takes back
// what nobody changed since.
func TestJobsAndCrashes(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			s, worlds := open(t), 0
			rapid.Check(t, func(rt *rapid.T) {
				worlds++ // each has an account of its own
				account := fmt.Sprintf("%012d", worlds)
				w := &jobWorld{
					t: rt, tb: t, store: s, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
					ci:     &iam.Principal{Account: account, Region: "us-east-1", ARN: "arn:aws:iam::" + account + ":user/ci"},
					writer: &iam.Principal{Account: account, Region: "us-east-1", ARN: "arn:aws:iam::" + account + ":user/other"},
				}
				w.n = rapid.IntRange(1, 25).Draw(rt, "findings")
				h := w.process(w.store)
				var lines strings.Builder
				matching := 0
				for i := range w.n {
					label := "LOW"
					if rapid.IntRange(0, 3).Draw(rt, "severity") > 0 {
						label = "HIGH"
						matching++
					}
					fmt.Fprintf(&lines, `{"Id": "f%d", "Severity": {"Label": %q}}`+"\n", i, label)
				}
				_, err := h.BatchImportFindings(context.Background(), w.ci, []byte(importBody(t, w.ci, lines.String())))
				require.NoError(rt, err)

				where := "SeverityLabel = HIGH and WorkflowStatus = NEW"
				parameters := api.RawJSON(`{"Workflow": {"Status": "RESOLVED"}, "Note": {"Text": "bulk", "UpdatedBy": "ci"}, "Confidence": 5}`)
				out, err := h.StartJob(context.Background(), w.ci, &StartJobInput{Kind: jobUpdateFindings, Where: &where, Parameters: parameters})
				require.NoError(rt, err)
				j := w.untilDone(out.Job.JobId, false)
				require.Equal(rt, jobDone, j.Status)
				require.LessOrEqual(rt, j.Total, int64(matching))
				require.Equal(rt, j.Total, j.Done)
				require.Equal(rt, j.Done, j.Changed+j.Unchanged+j.NoLonger+j.Failed)
				require.Zero(rt, j.Failed, "%v", j.Failures)

				changed := map[int]int{} // finding -> place of the job's record in its history
				for i := range w.n {
					status := "NEW"
					for at, rec := range w.past(i) {
						if said(rec.UpdateSource.Identity) == w.ci.ARN {
							require.NotContains(rt, changed, i, "f%d was changed twice", i)
							require.Equal(rt, "NEW", status, "f%d did not match when it was changed", i)
							changed[i] = at
						}
						for _, u := range rec.Updates {
							if said(u.UpdatedField) == "Workflow.Status" {
								status = said(u.NewValue)
							}
						}
					}
				}
				require.Len(rt, changed, int(j.Changed))
				require.Equal(rt, j.Total-j.Changed, j.NoLonger+j.Unchanged)

				// Somebody goes on working, and then it is all undone.
				for range rapid.IntRange(0, 5).Draw(rt, "after") {
					w.meddle(h)
				}
				want := map[int]map[string]string{}
				for i := range w.n {
					want[i] = w.members(i)
					at, ok := changed[i]
					if !ok {
						continue
					}
					past := w.past(i)
					since := map[string]bool{}
					for _, rec := range past[at+1:] {
						for _, u := range rec.Updates {
							member, _, _ := strings.Cut(said(u.UpdatedField), ".")
							since[member] = true
						}
					}
					for _, u := range past[at].Updates {
						field := said(u.UpdatedField)
						member, _, _ := strings.Cut(field, ".")
						if _, tracked := map[string]bool{"Workflow.Status": true, "Note.Text": true, "Confidence": true}[field]; !tracked || since[member] {
							continue
						}
						if u.OldValue == nil {
							delete(want[i], field)
						} else {
							want[i][field] = *u.OldValue
						}
					}
				}
				undo, err := h.UndoJob(context.Background(), w.ci, &JobInput{JobId: j.ID})
				require.NoError(rt, err)
				u := w.untilDone(undo.Job.JobId, true)
				require.Equal(rt, jobDone, u.Status)
				require.Equal(rt, j.Changed, u.Total)
				require.Equal(rt, u.Total, u.Changed+u.Unchanged)
				for i := range w.n {
					require.Equal(rt, want[i], w.members(i), "f%d", i)
				}
			})
		})
	}
}
