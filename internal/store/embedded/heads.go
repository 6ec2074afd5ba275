package embedded

// heads are what is kept of long values beside their hashes: each once, since many begin alike (identifiers of one account, descriptions
// of one rule). A head goes with the last term that has it; its place is then another's.
type heads struct {
	texts [][]byte // chunks of headsChunk heads, longHead bytes each
	uses  []uint32 // by number: how many terms have it
	free  []uint32
	table hashTable // of numbers, plus one
}

const (
	headsChunk = 1 << 12
	headSize   = longHead + 4 + 12 // text, uses, slot
)

// at is the text of a head.
func (l *heads) at(n uint32) []byte {
	from := n % headsChunk * longHead
	return l.texts[n/headsChunk][from : from+longHead : from+longHead]
}

// take is the number of a head, which has one term more from now on.
func (l *heads) take(h uint64, text []byte) (n uint32, fresh bool) {
	for p := l.table.probe(h); ; {
		found, ok := p.next()
		if !ok {
			break
		}
		if string(l.at(found-1)) == string(text) {
			l.uses[found-1]++
			return found - 1, false
		}
	}
	if last := len(l.free) - 1; last >= 0 {
		n, l.free = l.free[last], l.free[:last]
	} else {
		n = uint32(len(l.uses)) //nolint:gosec // bounded by memory
		l.uses = append(l.uses, 0)
		if n%headsChunk == 0 {
			l.texts = append(l.texts, make([]byte, headsChunk*longHead))
		}
	}
	copy(l.at(n), text)
	l.uses[n] = 1
	l.table.add(h, n+1)
	return n, true
}

// leave takes a term away from a head.
func (l *heads) leave(h uint64, n uint32) (gone bool) {
	if l.uses[n]--; l.uses[n] > 0 {
		return false
	}
	l.table.remove(h, n+1)
	l.free = append(l.free, n)
	return true
}
