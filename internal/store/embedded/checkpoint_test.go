package embedded

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"hubcap/internal/asff"
	"hubcap/internal/query/querytest"
	"hubcap/internal/store"
)

// picture is what an index says, in words that do not depend on how it came about: terms with their documents, documents with their
// columns, and the order. Documents are named by their numbers, which the database holds.
func picture(t testing.TB, s *Store) map[string]string {
	t.Helper()
	s.sweeper.work.Lock() // it works in the background
	defer s.sweeper.work.Unlock()
	x, d := s.index, s.dict
	out := map[string]string{}
	for id := uint32(1); id < d.next; id++ {
		if !d.known(id) {
			continue
		}
		tm := d.at(id)
		if tm.gone {
			continue
		}
		a := d.attrs[tm.attr]
		p := x.posting(id)
		docs := p.appendTo(nil)
		require.Equal(t, len(docs), p.count())
		name := fmt.Sprintf("term %d %q %q %v", a.field, a.key, tm.appendFolded(nil), tm.long)
		if len(docs) == 0 {
			continue // a sweep drops it, or has done so while a base was written
		}
		require.NotContains(t, out, name)
		out[name] = fmt.Sprint(docs)
		found, ok := d.find(tm.attr, tm.long, tm.appendFolded(nil))
		require.True(t, ok, name)
		require.Equal(t, id, found.id, name)
	}
	live := x.live.ToArray()
	out["live"] = fmt.Sprint(live)
	r := s.startReading()
	for _, doc := range live {
		seg, i := x.segment(doc)
		out[fmt.Sprint("document ", doc)] = fmt.Sprint(seg.ident[i], seg.version[i], seg.times[0][i], seg.times[1][i], seg.times[2][i], seg.times[3][i])
		found, there := x.find(&seg.ident[i])
		require.True(t, there)
		require.Equal(t, doc, found)
		ok, err := s.document(r, doc)
		require.NoError(t, err)
		require.True(t, ok)
		pair := s.pairHash(string(r.parts[2]), string(r.parts[3]))
		require.Equal(t, 1, occurrences(x.withPair(pair, nil), doc))
	}
	s.endReading(r)
	require.Equal(t, len(live), x.idents.used)
	require.Equal(t, len(live), x.pairs.used)
	var order []uint32
	x.order.scan(func(doc uint32) bool { order = append(order, doc); return true })
	out["order"] = fmt.Sprint(order)
	return out
}

func occurrences(list []uint32, v uint32) (n int) {
	for _, x := range list {
		if x == v {
			n++
		}
	}
	return n
}

// heard is a logger that remembers.
type heard struct {
	mu sync.Mutex
	b  strings.Builder
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.b.Write(p)
}

func (h *heard) take() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.b.String()
	h.b.Reset()
	return s
}

const (
	fromCheckpoint = "the index was read from its checkpoint"
	fromDocuments  = "the index was made of the documents"
	notUsed        = "the checkpoint of the index is not used"
)

// a checkpointed store in a directory of a file system, with small journals.
type checkpointed struct {
	t    testing.TB
	opts Options
	log  *heard
	s    *Store
}

func newCheckpointed(t testing.TB, files vfs.FS) *checkpointed {
	t.Helper()
	c := &checkpointed{t: t, opts: small, log: &heard{}}
	c.opts.journalSize = 2000
	c.opts.FS, c.opts.Logger = files, slog.New(slog.NewTextHandler(c.log, nil))
	c.open()
	return c
}

func (c *checkpointed) open() {
	c.t.Helper()
	s, err := Open("store", c.opts)
	require.NoError(c.t, err)
	c.s = s
}

func (c *checkpointed) close() {
	c.t.Helper()
	require.NoError(c.t, c.s.Close())
}

