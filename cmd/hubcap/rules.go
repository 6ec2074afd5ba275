package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// rulesCmd is `hubcap rules`.
type rulesCmd struct {
	List rulesListCmd `cmd:"" help:"List automation rules in the order in which they act."`
	Try  rulesTryCmd  `cmd:"" help:"Tell what a rule would change in what the hub holds, and change nothing."`
	Run  rulesRunCmd  `cmd:"" help:"Let a rule act on what the hub holds."`
}

// rulesListCmd is `hubcap rules list`.
type rulesListCmd struct {
	Format string `default:"table" enum:"table,json" help:"table or json (${default})."`
	hubFlags
}

// Help is what `hubcap rules list --help` says besides.
func (*rulesListCmd) Help() string { return asking }

type wireRule struct {
	RuleArn, RuleName, RuleStatus, UpdatedAt string
	RuleOrder                                int
	IsTerminal                               bool
}

// Run lists the rules.
func (c *rulesListCmd) Run(ctx context.Context, std *streams) error {
	hub, err := c.client(ctx, std)
	if err != nil {
		return err
	}
	var raw []json.RawMessage
	for token := ""; ; {
		path := "/automationrules/list"
		if token != "" {
			path += "?NextToken=" + url.QueryEscape(token)
		}
		var page struct {
			AutomationRulesMetadata []json.RawMessage
			NextToken               string
		}
		if err := hub.ask(ctx, http.MethodGet, path, nil, &page); err != nil {
			return err
		}
		raw = append(raw, page.AutomationRulesMetadata...)
		if token = page.NextToken; token == "" {
			break
		}
	}
	w := bufio.NewWriter(std.Out)
	rows := [][]string{{"Order", "Status", "Terminal", "Name", "Updated", "Rule"}}
	for _, text := range raw {
		if c.Format == "json" {
			out, err := indented(text, "")
			if err != nil {
				return err
			}
			fmt.Fprintln(w, out)
			continue
		}
		var r wireRule
		if err := json.Unmarshal(text, &r); err != nil {
			return err
		}
		terminal := ""
		if r.IsTerminal {
			terminal = "yes"
		}
		rows = append(rows, []string{
			strconv.Itoa(r.RuleOrder), printable(r.RuleStatus), terminal, printable(r.RuleName), printable(r.UpdatedAt), printable(r.RuleArn),
		})
	}
	if len(rows) > 1 {
		if err := writeTable(w, rows); err != nil {
			return err
		}
	}
	return w.Flush()
}

// ruleFlags name the rule that is tried or run.
type ruleFlags struct {
	Rule string `arg:"" help:"A rule's ARN, or a file with the JSON that CreateAutomationRule takes; - is the standard input."`
	hubFlags
}

// wireChoice is how the hub is told of a rule.
type wireChoice struct {
	RuleArn    string          `json:"RuleArn,omitzero"`
	Rule       json.RawMessage `json:"Rule,omitzero"`
	MaxSamples *int            `json:"MaxSamples,omitzero"`
}

// choice reads the rule.
func (f *ruleFlags) choice(std *streams) (c wireChoice, err error) {
	if strings.HasPrefix(f.Rule, "arn:") {
		c.RuleArn = f.Rule
		return c, nil
	}
	r, shown, err := openInput(f.Rule, std.In)
	if err != nil {
		return c, err
	}
	text, err := io.ReadAll(io.LimitReader(r, maxRuleFile))
	_ = r.Close() // only read from
	switch {
	case err != nil:
		return c, fmt.Errorf("%s: %w", shown, err)
	case len(text) == maxRuleFile:
		return c, fmt.Errorf("%s: this is no rule: it has more than %d bytes", shown, maxRuleFile)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return c, fmt.Errorf("%s: %w", shown, err)
	}
	if members["Criteria"] == nil || members["Actions"] == nil {
		return c, fmt.Errorf("%s: a rule has Criteria and Actions, as CreateAutomationRule takes them", shown)
	}
	c.Rule = text
	return c, nil
}

// maxRuleFile is more than the largest rule has.
const maxRuleFile = 4 << 20

