package iam

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Statement is one statement of a policy as the configuration spells it (D50).
type Statement struct {
	Effect    string                         // "Allow" or "Deny"
	Action    []string                       // "securityhub:*"; * and ? are wildcards, case does not matter
	Resource  []string                       // ARNs; * and ? are wildcards
	Condition map[string]map[string][]string // operator to condition key to values; all must hold
}

// Policy is a compiled list of statements. It is immutable.
type Policy struct {
	statements []statement
}

type verdict uint8

const (
	notAllowed verdict = iota
	allowed
	explicitlyDenied
)

type statement struct {
	deny       bool
	actions    []string // lower case
	resources  []string
	conditions []condition
}

type condition struct {
	op     operator
	set    quantifier
	key    string // lower case
	values []string
}

type operator uint8

const (
	stringEquals operator = iota
	stringNotEquals
	stringEqualsIgnoreCase
	stringNotEqualsIgnoreCase
	stringLike
	stringNotLike
	null
)

var operators = map[string]operator{
	"StringEquals":              stringEquals,
	"StringNotEquals":           stringNotEquals,
	"StringEqualsIgnoreCase":    stringEqualsIgnoreCase,
	"StringNotEqualsIgnoreCase": stringNotEqualsIgnoreCase,
	"StringLike":                stringLike,
	"StringNotLike":             stringNotLike,
	"Null":                      null,
}

type quantifier uint8

const (
	single quantifier = iota
	forAny
	forAll
)

// The condition keys that requests carry. A policy that asks for another is refused when it is read: a deny that silently never
// applies is worse than an error.
const (
	// TargetAccount is the AwsAccountId of a finding that is imported.
	TargetAccount = "securityhub:TargetAccount"
	// SyntaxPath begins the keys of BatchUpdateFindings: securityhub:ASFFSyntaxPath/Workflow.Status holds the new value.
	SyntaxPath = "securityhub:ASFFSyntaxPath/"
)

// NewPolicy compiles statements. An error names the statement (counted from 1) and the rule it breaks.
func NewPolicy(statements []Statement) (*Policy, error) {
	p := &Policy{statements: make([]statement, 0, len(statements))}
	for i, s := range statements {
		c, err := compile(s)
		if err != nil {
			return nil, fmt.Errorf("statement %d: %w", i+1, err)
		}
		p.statements = append(p.statements, c)
	}
	return p, nil
}

func compile(s Statement) (statement, error) {
	var c statement
	switch s.Effect {
	case "Allow":
	case "Deny":
		c.deny = true
	default:
		return c, fmt.Errorf("effect must be \"Allow\" or \"Deny\", not %q", s.Effect)
	}
	if len(s.Action) == 0 {
		return c, errors.New("action is missing: name at least one, such as \"securityhub:*\"")
	}
	for _, a := range s.Action {
		service, name, found := strings.Cut(a, ":")
		if a != "*" && (!found || service == "" || name == "") {
			return c, fmt.Errorf("action %q must be <service>:<name> or \"*\"", a)
		}
		c.actions = append(c.actions, strings.ToLower(a))
	}
	if len(s.Resource) == 0 {
		return c, errors.New("resource is missing: name at least one, such as \"*\"")
	}
	for _, r := range s.Resource {
		if r != "*" && !strings.HasPrefix(r, "arn:") {
			return c, fmt.Errorf("resource %q must be an ARN or \"*\"", r)
		}
	}
	c.resources = s.Resource
	for op, keys := range s.Condition {
		for key, values := range keys {
			one, err := compileCondition(op, key, values)
			if err != nil {
				return c, err
			}
			c.conditions = append(c.conditions, one)
		}
	}
	return c, nil
}

func compileCondition(op, key string, values []string) (condition, error) {
	c := condition{key: strings.ToLower(key), values: values}
	name := op
	if rest, ok := strings.CutPrefix(op, "ForAnyValue:"); ok {
		name, c.set = rest, forAny
	} else if rest, ok := strings.CutPrefix(op, "ForAllValues:"); ok {
		name, c.set = rest, forAll
	}
	known, ok := operators[name]
	if !ok {
		return c, fmt.Errorf("condition operator %q is not supported: use StringEquals, StringLike, Null or one of their relatives", op)
	}
	c.op = known
	if c.key != strings.ToLower(TargetAccount) && !strings.HasPrefix(c.key, strings.ToLower(SyntaxPath)) {
		return c, fmt.Errorf("condition key %q is not supported: use %s or %s<field>", key, TargetAccount, SyntaxPath)
	}
	if len(values) == 0 {
		return c, fmt.Errorf("condition %s of %s has no values", op, key)
	}
	if c.op == null {
		if c.set != single {
			return c, fmt.Errorf("condition operator %q is not supported: Null takes no quantifier", op)
		}
		if len(values) != 1 || (values[0] != "true" && values[0] != "false") {
			return c, fmt.Errorf("condition Null of %s must be \"true\" or \"false\"", key)
		}
	}
	return c, nil
}

func (p *Policy) judge(r Request) verdict {
	v := notAllowed
	for i := range p.statements {
		s := &p.statements[i]
		if v == allowed && !s.deny || !s.applies(r) {
			continue
		}
		if s.deny {
			return explicitlyDenied
		}
		v = allowed
	}
	return v
}

func (s *statement) applies(r Request) bool {
	action := strings.ToLower(r.Action)
	if !slices.ContainsFunc(s.actions, func(a string) bool { return like(a, action) }) {
		return false
	}
	if !slices.ContainsFunc(s.resources, func(x string) bool { return like(x, r.Resource) }) {
		return false
	}
	for i := range s.conditions {
		if !s.conditions[i].holds(r.Conditions) {
			return false
		}
	}
	return true
}

// holds judges one condition as IAM does: an absent key fails a positive operator, passes a negative one, passes ForAllValues and
// fails ForAnyValue.
func (c *condition) holds(request map[string][]string) bool {
	var have []string
	for k, v := range request {
		if strings.EqualFold(k, c.key) {
			have = v
			break
		}
	}
	switch {
	case c.op == null:
		return (len(have) == 0) == (c.values[0] == "true")
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
	return c.op == stringNotEquals || c.op == stringNotEqualsIgnoreCase || c.op == stringNotLike
}

// value judges one value of the request against the values of the policy: any of them, or, for a negative operator, none.
func (c *condition) value(v string) bool {
	hit := slices.ContainsFunc(c.values, func(want string) bool {
		switch c.op {
		case stringLike, stringNotLike:
			return like(want, v)
		case stringEqualsIgnoreCase, stringNotEqualsIgnoreCase:
			return strings.EqualFold(want, v)
		default:
			return want == v
		}
	})
	return hit != c.negative()
}

// like matches a pattern in which * is any run of characters and ? any one, without recursion: a pattern of many stars costs no
// more than len(pattern) x len(s).
func like(pattern, s string) bool {
	p, i := 0, 0
	star, mark := -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
