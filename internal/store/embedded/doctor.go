package embedded

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"hubcap/internal/asff"
	"hubcap/internal/store"
)

// The kinds of problems that Examine finds.
const (
	ProblemDocument   = "document"   // a finding that cannot be read; mended: it goes
	ProblemDuplicate  = "duplicate"  // two documents of one finding; mended: the older one goes
	ProblemHistory    = "history"    // a record that cannot be read, or of no finding; mended: it goes
	ProblemState      = "state"      // an account's record that cannot be read, or lacks a version; mended: it goes, or gets one
	ProblemSpool      = "spool"      // a piece that belongs to no job; mended: it goes
	ProblemSequence   = "sequence"   // a number was given out that could be given out again; mended: it cannot
	ProblemEvent      = "event"      // an event that cannot be read, or what waits for one that is not there; mended: it goes
	ProblemRecord     = "record"     // a record that hubcap does not know; mended: it goes
	ProblemCheckpoint = "checkpoint" // what speeds up the start says something else than the documents; mended: it is made anew
)

// Problem is one thing that is wrong with a store.
type Problem struct {
	Kind   string `json:"kind"`
	Where  string `json:"where"`
	Detail string `json:"detail"`
}

func (p Problem) String() string { return p.Kind + ": " + p.Where + ": " + p.Detail }

// Examination is what Examine found.
type Examination struct {
	Findings int            `json:"findings"`
	History  int            `json:"historyRecords"`
	State    int            `json:"stateRecords"`
	Spools   int            `json:"spoolPieces"`
	Counts   map[string]int `json:"counts"`            // of problems, by kind
	Problems []Problem      `json:"problems"`          // the first of each kind
	Mended   bool           `json:"mended"`            // of every problem
	Removed  string         `json:"removed,omitempty"` // file with the records that were removed or changed
}

// Clean tells whether nothing is wrong.
func (e *Examination) Clean() bool { return len(e.Problems) == 0 }

// mostProblems is how many of a kind are told one by one.
const mostProblems = 100

// ExamineOptions steer Examine.
type ExamineOptions struct {
	Options

	Repair bool
	// Removed is the file that keeps what a repair removes: a JSON object a line, with key and value in base64 and why. It must not be
	// there. It is made when there is something to keep.
	Removed string
	// OwnsSpool tells whether a spool belongs to anything that st holds; nil: all do.
	OwnsSpool func(st store.StateView, spool string) bool
}

// Examine checks a store that no process serves, record by record, and mends it on request. What a mended store held that nobody can
// read is in the file of what was removed, and nowhere else.
func Examine(ctx context.Context, dir string, opts ExamineOptions) (found *Examination, err error) {
	opts.Options = opts.withDefaults()
	s, err := openBare(dir, opts.Options)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.closeBare()) }()
	d := &doctor{
		ctx: ctx, s: s, opts: &opts, batch: s.db.NewBatch(), idents: map[store.Identity]seen{},
		found: Examination{Counts: map[string]int{}, Problems: []Problem{}},
	}
	if err := d.run(); err != nil {
		return nil, errors.Join(err, d.batch.Close(), d.closeRemoved())
	}
	return &d.found, errors.Join(d.batch.Close(), d.closeRemoved())
}

// seen is a finding's document.
type seen struct {
	doc     uint32
	version uint64
}

type doctor struct {
	ctx     context.Context //nolint:containedctx // lives as long as the call
	s       *Store
	opts    *ExamineOptions
	found   Examination
	batch   *pebble.Batch // of what is mended
	removed vfs.File
	idents  map[store.Identity]seen
	highest uint64 // of the numbers that were given out
	forget  bool   // the checkpoint is to go
}

func (d *doctor) run() error {
	for _, step := range [...]func() error{d.meta, d.documents, d.history, d.state, d.spools, d.outbox, d.strangers, d.commits, d.sequence, d.checkpoint} {
		if err := step(); err != nil {
			return err
		}
	}
	if !d.opts.Repair || d.found.Clean() {
		return nil
	}
	if d.forget {
		if err := d.batch.Delete(metaKey(rootName), nil); err != nil {
			return err
		}
	}
	d.found.Mended = true
	return d.flush()
}

