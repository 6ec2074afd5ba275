package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// Error is an error a client may see. What is no Error becomes an InternalException outside, and its story stays in the log.
type Error struct {
	Code    string // the exception's name: InvalidInputException
	Message string
	Status  int // of HTTP: the table's, unless WithStatus said otherwise
}

// The exceptions of the service's model (spec 12.2).
const (
	AccessDenied               = "AccessDeniedException"
	Conflict                   = "ConflictException"
	Internal                   = "InternalException"
	InternalServer             = "InternalServerException"
	InvalidAccess              = "InvalidAccessException"
	InvalidInput               = "InvalidInputException"
	LimitExceeded              = "LimitExceededException"
	OrganizationNotFound       = "OrganizationNotFoundException"
	OrganizationalUnitNotFound = "OrganizationalUnitNotFoundException"
	ResourceConflict           = "ResourceConflictException"
	ResourceInUse              = "ResourceInUseException"
	ResourceNotFound           = "ResourceNotFoundException"
	ServiceQuotaExceeded       = "ServiceQuotaExceededException"
	Throttling                 = "ThrottlingException"
	Validation                 = "ValidationException"
)

// What the gateway in front of the service answers (spec 12.4, 12.5; D15, D22, D40, D42, D53).
const (
	IncompleteSignature        = "IncompleteSignatureException"
	InvalidSignature           = "InvalidSignatureException"
	MissingAuthenticationToken = "MissingAuthenticationTokenException"
	NotImplemented             = "NotImplementedException"
	RequestEntityTooLarge      = "RequestEntityTooLargeException"
	Serialization              = "SerializationException"
	ServiceUnavailable         = "ServiceUnavailable"
	TooManyRequests            = "TooManyRequestsException"
	UnrecognizedClient         = "UnrecognizedClientException"
	UnsupportedMediaType       = "UnsupportedMediaTypeException"
)

// exception is a row of the table.
type exception struct {
	status  int
	gateway bool // answered by the gateway: its body says {"message":...} and nothing else
}

// table is closed: an exception that does not stand here is a mistake of the program.
var table = map[string]exception{
	AccessDenied:               {status: 403},
	Conflict:                   {status: 409},
	Internal:                   {status: 500},
	InternalServer:             {status: 500},
	InvalidAccess:              {status: 401},
	InvalidInput:               {status: 400},
	LimitExceeded:              {status: 429},
	OrganizationNotFound:       {status: 400},
	OrganizationalUnitNotFound: {status: 400},
	ResourceConflict:           {status: 409},
	ResourceInUse:              {status: 400},
	ResourceNotFound:           {status: 404},
	ServiceQuotaExceeded:       {status: 402},
	Throttling:                 {status: 429},
	Validation:                 {status: 400},

	IncompleteSignature:        {status: 403, gateway: true},
	InvalidSignature:           {status: 403, gateway: true},
	MissingAuthenticationToken: {status: 403, gateway: true},
	NotImplemented:             {status: 501, gateway: true},
	RequestEntityTooLarge:      {status: 413, gateway: true},
	Serialization:              {status: 400, gateway: true},
	ServiceUnavailable:         {status: 503, gateway: true},
	TooManyRequests:            {status: 429, gateway: true},
	UnrecognizedClient:         {status: 403, gateway: true},
	UnsupportedMediaType:       {status: 415, gateway: true},
}

// Errorf makes an Error with the table's status. A code the table does not know panics in tests and is a 500 in production.
func Errorf(code, format string, a ...any) *Error {
	row, ok := table[code]
	if !ok {
		if testing.Testing() {
			panic("api: " + code + " is no exception of the table")
		}
		code, row = Internal, table[Internal]
	}
	return &Error{Code: code, Message: fmt.Sprintf(format, a...), Status: row.status}
}

// InvalidParameter refuses one member of a request: "Invalid parameter 'MaxResults'. should be integer." (D10, D29). Name is the
// member's path in the request, such as SortCriteria[0].Field.
func InvalidParameter(name, reason string) *Error {
	if len(name) > maxName {
		name = strings.ToValidUTF8(name[:maxName], "") + "..."
	}
	return Errorf(InvalidInput, "Invalid parameter '%s'. %s.", name, reason)
}

// maxName bounds the bytes of a path in a message: keys of maps come from the client.
const maxName = 256

// Malformed refuses a body that is no strict JSON (D42). The offset counts bytes from 0.
func Malformed(offset int, reason string) *Error {
	return Errorf(Serialization, "The request body is not valid JSON: %s at byte %d.", reason, offset)
}

// Error implements error.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// WithStatus answers the same error with another status. AWS answers a few sentences with a status its own model gives to another
// exception (spec 2.3), so the sentence's author says it.
func (e *Error) WithStatus(status int) *Error {
	c := *e
	c.Status = status
	return &c
}

// AppendJSON appends the body of the answer: {"Message":"...","Code":"..."} for what the model knows, {"message":"..."} for what the
// gateway says. Text that is no UTF-8 is mended, never refused.
func (e *Error) AppendJSON(dst []byte) ([]byte, error) {
	if table[e.Code].gateway {
		return append(appendText(append(dst, `{"message":`...), e.Message), '}'), nil
	}
	dst = appendText(append(dst, `{"Message":`...), e.Message)
	dst = appendText(append(dst, `,"Code":`...), e.Code)
	return append(dst, '}'), nil
}

// appendText appends a JSON string; the only error there is, invalid UTF-8, still appends the text with U+FFFD in its place.
func appendText(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s)
	return dst
}
