package postgres

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"hubcap/internal/asff"
	"hubcap/internal/query"
)

// orderKey is an expression that findings are ordered by in SQL. It is never NULL.
type orderKey struct {
	write func(st *statement)
	desc  bool
	oid   uint32
	of    column // that it is, and nothing more; else noColumn
}

// orderPlace is a place in an order: a value for each key, in the server's binary form, and an identity.
type orderPlace struct {
	values   [][]byte
	identity []byte // nil: before the findings that have these values
}

// stage is a stretch of an answer, which SQL can order: the findings that where holds for. One stage after the other is the order that was
// asked for.
type stage struct {
	where *condition
	keys  []orderKey
	from  *orderPlace // where to begin; nil: at the start
	// exact tells that keys, then the identity, are the order; else they are as much of it as SQL can tell, and findings with the same
	// values of keys stand in another order among themselves.
	exact bool
	// heads, where exact is not set, tells that they would be the order if the first key were not the head of a text: as it is where the
	// text is no longer than a head.
	heads bool
	// what people are told
	name string
}

// settled tells whether findings that have the values of a place stand in the order of their identities.
func (g *stage) settled(values [][]byte) bool {
	return g.exact || g.heads && len(values) > 0 && len(values[0]) < longest
}

func binaryInt(v int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(v)) } //nolint:gosec // the bits

func binaryFloat(v float64) []byte { return binary.BigEndian.AppendUint64(nil, math.Float64bits(v)) }

func binaryBool(v bool) []byte {
	if v {
		return []byte{1}
	}
	return []byte{0}
}

// staging makes stages of an order.
type staging struct {
	order []query.SortKey
	after *query.Position
	stray func(asff.Field) bool // of some finding the column does not tell the truth
}

// value is the value of the position under the i-th key; nil where there is no position.
func (g *staging) value(i int) *query.SortValue {
	if g.after == nil {
		return nil
	}
	return &g.after.Values[i]
}

// stages are the stages of an order; none where SQL cannot tell its first key.
func (g *staging) stages() []stage {
	k, at := g.order[0], g.value(0)
	rest, restValues, exact := g.rest()
	name := k.Field.Name()
	var list []stage
	begin := -1 // the stage of the position, and the place in it of its first key
	var first [][]byte
	add := func(where *condition, keys ...orderKey) {
		list = append(list, stage{where: where, keys: append(keys, rest...), exact: exact, name: name})
	}
	switch c := columnOf(k.Field); {
	case c == noColumn && headColumn(k.Field) != "":
		col := headColumn(k.Field)
		add(onColumns(func(st *statement) { st.write(col, " IS NOT NULL") }), orderKey{writer(col), k.Desc, pgtype.TextOID, noColumn})
		list[0].keys = list[0].keys[:1]
		list[0].exact, list[0].heads = false, len(g.order) == 1
		add(onColumns(func(st *statement) { st.write(col, " IS NULL") }))
		list[1].name = "no " + name
		switch {
		case at == nil:
		case at.Missing:
			begin = 1
		default:
			begin, first = 0, [][]byte{[]byte(headOf(toText(at.Text)))}
		}
	case c == noColumn && isOfKey(k.Field) && !g.stray(k.Field):
		col := "f.account"
		if k.Field == asff.FieldRegion {
			col = "f.region"
		}
		add(always, orderKey{writer(col), k.Desc, pgtype.TextOID, noColumn})
		if at != nil {
			if at.Missing {
				return []stage{}
			}
			begin, first = 0, [][]byte{[]byte(toText(at.Text))}
		}
	case c == noColumn:
		return nil
	case c <= columnLastObserved:
		col := "f." + columns[c].name
		switch {
		case k.Desc:
			add(always, orderKey{writer(col), true, pgtype.Int8OID, c})
		default:
			add(onColumns(func(st *statement) { st.write(col, " > ", st.int(noTime)) }), orderKey{writer(col), false, pgtype.Int8OID, c})
			add(onColumns(func(st *statement) { st.write(col, " = ", st.int(noTime)) }))
		}
		switch {
		case at == nil:
		case at.Missing && !k.Desc:
			begin = 1
		case at.Missing:
			begin, first = 0, [][]byte{binaryInt(noTime)}
		default:
			begin, first = 0, [][]byte{binaryInt(int64(at.Num))}
		}
	case columns[c].codes != nil:
		if !ranked(k.Field) && g.stray(k.Field) {
			return nil
		}
		codes := labelOrder(c, k.Desc)
		for _, code := range codes {
			add(onColumns(func(st *statement) { st.write("f.", columns[c].name, " = ", st.small(code)) }))
			if code > 0 {
				list[len(list)-1].name = columns[c].codes[code-1]
			}
		}
		if at != nil {
			code := codeAt(c, at)
			if begin = slices.Index(codes, code); begin < 0 {
				return nil
			}
		}
	default:
		col := "f." + columns[c].name
		add(onColumns(func(st *statement) { st.write(col, " IS NOT NULL") }), orderKey{writer(col), k.Desc, pgtype.Float8OID, c})
		add(onColumns(func(st *statement) { st.write(col, " IS NULL") }))
		switch {
		case at == nil:
		case at.Missing:
			begin = 1
		default:
			begin, first = 0, [][]byte{binaryFloat(at.Num)}
		}
	}
	if g.after == nil {
		return list
	}
	list = list[begin:]
	s := &list[0]
	values := slices.Concat(first, restValues)
	if len(values) > len(s.keys) {
		values = values[:len(s.keys)]
	}
	s.from = &orderPlace{values: values}
	if s.settled(values) {
		s.from.identity = g.after.Identity[:]
	}
	return list
}

func writer(text string) func(st *statement) { return func(st *statement) { st.write(text) } }

