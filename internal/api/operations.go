// Package api is the contract with clients as data: which operations there are and how they travel (a row an operation), what they
// take and answer (generated structures with their names on the wire), which errors a client may see (a closed table), and how a
// request becomes an input. It knows nothing of HTTP beyond words such as GET: the edge hands it path labels, query and body.
//
// Rows and structures are generated from the AWS SDK by tools/genapi; `make gen` writes them anew.
package api

import (
	"slices"
	"strings"
)

// Operation is one row: route, permission, metric and documentation of an operation all come from it.
type Operation struct {
	Name    string   // GetFindings
	Method  string   // POST
	Pattern string   // /findings, /tags/{ResourceArn}, /actionTargets/{ActionTargetArn+}; the label with + is greedy and takes slashes
	Action  string   // what a policy must allow: securityhub:GetFindings
	Errors  []string // the exceptions the service's model names for it, sorted
	V2      bool     // speaks OCSF
}

// Operations are all rows of the service, sorted by name. hubcap's own, under /hubcap/v1/, stand in internal/server.
var Operations = slices.Clone(service)

// Find answers the row of an operation.
func Find(name string) (*Operation, bool) {
	for i := range Operations {
		if Operations[i].Name == name {
			return &Operations[i], true
		}
	}
	return nil, false
}

// exceptions turns "AccessDenied Internal" into the exceptions' full names.
func exceptions(words string) []string {
	names := strings.Fields(words)
	for i := range names {
		names[i] += "Exception"
	}
	return names
}
