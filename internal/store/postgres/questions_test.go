package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"hubcap/internal/asff"
	"hubcap/internal/query"
	"hubcap/internal/query/querytest"
	"hubcap/internal/store"
)

// keep stores findings: the members, as JSON, of each by its id.
func keep(t testing.TB, s store.Store, findings map[string]string) {
	t.Helper()
	for id, members := range findings {
		d, err := querytest.NewDoc(id, members)
		require.NoError(t, err, "%s", members)
		key := store.Key{Account: d.Account, Region: d.Region, ProductArn: d.ProductArn, ID: d.ID}
		errs, err := s.Update(context.Background(), []store.Key{key}, func(int, *store.Doc, store.StateView) (store.Change, error) {
			return store.Change{JSON: d.JSON}, nil
		})
		require.NoError(t, errors.Join(append(errs, err)...))
	}
}

// ids are the ids of all pages.
func ids(t testing.TB, s store.Store, q query.Find) []string {
	t.Helper()
	list := []string{}
	for {
		next, err := s.Find(context.Background(), store.Scope{}, &q, func(d *store.Doc) error {
			list = append(list, d.Key.ID)
			return nil
		})
		require.NoError(t, err)
		if next == nil {
			return list
		}
		q.After = next
	}
}

func member(t testing.TB, name, text string) string {
	t.Helper()
	b, err := json.Marshal(map[string]string{name: text})
	require.NoError(t, err)
	return string(b)
}

