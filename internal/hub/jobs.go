package hub

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"hubcap/internal/api"
	"hubcap/internal/asff"
	"hubcap/internal/iam"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

// Jobs change many findings at once: all that a condition matches. They are hubcap's own (docs/extensions.md). What a job will look at
// is fixed when it starts, each finding is judged again when its turn comes and changed in one atomic step, and a job outlives the
// process: jobs_run.go.

// StartJobInput asks for a job.
type StartJobInput struct {
	Kind       string      `json:"Kind" api:"required"` // UpdateFindings
	Where      *string     `json:"Where,omitzero"`      // a condition in the printed form of query.Expr; or
	Filters    api.RawJSON `json:"Filters,omitzero"`    // AwsSecurityFindingFilters. One of the two, unless the kind has its own
	Parameters api.RawJSON `json:"Parameters,omitzero"` // the kind's
	DryRun     *bool       `json:"DryRun,omitzero"`     // count and show, change nothing
}

// StartJobOutput is the job, or with DryRun what it would do.
type StartJobOutput struct {
	Job     *Job        `json:"Job,omitzero"`
	Preview *JobPreview `json:"Preview,omitzero"`
}

// JobPreview is what a job would do.
type JobPreview struct {
	Matching int64       `json:"Matching"` // findings that match now
	Samples  []JobSample `json:"Samples"`  // the newest of them
}

// JobSample is one finding, and what the job would change in it.
type JobSample struct {
	FindingIdentifier api.AwsSecurityFindingIdentifier `json:"FindingIdentifier"`
	Title             string                           `json:"Title"`
	Changes           []api.FindingHistoryUpdate       `json:"Changes"`          // none: it is so already
	Failure           *JobFailure                      `json:"Failure,omitzero"` // why it cannot be changed
}

// Job is a job as callers see it. Instants are written as the service's own.
type Job struct {
	JobId        string       `json:"JobId"`
	Kind         string       `json:"Kind"`
	Status       string       `json:"Status"` // QUEUED, PREPARING, RUNNING, DONE, CANCELLED, FAILED
	AwsAccountId string       `json:"AwsAccountId"`
	Region       string       `json:"Region"`
	StartedBy    string       `json:"StartedBy"` // ARN
	Where        string       `json:"Where,omitzero"`
	Parameters   api.RawJSON  `json:"Parameters,omitzero"`
	UndoOf       string       `json:"UndoOf,omitzero"`
	CreatedAt    string       `json:"CreatedAt"`
	StartedAt    string       `json:"StartedAt,omitzero"`
	EndedAt      string       `json:"EndedAt,omitzero"`
	Total        int64        `json:"Total"`            // findings that matched at the start; 0 until they are listed
	Done         int64        `json:"Done"`             // the sum of the next four
	Changed      int64        `json:"Changed"`          //
	Unchanged    int64        `json:"Unchanged"`        // were so already; of an undo: changed since
	NoLonger     int64        `json:"NoLongerMatching"` // or gone
	Failed       int64        `json:"Failed"`
	Failures     []JobFailure `json:"Failures,omitzero"` // why, the first reasons
	Message      string       `json:"Message,omitzero"`  // of a job that FAILED
}

// JobFailure is one reason for which findings failed.
type JobFailure struct {
	ErrorCode         string                           `json:"ErrorCode"`
	ErrorMessage      string                           `json:"ErrorMessage"`
	Count             int64                            `json:"Count"`
	FindingIdentifier api.AwsSecurityFindingIdentifier `json:"FindingIdentifier"` // the first of them
}

// JobInput names a job.
type JobInput struct {
	JobId string `path:"JobId" api:"required"`
}

// JobOutput is one job.
type JobOutput struct {
	Job *Job `json:"Job"`
}

// ListJobsInput asks for the jobs.
type ListJobsInput struct{}

// ListJobsOutput is every job that the caller may see, newest first.
type ListJobsOutput struct {
	Jobs []*Job `json:"Jobs"`
}

// Bounds of what a job keeps of its caller's words, in bytes (D91). A kind's own condition has bounds of its own.
const (
	maxJobWhere      = 256 << 10
	maxJobParameters = 512 << 10
)

func tooLong(name string, most int) error {
	return api.InvalidParameter(name, "should NOT be longer than "+strconv.Itoa(most)+" bytes")
}

// StartJob starts a job over everything that a condition matches, or tells what it would do. The permission to change findings is asked
// for as BatchUpdateFindings asks for it.
func (h *Hub) StartJob(ctx context.Context, p *iam.Principal, in *StartJobInput) (*StartJobOutput, error) {
	if action := jobKinds[in.Kind].action; action != "" {
		if err := authorize(p, iam.Request{Action: action, Resource: ARN(p.Region, p.Account)}); err != nil {
			return nil, err
		}
	}
	return h.startJob(ctx, p, in)
}

