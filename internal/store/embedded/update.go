package embedded

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"hubcap/internal/asff"
	"hubcap/internal/store"
)

// optimisticRounds is how often a call tries again without locks, when others were first.
const optimisticRounds = 8

// maxLooks is how often a finding is looked for again that was deleted while it was read.
const maxLooks = 10_000

// item is one distinct key of a call.
type item struct {
	key   store.Key
	ident store.Identity
	again bool // the key comes more than once
	place int  // of the key, where it comes once

	// As loaded. base is the version that must still be there at commit; 0: no such finding.
	loaded  bool
	doc     uint32
	base    uint64
	spilled bool   // the index may have it on overflows
	before  []byte // the document

	// As the call leaves it.
	exists   bool
	changed  bool
	wiped    bool // its history goes, whatever comes after
	version  uint64
	customer asff.Attrs
	json     []byte // only where the key comes again, or before anything changed
	body     span   // of call.bodies: the compressed record
	history  []span
	seqs     []uint64
	events   []pendingEvent
	differs  difference
}

type span struct{ from, to int }

// call is one Update under way: buffers that serve many calls, one after the other.
type call struct {
	s       *Store
	items   []item
	of      []int32 // the item of each key
	byIdent map[store.Identity]int32
	errs    []error
	values  valueReader
	before  valueReader // of what is stored
	extract extractor
	doc     store.Doc

	expanded  []byte // the document last loaded
	plain     []byte // what is compressed
	bodies    []byte // compressed documents of the round
	histories []byte // encoded records of the round
	docs      []byte // documents that are needed again
	journal   []byte // differences
	record    []byte
	overflows []uint32
	key       [64]byte
	locked    []store.Identity
	view      stateReads
	loading   []store.Whole // what Load puts in; nil: an Update
}

func newCall(s *Store) *call {
	return &call{s: s, values: s.opts.newReader(), before: s.opts.newReader(), byIdent: map[store.Identity]int32{}, extract: extractor{dict: s.dict}}
}

// maxKept is how much of a buffer survives a call.
const maxKept = 4 << 20

// end lets go of what belongs to the caller, and of buffers that grew unusually.
func (c *call) end() {
	for i := range c.items {
		it := &c.items[i]
		it.key, it.json, it.before = store.Key{}, nil, nil
		clear(it.events)
	}
	clear(c.byIdent)
	clear(c.errs[:cap(c.errs)])
	c.doc, c.loading = store.Doc{}, nil
	c.view = stateReads{accounts: c.view.accounts[:0]}
	for _, b := range [...]*[]byte{&c.expanded, &c.plain, &c.bodies, &c.histories, &c.docs} {
		if cap(*b) > maxKept {
			*b = nil
		}
	}
	c.s.scratch.Put(c)
}

// stateReads is the state as of one commit, and which accounts of it decided something.
type stateReads struct {
	snap     snapshot
	accounts []string
}

func (v *stateReads) note(account string) {
	if !slices.Contains(v.accounts, account) {
		v.accounts = append(v.accounts, account)
	}
}

// Version implements store.StateView.
func (v *stateReads) Version(account string) uint64 {
	v.note(account)
	return v.snap.Version(account)
}

// Get implements store.StateView.
func (v *stateReads) Get(account, name string) ([]byte, bool) {
	v.note(account)
	return v.snap.Get(account, name)
}

// Names implements store.StateView.
func (v *stateReads) Names(account, prefix string) []string {
	v.note(account)
	return v.snap.Names(account, prefix)
}

// stands tells whether what was read is still so.
func (v *stateReads) stands(now snapshot) bool {
	for _, a := range v.accounts {
		if v.snap.Version(a) != now.Version(a) {
			return false
		}
	}
	return true
}

