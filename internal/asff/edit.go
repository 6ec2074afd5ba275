package asff

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Edit is what a customer, or an automation rule, wants changed in a finding. ParseEdit and ParseRecordEdit make one; it is never
// changed afterwards, so many goroutines may share it.
type Edit struct {
	// JSON values ready to stand in a document, nil where the edit does not speak of the member.
	noteText, noteBy              []byte
	label, normalized, product    []byte // Severity; label and normalized come together and agree
	confidence, criticality       []byte
	types, related                []byte
	userDefined                   []byte
	verification, workflow, state []byte // state is RecordState

	paths   []PathValue
	invalid *EditError // the values would make any finding invalid
}

// PathValue is one ASFF path an Edit touches, with the values it would set: what the IAM condition key
// securityhub:ASFFSyntaxPath/<Path> sees (spec 3.5).
type PathValue struct {
	Path   string
	Values []string // at least one
}

// ParamError is a request parameter outside the API's model; it refuses the whole request.
type ParamError struct {
	Name   string // dotted: "Severity.Normalized", "RelatedFindings[2].Id"
	Reason string // "should be integer", no full stop
}

// Error is the wire's sentence.
func (e *ParamError) Error() string { return "Invalid parameter '" + e.Name + "'. " + e.Reason + "." }

// EditError is why one finding cannot take an Edit; Code and Message go into UnprocessedFindings.
type EditError struct {
	Code    string // InvalidInput, FindingSizeExceeded
	Message string // the documented sentence
	Detail  string // the rule that was broken, "" where Message says it all; for logs and explanations
}

func (e *EditError) Error() string {
	if e.Detail == "" {
		return e.Code + ": " + e.Message
	}
	return e.Code + ": " + e.Message + ": " + e.Detail
}

func invalidInput(detail string) *EditError {
	return &EditError{Code: "InvalidInput", Message: "Invalid Input", Detail: detail}
}

// ParseEdit reads the body of BatchUpdateFindings, or of an automation rule's FindingFieldsUpdate. Members that are no part of an
// edit are ignored (D10), null ones count as absent. A value outside the API's model is a *ParamError (D32); one inside the model
// that no valid finding may hold is found too, but told by Invalid and by each Merger.Edit, as it is an error of each finding. Other
// errors: *SyntaxError, and *TypeError for a body that is no object.
//
// UserDefinedFields, Types and RelatedFindings replace what is there (D11); an empty list or map empties it.
func ParseEdit(input []byte) (*Edit, error) {
	return parseEdit(input, map[string]readMember{
		"Confidence":        func(e *Edit, v []byte) (err error) { e.confidence, err = e.scale("Confidence", v); return },
		"Criticality":       func(e *Edit, v []byte) (err error) { e.criticality, err = e.scale("Criticality", v); return },
		"Note":              (*Edit).readNote,
		"RelatedFindings":   (*Edit).readRelated,
		"Severity":          (*Edit).readSeverity,
		"Types":             (*Edit).readTypes,
		"UserDefinedFields": (*Edit).readUserDefined,
		"VerificationState": func(e *Edit, v []byte) (err error) {
			e.verification, err = e.enum("VerificationState", v, "AwsSecurityFinding", "VerificationState")
			return
		},
		"Workflow": (*Edit).readWorkflow,
	})
}

// ParseRecordEdit reads the body of the older UpdateFindings: Note and RecordState (spec 4.9, D35). Its errors are ParseEdit's.
func ParseRecordEdit(input []byte) (*Edit, error) {
	return parseEdit(input, map[string]readMember{
		"Note": (*Edit).readNote,
		"RecordState": func(e *Edit, v []byte) (err error) {
			e.state, err = e.enum("RecordState", v, "AwsSecurityFinding", "RecordState")
			return
		},
	})
}

// readMember reads one member of the body, which is not null, into the edit.
type readMember = func(e *Edit, value []byte) error

func parseEdit(input []byte, readers map[string]readMember) (*Edit, error) {
	body, err := canonicalJSON(input)
	if err != nil {
		return nil, err
	}
	if body[0] != '{' {
		return nil, &TypeError{Reason: "should be object"}
	}
	e := &Edit{}
	c := walk(body)
	for {
		name, value, ok := c.member()
		if !ok {
			break
		}
		if read := readers[string(name)]; read != nil && !isNull(value) {
			if err := read(e, value); err != nil {
				return nil, err
			}
		}
	}
	e.invalid = e.check()
	return e, nil
}

