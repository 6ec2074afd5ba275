package asff

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOracleEdges puts every member of the format, one at a time, into an otherwise valid finding: at each edge of its limits, just
// beyond them, and as another type. The oracle must agree on each.
func TestOracleEdges(t *testing.T) {
	sch := oracle(t, false)
	findings, valid := 0, 0
	var r Reader
	for _, place := range places() {
		for _, edge := range edges(place.member.shape, 1) {
			text, err := json.Marshal(place.finding(edge))
			require.NoError(t, err)
			f, err := r.Check(text, Options{})
			require.NoError(t, err)
			findings++
			if len(f.Violations) == 0 {
				valid++
			}
			if verdict := sch.Validate(asOracleSees(t, text)); (verdict == nil) != (len(f.Violations) == 0) {
				require.FailNow(t, "verdicts differ", "%s\nscanner: %+v\noracle: %v", text, f.Violations, verdict)
			}
		}
	}
	t.Logf("%d findings, %d valid", findings, valid)
	require.Greater(t, findings, 15_000)
	require.Greater(t, valid, findings/4)
	require.Less(t, valid, findings)
}

// place is where a member stands, seen from the finding down: each step is a member of the structure before.
type place struct {
	above  []*member
	owners []*object
	member *member
	owner  *object
}

// places finds the shortest way to each member of each structure.
func places() []place {
	var all []place
	seen := map[*object]bool{format().root: true}
	type entry struct {
		o      *object
		above  []*member
		owners []*object
	}
	for queue := []entry{{o: format().root}}; len(queue) > 0; queue = queue[1:] {
		e := queue[0]
		for i := range e.o.members {
			m := &e.o.members[i]
			all = append(all, place{e.above, e.owners, m, e.o})
			sh := m.shape
			for sh.elem != nil {
				sh = sh.elem
			}
			if sh.object != nil && !seen[sh.object] {
				seen[sh.object] = true
				queue = append(queue, entry{
					sh.object, append(append([]*member(nil), e.above...), m), append(append([]*object(nil), e.owners...), e.o),
				})
			}
		}
	}
	return all
}

// finding is a valid finding but for the member, which has the value.
func (p place) finding(value any) any {
	o := least(p.owner)
	o[p.member.name] = value
	for i, above := range slices.Backward(p.above) {
		var v any = o
		for sh := above.shape; sh.elem != nil; sh = sh.elem {
			if sh.kind == kindList {
				v = []any{v}
			} else {
				v = map[string]any{"k": v}
			}
		}
		o = least(p.owners[i])
		o[above.name] = v
	}
	return o
}

// least is an object with what it must have.
func least(o *object) map[string]any {
	m := map[string]any{}
	for i := range o.members {
		known := &o.members[i]
		if known.required || o.anyOf != nil && o.anyOf.last == known.name {
			m[known.name] = fitting(known.shape, 0)
		}
	}
	return m
}

// fitting is the i-th value that fits a shape.
func fitting(sh *shape, i int) any {
	switch sh.kind {
	case kindString:
		switch {
		case sh.enum != nil:
			return sh.enum[0]
		case sh.date:
			return "2026-01-02T03:04:05Z"
		case sh.pattern != nil && sh.pattern.match([]byte("111122223333")):
			return "111122223333"
		}
		return strings.Repeat("x", max(int(sh.min)-4, 0)) + fmt.Sprintf("x%03d", i)
	case kindInt32, kindInt64:
		return max(sh.lo, 0)
	case kindDouble:
		return 0.5
	case kindBool:
		return true
	case kindObject:
		return least(sh.object)
	case kindList:
		return listOf(sh, int(sh.min))
	case kindMap:
	}
	return map[string]any{}
}

func listOf(sh *shape, n int) any {
	list := []any{}
	for i := range max(n, 0) {
		list = append(list, fitting(sh.elem, i))
	}
	return list
}

func mapOf(sh *shape, n int, key string) any {
	m := map[string]any{}
	for i := range max(n, 0) {
		m[fmt.Sprintf("%s%02d", key, i)] = fitting(sh.elem, i)
	}
	return m
}

// edges are the values on both sides of each limit of a shape, and some of other types. Those of elements are wrapped.
func edges(sh *shape, depth int) []any {
	list := []any{nil, "x", 7, true, []any{}, map[string]any{}}
	if depth > 1 {
		list = []any{nil, 7}
	}
	limit := func(n int32) bool { return n < 200_000 }
	switch sh.kind {
	case kindString:
		lengths := []int32{sh.min - 1, sh.min, sh.max, sh.max + 1}
		switch {
		case sh.enum != nil:
			for _, e := range sh.enum {
				list = append(list, e, strings.ToLower(e)+"x")
			}
			return list
		case sh.date:
			return append(list, "", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05", "2026-02-29T03:04:05.1-1800", "2024-02-29T03:04:05.123456789+18:00", "2026-01-02T03:04:05+18:01")
		case sh.arnOrID:
			list = append(list, "arn:"+strings.Repeat("x", 7), "arn:"+strings.Repeat("x", 8), "arn:"+strings.Repeat("é", 2044), "arn:"+strings.Repeat("é", 2045))
			lengths = []int32{0, 1, 512, 513}
		case sh.pattern != nil:
			return append(list, "", " ", "11112222333", "111122223333", "a/b/c", "a/b/c/d", "/a", "a/")
		}
		for _, n := range lengths {
			if n >= 0 && limit(n) {
				list = append(list, strings.Repeat("x", int(n)), strings.Repeat("é", int(n)), strings.Repeat(" ", int(n)))
			}
		}
	case kindInt32, kindInt64:
		for _, n := range []string{strconv.FormatInt(sh.lo, 10), strconv.FormatInt(sh.hi, 10), "1.0", "0.5", "10e-1"} {
			list = append(list, json.Number(n))
		}
		if sh.kind == kindInt32 {
			list = append(list, sh.lo-1, sh.hi+1)
		} else {
			list = append(list, json.Number("9223372036854775808"), json.Number("-9223372036854775809"))
		}
	case kindBool, kindObject:
	case kindDouble:
		list = append(list, -1.5, json.Number("1e400"), json.Number("1e-400"))
	case kindList:
		for _, n := range []int32{sh.min - 1, sh.min, sh.max, sh.max + 1} {
			if limit(n) {
				list = append(list, listOf(sh, int(n)))
			}
		}
		if e := fitting(sh.elem, 0); sh.min <= 1 {
			list = append(list, []any{e, e})
		}
		for _, e := range edges(sh.elem, depth+1) {
			list = append(list, []any{e})
		}
	case kindMap:
		for _, n := range []int32{sh.max, sh.max + 1} {
			if limit(n) {
				list = append(list, mapOf(sh, int(n), "k"), mapOf(sh, int(n), "aws/securityhub/"))
			}
		}
		for _, key := range []string{"", "é", "a b", "x#", strings.Repeat("k", 128), strings.Repeat("k", 129)} {
			list = append(list, map[string]any{key: fitting(sh.elem, 0)})
		}
		for _, e := range edges(sh.elem, depth+1) {
			list = append(list, map[string]any{"k": e}, map[string]any{"aws/securityhub/x": e})
		}
	}
	return list
}
