package embedded

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"hubcap/internal/store"
)

// The outbox. A row 'o' stands under a number that grows from commit to commit and holds the event; for each sink that is to get
// it a row 'q' stands under the sink, the account, the finding and its version, and names the number. What a sink will never get has a
// row 'x' in place of its 'q'. Leases are in memory: they end with the process, as its workers do.
type outbox struct {
	mu     sync.Mutex
	under  map[uint64]struct{} // first numbers of the commits under way
	leases map[leased]lease
	swept  []byte // how far ExpireEvents looked, when a call left the rest to the next
}

type leased struct{ sink, account string }

type lease struct {
	owner string
	until time.Time
}

func newOutbox() *outbox {
	return &outbox{under: map[uint64]struct{}{}, leases: map[leased]lease{}}
}

// begin hands out n numbers for the rows of a commit: until its end nobody reads rows from the first of them on, for commits end in
// another order than they began.
func (o *outbox) begin(q *sequence, n int) uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	first := q.next.Add(uint64(n)) - uint64(n) + 1 //nolint:gosec // at most some thousand
	o.under[first] = struct{}{}
	return first
}

func (o *outbox) end(first uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.under, first)
}

// settled is the number from which on rows may still come.
func (o *outbox) settled(q *sequence) uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	bound := q.next.Load() + 1
	for first := range o.under {
		bound = min(bound, first)
	}
	return bound
}

func (o *outbox) expired() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.swept
}

func (o *outbox) expire(to []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.swept = to
}

// pendingEvent is an event of a call under way.
type pendingEvent struct {
	mark    store.EventMark
	version uint64
	body    span // of call.bodies
}

// note keeps a change's event with its finding, as the change leaves that.
func (it *item) note(mark *store.EventMark) {
	if mark.Wanted() {
		it.events = append(it.events, pendingEvent{mark: *mark, version: it.version, body: it.body})
	}
}

// countEvents is how many rows the call puts into the outbox, and about how many bytes they have.
func (c *call) countEvents() (n, size int) {
	for i := range c.items {
		it := &c.items[i]
		if !it.writes() {
			continue
		}
		n += len(it.events)
		for k := range it.events {
			e := &it.events[k]
			size += e.body.to - e.body.from + len(e.mark.Detail) + 64 + 128*len(e.mark.Sinks)
		}
	}
	return n, size
}

// fillEvents writes the call's events, numbered from first on.
func (c *call) fillEvents(b *pebble.Batch, first uint64) error {
	for i := range c.items {
		it := &c.items[i]
		if !it.writes() {
			continue
		}
		for k := range it.events {
			e := &it.events[k]
			c.record = appendEvent(c.record[:0], &e.mark, e.version, c.bodies[e.body.from:e.body.to])
			ref := store.EventRef{Account: it.key.Account, Identity: it.ident, Version: e.version}
			if err := c.s.putEvent(b, first, &ref, c.record, e.mark.Sinks); err != nil {
				return err
			}
			first++
		}
	}
	return nil
}

func (*Store) putEvent(b *pebble.Batch, number uint64, ref *store.EventRef, record []byte, sinks []string) error {
	var buf [128]byte
	if err := b.Set(eventKey(buf[:0], number), record, nil); err != nil {
		return err
	}
	var value [8]byte
	binary.BigEndian.PutUint64(value[:], number)
	for _, sink := range sinks {
		if err := b.Set(waitingKey(buf[:0], sink, ref), value[:], nil); err != nil {
			return err
		}
	}
	return nil
}

const eventFormat = 1

// appendEvent writes a row: what the hub marked, then the finding's document as the record 'd' has it.
func appendEvent(dst []byte, mark *store.EventMark, version uint64, body []byte) []byte {
	dst = append(dst, eventFormat, byte(mark.Kind))
	dst = binary.AppendUvarint(dst, version)
	dst = binary.AppendVarint(dst, mark.Time.UnixMilli())
	dst = binary.AppendUvarint(dst, uint64(len(mark.Detail)))
	dst = append(dst, mark.Detail...)
	return append(dst, body...)
}

// decodeEvent reads a row; detail and document alias b and the buffer that it answers.
func decodeEvent(e *store.Event, buf, b []byte) ([]byte, error) {
	if len(b) < 2 || b[0] != eventFormat {
		return buf, errDamaged
	}
	e.Kind = store.EventKind(b[1])
	version, n := binary.Uvarint(b[2:])
	if n <= 0 {
		return buf, errDamaged
	}
	b = b[2+n:]
	ms, n := binary.Varint(b)
	if n <= 0 {
		return buf, errDamaged
	}
	detail, body, err := cut(b[n:])
	if err != nil {
		return buf, err
	}
	if buf, err = expand(buf, body); err != nil {
		return buf, err
	}
	parts, doc, err := splitBody(buf)
	if err != nil {
		return buf, err
	}
	e.Key, e.Version, e.Time, e.Detail, e.JSON = keyOf(&parts), version, time.UnixMilli(ms).UTC(), detail, doc
	return buf, nil
}

