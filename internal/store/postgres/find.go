package postgres

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"hubcap/internal/asff"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

// Find implements store.Store.
func (s *Store) Find(ctx context.Context, scope store.Scope, q *query.Find, yield func(*store.Doc) error) (*query.Position, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	f := s.searching(&scope, q)
	if err := f.refuse(); err != nil {
		return nil, err
	}
	if err := s.question(ctx, f.answer); err != nil {
		return nil, err
	}
	more := len(f.page) > q.Limit
	for i := range f.page[:min(q.Limit, len(f.page))] {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := yield(&f.page[i].doc); err != nil {
			return nil, err
		}
	}
	if !more {
		return nil, nil
	}
	return &f.page[q.Limit-1].at, nil
}

// question runs a question that has an end.
func (s *Store) question(ctx context.Context, ask func(ctx context.Context, conn *pgx.Conn) error) error {
	within, cancel := ctx, context.CancelFunc(func() {})
	if s.opts.QueryTimeout > 0 {
		within, cancel = context.WithTimeout(ctx, s.opts.QueryTimeout)
	}
	defer cancel()
	err := s.read(within, func(conn *pgx.Conn) error { return ask(within, conn) })
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case within.Err() != nil, codeOf(err) == codeCancelled:
		return store.ErrTooSlow
	default:
		return err
	}
}

// hit is a finding on its way into a page.
type hit struct {
	at     query.Position
	doc    store.Doc
	stage  int      // it was met in
	values [][]byte // of the stage's keys
}

// search is one Find under way.
type search struct {
	s     *Store
	scope *store.Scope
	q     *query.Find
	order []query.SortKey
	want  int

	answers  answers
	thorough bool // was what was looked up
	where    bounds
	page     []hit // the best so far, in order, at most want
	met      map[store.Identity]struct{}
	stage    int
	r        asff.Reader
	plain    []byte
	keys     []query.SortValue
}

func (s *Store) searching(scope *store.Scope, q *query.Find) *search {
	return &search{s: s, scope: scope, q: q, order: query.Order(q.Sort), want: q.Limit + 1}
}

// refuse tells what nobody may ask.
func (f *search) refuse() error {
	switch {
	case f.q.Limit < 1:
		return fmt.Errorf("store: a page of %d findings", f.q.Limit)
	case f.q.After != nil && len(f.q.After.Values) != len(f.order):
		return fmt.Errorf("store: a position of %d values for %d sort keys", len(f.q.After.Values), len(f.order))
	}
	return nil
}

// answer fills the page.
func (f *search) answer(ctx context.Context, conn *pgx.Conn) error {
	f.page, f.met, f.stage = f.page[:0], map[store.Identity]struct{}{}, 0
	if err := f.compile(ctx, conn, false); err != nil {
		return err
	}
	stages, err := f.stages(ctx, conn)
	if err != nil {
		return err
	}
	if stages == nil {
		return f.unordered(ctx, conn)
	}
	for i := range stages {
		f.stage = i
		if err := f.walk(ctx, conn, &stages[i]); err != nil {
			return err
		}
		if len(f.page) == f.want {
			break
		}
	}
	return nil
}

// compile looks up what the condition needs, and makes SQL of it. What takes long is not looked up until it must be: the findings of a page
// may be found before the values are.
func (f *search) compile(ctx context.Context, conn *pgx.Conn, thorough bool) (err error) {
	f.thorough = thorough
	f.answers, err = f.s.look(ctx, conn, f.scope, &f.q.Where, lookUp{thorough: thorough})
	if err != nil {
		return err
	}
	c := compiler{hash: f.s.hash, answers: f.answers}
	f.where = c.compile(&f.q.Where)
	return nil
}

// stages makes stages of the order; nil where SQL cannot tell it.
func (f *search) stages(ctx context.Context, conn *pgx.Conn) ([]stage, error) {
	stray := map[asff.Field]bool{}
	for _, k := range f.order {
		if !isOfKey(k.Field) && (columnOf(k.Field) == noColumn || columns[columnOf(k.Field)].codes == nil || ranked(k.Field)) {
			continue
		}
		some, err := f.s.strays(ctx, conn, k.Field)
		if err != nil {
			return nil, err
		}
		stray[k.Field] = some
	}
	g := staging{order: f.order, after: f.q.After, stray: func(field asff.Field) bool { return stray[field] }}
	return g.stages(), nil
}

