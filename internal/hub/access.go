package hub

import (
	"errors"

	"hubcap/internal/api"
	"hubcap/internal/asff"
	"hubcap/internal/iam"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

// Actions whose permission depends on what is in the request, so that the hub asks and not its caller.
const (
	actionImport = "securityhub:BatchImportFindings"
	actionUpdate = "securityhub:BatchUpdateFindings"
)

const (
	conditionTargetAccount  = "securityhub:TargetAccount"
	conditionASFFSyntaxPath = "securityhub:ASFFSyntaxPath/"
)

// relation says what a product is to an importing caller.
type relation uint8

const (
	ownProduct     relation = iota // of the finding's account itself: needs no subscription (spec 1.8.2)
	partnerProduct                 // registered, for the account to subscribe to
	serviceProduct                 // AWS's own: findings come from the service alone
	foreignProduct                 // of another account, or one nobody registered
)

// relationOf tells what the product of an ARN is to an account.
func relationOf(a productARN, row *Product, account string) relation {
	switch {
	case a.account == account:
		return ownProduct
	case row == nil || !row.sends():
		return foreignProduct
	case row.Company == "aws" || row.Company == "amazon":
		return serviceProduct
	default:
		return partnerProduct
	}
}

// mayImport is step 3 of an import (D46): nil, or the 403 that refuses the whole request. The caller's policy has its say first,
// whoever the caller is. A key allow-listed for the product passes (D48): what its customers have not enabled fails finding by
// finding.
func (h *Hub) mayImport(p *iam.Principal, account string, t *target, st store.StateView) error {
	if !p.Unrestricted() {
		err := p.Authorize(iam.Request{
			Action: actionImport, Resource: t.text,
			Conditions: map[string][]string{conditionTargetAccount: {account}},
		})
		if err != nil {
			return denied(err)
		}
	}
	if t.allowListed || h.mayImportUnlisted(p, account, t, st) {
		return nil
	}
	return api.Errorf(api.AccessDenied, "User: %s is not authorized to perform: %s on resource: %s", p.ARN, actionImport, t.text)
}

func (h *Hub) mayImportUnlisted(p *iam.Principal, account string, t *target, st store.StateView) bool {
	if h.profile == Open {
		if !p.Verified {
			return true
		}
		// Checked keys keep to their account, and to products that are nobody else's (D47).
		return account == p.Account && (t.row != nil || t.arn.account == "" || t.arn.account == p.Account)
	}
	if account != p.Account || t.arn.region != p.Region || t.arn.partition != partitionOf(p.Region) {
		return false
	}
	switch relationOf(t.arn, t.row, account) {
	case ownProduct:
		return true
	case partnerProduct:
		_, ok := st.Get(account, t.subscription)
		return ok
	case serviceProduct, foreignProduct:
	}
	return false
}

// takes is step 4 of an import (D46): whether an account takes findings of the product now. In the open profile every product
// counts as enabled (docs/differences.md, the profiles).
func (h *Hub) takes(account string, hubOn bool, t *target, st store.StateView) bool {
	if !hubOn {
		return false
	}
	if h.profile == Open || relationOf(t.arn, t.row, account) == ownProduct {
		return true
	}
	_, ok := st.Get(account, t.subscription)
	return ok
}

// target is a product as one request names it.
type target struct {
	text         string // the ARN as sent
	arn          productARN
	row          *Product // nil: not in the catalogue
	subscription string   // the name of the record that enables it in the caller's Region
	allowListed  bool     // for the caller
}

func (h *Hub) target(p *iam.Principal, text string, a productARN) target {
	t := target{
		text: text, arn: a, row: h.catalog.lookup(a),
		allowListed: len(p.Products) > 0 && p.ProductAllowed(text),
	}
	if h.profile == AWS {
		t.subscription = subscriptionName(p.Region, a.company, a.product)
		if a.region != p.Region || a.partition != partitionOf(p.Region) {
			// A subscription is to the Region's own product; no record has an empty name.
			t.subscription = ""
		}
	}
	return t
}

// fill sets the names that Security Hub writes into findings of the product, and of the account by its organisation (spec 1.8.3, 1.9;
// D56).
func (h *Hub) fill(t *target, env *asff.Env, account string) {
	env.AwsAccountName = h.organization.name(account)
	switch {
	case t.row != nil:
		env.CompanyName, env.ProductName, env.TakeSentNames = t.row.CompanyName, t.row.ProductName, false
	case t.arn.isDefault():
		env.CompanyName, env.ProductName, env.TakeSentNames = "Personal", "Default", true
	default:
		env.CompanyName, env.ProductName = t.arn.company, t.arn.product
		env.TakeSentNames = h.profile == Open || t.arn.account == account
	}
}

// authorize asks the caller's policy about one of the hub's own resources.
func authorize(p *iam.Principal, r iam.Request) error {
	if err := p.Authorize(r); err != nil {
		return denied(err)
	}
	return nil
}

// denied puts a policy's refusal on the wire.
func denied(err error) error {
	if d, ok := errors.AsType[*iam.Denied](err); ok {
		return api.Errorf(api.AccessDenied, "%s", d.Error())
	}
	return err
}

// paramError puts a bad parameter, or what is no JSON, on the wire (D10, D29, D42).
func paramError(err error) error {
	if q, ok := errors.AsType[*query.ParamError](err); ok {
		return api.InvalidParameter(q.Name, q.Reason)
	}
	if a, ok := errors.AsType[*asff.ParamError](err); ok {
		return api.InvalidParameter(a.Name, a.Reason)
	}
	if syntax, ok := errors.AsType[*asff.SyntaxError](err); ok {
		return api.Malformed(syntax.Offset, syntax.Reason)
	}
	if wrong, ok := errors.AsType[*asff.TypeError](err); ok {
		if wrong.Name == "" {
			return api.Errorf(api.Serialization, "The request body %s.", wrong.Reason)
		}
		return api.Errorf(api.Serialization, "%s.", wrong.Error())
	}
	return err
}
