package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/store"
)

// The states of a job. The last three are final.
const (
	jobQueued    = "QUEUED"    // nobody works on it yet
	jobPreparing = "PREPARING" // its findings are being listed
	jobRunning   = "RUNNING"
	jobDone      = "DONE"
	jobCancelled = "CANCELLED"
	jobFailed    = "FAILED" // the hub could not go on; what was done stays, and can be undone
)

// jobAccount holds the records of all jobs. It is no account: those of the store itself are read by every import, and a job that tells its
// progress among them would make imports look twice.
const jobAccount = "#jobs"

// jobRecord is a job as the store keeps it, under the name job/ID of jobAccount. Its pieces lie in two spools: job/ID/keys,
// the findings, fixed at the start and dropped at the end; job/ID/traces, what each was before.
type jobRecord struct {
	ID         string          `json:"id"`
	Kind       string          `json:"kind"`
	Caller     jobCaller       `json:"caller"`
	Where      string          `json:"where,omitempty"`      // the condition in its printed form, dates resolved
	Parameters json.RawMessage `json:"parameters,omitempty"` // as the kind keeps them
	UndoOf     string          `json:"undoOf,omitempty"`     // the job that this one takes back

	Status  string    `json:"status"`
	Created time.Time `json:"created"`
	Started time.Time `json:"started,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
	Error   string    `json:"error,omitempty"`

	Pieces uint64 `json:"pieces"` // how many the spools have, once it is RUNNING
	Next   uint64 `json:"next"`   // the first piece that is not done
	jobCounts
	Failures []jobFailure `json:"failures,omitempty"`

	Cancel   bool      `json:"cancel,omitempty"`   // somebody asked to
	Dropping bool      `json:"dropping,omitempty"` // the spools are going
	Owner    string    `json:"owner,omitempty"`    // the process that works on it
	Until    time.Time `json:"until,omitzero"`     // when others may take it over
}

// jobCounts are what became of the findings so far.
type jobCounts struct {
	Total     int64 `json:"total"`
	Done      int64 `json:"done"` // the sum of those below
	Changed   int64 `json:"changed"`
	Unchanged int64 `json:"unchanged"`
	NoLonger  int64 `json:"noLonger"` // gone, out of scope, or no longer matching when their turn came
	Failed    int64 `json:"failed"`
}

// jobFailure is one reason for which findings failed.
type jobFailure struct {
	Code       string `json:"code"`
	Message    string `json:"message"`
	Count      int64  `json:"count"`
	ProductArn string `json:"productArn"` // the first such finding
	FindingID  string `json:"findingId"`
}

// mostFailures bounds the reasons that a job tells apart.
const mostFailures = 20

// jobCaller is who started a job: it goes on with the rights that were judged then.
type jobCaller struct {
	Account  string `json:"account"`
	Region   string `json:"region"`
	ARN      string `json:"arn"`
	KeyID    string `json:"keyId"`
	Operator bool   `json:"operator,omitempty"`
	Verified bool   `json:"verified,omitempty"`
}

func callerOf(p *iam.Principal) jobCaller {
	return jobCaller{Account: p.Account, Region: p.Region, ARN: p.ARN, KeyID: p.KeyID, Operator: p.Operator, Verified: p.Verified}
}

func (c *jobCaller) principal() *iam.Principal {
	return &iam.Principal{Account: c.Account, Region: c.Region, ARN: c.ARN, KeyID: c.KeyID, Operator: c.Operator, Verified: c.Verified}
}

func (j *jobRecord) ended() bool {
	return j.Status == jobDone || j.Status == jobCancelled || j.Status == jobFailed
}

// visibleTo tells whether a caller may see the job: the operator all, else those of its account and Region. The operator's, which tell
// of every account's findings, are nobody else's, though they belong to account 123456789012 (D51).
func (j *jobRecord) visibleTo(p *iam.Principal) bool {
	return p.Operator || j.Caller.Account == p.Account && j.Caller.Region == p.Region && !j.Caller.Operator
}

func (j *jobRecord) keySpool() string   { return recordJob + j.ID + "/keys" }
func (j *jobRecord) traceSpool() string { return recordJob + j.ID + "/traces" }

// fail counts a finding that could not be changed.
func (j *jobRecord) fail(why failure, key store.Key) {
	j.Failed++
	for i := range j.Failures {
		if f := &j.Failures[i]; f.Code == why.code && f.Message == why.message {
			f.Count++
			return
		}
	}
	if len(j.Failures) < mostFailures {
		j.Failures = append(j.Failures, jobFailure{Code: why.code, Message: why.message, Count: 1, ProductArn: key.ProductArn, FindingID: key.ID})
	}
}

func readJob(st store.StateView, id string) (*jobRecord, error) {
	raw, ok := st.Get(jobAccount, recordJob+id)
	if !ok {
		return nil, errNoJob(id)
	}
	j := new(jobRecord)
	if err := json.Unmarshal(raw, j); err != nil {
		return nil, fmt.Errorf("record %s%s: %w", recordJob, id, err)
	}
	return j, nil
}

func errNoJob(id string) error {
	return api.Errorf(api.ResourceNotFound, "Job %s is not found", id)
}

// changeJob reads a job, changes it and writes it back, in one step. An error of change writes nothing.
func (h *Hub) changeJob(ctx context.Context, id string, change func(tx store.StateTx, j *jobRecord) error) (*jobRecord, error) {
	var out *jobRecord
	err := h.store.State(ctx, []string{jobAccount}, func(tx store.StateTx) error {
		j, err := readJob(tx, id)
		if err == nil {
			err = change(tx, j)
		}
		if err != nil {
			return err
		}
		out = j
		return putRecord(tx, jobAccount, recordJob+id, j)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// jobNames reads the ids of all jobs, oldest first: the record "jobs".
func jobNames(st store.StateView) (ids []string, err error) {
	raw, ok := st.Get(jobAccount, recordJobs)
	if !ok {
		return nil, nil
	}
	if err := json.Unmarshal(raw, &ids); err != nil {
		return nil, fmt.Errorf("record %s: %w", recordJobs, err)
	}
	return ids, nil
}

// allJobs reads every job, oldest first.
func allJobs(st store.StateView) ([]*jobRecord, error) {
	ids, err := jobNames(st)
	if err != nil {
		return nil, err
	}
	list := make([]*jobRecord, 0, len(ids))
	for _, id := range ids {
		j, err := readJob(st, id)
		if err != nil {
			return nil, err
		}
		list = append(list, j)
	}
	return list, nil
}

func (h *Hub) jobList(ctx context.Context) (list []*jobRecord, err error) {
	err = h.store.View(ctx, func(st store.StateView) error {
		list, err = allJobs(st)
		return err
	})
	return list, err
}

// addJob writes a new job.
func addJob(tx store.StateTx, j *jobRecord) error {
	ids, err := jobNames(tx)
	if err != nil {
		return err
	}
	if err := putRecord(tx, jobAccount, recordJobs, append(ids, j.ID)); err != nil {
		return err
	}
	return putRecord(tx, jobAccount, recordJob+j.ID, j)
}

// removeJob forgets a job.
func removeJob(tx store.StateTx, id string) error {
	ids, err := jobNames(tx)
	if err != nil {
		return err
	}
	tx.Delete(jobAccount, recordJob+id)
	return putRecord(tx, jobAccount, recordJobs, slices.DeleteFunc(ids, func(other string) bool { return other == id }))
}

// How many jobs there may be, and how long what is over stays, so that it can be looked at and undone.
const (
	mostWaitingJobs    = 20 // not over, of one account
	mostWaitingJobsAll = 200
	mostKeptJobs       = 100 // over, of one account
	mostKeptJobsAll    = 1000
	jobLife            = 14 * 24 * time.Hour
)

// mayStart refuses a job beyond the bounds.
func mayStart(list []*jobRecord, account string) error {
	own, all := 0, 0
	for _, j := range list {
		if !j.ended() {
			all++
			if j.Caller.Account == account {
				own++
			}
		}
	}
	if own >= mostWaitingJobs || all >= mostWaitingJobsAll {
		return api.Errorf(api.LimitExceeded, "%d jobs are under way or waiting: wait until one is over, or cancel one.", max(own, 1))
	}
	return nil
}

// expiredJobs are those that no longer stay: over for too long, or too many over them. What an unfinished undo needs stays.
func expiredJobs(list []*jobRecord, now time.Time) []*jobRecord {
	needed := map[string]bool{}
	for _, j := range list {
		if !j.ended() {
			needed[j.UndoOf] = true
		}
	}
	var out []*jobRecord
	kept, all := map[string]int{}, 0
	for _, j := range slices.Backward(list) { // the newest stay
		if !j.ended() || needed[j.ID] {
			continue
		}
		if j.Dropping || now.Sub(j.Ended) > jobLife || kept[j.Caller.Account] >= mostKeptJobs || all >= mostKeptJobsAll {
			out = append(out, j)
			continue
		}
		kept[j.Caller.Account]++
		all++
	}
	return out
}

// dropJobs forgets what expired. The record goes last: a job half dropped is dropped again.
func (h *Hub) dropJobs(ctx context.Context) error {
	list, err := h.jobList(ctx)
	if err != nil {
		return err
	}
	for _, old := range expiredJobs(list, h.now()) {
		j, err := h.changeJob(ctx, old.ID, func(tx store.StateTx, j *jobRecord) error {
			all, err := allJobs(tx)
			if err != nil {
				return err
			}
			for _, other := range all {
				if other.UndoOf == j.ID && !other.ended() {
					return errNoJob(j.ID) // an undo began meanwhile
				}
			}
			j.Dropping = true
			return nil
		})
		if isNoJob(err) {
			continue
		}
		if err != nil {
			return err
		}
		for _, spool := range []string{j.keySpool(), j.traceSpool()} {
			if err := h.store.DropSpool(ctx, spool); err != nil {
				return err
			}
		}
		if err := h.store.State(ctx, []string{jobAccount}, func(tx store.StateTx) error {
			return removeJob(tx, j.ID)
		}); err != nil {
			return err
		}
	}
	return nil
}

func isNoJob(err error) bool {
	e, ok := err.(*api.Error) //nolint:errorlint // readJob's own
	return ok && e.Code == api.ResourceNotFound
}
