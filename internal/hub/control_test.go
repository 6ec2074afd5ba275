package hub

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hubcap/internal/api"
	"hubcap/internal/asff"
	"hubcap/internal/iam"
	"hubcap/internal/store"
)

func init() {
	maps.Copy(operations, map[string]func(*Hub, context.Context, *iam.Principal, *api.Request) (any, error){
		"CreateActionTarget":    operation((*Hub).CreateActionTarget),
		"DescribeActionTargets": operation((*Hub).DescribeActionTargets),
		"UpdateActionTarget":    operation((*Hub).UpdateActionTarget),
		"DeleteActionTarget":    operation((*Hub).DeleteActionTarget),
		"TagResource":           operation((*Hub).TagResource),
		"UntagResource":         operation((*Hub).UntagResource),
		"ListTagsForResource":   operation((*Hub).ListTagsForResource),
	})
}

var labelOfPattern = regexp.MustCompile(`\{(\w+)\+?\}`)

// labels gives every label that a pattern of the API has the same value: an operation reads its own.
func labels(value string) map[string]string {
	all := map[string]string{"JobId": value} // hubcap's own
	for _, op := range api.Operations {
		if m := labelOfPattern.FindStringSubmatch(op.Pattern); m != nil {
			all[m[1]] = value
		}
	}
	return all
}

// Every member that an edit touches can stand in a policy, and nothing else can.
func TestPoliciesKnowTheFieldsOfAnEdit(t *testing.T) {
	edit, err := asff.ParseEdit([]byte(`{"Confidence": 1, "Criticality": 2, "Note": {"Text": "t", "UpdatedBy": "me"},
		"RelatedFindings": [{"ProductArn": "arn:aws:securityhub:us-east-1::product/a/b", "Id": "x"}],
		"Severity": {"Label": "LOW", "Normalized": 1, "Product": 3}, "Types": ["A/B"], "UserDefinedFields": {"owner": "me"},
		"VerificationState": "UNKNOWN", "Workflow": {"Status": "NEW"}}`))
	require.NoError(t, err)
	touched := map[string]bool{"UserDefinedFields.owner": true}
	for _, f := range iam.Fields {
		touched[f] = true
	}
	for _, pv := range edit.Paths() {
		_, err := iam.NewPolicy([]iam.Statement{{
			Effect: "Deny", Action: []string{actionUpdate}, Resource: []string{"*"},
			Condition: map[string]map[string][]string{"Null": {conditionASFFSyntaxPath + pv.Path: {"false"}}},
		}})
		require.NoError(t, err)
		delete(touched, pv.Path)
	}
	require.Empty(t, touched)
}

// tagsOf lists the tags of an ARN of the caller's.
func tagsOf(t *testing.T, h *Hub, p *iam.Principal, arn string) (map[string]string, error) {
	t.Helper()
	out, err := h.ListTagsForResource(t.Context(), p, &api.ListTagsForResourceInput{ResourceArn: arn})
	if err != nil {
		return nil, err
	}
	return out.Tags, nil
}

// A resource with a record of tags can be tagged from its creation to its deletion, by its owner in its Region.
func TestTagsOfARecord(t *testing.T) {
	w := newWorld(t, func(*testing.T) store.Store { return newMemStore() })
	mine := &iam.Principal{Account: "111122223333", Region: "us-east-1"}
	arn := ownARN(mine, "automation-rule/one")
	in := func(fn func(tx store.StateTx) error) {
		require.NoError(t, w.store.State(t.Context(), []string{mine.Account}, fn))
	}
	in(func(tx store.StateTx) error { return createTags(tx, mine.Account, arn, nil) })
	tags, err := tagsOf(t, w.hub, mine, arn)
	require.NoError(t, err)
	require.Equal(t, map[string]string{}, tags)
	_, err = w.hub.TagResource(t.Context(), mine, &api.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"a": "1", "b": "2"}})
	require.NoError(t, err)
	_, err = w.hub.UntagResource(t.Context(), mine, &api.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a"}})
	require.NoError(t, err)
	tags, err = tagsOf(t, w.hub, mine, arn)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"b": "2"}, tags)

	for _, stranger := range []*iam.Principal{{Account: "444455556666", Region: "us-east-1"}, {Account: mine.Account, Region: "eu-west-1"}} {
		_, err := tagsOf(t, w.hub, stranger, arn)
		require.ErrorContains(t, err, "ResourceNotFoundException")
	}
	in(func(tx store.StateTx) error { deleteTags(tx, mine.Account, arn); return nil })
	_, err = tagsOf(t, w.hub, mine, arn)
	require.ErrorContains(t, err, "ResourceNotFoundException")
}