func (h *Hub) startJob(ctx context.Context, p *iam.Principal, in *StartJobInput) (*StartJobOutput, error) {
	kind, ok := jobKinds[in.Kind]
	if !ok {
		return nil, api.InvalidParameter("Kind", "should be equal to one of the allowed values: "+jobKindNames())
	}
	now := h.now()
	order, err := kind.start(ctx, h, p, in.Parameters)
	if err != nil {
		return nil, err
	}
	where := order.where
	switch {
	case where != nil && (in.Where != nil || in.Filters != nil):
		return nil, api.InvalidParameter("Where", "should be absent: a job of this kind has its own condition")
	case where == nil && (in.Where == nil && in.Filters == nil || in.Where != nil && strings.TrimSpace(*in.Where) == ""):
		return nil, api.InvalidParameter("Where", "is required, or Filters; to mean every finding write all")
	case where == nil:
		e, err := h.condition(in.Where, in.Filters, now)
		if err != nil {
			return nil, err
		}
		where = &e
		if name := "Where"; len(where.String()) > maxJobWhere {
			if in.Where == nil {
				name = "Filters"
			}
			return nil, tooLong(name, maxJobWhere)
		}
	}
	if len(order.parameters) > maxJobParameters {
		return nil, tooLong("Parameters", maxJobParameters)
	}
	if _, err := h.requireHub(ctx, p); err != nil {
		return nil, err
	}
	j := &jobRecord{
		ID: newUUID(now), Kind: in.Kind, Caller: callerOf(p), Where: where.String(), Parameters: order.parameters,
		Status: jobQueued, Created: now,
	}
	if in.DryRun != nil && *in.DryRun {
		preview, err := h.previewJob(ctx, p, kind, j, where)
		return &StartJobOutput{Preview: preview}, err
	}
	if err := h.submitJob(ctx, j); err != nil {
		return nil, err
	}
	return &StartJobOutput{Job: j.wire()}, nil
}

func (h *Hub) submitJob(ctx context.Context, j *jobRecord) error {
	err := h.store.State(ctx, []string{jobAccount}, func(tx store.StateTx) error {
		list, err := allJobs(tx)
		if err == nil {
			err = mayStart(list, j.Caller.Account)
		}
		if err == nil {
			err = addJob(tx, j)
		}
		return err
	})
	if err == nil {
		h.jobs.alarm()
	}
	return err
}

const jobSamples = 5

func (h *Hub) previewJob(ctx context.Context, p *iam.Principal, kind jobKind, j *jobRecord, where *query.Expr) (*JobPreview, error) {
	apply, err := kind.open(h, j)
	if err != nil {
		return nil, err
	}
	scope, err := h.reach(ctx, p)
	if err != nil {
		return nil, err
	}
	out := &JobPreview{Samples: []JobSample{}}
	if out.Matching, err = h.store.Count(ctx, scope, where); err != nil {
		return nil, err
	}
	_, err = h.store.Find(ctx, scope, &query.Find{Where: *where, Limit: jobSamples}, func(doc *store.Doc) error {
		s, err := sampleOf(doc, apply, j.Created)
		out.Samples = append(out.Samples, s)
		return err
	})
	return out, err
}

func sampleOf(doc *store.Doc, apply jobApply, at time.Time) (JobSample, error) {
	s := JobSample{
		FindingIdentifier: api.AwsSecurityFindingIdentifier{Id: doc.Key.ID, ProductArn: doc.Key.ProductArn},
		Changes:           []api.FindingHistoryUpdate{},
	}
	var m asff.Members
	if err := asff.Split(doc.JSON, &m); err != nil {
		return s, err
	}
	if title := m.Get(doc.JSON, asff.TopTitle); title != nil {
		_ = json.Unmarshal(title, &s.Title) // a stored title is a string
	}
	change, err := apply(doc, at)
	if why, ok := refusedEdit(err); ok {
		s.Failure = &JobFailure{ErrorCode: why.code, ErrorMessage: why.message, Count: 1, FindingIdentifier: s.FindingIdentifier}
		return s, nil
	}
	if err != nil || change.JSON == nil {
		return s, err
	}
	changes, err := asff.Diff(doc.JSON, change.JSON)
	for _, c := range changes {
		s.Changes = append(s.Changes, api.FindingHistoryUpdate{UpdatedField: &c.Field, OldValue: c.Old, NewValue: c.New})
	}
	return s, err
}

