package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hubcap/internal/api"
	"hubcap/internal/asff"
	"hubcap/internal/iam"
	"hubcap/internal/store"
)

var jobCaller1 = &iam.Principal{Account: "111122223333", Region: "us-east-1", ARN: "arn:aws:iam::111122223333:user/ci"}

// importMany imports findings f0, f1, ... of jobCaller1.
func importMany(t *testing.T, h *Hub, n int) {
	t.Helper()
	for from := 0; from < n; from += asff.MaxFindings {
		var lines strings.Builder
		for i := from; i < min(n, from+asff.MaxFindings); i++ {
			fmt.Fprintf(&lines, `{"Id": "f%d"}`+"\n", i)
		}
		out, err := h.BatchImportFindings(t.Context(), jobCaller1, []byte(importBody(t, jobCaller1, lines.String())))
		require.NoError(t, err)
		require.Zero(t, out.FailedCount)
	}
}

func startJob(t *testing.T, h *Hub, where, parameters string) string {
	t.Helper()
	out, err := h.StartJob(t.Context(), jobCaller1, &StartJobInput{Kind: jobUpdateFindings, Where: &where, Parameters: api.RawJSON(parameters)})
	require.NoError(t, err)
	return out.Job.JobId
}

func jobNow(t *testing.T, h *Hub, id string) *Job {
	t.Helper()
	out, err := h.GetJob(t.Context(), jobCaller1, &JobInput{JobId: id})
	require.NoError(t, err)
	return out.Job
}

// inBackground runs jobs until the test ends.
func inBackground(t *testing.T, h *Hub) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		h.RunJobs(ctx)
		close(done)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
}

func untilOver(t *testing.T, h *Hub, id string) *Job {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		out, err := h.GetJob(t.Context(), jobCaller1, &JobInput{JobId: id})
		require.NoError(c, err)
		require.NotEmpty(c, out.Job.EndedAt)
	}, time.Minute, time.Millisecond)
	return jobNow(t, h, id)
}

func countWhere(t *testing.T, h *Hub, where string) int64 {
	t.Helper()
	out, err := h.CountFindings(t.Context(), jobCaller1, &CountFindingsInput{Where: &where})
	require.NoError(t, err)
	return out.Count
}

// Two jobs over the same findings, while imports go on: each changes every finding once.
func TestJobsOverlap(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			h, err := New(t.Context(), Config{Store: open(t), Clock: time.Now})
			require.NoError(t, err)
			h.jobs.piece, h.jobs.step = 20, 5
			importMany(t, h, 300)
			first := startJob(t, h, "Id startswith f", `{"Confidence": 5}`)
			second := startJob(t, h, "Id startswith f", `{"Criticality": 6}`)
			stop, imported := make(chan struct{}), make(chan struct{})
			var again []string
			for i := range 600 {
				again = append(again, importBody(t, jobCaller1, fmt.Sprintf(`{"Id": "f%d", "Title": "again", "UpdatedAt": "2026-01-01T00:00:%02dZ"}`, i%300, i/300)))
			}
			go func() {
				defer close(imported)
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
					}
					if _, err := h.BatchImportFindings(context.Background(), jobCaller1, []byte(again[i%len(again)])); err != nil {
						t.Error(err)
						return
					}
				}
			}()
			inBackground(t, h)
			for _, id := range []string{first, second} {
				j := untilOver(t, h, id)
				require.Equal(t, jobDone, j.Status)
				require.EqualValues(t, 300, j.Total)
				require.EqualValues(t, 300, j.Changed, "%+v", j)
			}
			close(stop)
			<-imported
			require.EqualValues(t, 300, countWhere(t, h, "Confidence = 5 and Criticality = 6"))
		})
	}
}

