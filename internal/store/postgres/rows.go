package postgres

import (
	"fmt"
	"strings"

	"hubcap/internal/store"
)

// findingRows are rows of table finding on their way to the server: a column an array.
type findingRows struct {
	identities [][]byte
	regions    []string
	times      [4][]int64
	codes      [5][]int16
	numbers    [3][]*float64
	resources  []string // literals of arrays
	generators []*string
	titles     []*string
}

func (r *findingRows) add(ident *store.Identity, region string, row *row) {
	r.identities, r.regions = append(r.identities, ident[:]), append(r.regions, region)
	for i := range r.times {
		r.times[i] = append(r.times[i], row.times[i])
	}
	for i := range r.codes {
		r.codes[i] = append(r.codes[i], row.codes[i])
	}
	for i := range r.numbers {
		r.numbers[i] = append(r.numbers[i], row.numbers[i])
	}
	r.resources = append(r.resources, row.resources)
	r.generators, r.titles = append(r.generators, row.generator), append(r.titles, row.title)
}

// args are the arguments of insertFinding and updateFinding.
func (r *findingRows) args(account string) []any {
	out := make([]any, 0, 20)
	out = append(out, toText(account), r.identities, r.regions)
	for i := range r.times {
		out = append(out, r.times[i])
	}
	for i := range r.codes {
		out = append(out, r.codes[i])
	}
	for i := range r.numbers {
		out = append(out, r.numbers[i])
	}
	return append(out, r.resources, r.generators, r.titles)
}

// reset empties the arrays; what they held is no longer used.
func (r *findingRows) reset() {
	clear(r.regions)
	clear(r.generators)
	clear(r.titles)
	clear(r.resources)
	r.identities, r.regions = r.identities[:0], r.regions[:0]
	for i := range r.times {
		r.times[i] = r.times[i][:0]
	}
	for i := range r.codes {
		r.codes[i] = r.codes[i][:0]
	}
	for i := range r.numbers {
		clear(r.numbers[i])
		r.numbers[i] = r.numbers[i][:0]
	}
	r.resources, r.generators, r.titles = r.resources[:0], r.generators[:0], r.titles[:0]
}

var insertFinding, updateFinding = findingStatements()

// findingStatements are written in the order of findingRows.args.
func findingStatements() (insert, update string) {
	names, types := []string{"identity", "region"}, []string{"bytea", "text"}
	for c := columnUpdated; c < numColumns; c++ {
		names = append(names, columns[c].name)
		switch {
		case c <= columnLastObserved:
			types = append(types, "bigint")
		case c <= columnCompliance:
			types = append(types, "smallint")
		default:
			types = append(types, "float8")
		}
	}
	names, types = append(names, "resources", "generator", "title"), append(types, "text", "text", "text")
	arrays, values, sets := make([]string, len(names)), make([]string, len(names)), []string{}
	for i, name := range names {
		arrays[i] = fmt.Sprintf("$%d::%s[]", i+2, types[i])
		values[i] = "x." + name
		if name == "resources" {
			values[i] += "::bigint[]"
		}
		if i >= 2 {
			sets = append(sets, name+" = "+values[i])
		}
	}
	list := strings.Join(names, ", ")
	from := "unnest(" + strings.Join(arrays, ", ") + ") AS x (" + list + ")"
	insert = "INSERT INTO finding (account, " + list + ") SELECT $1, " + strings.Join(values, ", ") + " FROM " + from + " ON CONFLICT DO NOTHING"
	update = "UPDATE finding AS f SET " + strings.Join(sets, ", ") + " FROM " + from + " WHERE f.account = $1 AND f.identity = x.identity"
	return insert, update
}

// documentRows are rows of table document on their way. The terms of all stand in one array, of which each has a part: PostgreSQL has no
// arrays of arrays of different lengths.
type documentRows struct {
	identities [][]byte
	versions   []int64
	customers  []int16
	ids        []string // heads, escaped
	firsts     []int32  // in terms, counted from 1
	lasts      []int32
	terms      []int64
	bodies     [][]byte
}

