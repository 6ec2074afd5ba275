package event

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

// EventBridgeOptions say which bus gets events.
type EventBridgeOptions struct { //nolint:revive // the service is called so
	AWSOptions
	EventBus string // its name or ARN; the Region is the ARN's when absent
	Source   string // of the entries; "": hubcap. AWS lets nobody write one that begins with aws.
}

// EventBridge puts events on a bus. EventBridge makes an envelope of its own, with its own id, account and Region: what those of the event
// were stands in the detail as "hubcap". Detail-type, resources, time and findings are the event's.
type EventBridge struct { //nolint:revive // the service is called so
	bus, source string
	all         *gather
	api         *eventbridge.Client
}

// NewEventBridge makes a target; nothing is asked until there is something to deliver. Its errors show no secret.
func NewEventBridge(o EventBridgeOptions) (*EventBridge, error) {
	if o.EventBus == "" {
		return nil, errors.New("event_bus is missing: a name such as default, or an ARN")
	}
	if strings.HasPrefix(o.EventBus, "arn:") {
		region, _, ok := arnOf(o.EventBus, "events")
		if !ok {
			return nil, errors.New("event_bus: must be a name or the ARN of a bus, such as arn:aws:events:us-east-1:111122223333:event-bus/default")
		}
		if o.Region == "" {
			o.Region = region
		}
	}
	if len(o.Source) > 256 {
		return nil, errors.New("source: must have at most 256 bytes")
	}
	conf, err := o.config()
	if err != nil {
		return nil, err
	}
	e := &EventBridge{bus: o.EventBus, source: or(o.Source, "hubcap"), api: eventbridge.NewFromConfig(conf)}
	e.all = newGather(awsBatch, awsBytes, awsRequests, e.send)
	return e, nil
}

// AtOnce implements Wide.
func (e *EventBridge) AtOnce() int { return e.all.atOnce() }

// Deliver implements Target.
func (e *EventBridge) Deliver(ctx context.Context, m *Message) error { return e.all.deliver(ctx, m) }

// entry is an event as EventBridge takes it.
func (e *EventBridge) entry(m *Message) (types.PutEventsRequestEntry, error) {
	var in struct {
		DetailType string          `json:"detail-type"`
		Account    string          `json:"account"`
		Region     string          `json:"region"`
		Resources  []string        `json:"resources"`
		Detail     json.RawMessage `json:"detail"`
	}
	if err := json.Unmarshal(m.Body, &in); err != nil || len(in.Detail) < 2 || in.Detail[0] != '{' {
		return types.PutEventsRequestEntry{}, &Refusal{Reason: "the event is no envelope", Permanent: true}
	}
	detail := append([]byte(nil), in.Detail[:len(in.Detail)-1]...)
	if len(in.Detail) > 2 {
		detail = append(detail, ',')
	}
	detail = fmt.Appendf(detail, `"hubcap":{"id":%q,"account":%q,"region":%q}}`, m.ID, in.Account, in.Region)
	return types.PutEventsRequestEntry{
		EventBusName: aws.String(e.bus), Source: aws.String(e.source), DetailType: aws.String(in.DetailType), Detail: aws.String(string(detail)),
		Resources: in.Resources, Time: aws.Time(m.Time),
	}, nil
}

func (e *EventBridge) send(ctx context.Context, list []*Message) ([]error, error) {
	entries, results := make([]types.PutEventsRequestEntry, 0, len(list)), make([]error, len(list))
	var at []int // the events of the entries
	for i, m := range list {
		entry, err := e.entry(m)
		if results[i] = err; err == nil {
			entries, at = append(entries, entry), append(at, i)
		}
	}
	if len(entries) == 0 {
		return results, nil
	}
	out, err := e.api.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: entries})
	if err != nil {
		return nil, awsError(ctx, err)
	}
	// Answers stand in the order of the entries.
	for k, i := range at {
		switch {
		case k >= len(out.Entries):
			results[i] = silence(1)[0]
		case out.Entries[k].ErrorCode != nil:
			results[i] = awsAnswer(*out.Entries[k].ErrorCode, aws.ToString(out.Entries[k].ErrorMessage))
		case out.Entries[k].EventId == nil:
			results[i] = silence(1)[0]
		}
	}
	return results, nil
}

// Close implements Target.
func (*EventBridge) Close() error { return nil }
