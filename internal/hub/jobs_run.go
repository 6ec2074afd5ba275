package hub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"hubcap/internal/asff"
	"hubcap/internal/iam"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

// How a job survives a crash at any moment, and loses or doubles nothing:
//
//	QUEUED     the record is written; nothing else is there
//	PREPARING  the keys of all findings that match go to the spool, a thousand a piece. A crash here begins again: nothing was changed
//	RUNNING    piece by piece, in the order of the spool:
//	             1. each finding is read and judged: does it still match, what would change; and the trace of that change (old values,
//	                the version it is made of, the instant of its history record) goes to the spool
//	             2. store.Update applies those whose version is still the trace's; the others are read and judged again
//	             3. the record tells the piece as done
//	           A crash between 1 and 3 finds the traces: a finding of the same version was not changed; one of another version was,
//	           if its history has the record that the trace tells.
//	DONE       the keys are dropped; the traces stay for undo. So it is with CANCELLED and FAILED
//
// Whoever works on a job holds a lease in its record, which it renews with each piece. Another process takes the job over when the
// lease has run out.

const (
	jobLease   = time.Minute
	jobWorkers = 4               // jobs under way at once; one place is always left for another account's
	jobLook    = 3 * time.Second // for jobs that others left, and after trouble
	jobTries   = 5               // in a row without progress, then a job has FAILED
	jobPiece   = 1000            // findings a piece: what is written, and told as progress, in one step
	jobStep    = 100             // findings an Update: what waits for their locks waits for no more
	jobRounds  = 20              // of the findings that others change while a job does
	longRest   = 100 * time.Millisecond
)

var (
	errLost  = errors.New("another process works on the job")
	errMoved = errors.New("the finding was changed since its trace was written")
)

// jobEngine is what a process knows of jobs beside their records.
type jobEngine struct {
	owner       string // of leases
	wake        chan struct{}
	piece, step int           // jobPiece and jobStep; less in tests
	look        time.Duration // jobLook

	mu      sync.Mutex
	last    time.Time         // the latest instant that was given to a round
	running map[string]string // job, account
	tries   map[string]int
	dropped time.Time // when expired jobs were last looked for
}

func newJobEngine(now time.Time) *jobEngine {
	return &jobEngine{
		owner: newUUID(now), wake: make(chan struct{}, 1), running: map[string]string{}, tries: map[string]int{},
		piece: jobPiece, step: jobStep, look: jobLook,
	}
}

// alarm tells the workers of a new job.
func (e *jobEngine) alarm() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// instant is the time of a round's changes: now, but later than that of every round before, so that a history record's time tells
// which round wrote it.
func (e *jobEngine) instant(now time.Time) time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !now.After(e.last) {
		now = e.last.Add(time.Millisecond)
	}
	e.last = now
	return now
}

// notBefore keeps later rounds from the instants of a process that was before this one.
func (e *jobEngine) notBefore(at time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if at.After(e.last) {
		e.last = at
	}
}

// RunJobs works on jobs until ctx ends: those that are started, and first of all those that an earlier process left. What is under way
// when it ends goes on with the next RunJobs.
func (h *Hub) RunJobs(ctx context.Context) {
	var under sync.WaitGroup
	defer under.Wait()
	look := time.NewTicker(h.jobs.look)
	defer look.Stop()
	for {
		if err := h.startDueJobs(ctx, &under); err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrClosed) {
			h.log.WarnContext(ctx, "jobs cannot be looked after; trying again", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-h.jobs.wake:
		case <-look.C:
		}
	}
}

func (h *Hub) startDueJobs(ctx context.Context, under *sync.WaitGroup) error {
	list, err := h.jobList(ctx)
	if err != nil {
		return err
	}
	now := h.now()
	for _, j := range list {
		if !h.due(j, now) || !h.jobs.begin(j.ID, j.Caller.Account) {
			continue
		}
		under.Go(func() {
			defer h.jobs.alarm() // there is room for the next
			err := h.runJobSafely(ctx, j.ID)
			h.jobs.over(j.ID, err == nil)
			if err != nil {
				h.jobStopped(ctx, j.ID, err)
			}
		})
	}
	if now.Sub(h.jobs.dropped) < time.Hour {
		return nil
	}
	h.jobs.dropped = now
	return h.dropJobs(ctx)
}