// GetJob tells how a job stands.
func (h *Hub) GetJob(ctx context.Context, p *iam.Principal, in *JobInput) (*JobOutput, error) {
	var j *jobRecord
	err := h.store.View(ctx, func(st store.StateView) (err error) {
		j, err = ownJob(st, p, in.JobId)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &JobOutput{Job: j.wire()}, nil
}

// ownJob reads a job that the caller may see; any other is not found.
func ownJob(st store.StateView, p *iam.Principal, id string) (*jobRecord, error) {
	j, err := readJob(st, id)
	if err == nil && (!j.visibleTo(p) || j.Dropping) {
		err = errNoJob(id)
	}
	return j, err
}

// ListJobs tells how the caller's jobs stand, newest first: those under way, and the last hundred of 14 days.
func (h *Hub) ListJobs(ctx context.Context, p *iam.Principal, _ *ListJobsInput) (*ListJobsOutput, error) {
	list, err := h.jobList(ctx)
	if err != nil {
		return nil, err
	}
	out := &ListJobsOutput{Jobs: []*Job{}}
	for _, j := range slices.Backward(list) {
		if j.visibleTo(p) && !j.Dropping {
			out.Jobs = append(out.Jobs, j.wire())
		}
	}
	return out, nil
}

// CancelJob stops a job after the piece it works on; what it changed stays. A job that is over stays as it is.
func (h *Hub) CancelJob(ctx context.Context, p *iam.Principal, in *JobInput) (*JobOutput, error) {
	now := h.now()
	j, err := h.changeJob(ctx, in.JobId, func(_ store.StateTx, j *jobRecord) error {
		switch {
		case !j.visibleTo(p) || j.Dropping:
			return errNoJob(in.JobId)
		case j.ended():
		case j.Owner == "": // nobody works on it, nobody would notice
			j.end(jobCancelled, now)
		default:
			j.Cancel = true
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &JobOutput{Job: j.wire()}, nil
}

// UndoJob starts a job that takes another back: in each finding that was changed it restores the members that nobody changed since.
func (h *Hub) UndoJob(ctx context.Context, p *iam.Principal, in *JobInput) (*JobOutput, error) {
	if _, err := h.requireHub(ctx, p); err != nil {
		return nil, err
	}
	now := h.now()
	undo := &jobRecord{ID: newUUID(now), Kind: jobUndo, Caller: callerOf(p), UndoOf: in.JobId, Status: jobQueued, Created: now}
	err := h.store.View(ctx, func(st store.StateView) error {
		of, err := ownJob(st, p, in.JobId)
		if err == nil {
			err = mayUndo(st, p, of)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	err = h.store.State(ctx, []string{jobAccount}, func(tx store.StateTx) error {
		of, err := ownJob(tx, p, in.JobId)
		if err != nil {
			return err
		}
		if !of.ended() {
			return api.Errorf(api.ResourceConflict, "Job %s is not over: cancel it first.", of.ID)
		}
		list, err := allJobs(tx)
		if err != nil {
			return err
		}
		for _, other := range list {
			if other.UndoOf == of.ID && !other.ended() {
				return api.Errorf(api.ResourceConflict, "Job %s is being undone by job %s.", of.ID, other.ID)
			}
		}
		if err := mayStart(list, undo.Caller.Account); err != nil {
			return err
		}
		undo.Caller.Region = of.Caller.Region
		undo.Total, undo.Pieces = of.Changed, min(of.Next+1, of.Pieces) // a failed job may have changed part of the next
		return addJob(tx, undo)
	})
	if err != nil {
		return nil, err
	}
	h.jobs.alarm()
	return &JobOutput{Job: undo.wire()}, nil
}

func (j *jobRecord) end(status string, now time.Time) {
	j.Status, j.Ended, j.Owner, j.Until, j.Cancel = status, now, "", time.Time{}, false
}

func (j *jobRecord) wire() *Job {
	out := &Job{
		JobId: j.ID, Kind: j.Kind, Status: j.Status, AwsAccountId: j.Caller.Account, Region: j.Caller.Region, StartedBy: j.Caller.ARN,
		Where: j.Where, Parameters: api.RawJSON(j.Parameters), UndoOf: j.UndoOf,
		CreatedAt: *instant(j.Created), Total: j.Total, Done: j.Done, Changed: j.Changed, Unchanged: j.Unchanged, NoLonger: j.NoLonger, Failed: j.Failed,
		Message: j.Error,
	}
	if !j.Started.IsZero() {
		out.StartedAt = *instant(j.Started)
	}
	if !j.Ended.IsZero() {
		out.EndedAt = *instant(j.Ended)
	}
	for _, f := range j.Failures {
		out.Failures = append(out.Failures, JobFailure{
			ErrorCode: f.Code, ErrorMessage: f.Message, Count: f.Count,
			FindingIdentifier: api.AwsSecurityFindingIdentifier{Id: f.FindingID, ProductArn: f.ProductArn},
		})
	}
	return out
}

func fieldNames(known any) map[string]bool {
	names := map[string]bool{}
	for f := range reflect.TypeOf(known).Elem().Fields() {
		names[f.Name] = true
	}
	return names
}