// canonicalJSON is input without white space and with the shortest escapes.
func canonicalJSON(input []byte) ([]byte, error) {
	out, err := jsontext.AppendFormat(nil, input, jsontext.PreserveRawStrings(false), jsontext.CanonicalizeRawInts(false),
		jsontext.CanonicalizeRawFloats(false))
	if err != nil {
		if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
			return nil, &SyntaxError{Offset: int(syntax.ByteOffset), Reason: strings.TrimPrefix(syntax.Err.Error(), "jsontext: ")}
		}
		return nil, &SyntaxError{Reason: err.Error()}
	}
	return out, nil
}

// Invalid is why no finding can take the edit, nil when nothing speaks against it. It wraps an *EditError.
func (e *Edit) Invalid() error {
	if e.invalid == nil {
		return nil
	}
	return e.invalid
}

// Empty reports whether the edit changes nothing.
func (e *Edit) Empty() bool { return len(e.paths) == 0 }

// Paths lists the ASFF paths the edit touches: each member, and the object or list that holds it, so that a policy may name
// either. A half of Severity that the service derives is listed beside the half that was sent; else denying CRITICAL would not deny
// 90.
func (e *Edit) Paths() []PathValue { return e.paths }

func (e *Edit) touch(path string, values ...string) {
	e.paths = append(e.paths, PathValue{path, values})
}

// touchList touches a list or map; an emptied one is one empty value, so that it cannot pass for untouched.
func (e *Edit) touchList(path string, values []string) {
	if len(values) == 0 {
		values = []string{""}
	}
	e.touch(path, values...)
}

// scale reads an integer of 0..100.
func scale(name string, v []byte) (int64, error) {
	n, ok := wholeNumber(v)
	switch {
	case !ok:
		return 0, &ParamError{name, "should be integer"}
	case n > 100:
		return 0, &ParamError{name, "'" + string(v) + "' is greater than maximum value: 100"}
	case n < 0:
		return 0, &ParamError{name, "'" + string(v) + "' is less than minimum value: 0"}
	}
	return n, nil
}

func (e *Edit) scale(name string, v []byte) ([]byte, error) {
	n, err := scale(name, v)
	if err != nil {
		return nil, err
	}
	text := strconv.FormatInt(n, 10)
	e.touch(name, text)
	return []byte(text), nil
}

// enum reads one of the values that the format allows for a member of a structure.
func (e *Edit) enum(name string, v []byte, structure, member string) ([]byte, error) {
	if v[0] != '"' {
		return nil, &ParamError{name, "should be string"}
	}
	s := unquoted(v)
	if !slices.Contains(format().objects[structure].find(member).shape.enum, s) {
		return nil, &ParamError{name, "should be equal to one of the allowed values"}
	}
	e.touch(name, s)
	return v, nil
}

// text reads a member that the model wants to be a string with something to see in it; v is nil where it is absent.
func text(object, member string, v []byte) (string, error) {
	name := object + "." + member
	if v == nil {
		return "", &ParamError{object, "should have required property '" + member + "'"}
	}
	return visible(name, v)
}

func visible(name string, v []byte) (string, error) {
	if v[0] != '"' {
		return "", &ParamError{name, "should be string"}
	}
	s := unquoted(v)
	if !isVisible([]byte(s)) {
		return "", &ParamError{name, `should match pattern ".*\S.*"`}
	}
	return s, nil
}

func (e *Edit) readNote(v []byte) error {
	if v[0] != '{' {
		return &ParamError{"Note", "should be object"}
	}
	e.noteText, e.noteBy = lookup(v, "Text"), lookup(v, "UpdatedBy")
	note, err := text("Note", "Text", e.noteText)
	if err != nil {
		return err
	}
	by, err := text("Note", "UpdatedBy", e.noteBy)
	if err != nil {
		return err
	}
	e.touch("Note", string(v))
	e.touch("Note.Text", note)
	e.touch("Note.UpdatedBy", by)
	return nil
}

func (e *Edit) readWorkflow(v []byte) error {
	if v[0] != '{' {
		return &ParamError{"Workflow", "should be object"}
	}
	s := lookup(v, "Status")
	if s == nil {
		return nil
	}
	e.touch("Workflow", string(v))
	var err error
	e.workflow, err = e.enum("Workflow.Status", s, "Workflow", "Status")
	return err
}

