package e2e

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

// TestGroupsAndSeries counts what was imported by values and by days, as the console does, each account its own.
func TestGroupsAndSeries(t *testing.T) {
	hub := serve(t)
	imports(t, hub.as(mine), newFinding(mine, "a"), newFinding(mine, "b", func(f *types.AwsSecurityFinding) {
		f.FindingProviderFields.Severity.Label = types.SeverityLabelLow
		f.RecordState = types.RecordStateArchived
	}))
	groups := func(key, body string) string {
		a := hub.post(t, key, region, "/hubcap/v1/groups", []byte(body))
		require.Equal(t, 200, a.Status, a.Body)
		return a.Body
	}
	require.JSONEq(t, `{"Count": 1, "Groups": [
		{"Attribute": "SeverityLabel", "Values": [{"Value": "HIGH", "Count": 1}, {"Value": "LOW", "Count": 1}], "More": false, "Missing": 0},
		{"Attribute": "ResourceTags", "Key": "env", "Values": [{"Value": "prod", "Count": 1}], "More": false, "Missing": 0}]}`,
		groups(mine, `{"Where": "SeverityLabel = LOW", "Groups": [{"Attribute": "SeverityLabel", "Except": true}, {"Attribute": "ResourceTags", "Key": "env"}]}`))
	require.JSONEq(t, `{"Count": 0, "Groups": [{"Attribute": "SeverityLabel", "Values": [], "More": false, "Missing": 0}]}`,
		groups("444455556666", `{"Groups": [{"Attribute": "SeverityLabel"}]}`))
	a := hub.post(t, mine, region, "/hubcap/v1/groups", []byte(`{"Groups": [{"Attribute": "Nothing"}]}`))
	require.Equal(t, 400, a.Status)
	require.Contains(t, a.Body, "Groups[0].Attribute")

	a = hub.post(t, mine, region, "/hubcap/v1/series", []byte(`{"Days": 366}`))
	require.Equal(t, 200, a.Status, a.Body)
	var series struct {
		Count, Open, Resolved int
		Days                  []struct {
			Day           string
			New, Resolved int
			Severities    map[string]int
		}
	}
	require.NoError(t, json.Unmarshal([]byte(a.Body), &series))
	require.Equal(t, []int{2, 1, 1}, []int{series.Count, series.Open, series.Resolved})
	require.Len(t, series.Days, 366)
	a = hub.post(t, mine, region, "/hubcap/v1/series", []byte(`{"Days": 0}`))
	require.Equal(t, 400, a.Status)
	require.Contains(t, a.Body, "'Days'")
}
