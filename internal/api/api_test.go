package api_test

import (
	"cmp"
	"go/token"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hubcap/internal/api"
)

// TestOperations counts the service: 109 operations, 30 of them V2 (the SDK pinned in tools/go.mod).
func TestOperations(t *testing.T) {
	var service, v2 int
	routes, names := map[string]string{}, map[string]bool{}
	for _, op := range api.Operations {
		require.True(t, token.IsExported(op.Name), op.Name)
		require.False(t, names[op.Name], "%s stands there twice", op.Name)
		names[op.Name] = true
		require.Contains(t, []string{"GET", "POST", "PUT", "PATCH", "DELETE"}, op.Method, op.Name)
		require.True(t, strings.HasPrefix(op.Pattern, "/"), op.Name)
		require.Empty(t, routes[op.Method+op.Pattern], op.Name)
		routes[op.Method+op.Pattern] = op.Name
		if strings.HasPrefix(op.Pattern, "/hubcap/v1/") {
			require.True(t, strings.HasPrefix(op.Action, "hubcap:"), op.Name)
			continue
		}
		service++
		require.True(t, strings.HasPrefix(op.Action, "securityhub:"), op.Name)
		require.NotEmpty(t, op.Errors, op.Name)
		require.True(t, slices.IsSorted(op.Errors), op.Name)
		require.Equal(t, strings.HasSuffix(op.Name, "V2"), op.V2, op.Name)
		if op.V2 {
			v2++
		}
		for _, code := range op.Errors {
			require.Equal(t, code, api.Errorf(code, "").Code, op.Name) // Errorf panics where the table does not know it
		}
	}
	require.Equal(t, 109, service)
	require.Equal(t, 30, v2)
	require.True(t, slices.IsSortedFunc(api.Operations[:service], func(a, b api.Operation) int { return cmp.Compare(a.Name, b.Name) }))
}

func TestFind(t *testing.T) {
	op, ok := api.Find("DisableImportFindingsForProduct")
	require.True(t, ok)
	require.Equal(t, "DELETE", op.Method)
	require.Equal(t, "/productSubscriptions/{ProductSubscriptionArn+}", op.Pattern)
	_, ok = api.Find("getFindings")
	require.False(t, ok)
	op, ok = api.Find("GetFindingStatisticsV2")
	require.True(t, ok)
	require.Equal(t, "securityhub:GetAdhocInsightResults", op.Action)
}

func TestAnUnknownCodePanicsInTests(t *testing.T) {
	require.Panics(t, func() { _ = api.Errorf("TeapotException", "short and stout") })
}

func TestWithStatusLeavesTheOriginalAlone(t *testing.T) {
	e := api.Errorf(api.InvalidInput, "A finding aggregator cannot be created by a member account.")
	require.Equal(t, 401, e.WithStatus(401).Status)
	require.Equal(t, 400, e.Status)
	require.Equal(t, "InvalidInputException: A finding aggregator cannot be created by a member account.", e.Error())
}

func TestGetFindingsCopiesStoredBytes(t *testing.T) {
	stored := []string{`{"Id":"a", "n":1.0}`, `{"Id":"\u0062"}`} // neither is what an encoder would write
	next := `to"ken`
	out := &api.GetFindingsOutput{NextToken: &next}
	for _, s := range stored {
		out.Findings = append(out.Findings, api.RawJSON(s))
	}
	b, err := api.AppendOutput([]byte("before "), out)
	require.NoError(t, err)
	require.Equal(t, `before {"Findings":[{"Id":"a", "n":1.0},{"Id":"\u0062"}],"NextToken":"to\"ken"}`, string(b))

	b, err = api.AppendOutput(nil, &api.GetFindingsOutput{})
	require.NoError(t, err)
	require.Equal(t, `{"Findings":[]}`, string(b))

	_, err = api.AppendOutput(nil, &api.GetFindingsOutput{Findings: []api.RawJSON{nil}})
	require.Error(t, err)
}

func TestAppendOutput(t *testing.T) {
	// The order of members is the observed one (spec 1.3); an empty list is written, an absent one is not.
	b, err := api.AppendOutput(nil, &api.BatchImportFindingsOutput{
		FailedCount: 1, SuccessCount: 2,
		FailedFindings: []api.ImportFindingsError{{Id: "x", ErrorCode: "InvalidInput", ErrorMessage: "<&>"}},
	})
	require.NoError(t, err)
	require.Equal(t, `{"FailedCount":1,"SuccessCount":2,"FailedFindings":[{"Id":"x","ErrorCode":"InvalidInput","ErrorMessage":"<&>"}]}`, string(b))

	b, err = api.AppendOutput(nil, &api.BatchImportFindingsOutput{FailedFindings: []api.ImportFindingsError{}})
	require.NoError(t, err)
	require.Equal(t, `{"FailedCount":0,"SuccessCount":0,"FailedFindings":[]}`, string(b))

	b, err = api.AppendOutput(nil, &api.BatchImportFindingsOutput{})
	require.NoError(t, err)
	require.Equal(t, `{"FailedCount":0,"SuccessCount":0}`, string(b))

	for range 20 { // maps in the order of their keys
		b, err = api.AppendOutput(nil, &api.ListTagsForResourceOutput{Tags: map[string]string{"b": "2", "a": "1", "c": "3"}})
		require.NoError(t, err)
		require.Equal(t, `{"Tags":{"a":"1","b":"2","c":"3"}}`, string(b))
	}
}