// eventTime reads the instant of a row and nothing else.
func eventTime(b []byte) (time.Time, error) {
	if len(b) < 2 || b[0] != eventFormat {
		return time.Time{}, errDamaged
	}
	_, n := binary.Uvarint(b[2:])
	if n <= 0 {
		return time.Time{}, errDamaged
	}
	ms, m := binary.Varint(b[2+n:])
	if m <= 0 {
		return time.Time{}, errDamaged
	}
	return time.UnixMilli(ms).UTC(), nil
}

func eventKey(dst []byte, number uint64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, eventPrefix), number)
}

func sinkKey(dst []byte, prefix byte, sink string) []byte {
	return append(append(dst, prefix, byte(len(sink))), sink...) //nolint:gosec // checkSink
}

func accountKey(dst []byte, sink, account string) []byte {
	dst = sinkKey(dst, waitingPrefix, sink)
	return append(append(dst, byte(len(account))), account...) //nolint:gosec // 12 digits
}

func waitingKey(dst []byte, sink string, r *store.EventRef) []byte {
	dst = append(accountKey(dst, sink, r.Account), r.Identity[:]...)
	return binary.BigEndian.AppendUint64(dst, r.Version)
}

// splitWaiting takes a key 'q' apart.
func splitWaiting(key []byte) (r store.EventRef, err error) {
	part := func() (string, bool) {
		if len(key) == 0 || len(key) < 1+int(key[0]) {
			return "", false
		}
		s := string(key[1 : 1+int(key[0])])
		key = key[1+int(key[0]):]
		return s, true
	}
	key = key[1:]
	_, ok := part() // the sink
	if ok {
		r.Account, ok = part()
	}
	if !ok || len(key) != 24 {
		return r, errDamaged
	}
	r.Identity = store.Identity(key[:16])
	r.Version = binary.BigEndian.Uint64(key[16:])
	return r, nil
}

func deadKey(sink string, number uint64) []byte {
	return binary.BigEndian.AppendUint64(sinkKey(nil, deadPrefix, sink), number)
}

// appendDead writes a row 'x': the ref, when and why.
func appendDead(dst []byte, d *store.DeadEvent) []byte {
	dst = append(append(dst, byte(len(d.Account))), d.Account...) //nolint:gosec // 12 digits
	dst = binary.BigEndian.AppendUint64(append(dst, d.Identity[:]...), d.Version)
	dst = binary.AppendVarint(dst, d.Time.UnixMilli())
	return append(dst, d.Reason...)
}

func decodeDead(b []byte) (d store.DeadEvent, err error) {
	if len(b) < 1 || len(b) < 1+int(b[0])+24 {
		return d, errDamaged
	}
	d.Account, b = string(b[1:1+int(b[0])]), b[1+int(b[0]):]
	d.Identity, d.Version = store.Identity(b[:16]), binary.BigEndian.Uint64(b[16:24])
	ms, n := binary.Varint(b[24:])
	if n <= 0 {
		return d, errDamaged
	}
	d.Time, d.Reason = time.UnixMilli(ms).UTC(), string(b[24+n:])
	return d, nil
}

func checkSink(sink string) error {
	if sink == "" || len(sink) > 64 {
		return fmt.Errorf("store: no sink can be named %q", sink)
	}
	return nil
}

// behind is the first key after all that begin with one.
func behind(prefix []byte) []byte {
	out := bytes.Clone(prefix)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i]++; out[i] != 0 {
			return out[:i+1]
		}
	}
	return nil
}

// enterOutbox begins a call on what a sink has.
func (s *Store) enterOutbox(ctx context.Context, sink string) error {
	if err := checkSink(sink); err != nil {
		return err
	}
	return s.enter(ctx)
}

// EventAccounts implements store.Outbox.
func (s *Store) EventAccounts(ctx context.Context, sink, after string, limit int) (accounts []string, err error) {
	if err := s.enterOutbox(ctx, sink); err != nil {
		return nil, err
	}
	defer s.leave()
	all := sinkKey(nil, waitingPrefix, sink)
	from := all
	if after != "" {
		from = behind(accountKey(nil, sink, after))
	}
	it, err := s.db.NewIterWithContext(ctx, &pebble.IterOptions{LowerBound: from, UpperBound: behind(all)})
	if err != nil {
		return nil, err
	}
	for ok := it.First(); ok && len(accounts) < limit && err == nil; {
		var r store.EventRef
		if r, err = splitWaiting(it.Key()); err == nil {
			accounts = append(accounts, r.Account)
			ok = it.SeekGE(behind(accountKey(nil, sink, r.Account)))
		}
	}
	return accounts, errors.Join(err, it.Close())
}

