package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"hubcap/internal/api"
	"hubcap/internal/asff"
	"hubcap/internal/iam"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

// jobKind is what a job can do. A new kind is a row of jobKinds.
type jobKind struct {
	// action is that of the route of its own, which who comes by StartJob must be allowed too; "": it has none.
	action string
	// start judges a request: the caller's permission and the parameters, which may be nil. It answers what the job's record keeps.
	start func(ctx context.Context, h *Hub, p *iam.Principal, parameters []byte) (jobOrder, error)
	// may asks whether a caller may do what a job's record says; UndoJob asks it too.
	may func(p *iam.Principal, j *jobRecord) error
	// open makes what changes the findings, from the record's parameters: when the job begins, and again after a restart.
	open func(h *Hub, j *jobRecord) (jobApply, error)
}

// jobOrder is what a request for a job means.
type jobOrder struct {
	parameters json.RawMessage // for open: all that it needs, so that what changes elsewhere meanwhile does not change the job
	where      *query.Expr     // the kind's own condition; nil: the request has one
}

// jobApply decides what becomes of one finding; the zero Change leaves it as it is. It is pure and may be asked twice about the same
// finding: with the same document and instant it answers the same. A *asff.EditError is that finding's failure. Each job has its
// own, and calls it from one goroutine.
type jobApply func(doc *store.Doc, at time.Time) (store.Change, error)

// The kinds of jobs.
const (
	jobUpdateFindings = "UpdateFindings"
	jobUndo           = "Undo" // started by UndoJob alone
)

var jobKinds = map[string]jobKind{
	jobUpdateFindings: {start: startUpdate, may: mayUpdate, open: openUpdate},
}

func jobKindNames() string { return strings.Join(slices.Sorted(maps.Keys(jobKinds)), ", ") }

// startUpdate reads the members of BatchUpdateFindings, without identifiers.
func startUpdate(_ context.Context, _ *Hub, p *iam.Principal, parameters []byte) (jobOrder, error) {
	var known updateParameters
	if err := knownMembers(parameters, "Parameters", &known); err != nil {
		return jobOrder{}, err
	}
	edit, err := asff.ParseEdit(parameters)
	if err != nil {
		if wrong, ok := errors.AsType[*asff.ParamError](err); ok {
			return jobOrder{}, api.InvalidParameter("Parameters."+wrong.Name, wrong.Reason)
		}
		return jobOrder{}, paramError(err)
	}
	if edit.Empty() {
		return jobOrder{}, api.InvalidParameter("Parameters", "should have a member that changes findings")
	}
	if err := edit.Invalid(); err != nil {
		return jobOrder{}, api.Errorf(api.InvalidInput, "Invalid parameter 'Parameters'. No finding can take it: %s.", err.Error())
	}
	if err := mayEdit(p, edit); err != nil {
		return jobOrder{}, err
	}
	return jobOrder{parameters: parameters}, nil
}

func mayUpdate(p *iam.Principal, j *jobRecord) error {
	edit, err := asff.ParseEdit(j.Parameters)
	if err != nil {
		return fmt.Errorf("job %s: parameters: %w", j.ID, err)
	}
	return mayEdit(p, edit)
}

// mayUndo asks whether a caller may take a job back: who may not do it may not undo it either. To undo an undo is to do the job that
// it took back; where that is forgotten, nobody whom a policy binds may.
func mayUndo(st store.StateView, p *iam.Principal, j *jobRecord) error {
	if p.Unrestricted() {
		return nil
	}
	for j.Kind == jobUndo {
		origin, err := readJob(st, j.UndoOf)
		if isNoJob(err) {
			err = api.Errorf(api.AccessDenied, "User: %s is not authorized to perform: %s: what job %s did is no longer known", p.ARN, actionUpdate, j.UndoOf)
		}
		if err != nil {
			return err
		}
		j = origin
	}
	return jobKinds[j.Kind].may(p, j)
}

// refusedEdit is the failure that an error of jobApply means for its finding.
func refusedEdit(err error) (failure, bool) {
	e, ok := errors.AsType[*asff.EditError](err)
	if !ok {
		return failure{}, false
	}
	message := e.Message
	if e.Detail != "" { // a job has no finding's caller to guess the rule
		message += ": " + e.Detail
	}
	return failure{e.Code, message}, true
}

// updateParameters are the members that an update may have, to tell those it may not.
type updateParameters struct {
	Confidence, Criticality, Note, RelatedFindings, Severity, Types, UserDefinedFields, VerificationState, Workflow api.RawJSON
}

// knownMembers refuses a member that is no field of known: who mistypes one means something else than nothing.
func knownMembers(raw []byte, name string, known any) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil || members == nil {
		return api.InvalidParameter(name, "should be object")
	}
	fields := fieldNames(known)
	for member := range members {
		if !fields[member] {
			return api.InvalidParameter(name+"."+member, "is no member of the API's")
		}
	}
	return nil
}

func openUpdate(_ *Hub, j *jobRecord) (jobApply, error) {
	edit, err := asff.ParseEdit(j.Parameters)
	if err != nil {
		return nil, fmt.Errorf("job %s: parameters: %w", j.ID, err)
	}
	m := new(asff.Merger)
	return func(doc *store.Doc, at time.Time) (store.Change, error) {
		before := asff.Stored{Doc: doc.JSON, Customer: doc.Customer}
		out, customer, changed, err := m.Edit(&before, edit, at)
		if err != nil || !changed {
			return store.Change{}, err
		}
		return store.Change{JSON: out, Customer: customer, History: history(m, at, sourceUpdate, j.Caller.ARN)}, nil
	}, nil
}