// Update implements store.Store.
func (s *Store) Update(ctx context.Context, keys []store.Key, fn store.UpdateFunc) ([]error, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	if err := s.space.check(); err != nil {
		return nil, err
	}
	if err := s.sequence.reserve(s.db); err != nil {
		return nil, err
	}
	defer s.writers.leave(s.writers.enter())
	c := s.scratch.Get().(*call)
	defer c.end()
	c.begin(keys)
	b, err := c.run(ctx, keys, fn)
	if err != nil {
		return nil, err
	}
	if b == nil {
		err = s.settle()
	} else {
		err = s.finish(b)
	}
	if err != nil {
		return nil, err
	}
	return slices.Clone(c.errs), nil
}

// begin finds out which keys are the same.
func (c *call) begin(keys []store.Key) {
	c.items, c.of = c.items[:0], c.of[:0]
	c.errs = slices.Grow(c.errs[:0], len(keys))[:len(keys)]
	for i := range keys {
		ident := keys[i].Identity()
		at, known := c.byIdent[ident]
		if known {
			c.items[at].again = true
		} else {
			at = int32(len(c.items)) //nolint:gosec // a request holds at most some thousand keys
			c.byIdent[ident] = at
			c.items = slices.Grow(c.items, 1)[:at+1]
			it := &c.items[at]
			*it = item{
				key: keys[i], ident: ident, history: it.history[:0], seqs: it.seqs[:0], events: it.events[:0],
				differs: difference{ident: ident, add: it.differs.add[:0], remove: it.differs.remove[:0]},
			}
		}
		c.of = append(c.of, at)
	}
}

// run decides and applies. It returns the applied batch, nil when nothing changed.
func (c *call) run(ctx context.Context, keys []store.Key, fn store.UpdateFunc) (*pebble.Batch, error) {
	all := true
	for range optimisticRounds {
		if err := c.decide(ctx, keys, fn, all); err != nil {
			return nil, err
		}
		b, ok, err := c.commit()
		if ok || err != nil {
			return b, err
		}
		all = !c.view.stands(*c.s.state.now.Load())
	}
	return c.runLocked(ctx, keys, fn)
}

// runLocked decides while nobody else can write these findings or any state.
func (c *call) runLocked(ctx context.Context, keys []store.Key, fn store.UpdateFunc) (*pebble.Batch, error) {
	c.s.state.commit.RLock()
	defer c.s.state.commit.RUnlock()
	ids := make([]store.Identity, 0, len(c.items))
	for i := range c.items {
		ids = append(ids, c.items[i].ident)
	}
	sortIdentities(ids)
	c.s.locks.lock(ids)
	defer c.s.locks.unlock(ids)
	if err := c.decide(ctx, keys, fn, true); err != nil {
		return nil, err
	}
	if !c.prepare() {
		return nil, nil
	}
	if !c.unchanged() {
		return nil, store.ErrConflict // the locks were ours: an engine's error, not a race
	}
	return c.apply()
}

// decide runs fn for every key (all), or for those of the items that lost a race, in the order of the keys.
func (c *call) decide(ctx context.Context, keys []store.Key, fn store.UpdateFunc, all bool) error {
	if all {
		c.bodies, c.histories, c.docs = c.bodies[:0], c.histories[:0], c.docs[:0]
		c.view = stateReads{snap: *c.s.state.now.Load(), accounts: c.view.accounts[:0]}
		for i := range c.items {
			c.items[i].loaded = false
		}
	}
	c.extract.begin()
	redo := make([]bool, 0, 128)
	for i := range c.items {
		it := &c.items[i]
		redo = append(redo, !it.loaded)
		if !it.loaded {
			it.changed, it.wiped, it.history, it.seqs, it.json = false, false, it.history[:0], it.seqs[:0], nil
			it.events = it.events[:0]
		}
	}
	for i := range keys {
		if !redo[c.of[i]] {
			continue
		}
		if i%16 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			runtime.Gosched() // who asks for a finding need not wait until all hundred are compressed
		}
		it := &c.items[c.of[i]]
		if !it.loaded {
			if err := c.load(it); err != nil {
				return err
			}
		}
		var old *store.Doc
		if it.exists {
			c.doc = store.Doc{Key: it.key, JSON: it.json, Customer: it.customer, Version: it.version}
			old = &c.doc
		}
		ch, err := fn(i, old, &c.view)
		if err == nil {
			err = c.take(it, &ch)
		}
		c.errs[i] = err
	}
	c.extract.settle()
	for i := range c.items {
		if it := &c.items[i]; redo[i] && it.changed {
			it.differs.order()
		}
	}
	return nil
}

