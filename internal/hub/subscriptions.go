package hub

import (
	"context"
	"encoding/json"
	"strings"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/store"
)

// EnableImportFindingsForProduct subscribes the caller to a product of its Region, and answers the subscription's ARN. The
// sentence for a product that nobody registered was seen from AWS (prowler issue 1052).
func (h *Hub) EnableImportFindingsForProduct(ctx context.Context, p *iam.Principal, in *api.EnableImportFindingsForProductInput) (*api.EnableImportFindingsForProductOutput, error) {
	a, ok := parseProductARN(in.ProductArn)
	if !ok {
		return nil, badProductARN(in.ProductArn)
	}
	row := h.catalog.lookup(a)
	if row == nil || row.arn(p.Region) != in.ProductArn {
		return nil, api.Errorf(api.ResourceNotFound, "%s", named("productArn", in.ProductArn))
	}
	name := subscriptionName(p.Region, row.Company, row.Product)
	now := h.now()
	err := h.store.State(ctx, []string{p.Account}, func(tx store.StateTx) error {
		if _, err := h.enabledHub(tx, p); err != nil {
			return err
		}
		if _, ok := tx.Get(p.Account, name); ok {
			return api.Errorf(api.ResourceConflict, "Account is already subscribed to product %s", in.ProductArn)
		}
		return putRecord(tx, p.Account, name, subscriptionRecord{ProductArn: in.ProductArn, EnabledAt: now})
	})
	if err != nil {
		return nil, err
	}
	arn := subscriptionARN(p.Region, p.Account, row.Company, row.Product)
	return &api.EnableImportFindingsForProductOutput{ProductSubscriptionArn: &arn}, nil
}

// ListEnabledProductsForImport lists the ARNs of the caller's subscriptions in its Region, by company and product.
func (h *Hub) ListEnabledProductsForImport(ctx context.Context, p *iam.Principal, in *api.ListEnabledProductsForImportInput) (*api.ListEnabledProductsForImportOutput, error) {
	prefix := recordSubscription + p.Region + "/"
	var names []string
	err := h.store.View(ctx, func(st store.StateView) error {
		if _, err := h.enabledHub(st, p); err != nil {
			return err
		}
		names = st.Names(p.Account, prefix)
		return nil
	})
	if err != nil {
		return nil, err
	}
	names, next, err := h.page(names, in.NextToken, in.MaxResults, ask("ListEnabledProductsForImport", p, nil, nil))
	if err != nil {
		return nil, err
	}
	out := &api.ListEnabledProductsForImportOutput{NextToken: next, ProductSubscriptions: make([]string, 0, len(names))}
	for _, name := range names {
		company, product, _ := strings.Cut(strings.TrimPrefix(name, prefix), "/")
		out.ProductSubscriptions = append(out.ProductSubscriptions, subscriptionARN(p.Region, p.Account, company, product))
	}
	return out, nil
}

// DisableImportFindingsForProduct ends a subscription of the caller, named by the subscription's ARN. An ARN of anything that is
// not the caller's is refused in the words AWS has for it (boto3 issue 2340).
func (h *Hub) DisableImportFindingsForProduct(ctx context.Context, p *iam.Principal, in *api.DisableImportFindingsForProductInput) (*api.DisableImportFindingsForProductOutput, error) {
	arn := in.ProductSubscriptionArn
	if !strings.HasPrefix(arn, "arn:") || strings.Count(arn, ":") < 5 {
		return nil, api.InvalidParameter("ProductSubscriptionArn", "should be the ARN of a product subscription")
	}
	resource, own := strings.CutPrefix(arn, subscriptionPrefix(p.Region, p.Account))
	company, product, ok := strings.Cut(resource, "/")
	if !own || !ok || !isProductID(company) || !isProductID(product) {
		return nil, api.Errorf(api.AccessDenied, "Account id %s is not authorized to perform action on resource: %s", p.Account, arn)
	}
	name := subscriptionName(p.Region, company, product)
	err := h.store.State(ctx, []string{p.Account}, func(tx store.StateTx) error {
		if _, err := h.enabledHub(tx, p); err != nil {
			return err
		}
		if _, ok := tx.Get(p.Account, name); !ok {
			return api.Errorf(api.ResourceNotFound, "%s", named("productSubscriptionArn", arn))
		}
		tx.Delete(p.Account, name)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.DisableImportFindingsForProductOutput{}, nil
}

// named is how the service names a resource that it does not have: {"productArn":"..."}.
func named(member, arn string) string {
	raw, err := json.Marshal(map[string]string{member: arn})
	if err != nil {
		return member
	}
	return string(raw)
}

// badProductARN is the refusal of an ARN that names no product of a Region (spec 1.1.8).
func badProductARN(arn string) error {
	return api.Errorf(api.InvalidInput, "productArn: \"%s\"", arn)
}
