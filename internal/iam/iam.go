// Package iam answers two questions: who is calling, and may they.
//
// A Principal is who; its Policy, written in the shape of AWS's IAM policies, is what they may. Policies are compiled when the
// configuration is read, so that asking costs no parsing and, for a caller without a policy, nothing at all.
package iam

// Principal is the caller of an operation. It is an argument of every operation, never a value fished out of a context.
type Principal struct {
	Account  string   // 12 digits: what the caller creates belongs to it
	Region   string   // of the credential scope
	ARN      string   // arn:aws:iam::<account>:user/<name> (D49)
	KeyID    string   // access key id
	Operator bool     // under --auth none: administrator of every account (docs/differences.md, "Who is calling")
	Verified bool     // keys are checked (--auth sigv4)
	Secure   bool     // the request came over TLS
	Products []string // product ARNs it is allow-listed for; "*" stands for any run of characters
	Policy   *Policy  // nil: everything in its own account (D49)
}

// Request is one question to a policy.
type Request struct {
	Action   string // "securityhub:BatchImportFindings"
	Resource string // an ARN, of the type that AWS's authorisation table gives the action
	// Part is the ARN of what is meant within Resource, such as an insight of the hub; "": nothing finer. A statement that names
	// either of the two applies (D103).
	Part       string
	Conditions map[string][]string // condition key to its values in this request; an absent key is absent
}

// Unrestricted tells that Authorize will allow everything, so that a caller of many questions need not put them.
func (p *Principal) Unrestricted() bool { return p.Policy == nil }

// Authorize answers nil where the caller may, else a *Denied. A deny beats every allow, and what no statement allows is denied.
// Without a policy everything is allowed: that the caller stays in its own account is the hub's business.
func (p *Principal) Authorize(r Request) error {
	if p.Policy == nil {
		return nil
	}
	switch p.Policy.judge(p, &r) {
	case allowed:
		return nil
	case explicitlyDenied:
		return &Denied{ARN: p.ARN, Action: r.Action, Resource: r.Resource, Explicit: true}
	default:
		return &Denied{ARN: p.ARN, Action: r.Action, Resource: r.Resource}
	}
}

// ProductAllowed tells whether the principal is allow-listed for a product (spec 1.1.1, the official partner's clause).
func (p *Principal) ProductAllowed(productARN string) bool {
	for _, pattern := range p.Products {
		if like(pattern, productARN) {
			return true
		}
	}
	return false
}

// Denied is a refusal, told in AWS's sentence (spec 1.1.6).
type Denied struct { //nolint:errname // it reads as what it is: err is *iam.Denied
	ARN      string // of the caller
	Action   string
	Resource string
	Explicit bool // a statement denies it; else none allows it
}

// Error is AWS's sentence: "User: <arn> is not authorized to perform: <action> on resource: <resource>" and its ending.
func (d *Denied) Error() string {
	s := "User: " + d.ARN + " is not authorized to perform: " + d.Action + " on resource: " + d.Resource
	if d.Explicit {
		return s + " with an explicit deny"
	}
	return s + " because no identity-based policy allows the " + d.Action + " action"
}
