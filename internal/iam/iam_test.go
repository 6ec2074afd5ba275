package iam

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestPolicies(t *testing.T) {
	p := &Principal{ARN: "arn:aws:iam::111122223333:user/ci"}
	datadriven.RunTest(t, "testdata/policy", func(t *testing.T, d *datadriven.TestData) string {
		switch d.Cmd {
		case "policy":
			policy, err := NewPolicy(statements(d.Input))
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
				for _, w := range words[2:] {
					key, values, _ := strings.Cut(w, "=")
					r.Conditions[key] = strings.Split(values, ",")
				}
				err := p.Authorize(r)
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
		if word == "-" {
			return nil
		}
		return strings.Split(word, ",")
	}
	var all []Statement
	for line := range strings.Lines(input) {
		w := strings.Fields(line)
		s := Statement{Effect: w[0], Action: list(w[1]), Resource: list(w[2]), Condition: map[string]map[string][]string{}}
		for c := w[3:]; len(c) > 0; c = c[3:] {
			s.Condition[c[0]] = map[string][]string{c[1]: list(c[2])}
		}
		all = append(all, s)
	}
	return all
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
