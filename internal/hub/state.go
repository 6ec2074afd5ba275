package hub

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/store"
)

// The small records an account has in the store:
//
//	hub/REGION                             hubRecord; none: the hub is implicit (open) or off (aws)
//	subscription/REGION/COMPANY/PRODUCT    subscriptionRecord
//	insight/REGION/UUID                    insightRecord
//	automation-rule/REGION/UUID            ruleRecord
//	automation-rules/REGION                ruleIndex: which there are
//	actiontarget/REGION/ID                 actionTargetRecord
//	member/REGION/ACCOUNT                  memberRecord: of an account that this one has, or asked, as a member
//	administrator/REGION                   administratorRecord: whose member this account is
//	invitation/REGION/ACCOUNT              invitationRecord: of the account that asked
//	aggregator                             aggregatorRecord
//	organization-configuration/REGION      organizationConfigurationRecord, of the organisation's administrator
//	standard/REGION/KEY                    standardRecord, while the standard is enabled
//	control/REGION/ID                      controlRecord, while something of the control is customised
//	configuration-policy/REGION/UUID       policyRecord, of the organisation's administrator
//	configuration-association/REGION/TYPE/ID    placedRecord: which policy was applied to a target
//	tags/ARN                               the tags of a resource, which say that it is there: tags.go
//
// and those of the store itself, under the account "":
//
//	created           the instant the store was first opened, RFC 3339
//	page-token-key    32 random bytes
//	management-account                     of the organisation, where the configuration names none (D36)
//	organization-admin/REGION/FEATURE      designationRecord
//	central-configuration                  centralRecord, while the organisation's administrator has ConfigurationType CENTRAL
//	organization-accounts                  ids of the configured organisation's accounts, as the store met them last
//
// and those of jobs, under jobAccount, which is no account:
//
//	jobs              the ids of all jobs, oldest first
//	job/ID            jobRecord
//	sweep             sweepRecord, while one of several processes sweeps
const (
	recordHub          = "hub/"
	recordSubscription = "subscription/"
	recordInsight      = "insight/"
	recordRule         = "automation-rule/"
	recordRuleIndex    = "automation-rules/"
	recordActionTarget = "actiontarget/"
	recordMember       = "member/"
	recordInvitation   = "invitation/"
	recordAggregator   = "aggregator"
	recordCreated      = "created"
	recordTokenKey     = "page-token-key"
	recordJobs         = "jobs"
	recordJob          = "job/"
	recordSweep        = "sweep"
	recordStandard     = "standard/"
	recordControl      = "control/"
	recordPolicy       = "configuration-policy/"
	recordPlaced       = "configuration-association/"
	recordCentral      = "central-configuration"

	recordAdministrator             = "administrator/"
	recordManagementAccount         = "management-account"
	recordOrganizationAdmin         = "organization-admin/"
	recordOrganizationAccounts      = "organization-accounts"
	recordOrganizationConfiguration = "organization-configuration/"
)

// hubRecord is what an account has decided about its hub in one Region.
type hubRecord struct {
	Enabled                 bool              `json:"enabled"`
	Explicit                bool              `json:"explicit"` // EnableSecurityHub was called (D52)
	SubscribedAt            time.Time         `json:"subscribedAt"`
	AutoEnableControls      bool              `json:"autoEnableControls"`
	ControlFindingGenerator string            `json:"controlFindingGenerator"`
	DefaultStandards        bool              `json:"defaultStandards"` // EnableDefaultStandards as asked for
	Tags                    map[string]string `json:"tags,omitempty"`
}

// subscriptionRecord is one enabled product.
type subscriptionRecord struct {
	ProductArn string    `json:"productArn"`
	EnabledAt  time.Time `json:"enabledAt"`
}

func subscriptionName(region, company, product string) string {
	return recordSubscription + region + "/" + company + "/" + product
}

// hubOf reads an account's hub in a Region, as a configuration policy has it where one decides.
func (h *Hub) hubOf(st store.StateView, account, region string) (hubRecord, error) {
	own, err := h.ownHub(st, account, region)
	if err != nil {
		return own, err
	}
	g, err := h.governed(st, account, region)
	if err != nil || g == nil {
		return own, err
	}
	return g.overlay(own, account), nil
}