// load reads an item's finding as it is now.
func (c *call) load(it *item) error {
	it.loaded = true
	x := c.s.index
	for tries := 0; ; tries++ {
		c.overflows = c.s.dict.overflows(c.overflows[:0])
		x.mu.RLock()
		doc, there := x.find(&it.ident)
		known, spilled := uint64(0), false
		if there {
			known, spilled = x.version(doc), x.spilled(doc, c.overflows)
		}
		x.mu.RUnlock()
		it.exists, it.base, it.doc, it.before = false, 0, 0, nil
		if !there {
			return nil
		}
		ok, err := c.read(it, doc)
		if err != nil {
			return fmt.Errorf("store: finding %s: %w", it.key.ID, err)
		}
		if ok {
			it.spilled = spilled || it.version != known // the index is behind: what it says is of another version
			break
		}
		// It is being deleted: look again.
		if tries == maxLooks {
			return fmt.Errorf("store: finding %s: %w: the index knows it, the database does not", it.key.ID, errDamaged)
		}
		runtime.Gosched()
	}
	if it.again {
		at := len(c.docs)
		c.docs = append(c.docs, it.json...)
		it.json = c.docs[at:len(c.docs):len(c.docs)]
	}
	it.before = it.json
	return nil
}

// read reads a document; false when it is gone.
func (c *call) read(it *item, doc uint32) (bool, error) {
	var rec stored
	ok, err := c.s.fetch(doc, func(v []byte) (err error) {
		if err = rec.decode(v); err == nil {
			c.expanded, err = expand(c.expanded, rec.body)
		}
		return err
	})
	if !ok || err != nil {
		return false, err
	}
	parts, text, err := splitBody(c.expanded)
	if err == nil && !same(&parts, &it.key) {
		err = fmt.Errorf("document %d is another's: %w", doc, errDamaged)
	}
	if err != nil {
		return false, err
	}
	it.exists, it.doc, it.base, it.version, it.customer, it.json = true, doc, rec.version, rec.version, rec.customer, text
	return true, nil
}

// take makes a change part of the item. Everything in ch is consumed.
func (c *call) take(it *item, ch *store.Change) error {
	switch {
	case ch.Delete:
		if it.exists {
			it.exists, it.changed, it.wiped = false, true, true
			it.history, it.seqs, it.events = it.history[:0], it.seqs[:0], it.events[:0]
			c.extract.drop(&it.differs)
			if it.base != 0 {
				it.differs.kind, it.differs.add = goes, it.differs.add[:0]
				it.differs.pair = c.s.pairHash(it.key.ProductArn, it.key.ID)
				c.extract.goes(&it.key, c.before.Values(it.before), it.spilled, &it.differs)
			}
		}
		return nil
	case ch.JSON == nil && len(ch.History) == 0 && !ch.Event.Wanted():
		return nil
	case ch.JSON == nil && !it.exists:
		return fmt.Errorf("store: finding %s: history or event of a finding that is not there", it.key.ID)
	}
	if ch.JSON != nil {
		c.setDocument(it, ch)
	} else if !it.changed {
		// Only history or an event is added: the document stays, under a new version.
		c.keepDocument(it)
	}
	it.exists, it.changed, it.version = true, true, c.s.sequence.take()
	if c.loading != nil {
		c.takeWhole(it, &c.loading[it.place])
		return nil
	}
	it.note(&ch.Event)
	for i := range ch.History {
		from := len(c.histories)
		c.histories = appendHistory(c.histories, &ch.History[i])
		it.history = append(it.history, span{from, len(c.histories)})
		it.seqs = append(it.seqs, c.s.sequence.take())
	}
	return nil
}

