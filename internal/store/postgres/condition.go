package postgres

import "slices"

// condition is a condition on a finding in SQL, over its rows in the tables finding (f) and document (d). It is never NULL, so that its
// negation is what one thinks. It does not change once it is made.
type condition struct {
	op   conditionOp
	args []*condition

	// Of an atom: its text, where a row is at hand.
	write func(st *statement)
	// terms, of an atom: it holds for findings that have one of these terms. Where write is set too, it says (at least) the same of a row.
	terms []int64
	// labels, of an atom: a column of labels has one of these codes.
	labels []int16
	of     column
	// document tells that the text needs table document.
	document bool
	// late tells that a row is better looked at after an index of table finding led to it.
	late bool
}

type conditionOp uint8

const (
	isAtom conditionOp = iota
	isAll
	isAny
	isNot
	isTrue
	isFalse
)

var (
	always = &condition{op: isTrue}
	never  = &condition{op: isFalse}
)

// onColumns is a condition on the columns of table finding.
func onColumns(write func(st *statement)) *condition { return &condition{write: write} }

// onText is a condition on a column of table finding that no index serves.
func onText(write func(st *statement)) *condition { return &condition{write: write, late: true} }

// hasLabel holds for findings whose label has one of the codes.
func hasLabel(of column, codes ...int16) *condition {
	if len(codes) == 0 {
		return never
	}
	return &condition{of: of, labels: codes}
}

// withTerm holds for findings that have one of the terms.
func withTerm(terms ...int64) *condition {
	if len(terms) == 0 {
		return never
	}
	return &condition{terms: sortedOnce(terms), document: true, late: true}
}

// ofTerms is withTerm where a row of table finding says the same, or more.
func ofTerms(write func(st *statement), terms ...int64) *condition {
	if len(terms) == 0 {
		return never
	}
	return &condition{terms: sortedOnce(terms), write: write, late: true}
}

func allOf(list ...*condition) *condition {
	all := &condition{op: isAll}
	for _, c := range list {
		switch c.op {
		case isFalse:
			return never
		case isTrue:
		case isAll:
			all.args = append(all.args, c.args...)
		default:
			all.args = append(all.args, c)
		}
	}
	switch len(all.args) {
	case 0:
		return always
	case 1:
		return all.args[0]
	}
	all.document, all.late = slices.ContainsFunc(all.args, needsDocument), slices.ContainsFunc(all.args, isLate)
	return all
}

func anyOf(list ...*condition) *condition {
	either := &condition{op: isAny}
	var terms []int64 // of what asks for terms alone
	labels := map[column][]int16{}
	for i := 0; i < len(list); i++ { // which grows
		c := list[i]
		switch {
		case c.op == isTrue:
			return always
		case c.op == isFalse:
		case c.op == isAtom && c.labels != nil:
			labels[c.of] = append(labels[c.of], c.labels...)
		case c.op == isAtom && c.write == nil:
			terms = append(terms, c.terms...)
		case c.op == isAny:
			list = append(list, c.args...)
		default:
			either.args = append(either.args, c)
		}
	}
	for of := noColumn + 1; of < numColumns; of++ {
		if codes := labels[of]; codes != nil {
			slices.Sort(codes)
			either.args = append(either.args, hasLabel(of, slices.Compact(codes)...))
		}
	}
	if len(terms) > 0 {
		either.args = append(either.args, withTerm(terms...))
	}
	switch len(either.args) {
	case 0:
		return never
	case 1:
		return either.args[0]
	}
	either.document, either.late = slices.ContainsFunc(either.args, needsDocument), slices.ContainsFunc(either.args, isLate)
	if !slices.ContainsFunc(either.args, func(c *condition) bool { return c.op != isAtom || c.terms == nil }) {
		for _, c := range either.args {
			either.terms = append(either.terms, c.terms...)
		}
		either.terms = sortedOnce(either.terms)
	}
	return either
}

func negation(c *condition) *condition {
	switch c.op {
	case isTrue:
		return never
	case isFalse:
		return always
	case isNot:
		return c.args[0]
	default:
		return &condition{op: isNot, args: []*condition{c}, document: c.document, late: c.late}
	}
}

func needsDocument(c *condition) bool { return c.document }

func isLate(c *condition) bool { return c.late }

// needsRow tells whether a condition, for a filter, needs table finding.
func needsRow(c *condition) bool {
	switch c.op {
	case isTrue, isFalse:
		return false
	case isAtom:
		return !c.document
	default:
		return slices.ContainsFunc(c.args, needsRow)
	}
}

// conjuncts are the conditions that must all hold.
func (c *condition) conjuncts() []*condition {
	switch c.op {
	case isTrue:
		return nil
	case isAll:
		return c.args
	default:
		return []*condition{c}
	}
}

// manyTerms is from how many terms on a row's are looked up among them, not compared with each.
const manyTerms = 12

// filter writes the condition for rows that are at hand.
func (c *condition) filter(st *statement) {
	switch c.op {
	case isTrue:
		st.write("true")
	case isFalse:
		st.write("false")
	case isNot:
		st.write("NOT (")
		c.args[0].filter(st)
		st.write(")")
	case isAll, isAny:
		between := " AND "
		if c.op == isAny {
			between = " OR "
		}
		st.write("(")
		for i, a := range c.args {
			if i > 0 {
				st.write(between)
			}
			a.filter(st)
		}
		st.write(")")
	default:
		switch {
		case c.write != nil:
			c.write(st)
		case len(c.labels) == 1:
			st.write("f.", columns[c.of].name, " = ", st.small(c.labels[0]))
		case c.labels != nil:
			st.write("f.", columns[c.of].name, " = ANY (", st.smalls(c.labels), ")")
		case len(c.terms) >= manyTerms:
			st.write("EXISTS (SELECT 1 FROM unnest(d.terms) AS t (v) WHERE t.v = ANY (", st.ints(c.terms), "))")
		default:
			c.index(st)
		}
	}
}

// index writes a condition on terms for the index of terms.
func (c *condition) index(st *statement) {
	if len(c.terms) == 1 {
		st.write("d.terms @> ", st.ints(c.terms))
	} else {
		st.write("d.terms && ", st.ints(c.terms))
	}
}

// gathered splits a condition: what the index of terms answers, and the rest.
func (c *condition) gathered() (byIndex, rest []*condition) {
	for _, part := range c.conjuncts() {
		if part.terms != nil && part.op != isNot {
			byIndex = append(byIndex, part)
		} else {
			rest = append(rest, part)
		}
	}
	return byIndex, rest
}