// rebuilt is the picture of the same store, made of the documents. Nobody may write meanwhile.
func (c *checkpointed) rebuilt() map[string]string {
	c.t.Helper()
	s := &Store{dir: c.s.dir, opts: c.s.opts, db: c.s.db, home: c.s.home, state: c.s.state, meta: c.s.meta, key: c.s.key, sweeper: new(sweeper)}
	s.readers.New = c.s.readers.New
	s.checkpoint = newCheckpoint(s)
	s.checkpoint.off = true
	s.emptyIndex()
	require.NoError(c.t, s.rebuild(nil))
	return picture(c.t, s)
}

// agree holds the index against the documents.
func (c *checkpointed) agree() {
	c.t.Helper()
	require.Equal(c.t, c.rebuilt(), picture(c.t, c.s))
}

// base writes a base now.
func (c *checkpointed) base() {
	c.t.Helper()
	k := c.s.checkpoint
	k.work.Lock()
	defer k.work.Unlock()
	require.NoError(c.t, k.rebase())
}

func (c *checkpointed) writeJournal() {
	c.t.Helper()
	k := c.s.checkpoint
	k.work.Lock()
	defer k.work.Unlock()
	require.NoError(c.t, k.flush())
}

// change makes n random changes: new findings, others, deletions.
func (c *checkpointed) change(rng *rand.Rand, n int) {
	c.t.Helper()
	for range n {
		require.NoError(c.t, randomChange(c.s, rng))
	}
}

func randomChange(s *Store, rng *rand.Rand) error {
	keys, docs := make([]store.Key, 1+rng.IntN(5)), make([][]byte, 6)
	for i := range keys {
		name := fmt.Sprint("f", rng.IntN(300))
		d, err := querytest.NewDoc(name, fmt.Sprintf(`{"Title":"title %d","Description":"%s","UpdatedAt":"2026-01-%02dT00:00:%02dZ","Types":["a/%d","b/%d"],"Resources":[{"Type":"t","Id":"r%d","Tags":{"k%d":"v%d"}}]}`,
			rng.IntN(20), strings.Repeat("x", 1+rng.IntN(90)), 1+rng.IntN(28), rng.IntN(60), rng.IntN(5), rng.IntN(7), rng.IntN(400), rng.IntN(10), rng.IntN(40)))
		if err != nil {
			return err
		}
		docs[i] = d.JSON
		keys[i] = store.Key{Account: querytest.Account, Region: querytest.Region, ProductArn: querytest.ProductArn, ID: name}
	}
	kind := rng.IntN(10)
	errs, err := s.Update(context.Background(), keys, func(i int, old *store.Doc, _ store.StateView) (store.Change, error) {
		switch {
		case kind < 2:
			return store.Change{Delete: true}, nil
		case kind == 2 && old != nil:
			return store.Change{Customer: asff.AttrTypes, History: []store.HistoryRecord{{Source: "s", Identity: "i"}}}, nil
		}
		return store.Change{JSON: docs[i]}, nil
	})
	return errors.Join(append(errs, err)...)
}

// kill takes the file system as a kill of the process leaves it: all that was written, but nothing of what was not.
func (c *checkpointed) kill(files *vfs.MemFS, lost int, rng *rand.Rand) *vfs.MemFS {
	c.t.Helper()
	copied := files.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100 - lost, RNG: rng})
	c.close() // the old disk goes on without us
	c.opts.FS = copied
	return copied
}

// Whatever happened to a store, and however it ended, the index that comes from its checkpoint is the one that its documents make:
// journals, bases in between, clean ends, kills and losses of power, one after the other.
func TestCheckpointTellsTheTruth(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	files := vfs.NewCrashableMem()
	c := newCheckpointed(t, files)
	used := 0
	for round := range rounds(25) {
		c.change(rng, rng.IntN(40))
		switch rng.IntN(6) {
		case 0:
			c.base()
		case 1:
			c.writeJournal()
		case 2, 3:
			c.agree()
		}
		c.change(rng, rng.IntN(10))
		switch rng.IntN(3) {
		case 0:
			c.close()
		case 1:
			files = c.kill(files, 0, rng)
		default:
			files = c.kill(files, rng.IntN(101), rng)
		}
		c.log.take()
		c.open()
		said := c.log.take()
		require.NotContains(t, said, notUsed, "round %d", round)
		if strings.Contains(said, fromCheckpoint) {
			used++
		}
		c.agree()
	}
	c.close()
	require.Greater(t, used, rounds(25)/3, "else nothing was tested")
}

