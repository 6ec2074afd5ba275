package server

import (
	"bytes"
	"context"
	"io"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"hubcap/internal/api"
	"hubcap/internal/hub"
	"hubcap/internal/iam"
)

// extension is a row of hubcap's own: what AWS has no operation for, under /hubcap/v1/ (docs/extensions.md). It takes the same path as
// every operation: the browser's guard, signature, permission, limits, metrics, request id and error bodies come from there.
type extension struct {
	api.Operation
	// also are further actions a policy must allow: who may not read findings may not export them either.
	also   []string
	answer operation
}

// extensions are all rows of hubcap's own. Their names share one space with the API's; actions are hubcap:<Name>.
func extensions(h *hub.Hub, e Events) []extension {
	if e == nil {
		e = noEvents{}
	}
	const ndjson = "application/x-ndjson"
	return []extension{
		extend("SearchFindings", "POST", "findings/search", bindOwn(h.SearchFindings), readFindings),
		extend("CountFindings", "POST", "findings/count", bindOwn(h.CountFindings), readFindings),
		extend("GroupFindings", "POST", "groups", bindOwn(h.GroupFindings), readFindings),
		extend("GroupFindings", "GET", "groups", bindOwn(h.GroupFindingsQuery), readFindings),
		extend("GetFindingSeries", "POST", "series", bindOwn(h.GetFindingSeries), readFindings),
		extend("GetFindingSeries", "GET", "series", bindOwn(h.GetFindingSeriesQuery), readFindings),
		extend("ExportFindings", "POST", "findings/export", bindStream(ndjson, h.ExportFindings), readFindings),
		extend("ExportFindings", "GET", "findings/export", bindStream(ndjson, h.ExportFindingsQuery), readFindings),
		extend("ExplainFindings", "POST", "explain", bindOwn(h.ExplainFindings), readFindings),
		extend("ExplainFindings", "GET", "explain", bindOwn(h.ExplainFindingsQuery), readFindings),
		extend("StartJob", "POST", "jobs", bindOwn(h.StartJob), readFindings),
		extend("ListJobs", "GET", "jobs", bindOwn(h.ListJobs)),
		extend("GetJob", "GET", "jobs/{JobId}", bindOwn(h.GetJob)),
		extend("CancelJob", "POST", "jobs/{JobId}/cancel", bindOwn(h.CancelJob)),
		extend("UndoJob", "POST", "jobs/{JobId}/undo", bindOwn(h.UndoJob)),
		extend("TryAutomationRule", "POST", "automation-rules/try", bindOwn(h.TryAutomationRule), readFindings),
		extend("RunAutomationRule", "POST", "automation-rules/run", bindOwn(h.RunAutomationRule), readFindings),
		extend("SendFindingsToAction", "POST", "custom-actions/{ActionTargetArn+}", bindOwn(h.SendFindingsToAction), readFindings, "securityhub:SendFindingEvents"),
		extend("SendInsightResultsToAction", "POST", "insight-actions/{ActionTargetArn+}", bindOwn(h.SendInsightResultsToAction),
			"securityhub:GetInsightResults", "securityhub:SendInsightEvents"),
		extend("ListProducers", "GET", "producers", bindOwn(h.ListProducers)),
		extend("ListRejectedFindings", "GET", "rejected", bindOwn(h.ListRejectedFindings), readFindings),
		extend("GetImportRates", "GET", "rates", bindOwn(h.GetImportRates)),
		extend("Backup", "GET", "backup", bindStream("application/x-tar", h.Backup)),
		extend("StreamEvents", "GET", "events", bindLive(e.StreamEvents), readFindings),
		extend("ReplayEvents", "POST", "events/replay", bindOwn(e.ReplayEvents)),
		extend("ListSinks", "GET", "sinks", bindOwn(e.ListSinks)),
		extend("TestSink", "POST", "sinks/{Name}/test", bindOwn(e.TestSink)),
	}
}

const readFindings = "securityhub:GetFindings"

// extend makes the row of an operation of hubcap's own.
func extend(name, method, pattern string, answer operation, also ...string) extension {
	return extension{
		Operation: api.Operation{
			Name: name, Method: method, Pattern: "/hubcap/v1/" + pattern, Action: "hubcap:" + name,
			Errors: []string{"AccessDeniedException", "InternalException", "InvalidAccessException", "InvalidInputException"},
		},
		also: also, answer: answer,
	}
}

// authoriseAlso asks the caller's policy about the further actions of a row.
func (c *call) authoriseAlso() error {
	for _, action := range c.row.also {
		if err := c.who.Authorize(iam.Request{Action: action, Resource: hub.ARN(c.who.Region, c.who.Account)}); err != nil {
			return err
		}
	}
	return nil
}

// bindOwn is bind for an extension: JSON in, JSON out. It refuses members and query parameters that it does not know, for a filter
// mistyped would mean every finding.
func bindOwn[In, Out any](method func(context.Context, *iam.Principal, *In) (*Out, error)) operation {
	return func(ctx context.Context, c *call) (any, error) {
		in := new(In)
		if err := c.decodeOwn(in); err != nil {
			return nil, err
		}
		return method(ctx, c.who, in)
	}
}

// bindStream makes an operation of a method that writes its answer as it goes, however long it is. What it answers before the first
// 64 KB are out, or before it flushes, is an error like any other; later the connection is cut (stream.go).
func bindStream[In any](contentType string, method func(context.Context, *iam.Principal, *In, io.Writer) error) operation {
	return func(_ context.Context, c *call) (any, error) {
		in := new(In)
		if err := c.decodeOwn(in); err != nil {
			return nil, err
		}
		return &stream{contentType: contentType, write: func(ctx context.Context, w io.Writer) error {
			return method(ctx, c.who, in, w)
		}}, nil
	}
}

func (c *call) decodeOwn(in any) error {
	r, err := c.request()
	if err != nil {
		return err
	}
	if err := api.Decode(in, r); err != nil {
		return err
	}
	known := map[string]bool{}
	for f := range reflect.TypeOf(in).Elem().Fields() {
		if name := f.Tag.Get("query"); name != "" {
			known["?"+name] = true
		}
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			known[name] = true
		}
	}
	for name := range r.Query {
		if !known["?"+name] {
			return api.InvalidParameter(name, "is no parameter of "+c.row.Name)
		}
	}
	return unknownMember(r.Body, known, c.row.Name)
}

// unknownMember refuses a member of a body that Decode has read.
func unknownMember(body []byte, known map[string]bool, operation string) error {
	if len(body) == 0 {
		return nil
	}
	d := jsontext.NewDecoder(bytes.NewReader(body))
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		if text := name.String(); !known[text] {
			return api.InvalidParameter(text, "is no parameter of "+operation)
		}
		if err := d.SkipValue(); err != nil {
			return err
		}
	}
	return nil
}
