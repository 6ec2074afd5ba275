package embedded

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"hubcap/internal/asff"
	"hubcap/internal/query"
	"hubcap/internal/query/querytest"
	"hubcap/internal/store"
)

// pair is two findings that one writer changes together: number n, and a record of history each.
type pair struct {
	keys [2]store.Key
	name string
}

func newPair(w int) *pair {
	p := &pair{name: fmt.Sprint("w", w)}
	for i := range p.keys {
		p.keys[i] = store.Key{
			Account: querytest.Account, Region: querytest.Region, ProductArn: querytest.ProductArn, ID: fmt.Sprint(p.name, "-", i),
		}
	}
	return p
}

// filler makes documents large enough that logs and tables turn over.
func filler(n int) string {
	rng := rand.New(rand.NewPCG(uint64(n), 3))
	b := make([]byte, 900)
	for i := range b {
		b[i] = byte('a' + rng.IntN(26))
	}
	return string(b)
}

func (p *pair) doc(i, n int) ([]byte, error) {
	d, err := querytest.NewDoc(p.keys[i].ID, fmt.Sprintf(`{"Title":"%s n%d","Description":%q}`, p.name, n, filler(n)))
	return d.JSON, err
}

// write stores number n and the account's count with it.
func (p *pair) write(s store.Store, n int) error {
	errs, err := s.Update(context.Background(), p.keys[:], func(i int, old *store.Doc, _ store.StateView) (store.Change, error) {
		doc, err := p.doc(i, n)
		return store.Change{
			JSON: doc, Customer: asff.Attrs(n % 32),
			History: []store.HistoryRecord{{Time: time.UnixMilli(int64(n)).UTC(), Source: "s", Identity: p.name}},
		}, err
	})
	return errors.Join(append(errs, err)...)
}

func (p *pair) writeState(s store.Store, n int) error {
	return s.State(context.Background(), []string{p.name}, func(tx store.StateTx) error {
		tx.Put(p.name, "n", binary.BigEndian.AppendUint64(nil, uint64(n)))
		return nil
	})
}

// verify tells which number is stored, after holding everything that is kept of the pair against it.
func (p *pair) verify(t *testing.T, s *Store) (n int) {
	t.Helper()
	ctx := context.Background()
	var docs [2]*store.Doc
	for i, k := range p.keys {
		_, err := s.Get(ctx, k, func(d *store.Doc) error {
			docs[i] = &store.Doc{JSON: append([]byte{}, d.JSON...), Customer: d.Customer}
			return nil
		})
		require.NoError(t, err)
	}
	require.Equal(t, docs[0] == nil, docs[1] == nil, "%s: half a call was kept", p.name)
	if docs[0] == nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(docs[0].JSON), `"Title":"`+p.name+" n")
	text, _, _ := strings.Cut(rest, `"`)
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	for i, d := range docs {
		want, err := p.doc(i, n)
		require.NoError(t, err)
		require.Equal(t, string(want), string(d.JSON))
		require.Equal(t, asff.Attrs(n%32), d.Customer)
		list, err := s.History(ctx, store.HistoryQuery{Key: p.keys[i]})
		require.NoError(t, err)
		require.Len(t, list, n)
		require.Equal(t, int64(n), list[0].Time.UnixMilli())
	}
	found := 0
	next, err := s.Find(ctx, store.Scope{}, &query.Find{
		Where: query.Expr{Op: query.Is, Cond: query.Cond{Field: asff.FieldTitle, Cmp: query.Prefix, Text: p.name + " "}}, Limit: 5,
	}, func(d *store.Doc) error {
		found++
		require.Contains(t, string(d.JSON), fmt.Sprintf(`"Title":"%s n%d"`, p.name, n))
		return nil
	})
	require.NoError(t, err)
	require.Nil(t, next)
	require.Equal(t, 2, found, "the index knows what the database holds")
	return n
}

func (p *pair) stateNumber(s *Store) int {
	v, ok := s.state.now.Load().Get(p.name, "n")
	if !ok {
		return 0
	}
	return int(binary.BigEndian.Uint64(v))
}

// The power goes at random moments, with a random part of what was not synced on the disk. What was acknowledged before is there,
// nothing is half there, and the store that comes up can be written to, and lose power again.
func TestPowerLoss(t *testing.T) {
	const writers, crashes = 4, 12
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	files := vfs.NewCrashableMem()
	opts := small
	opts.MemTableSize = 256 << 10 // flushes and compactions take part
	pairs := make([]*pair, writers)
	for w := range pairs {
		pairs[w] = newPair(w)
	}
	numbers, states := make([]int, writers), make([]int, writers) // as acknowledged, or found after a crash
	most := make([]int, writers)                                  // as begun
	for range crashes {
		opts.FS = files
		s, err := Open("store", opts)
		require.NoError(t, err)
		for w, p := range pairs {
			got := p.verify(t, s)
			require.GreaterOrEqual(t, got, numbers[w], "an acknowledged write of %s is lost", p.name)
			require.LessOrEqual(t, got, most[w])
			numbers[w] = got
			require.GreaterOrEqual(t, p.stateNumber(s), states[w])
			states[w] = p.stateNumber(s)
		}
		files = loadThenCrash(t, s, files, pairs, numbers, states, most, rng)
		require.NoError(t, s.Close()) // the old disk goes on without us
	}
}