// A base that is written while four writers write tells the truth together with the journals behind it.
func TestBaseAmongWriters(t *testing.T) {
	for seed := range uint64(4) {
		files := vfs.NewCrashableMem()
		c := newCheckpointed(t, files)
		rng := rand.New(rand.NewPCG(seed, 2))
		c.change(rng, 200)
		var stop atomic.Bool
		var wg sync.WaitGroup
		for w := range uint64(4) {
			wg.Go(func() {
				own := rand.New(rand.NewPCG(seed, 10+w))
				for !stop.Load() {
					if err := randomChange(c.s, own); err != nil {
						t.Errorf("write: %v", err)
						return
					}
				}
			})
		}
		for range 8 {
			c.base()
		}
		files = files.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rng})
		stop.Store(true)
		wg.Wait()
		c.agree()
		c.close()
		c.log.take()
		c.open()
		require.Contains(t, c.log.take(), fromCheckpoint)
		c.agree()
		c.close()

		c.opts.FS = files // as it was in the middle of it
		c.open()
		require.Contains(t, c.log.take(), fromCheckpoint)
		c.agree()
		c.close()
	}
}

// One byte that is not as it was written, a file that is missing, cut short or longer, and the index is made of the documents.
func TestCheckpointDamaged(t *testing.T) {
	files := vfs.NewMem()
	c := newCheckpointed(t, files)
	rng := rand.New(rand.NewPCG(5, 6))
	c.change(rng, 150)
	c.base()
	c.change(rng, 60)
	want := picture(t, c.s)
	c.close()
	good := tree(t, files, "store/index")
	require.Greater(t, len(good), 1)
	db := tree(t, files, "store/db")
	restore := func() {
		for name, text := range good {
			put(t, files, "store/index/"+name, text)
		}
		names, err := files.List("store/db")
		require.NoError(t, err)
		for _, n := range names {
			require.NoError(t, files.Remove("store/db/"+n))
		}
		for name, text := range db {
			put(t, files, "store/db/"+name, text)
		}
	}
	check := func(what string) {
		c.log.take()
		c.open()
		require.Contains(t, c.log.take(), notUsed, what)
		require.Equal(t, want, picture(t, c.s), what)
		c.close()
		restore()
	}
	restore()
	c.open()
	require.Contains(t, c.log.take(), fromCheckpoint)
	require.Equal(t, want, picture(t, c.s))
	c.close()
	restore()
	for name, text := range good {
		places := []int{0, len(fileLine), len(fileLine) + 8, len(fileLine) + 16, len(fileLine) + 17, len(fileLine) + 21, len(fileLine) + 25, len(text) - 13, len(text) - 1}
		for range rounds(8) {
			places = append(places, rng.IntN(len(text)))
		}
		for _, at := range places {
			bad := []byte(text)
			bad[at] ^= byte(1 + rng.IntN(255))
			put(t, files, "store/index/"+name, string(bad))
			check(fmt.Sprintf("%s, byte %d of %d", name, at, len(text)))
		}
		for _, cut := range []int{0, 10, len(text) / 2, len(text) - 1} {
			put(t, files, "store/index/"+name, text[:cut])
			check(fmt.Sprintf("%s, cut at %d", name, cut))
		}
		require.NoError(t, files.Remove("store/index/"+name))
		check(name + " is missing")
	}
	// A whole file in another's place.
	names := make([]string, 0, len(good))
	for name := range good {
		names = append(names, name)
	}
	slices.Sort(names)
	put(t, files, "store/index/"+names[1], good[names[0]])
	check("one file for another")
}