// Of a walk: how many findings are looked at at once, and how many in vain before another way is thought of.
const (
	firstLook = 512
	mostLook  = 8192
	inVain    = 2048
)

// few is how many findings are read from the index of terms without a thought of a walk.
const few = 2000

// walk reads a stage until the page is full: along its order, or, where few findings have a term that the condition asks for, these.
func (f *search) walk(ctx context.Context, conn *pgx.Conn, g *stage) error {
	if n, err := f.gathered(ctx, conn); err != nil || n != unknown && n <= few {
		if err != nil {
			return err
		}
		return f.gather(ctx, conn, g, g.from)
	}
	at, looked, hits := g.from, 0, len(f.page)
	for n := f.want; ; {
		st, judged := f.walkStatement(g, at, n)
		if judged && looked == 0 && n < firstLook {
			n = firstLook
			st, _ = f.walkStatement(g, at, n)
		}
		var last orderPlace
		err := st.run(ctx, conn, func(v [][]byte) error {
			keys := v[:len(g.keys)]
			if v[len(g.keys)+3] == nil { // the end of what was looked at
				last = orderPlace{values: cloned(keys), identity: bytes.Clone(v[len(g.keys)])}
				return nil
			}
			if f.full(g, keys) {
				return nil
			}
			return f.take(keys, v[len(g.keys):])
		})
		if err != nil {
			return err
		}
		if looked += n; last.identity == nil || f.full(g, last.values) {
			return nil
		}
		at = &last
		if judged && looked >= inVain {
			if done, err := f.reconsider(ctx, conn, g, at, looked, len(f.page)-hits); done || err != nil {
				return err
			}
		}
		n = nextLook(looked, len(f.page)-hits, f.want-len(f.page))
	}
}

// nextLook is how many findings to look at next, where so many were looked at, with so many hits, and so many are wanted yet.
func nextLook(looked, hits, wanted int) int {
	if hits == 0 {
		return min(max(2*looked, firstLook), mostLook)
	}
	return min(max(looked*wanted/hits*5/4, firstLook/4, wanted), mostLook)
}

// gathered is about how many findings the index of terms answers the condition with; unknown where there is no term that each of them has.
func (f *search) gathered(ctx context.Context, conn *pgx.Conn) (float64, error) {
	byIndex, _ := f.where.may.gathered()
	if len(byIndex) == 0 {
		return unknown, nil
	}
	sets := make([][]int64, len(byIndex))
	for i, c := range byIndex {
		sets[i] = c.terms
	}
	return f.s.estimate(ctx, conn, sets)
}

// reconsider leaves a walk that found so few in what it looked at that the index of terms is the shorter way.
func (f *search) reconsider(ctx context.Context, conn *pgx.Conn, g *stage, at *orderPlace, looked, hits int) (done bool, err error) {
	if !f.thorough {
		if err := f.compile(ctx, conn, true); err != nil {
			return false, err
		}
	}
	byIndex, _ := f.where.may.gathered()
	if len(byIndex) == 0 {
		return false, nil
	}
	n, err := f.gathered(ctx, conn)
	if err != nil {
		return false, err
	}
	ahead := float64(looked) * (float64(f.want-len(f.page)) / (float64(hits) + 0.5))
	if n == unknown && ahead < 10*inVain || n > ahead {
		return false, nil
	}
	return true, f.gather(ctx, conn, g, at)
}

// full tells whether no finding of a stage that has these values, or stands after them, belongs into the page.
func (f *search) full(g *stage, keys [][]byte) bool {
	if len(f.page) < f.want {
		return false
	}
	worst := &f.page[f.want-1]
	return worst.stage < f.stage || g.settled(worst.values) || !sameValues(worst.values, keys)
}

