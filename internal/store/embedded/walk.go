package embedded

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/cockroachdb/pebble/v2"

	"hubcap/internal/query"
	"hubcap/internal/store"
)

// Count implements store.Store.
func (s *Store) Count(ctx context.Context, scope store.Scope, where *query.Expr) (int64, error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.leave()
	defer s.asking.leave(s.asking.enter())
	ctx, cancel := s.limited(ctx)
	defer cancel()
	r := s.startReading()
	defer s.endReading(r)
	set, err := s.ask(ctx, scope, where, nil)
	if err != nil {
		return 0, tooSlow(ctx, err)
	}
	match, err := s.settleSet(ctx, r, scope, where, set)
	if err != nil {
		return 0, tooSlow(ctx, err)
	}
	return int64(match.GetCardinality()), nil //nolint:gosec // at most 2^32
}

// walkBatch is how many documents a Walk unpacks at a time.
const walkBatch = 256

// walked is a run of documents of a Walk.
type walked struct {
	numbers []uint32
	records []byte
	ends    []int // of the records
	docs    []store.Doc
	texts   []byte // of the documents and their keys
	err     error
	ready   chan struct{}
}

// Walk implements store.Store: in the order of document numbers, over a snapshot that is taken after the index was asked. One
// goroutine reads, one a core unpacks, and the caller's takes them in order.
func (s *Store) Walk(ctx context.Context, scope store.Scope, where *query.Expr, yield func(*store.Doc) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	defer s.asking.leave(s.asking.enter())
	x := s.index
	x.mu.RLock()
	from := x.recent.n
	x.mu.RUnlock()
	set, err := s.ask(ctx, scope, where, nil)
	if err != nil || set.may.IsEmpty() {
		return err
	}
	snap := s.db.NewSnapshot()
	// What the snapshot has of a document that did not change since the index was first asked is what the index knew.
	x.mu.RLock()
	changed := roaring.New()
	if !x.recent.since(from, changed) {
		changed.Or(set.may)
	}
	x.mu.RUnlock()
	sure := roaring.AndNot(set.must, changed)
	err = s.walk(ctx, snap, set.may, func(doc uint32, key store.Key, r *reading) bool {
		return sure.Contains(doc) || scope.Allows(key) && query.Match(where, r.values.Values(r.json))
	}, yield)
	return errors.Join(err, snap.Close())
}

func (s *Store) walk(ctx context.Context, snap *pebble.Snapshot, set *roaring.Bitmap, match func(uint32, store.Key, *reading) bool, yield func(*store.Doc) error) error {
	ctx, cancel := context.WithCancel(ctx)
	workers := runtime.GOMAXPROCS(0)
	toUnpack, inOrder := make(chan *walked, 2*workers), make(chan *walked, 4*workers)
	idle := make(chan *walked, 8*workers)
	ended := make(chan error, 1)
	go func() {
		err := s.readWalked(ctx, snap, set, idle, func(c *walked) bool {
			select {
			case inOrder <- c:
			case <-ctx.Done():
				return false
			}
			toUnpack <- c // as many as fit into inOrder are taken in the end
			return true
		})
		close(inOrder)
		close(toUnpack)
		ended <- err
	}()
	unpacked := make(chan struct{}, workers)
	for range workers {
		go func() {
			r := s.startReading()
			for c := range toUnpack {
				if ctx.Err() == nil {
					c.err = c.unpack(r, match)
				}
				c.ready <- struct{}{}
			}
			s.endReading(r)
			unpacked <- struct{}{}
		}()
	}
	var failed error
	for c := range inOrder {
		<-c.ready
		if failed == nil {
			failed = errors.Join(c.err, ctx.Err())
		}
		for i := 0; i < len(c.docs) && failed == nil; i++ {
			if failed = ctx.Err(); failed == nil {
				failed = yield(&c.docs[i])
			}
		}
		if failed != nil {
			cancel()
		}
		select {
		case idle <- c:
		default:
		}
	}
	err := <-ended
	for range workers {
		<-unpacked
	}
	cancel()
	if failed != nil {
		return failed
	}
	return err
}

