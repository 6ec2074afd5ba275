// Package asff knows what a finding is: the AWS Security Finding Format's schema, the single pass that reads and checks one, the
// rules that merge a provider's news into what is stored, what customers may edit, and what changed. It does no I/O and has no
// clock.
//
// A finding is a JSON document (Finding.Doc), never a struct of the SDK: members we do not know survive. Canonical documents hold
// no white space between tokens, the shortest escapes, plain integers where the format asks for an integer, top-level members in
// the service model's order, unknown members after them in the order sent.
package asff

// Attrs is a set of the five attributes that travel in FindingProviderFields (spec 1.5).
type Attrs uint8

// The overridable attributes.
const (
	AttrConfidence Attrs = 1 << iota
	AttrCriticality
	AttrRelatedFindings
	AttrSeverity
	AttrTypes
)

// Value is one filterable value of a finding. Text is decoded (no escapes): strings as they are, numbers as JSON text, booleans
// as true and false, dates as sent. Key is the key of a map attribute, else nil. Both alias the reader's buffers.
type Value struct {
	Field Field
	Key   []byte
	Text  []byte
}

// Violation is one way in which a finding does not adhere to the format.
type Violation struct {
	Path    string // as AJV writes it: "data.Resources[0].Details.Other['k']"; "data" for the finding itself
	Message string // "should NOT be longer than 512 characters"
	Keyword string // of JSON Schema: required, type, maxLength, pattern, anyOf, ...
	Pointer string // JSON pointer (RFC 6901) into the finding: /Resources/0/Details/Other/k
	Value   string // the offending value as sent, at most 200 bytes
}

// Finding is one finding as read from a request. Its slices live as long as the Batch that read it is not used again.
type Finding struct {
	Raw        []byte      // as sent, from { to }
	Doc        []byte      // canonical; usable only when Violations is empty
	Violations []Violation // in the order AJV 6 would meet them; the first is what AWS reports
	Members    Members     // the top-level members inside Doc

	// What names a finding, decoded; "" where the member is absent or no string (then the Has bit is not set).
	ID, ProductArn, AwsAccountID          string
	HasID, HasProductArn, HasAwsAccountID bool

	// CountedSize is the size in bytes that the limit of 240 KB counts (D14, D44): Raw without the ProductFields that begin with
	// "aws/securityhub/", which only the service writes.
	CountedSize int
}

// FieldChange is one changed member of a finding (spec 5.1, D33): the dotted path of the smallest changed member, values as
// strings (JSON where not a scalar); Old and New are nil where there was or is none, or where the value is too long to keep.
type FieldChange struct {
	Field    string
	Old, New *string
}