// ownHub is the account's own record of its hub: what is written. Without a record it is the implicit one: on in open, off in aws.
func (h *Hub) ownHub(st store.StateView, account, region string) (hubRecord, error) {
	raw, ok := st.Get(account, recordHub+region)
	if !ok {
		return hubRecord{
			Enabled:                 h.profile == Open,
			SubscribedAt:            h.created,
			AutoEnableControls:      true,
			ControlFindingGenerator: generatorSecurityControl,
		}, nil
	}
	var r hubRecord
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, fmt.Errorf("record %s%s of account %s: %w", recordHub, region, account, err)
	}
	return r, nil
}

// putRecord writes a small record as JSON.
func putRecord(tx store.StateTx, account, name string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("record %s of account %s: %w", name, account, err)
	}
	tx.Put(account, name, raw)
	return nil
}

// requireHub answers the caller's hub, or the error of nearly every operation when it is off (spec 2.3).
func (h *Hub) requireHub(ctx context.Context, p *iam.Principal) (hubRecord, error) {
	var rec hubRecord
	err := h.store.View(ctx, func(st store.StateView) error {
		var err error
		rec, err = h.enabledHub(st, p)
		return err
	})
	return rec, err
}

// enabledHub is requireHub inside a transaction.
func (h *Hub) enabledHub(st store.StateView, p *iam.Principal) (hubRecord, error) {
	rec, err := h.hubOf(st, p.Account, p.Region)
	if err == nil && !rec.Enabled {
		err = api.Errorf(api.InvalidAccess, "%s", notSubscribed(p.Account))
	}
	return rec, err
}

// notSubscribed is AWS's sentence for an account whose hub is off (spec 2.3; D1 uses it for single findings too).
func notSubscribed(account string) string {
	return "Account " + account + " is not subscribed to AWS Security Hub"
}

type ownRecords struct {
	created  time.Time
	tokenKey [32]byte
}

// openOwnRecords reads the store's own records, and writes them when the store is new. A store that has them is not written to: a
// hub starts, and reads go on, where the disk is nearly full.
func openOwnRecords(ctx context.Context, s store.Store, clock func() time.Time, random io.Reader) (ownRecords, error) {
	own := ownRecords{created: clock().UTC().Truncate(time.Millisecond)}
	if _, err := io.ReadFull(random, own.tokenKey[:]); err != nil {
		return own, fmt.Errorf("hub: page token key: %w", err)
	}
	fresh := own
	var missing []string
	copied := false
	err := s.View(ctx, func(st store.StateView) (err error) {
		missing, err = own.read(st)
		_, copied = st.Get("", store.CopyMark) // what a hub serves is nobody's copy any more: it has a life of its own
		return err
	})
	if err == nil && copied {
		err = s.State(ctx, []string{""}, func(tx store.StateTx) error {
			tx.Delete("", store.CopyMark)
			return nil
		})
	}
	if err == nil && len(missing) > 0 {
		err = s.State(ctx, []string{""}, func(tx store.StateTx) error {
			own = fresh
			missing, err := own.read(tx) // another process may have been first
			for _, name := range missing {
				tx.Put("", name, own.record(name))
			}
			return err
		})
	}
	if err != nil {
		return own, fmt.Errorf("hub: opening the store's records: %w", err)
	}
	return own, nil
}

// read takes over the records that are there and names those that are not.
func (o *ownRecords) read(st store.StateView) (missing []string, err error) {
	if key, ok := st.Get("", recordTokenKey); !ok {
		missing = append(missing, recordTokenKey)
	} else if copy(o.tokenKey[:], key) != len(o.tokenKey) {
		return nil, fmt.Errorf("record %s has %d bytes, not %d", recordTokenKey, len(key), len(o.tokenKey))
	}
	raw, ok := st.Get("", recordCreated)
	if !ok {
		return append(missing, recordCreated), nil
	}
	if o.created, err = time.Parse(time.RFC3339Nano, string(raw)); err != nil {
		return nil, fmt.Errorf("record %s: %w", recordCreated, err)
	}
	return missing, nil
}

// StoreID names a store and all its copies, and nothing else; "" where no hub ever served it.
func StoreID(ctx context.Context, s store.Store) (id string, err error) {
	err = s.View(ctx, func(st store.StateView) error {
		if key, there := st.Get("", recordTokenKey); there {
			sum := sha256.Sum256(key) // of a secret
			id = hex.EncodeToString(sum[:8])
		}
		return nil
	})
	return id, err
}

func (o *ownRecords) record(name string) []byte {
	if name == recordTokenKey {
		return o.tokenKey[:]
	}
	return []byte(o.created.Format(time.RFC3339Nano))
}