// readWalked reads the documents of a set that a snapshot has, in their order, and delivers them in batches.
func (s *Store) readWalked(ctx context.Context, snap *pebble.Snapshot, set *roaring.Bitmap, idle chan *walked, deliver func(*walked) bool) error {
	it, err := snap.NewIterWithContext(ctx, &pebble.IterOptions{LowerBound: []byte{docPrefix}, UpperBound: []byte{docPrefix + 1}})
	if err != nil {
		return err
	}
	fresh := func() *walked {
		select {
		case c := <-idle:
			c.numbers, c.records, c.ends, c.docs, c.texts, c.err = c.numbers[:0], c.records[:0], c.ends[:0], c.docs[:0], c.texts[:0], nil
			return c
		default:
			return &walked{ready: make(chan struct{}, 1)}
		}
	}
	c := fresh()
	wanted := set.Iterator()
	for ok := it.First(); ok && wanted.HasNext(); {
		doc, isDoc := keyNumber(it.Key())
		if !isDoc {
			return errors.Join(fmt.Errorf("document %x: %w", it.Key(), errDamaged), it.Close())
		}
		if next := wanted.PeekNext(); next != doc {
			if next < doc {
				wanted.AdvanceIfNeeded(doc)
			} else {
				var key [8]byte
				ok = it.SeekGE(docKey(key[:0], next))
			}
			continue
		}
		v, err := it.ValueAndErr()
		if err != nil {
			return errors.Join(fmt.Errorf("store: document %d: %w", doc, err), it.Close())
		}
		c.numbers = append(c.numbers, doc)
		c.records = append(c.records, v...)
		c.ends = append(c.ends, len(c.records))
		if len(c.numbers) == walkBatch {
			if !deliver(c) {
				return it.Close()
			}
			c = fresh()
		}
		wanted.Next()
		ok = it.Next()
	}
	if len(c.numbers) > 0 {
		deliver(c)
	}
	return errors.Join(it.Error(), it.Close())
}

// unpack makes documents of the records, those that match.
func (c *walked) unpack(r *reading, match func(uint32, store.Key, *reading) bool) error {
	from := 0
	for i, doc := range c.numbers {
		if err := r.unpack(c.records[from:c.ends[i]]); err != nil {
			return fmt.Errorf("store: document %d: %w", doc, err)
		}
		from = c.ends[i]
		key := keyOf(&r.parts)
		if !match(doc, key, r) {
			continue
		}
		if cap(c.texts)-len(c.texts) < len(r.json) { // the documents made so far keep the old piece
			c.texts = make([]byte, 0, max(2*cap(c.texts), 2*len(r.json), 1<<20))
		}
		at := len(c.texts)
		c.texts = append(c.texts, r.json...)
		c.docs = append(c.docs, store.Doc{Key: key, JSON: c.texts[at:len(c.texts):len(c.texts)], Customer: r.rec.customer, Version: r.rec.version})
	}
	return nil
}

// Explain implements store.Store. To a caller who does not see every account it counts what the caller sees alone.
func (s *Store) Explain(ctx context.Context, scope store.Scope, q *query.Find) (string, error) {
	if err := s.enter(ctx); err != nil {
		return "", err
	}
	defer s.leave()
	defer s.asking.leave(s.asking.enter())
	ctx, cancel := s.limited(ctx)
	defer cancel()
	n, total := &notes{}, s.index.count()
	if len(scope.Accounts) > 0 {
		mine, err := s.ask(ctx, scope, &query.Expr{}, nil)
		if err != nil {
			return "", tooSlow(ctx, err)
		}
		n.mine, total = mine.may, mine.may.GetCardinality()
	}
	n.say("where %s", q.Where)
	n.depth++
	set, err := s.ask(ctx, scope, &q.Where, n)
	if err != nil {
		return "", tooSlow(ctx, err)
	}
	n.depth--
	f := &search{s: s, ctx: ctx, scope: scope, q: q, order: query.Order(q.Sort), set: set}
	n.say("of %d findings %d satisfy it%s", total, set.must.GetCardinality(), toRead(set))
	p := &plan{s: s, ctx: ctx, later: &f.later}
	if _, err := p.postpone(p.scoped(scope, &q.Where)); err != nil {
		return "", tooSlow(ctx, err)
	}
	for i := range f.later {
		n.say("a page looks at its candidates for: %s", f.later[i].is)
	}
	n.say("order by %s: %s", printSort(f.order), f.explainOrder(n))
	return n.text.String(), nil
}

func toRead(set bounds) string {
	if more := set.may.GetCardinality() - set.must.GetCardinality(); more > 0 {
		return fmt.Sprintf(", and %d are read to know", more)
	}
	return ""
}

func printSort(order []query.SortKey) string {
	keys := make([]string, len(order))
	for i, k := range order {
		keys[i] = k.Field.Name()
		if k.Desc {
			keys[i] += " desc"
		}
	}
	return strings.Join(keys, ", ")
}

// explainOrder says how choose finds the first candidates.
func (f *search) explainOrder(n *notes) string {
	first := f.order[0].Field
	some := f.set.may.GetCardinality()
	switch dense := f.isDense(f.q.Limit + 1); {
	case some == 0:
		return "nothing to order"
	case columnOf(first) >= 0 && dense:
		return "a walk along the dates"
	case columnOf(first) < 0 && (dense || f.s.dict.count(first, "") <= f.s.opts.tuning.fewTermed):
		return fmt.Sprintf("a walk along %s of %s", n.values(f.s.dict.count(first, "")), first.Name())
	default:
		return fmt.Sprintf("the first of %d candidates", some)
	}
}
