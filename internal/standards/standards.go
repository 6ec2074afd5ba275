// Package standards is what the world knows of Security Hub's standards and controls, as data: which standards there are under which
// ARN, which controls belong to which of them and what they are called there, how severe they are and which parameters can be
// customised. Three tables, each with a head that tells where its facts are from, are read once and never change. What an account
// has switched on, and what it customised, is none of this package's business.
package standards

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed standards.tsv
var standardsTable string

//go:embed controls.tsv
var controlsTable string

//go:embed parameters.tsv
var parametersTable string

// Standard is a row of standards.tsv.
type Standard struct {
	Key         string // its name within hubcap: cis120
	Resource    string // of its ARN: ruleset/cis-aws-foundations-benchmark/v/1.2.0
	Default     bool   // EnableSecurityHub subscribes to it
	Name        string
	Description string

	Members []*Member // its controls, by what it calls them
}

// ARN is the standard's in a Region.
func (s *Standard) ARN(partition, region string) string {
	if strings.HasPrefix(s.Resource, rulesets) {
		region = ""
	}
	return "arn:" + partition + ":securityhub:" + region + "::" + s.Resource
}

// Path is what subscriptions and controls are named by: cis-aws-foundations-benchmark/v/1.2.0.
func (s *Standard) Path() string {
	_, path, _ := strings.Cut(s.Resource, "/")
	return path
}

const rulesets = "ruleset/"

// Control is a row of controls.tsv.
type Control struct {
	ID       string // S3.1
	Severity string // LOW, MEDIUM, HIGH, CRITICAL
	Title    string
	Order    string // sorts controls by service, then number

	In         []Membership // the standards that have it
	Parameters []*Parameter // by name
}

// Membership is a control's place in a standard.
type Membership struct {
	Standard     *Standard
	IDs          []string // what the standard calls it; more than one where it stands twice
	Requirements []string // that it serves, as the API tells them: NIST.800-53.r5 CM-2
}

// Of finds a control's place in a standard; nil: it is not there.
func (c *Control) Of(s *Standard) *Membership {
	for i := range c.In {
		if c.In[i].Standard == s {
			return &c.In[i]
		}
	}
	return nil
}

// Member is a control as a standard calls it.
type Member struct {
	ID      string // PCI.S3.6
	Order   string // sorts a standard's controls
	Control *Control
}

// Parameter is a row of parameters.tsv.
type Parameter struct {
	Name     string
	Type     string // Boolean, Double, Enum, EnumList, Integer, IntegerList, String, StringList
	Default  []string
	Min, Max *float64 // of a number, or of each in a list; nil: none
	Allowed  []string // of an Enum or EnumList; none: any
	MaxItems int      // of a list; 0: any
}

// Catalogue is all of it.
type Catalogue struct {
	Standards []*Standard // by name and version
	Controls  []*Control  // by Order

	byKey      map[string]*Standard
	byResource map[string]*Standard
	byID       map[string]*Control
}

// Load reads the tables. An error is a mistake in them.
var Load = sync.OnceValues(func() (*Catalogue, error) { return parse(standardsTable, controlsTable, parametersTable) })

// Standard finds a standard by its key.
func (c *Catalogue) Standard(key string) *Standard { return c.byKey[key] }

// ByResource finds a standard by the last part of its ARN.
func (c *Catalogue) ByResource(resource string) *Standard { return c.byResource[resource] }

// ByPath finds a standard by what its subscriptions are named by.
func (c *Catalogue) ByPath(path string) *Standard {
	if s := c.byResource["standards/"+path]; s != nil {
		return s
	}
	return c.byResource[rulesets+path]
}

// Control finds a control by its id.
func (c *Catalogue) Control(id string) *Control { return c.byID[id] }

func parse(standardsTable, controlsTable, parametersTable string) (*Catalogue, error) {
	c := &Catalogue{byKey: map[string]*Standard{}, byResource: map[string]*Standard{}, byID: map[string]*Control{}}
	for _, t := range []struct {
		name, text string
		columns    int
		row        func(cols []string) error
	}{
		{"standards.tsv", standardsTable, 6, c.addStandard},
		{"controls.tsv", controlsTable, 6, c.addControl},
		{"parameters.tsv", parametersTable, 8, c.addParameter},
	} {
		n := 0
		for line := range strings.Lines(t.text) {
			n++
			line = strings.TrimSuffix(line, "\n")
			if line == "" || line[0] == '#' {
				continue
			}
			cols := strings.Split(line, "\t")
			var err error
			if len(cols) != t.columns || slices.Contains(cols, "") {
				err = fmt.Errorf("%d columns, or an empty one: %d are wanted", len(cols), t.columns)
			} else {
				err = t.row(cols)
			}
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", t.name, n, err)
			}
		}
	}
	for _, s := range c.Standards {
		slices.SortFunc(s.Members, func(a, b *Member) int { return strings.Compare(a.Order, b.Order) })
	}
	return c, nil
}

func (c *Catalogue) addStandard(cols []string) error {
	s := &Standard{Key: cols[0], Resource: cols[1], Default: cols[2] == "yes", Name: cols[4], Description: cols[5]}
	kind, path, _ := strings.Cut(s.Resource, "/")
	parts := strings.Split(path, "/")
	switch {
	case kind+"/" != rulesets && kind != "standards" || len(parts) != 3 || parts[1] != "v" || parts[0] == "" || parts[2] == "":
		return fmt.Errorf("resource %q", s.Resource)
	case cols[2] != "yes" && cols[2] != "no":
		return fmt.Errorf("default %q", cols[2])
	case c.byKey[s.Key] != nil || c.ByPath(path) != nil:
		return fmt.Errorf("standard %s stands twice", s.Key)
	case len(c.Standards) > 0 && c.Standards[len(c.Standards)-1].Path() > path:
		return fmt.Errorf("standard %s stands after %s", s.Key, c.Standards[len(c.Standards)-1].Key)
	}
	c.Standards = append(c.Standards, s)
	c.byKey[s.Key], c.byResource[s.Resource] = s, s
	return nil
}