// LeaseEvents implements store.Outbox.
func (s *Store) LeaseEvents(ctx context.Context, l store.EventLease, now time.Time) (bool, error) {
	if err := s.enterOutbox(ctx, l.Sink); err != nil {
		return false, err
	}
	defer s.leave()
	o, at := s.outbox, leased{l.Sink, l.Account}
	o.mu.Lock()
	defer o.mu.Unlock()
	if have, ok := o.leases[at]; ok && have.owner != l.Owner && have.until.After(now) {
		return false, nil
	}
	o.leases[at] = lease{l.Owner, l.Until}
	return true, nil
}

// ReleaseEvents implements store.Outbox.
func (s *Store) ReleaseEvents(ctx context.Context, l store.EventLease) error {
	if err := s.enterOutbox(ctx, l.Sink); err != nil {
		return err
	}
	defer s.leave()
	o, at := s.outbox, leased{l.Sink, l.Account}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.leases[at].owner == l.Owner {
		delete(o.leases, at)
	}
	return nil
}

// WaitingEvents implements store.Outbox.
func (s *Store) WaitingEvents(ctx context.Context, sink, account string, after *store.EventRef, limit int, yield func(*store.Event) error) error {
	if err := s.enterOutbox(ctx, sink); err != nil {
		return err
	}
	defer s.leave()
	all := accountKey(nil, sink, account)
	from := all
	if after != nil {
		from = append(waitingKey(nil, sink, &store.EventRef{Account: account, Identity: after.Identity, Version: after.Version}), 0)
	}
	it, err := s.db.NewIterWithContext(ctx, &pebble.IterOptions{LowerBound: from, UpperBound: behind(all)})
	if err != nil {
		return err
	}
	var numbers []uint64
	for ok := it.First(); ok && len(numbers) < limit && err == nil; ok = it.Next() {
		if len(it.Value()) != 8 {
			err = errDamaged
		} else {
			numbers = append(numbers, binary.BigEndian.Uint64(it.Value()))
		}
	}
	if err = errors.Join(err, it.Close()); err != nil || len(numbers) == 0 {
		return err
	}
	if err := s.settle(); err != nil {
		return err
	}
	var buf []byte
	for _, n := range numbers {
		if buf, err = s.showEvent(ctx, n, buf, yield); err != nil {
			return err
		}
	}
	return nil
}

// showEvent reads one row for a caller; one that went meanwhile is not shown.
func (s *Store) showEvent(ctx context.Context, number uint64, buf []byte, yield func(*store.Event) error) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return buf, err
	}
	var key [9]byte
	v, closer, err := s.db.Get(eventKey(key[:0], number))
	if errors.Is(err, pebble.ErrNotFound) {
		return buf, nil
	}
	if err != nil {
		return buf, err
	}
	var e store.Event
	if buf, err = decodeEvent(&e, buf, v); err != nil {
		err = fmt.Errorf("store: event %d: %w", number, err)
	} else {
		err = yield(&e)
	}
	return buf, errors.Join(err, closer.Close())
}

// SettleEvents implements store.Outbox.
func (s *Store) SettleEvents(ctx context.Context, sink string, delivered []store.EventRef, dead []store.DeadEvent) error {
	if err := s.enterOutbox(ctx, sink); err != nil {
		return err
	}
	defer s.leave()
	b := s.db.NewBatch()
	for i := range delivered {
		if err := b.Delete(waitingKey(nil, sink, &delivered[i]), nil); err != nil {
			return errorsJoinClose(err, b)
		}
	}
	for i := range dead {
		if err := s.bury(b, sink, &dead[i]); err != nil {
			return errorsJoinClose(err, b)
		}
	}
	if b.Empty() {
		return b.Close()
	}
	return errors.Join(b.Commit(pebble.NoSync), b.Close())
}

// bury makes a waiting event a dead one.
func (s *Store) bury(b *pebble.Batch, sink string, d *store.DeadEvent) error {
	key := waitingKey(nil, sink, &d.EventRef)
	v, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(v) != 8 {
		return errors.Join(errDamaged, closer.Close())
	}
	number := binary.BigEndian.Uint64(v)
	return errors.Join(closer.Close(), b.Delete(key, nil), b.Set(deadKey(sink, number), appendDead(nil, d), nil))
}

