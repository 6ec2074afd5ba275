package hub

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"hubcap/internal/api"
	"hubcap/internal/asff"
	"hubcap/internal/iam"
	"hubcap/internal/rule"
	"hubcap/internal/store"
)

// failure is why one item of a batch was not done; the zero failure is none. Its texts are the API's (spec 3.4, D1, D14).
type failure struct{ code, message string }

var (
	failedSize     = failure{"FindingSizeExceeded", "Finding size exceeded 240 KB"}
	failedConflict = failure{"ConcurrentUpdateError", "Concurrent finding updates detected"}
	failedInternal = failure{"InternalFailure", "Internal service failure"}
	failedNotFound = failure{"FindingNotFound", "Finding Not Found"}
	failedTwice    = failure{"DuplicatedFindingIdentifier", "Finding Identifier is duplicated"}
)

func failedAccess(account string) failure { return failure{"InvalidAccess", notSubscribed(account)} }

// Errors of an update's closure; they name what becomes of the one key.
var (
	errNotTaken = errors.New("the account does not take findings of this product")
	errGone     = errors.New("the finding is gone")
)

// BatchImportFindings stores a provider's findings. body is the request's JSON: {"Findings": [...]}. A finding that may not be
// stored is told in FailedFindings and does not stop the others; what refuses the whole request, and in which order, is D46.
func (h *Hub) BatchImportFindings(ctx context.Context, p *iam.Principal, body []byte) (*api.BatchImportFindingsOutput, error) {
	c := imports.Get().(*importCall) //nolint:forcetypeassert // the pool makes nothing else
	defer c.release()
	c.begin(h, p)
	if err := c.batch.Read(body); err != nil {
		return nil, paramError(err)
	}
	switch n := c.batch.Count; {
	case n == 0:
		return nil, api.InvalidParameter("Findings", "should NOT have fewer than 1 items")
	case n > asff.MaxFindings:
		return nil, api.InvalidParameter("Findings", "should NOT have more than "+strconv.Itoa(asff.MaxFindings)+" items")
	}
	if err := c.resolveProducts(); err != nil {
		c.refuseWhole(err)
		return nil, err
	}
	if err := h.store.View(ctx, c.checkAccess); err != nil {
		c.refuseWhole(err)
		return nil, err
	}
	c.checkFindings()
	if len(c.keys) > 0 {
		errs, err := h.store.Update(ctx, c.keys, c.decide)
		if err != nil {
			return nil, err
		}
		c.collect(ctx, errs)
	}
	h.producers.note(c)
	return c.output(), nil
}

// importCall is the state of one BatchImportFindings: its buffers are used again by later calls.
type importCall struct {
	h     *Hub
	p     *iam.Principal
	now   time.Time
	batch asff.Batch
	env   asff.Env

	targets  []target  // the products named, each once
	targetOf []int     // by finding: its product in targets, -1 for none
	failed   []failure // by finding
	ready    []int     // the findings that go to the store
	keys     []store.Key
	outcomes []asff.Outcome // by key: what became of it in the store
	blame    int            // the finding that was looked at last, when a whole request is refused

	merger asff.Merger
	stored asff.Stored
	hubs   hubCache
	decide store.UpdateFunc // merge, bound once

	rules    rulesSeen
	judge    rule.Judge
	reader   asff.Reader       // of the values that rules look at
	hindered map[int]hindrance // by key: rules that could not act
}

var imports = sync.Pool{New: func() any {
	c := &importCall{}
	c.decide = c.merge
	return c
}}

func (c *importCall) begin(h *Hub, p *iam.Principal) {
	c.h, c.p, c.now = h, p, h.now()
	c.batch.Options = asff.Options{RefuseUnknown: h.profile == AWS}
	c.env = asff.Env{Now: c.now, Region: p.Region}
}