// The root is the database's: one that is gone, of another build, or no root at all is not used, and files of another life neither.
func TestCheckpointOfAnother(t *testing.T) {
	files := vfs.NewMem()
	c := newCheckpointed(t, files)
	rng := rand.New(rand.NewPCG(7, 8))
	c.change(rng, 100)
	c.base()
	want := picture(t, c.s)
	c.close()
	edit := func(f func(db *pebble.DB, root []byte) error) {
		s, err := openBare("store", c.opts.withDefaults())
		require.NoError(t, err)
		text, err := s.getMeta(rootName)
		require.NoError(t, err)
		require.NoError(t, f(s.db, text))
		require.NoError(t, s.closeBare())
	}
	for _, root := range []string{"", "{", "[]", `{"build":"older"}`} {
		edit(func(db *pebble.DB, _ []byte) error {
			if root == "" {
				return db.Delete(metaKey(rootName), pebble.Sync)
			}
			return db.Set(metaKey(rootName), []byte(root), pebble.Sync)
		})
		c.log.take()
		c.open()
		require.Contains(t, c.log.take(), fromDocuments)
		require.Equal(t, want, picture(t, c.s))
		c.base()
		c.close()
	}
	// A start without checkpoints changes findings that the checkpoint would not know of.
	c.opts.NoCheckpoint = true
	c.open()
	c.change(rng, 10)
	c.agree()
	want = picture(t, c.s)
	c.close()
	c.opts.NoCheckpoint = false
	c.open()
	require.Contains(t, c.log.take(), fromDocuments)
	require.Equal(t, want, picture(t, c.s))
	c.close()
}

// Memory for the values that is full, and another one at the next start: what was left out may have room now.
func TestCheckpointAndMemory(t *testing.T) {
	c := newCheckpointed(t, vfs.NewMem())
	c.close()
	c.opts.IndexMemory = 3000
	c.open()
	rng := rand.New(rand.NewPCG(9, 9))
	c.change(rng, 100)
	want := picture(t, c.s)
	c.close()
	c.open()
	require.Contains(t, c.log.take(), fromCheckpoint)
	require.Equal(t, want, picture(t, c.s))
	c.close()
	c.opts.IndexMemory = 1 << 30
	c.open()
	require.Contains(t, c.log.take(), "the memory for the index's values was full")
	c.change(rng, 100)
	c.agree()
	c.close()
	c.opts.IndexMemory = 2000
	c.open()
	require.Contains(t, c.log.take(), "more values than there is memory for")
	c.close()
}

// A disk that takes no more files for a while costs a longer start, and nothing else; then there is a checkpoint again.
func TestCheckpointCannotBeWritten(t *testing.T) {
	d := &disk{FS: vfs.NewMem()}
	d.free.Store(10 << 30)
	c := newCheckpointed(t, d)
	c.close()
	c.opts.MinFree, c.opts.Ballast = 512<<20, 1<<20
	c.open()
	rng := rand.New(rand.NewPCG(10, 10))
	k := c.s.checkpoint
	k.work.Lock() // else what works in the background may be first
	c.change(rng, 50)
	d.free.Store(300 << 20)
	c.s.space.lookNow()
	require.ErrorIs(t, k.flush(), store.ErrNearlyFull)
	require.True(t, k.missing())
	require.ErrorIs(t, k.rebase(), store.ErrNearlyFull)
	k.work.Unlock()
	d.free.Store(10 << 30)
	c.s.space.lookNow()
	c.change(rng, 50)
	c.base()
	require.False(t, k.missing())
	c.change(rng, 10)
	c.close()
	c.log.take()
	c.open()
	require.Contains(t, c.log.take(), fromCheckpoint)
	c.agree()
	c.close()
}

