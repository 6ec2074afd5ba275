// Package querytest is the meaning of queries made testable: a small corpus language (load, find, group) that any engine can run,
// random findings and questions, and a model that answers by walking every finding with query.Match. An engine is right when it
// answers as the model does.
package querytest

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"hubcap/internal/asff"
	"hubcap/internal/query"
)

// Doc is a finding as an engine stores it.
type Doc struct {
	Account, Region, ProductArn, ID string
	JSON                            []byte // canonical
}

// Identity is that of the store's key: the first 16 bytes of SHA-256 over the length-prefixed account, region, product ARN and id.
func (d *Doc) Identity() [16]byte {
	var buf []byte
	for _, s := range [...]string{d.Account, d.Region, d.ProductArn, d.ID} {
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(s)))
		buf = append(buf, s...)
	}
	sum := sha256.Sum256(buf)
	return [16]byte(sum[:16])
}

// Engine is what answers: a store, seen without accounts, history and the rest.
type Engine interface {
	// Load stores findings; one with the identity of an earlier one takes its place.
	Load(docs ...Doc) error
	// Find answers one page: the documents in order, and where to go on; nil when there is no more.
	Find(q *query.Find) (page [][]byte, next *query.Position, err error)
	// Group counts findings by the values of an attribute.
	Group(q *query.Group) ([]query.Count, error)
}

// Run holds an engine against the corpus, against the model by each attribute, and by random questions. open is called for each test, for an engine without findings.
func Run(t *testing.T, open func(t testing.TB) Engine) {
	t.Helper()
	runCorpus(t, open)
	t.Run("attributes", func(t *testing.T) { runAttributes(t, open(t)) })
	t.Run("random", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) { compare(rt, open(t)) })
	})
}

// compare asks an engine and the model the same random questions about the same random findings.
func compare(t *rapid.T, e Engine) {
	model := NewModel()
	docs := rapid.SliceOfN(Findings(), 0, 30).Draw(t, "findings")
	for len(docs) > 0 { // in several writes, some of which replace what an earlier one stored
		n := rapid.IntRange(1, len(docs)).Draw(t, "batch")
		for _, into := range []Engine{e, model} {
			if err := into.Load(docs[:n]...); err != nil {
				t.Fatalf("load: %v", err)
			}
		}
		docs = docs[n:]
	}
	for range rapid.IntRange(1, 8).Draw(t, "questions") {
		if rapid.IntRange(0, 3).Draw(t, "kind") == 0 {
			compareGroup(t, e, model)
		} else {
			compareFind(t, e, model)
		}
	}
}

func compareFind(t *rapid.T, e Engine, model *Model) {
	q := query.Find{
		Where: Exprs().Draw(t, "where"),
		Sort:  Sorts().Draw(t, "sort"),
		Limit: rapid.IntRange(1, 12).Draw(t, "limit"),
	}
	var got, want []string
	for page := 0; ; page++ {
		if page > 40 {
			t.Fatalf("%s sorted by %v: the pages never end", q.Where, q.Sort)
		}
		docs, next, err := e.Find(&q)
		if err != nil {
			t.Fatalf("%s sorted by %v: %v", q.Where, q.Sort, err)
		}
		if len(docs) > q.Limit {
			t.Fatalf("%s sorted by %v: a page of %d where %d were asked for", q.Where, q.Sort, len(docs), q.Limit)
		}
		for _, d := range docs {
			got = append(got, string(d))
		}
		if next == nil {
			break
		}
		q.After = next
	}
	for _, d := range model.all(&q) {
		want = append(want, string(d.JSON))
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%s sorted by %v, %d a page:\n got %q\nwant %q", q.Where, q.Sort, q.Limit, got, want)
	}
}

func compareGroup(t *rapid.T, e Engine, model *Model) {
	q := Groups().Draw(t, "group")
	got, err := e.Group(&q)
	if err != nil {
		t.Fatalf("%s by %s: %v", q.Where, q.By, err)
	}
	want, err := model.Group(&q)
	if err != nil {
		t.Fatalf("model: %v", err)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%s by %s[%s], at most %d:\n got %v\nwant %v", q.Where, q.By, q.Key, q.Limit, got, want)
	}
}

// Model is the engine that cannot be wrong: it keeps documents in a map and walks all of them for every question.
type Model struct{ docs map[[16]byte]known }

// known is a finding with its values, which are read once.
type known struct {
	Doc
	values []asff.Value
}

// NewModel makes a model without findings.
func NewModel() *Model { return &Model{docs: map[[16]byte]known{}} }

// Load stores findings.
func (m *Model) Load(docs ...Doc) error {
	for _, d := range docs {
		d.JSON = slices.Clone(d.JSON)
		m.docs[d.Identity()] = known{d, new(asff.Reader).Values(d.JSON)}
	}
	return nil
}

// Find answers one page.
func (m *Model) Find(q *query.Find) (page [][]byte, next *query.Position, err error) {
	for _, d := range m.all(q) {
		at := query.Position{Identity: d.Identity(), Values: query.Keys(q.Sort, d.values, nil)}
		if q.After != nil && query.Compare(q.Sort, &at, q.After) <= 0 {
			continue
		}
		if len(page) == q.Limit {
			return page, next, nil
		}
		page, next = append(page, d.JSON), &at
	}
	return page, nil, nil
}

// all answers a question on one page, from the start.
func (m *Model) all(q *query.Find) []known {
	type hit struct {
		doc known
		at  query.Position
	}
	var hits []hit
	for identity, d := range m.docs {
		if query.Match(&q.Where, d.values) {
			hits = append(hits, hit{d, query.Position{Identity: identity, Values: query.Keys(q.Sort, d.values, nil)}})
		}
	}
	slices.SortFunc(hits, func(a, b hit) int { return query.Compare(q.Sort, &a.at, &b.at) })
	docs := make([]known, len(hits))
	for i := range hits {
		docs[i] = hits[i].doc
	}
	return docs
}

// Group counts findings by the values of an attribute.
func (m *Model) Group(q *query.Group) ([]query.Count, error) {
	tally := query.NewTally(*q)
	for _, d := range m.docs {
		tally.Add(d.values)
	}
	return tally.Counts(), nil
}
