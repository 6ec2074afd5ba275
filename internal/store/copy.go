package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"hubcap/internal/query"
)

// Copied is a store whose whole content can be read, and which takes such content as it is: what moving from one engine to another
// needs beside the contract.
type Copied interface {
	Store
	// Whole calls yield for those of the findings that are there, with their histories, oldest record first, in the order of the keys.
	Whole(ctx context.Context, keys []Key, yield func(*Whole) error) error
	// Load puts findings in as they are, with versions and histories, in place of what is there under the same keys; durable before it
	// returns. Versions and places that the store gives out later are greater than those it was given. Nobody is told. Keys do not repeat.
	Load(ctx context.Context, findings []Whole) error
	// Records calls yield for every small record of every account, account by account.
	Records(ctx context.Context, yield func(account, name string, value []byte) error) error
	// Spools calls yield for every piece of every spool.
	Spools(ctx context.Context, yield func(spool string, n uint64, chunk []byte) error) error
	// Outgoing calls yield for every event of the outbox, in the order of RetainedEvents.
	Outgoing(ctx context.Context, yield func(*Outgoing) error) error
	// LoadOutgoing puts events into the outbox, behind those that are there.
	LoadOutgoing(ctx context.Context, events []Outgoing) error
	// DropOutgoing empties the outbox.
	DropOutgoing(ctx context.Context) error
}

// Whole is a finding with its history. What it refers to is valid until the callback returns.
type Whole struct {
	Doc
	History []HistoryEntry // oldest first
}

// Outgoing is an event of the outbox, and for whom.
type Outgoing struct {
	Event
	Waiting []string             // sinks that will get it, in ascending order
	Dead    map[string]DeadEvent // sinks that will not
}

// copyBatch is how many findings are read, compared and written at once.
const copyBatch = 256

// Copying is how Copy goes on.
type Copying struct {
	From, To Copied
	Workers  int // 0: 4
	// Progress hears of findings that were looked at, and how many there are about, from several goroutines; nil: nobody does.
	Progress func(step string, done, all int64)
}

// Copy tells what was copied. Both sides hold the same then.
type Copy struct {
	Findings  int64  // there are
	Histories int64  // their records
	Written   int64  // findings that To did not have so
	Removed   int64  // findings that From does not have
	Records   int64  // small ones, of accounts
	Chunks    int64  // pieces of spools
	Events    int64  // of the outbox
	Digest    string // of all findings and histories, in hexadecimal: that of From, and of To
}

// ErrCopyDiffers tells that a side changed meanwhile. Copying once more writes the differences.
var ErrCopyDiffers = errors.New("the two stores differ")

// Run copies everything. What To has already is left alone, so who was interrupted goes on where it was. It ends by reading both
// sides and holding them against each other.
func (c *Copying) Run(ctx context.Context) (*Copy, error) {
	var out Copy
	steps := []func(context.Context, *Copy) error{c.findings, c.leftovers, c.records, c.spools, c.outbox, c.verify}
	for _, step := range steps {
		if err := step(ctx, &out); err != nil {
			return nil, err
		}
	}
	return &out, nil
}

func (c *Copying) tell(step string, done, all int64) {
	if c.Progress != nil {
		c.Progress(step, done, all)
	}
}

var everything = query.Every()

