package embedded

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"hubcap/internal/store"
)

// tree is every file below a directory with what it holds.
func tree(t testing.TB, files vfs.FS, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	names, err := files.List(dir)
	require.NoError(t, err)
	for _, name := range names {
		path := files.PathJoin(dir, name)
		info, err := files.Stat(path)
		require.NoError(t, err)
		if info.IsDir() {
			for k, v := range tree(t, files, path) {
				out[name+"/"+k] = v
			}
			continue
		}
		f, err := files.Open(path)
		require.NoError(t, err)
		b, err := io.ReadAll(f)
		require.NoError(t, errors.Join(err, f.Close()))
		out[name] = string(b)
	}
	return out
}

// A backup that is made while four writers write is of one instant: pairs are whole, what was acknowledged before is there, and what
// began afterwards is not. On the disk, where files are linked, and in memory.
func TestBackup(t *testing.T) {
	const writers = 4
	for name, place := range map[string]func(t *testing.T) (vfs.FS, string){
		"disk":   func(t *testing.T) (vfs.FS, string) { return vfs.Default, t.TempDir() },
		"memory": func(*testing.T) (vfs.FS, string) { return NewMemory(), "root" },
	} {
		t.Run(name, func(t *testing.T) {
			files, root := place(t)
			opts := small
			opts.FS, opts.MemTableSize = files, 256<<10
			s, err := Open(files.PathJoin(root, "store"), opts)
			require.NoError(t, err)
			var stop atomic.Bool
			var wg sync.WaitGroup
			var acked [writers]atomic.Int64
			begun := make(chan struct{}, writers)
			for w := range writers {
				wg.Go(func() {
					p := newPair(w)
					for n := 1; !stop.Load(); n++ {
						if err := errors.Join(p.write(s, n), p.writeState(s, n)); err != nil {
							t.Errorf("write: %v", err)
							break
						}
						acked[w].Store(int64(n))
						if n == 30 {
							begun <- struct{}{}
						}
					}
				})
			}
			for range writers {
				<-begun
			}
			require.NoError(t, s.PutChunk(context.Background(), "job/1", 3, []byte("spooled")))
			for round := range 3 {
				var least, most [writers]int
				for w := range writers {
					least[w] = int(acked[w].Load())
				}
				var stream bytes.Buffer
				require.NoError(t, s.Backup(context.Background(), &stream))
				for w := range writers {
					most[w] = int(acked[w].Load()) + 1
				}
				dir, restored := files.PathJoin(root, fmt.Sprint("backup", round)), files.PathJoin(root, fmt.Sprint("restored", round))
				require.NoError(t, UnpackBackup(&stream, dir, opts))
				before := tree(t, files, dir)
				require.NoError(t, RestoreBackup(dir, restored, opts))
				back, err := Open(restored, opts)
				require.NoError(t, err)
				for w := range writers {
					p := newPair(w)
					n := p.verify(t, back)
					require.GreaterOrEqual(t, n, least[w])
					require.LessOrEqual(t, n, most[w])
					require.LessOrEqual(t, p.stateNumber(back), n)
					require.GreaterOrEqual(t, p.stateNumber(back), n-1)
					require.NoError(t, p.write(back, n+1), "it can be worked with")
				}
				piece, ok, err := back.Chunk(context.Background(), "job/1", 3)
				require.NoError(t, err)
				require.True(t, ok)
				require.Equal(t, "spooled", string(piece))
				require.NoError(t, back.Close())
				require.Equal(t, before, tree(t, files, dir), "the backup is only read")
			}
			stop.Store(true)
			wg.Wait()
			names, err := files.List(files.PathJoin(root, "store"))
			require.NoError(t, err)
			for _, n := range names {
				require.NotContains(t, n, backupPrefix)
			}
			require.NoError(t, s.Close())

			// The same without a server.
			require.NoError(t, BackupDirectory(t.Context(), files.PathJoin(root, "store"), files.PathJoin(root, "offline"), opts))
			require.NoError(t, RestoreBackup(files.PathJoin(root, "offline"), files.PathJoin(root, "again"), opts))
			back, err := Open(files.PathJoin(root, "again"), opts)
			require.NoError(t, err)
			for w := range writers {
				require.Equal(t, int(acked[w].Load()), newPair(w).verify(t, back))
			}
			require.NoError(t, back.Close())
		})
	}
}

// smallBackup is the stream of a store with one pair, and the options it was made with.
func smallBackup(t testing.TB) ([]byte, Options) {
	t.Helper()
	opts := small
	opts.FS, opts.MemTableSize = NewMemory(), 64<<10
	s, err := Open("store", opts)
	require.NoError(t, err)
	require.NoError(t, newPair(0).write(s, 1))
	var stream bytes.Buffer
	require.NoError(t, s.Backup(context.Background(), &stream))
	require.NoError(t, s.Close())
	return stream.Bytes(), opts
}

// gone tells that nothing is left of a directory but itself.
func gone(t testing.TB, files vfs.FS, dir string) {
	t.Helper()
	names, err := files.List(dir)
	require.NoError(t, err)
	require.Empty(t, names)
}