// loadThenCrash lets the writers run and takes a picture of the disk as a power loss would leave it. numbers and states become what
// was acknowledged before the picture, most what was begun.
func loadThenCrash(t *testing.T, s *Store, files *vfs.MemFS, pairs []*pair, numbers, states, most []int, rng *rand.Rand) *vfs.MemFS {
	t.Helper()
	var stop atomic.Bool
	var wg sync.WaitGroup
	acked, ackedState := make([]atomic.Int64, len(pairs)), make([]atomic.Int64, len(pairs))
	var written atomic.Int64
	enough := int64(20 + rng.IntN(200))
	reached := make(chan struct{})
	var once sync.Once
	for w, p := range pairs {
		acked[w].Store(int64(numbers[w]))
		ackedState[w].Store(int64(states[w]))
		wg.Go(func() {
			for n := numbers[w] + 1; !stop.Load(); n++ {
				if err := errors.Join(p.write(s, n), p.writeState(s, n)); err != nil {
					t.Errorf("write: %v", err)
					break
				}
				acked[w].Store(int64(n))
				ackedState[w].Store(int64(n))
				if written.Add(1) == enough {
					once.Do(func() { close(reached) })
				}
			}
			once.Do(func() { close(reached) }) // after an error
		})
	}
	<-reached
	for w := range pairs {
		numbers[w], states[w] = int(acked[w].Load()), int(ackedState[w].Load())
	}
	crashed := files.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rand.New(rand.NewPCG(rng.Uint64(), 1))})
	for w := range pairs {
		most[w] = int(acked[w].Load()) + 1
	}
	stop.Store(true)
	wg.Wait()
	return crashed
}

// The rest needs processes of their own: the test binary runs itself, with the role in its environment.
const roleVariable = "HUBCAP_STORE_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "":
		os.Exit(m.Run())
	case "write":
		childWrites()
	case "open":
		childOpens()
	case "load":
		childLoads()
	case "broken-log":
		childMeetsBrokenLog()
	}
}

func child(t *testing.T, role, dir string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], dir)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	return cmd
}

const childWriters = 3

// killedOften makes many small files of the checkpoint.
func killedOften() Options {
	opts := small
	opts.journalSize = 1 << 10
	return opts
}

// childWrites writes for ever and prints each number once it is acknowledged.
func childWrites() {
	s, err := Open(os.Args[1], killedOften())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go func() { // bases are written all the time, and mostly in vain
		for {
			s.checkpoint.work.Lock()
			err := s.checkpoint.rebase()
			s.checkpoint.work.Unlock()
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
	}()
	var mu sync.Mutex
	for w := range childWriters {
		go func() {
			p := newPair(w)
			for n := start(s, p) + 1; ; n++ {
				if err := p.write(s, n); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				mu.Lock()
				fmt.Fprintln(os.Stdout, w, n)
				mu.Unlock()
			}
		}()
	}
	select {}
}

// start is the number that a pair has: its records of history tell.
func start(s *Store, p *pair) int {
	list, err := s.History(context.Background(), store.HistoryQuery{Key: p.keys[0]})
	if err != nil {
		panic(err)
	}
	return len(list)
}

// kill -9 of the real process, among writes, journals and bases: what it acknowledged is there, word for word, nothing is half there,
// and the doctor finds nothing wrong.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	last := make([]int, childWriters)
	for round := range rounds(3) {
		cmd := child(t, "write", dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for i := 0; lines.Scan(); i++ {
			if i == 60+37*(round%10) {
				require.NoError(t, cmd.Process.Kill())
			}
			// What it said before it died counts, also when we read it afterwards.
			var w, n int
			if _, err := fmt.Sscan(lines.Text(), &w, &n); err == nil {
				last[w] = n
			}
		}
		require.Error(t, cmd.Wait(), "killed")
		found, err := Examine(t.Context(), dir, ExamineOptions{Options: killedOften()})
		require.NoError(t, err)
		require.Empty(t, found.Problems)
		s, err := Open(dir, killedOften())
		require.NoError(t, err)
		for w := range childWriters {
			got := newPair(w).verify(t, s)
			require.GreaterOrEqual(t, got, last[w], "an acknowledged write is lost")
			require.LessOrEqual(t, got, last[w]+1)
		}
		require.NoError(t, s.Close())
	}
	require.Positive(t, last[0]+last[1]+last[2])
}

func childOpens() {
	if _, err := Open(os.Args[1], small); err != nil {
		fmt.Fprintln(os.Stdout, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func TestSecondProcess(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, small)
	require.NoError(t, err)
	_, err = Open(dir, small)
	require.EqualError(t, err, "directory "+dir+" is in use by another hubcap process (or twice by this one): stop that one first")
	out, err := child(t, "open", dir).Output()
	require.Error(t, err)
	require.Contains(t, string(out), "directory "+dir+" is in use by another hubcap process")
	require.NoError(t, s.Close())
	out, err = child(t, "open", dir).Output()
	require.NoError(t, err, "%s", out)
}

// childMeetsBrokenLog writes to a disk whose log cannot be written any more.
func childMeetsBrokenLog() {
	var broken errorfs.Toggle
	broken.Injector = errorfs.InjectorFunc(func(op errorfs.Op) error {
		if strings.HasSuffix(op.Path, ".log") && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			return errors.New("the disk is gone")
		}
		return nil
	})
	opts := small
	opts.FS = errorfs.Wrap(vfs.Default, &broken)
	opts.Logger = slog.New(slog.NewTextHandler(os.Stdout, nil))
	s, err := Open(os.Args[1], opts)
	if err != nil {
		fmt.Fprintln(os.Stdout, err)
		os.Exit(1)
	}
	p := newPair(0)
	if err := p.write(s, 1); err != nil {
		fmt.Fprintln(os.Stdout, err)
		os.Exit(1)
	}
	broken.On()
	err = p.write(s, 2)
	fmt.Fprintln(os.Stdout, "answered", err)
	os.Exit(1)
}

func TestBrokenLog(t *testing.T) {
	dir := t.TempDir()
	out, err := child(t, "broken-log", dir).Output()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, "%s", out)
	require.Equal(t, 3, exit.ExitCode(), "%s", out)
	require.NotContains(t, string(out), "answered")
	require.Equal(t, 1, strings.Count(string(out), "cannot write"), "%s", out)
	s, err := Open(dir, small)
	require.NoError(t, err)
	require.GreaterOrEqual(t, newPair(0).verify(t, s), 1, "the next start recovers")
	require.NoError(t, s.Close())
}

// disk is a disk whose free space the test decides.
type disk struct {
	vfs.FS
	free atomic.Uint64
}

func (d *disk) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: d.free.Load(), TotalBytes: 1 << 40}, nil
}