// A process works on a job only while it holds the lease. One that slept through it changes nothing when it wakes.
func TestJobLease(t *testing.T) {
	s := newMemStore()
	var now atomic.Int64
	clock := func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(now.Load())) }
	process := func(st store.Store) *Hub {
		h, err := New(t.Context(), Config{Store: st, Clock: clock, Shared: true})
		require.NoError(t, err)
		h.jobs.piece, h.jobs.step = 10, 5
		return h
	}
	asleep, wake := make(chan struct{}), make(chan struct{})
	sleeper := &mortal{Store: s, live: -1}
	sleeper.meets = sync.OnceFunc(func() {
		close(asleep)
		<-wake
	})
	first, second := process(s), process(s)
	importMany(t, first, 10)
	id := startJob(t, first, "all", `{"Confidence": 5}`)
	first.store = sleeper
	result := make(chan error, 1)
	go func() { result <- first.runJob(context.Background(), id) }()
	<-asleep
	require.ErrorIs(t, second.runJob(t.Context(), id), errLost, "the lease is held")
	now.Add(int64(jobLease + time.Second))
	require.NoError(t, second.runJob(t.Context(), id))
	close(wake)
	require.ErrorIs(t, <-result, errLost)
	j := jobNow(t, second, id)
	require.Equal(t, jobDone, j.Status)
	require.EqualValues(t, 10, j.Changed)
	require.EqualValues(t, 10, j.Done)
	for i := range 10 {
		var in api.GetFindingHistoryInput
		require.NoError(t, json.Unmarshal(fmt.Appendf(nil, `{"FindingIdentifier": {"Id": "f%d",
			"ProductArn": "arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default"}}`, i), &in))
		out, err := second.GetFindingHistory(t.Context(), jobCaller1, &in)
		require.NoError(t, err)
		require.Len(t, out.Records, 2, "the creation and one change")
	}
}

// A process that is alone on its store takes over at once what the one before it left, however long the lease still runs.
func TestJobsOfAProcessThatDied(t *testing.T) {
	s := newMemStore()
	dies := &mortal{Store: s, live: -1}
	h := openHub(t, s, fixed("2026-01-01T00:00:00Z"))
	importMany(t, h, 30)
	id := startJob(t, h, "all", `{"Confidence": 5}`)
	h.jobs.piece, h.jobs.step, h.store = 10, 5, dies
	dies.live = 9
	require.ErrorIs(t, h.runJob(t.Context(), id), errDied)
	j := jobNow(t, openHub(t, s, fixed("2026-01-01T00:00:00Z")), id)
	require.Equal(t, jobRunning, j.Status)

	next := openHub(t, s, fixed("2026-01-01T00:00:01Z"))
	inBackground(t, next)
	j = untilOver(t, next, id)
	require.Equal(t, jobDone, j.Status)
	require.EqualValues(t, 30, j.Changed)
	require.EqualValues(t, 30, countWhere(t, next, "Confidence = 5"))
}

// A job that ends in another way than by coming to its end keeps no list of keys either: cancelled after its process died, or failed.
func TestJobsThatEndEarlyKeepNoKeys(t *testing.T) {
	s := newMemStore()
	dies := &mortal{Store: s, live: -1}
	h := openHub(t, s, fixed("2026-01-01T00:00:00Z"))
	importMany(t, h, 30)
	id := startJob(t, h, "all", `{"Confidence": 5}`)
	h.jobs.piece, h.jobs.step, h.store = 10, 5, dies
	dies.live = 9
	require.ErrorIs(t, h.runJob(t.Context(), id), errDied)
	require.Contains(t, s.spools, recordJob+id+"/keys")
	next := openHub(t, s, fixed("2026-01-01T00:00:01Z"))
	_, err := next.CancelJob(t.Context(), jobCaller1, &JobInput{JobId: id})
	require.NoError(t, err)
	require.NoError(t, next.work(t.Context()))
	require.Equal(t, jobCancelled, jobNow(t, next, id).Status)
	require.NotContains(t, s.spools, recordJob+id+"/keys")

	fails := openHub(t, &faulty{Store: s, err: errors.New("the spool is gone")}, fixed("2026-01-01T00:00:01Z"))
	id = startJob(t, fails, "all", `{"Confidence": 6}`)
	for range jobTries {
		err := fails.runJob(t.Context(), id)
		require.Error(t, err)
		require.Contains(t, s.spools, recordJob+id+"/keys")
		fails.jobStopped(t.Context(), id, err)
	}
	require.Equal(t, jobFailed, jobNow(t, fails, id).Status)
	require.NotContains(t, s.spools, recordJob+id+"/keys")
}

