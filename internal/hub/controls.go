package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/standards"
	"hubcap/internal/store"
)

// controlRecord is what an account customised of one control in one Region: control/REGION/ID. It is there while a parameter is
// customised, or a reason was told.
type controlRecord struct {
	Parameters map[string]api.ParameterValue `json:"parameters,omitempty"` // those that are CUSTOM
	Reason     string                        `json:"reason,omitempty"`
}

// controlOf reads what is customised of a control in an account's Region: by the configuration policy in force, else by the account.
func controlOf(st store.StateView, own *subscribed, account, region string, ctl *standards.Control) (controlRecord, error) {
	var rec controlRecord
	if own.central != nil {
		rec.Parameters = own.central.policy.custom(ctl.ID)
		return rec, nil
	}
	name := recordControl + region + "/" + ctl.ID
	if _, there := st.Get(account, name); !there {
		return rec, nil
	}
	return rec, readRecord(st, account, name, &rec)
}

func securityControlARN(p *iam.Principal, ctl *standards.Control) string {
	return ownARN(p, "security-control/") + ctl.ID
}

// controlByID finds a control by its id, or by its ARN in the caller's account and Region; nil: none.
func (h *Hub) controlByID(p *iam.Principal, id string) *standards.Control {
	if strings.HasPrefix(id, "arn:") {
		var own bool
		if id, own = strings.CutPrefix(id, ownARN(p, "security-control/")); !own {
			return nil
		}
	}
	return h.standards.Control(id)
}

func (h *Hub) definition(ctl *standards.Control) api.SecurityControlDefinition {
	d := api.SecurityControlDefinition{
		CurrentRegionAvailability: "AVAILABLE", Description: description(ctl), RemediationUrl: remediationURL(ctl), SecurityControlId: ctl.ID,
		SeverityRating: ctl.Severity, Title: ctl.Title,
	}
	if len(ctl.Parameters) > 0 {
		d.CustomizableProperties = []string{"Parameters"}
		d.ParameterDefinitions = map[string]api.ParameterDefinition{}
		for _, par := range ctl.Parameters {
			d.ParameterDefinitions[par.Name] = api.ParameterDefinition{
				ConfigurationOptions: configurationOptions(par), Description: "Parameter " + par.Name + " of control " + ctl.ID + ".",
			}
		}
	}
	return d
}

// ListSecurityControlDefinitions tells the controls that there are, or those of one standard.
func (h *Hub) ListSecurityControlDefinitions(ctx context.Context, p *iam.Principal, in *api.ListSecurityControlDefinitionsInput) (*api.ListSecurityControlDefinitionsOutput, error) {
	if _, err := h.requireHub(ctx, p); err != nil {
		return nil, err
	}
	var of *standards.Standard
	key := ""
	if in.StandardsArn != nil {
		if of = h.standardByARN(*in.StandardsArn, p.Region); of == nil {
			return nil, api.InvalidParameter("StandardsArn", "'"+shown(*in.StandardsArn)+"' is not a standard")
		}
		key = of.Key
	}
	var names []string
	controls := map[string]*standards.Control{}
	for _, ctl := range h.standards.Controls {
		if of == nil || ctl.Of(of) != nil {
			names = append(names, ctl.Order)
			controls[ctl.Order] = ctl
		}
	}
	names, next, err := h.page(names, in.NextToken, in.MaxResults, ask("ListSecurityControlDefinitions", p, []byte(key), nil))
	if err != nil {
		return nil, err
	}
	out := &api.ListSecurityControlDefinitionsOutput{SecurityControlDefinitions: []api.SecurityControlDefinition{}, NextToken: next}
	for _, name := range names {
		out.SecurityControlDefinitions = append(out.SecurityControlDefinitions, h.definition(controls[name]))
	}
	return out, nil
}

// GetSecurityControlDefinition tells of one control.
func (h *Hub) GetSecurityControlDefinition(ctx context.Context, p *iam.Principal, in *api.GetSecurityControlDefinitionInput) (*api.GetSecurityControlDefinitionOutput, error) {
	if _, err := h.requireHub(ctx, p); err != nil {
		return nil, err
	}
	ctl := h.controlByID(p, in.SecurityControlId)
	if ctl == nil {
		return nil, noControl(in.SecurityControlId)
	}
	return &api.GetSecurityControlDefinitionOutput{SecurityControlDefinition: h.definition(ctl)}, nil
}

func noControl(id string) error {
	return api.Errorf(api.ResourceNotFound, "%s", named("securityControlId", shown(id)))
}

