package embedded

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// home is the directory of a store:
//
//	LOCK      held by the process that has it open
//	FORMAT    one line: what this is, and the version of its layout
//	db/       Pebble's files
//	ballast   space that is given up when the disk fills up
//	backup-*  links to files of db/ while a backup is made
type home struct {
	fs    vfs.FS
	dir   string
	lock  io.Closer
	cache *pebble.Cache
}

const (
	formatFile  = "FORMAT"
	formatLine  = "hubcap embedded store, format "
	format      = "2"
	lockFile    = "LOCK"
	dbDir       = "db"
	ballastFile = "ballast"
)

func openHome(files vfs.FS, dir string) (*home, error) {
	if err := makeDirectory(files, dir); err != nil {
		return nil, fmt.Errorf("cannot make directory %s: %w", dir, err)
	}
	if info, err := files.Stat(dir); err != nil {
		return nil, fmt.Errorf("cannot use directory %s: %w", dir, err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("%s is not a directory", dir)
	}
	h := &home{fs: files, dir: dir}
	// Looked at before it is locked, so that nothing is written into a directory that is somebody else's.
	if _, err := h.inspect(); err != nil {
		return nil, err
	}
	if err := h.take(); err != nil {
		return nil, err
	}
	empty, err := h.inspect()
	if err == nil && empty {
		err = h.found()
	}
	if err == nil {
		err = h.tidy()
	}
	if err != nil {
		return nil, errors.Join(err, h.lock.Close())
	}
	return h, nil
}

// makeDirectory makes a directory and those above it where they are not there, so that they outlast a loss of power.
func makeDirectory(files vfs.FS, dir string) error {
	var parents []string // of what is made
	for at := dir; ; {
		if _, err := files.Stat(at); !errors.Is(err, fs.ErrNotExist) {
			break // what is in the way, MkdirAll tells
		}
		above := files.PathDir(at)
		parents = append(parents, above)
		if above == at {
			break
		}
		at = above
	}
	if err := files.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	for _, p := range parents {
		if err := syncDirectory(files, p); err != nil {
			return err
		}
	}
	return nil
}

func syncDirectory(files vfs.FS, dir string) error {
	d, err := files.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// take locks the directory. The lock goes with the process, however it ends.
func (h *home) take() error {
	lock, err := h.fs.Lock(h.path(lockFile))
	switch {
	case err == nil:
		h.lock = lock
		return nil
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS):
		return fmt.Errorf("cannot write to directory %s: %w", h.dir, err)
	case errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) || strings.Contains(err.Error(), "lock held"):
		return fmt.Errorf("directory %s is in use by another hubcap process (or twice by this one): stop that one first", h.dir)
	default:
		return fmt.Errorf("cannot lock directory %s: %w", h.dir, err)
	}
}

func (h *home) path(name string) string { return h.fs.PathJoin(h.dir, name) }

// inspect reads the format of what is there; empty: there is nothing yet. It refuses a directory with something else in it, rather
// than mix with it.
func (h *home) inspect() (empty bool, err error) {
	f, err := h.fs.Open(h.path(formatFile))
	if errors.Is(err, fs.ErrNotExist) {
		return h.isEmpty()
	}
	if err != nil {
		return false, fmt.Errorf("cannot read %s: %w", h.path(formatFile), err)
	}
	line, err := io.ReadAll(io.LimitReader(f, 256))
	if err := errors.Join(err, f.Close()); err != nil {
		return false, fmt.Errorf("cannot read %s: %w", h.path(formatFile), err)
	}
	got, ok := strings.CutPrefix(strings.TrimSpace(string(line)), formatLine)
	switch {
	case !ok:
		return false, fmt.Errorf("%s is not the format file of a hubcap store", h.path(formatFile))
	case got != format:
		return false, fmt.Errorf("directory %s has format %q, this hubcap knows only format %q: use the version that wrote it",
			h.dir, got, format)
	}
	return false, nil
}

func (h *home) isEmpty() (bool, error) {
	names, err := h.fs.List(h.dir)
	if err != nil {
		return false, fmt.Errorf("cannot read directory %s: %w", h.dir, err)
	}
	if slices.Contains(names, formatFile) {
		return false, nil // another process is quicker
	}
	for _, name := range names {
		switch name {
		case lockFile, formatFile + ".new", "lost+found":
		default:
			return false, fmt.Errorf("directory %s holds %q but no %s: it is no hubcap store, and not empty", h.dir, name, formatFile)
		}
	}
	return true, nil
}

// found makes an empty directory a store.
func (h *home) found() error {
	err := func() error {
		f, err := h.fs.Create(h.path(formatFile+".new"), vfs.WriteCategoryUnspecified)
		if err != nil {
			return err
		}
		_, err = io.WriteString(f, formatLine+format+"\n")
		if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
			return err
		}
		if err := h.fs.Rename(h.path(formatFile+".new"), h.path(formatFile)); err != nil {
			return err
		}
		return syncDirectory(h.fs, h.dir)
	}()
	if err != nil {
		return fmt.Errorf("cannot write to directory %s: %w", h.dir, err)
	}
	return nil
}

// tidy takes away what backups left behind that were under way when their process was killed.
func (h *home) tidy() error {
	names, err := h.fs.List(h.dir)
	if err != nil {
		return fmt.Errorf("cannot read directory %s: %w", h.dir, err)
	}
	for _, name := range names {
		if strings.HasPrefix(name, backupPrefix) {
			if err := h.fs.RemoveAll(h.path(name)); err != nil {
				return fmt.Errorf("cannot remove %s: %w", h.path(name), err)
			}
		}
	}
	return nil
}

func (h *home) close() error {
	if h.cache != nil {
		h.cache.Unref()
	}
	return h.lock.Close()
}

// openDatabase opens Pebble. Values are compressed already, so tables are not; documents live beside the tables, so that
// compactions do not write them again and again (write amplification 5.8 -> 4.7). Eight flushes gather before they are compacted:
// with four, compactions took a sixth of the processor time of an import.
func (h *home) openDatabase(opts *Options, fatal func(error)) (*pebble.DB, error) {
	h.cache = pebble.NewCache(opts.CacheSize)
	o := &pebble.Options{
		FS:                          opts.FS,
		Cache:                       h.cache,
		MemTableSize:                opts.MemTableSize,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       8,
		L0StopWritesThreshold:       24,
		LBaseMaxBytes:               256 << 20,
		MaxOpenFiles:                2000,
		FormatMajorVersion:          pebble.FormatValueSeparation,
		Logger:                      &pebbleLogger{log: opts.Logger, fatal: fatal},
	}
	for i := range o.Levels {
		o.Levels[i].BlockSize = 8 << 10
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	o.TargetFileSizes[0] = 32 << 20
	o.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionNone })
	o.Experimental.ValueSeparationPolicy = func() pebble.ValueSeparationPolicy {
		return pebble.ValueSeparationPolicy{
			Enabled: true, MinimumSize: 512, MaxBlobReferenceDepth: 10, RewriteMinimumAge: time.Minute, TargetGarbageRatio: 0.3,
		}
	}
	db, err := pebble.Open(h.path(dbDir), o)
	if err != nil {
		return nil, fmt.Errorf("cannot open the database in %s: %w", h.dir, err)
	}
	return db, nil
}
