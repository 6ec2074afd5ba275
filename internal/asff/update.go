package asff

import (
	"bytes"
	"fmt"
	"time"
)

// Edit applies e to a stored finding, or to what Import or Edit returned last; UpdatedAt stays (spec 3.2). changed is false when
// both document and customer stay as they were. The attributes that travel in FindingProviderFields become the customer's, even
// where the value stays the same (spec 3.6). The document aliases the Merger until its next call, or is old.Doc when nothing has
// changed. Errors: *EditError, and those of a stored document that cannot be read.
//
// Note.UpdatedAt becomes now. Severity keeps the members the edit does not speak of, Original among them (D32). WorkflowState
// follows Workflow.Status (D5). RecordState wakes the workflow as an import does (spec 1.7.2).
func (m *Merger) Edit(old *Stored, e *Edit, now time.Time) (doc []byte, customer Attrs, changed bool, err error) {
	m.changed = false
	if e.invalid != nil {
		return nil, 0, false, e.invalid
	}
	if e.Empty() {
		return old.Doc, old.Customer, false, nil
	}
	if err := Split(old.Doc, &m.was); err != nil {
		return nil, 0, false, fmt.Errorf("asff: stored finding: %w", err)
	}
	m.scratch = m.scratch[:0]
	was, d := &m.old, &m.new
	was.take(old.Doc, &m.was)
	*d = *was
	m.oldUnknown = m.was.Unknown(old.Doc)
	m.newUnknown = m.oldUnknown

	customer = old.Customer
	for _, x := range [...]struct {
		bit   Attrs
		top   Top
		value []byte
	}{
		{AttrConfidence, TopConfidence, e.confidence},
		{AttrCriticality, TopCriticality, e.criticality},
		{AttrRelatedFindings, TopRelatedFindings, e.related},
		{AttrTypes, TopTypes, e.types},
		{0, TopUserDefinedFields, e.userDefined},
		{0, TopVerificationState, e.verification},
		{0, TopRecordState, e.state},
	} {
		if x.value != nil {
			d[x.top] = x.value
			customer |= x.bit
		}
	}
	if e.label != nil || e.product != nil {
		customer |= AttrSeverity
		if err := m.editSeverity(d, e); err != nil {
			return nil, 0, false, err
		}
	}
	if e.noteText != nil {
		from := len(m.scratch)
		m.scratch = append(m.scratch, `{"Text":`...)
		m.scratch = append(m.scratch, e.noteText...)
		m.scratch = append(m.scratch, `,"UpdatedBy":`...)
		m.scratch = append(m.scratch, e.noteBy...)
		m.scratch = append(m.scratch, `,"UpdatedAt":`...)
		m.scratch = append(appendTime(m.scratch, now), '}')
		d[TopNote] = m.since(from)
	}
	if e.workflow != nil {
		m.setWorkflow(d, e.workflow)
	}
	m.settleWorkflow(d, was)

	doc = m.emit()
	if tooLarge(doc, d, old.Doc, was) {
		return nil, 0, false, errGrown
	}
	if customer == old.Customer && bytes.Equal(doc, old.Doc) {
		return old.Doc, customer, false, nil
	}
	m.changed = true
	return m.handOut(), customer, true, nil
}

// editSeverity writes Severity. A finding may lack one (D28), and Product alone does not make one (spec 1.6.1).
func (m *Merger) editSeverity(d *document, e *Edit) error {
	severity := d[TopSeverity]
	set := func(name string, v []byte) {
		if v != nil {
			from := len(m.scratch)
			m.scratch = appendWith(m.scratch, severity, name, v)
			severity = m.since(from)
		}
	}
	set("Label", e.label)
	set("Normalized", e.normalized)
	set("Product", e.product)
	if lookup(severity, "Label") == nil && lookup(severity, "Normalized") == nil {
		return invalidInput("data.Severity should have required property 'Normalized'")
	}
	d[TopSeverity] = severity
	return nil
}

// serviceFilled are the members that the limit of 240 KB does not count, besides the reserved ProductFields (D44).
var serviceFilled = [...]Top{
	TopProductName, TopCompanyName, TopRegion, TopWorkflowState, TopFindingProviderFields, TopProcessedAt, TopAwsAccountName,
}

// countedSize is the size of a stored document as the limit of 240 KB counts it (D44).
func countedSize(doc []byte, d *document) int {
	size := len(doc)
	for _, t := range serviceFilled {
		if v := d[t]; v != nil {
			size -= len(topLabels[t]) + len(v) + len(",")
		}
	}
	if d[TopProductFields] == nil {
		return size
	}
	c := walk(d[TopProductFields])
	for {
		key, value, ok := c.member()
		if !ok {
			return size
		}
		if isReserved(key) {
			size -= len(`"":,`) + len(key) + len(value)
		}
	}
}
