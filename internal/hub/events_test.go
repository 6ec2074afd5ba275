package hub

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"hubcap/internal/iam"
	"hubcap/internal/store"
)

// The language of testdata/*.txt, continued:
//
//	sinks            the hub starts anew with these sinks: a line is NAME [account=ID region=REGION] [wants=TEXT]; a sink wants what
//	                 has the text in its document, or its detail; none: the hub starts without
//	events NAME      what waits for a sink, in the order of the changes, and then is delivered
func init() {
	commands["sinks"] = (*world).setSinks
	commands["events"] = (*world).events
	operations["SendFindingsToAction"] = operation((*Hub).SendFindingsToAction)
	operations["SendInsightResultsToAction"] = operation((*Hub).SendInsightResultsToAction)
}

func (w *world) setSinks(t *testing.T, d *datadriven.TestData) string {
	w.sinks = nil
	for line := range strings.Lines(d.Input) {
		var s EventSink
		for i, word := range strings.Fields(line) {
			name, value, _ := strings.Cut(word, "=")
			switch {
			case i == 0:
				s.Name = word
			case name == "account":
				s.Account = value
			case name == "region":
				s.Region = value
			case name == "wants":
				s.Wants = func(e *store.Event) bool {
					return bytes.Contains(e.JSON, []byte(value)) || bytes.Contains(e.Detail, []byte(value))
				}
			}
		}
		w.sinks = append(w.sinks, s)
	}
	w.start(t, w.profile)
	return ""
}

func (w *world) events(t *testing.T, d *datadriven.TestData) string {
	ctx, sink := context.Background(), d.CmdArgs[0].Key
	accounts, err := w.store.EventAccounts(ctx, sink, "", 100)
	require.NoError(t, err)
	lines := map[string]string{} // by id
	refs := []store.EventRef{}
	for _, account := range accounts {
		require.NoError(t, w.store.WaitingEvents(ctx, sink, account, nil, 1000, func(e *store.Event) error {
			ref := e.Ref()
			refs = append(refs, ref)
			lines[ref.ID()] = fmt.Sprintf("%s %s %s %s %s%s\n", e.Time.Format("2006-01-02T15:04:05Z"), [...]string{"", "Imported", "CustomAction", "InsightResults"}[e.Kind],
				e.Key.Account, e.Key.Region, eventText(e), e.Detail)
			return nil
		}))
	}
	out := ""
	_, err = w.store.RetainedEvents(ctx, w.clock.AddDate(-1, 0, 0), nil, 10_000, func(e *store.Event, _ []byte) error {
		ref := e.Ref()
		out += lines[ref.ID()]
		return nil
	})
	require.NoError(t, err)
	require.NoError(t, w.store.SettleEvents(ctx, sink, refs, nil))
	return out
}

// eventText is what tells one version of a finding from another.
func eventText(e *store.Event) string {
	if len(e.JSON) == 0 {
		return e.Key.ID + " "
	}
	out := ""
	var outSb87 strings.Builder
	for _, name := range []string{"Id", "Title", "Status", "RecordState"} {
		_, rest, ok := bytes.Cut(e.JSON, []byte(`"`+name+`":"`))
		if ok {
			value, _, _ := bytes.Cut(rest, []byte(`"`))
			outSb87.WriteString(string(value) + " ")
		}
	}
	out += outSb87.String()
	return out
}

// Without sinks the store is the engine's own: nothing stands between.
func TestNoSinksNoCost(t *testing.T) {
	w := newWorld(t, engines["plain"])
	_, between := w.hub.store.(announcing)
	require.False(t, between)
	require.Nil(t, w.hub.EventsWaiting())
	require.True(t, w.hub.NoSinks())
}

func TestEventsWake(t *testing.T) {
	w := newWorld(t, engines["plain"])
	w.sinks = []EventSink{{Name: "hook"}}
	w.start(t, Open)
	woken := func() bool {
		select {
		case <-w.hub.EventsWaiting():
			return true
		default:
			return false
		}
	}
	p := &iam.Principal{Account: "111122223333", Region: "us-east-1"}
	require.False(t, woken())
	for range 3 { // it never waits for who delivers
		_, err := w.hub.BatchImportFindings(t.Context(), p, []byte(importBody(t, p, `{"Id":"a"}`)))
		require.NoError(t, err)
	}
	require.True(t, woken())
	require.False(t, woken())
	_, err := w.hub.BatchImportFindings(t.Context(), p, []byte(importBody(t, p, `{"Id":"a"}`)))
	require.NoError(t, err)
	require.False(t, woken(), "nothing changed")
}

func TestTooManySinks(t *testing.T) {
	list := make([]EventSink, MaxEventSinks+1)
	for i := range list {
		list[i].Name = fmt.Sprint("s", i)
	}
	_, err := newSinks(list)
	require.Error(t, err)
	s, err := newSinks(list[1:])
	require.NoError(t, err)
	e := store.Event{Kind: store.Imported}
	names, err := s.want(nil, nil, &e, nil)
	require.NoError(t, err)
	require.Len(t, names, MaxEventSinks)
	require.True(t, slices.Contains(names, "s64"))
}