// rulesTryCmd is `hubcap rules try`.
type rulesTryCmd struct {
	ruleFlags
	Samples int    `default:"5" placeholder:"N" help:"How many of the findings are shown, at most 10 (${default})."`
	Format  string `default:"text" enum:"text,json" help:"text or json (${default})."`
}

// Help is what `hubcap rules try --help` says besides.
func (*rulesTryCmd) Help() string {
	return `The rule is tried alone: others that would act before it, or stop it, are not asked. ` + asking
}

// wireTry is what the hub answers.
type wireTry struct {
	Matching, Examined, WouldChange, CouldNot int
	Complete                                  bool
	Samples                                   []struct {
		AwsAccountID      string `json:"AwsAccountId"`
		FindingIdentifier wireIdentifier
		Title             string
		Updates           []struct {
			UpdatedField       string
			OldValue, NewValue *string
		}
	}
}

// Run tries a rule.
func (c *rulesTryCmd) Run(ctx context.Context, std *streams) error {
	choice, err := c.choice(std)
	if err != nil {
		return err
	}
	choice.MaxSamples = &c.Samples
	hub, err := c.client(ctx, std)
	if err != nil {
		return err
	}
	var text json.RawMessage
	if err := hub.ask(ctx, http.MethodPost, "/hubcap/v1/automation-rules/try", choice, &text); err != nil {
		return err
	}
	if c.Format == "json" {
		out, err := indented(text, "")
		if err == nil {
			_, err = fmt.Fprintln(std.Out, out)
		}
		return err
	}
	var would wireTry
	if err := json.Unmarshal(text, &would); err != nil {
		return err
	}
	return would.print(std.Out)
}

func (t *wireTry) print(out io.Writer) error {
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, "would change %s", count(t.WouldChange, "finding"))
	if t.Complete {
		fmt.Fprintf(w, " of %d that match", t.Matching)
	} else {
		fmt.Fprintf(w, " of the %d looked at; %d match", t.Examined, t.Matching)
	}
	if t.CouldNot > 0 {
		fmt.Fprintf(w, "; %d could not be changed", t.CouldNot)
	}
	fmt.Fprintln(w)
	for i := range t.Samples {
		s := &t.Samples[i]
		fmt.Fprintf(w, "  %s\n    %s %s\n", shortened(printable(s.Title), widest), printable(s.AwsAccountID), printable(s.FindingIdentifier.ID))
		for _, u := range s.Updates {
			fmt.Fprintf(w, "    %s: %s -> %s\n", printable(u.UpdatedField), shownValue(u.OldValue), shownValue(u.NewValue))
		}
	}
	return w.Flush()
}

// rulesRunCmd is `hubcap rules run`.
type rulesRunCmd struct {
	ruleFlags
	Yes  bool `short:"y" help:"Do not ask."`
	Wait bool `default:"true" negatable:"" help:"Stay until it is done (${default}); the job goes on without you."`
}

// Help is what `hubcap rules run --help` says besides.
func (*rulesRunCmd) Help() string {
	return `A rule acts on what is imported; this lets it act on what was there before, in a job that the hub does in the background: hubcap jobs
tells how it stands, and hubcap update --undo takes it back. First you see what would change; then you are asked. The exit code is 0
when no finding failed. ` + asking
}

// Run tries a rule, asks, and runs it.
func (c *rulesRunCmd) Run(ctx context.Context, std *streams) error {
	choice, err := c.choice(std)
	if err != nil {
		return err
	}
	hub, err := c.client(ctx, std)
	if err != nil {
		return err
	}
	var would wireTry
	if err := hub.ask(ctx, http.MethodPost, "/hubcap/v1/automation-rules/try", choice, &would); err != nil {
		return err
	}
	if err := would.print(std.Out); err != nil {
		return err
	}
	if would.Matching == 0 {
		return nil
	}
	if err := (&updateCmd{Yes: c.Yes}).consent(std); err != nil {
		return err
	}
	var started struct{ Job wireJob }
	if err := hub.order(ctx, "/hubcap/v1/automation-rules/run", choice, &started); err != nil {
		return err
	}
	return hub.started(ctx, std, started.Job.JobID, c.Wait)
}
