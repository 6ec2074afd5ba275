package embedded

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"hubcap/internal/asff"
	"hubcap/internal/store"
)

// Every key begins with a letter that names its record. Numbers in keys are big-endian, so that they sort.
//
//	'd' doc              -> customer attributes, version; compressed: key and document
//	'h' identity, seq    -> one history record
//	's' account, 1, name -> a state record; without name: the account's version
//	'j' spool, 0, number -> a piece of a spool
//	'c' sequence         -> the documents that a commit changed, until the index's checkpoint has them
//	'o' number           -> an event of the outbox
//	'q' sink, account, identity, version -> the number of an event that waits for the sink
//	'x' sink, number     -> an event that the sink will not get, and why
//	'm' name             -> what belongs to the store as a whole
//
// Nothing is written for the index: what it holds follows from the documents.
const (
	docPrefix     = 'd'
	historyPrefix = 'h'
	statePrefix   = 's'
	spoolPrefix   = 'j'
	commitPrefix  = 'c'
	eventPrefix   = 'o'
	waitingPrefix = 'q'
	deadPrefix    = 'x'
	metaPrefix    = 'm'
)

var errDamaged = errors.New("damaged record")

// docKey is the key of a document.
func docKey(dst []byte, doc uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, docPrefix), doc)
}

func keyNumber(key []byte) (uint32, bool) {
	if len(key) != 5 {
		return 0, false
	}
	return binary.BigEndian.Uint32(key[1:]), true
}

// historyKey is the key of a record; with seq 0, that of everything before the first.
func historyKey(dst []byte, ident store.Identity, seq uint64) []byte {
	dst = append(append(dst, historyPrefix), ident[:]...)
	return binary.BigEndian.AppendUint64(dst, seq)
}

// timeColumns are the dates that are kept as numbers, in Unix milliseconds. The values of other dates are terms.
var timeColumns = [...]asff.Field{asff.FieldUpdatedAt, asff.FieldCreatedAt, asff.FieldFirstObservedAt, asff.FieldLastObservedAt}

const updatedColumn = 0

// noTime stands for a date that is absent, or no instant.
const noTime = math.MinInt64

// columnOf is the place of a field in timeColumns, or -1.
func columnOf(f asff.Field) int {
	for i, c := range timeColumns {
		if c == f {
			return i
		}
	}
	return -1
}

// stored is the record 'd'. The key stands in the compressed part: most of it repeats what the document says.
type stored struct {
	customer asff.Attrs
	version  uint64
	body     []byte // compressed: the parts of the key, each with its length, then the document
}

const docFormat = 1 // of the record; it names the compression dictionary too

func (s *stored) append(dst []byte) []byte {
	dst = append(dst, docFormat, byte(s.customer))
	dst = binary.AppendUvarint(dst, s.version)
	return append(dst, s.body...)
}

func (s *stored) decode(b []byte) error {
	if len(b) < 3 || b[0] != docFormat {
		return errDamaged
	}
	s.customer = asff.Attrs(b[1])
	version, n := binary.Uvarint(b[2:])
	if n <= 0 {
		return errDamaged
	}
	s.version, s.body = version, b[2+n:]
	return nil
}

// appendBody writes what is compressed into stored.body.
func appendBody(dst []byte, k *store.Key, doc []byte) []byte {
	for _, s := range [...]string{k.Account, k.Region, k.ProductArn, k.ID} {
		dst = binary.AppendUvarint(dst, uint64(len(s)))
		dst = append(dst, s...)
	}
	return append(dst, doc...)
}

// cut takes off a part that stands behind its length. Both results alias b.
func cut(b []byte) (part, rest []byte, err error) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) { //nolint:gosec // n is at most len(b)
		return nil, nil, errDamaged
	}
	end := n + int(size) //nolint:gosec // at most len(b)
	return b[n:end:end], b[end:], nil
}

