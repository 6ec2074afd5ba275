package postgres

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/klauspost/compress/s2"

	"hubcap/internal/store"
)

// The dictionary of body format 1. It never changes: bodies written with it are read with it.
//
//go:generate go run ../embedded/mkdict -o dict_v1.bin
//go:embed dict_v1.bin
var dictV1 []byte

var zip = func() *s2.Dict {
	d := s2.NewDict(dictV1)
	if d == nil {
		panic("postgres: dict_v1.bin is no dictionary")
	}
	return d
}()

var errDamaged = errors.New("damaged record")

// bodyFormat is the first byte of a body: what follows is compressed with dictV1, the parts of the key, each with its length, then the
// document.
const bodyFormat = 1

// maxBody bounds what a damaged record can make us allocate.
const maxBody = 64 << 20

// pack appends a body to dst; plain is a buffer.
func pack(dst, plain []byte, k *store.Key, doc []byte) (body, buf []byte) {
	plain = plain[:0]
	for _, s := range [...]string{k.Account, k.Region, k.ProductArn, k.ID} {
		plain = binary.AppendUvarint(plain, uint64(len(s)))
		plain = append(plain, s...)
	}
	plain = append(plain, doc...)
	most := s2.MaxEncodedLen(len(plain))
	if cap(dst)-len(dst) < most+1 {
		dst = append(make([]byte, 0, 2*cap(dst)+len(dst)+most+1), dst...)
	}
	dst = append(dst, bodyFormat)
	out := zip.Encode(dst[len(dst):len(dst)+most], plain)
	return dst[:len(dst)+len(out)], plain
}

// unpack takes a body apart. buf is a buffer, which grows as needed; doc aliases it.
func unpack(buf, body []byte) (k store.Key, doc, grown []byte, err error) {
	if len(body) < 2 || body[0] != bodyFormat {
		return k, nil, buf, errDamaged
	}
	n, err := s2.DecodedLen(body[1:])
	if err != nil || n > maxBody {
		return k, nil, buf, errDamaged
	}
	if cap(buf) < n {
		buf = make([]byte, n+n/4)
	}
	plain, err := zip.Decode(buf[:cap(buf)], body[1:])
	if err != nil {
		return k, nil, buf, fmt.Errorf("%w: %w", errDamaged, err)
	}
	rest := plain
	for _, to := range [...]*string{&k.Account, &k.Region, &k.ProductArn, &k.ID} {
		size, w := binary.Uvarint(rest)
		if w <= 0 || size > uint64(len(rest)-w) { //nolint:gosec // w is at most len(rest)
			return k, nil, buf, errDamaged
		}
		end := w + int(size) //nolint:gosec // at most len(rest)
		*to, rest = string(rest[w:end]), rest[end:]
	}
	return k, rest, buf, nil
}
