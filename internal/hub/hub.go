// Package hub is the service itself: every operation of the API is a method of Hub, one file a resource. A method decides who may do what in which
// account and Region, asks the pure packages (asff, query) what becomes of a finding, and leaves keeping to store.Store. It
// knows no HTTP, no engine and no clock but the one it is given.
//
// What a caller may see is computed in one place (scope.go), what an account has switched on in another (state.go), so that
// organisations and members can be added there without touching the operations.
package hub

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"hubcap/internal/query"
	"hubcap/internal/standards"
	"hubcap/internal/store"
)

// Profile says how much of AWS's strictness a hub has (docs/differences.md, "Two profiles").
type Profile uint8

// The profiles. The zero value is Open.
const (
	Open Profile = iota // a hub to work with: what AWS would make you switch on first is on
	AWS                 // fails where AWS fails
)

// String is the name that --profile takes.
func (p Profile) String() string {
	switch p {
	case Open:
		return "open"
	case AWS:
		return "aws"
	}
	return fmt.Sprintf("Profile(%d)", uint8(p))
}

// ParseProfile reads the name of a profile.
func ParseProfile(s string) (Profile, error) {
	switch s {
	case "open":
		return Open, nil
	case "aws":
		return AWS, nil
	}
	return 0, fmt.Errorf("profile %q: must be open or aws", s)
}

// Config is what a Hub is made of. Store and Clock are required.
type Config struct {
	Store    store.Store
	Profile  Profile
	Clock    func() time.Time // the time of day; called once an operation
	Products []Product        // beside the built-in catalogue; a row of the same company and product replaces the built-in one
	// Organization is the accounts that belong together (D36); nil: any, in the profile open with keys that are not checked, else none.
	Organization *Organization
	Log          *slog.Logger // nil: nothing is logged
	// HistoryDays is how long a change is told by GetFindingHistory, in days (D33); 0: as long as the finding lives.
	HistoryDays int
	Retention   Retention   // of findings; RetentionOf(Profile) is the profile's own
	Shared      bool        // other processes serve the same store: a job is theirs until their lease on it runs out
	Sinks       []EventSink // who is told of changes; none: nothing of it costs anything
	// QuestionTime is how long an answer made of many questions to the store may take; 0: no bound of its own.
	QuestionTime time.Duration
	Rand         io.Reader // New reads 32 bytes from it, for the page tokens of a new store; nil: crypto/rand
}

// Hub serves the operations. Its methods may be called by many goroutines.
//
// An operation answers *api.Error for what the client did wrong; any other error is the hub's own trouble, or the store's:
// store.ErrNearlyFull and store.ErrClosed come through as they are.
type Hub struct {
	store   store.Store
	profile Profile
	clock   func() time.Time
	log     *slog.Logger
	catalog *catalog
	sealer  *query.Sealer
	rules   ruleCache
	scopes  scopeCache
	central centralCache
	created time.Time // of the store: SubscribedAt of an implicit hub (D52)
	jobs    *jobEngine
	sinks   *sinks // nil: there are none
	shared  bool
	told    time.Duration // how long a change is told; 0: for good

	producers *producers

	questionTime time.Duration // of answers made of many questions; 0: unbounded

	retention    Retention
	organization *organization // nil: none is configured
	standards    *standards.Catalogue
}

// New makes a Hub on a store. A new store is given its creation time and the key of its page tokens, so that tokens survive
// restarts and serve several processes (D43).
func New(ctx context.Context, cfg Config) (*Hub, error) {
	if cfg.Store == nil || cfg.Clock == nil {
		return nil, errors.New("hub: Config.Store and Config.Clock are required")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if err := cfg.Retention.Check(); err != nil {
		return nil, fmt.Errorf("hub: retention: %w", err)
	}
	cat, err := newCatalog(cfg.Products)
	if err != nil {
		return nil, err
	}
	known, err := standards.Load()
	if err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	org, err := newOrganization(cfg.Organization)
	if err != nil {
		return nil, fmt.Errorf("hub: organization: %w", err)
	}
	h := &Hub{
		store: store.Narrowed(cfg.Store), organization: org, profile: cfg.Profile, clock: cfg.Clock, log: cfg.Log, catalog: cat,
		told: time.Duration(cfg.HistoryDays) * day, retention: cfg.Retention, standards: known,
		questionTime: cfg.QuestionTime, producers: newProducers(cfg.Clock()),
	}
	if len(cfg.Sinks) > 0 {
		if h.sinks, err = newSinks(cfg.Sinks); err != nil {
			return nil, fmt.Errorf("hub: sinks: %w", err)
		}
		h.store = announcing{h.store, h}
	}
	own, err := openOwnRecords(ctx, cfg.Store, cfg.Clock, cfg.Rand)
	if err != nil {
		return nil, err
	}
	h.created = own.created
	h.shared, h.jobs = cfg.Shared, newJobEngine(h.now())
	h.sealer = query.NewSealer(own.tokenKey)
	if err := h.meetOrganization(ctx); err != nil {
		return nil, fmt.Errorf("hub: organization: %w", err)
	}
	return h, nil
}

// now is the operation's instant, in UTC at milliseconds: the finest the API's own timestamps show (D17).
func (h *Hub) now() time.Time { return h.clock().UTC().Truncate(time.Millisecond) }
