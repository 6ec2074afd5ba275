package asff

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

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

// String is the outcome's name in lower case.
func (o Outcome) String() string {
	return [...]string{"created", "updated", "stale"}[o]
}

// ErrTimestamp is a finding whose UpdatedAt is no instant; a finding that was checked has one.
var ErrTimestamp = errors.New("asff: UpdatedAt should be a date-time")

// Merger makes new documents. It owns buffers that are used again, so it serves one goroutine at a time.
type Merger struct {
	was     Members  // of the stored document
	old     document // its values
	new     document
	changed bool // old has become new: see Changes

	oldUnknown, newUnknown []byte // members the format does not know

	sent    providers // FindingProviderFields of the request
	kept    providers // of the stored finding
	unknown []byte    // members of FindingProviderFields that the format does not know
	scratch []byte    // values made here; spans into it stay good when it grows, as nothing is written twice

	last []byte // the document returned last: it may be the next call's old document
	next []byte // where the next one is made
}

// since is what has been written to the scratch from an offset on.
func (m *Merger) since(from int) []byte {
	return m.scratch[from:len(m.scratch):len(m.scratch)]
}

// emit makes the document of m.new. It stays the Merger's own until it is handed out.
func (m *Merger) emit() []byte {
	m.next = m.new.append(m.next[:0], m.newUnknown)
	return m.next
}

// handOut keeps the document that emit made last from being overwritten by the next.
func (m *Merger) handOut() []byte {
	m.last, m.next = m.next, m.last
	return m.last
}

// Import merges what a provider sent into what is stored; old is nil for a finding nobody has seen. The document returned aliases
// the Merger until its next call, or old.Doc when the outcome is Stale; Edit may be called on it at once. in must be without
// violations.
//
// Where each member of the new document comes from:
//
//	member                                    | create                   | update
//	UserDefinedFields, Note,                  | as sent                  | as stored; what is sent is ignored (spec 1.4.5)
//	  VerificationState                       |                          |
//	Workflow                                  | as sent, Status NEW      | as stored, but for the resets of settleWorkflow
//	                                          |   when it has none (D23) |   (spec 1.7.2)
//	WorkflowState                             | from Workflow.Status (D5)
//	RecordState                               | as sent, else ACTIVE (spec 1.7.1, D23)
//	Confidence, Criticality, RelatedFindings, | the table of settle (spec 1.5); the missing half of a severity is filled
//	  Severity, Types, FindingProviderFields  |   (spec 1.6)
//	CreatedAt                                 | as sent                  | as stored (spec 1.4.6)
//	UpdatedAt, FirstObservedAt,               | as sent (the reader has cut them to milliseconds, D17); never invented (D6)
//	  LastObservedAt                          |
//	Region, ProcessedAt, AwsAccountName       | from env (spec 1.9)
//	ProductName, CompanyName                  | from env; as sent where env takes sent names (D56)
//	ProductFields                             | as sent less aws/securityhub/*, then the service's own three of these (spec 1.9)
//	all others, unknown ones too              | as sent; what is not sent is gone (D3)
func (m *Merger) Import(old *Stored, in *Finding, env *Env) (doc []byte, customer Attrs, out Outcome, err error) {
	m.scratch, m.changed = m.scratch[:0], false
	d := &m.new
	d.take(in.Doc, &in.Members)
	m.newUnknown = in.Members.Unknown(in.Doc)
	var was *document
	if old != nil {
		if err := Split(old.Doc, &m.was); err != nil {
			return nil, 0, Stale, fmt.Errorf("asff: stored finding: %w", err)
		}
		was = &m.old
		was.take(old.Doc, &m.was)
		m.oldUnknown = m.was.Unknown(old.Doc)
		newer, err := isNewer(d[TopUpdatedAt], was[TopUpdatedAt])
		if err != nil {
			return nil, 0, Stale, err
		}
		if !newer {
			return old.Doc, old.Customer, Stale, nil
		}
		customer = old.Customer
		d[TopUserDefinedFields] = was[TopUserDefinedFields]
		d[TopNote] = was[TopNote]
		d[TopVerificationState] = was[TopVerificationState]
		d[TopWorkflow] = was[TopWorkflow]
	}

	if d[TopRecordState] == nil {
		d[TopRecordState] = valueActive
	}
	m.settleWorkflow(d, was)
	m.settleProviders(d, was, customer)
	out = Created
	if was != nil {
		out = Updated
		if was[TopCreatedAt] != nil {
			d[TopCreatedAt] = was[TopCreatedAt]
		}
	}
	m.fill(d, env)
	m.emit()
	m.changed = was != nil
	return m.handOut(), customer, out, nil
}