// Bases are written by themselves, old files go, and what no root names is taken away at the start.
func TestCheckpointFiles(t *testing.T) {
	files := vfs.NewMem()
	c := newCheckpointed(t, files)
	rng := rand.New(rand.NewPCG(11, 11))
	for range 10 {
		c.change(rng, 20)
		c.writeJournal()
	}
	list := func() []string {
		names, err := files.List("store/index")
		require.NoError(t, err)
		slices.Sort(names)
		return names
	}
	require.Greater(t, len(list()), 5)
	c.base()
	require.Len(t, list(), 1)
	put(t, files, "store/index/9999999999999999", "left behind")
	put(t, files, "store/index/something", "left behind")
	c.close()
	c.open()
	require.LessOrEqual(t, len(list()), 2)
	require.NotContains(t, list(), "something")
	c.agree()

	it, err := c.s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{commitPrefix}, UpperBound: []byte{commitPrefix + 1}})
	require.NoError(t, err)
	require.False(t, it.First(), "the records of commits that the files have are gone")
	require.NoError(t, it.Close())
	c.close()
}

// A base is written when nobody writes any more, before it is due.
func TestBaseWhenIdle(t *testing.T) {
	files := vfs.NewMem()
	c := newCheckpointed(t, files)
	rng := rand.New(rand.NewPCG(14, 14))
	for range 3 {
		c.change(rng, 20)
		c.writeJournal()
	}
	k := c.s.checkpoint
	k.work.Lock()
	require.False(t, k.idle())
	require.False(t, k.idle(), "a few differences are no reason")
	c.s.index.mu.Lock()
	k.since = rebaseAt/4 + 1
	c.s.index.mu.Unlock()
	require.False(t, k.idle(), "they came just now")
	require.True(t, k.idle())
	k.tend()
	require.False(t, k.idle())
	k.work.Unlock()
	names, err := files.List("store/index")
	require.NoError(t, err)
	require.Len(t, names, 1)
	c.agree()
	c.close()
}

// Who closes a store that a start would have to read many differences of leaves a base.
func TestBaseAtTheEnd(t *testing.T) {
	files := vfs.NewMem()
	c := newCheckpointed(t, files)
	rng := rand.New(rand.NewPCG(15, 15))
	kept := func() int {
		names, err := files.List("store/index")
		require.NoError(t, err)
		return len(names)
	}
	for range 3 {
		c.change(rng, 20)
		c.writeJournal()
	}
	c.change(rng, 20)
	c.close()
	require.Greater(t, kept(), 1, "a few differences are no reason")
	c.open()
	c.change(rng, 20)
	c.s.index.mu.Lock()
	c.s.checkpoint.since = rebaseAt/4 + 1
	c.s.index.mu.Unlock()
	c.close()
	require.Equal(t, 1, kept())
	c.open()
	c.agree()
	c.close()
}

func TestCheckpointOnDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	log := &heard{}
	opts := small
	opts.Logger = slog.New(slog.NewTextHandler(log, nil))
	s, err := Open(dir, opts)
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(12, 12))
	for range 50 {
		require.NoError(t, randomChange(s, rng))
	}
	want := picture(t, s)
	require.NoError(t, s.Close())
	s, err = Open(dir, opts)
	require.NoError(t, err)
	require.Contains(t, log.take(), fromCheckpoint)
	require.Equal(t, want, picture(t, s))
	require.NoError(t, s.Close())
	entries, err := os.ReadDir(filepath.Join(dir, indexDir))
	require.NoError(t, err)
	require.NotEmpty(t, entries)
}

func TestSortChanges(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 13))
	var buf []uint64
	for n := range 200 {
		list := make([]uint64, n*7)
		for i := range list {
			list[i] = rng.Uint64() >> rng.IntN(50) &^ (0x7f << rng.IntN(40))
		}
		want := slices.Clone(list)
		slices.SortStableFunc(want, func(a, b uint64) int { return cmp.Compare(a>>1, b>>1) })
		list, buf = sortChanges(list, buf)
		require.Equal(t, want, list)
	}
}

func FuzzReadDifference(f *testing.F) {
	d := difference{doc: 300, version: 7, kind: comes, pair: 9, add: []uint32{1, 5, 400}, remove: []uint32{2}}
	d.times[1] = noTime
	f.Add(appendDifference(nil, &d))
	f.Fuzz(func(t *testing.T, b []byte) {
		var d difference
		rest, err := readDifference(b, &d)
		if err != nil {
			return
		}
		var again difference
		written := appendDifference(nil, &d)
		left, err := readDifference(written, &again)
		require.NoError(t, err)
		require.Empty(t, left)
		require.Equal(t, d.doc, again.doc)
		require.Equal(t, d.add, again.add)
		require.Equal(t, d.remove, again.remove)
		require.LessOrEqual(t, len(rest), len(b))
	})
}

