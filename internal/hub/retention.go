package hub

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"hubcap/internal/asff"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

// Retention says for how long findings are kept, counted from the later of UpdatedAt and ProcessedAt (D13). Zero is for good, in
// each member.
type Retention struct {
	Active   time.Duration // findings that are not archived are deleted, with their history
	Archived time.Duration // archived ones are
	Archive  time.Duration // findings that are not archived become so (D77)
}

// RetentionOf is a profile's own: AWS keeps active findings 90 days and archived ones 30 (spec 5.2), a hub of one's own everything.
func RetentionOf(p Profile) Retention {
	if p == AWS {
		return Retention{Active: 90 * day, Archived: 30 * day}
	}
	return Retention{}
}

const day = 24 * time.Hour

// Check refuses what contradicts itself: a finding that is archived so late that it is deleted at once.
func (r Retention) Check() error {
	switch {
	case r.Active < 0 || r.Archived < 0 || r.Archive < 0:
		return errors.New("nothing is kept for less than no time")
	case r.Archive > 0 && r.Archived > 0 && r.Archive >= r.Archived:
		return fmt.Errorf("findings archived after %d days are deleted after %d: both count from the last update, so the second must be greater",
			r.Archive/day, r.Archived/day)
	case r.Archive > 0 && r.Active > 0 && r.Archive >= r.Active:
		return fmt.Errorf("active findings are deleted after %d days, so none is archived after %d", r.Active/day, r.Archive/day)
	}
	return nil
}

// Pace is how a sweep makes room for others.
type Pace struct {
	Batch int // findings looked at in one step; 0: 40, which hold nobody up for long
	// Rest is called after every step, with the time that the step took, and returns when the next may begin; nil: at once. Its
	// error, when it gives up waiting, ends the sweep.
	Rest func(ctx context.Context, took time.Duration) error
}

// SweepReport tells what a sweep did.
type SweepReport struct {
	Expired  int // findings deleted
	Archived int // findings that became archived
	Failed   int // findings that should have been, and could not; the next sweep tries again
}

// Sweep goes once over what is kept longer than it should be: findings past their retention, and records of history that are no
// longer told (D33). It goes in small steps, each a page of findings in the order of their UpdatedAt and one commit; it holds nothing
// between steps, judges every finding anew inside its commit, and may be broken off at any time. When it fails, the report tells of
// what was done. Of several processes that serve one store one sweeps at a time: a call of another does nothing.
func (h *Hub) Sweep(ctx context.Context, pace Pace) (SweepReport, error) {
	if pace.Batch <= 0 {
		pace.Batch = 40
	}
	s := sweep{h: h, pace: pace, now: h.now()}
	if mine, err := s.lease(ctx); err != nil || !mine {
		return s.report, err
	}
	err := s.steps(ctx)
	return s.report, errors.Join(err, s.release(ctx))
}

func (s *sweep) steps(ctx context.Context) error {
	h := s.h
	archived := query.Expr{Op: query.Is, Cond: query.Cond{Field: asff.FieldRecordState, Cmp: query.Equals, Text: stateArchived}}
	active := query.Expr{Op: query.Not, Args: []query.Expr{archived}}
	for _, step := range [...]struct {
		where  query.Expr
		age    time.Duration
		become store.UpdateFunc
		count  *int
	}{
		{archived, h.retention.Archived, s.expireArchived, &s.report.Expired},
		{active, h.retention.Active, s.expireActive, &s.report.Expired},
		{active, h.retention.Archive, s.archive, &s.report.Archived},
	} {
		if step.age == 0 {
			continue
		}
		if err := s.findings(ctx, step.where, s.now.Add(-step.age), step.become, step.count); err != nil {
			return err
		}
	}
	return s.history(ctx)
}

// sweepLease is for how long a process has the sweep for itself; it renews that when half of it is over.
const sweepLease = 2 * time.Minute

// sweepRecord says who sweeps.
type sweepRecord struct {
	Owner string    `json:"owner"`
	Until time.Time `json:"until"`
}

