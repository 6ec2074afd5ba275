package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"hash"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Window is how far a client's clock may be off, both ways.
const Window = 5 * time.Minute

// stamp is the layout of X-Amz-Date.
const stamp = "20060102T150405Z"

// Verifier checks signatures. It may be used by many goroutines.
type Verifier struct {
	secret func(keyID string) (string, bool)
	days   sync.Map // dayKey -> *signer: a key's HMAC for one day, region and service
	count  int      // of days, guarded by mu
	mu     sync.Mutex
	bufs   sync.Pool
}

// NewVerifier makes a verifier that asks secret for the secret of an access key id. The answer for a key id must not change.
func NewVerifier(secret func(keyID string) (string, bool)) *Verifier {
	v := &Verifier{secret: secret}
	v.bufs.New = func() any { b := make([]byte, 0, 2048); return &b }
	return v
}

// Checked is a request whose headers passed; its body is still to be judged.
type Checked struct {
	Authorization
	v         *Verifier
	r         Request
	date      string // as signed
	claimed   string // X-Amz-Content-Sha256, "" when not sent
	signature [sha256.Size]byte
}

// Check judges what the headers tell: credentials, key, scope and clock. service is the one the credential must be scoped to. When
// the client named its payload's hash in X-Amz-Content-Sha256, the signature is judged too, so that a stranger's body is never read.
func (v *Verifier) Check(r Request, service string, now time.Time) (*Checked, error) {
	a, err := Parse(&r)
	if err != nil {
		return nil, err
	}
	c := &Checked{Authorization: a, v: v, r: r}
	at, err := c.readDate()
	if err != nil {
		return nil, err
	}
	if err := c.readHeaders(); err != nil {
		return nil, err
	}
	if _, ok := r.Header["X-Amz-Security-Token"]; ok {
		return nil, fail(SessionToken, invalidToken)
	}
	if _, ok := v.secret(a.KeyID); !ok {
		return nil, fail(UnknownKey, invalidToken)
	}
	if err := c.checkScope(service); err != nil {
		return nil, err
	}
	if err := checkClock(c.date, at, now); err != nil {
		return nil, err
	}
	if !lowerHex(&c.signature, a.Signature) {
		return nil, fail(Mismatch, mismatch)
	}
	if c.claimed != "" {
		return c, c.verify(c.claimed)
	}
	return c, nil
}

// Body judges the whole body. Only after it answers nil is the caller who it says to be.
func (c *Checked) Body(body []byte) error {
	var hexed [2 * sha256.Size]byte
	sum := sha256.Sum256(body)
	hex.Encode(hexed[:], sum[:])
	if c.claimed != "" {
		if string(hexed[:]) != c.claimed {
			return fail(Mismatch, mismatch)
		}
		return nil
	}
	return c.verify(string(hexed[:]))
}

