package embedded

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"log/slog"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"hubcap/internal/asff"
)

// A checkpoint lets a store open without reading every document. It is a list of files in index/, written one after the other and
// never changed:
//
//	a base    the index as a whole: terms, columns, postings. It is taken piece by piece while commits go on; what they change
//	          meanwhile stands in the journals behind it, so it need not be of one instant
//	journals  the differences of the commits since, with the terms that they met first
//
// The database holds the root: which files there are, and up to which commit they go. Root, documents and the records of commits
// ('c') go through one log, so whatever a loss of power leaves of them fits together; a file that the root does not name is
// nobody's. When a store opens, the documents of commits behind the root's are left out of what the files say, and read anew.
//
// A checkpoint is trusted only as a whole: one byte that is not as it was written, or another build than the one that wrote it, and the
// index is made of the documents.
type checkpoint struct {
	s   *Store
	off bool

	// Guarded by the index's lock for writing.
	buf     []byte // differences since the last journal
	ends    []int  // of the commits in it
	since   int    // differences in journals since the base
	lost    bool   // differences are missing: only a base can follow
	flushAt int

	work    sync.Mutex // of who writes files
	root    root
	written uint32    // terms below it are in the files
	values  int       // terms that are in the files, those among them that were dropped since
	quiet   bool      // hardly anybody writes: time for a base, though it is not due
	before  int       // differences since the base, when that was looked at last
	last    bool      // what is written now is the last; nobody is left to rest for
	tried   time.Time // a base that failed
	wake    chan struct{}
	quit    chan struct{}
	done    sync.WaitGroup
}

const (
	indexDir = "index"
	rootName = "index" // of the record 'm'

	journalSize = 1 << 20   // of differences in a journal; those behind the last one are read from their documents after a kill
	journalMost = 64 << 20  // that wait while files cannot be written
	blockSize   = 256 << 10 // about
	rebaseAt    = 200_000   // differences, at least, before there is another base
	staleTerms  = 100_000   // dropped terms in the files, at least, before there is one: a start takes the memory of all of them
	baseRetry   = time.Minute
	quietEvery  = 10 * time.Second // looked whether hardly anybody writes
)

// root is what the database knows of the checkpoint.
type root struct {
	Build      string     `json:"build"`      // whose it is; another one makes its own
	Generation uint64     `json:"generation"` // of the files; drawn at random
	Sequence   uint64     `json:"sequence"`   // every commit up to it is in the files
	Terms      uint32     `json:"terms"`      // numbers below it are given out
	Values     int        `json:"values"`     // terms that are there
	Gaps       bool       `json:"gaps"`       // terms were dropped, and may have come back under other numbers
	Docs       uint32     `json:"docs"`       // so too
	Limit      int64      `json:"limit"`      // of the dictionary's memory
	Full       bool       `json:"full"`       // it was reached: values are found by reading documents
	Next       uint64     `json:"next"`       // number of the next file
	Files      []fileRoot `json:"files"`
	// Voids are documents that files up to a number tell nothing true of: a kill lost what their commits did to the index.
	Voids []voidRoot `json:"voids,omitempty"`
}

type fileRoot struct {
	Number uint64 `json:"number"`
	Size   int64  `json:"size"`
}

type voidRoot struct {
	UpTo uint64 `json:"upTo"`
	Docs []byte `json:"docs"` // a roaring bitmap
}

// checkpointVersion changes with what the files say or mean.
const checkpointVersion = 2

// build names what decides how documents become an index: this program, its fields, and the mask of tests.
func build(mask uint64) string {
	var revision strings.Builder
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" || s.Key == "vcs.modified" {
				revision.WriteString(" " + s.Value)
			}
		}
	}
	fields := crc32.New(castagnoli)
	for _, f := range asff.Fields() {
		_, _ = fmt.Fprintf(fields, "%d %s %d\n", uint8(f), f.Name(), f.Kind()) // never fails
	}
	return fmt.Sprintf("%d %d.%d.%d.%d %x %x%s", checkpointVersion, maxText, longHead, maxKey, maxTerms, fields.Sum32(), mask, revision.String())
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func newCheckpoint(s *Store) *checkpoint {
	return &checkpoint{s: s, off: s.opts.NoCheckpoint, flushAt: s.opts.journalSize, wake: make(chan struct{}, 1), quit: make(chan struct{})}
}

func (k *checkpoint) dir() string { return k.s.home.path(indexDir) }

func (k *checkpoint) file(number uint64) string {
	return k.s.opts.FS.PathJoin(k.dir(), fmt.Sprintf("%016d", number))
}