func TestBackupBrokenOff(t *testing.T) {
	stream, opts := smallBackup(t)
	rng := rand.New(rand.NewPCG(1, 2))
	end := bytes.Index(stream, []byte(backupLine))
	cuts := []int{0, 1, 511, 512, 513, end - 512, end, end + 10, end + bytes.IndexByte(stream[end:], 0) - 1}
	for range 40 {
		cuts = append(cuts, rng.IntN(end))
	}
	for i, cut := range cuts {
		dir := fmt.Sprint("cut", i)
		err := UnpackBackup(bytes.NewReader(stream[:cut]), dir, opts)
		require.ErrorAs(t, err, new(*DamagedBackup), "cut at %d of %d", cut, len(stream))
		gone(t, opts.FS, dir)
	}
	// An error of the connection comes through as it is.
	lost := errors.New("connection lost")
	err := UnpackBackup(io.MultiReader(bytes.NewReader(stream[:end/2]), &failing{lost}), "lost", opts)
	require.ErrorIs(t, err, lost)
	gone(t, opts.FS, "lost")
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

// A byte that changed is noticed, wherever it is: in the stream, and in the files on their way back.
func TestBackupDamaged(t *testing.T) {
	stream, opts := smallBackup(t)
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range 150 {
		bad := bytes.Clone(stream)
		at := rng.IntN(len(bad))
		bad[at] ^= byte(1 + rng.IntN(255))
		dir := fmt.Sprint("bad", i)
		if err := UnpackBackup(bytes.NewReader(bad), dir, opts); err != nil {
			gone(t, opts.FS, dir)
			continue
		}
		// What a tar says beside names and bytes (owners, times, padding) means nothing.
		require.Equal(t, goodTree(t, stream, opts), tree(t, opts.FS, dir), "byte %d", at)
	}
	good := goodTree(t, stream, opts)
	for name, text := range good {
		for _, at := range []int{0, len(text) / 2, len(text) - 1} {
			if len(text) == 0 {
				continue
			}
			bad := []byte(text)
			bad[at] ^= 0x20
			put(t, opts.FS, "good/"+name, string(bad))
			err := RestoreBackup("good", "restored", opts)
			require.Error(t, err, "%s at %d", name, at)
			if _, e := opts.FS.Stat("restored"); e == nil {
				gone(t, opts.FS, "restored")
			}
		}
		require.NoError(t, opts.FS.Remove("good/"+name))
		require.Error(t, RestoreBackup("good", "restored", opts), "%s is missing", name)
		put(t, opts.FS, "good/"+name, text+"more")
		require.Error(t, RestoreBackup("good", "restored", opts), "%s is longer", name)
		put(t, opts.FS, "good/"+name, text)
	}
	require.NoError(t, RestoreBackup("good", "restored", opts))
}

func goodTree(t testing.TB, stream []byte, opts Options) map[string]string {
	t.Helper()
	if _, err := opts.FS.Stat("good"); err != nil {
		require.NoError(t, UnpackBackup(bytes.NewReader(stream), "good", opts))
	}
	return tree(t, opts.FS, "good")
}

func put(t testing.TB, files vfs.FS, path, text string) {
	t.Helper()
	f, err := files.Create(path, vfs.WriteCategoryUnspecified)
	require.NoError(t, err)
	_, err = io.WriteString(f, text)
	require.NoError(t, errors.Join(err, f.Close()))
}

// A stream that wants to write anywhere else is refused before it writes anything there.
func TestBackupStaysInItsDirectory(t *testing.T) {
	root := t.TempDir()
	for i, h := range []tar.Header{
		{Typeflag: tar.TypeReg, Name: "../out"},
		{Typeflag: tar.TypeReg, Name: "/out"},
		{Typeflag: tar.TypeReg, Name: "db/../../out"},
		{Typeflag: tar.TypeReg, Name: "db/.."},
		{Typeflag: tar.TypeReg, Name: "db/."},
		{Typeflag: tar.TypeReg, Name: "db/"},
		{Typeflag: tar.TypeReg, Name: "db/a/b"},
		{Typeflag: tar.TypeReg, Name: "db/a\\b"},
		{Typeflag: tar.TypeReg, Name: "db/a\x00b"},
		{Typeflag: tar.TypeReg, Name: "LOCK"},
		{Typeflag: tar.TypeReg, Name: "files/FORMAT"},
		{Typeflag: tar.TypeReg, Name: ""},
		{Typeflag: tar.TypeSymlink, Name: "db/link", Linkname: "/etc"},
		{Typeflag: tar.TypeLink, Name: "db/link", Linkname: "/etc/passwd"},
		{Typeflag: tar.TypeDir, Name: "db/dir"},
		{Typeflag: tar.TypeFifo, Name: "db/fifo"},
	} {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		if err := w.WriteHeader(&h); err != nil { // what a tar cannot say, it cannot ask for
			continue
		}
		require.NoError(t, w.Close())
		dir := filepath.Join(root, strconv.Itoa(i), "inner")
		require.ErrorAs(t, UnpackBackup(&b, dir, Options{}), new(*DamagedBackup), "%q", h.Name)
		entries, err := os.ReadDir(filepath.Dir(dir))
		require.NoError(t, err)
		require.Len(t, entries, 1, "%q", h.Name)
		gone(t, vfs.Default, dir)
	}
}

func TestBackupTargets(t *testing.T) {
	stream, opts := smallBackup(t)
	opts.FS = vfs.Default
	root := t.TempDir()
	full, file := filepath.Join(root, "full"), filepath.Join(root, "file")
	require.NoError(t, os.Mkdir(full, 0o700))
	put(t, opts.FS, filepath.Join(full, "mine"), "precious")
	put(t, opts.FS, file, "precious")
	good := filepath.Join(root, "good")
	require.NoError(t, UnpackBackup(bytes.NewReader(stream), good, opts))
	for _, dir := range []string{full, good} {
		require.ErrorContains(t, UnpackBackup(bytes.NewReader(stream), dir, opts), "directory "+dir+" is not empty")
		require.ErrorContains(t, RestoreBackup(good, dir, opts), "directory "+dir+" is not empty")
	}
	require.ErrorContains(t, UnpackBackup(bytes.NewReader(stream), file, opts), "is not a directory")
	require.ErrorContains(t, RestoreBackup(good, file, opts), "is not a directory")
	require.ErrorContains(t, RestoreBackup(full, filepath.Join(root, "new"), opts), "directory "+full+" holds no hubcap backup")
	require.NoDirExists(t, filepath.Join(root, "new"))
	require.ErrorContains(t, BackupDirectory(t.Context(), full, filepath.Join(root, "new"), opts), "holds no hubcap store")
	require.Equal(t, map[string]string{"mine": "precious"}, tree(t, opts.FS, full))

	// A store that is served says so; a backup is no store.
	dir := filepath.Join(root, "store")
	require.NoError(t, RestoreBackup(good, dir, opts))
	s, err := Open(dir, opts)
	require.NoError(t, err)
	require.ErrorContains(t, BackupDirectory(t.Context(), dir, filepath.Join(root, "new"), opts), "is in use by another hubcap process")
	require.NoError(t, s.Close())
	_, err = Open(good, opts)
	require.ErrorContains(t, err, "is no hubcap store, and not empty")

	// One that is of a later format is told apart from a damaged one.
	list, err := os.ReadFile(filepath.Join(good, backupList))
	require.NoError(t, err)
	put(t, opts.FS, filepath.Join(good, backupList), strings.Replace(string(list), "format 1", "format 2", 1))
	require.ErrorContains(t, RestoreBackup(good, filepath.Join(root, "later"), opts), "use the version that made it")
}

// A backup that nobody wants any more ends, and leaves nothing in the store.
func TestBackupCancelled(t *testing.T) {
	opts := small
	opts.FS = NewMemory()
	s, err := Open("store", opts)
	require.NoError(t, err)
	require.NoError(t, newPair(0).write(s, 1))
	ctx, cancel := context.WithCancel(context.Background())
	err = s.Backup(ctx, writerFunc(func(p []byte) (int, error) {
		cancel()
		return len(p), nil
	}))
	require.ErrorIs(t, err, context.Canceled)
	broken := errors.New("the client went away")
	require.ErrorIs(t, s.Backup(context.Background(), writerFunc(func([]byte) (int, error) { return 0, broken })), broken)
	names, err := opts.FS.List("store")
	require.NoError(t, err)
	for _, n := range names {
		require.NotContains(t, n, backupPrefix)
	}
	require.NoError(t, s.Close())
	require.ErrorIs(t, s.Backup(context.Background(), io.Discard), store.ErrClosed)

	// One that was killed leaves its links behind; the next start takes them away.
	require.NoError(t, opts.FS.MkdirAll("store/backup-7/db", 0o700))
	put(t, opts.FS, "store/backup-7/db/000001.sst", "x")
	s, err = Open("store", opts)
	require.NoError(t, err)
	_, err = opts.FS.Stat("store/backup-7")
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, s.Close())
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func FuzzUnpackBackup(f *testing.F) {
	stream, _ := smallBackup(f)
	f.Add(stream)
	f.Add(stream[:len(stream)/2])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		opts := small
		opts.FS = NewMemory()
		if UnpackBackup(bytes.NewReader(b), "root/backup", opts) != nil {
			gone(t, opts.FS, "root/backup")
		}
		names, err := opts.FS.List("root")
		require.NoError(t, err)
		require.Equal(t, []string{"backup"}, names)
	})
}

func FuzzParseList(f *testing.F) {
	f.Add([]byte(backupLine + "\n" + strings.Repeat("0", 64) + " 5 FORMAT\n" + strings.Repeat("a", 64) + " 12 db/000004.sst\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		files, err := parseList(b)
		if err != nil {
			return
		}
		for name := range files {
			require.True(t, backupName(name))
		}
		require.Contains(t, files, formatFile)
	})
}
