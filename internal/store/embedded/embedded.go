// Package embedded is the engine for one machine: Pebble keeps the bytes, memory answers the questions. Each finding is a
// compressed document in Pebble and nothing else; from the documents follow a dictionary of terms (attribute = value), postings
// (term -> documents), an order by UpdatedAt and a table of identities. Nothing in memory is the only copy of anything.
//
// A write is optimistic. It loads documents without locks, lets the caller decide, compresses and looks terms up, and only then
// takes the locks of exactly the keys it changes, compares versions, hands one batch to Pebble and brings the index up to it. It
// answers after Pebble's group commit reached the disk.
//
// A question goes over the index under one hold of its lock and gets documents that must match and documents that may; what it
// then reads from Pebble is checked again, since a writer may have been there in between.
package embedded

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"hubcap/internal/asff"
	"hubcap/internal/store"
)

// Options of a store. The zero value suits a machine of any size.
type Options struct {
	// FS holds the files; nil is the disk. NewMemory gives one for a store without a disk.
	FS vfs.FS
	// CacheSize and MemTableSize are Pebble's, in bytes. 0: 128 MB and 32 MB.
	CacheSize    int64
	MemTableSize uint64
	// IndexMemory bounds the dictionary of values, in bytes; values beyond it are found by reading documents. 0: no bound.
	IndexMemory int64
	// MinFree is the free space below which writes are refused, in bytes. 0: 512 MB.
	MinFree uint64
	// Ballast is the size of a file that is given up when the disk fills up, so that work under way can end. 0: 64 MB.
	Ballast int64
	// QueryTimeout is how long a page, a count or a grouping may take, before it answers store.ErrTooSlow. 0: 10 seconds; below:
	// without end. Walk has no such limit.
	QueryTimeout time.Duration
	// Clock is used to look at the free space now and then; nil: time.Now.
	Clock func() time.Time
	// Logger hears of what went wrong behind the calls; nil: slog.Default().
	Logger *slog.Logger
	// Fatal is called once, after the log line, when a write to the disk failed in a way that leaves open what is on it. It must
	// not return. nil: exit with status 3; the next start recovers.
	Fatal func(error)

	// NoCheckpoint leaves out the checkpoint of the index: for a store that goes with the process.
	NoCheckpoint bool

	newReader   func() valueReader // of tests
	hashMask    uint64             // of tests: forces collisions
	journalSize int                // of tests: bytes of differences that make a journal of the checkpoint
	staleTerms  int                // of tests: dropped terms in the checkpoint before it is written anew
	tuning      tuning             // of tests: takes the ways of large stores
}

// tuning is from where on a question goes another way.
type tuning struct {
	manyTerms   int    // values of an attribute from which on an index of them pays
	fewTermed   int    // values of an attribute up to which documents are taken value by value, however few the candidates
	treeSteps   uint64 // how far an order is walked before a look at all candidates is cheaper
	manySatisfy int    // values that satisfy a condition from which on each candidate is looked at instead
	manyFound   int    // and documents
	scanShare   uint64 // where fewer than one in so many documents matter, a column is looked at for them alone
}

var usualTuning = tuning{manyTerms: 1024, fewTermed: 64, treeSteps: 16_384, manySatisfy: 32, manyFound: 1 << 16, scanShare: 16}

// valueReader is what the engine needs of asff.Reader.
type valueReader interface {
	Values(doc []byte) []asff.Value
}

// NewMemory is a file system for a store that goes with the process.
func NewMemory() vfs.FS { return vfs.NewMem() }

