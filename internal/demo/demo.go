// Package demo invents the findings of an invented company, for those who want to see a hub at work before they connect anything: several
// products, accounts and Regions, ninety days of findings that came, were worked off or were left, and what people did about them.
//
// Everything follows from a seed and the present moment: the same seed makes the same findings, with the same ids, whose dates move
// with the clock. Names are made up and look it: example accounts, addresses for documentation (RFC 5737), domains of example.com.
package demo

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"strings"
	"time"
)

// Config is what a demo is made of.
type Config struct {
	Findings int
	Seed     uint64
	Now      time.Time
	// Account is whose all findings are, in its default product and one Region; "": those of the invented company.
	Account string
	Region  string // with Account; "": us-east-1
	Retire  bool   // every finding as its provider reports it when it is over: archived
}

// Days is how far the findings go back.
const Days = 90

// Finding is one finding and what people did about it.
type Finding struct {
	JSON              []byte
	ID, ProductArn    string
	Account, Region   string
	Triage            *Triage // nil: nobody did anything
	Changed           []byte  // the finding as it was reported before; nil: it was reported once
	severity, product int
}

// Triage is a customer's update of a finding, as BatchUpdateFindings takes it beside its identifiers. Equal ones are the same pointer.
type Triage struct {
	Workflow          *Workflow         `json:"Workflow,omitempty"`
	Severity          *SeverityLabel    `json:"Severity,omitempty"`
	Note              *Note             `json:"Note,omitempty"`
	UserDefinedFields map[string]string `json:"UserDefinedFields,omitempty"`
}

// Workflow is a workflow status.
type Workflow struct {
	Status string `json:"Status"`
}

// SeverityLabel is a severity by its label.
type SeverityLabel struct {
	Label string `json:"Label"`
}

// Note is a note of a customer's.
type Note struct {
	Text      string `json:"Text"`
	UpdatedBy string `json:"UpdatedBy"`
}

// rng is splitmix64: small, and the same everywhere.
type rng uint64

func (r *rng) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

func (r *rng) below(n int) int { return int(r.next() % uint64(n)) } //nolint:gosec // n is a small count

// chance is true in percent of a hundred cases.
func (r *rng) chance(percent int) bool { return r.below(100) < percent }

func (r *rng) share() float64 { return float64(r.next()>>11) / (1 << 53) }

func pick[T any](r *rng, list []T) T { return list[r.below(len(list))] }

// weighted is an index, each as often as its weight says.
func weighted[T any](r *rng, list []T, weight func(T) int) int {
	sum := 0
	for _, v := range list {
		sum += weight(v)
	}
	n := r.below(sum)
	for i, v := range list {
		if n -= weight(v); n < 0 {
			return i
		}
	}
	return len(list) - 1
}

// Each calls f with every finding, one after the other, until it answers an error.
func (c *Config) Each(f func(*Finding) error) error {
	for n := range c.Findings {
		if err := f(c.finding(n)); err != nil {
			return err
		}
	}
	return nil
}

// severities are the labels, the days after which half of the findings are resolved, and how often people look at them.
var severities = []struct {
	label    string
	halfLife float64
	triage   int // percent
}{
	{"INFORMATIONAL", 60, 3}, {"LOW", 55, 5}, {"MEDIUM", 30, 14}, {"HIGH", 11, 38}, {"CRITICAL", 4, 70},
}