// splitBody takes a body apart: the parts of the key, and the document. Everything aliases b.
func splitBody(b []byte) (parts [4][]byte, doc []byte, err error) {
	for i := range parts {
		if parts[i], b, err = cut(b); err != nil {
			return parts, nil, err
		}
	}
	return parts, b, nil
}

// same tells whether the parts are those of k.
func same(parts *[4][]byte, k *store.Key) bool {
	return string(parts[0]) == k.Account && string(parts[1]) == k.Region &&
		string(parts[2]) == k.ProductArn && string(parts[3]) == k.ID
}

func keyOf(parts *[4][]byte) store.Key {
	return store.Key{Account: string(parts[0]), Region: string(parts[1]), ProductArn: string(parts[2]), ID: string(parts[3])}
}

// appendHistory writes a record: time, then texts with their lengths; an absent value has length 0, any other its length plus one.
func appendHistory(dst []byte, r *store.HistoryRecord) []byte {
	dst = binary.AppendVarint(dst, r.Time.UnixMilli())
	dst = appendText(dst, &r.Source)
	dst = appendText(dst, &r.Identity)
	dst = binary.AppendUvarint(dst, uint64(len(r.Updates)))
	for i := range r.Updates {
		u := &r.Updates[i]
		dst = appendText(dst, &u.Field)
		dst = appendText(dst, u.Old)
		dst = appendText(dst, u.New)
	}
	return dst
}

func appendText(dst []byte, s *string) []byte {
	if s == nil {
		return append(dst, 0)
	}
	dst = binary.AppendUvarint(dst, uint64(len(*s))+1)
	return append(dst, *s...)
}

func cutText(b []byte) (s *string, rest []byte, err error) {
	v, n := binary.Uvarint(b)
	if n <= 0 || v > uint64(len(b)-n)+1 { //nolint:gosec // n is at most len(b)
		return nil, nil, errDamaged
	}
	b = b[n:]
	if v == 0 {
		return nil, b, nil
	}
	text := string(b[:v-1])
	return &text, b[v-1:], nil
}

func decodeHistory(b []byte) (r store.HistoryRecord, err error) {
	ms, n := binary.Varint(b)
	if n <= 0 {
		return r, errDamaged
	}
	r.Time = time.UnixMilli(ms).UTC()
	b = b[n:]
	for _, to := range [...]*string{&r.Source, &r.Identity} {
		s, rest, err := cutText(b)
		if err != nil || s == nil {
			return r, errDamaged
		}
		*to, b = *s, rest
	}
	count, n := binary.Uvarint(b)
	if n <= 0 || count > uint64(len(b)) {
		return r, errDamaged
	}
	b = b[n:]
	if count > 0 {
		r.Updates = make([]asff.FieldChange, count)
	}
	for i := range r.Updates {
		u := &r.Updates[i]
		var name *string
		if name, b, err = cutText(b); err != nil || name == nil {
			return r, errDamaged
		}
		u.Field = *name
		if u.Old, b, err = cutText(b); err != nil {
			return r, err
		}
		if u.New, b, err = cutText(b); err != nil {
			return r, err
		}
	}
	if len(b) > 0 {
		return r, errDamaged
	}
	return r, nil
}

// stateKey is the key of an account's record; with an empty name, of its version. An account is at most 255 bytes long.
func stateKey(account, name string) []byte {
	key := append([]byte{statePrefix, byte(len(account))}, account...) //nolint:gosec // so checked where records are put
	if name == "" {
		return append(key, 0)
	}
	return append(append(key, 1), name...)
}

func splitStateKey(key []byte) (account, name string, err error) {
	if len(key) < 3 || len(key) < 3+int(key[1]) {
		return "", "", errDamaged
	}
	n := int(key[1])
	account, rest := string(key[2:2+n]), key[2+n:]
	switch {
	case rest[0] == 0 && len(rest) == 1:
		return account, "", nil
	case rest[0] == 1 && len(rest) > 1:
		return account, string(rest[1:]), nil
	}
	return "", "", errDamaged
}

func historySeq(key []byte) uint64 { return binary.BigEndian.Uint64(key[len(key)-8:]) }