func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.CacheSize == 0 {
		o.CacheSize = 128 << 20
	}
	if o.MemTableSize == 0 {
		o.MemTableSize = 32 << 20
	}
	if o.MinFree == 0 {
		o.MinFree = 512 << 20
	}
	if o.Ballast == 0 {
		o.Ballast = 64 << 20
	}
	if o.QueryTimeout == 0 {
		o.QueryTimeout = 10 * time.Second
	}
	if o.Clock == nil {
		o.Clock = time.Now //nolint:forbidigo // the one place where the engine meets the real clock
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Fatal == nil {
		o.Fatal = func(error) { os.Exit(3) }
	}
	if o.newReader == nil {
		o.newReader = func() valueReader { return new(asff.Reader) }
	}
	if o.tuning == (tuning{}) {
		o.tuning = usualTuning
	}
	if o.journalSize == 0 {
		o.journalSize = journalSize
	}
	if o.staleTerms == 0 {
		o.staleTerms = staleTerms
	}
	if o.hashMask == 0 {
		o.hashMask = ^uint64(0)
	}
	return o
}

// Store is an open store. It implements store.Store.
type Store struct {
	dir   string
	opts  Options
	db    *pebble.DB
	home  *home
	space *space

	dict   *dictionary
	index  *index
	values valueIndexes
	texts  longTexts
	state  *state
	outbox *outbox
	locks  keyLocks
	meta   meta
	key    hashKey // from the seed

	checkpoint *checkpoint

	nextDoc  atomic.Uint32
	sequence sequence
	unsynced atomic.Int64  // commits that are visible and perhaps not on disk
	scratch  sync.Pool     // *call
	readers  sync.Pool     // *reading
	scans    chan struct{} // a place for each scan of many documents

	writers grace // Update calls under way
	asking  grace // questions under way
	sweeper *sweeper

	callsMu sync.Mutex
	calls   sync.WaitGroup
	closed  bool
}

var _ store.Store = (*Store)(nil)

// meta is what belongs to the store as a whole.
type meta struct {
	seed [16]byte // of the hashes in the index
}

// Open opens the store in dir, and makes one where there is none. One process at a time may have it open.
func Open(dir string, opts Options) (*Store, error) {
	opts = opts.withDefaults()
	h, err := openHome(opts.FS, dir)
	if err != nil {
		return nil, err
	}
	s := &Store{
		dir: dir, opts: opts, home: h, state: newState(), outbox: newOutbox(),
		scans: make(chan struct{}, runtime.GOMAXPROCS(0)),
	}
	s.emptyIndex()
	s.checkpoint = newCheckpoint(s)
	s.scratch.New = func() any { return newCall(s) }
	s.readers.New = func() any { return &reading{values: opts.newReader()} }
	if err := roomToOpen(&opts, dir); err != nil {
		return nil, errors.Join(err, h.close())
	}
	if s.db, err = h.openDatabase(&opts, s.fatal); err != nil {
		return nil, errors.Join(err, h.close())
	}
	if err := s.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("store in %s: %w", dir, err), s.db.Close(), h.close())
	}
	s.space = watchSpace(&opts, dir)
	s.sweeper = startSweeper(s)
	s.checkpoint.start()
	return s, nil
}

// emptyIndex begins an index that knows no documents.
func (s *Store) emptyIndex() {
	s.dict, s.index = newDictionary(s.opts.IndexMemory, &s.key, s.opts.hashMask), newIndex(&s.key, s.opts.hashMask)
	s.index.dict, s.values = s.dict, newValueIndexes()
}