// batches walks a store and hands the keys of its findings out, some at a time, to several goroutines.
func (c *Copying) batches(ctx context.Context, s Copied, step string, work func(ctx context.Context, keys []Key) error) error {
	all, err := s.Count(ctx, Scope{}, &everything)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	batches := make(chan []Key)
	var workers sync.WaitGroup
	var done atomic.Int64
	for range cmp.Or(c.Workers, 4) {
		workers.Go(func() {
			for keys := range batches {
				if ctx.Err() != nil {
					continue
				}
				if err := work(ctx, keys); err != nil {
					cancel(err)
					continue
				}
				c.tell(step, done.Add(int64(len(keys))), all)
			}
		})
	}
	hand := func(keys []Key) error {
		select {
		case batches <- keys:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	var keys []Key
	err = s.Walk(ctx, Scope{}, &everything, func(d *Doc) error {
		if keys = append(keys, d.Key); len(keys) < copyBatch {
			return nil
		}
		full := keys
		keys = nil
		return hand(full)
	})
	if err == nil && len(keys) > 0 {
		err = hand(keys)
	}
	close(batches)
	workers.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// digest is a finding with its history as a number of fixed size.
func digest(w *Whole) [sha256.Size]byte {
	h := sha256.New()
	var n [binary.MaxVarintLen64]byte
	number := func(v uint64) { h.Write(n[:binary.PutUvarint(n[:], v)]) }
	text := func(s string) {
		number(uint64(len(s)))
		h.Write([]byte(s))
	}
	value := func(s *string) {
		if s == nil {
			number(0)
			return
		}
		number(1)
		text(*s)
	}
	ident := w.Key.Identity()
	h.Write(ident[:])
	number(w.Version)
	number(uint64(w.Customer))
	number(uint64(len(w.JSON)))
	h.Write(w.JSON)
	for i := range w.History {
		e := &w.History[i]
		number(e.Seq)
		number(uint64(e.Time.UnixMilli()))
		text(e.Source)
		text(e.Identity)
		number(uint64(len(e.Updates)))
		for k := range e.Updates {
			text(e.Updates[k].Field)
			value(e.Updates[k].Old)
			value(e.Updates[k].New)
		}
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// keep copies what a callback is lent.
func (w *Whole) keep() Whole {
	mine := *w
	mine.JSON = slices.Clone(w.JSON)
	mine.History = slices.Clone(w.History)
	return mine
}

func (c *Copying) findings(ctx context.Context, out *Copy) error {
	var written atomic.Int64
	err := c.batches(ctx, c.From, "copying", func(ctx context.Context, keys []Key) error {
		have := make(map[Key][sha256.Size]byte, len(keys))
		if err := c.To.Whole(ctx, keys, func(w *Whole) error {
			have[w.Key] = digest(w)
			return nil
		}); err != nil {
			return err
		}
		var news []Whole
		if err := c.From.Whole(ctx, keys, func(w *Whole) error {
			if old, there := have[w.Key]; !there || old != digest(w) {
				news = append(news, w.keep())
			}
			return nil
		}); err != nil || len(news) == 0 {
			return err
		}
		written.Add(int64(len(news)))
		return c.To.Load(ctx, news)
	})
	out.Written = written.Load()
	return err
}

// leftovers takes away what To has of an earlier copy, and From no longer.
func (c *Copying) leftovers(ctx context.Context, out *Copy) error {
	n, err := c.To.Count(ctx, Scope{}, &everything)
	if err != nil || n == out.Written {
		return err
	}
	var removed atomic.Int64
	err = c.batches(ctx, c.To, "looking for what is gone", func(ctx context.Context, keys []Key) error {
		there := make(map[Key]bool, len(keys))
		if err := c.From.Whole(ctx, keys, func(w *Whole) error {
			there[w.Key] = true
			return nil
		}); err != nil {
			return err
		}
		gone := slices.DeleteFunc(keys, func(k Key) bool { return there[k] })
		if len(gone) == 0 {
			return nil
		}
		removed.Add(int64(len(gone)))
		errs, err := c.To.Update(ctx, gone, func(int, *Doc, StateView) (Change, error) { return Change{Delete: true}, nil })
		return errors.Join(append(errs, err)...)
	})
	out.Removed = removed.Load()
	return err
}

// CopyMark is a record of the account "" that a store which is being made a copy has, and no other: it is not compared, and whoever
// serves the store takes it away.
const CopyMark = "copy"

func recordsOf(ctx context.Context, s Copied) (map[string]map[string][]byte, error) {
	all := map[string]map[string][]byte{}
	err := s.Records(ctx, func(account, name string, value []byte) error {
		if account == "" && name == CopyMark {
			return nil
		}
		if all[account] == nil {
			all[account] = map[string][]byte{}
		}
		all[account][name] = slices.Clone(value)
		return nil
	})
	return all, err
}

func (c *Copying) records(ctx context.Context, out *Copy) error {
	from, err := recordsOf(ctx, c.From)
	if err != nil {
		return err
	}
	to, err := recordsOf(ctx, c.To)
	if err != nil {
		return err
	}
	accounts := slices.Sorted(maps.Keys(from))
	for account := range to {
		if from[account] == nil {
			accounts = append(accounts, account)
		}
	}
	for _, account := range accounts {
		out.Records += int64(len(from[account]))
		if err := c.To.State(ctx, []string{account}, func(tx StateTx) error {
			for name, value := range from[account] {
				tx.Put(account, name, value)
			}
			for name := range to[account] {
				if _, there := from[account][name]; !there {
					tx.Delete(account, name)
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

func (c *Copying) spools(ctx context.Context, out *Copy) error {
	var stale []string
	if err := c.To.Spools(ctx, func(spool string, _ uint64, _ []byte) error {
		if len(stale) == 0 || stale[len(stale)-1] != spool {
			stale = append(stale, spool)
		}
		return nil
	}); err != nil {
		return err
	}
	for _, spool := range stale {
		if err := c.To.DropSpool(ctx, spool); err != nil {
			return err
		}
	}
	return c.From.Spools(ctx, func(spool string, n uint64, chunk []byte) error {
		out.Chunks++
		return c.To.PutChunk(ctx, spool, n, slices.Clone(chunk))
	})
}

func (c *Copying) outbox(ctx context.Context, out *Copy) error {
	if err := c.To.DropOutgoing(ctx); err != nil {
		return err
	}
	var batch []Outgoing
	flush := func() error {
		out.Events += int64(len(batch))
		err := c.To.LoadOutgoing(ctx, batch)
		batch = batch[:0]
		return err
	}
	if err := c.From.Outgoing(ctx, func(e *Outgoing) error {
		mine := *e
		mine.Detail, mine.JSON = slices.Clone(e.Detail), slices.Clone(e.JSON)
		mine.Waiting, mine.Dead = slices.Clone(e.Waiting), maps.Clone(e.Dead)
		if batch = append(batch, mine); len(batch) < copyBatch {
			return nil
		}
		return flush()
	}); err != nil || len(batch) == 0 {
		return err
	}
	return flush()
}

// sum is the findings of a store, whatever their order.
type sum struct {
	mu                  sync.Mutex
	findings, histories int64
	digest              [sha256.Size]byte
}

func (s *sum) add(w *Whole) {
	d := digest(w)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.findings++
	s.histories += int64(len(w.History))
	carry := uint(0)
	for i := range d { // addition, so that no two findings cancel each other out
		carry += uint(s.digest[i]) + uint(d[i])
		s.digest[i] = byte(carry) //nolint:gosec // the lower half; the rest is carried
		carry >>= 8
	}
}

// verify reads both sides.
func (c *Copying) verify(ctx context.Context, out *Copy) error {
	var sums [2]sum
	for i, side := range [...]Copied{c.From, c.To} {
		step := [...]string{"verifying the source", "verifying the copy"}[i]
		if err := c.batches(ctx, side, step, func(ctx context.Context, keys []Key) error {
			return side.Whole(ctx, keys, func(w *Whole) error {
				sums[i].add(w)
				return nil
			})
		}); err != nil {
			return err
		}
	}
	from, to := &sums[0], &sums[1]
	if from.findings != to.findings || from.histories != to.histories || from.digest != to.digest {
		return fmt.Errorf("%w: %d findings with %d records of history (%x) and %d with %d (%x)", ErrCopyDiffers,
			from.findings, from.histories, from.digest[:8], to.findings, to.histories, to.digest[:8])
	}
	records, err := recordsOf(ctx, c.From)
	if err != nil {
		return err
	}
	copied, err := recordsOf(ctx, c.To)
	if err != nil {
		return err
	}
	if !maps.EqualFunc(records, copied, func(a, b map[string][]byte) bool { return maps.EqualFunc(a, b, slices.Equal) }) {
		return fmt.Errorf("%w: in the records of their accounts", ErrCopyDiffers)
	}
	out.Findings, out.Histories, out.Digest = from.findings, from.histories, hex.EncodeToString(from.digest[:])
	return nil
}
