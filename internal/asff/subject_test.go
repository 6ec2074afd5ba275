package asff

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hubcap/internal/asff/asfftest"
)

func TestSubject(t *testing.T) {
	for n := range 50 {
		doc := asfftest.Finding(n, 0)
		f := read(t, doc)
		var want struct {
			GeneratorId, Title string
			Resources          []struct{ Id string }
		}
		require.NoError(t, json.Unmarshal(doc, &want))
		generator, title, resource := Subject(f.Doc, &f.Members)
		require.Equal(t, `"`+want.GeneratorId+`"`, string(generator))
		require.Equal(t, `"`+want.Title+`"`, string(title))
		require.Equal(t, `"`+want.Resources[0].Id+`"`, string(resource))
	}
	f := read(t, overlay(t, base, `{"Resources": [{"Details": {"Other": {"Id": "no"}}, "Type": "x", "Id": "yes"}]}`))
	_, _, resource := Subject(f.Doc, &f.Members)
	require.Equal(t, `"yes"`, string(resource))
}

func TestFullest(t *testing.T) {
	full := func(members string) string {
		f := read(t, overlay(t, base, members))
		member, n, limit := Fullest(f.Doc, &f.Members)
		return member.Name() + " " + jsonOf(t, []int{n, limit})
	}
	require.Equal(t, `Resources [1,32]`, full(`{}`))
	require.Equal(t, `Types [3,50]`, full(`{"Types": ["a", "b/[,]\"", "c"]}`))
	require.Equal(t, `Malware [5,5]`, full(`{"Malware": [`+strings.TrimSuffix(strings.Repeat(`{"Name":"x","Path":"a,]\"b"},`, 5), ",")+`]}`))
	require.Equal(t, `ProductFields [3,50]`, full(`{"ProductFields": {"a\"": "1,2", "b": "}", "c": ""}}`))
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}