// What is over goes after two weeks, or when there is too much of it; what it spooled goes with it, and an undo under way keeps what it needs.
func TestJobsExpire(t *testing.T) {
	s := newMemStore()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	h := openHub(t, s, func() time.Time { return now })
	importMany(t, h, 3)
	first := startJob(t, h, "all", `{"Confidence": 5}`)
	require.NoError(t, h.work(t.Context()))
	require.NotContains(t, s.spools, recordJob+first+"/keys", "the list of keys is needed no more")
	require.Contains(t, s.spools, recordJob+first+"/traces")

	now = now.Add(jobLife + time.Second)
	undo, err := h.UndoJob(t.Context(), jobCaller1, &JobInput{JobId: first})
	require.NoError(t, err)
	require.NoError(t, h.dropJobs(t.Context()))
	require.Contains(t, s.spools, recordJob+first+"/traces", "the undo needs it")
	require.NoError(t, h.work(t.Context()))
	require.EqualValues(t, 3, jobNow(t, h, undo.Job.JobId).Changed)
	require.NoError(t, h.dropJobs(t.Context()))
	_, err = h.GetJob(t.Context(), jobCaller1, &JobInput{JobId: first})
	require.ErrorContains(t, err, "is not found")
	require.NotContains(t, s.spools, recordJob+first+"/traces")

	for range mostKeptJobs + 5 {
		now = now.Add(time.Second)
		startJob(t, h, "none", `{"Confidence": 5}`)
		require.NoError(t, h.work(t.Context()))
	}
	require.NoError(t, h.dropJobs(t.Context()))
	list, err := h.ListJobs(t.Context(), jobCaller1, &ListJobsInput{})
	require.NoError(t, err)
	require.Len(t, list.Jobs, mostKeptJobs)
	require.Equal(t, *instant(now), list.Jobs[0].CreatedAt, "the newest stay")

	for range mostWaitingJobs {
		startJob(t, h, "none", `{"Confidence": 5}`)
	}
	where := "none"
	_, err = h.StartJob(t.Context(), jobCaller1, &StartJobInput{Kind: jobUpdateFindings, Where: &where, Parameters: api.RawJSON(`{"Confidence": 5}`)})
	require.ErrorContains(t, err, "jobs are under way or waiting")
}

// faulty is a store whose reads of spools fail.
type faulty struct {
	store.Store
	err error
}

func (f *faulty) Chunk(ctx context.Context, spool string, n uint64) ([]byte, bool, error) {
	if f.err != nil {
		return nil, false, f.err
	}
	return f.Store.Chunk(ctx, spool, n)
}

// A finding that cannot be written is counted; a job that meets trouble again and again has failed, and says so.
func TestJobsInTrouble(t *testing.T) {
	s := newMemStore()
	h := openHub(t, s, time.Now)
	h.jobs.look = time.Millisecond
	importMany(t, h, 10)
	s.fail = func(k store.Key) error {
		if k.ID == "f3" {
			return errors.New("a damaged block")
		}
		return nil
	}
	id := startJob(t, h, "all", `{"Confidence": 5}`)
	inBackground(t, h)
	j := untilOver(t, h, id)
	require.Equal(t, jobDone, j.Status)
	require.EqualValues(t, 9, j.Changed)
	require.EqualValues(t, 1, j.Failed)
	require.Equal(t, "InternalFailure", j.Failures[0].ErrorCode)
	require.Equal(t, "f3", j.Failures[0].FindingIdentifier.Id)

	broken := openHub(t, &faulty{Store: newMemStore(), err: errors.New("the spool is gone")}, time.Now)
	importMany(t, broken, 1)
	broken.jobs.look = time.Millisecond
	id = startJob(t, broken, "all", `{"Confidence": 6}`)
	inBackground(t, broken)
	j = untilOver(t, broken, id)
	require.Equal(t, jobFailed, j.Status)
	require.Contains(t, j.Message, "trouble")
}

// full is a store without room for some writes.
type full struct {
	store.Store
	writes atomic.Int32 // refused before there is room
}

func (f *full) Update(ctx context.Context, keys []store.Key, fn store.UpdateFunc) ([]error, error) {
	if f.writes.Add(-1) >= 0 {
		return nil, store.ErrNearlyFull
	}
	return f.Store.Update(ctx, keys, fn)
}

