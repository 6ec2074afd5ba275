package sigv4

// Failure is one way in which a request fails to say who sent it.
type Failure uint8

// The ways to fail, in the order in which they are looked for.
const (
	// NoSignature: the request carries no credentials at all.
	NoSignature Failure = iota + 1
	// QuerySigned: the signature travels in the query string; only the Authorization header is taken.
	QuerySigned
	// UnknownAlgorithm: the Authorization header begins with something other than AWS4-HMAC-SHA256.
	UnknownAlgorithm
	// NotKeyValue: a part of the Authorization header has no equal-sign, or comes twice.
	NotKeyValue
	// MissingPart: Credential, SignedHeaders, Signature or the date is missing.
	MissingPart
	// BadCredential: the Credential has not the five parts of a scope.
	BadCredential
	// BadDate: X-Amz-Date is no ISO 8601 basic date.
	BadDate
	// UnsignedHeader: the Host header is not signed. (The date always is: it is part of what is signed.)
	UnsignedHeader
	// UnsignedPayload: the payload hash says that the payload is not signed or is signed in pieces.
	UnsignedPayload
	// SessionToken: temporary credentials; only static keys are known here.
	SessionToken
	// UnknownKey: nobody has this access key.
	UnknownKey
	// WrongScope: the credential is scoped to another day, service or terminator.
	WrongScope
	// Expired: the request was signed too long ago.
	Expired
	// NotYet: the request was signed in the future.
	NotYet
	// Mismatch: the signature, or the body's hash, is not what it should be.
	Mismatch
)

// Error is a refused signature: how it failed, the exception's name and AWS's sentence. All are answered with 403 (spec 12.5).
type Error struct {
	Failure Failure
	Message string
}

func (e *Error) Error() string { return e.Code() + ": " + e.Message }

// Code is the name of the exception by which AWS tells this failure.
func (e *Error) Code() string {
	switch e.Failure {
	case NoSignature:
		return "MissingAuthenticationTokenException"
	case SessionToken, UnknownKey:
		return "UnrecognizedClientException"
	case WrongScope, Expired, NotYet, Mismatch:
		return "InvalidSignatureException"
	default:
		return "IncompleteSignatureException"
	}
}

// Sentences that are the same for every request (spec 12.5).
const (
	missingToken = "Missing Authentication Token"
	invalidToken = "The security token included in the request is invalid."
	mismatch     = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key " +
		"and signing method. Consult the service documentation for details."
)

func fail(f Failure, message string) *Error { return &Error{Failure: f, Message: message} }
