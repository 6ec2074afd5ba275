// Package store is the contract between the hub and its engines: what is kept, what commits together, what a reader may see.
// Engines decide nothing about findings: the closure given to Update does.
package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"

	"hubcap/internal/asff"
	"hubcap/internal/query"
)

// Errors every engine answers with; test with errors.Is.
var (
	// ErrNearlyFull: the disk is nearly full; nothing was written, reads go on, writes return by themselves.
	ErrNearlyFull = errors.New("store is nearly full")
	// ErrTooSlow: a question took longer than the engine gives one.
	ErrTooSlow = errors.New("the question takes too long")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("store is closed")
	// ErrConflict: an optimistic update lost every round; nothing of that key was written.
	ErrConflict = errors.New("concurrent update")
)

// Key names a finding: the effective identity (spec 1.4.2).
type Key struct {
	Account    string // 12 digits
	Region     string // of the hub that took it
	ProductArn string
	ID         string
}

// Identity is the first 16 bytes of SHA-256 over the length-prefixed parts of a key, compared whole.
type Identity = [16]byte

// Identity hashes the key. Two keys with one identity are one finding.
func (k Key) Identity() Identity {
	buf := make([]byte, 0, 512)
	for _, s := range [...]string{k.Account, k.Region, k.ProductArn, k.ID} {
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(s))) //nolint:gosec // a request holds at most 6 MB
		buf = append(buf, s...)
	}
	sum := sha256.Sum256(buf)
	return Identity(sum[:16])
}

// Doc is a stored finding.
type Doc struct {
	Key      Key
	JSON     []byte     // the whole document as GetFindings returns it; valid until the callback returns
	Customer asff.Attrs // the overridable attributes a customer changed (spec 1.5)
	Version  uint64     // grows with every change of this finding; 0 does not occur
}

// Change is what an update makes of one finding. The zero Change changes nothing.
type Change struct {
	JSON     []byte       // the new document; nil: keep the old one. The engine copies or consumes it before the next call of fn
	Values   []asff.Value // the filterable values of JSON; nil: the engine extracts them
	Customer asff.Attrs
	Delete   bool            // the finding and its history go
	History  []HistoryRecord // appended to the finding's history in the same commit
	Event    EventMark       // told to sinks, after the same commit; with nothing else the finding only gets another version
}

// HistoryRecord is one change of one finding, as GetFindingHistory tells it (spec 5.1). A creation is not recorded: it is
// derived from the finding.
type HistoryRecord struct {
	Time     time.Time // UTC, milliseconds
	Source   string    // BATCH_IMPORT_FINDINGS or BATCH_UPDATE_FINDINGS
	Identity string    // product ARN, caller's ARN or rule's ARN
	Updates  []asff.FieldChange
}

// StateView reads the small records of accounts, as of one commit.
type StateView interface {
	// Version of an account's records; 0 when it has none. It grows with every change, so a cache may hold for one version.
	Version(account string) uint64
	// Get reads a record. The bytes must not be changed.
	Get(account, name string) ([]byte, bool)
	// Names lists the record names of an account that begin with prefix, sorted.
	Names(account, prefix string) []string
}

// StateTx changes the small records of the accounts it was opened for.
type StateTx interface {
	StateView
	// Put writes a record.
	Put(account, name string, value []byte)
	// Delete removes a record; removing what is not there is no error.
	Delete(account, name string)
	// Emit puts an event that is about no finding into the outbox; key names what it is about, under one of the accounts.
	Emit(key Key, mark EventMark)
}

// UpdateFunc decides what becomes of key i. It is pure: no clock, no I/O, and it may be called again for the same i when another
// writer was first. old is nil where there is no such finding; st is the state of the same commit. An error fails that key alone.
type UpdateFunc func(i int, old *Doc, st StateView) (Change, error)

// Ident is the name the API gives a finding: it tells no account (D41).
type Ident struct{ ProductArn, ID string }

// HistoryQuery asks for one finding's records, newest first.
type HistoryQuery struct {
	Key      Key
	From, To time.Time // inclusive; zero: unbounded
	After    uint64    // Seq of the last record of the previous page; 0: from the newest
	Limit    int
}

// HistoryEntry is a stored record with its place.
type HistoryEntry struct {
	HistoryRecord
	Seq uint64 // grows within a finding
}

// Store keeps findings, their history and the accounts' small records. All methods may be called by many goroutines.
type Store interface {
	// Update loads the named findings, calls fn for each in the given order and commits documents, history and events of the
	// call in one durable step before it returns. Keys may repeat: fn then sees what it made of the same key before. The first
	// result holds one error a key (nil: done); a failed key changes nothing and does not stop the rest. The second error
	// means nothing of the call was written.
	Update(ctx context.Context, keys []Key, fn UpdateFunc) ([]error, error)
	// State is a serializable read-modify-write over the named accounts' records, durable before it returns. The account ""
	// holds the store's own records.
	State(ctx context.Context, accounts []string, fn func(StateTx) error) error
	// View reads state without changing it.
	View(ctx context.Context, fn func(StateView) error) error
	// Resolve finds every key of each (ProductArn, Id) in the scope, in identity order; an unknown one has none.
	Resolve(ctx context.Context, scope Scope, ids []Ident) ([][]Key, error)
	// Get calls fn with the stored finding, or answers false.
	Get(ctx context.Context, key Key, fn func(*Doc) error) (bool, error)
	// Find calls yield for each finding of one page, in order, each re-checked against q.Where and scope. The position it
	// returns continues the answer; nil: there is no more.
	Find(ctx context.Context, scope Scope, q *query.Find, yield func(*Doc) error) (*query.Position, error)
	// Count tells how many findings in the scope satisfy a condition.
	Count(ctx context.Context, scope Scope, where *query.Expr) (int64, error)
	// Walk calls yield for every finding in the scope that satisfies a condition, in an order that no change of a finding alters.
	// A finding that satisfies it all the while is met exactly once; one that comes, changes or goes meanwhile at most once, as it
	// was at some instant of the call. For what must see everything: exports, bulk updates, migrations.
	Walk(ctx context.Context, scope Scope, where *query.Expr, yield func(*Doc) error) error
	// Explain tells people how Find would answer: a line a step, indented by depth.
	Explain(ctx context.Context, scope Scope, q *query.Find) (string, error)
	// Group counts findings by an attribute's values.
	Group(ctx context.Context, scope Scope, q *query.Group) ([]query.Count, error)
	// History reads a finding's records, newest first.
	History(ctx context.Context, q HistoryQuery) ([]HistoryEntry, error)
	// ExpireHistory deletes records of changes before an instant. One call looks at some thousand records, from a place on (nil: the
	// first); next is where to go on, nil when everything was looked at.
	ExpireHistory(ctx context.Context, before time.Time, from []byte) (next []byte, err error)
	// PutChunk writes a piece of a spool: bytes too many for a small record, kept on disk under a name and a number; durable before
	// it returns. A piece that is there is replaced.
	PutChunk(ctx context.Context, spool string, n uint64, chunk []byte) error
	// Chunk reads a piece; false where there is none.
	Chunk(ctx context.Context, spool string, n uint64) ([]byte, bool, error)
	// DropSpool deletes every piece of a spool.
	DropSpool(ctx context.Context, spool string) error
	Outbox
	// Close flushes and ends. Calls under way finish first.
	Close() error
}
