package hub

import (
	"context"
	"maps"
	"time"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/store"
)

// The values of ControlFindingGenerator.
const (
	generatorSecurityControl = "SECURITY_CONTROL"
	generatorStandardControl = "STANDARD_CONTROL"
)

// timestamp is how the service writes its own instants (D17).
const timestamp = "2006-01-02T15:04:05.000Z"

// EnableSecurityHub switches the caller's hub on in its Region. It succeeds once: an implicit hub becomes explicit (D52), one
// that was enabled before is a conflict.
func (h *Hub) EnableSecurityHub(ctx context.Context, p *iam.Principal, in *api.EnableSecurityHubInput) (*api.EnableSecurityHubOutput, error) {
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	generator, err := findingGenerator(in.ControlFindingGenerator, generatorSecurityControl)
	if err != nil {
		return nil, err
	}
	now := h.now()
	involved := func(st store.StateView) []string { return append(designated(st, p), p.Account) }
	err = h.stateOver(ctx, involved, func(tx store.StateTx) error {
		rec, err := h.hubOf(tx, p.Account, p.Region)
		if err != nil {
			return err
		}
		if err := h.requireOwnSay(tx, p); err != nil {
			return err
		}
		if rec.Enabled && rec.Explicit {
			return api.Errorf(api.ResourceConflict, "Account is already subscribed to Security Hub")
		}
		made := hubRecord{
			Enabled:                 true,
			Explicit:                true,
			SubscribedAt:            now,
			AutoEnableControls:      true,
			ControlFindingGenerator: generator,
			DefaultStandards:        in.EnableDefaultStandards == nil || *in.EnableDefaultStandards,
			Tags:                    in.Tags,
		}
		if rec.Enabled {
			if err := made.keep(tx, h, p, in); err != nil {
				return err
			}
		}
		err = putRecord(tx, p.Account, recordHub+p.Region, made)
		if err == nil && (in.EnableDefaultStandards == nil || *in.EnableDefaultStandards) {
			err = h.subscribeDefaults(tx, p.Account, p.Region, now)
		}
		if err != nil {
			return err
		}
		return h.joined(tx, p, now)
	})
	if err != nil {
		return nil, err
	}
	return &api.EnableSecurityHubOutput{}, nil
}

// keep takes over what was said of the hub while it was implicit, but for what the request says anew (D52).
func (r *hubRecord) keep(st store.StateView, h *Hub, p *iam.Principal, in *api.EnableSecurityHubInput) error {
	was, err := h.ownHub(st, p.Account, p.Region)
	if err != nil {
		return err
	}
	r.AutoEnableControls = was.AutoEnableControls
	if in.ControlFindingGenerator == nil {
		r.ControlFindingGenerator = was.ControlFindingGenerator
	}
	if len(was.Tags) == 0 {
		return nil
	}
	r.Tags = maps.Clone(was.Tags)
	maps.Copy(r.Tags, in.Tags)
	if len(r.Tags) > maxTags {
		return tooManyTags()
	}
	return nil
}

// DescribeHub tells about the caller's hub. An implicit hub was subscribed when the store was made (D52).
func (h *Hub) DescribeHub(ctx context.Context, p *iam.Principal, in *api.DescribeHubInput) (*api.DescribeHubOutput, error) {
	rec, err := h.requireHub(ctx, p)
	if err != nil {
		return nil, err
	}
	arn := ARN(p.Region, p.Account)
	if in.HubArn != nil && *in.HubArn != arn {
		return nil, api.Errorf(api.ResourceNotFound, "Hub %s is not found", *in.HubArn)
	}
	at := rec.SubscribedAt.UTC().Format(timestamp)
	return &api.DescribeHubOutput{
		AutoEnableControls:      &rec.AutoEnableControls,
		ControlFindingGenerator: &rec.ControlFindingGenerator,
		HubArn:                  &arn,
		SubscribedAt:            &at,
	}, nil
}

// UpdateSecurityHubConfiguration changes what DescribeHub tells. It leaves an implicit hub implicit.
func (h *Hub) UpdateSecurityHubConfiguration(ctx context.Context, p *iam.Principal, in *api.UpdateSecurityHubConfigurationInput) (*api.UpdateSecurityHubConfigurationOutput, error) {
	if _, err := findingGenerator(in.ControlFindingGenerator, ""); err != nil {
		return nil, err
	}
	err := h.store.State(ctx, []string{p.Account}, func(tx store.StateTx) error {
		if _, err := h.enabledHub(tx, p); err != nil {
			return err
		}
		if err := h.requireOwnSay(tx, p); err != nil {
			return err
		}
		rec, err := h.ownHub(tx, p.Account, p.Region)
		if err != nil {
			return err
		}
		if in.AutoEnableControls != nil {
			rec.AutoEnableControls = *in.AutoEnableControls
		}
		if in.ControlFindingGenerator != nil {
			rec.ControlFindingGenerator = *in.ControlFindingGenerator
		}
		return putRecord(tx, p.Account, recordHub+p.Region, rec)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateSecurityHubConfigurationOutput{}, nil
}

// DisableSecurityHub switches the caller's hub off in its Region, an implicit one too (D52). Findings and product subscriptions
// stay; tags, standards, what was customised of controls, and memberships go (spec 5.3). Who administers others cannot.
func (h *Hub) DisableSecurityHub(ctx context.Context, p *iam.Principal, _ *api.DisableSecurityHubInput) (*api.DisableSecurityHubOutput, error) {
	now := h.now()
	involved := func(st store.StateView) []string { return bound(st, p) }
	err := h.stateOver(ctx, involved, func(tx store.StateTx) error {
		rec, err := h.hubOf(tx, p.Account, p.Region)
		if err != nil {
			return err
		}
		if !rec.Enabled {
			return api.Errorf(api.ResourceNotFound, "Account is not subscribed to Security Hub")
		}
		if err := h.requireOwnSay(tx, p); err != nil {
			return err
		}
		if err := h.separate(tx, p, now); err != nil {
			return err
		}
		forgetStandards(tx, p.Account, p.Region)
		return putRecord(tx, p.Account, recordHub+p.Region, hubRecord{SubscribedAt: rec.SubscribedAt})
	})
	if err != nil {
		return nil, err
	}
	return &api.DisableSecurityHubOutput{}, nil
}

func findingGenerator(asked *string, otherwise string) (string, error) {
	switch {
	case asked == nil:
		return otherwise, nil
	case *asked == generatorSecurityControl || *asked == generatorStandardControl:
		return *asked, nil
	}
	return "", api.InvalidParameter("ControlFindingGenerator", "should be equal to one of the allowed values: "+
		generatorStandardControl+", "+generatorSecurityControl)
}

// instant writes a time as the service's own timestamps are written.
func instant(t time.Time) *string {
	s := t.UTC().Format(timestamp)
	return &s
}
