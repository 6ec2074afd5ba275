package hub

import (
	"context"
	"strconv"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/standards"
	"hubcap/internal/store"
)

// The codes of what a batch could not do.
const (
	unprocessedInvalid  = "INVALID_INPUT"
	unprocessedNotFound = "RESOURCE_NOT_FOUND"
	unprocessedDenied   = "ACCESS_DENIED"
)

// maxControls is how many controls, or associations, a request names at most.
const maxControls = 100

// ListStandardsControlAssociations tells in which of the caller's standards a control stands, and whether it is enabled there.
func (h *Hub) ListStandardsControlAssociations(ctx context.Context, p *iam.Principal, in *api.ListStandardsControlAssociationsInput) (*api.ListStandardsControlAssociationsOutput, error) {
	own, err := h.subscribedNow(ctx, p)
	if err != nil {
		return nil, err
	}
	ctl := h.controlByID(p, in.SecurityControlId)
	if ctl == nil {
		return nil, api.InvalidParameter("SecurityControlId", "'"+shown(in.SecurityControlId)+"' is not a security control")
	}
	var names []string
	for _, std := range own.inOrder(h.standards) {
		if ctl.Of(std) != nil {
			names = append(names, std.Path())
		}
	}
	names, next, err := h.page(names, in.NextToken, in.MaxResults, ask("ListStandardsControlAssociations", p, []byte(ctl.ID), nil))
	if err != nil {
		return nil, err
	}
	out := &api.ListStandardsControlAssociationsOutput{StandardsControlAssociationSummaries: []api.StandardsControlAssociationSummary{}, NextToken: next}
	for _, name := range names {
		d := associationDetail(p, &own, h.standards.ByPath(name), ctl)
		out.StandardsControlAssociationSummaries = append(out.StandardsControlAssociationSummaries, api.StandardsControlAssociationSummary{
			AssociationStatus: d.AssociationStatus, SecurityControlArn: d.SecurityControlArn, SecurityControlId: d.SecurityControlId,
			StandardsArn: d.StandardsArn, RelatedRequirements: d.RelatedRequirements, StandardsControlDescription: d.StandardsControlDescription,
			StandardsControlTitle: d.StandardsControlTitle, UpdatedAt: d.UpdatedAt, UpdatedReason: d.UpdatedReason,
		})
	}
	return out, nil
}

func associationDetail(p *iam.Principal, own *subscribed, std *standards.Standard, ctl *standards.Control) api.StandardsControlAssociationDetail {
	a, m, text := own.association(std, ctl), ctl.Of(std), description(ctl)
	d := api.StandardsControlAssociationDetail{
		AssociationStatus: *controlStatus(a.Disabled), SecurityControlArn: securityControlARN(p, ctl), SecurityControlId: ctl.ID,
		StandardsArn: std.ARN(partitionOf(p.Region), p.Region), RelatedRequirements: m.Requirements,
		StandardsControlDescription: &text, StandardsControlTitle: &ctl.Title, UpdatedAt: instant(a.At),
	}
	for _, id := range m.IDs {
		d.StandardsControlArns = append(d.StandardsControlArns, standardsControlARN(p, std, id))
	}
	if a.Reason != "" {
		d.UpdatedReason = &a.Reason
	}
	return d
}

// associated finds a control and a standard that the caller is subscribed to; else the code and the reason why not.
func (h *Hub) associated(p *iam.Principal, own *subscribed, control, standard string) (ctl *standards.Control, std *standards.Standard, code, reason string) {
	ctl, std = h.controlByID(p, control), h.standardByARN(standard, p.Region)
	switch {
	case ctl == nil:
		return nil, nil, unprocessedNotFound, "Security control " + shown(control) + " is not found"
	case std == nil:
		return nil, nil, unprocessedNotFound, "Standard " + shown(standard) + " is not found"
	case ctl.Of(std) == nil:
		return nil, nil, unprocessedNotFound, "Standard " + std.Path() + " does not have security control " + ctl.ID
	case !own.has(std):
		return nil, nil, unprocessedNotFound, "Account " + p.Account + " is not subscribed to standard " + std.Path()
	}
	return ctl, std, "", ""
}

