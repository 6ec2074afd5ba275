package postgres

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"hubcap/internal/asff"
	"hubcap/internal/query"
)

// grouping is one Group under way.
type grouping struct {
	counting
	q      *query.Group
	counts map[string]int64
}

// answer counts: by a column or by terms where these tell the value, and by looking at the findings of which they do not.
func (g *grouping) answer(ctx context.Context, conn *pgx.Conn) ([]query.Count, error) {
	g.counts = map[string]int64{}
	col := columnOf(g.q.By)
	switch {
	case g.sql.must.op == isFalse, g.q.Key != "" && g.q.By.Kind() != asff.KindMap:
		return g.readAll(ctx, conn)
	case col != noColumn && columns[col].codes != nil:
		return g.byLabel(ctx, conn, col)
	case isOfKey(g.q.By):
		return g.byKey(ctx, conn)
	case listed(g.q.By, g.q.Key) && len(g.q.Key) <= maxListed && col == noColumn:
		return g.byTerm(ctx, conn)
	default:
		return g.readAll(ctx, conn)
	}
}

// readAll counts by looking at every finding that may satisfy the condition, and has the attribute.
func (g *grouping) readAll(ctx context.Context, conn *pgx.Conn) ([]query.Count, error) {
	tally := query.NewTally(*g.q)
	where := []*condition{g.sql.may}
	if presenceIndexed(g.q.By) {
		where = append(where, withTerm(g.s.hash.There(g.q.By)))
	}
	err := g.each(ctx, conn, tally.Add, where...)
	return tally.Counts(), err
}

// look counts the values of findings that a condition holds for, those that count says.
func (g *grouping) look(ctx context.Context, conn *pgx.Conn, counted func(v *asff.Value) bool, where ...*condition) error {
	return g.each(ctx, conn, func(values []asff.Value) {
		var seen []string
		for i := range values {
			v := &values[i]
			if v.Field != g.q.By || string(v.Key) != g.q.Key || !counted(v) || slices.Contains(seen, string(v.Text)) {
				continue
			}
			text := string(v.Text)
			seen = append(seen, text)
			g.counts[text]++
		}
	}, where...)
}

func everyValue(*asff.Value) bool { return true }

// remaining counts the findings that have to be looked at to know whether they satisfy the condition.
func (g *grouping) remaining(ctx context.Context, conn *pgx.Conn) error {
	if g.sql.exact() {
		return nil
	}
	return g.look(ctx, conn, everyValue, g.vague()...)
}

// byLabel counts by a column of labels.
func (g *grouping) byLabel(ctx context.Context, conn *pgx.Conn, col column) ([]query.Count, error) {
	var st statement
	st.write("SELECT f.", columns[col].name, ", count(*)")
	g.from(&st, false, g.sql.must)
	st.write(" GROUP BY f.", columns[col].name)
	err := st.run(ctx, conn, func(v [][]byte) error {
		if code := intOf(v[0]); code > 0 {
			g.counts[columns[col].codes[code-1]] = intOf(v[1])
		}
		return nil
	})
	if err == nil { // labels that the column does not have
		err = g.look(ctx, conn, everyValue, g.sql.must, withTerm(g.s.hash.There(g.q.By)))
	}
	if err == nil {
		err = g.remaining(ctx, conn)
	}
	return g.most(), err
}

// byKey counts by account or Region.
func (g *grouping) byKey(ctx context.Context, conn *pgx.Conn) ([]query.Count, error) {
	name := "f.account"
	if g.q.By == asff.FieldRegion {
		name = "f.region"
	}
	strange := withTerm(g.s.hash.There(g.q.By))
	some, err := g.s.strays(ctx, conn, g.q.By)
	if err != nil {
		return nil, err
	}
	where := []*condition{g.sql.must}
	if some {
		where = append(where, negation(strange))
	}
	var st statement
	st.write("SELECT ", name, ", count(*)")
	g.from(&st, false, where...)
	st.write(" GROUP BY ", name)
	err = st.run(ctx, conn, func(v [][]byte) error {
		g.counts[fromText(string(v[0]))] = intOf(v[1])
		return nil
	})
	if err == nil && some {
		err = g.look(ctx, conn, everyValue, g.sql.must, strange)
	}
	if err == nil {
		err = g.remaining(ctx, conn)
	}
	return g.most(), err
}

// termCount is how many findings have a term.
type termCount struct{ term, n int64 }

