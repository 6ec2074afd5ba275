package query

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hubcap/internal/asff"
)

// The printed form. Grammar, with words in any case:
//
//	expr      = and { "or" and }
//	and       = not { "and" not }
//	not       = "not" not | "(" expr ")" | "all" | "none" | condition
//	condition = attribute test
//	attribute = Name [ "[" value "]" ]                      the key of a map attribute is required
//	test      = ("=" | "!=" | "<" | "<=" | ">" | ">=") value
//	          | ["not"] ("startswith" | "prefix" | "contains") value
//	          | ["not"] "in" "(" value { "," value } ")"    any of these
//	          | ["not"] "in" "cidr" value                   addresses
//	          | ["not"] "within" ("[" | "(") value "," value ("]" | ")")   numbers and dates; round ends are left out; inf
//	          | ["not"] ("within" | "older" "than") n ("minutes" | "hours" | "days" | "weeks")        dates; ParseAt alone
//	          | "exists" | "missing"
//	value     = bare word | "quoted, with Go's escapes"
//
// Strings, maps and Sample take =, !=, startswith, contains, in; numbers and dates take =, !=, <, <=, >, >=, in, within; addresses
// take = and in cidr; Keyword takes contains. Dates are RFC 3339, a day (2026-01-31), or @ and Unix milliseconds. The tests mean
// what the API's filters mean: != and not on an attribute hold for findings without it.
//
// The normal form, which String prints: words in lower case; the fewest parentheses (not, then and, then or); values quoted only
// where a bare word would not do; a disjunction of equalities of one attribute as in (...); != and not beside the test; missing
// for not exists; one-sided ranges as comparisons; dates in UTC with as many decimals as they need; what Where adds for a
// default is not shown. Parse(s).String() of a normal form is s.

// precedence of what is printed around a part.
const (
	inOr = iota
	inAnd
	inNot
)

// String prints e in normal form. Parse reads it back as an Expr that means the same.
func (e Expr) String() string {
	var b strings.Builder
	printExpr(&b, &e, inOr)
	return b.String()
}

func printExpr(b *strings.Builder, e *Expr, within int) {
	e = unwrap(e)
	if cs, not, ok := asTest(e); ok {
		printTest(b, cs, not)
		return
	}
	switch e.Op {
	case None:
		b.WriteString("none")
	case And, Or:
		printArgs(b, e, within)
	case Not:
		b.WriteString("not ")
		printExpr(b, &e.Args[0], inNot)
	case Is:
		// A condition that holds for the attribute's default, but must not hold for findings without it.
		printArgs(b, &Expr{Op: And, Args: []Expr{
			Where(e.Cond),
			{Op: Is, Cond: Cond{Field: e.Cond.Field, Cmp: Exists}},
		}}, within)
	default:
		b.WriteString("all")
	}
}

func printArgs(b *strings.Builder, e *Expr, within int) {
	word, level, empty := " and ", inAnd, "all"
	if e.Op == Or {
		word, level, empty = " or ", inOr, "none"
	}
	if len(e.Args) == 0 {
		b.WriteString(empty)
		return
	}
	parens := within > level
	if parens {
		b.WriteByte('(')
	}
	for i := range e.Args {
		if i > 0 {
			b.WriteString(word)
		}
		arg := unwrap(&e.Args[i])
		if arg.Op == e.Op && !isTest(arg) && len(arg.Args) > 0 {
			// A part of the same kind keeps its parentheses, and with them its shape.
			b.WriteByte('(')
			printExpr(b, arg, inOr)
			b.WriteByte(')')
			continue
		}
		printExpr(b, arg, level)
	}
	if parens {
		b.WriteByte(')')
	}
}

// unwrap goes past conjunctions and disjunctions of one.
func unwrap(e *Expr) *Expr {
	for (e.Op == And || e.Op == Or) && len(e.Args) == 1 {
		e = &e.Args[0]
	}
	return e
}

func isTest(e *Expr) bool {
	_, _, ok := asTest(e)
	return ok
}

// asTest takes e for one test of one attribute, perhaps negated, if it is: one condition, or several equalities.
func asTest(e *Expr) (cs []*Cond, not, ok bool) {
	e = unwrap(e)
	if e.Op == Not {
		cs, not, ok := asTest(&e.Args[0])
		if !ok || not || len(cs) == 1 && !cs[0].takesNot() {
			return nil, false, false
		}
		return cs, true, true
	}
	if c := asCond(e); c != nil {
		return []*Cond{c}, false, true
	}
	if e.Op != Or || len(e.Args) < 2 {
		return nil, false, false
	}
	for i := range e.Args {
		c := asCond(&e.Args[i])
		if c == nil || !c.isEquality() || len(cs) > 0 && (c.Field != cs[0].Field || c.Key != cs[0].Key) {
			return nil, false, false
		}
		cs = append(cs, c)
	}
	return cs, false, true
}

// asCond takes e for what Where makes of one condition, if it is.
func asCond(e *Expr) *Cond {
	e = unwrap(e)
	if e.Op == Is && !e.Cond.holdsForDefault() {
		return &e.Cond
	}
	if e.Op != Or || len(e.Args) != 2 {
		return nil
	}
	is, not := unwrap(&e.Args[0]), unwrap(&e.Args[1])
	if is.Op != Is || !is.Cond.holdsForDefault() || not.Op != Not {
		return nil
	}
	if there := unwrap(&not.Args[0]); there.Op == Is && there.Cond == (Cond{Field: is.Cond.Field, Cmp: Exists}) {
		return &is.Cond
	}
	return nil
}

