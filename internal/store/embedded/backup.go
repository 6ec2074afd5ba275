package embedded

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"hubcap/internal/store"
)

// A backup is a store's FORMAT and database as of one instant, and a list of them with sizes and checksums. As a stream it is a tar
// with the list as its last file: without it the backup is not whole. In a directory it is
//
//	BACKUP           the list: a line that says what this is, then a line a file: SHA-256, size, name
//	files/FORMAT     as in a store
//	files/db/...     Pebble's files
//
// The index's checkpoint is not part of it: a restored store builds its index when it first opens.
const (
	backupList   = "BACKUP"
	backupFiles  = "files"
	backupLine   = "hubcap backup, format 1"
	backupPrefix = "backup-" // of directories of backups under way, in a store
	maxList      = 16 << 20
)

var _ store.Backuper = (*Store)(nil)

// Backup implements store.Backuper: the stream is a tar. Pebble's files never change, so those of the instant are linked, not copied,
// and read at the pace at which w takes them.
func (s *Store) Backup(ctx context.Context, w io.Writer) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	return s.backup(ctx, w)
}

func (s *Store) backup(ctx context.Context, w io.Writer) (err error) {
	files, dir := s.opts.FS, s.home.path(fmt.Sprint(backupPrefix, s.sequence.take()))
	if err := files.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("store: backup: %w", err)
	}
	defer func() {
		if e := files.RemoveAll(dir); err == nil && e != nil {
			err = fmt.Errorf("store: backup: %w", e)
		}
	}()
	db := files.PathJoin(dir, dbDir)
	if err := s.db.Checkpoint(db, pebble.WithFlushedWAL()); err != nil {
		return fmt.Errorf("store: backup: %w", err)
	}
	names, err := files.List(db)
	if err != nil {
		return fmt.Errorf("store: backup: %w", err)
	}
	slices.Sort(names)
	t := &packer{ctx: ctx, fs: files, tar: tar.NewWriter(w)}
	t.list.WriteString(backupLine + "\n")
	if err := t.add(s.home.path(formatFile), formatFile); err != nil {
		return err
	}
	for _, name := range names {
		if err := t.add(files.PathJoin(db, name), dbDir+"/"+name); err != nil {
			return err
		}
	}
	return t.end()
}

// packer writes files into a tar.
type packer struct {
	ctx  context.Context //nolint:containedctx // lives as long as the call
	fs   vfs.FS
	tar  *tar.Writer
	list bytes.Buffer
}

func (p *packer) add(path, name string) error {
	f, err := p.fs.Open(path)
	if err != nil {
		return fmt.Errorf("store: backup: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("store: backup: %w", err)
	}
	if err := p.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: info.Size(), Mode: 0o640, Format: tar.FormatPAX}); err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(p.tar, sum), io.LimitReader(&patient{p.ctx, f}, info.Size())); err != nil {
		return err
	}
	fmt.Fprintf(&p.list, "%x %d %s\n", sum.Sum(nil), info.Size(), name)
	return nil
}

func (p *packer) end() error {
	if err := p.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: backupList, Size: int64(p.list.Len()), Mode: 0o640, Format: tar.FormatPAX}); err != nil {
		return err
	}
	if _, err := p.tar.Write(p.list.Bytes()); err != nil {
		return err
	}
	return p.tar.Close()
}

// patient reads until its context ends.
type patient struct {
	ctx context.Context //nolint:containedctx // lives as long as the call
	r   io.Reader
}

func (p *patient) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	return p.r.Read(b)
}

// BackupDirectory makes a backup in a directory of a store that no process serves. Nothing may be in the directory.
func BackupDirectory(ctx context.Context, dir, to string, opts Options) (err error) {
	opts = opts.withDefaults()
	if err := emptyTarget(opts.FS, to); err != nil {
		return err
	}
	s, err := openBare(dir, opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.closeBare()) }()
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := s.backup(ctx, w)
		_ = w.CloseWithError(err) // never fails
		done <- err
	}()
	err = UnpackBackup(r, to, opts)
	_ = r.CloseWithError(errors.New("the backup could not be kept")) // never fails
	return errors.Join(err, <-done)
}

// openBare opens the database of a store that is there, without its index.
func openBare(dir string, opts Options) (*Store, error) {
	if _, err := opts.FS.Stat(opts.FS.PathJoin(dir, formatFile)); err != nil {
		return nil, fmt.Errorf("directory %s holds no hubcap store", dir)
	}
	h, err := openHome(opts.FS, dir)
	if err != nil {
		return nil, err
	}
	if err := roomToOpen(&opts, dir); err != nil {
		return nil, errors.Join(err, h.close())
	}
	s := &Store{dir: dir, opts: opts, home: h, state: newState()}
	s.emptyIndex()
	if s.db, err = h.openDatabase(&opts, s.fatal); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return s, nil
}