// runJobSafely makes an error of a panic: one finding that the hub stumbles over must not stop the hub, now and after each start.
func (h *Hub) runJobSafely(ctx context.Context, id string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("hub: panic: %v\n%s", p, debug.Stack())
		}
	}()
	return h.runJob(ctx, id)
}

// due tells whether a job waits for somebody to work on it.
func (h *Hub) due(j *jobRecord, now time.Time) bool {
	return !j.ended() && (j.Owner == "" || j.Owner == h.jobs.owner || !h.shared || now.After(j.Until))
}

func (e *jobEngine) begin(id, account string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.running[id]; ok || len(e.running) >= jobWorkers {
		return false
	}
	share := 1 // this one
	for _, whose := range e.running {
		if whose == account {
			share++
		}
	}
	if share == jobWorkers {
		return false
	}
	e.running[id] = account
	return true
}

func (e *jobEngine) over(id string, done bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.running, id)
	if done {
		delete(e.tries, id)
	}
}

// again counts a job that stopped in trouble, and tells whether it should be tried again.
func (e *jobEngine) again(id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tries[id]++
	return e.tries[id] < jobTries
}

func (e *jobEngine) progress(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.tries, id)
}

// jobStopped decides what becomes of a job that met trouble: it goes on later, or it has failed.
func (h *Hub) jobStopped(ctx context.Context, id string, err error) {
	if ctx.Err() != nil || errors.Is(err, errLost) || errors.Is(err, store.ErrClosed) || isNoJob(err) {
		return
	}
	h.log.ErrorContext(ctx, "a job met trouble", slog.String("job", id), slog.Any("error", err))
	if h.jobs.again(id) {
		return
	}
	j, err := h.changeJob(ctx, id, func(_ store.StateTx, j *jobRecord) error {
		if j.Owner != h.jobs.owner {
			return errLost
		}
		j.Error = "The hub met trouble of its own; its log tells more."
		j.end(jobFailed, h.now())
		return nil
	})
	if err == nil {
		err = h.store.DropSpool(ctx, j.keySpool())
	}
	if err != nil {
		h.log.ErrorContext(ctx, "a job's failure could not be recorded", slog.String("job", id), slog.Any("error", err))
		return
	}
	h.jobs.over(id, true)
}

// jobRun is one process working on one job.
type jobRun struct {
	h     *Hub
	j     *jobRecord
	p     *iam.Principal
	where *query.Expr // nil: every finding of the pieces is meant
	apply jobApply    // nil: an undo

	reader asff.Reader
	scope  store.Scope
	seen   uint64 // version of the store's own records at which the lease was still held
}

// runJob works on a job until it is over. An error leaves it for a later try.
func (h *Hub) runJob(ctx context.Context, id string) error {
	r := &jobRun{h: h}
	if err := r.claim(ctx, id); err != nil {
		return err
	}
	if r.j.ended() { // cancelled while nobody worked on it
		return h.store.DropSpool(ctx, r.j.keySpool())
	}
	r.p = r.j.Caller.principal()
	if r.j.Kind != jobUndo {
		if err := r.open(ctx); err != nil {
			return err
		}
	}
	for r.j.Next < r.j.Pieces && !r.j.ended() {
		err := r.patiently(ctx, func() error { return r.piece(ctx) })
		if err != nil {
			return err
		}
	}
	if !r.j.ended() {
		if err := r.tell(ctx, func(j *jobRecord) { j.end(jobDone, h.now()) }); err != nil {
			return err
		}
	}
	return h.store.DropSpool(ctx, r.j.keySpool())
}

// claim takes the lease.
func (r *jobRun) claim(ctx context.Context, id string) error {
	now := r.h.now()
	j, err := r.h.changeJob(ctx, id, func(_ store.StateTx, j *jobRecord) error {
		if j.ended() {
			return nil
		}
		if !r.h.due(j, now) {
			return errLost
		}
		if j.Started.IsZero() {
			j.Started = now
		}
		if j.Status == jobQueued {
			j.Status = jobPreparing
			if j.Kind == jobUndo {
				j.Status = jobRunning
			}
		}
		if j.Cancel {
			j.end(jobCancelled, now)
			return nil
		}
		j.Owner, j.Until = r.h.jobs.owner, now.Add(jobLease)
		return nil
	})
	r.j = j
	return err
}