func sweepRecordOf(st store.StateView) (rec sweepRecord, err error) {
	if _, there := st.Get(jobAccount, recordSweep); there {
		err = readRecord(st, jobAccount, recordSweep, &rec)
	}
	return rec, err
}

// lease takes or renews the right to sweep, where several processes serve one store; false: another one has it.
func (s *sweep) lease(ctx context.Context) (mine bool, err error) {
	now := s.h.now()
	if !s.h.shared || s.until.Sub(now) > sweepLease/2 {
		return true, nil
	}
	err = s.h.store.State(ctx, []string{jobAccount}, func(tx store.StateTx) error {
		rec, err := sweepRecordOf(tx)
		if err != nil {
			return err
		}
		if mine = rec.Owner == "" || rec.Owner == s.h.jobs.owner || now.After(rec.Until); !mine {
			return nil
		}
		return putRecord(tx, jobAccount, recordSweep, &sweepRecord{s.h.jobs.owner, now.Add(sweepLease)})
	})
	if mine = mine && err == nil; mine {
		s.until = now.Add(sweepLease)
	}
	return mine, err
}

// release gives it back, also when the sweep was told to end.
func (s *sweep) release(ctx context.Context) error {
	if !s.h.shared {
		return nil
	}
	return s.h.store.State(context.WithoutCancel(ctx), []string{jobAccount}, func(tx store.StateTx) error {
		rec, err := sweepRecordOf(tx)
		if err == nil && rec.Owner == s.h.jobs.owner {
			tx.Delete(jobAccount, recordSweep)
		}
		return err
	})
}

// errSweptElsewhere: another process took the lease while this one slept.
var errSweptElsewhere = errors.New("another process sweeps")

const stateArchived = "ARCHIVED"

// archiving is the edit that archives a finding.
var archiving = func() *asff.Edit {
	e, err := asff.ParseRecordEdit([]byte(`{"RecordState":"` + stateArchived + `"}`))
	if err != nil {
		panic(err)
	}
	return e
}()

// sweep is one Sweep under way.
type sweep struct {
	h      *Hub
	pace   Pace
	now    time.Time
	until  time.Time // of the lease
	report SweepReport

	members asff.Members
	merger  asff.Merger
	keys    []store.Key
	done    []bool // by key: the closure changed it
}

// errKept says of a finding that it stays as it is.
var errKept = errors.New("the finding is not due")

// findings walks over those that match and were last updated at an instant or before, oldest updates last, and lets become decide
// each.
func (s *sweep) findings(ctx context.Context, where query.Expr, upTo time.Time, become store.UpdateFunc, count *int) error {
	// The default order has the newest first: what lies behind this place was updated then or before.
	after := &query.Position{Values: []query.SortValue{{Num: float64(upTo.UnixMilli())}}}
	for after != nil {
		began := s.h.clock()
		s.keys = s.keys[:0]
		var t trouble
		next, err := s.h.store.Find(ctx, store.Scope{}, &query.Find{Where: where, After: after, Limit: s.pace.Batch}, func(d *store.Doc) error {
			last, err := s.lastTouched(d.JSON)
			switch {
			case err != nil: // one that cannot be read does not keep the others
				s.report.Failed++
				t.add(fmt.Errorf("%s: %w", d.Key.ID, err))
			case !last.After(upTo):
				s.keys = append(s.keys, d.Key)
			}
			return nil
		})
		t.log(ctx, s.h.log, "findings could not be swept")
		if err != nil {
			return err
		}
		if len(s.keys) > 0 {
			if err := s.commit(ctx, become, count); err != nil {
				return err
			}
		}
		after = next
		if err := s.rest(ctx, began); err != nil {
			return err
		}
	}
	return nil
}

func (s *sweep) rest(ctx context.Context, began time.Time) error {
	if mine, err := s.lease(ctx); err != nil || !mine {
		return cmp.Or(err, errSweptElsewhere)
	}
	if s.pace.Rest == nil {
		return ctx.Err()
	}
	return s.pace.Rest(ctx, s.h.clock().Sub(began))
}