// report notes a problem.
func (d *doctor) report(kind, where, format string, a ...any) {
	d.found.Counts[kind]++
	if d.found.Counts[kind] <= mostProblems {
		d.found.Problems = append(d.found.Problems, Problem{kind, where, fmt.Sprintf(format, a...)})
	}
}

// remove takes a record away, after it was written down.
func (d *doctor) remove(key, value []byte, kind string) error {
	if !d.opts.Repair {
		return nil
	}
	if err := d.keep(key, value, kind); err != nil {
		return err
	}
	if err := d.batch.Delete(key, nil); err != nil {
		return err
	}
	if d.batch.Len() > 1<<20 {
		return d.flush()
	}
	return nil
}

// keep writes a record down.
func (d *doctor) keep(key, value []byte, kind string) error {
	files := d.opts.FS
	if d.removed == nil {
		if d.opts.Removed == "" {
			return errors.New("a repair needs a file for what it removes")
		}
		if _, err := files.Stat(d.opts.Removed); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is there already: name another file for what is removed", d.opts.Removed)
		}
		f, err := files.Create(d.opts.Removed, vfs.WriteCategoryUnspecified)
		if err != nil {
			return err
		}
		d.removed, d.found.Removed = f, d.opts.Removed
	}
	line, err := json.Marshal(struct {
		Kind  string `json:"kind"`
		Key   []byte `json:"key"`
		Value []byte `json:"value"`
	}{kind, key, value})
	if err == nil {
		_, err = d.removed.Write(append(line, '\n'))
	}
	return err
}

// flush mends what was gathered; what it removes is on the disk before.
func (d *doctor) flush() error {
	if d.removed != nil {
		if err := errors.Join(d.removed.Sync(), syncDirectory(d.opts.FS, d.opts.FS.PathDir(d.opts.Removed))); err != nil {
			return err
		}
	}
	if d.batch.Empty() {
		return nil
	}
	if err := d.batch.Commit(pebble.Sync); err != nil {
		return err
	}
	err := d.batch.Close()
	d.batch = d.s.db.NewBatch()
	return err
}

func (d *doctor) closeRemoved() error {
	if d.removed == nil {
		return nil
	}
	return d.removed.Close()
}

// each calls f for every record whose key lies in a range. What it is given is valid until it returns.
func (d *doctor) each(from, to []byte, f func(key, value []byte) error) error {
	it, err := d.s.db.NewIterWithContext(d.ctx, &pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return err
	}
	n := 0
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		if n++; n%1024 == 1 {
			err = d.ctx.Err()
		}
		var v []byte
		if err == nil {
			v, err = it.ValueAndErr()
		}
		if err == nil {
			err = f(it.Key(), v)
		}
	}
	return errors.Join(err, it.Close())
}

func (d *doctor) eachOf(prefix byte, f func(key, value []byte) error) error {
	return d.each([]byte{prefix}, []byte{prefix + 1}, f)
}

// meta looks at the store's own records. Without a seed the index's checkpoint means nothing; a new one is as good for the documents.
func (d *doctor) meta() error {
	s := d.s
	return d.eachOf(metaPrefix, func(key, value []byte) error {
		switch name := string(key[1:]); {
		case name == "seed" && len(value) == len(s.meta.seed):
			copy(s.meta.seed[:], value)
			s.key = newHashKey(s.meta.seed[:])
		case name == "sequence" && len(value) == 8:
			s.sequence.start(binary.BigEndian.Uint64(value))
		case name == rootName:
		case name == "seed", name == "sequence":
			d.report(ProblemRecord, "record "+name, "it has %d bytes", len(value))
			d.forget = true
			return d.remove(key, value, ProblemRecord)
		default:
			d.report(ProblemRecord, fmt.Sprintf("record %q", name), "hubcap does not know it")
			return d.remove(key, value, ProblemRecord)
		}
		return nil
	})
}

