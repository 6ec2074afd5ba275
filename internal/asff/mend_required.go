package asff

import (
	"regexp"
	"strings"
)

// missing is the member that the message of a required names.
var missing = regexp.MustCompile(`^should have required property '([^']+)'`)

// mendRequired finds a missing member under a name that is spelled differently, or in what the rest of the finding says.
func (m *mender) mendRequired(s *spot) {
	found := missing.FindStringSubmatch(m.at.Message)
	if found == nil || s.node.kind != '{' || s.node.get(found[1]) != nil {
		return
	}
	name := found[1]
	path := m.at.Path + "." + name
	for i, have := range s.node.names {
		if letters(have) == letters(name) {
			s.node.names[i] = name
			m.doneAt(path, "found as "+have)
			return
		}
	}
	if s.node != m.root {
		if s.shape != nil && s.shape.object != nil && s.shape.object.name == "Resource" && name == "Type" {
			s.node.set("Type", stringNode("Other"))
			m.doneAt(path, "set to Other")
		}
		return
	}
	if name == "Resources" {
		m.addResource()
		return
	}
	if with := m.derived(name); with != nil {
		m.root.set(name, with)
		m.doneAt(path, "taken from the rest of the finding")
	}
}

// derived is a top-level member as the rest of the finding implies it, or nil.
func (m *mender) derived(name string) *node {
	switch name {
	case "SchemaVersion":
		return stringNode("2018-10-08")
	case "Title":
		return derivedText(m.root.string("Description"), 256)
	case "Description":
		return derivedText(m.root.string("Title"), 1024)
	case "CreatedAt":
		return m.moment("FirstObservedAt", "UpdatedAt", "LastObservedAt", "ProcessedAt")
	case "UpdatedAt":
		return m.moment("LastObservedAt", "CreatedAt", "FirstObservedAt", "ProcessedAt")
	case "AwsAccountId":
		if arn := strings.SplitN(m.root.string("ProductArn"), ":", 6); len(arn) == 6 && isAccountID([]byte(arn[4])) {
			return stringNode(arn[4])
		}
	case "ProductArn":
		account, region := m.root.string("AwsAccountId"), m.region
		if region == "" {
			region = m.root.string("Region")
		}
		if isAccountID([]byte(account)) && region != "" {
			return stringNode("arn:" + partition(region) + ":securityhub:" + region + ":" + account + ":product/" + account + "/default")
		}
	}
	return nil
}

// partition is that of a Region, by its name.
func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

func derivedText(text string, limit int) *node {
	if text = strings.TrimSpace(text); text == "" {
		return nil
	}
	return stringNode(cut(text, limit, "..."))
}

// moment is the first of the members that is one.
func (m *mender) moment(names ...string) *node {
	for _, name := range names {
		text := m.root.string(name)
		if _, ok := ParseTime([]byte(text)); ok && timestampRegexp.MatchString(text) {
			return stringNode(text)
		}
	}
	return nil
}

// addResource names the account where no resource is named, as AWS's own findings about an account do.
func (m *mender) addResource() {
	account := m.root.string("AwsAccountId")
	if !isAccountID([]byte(account)) {
		return
	}
	r := objectNode()
	r.set("Type", stringNode("AwsAccount"))
	r.set("Id", stringNode("AWS::::Account:"+account))
	m.root.set("Resources", &node{kind: '[', values: []*node{r}})
	m.doneAt("data.Resources", "the account, as no resource was named")
}

// mendAnyOf adds the alternative that asks for least, from what is there.
func (m *mender) mendAnyOf(s *spot) {
	switch {
	case s.node == m.root:
		fields := objectNode()
		for _, name := range []string{"Severity", "Types"} {
			if v := m.root.get(name); v != nil {
				fields.set(name, v)
			}
		}
		if len(fields.values) == 0 { // what the provider thinks of it, nobody knows
			return
		}
		m.root.set("FindingProviderFields", fields)
		m.doneAt("data.FindingProviderFields", "made of Severity and Types at the top level")
	case s.node.kind != '{' || s.shape == nil || s.shape.kind != kindObject:
	case s.shape.object.find("Label") != nil:
		original := letters(s.node.string("Original"))
		if synonyms[original] != "" {
			original = synonyms[original]
		}
		if sh := s.shape.object.find("Label").shape; original != "" {
			for _, label := range sh.enum {
				if letters(label) == original {
					s.node.set("Label", stringNode(label))
					m.done("Label taken from Original")
				}
			}
		}
	default:
		if len(s.node.values) == 0 {
			m.omit(s, "it was empty")
		}
	}
}