func (c *Config) finding(n int) *Finding {
	r := rng(c.Seed<<32 ^ uint64(n)) //nolint:gosec // a number of a finding
	r = rng(r.next())                // mixed, so that neighbours share no stretch of their streams
	now := c.Now.UTC().Truncate(time.Hour)
	p := weighted(&r, products, func(p product) int { return p.weight })
	product := &products[p]
	rule := &product.rules[weighted(&r, product.rules, func(r rule) int { return r.weight })]
	a := &accounts[weighted(&r, accounts, func(a account) int { return a.weight })]
	f := &Finding{Account: a.id, Region: "us-east-1", product: p, severity: rule.severity}
	if r.chance(15) {
		f.Region = "eu-west-1"
	}
	f.ProductArn = "arn:aws:securityhub:" + f.Region + "::product/example-corp/" + product.id
	if c.Account != "" {
		f.Account, f.Region = c.Account, "us-east-1"
		if c.Region != "" {
			f.Region = c.Region
		}
		f.ProductArn = "arn:aws:securityhub:" + f.Region + ":" + f.Account + ":product/" + f.Account + "/default"
	}
	s := &severities[f.severity]

	// It came some time in the last ninety days, more often on working days, and more of it when the rule was new.
	age := r.share() * Days
	if rule.burst > 0 && r.chance(60) {
		age = math.Abs(float64(rule.burst) - r.share()*4)
	}
	created := now.Add(-time.Duration(age * 24 * float64(time.Hour))).Truncate(time.Minute)
	if day := created.Weekday(); (day == time.Saturday || day == time.Sunday) && r.chance(65) {
		created = created.AddDate(0, 0, -2)
	}
	// It was resolved after a time that has no memory, or is still there and was seen by the last scan.
	lasts := time.Duration(-math.Log(1-r.share()) / math.Ln2 * s.halfLife * 24 * float64(time.Hour))
	resolved := created.Add(lasts + 2*time.Hour).Truncate(time.Minute)
	over := resolved.Before(now)
	updated := now.Add(-time.Duration(r.below(20*60)) * time.Minute)
	if over {
		updated = resolved
	}
	if updated.Before(created) {
		updated = created
	}

	d := map[string]any{
		"SchemaVersion": "2018-10-08", "AwsAccountId": f.Account, "GeneratorId": "example-corp/" + product.id + "/" + rule.id,
		"ProductArn": f.ProductArn, "ProductName": product.name, "CompanyName": "Example Corp", "Region": f.Region,
		"Types": []string{rule.kind}, "CreatedAt": moment(created), "FirstObservedAt": moment(created.Add(-time.Duration(r.below(90)) * time.Minute)),
		"UpdatedAt": moment(updated), "LastObservedAt": moment(updated), "RecordState": "ACTIVE",
		"FindingProviderFields": map[string]any{
			"Severity": map[string]any{"Label": s.label, "Original": product.original(s.label)}, "Types": []string{rule.kind},
		},
		"Remediation": map[string]any{"Recommendation": map[string]any{
			"Text": rule.remedy, "Url": "https://runbooks.example.com/" + product.id + "/" + rule.id,
		}},
		"SourceUrl": "https://" + product.id + ".example.com/findings/" + fmt.Sprintf("%06d", n),
	}
	res := c.resource(&r, rule, a, f)
	d["Resources"] = []any{res.json}
	f.ID = fmt.Sprintf("%s/%s/%s/%d-%06d", product.id, rule.id, f.Account, c.Seed, n)
	d["Id"] = f.ID
	name := strings.NewReplacer("{name}", res.name, "{env}", a.env)
	d["Title"], d["Description"] = name.Replace(rule.title), name.Replace(rule.text)
	d["ProductFields"] = map[string]string{"example/run": updated.Format("2006-01-02"), "example/rule": rule.id}
	if r.chance(70) {
		d["Confidence"] = 60 + r.below(41)
	}
	product.more(&r, rule, d, over)
	switch {
	case c.Retire:
		d["RecordState"], d["UpdatedAt"] = "ARCHIVED", moment(c.Now.UTC()) // later than what any demo has sent
	case over && r.chance(55):
		d["RecordState"] = "ARCHIVED"
	case over:
		d["Workflow"] = map[string]string{"Status": "RESOLVED"}
	default:
		f.Triage = triage(&r, s.triage, a.env)
		if r.chance(8) && updated.Sub(created) > 48*time.Hour {
			f.Changed = earlier(d, created, s.label)
		}
	}
	f.JSON = text(d)
	return f
}

// earlier is a finding as it was reported first: one step less severe, in the words of the time.
func earlier(d map[string]any, created time.Time, label string) []byte {
	before := maps.Clone(d)
	less := map[string]string{"CRITICAL": "HIGH", "HIGH": "MEDIUM", "MEDIUM": "LOW"}
	if l := less[label]; l != "" {
		before["FindingProviderFields"] = map[string]any{"Severity": map[string]any{"Label": l}, "Types": d["Types"]}
	}
	title, _ := d["Title"].(string)
	before["Title"] = title + " (first seen)"
	before["UpdatedAt"], before["LastObservedAt"] = moment(created), moment(created)
	return text(before)
}

// triage is what people did about an open finding.
func triage(r *rng, percent int, env string) *Triage {
	if env == "sandbox" {
		percent /= 3
	}
	if !r.chance(percent) {
		return nil
	}
	return &triages[weighted(r, triages, func(t Triage) int {
		if t.Workflow != nil && t.Workflow.Status == "NOTIFIED" {
			return 5
		}
		return 2
	})]
}

func moment(t time.Time) string { return t.Format("2006-01-02T15:04:05.000Z") }

func text(d map[string]any) []byte {
	b, err := json.Marshal(d)
	if err != nil {
		panic(err) // strings, numbers, maps and lists
	}
	return b
}
