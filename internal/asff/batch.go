package asff

import "strconv"

// The limits of an import request (spec 1.2, D14, D15, D42).
const (
	MaxFindings     = 100
	MaxFindingBytes = 245_760
	MaxBodyBytes    = 6_291_456
	MaxDepth        = 48
)

// SyntaxError says where a body stops being strict JSON (D42).
type SyntaxError struct {
	Offset int // in bytes, from 0
	Reason string
}

func (e *SyntaxError) Error() string {
	return e.Reason + " at byte " + strconv.Itoa(e.Offset)
}

// TypeError says that a body, or its member Findings, is of the wrong JSON type (D29).
type TypeError struct {
	Name   string // "Findings"; "" for the body itself
	Reason string // "should be array"
}

func (e *TypeError) Error() string {
	if e.Name == "" {
		return "body " + e.Reason
	}
	return e.Name + " " + e.Reason
}

// Options choose how findings are checked.
type Options struct {
	// RefuseUnknown makes a member that the format does not know a violation (profile aws); else it is kept.
	RefuseUnknown bool
}

// CheckOptions are the Options of one Check.
type CheckOptions = Options
