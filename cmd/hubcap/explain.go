package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// explainCmd is `hubcap explain`.
type explainCmd struct {
	Where string   `short:"w" placeholder:"CONDITION" help:"Which findings (all)."`
	Sort  []string `placeholder:"ATTRIBUTE" help:"Order, as for hubcap findings."`
	hubFlags
}

// Help is what `hubcap explain --help` says besides.
func (*explainCmd) Help() string {
	return `Tells how the hub would find the first page of hubcap findings: which indexes serve the condition, how many findings
remain, and which are read. ` + asking
}

// Run prints the condition as the hub understood it, and the plan.
func (c *explainCmd) Run(ctx context.Context, std *streams) error {
	if err := whereFlag(c.Where, std); err != nil {
		return err
	}
	order, err := sortFlag(c.Sort)
	if err != nil {
		return err
	}
	hub, err := c.client(ctx, std)
	if err != nil {
		return err
	}
	ask := map[string]any{"Where": c.Where}
	if len(order) > 0 {
		ask["SortCriteria"] = order
	}
	var out struct{ Where, Plan string }
	if err := hub.ask(ctx, http.MethodPost, "/hubcap/v1/explain", ask, &out); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(std.Out, printable(out.Where)); err != nil {
		return err
	}
	for line := range strings.Lines(out.Plan) {
		if _, err := fmt.Fprintln(std.Out, "  "+printable(strings.TrimRight(line, "\n"))); err != nil {
			return err
		}
	}
	return nil
}
