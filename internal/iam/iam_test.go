package iam

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestPolicies(t *testing.T) {
	p := &Principal{Account: "111122223333", Region: "us-east-1", ARN: "arn:aws:iam::111122223333:user/ci"}
	datadriven.RunTest(t, "testdata/policy", func(t *testing.T, d *datadriven.TestData) string {
		switch d.Cmd {
		case "policy":
			var known []string
			d.MaybeScanArgs(t, "known", &known)
			policy, err := NewPolicy(statements(d.Input), known...)
			if err != nil {
				return err.Error() + "\n"
			}
			p.Policy = policy
			return "ok\n"
		case "ask":
			var out strings.Builder
			for line := range strings.Lines(d.Input) {
				words := strings.Fields(line)
				r := Request{Action: words[0], Resource: words[1], Conditions: map[string][]string{}}
				who := *p
				for _, w := range words[2:] {
					key, values, _ := strings.Cut(w, "=")
					switch key {
					case "part":
						r.Part = values
					case "tls":
						who.Secure = true
					default:
						r.Conditions[key] = strings.Split(values, ",")
					}
				}
				err := who.Authorize(r)
				if err == nil {
					out.WriteString("allowed\n")
					continue
				}
				if _, ok := errors.AsType[*Denied](err); !ok {
					d.Fatalf(t, "an error that is no *Denied: %v", err)
				}
				fmt.Fprintln(&out, err)
			}
			return out.String()
		}
		d.Fatalf(t, "unknown command %s", d.Cmd)
		return ""
	})
}

func statements(input string) []Statement {
	list := func(word string) []string {
		if word == "-" || word == "" {
			return nil
		}
		return strings.Split(word, ",")
	}
	var all []Statement
	for line := range strings.Lines(input) {
		w := append(strings.Fields(line), "", "", "")
		s := Statement{Effect: w[0], Action: list(w[1]), Resource: list(w[2]), Condition: map[string]map[string][]string{}}
		for c := w[3:]; len(c) > 5; c = c[3:] {
			if s.Condition[c[0]] == nil {
				s.Condition[c[0]] = map[string][]string{}
			}
			s.Condition[c[0]][c[1]] = list(c[2])
		}
		all = append(all, s)
	}
	return all
}

// FuzzPolicy: whatever stands in a policy, it is refused with its place or judged without panic; a deny of everything denies, and
// an allow of everything takes nothing away.
func FuzzPolicy(f *testing.F) {
	for _, seed := range []string{
		"Allow securityhub:* *", "Deny * arn:aws:securityhub:*:*:insight/*", "Allow a:b * Null securityhub:TargetAccount true",
		"Deny a:b * ForAnyValue:StringLikeIfExists securityhub:ASFFSyntaxPath/Types A*,?",
		"Deny a:b * ArnLike aws:PrincipalArn arn:aws:iam::*:user/* Bool aws:SecureTransport false",
		"allow", "Allow * arn:", "Allow * * StringEquals aws:SourceIp 1", "Allow ** ** ForAllValues:Null x y",
	} {
		f.Add(seed, "securityhub:GetFindings", "arn:aws:securityhub:us-east-1:111122223333:hub/default", "A/B")
	}
	f.Fuzz(func(t *testing.T, text, action, resource, value string) {
		list := statements(text)
		policy, err := NewPolicy(list)
		if err != nil {
			require.Regexp(t, `^statement [0-9]+: `, err.Error())
			return
		}
		p := Principal{Account: "111122223333", Region: "us-east-1", ARN: "arn:aws:iam::111122223333:user/ci", Policy: policy}
		r := Request{Action: action, Resource: resource, Conditions: map[string][]string{TargetAccount: {value}, SyntaxPath + "Types": {value, action}}}
		before := p.Authorize(r)
		var denied *Denied
		if before != nil {
			require.ErrorAs(t, before, &denied)
		}
		everything := Statement{Effect: "Allow", Action: []string{"*"}, Resource: []string{"*"}}
		p.Policy, err = NewPolicy(append(slices.Clip(list), everything))
		require.NoError(t, err)
		after := p.Authorize(r)
		require.Equal(t, denied != nil && denied.Explicit, after != nil, "an allow beside it changes all but an explicit deny")
		everything.Effect = "Deny"
		p.Policy, err = NewPolicy(append(slices.Clip(list), everything))
		require.NoError(t, err)
		require.ErrorAs(t, p.Authorize(r), &denied)
		require.True(t, denied.Explicit)
	})
}

// An operator and the one that denies it never agree on a key that is there; with IfExists they agree on one that is not.
func TestOperatorsComeInPairs(t *testing.T) {
	pairs := [][2]string{
		{"StringEquals", "StringNotEquals"},
		{"StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"},
		{"StringLike", "StringNotLike"},
		{"ArnLike", "ArnNotLike"},
		{"ArnEquals", "ArnNotEquals"},
	}
	named := map[string]bool{"Bool": true, "Null": true}
	for _, pair := range pairs {
		named[pair[0]], named[pair[1]] = true, true
	}
	for op := range operators {
		require.True(t, named[op], "%s has no pair here", op)
	}
	rapid.Check(t, func(t *rapid.T) {
		pair := rapid.SampledFrom(pairs).Draw(t, "pair")
		key, part := TargetAccount, rapid.StringMatching(`[aAb*?]{0,3}`)
		want, have := part.Draw(t, "want"), rapid.StringMatching(`[aAb]{0,3}`).Draw(t, "have")
		who := &Principal{}
		if pair[0] == "ArnLike" || pair[0] == "ArnEquals" {
			key = "aws:PrincipalArn"
			want, have = "arn:aws:iam::"+want+":user/x"+want, "arn:aws:iam::"+have+":user/x"+have
			who.ARN = have
		}
		r := &Request{Conditions: map[string][]string{TargetAccount: {have}}}
		judge := func(op string, r *Request) bool {
			c, err := compileCondition(op, key, []string{want})
			require.NoError(t, err)
			return c.holds(who, r)
		}
		require.NotEqual(t, judge(pair[0], r), judge(pair[1], r))
		require.Equal(t, judge(pair[0], r), judge(pair[0]+"IfExists", r))
		if key == TargetAccount {
			require.True(t, judge(pair[0]+"IfExists", &Request{}))
			require.True(t, judge(pair[1]+"IfExists", &Request{}))
			require.False(t, judge(pair[0], &Request{}))
			require.True(t, judge(pair[1], &Request{}))
		}
	})
}

func TestProductAllowed(t *testing.T) {
	p := Principal{Products: []string{"arn:aws:securityhub:*::product/prowler/prowler"}}
	require.True(t, p.ProductAllowed("arn:aws:securityhub:us-east-1::product/prowler/prowler"))
	require.False(t, p.ProductAllowed("arn:aws:securityhub:us-east-1::product/prowler/prowler2"))
	require.False(t, p.ProductAllowed("arn:aws:securityhub:us-east-1:111122223333:product/prowler/other"))
	require.False(t, (&Principal{}).ProductAllowed("arn:aws:securityhub:us-east-1::product/prowler/prowler"))
}

// The matcher of wildcards agrees with regular expressions.
func TestLike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*?]{0,8}`).Draw(t, "pattern")
		s := rapid.StringMatching(`[ab]{0,10}`).Draw(t, "s")
		re := regexp.MustCompile("^" + strings.NewReplacer("*", ".*", "?", ".").Replace(pattern) + "$")
		if got, want := like(pattern, s), re.MatchString(s); got != want {
			t.Fatalf("like(%q, %q) = %v", pattern, s, got)
		}
	})
}
