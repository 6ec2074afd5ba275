package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hubcap/internal/hub"
	"hubcap/internal/store/embedded"
)

// doctorCmd is `hubcap doctor`.
type doctorCmd struct {
	Store  string `arg:"" help:"Directory of the store; no hub may serve it."`
	Repair bool   `help:"Mend what is wrong. What that removes is kept in a file."`
	Kept   string `placeholder:"FILE" help:"That file (STORE/doctor-TIME.ndjson)."`
	Format string `default:"text" enum:"text,json" help:"text or json (${default})."`
}

// Run looks the store over. It answers 0 where nothing is wrong, 1 where something is or was, mended or not, and 2 where the store
// cannot be looked at.
func (c *doctorCmd) Run(ctx context.Context, std *streams) error {
	opts := embedded.ExamineOptions{
		Options: embedded.Options{Logger: newLog(std.Err, "text")},
		Repair:  c.Repair, Removed: c.Kept, OwnsSpool: hub.OwnsSpool,
	}
	if opts.Removed == "" {
		opts.Removed = filepath.Join(c.Store, "doctor-"+time.Now().UTC().Format("20060102T150405Z")+".ndjson")
	}
	found, err := embedded.Examine(ctx, c.Store, opts)
	if err != nil {
		complain(std.Err, fmt.Errorf("doctor: %w", err))
		if errors.Is(err, context.Canceled) {
			return exitCode(1)
		}
		return exitCode(2)
	}
	if c.Format == "json" {
		e := json.NewEncoder(std.Out)
		e.SetIndent("", "  ")
		err = e.Encode(found)
	} else {
		err = c.tell(std.Out, found)
	}
	if err != nil {
		return err
	}
	if !found.Clean() {
		return exitCode(1)
	}
	return nil
}

func (c *doctorCmd) tell(w io.Writer, found *embedded.Examination) error {
	var b strings.Builder
	for _, p := range found.Problems {
		fmt.Fprintf(&b, "%s\n", printable(p.String()))
	}
	fmt.Fprintf(&b, "looked at %d findings, %d records of history, %d records of state, %d pieces of spools\n",
		found.Findings, found.History, found.State, found.Spools)
	if found.Clean() {
		b.WriteString("nothing is wrong\n")
	} else {
		kinds := make([]string, 0, len(found.Counts))
		for kind, n := range found.Counts {
			kinds = append(kinds, fmt.Sprintf("%s %d", kind, n))
		}
		slices.Sort(kinds)
		fmt.Fprintf(&b, "problems: %s\n", strings.Join(kinds, ", "))
		switch {
		case !found.Mended:
			b.WriteString("nothing was changed; --repair mends them\n")
		case found.Removed != "":
			fmt.Fprintf(&b, "all were mended; what was removed is in %s\n", printable(found.Removed))
		default:
			b.WriteString("all were mended; nothing was removed\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