// isNewer compares two UpdatedAt as instants at milliseconds (D17).
func isNewer(sent, stored []byte) (bool, error) {
	if bytes.Equal(sent, stored) {
		return false, nil
	}
	s, ok := instant(sent)
	if !ok {
		return false, ErrTimestamp
	}
	w, ok := instant(stored)
	if !ok {
		return false, fmt.Errorf("stored finding: %w", ErrTimestamp)
	}
	return s > w, nil
}

// settleProviders applies the table of settle to each of the five attributes and writes FindingProviderFields.
func (m *Merger) settleProviders(d, was *document, customer Attrs) {
	m.unknown = m.unknown[:0]
	m.kept = providers{}
	if was != nil {
		m.unknown = m.kept.read(was[TopFindingProviderFields], m.unknown)[:0] // what is not sent again is gone (D3)
	}
	m.unknown = m.sent.read(d[TopFindingProviderFields], m.unknown)
	var now providers
	for a, attr := range attributes {
		sentF, sentT := m.sent.attrs[a], d[attr.top]
		var wasT []byte
		if was != nil {
			wasT = was[attr.top]
		}
		if a == atSeverity {
			sentF = m.completed(sentF, true)
			sentT = m.completed(sentT, false)
		}
		now.attrs[a], d[attr.top] = settle(sentF, sentT, m.kept.attrs[a], wasT, was == nil, customer&attr.bit != 0)
		if a == atSeverity {
			d[attr.top] = m.completed(d[attr.top], false)
		}
		now.present = now.present || now.attrs[a] != nil
	}
	if !now.present && !m.sent.present {
		d[TopFindingProviderFields] = nil
		return
	}
	from := len(m.scratch)
	m.scratch = now.append(m.scratch, m.unknown)
	d[TopFindingProviderFields] = m.since(from)
}

// completed is a severity with its missing half.
func (m *Merger) completed(severity []byte, providers bool) []byte {
	if severity == nil {
		return nil
	}
	from := len(m.scratch)
	var changed bool
	if m.scratch, changed = appendCompleted(m.scratch, severity, providers); changed {
		return m.since(from)
	}
	return severity
}

// reserved begins the keys of ProductFields that only the service writes (spec 1.9).
const reserved = "aws/securityhub/"

func isReserved(key []byte) bool {
	return len(key) >= len(reserved) && string(key[:len(reserved)]) == reserved
}

// fill writes the members that are the service's.
func (m *Merger) fill(d *document, env *Env) {
	m.set(d, TopRegion, env.Region)
	if !env.TakeSentNames || d[TopProductName] == nil {
		m.set(d, TopProductName, env.ProductName)
	}
	if !env.TakeSentNames || d[TopCompanyName] == nil {
		m.set(d, TopCompanyName, env.CompanyName)
	}
	m.set(d, TopAwsAccountName, env.AwsAccountName)
	from := len(m.scratch)
	m.scratch = appendTime(m.scratch, env.Now)
	d[TopProcessedAt] = m.since(from)

	from = len(m.scratch)
	m.scratch = appendProductFields(m.scratch, d, env)
	d[TopProductFields] = m.since(from)
}

// set makes a member the string s, or absent for "".
func (m *Merger) set(d *document, t Top, s string) {
	if s == "" {
		d[t] = nil
		return
	}
	from := len(m.scratch)
	m.scratch = appendString(m.scratch, s)
	d[t] = m.since(from)
}

// appendProductFields writes the provider's entries in their order and the service's behind them. FindingId is the product's ARN, a
// slash and the Id, even when the Id is an ARN.
func appendProductFields(dst []byte, d *document, env *Env) []byte {
	dst = append(dst, '{')
	start := len(dst)
	if sent := d[TopProductFields]; len(sent) > 0 {
		c := walk(sent)
		for {
			key, value, ok := c.member()
			if !ok {
				break
			}
			if !isReserved(key) {
				dst = appendMember(dst, start, key, value)
			}
		}
	}
	if arn, id := d[TopProductArn], d[TopId]; len(arn) > 1 && len(id) > 1 {
		dst = appendMember(dst, start, []byte(reserved+"FindingId"), arn[:len(arn)-1])
		dst = append(dst, '/')
		dst = append(dst, id[1:]...)
	}
	if env.ProductName != "" {
		dst = appendMember(dst, start, []byte(reserved+"ProductName"), nil)
		dst = appendString(dst, env.ProductName)
	}
	if env.CompanyName != "" {
		dst = appendMember(dst, start, []byte(reserved+"CompanyName"), nil)
		dst = appendString(dst, env.CompanyName)
	}
	return append(dst, '}')
}
