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

// NewPolicy compiles statements. An error names the statement (counted from 1), the place in it and the rule it breaks. Where the
// actions that there are, are given, a statement's action that means none of them is an error too: it could never apply.
func NewPolicy(statements []Statement, actions ...string) (*Policy, error) {
	p := &Policy{statements: make([]statement, 0, len(statements))}
	for i, s := range statements {
		c, err := compile(s, actions)
		if err != nil {
			return nil, fmt.Errorf("statement %d: %w", i+1, err)
		}
		p.statements = append(p.statements, c)
	}
	return p, nil
}

func compile(s Statement, known []string) (statement, error) {
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
		lower := strings.ToLower(a)
		if len(known) > 0 && !slices.ContainsFunc(known, func(k string) bool { return like(lower, strings.ToLower(k)) }) {
			return c, fmt.Errorf("action %q means none that there is", a)
		}
		c.actions = append(c.actions, lower)
	}
	if len(s.Resource) == 0 {
		return c, errors.New("resource is missing: name at least one, such as \"*\"")
	}
	for _, r := range s.Resource {
		switch {
		case r == "*":
		case !strings.HasPrefix(r, "arn:"):
			return c, fmt.Errorf("resource %q must be an ARN or \"*\"", r)
		case strings.Contains(r, "${"):
			return c, fmt.Errorf("resource %q: policy variables are not supported", r)
		case strings.Count(r, ":") < 5 && !strings.Contains(r, "*"):
			return c, fmt.Errorf("resource %q must be an ARN of six parts, such as arn:aws:securityhub:us-east-1:111122223333:hub/default", r)
		}
	}
	c.resources = s.Resource
	var err error
	c.conditions, err = compileConditions(s.Condition)
	return c, err
}

func (p *Policy) judge(who *Principal, r *Request) verdict {
	v := notAllowed
	for i := range p.statements {
		s := &p.statements[i]
		if v == allowed && !s.deny || !s.applies(who, r) {
			continue
		}
		if s.deny {
			return explicitlyDenied
		}
		v = allowed
	}
	return v
}

func (s *statement) applies(who *Principal, r *Request) bool {
	action := strings.ToLower(r.Action)
	if !slices.ContainsFunc(s.actions, func(a string) bool { return like(a, action) }) {
		return false
	}
	if !slices.ContainsFunc(s.resources, func(x string) bool { return like(x, r.Resource) || r.Part != "" && like(x, r.Part) }) {
		return false
	}
	for i := range s.conditions {
		if !s.conditions[i].holds(who, r) {
			return false
		}
	}
	return true
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
