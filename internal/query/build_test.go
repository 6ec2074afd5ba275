package query

import (
	"testing"

	"github.com/stretchr/testify/require"

	"hubcap/internal/asff"
)

func TestWithout(t *testing.T) {
	for _, c := range []struct{ where, want string }{
		{"all", "all"},
		{"SeverityLabel = HIGH", "all"},
		{"SeverityLabel in (HIGH, LOW) and Title contains x", "Title contains x"},
		{"Title contains x and not SeverityLabel = LOW and RecordState = ACTIVE", "Title contains x and RecordState = ACTIVE"},
		{"SeverityLabel = HIGH or Title contains x", "SeverityLabel = HIGH or Title contains x"},
		{"(SeverityLabel = HIGH or SeverityLabel missing) and Title contains x", "Title contains x"},
		{"ResourceTags[env] = prod", "ResourceTags[env] = prod"},
	} {
		e, err := Parse(c.where)
		require.NoError(t, err)
		want, err := Parse(c.want)
		require.NoError(t, err)
		require.Equal(t, want.String(), Without(e, asff.FieldSeverityLabel, "").String(), c.where)
	}
	e, err := Parse("ResourceTags[env] = prod and ResourceTags[team] = a")
	require.NoError(t, err)
	require.Equal(t, "ResourceTags[team] = a", Without(e, asff.FieldResourceTags, "env").String())
	require.Equal(t, None, Without(Expr{Op: None}, asff.FieldTitle, "").Op, "nothing stays nothing")
}