// tell writes what became of the job, and renews the lease. A job that somebody wants cancelled ends here.
func (r *jobRun) tell(ctx context.Context, change func(j *jobRecord)) error {
	now := r.h.now()
	j, err := r.h.changeJob(ctx, r.j.ID, func(_ store.StateTx, j *jobRecord) error {
		if j.Owner != r.h.jobs.owner {
			return errLost
		}
		j.Until = now.Add(jobLease)
		change(j)
		if j.Cancel && !j.ended() {
			j.end(jobCancelled, now)
		}
		return nil
	})
	if err == nil {
		r.j = j
		r.h.jobs.progress(j.ID)
	}
	return err
}

// patiently tries again while the disk is nearly full: writes return by themselves.
func (r *jobRun) patiently(ctx context.Context, step func() error) error {
	for {
		err := step()
		if !errors.Is(err, store.ErrNearlyFull) {
			return err
		}
		if err := rest(ctx, r.h.jobs.look); err != nil {
			return err
		}
	}
}

// rest waits, or answers the context's error.
func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// open makes ready to change findings: the condition, the kind's work, and, once, the list of keys.
func (r *jobRun) open(ctx context.Context) error {
	kind, ok := jobKinds[r.j.Kind]
	if !ok {
		return errors.New("hub: no kind of job is called " + r.j.Kind)
	}
	where, err := query.Parse(r.j.Where)
	if err != nil {
		return err
	}
	r.where = &where
	if r.apply, err = kind.open(r.h, r.j); err != nil {
		return err
	}
	if r.j.Status == jobPreparing {
		return r.patiently(ctx, func() error { return r.prepare(ctx) })
	}
	return nil
}

// prepare lists the findings that match, once and for all.
func (r *jobRun) prepare(ctx context.Context) error {
	if err := r.h.store.DropSpool(ctx, r.j.keySpool()); err != nil { // of a process that did not come to the end of its list
		return err
	}
	keys := make([]store.Key, 0, r.h.jobs.piece)
	var pieces uint64
	var total int64
	put := func() error {
		raw, err := encodeKeys(keys)
		if err == nil {
			err = r.h.store.PutChunk(ctx, r.j.keySpool(), pieces, raw)
		}
		total += int64(len(keys))
		pieces++
		keys = keys[:0]
		if err == nil && r.h.now().After(r.j.Until.Add(-jobLease/2)) {
			err = r.tell(ctx, func(*jobRecord) {})
		}
		if err == nil && r.j.ended() {
			err = errCancelled
		}
		return err
	}
	reach, err := r.h.reach(ctx, r.p)
	if err != nil {
		return err
	}
	err = r.h.store.Walk(ctx, reach, r.where, func(doc *store.Doc) error {
		keys = append(keys, cloneKey(doc.Key))
		if len(keys) < r.h.jobs.piece {
			return nil
		}
		return put()
	})
	if err == nil && len(keys) > 0 {
		err = put()
	}
	switch {
	case errors.Is(err, errCancelled):
		return nil
	case err != nil:
		return err
	}
	return r.tell(ctx, func(j *jobRecord) { j.Status, j.Pieces, j.Total = jobRunning, pieces, total })
}

// errCancelled ends a walk whose job was cancelled.
var errCancelled = errors.New("cancelled")

// changing is a piece under way.
type changing struct {
	keys  []store.Key
	apply func(i int, doc *store.Doc, at time.Time) (store.Change, error)
	// before, if set, makes apply ready for a finding: apply may be asked of the version that it answers and of no other.
	before  func(ctx context.Context, i int) (uint64, error)
	traces  []traced // of the findings that were changed, and in a round of those about to be
	written int      // how many of them the spool has
	counts  jobRecord
	pending []int
	tries   trouble
}

