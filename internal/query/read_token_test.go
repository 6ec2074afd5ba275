package query

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzReadToken: a plain text that only another version of this program can have sealed is read or refused, never a panic.
func FuzzReadToken(f *testing.F) {
	f.Add(make([]byte, 56))
	f.Add(append(make([]byte, 56), 0, sortedNumber, 1, 2, 3, 4, 5, 6, 7, 8, sortedText, 1, 'x'))
	f.Add(append(make([]byte, 56), sortedText, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1))
	f.Add(append(make([]byte, 56), sortedText, 1))
	f.Add(append(make([]byte, 56), sortedNumber, 1))
	f.Fuzz(func(t *testing.T, plain []byte) {
		p, _, _, ok := readToken(plain)
		require.Equal(t, ok, p != nil)
	})
}

func TestReadTokenRefusesOtherVersions(t *testing.T) {
	s := NewSealer([32]byte{})
	plain := append([]byte{tokenVersion + 1}, make([]byte, 56)...)
	token := s.seal(plain)
	_, _, err := s.Open(token, Question{})
	require.EqualError(t, err, "Invalid parameter 'NextToken'. should be a token of this version: ask again from the first page.")
}
