package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/standards"
	"hubcap/internal/store"
)

// standardRecord is an account's subscription to a standard in one Region: standard/REGION/KEY, with the standard's key in the
// catalogue. It is there while the standard is enabled.
type standardRecord struct {
	EnabledAt time.Time                    `json:"enabledAt"`
	Input     map[string]string            `json:"input,omitempty"`
	Controls  map[string]associationRecord `json:"controls,omitempty"` // by SecurityControlId; those that somebody switched
}

// associationRecord is what an account decided about one control in one standard.
type associationRecord struct {
	Disabled bool      `json:"disabled,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	At       time.Time `json:"at"`
}

// subscribed are the standards of an account in a Region: by key, what is enabled. central is the policy that decides it, nil for the
// account itself.
type subscribed struct {
	standards map[string]standardRecord
	central   *governance
}

// standardsOf reads what an account has enabled in a Region: what a configuration policy says where one is in force, else its own.
func (h *Hub) standardsOf(st store.StateView, account, region string) (subscribed, error) {
	g, err := h.governed(st, account, region)
	if err != nil {
		return subscribed{}, err
	}
	s := subscribed{standards: map[string]standardRecord{}, central: g}
	if g != nil {
		for _, std := range g.policy.enabledStandards(h.standards) {
			s.standards[std.Key] = standardRecord{EnabledAt: g.since}
		}
		return s, nil
	}
	prefix := recordStandard + region + "/"
	for _, name := range st.Names(account, prefix) {
		var rec standardRecord
		if err := readRecord(st, account, name, &rec); err != nil {
			return s, err
		}
		s.standards[name[len(prefix):]] = rec
	}
	return s, nil
}

// has tells whether a standard is enabled.
func (s *subscribed) has(std *standards.Standard) bool {
	_, ok := s.standards[std.Key]
	return ok
}

// association tells whether a control is disabled in a standard that is enabled, since when and why.
func (s *subscribed) association(std *standards.Standard, ctl *standards.Control) associationRecord {
	rec := s.standards[std.Key]
	if s.central != nil {
		return associationRecord{Disabled: !s.central.policy.enables(ctl.ID), At: rec.EnabledAt}
	}
	if a, ok := rec.Controls[ctl.ID]; ok {
		return a
	}
	return associationRecord{At: rec.EnabledAt}
}

// enabled tells whether a control is enabled in any standard that is.
func (s *subscribed) enabled(ctl *standards.Control) bool {
	for i := range ctl.In {
		if std := ctl.In[i].Standard; s.has(std) && !s.association(std, ctl).Disabled {
			return true
		}
	}
	return false
}

// inOrder are the enabled standards as the catalogue sorts them.
func (s *subscribed) inOrder(c *standards.Catalogue) []*standards.Standard {
	var list []*standards.Standard
	for _, std := range c.Standards {
		if s.has(std) {
			list = append(list, std)
		}
	}
	return list
}

func standardName(region string, std *standards.Standard) string {
	return recordStandard + region + "/" + std.Key
}

// subscribeDefaults enables the standards that EnableSecurityHub enables, where they are not (spec 9).
func (h *Hub) subscribeDefaults(tx store.StateTx, account, region string, now time.Time) error {
	for _, std := range h.standards.Standards {
		name := standardName(region, std)
		if _, there := tx.Get(account, name); !std.Default || there {
			continue
		}
		if err := putRecord(tx, account, name, standardRecord{EnabledAt: now}); err != nil {
			return err
		}
	}
	return nil
}

// forgetStandards is what DisableSecurityHub leaves of standards and controls: nothing.
func forgetStandards(tx store.StateTx, account, region string) {
	for _, prefix := range []string{recordStandard + region + "/", recordControl + region + "/"} {
		for _, name := range tx.Names(account, prefix) {
			tx.Delete(account, name)
		}
	}
}

// standardByARN finds the standard that an ARN names in a Region; nil: none.
func (h *Hub) standardByARN(arn, region string) *standards.Standard {
	at := strings.LastIndexByte(arn, ':')
	std := h.standards.ByResource(arn[at+1:])
	if std == nil || std.ARN(partitionOf(region), region) != arn {
		return nil
	}
	return std
}

func standardsSubscriptionARN(region, account string, std *standards.Standard) string {
	return "arn:" + partitionOf(region) + ":securityhub:" + region + ":" + account + ":subscription/" + std.Path()
}

// standardBySubscription finds the standard of an ARN of the caller's subscription; nil: it names none.
func (h *Hub) standardBySubscription(p *iam.Principal, arn string) *standards.Standard {
	path, own := strings.CutPrefix(arn, ownARN(p, "subscription/"))
	if !own {
		return nil
	}
	return h.standards.ByPath(path)
}

// The statuses of a subscription that hubcap has: it is ready as soon as it is asked for.
const (
	standardReady     = "READY"
	standardDeleting  = "DELETING"
	standardUpdatable = "READY_FOR_UPDATES"
)

func (h *Hub) subscription(region, account string, std *standards.Standard, rec standardRecord, status string) api.StandardsSubscription {
	input, updatable := rec.Input, standardUpdatable
	if input == nil {
		input = map[string]string{}
	}
	return api.StandardsSubscription{
		StandardsArn: std.ARN(partitionOf(region), region), StandardsInput: input, StandardsStatus: status,
		StandardsSubscriptionArn: standardsSubscriptionARN(region, account, std), StandardsControlsUpdatable: &updatable,
	}
}

// DescribeStandards tells the standards that there are.
func (h *Hub) DescribeStandards(ctx context.Context, p *iam.Principal, in *api.DescribeStandardsInput) (*api.DescribeStandardsOutput, error) {
	if _, err := h.requireHub(ctx, p); err != nil {
		return nil, err
	}
	names := make([]string, len(h.standards.Standards))
	for i, std := range h.standards.Standards {
		names[i] = std.Path()
	}
	names, next, err := h.page(names, in.NextToken, in.MaxResults, ask("DescribeStandards", p, nil, nil))
	if err != nil {
		return nil, err
	}
	out := &api.DescribeStandardsOutput{Standards: []api.Standard{}, NextToken: next}
	company, product := "AWS", "Security Hub"
	for _, name := range names {
		std := h.standards.ByPath(name)
		arn := std.ARN(partitionOf(p.Region), p.Region)
		out.Standards = append(out.Standards, api.Standard{
			Description: &std.Description, EnabledByDefault: &std.Default, Name: &std.Name, StandardsArn: &arn,
			StandardsManagedBy: &api.StandardsManagedBy{Company: &company, Product: &product},
		})
	}
	return out, nil
}

// shown is an ARN that a client sent, for a message.
func shown(arn string) string {
	const most = 256
	if len(arn) <= most {
		return arn
	}
	return strings.ToValidUTF8(arn[:most], "") + "..."
}

// maxStandards is how many standards a request names at most.
const maxStandards = 25

func checkCount(member string, n, most int) error {
	switch {
	case n == 0:
		return api.InvalidParameter(member, "should NOT have fewer than 1 items")
	case n > most:
		return api.InvalidParameter(member, "should NOT have more than "+strconv.Itoa(most)+" items")
	}
	return nil
}

// BatchEnableStandards subscribes the caller to standards. One that is enabled stays as it is; one that there is none of refuses the
// request, in AWS's words (spec 2.3).
func (h *Hub) BatchEnableStandards(ctx context.Context, p *iam.Principal, in *api.BatchEnableStandardsInput) (*api.BatchEnableStandardsOutput, error) {
	if err := checkCount("StandardsSubscriptionRequests", len(in.StandardsSubscriptionRequests), maxStandards); err != nil {
		return nil, err
	}
	type request struct {
		StandardsArn string
	}
	var bad []request
	for _, r := range in.StandardsSubscriptionRequests {
		if h.standardByARN(r.StandardsArn, p.Region) == nil {
			bad = append(bad, request{shown(r.StandardsArn)})
		}
	}
	now := h.now()
	out := &api.BatchEnableStandardsOutput{StandardsSubscriptions: []api.StandardsSubscription{}}
	err := h.store.State(ctx, []string{p.Account}, func(tx store.StateTx) error {
		out.StandardsSubscriptions = out.StandardsSubscriptions[:0]
		if _, err := h.enabledHub(tx, p); err != nil {
			return err
		}
		if err := h.requireOwnSay(tx, p); err != nil {
			return err
		}
		if len(bad) > 0 {
			raw, err := json.Marshal(bad)
			if err != nil {
				return fmt.Errorf("hub: standards: %w", err)
			}
			return api.Errorf(api.InvalidInput, "Invalid StandardsSubscriptionRequest(s): %s", raw)
		}
		for _, r := range in.StandardsSubscriptionRequests {
			std := h.standardByARN(r.StandardsArn, p.Region)
			name, rec := standardName(p.Region, std), standardRecord{EnabledAt: now, Input: maps.Clone(r.StandardsInput)}
			if _, there := tx.Get(p.Account, name); there {
				if err := readRecord(tx, p.Account, name, &rec); err != nil {
					return err
				}
			} else if err := putRecord(tx, p.Account, name, rec); err != nil {
				return err
			}
			out.StandardsSubscriptions = append(out.StandardsSubscriptions, h.subscription(p.Region, p.Account, std, rec, standardReady))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// BatchDisableStandards ends subscriptions of the caller, and with each what it decided about the standard's controls. An ARN of no
// subscription that it has refuses the request.
func (h *Hub) BatchDisableStandards(ctx context.Context, p *iam.Principal, in *api.BatchDisableStandardsInput) (*api.BatchDisableStandardsOutput, error) {
	if err := checkCount("StandardsSubscriptionArns", len(in.StandardsSubscriptionArns), maxStandards); err != nil {
		return nil, err
	}
	out := &api.BatchDisableStandardsOutput{}
	err := h.store.State(ctx, []string{p.Account}, func(tx store.StateTx) error {
		out.StandardsSubscriptions = []api.StandardsSubscription{}
		if _, err := h.enabledHub(tx, p); err != nil {
			return err
		}
		if err := h.requireOwnSay(tx, p); err != nil {
			return err
		}
		own, err := h.standardsOf(tx, p.Account, p.Region)
		if err != nil {
			return err
		}
		var bad, done []string
		for _, arn := range in.StandardsSubscriptionArns {
			std := h.standardBySubscription(p, arn)
			switch {
			case std == nil || !own.has(std):
				bad = append(bad, shown(arn))
			case !slices.Contains(done, std.Key):
				done = append(done, std.Key)
				tx.Delete(p.Account, standardName(p.Region, std))
				out.StandardsSubscriptions = append(out.StandardsSubscriptions, h.subscription(p.Region, p.Account, std, own.standards[std.Key], standardDeleting))
			}
		}
		if len(bad) > 0 {
			raw, err := json.Marshal(bad)
			if err != nil {
				return fmt.Errorf("hub: standards: %w", err)
			}
			return api.Errorf(api.InvalidInput, "Invalid StandardsSubscriptionArn(s): %s", raw)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// GetEnabledStandards tells the caller's subscriptions: all, or those named that it has.
func (h *Hub) GetEnabledStandards(ctx context.Context, p *iam.Principal, in *api.GetEnabledStandardsInput) (*api.GetEnabledStandardsOutput, error) {
	if in.StandardsSubscriptionArns != nil {
		if err := checkCount("StandardsSubscriptionArns", len(in.StandardsSubscriptionArns), maxStandards); err != nil {
			return nil, err
		}
	}
	own, err := h.subscribedNow(ctx, p)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, std := range own.inOrder(h.standards) {
		if in.StandardsSubscriptionArns == nil || slices.Contains(in.StandardsSubscriptionArns, standardsSubscriptionARN(p.Region, p.Account, std)) {
			names = append(names, std.Path())
		}
	}
	asked, err := json.Marshal(in.StandardsSubscriptionArns)
	if err != nil {
		return nil, fmt.Errorf("hub: standards: %w", err)
	}
	names, next, err := h.page(names, in.NextToken, in.MaxResults, ask("GetEnabledStandards", p, asked, nil))
	if err != nil {
		return nil, err
	}
	out := &api.GetEnabledStandardsOutput{StandardsSubscriptions: []api.StandardsSubscription{}, NextToken: next}
	for _, name := range names {
		std := h.standards.ByPath(name)
		out.StandardsSubscriptions = append(out.StandardsSubscriptions, h.subscription(p.Region, p.Account, std, own.standards[std.Key], standardReady))
	}
	return out, nil
}

// subscribedNow is standardsOf for a caller whose hub is on.
func (h *Hub) subscribedNow(ctx context.Context, p *iam.Principal) (own subscribed, err error) {
	err = h.store.View(ctx, func(st store.StateView) error {
		if _, err := h.enabledHub(st, p); err != nil {
			return err
		}
		own, err = h.standardsOf(st, p.Account, p.Region)
		return err
	})
	return own, err
}