func cloned(values [][]byte) [][]byte {
	out := make([][]byte, len(values))
	for i := range values {
		out[i] = bytes.Clone(values[i])
	}
	return out
}

// take reads a finding (identity, version, customer, body) and puts it into the page, if it belongs there.
func (f *search) take(keys, v [][]byte) error {
	var ident store.Identity
	copy(ident[:], v[0])
	key, doc, plain, err := unpack(f.plain, v[3])
	f.plain = plain
	if err != nil {
		return fmt.Errorf("store: finding %x: %w", ident, err)
	}
	if !f.scope.Allows(key) {
		return nil
	}
	values := f.r.Values(doc)
	if !query.Match(&f.q.Where, values) {
		return nil
	}
	f.keys = query.Keys(f.q.Sort, values, f.keys[:0])
	at := query.Position{Values: f.keys, Identity: ident}
	if f.q.After != nil && query.Compare(f.q.Sort, &at, f.q.After) <= 0 {
		return nil
	}
	if len(f.page) == f.want && query.Compare(f.q.Sort, &at, &f.page[f.want-1].at) >= 0 {
		return nil
	}
	if _, again := f.met[ident]; again {
		return nil // it moved while it was looked for
	}
	f.met[ident] = struct{}{}
	at.Values = slices.Clone(at.Values)
	h := hit{
		at: at, stage: f.stage, values: cloned(keys),
		doc: store.Doc{Key: key, JSON: bytes.Clone(doc), Customer: asff.Attrs(intOf(v[2])), Version: uint64(intOf(v[1]))}, //nolint:gosec // as written
	}
	i, _ := slices.BinarySearchFunc(f.page, &h, func(a hit, b *hit) int { return query.Compare(f.q.Sort, &a.at, &b.at) })
	if len(f.page) == f.want {
		delete(f.met, f.page[f.want-1].at.Identity)
		f.page = f.page[:f.want-1]
	}
	f.page = slices.Insert(f.page, i, h)
	return nil
}

const sameFinding = "d.account = f.account AND d.identity = f.identity"

// walkStatement looks at the next n findings of a stage in its order, and reads those of them that may satisfy the condition. Where there
// were n, the last one comes once more without a body. judged is set where not all of them need satisfy it.
func (f *search) walkStatement(g *stage, at *orderPlace, n int) (st *statement, judged bool) {
	st = &statement{}
	var early, late []*condition
	for _, c := range slices.Concat(scoped(f.scope), g.where.conjuncts(), f.where.may.conjuncts()) {
		if c.late {
			late = append(late, c)
		} else {
			early = append(early, c)
		}
	}
	short := make([]string, len(g.keys))
	for i := range short {
		short[i] = "f." + sortName(i)
	}
	columns := "f.account, f.identity"
	if slices.ContainsFunc(late, needsRow) {
		columns = "f.*"
	}
	look := func(early []*condition) {
		st.write("SELECT ", columns)
		names := f.names(g, st, func(i int, name string) { st.write(", ", name, " AS ", sortName(i)) })
		st.write(" FROM finding AS f WHERE ")
		allOf(early...).filter(st)
		if at != nil {
			writeAfter(st, g.keys, names, at)
		}
		writeOrder(st, g, names, false)
		st.write(" LIMIT ", st.int(int64(n)))
	}
	st.write("WITH looked AS MATERIALIZED (")
	if branches := branched(g, early); len(branches) > 1 {
		for i, b := range branches {
			if i == 0 {
				st.write("SELECT f.* FROM ((")
			} else {
				st.write(") UNION ALL (")
			}
			look(b)
		}
		st.write(")) AS f")
		writeOrder(st, g, short, false)
		st.write(" LIMIT ", st.int(int64(n)))
	} else {
		look(early)
	}
	st.write(") (SELECT ")
	list := strings.Join(append(slices.Clone(short), "f.identity"), ", ")
	st.write(list, ", d.version, d.customer, d.body FROM looked AS f JOIN document AS d ON ", sameFinding, " WHERE ")
	allOf(late...).filter(st)
	writeOrder(st, g, short, false)
	st.write(") UNION ALL (SELECT ", list, ", NULL, NULL, NULL FROM looked AS f")
	writeOrder(st, g, short, false)
	st.write(" OFFSET ", st.int(int64(n-1)), ")")
	return st, len(late) > 0
}