func (s *Store) load() error {
	for _, step := range [...]func() error{
		s.loadMeta, s.loadState, s.loadIndex,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// loadMeta reads the store's own records, and writes them into a new store.
func (s *Store) loadMeta() error {
	seed, err := s.getMeta("seed")
	if err != nil {
		return err
	}
	if seed == nil {
		if _, err := rand.Read(s.meta.seed[:]); err != nil {
			return fmt.Errorf("random seed: %w", err)
		}
		if err := s.db.Set(metaKey("seed"), s.meta.seed[:], pebble.Sync); err != nil {
			return err
		}
	} else if copy(s.meta.seed[:], seed) != len(s.meta.seed) {
		return errDamaged
	}
	s.key = newHashKey(s.meta.seed[:])
	reserved, err := s.getMeta("sequence")
	if err != nil {
		return err
	}
	if reserved != nil {
		if len(reserved) != 8 {
			return errDamaged
		}
		s.sequence.start(binary.BigEndian.Uint64(reserved))
	}
	return nil
}

func metaKey(name string) []byte { return append([]byte{metaPrefix}, name...) }

func (s *Store) getMeta(name string) ([]byte, error) {
	v, closer, err := s.db.Get(metaKey(name))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := append([]byte{}, v...)
	return out, closer.Close()
}

// fatal ends the process: Pebble cannot tell what reached the disk.
func (s *Store) fatal(err error) {
	s.opts.Logger.Error("store: cannot write; ending at once, the next start recovers",
		slog.String("dir", s.dir), slog.Any("error", err))
	s.opts.Fatal(err)
	os.Exit(3)
}

// Stats is what a store tells about itself.
type Stats struct {
	Findings   uint64
	Terms      uint64 // distinct values in the index
	IndexBytes int64  // estimate of the memory that the dictionary takes
	DiskBytes  uint64 // of the database
	FreeBytes  uint64 // of the disk, as last looked at; 0 where there is none
	NearlyFull bool   // writes are refused
}

// Stats looks at the store. It must not be called after Close.
func (s *Store) Stats() Stats {
	s.index.mu.RLock()
	out := Stats{Findings: s.index.live.GetCardinality()}
	s.index.mu.RUnlock()
	s.dict.mu.RLock()
	out.Terms, out.IndexBytes = uint64(s.dict.terms), s.dict.bytes //nolint:gosec // a count
	s.dict.mu.RUnlock()
	out.DiskBytes, out.FreeBytes, out.NearlyFull = s.db.Metrics().DiskSpaceUsage(), s.space.free.Load(), s.space.low.Load()
	return out
}

// enter begins a call, unless its caller is gone; leave ends it. Close waits for those under way.
func (s *Store) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.callsMu.Lock()
	defer s.callsMu.Unlock()
	if s.closed {
		return store.ErrClosed
	}
	s.calls.Add(1)
	return nil
}

func (s *Store) leave() { s.calls.Done() }

// Close waits for the calls under way, flushes and ends. A second Close does nothing.
func (s *Store) Close() error {
	s.callsMu.Lock()
	if s.closed {
		s.callsMu.Unlock()
		return nil
	}
	s.closed = true
	s.callsMu.Unlock()
	s.calls.Wait()
	s.sweeper.stop()
	s.checkpoint.stop()
	s.space.stop()
	return errors.Join(s.db.Flush(), s.db.Close(), s.home.close())
}

// sequence gives numbers that grow, also over restarts: those handed out are reserved in the database beforehand.
type sequence struct {
	next     atomic.Uint64
	reserved atomic.Uint64
	mu       sync.Mutex // of who reserves
}

// sequenceStep is how many numbers are reserved at once. Half of it is always left, far more than the calls under way can take.
const sequenceStep = 1 << 20

func (q *sequence) start(from uint64) {
	q.next.Store(from)
	q.reserved.Store(from)
}

func (q *sequence) take() uint64 { return q.next.Add(1) }

// reserve is called before numbers are taken. It need not wait for the disk: the log is written in order, so nothing that uses
// the numbers can be there without it.
func (q *sequence) reserve(db *pebble.DB) error {
	if q.next.Load()+sequenceStep/2 < q.reserved.Load() {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	bound := q.reserved.Load()
	if q.next.Load()+sequenceStep/2 < bound {
		return nil
	}
	bound = max(bound, q.next.Load()) + sequenceStep
	if err := db.Set(metaKey("sequence"), binary.BigEndian.AppendUint64(nil, bound), pebble.NoSync); err != nil {
		return err
	}
	q.reserved.Store(bound)
	return nil
}

// raise makes the next number greater than one. The caller reserves.
func (q *sequence) raise(above uint64) {
	for {
		now := q.next.Load()
		if now >= above || q.next.CompareAndSwap(now, above) {
			return
		}
	}
}
