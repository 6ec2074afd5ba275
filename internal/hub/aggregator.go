package hub

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/store"
)

// The ways an aggregator links Regions to its home Region (spec 9).
const (
	linkAll       = "ALL_REGIONS" // those that the store will have, too
	linkAllExcept = "ALL_REGIONS_EXCEPT_SPECIFIED"
	linkSpecified = "SPECIFIED_REGIONS"
	linkNone      = "NO_REGIONS"
)

var linkingModes = []string{linkAll, linkAllExcept, linkSpecified, linkNone}

// aggregatorRecord is an account's finding aggregator: it has one at most, whatever the Region.
type aggregatorRecord struct {
	ID      string   `json:"id"`
	Home    string   `json:"home"` // the Region that shows what the linked Regions have
	Mode    string   `json:"mode"`
	Regions []string `json:"regions,omitempty"` // as the mode means them, sorted
}

// aggregatorOf reads an account's aggregator; one with an empty Home is none.
func aggregatorOf(st store.StateView, account string) (aggregatorRecord, error) {
	var rec aggregatorRecord
	raw, ok := st.Get(account, recordAggregator)
	if !ok {
		return rec, nil
	}
	if err := json.Unmarshal(raw, &rec); err != nil {
		return rec, fmt.Errorf("record %s of account %s: %w", recordAggregator, account, err)
	}
	return rec, nil
}

// aggregatorInForce is the aggregator that an account lives under in a Region: its administrator's there, or its own where it has no
// administrator. It may be none.
func aggregatorInForce(st store.StateView, account, region string) (aggregatorRecord, error) {
	rec, member, err := administratorRecordOf(st, account, region)
	if err != nil {
		return aggregatorRecord{}, err
	}
	if member {
		account = rec.Account
	}
	return aggregatorOf(st, account)
}

// reach is the Regions that are seen from a Region, as a scope of every account.
func (a *aggregatorRecord) reach(region string) store.Scope {
	if a.Home == region {
		switch a.Mode {
		case linkAll:
			return store.Scope{}
		case linkAllExcept:
			return store.Scope{Without: otherThan(a.Regions, region)}
		case linkSpecified:
			return store.Scope{Regions: append([]string{region}, otherThan(a.Regions, region)...)}
		}
	}
	return store.Scope{Regions: []string{region}}
}

func otherThan(list []string, v string) []string {
	var rest []string
	for _, s := range list {
		if s != v {
			rest = append(rest, s)
		}
	}
	return rest
}

func (a *aggregatorRecord) arn(account string) string {
	return "arn:" + partitionOf(a.Home) + ":securityhub:" + a.Home + ":" + account + ":finding-aggregator/" + a.ID
}

// CreateFindingAggregator makes the caller's Region the home Region of its account. An account has one aggregator, and a member none:
// it lives under its administrator's.
func (h *Hub) CreateFindingAggregator(ctx context.Context, p *iam.Principal, in *api.CreateFindingAggregatorInput) (*api.CreateFindingAggregatorOutput, error) {
	rec, err := h.linked(p.Region, in.RegionLinkingMode, in.Regions)
	if err != nil {
		return nil, err
	}
	rec.ID, rec.Home = newUUID(h.now()), p.Region
	err = h.store.State(ctx, []string{p.Account}, func(tx store.StateTx) error {
		if _, err := h.enabledHub(tx, p); err != nil {
			return err
		}
		if _, member, err := administratorRecordOf(tx, p.Account, p.Region); err != nil || member {
			return cmp.Or(err, memberAggregates())
		}
		old, err := aggregatorOf(tx, p.Account)
		if err != nil {
			return err
		}
		if old.Home != "" {
			return api.Errorf(api.InvalidInput, "A finding aggregator already exists in this account: %s", old.arn(p.Account))
		}
		return putRecord(tx, p.Account, recordAggregator, rec)
	})
	if err != nil {
		return nil, err
	}
	arn := rec.arn(p.Account)
	return &api.CreateFindingAggregatorOutput{
		FindingAggregationRegion: &rec.Home, FindingAggregatorArn: &arn, RegionLinkingMode: &rec.Mode, Regions: rec.Regions,
	}, nil
}

const statusUnauthorized = 401

// memberAggregates is the refusal that AWS was seen to answer, with a status of another exception (spec 2.3).
func memberAggregates() error {
	return api.Errorf(api.InvalidInput, "A finding aggregator cannot be created by a member account.").WithStatus(statusUnauthorized)
}

// linked checks a linking mode and its Regions. Regions beside ALL_REGIONS say nothing and are dropped; the home Region may stand among
// them and stays what it is.
func (h *Hub) linked(home, mode string, names []string) (aggregatorRecord, error) {
	rec := aggregatorRecord{Mode: mode}
	switch mode {
	case linkAll:
		return rec, nil
	case linkNone:
		if len(names) > 0 {
			return rec, api.InvalidParameter("Regions", "should NOT be there with RegionLinkingMode "+linkNone)
		}
		return rec, nil
	case linkAllExcept, linkSpecified:
	default:
		return rec, api.InvalidParameter("RegionLinkingMode", "should be equal to one of the allowed values: "+strings.Join(linkingModes, ", "))
	}
	if len(names) == 0 {
		return rec, api.InvalidParameter("Regions", "should NOT have fewer than 1 items")
	}
	for i, name := range names {
		path := "Regions[" + strconv.Itoa(i) + "]"
		switch {
		case !isRegion(name) || h.profile == AWS && !knownRegion(name):
			return rec, api.InvalidParameter(path, "'"+clip(name)+"' is not a Region")
		case partitionOf(name) != partitionOf(home):
			return rec, api.InvalidParameter(path, "'"+name+"' lies in another partition than "+home)
		}
	}
	rec.Regions = slices.Compact(slices.Sorted(slices.Values(names)))
	return rec, nil
}

