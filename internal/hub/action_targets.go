package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/store"
)

// The limits of action targets (spec 9, 11). AWS documents the bounds of Name and Id, and that an account has at most 50 in a
// Region; the last holds in the profile aws.
const (
	maxActionTargets  = 50
	maxActionName     = 20
	maxActionID       = 20
	maxActionTextSize = 512 // of Description, in characters: AWS has no bound on record (D106)
)

const actionTargetKind = "action/custom/"

// actionTargetRecord is one custom action, kept under actiontarget/REGION/ID.
type actionTargetRecord struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

func actionTargetName(region, id string) string { return recordActionTarget + region + "/" + id }

// CreateActionTarget makes a custom action of the caller's account and Region, and answers its ARN.
func (h *Hub) CreateActionTarget(ctx context.Context, p *iam.Principal, in *api.CreateActionTargetInput) (*api.CreateActionTargetOutput, error) {
	if err := checkActionTarget(&in.Name, &in.Description); err != nil {
		return nil, err
	}
	if !isActionID(in.Id) {
		return nil, api.InvalidParameter("Id", "'"+quotable(in.Id)+"' should be 1 to "+strconv.Itoa(maxActionID)+" letters and digits")
	}
	arn := ownARN(p, actionTargetKind+in.Id)
	name := actionTargetName(p.Region, in.Id)
	err := h.store.State(ctx, []string{p.Account}, func(tx store.StateTx) error {
		if _, err := h.enabledHub(tx, p); err != nil {
			return err
		}
		if _, ok := tx.Get(p.Account, name); ok {
			return api.Errorf(api.ResourceConflict, "Action target %s already exists", arn)
		}
		if h.profile == AWS && len(tx.Names(p.Account, recordActionTarget+p.Region+"/")) >= maxActionTargets {
			return api.Errorf(api.LimitExceeded, "Account %s has reached its limit of %d action targets", p.Account, maxActionTargets)
		}
		return putRecord(tx, p.Account, name, actionTargetRecord{Name: in.Name, Description: in.Description})
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateActionTargetOutput{ActionTargetArn: arn}, nil
}

// DescribeActionTargets tells the caller's custom actions in its Region, or those that ARNs name, by id; an ARN that is none of them
// refuses the request.
func (h *Hub) DescribeActionTargets(ctx context.Context, p *iam.Principal, in *api.DescribeActionTargetsInput) (*api.DescribeActionTargetsOutput, error) {
	out := &api.DescribeActionTargetsOutput{ActionTargets: []api.ActionTarget{}}
	prefix := recordActionTarget + p.Region + "/"
	wanted, asked, err := wantedActionTargets(p, in.ActionTargetArns)
	if err != nil {
		return nil, err
	}
	err = h.store.View(ctx, func(st store.StateView) error {
		if _, err := h.enabledHub(st, p); err != nil {
			return err
		}
		for _, id := range wanted {
			if _, ok := st.Get(p.Account, prefix+id); !ok {
				return noActionTarget(ownARN(p, actionTargetKind+id))
			}
		}
		names := wanted
		if asked == nil {
			names = st.Names(p.Account, prefix)
			for i := range names {
				names[i] = strings.TrimPrefix(names[i], prefix)
			}
		}
		slices.Sort(names)
		names, next, err := h.page(slices.Compact(names), in.NextToken, in.MaxResults, ask("DescribeActionTargets", p, asked, nil))
		if err != nil {
			return err
		}
		out.NextToken, out.ActionTargets = next, out.ActionTargets[:0]
		for _, id := range names {
			rec, err := actionTargetOf(st, p, id)
			if err != nil {
				return err
			}
			out.ActionTargets = append(out.ActionTargets, api.ActionTarget{
				ActionTargetArn: ownARN(p, actionTargetKind+id), Name: rec.Name, Description: rec.Description,
			})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// wantedActionTargets are the ids that ARNs name, and what binds a page token to them; nil for all.
func wantedActionTargets(p *iam.Principal, arns []string) (ids []string, asked []byte, err error) {
	if len(arns) == 0 {
		return nil, nil, nil
	}
	for i, arn := range arns {
		id, err := actionTargetID(p, "ActionTargetArns["+strconv.Itoa(i)+"]", arn)
		if err != nil {
			return nil, nil, err
		}
		ids = append(ids, id)
	}
	asked, err = json.Marshal(arns)
	return ids, asked, err
}

// UpdateActionTarget changes the name or the description of a custom action; what is not sent stays.
func (h *Hub) UpdateActionTarget(ctx context.Context, p *iam.Principal, in *api.UpdateActionTargetInput) (*api.UpdateActionTargetOutput, error) {
	id, err := actionTargetID(p, "ActionTargetArn", in.ActionTargetArn)
	if err != nil {
		return nil, err
	}
	if err := checkActionTarget(in.Name, in.Description); err != nil {
		return nil, err
	}
	err = h.store.State(ctx, []string{p.Account}, func(tx store.StateTx) error {
		if _, err := h.enabledHub(tx, p); err != nil {
			return err
		}
		rec, err := actionTargetOf(tx, p, id)
		if err != nil {
			return err
		}
		if in.Name != nil {
			rec.Name = *in.Name
		}
		if in.Description != nil {
			rec.Description = *in.Description
		}
		return putRecord(tx, p.Account, actionTargetName(p.Region, id), rec)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateActionTargetOutput{}, nil
}

// DeleteActionTarget forgets a custom action and answers its ARN. Findings that were sent to it stay as they are.
func (h *Hub) DeleteActionTarget(ctx context.Context, p *iam.Principal, in *api.DeleteActionTargetInput) (*api.DeleteActionTargetOutput, error) {
	id, err := actionTargetID(p, "ActionTargetArn", in.ActionTargetArn)
	if err != nil {
		return nil, err
	}
	err = h.store.State(ctx, []string{p.Account}, func(tx store.StateTx) error {
		if _, err := h.enabledHub(tx, p); err != nil {
			return err
		}
		name := actionTargetName(p.Region, id)
		if _, ok := tx.Get(p.Account, name); !ok {
			return noActionTarget(in.ActionTargetArn)
		}
		tx.Delete(p.Account, name)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteActionTargetOutput{ActionTargetArn: in.ActionTargetArn}, nil
}

// actionTargetOf reads a custom action of the caller's.
func actionTargetOf(st store.StateView, p *iam.Principal, id string) (actionTargetRecord, error) {
	var rec actionTargetRecord
	name := actionTargetName(p.Region, id)
	raw, ok := st.Get(p.Account, name)
	if !ok {
		return rec, noActionTarget(ownARN(p, actionTargetKind+id))
	}
	if err := json.Unmarshal(raw, &rec); err != nil {
		return rec, fmt.Errorf("record %s of account %s: %w", name, p.Account, err)
	}
	return rec, nil
}

// actionTargetID takes the id out of an ARN. One that is no action target's is a bad parameter; one of another account or Region is
// not found.
func actionTargetID(p *iam.Principal, member, arn string) (string, error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || !isPartition(parts[1]) || parts[2] != "securityhub" || !strings.HasPrefix(parts[5], actionTargetKind) ||
		len(arn) > maxARN {
		return "", api.InvalidParameter(member, "should be the ARN of an action target")
	}
	id, own := strings.CutPrefix(arn, ownARN(p, actionTargetKind))
	if !own || !isActionID(id) {
		return "", noActionTarget(arn)
	}
	return id, nil
}

func noActionTarget(arn string) error {
	return api.Errorf(api.ResourceNotFound, "%s", named("actionTargetArn", arn))
}

// checkActionTarget holds what was sent of a name and a description to the bounds.
func checkActionTarget(name, description *string) error {
	if name != nil {
		if err := checkLength("Name", *name, maxActionName); err != nil {
			return err
		}
	}
	if description != nil {
		return checkLength("Description", *description, maxActionTextSize)
	}
	return nil
}

// checkLength holds a text to the API's non-empty string: something visible, and at most so many characters (D9).
func checkLength(member, s string, most int) error {
	switch n := utf8.RuneCountInString(s); {
	case n == 0:
		return api.InvalidParameter(member, "should NOT be shorter than 1 characters")
	case n > most:
		return api.InvalidParameter(member, "should NOT be longer than "+strconv.Itoa(most)+" characters")
	case strings.TrimSpace(s) == "":
		return api.InvalidParameter(member, `should match pattern ".*\S.*"`)
	}
	return nil
}

func isActionID(s string) bool {
	if s == "" || len(s) > maxActionID {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// quotable shortens what a client sent, for a message.
func quotable(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
