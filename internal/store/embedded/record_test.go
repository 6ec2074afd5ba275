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
		k := store.Key{Account: rapid.String().Draw(t, "a"), Region: rapid.String().Draw(t, "r"), ProductArn: rapid.String().Draw(t, "p"), ID: rapid.String().Draw(t, "i")}
		doc := rapid.SliceOf(rapid.Byte()).Draw(t, "doc")
		s := stored{
			customer: asff.Attrs(rapid.Byte().Draw(t, "customer")), version: rapid.Uint64().Draw(t, "version"),
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

// Whatever stands on the disk, reading it ends with an answer or an error.
func FuzzRecords(f *testing.F) {
	k := store.Key{Account: "a", Region: "r", ProductArn: "p", ID: "i"}
	s := stored{version: 7, body: compress(nil, appendBody(nil, &k, asfftest.Finding(1, 1)))}
	f.Add(s.append(nil))
	old := "old"
	f.Add(appendHistory(nil, &store.HistoryRecord{Source: "s", Identity: "i", Updates: []asff.FieldChange{{Field: "f", Old: &old}}}))
	f.Add(stateKey("111122223333", "hub"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := &reading{}
		_ = r.unpack(b)
		_, _, _ = splitBody(b)
		_, _ = expand(nil, b)
		_, _ = decodeHistory(b)
		_, _, _ = splitStateKey(b)
	})
}
