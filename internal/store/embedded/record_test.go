package embedded

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hubcap/internal/asff"
	"hubcap/internal/asff/asfftest"
	"hubcap/internal/store"
)

func texts() *rapid.Generator[*string] {
	return rapid.Custom(func(t *rapid.T) *string {
		if rapid.Bool().Draw(t, "absent") {
			return nil
		}
		s := rapid.String().Draw(t, "text")
		return &s
	})
}

// What is written is read back, and the beginning of it never reads as something else.
func TestRecordsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := entry{version: rapid.Uint64().Draw(t, "version")}
		copy(e.ident[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "ident"))
		e.pair = rapid.Uint64().Draw(t, "pair")
		for i := range e.times {
			e.times[i] = rapid.Int64().Draw(t, "time")
		}
		e.terms = rapid.SliceOfDistinct(rapid.Uint32(), rapid.ID[uint32]).Draw(t, "terms")
		sortTerms(e.terms)
		var got entry
		require.NoError(t, got.decode(e.append(nil)))
		require.Len(t, got.terms, len(e.terms))
		require.Equal(t, e.append(nil), got.append(nil))

		k := store.Key{Account: rapid.String().Draw(t, "a"), Region: rapid.String().Draw(t, "r"), ProductArn: rapid.String().Draw(t, "p"), ID: rapid.String().Draw(t, "i")}
		doc := rapid.SliceOf(rapid.Byte()).Draw(t, "doc")
		s := stored{
			customer: asff.Attrs(rapid.Byte().Draw(t, "customer")), version: e.version, facts: e.facts.append(nil),
			body: compress(nil, appendBody(nil, &k, doc)),
		}
		var back stored
		require.NoError(t, back.decode(s.append([]byte{})))
		require.Equal(t, s, back)
		plain, err := expand(nil, back.body)
		require.NoError(t, err)
		parts, text, err := splitBody(plain)
		require.NoError(t, err)
		require.Equal(t, k, keyOf(&parts))
		require.True(t, bytes.Equal(doc, text))

		h := store.HistoryRecord{Time: time.UnixMilli(rapid.Int64Range(0, 1<<45).Draw(t, "ms")).UTC(), Source: "s", Identity: rapid.String().Draw(t, "identity")}
		for range rapid.IntRange(0, 4).Draw(t, "updates") {
			h.Updates = append(h.Updates, asff.FieldChange{Field: rapid.String().Draw(t, "field"), Old: texts().Draw(t, "old"), New: texts().Draw(t, "new")})
		}
		encoded := appendHistory(nil, &h)
		record, err := decodeHistory(encoded)
		require.NoError(t, err)
		require.Equal(t, h, record)
		for n := range encoded {
			_, err := decodeHistory(encoded[:n])
			require.Error(t, err, "cut to %d of %d bytes", n, len(encoded))
		}

		account, name := rapid.StringMatching(`\d{0,12}`).Draw(t, "account"), rapid.StringN(0, 20, -1).Draw(t, "name")
		a, n, err := splitStateKey(stateKey(account, name))
		require.NoError(t, err)
		require.Equal(t, []string{account, name}, []string{a, n})
	})
}

func sortTerms(terms []uint32) {
	for i := range terms {
		for j := i; j > 0 && terms[j] < terms[j-1]; j-- {
			terms[j], terms[j-1] = terms[j-1], terms[j]
		}
	}
}

// Whatever stands on the disk, reading it ends with an answer or an error.
func FuzzRecords(f *testing.F) {
	e := entry{facts: facts{terms: []uint32{1, 5, 1000}}}
	f.Add(e.append(nil))
	k := store.Key{Account: "a", Region: "r", ProductArn: "p", ID: "i"}
	s := stored{version: 7, facts: e.facts.append(nil), body: compress(nil, appendBody(nil, &k, asfftest.Finding(1, 1)))}
	f.Add(s.append(nil))
	old := "old"
	f.Add(appendHistory(nil, &store.HistoryRecord{Source: "s", Identity: "i", Updates: []asff.FieldChange{{Field: "f", Old: &old}}}))
	f.Add(stateKey("111122223333", "hub"))
	f.Add([]byte("UpdatedAt 0\nTitle 17\n"))
	fields := newFieldTable()
	fields.complete(0)
	one := appendTerm(nil, fields, &attribute{field: asff.FieldResourceTags, key: "env"}, &term{text: []byte("prod")})
	f.Add(one)
	f.Add(appendNumbered(appendNumbered(nil, 7, one), 300, one))
	f.Fuzz(func(t *testing.T, b []byte) {
		var e entry
		if e.decode(b) == nil {
			var again entry
			require.NoError(t, again.decode(e.append(nil)))
			require.Equal(t, e.append(nil), again.append(nil))
		}
		r := &reading{}
		_ = r.unpack(b)
		_, _, _ = splitBody(b)
		_, _ = expand(nil, b)
		_, _ = decodeHistory(b)
		_, _, _, _, _ = decodeTerm(b)
		var again []byte
		if eachTerm(b, func(id uint32, text []byte) error { again = appendNumbered(again, id, text); return nil }) == nil {
			require.NoError(t, eachTerm(again, func(uint32, []byte) error { return nil }))
		}
		_, _, _ = splitStateKey(b)
		_, _ = parseFieldTable(b)
	})
}
