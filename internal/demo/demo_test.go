package demo

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hubcap/internal/asff"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func all(t *testing.T, c Config) (list []*Finding) {
	t.Helper()
	require.NoError(t, c.Each(func(f *Finding) error {
		list = append(list, f)
		return nil
	}))
	return list
}

// Every finding is valid in both profiles, and what it says about itself is what stands in it.
func TestFindingsAreValid(t *testing.T) {
	var r asff.Reader
	for _, c := range []Config{
		{Findings: 5000, Seed: 1, Now: noon},
		{Findings: 200, Seed: 2, Now: noon, Account: "999988887777", Region: "eu-central-1"},
		{Findings: 200, Seed: 1, Now: noon, Retire: true},
	} {
		ids := map[string]bool{}
		for _, f := range all(t, c) {
			for _, doc := range [][]byte{f.JSON, f.Changed} {
				if doc == nil {
					continue
				}
				checked, err := r.Check(doc, asff.Options{RefuseUnknown: true})
				require.NoError(t, err)
				require.Empty(t, checked.Violations, "%s", doc)
				require.Equal(t, []string{f.ID, f.ProductArn, f.Account}, []string{checked.ID, checked.ProductArn, checked.AwsAccountID})
				require.NotContains(t, string(doc), "{name}")
			}
			require.False(t, ids[f.ID])
			ids[f.ID] = true
			if c.Account != "" {
				require.Equal(t, "arn:aws:securityhub:eu-central-1:999988887777:product/999988887777/default", f.ProductArn)
			}
		}
	}
}

// The same seed makes the same findings; a day later they are the same ones with other dates; another seed makes others.
func TestFindingsAreRepeatable(t *testing.T) {
	first, again := all(t, Config{Findings: 300, Seed: 1, Now: noon}), all(t, Config{Findings: 300, Seed: 1, Now: noon.Add(59 * time.Minute)})
	later, other := all(t, Config{Findings: 300, Seed: 1, Now: noon.Add(24 * time.Hour)}), all(t, Config{Findings: 300, Seed: 2, Now: noon})
	for i := range first {
		require.True(t, bytes.Equal(first[i].JSON, again[i].JSON))
		require.Equal(t, first[i].ID, later[i].ID)
		require.NotEqual(t, first[i].ID, other[i].ID)
	}
}

// It looks like a company: all severities, several products, accounts and Regions, most critical findings resolved, most low ones open,
// three months of dates and none in the future, names that are made up.
func TestFindingsAreBelievable(t *testing.T) {
	type seen struct{ open, over int }
	bySeverity, products, accounts, regions, days := map[int]*seen{}, map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	triaged, changed := 0, 0
	for _, f := range all(t, Config{Findings: 5000, Seed: 1, Now: noon}) {
		var d struct {
			CreatedAt, UpdatedAt, RecordState, ProductName string
			Workflow                                       struct{ Status string }
		}
		require.NoError(t, json.Unmarshal(f.JSON, &d))
		s := bySeverity[f.severity]
		if s == nil {
			s = &seen{}
			bySeverity[f.severity] = s
		}
		if d.RecordState == "ARCHIVED" || d.Workflow.Status == "RESOLVED" {
			s.over++
			require.Nil(t, f.Triage)
		} else {
			s.open++
		}
		if f.Triage != nil {
			triaged++
		}
		if f.Changed != nil {
			changed++
		}
		require.LessOrEqual(t, d.CreatedAt, d.UpdatedAt)
		require.LessOrEqual(t, d.UpdatedAt, noon.Format("2006-01-02T15:04:05.000Z"))
		require.GreaterOrEqual(t, d.CreatedAt, noon.AddDate(0, 0, -Days-3).Format("2006-01-02"))
		days[d.CreatedAt[:10]]++
		products[d.ProductName]++
		accounts[f.Account]++
		regions[f.Region]++
		require.True(t, strings.HasSuffix(d.ProductName, "(demo)"))
	}
	require.Len(t, bySeverity, 5)
	require.Len(t, products, 5)
	require.Len(t, accounts, 4)
	require.Len(t, regions, 2)
	require.Greater(t, len(days), 80)
	require.Greater(t, bySeverity[critical].over, 3*bySeverity[critical].open)
	require.Greater(t, bySeverity[low].open, bySeverity[low].over/2)
	require.Greater(t, bySeverity[critical].open, 10)
	require.Greater(t, triaged, 200)
	require.Greater(t, changed, 50)
	for product, n := range products {
		require.Greater(t, n, 100, product)
	}
}