// piece works through the next piece and tells it as done.
func (r *jobRun) piece(ctx context.Context) error {
	n := r.j.Next
	c := &changing{}
	if err := r.load(ctx, n, c); err != nil {
		return err
	}
	prior, err := r.h.readTraces(ctx, r.j.traceSpool(), n)
	if err != nil {
		return err
	}
	c.written = len(prior)
	done := make([]bool, len(c.keys))
	for i := range prior {
		t := &prior[i]
		if t.At < 0 || t.At >= len(c.keys) {
			continue
		}
		r.h.jobs.notBefore(time.UnixMilli(t.Time))
		applied, err := r.applied(ctx, t)
		if err != nil {
			return err
		}
		if applied {
			done[t.At] = true
			c.traces = append(c.traces, *t)
			c.counts.Changed++
		}
	}
	for i := range c.keys {
		if !done[i] {
			c.pending = append(c.pending, i)
		}
	}
	for round := 0; len(c.pending) > 0; round++ {
		if round == jobRounds {
			for _, i := range c.pending {
				c.counts.fail(failedConflict, c.keys[i])
			}
			break
		}
		if r.scope, err = r.h.reach(ctx, r.p); err != nil {
			return err
		}
		if err := r.round(ctx, n, c); err != nil {
			return err
		}
	}
	if c.written != len(c.traces) { // some were not applied after all: undo must not know them
		if err := r.h.writeTraces(ctx, r.j.traceSpool(), n, c.traces); err != nil {
			return err
		}
	}
	c.tries.log(ctx, r.h.log, "findings could not be changed by job "+r.j.ID)
	return r.tell(ctx, func(j *jobRecord) {
		j.Next = n + 1
		j.Done += int64(len(c.keys))
		j.Changed += c.counts.Changed
		j.Unchanged += c.counts.Unchanged
		j.NoLonger += c.counts.NoLonger
		j.merge(&c.counts)
		if j.Kind == jobUndo && j.Next == j.Pieces || j.Total < j.Done { // a job that failed had not told all that it changed
			j.Total = j.Done
		}
	})
}

// load reads the findings of a piece and what is to be done with each.
func (r *jobRun) load(ctx context.Context, n uint64, c *changing) error {
	if r.j.Kind == jobUndo {
		list, err := r.h.readTraces(ctx, recordJob+r.j.UndoOf+"/traces", n)
		if err != nil {
			return err
		}
		u := undoing{j: r.j, list: list, later: make([]map[string]bool, len(list))}
		for i := range list {
			c.keys = append(c.keys, list[i].Key)
		}
		c.apply = u.apply
		c.before = func(ctx context.Context, i int) (uint64, error) { return u.before(ctx, r.h, i) }
		return nil
	}
	raw, found, err := r.h.store.Chunk(ctx, r.j.keySpool(), n)
	if err == nil && !found {
		err = errors.New("hub: a piece of the job's findings is missing")
	}
	if err == nil {
		c.keys, err = decodeKeys(raw)
	}
	c.apply = func(_ int, doc *store.Doc, at time.Time) (store.Change, error) { return r.apply(doc, at) }
	return err
}

// applied tells whether the change of a trace was made before the process that wrote it ended.
func (r *jobRun) applied(ctx context.Context, t *traced) (bool, error) {
	var same, left bool
	found, err := r.h.store.Get(ctx, t.Key, func(doc *store.Doc) error {
		same = doc.Version == t.Version
		if t.Who != "" {
			return nil
		}
		trace, err := t.trace()
		if err == nil {
			left, err = trace.Left(&asff.Stored{Doc: doc.JSON, Customer: doc.Customer})
		}
		return err
	})
	if err != nil || !found || same {
		return false, err
	}
	if t.Who == "" {
		return left, nil
	}
	at := time.UnixMilli(t.Time).UTC()
	entries, err := r.h.store.History(ctx, store.HistoryQuery{Key: t.Key, From: at, To: at, Limit: maxPage})
	for i := range entries {
		if e := &entries[i]; e.Source == t.Source && e.Identity == t.Who {
			return true, err
		}
	}
	return false, err
}

// round judges the pending findings, writes the traces of those that will change, and changes them. What others changed in between is
// pending again.
func (r *jobRun) round(ctx context.Context, n uint64, c *changing) error {
	if r.h.now().After(r.j.Until.Add(-jobLease / 2)) {
		if err := r.tell(ctx, func(*jobRecord) {}); err != nil {
			return err
		}
	}
	at := r.h.jobs.instant(r.h.now())
	first := len(c.traces)
	moved := c.pending[:0]
	for _, i := range c.pending {
		switch err := r.judge(ctx, c, i, at); {
		case errors.Is(err, errMoved):
			moved = append(moved, i)
		case err != nil:
			return err
		}
	}
	c.pending = moved
	planned := c.traces[first:]
	if len(planned) == 0 {
		return nil
	}
	if err := r.h.writeTraces(ctx, r.j.traceSpool(), n, c.traces); err != nil {
		return err
	}
	c.written = len(c.traces)
	kept := c.traces[:first]
	for len(planned) > 0 {
		step := planned[:min(r.h.jobs.step, len(planned))]
		planned = planned[len(step):]
		before := r.h.clock()
		errs, err := r.change(ctx, c, step, at)
		if err != nil {
			return err
		}
		for k, err := range errs {
			switch why, refused := refusedEdit(err); {
			case errors.Is(err, errLost):
				return err
			case err == nil:
				c.counts.Changed++
				kept = append(kept, step[k])
			case errors.Is(err, errMoved), errors.Is(err, store.ErrConflict):
				c.pending = append(c.pending, step[k].At)
			case refused:
				c.counts.fail(why, step[k].Key)
			default:
				c.counts.fail(failedInternal, step[k].Key)
				c.tries.add(err)
			}
		}
		// Half as long again is everybody else's.
		if took := r.h.clock().Sub(before); took > 0 {
			if err := rest(ctx, min(took/2, longRest)); err != nil {
				return err
			}
		}
	}
	c.traces = kept
	return nil
}