// readSeverity reads a SeverityUpdate. Label and Normalized fill each other, and Label wins where they disagree (D32).
func (e *Edit) readSeverity(v []byte) error {
	if v[0] != '{' {
		return &ParamError{"Severity", "should be object"}
	}
	label, normalized, product := lookup(v, "Label"), lookup(v, "Normalized"), lookup(v, "Product")
	if label == nil && normalized == nil && product == nil {
		return nil
	}
	e.touch("Severity", string(v))
	name, n := "", int64(0)
	if label != nil {
		quoted, err := e.enum("Severity.Label", label, "Severity", "Label")
		if err != nil {
			return err
		}
		name = unquoted(quoted)
		n, _ = normalizedOf(name)
	}
	if normalized != nil {
		sent, err := scale("Severity.Normalized", normalized)
		if err != nil {
			return err
		}
		if label == nil {
			name = labelOf(sent)
			e.touch("Severity.Label", name)
		}
		if labelOf(sent) == name {
			n = sent
		}
	}
	if name != "" {
		both := strconv.FormatInt(n, 10)
		e.label, e.normalized = []byte(`"`+name+`"`), []byte(both)
		e.touch("Severity.Normalized", both)
	}
	if product != nil {
		if c := product[0]; c != '-' && c-'0' > 9 {
			return &ParamError{"Severity.Product", "should be number"}
		}
		if _, err := strconv.ParseFloat(string(product), 64); err != nil {
			return &ParamError{"Severity.Product", "should be number"}
		}
		e.product = product
		e.touch("Severity.Product", string(product))
	}
	return nil
}

func (e *Edit) readTypes(v []byte) error {
	if v[0] != '[' {
		return &ParamError{"Types", "should be array"}
	}
	var values []string
	c := walk(v)
	for {
		item, ok := c.element()
		if !ok {
			break
		}
		s, err := visible("Types["+strconv.Itoa(len(values))+"]", item)
		if err != nil {
			return err
		}
		values = append(values, s)
	}
	e.types = v
	e.touchList("Types", values)
	return nil
}

func (e *Edit) readRelated(v []byte) error {
	if v[0] != '[' {
		return &ParamError{"RelatedFindings", "should be array"}
	}
	var items, arns, ids []string
	c := walk(v)
	for {
		item, ok := c.element()
		if !ok {
			break
		}
		name := "RelatedFindings[" + strconv.Itoa(len(items)) + "]"
		if item[0] != '{' {
			return &ParamError{name, "should be object"}
		}
		rawArn, rawID := lookup(item, "ProductArn"), lookup(item, "Id")
		arn, err := text(name, "ProductArn", rawArn)
		if err != nil {
			return err
		}
		id, err := text(name, "Id", rawID)
		if err != nil {
			return err
		}
		items = append(items, `{"ProductArn":`+string(rawArn)+`,"Id":`+string(rawID)+`}`)
		arns, ids = append(arns, arn), append(ids, id)
	}
	e.related = []byte("[" + strings.Join(items, ",") + "]")
	e.touchList("RelatedFindings", items)
	e.touchList("RelatedFindings.ProductArn", arns)
	e.touchList("RelatedFindings.Id", ids)
	return nil
}

func (e *Edit) readUserDefined(v []byte) error {
	if v[0] != '{' {
		return &ParamError{"UserDefinedFields", "should be object"}
	}
	var keys, values []string
	c := walk(v)
	for {
		name, value, ok := c.member()
		if !ok {
			break
		}
		key := unquoted([]byte(`"` + string(name) + `"`))
		if value[0] != '"' {
			return &ParamError{"UserDefinedFields." + key, "should be string"}
		}
		keys, values = append(keys, key), append(values, unquoted(value))
	}
	e.userDefined = v
	e.touchList("UserDefinedFields", values)
	for i, key := range keys {
		e.touch("UserDefinedFields."+key, values[i])
	}
	return nil
}

// bareFinding is the least that a valid finding holds, without its closing brace.
const bareFinding = `{"SchemaVersion":"2018-10-08","Id":"i","ProductArn":"arn:aws:securityhub:us-east-1::product/a/b",` +
	`"GeneratorId":"g","AwsAccountId":"123456789012","CreatedAt":"2020-01-01T00:00:00Z","UpdatedAt":"2020-01-01T00:00:00Z",` +
	`"Title":"t","Description":"d","Resources":[{"Type":"t","Id":"i"}],"FindingProviderFields":{}`

// check asks the format itself whether a finding may hold what the edit writes: the limits live in one place.
func (e *Edit) check() *EditError {
	doc := []byte(bareFinding)
	put := func(name string, v []byte) {
		if v != nil {
			doc = appendMember(doc, 0, []byte(name), v)
		}
	}
	put("Types", e.types)
	put("UserDefinedFields", e.userDefined)
	put("RelatedFindings", e.related)
	if e.noteText != nil {
		put("Note", []byte(`{"Text":`+string(e.noteText)+`,"UpdatedBy":`+string(e.noteBy)+`,"UpdatedAt":"2020-01-01T00:00:00Z"}`))
	}
	var r Reader
	f, err := r.Check(append(doc, '}'), CheckOptions{})
	switch {
	case err != nil:
		return invalidInput(err.Error())
	case len(f.Violations) > 0:
		v := f.Violations[0]
		return invalidInput(v.Path + " " + v.Message)
	}
	return nil
}
