package asff

import "math"

// padding is how many zero bytes follow a body while it is read: eight bytes may be loaded at any place, and a name looked up,
// without asking whether the body goes on.
const padding = 128

// Batch reads the body of one BatchImportFindings request. It may be used again, but not by two goroutines at once.
type Batch struct {
	Options Options
	// Findings of the last read, in the order sent; no more than MaxFindings of a request.
	Findings []Finding
	// Count is how many findings the request held.
	Count int

	s scanner
}

// Read reads {"Findings": [...]}. Other members of the request are skipped; of those named Findings the last counts. It fails
// with a *SyntaxError for what is not strict JSON (D42) and with a *TypeError when the body is no object or Findings no list; an
// absent or null Findings is an empty list. After an error there are no Findings. The body may be used again at once: nothing aliases it.
func (b *Batch) Read(body []byte) error {
	b.reset()
	err := b.read(body)
	if err != nil {
		b.reset()
	}
	return err
}

func (b *Batch) read(body []byte) error {
	s := &b.s
	if err := s.load(body, b.Options); err != nil {
		return err
	}
	var typeErr error
	s.space()
	if s.b[s.p] != '{' {
		typeErr = &TypeError{Reason: "should be object"}
		if !s.skip() || !s.end() {
			return s.err
		}
		return typeErr
	}
	s.p++
	for first := true; ; first = false {
		if done, ok := s.next('}', first); !ok {
			return s.err
		} else if done {
			break
		}
		name, _, ok := s.name()
		if !ok {
			return s.err
		}
		if string(s.key(name)) != "Findings" {
			if !s.skip() {
				return s.err
			}
			continue
		}
		typeErr = nil
		b.reset()
		switch s.b[s.p] {
		case '[':
			if !b.list(MaxFindings) {
				return s.err
			}
		case 'n':
			if !s.literal("null") {
				return s.err
			}
		default:
			typeErr = &TypeError{Name: "Findings", Reason: "should be array"}
			if !s.skip() {
				return s.err
			}
		}
	}
	if !s.end() {
		return s.err
	}
	return typeErr
}

// ReadFindings reads a JSON list of findings that stands alone, however many they are. It fails as Read does.
func (b *Batch) ReadFindings(list []byte) error {
	b.reset()
	s := &b.s
	if err := s.load(list, b.Options); err != nil {
		return err
	}
	s.space()
	if s.b[s.p] != '[' {
		if !s.skip() || !s.end() {
			return s.err
		}
		return &TypeError{Reason: "should be array"}
	}
	if !b.list(math.MaxInt) || !s.end() {
		b.reset()
		return s.err
	}
	return nil
}

func (b *Batch) reset() {
	clear(b.Findings) // the strings of the last read go
	b.Findings, b.Count = b.Findings[:0], 0
}

// list reads the list of findings at p. Beyond limit they are only counted.
func (b *Batch) list(limit int) bool {
	s := &b.s
	s.p++
	for ; ; b.Count++ {
		if done, ok := s.next(']', b.Count == 0); !ok {
			return false
		} else if done {
			return true
		}
		if b.Count >= limit {
			if !s.skip() {
				return false
			}
			continue
		}
		if len(b.Findings) < cap(b.Findings) {
			b.Findings = b.Findings[:len(b.Findings)+1]
		} else {
			b.Findings = append(b.Findings, Finding{})
		}
		if !s.finding(&b.Findings[len(b.Findings)-1]) {
			return false
		}
	}
}

// Reader reads one document at a time. It may be used again, but not by two goroutines at once.
type Reader struct {
	s       scanner
	finding Finding
	v       extractor
}

// Check reads and checks one finding. The Finding lives until r's next call; nothing in it aliases doc. It fails only with a
// *SyntaxError.
func (r *Reader) Check(doc []byte, opts CheckOptions) (*Finding, error) {
	if err := r.s.load(doc, opts); err != nil {
		return nil, err
	}
	r.finding = Finding{}
	r.s.space()
	if !r.s.finding(&r.finding) || !r.s.end() {
		return nil, r.s.err
	}
	return &r.finding, nil
}

