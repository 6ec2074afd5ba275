package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"hubcap/internal/store/postgres"
)

// storeCmd is `hubcap store`.
type storeCmd struct {
	Distribute storeDistributeCmd `cmd:"" help:"Spread a store in PostgreSQL over the nodes of a cluster, by account."`
}

// storeDistributeCmd is `hubcap store distribute`.
type storeDistributeCmd struct {
	Store string `required:"" placeholder:"STORE" help:"postgres:// address of the cluster's coordinator; its database has the extension citus."`
}

// Run declares by what the tables are distributed, and moves what they hold. Hubs may serve meanwhile; they wait while a table moves.
func (c *storeDistributeCmd) Run(ctx context.Context, std *streams) (err error) {
	if !isDatabase(c.Store) {
		return fmt.Errorf("store distribute: --store %s: is no postgres:// address; a directory is on one machine", c.Store)
	}
	st, err := postgres.Open(ctx, c.Store, postgres.Options{Logger: newLog(std.Err, "text")})
	if err != nil {
		return fmt.Errorf("store distribute: --store: %w", err)
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	tables, err := st.Distribute(ctx)
	if err != nil {
		return fmt.Errorf("store distribute: %w", err)
	}
	if len(tables) == 0 {
		_, err = fmt.Fprintln(std.Out, "every table was distributed already")
		return err
	}
	_, err = fmt.Fprintf(std.Out, "distributed: %s\n", strings.Join(tables, ", "))
	return err
}
