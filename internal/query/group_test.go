package query_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"hubcap/internal/asff"
	"hubcap/internal/query"
)

// A finding counts once for each distinct value, one without the attribute not at all (D34).
func TestTally(t *testing.T) {
	where, err := query.Parse("SeverityLabel != LOW")
	require.NoError(t, err)
	tally := query.NewTally(query.Group{Where: where, By: asff.FieldResourceId})
	for _, lines := range []string{
		"ResourceId a\nResourceId b\nResourceId a", "ResourceId b", "ResourceId c\nSeverityLabel LOW", "ResourceId a\nTitle b", "Title a",
	} {
		vs := finding(t, lines)
		tally.Add(vs)
		for i := range vs {
			clear(vs[i].Text) // the reader's buffers are used again
		}
	}
	require.Equal(t, []query.Count{{Value: "a", N: 2}, {Value: "b", N: 2}}, tally.Counts())
}

func TestTallyByKeyAndLimit(t *testing.T) {
	tally := query.NewTally(query.Group{By: asff.FieldResourceTags, Key: "env", Limit: 2})
	for _, lines := range []string{
		"ResourceTags[env] z\nResourceTags[team] a", "ResourceTags[env] y", "ResourceTags[env] x", "ResourceTags[env] z\nResourceTags[Env] b",
	} {
		tally.Add(finding(t, lines))
	}
	require.Equal(t, []query.Count{{Value: "z", N: 2}, {Value: "x", N: 1}}, tally.Counts())
}