func (c *Checked) readDate() (time.Time, error) {
	c.date = get(c.r.Header, "X-Amz-Date")
	if c.date == "" {
		d := get(c.r.Header, "Date")
		if d == "" {
			return time.Time{}, fail(MissingPart,
				"Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
		}
		// The string to sign wants ISO 8601 basic format, whatever form Date has.
		at, err := time.Parse(time.RFC1123, d)
		if err != nil {
			at, err = time.Parse(stamp, d)
		}
		if err != nil {
			return time.Time{}, fail(BadDate, "Date must be in ISO-8601 'basic format' or RFC 1123 format. Got '"+clip(d)+"'.")
		}
		c.date = at.UTC().Format(stamp)
		return at, nil
	}
	at, err := time.Parse(stamp, c.date)
	if err != nil {
		return at, fail(BadDate, "Date must be in ISO-8601 'basic format'. Got '"+clip(c.date)+
			"'. See http://en.wikipedia.org/wiki/ISO_8601")
	}
	return at, nil
}

func (c *Checked) readHeaders() error {
	host := false
	for h := range strings.SplitSeq(c.SignedHeaders, ";") {
		host = host || h == "host" || h == ":authority"
	}
	if !host {
		return fail(UnsignedHeader, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	c.claimed = get(c.r.Header, "X-Amz-Content-Sha256")
	switch {
	case c.claimed == "":
	case strings.HasPrefix(c.claimed, "STREAMING-"):
		return fail(UnsignedPayload, "Streaming signatures ('"+clip(c.claimed)+"') are not accepted: sign the whole payload.")
	case c.claimed == "UNSIGNED-PAYLOAD":
		return fail(UnsignedPayload, "'UNSIGNED-PAYLOAD' is not accepted: sign the payload.")
	case !lowerHex(new([sha256.Size]byte), c.claimed):
		return fail(UnsignedPayload, "X-Amz-Content-Sha256 must be the SHA-256 of the payload as 64 lower-case hex digits, got '"+
			clip(c.claimed)+"'.")
	}
	return nil
}

// checkScope tells every way in which the scope is wrong, as AWS does.
func (c *Checked) checkScope(service string) error {
	var wrong []string
	if c.Service != service {
		wrong = append(wrong, "Credential should be scoped to correct service: '"+service+"'.")
	}
	if c.Terminator != "aws4_request" {
		wrong = append(wrong, "Credential should be scoped with a valid terminator: 'aws4_request', not '"+clip(c.Terminator)+"'.")
	}
	if day := c.date[:8]; c.Day != day {
		wrong = append(wrong, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '"+
			clip(c.Day)+"' != '"+day+"', from '"+c.date+"'.")
	}
	if wrong != nil {
		return fail(WrongScope, strings.Join(wrong, " "))
	}
	return nil
}

func checkClock(date string, at, now time.Time) error {
	now = now.UTC().Truncate(time.Second)
	const minutes = int(Window / time.Minute)
	if oldest := now.Add(-Window); at.Before(oldest) {
		return fail(Expired, "Signature expired: "+date+" is now earlier than "+oldest.Format(stamp)+" ("+now.Format(stamp)+" - "+
			strconv.Itoa(minutes)+" min.)")
	}
	if newest := now.Add(Window); at.After(newest) {
		return fail(NotYet, "Signature not yet current: "+date+" is still later than "+newest.Format(stamp)+" ("+now.Format(stamp)+" + "+
			strconv.Itoa(minutes)+" min.)")
	}
	return nil
}

// verify computes the signature over a payload hash and compares it in constant time.
func (c *Checked) verify(payloadHash string) error {
	key, ok := c.v.signer(c)
	if !ok {
		return fail(UnknownKey, invalidToken)
	}
	bp := c.v.bufs.Get().(*[]byte)
	defer c.v.bufs.Put(bp)
	buf := c.canonical((*bp)[:0], payloadHash)
	sum := sha256.Sum256(buf)
	buf = append(buf[:0], algorithm...)
	buf = append(buf, '\n')
	buf = append(buf, c.date...)
	buf = append(buf, '\n')
	for _, s := range [...]string{c.Day, c.Region, c.Service} {
		buf = append(buf, s...)
		buf = append(buf, '/')
	}
	buf = append(buf, "aws4_request\n"...)
	buf = hex.AppendEncode(buf, sum[:])
	var want [sha256.Size]byte
	key.sum(&want, buf)
	*bp = buf
	if subtle.ConstantTimeCompare(want[:], c.signature[:]) != 1 {
		return fail(Mismatch, mismatch)
	}
	return nil
}

// canonical appends the canonical request.
func (c *Checked) canonical(buf []byte, payloadHash string) []byte {
	buf = append(buf, c.r.Method...)
	buf = append(buf, '\n')
	if c.r.Path == "" {
		buf = append(buf, '/')
	}
	buf = escapePath(buf, c.r.Path)
	buf = append(buf, '\n')
	buf = canonicalQuery(buf, c.r.Query)
	buf = append(buf, '\n')
	for name := range strings.SplitSeq(c.SignedHeaders, ";") {
		buf = append(buf, name...)
		buf = append(buf, ':')
		buf = c.header(buf, name)
		buf = append(buf, '\n')
	}
	buf = append(buf, '\n')
	buf = append(buf, c.SignedHeaders...)
	buf = append(buf, '\n')
	return append(buf, payloadHash...)
}

// header appends the canonical value of a header: trimmed, runs of spaces made one, several values joined by commas.
func (c *Checked) header(buf []byte, name string) []byte {
	switch name {
	case "host", ":authority":
		return appendTrimmed(buf, c.r.Host)
	case "content-length":
		if len(c.r.Header["Content-Length"]) == 0 && c.r.Length > 0 {
			return strconv.AppendInt(buf, c.r.Length, 10)
		}
	}
	for i, v := range values(c.r.Header, name) {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = appendTrimmed(buf, v)
	}
	return buf
}

func appendTrimmed(buf []byte, v string) []byte {
	v = strings.Trim(v, " \t")
	for i := range len(v) {
		if v[i] == ' ' && v[i-1] == ' ' { // v does not begin with a space
			continue
		}
		buf = append(buf, v[i])
	}
	return buf
}

const upperHex = "0123456789ABCDEF"

// escapePath escapes an escaped path once more: % itself becomes %25.
func escapePath(buf []byte, path string) []byte {
	for i := range len(path) {
		if ch := path[i]; ch == '/' || unreserved(ch) {
			buf = append(buf, ch)
		} else {
			buf = append(buf, '%', upperHex[ch>>4], upperHex[ch&15])
		}
	}
	return buf
}

func unreserved(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' || c == '~'
}

// canonicalQuery appends the parameters, each unescaped and escaped anew, sorted in the escaped form.
func canonicalQuery(buf []byte, query string) []byte {
	if query == "" {
		return buf
	}
	var pairs []string
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		// A zero byte parts name and value while they are sorted: it sorts before all that an escaped name may hold.
		pairs = append(pairs, string(reescape(append(reescape(nil, name), 0), value)))
	}
	slices.Sort(pairs)
	for i, p := range pairs {
		if i > 0 {
			buf = append(buf, '&')
		}
		name, value, _ := strings.Cut(p, "\x00")
		buf = append(buf, name...)
		buf = append(buf, '=')
		buf = append(buf, value...)
	}
	return buf
}

// reescape escapes what a query string means: + is a space there, and a % that begins no escape stands for itself.
func reescape(buf []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		ch := s[i]
		switch {
		case ch == '+':
			ch = ' '
		case ch == '%' && i+2 < len(s) && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0:
			ch = byte(unhex(s[i+1])<<4 | unhex(s[i+2])) //nolint:gosec // two hex digits are one byte
			i += 2
		}
		if unreserved(ch) {
			buf = append(buf, ch)
		} else {
			buf = append(buf, '%', upperHex[ch>>4], upperHex[ch&15])
		}
	}
	return buf
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	default:
		return -1
	}
}

