package embedded

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"
)

func TestRefusedDirectories(t *testing.T) {
	readOnly := errorfs.Wrap(vfs.Default, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && op.Kind != errorfs.OpMkdirAll {
			return &os.PathError{Op: "open", Path: op.Path, Err: syscall.EROFS}
		}
		return nil
	}))
	for _, c := range []struct {
		name    string
		prepare func(dir string) (string, error)
		fs      vfs.FS
		want    string
	}{
		{"a file", func(dir string) (string, error) {
			f := filepath.Join(dir, "file")
			return f, os.WriteFile(f, nil, 0o600)
		}, nil, "cannot make directory DIR"},
		{"below a file", func(dir string) (string, error) {
			f := filepath.Join(dir, "file")
			return filepath.Join(f, "store"), os.WriteFile(f, nil, 0o600)
		}, nil, "cannot make directory DIR"},
		{"read-only", func(dir string) (string, error) { return dir, nil }, readOnly, "cannot write to directory DIR"},
		{"something else", func(dir string) (string, error) {
			return dir, os.WriteFile(filepath.Join(dir, "letter.txt"), nil, 0o600)
		}, nil, `directory DIR holds "letter.txt" but no FORMAT: it is no hubcap store, and not empty`},
		{"a newer format", func(dir string) (string, error) {
			return dir, os.WriteFile(filepath.Join(dir, "FORMAT"), []byte("hubcap embedded store, format 3\n"), 0o600)
		}, nil, `directory DIR has format "3", this hubcap knows only format "2"`},
		{"an older format", func(dir string) (string, error) {
			return dir, os.WriteFile(filepath.Join(dir, "FORMAT"), []byte("hubcap embedded store, format 1\n"), 0o600)
		}, nil, `directory DIR has format "1", this hubcap knows only format "2": use the version that wrote it`},
		{"another FORMAT", func(dir string) (string, error) {
			return dir, os.WriteFile(filepath.Join(dir, "FORMAT"), []byte("MP3"), 0o600)
		}, nil, "DIR/FORMAT is not the format file of a hubcap store"},
		{"an empty FORMAT", func(dir string) (string, error) {
			return dir, os.WriteFile(filepath.Join(dir, "FORMAT"), nil, 0o600)
		}, nil, "DIR/FORMAT is not the format file of a hubcap store"},
		{"a damaged database", func(dir string) (string, error) {
			s, err := Open(dir, small)
			if err != nil {
				return dir, err
			}
			if err := s.db.Set(metaKey("seed"), []byte("short"), nil); err != nil {
				return dir, err
			}
			return dir, s.Close()
		}, nil, "store in DIR: damaged record"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, err := c.prepare(t.TempDir())
			require.NoError(t, err)
			opts := small
			opts.FS = c.fs
			for range 2 { // the lock is given back
				_, err = Open(dir, opts)
				require.ErrorContains(t, err, replaceDir(c.want, dir))
			}
			_, err = os.Stat(filepath.Join(dir, "LOCK"))
			require.Equal(t, c.name == "a damaged database", err == nil, "a directory that is no store's is left as it was")
		})
	}
}

func replaceDir(want, dir string) string {
	const mark = "DIR"
	for i := 0; i+len(mark) <= len(want); i++ {
		if want[i:i+len(mark)] == mark {
			return want[:i] + dir + want[i+len(mark):]
		}
	}
	return want
}

// A fresh mount and a directory of which only the beginning was made are as good as empty.
func TestNearlyEmptyDirectory(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "lost+found"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "LOCK"), nil, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "FORMAT.new"), []byte("hub"), 0o600))
	for range 2 {
		s, err := Open(dir, small)
		require.NoError(t, err)
		require.NoError(t, s.Close())
	}
}
