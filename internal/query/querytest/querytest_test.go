package querytest_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hubcap/internal/asff"
	"hubcap/internal/query"
	"hubcap/internal/query/querytest"
)

// The model runs what every engine must pass.
func TestModel(t *testing.T) {
	querytest.Run(t, func(testing.TB) querytest.Engine { return querytest.NewModel() })
}

// Random findings and random questions meet: neither nothing nor everything is found, and every attribute occurs.
func TestRandomQuestionsMeetFindings(t *testing.T) {
	var (
		r               asff.Reader
		found, notFound int
		asked           = map[asff.Field]bool{}
		met             = map[asff.Field]bool{}
	)
	findings, exprs := querytest.Findings(), querytest.Exprs()
	for seed := range 8000 {
		e := exprs.Example(seed)
		fieldsOf(e, asked)
		if seed%4 > 0 {
			continue // findings take longer, and hold many attributes
		}
		doc := findings.Example(seed)
		vs := r.Values(doc.JSON)
		for i := range vs {
			met[vs[i].Field] = true
		}
		if query.Match(&e, vs) {
			found++
		} else {
			notFound++
		}
	}
	require.Greater(t, found, 300)
	require.Greater(t, notFound, 300)
	for _, f := range asff.Fields() {
		require.True(t, asked[f], "%s is never asked for", f)
		require.True(t, met[f] || f == asff.FieldKeyword, "%s never occurs", f)
	}
}

func fieldsOf(e query.Expr, into map[asff.Field]bool) {
	if e.Op == query.Is {
		into[e.Cond.Field] = true
	}
	for _, arg := range e.Args {
		fieldsOf(arg, into)
	}
}

// A printed expression reads back as one that prints alike and finds alike.
func TestPrintedFormMeansTheSame(t *testing.T) {
	var r asff.Reader
	rapid.Check(t, func(t *rapid.T) {
		e := querytest.Exprs().Draw(t, "expr")
		again, err := query.Parse(e.String())
		require.NoError(t, err, "%s", e)
		require.Equal(t, e.String(), again.String())
		vs := r.Values(querytest.Findings().Draw(t, "finding").JSON)
		require.Equal(t, query.Match(&e, vs), query.Match(&again, vs), "%s", e)
	})
}