// add takes the n differences of a commit, encoded. The caller holds the index's lock for writing.
func (k *checkpoint) add(differences []byte, n int) {
	if k.off || k.lost || len(differences) == 0 {
		return
	}
	if len(k.buf) > journalMost {
		k.lost, k.buf, k.ends = true, nil, nil
		return
	}
	k.buf = append(k.buf, differences...)
	k.ends = append(k.ends, len(k.buf))
	k.since += n
	if len(k.buf) >= k.flushAt {
		select {
		case k.wake <- struct{}{}:
		default:
		}
	}
}

// start begins to write in the background.
func (k *checkpoint) start() {
	if k.off {
		return
	}
	select {
	case k.wake <- struct{}{}: // what the start found out
	default:
	}
	k.done.Go(func() {
		again := time.NewTicker(quietEvery)
		defer again.Stop()
		for {
			select {
			case <-k.wake:
			case <-again.C:
				if !k.idle() {
					continue
				}
			case <-k.quit:
				return
			}
			k.work.Lock()
			k.tend()
			k.quiet = false
			k.work.Unlock()
		}
	})
}

// tend writes what is to be written. The caller holds k.work.
func (k *checkpoint) tend() {
	since, live := k.behind()
	due := k.missing() || since > max(rebaseAt, live/3*2) || k.quiet
	now := k.s.opts.Clock()
	mayTry := k.tried.IsZero() || now.Sub(k.tried) >= baseRetry
	if !due || !mayTry {
		if err := k.flush(); err != nil {
			k.complain(err)
		}
		due = due || k.stale()
	}
	if !due || !mayTry {
		return
	}
	k.tried = time.Time{}
	if err := k.rebase(); err != nil && !errors.Is(err, errStopping) {
		k.tried = now
		k.complain(err)
	}
}

// stale tells whether most of the terms in the files were dropped.
func (k *checkpoint) stale() bool {
	d := k.s.dict
	d.mu.RLock()
	defer d.mu.RUnlock()
	return k.values-d.terms > max(k.s.opts.staleTerms, d.terms)
}

func (k *checkpoint) complain(err error) {
	k.s.opts.Logger.Warn("store: cannot write a checkpoint of the index; should the next start come first, it takes longer",
		slog.String("dir", k.s.dir), slog.Any("error", err))
}

// waiting tells whether there are differences enough for a journal.
func (k *checkpoint) waiting() bool {
	k.s.index.mu.RLock()
	defer k.s.index.mu.RUnlock()
	return len(k.buf) >= k.flushAt
}

// missing tells whether there are differences that no file will have.
func (k *checkpoint) missing() bool {
	k.s.index.mu.RLock()
	defer k.s.index.mu.RUnlock()
	return k.lost
}

// idle tells, each time somebody looks, whether there is something to do: differences were missed, or there are quite a few of them and
// hardly any new ones come.
func (k *checkpoint) idle() bool {
	if k.missing() {
		return true
	}
	since, live := k.behind()
	k.quiet = since-k.before <= live/200 && many(since, live)
	k.before = since
	return k.quiet
}

// behind counts the differences since the base, and the documents there are.
func (k *checkpoint) behind() (since, live int) {
	x := k.s.index
	x.mu.RLock()
	defer x.mu.RUnlock()
	return k.since, int(x.live.GetCardinality()) //nolint:gosec // below 2^32
}

// many tells whether a start would notice so many differences: each costs it as much as four documents of a base.
func many(since, live int) bool { return since > max(rebaseAt/4, live/8) }

// stop ends the work in the background and writes what is left.
func (k *checkpoint) stop() {
	if k.off {
		return
	}
	close(k.quit)
	k.done.Wait()
	k.work.Lock()
	defer k.work.Unlock()
	end := k.flush
	if since, live := k.behind(); k.missing() || many(since, live) {
		k.last = true
		end = k.rebase // it begins with what flush does: who has no patience, and kills us, loses nothing
	}
	if err := end(); err != nil {
		k.complain(err)
	}
}

var errStopping = errors.New("the store is closing")

func (k *checkpoint) stopping() bool {
	select {
	case <-k.quit:
		return true
	default:
		return false
	}
}

// instant is a moment between commits.
type instant struct {
	sequence uint64 // every commit up to it is applied, none behind it has begun to be
	docs     uint32 // numbers below it are given out
	terms    uint32 // so too
	gaps     bool   // terms were dropped
	buf      []byte
	ends     []int
	whole    bool // no differences are missing until here
	since    int
}