// BatchGetStandardsControlAssociations tells of up to 100 controls in standards of the caller's.
func (h *Hub) BatchGetStandardsControlAssociations(ctx context.Context, p *iam.Principal, in *api.BatchGetStandardsControlAssociationsInput) (*api.BatchGetStandardsControlAssociationsOutput, error) {
	if err := checkCount("StandardsControlAssociationIds", len(in.StandardsControlAssociationIds), maxControls); err != nil {
		return nil, err
	}
	own, err := h.subscribedNow(ctx, p)
	if err != nil {
		return nil, err
	}
	out := &api.BatchGetStandardsControlAssociationsOutput{
		StandardsControlAssociationDetails: []api.StandardsControlAssociationDetail{},
		UnprocessedAssociations:            []api.UnprocessedStandardsControlAssociation{},
	}
	for _, id := range in.StandardsControlAssociationIds {
		ctl, std, code, reason := h.associated(p, &own, id.SecurityControlId, id.StandardsArn)
		if code != "" {
			out.UnprocessedAssociations = append(out.UnprocessedAssociations, api.UnprocessedStandardsControlAssociation{
				ErrorCode: code, ErrorReason: &reason, StandardsControlAssociationId: id,
			})
			continue
		}
		out.StandardsControlAssociationDetails = append(out.StandardsControlAssociationDetails, associationDetail(p, &own, std, ctl))
	}
	return out, nil
}

// BatchUpdateStandardsControlAssociations enables and disables up to 100 controls in standards of the caller's, one after another.
// Disabling needs a reason. What cannot be done is told and stops none of the rest.
func (h *Hub) BatchUpdateStandardsControlAssociations(ctx context.Context, p *iam.Principal, in *api.BatchUpdateStandardsControlAssociationsInput) (*api.BatchUpdateStandardsControlAssociationsOutput, error) {
	if err := checkCount("StandardsControlAssociationUpdates", len(in.StandardsControlAssociationUpdates), maxControls); err != nil {
		return nil, err
	}
	for i, u := range in.StandardsControlAssociationUpdates {
		path := "StandardsControlAssociationUpdates[" + strconv.Itoa(i) + "]"
		if err := checkStatus(path+".AssociationStatus", u.AssociationStatus); err != nil {
			return nil, err
		}
		if u.UpdatedReason != nil {
			if err := checkLength(path+".UpdatedReason", *u.UpdatedReason, maxReason); err != nil {
				return nil, err
			}
		}
	}
	now := h.now()
	out := &api.BatchUpdateStandardsControlAssociationsOutput{}
	err := h.store.State(ctx, []string{p.Account}, func(tx store.StateTx) error {
		out.UnprocessedAssociationUpdates = []api.UnprocessedStandardsControlAssociationUpdate{}
		if _, err := h.enabledHub(tx, p); err != nil {
			return err
		}
		own, err := h.standardsOf(tx, p.Account, p.Region)
		if err != nil {
			return err
		}
		for _, u := range in.StandardsControlAssociationUpdates {
			ctl, std, code, reason := h.associated(p, &own, u.SecurityControlId, u.StandardsArn)
			switch {
			case code != "":
			case own.central != nil:
				code, reason = unprocessedDenied, own.central.refusal(p.Account)
			case u.AssociationStatus == controlDisabled && u.UpdatedReason == nil:
				code, reason = unprocessedInvalid, "UpdatedReason should be there with AssociationStatus "+controlDisabled
			}
			if code != "" {
				out.UnprocessedAssociationUpdates = append(out.UnprocessedAssociationUpdates, api.UnprocessedStandardsControlAssociationUpdate{
					ErrorCode: code, ErrorReason: &reason, StandardsControlAssociationUpdate: u,
				})
				continue
			}
			a := associationRecord{Disabled: u.AssociationStatus == controlDisabled, At: now}
			if u.UpdatedReason != nil {
				a.Reason = *u.UpdatedReason
			}
			if err := putAssociation(tx, p, &own, std, ctl, a); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