// clip keeps a client's text in a message short.
func clip(s string) string {
	if len(s) > 64 {
		return strings.ToValidUTF8(s[:64], "") + "..."
	}
	return s
}

// GetFindingAggregator tells of the aggregator that the caller lives under, from any Region.
func (h *Hub) GetFindingAggregator(ctx context.Context, p *iam.Principal, in *api.GetFindingAggregatorInput) (*api.GetFindingAggregatorOutput, error) {
	rec, owner, err := h.aggregator(ctx, p)
	if err != nil {
		return nil, err
	}
	if rec.Home == "" || rec.arn(owner) != in.FindingAggregatorArn {
		return nil, noAggregator(in.FindingAggregatorArn)
	}
	return &api.GetFindingAggregatorOutput{
		FindingAggregationRegion: &rec.Home, FindingAggregatorArn: &in.FindingAggregatorArn, RegionLinkingMode: &rec.Mode, Regions: rec.Regions,
	}, nil
}

// ListFindingAggregators lists the aggregator that the caller lives under, or none, from any Region.
func (h *Hub) ListFindingAggregators(ctx context.Context, p *iam.Principal, in *api.ListFindingAggregatorsInput) (*api.ListFindingAggregatorsOutput, error) {
	rec, owner, err := h.aggregator(ctx, p)
	if err != nil {
		return nil, err
	}
	var arns []string
	if rec.Home != "" {
		arns = append(arns, rec.arn(owner))
	}
	arns, next, err := h.page(arns, in.NextToken, in.MaxResults, ask("ListFindingAggregators", p, nil, nil))
	if err != nil {
		return nil, err
	}
	out := &api.ListFindingAggregatorsOutput{FindingAggregators: []api.FindingAggregator{}, NextToken: next}
	for _, arn := range arns {
		out.FindingAggregators = append(out.FindingAggregators, api.FindingAggregator{FindingAggregatorArn: &arn})
	}
	return out, nil
}

// aggregator reads the aggregator in force for a caller, and whose it is.
func (h *Hub) aggregator(ctx context.Context, p *iam.Principal) (rec aggregatorRecord, owner string, err error) {
	err = h.store.View(ctx, func(st store.StateView) error {
		if _, err := h.enabledHub(st, p); err != nil {
			return err
		}
		var err error
		if owner, err = h.administratorOf(st, p.Account, p.Region); err != nil {
			return err
		}
		rec, err = aggregatorOf(st, owner)
		return err
	})
	return rec, owner, err
}

// UpdateFindingAggregator changes which Regions are linked. It is asked in the home Region, which it cannot change.
func (h *Hub) UpdateFindingAggregator(ctx context.Context, p *iam.Principal, in *api.UpdateFindingAggregatorInput) (*api.UpdateFindingAggregatorOutput, error) {
	links, err := h.linked(p.Region, in.RegionLinkingMode, in.Regions)
	if err != nil {
		return nil, err
	}
	var rec aggregatorRecord
	err = h.ownAggregator(ctx, p, in.FindingAggregatorArn, func(tx store.StateTx, old aggregatorRecord) error {
		rec = old
		rec.Mode, rec.Regions = links.Mode, links.Regions
		return putRecord(tx, p.Account, recordAggregator, rec)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateFindingAggregatorOutput{
		FindingAggregationRegion: &rec.Home, FindingAggregatorArn: &in.FindingAggregatorArn, RegionLinkingMode: &rec.Mode, Regions: rec.Regions,
	}, nil
}

// DeleteFindingAggregator ends the linking: the home Region shows what is its own. It is asked in the home Region, and refused while the
// organisation is configured centrally from there.
func (h *Hub) DeleteFindingAggregator(ctx context.Context, p *iam.Principal, in *api.DeleteFindingAggregatorInput) (*api.DeleteFindingAggregatorOutput, error) {
	err := h.ownAggregator(ctx, p, in.FindingAggregatorArn, func(tx store.StateTx, _ aggregatorRecord) error {
		cfg, err := organizationConfigurationOf(tx, p.Account, p.Region)
		if err != nil {
			return err
		}
		if cfg.Central {
			return api.Errorf(api.InvalidInput, "The finding aggregator cannot be deleted while the organization uses central configuration")
		}
		tx.Delete(p.Account, recordAggregator)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteFindingAggregatorOutput{}, nil
}

// ownAggregator lets fn change the caller's aggregator, which the ARN must name.
func (h *Hub) ownAggregator(ctx context.Context, p *iam.Principal, arn string, fn func(store.StateTx, aggregatorRecord) error) error {
	return h.store.State(ctx, []string{p.Account}, func(tx store.StateTx) error {
		if _, err := h.enabledHub(tx, p); err != nil {
			return err
		}
		rec, err := aggregatorOf(tx, p.Account)
		switch {
		case err != nil:
			return err
		case rec.Home == "" || rec.arn(p.Account) != arn:
			return noAggregator(arn)
		case rec.Home != p.Region:
			return api.Errorf(api.InvalidInput, "The finding aggregator can be changed in its home Region alone: %s", rec.Home)
		}
		return fn(tx, rec)
	})
}

// noAggregator refuses an ARN that names no aggregator of the caller's.
func noAggregator(arn string) error {
	if !strings.HasPrefix(arn, "arn:") || !strings.Contains(arn, ":finding-aggregator/") {
		return api.InvalidParameter("FindingAggregatorArn", "should be the ARN of a finding aggregator")
	}
	return api.Errorf(api.ResourceNotFound, "%s", named("findingAggregatorArn", arn))
}