// cutHere waits for the commits that are being applied, and takes the differences that wait. anew: from here on they are gathered for
// a base of this instant, whatever was missed before.
func (k *checkpoint) cutHere(anew bool) instant {
	s := k.s
	fresh := make([]byte, 0, k.flushAt+k.flushAt/4)
	s.state.commit.Lock()
	defer s.state.commit.Unlock()
	s.index.mu.Lock()
	c := instant{sequence: s.sequence.next.Load(), docs: s.nextDoc.Load(), buf: k.buf, ends: k.ends, whole: !k.lost, since: k.since}
	k.buf, k.ends = fresh, nil
	if anew {
		k.lost, k.since = false, 0
	}
	s.index.mu.Unlock()
	s.dict.mu.RLock()
	c.terms, c.gaps = s.dict.next, s.dict.terms != int(s.dict.next)-1
	s.dict.mu.RUnlock()
	return c
}

// lose notes that differences are missing from the files.
func (k *checkpoint) lose() {
	k.s.index.mu.Lock()
	k.lost, k.buf, k.ends = true, nil, nil
	k.s.index.mu.Unlock()
}

// flush writes a journal of what there is. The caller holds k.work.
func (k *checkpoint) flush() error {
	c := k.cutHere(false)
	if !c.whole || len(c.buf) == 0 {
		return nil
	}
	if err := k.writeJournal(&c); err != nil {
		k.lose()
		return err
	}
	return nil
}

// room tells whether there is space for a file.
func (k *checkpoint) room() error {
	if k.s.space == nil { // the store is being opened
		return nil
	}
	return k.s.space.check()
}

func (k *checkpoint) writeJournal(c *instant) error {
	if err := k.room(); err != nil {
		return err
	}
	root := k.root
	w, err := k.create(root.Next)
	if err != nil {
		return err
	}
	if err := w.terms(blockTerms, k.written, c.terms); err != nil {
		return w.abandon(err)
	}
	from := 0
	for i, end := range c.ends {
		if end-from >= blockSize || i == len(c.ends)-1 {
			if err := w.block(blockDifferences, c.buf[from:end]); err != nil {
				return w.abandon(err)
			}
			from = end
		}
	}
	size, err := w.finish()
	if err != nil {
		return w.abandon(err)
	}
	root.Files = append(slices.Clone(root.Files), fileRoot{root.Next, size})
	root.Next++
	k.describe(&root, c)
	if err := k.commit(root, pebble.NoSync); err != nil {
		return err
	}
	k.written = c.terms
	k.values += w.values
	return nil
}

// describe notes in a root how far its files go.
func (k *checkpoint) describe(r *root, c *instant) {
	r.Sequence, r.Docs, r.Terms, r.Gaps = c.sequence, c.docs, c.terms, c.gaps
	d := k.s.dict
	d.mu.RLock()
	r.Limit, r.Full, r.Values = d.limit, d.overBudget(), d.terms
	d.mu.RUnlock()
}

// commit makes a root the database's. What the records of commits up to it tell is then in the files.
func (k *checkpoint) commit(r root, o *pebble.WriteOptions) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	b := k.s.db.NewBatch()
	if err := errors.Join(
		b.Set(metaKey(rootName), text, nil),
		b.DeleteRange([]byte{commitPrefix}, commitKey(nil, r.Sequence+1), nil),
	); err != nil {
		return errorsJoinClose(err, b)
	}
	if err := b.Commit(o); err != nil {
		return err
	}
	k.root = r
	return nil
}

// begin makes an empty root of a new generation, and takes away the files of others.
func (k *checkpoint) begin() error {
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // never fails
	k.root = root{Build: build(k.s.opts.hashMask), Generation: binary.LittleEndian.Uint64(raw[:]), Next: 1}
	k.written, k.values = 1, 0
	if err := k.s.db.Delete(metaKey(rootName), pebble.NoSync); err != nil {
		return err
	}
	return k.tidy()
}

// tidy removes files that the root does not name.
func (k *checkpoint) tidy() error {
	files := k.s.opts.FS
	names, err := files.List(k.dir())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, name := range names {
		number, err := strconv.ParseUint(name, 10, 64)
		if err == nil && slices.ContainsFunc(k.root.Files, func(f fileRoot) bool { return f.Number == number }) {
			continue
		}
		if err := files.RemoveAll(files.PathJoin(k.dir(), name)); err != nil {
			return err
		}
	}
	return nil
}

// A file is a head, blocks and an end:
//
//	head   a line that says what it is, generation and number
//	block  kind, length, CRC-32C of generation, number, place, kind and content; content
//	end    a block whose content is the number of blocks before it
const fileLine = "hubcap index, checkpoint\n"

type blockKind byte

