package hub

import (
	"context"
	"strings"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/standards"
	"hubcap/internal/store"
)

// The two statuses of a control.
const (
	controlEnabled  = "ENABLED"
	controlDisabled = "DISABLED"
)

func controlStatus(disabled bool) *string {
	s := controlEnabled
	if disabled {
		s = controlDisabled
	}
	return &s
}

func checkStatus(member, s string) error {
	if s != controlEnabled && s != controlDisabled {
		return api.InvalidParameter(member, "should be equal to one of the allowed values: "+controlEnabled+", "+controlDisabled)
	}
	return nil
}

func standardsControlARN(p *iam.Principal, std *standards.Standard, id string) string {
	return ownARN(p, "control/") + std.Path() + "/" + id
}

// remediationURL is where AWS's documentation tells how a control is satisfied.
func remediationURL(ctl *standards.Control) string {
	return "https://docs.aws.amazon.com/console/securityhub/" + ctl.ID + "/remediation"
}

// description is hubcap's own: the tables hold no sentences of AWS's.
func description(ctl *standards.Control) string {
	return "Control " + ctl.ID + ": " + ctl.Title + "."
}

// DescribeStandardsControls tells the controls of a standard that the caller is subscribed to, as the standard calls them.
func (h *Hub) DescribeStandardsControls(ctx context.Context, p *iam.Principal, in *api.DescribeStandardsControlsInput) (*api.DescribeStandardsControlsOutput, error) {
	own, err := h.subscribedNow(ctx, p)
	if err != nil {
		return nil, err
	}
	std := h.standardBySubscription(p, in.StandardsSubscriptionArn)
	if std == nil || !own.has(std) {
		return nil, api.Errorf(api.ResourceNotFound, "%s", named("standardsSubscriptionArn", shown(in.StandardsSubscriptionArn)))
	}
	names := make([]string, len(std.Members))
	members := make(map[string]*standards.Member, len(std.Members))
	for i, m := range std.Members {
		names[i], members[m.Order] = m.Order, m
	}
	names, next, err := h.page(names, in.NextToken, in.MaxResults, ask("DescribeStandardsControls", p, []byte(std.Key), nil))
	if err != nil {
		return nil, err
	}
	out := &api.DescribeStandardsControlsOutput{Controls: []api.StandardsControl{}, NextToken: next}
	for _, name := range names {
		out.Controls = append(out.Controls, standardsControl(p, &own, std, members[name]))
	}
	return out, nil
}

func standardsControl(p *iam.Principal, own *subscribed, std *standards.Standard, m *standards.Member) api.StandardsControl {
	ctl := m.Control
	a := own.association(std, ctl)
	arn, id, url, text := standardsControlARN(p, std, m.ID), m.ID, remediationURL(ctl), description(ctl)
	if id[0] >= '0' && id[0] <= '9' {
		id = "CIS." + id
	}
	c := api.StandardsControl{
		ControlId: &id, ControlStatus: controlStatus(a.Disabled), ControlStatusUpdatedAt: instant(a.At), Description: &text,
		RelatedRequirements: requirementsOf(std, m), RemediationUrl: &url, SeverityRating: &ctl.Severity, StandardsControlArn: &arn,
		Title: &ctl.Title,
	}
	if a.Disabled && a.Reason != "" {
		c.DisabledReason = &a.Reason
	}
	return c
}

// requirementsOf are those that a standard's control serves; where the standard calls it by a requirement, that one.
func requirementsOf(std *standards.Standard, m *standards.Member) []string {
	all := m.Control.Of(std).Requirements
	for i, r := range all {
		if strings.HasSuffix(r, "/"+m.ID) {
			return all[i : i+1]
		}
	}
	return all
}

// UpdateStandardsControl enables or disables a control in one standard. Disabling needs a reason.
func (h *Hub) UpdateStandardsControl(ctx context.Context, p *iam.Principal, in *api.UpdateStandardsControlInput) (*api.UpdateStandardsControlOutput, error) {
	if in.ControlStatus != nil {
		if err := checkStatus("ControlStatus", *in.ControlStatus); err != nil {
			return nil, err
		}
	}
	if in.DisabledReason != nil {
		if err := checkLength("DisabledReason", *in.DisabledReason, maxReason); err != nil {
			return nil, err
		}
	}
	now := h.now()
	err := h.store.State(ctx, []string{p.Account}, func(tx store.StateTx) error {
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
		std, ctl := h.standardsControlByARN(p, in.StandardsControlArn)
		if std == nil || !own.has(std) {
			return api.Errorf(api.ResourceNotFound, "%s", named("standardsControlArn", shown(in.StandardsControlArn)))
		}
		a := own.association(std, ctl)
		if in.ControlStatus != nil {
			a.Disabled = *in.ControlStatus == controlDisabled
		}
		switch {
		case a.Disabled && in.DisabledReason == nil && in.ControlStatus != nil:
			return api.InvalidParameter("DisabledReason", "should be there with ControlStatus "+controlDisabled)
		case !a.Disabled:
			a.Reason = ""
		case in.DisabledReason != nil:
			a.Reason = *in.DisabledReason
		}
		a.At = now
		return putAssociation(tx, p, &own, std, ctl, a)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateStandardsControlOutput{}, nil
}

// maxReason bounds the reasons for what somebody switched: the API's model tells no number.
const maxReason = 1024

// putAssociation keeps what an account decided about a control in a standard.
func putAssociation(tx store.StateTx, p *iam.Principal, own *subscribed, std *standards.Standard, ctl *standards.Control, a associationRecord) error {
	rec := own.standards[std.Key]
	if rec.Controls == nil {
		rec.Controls = map[string]associationRecord{}
	}
	rec.Controls[ctl.ID] = a
	own.standards[std.Key] = rec
	return putRecord(tx, p.Account, standardName(p.Region, std), rec)
}

// standardsControlByARN finds what an ARN of the caller's names: control/NAME/v/VERSION/ID.
func (h *Hub) standardsControlByARN(p *iam.Principal, arn string) (*standards.Standard, *standards.Control) {
	path, own := strings.CutPrefix(arn, ownARN(p, "control/"))
	at := strings.LastIndexByte(path, '/')
	if !own || at < 0 {
		return nil, nil
	}
	std := h.standards.ByPath(path[:at])
	if std == nil {
		return nil, nil
	}
	for _, m := range std.Members {
		if m.ID == path[at+1:] {
			return std, m.Control
		}
	}
	return nil, nil
}
