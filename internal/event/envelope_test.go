package event

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hubcap/internal/store"
)

func testEvent() store.Event {
	return store.Event{
		Key: store.Key{
			Account: "111122223333", Region: "us-east-1", ID: `a"b`, ProductArn: "arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default",
		},
		Version: 7, Kind: store.Imported, Time: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC), JSON: []byte(`{"Id":"a\"b","x": 1.0}`),
	}
}

// Field for field and in EventBridge's order; the finding's bytes as they are stored.
func TestEnvelope(t *testing.T) {
	e := testEvent()
	ref := e.Ref()
	require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, ref.ID())
	for _, c := range []struct {
		name                  string
		kind                  store.EventKind
		detail                string
		account, region, want string
	}{
		{"imported", store.Imported, "", "", "", `{"version":"0","id":"ID","detail-type":"Security Hub Findings - Imported","source":"aws.securityhub","account":"111122223333","time":"2026-01-02T03:04:05Z","region":"us-east-1",` +
			`"resources":["arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default/a\"b"],"detail":{"findings":[{"Id":"a\"b","x": 1.0}]}}`},
		{"on an administrator's bus", store.Imported, "", "999999999999", "eu-west-1", `{"version":"0","id":"ID","detail-type":"Security Hub Findings - Imported","source":"aws.securityhub","account":"999999999999","time":"2026-01-02T03:04:05Z","region":"eu-west-1",` +
			`"resources":["arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default/a\"b"],"detail":{"findings":[{"Id":"a\"b","x": 1.0}]}}`},
		{
			"custom action", store.CustomAction, `{"account":"444455556666","region":"us-east-1","resource":"arn:action","members":{"actionName":"n","actionDescription":"d"}}`, "", "",
			`{"version":"0","id":"ID","detail-type":"Security Hub Findings - Custom Action","source":"aws.securityhub","account":"444455556666","time":"2026-01-02T03:04:05Z","region":"us-east-1",` +
				`"resources":["arn:action"],"detail":{"actionName":"n","actionDescription":"d","findings":[{"Id":"a\"b","x": 1.0}]}}`,
		},
		{
			"insight", store.InsightResults, `{"account":"444455556666","region":"us-east-1","resource":"arn:action","members":{"actionName":"n","number of results":"1","insightResults":[{"x":1}]}}`, "", "",
			`{"version":"0","id":"ID","detail-type":"Security Hub Insight Results","source":"aws.securityhub","account":"444455556666","time":"2026-01-02T03:04:05Z","region":"us-east-1",` +
				`"resources":["arn:action"],"detail":{"actionName":"n","number of results":"1","insightResults":[{"x":1}]}}`,
		},
	} {
		e := testEvent()
		e.Kind, e.Detail = c.kind, []byte(c.detail)
		got, err := Append([]byte("before "), &e, c.account, c.region)
		require.NoError(t, err, c.name)
		require.True(t, json.Valid(got[len("before "):]), c.name)
		require.Equal(t, "before "+replaceID(c.want, ref.ID()), string(got), c.name)
	}
	for _, detail := range []string{"", "{", `{"members":7}`, `{"members":null}`} {
		e.Kind, e.Detail = store.CustomAction, []byte(detail)
		_, err := Append(nil, &e, "", "")
		require.Error(t, err, detail)
	}
}

func replaceID(text, id string) string {
	const at = `"id":"`
	i := len(`{"version":"0",`) + len(at)
	return text[:i] + id + text[i+len("ID"):]
}

// An event has one id, and no other has it.
func TestEventIDs(t *testing.T) {
	seen := map[string]bool{}
	for _, account := range []string{"1", "12"} {
		for id := range 3 {
			for version := range 3 {
				e := store.Event{Key: store.Key{Account: account, ID: string(rune('a' + id))}, Version: uint64(version)}
				ref := e.Ref()
				require.False(t, seen[ref.ID()])
				seen[ref.ID()] = true
			}
		}
	}
}

func TestFindingOfATestIsOne(t *testing.T) {
	e := testEvent()
	require.True(t, json.Valid(testFinding(&e)))
}
