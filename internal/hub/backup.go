package hub

import (
	"context"
	"errors"
	"io"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/store"
)

// BackupInput is the request of Backup: it has no members.
type BackupInput struct{}

// Backup writes everything that the store holds as of one instant, findings and state of every account, as a stream of the store's
// engine (D79). That is for the operator, or for a key whose policy allows hubcap:Backup; a key without a policy may do everything in its
// own account, and this is more. An engine that makes no backups answers NotImplementedException.
func (h *Hub) Backup(ctx context.Context, p *iam.Principal, _ *BackupInput, w io.Writer) error {
	if !p.Operator && p.Unrestricted() {
		return api.Errorf(api.AccessDenied, "User: %s is not authorized to perform: hubcap:Backup: a backup holds every account, so a policy must allow it by name, or the operator asks (under --auth none a key that is not 12 digits, as AWS_ACCESS_KEY_ID=operator)", p.ARN)
	}
	b, ok := h.store.(store.Backuper)
	if !ok {
		return noBackup()
	}
	err := b.Backup(ctx, w)
	if errors.Is(err, store.ErrNoBackup) {
		return noBackup()
	}
	return err
}

func noBackup() error { return api.Errorf(api.NotImplemented, "%s.", store.ErrNoBackup) }
