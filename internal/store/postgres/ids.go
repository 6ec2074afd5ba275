package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
)

// byID answers in the order of Id, along table document, which has the heads of all Ids in order.
func (f *search) byID(ctx context.Context, conn *pgx.Conn) error {
	var at *idPlace
	if p := f.q.After; p != nil {
		at = &idPlace{head: headOf(toText(p.Values[0].Text))}
		if len(f.order) == 1 && len(at.head) < longest {
			at.identity = p.Identity[:]
		}
	}
	for n := f.want; ; n = min(2*n, mostLook) {
		st := f.idStatement(at, n)
		rows := 0
		if err := st.run(ctx, conn, func(v [][]byte) error {
			if rows++; rows == n {
				at = &idPlace{head: string(v[0]), identity: slices.Clone(v[1])}
			}
			if v[4] == nil || f.passed(string(v[0])) {
				return nil
			}
			return f.take(v[:1], v[1:])
		}); err != nil || rows < n || f.passed(at.head) {
			return err
		}
	}
}

// idPlace is a place in the order of Ids.
type idPlace struct {
	head     string
	identity []byte // nil: before the first that has the head
}

// passed tells whether no finding whose Id has this head, or a later one, belongs into the page.
func (f *search) passed(head string) bool {
	if len(f.page) < f.want {
		return false
	}
	worst := string(f.page[f.want-1].values[0])
	return worst != head || len(f.order) == 1 && len(worst) < longest
}

// idStatement looks at the next n findings in the order of Id; the body of one that the condition does not hold for is NULL.
func (f *search) idStatement(at *idPlace, n int) *statement {
	beyond, desc := " > ", ""
	if f.order[0].Desc {
		beyond, desc = " < ", " DESC"
	}
	where := f.where.may.conjuncts()
	st := &statement{}
	st.write("SELECT d.id, d.identity, d.version, d.customer, ")
	if len(where) == 0 {
		st.write("d.body")
	} else {
		st.write("CASE WHEN ")
		allOf(where...).filter(st)
		st.write(" THEN d.body END")
	}
	st.write(" FROM document AS d")
	if slices.ContainsFunc(where, needsRow) {
		st.write(" JOIN finding AS f ON ", sameFinding)
	}
	st.write(" WHERE true")
	if len(f.scope.Accounts) > 0 { // the Region is looked at when the finding is
		st.write(" AND d.account = ANY (", st.strings(toTexts(f.scope.Accounts)), ")")
	}
	switch {
	case at == nil:
	case at.identity == nil:
		st.write(" AND d.id", beyond[:2], "= ", st.string(at.head))
	default:
		head := st.string(at.head)
		st.write(" AND d.id", beyond[:2], "= ", head, " AND (d.id", beyond, head, " OR d.identity > ", st.bytes(at.identity), ")")
	}
	st.write(" ORDER BY d.id", desc, ", d.identity LIMIT ", st.int(int64(n)))
	return st
}
