package hub

import (
	"context"
	"maps"
	"testing"

	"github.com/cockroachdb/datadriven"

	"hubcap/internal/api"
	"hubcap/internal/iam"
)

// More of the language of testdata/*.txt:
//
//	try as=WHO          TryAutomationRule; the lines are the request's body
func init() {
	maps.Copy(operations, map[string]func(*Hub, context.Context, *iam.Principal, *api.Request) (any, error){
		"BatchDeleteAutomationRules": operation((*Hub).BatchDeleteAutomationRules),
		"BatchGetAutomationRules":    operation((*Hub).BatchGetAutomationRules),
		"BatchUpdateAutomationRules": operation((*Hub).BatchUpdateAutomationRules),
		"CreateAutomationRule":       operation((*Hub).CreateAutomationRule),
		"ListAutomationRules":        operation((*Hub).ListAutomationRules),
	})
	commands["try"] = (*world).try
}

func (w *world) try(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	return answer(operation((*Hub).TryAutomationRule)(w.hub, t.Context(), caller(t, d), w.request(t, d)))
}
