package asff

import (
	"bytes"
	"crypto/sha256"
	"fmt"
)

// Trace is what one change of a finding leaves behind so that it can be taken back later, member by member, without taking back what
// others changed since.
type Trace struct {
	Members []TraceMember
	Was     Attrs // what the customer had changed before
	Is      Attrs // and after
}

// TraceMember is one top-level member that the change touched.
type TraceMember struct {
	Top Top
	Old []byte      // its JSON value before; nil: absent
	New ValueDigest // of its value after
}

// ValueDigest tells values apart without keeping them: the first 16 bytes of SHA-256, zero for an absent value.
type ValueDigest [16]byte

func digest(v []byte) (d ValueDigest) {
	if v != nil {
		sum := sha256.Sum256(v)
		copy(d[:], sum[:])
	}
	return d
}

// Touched makes the trace of a change from old to a document and its customer attributes. WorkflowState leaves none: it follows
// Workflow (D5). The trace aliases old.Doc.
func Touched(old *Stored, doc []byte, customer Attrs) (Trace, error) {
	var was, is Members
	if err := Split(old.Doc, &was); err != nil {
		return Trace{}, fmt.Errorf("asff: old document: %w", err)
	}
	if err := Split(doc, &is); err != nil {
		return Trace{}, fmt.Errorf("asff: new document: %w", err)
	}
	t := Trace{Was: old.Customer, Is: customer}
	owned := (t.Was ^ t.Is).tops()
	for top := range numTops {
		before, after := present(was.Get(old.Doc, top)), present(is.Get(doc, top))
		if top != TopWorkflowState && (owned[top] || !bytes.Equal(before, after)) {
			t.Members = append(t.Members, TraceMember{Top: top, Old: before, New: digest(after)})
		}
	}
	return t, nil
}

// tops are the members of a set of attributes.
func (a Attrs) tops() (set [numTops]bool) {
	for i := range attributes {
		if a&attributes[i].bit != 0 {
			set[attributes[i].top] = true
		}
	}
	return set
}

// Left tells whether a finding is as the traced change left it, in every member that the change touched.
func (t *Trace) Left(now *Stored) (bool, error) {
	var is Members
	if err := Split(now.Doc, &is); err != nil {
		return false, fmt.Errorf("asff: stored finding: %w", err)
	}
	for i := range t.Members {
		if digest(present(is.Get(now.Doc, t.Members[i].Top))) != t.Members[i].New {
			return false, nil
		}
	}
	return (now.Customer^t.Is)&(t.Was^t.Is) == 0, nil
}

// Restore takes a change back from a stored finding: each member that still has the value which the change gave it gets its old value,
// and where the change made an attribute the customer's, it is the provider's again. Members that somebody changed since stay. The
// results are those of Edit.
func (m *Merger) Restore(old *Stored, t *Trace) (doc []byte, customer Attrs, changed bool, err error) {
	m.changed = false
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
	for i := range t.Members {
		x := &t.Members[i]
		if x.Top >= numTops || digest(d[x.Top]) != x.New {
			continue
		}
		d[x.Top] = x.Old
		for a := range attributes {
			if bit := attributes[a].bit; attributes[a].top == x.Top && (t.Was^t.Is)&bit != 0 {
				customer = customer&^bit | t.Was&bit
			}
		}
	}
	d[TopWorkflowState] = valueNew
	if string(status(d[TopWorkflow])) == statusResolved {
		d[TopWorkflowState] = valueResolved
	}
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

// TopByName finds a top-level member by its name.
func TopByName(name string) (Top, bool) {
	for t, n := range topNames {
		if n == name {
			return Top(t), true
		}
	}
	return 0, false
}

// errGrown is the refusal of an update that makes a finding too large (D14, D44).
var errGrown = &EditError{Code: "FindingSizeExceeded", Message: "Finding size exceeded 240 KB"}

func tooLarge(doc []byte, d *document, oldDoc []byte, old *document) bool {
	if len(doc) <= MaxFindingBytes {
		return false
	}
	size := countedSize(doc, d)
	return size > MaxFindingBytes && size > countedSize(oldDoc, old)
}