// scanner walks JSON text once. It checks syntax and shapes, collects violations and writes the canonical document as it goes:
// what lies between seg and p is canonical as sent and not yet copied, so that a document which needs no change is never copied.
type scanner struct {
	b   []byte // the text and its padding
	n   int    // the length of the text
	p   int
	err error // a *SyntaxError

	format  *schema
	refuse  bool
	guess   []uint8 // by member id: the index+1 of the member that followed it the last time
	out     []byte  // canonical documents
	base    int     // where in out the document of this finding begins
	seg     int
	scratch []byte // decoded strings

	steps [MaxDepth]step
	depth int       // how many objects and lists are open; steps[:depth] is the path
	names []keySpan // the names sent in the open objects, but for the members that the format knows

	text     keySpan // the last string value
	reserved int     // bytes of the map entries that only the service writes
	top      [numTops]topSpan
	extra    []span // the top-level members that the format does not know
	last     int    // the index of the last top-level member, for ordered
	ordered  bool   // the top-level members came in canonical order

	faults faults
}

// keySpan is a decoded string: bytes of the text, or of scratch where it held escapes.
type keySpan struct {
	from, to uint32
	decoded  bool
}

// topSpan is where a top-level member lies, counted from the start of its document.
type topSpan struct{ name, value, end uint32 }

func (s *scanner) load(text []byte, opts Options) error {
	if len(text) > math.MaxInt32-padding {
		return &SyntaxError{Offset: math.MaxInt32 - padding, Reason: "text too long"}
	}
	s.b = append(s.b[:0], text...)
	s.b = append(s.b, make([]byte, padding)...)
	s.n, s.p, s.seg, s.depth, s.err, s.refuse = len(text), 0, 0, 0, nil, opts.RefuseUnknown
	s.out, s.scratch, s.names = s.out[:0], s.scratch[:0], s.names[:0]
	s.faults.reset()
	if s.format == nil {
		s.format = format()
		s.guess = make([]uint8, s.format.ids)
	}
	return nil
}

// fail records what makes the text no strict JSON. It returns false.
func (s *scanner) fail(reason string) bool {
	if s.err == nil {
		if s.p >= s.n {
			s.p, reason = s.n, "unexpected end"
		}
		s.err = &SyntaxError{Offset: s.p, Reason: reason}
	}
	return false
}

// end asks that nothing follows.
func (s *scanner) end() bool {
	s.space()
	if s.p < s.n {
		return s.fail("unexpected data after the end")
	}
	return true
}

// next moves to the next element of an object or list, behind its comma. done: the closing bracket was there instead.
func (s *scanner) next(closing byte, first bool) (done, ok bool) {
	s.space()
	c := s.b[s.p]
	switch {
	case c == closing:
		s.p++
		return true, true
	case first:
		return false, true
	case c == ',':
		s.p++
		s.space()
		return false, true
	case closing == '}':
		return false, s.fail("expected , or }")
	}
	return false, s.fail("expected , or ]")
}

// name reads a member's name and its colon.
func (s *scanner) name() (k keySpan, flags textFlags, ok bool) {
	if s.b[s.p] != '"' {
		return k, 0, s.fail("expected a member name")
	}
	if k, flags, ok = s.str(); !ok {
		return k, flags, false
	}
	s.space()
	if s.b[s.p] != ':' {
		return k, flags, s.fail("expected :")
	}
	s.p++
	s.space()
	return k, flags, true
}

// key is the text of a keySpan.
func (s *scanner) key(k keySpan) []byte {
	if k.decoded {
		return s.scratch[k.from:k.to]
	}
	return s.b[k.from:k.to]
}

// flush copies what was canonical up to the offset into the document.
func (s *scanner) flush(to int) {
	if s.seg < to {
		s.out = append(s.out, s.b[s.seg:to]...)
	}
	s.seg = to
}

