package postgres

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// statement is one statement of a question while it is written. Its text is made of this package's own words alone: whatever somebody
// asked for is an argument. It is not prepared under a name, so the server plans it anew each time, for the arguments it has.
type statement struct {
	text   strings.Builder
	values [][]byte
	types  []uint32
}

func (st *statement) write(parts ...string) {
	for _, p := range parts {
		st.text.WriteString(p)
	}
}

// raw adds an argument in the server's binary form.
func (st *statement) raw(value []byte, oid uint32) string {
	st.values, st.types = append(st.values, value), append(st.types, oid)
	return "$" + strconv.Itoa(len(st.values))
}

func (st *statement) int(v int64) string {
	return st.raw(binary.BigEndian.AppendUint64(nil, uint64(v)), pgtype.Int8OID) //nolint:gosec // the bits
}

func (st *statement) small(v int16) string {
	return st.raw(binary.BigEndian.AppendUint16(nil, uint16(v)), pgtype.Int2OID) //nolint:gosec // the bits
}

func (st *statement) float(v float64) string {
	return st.raw(binary.BigEndian.AppendUint64(nil, math.Float64bits(v)), pgtype.Float8OID)
}

// string adds a text. What may hold U+0000 goes through toText first.
func (st *statement) string(v string) string { return st.raw([]byte(v), pgtype.TextOID) }

func (st *statement) bytes(v []byte) string { return st.raw(v, pgtype.ByteaOID) }

func (st *statement) ints(list []int64) string {
	b := arrayOf(len(list), pgtype.Int8OID, 12)
	for _, v := range list {
		b = binary.BigEndian.AppendUint32(b, 8)
		b = binary.BigEndian.AppendUint64(b, uint64(v)) //nolint:gosec // the bits
	}
	return st.raw(b, pgtype.Int8ArrayOID)
}

func (st *statement) smalls(list []int16) string {
	b := arrayOf(len(list), pgtype.Int2OID, 6)
	for _, v := range list {
		b = binary.BigEndian.AppendUint32(b, 2)
		b = binary.BigEndian.AppendUint16(b, uint16(v)) //nolint:gosec // the bits
	}
	return st.raw(b, pgtype.Int2ArrayOID)
}

func (st *statement) strings(list []string) string {
	b := arrayOf(len(list), pgtype.TextOID, 20)
	for _, v := range list {
		b = binary.BigEndian.AppendUint32(b, uint32(len(v))) //nolint:gosec // a request holds at most 6 MB
		b = append(b, v...)
	}
	return st.raw(b, pgtype.TextArrayOID)
}

// arrayOf begins the binary form of an array of n elements.
func arrayOf(n int, element uint32, size int) []byte {
	b := make([]byte, 0, 20+n*size)
	dimensions := uint32(1)
	if n == 0 {
		dimensions = 0
	}
	b = binary.BigEndian.AppendUint32(b, dimensions)
	b = binary.BigEndian.AppendUint32(b, 0) // none is null
	b = binary.BigEndian.AppendUint32(b, element)
	if n == 0 {
		return b
	}
	b = binary.BigEndian.AppendUint32(b, uint32(n)) //nolint:gosec // far fewer
	return binary.BigEndian.AppendUint32(b, 1)      // counted from 1
}

// binaryForm is the form of every argument and every result.
var binaryForm = []int16{pgx.BinaryFormatCode}

// overheard is the key of a context under which tests keep a func(*statement), which hears every statement of a question.
type overheard struct{}

// run executes the statement and calls row for each row of the answer; the values are valid until row returns. It reads the answer to
// its end even when row fails, so a statement should not ask for more than is wanted.
func (st *statement) run(ctx context.Context, conn *pgx.Conn, row func(values [][]byte) error) error {
	if hear, ok := ctx.Value(overheard{}).(func(*statement)); ok {
		hear(st)
	}
	answer := conn.PgConn().ExecParams(ctx, st.text.String(), st.values, st.types, st.formats(), binaryForm)
	var failed error
	for answer.NextRow() {
		if failed == nil {
			failed = row(answer.Values())
		}
	}
	if _, err := answer.Close(); err != nil {
		if codeOf(err) != "" {
			return fmt.Errorf("%w [%s]", err, st.text.String())
		}
		return err
	}
	return failed
}

func (st *statement) formats() []int16 {
	if len(st.values) == 0 {
		return nil
	}
	return binaryForm
}

func intOf(v []byte) int64 {
	switch len(v) {
	case 8:
		return int64(binary.BigEndian.Uint64(v)) //nolint:gosec // the bits
	case 4:
		return int64(int32(binary.BigEndian.Uint32(v))) //nolint:gosec // the bits
	case 2:
		return int64(int16(binary.BigEndian.Uint16(v))) //nolint:gosec // the bits
	default:
		return 0
	}
}

func floatOf(v []byte) float64 { return math.Float64frombits(uint64(intOf(v))) } //nolint:gosec // the bits

func boolOf(v []byte) bool { return len(v) == 1 && v[0] != 0 }

// intsOf reads the binary form of an array of bigint without nulls.
func intsOf(v []byte) []int64 {
	const head = 20
	if len(v) < head {
		return nil
	}
	n := int(binary.BigEndian.Uint32(v[12:]))
	out := make([]int64, 0, min(n, len(v)/12+1))
	for v = v[head:]; len(v) >= 12; v = v[12:] {
		out = append(out, intOf(v[4:12]))
	}
	return out
}

// floatsOf reads the binary form of an array of real without nulls.
func floatsOf(v []byte) []float64 {
	const head = 20
	if len(v) < head {
		return nil
	}
	var out []float64
	for v = v[head:]; len(v) >= 8; v = v[8:] {
		out = append(out, float64(math.Float32frombits(binary.BigEndian.Uint32(v[4:]))))
	}
	return out
}
