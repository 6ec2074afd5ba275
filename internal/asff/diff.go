package asff

import (
	"bytes"
	"fmt"
	"slices"
)

// The limits of one history record (D33).
const (
	maxChanges     = 50
	maxChangeBytes = 4096
)

// untracked are the members whose changes no history shows (spec 5.1).
var untracked = [numTops]bool{
	TopFirstObservedAt: true,
	TopLastObservedAt:  true,
	TopCreatedAt:       true,
	TopUpdatedAt:       true,
	TopProcessedAt:     true,
}

// Diff lists what changed between two canonical documents of one finding, for its history (spec 5.1, D33), in the order of the
// format, at most 50 changes. Field is the dotted path of the smallest changed member: the format's objects are descended into; lists
// and maps are one value, and so is what the format does not know, as nobody can tell a map from an object there. Strings stand as they are, anything else as JSON; where one side is longer than 4096 bytes both are left out. The
// top-level timestamps have no history; the order of members has no meaning. Members that the service fills count like any other.
func Diff(old, now []byte) ([]FieldChange, error) {
	var was, is Members
	if err := Split(old, &was); err != nil {
		return nil, fmt.Errorf("asff: old document: %w", err)
	}
	if err := Split(now, &is); err != nil {
		return nil, fmt.Errorf("asff: new document: %w", err)
	}
	var a, b document
	a.take(old, &was)
	b.take(now, &is)
	return changes(&a, &b, was.Unknown(old), is.Unknown(now)), nil
}

// Changes is the Diff between the stored finding that the last Import or Edit was given and the document it returned, without
// reading either again; nil after a create and where nothing has changed. The stored document must not have been touched since.
func (m *Merger) Changes() []FieldChange {
	if !m.changed {
		return nil
	}
	return changes(&m.old, &m.new, m.oldUnknown, m.newUnknown)
}

func changes(old, now *document, oldUnknown, newUnknown []byte) []FieldChange {
	var d differ
	root := format().root
	for t := range numTops {
		if !untracked[t] && !bytes.Equal(old[t], now[t]) {
			d.compare(topNames[t], structure(root, topNames[t]), old[t], now[t])
		}
	}
	if !bytes.Equal(oldUnknown, newUnknown) {
		d.descend("", nil, braced(oldUnknown), braced(newUnknown))
	}
	return d.changes
}

// braced is members as Unknown gives them, as an object.
func braced(members []byte) []byte {
	return append(append([]byte{'{'}, members...), '}')
}

type differ struct {
	changes []FieldChange
}

// structure is what the format says of a member that is an object, nil for any other and for unknown members.
func structure(o *object, name string) *object {
	if o != nil {
		if m := o.find(name); m != nil {
			return m.shape.object
		}
	}
	return nil
}

// compare finds the changes of one member; nil is absent. o is its structure, nil where it is one value.
func (d *differ) compare(path string, o *object, old, now []byte) {
	if o != nil && (old == nil || isObject(old)) && (now == nil || isObject(now)) && len(old)+len(now) > len("{}") {
		d.descend(path+".", o, old, now)
		return
	}
	if sameValue(old, now) || len(d.changes) == maxChanges {
		return
	}
	c := FieldChange{Field: path}
	values := &[2]string{plain(old), plain(now)}
	if len(values[0]) <= maxChangeBytes && len(values[1]) <= maxChangeBytes {
		if old != nil {
			c.Old = &values[0]
		}
		if now != nil {
			c.New = &values[1]
		}
	}
	if d.changes == nil {
		d.changes = make([]FieldChange, 0, 8) // most updates change no more
	}
	d.changes = append(d.changes, c)
}

// descend compares two objects member by member, in step while their members come in the same order; then what is left in the
// order of the old one, then what is new. Either may be nil, which has no members.
func (d *differ) descend(prefix string, o *object, old, now []byte) {
	left, right := walk(old), walk(now)
	for {
		restOld, restNew := left, right
		name, a, okOld := left.member()
		other, b, okNew := right.member()
		if okOld && okNew && bytes.Equal(name, other) {
			d.member(prefix, o, name, present(a), present(b))
			continue
		}
		if okOld || okNew {
			d.unordered(prefix, o, rest(restOld), rest(restNew))
		}
		return
	}
}

func (d *differ) unordered(prefix string, o *object, old, now []pair) {
	values := make(map[string][]byte, len(now))
	for _, n := range now {
		values[string(n.name)] = n.value
	}
	for _, m := range old {
		d.member(prefix, o, m.name, m.value, values[string(m.name)])
		delete(values, string(m.name))
	}
	for _, n := range now {
		if values[string(n.name)] != nil {
			d.member(prefix, o, n.name, nil, n.value)
		}
	}
}

func (d *differ) member(prefix string, o *object, name, old, now []byte) {
	if !bytes.Equal(old, now) {
		d.compare(prefix+memberName(name), structure(o, string(name)), old, now)
	}
}

func isObject(v []byte) bool { return len(v) > 0 && v[0] == '{' }

// plain is a value as the history shows it.
func plain(v []byte) string {
	if len(v) > 0 && v[0] == '"' {
		return unquoted(v)
	}
	return string(v)
}

// memberName is a member's name without escapes.
func memberName(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw)
	}
	return unquoted(append(append([]byte{'"'}, raw...), '"'))
}

type pair struct{ name, value []byte }

// rest is the members that a cursor has not met yet and that are not null.
func rest(c cursor) (ms []pair) {
	for {
		n, v, ok := c.member()
		if !ok {
			return ms
		}
		if !isNull(v) {
			ms = append(ms, pair{n, v})
		}
	}
}

// sameValue tells whether two values mean the same: members of objects may stand in any order.
func sameValue(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	if len(a) == 0 || len(b) == 0 || a[0] != b[0] {
		return false
	}
	switch a[0] {
	case '{':
		return sameObject(a, b)
	case '[':
		ca, cb := walk(a), walk(b)
		for {
			x, okA := ca.element()
			y, okB := cb.element()
			if !okA || !okB {
				return okA == okB
			}
			if !sameValue(x, y) {
				return false
			}
		}
	}
	return false
}

// sameObject goes through both in step while their members come in the same order, and sorts only what is left.
func sameObject(a, b []byte) bool {
	ca, cb := walk(a), walk(b)
	for {
		restA, restB := ca, cb
		nameA, x, okA := ca.member()
		nameB, y, okB := cb.member()
		if okA && okB && bytes.Equal(nameA, nameB) {
			if !sameValue(x, y) {
				return false
			}
			continue
		}
		if !okA && !okB {
			return true
		}
		byName := func(m, n pair) int { return bytes.Compare(m.name, n.name) }
		left, right := rest(restA), rest(restB)
		slices.SortFunc(left, byName)
		slices.SortFunc(right, byName)
		return slices.EqualFunc(left, right, func(m, n pair) bool {
			return bytes.Equal(m.name, n.name) && sameValue(m.value, n.value)
		})
	}
}
