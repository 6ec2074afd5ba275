package postgres

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"hubcap/internal/asff"
	"hubcap/internal/query"
)

// Of an order by values that no column has: how many values are taken from the dictionary at once, and up to how many findings that have
// one of them are read without an order.
const (
	firstValues = 32
	mostValues  = 512
	mostHaving  = 2000
)

// value is one of the values that findings are ordered by.
type value struct {
	text string // escaped, as the dictionary has it
	term int64
}

// byValue answers in the order of an attribute whose values the dictionary lists: it takes values from there, in their order, and reads the
// findings that have them, until the page is full. What the dictionary does not list is read before, what has no value after.
func (f *search) byValue(ctx context.Context, conn *pgx.Conn) error {
	k := f.order[0]
	var at *query.SortValue
	if f.q.After != nil {
		at = &f.q.After.Values[0]
	}
	if at == nil || !at.Missing {
		if _, err := f.having(ctx, conn, 0, f.s.hash.Unlisted(k.Field)); err != nil {
			return err
		}
		done, err := f.alongValues(ctx, conn, at)
		if done || err != nil {
			return err
		}
	}
	lo, hi := listedTerms(k.Field)
	none := &condition{op: isNot, document: true, late: true, args: []*condition{{document: true, late: true, write: func(st *statement) {
		st.write("EXISTS (SELECT 1 FROM unnest(d.terms) AS t (v) WHERE t.v >= ", st.int(lo), " AND t.v <= ", st.int(hi), " OR t.v = ",
			st.int(f.s.hash.Unlisted(k.Field)), ")")
	}}}}
	return f.without(ctx, conn, none)
}

// alongValues walks along the values; done when no further finding belongs into the page.
func (f *search) alongValues(ctx context.Context, conn *pgx.Conn, at *query.SortValue) (done bool, err error) {
	var from *string // exclusive, but for the position's
	inclusive := at != nil
	if inclusive {
		text := toText(at.Text)
		from = &text
	}
	for n := firstValues; ; n = min(2*n, mostValues) {
		values, err := f.nextValues(ctx, conn, from, inclusive, n)
		if err != nil {
			return false, err
		}
		for rest := values; len(rest) > 0; {
			some, all, err := f.fitting(ctx, conn, rest[:min(len(rest), n)])
			if err == nil && all {
				all, err = f.having(ctx, conn, mostHaving, termsOf(some)...)
			}
			if err != nil {
				return false, err
			}
			if !all && len(some) > 1 {
				n = max(len(some)/4, 1)
				continue
			}
			if !all {
				if err := f.havingOne(ctx, conn, some[0], at); err != nil {
					return false, err
				}
			}
			if f.reached(some[len(some)-1].text) {
				return true, nil
			}
			rest = rest[len(some):]
		}
		if len(values) == 0 {
			return false, nil
		}
		from, inclusive = &values[len(values)-1].text, false
	}
}

// fitting are the first of the values, as many as the statistics say can be read at once; one, and fit not set, where many findings have it.
func (f *search) fitting(ctx context.Context, conn *pgx.Conn, values []value) (some []value, fit bool, err error) {
	for n := len(values); n > 0; n /= 2 {
		about, err := f.s.estimate(ctx, conn, [][]int64{termsOf(values[:n])})
		if err != nil || about <= mostHaving {
			return values[:n], true, err
		}
	}
	return values[:1], false, nil
}

func termsOf(values []value) []int64 {
	out := make([]int64, len(values))
	for i := range values {
		out[i] = values[i].term
	}
	return out
}

// reached tells whether the page is full of findings whose values do not stand behind a text.
func (f *search) reached(text string) bool {
	if len(f.page) < f.want {
		return false
	}
	worst := &f.page[f.want-1].at.Values[0]
	if worst.Missing {
		return false
	}
	c := strings.Compare(worst.Text, fromText(text))
	if f.order[0].Desc {
		c = -c
	}
	return c <= 0
}

// nextValues are the next n values of the attribute in the scope, in their order.
func (f *search) nextValues(ctx context.Context, conn *pgx.Conn, from *string, inclusive bool, n int) ([]value, error) {
	beyond, desc := " > ", ""
	if f.order[0].Desc {
		beyond, desc = " < ", " DESC"
	}
	if inclusive {
		beyond = strings.TrimSuffix(beyond, " ") + "= "
	}
	var st statement
	st.write("SELECT w.value, w.hash FROM dict AS w WHERE ")
	writeWords(&st, f.scope, f.order[0].Field)
	st.write(" AND w.key = ''")
	if from != nil {
		st.write(" AND w.value", beyond, st.string(*from))
	}
	st.write(" GROUP BY w.value, w.hash ORDER BY w.value", desc, " LIMIT ", st.int(int64(n)))
	var values []value
	err := st.run(ctx, conn, func(v [][]byte) error {
		values = append(values, value{string(v[0]), intOf(v[1])})
		return nil
	})
	return values, err
}

