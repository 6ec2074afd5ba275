package rule

import (
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"hubcap/internal/api"
	"hubcap/internal/asff"
)

// updateFields is the one type of action there is (spec 8.3).
const updateFields = "FINDING_FIELDS_UPDATE"

// Action is what a rule does to a finding.
type Action struct {
	edit *asff.Edit
	// Of an edit with a note: what it says, and the edit without it.
	note *api.NoteUpdate
	rest *asff.Edit
}

// CompileActions reads a rule's actions; name is the request's member that holds them. There is exactly one, of type
// FINDING_FIELDS_UPDATE, which must change something. A value that no valid finding may hold is refused too: such a rule could never
// act. The error is an *api.Error.
func CompileActions(list []api.AutomationRulesAction, name string) (*Action, error) {
	switch n := len(list); {
	case n == 0:
		return nil, api.InvalidParameter(name, "should NOT have fewer than 1 items")
	case n > 1:
		return nil, api.InvalidParameter(name, "should NOT have more than 1 items")
	}
	name += "[0]"
	a := &list[0]
	switch {
	case a.Type == nil:
		return nil, api.InvalidParameter(name+".Type", "is required")
	case *a.Type != updateFields:
		return nil, api.InvalidParameter(name+".Type", "should be equal to one of the allowed values: "+updateFields)
	case a.FindingFieldsUpdate == nil:
		return nil, api.InvalidParameter(name+".FindingFieldsUpdate", "is required")
	}
	name += ".FindingFieldsUpdate"
	fields := *a.FindingFieldsUpdate
	edit, err := compileEdit(&fields, name)
	if err != nil {
		return nil, err
	}
	if edit.Empty() {
		return nil, api.InvalidParameter(name, "should NOT have fewer than 1 properties")
	}
	action := &Action{edit: edit}
	if action.note = fields.Note; action.note != nil {
		fields.Note = nil
		if action.rest, err = compileEdit(&fields, name); err != nil {
			return nil, err
		}
	}
	return action, nil
}

func compileEdit(fields *api.AutomationRulesFindingFieldsUpdate, name string) (*asff.Edit, error) {
	text, err := api.AppendOutput(nil, fields)
	if err != nil {
		return nil, api.InvalidParameter(name, err.Error())
	}
	edit, err := asff.ParseEdit(text)
	if p, ok := errors.AsType[*asff.ParamError](err); ok {
		return nil, api.InvalidParameter(name+"."+p.Name, p.Reason)
	}
	if err != nil {
		return nil, api.InvalidParameter(name, err.Error())
	}
	if refused, ok := errors.AsType[*asff.EditError](edit.Invalid()); ok {
		return nil, api.InvalidParameter(name, refused.Detail)
	}
	return edit, nil
}

// Edit is the action as an edit of a customer's, for what asks which members it touches.
func (a *Action) Edit() *asff.Edit { return a.edit }

// Apply does to a finding what the rule says, with the results and errors of Merger.Edit. A note that says the same already stays,
// with its UpdatedAt: else every import of a finding would rewrite it, and its history would grow by a record a day that says
// nothing (D86).
func (a *Action) Apply(m *asff.Merger, old *asff.Stored, now time.Time) (doc []byte, customer asff.Attrs, changed bool, err error) {
	edit := a.edit
	if a.note != nil {
		same, err := a.noted(old.Doc)
		if err != nil {
			return nil, 0, false, err
		}
		if same {
			edit = a.rest
		}
	}
	return m.Edit(old, edit, now)
}

// noted tells that a document has the action's note already.
func (a *Action) noted(doc []byte) (bool, error) {
	var members asff.Members
	if err := asff.Split(doc, &members); err != nil {
		return false, errors.New("rule: stored finding: " + err.Error())
	}
	raw := members.Get(doc, asff.TopNote)
	if raw == nil {
		return false, nil
	}
	var note struct{ Text, UpdatedBy string }
	if err := json.Unmarshal(raw, &note); err != nil {
		return false, errors.New("rule: the note of a stored finding, " + strconv.Itoa(len(raw)) + " bytes: " + err.Error())
	}
	return note.Text == a.note.Text && note.UpdatedBy == a.note.UpdatedBy, nil
}
