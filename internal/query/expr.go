// Package query is the one compiler of hubcap: what a client asks (filters, sort criteria, a page token, the command line's
// --where) becomes an Expr, a list of sort keys and a Position. Match is the meaning of an Expr; an engine may answer too much
// and be re-checked by Match, never too little.
package query

import "hubcap/internal/asff"

// Op is the kind of an Expr node.
type Op uint8

// The node kinds. The zero Expr is All: it matches every finding.
const (
	All  Op = iota // matches everything
	None           // matches nothing
	And            // every one of Args
	Or             // at least one of Args
	Not            // not Args[0]
	Is             // Cond holds
)

// Expr is a condition on findings. It is a value: never changed after it is built.
type Expr struct {
	Op   Op
	Args []Expr
	Cond Cond
}

// Cmp is how a Cond compares.
type Cmp uint8

// The comparisons. On an attribute with several values a Cond holds when it holds for at least one of them, so that Not(Cond)
// is "for none": a finding that lacks the attribute satisfies every Not (decision D20).
const (
	Equals   Cmp = iota // Text, byte for byte
	Prefix              // Text is a prefix
	Contains            // Text is a substring
	Range               // Lo <= value <= Hi, numbers as float64, or instants in Unix milliseconds
	InCIDR              // the address lies in Text, a masked CIDR
	Keyword             // any string attribute contains Text, case folded
	Exists              // the attribute has a value
)

// Cond is one comparison of one attribute. Compile and Parse make these and no others, and an engine may rely on it: text, map
// and boolean attributes take Equals, and the first two Prefix and Contains; numbers and dates Range; addresses InCIDR; Keyword
// stands with FieldKeyword alone; all but that one take Exists. Defaults of absent attributes (D4, D31) are no matter of a Cond:
// Where spells them out.
type Cond struct {
	Field asff.Field
	Key   string // of a map attribute; "" elsewhere
	Cmp   Cmp
	Text  string
	// Range bounds, inclusive unless LoOpen or HiOpen. Use math.Inf for an open end.
	Lo, Hi         float64
	LoOpen, HiOpen bool
}

// SortKey is one sort criterion. Missing values come last in both directions; ties end at the identity, ascending (D18).
type SortKey struct {
	Field asff.Field
	Desc  bool
}

// SortValue is a finding's value under one SortKey: a number (also instants in Unix ms, and severity ranks) or text.
type SortValue struct {
	Missing bool
	Num     float64
	Text    string
}

// Position is a place between two findings in a sorted answer: after the finding with these values and this identity.
type Position struct {
	Values   []SortValue
	Identity [16]byte
}

// Find asks for one page.
type Find struct {
	Where Expr
	Sort  []SortKey // empty: UpdatedAt, newest first
	After *Position // nil: from the start
	Limit int       // 1..; the engine reads at most so many documents
}

// Group asks how many findings have each value of an attribute; a finding counts once for each distinct value (D34).
type Group struct {
	Where Expr
	By    asff.Field
	Key   string // of a map attribute
	Limit int    // the most frequent values; ties by value, ascending
}

// Count is one row of a grouped answer.
type Count struct {
	Value string
	N     int64
}