func (s *Store) closeBare() error { return errors.Join(s.db.Flush(), s.db.Close(), s.home.close()) }

// DamagedBackup says why a backup cannot be used.
type DamagedBackup struct{ Why string } //nolint:errname // it reads as what it is: err is *DamagedBackup

func (e *DamagedBackup) Error() string { return "the backup is damaged: " + e.Why }

func damagedBackup(format string, a ...any) error { return &DamagedBackup{fmt.Sprintf(format, a...)} }

// backupName tells whether a file of that name may be in a backup: nothing that leads out of it.
func backupName(name string) bool {
	if name == formatFile {
		return true
	}
	file, ok := strings.CutPrefix(name, dbDir+"/")
	if !ok || file == "" || len(file) > 100 || strings.Trim(file, ".") == "" {
		return false
	}
	for _, c := range []byte(file) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && !strings.ContainsRune("._-", rune(c)) {
			return false
		}
	}
	return true
}

// listed is a file of a backup.
type listed struct {
	sum  [sha256.Size]byte
	size int64
}

// parseList reads a backup's list.
func parseList(text []byte) (map[string]listed, error) {
	line, rest, ok := strings.Cut(string(text), "\n")
	if !ok || line != backupLine {
		if strings.HasPrefix(line, "hubcap backup, format ") {
			return nil, fmt.Errorf("%q: this hubcap knows only %q: use the version that made it", line, backupLine)
		}
		return nil, damagedBackup("its list does not begin with %q", backupLine)
	}
	if rest != "" && !strings.HasSuffix(rest, "\n") {
		return nil, damagedBackup("its list ends in the middle of a line")
	}
	files := map[string]listed{}
	for line := range strings.Lines(rest) {
		var f listed
		var sum, name string
		if n, err := fmt.Sscanf(line, "%64s %d %s\n", &sum, &f.size, &name); n != 3 || err != nil {
			return nil, damagedBackup("line %q of its list", strings.TrimSpace(line))
		}
		raw, err := hex.DecodeString(sum)
		if _, twice := files[name]; err != nil || len(raw) != len(f.sum) || f.size < 0 || !backupName(name) || twice {
			return nil, damagedBackup("line %q of its list", strings.TrimSpace(line))
		}
		copy(f.sum[:], raw)
		files[name] = f
	}
	if _, ok := files[formatFile]; !ok {
		return nil, damagedBackup("its list names no %s", formatFile)
	}
	return files, nil
}

// emptyTarget refuses a directory that holds something, and a file. One that is not there is fine.
func emptyTarget(files vfs.FS, dir string) error {
	info, err := files.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a directory", dir)
	}
	names, err := files.List(dir)
	if err != nil {
		return fmt.Errorf("cannot read directory %s: %w", dir, err)
	}
	for _, name := range names {
		if name != "lost+found" {
			return fmt.Errorf("directory %s is not empty: it holds %q; name a new or an empty one", dir, name)
		}
	}
	return nil
}

// target is a directory that is being filled. What was made of it goes again unless it becomes whole.
type target struct {
	fs   vfs.FS
	dir  string
	made []string // files and directories, in the order made
}

func newTarget(files vfs.FS, dir string) (*target, error) {
	if err := emptyTarget(files, dir); err != nil {
		return nil, err
	}
	if err := makeDirectory(files, dir); err != nil {
		return nil, fmt.Errorf("cannot make directory %s: %w", dir, err)
	}
	return &target{fs: files, dir: dir}, nil
}

func (t *target) subdirectory(name string) error {
	path := t.fs.PathJoin(t.dir, name)
	t.made = append(t.made, path)
	return t.fs.MkdirAll(path, 0o750)
}

// write makes a file of what r holds; it is on the disk when write returns.
func (t *target) write(name string, r io.Reader) (listed, error) {
	path := t.fs.PathJoin(append([]string{t.dir}, strings.Split(name, "/")...)...)
	f, err := t.fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return listed{}, err
	}
	t.made = append(t.made, path)
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(sum, f), r) // the sum first: a file may do with the bytes as it likes
	return listed{sum: total(sum), size: n}, errors.Join(err, f.Sync(), f.Close())
}

func total(h hash.Hash) (sum [sha256.Size]byte) {
	h.Sum(sum[:0])
	return sum
}

// sync makes sure that the names of what was made outlast a loss of power.
func (t *target) sync(dirs ...string) error {
	for _, d := range dirs {
		if err := syncDirectory(t.fs, t.fs.PathJoin(append([]string{t.dir}, strings.Split(d, "/")...)...)); err != nil {
			return err
		}
	}
	return syncDirectory(t.fs, t.dir)
}

