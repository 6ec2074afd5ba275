package asff

import "time"

// Edit is what a customer, or an automation rule, wants changed in a finding. ParseEdit and ParseRecordEdit make one; it is never
// changed afterwards, so many goroutines may share it.
type Edit struct{}

// PathValue is one ASFF path an Edit touches, with the values it would set: what the IAM condition key
// securityhub:ASFFSyntaxPath/<Path> sees (spec 3.5).
type PathValue struct {
	Path   string
	Values []string
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
	Detail  string // the rule that was broken; for logs and explanations
}

func (e *EditError) Error() string { return e.Code + ": " + e.Message }

// ParseEdit reads the body of BatchUpdateFindings, or of an automation rule's FindingFieldsUpdate. Members that are no part of an
// edit are ignored. Errors: *SyntaxError, *TypeError for a body that is no object, *ParamError.
func ParseEdit(input []byte) (*Edit, error) { return nil, errMergeUnbuilt }

// ParseRecordEdit reads the body of the older UpdateFindings: Note and RecordState (D35).
func ParseRecordEdit(input []byte) (*Edit, error) { return nil, errMergeUnbuilt }

// Empty reports whether the edit changes nothing.
func (e *Edit) Empty() bool { return true }

// Paths lists the ASFF paths the edit touches.
func (e *Edit) Paths() []PathValue { return nil }

// Edit applies e. changed is false when both document and customer stay as they were. The document aliases the Merger until its
// next call; old.Doc may be what Import or Edit returned last. Errors: *EditError.
func (m *Merger) Edit(old *Stored, e *Edit, now time.Time) (doc []byte, customer Attrs, changed bool, err error) {
	return nil, 0, false, errMergeUnbuilt
}
