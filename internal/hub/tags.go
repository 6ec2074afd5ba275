package hub

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/store"
)

// Tags of resources. AWS tags three kinds: hubs, automation rules and configuration policies.
//
// A resource that can be tagged has the record tags/ARN in its account from its creation to its deletion, with tags or without:
// the record says that the resource is there, so that TagResource need not know the kinds. Who makes such a resource calls, in the
// transaction that makes it and after checkTags has passed the request's tags,
//
//	createTags(tx, account, arn, in.Tags)
//
// and in the transaction that deletes it
//
//	deleteTags(tx, account, arn)
//
// The hub alone is different, for it may be there without any record (D52): its tags are a member of hubRecord.
const recordTags = "tags/"

const (
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
)

// createTags keeps the tags of a new resource.
func createTags(tx store.StateTx, account, arn string, tags map[string]string) error {
	if tags == nil {
		tags = map[string]string{}
	}
	return putRecord(tx, account, recordTags+arn, tags)
}

// deleteTags forgets the tags of a resource that goes.
func deleteTags(tx store.StateTx, account, arn string) { tx.Delete(account, recordTags+arn) }

// tagged is a resource that is there and can be tagged.
type tagged struct {
	tags map[string]string
	put  func(tx store.StateTx, tags map[string]string) error
}

// taggedResource finds the caller's resource of an ARN in its Region, or answers that there is none.
func (h *Hub) taggedResource(st store.StateView, p *iam.Principal, arn string) (*tagged, error) {
	if arn == ARN(p.Region, p.Account) {
		rec, err := h.hubOf(st, p.Account, p.Region)
		if err != nil {
			return nil, err
		}
		if rec.Enabled {
			return &tagged{rec.Tags, func(tx store.StateTx, tags map[string]string) error {
				own, err := h.ownHub(tx, p.Account, p.Region)
				if err != nil {
					return err
				}
				own.Tags = tags
				return putRecord(tx, p.Account, recordHub+p.Region, own)
			}}, nil
		}
	} else if raw, ok := st.Get(p.Account, recordTags+arn); ok && strings.HasPrefix(arn, ownARN(p, "")) {
		if hidden, err := hiddenRule(st, p, arn); hidden || err != nil {
			return nil, cmp.Or(err, noResource(arn))
		}
		var tags map[string]string
		if err := json.Unmarshal(raw, &tags); err != nil {
			return nil, fmt.Errorf("record %s%s of account %s: %w", recordTags, arn, p.Account, err)
		}
		return &tagged{tags, func(tx store.StateTx, tags map[string]string) error {
			return createTags(tx, p.Account, arn, tags)
		}}, nil
	}
	return nil, noResource(arn)
}

func noResource(arn string) error {
	return api.Errorf(api.ResourceNotFound, "%s", named("resourceArn", arn))
}

// hiddenRule tells the ARN of a rule of the operator's, of which its account's other callers see nothing (D89).
func hiddenRule(st store.StateView, p *iam.Principal, arn string) (bool, error) {
	id, isRule := strings.CutPrefix(arn, ruleARN(p.Region, p.Account, ""))
	if p.Operator || !isRule {
		return false, nil
	}
	rec, err := readRule(st, p.Account, p.Region, id)
	return rec != nil && rec.Everyone, err
}

