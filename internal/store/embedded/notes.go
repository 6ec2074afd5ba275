package embedded

import (
	"fmt"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"hubcap/internal/query"
)

// notes is what a plan says of itself, a line a step. A nil one takes nothing down.
type notes struct {
	text  strings.Builder
	depth int
	mine  *roaring.Bitmap // what the caller sees: nothing else is counted, nor values, which are everybody's; nil: all
}

// held is how many documents of a set the caller sees.
func (n *notes) held(set *roaring.Bitmap) uint64 {
	if n == nil || n.mine == nil {
		return set.GetCardinality()
	}
	return n.mine.AndCardinality(set)
}

// values is how many values there are, where that may be told.
func (n *notes) values(values int) string {
	if n.mine != nil {
		return "values"
	}
	return count(values, "value")
}

func (n *notes) say(format string, args ...any) {
	if n == nil {
		return
	}
	n.text.WriteString(strings.Repeat("  ", n.depth))
	fmt.Fprintf(&n.text, format, args...)
	n.text.WriteByte('\n')
}

// open begins the steps of a part.
func (n *notes) open(what string) {
	if n != nil {
		n.say("%s:", what)
		n.depth++
	}
}

func (n *notes) shut() {
	if n != nil {
		n.depth--
	}
}

// terms tells of a comparison that postings answer.
func (n *notes) terms(is *query.Expr, sel *selection, b bounds) {
	if n == nil {
		return
	}
	n.say("%s: %s%s", readable(is), n.values(len(sel.sure)), n.size(b))
}

// column tells of a comparison that a date's column answers.
func (n *notes) column(c *query.Cond, how string, b bounds) {
	if n == nil {
		return
	}
	n.say("%s: %s%s", readable(&query.Expr{Op: query.Is, Cond: *c}), how, n.size(b))
}

func (n *notes) size(b bounds) string {
	sure := n.held(b.must)
	if b.exact() {
		return fmt.Sprintf(" -> %d", sure)
	}
	return fmt.Sprintf(" -> %d, and %d to be read", sure, n.held(b.may)-sure)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// readable prints a condition; those on the account and the Region of the key have no form of their own.
func readable(e *query.Expr) string {
	of := e
	if e.Op == query.Or && len(e.Args) > 0 {
		of = &e.Args[0]
	}
	if of.Cond.Field == fieldAccount {
		return "the caller's accounts"
	}
	if of.Cond.Field == fieldRegion {
		return "the caller's Regions"
	}
	return e.String()
}
