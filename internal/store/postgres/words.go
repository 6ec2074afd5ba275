package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"hubcap/internal/asff"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

// answers is what was looked up for an expression before it was compiled.
type answers struct {
	words  map[wordsAsked]wordsFound
	stray  map[asff.Field]bool // of some finding the column account, or region, does not tell the truth
	shared map[int64]bool      // terms that stand for other values too
}

// wordsAsked names a prefix or a substring of an attribute's values.
type wordsAsked struct {
	field asff.Field
	key   string
	cmp   query.Cmp
	text  string
}

func wordsOf(c *query.Cond) wordsAsked { return wordsAsked{c.Field, c.Key, c.Cmp, c.Text} }

// wordsFound are the terms of the values that begin with, or contain, what was asked for.
type wordsFound struct {
	terms []int64
	all   bool // else there are too many
}

// Bounds on what is read of the dictionary: values of one comparison, and rows, of which a value has one for each account that has it.
const (
	mostWords    = 2000
	mostWordRows = 20_000
	fewWordRows  = 2000 // before it is known that it pays
)

// lookUp says what of an expression is looked up.
type lookUp struct {
	thorough bool // also substrings, and what has many values: it may take long
	shared   bool // also whether terms stand for several values
}

func (l lookUp) rows() int64 {
	if l.thorough {
		return mostWordRows
	}
	return fewWordRows
}

// comparisons calls use for each comparison of an expression.
func comparisons(e *query.Expr, use func(c *query.Cond)) {
	if e.Op == query.Is {
		use(&e.Cond)
	}
	for i := range e.Args {
		comparisons(&e.Args[i], use)
	}
}

// lookedUp tells whether the dictionary has the values that a comparison is about.
func lookedUp(c *query.Cond) bool {
	return (c.Cmp == query.Prefix || c.Cmp == query.Contains) && columnOf(c.Field) == noColumn && !isOfKey(c.Field) && listed(c.Field, c.Key) && len(c.Key) <= maxListed
}

// look answers what an expression asks of the dictionary.
func (s *Store) look(ctx context.Context, conn *pgx.Conn, scope *store.Scope, e *query.Expr, what lookUp) (answers, error) {
	a := answers{words: map[wordsAsked]wordsFound{}, stray: map[asff.Field]bool{}, shared: map[int64]bool{}}
	var failed error
	comparisons(e, func(c *query.Cond) {
		if failed != nil {
			return
		}
		switch {
		case isOfKey(c.Field):
			if _, asked := a.stray[c.Field]; !asked {
				a.stray[c.Field], failed = s.strays(ctx, conn, c.Field)
			}
		case lookedUp(c) && (what.thorough || c.Cmp == query.Prefix && headColumn(c.Field) == ""):
			if _, asked := a.words[wordsOf(c)]; asked {
				return
			}
			var found wordsFound
			if found, failed = s.matching(ctx, conn, scope, c, what.rows()); failed == nil {
				a.words[wordsOf(c)] = found
			}
			if failed == nil && what.shared && found.all {
				failed = s.sharing(ctx, conn, scope, c, found.terms, a.shared)
			}
		case what.shared && c.Cmp == query.Equals && termed(c.Field):
			if term, inDictionary := s.hash.Term(c.Field, c.Key, c.Text); inDictionary {
				failed = s.sharing(ctx, conn, scope, c, []int64{term}, a.shared)
			}
		}
	})
	return a, failed
}

// strays tells whether there is a finding of which the column account, or region, does not tell the truth.
func (s *Store) strays(ctx context.Context, conn *pgx.Conn, f asff.Field) (some bool, err error) {
	var st statement
	st.write("SELECT EXISTS (SELECT 1 FROM document AS d WHERE d.terms @> ", st.ints([]int64{s.hash.There(f)}), ")")
	err = st.run(ctx, conn, func(v [][]byte) error {
		some = boolOf(v[0])
		return nil
	})
	return some, err
}

// writeWords says that a row of the dictionary is of an attribute, in the scope.
func writeWords(st *statement, scope *store.Scope, f asff.Field) {
	st.write("w.attribute = ", st.small(int16(f)))
	writeWordScope(st, scope)
}

// writeWordScope says that a row of the dictionary is in the scope.
func writeWordScope(st *statement, scope *store.Scope) {
	if len(scope.Accounts) > 0 {
		st.write(" AND w.account = ANY (", st.strings(toTexts(scope.Accounts)), ")")
	}
}

// writeSays says that a row of the dictionary has a value that a comparison holds for.
func writeSays(st *statement, c *query.Cond) {
	st.write("w.key = ", st.string(toText(c.Key)))
	if c.Cmp == query.Equals {
		st.write(" AND w.value = ", st.string(toText(c.Text)))
	} else {
		st.write(" AND w.value LIKE ", st.string(likePattern(c.Cmp, c.Text)))
	}
}

// matching finds the values that begin with, or contain, a text.
func (s *Store) matching(ctx context.Context, conn *pgx.Conn, scope *store.Scope, c *query.Cond, most int64) (found wordsFound, err error) {
	var st statement
	st.write("SELECT array_agg(DISTINCT x.hash), count(*) FROM (SELECT w.hash FROM dict AS w WHERE ")
	writeWords(&st, scope, c.Field)
	st.write(" AND ")
	writeSays(&st, c)
	st.write(" LIMIT ", st.int(most+1), ") AS x")
	err = st.run(ctx, conn, func(v [][]byte) error {
		found.terms = intsOf(v[0])
		found.all = intOf(v[1]) <= most && len(found.terms) <= mostWords
		return nil
	})
	return found, err
}

// sharing finds terms that stand for values for which a comparison does not hold, besides those for which it does. A substring may be
// found in the midst of an escape, where it is not: that counts as well.
func (s *Store) sharing(ctx context.Context, conn *pgx.Conn, scope *store.Scope, c *query.Cond, terms []int64, into map[int64]bool) error {
	if len(terms) == 0 {
		return nil
	}
	var st statement
	st.write("SELECT DISTINCT w.hash FROM dict AS w WHERE w.hash = ANY (", st.ints(terms), ")")
	writeWordScope(&st, scope)
	st.write(" AND (NOT (")
	writeSays(&st, c)
	st.write(")")
	if c.Cmp == query.Contains {
		st.write(" OR strpos(w.value, ", st.string(string(rune(escape))), ") > 0")
	}
	st.write(")")
	return st.run(ctx, conn, func(v [][]byte) error {
		into[intOf(v[0])] = true
		return nil
	})
}