// documents looks at every finding.
func (d *doctor) documents() error {
	r := &reading{values: d.opts.newReader()}
	var members asff.Members
	return d.eachOf(docPrefix, func(key, value []byte) error {
		doc, isDoc := keyNumber(key)
		err := errDamaged
		if isDoc {
			err = r.unpack(value)
		}
		if err == nil {
			err = asff.Split(r.json, &members)
		}
		if err == nil && (len(r.parts[0]) == 0 || len(r.parts[0]) > 255 || len(r.parts[3]) == 0 || r.rec.version == 0) {
			err = errDamaged
		}
		if err != nil {
			d.report(ProblemDocument, fmt.Sprintf("document %x", key[1:]), "%v", err)
			d.forget = true
			return d.remove(key, value, ProblemDocument)
		}
		d.highest = max(d.highest, r.rec.version)
		k := keyOf(&r.parts)
		ident := k.Identity()
		other, twice := d.idents[ident]
		if !twice {
			d.idents[ident] = seen{doc, r.rec.version}
			d.found.Findings++
			return nil
		}
		d.report(ProblemDuplicate, fmt.Sprintf("finding %s of account %s", k.ID, k.Account), "documents %d and %d", other.doc, doc)
		d.forget = true
		if other.version >= r.rec.version {
			return d.remove(key, value, ProblemDuplicate)
		}
		d.idents[ident] = seen{doc, r.rec.version}
		return d.removeDocument(other.doc)
	})
}

func (d *doctor) removeDocument(doc uint32) error {
	key := docKey(nil, doc)
	v, closer, err := d.s.db.Get(key)
	if err != nil {
		return err
	}
	return errors.Join(d.remove(key, v, ProblemDuplicate), closer.Close())
}

func (d *doctor) history() error {
	return d.eachOf(historyPrefix, func(key, value []byte) error {
		if len(key) != 1+16+8 {
			d.report(ProblemHistory, fmt.Sprintf("record %x", key[1:]), "its key has %d bytes", len(key))
			return d.remove(key, value, ProblemHistory)
		}
		d.found.History++
		where := fmt.Sprintf("history of %x, number %d", key[1:17], historySeq(key))
		d.highest = max(d.highest, historySeq(key))
		if _, err := decodeHistory(value); err != nil {
			d.report(ProblemHistory, where, "%v", err)
			return d.remove(key, value, ProblemHistory)
		}
		if _, ok := d.idents[store.Identity(key[1:17])]; !ok {
			d.report(ProblemHistory, where, "there is no such finding")
			return d.remove(key, value, ProblemHistory)
		}
		return nil
	})
}

// state looks at the accounts' records, and takes them over for what is asked of them later.
func (d *doctor) state() error {
	snap := snapshot{}
	err := d.eachOf(statePrefix, func(key, value []byte) error {
		who, name, err := splitStateKey(key)
		if err == nil && name == "" && len(value) != 8 {
			err = errDamaged
		}
		if err != nil {
			d.report(ProblemState, fmt.Sprintf("record %x", key[1:]), "%v", err)
			return d.remove(key, value, ProblemState)
		}
		a := snap[who]
		if a == nil {
			a = &account{records: map[string][]byte{}}
			snap[who] = a
		}
		if name == "" {
			a.version = binary.BigEndian.Uint64(value)
			d.highest = max(d.highest, a.version)
			return nil
		}
		d.found.State++
		a.records[name] = append([]byte{}, value...)
		return nil
	})
	if err != nil {
		return err
	}
	for who, a := range snap {
		switch {
		case a.version == 0 && len(a.records) > 0:
			d.report(ProblemState, fmt.Sprintf("account %q", who), "its records have no version")
			d.highest++
			if d.opts.Repair {
				err = d.batch.Set(stateKey(who, ""), binary.BigEndian.AppendUint64(nil, d.highest), nil)
			}
		case a.version != 0 && len(a.records) == 0:
			d.report(ProblemState, fmt.Sprintf("account %q", who), "it has a version and no records")
			err = d.remove(stateKey(who, ""), binary.BigEndian.AppendUint64(nil, a.version), ProblemState)
		}
		if err != nil {
			return err
		}
	}
	d.s.state.now.Store(&snap)
	return nil
}