// having reads the findings that have one of the terms, at most most of them (0: all); all tells whether there are no more.
func (f *search) having(ctx context.Context, conn *pgx.Conn, most int, terms ...int64) (all bool, err error) {
	st := f.havingStatement(terms...)
	if most > 0 {
		st.write(" LIMIT ", st.int(int64(most+1)))
	}
	rows := 0
	err = st.run(ctx, conn, func(v [][]byte) error {
		rows++
		return f.take(nil, v)
	})
	return most == 0 || rows <= most, err
}

// havingStatement reads the findings that have one of the terms and may satisfy the condition.
func (f *search) havingStatement(terms ...int64) *statement {
	st := &statement{}
	st.write("SELECT d.identity, d.version, d.customer, d.body FROM document AS d")
	where := f.where.may.conjuncts()
	if slices.ContainsFunc(where, needsRow) {
		st.write(" JOIN finding AS f ON ", sameFinding)
	}
	st.write(" WHERE ")
	withTerm(slices.Clone(terms)...).index(st)
	if len(f.scope.Accounts) > 0 { // the Region is looked at when the finding is
		st.write(" AND d.account = ANY (", st.strings(toTexts(f.scope.Accounts)), ")")
	}
	st.write(" AND ")
	allOf(where...).filter(st)
	return st
}

// havingOne reads the findings that have a value that many have: in the order of their identities, if that is all the order there is.
func (f *search) havingOne(ctx context.Context, conn *pgx.Conn, v value, at *query.SortValue) error {
	if len(f.order) > 1 {
		_, err := f.having(ctx, conn, 0, v.term)
		return err
	}
	var from []byte
	if at != nil && toText(at.Text) == v.text {
		from = f.q.After.Identity[:]
	}
	for {
		st := f.havingStatement(v.term)
		if from != nil {
			st.write(" AND d.identity > ", st.bytes(from))
		}
		st.write(" ORDER BY d.identity LIMIT ", st.int(int64(f.want)))
		rows := 0
		if err := st.run(ctx, conn, func(row [][]byte) error {
			if rows++; rows == f.want {
				from = bytes.Clone(row[0])
			}
			return f.take(nil, row)
		}); err != nil || rows < f.want || f.reached(v.text) {
			return err
		}
	}
}

// without reads the findings that have no value to be ordered by: they stand last.
func (f *search) without(ctx context.Context, conn *pgx.Conn, none *condition) error {
	if len(f.page) == f.want && !f.page[f.want-1].at.Values[0].Missing {
		return nil
	}
	g := staging{order: f.order, after: f.q.After, stray: func(asff.Field) bool { return true }}
	if g.after != nil && !g.after.Values[0].Missing {
		g.after = nil
	}
	s := stage{where: none}
	var at [][]byte
	s.keys, at, s.exact = g.rest()
	if g.after != nil {
		s.from = &orderPlace{values: at}
		if s.exact {
			s.from.identity = g.after.Identity[:]
		}
	}
	f.stage++
	return f.gather(ctx, conn, &s, s.from)
}

// unordered answers in the order of values that stand in the documents alone. Where it is known which findings have some, these come first.
func (f *search) unordered(ctx context.Context, conn *pgx.Conn) error {
	if err := f.compile(ctx, conn, true); err != nil {
		return err
	}
	first := f.order[0].Field
	if first == asff.FieldId {
		if strange, err := f.s.strays(ctx, conn, first); err != nil || !strange {
			if err == nil {
				err = f.byID(ctx, conn)
			}
			return err
		}
	}
	switch {
	case listed(first, "") && columnOf(first) == noColumn && !isOfKey(first):
		return f.byValue(ctx, conn)
	case presenceIndexed(first):
		there := f.s.hash.There(first)
		if f.q.After == nil || !f.q.After.Values[0].Missing {
			if _, err := f.having(ctx, conn, 0, there); err != nil {
				return err
			}
		}
		return f.without(ctx, conn, negation(withTerm(there)))
	default:
		return f.gather(ctx, conn, &stage{where: always}, nil)
	}
}
