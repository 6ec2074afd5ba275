package store

import (
	"context"
	"errors"
	"io"
)

// ErrNoBackup is the answer of an engine that has no backup of its own.
var ErrNoBackup = errors.New("this store's engine makes no backups: use those of its database")

// Backuper is an engine that can copy all it holds while it serves.
type Backuper interface {
	// Backup writes everything as of one instant during the call, every acknowledged change before the call among it, as a stream of
	// the engine's own. Others read and write meanwhile. A stream that was broken off is known by its end.
	Backup(ctx context.Context, w io.Writer) error
}

// Backup implements Backuper for stores whose engine does.
func (c *checked) Backup(ctx context.Context, w io.Writer) error {
	b, ok := c.s.(Backuper)
	if !ok {
		return ErrNoBackup
	}
	return b.Backup(ctx, w)
}
