package embedded

import "hubcap/internal/store"

// columns is what is known of every document beside its terms. On disk it would be the arrays of a segment, one after the other.
type columns struct {
	segments []*segment // by document, in chunks
}

// segment holds what is known of a run of documents, column by column.
type segment struct {
	ident   [segmentSize]store.Identity
	version [segmentSize]uint64
	times   [len(timeColumns)][segmentSize]int64
}

const segmentSize = 1 << 12

func (c *columns) set(d *difference) {
	for len(c.segments) <= int(d.doc/segmentSize) {
		c.segments = append(c.segments, new(segment))
	}
	seg, i := c.segment(d.doc)
	seg.ident[i], seg.version[i] = d.ident, d.version
	for n := range d.times {
		seg.times[n][i] = d.times[n]
	}
}

// segment finds a document's columns. The document must have been inserted.
func (c *columns) segment(doc uint32) (*segment, uint32) {
	return c.segments[doc/segmentSize], doc % segmentSize
}

// version of a document; 0 when it is gone or was never there.
func (c *columns) version(doc uint32) uint64 {
	if len(c.segments) <= int(doc/segmentSize) {
		return 0
	}
	seg, i := c.segment(doc)
	return seg.version[i]
}

// setVersion changes the version alone.
func (c *columns) setVersion(doc uint32, version uint64) {
	seg, i := c.segment(doc)
	seg.version[i] = version
}

// ident of a document that is or was there.
func (c *columns) ident(doc uint32) *store.Identity {
	seg, i := c.segment(doc)
	return &seg.ident[i]
}

// placeOf is where a document that is there stands in the default order.
func (c *columns) placeOf(doc uint32) place { return c.placeIn(doc, updatedColumn) }

// placeIn is where it stands in the order of another date.
func (c *columns) placeIn(doc uint32, column int) place {
	seg, i := c.segment(doc)
	return place{placeAt(seg.times[column][i]), seg.ident[i], doc}
}

// dated is the columns with the eye on one date.
type dated struct {
	*columns
	column int
}

// placeOf is where a document stands in the order of the date.
func (d dated) placeOf(doc uint32) place { return d.placeIn(doc, d.column) }

// time is a date of a document that is or was there.
func (c *columns) time(doc uint32, column int) int64 {
	seg, i := c.segment(doc)
	return seg.times[column][i]
}