// Fifty tags a resource, however many calls they come in; 128 characters a key and 256 a value.
func TestTagLimits(t *testing.T) {
	w := newWorld(t, func(*testing.T) store.Store { return newMemStore() })
	p := &iam.Principal{Account: "111122223333", Region: "us-east-1"}
	arn := ARN(p.Region, p.Account)
	tag := func(tags map[string]string) error {
		_, err := w.hub.TagResource(t.Context(), p, &api.TagResourceInput{ResourceArn: arn, Tags: tags})
		return err
	}
	many := func(from, to int) map[string]string {
		tags := map[string]string{}
		for i := from; i < to; i++ {
			tags["key"+strconv.Itoa(i)] = "v"
		}
		return tags
	}
	const tooMany = "Invalid parameter 'Tags'. should NOT have more than 50 properties."
	require.ErrorContains(t, tag(many(0, 51)), tooMany)
	require.NoError(t, tag(many(0, 49)))
	require.ErrorContains(t, tag(many(48, 51)), tooMany)
	tags, err := tagsOf(t, w.hub, p, arn)
	require.NoError(t, err)
	require.Len(t, tags, 49, "nothing of a refused call is kept")
	require.NoError(t, tag(many(40, 50)))

	require.NoError(t, tag(map[string]string{"key0": strings.Repeat("é", 256)}))
	require.ErrorContains(t, tag(map[string]string{"key0": strings.Repeat("é", 257)}), `value of "key0" should NOT be longer than 256 characters`)
	long := strings.Repeat("k", 128)
	require.ErrorContains(t, tag(map[string]string{long: ""}), tooMany)
	_, err = w.hub.UntagResource(t.Context(), p, &api.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"key1"}})
	require.NoError(t, err)
	require.NoError(t, tag(map[string]string{long: ""}))
	require.ErrorContains(t, tag(map[string]string{long + "k": ""}), "should have 1 to 128 characters")
	_, err = w.hub.UntagResource(t.Context(), p, &api.UntagResourceInput{ResourceArn: arn, TagKeys: slices.Repeat([]string{"key2"}, 51)})
	require.ErrorContains(t, err, "Invalid parameter 'tagKeys'. should NOT have more than 50 items.")
	_, err = tagsOf(t, w.hub, p, "arn:aws:securityhub:"+strings.Repeat("x", 2048))
	require.ErrorContains(t, err, "Invalid parameter 'ResourceArn'. should NOT be longer than 2048 characters.")
}

// The profile aws keeps AWS's quota of action targets, a Region of an account at a time; the profile open has none.
func TestActionTargetQuota(t *testing.T) {
	for _, profile := range []Profile{AWS, Open} {
		w := newWorld(t, func(*testing.T) store.Store { return newMemStore() })
		w.start(t, profile)
		create := func(region string, n int) error {
			p := &iam.Principal{Account: "111122223333", Region: region}
			_, err := w.hub.CreateActionTarget(t.Context(), p, &api.CreateActionTargetInput{Id: "id" + strconv.Itoa(n), Name: "n", Description: "d"})
			return err
		}
		for _, region := range []string{"us-east-1", "eu-west-1"} {
			_, err := w.hub.EnableSecurityHub(t.Context(), &iam.Principal{Account: "111122223333", Region: region}, &api.EnableSecurityHubInput{})
			require.NoError(t, err)
		}
		for n := range maxActionTargets {
			require.NoError(t, create("us-east-1", n))
		}
		err := create("us-east-1", maxActionTargets)
		if profile == Open {
			require.NoError(t, err)
			continue
		}
		require.EqualError(t, err, "LimitExceededException: Account 111122223333 has reached its limit of 50 action targets")
		require.ErrorContains(t, create("us-east-1", 3), "ResourceConflictException", "one that is there is a conflict first")
		require.NoError(t, create("eu-west-1", 0))
	}
}

// What only reads is answered where the disk is nearly full, and waits for no writer: it takes no part in State.
func TestReadsGoOnWhereNothingIsWritten(t *testing.T) {
	m := newMemStore()
	h := openHub(t, m, fixed("2026-01-01T00:00:00Z"))
	p := &iam.Principal{Account: "111122223333", Region: "us-east-1", ARN: "arn:aws:iam::111122223333:user/x"}
	rule := keepRule(t, h, p, 1, `{}`, `{"Confidence":1}`)
	action, err := h.CreateActionTarget(t.Context(), p, &api.CreateActionTargetInput{Id: "a", Name: "n", Description: "d"})
	require.NoError(t, err)
	made, err := h.CreateInsight(t.Context(), p, &api.CreateInsightInput{Name: "n", Filters: []byte("{}"), GroupByAttribute: "Type"})
	require.NoError(t, err)
	requests := map[string]*api.Request{
		"BatchGetAutomationRules": {Body: []byte(`{"AutomationRulesArns":["` + rule + `"]}`)},
		"DescribeActionTargets":   {Body: []byte(`{"ActionTargetArns":["` + action.ActionTargetArn + `"]}`)},
		"GetFindingHistory":       {Body: []byte(`{"FindingIdentifier":{"Id":"a","ProductArn":"` + ownProductARN + `"}}`)},
		"GetInsightResults":       {Path: labels(made.InsightArn)},
		"GetMembers":              {Body: []byte(`{"AccountIds":["444455556666"]}`)},
		"ListTagsForResource":     {Path: labels(rule)},
	}
	reads := 0
	m.refuse = store.ErrNearlyFull
	for name, call := range operations {
		if !regexp.MustCompile(`^(Get|List|Describe|BatchGet)`).MatchString(name) {
			continue
		}
		reads++
		r := requests[name]
		if r == nil {
			r = &api.Request{Path: labels("11111111-2222-3333-4444-555555555555")}
		}
		_, err := call(h, t.Context(), p, r)
		require.NotErrorIs(t, err, store.ErrNearlyFull, name)
		if requests[name] != nil {
			require.NoError(t, err, name)
		}
	}
	require.Greater(t, reads, 20)
	_, err = h.DeleteActionTarget(t.Context(), p, &api.DeleteActionTargetInput{ActionTargetArn: action.ActionTargetArn})
	require.ErrorIs(t, err, store.ErrNearlyFull, "nothing can be written")
}