func (s *sweep) commit(ctx context.Context, become store.UpdateFunc, count *int) error {
	s.done = append(s.done[:0], make([]bool, len(s.keys))...)
	errs, err := s.h.store.Update(ctx, s.keys, func(i int, old *store.Doc, st store.StateView) (store.Change, error) {
		s.done[i] = false
		if old == nil {
			return store.Change{}, errKept
		}
		c, err := become(i, old, st)
		s.done[i] = err == nil
		return c, err
	})
	if err != nil {
		return err
	}
	var t trouble
	for i, err := range errs {
		switch {
		case err == nil && s.done[i]:
			*count++
		case err != nil && !errors.Is(err, errKept):
			s.report.Failed++
			t.add(err)
		}
	}
	t.log(ctx, s.h.log, "findings could not be swept")
	return nil
}

// lastTouched is what retention counts from: the later of UpdatedAt and ProcessedAt (D13); the far future where there is neither, for
// what has no age is not old. s.members is then the document's.
func (s *sweep) lastTouched(doc []byte) (time.Time, error) {
	if err := asff.Split(doc, &s.members); err != nil {
		return time.Time{}, fmt.Errorf("stored finding: %w", err)
	}
	last, known := time.Unix(0, 0), false
	for _, top := range [...]asff.Top{asff.TopUpdatedAt, asff.TopProcessedAt} {
		if ms, ok := asff.ParseTime(bytes.Trim(s.members.Get(doc, top), `"`)); ok {
			known = true
			if at := time.UnixMilli(ms); at.After(last) {
				last = at
			}
		}
	}
	if !known {
		last = time.UnixMilli(math.MaxInt64)
	}
	return last, nil
}

// due tells whether a finding has this record state and was not touched for so long.
func (s *sweep) due(doc []byte, archived bool, age time.Duration) (bool, error) {
	last, err := s.lastTouched(doc)
	if err != nil {
		return false, err
	}
	is := string(s.members.Get(doc, asff.TopRecordState)) == `"`+stateArchived+`"`
	return is == archived && !last.After(s.now.Add(-age)), nil
}

func (s *sweep) expireArchived(_ int, old *store.Doc, _ store.StateView) (store.Change, error) {
	return s.expire(old, true, s.h.retention.Archived)
}

func (s *sweep) expireActive(_ int, old *store.Doc, _ store.StateView) (store.Change, error) {
	return s.expire(old, false, s.h.retention.Active)
}

func (s *sweep) expire(old *store.Doc, archived bool, age time.Duration) (store.Change, error) {
	due, err := s.due(old.JSON, archived, age)
	if err == nil && !due {
		err = errKept
	}
	return store.Change{Delete: err == nil}, err
}

// archive makes the record state ARCHIVED, as a change of the hub's own. UpdatedAt stays, so retention goes on counting.
func (s *sweep) archive(_ int, old *store.Doc, _ store.StateView) (store.Change, error) {
	due, err := s.due(old.JSON, false, s.h.retention.Archive)
	switch {
	case err != nil:
		return store.Change{}, err
	case !due:
		return store.Change{}, errKept
	}
	before := asff.Stored{Doc: old.JSON, Customer: old.Customer}
	doc, customer, changed, err := s.merger.Edit(&before, archiving, s.now)
	switch {
	case err != nil:
		return store.Change{}, err
	case !changed:
		return store.Change{}, errKept
	}
	return store.Change{
		JSON: doc, Customer: customer, History: history(&s.merger, s.now, sourceUpdate, ARN(old.Key.Region, old.Key.Account)),
	}, nil
}

// history deletes the records that are no longer told.
func (s *sweep) history(ctx context.Context) error {
	if s.h.told == 0 {
		return nil
	}
	var place []byte
	for {
		began := s.h.clock()
		next, err := s.h.store.ExpireHistory(ctx, s.now.Add(-s.h.told), place)
		if err != nil || next == nil {
			return err
		}
		place = next
		if err := s.rest(ctx, began); err != nil {
			return err
		}
	}
}