// ranked tells whether labels sort by their rank, and not by their text.
func ranked(f asff.Field) bool {
	return f == asff.FieldSeverityLabel || f == asff.FieldFindingProviderFieldsSeverityLabel
}

// labelOrder is a column's codes in the order of their labels, 0 (none) last.
func labelOrder(c column, desc bool) []int16 {
	codes := make([]int16, 0, len(columns[c].codes)+1)
	for i := range columns[c].codes {
		codes = append(codes, int16(i+1))
	}
	slices.SortFunc(codes, func(a, b int16) int {
		x := cmp.Compare(a, b)
		if !ranked(columns[c].field) {
			x = strings.Compare(columns[c].codes[a-1], columns[c].codes[b-1])
		}
		if desc {
			return -x
		}
		return x
	})
	return append(codes, 0)
}

// codeAt is the code of a position's label; -1 for a label that the column does not have.
func codeAt(c column, v *query.SortValue) int16 {
	switch {
	case v.Missing:
		return 0
	case ranked(columns[c].field):
		if v.Num >= 1 && int(v.Num) <= len(columns[c].codes) {
			return int16(v.Num)
		}
		return -1
	default:
		if code := c.code([]byte(v.Text)); code != 0 {
			return code
		}
		return -1
	}
}

// rest are the keys after the first, as far as SQL can tell them, and the position's values of them.
func (g *staging) rest() (keys []orderKey, values [][]byte, exact bool) {
	for i, k := range g.order[1:] {
		more, at, whole := g.further(k, g.value(i+1))
		keys, values = append(keys, more...), append(values, at...)
		if !whole {
			return keys, values, false
		}
	}
	return keys, values, true
}

// further are the keys of one sort key that is not the first; whole is not set where they do not tell its whole order.
func (g *staging) further(k query.SortKey, at *query.SortValue) (keys []orderKey, values [][]byte, whole bool) {
	none := at != nil && at.Missing
	add := func(desc bool, oid uint32, text ...string) {
		keys = append(keys, orderKey{func(st *statement) { st.write(text...) }, desc, oid, noColumn})
	}
	value := func(v []byte) {
		if at != nil {
			values = append(values, v)
		}
	}
	var num float64
	if at != nil {
		num = at.Num
	}
	switch c := columnOf(k.Field); {
	case c == noColumn && headColumn(k.Field) != "":
		col := headColumn(k.Field)
		add(false, pgtype.BoolOID, "(", col, " IS NULL)")
		add(k.Desc, pgtype.TextOID, "coalesce(", col, ", '')")
		value(binaryBool(none))
		if at != nil {
			value([]byte(headOf(toText(at.Text))))
		}
		return keys, values, false
	case c == noColumn && isOfKey(k.Field) && !g.stray(k.Field) && !none:
		col := "f.account"
		if k.Field == asff.FieldRegion {
			col = "f.region"
		}
		add(k.Desc, pgtype.TextOID, col)
		if at != nil {
			value([]byte(toText(at.Text)))
		}
		return keys, values, true
	case c == noColumn:
		return nil, nil, false
	case c <= columnLastObserved:
		col := "f." + columns[c].name
		keys = append(keys, orderKey{func(st *statement) { st.write("(", col, " = ", st.int(noTime), ")") }, false, pgtype.BoolOID, noColumn})
		add(k.Desc, pgtype.Int8OID, col)
		value(binaryBool(none))
		if none {
			value(binaryInt(noTime))
		} else {
			value(binaryInt(int64(num)))
		}
		return keys, values, true
	case columns[c].codes != nil:
		if !ranked(k.Field) && g.stray(k.Field) {
			return nil, nil, false
		}
		codes := labelOrder(c, k.Desc)
		keys = append(keys, orderKey{func(st *statement) {
			st.write("array_position(", st.smalls(codes), ", f.", columns[c].name, ")")
		}, false, pgtype.Int4OID, noColumn})
		if at != nil {
			i := slices.Index(codes, codeAt(c, at))
			if i < 0 {
				return nil, nil, false
			}
			value(binary.BigEndian.AppendUint32(nil, uint32(i+1))) //nolint:gosec // short lists
		}
		return keys, values, true
	default:
		col := "f." + columns[c].name
		add(false, pgtype.BoolOID, "(", col, " IS NULL)")
		add(k.Desc, pgtype.Float8OID, "coalesce(", col, ", 0)")
		value(binaryBool(none))
		value(binaryFloat(num))
		return keys, values, true
	}
}

// writeAfter says that a finding stands after a place. names are the keys' texts.
func writeAfter(st *statement, keys []orderKey, names []string, at *orderPlace) {
	n := len(at.values)
	if n > 0 { // where an index can begin
		beyond := " >= "
		if keys[0].desc {
			beyond = " <= "
		}
		st.write(" AND ", names[0], beyond, st.raw(at.values[0], keys[0].oid))
	}
	if n == 1 && at.identity == nil || n == 0 && at.identity == nil {
		return
	}
	st.write(" AND (")
	for i := range n {
		beyond := " > "
		if keys[i].desc {
			beyond = " < "
		}
		if i == n-1 && at.identity == nil {
			beyond = strings.TrimSuffix(beyond, " ") + "= "
		}
		st.write(names[i], beyond, st.raw(at.values[i], keys[i].oid))
		if i < n-1 || at.identity != nil {
			st.write(" OR ", names[i], " = ", st.raw(at.values[i], keys[i].oid), " AND (")
		}
	}
	open := n - 1
	if at.identity != nil {
		st.write("f.identity > ", st.bytes(at.identity))
		open = n
	}
	st.write(strings.Repeat(")", open+1))
}

// sameValues tells whether two places have the same values.
func sameValues(a, b [][]byte) bool {
	return slices.EqualFunc(a, b, bytes.Equal)
}
