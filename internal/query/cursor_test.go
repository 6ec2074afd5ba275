package query_test

import (
	"encoding/base64"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hubcap/internal/query"
)

var (
	sealer   = query.NewSealer([32]byte{1, 2, 3})
	question = query.Ask("GetFindings", "111122223333", []byte(`{"a":1}`), []byte(`[]`))
)

func positions() *rapid.Generator[query.Position] {
	value := rapid.Custom(func(t *rapid.T) query.SortValue {
		return query.SortValue{
			Missing: rapid.Bool().Draw(t, "missing"),
			Num:     rapid.Float64().Draw(t, "num"),
			Text:    rapid.String().Draw(t, "text"),
		}
	})
	return rapid.Custom(func(t *rapid.T) query.Position {
		var p query.Position
		copy(p.Identity[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "identity"))
		p.Values = rapid.SliceOfN(value, 1, query.MaxSortCriteria).Draw(t, "values")
		return p
	})
}

// What is sealed comes back, in a token of URL characters that shows nothing of it.
func TestTokenRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := positions().Draw(t, "position")
		at := time.UnixMilli(rapid.Int64Range(0, 1<<45).Draw(t, "at")).UTC()
		token, err := sealer.Seal(question, &p, at)
		require.NoError(t, err)
		require.NotContains(t, token, "=")
		got, gotAt, err := sealer.Open(token, question)
		require.NoError(t, err)
		require.Equal(t, &p, got)
		require.Equal(t, at, gotAt)
		again, err := sealer.Seal(question, &p, at)
		require.NoError(t, err)
		require.Equal(t, token, again, "the same page has the same token")
	})
}

func TestTokenKeepsOddNumbers(t *testing.T) {
	for _, x := range []float64{0, math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64} {
		p := query.Position{Values: []query.SortValue{{Num: x}}}
		token, err := sealer.Seal(question, &p, clock)
		require.NoError(t, err)
		got, _, err := sealer.Open(token, question)
		require.NoError(t, err)
		require.Equal(t, math.Float64bits(x), math.Float64bits(got.Values[0].Num))
	}
}

func TestTokenHidesItsContent(t *testing.T) {
	p := query.Position{Values: []query.SortValue{{Text: strings.Repeat("a secret title ", 10)}}}
	token, err := sealer.Seal(question, &p, clock)
	require.NoError(t, err)
	raw, err := base64.RawURLEncoding.DecodeString(token)
	require.NoError(t, err)
	require.NotContains(t, string(raw), "secret")
	require.NotContains(t, string(raw), string(question[:8]))
}

// A token answers its own question only: operation, account, filters and sort criteria all count (D43).
func TestTokenBelongsToItsQuestion(t *testing.T) {
	token, err := sealer.Seal(question, &query.Position{Values: []query.SortValue{{Num: 1}}}, clock)
	require.NoError(t, err)
	for name, other := range map[string]query.Question{
		"operation": query.Ask("GetInsightResults", "111122223333", []byte(`{"a":1}`), []byte(`[]`)),
		"account":   query.Ask("GetFindings", "222233334444", []byte(`{"a":1}`), []byte(`[]`)),
		"filters":   query.Ask("GetFindings", "111122223333", []byte(`{"a":2}`), []byte(`[]`)),
		"sort":      query.Ask("GetFindings", "111122223333", []byte(`{"a":1}`), nil),
		"boundary":  query.Ask("GetFindings", "111122223333", []byte(`{"a":1}[`), []byte(`]`)),
	} {
		_, _, err := sealer.Open(token, other)
		require.EqualError(t, err,
			"Invalid parameter 'NextToken'. should come with the account, filters and sort criteria it was given out for.", name)
	}
}

const foreignToken = "Invalid parameter 'NextToken'. should be a token that this hub gave out."

// One bit anywhere, a cut, an addition, another key: refused.
func TestTokenRefusesWhatIsDamaged(t *testing.T) {
	token, err := sealer.Seal(question, &query.Position{Values: []query.SortValue{{Text: "x", Num: 2}}}, clock)
	require.NoError(t, err)
	raw, err := base64.RawURLEncoding.DecodeString(token)
	require.NoError(t, err)
	for i := range raw {
		for bit := range 8 {
			raw[i] ^= 1 << bit
			_, _, err := sealer.Open(base64.RawURLEncoding.EncodeToString(raw), question)
			require.EqualError(t, err, foreignToken)
			raw[i] ^= 1 << bit
		}
	}
	for n := range len(token) {
		_, _, err := sealer.Open(token[:n], question)
		require.EqualError(t, err, foreignToken)
	}
	for _, bad := range []string{token + "A", token + "=", " " + token, token + "\n", strings.Repeat("A", 2<<20), "not base64!"} {
		_, _, err := sealer.Open(bad, question)
		require.EqualError(t, err, foreignToken)
	}
	_, _, err = query.NewSealer([32]byte{9}).Open(token, question)
	require.EqualError(t, err, foreignToken)
}

func TestSealWantsAPosition(t *testing.T) {
	_, err := sealer.Seal(question, nil, clock)
	require.Error(t, err)
}

// FuzzOpen: no text opens but what was sealed, and none panics.
func FuzzOpen(f *testing.F) {
	token, err := sealer.Seal(question, &query.Position{Values: []query.SortValue{{Text: "x", Num: 2}, {Missing: true}}}, clock)
	require.NoError(f, err)
	f.Add(token)
	f.Add("")
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, s string) {
		_, _, err := sealer.Open(s, question)
		if s != token {
			require.EqualError(t, err, foreignToken)
		}
	})
}