// hostile are texts that mean something to SQL, to LIKE, to arrays or to us.
var hostile = []string{
	`'; DROP TABLE finding; --`, `" OR 1=1 --`, `\'; SELECT pg_sleep(9); --`, `$1`, `$$x$$`, `%`, `_`, `\`, `100%`, `100_`, `\%`, `{1,2}`, `NULL`,
	"a\x00b", "\x00", "\x01", "\x01\x01", "\x02", "a\x01\x01b", "\u00e4\U0010ffff", "ÄäSs", "ß",
}

// TestNoTextInStatements: what users ask for stands in no statement, and is found whatever it is.
func TestNoTextInStatements(t *testing.T) {
	s, _ := begin(t)
	stored := store.Checked(s, func(err error) { t.Errorf("%v", err) })
	model := querytest.NewModel()
	for i, text := range hostile {
		members := fmt.Sprintf(`{"Title":%[1]s,"ProductFields":{"k":%[1]s,%[1]s:"v"},"GeneratorId":%[1]s}`, jsonText(t, text))
		id := fmt.Sprintf("f%02d", i)
		keep(t, stored, map[string]string{id: members})
		d, err := querytest.NewDoc(id, members)
		require.NoError(t, err)
		require.NoError(t, model.Load(d))
	}
	ask := func(q query.Find) {
		t.Helper()
		var want []string
		page, _, err := model.Find(&q)
		require.NoError(t, err)
		for _, raw := range page {
			var named struct {
				ID string `json:"Id"`
			}
			require.NoError(t, json.Unmarshal(raw, &named))
			want = append(want, named.ID)
		}
		var got []string
		heard := overhear(t, func(ctx context.Context) error {
			_, err := stored.Find(ctx, store.Scope{}, &q, func(d *store.Doc) error {
				got = append(got, d.Key.ID)
				return nil
			})
			return err
		})
		require.Equal(t, want, got, "%s", q.Where)
		for _, st := range heard {
			for _, text := range hostile {
				if len(text) > 7 {
					require.NotContains(t, st.text.String(), text)
				}
			}
		}
		if q.After != nil {
			return
		}
		n, err := stored.Count(context.Background(), store.Scope{}, &q.Where)
		require.NoError(t, err)
		require.EqualValues(t, len(want), n, "%s", q.Where)
	}
	asked, sorts := 0, [][]query.SortKey{nil, {{Field: asff.FieldTitle}}, {{Field: asff.FieldGeneratorId, Desc: true}}, {{Field: asff.FieldProductName}}}
	for _, text := range hostile {
		for _, c := range []query.Cond{
			{Field: asff.FieldTitle},
			{Field: asff.FieldGeneratorId},
			{Field: asff.FieldProductFields, Key: "k"},
			{Field: asff.FieldProductFields, Key: text},
			{Field: asff.FieldAwsAccountId},
			{Field: asff.FieldSeverityLabel},
			{Field: asff.FieldId},
		} {
			for _, c.Cmp = range []query.Cmp{query.Equals, query.Prefix, query.Contains} {
				c.Text = text
				is := query.Expr{Op: query.Is, Cond: c}
				asked++
				ask(query.Find{Where: is, Sort: sorts[asked%len(sorts)], Limit: 100})
				ask(query.Find{Where: query.Negate(is), Sort: sorts[(asked+1)%len(sorts)], Limit: 100})
			}
		}
		ask(query.Find{Where: query.Expr{}, Sort: []query.SortKey{{Field: asff.FieldTitle}}, Limit: 100, After: &query.Position{Values: []query.SortValue{{Text: text}}}})
	}
	scope := store.Scope{Accounts: hostile, Regions: hostile}
	n, err := stored.Count(context.Background(), scope, &query.Expr{})
	require.NoError(t, err)
	require.Zero(t, n)
}

func jsonText(t testing.TB, s string) string {
	t.Helper()
	b, err := json.Marshal(s)
	require.NoError(t, err)
	return string(b)
}

// TestOrderBeyondHeads: texts that begin alike for longer than a column holds stand in their whole order, both ways, page by page.
func TestOrderBeyondHeads(t *testing.T) {
	s, _ := begin(t)
	head := strings.Repeat("x", headSize)
	texts := []string{head + "b", head + "a", head, head[1:], head + "ä", strings.Repeat("ä", headSize/2) + "b", strings.Repeat("ä", headSize/2) + "a", "y", head + "a"}
	type finding struct{ id, text string }
	var all []finding
	for i, text := range texts {
		for k := range 3 {
			id := fmt.Sprintf("%s%d%d", text, i, k)
			keep(t, s, map[string]string{id: member(t, "GeneratorId", text)})
			all = append(all, finding{id, text})
		}
	}
	for _, desc := range []bool{false, true} {
		want := slices.Clone(all)
		slices.SortFunc(want, func(a, b finding) int {
			c := strings.Compare(a.text, b.text)
			if desc {
				c = -c
			}
			if c == 0 {
				x, y := identityOf(t, a.id), identityOf(t, b.id)
				c = slices.Compare(x[:], y[:])
			}
			return c
		})
		for _, limit := range []int{1, 2, 5, 100} {
			got := ids(t, s, query.Find{Sort: []query.SortKey{{Field: asff.FieldGeneratorId, Desc: desc}}, Limit: limit})
			var order []string
			for _, f := range want {
				order = append(order, f.id)
			}
			require.Equal(t, order, got, "desc %v, %d a page", desc, limit)
			slices.Sort(order)
			if desc {
				slices.Reverse(order)
			}
			require.Equal(t, order, ids(t, s, query.Find{Sort: []query.SortKey{{Field: asff.FieldId, Desc: desc}}, Limit: limit}), "desc %v, %d a page", desc, limit)
		}
	}
}

func identityOf(t testing.TB, id string) store.Identity {
	t.Helper()
	d, err := querytest.NewDoc(id, "")
	require.NoError(t, err)
	return d.Identity()
}

// TestManyOfAValue: a value that more findings have than are read without an order is paged through in the order of identities, and what
// has a different first value comes in its own turn.
func TestManyOfAValue(t *testing.T) {
	s, address := begin(t)
	const n = mostHaving + 500
	var keys []store.Key
	var docs [][]byte
	for i := range n {
		resources := `[{"Type":"Other","Id":"m"}]`
		switch i % 100 {
		case 7:
			resources = `[{"Type":"Other","Id":"z"},{"Type":"Other","Id":"m"}]`
		case 8:
			resources = fmt.Sprintf(`[{"Type":"Other","Id":"a%d"},{"Type":"Other","Id":"m"}]`, i)
		}
		d, err := querytest.NewDoc(strconv.Itoa(i), `{"Resources":`+resources+`}`)
		require.NoError(t, err)
		keys = append(keys, store.Key{Account: d.Account, Region: d.Region, ProductArn: d.ProductArn, ID: d.ID})
		docs = append(docs, d.JSON)
	}
	errs, err := s.Update(context.Background(), keys, func(i int, _ *store.Doc, _ store.StateView) (store.Change, error) {
		return store.Change{JSON: docs[i]}, nil
	})
	require.NoError(t, errors.Join(append(errs, err)...))
	for _, statistics := range []bool{false, true} { // with them, it is known beforehand that there are many
		if statistics {
			execute(t, address, `ANALYZE`)
			s = open(t, address, Options{})
		}
		checked := store.Checked(s, func(err error) { t.Errorf("%v", err) }) // that the order is right
		for _, sort := range [][]query.SortKey{
			{{Field: asff.FieldResourceId}}, {{Field: asff.FieldResourceId, Desc: true}}, {{Field: asff.FieldResourceId}, {Field: asff.FieldTitle}},
		} {
			got := ids(t, checked, query.Find{Sort: sort, Limit: 333})
			require.Len(t, got, n)
			slices.Sort(got)
			require.Len(t, slices.Compact(got), n, "each once")
		}
	}
}

// TestTooSlow: a question that is not answered in time, because of whatever, is given up, by its caller or by us; the store goes on.
func TestTooSlow(t *testing.T) {
	first, address := begin(t)
	keep(t, first, map[string]string{"one": "{}"})
	s := open(t, address, Options{QueryTimeout: 300 * time.Millisecond})
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, address)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(ctx)) }()
	tx, err := conn.Begin(ctx)
	require.NoError(t, err)
	_, err = tx.Exec(ctx, `LOCK TABLE finding IN ACCESS EXCLUSIVE MODE`)
	require.NoError(t, err)
	ask := func(ctx context.Context) []error {
		_, find := s.Find(ctx, store.Scope{}, &query.Find{Limit: 1}, func(*store.Doc) error { return nil })
		_, count := s.Count(ctx, store.Scope{}, &query.Expr{})
		_, group := s.Group(ctx, store.Scope{}, &query.Group{By: asff.FieldTitle})
		return []error{find, count, group}
	}
	for i, err := range ask(ctx) {
		require.ErrorIs(t, err, store.ErrTooSlow, "%d", i)
	}
	gone, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	for i, err := range ask(gone) {
		require.ErrorIs(t, err, context.DeadlineExceeded, "%d", i)
	}
	require.ErrorIs(t, s.Walk(gone, store.Scope{}, &query.Expr{}, func(*store.Doc) error { return nil }), context.DeadlineExceeded)
	require.NoError(t, tx.Rollback(ctx))
	for i, err := range ask(ctx) {
		require.NoError(t, err, "%d", i)
	}
}

// TestExplainTellsNoNumbers: what a caller of some accounts is told does not depend on the findings of others.
func TestExplainTellsNoNumbers(t *testing.T) {
	s, _ := begin(t)
	keep(t, s, map[string]string{"one": `{"Title":"one"}`, "two": `{"Title":"two"}`})
	scope := store.Scope{Accounts: []string{querytest.Account}}
	explain := func() (all []string) {
		for _, where := range []string{
			`all`, `Title = theirs`, `Title contains e`, `not Title startswith theirs`, `ResourceType startswith The or UpdatedAt >= 2020-01-01`, `Keyword contains their`,
		} {
			for _, sort := range [][]query.SortKey{nil, {{Field: asff.FieldTitle}}, {{Field: asff.FieldResourceId}}, {{Field: asff.FieldSeverityLabel, Desc: true}}} {
				e, err := query.Parse(where)
				require.NoError(t, err)
				text, err := s.Explain(context.Background(), scope, &query.Find{Where: e, Sort: sort, Limit: 10})
				require.NoError(t, err)
				all = append(all, text)
			}
		}
		return all
	}
	before := explain()
	d, err := querytest.NewDoc("three", `{"AwsAccountId":"999999999999","Title":"theirs","Resources":[{"Type":"Theirs","Id":"theirs"}]}`)
	require.NoError(t, err)
	errs, err := s.Update(context.Background(), []store.Key{{Account: "999999999999", Region: d.Region, ProductArn: d.ProductArn, ID: d.ID}},
		func(int, *store.Doc, store.StateView) (store.Change, error) { return store.Change{JSON: d.JSON}, nil })
	require.NoError(t, errors.Join(append(errs, err)...))
	require.Equal(t, before, explain())
	require.Contains(t, before[0], "along UpdatedAt")
}
