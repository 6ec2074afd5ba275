package main

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"hubcap/internal/asff"
)

// What a batch may hold: BatchImportFindings takes 100 findings and 6 MB; half a megabyte is left for proxies and their like.
const (
	maxBatchFindings = asff.MaxFindings
	maxBatchBytes    = 5_500_000
)

// maxHeldBytes bounds what waits in unfinished batches when a file mixes findings of many accounts and regions.
const maxHeldBytes = 64 << 20

const (
	batchHead = `{"Findings":[`
	batchTail = `]}`
)

// label is what import must know of a finding in order to send it: who it is for, and how to name it when it fails.
type label struct {
	ID, ProductArn, Account, Region string // "" where the finding has none
}

// readLabel looks at the top-level members of a finding. What is no object, or holds something else, has an empty label: the
// hub will say what is wrong with it.
func readLabel(raw []byte) label {
	var l label
	dec := jsontext.NewDecoder(bytes.NewBuffer(raw), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if tok, err := dec.ReadToken(); err != nil || tok.Kind() != '{' {
		return l
	}
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			break
		}
		var into *string
		switch name.String() {
		case "Id":
			into = &l.ID
		case "ProductArn":
			into = &l.ProductArn
		case "AwsAccountId":
			into = &l.Account
		case "Region":
			into = &l.Region
		}
		if into == nil || dec.PeekKind() != '"' {
			if dec.SkipValue() != nil {
				break
			}
			continue
		}
		text, err := dec.ReadToken()
		if err != nil {
			break
		}
		*into = text.String()
	}
	return l
}

// batchItem is one finding inside a batch.
type batchItem struct {
	from, to int // in batch.body
	label
	file string
	place
}

// batch is a request in the making.
type batch struct {
	key   groupKey
	body  []byte // without its tail
	items []batchItem
}

// groupKey is what all findings of a batch share: who signs for them, and for which region.
type groupKey struct{ Account, Region string }

// fits tells whether n more bytes of finding may join.
func (b *batch) fits(n int) bool {
	return len(b.items) < maxBatchFindings && (len(b.items) == 0 || len(b.body)+1+n+len(batchTail) <= maxBatchBytes)
}

// add takes a copy of a finding.
func (b *batch) add(raw []byte, item batchItem) {
	if len(b.items) == 0 {
		b.body = append(b.body[:0], batchHead...)
	} else {
		b.body = append(b.body, ',')
	}
	item.from = len(b.body)
	b.body = append(b.body, raw...)
	item.to = len(b.body)
	b.items = append(b.items, item)
}

// request is the whole body.
func (b *batch) request() []byte { return append(b.body, batchTail...) }

// part is a batch of some of the findings.
func (b *batch) part(items []batchItem) *batch {
	p := &batch{key: b.key, body: make([]byte, 0, items[len(items)-1].to-items[0].from+len(batchHead)+len(batchTail))}
	for _, it := range items {
		p.add(b.body[it.from:it.to], it)
	}
	return p
}

// split halves a batch that was refused for what one of its findings holds. A refusal that speaks of account and product hits
// all findings of the same account and product alike: such a batch is not split further. ok is false when it cannot be.
func (b *batch) split(r *refusal) (first, second *batch, ok bool) {
	if len(b.items) < 2 || !r.ofContent() {
		return nil, nil, false
	}
	if r.Code == "AccessDeniedException" {
		head := b.items[0]
		var same, other []batchItem
		for _, it := range b.items {
			if it.Account == head.Account && it.ProductArn == head.ProductArn {
				same = append(same, it)
			} else {
				other = append(other, it)
			}
		}
		if len(other) == 0 {
			return nil, nil, false
		}
		return b.part(same), b.part(other), true
	}
	half := len(b.items) / 2
	return b.part(b.items[:half]), b.part(b.items[half:]), true
}

// batcher sorts findings into batches, one group beside the other, each in the order of the file.
type batcher struct {
	open map[groupKey]*batch
	held int // bytes in open
	send func(*batch) error
}

// add puts a finding into its group's batch; what is full is sent before.
func (c *batcher) add(key groupKey, raw []byte, item batchItem) error {
	if c.open == nil {
		c.open = map[groupKey]*batch{}
	}
	b := c.open[key]
	if b != nil && !b.fits(len(raw)) {
		if err := c.flush(b); err != nil {
			return err
		}
		b = nil
	}
	if b == nil {
		b = &batch{key: key}
		c.open[key] = b
	}
	c.held -= len(b.body)
	b.add(raw, item)
	c.held += len(b.body)
	if len(b.items) == maxBatchFindings {
		return c.flush(b)
	}
	for c.held > maxHeldBytes {
		largest := b
		for _, o := range c.open {
			if len(o.body) > len(largest.body) {
				largest = o
			}
		}
		if err := c.flush(largest); err != nil {
			return err
		}
	}
	return nil
}

// flush sends one batch.
func (c *batcher) flush(b *batch) error {
	delete(c.open, b.key)
	c.held -= len(b.body)
	return c.send(b)
}

// finish sends what is left.
func (c *batcher) finish() error {
	for _, key := range slices.SortedFunc(maps.Keys(c.open), func(a, b groupKey) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region))
	}) {
		if err := c.flush(c.open[key]); err != nil {
			return err
		}
	}
	return nil
}