// at is the place in the document of what stands at p.
func (s *scanner) at(p int) uint32 {
	return uint32(len(s.out) - s.base + p - s.seg) //nolint:gosec // a text is below 2 GB
}

// space skips white space and leaves it out of the document.
func (s *scanner) space() {
	if s.b[s.p] <= ' ' {
		s.someSpace()
	}
}

// someSpace is kept out of line so that space is not.
//
//go:noinline
func (s *scanner) someSpace() {
	from := s.p
	for c := s.b[s.p]; c == ' ' || c == '\n' || c == '\t' || c == '\r'; c = s.b[s.p] {
		s.p++
	}
	if s.p > from {
		s.flush(from)
		s.seg = s.p
	}
}

// finding reads the value at p as a finding.
func (s *scanner) finding(f *Finding) bool {
	start := s.p
	s.base, s.seg, s.reserved, s.last, s.ordered = len(s.out), s.p, 0, -1, true
	s.top, s.extra = [numTops]topSpan{}, s.extra[:0]
	s.faults.reset()
	*f = Finding{}
	var ids [3]keySpan
	if s.b[s.p] == '{' {
		if !s.object(s.format.root, &ids) {
			return false
		}
	} else if !s.wrongType(kindObject) {
		return false
	}
	f.Raw = s.b[start:s.p:s.p]
	f.CountedSize = len(f.Raw) - s.reserved
	s.identify(f, &ids)
	if f.Violations = s.faults.sorted(); len(f.Violations) == 0 {
		s.document(start, f)
	}
	return true
}

// identify makes one string of the three that name a finding.
func (s *scanner) identify(f *Finding, ids *[3]keySpan) {
	start := len(s.scratch)
	var n [3]int
	for i, k := range ids {
		s.scratch = append(s.scratch, s.key(k)...)
		n[i] = int(k.to - k.from)
	}
	all := string(s.scratch[start:])
	s.scratch = s.scratch[:start]
	f.ID, f.ProductArn, f.AwsAccountID = all[:n[0]], all[n[0]:n[0]+n[1]], all[n[0]+n[1]:]
	f.HasID, f.HasProductArn, f.HasAwsAccountID = ids[0].to != 0, ids[1].to != 0, ids[2].to != 0
}

// document ends the canonical document of the finding that began at start.
func (s *scanner) document(start int, f *Finding) {
	if len(s.out) == s.base && s.seg == start {
		f.Doc = f.Raw
	} else {
		s.flush(s.p)
		f.Doc = s.out[s.base:len(s.out):len(s.out)]
	}
	if !s.ordered {
		f.Doc = s.reorder(f.Doc)
	}
	for t, at := range s.top {
		f.Members.at[t] = span{at.value, at.end}
	}
	if n := len(s.extra); n > 0 {
		f.Members.unknown = span{s.extra[0].from, s.extra[n-1].to}
	}
}

// reorder writes the document again, its top-level members in the service model's order and the unknown ones behind them.
func (s *scanner) reorder(doc []byte) []byte {
	from := len(s.out)
	s.out = append(s.out, '{')
	for t := range s.top {
		at := &s.top[t]
		if at.end == 0 {
			continue
		}
		moved := uint32(len(s.out)-from) - at.name //nolint:gosec // modulo 2^32 on purpose: it may go back
		s.out = append(append(s.out, doc[at.name:at.end]...), ',')
		at.name, at.value, at.end = at.name+moved, at.value+moved, at.end+moved
	}
	for i, e := range s.extra {
		to := uint32(len(s.out) - from) //nolint:gosec // a text is below 2 GB
		s.out = append(append(s.out, doc[e.from:e.to]...), ',')
		s.extra[i] = span{to, to + e.to - e.from}
	}
	s.out[len(s.out)-1] = '}' // the last comma: an unordered document has members
	return s.out[from:len(s.out):len(s.out)]
}