func (d *doctor) spools() error {
	return d.eachOf(spoolPrefix, func(key, value []byte) error {
		name, number, ok := strings.Cut(string(key[1:]), "\x00")
		d.found.Spools++
		switch {
		case !ok || name == "" || len(number) != 8:
			d.report(ProblemSpool, fmt.Sprintf("record %x", key[1:]), "%v", errDamaged)
		case d.opts.OwnsSpool != nil && !d.opts.OwnsSpool(*d.s.state.now.Load(), name):
			d.report(ProblemSpool, fmt.Sprintf("spool %s, piece %d", name, binary.BigEndian.Uint64([]byte(number))), "nothing knows of it")
		default:
			return nil
		}
		return d.remove(key, value, ProblemSpool)
	})
}

// strangers are records of no kind.
func (d *doctor) strangers() error {
	var from []byte // the first record of all; an empty key is none to Pebble
	between := func(to []byte) error {
		return d.each(from, to, func(key, value []byte) error {
			d.report(ProblemRecord, fmt.Sprintf("record %x", key), "hubcap does not know it")
			return d.remove(key, value, ProblemRecord)
		})
	}
	for _, known := range [...]byte{ // ascending
		commitPrefix, docPrefix, historyPrefix, spoolPrefix, metaPrefix, eventPrefix, waitingPrefix, statePrefix, deadPrefix,
	} {
		if err := between([]byte{known}); err != nil {
			return err
		}
		from = []byte{known + 1}
	}
	return between(nil)
}

func (d *doctor) commits() error {
	return d.eachOf(commitPrefix, func(key, value []byte) error {
		if len(key) == 1+8 {
			d.highest = max(d.highest, binary.BigEndian.Uint64(key[1:]))
			if eachDoc(value, func(uint32) {}) == nil {
				return nil
			}
		}
		d.report(ProblemCheckpoint, fmt.Sprintf("commit %x", key[1:]), "%v", errDamaged)
		d.forget = true
		return d.remove(key, value, ProblemCheckpoint)
	})
}

// sequence sees to it that no number is given out again.
func (d *doctor) sequence() error {
	reserved := d.s.sequence.reserved.Load()
	if d.highest <= reserved {
		return nil
	}
	d.report(ProblemSequence, "numbers of versions", "%d was given out, and only those up to %d are reserved", d.highest, reserved)
	d.s.sequence.start(d.highest)
	if !d.opts.Repair {
		return nil
	}
	return d.batch.Set(metaKey("sequence"), binary.BigEndian.AppendUint64(nil, d.highest), nil)
}

// checkpoint holds what a start would make of the checkpoint against the documents. One that a start would not use is no problem, but
// for one that is damaged.
func (d *doctor) checkpoint() error {
	if d.forget {
		return nil // the documents themselves are in no order
	}
	s := d.s
	s.readers.New = func() any { return &reading{values: d.opts.newReader()} }
	s.emptyIndex()
	k := newCheckpoint(s)
	tail, err := k.load()
	switch {
	case errors.Is(err, errNoCheckpoint), errors.Is(err, errOther):
		return nil
	case err != nil:
		d.report(ProblemCheckpoint, "checkpoint of the index", "%v", err)
		d.forget = true
		return nil
	}
	if err := d.compareIndex(tail); err != nil {
		return err
	}
	if d.found.Counts[ProblemCheckpoint] > 0 {
		d.forget = true
	}
	return nil
}

