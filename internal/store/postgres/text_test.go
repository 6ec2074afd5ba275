package postgres

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hubcap/internal/store"
)

// TestTextColumns: every text comes back, is one that PostgreSQL takes, and stands to others as before.
func TestTextColumns(t *testing.T) {
	anything := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom([]rune{0, 1, 2, 3, 'a', 'é'})), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
	rapid.Check(t, func(t *rapid.T) {
		a, b := anything.Draw(t, "a"), anything.Draw(t, "b")
		x, y := toText(a), toText(b)
		require.Equal(t, a, fromText(x))
		require.True(t, utf8.ValidString(x))
		require.NotContains(t, x, "\x00")
		require.True(t, utf8.ValidString(headOf(x)))
		require.True(t, strings.HasPrefix(x, headOf(x)))
		require.Equal(t, len(x) > headSize, len(headOf(x)) < len(x))
		if !utf8.ValidString(a) || !utf8.ValidString(b) {
			return
		}
		require.Equal(t, strings.Compare(a, b), strings.Compare(x, y))
		require.True(t, strings.HasPrefix(toText(a+b), x))
		require.Contains(t, toText(b+a+b), x)
	})
}

func TestBodies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := store.Key{
			Account: rapid.String().Draw(t, "account"), Region: rapid.String().Draw(t, "region"),
			ProductArn: rapid.String().Draw(t, "product"), ID: rapid.String().Draw(t, "id"),
		}
		doc := rapid.SliceOf(rapid.Byte()).Draw(t, "doc")
		body, _ := pack([]byte("before"), nil, &k, doc)
		body = body[len("before"):]
		key, got, _, err := unpack(nil, body)
		require.NoError(t, err)
		require.Equal(t, k, key)
		require.Equal(t, string(doc), string(got))
		// A damaged one is an error or another body, and nothing worse.
		damaged := append([]byte{}, body...)
		damaged[rapid.IntRange(0, len(body)-1).Draw(t, "at")] ^= rapid.Byte().Draw(t, "bits")
		_, _, _, _ = unpack(nil, damaged)
		_, _, _, err = unpack(nil, append([]byte{9}, body[1:]...))
		require.ErrorIs(t, err, errDamaged)
	})
}

func TestSecretsStayOut(t *testing.T) {
	for _, text := range []string{
		"cannot parse `postgres://me:se%20cret@host:1/x`", "failed: host=h password=secret user=u", "failed: password='se cret' user=u",
	} {
		got := withoutSecrets(&plainError{text: text}).Error()
		require.NotContains(t, got, "cret", text)
		require.Contains(t, got, "xxxxx")
	}
	plain := &plainError{text: "nothing to hide"}
	require.Equal(t, plain, withoutSecrets(plain))
}