func (c *importCall) release() {
	clear(c.targets)
	clear(c.failed)
	clear(c.keys)
	c.targets, c.targetOf, c.failed = c.targets[:0], c.targetOf[:0], c.failed[:0]
	c.ready, c.keys, c.outcomes, c.blame = c.ready[:0], c.keys[:0], c.outcomes[:0], 0
	c.h, c.p, c.stored, c.env = nil, nil, asff.Stored{}, asff.Env{}
	c.hubs.reset()
	c.rules.reset()
	c.judge.Forget()
	clear(c.hindered)
	imports.Put(c)
}

// resolveProducts is step 2: every ProductArn that is a string must name a product of a Region (spec 1.1.8).
func (c *importCall) resolveProducts() error {
	for i := range c.batch.Findings {
		c.blame = i
		f := &c.batch.Findings[i]
		at := -1
		if f.HasProductArn {
			at = c.findTarget(f.ProductArn)
			if at < 0 {
				a, ok := parseProductARN(f.ProductArn)
				if !ok {
					return badProductARN(f.ProductArn)
				}
				at = len(c.targets)
				c.targets = append(c.targets, c.h.target(c.p, f.ProductArn, a))
			}
		}
		c.targetOf = append(c.targetOf, at)
	}
	return nil
}

func (c *importCall) findTarget(arn string) int {
	for i := range c.targets {
		if c.targets[i].text == arn {
			return i
		}
	}
	return -1
}

// named answers a finding's account and product when both can be told.
func (c *importCall) named(i int) (account string, t *target, ok bool) {
	f := &c.batch.Findings[i]
	if c.targetOf[i] < 0 || !f.HasAwsAccountID || !isAccount(f.AwsAccountID) {
		return "", nil, false
	}
	return f.AwsAccountID, &c.targets[c.targetOf[i]], true
}

// checkAccess is steps 3 and 4: the caller may import for every account (else nothing is imported), and each account takes
// findings of the product.
func (c *importCall) checkAccess(st store.StateView) error {
	n := len(c.batch.Findings)
	c.failed = slices.Grow(c.failed[:0], n)[:n]
	clear(c.failed)
	for i := range n {
		c.blame = i
		account, t, ok := c.named(i)
		if !ok || c.sameAsBefore(i, account) {
			continue
		}
		if err := c.h.mayImport(c.p, account, t, st); err != nil {
			return err
		}
	}
	for i := range n {
		account, t, ok := c.named(i)
		if !ok {
			continue
		}
		on, err := c.hubs.on(c.h, st, account, c.p.Region)
		if err != nil {
			return err
		}
		if !c.h.takes(account, on, t, st) {
			c.failed[i] = failedAccess(account)
		}
	}
	return nil
}

// sameAsBefore tells that the finding before names the same account and product: most batches name one pair.
func (c *importCall) sameAsBefore(i int, account string) bool {
	if i == 0 || c.targetOf[i-1] != c.targetOf[i] {
		return false
	}
	before, _, ok := c.named(i - 1)
	return ok && before == account
}

// checkFindings is steps 5 and 6: size and schema. What passes gets a key.
func (c *importCall) checkFindings() {
	for i := range c.batch.Findings {
		f := &c.batch.Findings[i]
		switch {
		case c.failed[i].code != "":
		case f.CountedSize > asff.MaxFindingBytes:
			c.failed[i] = failedSize
		case len(f.Violations) > 0:
			c.failed[i] = failure{"InvalidInput", asff.ErrorMessage(f.Violations)}
		default:
			c.ready = append(c.ready, i)
			c.outcomes = append(c.outcomes, 0)
			c.keys = append(c.keys, store.Key{
				Account: f.AwsAccountID, Region: c.p.Region, ProductArn: f.ProductArn, ID: f.ID,
			})
		}
	}
}