func (c *call) setDocument(it *item, ch *store.Change) {
	values := ch.Values
	if values == nil {
		values = c.values.Values(ch.JSON)
	}
	if it.again {
		c.extract.drop(&it.differs)
	}
	if it.base == 0 {
		it.differs.kind, it.differs.pair = comes, c.s.pairHash(it.key.ProductArn, it.key.ID)
		c.extract.comes(&it.key, values, &it.differs)
	} else {
		it.differs.kind = changes
		c.extract.changed(&it.key, c.before.Values(it.before), values, it.spilled, &it.differs)
	}
	it.customer = ch.Customer
	c.pack(it, ch.JSON)
	if it.again {
		at := len(c.docs)
		c.docs = append(c.docs, ch.JSON...)
		it.json = c.docs[at:len(c.docs):len(c.docs)]
	}
}

func (c *call) keepDocument(it *item) {
	it.differs.kind, it.differs.add, it.differs.remove = stays, it.differs.add[:0], it.differs.remove[:0]
	c.pack(it, it.json)
}

// pack compresses a document.
func (c *call) pack(it *item, doc []byte) {
	c.plain = appendBody(c.plain[:0], &it.key, doc)
	from := len(c.bodies)
	c.bodies = compress(c.bodies, c.plain)
	it.body = span{from, len(c.bodies)}
}

// commit applies what was decided, unless another writer was first: then ok is false, and those who lost are to be loaded again.
func (c *call) commit() (b *pebble.Batch, ok bool, err error) {
	c.s.state.commit.RLock()
	defer c.s.state.commit.RUnlock()
	if !c.view.stands(*c.s.state.now.Load()) {
		return nil, false, nil
	}
	if !c.prepare() {
		return nil, true, nil
	}
	c.s.locks.lock(c.locked)
	defer c.s.locks.unlock(c.locked)
	if !c.unchanged() {
		return nil, false, nil
	}
	b, err = c.apply()
	return b, err == nil, err
}

// prepare lists the keys that change, sorted; false when there are none.
func (c *call) prepare() bool {
	c.locked = c.locked[:0]
	for i := range c.items {
		it := &c.items[i]
		if it.writes() {
			c.locked = append(c.locked, it.ident)
		}
	}
	sortIdentities(c.locked)
	return len(c.locked) > 0
}

// unchanged tells whether the findings that change are still as they were loaded. Those that are not are marked to be loaded
// again. The caller holds their locks.
func (c *call) unchanged() bool {
	same := true
	x := c.s.index
	x.mu.RLock()
	defer x.mu.RUnlock()
	for i := range c.items {
		it := &c.items[i]
		if !it.changed {
			continue
		}
		doc, there := x.find(&it.ident)
		if there && (doc != it.doc || x.version(doc) != it.base) || !there && it.base != 0 {
			it.loaded, same = false, false
		}
	}
	return same
}

// apply writes the batch and brings the index up to it. The caller holds the locks of the keys.
func (c *call) apply() (*pebble.Batch, error) {
	c.number()
	events, size := c.countEvents()
	b := c.s.db.NewBatchWithSize(len(c.bodies) + len(c.histories) + 256*len(c.items) + size)
	if err := c.fill(b); err != nil {
		return nil, errorsJoinClose(err, b)
	}
	if events > 0 {
		first := c.s.outbox.begin(&c.s.sequence, events)
		defer c.s.outbox.end(first)
		if err := c.fillEvents(b, first); err != nil {
			return nil, errorsJoinClose(err, b)
		}
	}
	if err := c.s.applyBatch(b); err != nil {
		return nil, err
	}
	n := c.encodeDifferences()
	x := c.s.index
	x.mu.Lock()
	for i := range c.items {
		if it := &c.items[i]; it.writes() {
			x.apply(&it.differs)
		}
	}
	emptied := x.postings.emptied
	c.s.checkpoint.add(c.journal, n)
	x.mu.Unlock()
	c.s.sweeper.hear(emptied)
	return b, nil
}