// DeadEvents implements store.Outbox.
func (s *Store) DeadEvents(ctx context.Context, sink string, yield func(*store.DeadEvent) error) error {
	if err := s.enterOutbox(ctx, sink); err != nil {
		return err
	}
	defer s.leave()
	all := sinkKey(nil, deadPrefix, sink)
	it, err := s.db.NewIterWithContext(ctx, &pebble.IterOptions{LowerBound: all, UpperBound: behind(all)})
	if err != nil {
		return err
	}
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		var d store.DeadEvent
		if d, err = decodeDead(it.Value()); err == nil {
			err = yield(&d)
		}
	}
	return errors.Join(err, it.Error(), it.Close())
}

// walkEvents goes over the rows behind a place, as of now: fn tells whether to go on. next is the place behind the last one.
func (s *Store) walkEvents(ctx context.Context, after []byte, fn func(number uint64, row []byte) (bool, error)) (next []byte, err error) {
	from := []byte{eventPrefix}
	if after != nil {
		if len(after) != 8 {
			return nil, fmt.Errorf("store: %d bytes are no place in the outbox", len(after))
		}
		from = append(eventKey(nil, binary.BigEndian.Uint64(after)), 0)
	}
	// First the bound, then the view: what began later than the bound is not looked at, what began earlier is in the view.
	to := eventKey(nil, s.outbox.settled(&s.sequence))
	if bytes.Compare(from, to) >= 0 {
		return after, nil
	}
	it, err := s.db.NewIterWithContext(ctx, &pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return nil, err
	}
	next = after
	if err := s.settle(); err != nil {
		return nil, errors.Join(err, it.Close())
	}
	more := true
	for ok := it.First(); ok && more && err == nil; ok = it.Next() {
		if err = ctx.Err(); err != nil {
			break
		}
		number := binary.BigEndian.Uint64(it.Key()[1:])
		next = binary.BigEndian.AppendUint64(nil, number)
		more, err = fn(number, it.Value())
	}
	return next, errors.Join(err, it.Close())
}

// clockSlack is how far the instants of two rows may stand against the order of their numbers: an instant is read before a number is
// taken.
const clockSlack = time.Minute

// placeOf is a place before every row of an instant or later: found by halving, for numbers and instants grow together.
func (s *Store) placeOf(ctx context.Context, from time.Time) (place []byte, err error) {
	it, err := s.db.NewIterWithContext(ctx, &pebble.IterOptions{LowerBound: []byte{eventPrefix}, UpperBound: []byte{eventPrefix + 1}})
	if err != nil {
		return nil, err
	}
	from = from.Add(-clockSlack)
	low, high := uint64(0), s.sequence.next.Load()+1 // every row up to low is too old; what is sought lies below high
	for err == nil && high-low > 1 {
		middle := low + (high-low)/2
		if !it.SeekGE(eventKey(nil, middle)) {
			if err = it.Error(); err != nil {
				break
			}
			high = middle
			continue
		}
		number := binary.BigEndian.Uint64(it.Key()[1:])
		var at time.Time
		if at, err = eventTime(it.Value()); err != nil {
			break
		}
		if at.Before(from) {
			low = number
		} else {
			high = middle
		}
	}
	return binary.BigEndian.AppendUint64(nil, low), errors.Join(err, it.Close())
}

// RetainedEvents implements store.Outbox.
func (s *Store) RetainedEvents(ctx context.Context, from time.Time, after []byte, limit int, yield func(*store.Event, []byte) error) ([]byte, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	if after == nil && !from.IsZero() {
		place, err := s.placeOf(ctx, from)
		if err != nil {
			return nil, err
		}
		after = place
	}
	var buf []byte
	shown, looked := 0, 0
	next, err := s.walkEvents(ctx, after, func(number uint64, row []byte) (bool, error) {
		looked++
		at, err := eventTime(row)
		if err == nil && !at.Before(from) {
			var e store.Event
			if buf, err = decodeEvent(&e, buf, row); err == nil {
				shown++
				err = yield(&e, binary.BigEndian.AppendUint64(nil, number))
			}
		}
		return shown < limit && looked < outboxStep, err
	})
	if next == nil {
		next = make([]byte, 8)
	}
	return next, err
}

// outboxStep is how many rows one call looks at.
const outboxStep = 4096