// judge reads one finding and counts it, or plans its change.
func (r *jobRun) judge(ctx context.Context, c *changing, i int, at time.Time) error {
	key := c.keys[i]
	var version uint64
	if c.before != nil {
		var err error
		if version, err = c.before(ctx, i); err != nil {
			return err
		}
	}
	found, err := r.h.store.Get(ctx, key, func(doc *store.Doc) error {
		if c.before != nil && doc.Version != version {
			return errMoved
		}
		if !r.matches(doc) {
			c.counts.NoLonger++
			return nil
		}
		change, err := c.apply(i, doc, at)
		if why, ok := refusedEdit(err); ok {
			c.counts.fail(why, key)
			return nil
		}
		if err != nil {
			c.counts.fail(failedInternal, key)
			c.tries.add(err)
			return nil
		}
		if change.JSON == nil {
			c.counts.Unchanged++
			return nil
		}
		trace, err := asff.Touched(&asff.Stored{Doc: doc.JSON, Customer: doc.Customer}, change.JSON, change.Customer)
		if err != nil {
			return err
		}
		t := traced{At: i, Key: key, Version: doc.Version, Time: at.UnixMilli()}
		if len(change.History) > 0 {
			t.Source, t.Who = change.History[0].Source, change.History[0].Identity
		}
		t.setTrace(&trace)
		c.traces = append(c.traces, t)
		return nil
	})
	if err == nil && !found {
		c.counts.NoLonger++
	}
	return err
}

func (r *jobRun) matches(doc *store.Doc) bool {
	return r.scope.Allows(doc.Key) && (r.where == nil || query.Match(r.where, r.reader.Values(doc.JSON)))
}

// change applies planned changes to the findings that are still as they were judged.
func (r *jobRun) change(ctx context.Context, c *changing, step []traced, at time.Time) ([]error, error) {
	keys := make([]store.Key, len(step))
	for k := range step {
		keys[k] = step[k].Key
	}
	return r.h.store.Update(ctx, keys, func(k int, old *store.Doc, st store.StateView) (store.Change, error) {
		if err := r.mine(st); err != nil {
			return store.Change{}, err
		}
		if old == nil || old.Version != step[k].Version {
			return store.Change{}, errMoved
		}
		if reached, err := r.h.reaches(st, r.p, old.Key); err != nil {
			return store.Change{}, err
		} else if !reached { // a membership ended since
			return store.Change{}, errMoved
		}
		return c.apply(step[k].At, old, at)
	})
}

// mine holds a change against the lease in the same commit: a process that slept through its lease changes nothing any more.
func (r *jobRun) mine(st store.StateView) error {
	version := st.Version(jobAccount)
	if r.seen == version && version != 0 {
		return nil
	}
	j, err := readJob(st, r.j.ID)
	if err == nil && (j.Owner != r.h.jobs.owner || j.ended()) {
		err = errLost
	}
	if err == nil {
		r.seen = version
	}
	return err
}

// merge adds the failures of a piece.
func (j *jobRecord) merge(piece *jobRecord) {
	j.Failed += piece.Failed
	for _, f := range piece.Failures {
		known := false
		for i := range j.Failures {
			if o := &j.Failures[i]; o.Code == f.Code && o.Message == f.Message {
				o.Count += f.Count
				known = true
				break
			}
		}
		if !known && len(j.Failures) < mostFailures {
			j.Failures = append(j.Failures, f)
		}
	}
}
