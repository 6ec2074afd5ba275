package server

import (
	"net/url"
	"slices"
	"strings"

	"hubcap/internal/api"
)

// row is an operation as the server keeps it: the contract's row, what answers it and where its times are counted.
type row struct {
	*api.Operation
	prefix string   // of Pattern, before its label; the whole pattern where there is none
	label  string   // name of the label, "" where there is none
	suffix string   // of Pattern, after its label
	also   []string // further actions that a policy must allow
	greedy bool     // the label takes slashes
	inside bool     // the hub authorises: what is asked stands in the body
	answer operation
	meter  *meter
}

// router finds the row of a request. Paths are matched as they came over the wire: an ARN in a label keeps its %2F until the label
// has been cut out.
type router struct {
	plain    map[string][]*row // path -> a row a method
	labelled []*row            // longest prefix first, so that /insights/results/ comes before /insights/
}

func newRouter(rows []*row) *router {
	rt := &router{plain: map[string][]*row{}}
	for _, r := range rows {
		prefix, label, found := strings.Cut(r.Pattern, "{")
		r.prefix = prefix
		if !found {
			rt.plain[prefix] = append(rt.plain[prefix], r)
			continue
		}
		label, r.suffix, _ = strings.Cut(label, "}")
		r.label, r.greedy = strings.CutSuffix(label, "+")
		rt.labelled = append(rt.labelled, r)
	}
	slices.SortStableFunc(rt.labelled, func(a, b *row) int { return len(b.prefix) - len(a.prefix) })
	return rt
}

// find answers the row and the unescaped value of its label, or nil: that path is nobody's, or not with this method.
func (rt *router) find(method, escapedPath string) (*row, string) {
	for _, r := range rt.plain[escapedPath] {
		if r.Method == method {
			return r, ""
		}
	}
	for _, r := range rt.labelled {
		if r.Method != method {
			continue
		}
		rest, ok := strings.CutPrefix(escapedPath, r.prefix)
		if ok {
			rest, ok = strings.CutSuffix(rest, r.suffix)
		}
		if !ok || rest == "" || !r.greedy && strings.Contains(rest, "/") {
			continue
		}
		if value, err := url.PathUnescape(rest); err == nil {
			return r, value
		}
	}
	return nil, ""
}
