package embedded

import (
	_ "embed"
	"fmt"

	"github.com/klauspost/compress/s2"
)

// The dictionary of document format 1. It never changes: documents written with it are read with it. Another one is another
// document format. It is text of our own making, see mkdict.
//
//go:generate go run ./mkdict -o dict_v1.bin
//go:embed dict_v1.bin
var dictV1 []byte

var zip = func() *s2.Dict {
	d := s2.NewDict(dictV1)
	if d == nil {
		panic("embedded: dict_v1.bin is no dictionary")
	}
	return d
}()

// compress appends the compressed form of src to dst.
func compress(dst, src []byte) []byte {
	most := s2.MaxEncodedLen(len(src))
	if cap(dst)-len(dst) < most {
		dst = append(make([]byte, 0, 2*cap(dst)+len(dst)+most), dst...)
	}
	out := zip.Encode(dst[len(dst):len(dst)+most], src)
	return dst[:len(dst)+len(out)]
}

// maxBody bounds what a damaged record can make us allocate.
const maxBody = 64 << 20

// expand decompresses src into buf, which grows as needed.
func expand(buf, src []byte) ([]byte, error) {
	n, err := s2.DecodedLen(src)
	if err != nil || n > maxBody {
		return buf[:0], errDamaged
	}
	if cap(buf) < n {
		buf = make([]byte, n+n/4)
	}
	out, err := zip.Decode(buf[:cap(buf)], src)
	if err != nil {
		return buf[:0], fmt.Errorf("%w: %w", errDamaged, err)
	}
	return out, nil
}
