package iam

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// condition is one compiled line of a statement's condition: operator, key, values. All of a statement's must hold.
type condition struct {
	op       operator
	set      quantifier
	ifExists bool   // an absent key satisfies it
	key      string // lower case
	values   []string
}

type operator uint8

const (
	stringEquals operator = iota
	stringNotEquals
	stringEqualsIgnoreCase
	stringNotEqualsIgnoreCase
	stringLike
	stringNotLike
	arnLike // ArnEquals does the same: both take wildcards
	arnNotLike
	boolean
	null
)

var operators = map[string]operator{
	"StringEquals":              stringEquals,
	"StringNotEquals":           stringNotEquals,
	"StringEqualsIgnoreCase":    stringEqualsIgnoreCase,
	"StringNotEqualsIgnoreCase": stringNotEqualsIgnoreCase,
	"StringLike":                stringLike,
	"StringNotLike":             stringNotLike,
	"ArnEquals":                 arnLike,
	"ArnLike":                   arnLike,
	"ArnNotEquals":              arnNotLike,
	"ArnNotLike":                arnNotLike,
	"Bool":                      boolean,
	"Null":                      null,
}

type quantifier uint8

const (
	single quantifier = iota
	forAny
	forAll
)

// The condition keys of requests. A policy that asks for another is refused when it is read: a deny that silently never applies is
// worse than an error.
const (
	// TargetAccount is the AwsAccountId of a finding that is imported.
	TargetAccount = "securityhub:TargetAccount"
	// SyntaxPath begins the keys of BatchUpdateFindings: securityhub:ASFFSyntaxPath/Workflow.Status holds the new value.
	SyntaxPath = "securityhub:ASFFSyntaxPath/"
	// RequestTag begins the keys of tags in a request: aws:RequestTag/Team holds the value sent for Team.
	RequestTag = "aws:RequestTag/"
	// TagKeys are the keys of the tags in a request.
	TagKeys = "aws:TagKeys"
)

// Keys that are told by the principal, whatever the request.
const (
	principalAccount = "aws:principalaccount" // 12 digits
	principalARN     = "aws:principalarn"
	userName         = "aws:username"        // what follows :user/ in the principal's ARN
	requestedRegion  = "aws:requestedregion" // of the credential scope
	secureTransport  = "aws:securetransport" // "true" where the request came over TLS
)

// kind says which operators suit a key; any takes the string operators and Null.
type kind uint8

const (
	anyText kind = iota
	anARN
	aBool
)

// keys are the condition keys in lower case.
var keys = map[string]kind{
	strings.ToLower(TargetAccount): anyText,
	strings.ToLower(TagKeys):       anyText,
	principalAccount:               anyText,
	principalARN:                   anARN,
	userName:                       anyText,
	requestedRegion:                anyText,
	secureTransport:                aBool,
}

// Fields are what may follow SyntaxPath: the members that BatchUpdateFindings changes, and the objects that hold them. Below
// UserDefinedFields any name may stand.
var Fields = []string{
	"Confidence", "Criticality", "Note", "Note.Text", "Note.UpdatedBy", "RelatedFindings", "RelatedFindings.Id", "RelatedFindings.ProductArn",
	"Severity", "Severity.Label", "Severity.Normalized", "Severity.Product", "Types", "UserDefinedFields", "VerificationState", "Workflow",
	"Workflow.Status",
}

const anyField = "UserDefinedFields."

// keyKind answers what a condition key in lower case is, or why no request ever has it.
func keyKind(lower, spelt string) (kind, error) {
	if k, ok := keys[lower]; ok {
		return k, nil
	}
	if tag, ok := strings.CutPrefix(lower, strings.ToLower(RequestTag)); ok && tag != "" {
		return anyText, nil
	}
	if field, ok := strings.CutPrefix(lower, strings.ToLower(SyntaxPath)); ok {
		if slices.ContainsFunc(Fields, func(f string) bool { return strings.EqualFold(f, field) }) ||
			len(field) > len(anyField) && strings.EqualFold(field[:len(anyField)], anyField) {
			return anyText, nil
		}
		return anyText, fmt.Errorf("condition key %q names no member that BatchUpdateFindings changes: use one of %s", spelt, strings.Join(Fields, ", "))
	}
	return anyText, fmt.Errorf("condition key %q is not supported: use %s, %s<field>, %s<key>, %s, aws:PrincipalAccount, aws:PrincipalArn, "+
		"aws:username, aws:RequestedRegion or aws:SecureTransport", spelt, TargetAccount, SyntaxPath, RequestTag, TagKeys)
}

func compileConditions(all map[string]map[string][]string) ([]condition, error) {
	var list []condition
	for _, op := range slices.Sorted(maps.Keys(all)) { // so that of several mistakes the same one is always told
		for _, key := range slices.Sorted(maps.Keys(all[op])) {
			one, err := compileCondition(op, key, all[op][key])
			if err != nil {
				return nil, err
			}
			list = append(list, one)
		}
	}
	return list, nil
}

