package embedded

import (
	"encoding/binary"
	"slices"
	"sync"
	"time"
)

// A sweeper drops the terms that no document has any more, while others write and ask. It goes over the terms step by step, holding
// locks for some hundred microseconds each, and
//
//  1. notes of each term without documents that it is unused. Who from then on looks it up for a new document takes the note away;
//  2. waits until the writers have gone that began before: they may have looked it up without seeing the note;
//  3. drops the terms that still have the note, and still no documents: nobody finds them any more;
//  4. waits until the questions have gone that began before, and forgets the texts.
//
// Numbers of terms are never used again, so who remembers one finds an empty posting. The texts' memory comes back when half of a block
// is waste: what is left in it moves.
type sweeper struct {
	s    *Store
	work sync.Mutex // of one sweep
	wake chan struct{}
	quit chan struct{}
	done chan struct{}
}

const (
	sweepStep = 1024 // terms looked at under one hold of the locks
	sweepSpan = 64 * sweepStep
	sweepRest = 5 * time.Millisecond // behind each span: writers and questions need the processor too
	leastIdle = 4096                 // terms that lost their documents, before a sweep is worth its while
)

func startSweeper(s *Store) *sweeper {
	w := &sweeper{s: s, wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
	w.wake <- struct{}{} // a checkpoint may bring back terms that were dropped since
	go func() {
		defer close(w.done)
		for {
			select {
			case <-w.wake:
				w.sweep()
			case <-w.quit:
				return
			}
		}
	}()
	return w
}

func (w *sweeper) stop() {
	close(w.quit)
	<-w.done
}

// rest waits a little; false when the store closes.
func (w *sweeper) rest() bool {
	t := time.NewTimer(sweepRest)
	defer t.Stop()
	select {
	case <-w.quit:
		return false
	case <-t.C:
		return true
	}
}

// hear is told how many terms have lost their last document since the last sweep.
func (w *sweeper) hear(emptied int) {
	if emptied < leastIdle {
		return
	}
	d := w.s.dict
	d.mu.RLock()
	worth := emptied >= d.terms/16 || d.overBudget()
	d.mu.RUnlock()
	if worth {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// sweep goes over all terms once.
func (w *sweeper) sweep() {
	w.work.Lock()
	defer w.work.Unlock()
	x, d := w.s.index, w.s.dict
	x.mu.Lock()
	x.postings.emptied = 0
	x.mu.Unlock()
	d.mu.RLock()
	end := d.next
	d.mu.RUnlock()
	var unused, dropped []uint32
	for from := uint32(1); from < end; from += sweepSpan {
		if from > 1 && !w.rest() {
			return
		}
		to := min(from+sweepSpan, end)
		unused = unused[:0]
		for at := from; at < to; at += sweepStep {
			unused = w.note(at, min(at+sweepStep, to), unused)
		}
		if len(unused) == 0 {
			continue
		}
		w.s.writers.wait()
		for list := unused; len(list) > 0; {
			n := min(len(list), sweepStep)
			dropped = w.drop(list[:n], dropped)
			list = list[n:]
		}
	}
	if len(dropped) > 0 {
		w.s.values.sweep(d)
		w.s.asking.wait()
		for part := range slices.Chunk(dropped, sweepStep) {
			d.mu.Lock()
			for _, id := range part {
				d.forget(id)
			}
			d.mu.Unlock()
		}
	}
	w.tidy()
}

// note marks terms without documents as unused, and lists them. Marks of overflows stay for ever: there are few, and a document's are
// told from the dictionary.
func (w *sweeper) note(from, to uint32, unused []uint32) []uint32 {
	x, d := w.s.index, w.s.dict
	x.mu.RLock()
	defer x.mu.RUnlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	for id := from; id < to; id++ {
		if h := x.postings.handle(id); h != nil && *h != 0 || !d.known(id) {
			continue
		}
		if t := d.at(id); !t.gone && d.attrs[t.attr].field != fieldOverflow {
			d.setFlag(id, flagUnused)
			unused = append(unused, id)
		}
	}
	return unused
}

// drop drops those of the terms that are still unused, and lists them.
func (w *sweeper) drop(ids, dropped []uint32) []uint32 {
	x, d := w.s.index, w.s.dict
	x.mu.RLock()
	defer x.mu.RUnlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, id := range ids {
		t := d.at(id)
		switch h := x.postings.handle(id); {
		case !t.unused: // somebody is about to use it
		case h != nil && *h != 0:
			d.clearFlag(id, flagUnused)
		default:
			d.drop(&t)
			dropped = append(dropped, id)
		}
	}
	return dropped
}

// tidy gives memory back.
func (w *sweeper) tidy() {
	x, d := w.s.index, w.s.dict
	for chunk := 0; ; chunk++ {
		x.mu.Lock()
		d.mu.Lock()
		more := chunk < len(d.places)
		if more {
			if d.tidyPlaces(chunk) && chunk < len(x.postings.handles) {
				x.postings.handles[chunk] = nil
			}
		}
		d.mu.Unlock()
		x.mu.Unlock()
		if !more {
			break
		}
	}
	for i, more := 0, true; more; i++ {
		d.mu.Lock()
		more = d.tidyBlock(i)
		d.mu.Unlock()
	}
	for attr, from, more := uint32(0), 0, true; more; {
		x.mu.RLock()
		d.mu.Lock()
		if more = int(attr) < len(d.attrs); more {
			if from = d.tidyAttribute(attr, from, x.forwards.of(attr) != nil); from == 0 {
				attr++
			}
		}
		d.mu.Unlock()
		x.mu.RUnlock()
	}
}

func (d *dictionary) flags(id uint32) *byte {
	return &d.record(d.places[id/termChunk][id%termChunk])[8]
}

func (d *dictionary) setFlag(id uint32, flag byte)   { *d.flags(id) |= flag }
func (d *dictionary) clearFlag(id uint32, flag byte) { *d.flags(id) &^= flag }

// drop makes a term one that is not found any more.
func (d *dictionary) drop(t *term) {
	d.setFlag(t.id, flagGone)
	d.table.remove(d.hashAgain(t), d.places[t.id/termChunk][t.id%termChunk])
	d.attrs[t.attr].live--
	d.terms--
}

// forget gives the text of a dropped term up.
func (d *dictionary) forget(id uint32) {
	place := &d.places[id/termChunk][id%termChunk]
	rec := d.record(*place)
	n := int(rec[9])
	if rec[8]&flagLong != 0 {
		head := binary.LittleEndian.Uint32(rec[recordHead:])
		if d.heads.leave(d.headHash(d.heads.at(head)), head) {
			d.bytes -= headSize
		}
	}
	d.bytes -= termSize + int64(n)
	d.waste[int(*place-1)*recordAlign/arenaBlock] += recordSize(n)
	*place = 0
}

// tidyPlaces gives a chunk of places up that are all unused for good.
func (d *dictionary) tidyPlaces(chunk int) bool {
	if (chunk+1)*termChunk > int(d.next) {
		return false
	}
	for _, place := range d.places[chunk] {
		if place != 0 {
			return false
		}
	}
	d.places[chunk] = nil
	return true
}

// tidyBlock moves what is left in a block that is half waste; false behind the last block.
func (d *dictionary) tidyBlock(i int) bool {
	if i >= len(d.arena) {
		return false
	}
	if d.arena[i] == nil || i == d.last || 2*d.waste[i] < arenaBlock {
		return true
	}
	for at := 0; at+recordHead <= arenaBlock; {
		rec := d.arena[i][at:]
		id, n := binary.LittleEndian.Uint32(rec), int(rec[9])
		if id == 0 { // the rest was too short for the next one
			break
		}
		was := uint32((i*arenaBlock+at)/recordAlign) + 1 //nolint:gosec // as it was written
		if d.known(id) && d.places[id/termChunk][id%termChunk] == was {
			t := d.termOf(rec)
			is, moved := d.newRecord(n)
			copy(moved, rec[:recordHead+n])
			d.places[id/termChunk][id%termChunk] = is
			d.table.replace(d.hashAgain(&t), was, is)
		}
		at += recordSize(n)
	}
	d.arena[i], d.waste[i] = nil, 0
	d.idle = append(d.idle, i)
	return true
}

// chunksAtOnce is how many chunks of a list are looked at under one hold of the lock.
const chunksAtOnce = 32

// tidyAttribute gives up a key that no document has any more, and chunks of an attribute's list whose terms are all gone: some, from a
// chunk on. It tells where to go on; 0: it is done. An attribute that is used keeps its number.
func (d *dictionary) tidyAttribute(attr uint32, from int, used bool) (next int) {
	a := &d.attrs[attr]
	if a.key != "" && a.live == 0 && !used {
		d.bytes -= attributeSize + int64(len(a.key))
		d.keyed.remove(d.attrHash(a.field, []byte(a.key)), attr+1)
		d.start = max(d.start, a.terms.len())
		*a = attribute{}
		d.spare = append(d.spare, attr)
		return 0
	}
	full := len(a.terms.chunks) - 1
	for c := from; c < full; c++ {
		if c == from+chunksAtOnce {
			return c
		}
		if !slices.ContainsFunc(a.terms.chunks[c], d.known) {
			a.terms.chunks[c] = nil
		}
	}
	return 0
}

// grace tells when everybody is gone who was there at a moment.
type grace struct {
	mu    sync.Mutex
	now   int // which of the two counts those who come
	there [2]int
	empty chan struct{} // closed when the others are gone; nil: nobody waits
}

func (g *grace) enter() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.there[g.now]++
	return g.now
}

func (g *grace) leave(side int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.there[side]--
	if g.there[side] == 0 && side != g.now && g.empty != nil {
		close(g.empty)
		g.empty = nil
	}
}

// wait waits until everybody who was there has left. One goroutine at a time may wait.
func (g *grace) wait() {
	g.mu.Lock()
	old := g.now
	g.now = 1 - g.now
	if g.there[old] == 0 {
		g.mu.Unlock()
		return
	}
	gone := make(chan struct{})
	g.empty = gone
	g.mu.Unlock()
	<-gone
}
