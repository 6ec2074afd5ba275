package main

import (
	"fmt"

	"hubcap/internal/store/embedded"
)

// restoreCmd is `hubcap restore`.
type restoreCmd struct {
	Backup string `arg:"" help:"Directory that hubcap backup made; it is only read."`
	Store  string `arg:"" help:"Directory for the store; nothing may be in it."`
}

// Run makes a store of a backup.
func (c *restoreCmd) Run(std *streams) error {
	if err := embedded.RestoreBackup(c.Backup, c.Store, embedded.Options{}); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	_, err := fmt.Fprintf(std.Out, "restored to %s, every file checked; hubcap serve --store %s serves it\n", printable(c.Store), printable(c.Store))
	return err
}