func TestNearlyFull(t *testing.T) {
	d := &disk{FS: vfs.Default}
	d.free.Store(10 << 30)
	opts := small
	opts.FS, opts.MinFree, opts.Ballast = d, 512<<20, 1<<20
	opts.Logger = slog.New(slog.DiscardHandler)
	dir := t.TempDir()
	s, err := Open(dir, opts)
	require.NoError(t, err)
	ballast := s.space.path()
	info, err := os.Stat(ballast)
	require.NoError(t, err)
	require.NotNil(t, info)
	p := newPair(0)
	require.NoError(t, errors.Join(p.write(s, 1), p.writeState(s, 1)))

	d.free.Store(300 << 20)
	s.space.lookNow()
	for _, err := range []error{p.write(s, 2), p.writeState(s, 2)} {
		require.ErrorIs(t, err, store.ErrNearlyFull)
		require.ErrorContains(t, err, "store is nearly full: 300 MB free in "+dir)
	}
	require.Equal(t, 1, p.verify(t, s), "reads go on")
	require.Equal(t, 1, p.stateNumber(s))
	require.FileExists(t, ballast)

	d.free.Store(100 << 10)
	s.space.lookNow()
	require.NoFileExists(t, ballast, "given up for work under way")
	require.ErrorIs(t, p.write(s, 2), store.ErrNearlyFull)

	d.free.Store(10 << 30)
	s.space.lookNow()
	require.FileExists(t, ballast)
	require.NoError(t, errors.Join(p.write(s, 2), p.writeState(s, 2)), "writes return by themselves")
	require.Equal(t, 2, p.verify(t, s))
	require.NoError(t, s.Close())
}

// A disk without room to open the store is told, not tried for ever; the ballast is given up first, and nothing is lost.
func TestFullAtOpen(t *testing.T) {
	d := &disk{FS: vfs.Default}
	d.free.Store(10 << 30)
	opts := small
	opts.FS, opts.MinFree, opts.Ballast = d, 512<<20, 1<<20
	opts.Logger = slog.New(slog.DiscardHandler)
	dir := t.TempDir()
	s, err := Open(dir, opts)
	require.NoError(t, err)
	p := newPair(0)
	require.NoError(t, p.write(s, 1))
	ballast := s.space.path()
	require.NoError(t, s.Close())
	require.FileExists(t, ballast)

	d.free.Store(100 << 10)
	for range 2 { // the lock is given back
		_, err = Open(dir, opts)
		require.ErrorContains(t, err, "directory "+dir+": the disk is full: 100 KB free, 1024 KB are needed to open the store")
	}
	require.NoFileExists(t, ballast)

	d.free.Store(300 << 20)
	s, err = Open(dir, opts)
	require.NoError(t, err)
	require.Equal(t, 1, p.verify(t, s), "nearly full: it can be read")
	require.ErrorIs(t, p.write(s, 2), store.ErrNearlyFull)
	require.NoError(t, s.Close())
}