// BatchGetSecurityControls tells what up to 100 controls, named by id or ARN, are in the caller's account: enabled where any of its
// standards has them enabled.
func (h *Hub) BatchGetSecurityControls(ctx context.Context, p *iam.Principal, in *api.BatchGetSecurityControlsInput) (*api.BatchGetSecurityControlsOutput, error) {
	if err := checkCount("SecurityControlIds", len(in.SecurityControlIds), maxControls); err != nil {
		return nil, err
	}
	out := &api.BatchGetSecurityControlsOutput{
		SecurityControls: []api.SecurityControl{}, UnprocessedIds: []api.UnprocessedSecurityControl{}, // clients read both unasked
	}
	err := h.store.View(ctx, func(st store.StateView) error {
		if _, err := h.enabledHub(st, p); err != nil {
			return err
		}
		own, err := h.standardsOf(st, p.Account, p.Region)
		if err != nil {
			return err
		}
		for _, id := range in.SecurityControlIds {
			ctl := h.controlByID(p, id)
			if ctl == nil {
				reason := "Security control " + shown(id) + " is not found"
				out.UnprocessedIds = append(out.UnprocessedIds, api.UnprocessedSecurityControl{
					ErrorCode: unprocessedNotFound, ErrorReason: &reason, SecurityControlId: id,
				})
				continue
			}
			rec, err := controlOf(st, &own, p.Account, p.Region, ctl)
			if err != nil {
				return err
			}
			out.SecurityControls = append(out.SecurityControls, securityControl(p, &own, ctl, rec))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func securityControl(p *iam.Principal, own *subscribed, ctl *standards.Control, rec controlRecord) api.SecurityControl {
	status := "READY"
	c := api.SecurityControl{
		Description: description(ctl), RemediationUrl: remediationURL(ctl), SecurityControlArn: securityControlARN(p, ctl),
		SecurityControlId: ctl.ID, SecurityControlStatus: *controlStatus(!own.enabled(ctl)), SeverityRating: ctl.Severity, Title: ctl.Title,
		UpdateStatus: &status,
	}
	if rec.Reason != "" {
		c.LastUpdateReason = &rec.Reason
	}
	if len(ctl.Parameters) > 0 {
		c.Parameters = map[string]api.ParameterConfiguration{}
		for _, par := range ctl.Parameters {
			now := api.ParameterConfiguration{ValueType: valueDefault, Value: defaultValue(par)}
			if v, custom := rec.Parameters[par.Name]; custom {
				now = api.ParameterConfiguration{ValueType: valueCustom, Value: &v}
			}
			c.Parameters[par.Name] = now
		}
	}
	return c
}

// UpdateSecurityControl customises parameters of a control, or gives them their defaults back. Those that are not named stay.
func (h *Hub) UpdateSecurityControl(ctx context.Context, p *iam.Principal, in *api.UpdateSecurityControlInput) (*api.UpdateSecurityControlOutput, error) {
	if in.LastUpdateReason != nil {
		if err := checkUpdateReason(*in.LastUpdateReason); err != nil {
			return nil, err
		}
	}
	ctl := h.controlByID(p, in.SecurityControlId)
	err := h.store.State(ctx, []string{p.Account}, func(tx store.StateTx) error {
		if _, err := h.enabledHub(tx, p); err != nil {
			return err
		}
		if err := h.requireOwnSay(tx, p); err != nil {
			return err
		}
		if ctl == nil {
			return noControl(in.SecurityControlId)
		}
		if err := checkParameters("Parameters", ctl, in.Parameters); err != nil {
			return err
		}
		name := recordControl + p.Region + "/" + ctl.ID
		rec, err := controlOf(tx, &subscribed{}, p.Account, p.Region, ctl)
		if err != nil {
			return err
		}
		if rec.Parameters == nil {
			rec.Parameters = map[string]api.ParameterValue{}
		}
		for par, v := range in.Parameters {
			if v.ValueType == valueCustom {
				rec.Parameters[par] = *v.Value
			} else {
				delete(rec.Parameters, par)
			}
		}
		if in.LastUpdateReason != nil {
			rec.Reason = *in.LastUpdateReason
		}
		if len(rec.Parameters) == 0 && rec.Reason == "" {
			tx.Delete(p.Account, name)
			return nil
		}
		return putRecord(tx, p.Account, name, rec)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateSecurityControlOutput{}, nil
}

// checkUpdateReason is the API's AlphaNumericNonEmptyString: letters, digits, spaces, - and _, and whatever is not ASCII.
func checkUpdateReason(s string) error {
	if err := checkLength("LastUpdateReason", s, maxReason); err != nil {
		return err
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != ' ' && c < utf8.RuneSelf {
			return api.InvalidParameter("LastUpdateReason", `should match pattern "^([^\u0000-\u007F]|[-_ a-zA-Z0-9])+$"`)
		}
	}
	return nil
}

// jsonOf is a value as the API writes it, for messages.
func jsonOf(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(raw)
}
