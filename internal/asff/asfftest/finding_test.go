package asfftest_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"hubcap/internal/asff"
	"hubcap/internal/asff/asfftest"
)

func TestFinding(t *testing.T) {
	var r asff.Reader
	smallest, largest := 1<<20, 0
	for n := range 3000 {
		doc := asfftest.Finding(n, n%3)
		require.Equal(t, doc, asfftest.Finding(n, n%3), "made twice")
		f, err := r.Check(doc, asff.CheckOptions{RefuseUnknown: true})
		require.NoError(t, err)
		require.Empty(t, f.Violations, "%s", doc)
		require.Equal(t, string(doc), string(f.Doc), "canonical as made")
		require.Equal(t, asfftest.Account(n), f.AwsAccountID)
		smallest, largest = min(smallest, len(doc)), max(largest, len(doc))
	}
	require.GreaterOrEqual(t, smallest, 3200)
	require.LessOrEqual(t, largest, 3500)
}

func TestVersions(t *testing.T) {
	for n := range 50 {
		var old, updated map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(asfftest.Finding(n, 1), &old))
		require.NoError(t, json.Unmarshal(asfftest.Finding(n, 2), &updated))
		require.Less(t, string(old["UpdatedAt"]), string(updated["UpdatedAt"]))
		var changed []string
		for name := range updated {
			if !bytes.Equal(old[name], updated[name]) {
				changed = append(changed, name)
			}
		}
		require.ElementsMatch(t, []string{"Description", "Compliance", "ProductFields", "UpdatedAt", "LastObservedAt"}, changed)
	}
}

func TestVariety(t *testing.T) {
	const n = 40_000 // the dictionaries are drawn from evenly: a million draws more than 200,000 of each
	distinct := map[asff.Field]map[string]bool{asff.FieldTitle: {}, asff.FieldDescription: {}, asff.FieldResourceId: {}, asff.FieldId: {}}
	var r asff.Reader
	var buf []byte
	for i := range n {
		buf = asfftest.Append(buf[:0], "", "", i, 0)
		for _, v := range r.Values(buf) {
			if set := distinct[v.Field]; set != nil {
				set[string(v.Text)] = true
			}
		}
	}
	require.Len(t, distinct[asff.FieldId], n)
	require.Greater(t, len(distinct[asff.FieldTitle]), 36_000)
	require.Greater(t, len(distinct[asff.FieldDescription]), 36_000)
	require.Greater(t, len(distinct[asff.FieldResourceId]), 36_000)
}
