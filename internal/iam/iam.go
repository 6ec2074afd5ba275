// Package iam answers two questions: who is calling, and may they.
package iam

// Principal is the caller of an operation. It is an argument of every operation, never a value fished out of a context.
type Principal struct {
	Account  string   // 12 digits: what the caller creates belongs to it
	Region   string   // of the credential scope
	ARN      string   // arn:aws:iam::<account>:user/<name> (D49)
	KeyID    string   // access key id
	Operator bool     // under --auth none: administrator of every account (decisions.md, principals)
	Verified bool     // keys are checked (--auth sigv4)
	Products []string // product ARNs it is allow-listed for; "*" stands for any run of characters
	Policy   *Policy  // nil: everything in its own account (D49)
}
