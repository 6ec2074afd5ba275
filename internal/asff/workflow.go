package asff

// The values of Workflow.Status, RecordState and Compliance.Status that the rules of spec 1.7 speak of, as they stand in a document.
const (
	statusNew      = `"NEW"`
	statusNotified = `"NOTIFIED"`
	statusResolved = `"RESOLVED"`

	stateActive   = `"ACTIVE"`
	stateArchived = `"ARCHIVED"`
)

// The same as values of a document.
var (
	valueNew      = []byte(statusNew)
	valueResolved = []byte(statusResolved)
	valueActive   = []byte(stateActive)
)

// status is the member Status of Workflow or Compliance, in quotes; nil where it is absent.
func status(object []byte) []byte { return lookup(object, "Status") }

// settleWorkflow makes Workflow and WorkflowState of d what they must be, after was has become d; was is nil on a create. A
// workflow without a status is NEW. NOTIFIED and RESOLVED fall back to NEW when the finding comes back to life: RecordState goes
// from ARCHIVED to ACTIVE, or Compliance.Status from PASSED to FAILED, WARNING or NOT_AVAILABLE. SUPPRESSED is a customer's word
// that the finding is not to be looked at, and neither takes it back (spec 1.7.2 names only the other two). WorkflowState is
// RESOLVED beside RESOLVED, else NEW (D5).
func (m *Merger) settleWorkflow(d, was *document) {
	now := status(d[TopWorkflow])
	handled := string(now) == statusNotified || string(now) == statusResolved
	if now == nil || was != nil && handled && awakes(d, was) {
		now = valueNew
		m.setWorkflow(d, now)
	}
	d[TopWorkflowState] = valueNew
	if string(now) == statusResolved {
		d[TopWorkflowState] = valueResolved
	}
}

// setWorkflow sets Workflow.Status to a JSON string and leaves what else the object holds.
func (m *Merger) setWorkflow(d *document, value []byte) {
	from := len(m.scratch)
	m.scratch = appendWith(m.scratch, d[TopWorkflow], "Status", value)
	d[TopWorkflow] = m.since(from)
}

func awakes(d, was *document) bool {
	if string(was[TopRecordState]) == stateArchived && string(d[TopRecordState]) == stateActive {
		return true
	}
	if string(status(was[TopCompliance])) != `"PASSED"` {
		return false
	}
	switch string(status(d[TopCompliance])) {
	case `"FAILED"`, `"WARNING"`, `"NOT_AVAILABLE"`:
		return true
	}
	return false
}