func compileCondition(op, key string, values []string) (condition, error) {
	c := condition{key: strings.ToLower(key), values: values}
	name := op
	if rest, ok := strings.CutPrefix(op, "ForAnyValue:"); ok {
		name, c.set = rest, forAny
	} else if rest, ok := strings.CutPrefix(op, "ForAllValues:"); ok {
		name, c.set = rest, forAll
	}
	if rest, ok := strings.CutSuffix(name, "IfExists"); ok {
		name, c.ifExists = rest, true
	}
	known, ok := operators[name]
	if !ok {
		return c, fmt.Errorf("condition operator %q is not supported: use StringEquals, StringLike, ArnLike, Bool, Null or one of their relatives", op)
	}
	c.op = known
	k, err := keyKind(c.key, key)
	if err != nil {
		return c, err
	}
	switch {
	case known == null && c.set != single:
		return c, fmt.Errorf("condition operator %q is not supported: Null takes no quantifier", op)
	case known == null && c.ifExists:
		return c, fmt.Errorf("condition operator %q is not supported: Null asks itself whether a key exists", op)
	case known == boolean && k != aBool:
		return c, fmt.Errorf("condition operator %q does not suit %s, which is neither true nor false", op, key)
	case (known == arnLike || known == arnNotLike) && k != anARN:
		return c, fmt.Errorf("condition operator %q does not suit %s, which is no ARN", op, key)
	case len(values) == 0:
		return c, fmt.Errorf("condition %s of %s has no values", op, key)
	}
	for _, v := range values {
		switch {
		case strings.Contains(v, "${"):
			return c, fmt.Errorf("condition %s of %s: policy variables such as %q are not supported", op, key, v)
		case known == boolean && !strings.EqualFold(v, "true") && !strings.EqualFold(v, "false"),
			known == null && v != "true" && v != "false":
			return c, fmt.Errorf(`condition %s of %s must be "true" or "false", not %q`, op, key, v)
		case (known == arnLike || known == arnNotLike) && strings.Count(v, ":") < 5 && v != "*":
			return c, fmt.Errorf("condition %s of %s: %q is no ARN: it needs six parts, each of which may hold wildcards", op, key, v)
		}
	}
	if known == null && len(values) != 1 {
		return c, fmt.Errorf(`condition Null of %s must be "true" or "false", and once`, key)
	}
	return c, nil
}

// told are a condition key's values in a request; none where it is absent.
func told(p *Principal, r *Request, key string) []string {
	switch key {
	case principalAccount:
		return []string{p.Account}
	case principalARN:
		return []string{p.ARN}
	case userName:
		_, name, _ := strings.Cut(p.ARN, ":user/")
		return []string{name}
	case requestedRegion:
		return []string{p.Region}
	case secureTransport:
		if p.Secure {
			return []string{"true"}
		}
		return []string{"false"}
	}
	// Names differ by case in a request, not in a policy: all that are meant are judged.
	var all []string
	for k, v := range r.Conditions {
		if strings.EqualFold(k, key) {
			all = append(all, v...)
		}
	}
	return all
}

// holds judges one condition as IAM does: an absent key fails a positive operator, passes a negative one and one that ends in
// IfExists, passes ForAllValues and fails ForAnyValue.
func (c *condition) holds(p *Principal, r *Request) bool {
	have := told(p, r, c.key)
	switch {
	case c.op == null:
		return (len(have) == 0) == (c.values[0] == "true")
	case len(have) == 0 && c.ifExists:
		return true
	case c.set == forAll:
		return !slices.ContainsFunc(have, func(v string) bool { return !c.value(v) })
	case c.set == forAny:
		return slices.ContainsFunc(have, c.value)
	case c.negative():
		return !slices.ContainsFunc(have, func(v string) bool { return !c.value(v) })
	default:
		return slices.ContainsFunc(have, c.value)
	}
}

func (c *condition) negative() bool {
	switch c.op {
	case stringNotEquals, stringNotEqualsIgnoreCase, stringNotLike, arnNotLike:
		return true
	case stringEquals, stringEqualsIgnoreCase, stringLike, arnLike, boolean, null:
	}
	return false
}

// value judges one value of the request against the values of the policy: any of them, or, for a negative operator, none.
func (c *condition) value(v string) bool {
	hit := slices.ContainsFunc(c.values, func(want string) bool {
		switch c.op {
		case stringLike, stringNotLike:
			return like(want, v)
		case arnLike, arnNotLike:
			return likeARN(want, v)
		case stringEqualsIgnoreCase, stringNotEqualsIgnoreCase, boolean:
			return strings.EqualFold(want, v)
		case stringEquals, stringNotEquals, null:
		}
		return want == v
	})
	return hit != c.negative()
}

// likeARN matches part by part, so that a wildcard never reaches over a colon but in the last of the six parts.
func likeARN(pattern, arn string) bool {
	if pattern == "*" {
		return true
	}
	want, have := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	if len(want) != len(have) {
		return false
	}
	for i := range want {
		if !like(want[i], have[i]) {
			return false
		}
	}
	return true
}