// undo takes away what was made.
func (t *target) undo() {
	for _, path := range slices.Backward(t.made) {
		_ = t.fs.Remove(path) // what cannot be removed is found by whoever tries again
	}
}

// UnpackBackup keeps the stream of a Backup in a directory, in which nothing may be. It is whole and on the disk when it returns nil;
// else nothing is left of it. *DamagedBackup: the stream is none, or was broken off.
func UnpackBackup(r io.Reader, dir string, opts Options) (err error) {
	t, err := newTarget(opts.withDefaults().FS, dir)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			t.undo()
		}
	}()
	if err := errors.Join(t.subdirectory(backupFiles), t.subdirectory(backupFiles+"/"+dbDir)); err != nil {
		return err
	}
	got := map[string]listed{}
	in := tar.NewReader(r)
	for {
		h, err := in.Next()
		switch {
		case errors.Is(err, io.EOF):
			return damagedBackup("it ends before its list")
		case err != nil:
			return tarError(err)
		case h.Typeflag != tar.TypeReg:
			return damagedBackup("%q is no file", h.Name)
		}
		if h.Name == backupList {
			break
		}
		if _, twice := got[h.Name]; twice || !backupName(h.Name) {
			return damagedBackup("there is no place for a file %q", h.Name)
		}
		if got[h.Name], err = t.write(backupFiles+"/"+h.Name, in); err != nil {
			return tarError(err)
		}
	}
	list, err := io.ReadAll(io.LimitReader(in, maxList))
	if err != nil {
		return tarError(err)
	}
	want, err := parseList(list)
	if err != nil {
		return err
	}
	if err := compare(want, got); err != nil {
		return err
	}
	if _, err := in.Next(); !errors.Is(err, io.EOF) {
		return damagedBackup("something follows its list")
	}
	if err := t.sync(backupFiles, backupFiles+"/"+dbDir); err != nil {
		return err
	}
	if _, err := t.write(backupList, bytes.NewReader(list)); err != nil {
		return err
	}
	return t.sync()
}

func tarError(err error) error {
	if errors.Is(err, tar.ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF) {
		return damagedBackup("%v", err)
	}
	return err
}

// compare holds the files that are there against those that the list names.
func compare(want, got map[string]listed) error {
	for name, w := range want {
		g, ok := got[name]
		switch {
		case !ok:
			return damagedBackup("%s is missing", name)
		case g.size != w.size:
			return damagedBackup("%s has %d bytes, not %d", name, g.size, w.size)
		case g.sum != w.sum:
			return damagedBackup("%s has another checksum than when it was made", name)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			return damagedBackup("%s is not in its list", name)
		}
	}
	return nil
}

// RestoreBackup makes a store of a backup, which is only read: the directory of the store must be empty or not be there. Every file is
// checked on its way; nothing is left of a backup that is damaged (*DamagedBackup).
func RestoreBackup(backup, dir string, opts Options) (err error) {
	files := opts.withDefaults().FS
	want, err := readList(files, backup)
	if err != nil {
		return err
	}
	t, err := newTarget(files, dir)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			t.undo()
		}
	}()
	if err := t.subdirectory(dbDir); err != nil {
		return err
	}
	names := make([]string, 0, len(want))
	for name := range want {
		names = append(names, name)
	}
	slices.Sort(names)
	got := map[string]listed{}
	// FORMAT comes last: without it the directory is no store.
	names = append(slices.DeleteFunc(names, func(n string) bool { return n == formatFile }), formatFile)
	for _, name := range names {
		if name == formatFile {
			if err := t.sync(dbDir); err != nil {
				return err
			}
		}
		if got[name], err = t.copy(files.PathJoin(append([]string{backup, backupFiles}, strings.Split(name, "/")...)...), name); err != nil {
			return err
		}
		if err := compare(map[string]listed{name: want[name]}, map[string]listed{name: got[name]}); err != nil {
			return err
		}
	}
	return t.sync(dbDir)
}

func (t *target) copy(from, name string) (listed, error) {
	f, err := t.fs.Open(from)
	if errors.Is(err, fs.ErrNotExist) {
		return listed{}, damagedBackup("%s is missing", name)
	}
	if err != nil {
		return listed{}, err
	}
	got, err := t.write(name, f)
	return got, errors.Join(err, f.Close())
}

func readList(files vfs.FS, backup string) (map[string]listed, error) {
	path := files.PathJoin(backup, backupList)
	f, err := files.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("directory %s holds no hubcap backup: there is no %s in it", backup, path)
	}
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxList))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return parseList(text)
}