// compareIndex holds the index against every document that it should know.
func (d *doctor) compareIndex(tail *roaring.Bitmap) error {
	s := d.s
	x := s.index
	r := s.startReading()
	defer s.endReading(r)
	extract := extractor{dict: s.dict}
	overflows := s.dict.overflows(nil)
	documents, entries := uint64(0), 0
	err := d.eachOf(docPrefix, func(key, value []byte) error {
		doc, isDoc := keyNumber(key)
		if !isDoc || tail.Contains(doc) {
			return nil
		}
		if err := r.unpack(value); err != nil {
			return err
		}
		documents++
		k := keyOf(&r.parts)
		wrong := func(format string, a ...any) {
			d.report(ProblemCheckpoint, fmt.Sprintf("finding %s of account %s, document %d", k.ID, k.Account, doc), format, a...)
		}
		if !x.live.Contains(doc) {
			wrong("the index does not have it")
			return nil
		}
		diff := difference{ident: k.Identity(), pair: s.pairHash(k.ProductArn, k.ID)}
		extract.begin()
		extract.comes(&k, r.values.Values(r.json), &diff)
		if at, there := x.find(&diff.ident); !there || at != doc || *x.ident(doc) != diff.ident {
			wrong("the index finds another under its name")
		}
		if occurs(x.withPair(diff.pair, nil), doc) != 1 {
			wrong("the index does not find it by product and id")
		}
		if x.version(doc) != r.rec.version {
			wrong("the index has version %d of it, not %d", x.version(doc), r.rec.version)
		}
		for i, t := range diff.times {
			if x.time(doc, i) != t {
				wrong("the index has another %s", timeColumns[i].Name())
			}
		}
		entries += d.compareTerms(doc, &diff, &extract, overflows, wrong)
		return nil
	})
	if err != nil {
		return err
	}
	const whole = "checkpoint of the index"
	if n := x.live.GetCardinality(); n != documents {
		d.report(ProblemCheckpoint, whole, "it has %d documents, and there are %d", n, documents)
	}
	total := 0
	for t := range s.dict.next {
		total += x.posting(t).count()
	}
	if total != entries {
		d.report(ProblemCheckpoint, whole, "it has %d values of documents, and there are %d", total, entries)
	}
	last, n, sorted := place{at: -1 << 63}, uint64(0), true
	x.order.scan(func(doc uint32) bool {
		at := x.placeOf(doc)
		n++
		sorted = sorted && x.live.Contains(doc) && comparePlaces(last, at) < 0
		last = at
		return true
	})
	if !sorted || n != x.live.GetCardinality() {
		d.report(ProblemCheckpoint, whole, "its order is not that of the documents")
	}
	return nil
}

// compareTerms holds a document's postings against its values, and counts those it is in. A value may stand for itself or be left to
// the overflow of its field.
func (d *doctor) compareTerms(doc uint32, diff *difference, extract *extractor, overflows []uint32, wrong func(string, ...any)) (entries int) {
	x, dict := d.s.index, d.s.dict
	var spilled [256]bool
	in := roaring.New()
	for _, t := range overflows {
		if x.posting(t).contains(doc) {
			spilled[dict.at(t).text[0]] = true
			in.Add(t)
		}
	}
	lacks := func(field asff.Field) {
		switch {
		case spilled[field]:
		case field >= fieldOverflow:
			wrong("the index does not have a term of its own making")
		default:
			wrong("the index does not have its %s", field.Name())
		}
	}
	for _, t := range diff.add {
		if x.posting(t).contains(doc) {
			in.Add(t)
		} else {
			lacks(dict.attrs[dict.at(t).attr].field)
		}
	}
	for i := range extract.missing {
		lacks(extract.missing[i].field)
	}
	return int(in.GetCardinality()) //nolint:gosec // a few hundred
}

func occurs(list []uint32, doc uint32) (n int) {
	for _, v := range list {
		if v == doc {
			n++
		}
	}
	return n
}
