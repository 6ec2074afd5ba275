package embedded

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hubcap/internal/query"
	"hubcap/internal/store"
)

// What a plan tells a caller of some accounts counts their findings alone: else a condition on another account's resource would tell
// whether there is one.
func TestExplainCountsWhatTheCallerSees(t *testing.T) {
	opts := small
	opts.FS = NewMemory()
	s, err := Open("store", opts)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	load(t, s, `{"Title":"one"}`, `{"Title":"two"}`)
	var scope store.Scope
	require.NoError(t, s.Walk(context.Background(), scope, &query.Expr{}, func(d *store.Doc) error {
		scope.Accounts = []string{d.Key.Account}
		return nil
	}))
	explain := func(scope store.Scope, where, order string) string {
		q := &query.Find{Limit: 10}
		var err error
		q.Where, err = query.Parse(where)
		require.NoError(t, err)
		q.Sort, err = query.CompileSort([]byte(order))
		require.NoError(t, err)
		text, err := s.Explain(context.Background(), scope, q)
		require.NoError(t, err)
		lines := strings.Split(text, "\n") // the smallest sets stand first, and which those are may change
		slices.Sort(lines)
		return strings.Join(lines, "\n")
	}
	const byTitle, byDate = `[{"Field":"Title"}]`, `[{"Field":"UpdatedAt"}]`
	questions := [][2]string{
		{"all", byDate},
		{"all", byTitle},
		{"Title = theirs", byDate},
		{"Title contains e", byDate},
		{"not Title = theirs", byDate},
		{"Title = theirs or UpdatedAt >= 2020-01-01", byDate},
		{"UpdatedAt >= 2020-01-01", byDate},
		{"Keyword contains their", byDate},
	}
	var before []string
	for _, q := range questions {
		before = append(before, explain(scope, q[0], q[1]))
	}
	require.Contains(t, explain(store.Scope{}, "all", byDate), "of 2 findings 2 satisfy it")
	load(t, s, `{"Title":"one"}`, `{"Title":"two"}`, `{"AwsAccountId":"999999999999","Title":"theirs"}`, `{"AwsAccountId":"999999999999","Title":"theirs too"}`)
	require.Contains(t, explain(store.Scope{}, "all", byDate), "of 4 findings 4 satisfy it")
	for i, q := range questions {
		require.Equal(t, before[i], explain(scope, q[0], q[1]), "%s, %s", q[0], q[1])
	}
}
