package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"hubcap/internal/hub"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

// migrateCmd is `hubcap migrate`.
type migrateCmd struct {
	From string `required:"" placeholder:"STORE" help:"Store to copy: a directory or a postgres:// address; or a hub that serves, http://HOST:PORT, which is asked for a backup."`
	To   string `required:"" placeholder:"STORE" help:"Store that becomes the copy: a directory or a postgres:// address. What an earlier copy left there is gone on with."`
	Over bool   `help:"Replace what is there, whosever it is."`
	Temp string `placeholder:"DIR" help:"Directory for a hub's backup while it is copied (the system's)."`
}

// Run copies one store into another: findings with their versions and histories, the accounts' records, jobs and events. It ends by
// reading both and comparing them.
func (c *migrateCmd) Run(ctx context.Context, std *streams) error {
	if c.From == c.To {
		return errors.New("migrate: --from and --to are the same store")
	}
	out, err := c.migrate(ctx, std)
	if errors.Is(err, store.ErrCopyDiffers) {
		return fmt.Errorf("migrate: %w; something wrote meanwhile: once nothing serves either store, the same command copies the rest", err)
	}
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	_, err = fmt.Fprintf(std.Out, "copied %d findings with %d records of history, %d records of accounts, %d events, %d pieces of jobs to %s\n"+
		"written %d findings, removed %d; the rest was there\nverified: both sides have the SHA-256 sum %s\n",
		out.Findings, out.Histories, out.Records, out.Events, out.Chunks, printable(withoutPassword(c.To)), out.Written, out.Removed, out.Digest)
	return err
}

func (c *migrateCmd) migrate(ctx context.Context, std *streams) (_ *store.Copy, err error) {
	from, undo, err := c.source(ctx, std)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, undo()) }()
	to, err := openCopied(ctx, "--to", c.To, std, true)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if err := c.claim(ctx, from, to); err != nil {
		return nil, err
	}
	bar := stepBar{w: std.Err}
	defer bar.finish()
	copying := store.Copying{From: from, To: to, Progress: bar.tell}
	return copying.Run(ctx)
}

// source opens what is copied; undo closes it.
func (c *migrateCmd) source(ctx context.Context, std *streams) (from store.Copied, undo func() error, err error) {
	if !strings.HasPrefix(c.From, "http://") && !strings.HasPrefix(c.From, "https://") {
		from, err = openCopied(ctx, "--from", c.From, std, false)
		if err != nil {
			return nil, nil, err
		}
		return from, from.Close, nil
	}
	dir, err := os.MkdirTemp(c.Temp, "hubcap-migrate-")
	if err != nil {
		return nil, nil, fmt.Errorf("--temp: %w", err)
	}
	remove := func() error { return os.RemoveAll(dir) }
	fetched, kept := filepath.Join(dir, "backup"), filepath.Join(dir, "store")
	fetch := backupCmd{Dir: fetched, Endpoint: c.From}
	if err := fetch.fetch(ctx); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("a backup of %s: %w", c.From, err), remove())
	}
	restore := restoreCmd{Backup: fetched, Store: kept}
	if err := restore.Run(&streams{In: std.In, Out: io.Discard, Err: std.Err}); err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	if from, err = openCopied(ctx, "--from", kept, std, false); err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	return from, func() error { return errors.Join(from.Close(), remove()) }, nil
}

// claim makes sure that nothing is overwritten but an earlier copy of the same store, and marks the copy.
func (c *migrateCmd) claim(ctx context.Context, from, to store.Copied) error {
	source, err := hub.StoreID(ctx, from)
	if err != nil {
		return err
	}
	source = cmp.Or(source, "a store that no hub ever served")
	var mark string
	foreign := false
	if err := to.Records(ctx, func(account, name string, value []byte) error {
		switch {
		case account == "" && name == store.CopyMark:
			mark = string(value)
		case account != "":
			foreign = true
		}
		return nil
	}); err != nil {
		return err
	}
	everything := query.Every()
	n, err := to.Count(ctx, store.Scope{}, &everything)
	if err != nil {
		return err
	}
	if mark != source && (n > 0 || foreign) && !c.Over {
		what := "is of another store"
		if mark == "" {
			what = "is no copy under way"
		}
		return fmt.Errorf("--to %s holds %d findings and %s: name an empty store, or say --over to replace what is there", withoutPassword(c.To), n, what)
	}
	return to.State(ctx, []string{""}, func(tx store.StateTx) error {
		tx.Put("", store.CopyMark, []byte(source))
		return nil
	})
}

// stepBar shows on a terminal how far a step is.
type stepBar struct {
	w    io.Writer
	mu   sync.Mutex
	step string
	bar  *countingBar
}

func (b *stepBar) tell(step string, done, all int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bar == nil || step != b.step {
		if b.bar != nil {
			b.bar.finish()
		}
		b.step, b.bar = step, newCountingBar(b.w)
		b.bar.describe(step)
	}
	b.bar.at(int(done), int(all))
}

func (b *stepBar) finish() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bar != nil {
		b.bar.finish()
	}
}