// isEquality tells whether c prints with = and may stand in a list.
func (c *Cond) isEquality() bool {
	return c.Cmp == Equals || c.Cmp == Range && c.Lo == c.Hi && !c.LoOpen && !c.HiOpen && !math.IsInf(c.Lo, 0)
}

// takesNot tells whether the test has a negated form; comparisons have none, "not" goes before the attribute then.
func (c *Cond) takesNot() bool { return c.Cmp != Range || c.isEquality() || !c.oneSided() }

func (c *Cond) oneSided() bool { return math.IsInf(c.Lo, -1) != math.IsInf(c.Hi, 1) }

func printTest(b *strings.Builder, cs []*Cond, not bool) {
	c := cs[0]
	b.WriteString(c.Field.Name())
	if c.Field.Kind() == asff.KindMap {
		b.WriteByte('[')
		printWord(b, c.Key)
		b.WriteByte(']')
	}
	b.WriteByte(' ')
	switch {
	case len(cs) > 1:
		printNot(b, not)
		b.WriteString("in (")
		for i, c := range cs {
			if i > 0 {
				b.WriteString(", ")
			}
			printEqual(b, c)
		}
		b.WriteByte(')')
	case c.isEquality():
		if not {
			b.WriteByte('!')
		}
		b.WriteString("= ")
		printEqual(b, c)
	case c.Cmp == Exists:
		if not {
			b.WriteString("missing")
		} else {
			b.WriteString("exists")
		}
	case c.Cmp == Range:
		printNot(b, not)
		printRange(b, c)
	default:
		printNot(b, not)
		switch c.Cmp {
		case Prefix:
			b.WriteString("startswith ")
		case InCIDR:
			b.WriteString("in cidr ")
		default:
			b.WriteString("contains ")
		}
		printWord(b, c.Text)
	}
}

func printNot(b *strings.Builder, not bool) {
	if not {
		b.WriteString("not ")
	}
}

func printEqual(b *strings.Builder, c *Cond) {
	if c.Cmp == Range {
		printBound(b, c.Field, c.Lo)
		return
	}
	printWord(b, c.Text)
}

func printRange(b *strings.Builder, c *Cond) {
	switch {
	case c.oneSided() && math.IsInf(c.Lo, -1):
		b.WriteByte('<')
		printOrEqual(b, c.HiOpen)
		printBound(b, c.Field, c.Hi)
	case c.oneSided():
		b.WriteByte('>')
		printOrEqual(b, c.LoOpen)
		printBound(b, c.Field, c.Lo)
	default:
		open, shut := byte('['), byte(']')
		if c.LoOpen {
			open = '('
		}
		if c.HiOpen {
			shut = ')'
		}
		b.WriteString("within ")
		b.WriteByte(open)
		printBound(b, c.Field, c.Lo)
		b.WriteString(", ")
		printBound(b, c.Field, c.Hi)
		b.WriteByte(shut)
	}
}

func printOrEqual(b *strings.Builder, open bool) {
	if !open {
		b.WriteByte('=')
	}
	b.WriteByte(' ')
}

const (
	dateForm = "2006-01-02T15:04:05.999Z"
	dayForm  = "2006-01-02"
	// The first and last instant of the years 0 to 9999, in Unix milliseconds.
	firstInstant, lastInstant = -62167219200000, 253402300799999
)

// printBound prints an end of a range: a number without exponent, or an instant.
func printBound(b *strings.Builder, f asff.Field, x float64) {
	switch {
	case math.IsInf(x, 1):
		b.WriteString("inf")
	case math.IsInf(x, -1):
		b.WriteString("-inf")
	case f.Kind() != asff.KindDate:
		b.WriteString(formatNumber(x))
	case x == math.Trunc(x) && x >= firstInstant && x <= lastInstant:
		b.WriteString(time.UnixMilli(int64(x)).UTC().Format(dateForm))
	default:
		b.WriteByte('@')
		b.WriteString(formatNumber(x))
	}
}

func formatNumber(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// printWord prints text as a bare word, or quoted where it would be read as something else.
func printWord(b *strings.Builder, text string) {
	if isBare(text) {
		b.WriteString(text)
		return
	}
	b.WriteString(strconv.Quote(text))
}

// isBare tells whether text stands for itself: letters, digits and what ARNs, addresses, dates and paths are made of, and no
// word of the grammar.
func isBare(text string) bool {
	for _, r := range text {
		if !isBareRune(r) {
			return false
		}
	}
	return text != "" && !isReserved(text)
}

func isBareRune(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return true
	case r < utf8.RuneSelf:
		return strings.ContainsRune("_-.:/@+*#%$&?~", r)
	default:
		return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
	}
}

func isReserved(word string) bool {
	switch strings.ToLower(word) {
	case "all", "and", "cidr", "contains", "exists", "in", "inf", "-inf", "missing", "none", "not", "or", "prefix", "startswith", "within":
		return true
	}
	return false
}