const (
	blockTerms       blockKind = 'T' // terms with ascending numbers
	blockLaidTerms   blockKind = 'L' // so too; their slots follow
	blockTermSlots   blockKind = 't' // a part of the table of terms: its number, and its slots
	blockIdentSlots  blockKind = 'i' // of that of identities
	blockPairSlots   blockKind = 'p' // of that of pairs
	blockDifferences blockKind = 'J'
	blockColumns     blockKind = 'D' // documents with their columns
	blockOrder       blockKind = 'O' // documents in the order, oldest first
	blockPostings    blockKind = 'P' // terms with their documents
	blockEnd         blockKind = 'E'
)

const blockHead = 1 + 4 + 4

func blockSum(generation, number uint64, place int64, kind blockKind, content []byte) uint32 {
	var head [25]byte
	binary.LittleEndian.PutUint64(head[:], generation)
	binary.LittleEndian.PutUint64(head[8:], number)
	binary.LittleEndian.PutUint64(head[16:], uint64(place)) //nolint:gosec // bits, not a number
	head[24] = byte(kind)
	return crc32.Update(crc32.Checksum(head[:], castagnoli), castagnoli, content)
}

// fileWriter writes one file.
type fileWriter struct {
	k      *checkpoint
	number uint64
	f      vfs.File
	path   string
	place  int64
	blocks uint32
	values int // terms in it
	head   []byte
	buf    []byte
}

func (k *checkpoint) create(number uint64) (*fileWriter, error) {
	files := k.s.opts.FS
	if err := files.MkdirAll(k.dir(), 0o750); err != nil {
		return nil, err
	}
	w := &fileWriter{k: k, number: number, path: k.file(number)}
	var err error
	if w.f, err = files.Create(w.path, vfs.WriteCategoryUnspecified); err != nil {
		return nil, err
	}
	if err := w.write(k.fileHead(number)); err != nil {
		return nil, w.abandon(err)
	}
	return w, nil
}

func (k *checkpoint) fileHead(number uint64) []byte {
	head := binary.LittleEndian.AppendUint64([]byte(fileLine), k.root.Generation)
	return binary.LittleEndian.AppendUint64(head, number)
}

func (w *fileWriter) write(b []byte) error {
	n, err := w.f.Write(b)
	w.place += int64(n)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return err
}

func (w *fileWriter) block(kind blockKind, content []byte) error {
	w.head = append(w.head[:0], byte(kind))
	w.head = binary.LittleEndian.AppendUint32(w.head, uint32(len(content))) //nolint:gosec // far below
	w.head = binary.LittleEndian.AppendUint32(w.head, blockSum(w.k.root.Generation, w.number, w.place, kind, content))
	w.blocks++
	if err := w.write(w.head); err != nil {
		return err
	}
	return w.write(content)
}

// finish writes the end; the file is on the disk when it returns.
func (w *fileWriter) finish() (size int64, err error) {
	if err := w.block(blockEnd, binary.LittleEndian.AppendUint32(nil, w.blocks)); err != nil {
		return 0, err
	}
	err = errors.Join(w.f.Sync(), w.f.Close())
	w.f = nil
	if err == nil {
		err = syncDirectory(w.k.s.opts.FS, w.k.dir())
	}
	return w.place, err
}

func (w *fileWriter) abandon(err error) error {
	if w.f != nil {
		_ = w.f.Close() // the first error tells more
	}
	_ = w.k.s.opts.FS.Remove(w.path) // nobody names it
	return err
}

// terms writes those of a range of numbers.
func (w *fileWriter) terms(kind blockKind, from, to uint32) error {
	d := w.k.s.dict
	for from < to {
		next := min(from+1024, to)
		w.buf = w.buf[:0]
		d.mu.RLock()
		for id := from; id < next; id++ {
			before := len(w.buf)
			if w.buf = d.appendTerm(w.buf, id); len(w.buf) > before {
				w.values++
			}
		}
		d.mu.RUnlock()
		if err := w.block(kind, w.buf); err != nil {
			return err
		}
		from = next
	}
	return nil
}

// appendTerm writes a term: number, field, whether it stands for a longer value, key, text. The caller holds the lock.
func (d *dictionary) appendTerm(dst []byte, id uint32) []byte {
	t := d.at(id)
	if t.id == 0 || t.gone {
		return dst
	}
	a := &d.attrs[t.attr]
	dst = binary.AppendUvarint(dst, uint64(id))
	long := byte(0)
	if t.long {
		long = 1
	}
	dst = append(dst, byte(a.field), long)
	dst = binary.AppendUvarint(dst, uint64(len(a.key)))
	dst = append(dst, a.key...)
	dst = binary.AppendUvarint(dst, uint64(len(t.text)+len(t.sum)))
	return t.appendFolded(dst)
}
