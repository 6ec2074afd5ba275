package query

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"time"
)

// Question is the hash of what a page token belongs to: a token answers no other question (D43).
type Question [32]byte

// Ask hashes an operation, the caller's account, the filters and the sort criteria, both as the client sent them.
func Ask(operation, account string, filters, sort []byte) Question {
	h := sha256.New()
	var size [8]byte
	for _, part := range [...][]byte{[]byte(operation), []byte(account), filters, sort} {
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		h.Write(size[:])
		h.Write(part)
	}
	return Question(h.Sum(nil))
}

// Sealer makes page tokens and reads them back (D43). It may be used by many goroutines.
//
// A token is base64url of: nonce (12 bytes), AES-256-GCM of (version, question, instant, identity, sort values). The nonce is a
// keyed hash of the content: two contents share one as rarely as random nonces collide, and the same page gives the same token.
type Sealer struct {
	aead     cipher.AEAD
	nonceKey [32]byte
}

const (
	tokenVersion  = 1
	tokenNonce    = 12
	tokenTag      = 16
	maxTokenBytes = 1 << 20 // ten sort values of the longest attributes fit many times
)

const (
	sortedMissing = 1 << iota
	sortedNumber
	sortedText
)

// NewSealer makes a sealer from the store's key. It must be random and live as long as tokens should.
func NewSealer(key [32]byte) *Sealer {
	s := &Sealer{nonceKey: derive(key, "nonce")}
	cryptKey := derive(key, "seal")
	block, err := aes.NewCipher(cryptKey[:])
	if err != nil {
		panic(err) // 32 bytes are a key
	}
	if s.aead, err = cipher.NewGCM(block); err != nil {
		panic(err) // AES has the block size of GCM
	}
	return s
}

// derive gives each use of the store's key a key of its own.
func derive(key [32]byte, use string) [32]byte {
	m := hmac.New(sha256.New, key[:])
	m.Write([]byte("hubcap page token: " + use))
	return [32]byte(m.Sum(nil))
}

// Seal makes the token that continues the answer to q after p. at is the instant at which the first page resolved relative
// dates; it is kept in milliseconds.
func (s *Sealer) Seal(q Question, p *Position, at time.Time) (string, error) {
	if p == nil {
		return "", errors.New("no position to continue from")
	}
	plain := make([]byte, 0, 128)
	plain = append(plain, tokenVersion)
	plain = append(plain, q[:]...)
	plain = binary.BigEndian.AppendUint64(plain, uint64(at.UnixMilli()))
	plain = append(plain, p.Identity[:]...)
	for i := range p.Values {
		plain = appendSortValue(plain, &p.Values[i])
	}
	return s.seal(plain), nil
}

func (s *Sealer) seal(plain []byte) string {
	m := hmac.New(sha256.New, s.nonceKey[:])
	m.Write(plain)
	token := make([]byte, tokenNonce, tokenNonce+len(plain)+tokenTag)
	copy(token, m.Sum(nil))
	token = s.aead.Seal(token, token[:tokenNonce], plain, nil)
	return base64.RawURLEncoding.EncodeToString(token)
}

func appendSortValue(b []byte, v *SortValue) []byte {
	var flags byte
	if v.Missing {
		flags |= sortedMissing
	}
	if v.Num != 0 {
		flags |= sortedNumber
	}
	if v.Text != "" {
		flags |= sortedText
	}
	b = append(b, flags)
	if flags&sortedNumber != 0 {
		b = binary.BigEndian.AppendUint64(b, math.Float64bits(v.Num))
	}
	if flags&sortedText != 0 {
		b = binary.AppendUvarint(b, uint64(len(v.Text)))
		b = append(b, v.Text...)
	}
	return b
}

// Open reads a token of q: where to continue, and the instant to resolve relative dates at. A token that is damaged, of another
// store or of another question is refused with a *ParamError.
func (s *Sealer) Open(token string, q Question) (*Position, time.Time, error) {
	foreign := wrong("NextToken", "should be a token that this hub gave out")
	if len(token) > maxTokenBytes || strings.ContainsAny(token, "\r\n") { // which base64 would skip
		return nil, time.Time{}, foreign
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) < tokenNonce {
		return nil, time.Time{}, foreign
	}
	plain, err := s.aead.Open(nil, b[:tokenNonce], b[tokenNonce:], nil)
	if err != nil || len(plain) == 0 {
		return nil, time.Time{}, foreign
	}
	if plain[0] != tokenVersion {
		return nil, time.Time{}, wrong("NextToken", "should be a token of this version: ask again from the first page")
	}
	p, asked, at, ok := readToken(plain[1:])
	if !ok {
		return nil, time.Time{}, foreign
	}
	if asked != q {
		return nil, time.Time{}, wrong("NextToken", "should come with the account, filters and sort criteria it was given out for")
	}
	return p, at, nil
}

func readToken(b []byte) (p *Position, q Question, at time.Time, ok bool) {
	const fixed = len(q) + 8 + 16
	if len(b) < fixed {
		return nil, q, at, false
	}
	copy(q[:], b)
	at = time.UnixMilli(int64(binary.BigEndian.Uint64(b[len(q):]))).UTC() //nolint:gosec // written the same way
	p = &Position{Identity: [16]byte(b[len(q)+8 : fixed])}
	for b = b[fixed:]; len(b) > 0; {
		var v SortValue
		flags := b[0]
		b = b[1:]
		v.Missing = flags&sortedMissing != 0
		if flags&sortedNumber != 0 {
			if len(b) < 8 {
				return nil, q, at, false
			}
			v.Num = math.Float64frombits(binary.BigEndian.Uint64(b))
			b = b[8:]
		}
		if flags&sortedText != 0 {
			size, n := binary.Uvarint(b)
			if n <= 0 || size > uint64(len(b)-n) { //nolint:gosec // n is within b
				return nil, q, at, false
			}
			v.Text = string(b[n : n+int(size)]) //nolint:gosec // no longer than b
			b = b[n+int(size):]                 //nolint:gosec // no longer than b
		}
		p.Values = append(p.Values, v)
	}
	return p, q, at, true
}
