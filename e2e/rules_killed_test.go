package e2e

import (
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

// TestRulesKilled: kill -9 finds no finding between its import and the rules that act on it: what is there has both, with the rule's
// record in its history; and a rule is as it was acknowledged, or as it was being made.
func TestRulesKilled(t *testing.T) {
	const writers, rounds, enough, size = 3, 3, 12, 40
	dir := filepath.Join(t.TempDir(), "store")
	hub := serve(t, "--store", dir)
	arn := newRule(t, hub.as(mine), 1, prefixed("Title"), action(types.AutomationRulesFindingFieldsUpdate{Criticality: aws.Int32(0)}))
	acknowledged, asked := int32(0), int32(0) // what the rule says
	kept := map[string]bool{}
	for round := range rounds {
		c := hub.as(mine)
		var mu sync.Mutex
		var wg sync.WaitGroup
		batches := 0
		reached := make(chan struct{})
		wg.Go(func() {
			for {
				mu.Lock()
				asked++
				n := asked % 101
				mu.Unlock()
				item := types.UpdateAutomationRulesRequestItem{RuleArn: &arn, Actions: action(types.AutomationRulesFindingFieldsUpdate{Criticality: &n})}
				_, err := c.BatchUpdateAutomationRules(t.Context(), &securityhub.BatchUpdateAutomationRulesInput{
					UpdateAutomationRulesRequestItems: []types.UpdateAutomationRulesRequestItem{item},
				})
				if err != nil {
					return // killed
				}
				mu.Lock()
				acknowledged = asked
				mu.Unlock()
			}
		})
		for writer := range writers {
			wg.Go(func() {
				for n := 0; ; n++ {
					var list []types.AwsSecurityFinding
					for i := range size {
						list = append(list, newFinding(mine, fmt.Sprintf("%d-%d-%d-%d", round, writer, n, i)))
					}
					out, err := batchImport(t.Context(), c, list...)
					if err != nil {
						return // killed
					}
					mu.Lock()
					if *out.SuccessCount == size {
						for _, f := range list {
							kept[*f.Id] = true
						}
					}
					if batches++; batches == enough {
						close(reached)
					}
					mu.Unlock()
				}
			})
		}
		<-reached
		hub.kill()
		wg.Wait()

		hub = serve(t, "--store", dir)
		c = hub.as(mine)
		says := *rules(t, c, arn)[0].Actions[0].FindingFieldsUpdate.Criticality
		require.Contains(t, []int32{acknowledged % 101, asked % 101}, says)
		missing := len(kept)
		for i, f := range find(t, c, types.AwsSecurityFindingFilters{}) {
			if kept[*f.Id] {
				missing--
			}
			require.NotNil(t, f.Criticality, "%s was kept without its rule", *f.Id)
			if i%17 != 0 {
				continue // a history each is a request each
			}
			records := history(t, c, *f.Id)
			require.Len(t, records, 2, *f.Id)
			require.Equal(t, arn, *records[0].UpdateSource.Identity)
			require.Equal(t, strconv.Itoa(int(*f.Criticality)), *records[0].Updates[0].NewValue)
		}
		require.Zero(t, missing, "acknowledged findings are gone")
	}
}
