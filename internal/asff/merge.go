package asff

import (
	"errors"
	"time"
)

var errMergeUnbuilt = errors.New("asff: merge is not built yet")

// Env is what the hub knows and a provider may not say.
type Env struct {
	Now         time.Time // ProcessedAt
	Region      string    // of the hub
	ProductName string    // the registered name, for ProductFields['aws/securityhub/ProductName'] too; "" writes neither
	CompanyName string    // likewise

	// TakeSentNames keeps a provider's own top-level ProductName and CompanyName: a custom integration, or in the open profile
	// a product nobody registered (spec 1.8.3, D56).
	TakeSentNames bool

	AwsAccountName string // "" leaves the member out
}

// Stored is a finding as the store holds it: its canonical document, and which attributes a customer has changed.
type Stored struct {
	Doc      []byte
	Customer Attrs
}

// Outcome says what an import did.
type Outcome uint8

// The outcomes.
const (
	Created Outcome = iota
	Updated
	Stale // UpdatedAt is not newer than what is stored: nothing changes (spec 1.4.3, D2)
)

// Merger makes new documents. It owns buffers that are used again, so it serves one goroutine at a time.
type Merger struct{}

// Import merges what a provider sent into what is stored; old is nil for a finding nobody has seen. The document returned aliases
// the Merger until its next call, or old.Doc when the outcome is Stale; Edit may be called on it at once.
func (m *Merger) Import(old *Stored, in *Finding, env *Env) (doc []byte, customer Attrs, out Outcome, err error) {
	return nil, 0, Stale, errMergeUnbuilt
}