// mostBranches is how many stretches of an index are merged into one order.
const mostBranches = 12

// branched splits conditions that give severity, record state and workflow status a few labels each into one for each combination: in it,
// an index has the findings in the order of UpdatedAt.
func branched(g *stage, conditions []*condition) [][]*condition {
	if len(g.keys) == 0 || g.keys[0].of != columnUpdated || !g.keys[0].desc {
		return nil
	}
	leading := [...]column{columnSeverity, columnRecordState, columnWorkflow}
	var labels [len(leading)][]int16
	rest := slices.DeleteFunc(slices.Clone(conditions), func(c *condition) bool {
		i := slices.Index(leading[:], c.of)
		if c.labels == nil || i < 0 || labels[i] != nil {
			return false
		}
		labels[i] = c.labels
		return true
	})
	branches := [][]*condition{rest}
	for i, of := range leading {
		if len(labels[i]) == 0 || len(branches)*len(labels[i]) > mostBranches {
			return nil
		}
		var split [][]*condition
		for _, b := range branches {
			for _, code := range labels[i] {
				split = append(split, append(slices.Clip(slices.Clone(b)), hasLabel(of, code)))
			}
		}
		branches = split
	}
	return branches
}

func sortName(i int) string { return "k" + strconv.Itoa(i) }

// names are the texts of a stage's keys. A key's arguments are written once, and used again by name.
func (f *search) names(g *stage, st *statement, use func(i int, name string)) []string {
	names := make([]string, len(g.keys))
	for i := range g.keys {
		key := statement{values: st.values, types: st.types}
		g.keys[i].write(&key)
		st.values, st.types = key.values, key.types
		names[i] = key.text.String()
		if use != nil {
			use(i, names[i])
		}
	}
	return names
}

// writeOrder writes a stage's order; unaided, in a way that no index gives.
func writeOrder(st *statement, g *stage, names []string, unaided bool) {
	st.write(" ORDER BY ")
	for i, name := range names {
		st.write(name)
		if unaided {
			if g.keys[i].oid == pgtype.TextOID {
				st.write(" || ''")
			} else if g.keys[i].oid != pgtype.BoolOID {
				st.write(" + 0")
			}
		}
		if g.keys[i].desc {
			st.write(" DESC")
		}
		st.write(", ")
	}
	st.write("f.identity")
}

// gather answers a stage from the index of terms: with the first of the findings that it names, where SQL can tell the order, else with
// all of them.
func (f *search) gather(ctx context.Context, conn *pgx.Conn, g *stage, at *orderPlace) error {
	for {
		st := f.gatherStatement(g, at)
		rows := 0
		var last orderPlace
		if err := st.run(ctx, conn, func(v [][]byte) error {
			keys := v[:len(g.keys)]
			if rows++; rows == f.want && g.exact {
				last = orderPlace{values: cloned(keys), identity: bytes.Clone(v[len(g.keys)])}
			}
			return f.take(keys, v[len(g.keys):])
		}); err != nil {
			return err
		}
		if last.identity == nil || f.full(g, last.values) {
			return nil
		}
		at = &last
	}
}

func (f *search) gatherStatement(g *stage, at *orderPlace) *statement {
	st := &statement{}
	byIndex, rest := f.where.may.gathered()
	st.write("SELECT ")
	names := f.names(g, st, func(_ int, name string) { st.write(name, ", ") })
	st.write("f.identity, d.version, d.customer, d.body FROM document AS d JOIN finding AS f ON ", sameFinding, " WHERE ")
	allOf(slices.Concat(scoped(f.scope), g.where.conjuncts(), rest)...).filter(st)
	for _, c := range byIndex {
		st.write(" AND ")
		c.index(st)
	}
	if at != nil {
		writeAfter(st, g.keys, names, at)
	}
	if g.exact {
		writeOrder(st, g, names, true)
		st.write(" LIMIT ", st.int(int64(f.want)))
	}
	return st
}