func FuzzReadPieces(f *testing.F) {
	d := difference{doc: 3, version: 9, times: [len(timeColumns)]int64{5, noTime, 7, 9}}
	f.Add(binary.AppendUvarint(append(binary.AppendUvarint(nil, 3), d.ident[:]...), 9))
	f.Add(appendSteps(binary.AppendUvarint(nil, 4<<1), []uint32{1, 2, 900}))
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = readColumns(b, func(*difference) error { return nil })
		_ = eachDoc(b, func(uint32) {})
		_ = readPostings(b, func(_ uint32, docs []uint32, bits *roaring.Bitmap) error {
			require.True(t, bits != nil || ascending(docs) && len(docs) > 0)
			return nil
		})
		r := termRestorer{d: newDictionary(0, &hashKey{1, 2, 3, 4}, ^uint64(0)), bound: 1000}
		_ = r.use(&piece{content: b})
	})
}

// rounds is how often a test of luck tries it; HUBCAP_TEST_ROUNDS multiplies it.
func rounds(n int) int {
	if more, err := strconv.Atoi(os.Getenv("HUBCAP_TEST_ROUNDS")); err == nil && more > 0 {
		return n * more
	}
	return n
}

// Terms that are dropped stay in the files until there is another base. That comes when most of the files is such terms, however few the
// findings are: a start takes the memory of all terms in them.
func TestBaseWhenTermsWereDropped(t *testing.T) {
	c := newCheckpointed(t, vfs.NewMem())
	c.close()
	c.opts.staleTerms = 300
	c.open()
	const findings, tags = 10, 20
	tend := func() {
		k := c.s.checkpoint
		k.work.Lock()
		defer k.work.Unlock()
		k.tend()
	}
	bases := map[uint64]bool{}
	for round := range 30 {
		for i := range findings {
			var members []string
			for k := range tags {
				members = append(members, fmt.Sprintf(`"k%d %d %d":"v"`, round, i, k))
			}
			load(t, c.s, fmt.Sprintf(`{"Id":"f%d","Resources":[{"Type":"Other","Id":"r","Tags":{%s}}]}`, i, strings.Join(members, ",")))
		}
		c.s.sweeper.sweep()
		tend()
		k := c.s.checkpoint
		k.work.Lock()
		bases[k.root.Files[0].Number] = true
		kept := k.values
		k.work.Unlock()
		c.s.dict.mu.RLock()
		live := c.s.dict.terms
		c.s.dict.mu.RUnlock()
		require.LessOrEqual(t, live, findings*tags*2)
		require.LessOrEqual(t, kept-live, max(300, live), "round %d", round)
		if round%7 == 6 {
			c.agree()
			c.close()
			c.open()
			require.Contains(t, c.log.take(), fromCheckpoint)
			k := c.s.checkpoint
			k.work.Lock()
			require.Equal(t, termsInFiles(t, k), k.values)
			k.work.Unlock()
			c.agree()
		}
	}
	require.Greater(t, len(bases), 5)
	require.Less(t, len(bases), 25, "and not again and again")
	c.close()
}

// termsInFiles counts the terms that the files of a checkpoint have.
func termsInFiles(t *testing.T, k *checkpoint) (n int) {
	t.Helper()
	require.NoError(t, k.eachBlock(roaring.New(), func(p *piece) {
		if p.kind != blockTerms && p.kind != blockLaidTerms {
			return
		}
		for b := p.content; len(b) > 0; n++ {
			_, size := binary.Uvarint(b)
			_, rest, err := cut(b[size+2:])
			require.NoError(t, err)
			_, b, err = cut(rest)
			require.NoError(t, err)
		}
	}))
	return n
}
