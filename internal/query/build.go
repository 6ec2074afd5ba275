package query

import "hubcap/internal/asff"

// Every is the conjunction: All of nothing, the one of one.
func Every(args ...Expr) Expr {
	switch len(args) {
	case 0:
		return Expr{Op: All}
	case 1:
		return args[0]
	}
	return Expr{Op: And, Args: args}
}

// Any is the disjunction: None of nothing, the one of one.
func Any(args ...Expr) Expr {
	switch len(args) {
	case 0:
		return Expr{Op: None}
	case 1:
		return args[0]
	}
	return Expr{Op: Or, Args: args}
}

// Negate is "not e".
func Negate(e Expr) Expr { return Expr{Op: Not, Args: []Expr{e}} }

// Where is the Expr that asks for c as the API means it: where the attribute has a default (VerificationState UNKNOWN, D4;
// Sample false, D31) and c holds for the default, a finding that lacks the attribute satisfies it too.
func Where(c Cond) Expr {
	is := Expr{Op: Is, Cond: c}
	if c.holdsForDefault() {
		return Expr{Op: Or, Args: []Expr{is, lacks(c.Field)}}
	}
	return is
}

// whereRange is Where for a Range; one that nothing can lie in is None (D10: Start after End).
func whereRange(c Cond) Expr {
	if c.Lo > c.Hi || c.Lo == c.Hi && (c.LoOpen || c.HiOpen) {
		return Expr{Op: None}
	}
	return Where(c)
}

// lacks is the Expr "the finding has no value of f".
func lacks(f asff.Field) Expr {
	return Expr{Op: Not, Args: []Expr{{Op: Is, Cond: Cond{Field: f, Cmp: Exists}}}}
}

// defaultOf is the value that a finding without the attribute counts as having, "" for none.
func defaultOf(f asff.Field) string {
	switch f {
	case asff.FieldVerificationState:
		return "UNKNOWN"
	case asff.FieldSample:
		return "false"
	default:
		return ""
	}
}

func (c *Cond) holdsForDefault() bool {
	d := defaultOf(c.Field)
	if d == "" {
		return false
	}
	switch c.Cmp {
	case Equals:
		return isEqual(c, []byte(d))
	case Prefix:
		return isPrefix(c, []byte(d))
	case Contains:
		return isContained(c, []byte(d))
	default:
		return false
	}
}

// Without is e less the conditions that speak of one attribute only, or of one key of a map attribute: what a choice among the
// attribute's values is counted in. Only what e asks for besides everything else is left out; within an alternative nothing is.
func Without(e Expr, f asff.Field, key string) Expr {
	if e.Op == And {
		args := make([]Expr, 0, len(e.Args))
		for _, arg := range e.Args {
			if arg = Without(arg, f, key); arg.Op != All {
				args = append(args, arg)
			}
		}
		return Every(args...)
	}
	if e.Op != None && e.speaksOf(f, key) {
		return Expr{Op: All}
	}
	return e
}

// speaksOf tells whether every condition in e is on the attribute.
func (e Expr) speaksOf(f asff.Field, key string) bool {
	if e.Op == Is {
		return e.Cond.Field == f && e.Cond.Key == key
	}
	for i := range e.Args {
		if !e.Args[i].speaksOf(f, key) {
			return false
		}
	}
	return true
}
