package embedded

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hubcap/internal/store"
)

// space watches how much of the disk is free. Below the minimum writes are refused, so that the database never meets a full disk
// in the middle of a commit, which it would not survive. Should others fill the disk up all the same, the ballast is given up.
type space struct {
	fs      vfs.FS
	dir     string
	minimum uint64
	ballast int64
	clock   func() time.Time
	log     *slog.Logger

	free    atomic.Uint64 // bytes, as last looked at
	low     atomic.Bool
	mu      sync.Mutex // of the look
	looked  time.Time
	hasFile bool
	quit    chan struct{}
	done    sync.WaitGroup
}

// lookEvery is how old an answer about the free space may be: what a disk can write in that time is far less than the minimum.
const lookEvery = 250 * time.Millisecond

func watchSpace(o *Options, dir string) *space {
	s := &space{
		fs: o.FS, dir: dir, minimum: o.MinFree, ballast: o.Ballast, clock: o.Clock, log: o.Logger, quit: make(chan struct{}),
	}
	if _, err := s.fs.Stat(s.path()); err == nil {
		s.hasFile = true
	}
	s.look()
	s.done.Go(func() {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				s.look()
			case <-s.quit:
				return
			}
		}
	})
	return s
}

func (s *space) stop() {
	close(s.quit)
	s.done.Wait()
}

func (s *space) path() string { return s.fs.PathJoin(s.dir, ballastFile) }

// check tells whether there is room to write.
func (s *space) check() error {
	if !s.low.Load() {
		return nil
	}
	s.look()
	if !s.low.Load() {
		return nil
	}
	return fmt.Errorf("%w: %d MB free in %s", store.ErrNearlyFull, s.free.Load()>>20, s.dir)
}

// look asks the file system, unless it did so a moment ago.
func (s *space) look() {
	s.mu.Lock()
	recent := !s.looked.IsZero() && s.clock().Sub(s.looked) < lookEvery/2
	s.mu.Unlock()
	if !recent {
		s.lookNow()
	}
}

func (s *space) lookNow() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looked = s.clock()
	usage, err := s.fs.GetDiskUsage(s.dir)
	if errors.Is(err, vfs.ErrUnsupported) { // memory
		return
	}
	if err != nil {
		s.log.Error("store: cannot tell the free space", slog.String("dir", s.dir), slog.Any("error", err))
		return
	}
	s.free.Store(usage.AvailBytes)
	low := usage.AvailBytes < s.minimum
	if s.low.Swap(low) != low {
		if low {
			s.log.Error("store: nearly full, writes are refused",
				slog.String("dir", s.dir), slog.Uint64("free_bytes", usage.AvailBytes))
		} else {
			s.log.Info("store: room again, writes are taken",
				slog.String("dir", s.dir), slog.Uint64("free_bytes", usage.AvailBytes))
		}
	}
	s.tendBallast(usage.AvailBytes)
}

// tendBallast keeps the ballast while there is room for it, and gives it up when flushes and compactions may soon have none.
func (s *space) tendBallast(free uint64) {
	switch {
	case s.hasFile && free < uint64(s.ballast)/2: //nolint:gosec // a size
		s.hasFile = false
		if err := s.fs.Remove(s.path()); err != nil {
			s.log.Error("store: cannot remove the ballast", slog.Any("error", err))
		}
	case !s.hasFile && s.ballast > 0 && free > s.minimum+2*uint64(s.ballast):
		s.hasFile = true
		if err := s.makeBallast(); err != nil {
			s.log.Error("store: cannot make the ballast", slog.Any("error", err))
		}
	}
}

// roomToOpen refuses a disk on which the database cannot write out what its log holds: it would try for ever. The ballast is given
// up before that.
func roomToOpen(o *Options, dir string) error {
	for _, ballast := range [...]bool{true, false} {
		usage, err := o.FS.GetDiskUsage(dir)
		if err != nil || usage.AvailBytes >= o.MemTableSize { // what cannot be told is told by the watch
			return nil //nolint:nilerr // memory has no usage
		}
		if ballast && o.FS.Remove(o.FS.PathJoin(dir, ballastFile)) == nil {
			continue
		}
		return fmt.Errorf("directory %s: the disk is full: %d KB free, %d KB are needed to open the store; make room and start again",
			dir, usage.AvailBytes>>10, o.MemTableSize>>10)
	}
	return nil
}

func (s *space) makeBallast() error {
	f, err := s.fs.Create(s.path(), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	err = f.Preallocate(0, s.ballast)
	return errors.Join(err, f.Sync(), f.Close())
}
