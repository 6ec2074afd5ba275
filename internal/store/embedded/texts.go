package embedded

import "sync"

// longTexts remembers long values that questions read, by term: whose values begin alike are sorted by the rest, page after page.
type longTexts struct {
	mu    sync.RWMutex
	of    map[uint32][]byte
	bytes int
}

// mostTexts bounds the memory of longTexts. They are forgotten all at once, and read again.
const mostTexts = 16 << 20

func (t *longTexts) get(term uint32) ([]byte, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	text, ok := t.of[term]
	return text, ok
}

// put keeps a text, which must not be changed. A term is one value for good.
func (t *longTexts) put(term uint32, text []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil || t.bytes > mostTexts {
		t.of, t.bytes = map[uint32][]byte{}, 0
	}
	if _, there := t.of[term]; !there {
		t.of[term] = text
		t.bytes += len(text) + 64
	}
}
