package postgres

import (
	"encoding/binary"
	"slices"
	"sync"

	"github.com/cespare/xxhash/v2"

	"hubcap/internal/asff"
)

// hasher makes the terms that stand for values in an index: numbers of 64 bits. Nobody who does not know the store's seed can foresee
// them, and nothing is decided by a hash alone: two values of an attribute may have one.
//
// The attribute stands above the hash, so that all terms of an attribute are a range, and those of two attributes never the same:
//
//	attribute << 56 | hash      a value that the dictionary lists
//	^(attribute << 56 | hash)   a value that it does not list: it is too long, or of an attribute whose values are not listed
//	-attribute                  there: the attribute has some value; exact
//	-attribute - 256            unlisted: the attribute has some value that the dictionary does not list, although it lists others; exact
type hasher struct {
	seed [16]byte
	mask uint64 // of tests: forces collisions
}

// Kinds of what is hashed: the first byte.
const (
	termValue = iota + 1 // an attribute has a value
	wordLow              // one half of a word's digest
	wordHigh             // and the other
)

// hashBits is how many bits of a term its hash has.
const hashBits = 56

// term is the term of an attribute's value, and whether the dictionary lists it.
func (h *hasher) term(buf []byte, f asff.Field, key, value []byte) (term int64, inDictionary bool, grown []byte) {
	buf = append(append(buf[:0], h.seed[:]...), termValue, byte(f), byte(len(key)), byte(len(key)>>8)) //nolint:gosec // the low bytes
	buf = append(append(buf, key...), value...)
	term = int64(f)<<hashBits | h.sum(buf)&(1<<hashBits-1)
	inDictionary = listed(f, string(key)) && len(key) <= maxListed && len(value) <= maxListed
	if !inDictionary {
		term = ^term
	}
	return term, inDictionary, buf
}

// Term is the term of an attribute's value.
func (h *hasher) Term(f asff.Field, key, value string) (term int64, inDictionary bool) {
	term, inDictionary, _ = h.term(nil, f, []byte(key), []byte(value))
	return term, inDictionary
}

// There is the term that findings have where the attribute has a value at all; only where presenceIndexed says so, and where a column
// cannot hold the value.
func (h *hasher) There(f asff.Field) int64 { return -int64(f) }

// Unlisted is the term that findings have where the attribute has a value that the dictionary does not list for its length, or its key's.
func (h *hasher) Unlisted(f asff.Field) int64 { return -int64(f) - 256 }

// listedTerms is the range of the terms of an attribute's listed values.
func listedTerms(f asff.Field) (lo, hi int64) {
	return int64(f) << hashBits, int64(f)<<hashBits | (1<<hashBits - 1)
}

// digest names a row of the dictionary: 128 bits, which nobody finds two values for who does not know the seed.
type digest [16]byte

func (h *hasher) digest(buf []byte, account string, f asff.Field, key, value []byte) (d digest, grown []byte) {
	buf = append(append(buf[:0], h.seed[:]...), wordLow, byte(f), byte(len(account)), byte(len(key)), byte(len(key)>>8)) //nolint:gosec // the low bytes
	buf = append(append(append(buf, account...), key...), value...)
	binary.BigEndian.PutUint64(d[8:], xxhash.Sum64(buf))
	buf[len(h.seed)] = wordHigh
	binary.BigEndian.PutUint64(d[:8], xxhash.Sum64(buf))
	return d, buf
}

func (h *hasher) sum(b []byte) int64 { return int64(xxhash.Sum64(b) & h.mask) } //nolint:gosec // the bits

// termed tells whether the values of an attribute are terms of the document. Numbers, dates and addresses are compared as ranges: where
// they have no column, the finding is looked at.
func termed(f asff.Field) bool {
	switch f.Kind() {
	case asff.KindString, asff.KindMap, asff.KindBool:
		return true
	default:
		return false
	}
}

// everywhere are attributes that (nearly) every finding has: it is not noted which ones do.
var everywhere = func() (set [256]bool) {
	for _, f := range []asff.Field{
		asff.FieldAwsAccountId, asff.FieldCompanyName, asff.FieldCreatedAt, asff.FieldDescription, asff.FieldFindingProviderFieldsSeverityLabel,
		asff.FieldFindingProviderFieldsTypes, asff.FieldFirstObservedAt, asff.FieldGeneratorId, asff.FieldId, asff.FieldLastObservedAt,
		asff.FieldProductArn, asff.FieldProductFields, asff.FieldProductName, asff.FieldRecommendationText, asff.FieldRecordState,
		asff.FieldRegion, asff.FieldResourceId, asff.FieldResourcePartition, asff.FieldResourceRegion, asff.FieldResourceType,
		asff.FieldSeverityLabel, asff.FieldSeverityNormalized, asff.FieldTitle, asff.FieldType, asff.FieldUpdatedAt,
		asff.FieldWorkflowState, asff.FieldWorkflowStatus,
	} {
		set[f] = true
	}
	return set
}()

// presenceIndexed tells whether findings with the attribute, however many values it has there, have the term There.
func presenceIndexed(f asff.Field) bool { return !everywhere[f] && columnOf(f) == noColumn }

// uniqueFields are attributes of which every finding has its own value, so that a list of them would be as long as that of the findings.
var uniqueFields = [...]asff.Field{asff.FieldId, asff.FieldDescription, asff.FieldNoteText, asff.FieldSourceUrl}

// maxListed is the longest value, and the longest key of a map, in bytes, that the dictionary lists.
const maxListed = 512

// listed tells whether the distinct values of an attribute stand in the dictionary, so that the terms that begin with something, or
// contain it, can be looked up there. Values longer than maxListed do not: the finding then has the term Unlisted.
func listed(f asff.Field, key string) bool {
	return termed(f) && f.Kind() != asff.KindBool && !slices.Contains(uniqueFields[:], f) &&
		(f != asff.FieldProductFields || key != "aws/securityhub/FindingId")
}

// sortedOnce sorts terms and leaves each once.
func sortedOnce(terms []int64) []int64 {
	slices.Sort(terms)
	return slices.Compact(terms)
}

// words remembers which rows the dictionary has: those that this process wrote and knows to be committed. It forgets what was not asked
// for longest when there are too many; what is forgotten is written again, to no effect. Rows of the dictionary are never deleted.
type words struct {
	mu          sync.RWMutex
	era         int64
	most        int // of each generation
	young, last map[digest]struct{}
}

func newWords(most int) *words {
	return &words{most: max(most/2, 1), young: map[digest]struct{}{}}
}

func (w *words) has(d digest) bool {
	w.mu.RLock()
	_, young := w.young[d]
	_, last := w.last[d]
	era := w.era
	w.mu.RUnlock()
	if !young && last {
		w.add(era, d)
	}
	return young || last
}

// add notes rows that were committed in an era; not if that is over.
func (w *words) add(era int64, list ...digest) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if era != w.era {
		return
	}
	for _, d := range list {
		if len(w.young) >= w.most {
			w.last, w.young = w.young, make(map[digest]struct{}, w.most/4)
		}
		w.young[d] = struct{}{}
	}
}

// forget begins an era, of which nothing is known.
func (w *words) forget(era int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.era, w.young, w.last = era, map[digest]struct{}{}, nil
}