// A job waits while the disk is nearly full; it does not fail.
func TestJobsWaitForRoom(t *testing.T) {
	s := &full{Store: newMemStore()}
	h := openHub(t, s, time.Now)
	h.jobs.look = time.Millisecond
	importMany(t, h, 10)
	id := startJob(t, h, "all", `{"Confidence": 5}`)
	s.writes.Store(3 * jobTries)
	inBackground(t, h)
	j := untilOver(t, h, id)
	require.Equal(t, jobDone, j.Status)
	require.EqualValues(t, 10, j.Changed)
	require.Zero(t, j.Failed)
}

// A job that is cancelled stops after a piece; what it did stays and can be undone.
func TestJobCancelled(t *testing.T) {
	s := newMemStore()
	m := &mortal{Store: s, live: -1}
	h := openHub(t, s, fixed("2026-01-01T00:00:00Z"))
	importMany(t, h, 30)
	id := startJob(t, h, "all", `{"Confidence": 5}`)
	h.jobs.piece, h.jobs.step, h.store = 10, 10, m
	m.meets = sync.OnceFunc(func() {
		_, err := h.CancelJob(t.Context(), jobCaller1, &JobInput{JobId: id})
		require.NoError(t, err)
		_, err = h.UndoJob(t.Context(), jobCaller1, &JobInput{JobId: id})
		require.ErrorContains(t, err, "cancel it first")
	})
	require.NoError(t, h.runJob(t.Context(), id))
	j := jobNow(t, h, id)
	require.Equal(t, jobCancelled, j.Status)
	require.EqualValues(t, 10, j.Changed)
	require.EqualValues(t, 30, j.Total)
	_, err := h.UndoJob(t.Context(), jobCaller1, &JobInput{JobId: id})
	require.NoError(t, err)
	require.NoError(t, h.work(t.Context()))
	require.Zero(t, countWhere(t, h, "Confidence = 5"))
}

// A job is kept for two weeks and looked at again and again, so what a caller says in it is bounded.
func TestLongJobs(t *testing.T) {
	h := openHub(t, newMemStore(), fixed("2026-01-01T00:00:00Z"))
	start := func(in *StartJobInput) error {
		in.Kind = jobUpdateFindings
		_, err := h.StartJob(t.Context(), jobCaller1, in)
		return err
	}
	titled := func(size int) *string {
		where := "Title = " + strings.Repeat("t", size-len("Title = "))
		return &where
	}
	small := api.RawJSON(`{"Confidence":1}`)
	require.NoError(t, start(&StartJobInput{Where: titled(maxJobWhere), Parameters: small}))
	require.EqualError(t, start(&StartJobInput{Where: titled(maxJobWhere + 1), Parameters: small}),
		"InvalidInputException: Invalid parameter 'Where'. should NOT be longer than 262144 bytes.")
	filters := api.RawJSON(`{"Title":[{"Comparison":"EQUALS","Value":"` + strings.Repeat("t", maxJobWhere) + `"}]}`)
	require.EqualError(t, start(&StartJobInput{Filters: filters, Parameters: small}),
		"InvalidInputException: Invalid parameter 'Filters'. should NOT be longer than 262144 bytes.")
	padded := func(size int) api.RawJSON {
		return api.RawJSON(`{"Confidence":` + strings.Repeat(" ", size-len(`{"Confidence":1}`)) + `1}`)
	}
	all := "all"
	require.NoError(t, start(&StartJobInput{Where: &all, Parameters: padded(maxJobParameters)}))
	require.EqualError(t, start(&StartJobInput{Where: &all, Parameters: padded(maxJobParameters + 1)}),
		"InvalidInputException: Invalid parameter 'Parameters'. should NOT be longer than 524288 bytes.")
}

// However many jobs an account starts, one place is left for somebody else's.
func TestJobsOfOneAccountLeaveAPlace(t *testing.T) {
	e := newJobEngine(time.Now())
	for i := range jobWorkers - 1 {
		require.True(t, e.begin("of one "+strconv.Itoa(i), "111122223333"))
	}
	require.False(t, e.begin("one more", "111122223333"))
	require.False(t, e.begin("of one 0", "444455556666"), "runs already")
	require.True(t, e.begin("of another", "444455556666"))
	require.False(t, e.begin("of a third", "555566667777"), "all places are taken")
	e.over("of one 0", true)
	require.True(t, e.begin("one more", "111122223333"))
}