func (r *documentRows) add(it *item, id string, body []byte) {
	r.identities, r.versions = append(r.identities, it.ident[:]), append(r.versions, int64(it.version)) //nolint:gosec // a bigint
	r.customers, r.ids = append(r.customers, int16(it.customer)), append(r.ids, id)
	r.firsts = append(r.firsts, int32(len(r.terms)+1)) //nolint:gosec // a call holds some thousand findings
	r.terms = append(r.terms, it.found.terms...)
	r.lasts = append(r.lasts, int32(len(r.terms))) //nolint:gosec // as above
	r.bodies = append(r.bodies, body)
}

func (r *documentRows) reset() {
	clear(r.bodies)
	clear(r.ids)
	r.identities, r.versions, r.customers, r.ids = r.identities[:0], r.versions[:0], r.customers[:0], r.ids[:0]
	r.firsts, r.lasts, r.terms, r.bodies = r.firsts[:0], r.lasts[:0], r.terms[:0], r.bodies[:0]
}

func (r *documentRows) args(account string) []any {
	return []any{toText(account), r.terms, r.identities, r.versions, r.customers, r.ids, r.firsts, r.lasts, r.bodies}
}

const (
	documentsFrom = ` FROM unnest($3::bytea[], $4::bigint[], $5::smallint[], $6::text[], $7::integer[], $8::integer[], $9::bytea[])
		AS x (identity, version, customer, id, first, last, body)`
	insertDocuments = `INSERT INTO document (account, identity, version, customer, id, terms, body)
		SELECT $1, x.identity, x.version, x.customer, x.id, ($2::bigint[])[x.first:x.last], x.body` + documentsFrom + ` ON CONFLICT DO NOTHING`
	updateDocuments = `UPDATE document AS d SET version = x.version, customer = x.customer, terms = ($2::bigint[])[x.first:x.last], body = x.body` +
		documentsFrom + ` WHERE d.account = $1 AND d.identity = x.identity`
	touchDocuments = `UPDATE document AS d SET version = x.version FROM unnest($2::bytea[], $3::bigint[]) AS x (identity, version)
		WHERE d.account = $1 AND d.identity = x.identity`
	selectDocuments = `SELECT identity, version, customer, body FROM document WHERE account = $1 AND identity = ANY($2::bytea[])`
	lockDocuments   = `SELECT identity, version FROM document WHERE account = $1 AND identity = ANY($2::bytea[]) ORDER BY identity FOR UPDATE`
	selectLocking   = selectDocuments + ` ORDER BY identity FOR UPDATE`
	deleteDocuments = `DELETE FROM document WHERE account = $1 AND identity = ANY($2::bytea[])`
	deleteFindings  = `DELETE FROM finding WHERE account = $1 AND identity = ANY($2::bytea[])`
	deleteHistory   = `DELETE FROM history WHERE account = $1 AND identity = ANY($2::bytea[])`
	insertGone      = `INSERT INTO gone (account, identity, version) SELECT $1, x.identity, x.version FROM unnest($2::bytea[], $3::bigint[]) AS x (identity, version)
		ON CONFLICT (account, identity) DO UPDATE SET version = greatest(gone.version, excluded.version)`
	selectGone    = `SELECT identity, version FROM gone WHERE account = $1 AND identity = ANY($2::bytea[])`
	insertHistory = `INSERT INTO history (account, identity, seq, at, record)
		SELECT $1, x.identity, x.seq, x.at, x.record FROM unnest($2::bytea[], $3::bigint[], $4::bigint[], $5::bytea[]) AS x (identity, seq, at, record)
		ON CONFLICT DO NOTHING`
	insertWords = `INSERT INTO dict (account, digest, attribute, key, hash, value)
		SELECT $1, x.digest, x.attribute, x.key, x.hash, x.value
		FROM unnest($2::uuid[], $3::smallint[], $4::text[], $5::bigint[], $6::text[]) AS x (digest, attribute, key, hash, value) ON CONFLICT DO NOTHING`
	shareVersion   = `SELECT version FROM state_version WHERE account = $1 FOR SHARE`
	selectVersions = `SELECT account, version FROM state_version WHERE account = ANY($1::text[])`
)