// encodeDifferences writes what the call does to the index, for the checkpoint.
func (c *call) encodeDifferences() (n int) {
	c.journal = c.journal[:0]
	if c.s.checkpoint.off {
		return 0
	}
	for i := range c.items {
		if it := &c.items[i]; it.writes() {
			c.journal = appendDifference(c.journal, &it.differs)
			n++
		}
	}
	return n
}

// fillCommit writes which documents change, for a start after a kill.
func (c *call) fillCommit(b *pebble.Batch) error {
	if c.s.checkpoint.off {
		return nil
	}
	c.record = c.record[:0]
	last := uint32(0)
	for i := range c.items {
		if it := &c.items[i]; it.writes() {
			c.record = appendDoc(c.record, last, it.doc)
			last = it.doc
		}
	}
	return b.Set(commitKey(c.key[:0], c.s.sequence.take()), c.record, nil)
}

// number gives new findings their document numbers, which no other document had while the process runs.
func (c *call) number() {
	fresh := uint32(0)
	for i := range c.items {
		if it := &c.items[i]; it.changed && it.exists && it.base == 0 {
			fresh++
		}
	}
	if fresh == 0 {
		return
	}
	next := c.s.nextDoc.Add(fresh) - fresh
	for i := range c.items {
		if it := &c.items[i]; it.changed && it.exists && it.base == 0 {
			it.doc = next
			next++
		}
	}
}

// fill writes the changes into a batch and notes what they mean for the index.
func (c *call) fill(b *pebble.Batch) error {
	for i := range c.items {
		it := &c.items[i]
		if !it.writes() {
			continue
		}
		it.differs.doc, it.differs.version = it.doc, it.version
		if err := c.fillItem(b, it); err != nil {
			return err
		}
	}
	return c.fillCommit(b)
}

// writes tells whether anything is left to do for an item: what came and went in one call does not count.
func (it *item) writes() bool { return it.changed && (it.exists || it.base != 0) }

func (c *call) fillItem(b *pebble.Batch, it *item) error {
	if it.wiped {
		end := it.ident
		if err := b.DeleteRange(historyKey(c.key[:0], end, 0), append(historyKey(nil, end, ^uint64(0)), 0), nil); err != nil {
			return err
		}
	}
	if !it.exists {
		return b.Delete(docKey(c.key[:0], it.doc), nil)
	}
	rec := stored{customer: it.customer, version: it.version, body: c.bodies[it.body.from:it.body.to]}
	c.record = rec.append(c.record[:0])
	if err := b.Set(docKey(c.key[:0], it.doc), c.record, nil); err != nil {
		return err
	}
	for i, h := range it.history {
		if err := b.Set(historyKey(c.key[:0], it.ident, it.seqs[i]), c.histories[h.from:h.to], nil); err != nil {
			return err
		}
	}
	return nil
}

// applyBatch makes a batch visible. It is on disk when finish returns.
func (s *Store) applyBatch(b *pebble.Batch) error {
	s.unsynced.Add(1)
	if err := s.db.ApplyNoSyncWait(b, pebble.Sync); err != nil {
		s.unsynced.Add(-1)
		return errorsJoinClose(err, b)
	}
	return nil
}

// finish waits until a batch is on disk. Whatever was applied before it is then on disk too.
func (s *Store) finish(b *pebble.Batch) error {
	err := b.SyncWait()
	s.unsynced.Add(-1)
	if err != nil {
		s.fatal(err)
	}
	return b.Close()
}

// settle makes sure that what a call saw is on disk, when the call itself wrote nothing: its answer tells of what it saw.
func (s *Store) settle() error {
	if s.unsynced.Load() == 0 {
		return nil
	}
	return s.db.LogData(nil, pebble.Sync)
}

func errorsJoinClose(err error, b *pebble.Batch) error { return errors.Join(err, b.Close()) }
