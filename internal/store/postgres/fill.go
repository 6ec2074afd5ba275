package postgres

import (
	"bytes"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"hubcap/internal/store"
)

// write adds everything that a call decided to a transaction. same is made false where the answers show that another was first with a
// finding that is new.
func (c *call) write(w *writing, same *bool) {
	c.resetRows()
	_ = c.byAccount((*item).writes, func(account string, items []*item) error {
		w.account(account)
		c.writeGone(w, account, items)
		c.writeOld(w, account, items)
		return nil
	})
	_ = c.byAccount(func(it *item) bool { return it.writes() && it.exists && it.base == 0 }, func(account string, items []*item) error {
		c.writeNew(w, account, items, same)
		return nil
	})
	_ = c.byAccount(func(it *item) bool { return it.writes() && it.exists }, func(account string, items []*item) error {
		w.words(account, c.wordsOf(items))
		c.writeHistory(w, account, items)
		c.writeEvents(w, items)
		return nil
	})
	w.finish()
	w.taken = func() {
		*same = false
		for i := range c.items {
			it := &c.items[i]
			it.loaded, it.floor = false, max(it.floor, it.version)+versionLeap
		}
	}
}

// versionLeap is how far versions are taken further on where those that are due were given out by another store.
const versionLeap = 1 << 16

// writeGone deletes findings, and the history of those that came back in the same call.
func (c *call) writeGone(w *writing, account string, items []*item) {
	var gone, wiped [][]byte
	var versions []int64
	for _, it := range items {
		if it.base == 0 {
			continue
		}
		if it.wiped {
			wiped = append(wiped, it.ident[:])
		}
		if !it.exists {
			gone, versions = append(gone, it.ident[:]), append(versions, int64(it.version)) //nolint:gosec // a bigint
		}
	}
	name := toText(account)
	if len(wiped) > 0 {
		w.batch.Queue(deleteHistory, name, wiped)
	}
	if len(gone) > 0 {
		w.batch.Queue(deleteDocuments, name, gone)
		w.batch.Queue(deleteFindings, name, gone)
		w.batch.Queue(insertGone, name, gone, versions)
	}
}

// writeOld updates findings that were there.
func (c *call) writeOld(w *writing, account string, items []*item) {
	docs, rows := &c.old, &c.oldRows
	if c.several() {
		docs, rows = &documentRows{}, &findingRows{}
	}
	var touched [][]byte
	var versions []int64
	for _, it := range items {
		switch {
		case it.base == 0 || !it.exists:
		case !it.document:
			touched, versions = append(touched, it.ident[:]), append(versions, int64(it.version)) //nolint:gosec // a bigint
		default:
			docs.add(it, "", c.bodyOf(it, true, it.body))
			rows.add(&it.ident, toText(it.key.Region), &it.found.row)
		}
	}
	if len(touched) > 0 {
		w.batch.Queue(touchDocuments, toText(account), touched, versions)
	}
	if len(docs.identities) > 0 {
		w.batch.Queue(updateDocuments, docs.args(account)...)
		w.batch.Queue(updateFinding, rows.args(account)...)
	}
}

// several tells whether the call is about more than one account: each then has arrays of its own.
func (c *call) several() bool {
	return c.items[c.sorted[0]].key.Account != c.items[c.sorted[len(c.sorted)-1]].key.Account
}

// writeNew inserts findings. Where one is there by now, or one of its name was and had later versions, another was first.
func (c *call) writeNew(w *writing, account string, items []*item, same *bool) {
	docs, rows := &c.fresh, &c.freshRows
	if c.several() {
		docs, rows = &documentRows{}, &findingRows{}
	}
	for _, it := range items {
		docs.add(it, headOf(toText(it.key.ID)), c.bodyOf(it, true, it.body))
		rows.add(&it.ident, toText(it.key.Region), &it.found.row)
	}
	w.batch.Queue(insertDocuments, docs.args(account)...).Exec(func(tag pgconn.CommandTag) error {
		if tag.RowsAffected() != int64(len(items)) {
			*same = false
			for _, it := range items {
				it.loaded = false
			}
		}
		return nil
	})
	w.batch.Queue(insertFinding, rows.args(account)...)
	if c.loading != nil {
		return // they come with their versions
	}
	w.batch.Queue(selectGone, toText(account), docs.identities).Query(func(rows pgx.Rows) error {
		var ident store.Identity
		var version int64
		_, err := pgx.ForEachRow(rows, []any{(*identityScan)(&ident), &version}, func() error {
			if at, known := c.byIdent[ident]; known && uint64(version) >= c.items[at].first { //nolint:gosec // positive
				c.items[at].floor = uint64(version) //nolint:gosec // positive
				c.items[at].loaded, *same = false, false
			}
			return nil
		})
		return err
	})
}

// wordsOf is what the dictionary may not have of findings, in the order of its key: who waits for another's row waits for one that stands
// further on.
func (c *call) wordsOf(items []*item) (list []word) {
	for _, it := range items {
		if !it.document {
			continue
		}
		for i := range it.found.words {
			if w := &it.found.words[i]; !c.s.words.has(w.digest) {
				list = append(list, *w)
			}
		}
	}
	slices.SortFunc(list, func(a, b word) int { return bytes.Compare(a.digest[:], b.digest[:]) })
	return slices.CompactFunc(list, func(a, b word) bool { return a.digest == b.digest })
}

// words adds rows of the dictionary.
func (w *writing) words(account string, list []word) {
	if len(list) == 0 {
		return
	}
	digests, fields, hashes := make([][16]byte, len(list)), make([]int16, len(list)), make([]int64, len(list))
	keys, values := make([]string, len(list)), make([]string, len(list))
	for i := range list {
		digests[i], fields[i], hashes[i] = list[i].digest, int16(list[i].field), list[i].hash
		keys[i], values[i] = toText(list[i].key), toText(list[i].value)
	}
	w.batch.Queue(insertWords, toText(account), digests, fields, keys, hashes, values)
}

func (c *call) writeHistory(w *writing, account string, items []*item) {
	var idents, records [][]byte
	var seqs, times []int64
	for _, it := range items {
		for _, h := range it.history {
			idents, seqs = append(idents, it.ident[:]), append(seqs, h.seq)
			times, records = append(times, h.at), append(records, c.histories[h.record.from:h.record.to])
		}
	}
	if len(seqs) > 0 {
		w.expect(len(seqs), insertHistory, toText(account), idents, seqs, times, records)
	}
}

func (c *call) writeEvents(w *writing, items []*item) {
	for _, it := range items {
		for i := range it.events {
			e := &it.events[i]
			w.event(&it.key, it.ident, e.version, &e.mark, c.bodyOf(it, e.document, e.body))
		}
	}
}
