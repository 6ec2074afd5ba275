package postgres

import (
	"math"
	"slices"
	"strings"

	"hubcap/internal/asff"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

// bounds is what a query.Expr comes down to in SQL: every finding that must holds for satisfies the expression, none does that may does not
// hold for. They are one condition where SQL says exactly what query.Match says.
type bounds struct{ may, must *condition }

func exactly(c *condition) bounds { return bounds{c, c} }

// anything is the answer to a comparison that is left to query.Match.
var anything = bounds{always, never}

func (b bounds) exact() bool { return b.may == b.must }

// compiler makes bounds of expressions.
type compiler struct {
	hash    *hasher
	answers answers
	// known tells that the dictionary vouches for terms: those that stand for other values too are left out of must (answers.shared).
	known bool
}

// compile is the SQL of an expression.
func (c *compiler) compile(e *query.Expr) bounds {
	switch e.Op {
	case query.None:
		return exactly(never)
	case query.And, query.Or:
		join := allOf
		if e.Op == query.Or {
			join = anyOf
		}
		may, must := make([]*condition, len(e.Args)), make([]*condition, len(e.Args))
		exact := true
		for i := range e.Args {
			b := c.compile(&e.Args[i])
			may[i], must[i] = b.may, b.must
			exact = exact && b.exact()
		}
		if exact {
			return exactly(join(may...))
		}
		return bounds{join(may...), join(must...)}
	case query.Not:
		b := c.compile(&e.Args[0])
		if b.exact() {
			return exactly(negation(b.may))
		}
		return bounds{negation(b.must), negation(b.may)}
	case query.Is:
		return c.is(&e.Cond)
	default:
		return exactly(always)
	}
}

// is compiles one comparison.
func (c *compiler) is(cond *query.Cond) bounds {
	f := cond.Field
	switch {
	case cond.Cmp == query.Keyword:
		return anything
	case isOfKey(f):
		return c.ofKey(cond)
	case columnOf(f) != noColumn:
		return c.column(cond, columnOf(f))
	case cond.Cmp == query.Exists:
		return c.exists(cond)
	case !termed(f):
		if presenceIndexed(f) {
			return bounds{withTerm(c.hash.There(f)), never}
		}
		return anything
	case cond.Cmp == query.Equals:
		return c.equals(cond)
	default:
		return c.within(cond)
	}
}

// exists compiles the question whether an attribute without a column has a value.
func (c *compiler) exists(cond *query.Cond) bounds {
	switch f := cond.Field; {
	case f == asff.FieldTitle:
		return exactly(onColumns(func(st *statement) { st.write("f.title IS NOT NULL") }))
	case f == asff.FieldGeneratorId:
		return exactly(onColumns(func(st *statement) { st.write("f.generator IS NOT NULL") }))
	case f == asff.FieldResourceId:
		return bounds{onColumns(func(st *statement) { st.write("f.resources <> '{}'") }), never}
	case !presenceIndexed(f):
		return anything
	case f.Kind() == asff.KindMap: // the term tells of some key
		return bounds{withTerm(c.hash.There(f)), never}
	default:
		return exactly(withTerm(c.hash.There(f)))
	}
}

// equals compiles an equation of an attribute that has terms.
func (c *compiler) equals(cond *query.Cond) bounds {
	term, inDictionary := c.hash.Term(cond.Field, cond.Key, cond.Text)
	if inDictionary && c.known && !c.answers.shared[term] {
		return exactly(withTerm(term))
	}
	// What is counted is told apart by one and the same condition: a row and the index of terms do not say quite the same.
	if name := headColumn(cond.Field); name != "" && !c.known {
		return bounds{ofTerms(func(st *statement) {
			st.write("coalesce(", name, " = ", st.string(headOf(toText(cond.Text))), ", false)")
		}, term), never}
	}
	return bounds{withTerm(term), never}
}

// headColumn is the column that holds the heads of an attribute's values, which has one at most; "" where there is none.
func headColumn(f asff.Field) string {
	switch f {
	case asff.FieldTitle:
		return "f.title"
	case asff.FieldGeneratorId:
		return "f.generator"
	default:
		return ""
	}
}

// longest is how long a head of a longer text is at least: headSize, but for the rest of a character.
const longest = headSize - 3

// within compiles a prefix or a substring of an attribute that has terms.
func (c *compiler) within(cond *query.Cond) bounds {
	name := headColumn(cond.Field)
	var say func(st *statement)
	if name != "" {
		say = func(st *statement) { writeHead(st, name, cond) }
	}
	found, asked := c.answers.words[wordsOf(cond)]
	switch {
	case asked && found.all:
		every := append(slices.Clone(found.terms), c.hash.Unlisted(cond.Field))
		if !c.known {
			if say != nil {
				return bounds{ofTerms(say, every...), never}
			}
			return bounds{withTerm(every...), never}
		}
		sure := slices.DeleteFunc(slices.Clone(found.terms), func(t int64) bool { return c.answers.shared[t] })
		return bounds{withTerm(every...), withTerm(sure...)}
	case say != nil:
		return bounds{onText(say), never}
	default:
		return anything
	}
}

// writeHead says of a head what may be true of its text.
func writeHead(st *statement, name string, cond *query.Cond) {
	text := toText(cond.Text)
	if cond.Cmp == query.Prefix {
		st.write("coalesce(", name, " LIKE ", st.string(escapeLike(headOf(text))+"%"), ", false)")
		return
	}
	st.write("coalesce(strpos(", name, ", ", st.string(text), ") > 0 OR octet_length(", name, ") >= ", st.int(longest), ", false)")
}

var likeSpecial = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func escapeLike(s string) string { return likeSpecial.Replace(s) }

// likePattern is the pattern of a prefix or a substring.
func likePattern(cmp query.Cmp, text string) string {
	p := escapeLike(toText(text)) + "%"
	if cmp == query.Contains {
		p = "%" + p
	}
	return p
}

// ofKey compiles a comparison of the account or the Region.
func (c *compiler) ofKey(cond *query.Cond) bounds {
	name := "f.account"
	if cond.Field == asff.FieldRegion {
		name = "f.region"
	}
	var col *condition
	switch cond.Cmp {
	case query.Exists:
		col = always
	case query.Equals:
		col = onColumns(func(st *statement) { st.write(name, " = ", st.string(toText(cond.Text))) })
	default:
		col = onColumns(func(st *statement) { st.write(name, " LIKE ", st.string(likePattern(cond.Cmp, cond.Text))) })
	}
	stray, asked := c.answers.stray[cond.Field]
	switch {
	case asked && !stray && !strings.ContainsRune(cond.Text, 0) && !strings.ContainsRune(cond.Text, escape):
		return exactly(col)
	case asked && !stray:
		return bounds{col, never}
	}
	// Of some findings the column does not tell the truth: they have the term.
	strange := withTerm(c.hash.There(cond.Field))
	return bounds{anyOf(col, strange), never}
}

// column compiles a comparison of an attribute that is a column.
func (c *compiler) column(cond *query.Cond, col column) bounds {
	name := "f." + columns[col].name
	strange := withTerm(c.hash.There(cond.Field)) // what the column could not hold
	isTime := col <= columnLastObserved
	switch {
	case cond.Cmp == query.Exists:
		return exactly(anyOf(onColumns(func(st *statement) {
			switch {
			case isTime:
				st.write(name, " > ", st.int(noTime))
			case columns[col].codes != nil:
				st.write(name, " <> 0")
			default:
				st.write(name, " IS NOT NULL")
			}
		}), strange))
	case isTime && cond.Cmp == query.Range:
		lo, hi := instants(cond)
		if lo > hi {
			return exactly(never)
		}
		return exactly(onColumns(func(st *statement) {
			st.write(name, " >= ", st.int(lo))
			if hi < math.MaxInt64 {
				st.write(" AND ", name, " <= ", st.int(hi))
			}
		}))
	case columns[col].codes != nil && cond.Cmp != query.Range:
		return c.label(cond, col, strange)
	case cond.Cmp == query.Range:
		return exactly(onColumns(func(st *statement) { writeRange(st, name, cond) }))
	default:
		return anything
	}
}

// writeRange says that a column of numbers lies in a range.
func writeRange(st *statement, name string, cond *query.Cond) {
	lo, hi := " >= ", " <= "
	if cond.LoOpen {
		lo = " > "
	}
	if cond.HiOpen {
		hi = " < "
	}
	st.write("(", name, " IS NOT NULL")
	if !math.IsInf(cond.Lo, -1) || cond.LoOpen {
		st.write(" AND ", name, lo, st.float(cond.Lo))
	}
	if !math.IsInf(cond.Hi, 1) || cond.HiOpen {
		st.write(" AND ", name, hi, st.float(cond.Hi))
	}
	st.write(")")
}

// instants is the range of a Range in whole milliseconds.
func instants(c *query.Cond) (lo, hi int64) {
	lo, hi = noTime+1, math.MaxInt64
	const most = 1 << 62
	if c.Lo > most || c.Hi < -most || math.IsNaN(c.Lo) || math.IsNaN(c.Hi) {
		return 1, 0
	}
	if c.Lo > -most {
		f := math.Ceil(c.Lo)
		if lo = int64(f); f == c.Lo && c.LoOpen {
			lo++
		}
	}
	if c.Hi < most {
		f := math.Floor(c.Hi)
		if hi = int64(f); f == c.Hi && c.HiOpen {
			hi--
		}
	}
	return lo, hi
}

// label compiles a comparison of a column of labels.
func (c *compiler) label(cond *query.Cond, col column, strange *condition) bounds {
	var codes []int16
	for i, label := range columns[col].codes {
		var is bool
		switch cond.Cmp {
		case query.Equals:
			is = label == cond.Text
		case query.Prefix:
			is = strings.HasPrefix(label, cond.Text)
		default:
			is = strings.Contains(label, cond.Text)
		}
		if is {
			codes = append(codes, int16(i+1))
		}
	}
	if cond.Cmp == query.Equals {
		if len(codes) == 0 {
			return c.equals(cond)
		}
		return exactly(hasLabel(col, codes...))
	}
	listed := hasLabel(col, codes...)
	return bounds{anyOf(listed, strange), listed}
}

// scoped is the condition that a finding lies in a scope.
func scoped(scope *store.Scope) []*condition {
	var all []*condition
	list := func(name string, values []string) {
		switch texts := toTexts(values); len(texts) {
		case 0:
		case 1:
			all = append(all, onColumns(func(st *statement) { st.write(name, " = ", st.string(texts[0])) }))
		default:
			all = append(all, onColumns(func(st *statement) { st.write(name, " = ANY (", st.strings(texts), ")") }))
		}
	}
	list("f.account", scope.Accounts)
	list("f.region", scope.Regions)
	return all
}