// lowerHex decodes exactly 64 lower-case hex digits (D54).
func lowerHex(dst *[sha256.Size]byte, s string) bool {
	if len(s) != 2*sha256.Size {
		return false
	}
	for i := range dst {
		hi, lo := s[2*i], s[2*i+1]
		if hi >= 'A' && hi <= 'F' || lo >= 'A' && lo <= 'F' || unhex(hi) < 0 || unhex(lo) < 0 {
			return false
		}
		dst[i] = byte(unhex(hi)<<4 | unhex(lo)) //nolint:gosec // two hex digits are one byte
	}
	return true
}

type dayKey struct{ keyID, day, region, service string }

// signer is the key of one day. HMAC states are kept, so that neither the key is derived nor its pads are hashed for each request.
type signer struct {
	key  [sha256.Size]byte
	macs sync.Pool
}

func (s *signer) sum(dst *[sha256.Size]byte, message []byte) {
	m, ok := s.macs.Get().(hash.Hash)
	if !ok {
		m = hmac.New(sha256.New, s.key[:])
	}
	m.Reset()
	m.Write(message)
	m.Sum(dst[:0])
	s.macs.Put(m)
}

// mostDays bounds the cache. A client chooses region and day of its scope, so it must not choose how much is kept.
const mostDays = 1024

func (v *Verifier) signer(c *Checked) (*signer, bool) {
	at := dayKey{c.KeyID, c.Day, c.Region, c.Service}
	if s, ok := v.days.Load(at); ok {
		return s.(*signer), true
	}
	secret, ok := v.secret(c.KeyID)
	if !ok {
		return nil, false
	}
	s := &signer{}
	key := []byte("AWS4" + secret)
	for _, part := range [...]string{c.Day, c.Region, c.Service, "aws4_request"} {
		m := hmac.New(sha256.New, key)
		m.Write([]byte(part))
		key = m.Sum(nil)
	}
	copy(s.key[:], key)

	v.mu.Lock()
	defer v.mu.Unlock()
	if v.count >= mostDays { // rare: start anew rather than keep an order of use
		v.days.Clear()
		v.count = 0
	}
	v.count++
	// The key aliases the request's header, which must not live as long as the cache.
	v.days.Store(dayKey{strings.Clone(at.keyID), strings.Clone(at.day), strings.Clone(at.region), strings.Clone(at.service)}, s)
	return s, true
}