// merge is step 7, the store's closure: then automation rules have their say (D37). It may run again for the same finding, after another writer was first.
func (c *importCall) merge(k int, old *store.Doc, st store.StateView) (store.Change, error) {
	i := c.ready[k]
	f := &c.batch.Findings[i]
	t := &c.targets[c.targetOf[i]]
	on, err := c.hubs.on(c.h, st, f.AwsAccountID, c.p.Region)
	if err != nil {
		return store.Change{}, err
	}
	if !c.h.takes(f.AwsAccountID, on, t, st) {
		return store.Change{}, errNotTaken
	}
	c.h.fill(t, &c.env, f.AwsAccountID)
	var before *asff.Stored
	if old != nil {
		c.stored = asff.Stored{Doc: old.JSON, Customer: old.Customer}
		before = &c.stored
	}
	doc, customer, outcome, err := c.merger.Import(before, f, &c.env)
	if err != nil {
		return store.Change{}, err
	}
	c.outcomes[k] = outcome
	change := store.Change{JSON: doc, Customer: customer}
	switch outcome {
	case asff.Created:
	case asff.Stale:
		return store.Change{}, nil
	case asff.Updated:
		change.History = history(&c.merger, c.now, sourceImport, f.ProductArn)
	}
	return change, c.applyRules(k, &change, f.AwsAccountID, st)
}

// history makes the record of what a Merger changed last; a change of nothing that is recorded has none (D33).
func history(m *asff.Merger, at time.Time, source, identity string) []store.HistoryRecord {
	updates := m.Changes()
	if len(updates) == 0 {
		return nil
	}
	return []store.HistoryRecord{{Time: at, Source: source, Identity: identity, Updates: updates}}
}

// collect notes what the store said to each key. The hub's own trouble is one line of the log, however many findings it struck.
func (c *importCall) collect(ctx context.Context, errs []error) {
	var t trouble
	for k, err := range errs {
		i := c.ready[k]
		switch {
		case err == nil:
		case errors.Is(err, errNotTaken):
			c.failed[i] = failedAccess(c.batch.Findings[i].AwsAccountID)
		case errors.Is(err, store.ErrConflict):
			c.failed[i] = failedConflict
		default:
			c.failed[i] = failedInternal
			t.add(err)
		}
	}
	t.log(ctx, c.h.log, "findings could not be stored")
	c.logHindered(ctx)
}

// trouble gathers the errors of a call's items that are nobody's fault but the hub's.
type trouble struct {
	first error
	n     int
}

func (t *trouble) add(err error) {
	if t.first == nil {
		t.first = err
	}
	t.n++
}

func (t *trouble) log(ctx context.Context, log *slog.Logger, what string) {
	if t.n > 0 {
		log.LogAttrs(ctx, slog.LevelError, what, slog.Int("findings", t.n), slog.String("first", t.first.Error()))
	}
}

func (c *importCall) output() *api.BatchImportFindingsOutput {
	out := &api.BatchImportFindingsOutput{FailedFindings: []api.ImportFindingsError{}}
	for i, why := range c.failed {
		if why.code == "" {
			out.SuccessCount++
			continue
		}
		out.FailedCount++
		out.FailedFindings = append(out.FailedFindings, api.ImportFindingsError{
			Id: c.batch.Findings[i].ID, ErrorCode: why.code, ErrorMessage: why.message,
		})
	}
	return out
}

// hubCache remembers, for one call, whether accounts' hubs are on, each for one version of the account's records.
type hubCache struct{ known []hubSeen }

type hubSeen struct {
	account string
	version uint64
	central *central // the central configuration that was in force
	on      bool
}

func (c *hubCache) on(h *Hub, st store.StateView, account, region string) (bool, error) {
	version := st.Version(account)
	central, err := h.centralOf(st)
	if err != nil {
		return false, err
	}
	at := -1
	for i := range c.known {
		if c.known[i].account == account {
			if c.known[i].version == version && c.known[i].central == central {
				return c.known[i].on, nil
			}
			at = i
		}
	}
	rec, err := h.hubOf(st, account, region)
	if err != nil {
		return false, err
	}
	seen := hubSeen{account: account, version: version, central: central, on: rec.Enabled}
	if at >= 0 {
		c.known[at] = seen
	} else {
		c.known = append(c.known, seen)
	}
	return seen.on, nil
}

func (c *hubCache) reset() {
	clear(c.known)
	c.known = c.known[:0]
}