var severities = []string{"LOW", "MEDIUM", "HIGH", "CRITICAL"}

func (c *Catalogue) addControl(cols []string) error {
	ctl := &Control{ID: cols[0], Severity: cols[1], Title: cols[4]}
	var err error
	if ctl.Order, err = controlOrder(ctl.ID); err != nil {
		return err
	}
	switch {
	case !slices.Contains(severities, ctl.Severity):
		return fmt.Errorf("severity %q", ctl.Severity)
	case len(c.Controls) > 0 && c.Controls[len(c.Controls)-1].Order >= ctl.Order:
		return fmt.Errorf("control %s stands after %s", ctl.ID, c.Controls[len(c.Controls)-1].ID)
	}
	requirements, err := c.requirements(cols[5])
	if err != nil {
		return err
	}
	for word := range words(cols[3]) {
		key, ids, named := strings.Cut(word, "=")
		s := c.byKey[key]
		if s == nil || ctl.Of(s) != nil {
			return fmt.Errorf("standard %q is unknown or stands twice", key)
		}
		m := Membership{Standard: s, IDs: []string{ctl.ID}, Requirements: requirements[s]}
		if named {
			m.IDs = strings.Split(ids, "+")
		}
		delete(requirements, s)
		ctl.In = append(ctl.In, m)
		for _, id := range m.IDs {
			if slices.ContainsFunc(s.Members, func(o *Member) bool { return o.ID == id }) {
				return fmt.Errorf("%s of standard %s stands twice", id, key)
			}
			s.Members = append(s.Members, &Member{ID: id, Order: numbers(id), Control: ctl})
		}
	}
	if len(requirements) > 0 {
		return errors.New("requirements of a standard that does not have it")
	}
	c.Controls, c.byID[ctl.ID] = append(c.Controls, ctl), ctl
	return nil
}

// requirementPrefixes make the API's text of a requirement.
var requirementPrefixes = map[string]string{
	"nist53": "NIST.800-53.r5 ", "pci321": "PCI DSS v3.2.1/",
	"cis120": "CIS AWS Foundations Benchmark v1.2.0/", "cis140": "CIS AWS Foundations Benchmark v1.4.0/",
}

func (c *Catalogue) requirements(col string) (map[*Standard][]string, error) {
	all := map[*Standard][]string{}
	for word := range words(col) {
		key, list, _ := strings.Cut(word, ":")
		s, prefix := c.byKey[key], requirementPrefixes[key]
		if s == nil || prefix == "" || list == "" || all[s] != nil {
			return nil, fmt.Errorf("requirements %q", word)
		}
		for r := range strings.SplitSeq(list, ",") {
			all[s] = append(all[s], prefix+r)
		}
	}
	return all, nil
}

// words are a column's; "-" has none.
func words(col string) func(yield func(string) bool) {
	if col == "-" {
		return func(func(string) bool) {}
	}
	return strings.SplitSeq(col, " ")
}

// controlOrder makes ids sort by service, then number.
func controlOrder(id string) (string, error) {
	service, number, _ := strings.Cut(id, ".")
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil || service == "" || strings.Trim(service, letters) != "" || strconv.FormatUint(n, 10) != number {
		return "", fmt.Errorf("control id %q", id)
	}
	return fmt.Sprintf("%s.%05d", service, n), nil
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// numbers widens the numbers in an id, so that 1.2 sorts before 1.10.
func numbers(id string) string {
	parts := strings.Split(id, ".")
	for i, p := range parts {
		if n, err := strconv.ParseUint(p, 10, 16); err == nil {
			parts[i] = fmt.Sprintf("%05d", n)
		}
	}
	return strings.Join(parts, ".")
}

var parameterTypes = []string{"Boolean", "Double", "Enum", "EnumList", "Integer", "IntegerList", "String", "StringList"}

func (c *Catalogue) addParameter(cols []string) error {
	ctl := c.byID[cols[0]]
	p := &Parameter{Name: cols[1], Type: cols[2], Default: listOf(cols[3]), Allowed: listOf(cols[6])}
	switch {
	case ctl == nil:
		return fmt.Errorf("control %q is unknown", cols[0])
	case !slices.Contains(parameterTypes, p.Type):
		return fmt.Errorf("type %q", p.Type)
	case len(ctl.Parameters) > 0 && ctl.Parameters[len(ctl.Parameters)-1].Name >= p.Name:
		return fmt.Errorf("parameter %s stands after %s", p.Name, ctl.Parameters[len(ctl.Parameters)-1].Name)
	}
	for i, to := range []**float64{&p.Min, &p.Max} {
		if cols[4+i] == "-" {
			continue
		}
		n, err := strconv.ParseFloat(cols[4+i], 64)
		if err != nil {
			return err
		}
		*to = &n
	}
	if cols[7] != "-" {
		var err error
		if p.MaxItems, err = strconv.Atoi(cols[7]); err != nil {
			return err
		}
	}
	ctl.Parameters = append(ctl.Parameters, p)
	return nil
}

func listOf(col string) []string {
	if col == "-" {
		return nil
	}
	return strings.Split(col, ",")
}