// ReplayEvents implements store.Outbox.
func (s *Store) ReplayEvents(ctx context.Context, sink string, from, to time.Time, after []byte) (n int, next []byte, err error) {
	if err := s.enterOutbox(ctx, sink); err != nil {
		return 0, nil, err
	}
	defer s.leave()
	if err := s.space.check(); err != nil {
		return 0, nil, err
	}
	if after == nil {
		if after, err = s.placeOf(ctx, from); err != nil {
			return 0, nil, err
		}
	}
	b := s.db.NewBatch()
	looked := 0
	var buf []byte
	next, err = s.walkEvents(ctx, after, func(number uint64, row []byte) (bool, error) {
		looked++
		at, err := eventTime(row)
		if err != nil || at.Before(from) || !at.Before(to) {
			if err == nil && at.After(to.Add(clockSlack)) {
				looked = 0 // what follows is younger still
				return false, nil
			}
			return looked < outboxStep, err
		}
		var e store.Event
		if buf, err = decodeEvent(&e, buf, row); err != nil {
			return false, err
		}
		n++
		ref := e.Ref()
		err = errors.Join(
			b.Set(waitingKey(nil, sink, &ref), binary.BigEndian.AppendUint64(nil, number), nil), b.Delete(deadKey(sink, number), nil))
		return looked < outboxStep, err
	})
	if err != nil {
		return 0, nil, errorsJoinClose(err, b)
	}
	if looked < outboxStep {
		next = nil
	}
	if b.Empty() {
		return n, next, b.Close()
	}
	return n, next, s.write(b)
}

// waitingSinks lists the sinks that have events waiting or dead.
func (s *Store) waitingSinks(ctx context.Context) (sinks []string, err error) {
	met := map[string]bool{}
	for _, prefix := range [...]byte{waitingPrefix, deadPrefix} {
		it, err := s.db.NewIterWithContext(ctx, &pebble.IterOptions{LowerBound: []byte{prefix}, UpperBound: []byte{prefix + 1}})
		if err != nil {
			return nil, err
		}
		for ok := it.First(); ok; {
			key := it.Key()
			if len(key) < 2 || len(key) < 2+int(key[1]) {
				return nil, errors.Join(errDamaged, it.Close())
			}
			sink := string(key[2 : 2+int(key[1])])
			if !met[sink] {
				met[sink] = true
				sinks = append(sinks, sink)
			}
			ok = it.SeekGE(behind(sinkKey(nil, prefix, sink)))
		}
		if err := it.Close(); err != nil {
			return nil, err
		}
	}
	return sinks, nil
}

// ExpireEvents implements store.Outbox.
func (s *Store) ExpireEvents(ctx context.Context, before time.Time, most int64, keep []string) (more bool, err error) {
	if err := s.enter(ctx); err != nil {
		return false, err
	}
	defer s.leave()
	sinks, err := s.waitingSinks(ctx)
	if err != nil {
		return false, err
	}
	excess := int64(0)
	if most > 0 {
		used, err := s.db.EstimateDiskUsage([]byte{eventPrefix}, []byte{eventPrefix + 1})
		if err != nil {
			return false, err
		}
		excess = int64(used) - most //nolint:gosec // a disk holds less
	}
	b := s.db.NewBatch()
	looked := 0
	var buf []byte
	place := s.outbox.expired()
	next, err := s.walkEvents(ctx, place, func(number uint64, row []byte) (bool, error) {
		looked++
		at, err := eventTime(row)
		if err != nil {
			return false, err
		}
		if !at.Before(before) && excess <= 0 {
			looked = 0 // what follows is younger
			return false, nil
		}
		var e store.Event
		if buf, err = decodeEvent(&e, buf, row); err != nil {
			return false, err
		}
		gone, err := s.forget(b, number, &e, sinks, keep)
		if gone {
			excess -= int64(len(row))
		}
		return looked < outboxStep, err
	})
	if err != nil {
		return false, errorsJoinClose(err, b)
	}
	if more = looked == outboxStep; !more {
		next = nil
	}
	s.outbox.expire(next)
	if b.Empty() {
		return more, b.Close()
	}
	return more, s.write(b)
}

// forget deletes a row for good, unless it waits for one of the sinks to keep it for.
func (s *Store) forget(b *pebble.Batch, number uint64, e *store.Event, sinks, keep []string) (bool, error) {
	ref := e.Ref()
	for _, sink := range keep {
		_, closer, err := s.db.Get(waitingKey(nil, sink, &ref))
		if err == nil {
			return false, closer.Close()
		}
		if !errors.Is(err, pebble.ErrNotFound) {
			return false, err
		}
	}
	err := b.Delete(eventKey(nil, number), nil)
	for _, sink := range sinks {
		err = errors.Join(err, b.Delete(waitingKey(nil, sink, &ref), nil), b.Delete(deadKey(sink, number), nil))
	}
	return true, err
}