// byTerm counts by the terms of the values that the dictionary lists.
func (g *grouping) byTerm(ctx context.Context, conn *pgx.Conn) ([]query.Count, error) {
	// First what has to be looked at: where there is nothing, only the most frequent terms matter.
	err := g.look(ctx, conn, func(v *asff.Value) bool {
		_, inDictionary := g.s.hash.Term(v.Field, string(v.Key), string(v.Text))
		return !inDictionary
	}, g.sql.must, withTerm(g.s.hash.Unlisted(g.q.By)))
	if err == nil {
		err = g.remaining(ctx, conn)
	}
	if err != nil {
		return nil, err
	}
	limit := g.q.Limit
	if len(g.counts) > 0 {
		limit = 0
	}
	terms, err := g.countTerms(ctx, conn, limit)
	if err != nil {
		return nil, err
	}
	texts, ok, err := g.texts(ctx, conn, terms)
	if err != nil {
		return nil, err
	}
	if !ok {
		return g.readAll(ctx, conn)
	}
	for _, t := range terms {
		if text, ok := texts[t.term]; ok {
			g.counts[text] += t.n
		}
	}
	return g.most(), nil
}

// countTerms counts the terms of the attribute. With a limit, it answers the most frequent ones, and all that are as frequent as the last
// of these.
func (g *grouping) countTerms(ctx context.Context, conn *pgx.Conn, limit int) ([]termCount, error) {
	var st statement
	st.write("WITH counted AS MATERIALIZED (SELECT t.v, count(*) AS n FROM (SELECT ")
	byResource := g.q.By == asff.FieldResourceId
	if byResource {
		st.write("unnest(f.resources) AS v")
	} else {
		st.write("unnest(d.terms) AS v")
	}
	g.from(&st, !byResource, g.sql.must)
	lo, hi := listedTerms(g.q.By)
	st.write(") AS t WHERE t.v >= ", st.int(lo), " AND t.v <= ", st.int(hi))
	if g.q.By.Kind() == asff.KindMap {
		st.write(" AND t.v IN (SELECT w.hash FROM dict AS w WHERE ")
		writeWords(&st, g.scope, g.q.By)
		st.write(" AND w.key = ", st.string(toText(g.q.Key)), ")")
	}
	st.write(" GROUP BY t.v) SELECT c.v, c.n FROM counted AS c")
	if limit > 0 {
		st.write(" WHERE c.n >= coalesce((SELECT l.n FROM counted AS l ORDER BY l.n DESC OFFSET ", st.int(int64(limit-1)), " LIMIT 1), 0)")
	}
	var terms []termCount
	err := st.run(ctx, conn, func(v [][]byte) error {
		terms = append(terms, termCount{intOf(v[0]), intOf(v[1])})
		return nil
	})
	return terms, err
}

// texts are the values of terms; ok is not set where a term stands for several, or the dictionary has none.
func (g *grouping) texts(ctx context.Context, conn *pgx.Conn, terms []termCount) (texts map[int64]string, ok bool, err error) {
	texts, ok = make(map[int64]string, len(terms)), true
	if len(terms) == 0 {
		return texts, ok, nil
	}
	list := make([]int64, len(terms))
	for i := range terms {
		list[i] = terms[i].term
	}
	var st statement
	st.write("SELECT w.hash, min(w.key), min(w.value), count(DISTINCT w.value), min(w.key) = max(w.key) FROM dict AS w WHERE w.hash = ANY (", st.ints(list), ")")
	writeWordScope(&st, g.scope)
	st.write(" GROUP BY w.hash")
	found := 0
	err = st.run(ctx, conn, func(v [][]byte) error {
		found++
		if intOf(v[3]) != 1 || !boolOf(v[4]) {
			ok = false
		}
		if fromText(string(v[1])) == g.q.Key {
			texts[intOf(v[0])] = fromText(string(v[2]))
		}
		return nil
	})
	return texts, ok && found == len(terms), err
}

// most is the most frequent values, ties by value.
func (g *grouping) most() []query.Count {
	all := make([]query.Count, 0, len(g.counts))
	for value, n := range g.counts {
		if n > 0 {
			all = append(all, query.Count{Value: value, N: n})
		}
	}
	slices.SortFunc(all, func(a, b query.Count) int {
		if c := cmp.Compare(b.N, a.N); c != 0 {
			return c
		}
		return strings.Compare(a.Value, b.Value)
	})
	if g.q.Limit > 0 && len(all) > g.q.Limit {
		all = all[:g.q.Limit]
	}
	return all
}