// TagResource adds tags to a resource of the caller's, and replaces the values of those it has (spec 9). With them it may have 50.
func (h *Hub) TagResource(ctx context.Context, p *iam.Principal, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	if err := checkResourceARN(in.ResourceArn); err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	err := h.store.State(ctx, []string{p.Account}, func(tx store.StateTx) error {
		r, err := h.taggedResource(tx, p, in.ResourceArn)
		if err != nil {
			return err
		}
		tags := maps.Clone(r.tags)
		if tags == nil {
			tags = make(map[string]string, len(in.Tags))
		}
		maps.Copy(tags, in.Tags)
		if len(tags) > maxTags {
			return tooManyTags()
		}
		return r.put(tx, tags)
	})
	if err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource takes tags from a resource of the caller's; keys that it does not have are no error.
func (h *Hub) UntagResource(ctx context.Context, p *iam.Principal, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	if err := checkResourceARN(in.ResourceArn); err != nil {
		return nil, err
	}
	if n := len(in.TagKeys); n > maxTags {
		return nil, api.InvalidParameter("tagKeys", "should NOT have more than "+strconv.Itoa(maxTags)+" items")
	}
	for _, k := range in.TagKeys {
		if !isTagKey(k) {
			return nil, badTagKey("tagKeys", k)
		}
	}
	err := h.store.State(ctx, []string{p.Account}, func(tx store.StateTx) error {
		r, err := h.taggedResource(tx, p, in.ResourceArn)
		if err != nil {
			return err
		}
		tags := maps.Clone(r.tags)
		maps.DeleteFunc(tags, func(k, _ string) bool { return slices.Contains(in.TagKeys, k) })
		if len(tags) == len(r.tags) {
			return nil
		}
		return r.put(tx, tags)
	})
	if err != nil {
		return nil, err
	}
	return &api.UntagResourceOutput{}, nil
}

// ListTagsForResource tells the tags of a resource of the caller's.
func (h *Hub) ListTagsForResource(ctx context.Context, p *iam.Principal, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	if err := checkResourceARN(in.ResourceArn); err != nil {
		return nil, err
	}
	out := &api.ListTagsForResourceOutput{Tags: map[string]string{}}
	err := h.store.View(ctx, func(st store.StateView) error {
		r, err := h.taggedResource(st, p, in.ResourceArn)
		if err == nil && r.tags != nil {
			out.Tags = r.tags
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// checkResourceARN is ^arn:aws[a-z-]*:securityhub:.* (spec 9), and the length that ARNs may have.
func checkResourceARN(arn string) error {
	rest, ok := strings.CutPrefix(arn, "arn:")
	partition, rest, cut := strings.Cut(rest, ":")
	if !ok || !cut || !isPartition(partition) || !strings.HasPrefix(rest, "securityhub:") {
		return api.InvalidParameter("ResourceArn", `should match pattern "^arn:aws:securityhub:.*"`)
	}
	if utf8.RuneCountInString(arn) > maxARN {
		return api.InvalidParameter("ResourceArn", "should NOT be longer than "+strconv.Itoa(maxARN)+" characters")
	}
	return nil
}

const maxARN = 2048

// checkTags holds a request's tags to the API's model (spec 9). None at all is fine. Of several mistakes the first by key is told.
func checkTags(tags map[string]string) error {
	if tags == nil {
		return nil
	}
	switch n := len(tags); {
	case n == 0:
		return api.InvalidParameter("Tags", "should NOT have fewer than 1 properties")
	case n > maxTags:
		return tooManyTags()
	}
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		if !isTagKey(k) {
			return badTagKey("Tags", k)
		}
		if utf8.RuneCountInString(tags[k]) > maxTagValue {
			return api.InvalidParameter("Tags", "value of "+strconv.Quote(k)+" should NOT be longer than "+strconv.Itoa(maxTagValue)+" characters")
		}
	}
	return nil
}

func tooManyTags() error {
	return api.InvalidParameter("Tags", "should NOT have more than "+strconv.Itoa(maxTags)+" properties")
}

func badTagKey(member, k string) error {
	if len(k) > maxTagKey {
		k = strings.ToValidUTF8(k[:maxTagKey], "") + "..."
	}
	return api.InvalidParameter(member, "key "+strconv.Quote(k)+` should have 1 to 128 characters and match pattern "^(?!aws:)[a-zA-Z+-=._:/]+$"`)
}

// isTagKey is ^(?!aws:)[a-zA-Z+-=._:/]+$; the range from + to = holds digits and ,-./:;< too.
func isTagKey(k string) bool {
	if k == "" || len(k) > maxTagKey || strings.HasPrefix(k, "aws:") {
		return false
	}
	for i := range len(k) {
		c := k[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '+' || c > '=') && c != '_' {
			return false
		}
	}
	return true
}
