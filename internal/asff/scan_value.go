package asff

import (
	"bytes"
	"slices"
	"strconv"
	"unicode/utf8"
)

// step is one level of the path to where the scanner stands.
type step struct {
	member *member // of a stepMember
	key    keySpan // of a stepKey or stepUnknown
	index  int32   // in the list; else how many names of its object came before
	kind   stepKind
}

type stepKind uint8

const (
	stepMember  stepKind = iota // a member that the format knows
	stepIndex                   // an element of a list
	stepKey                     // a key of a map
	stepUnknown                 // a member that the format does not know
)

// open enters an object or list, whose opening bracket is at p.
func (s *scanner) open() (*step, bool) {
	if s.depth == MaxDepth {
		return nil, s.fail("nested more than " + strconv.Itoa(MaxDepth) + " deep")
	}
	st := &s.steps[s.depth]
	s.depth++
	s.p++
	return st, true
}

// value reads the value at p, which must have the shape.
func (s *scanner) value(sh *shape) bool {
	c := s.b[s.p]
	switch sh.kind {
	case kindString:
		if c == '"' {
			return s.stringValue(sh)
		}
	case kindInt32, kindInt64, kindDouble:
		if c == '-' || c-'0' <= 9 {
			return s.numberValue(sh)
		}
	case kindBool:
		if c == 't' {
			return s.literal("true")
		}
		if c == 'f' {
			return s.literal("false")
		}
	case kindObject:
		if c == '{' {
			return s.object(sh.object, nil)
		}
	case kindList:
		if c == '[' {
			return s.list(sh)
		}
	case kindMap:
		if c == '{' {
			return s.mapping(sh)
		}
	}
	return s.wrongType(sh.kind)
}

// typeNames are AJV's.
var typeNames = [...]string{
	kindString: "string", kindInt32: "integer", kindInt64: "integer", kindDouble: "number", kindBool: "boolean",
	kindObject: "object", kindList: "array", kindMap: "object",
}

// wrongType passes a value that should be of another type.
func (s *scanner) wrongType(want kind) bool {
	from := s.p
	if !s.skip() {
		return false
	}
	s.fault(ruleType, "should be "+typeNames[want], from)
	return true
}

func (s *scanner) literal(word string) bool {
	if string(s.b[s.p:s.p+len(word)]) != word {
		return s.fail("invalid literal")
	}
	s.p += len(word)
	return true
}

func (s *scanner) stringValue(sh *shape) bool {
	open := s.p
	k, flags, ok := s.str()
	if !ok {
		return false
	}
	s.text = k
	n := int32(k.to - k.from) //nolint:gosec // a text is below 2 GB
	if flags&textUnicode != 0 {
		n = int32(utf8.RuneCount(s.key(k))) //nolint:gosec // a text is below 2 GB
	}
	if sh.enum == nil && sh.pattern == nil && !sh.date && !sh.arnOrID && flags&textLone == 0 && n >= sh.min && n <= sh.max {
		if c := s.b[open+1]; !sh.visible || c > ' ' && c != '\\' && c < utf8.RuneSelf {
			return true
		}
	}
	s.checkString(sh, open, int(n), flags)
	return true
}

// checkString judges the string value that was read last, in AJV's order of keywords.
func (s *scanner) checkString(sh *shape, open, n int, flags textFlags) {
	text := s.key(s.text)
	if flags&textLone != 0 {
		s.fault(ruleUnicode, "should NOT have a lone surrogate", open)
	}
	low, high := int(sh.min), int(sh.max)
	if sh.arnOrID {
		low, high = 1, 512
		if bytes.HasPrefix(text, []byte("arn:")) {
			low, high = 12, 2048
		}
	}
	switch {
	case sh.date:
		s.checkDate(sh, open, text)
		return
	case sh.enum != nil:
		if !slices.Contains(sh.enum, string(text)) {
			s.fault(ruleEnum, "should be equal to one of the allowed values", open)
		}
		return
	case n > high:
		s.fault(ruleMaxLength, "should NOT be longer than "+strconv.Itoa(high)+" characters", open)
	case n < low:
		s.fault(ruleMinLength, "should NOT be shorter than "+strconv.Itoa(low)+" characters", open)
	}
	switch {
	case sh.pattern != nil && !sh.pattern.match(text):
		s.fault(rulePattern, `should match pattern "`+sh.pattern.text+`"`, open)
	case sh.visible && n > 0 && !isVisible(text):
		s.fault(rulePattern, `should match pattern "`+visiblePattern+`"`, open)
	}
}

// checkDate judges a timestamp (D24), and cuts what lies beyond milliseconds from those of the finding itself (D17).
func (s *scanner) checkDate(sh *shape, open int, text []byte) {
	if _, ok := ParseTime(text); !ok {
		if !timestampRegexp.Match(text) {
			s.fault(rulePattern, `should match pattern "`+timestampPattern+`"`, open)
		} else {
			s.fault(ruleFormat, `should match format "date-time"`, open)
		}
		return
	}
	if !sh.cut {
		return
	}
	from, to := extraFraction(text)
	if from == to {
		return
	}
	if s.text.decoded { // the canonical text stands at the end of out, or is what was sent
		s.flush(s.p - 1)
		s.out = append(s.out[:len(s.out)-len(text)+from], text[to:]...)
		return
	}
	s.flush(int(s.text.from) + from)
	s.seg = int(s.text.from) + to
}

func (s *scanner) numberValue(sh *shape) bool {
	from := s.p
	plain, ok := s.number()
	if !ok {
		return false
	}
	raw := s.b[from:s.p]
	if sh.kind == kindDouble {
		if !inFloatRange(raw, plain) {
			s.fault(ruleRange, "should be a number within the range of a double", from)
		}
		return true
	}
	v, over, integral := integer(raw, plain)
	switch {
	case !integral:
		s.fault(ruleType, "should be integer", from)
	case over > 0 || over == 0 && v > sh.hi:
		s.fault(ruleMaximum, "should be <= "+strconv.FormatInt(sh.hi, 10), from)
	case over < 0 || v < sh.lo:
		s.fault(ruleMinimum, "should be >= "+strconv.FormatInt(sh.lo, 10), from)
	case !plain || v == 0 && raw[0] == '-': // clients decode 1.0, 1e2 and -0 into an integer, or fail: they are written out
		s.flush(from)
		s.out = strconv.AppendInt(s.out, v, 10)
		s.seg = s.p
	}
	return true
}

// object reads an object of the format. ids is not nil for the finding itself, and takes what names it.
//
//nolint:gocyclo // the one loop that everything passes through: calls would cost more than they clear up
func (s *scanner) object(o *object, ids *[3]keySpan) bool {
	from, names := s.p, len(s.names)
	st, ok := s.open()
	if !ok {
		return false
	}
	var seen, sent memberSet // sent counts null too
	prev, unknown := o.id, int32(0)
	s.space()
	if s.b[s.p] == '}' {
		s.p++
	} else {
		for {
			start, seg, out := s.p, s.seg, len(s.out)
			at := s.at(start)
			var m *member
			if g := s.guess[prev]; g != 0 {
				guessed := &o.members[g-1]
				if end := start + len(guessed.quoted); end <= len(s.b) && string(s.b[start:end]) == guessed.quoted {
					m, s.p = guessed, end
				}
			}
			var key keySpan
			var flags textFlags
			if m == nil {
				if key, flags, ok = s.name(); !ok {
					return false
				}
				if m = s.member(o, key); m != nil {
					s.guess[prev] = m.index + 1
				}
			} else {
				s.space()
			}
			null := s.b[s.p] == 'n'
			switch {
			case m != nil:
				prev = m.id
				st.member, st.kind = m, stepMember
				if sent.has(m.index) {
					if !s.duplicate() {
						return false
					}
					break
				}
				sent.add(m.index)
				if null {
					if !s.literal("null") {
						return false
					}
					break
				}
				seen.add(m.index)
				if ids == nil {
					if !s.value(m.shape) {
						return false
					}
				} else if !s.topMember(m, at, ids) {
					return false
				}
			default:
				*st = step{key: key, index: unknown, kind: stepUnknown}
				unknown++
				s.names = append(s.names, key)
				if !s.unknownMember(at, flags, ids != nil, null) {
					return false
				}
			}
			if null {
				s.seg, s.out = seg, s.out[:out]
				s.flush(start)
				s.seg = s.p
			}
			s.space()
			if s.b[s.p] == ',' {
				s.p++
				if null {
					s.seg = s.p
				}
				s.space()
				continue
			}
			if s.b[s.p] == '}' {
				if null && len(s.out) > s.base && s.out[len(s.out)-1] == ',' {
					s.out = s.out[:len(s.out)-1]
				}
				s.p++
				break
			}
			return s.fail("expected , or }")
		}
	}
	s.closeNames(names, stepUnknown)
	s.depth--
	if !seen.contains(&o.required) || o.anyOf != nil {
		s.checkMembers(o, &seen, from)
	}
	return true
}

// member finds the member of a name that was just read.
func (s *scanner) member(o *object, key keySpan) *member {
	if key.decoded {
		return o.find(string(s.key(key)))
	}
	return o.lookup(s.b, int(key.from), int(key.to-key.from))
}

// topMember reads a member of the finding itself and notes where it lies.
func (s *scanner) topMember(m *member, name uint32, ids *[3]keySpan) bool {
	value, isString := s.at(s.p), s.b[s.p] == '"'
	if !s.value(m.shape) {
		return false
	}
	s.top[m.index] = topSpan{name, value, s.at(s.p)}
	if int(m.index) < s.last {
		s.ordered = false
	}
	s.last = int(m.index)
	if isString {
		switch Top(m.index) {
		case TopId:
			ids[0] = s.text
		case TopProductArn:
			ids[1] = s.text
		case TopAwsAccountId:
			ids[2] = s.text
		default:
		}
	}
	return true
}

// unknownMember reads the value of a member that the format does not know. Those of the finding itself go behind the others.
func (s *scanner) unknownMember(name uint32, flags textFlags, top, null bool) bool {
	from := s.p
	if !s.skip() {
		return false
	}
	if flags&textLone != 0 {
		s.fault(ruleUnicode, "should NOT have a lone surrogate in its name", from)
	}
	if null {
		return true
	}
	if s.refuse {
		s.faultAbove(ruleAdditional, "should NOT have additional properties", from)
	}
	if top {
		s.extra = append(s.extra, span{name, s.at(s.p)})
		s.last = int(numTops)
	}
	return true
}

// duplicate passes the value of a member that was sent before.
func (s *scanner) duplicate() bool {
	from := s.p
	if !s.skip() {
		return false
	}
	s.fault(ruleDuplicate, "should NOT be sent twice", from)
	return true
}

// checkMembers judges which members an object has.
func (s *scanner) checkMembers(o *object, seen *memberSet, from int) {
	for i := range o.members {
		if m := &o.members[i]; m.required && !seen.has(m.index) {
			s.faultMember(ruleRequired, "should have required property '"+m.name+"'", from, uint32(m.index))
		}
	}
	if o.anyOf == nil {
		return
	}
	for i := range o.anyOf.branches {
		if seen.contains(&o.anyOf.branches[i]) {
			return
		}
	}
	path := s.path(s.depth)
	s.fault(ruleAnyOf, "should have required property '"+o.anyOf.last+"', "+path+" should match some schema in anyOf", from)
}

func (s *scanner) list(sh *shape) bool {
	from, items := s.p, len(s.names)
	st, ok := s.open()
	if !ok {
		return false
	}
	n := int32(0)
	for {
		done, ok := s.next(']', n == 0)
		if !ok {
			return false
		}
		if done {
			break
		}
		st.kind, st.index = stepIndex, n
		isString := s.b[s.p] == '"'
		if !s.value(sh.elem) {
			return false
		}
		if sh.unique {
			k := s.text
			if !isString {
				k = keySpan{from: 1} // no string: it equals nothing
			}
			s.names = append(s.names, k)
		}
		n++
	}
	s.depth--
	if n > sh.max {
		s.fault(ruleMaxItems, "should NOT have more than "+strconv.Itoa(int(sh.max))+" items", from)
	} else if n < sh.min {
		s.fault(ruleMinItems, "should NOT have fewer than "+strconv.Itoa(int(sh.min))+" items", from)
	}
	if sh.unique {
		s.checkUnique(s.names[items:], from)
		s.names = s.names[:items]
	}
	return true
}

// maxUnique bounds the lists in which duplicates are looked for: a longer one breaks its maxItems anyway.
const maxUnique = 256

// checkUnique finds the pair that AJV 6 names: it goes from the last item down and meets the later one first (D27).
func (s *scanner) checkUnique(items []keySpan, from int) {
	if len(items) > maxUnique {
		return
	}
	for i, item := range slices.Backward(items) {
		if item.from > item.to {
			continue
		}
		for j := i + 1; j < len(items); j++ {
			if items[j].from <= items[j].to && bytes.Equal(s.key(item), s.key(items[j])) {
				s.fault(ruleUnique, "should NOT have duplicate items (items ## "+strconv.Itoa(j)+" and "+strconv.Itoa(i)+
					" are identical)", from)
				return
			}
		}
	}
}

// mapping reads an object whose names are the sender's.
func (s *scanner) mapping(sh *shape) bool {
	from, names := s.p, len(s.names)
	st, ok := s.open()
	if !ok {
		return false
	}
	n, counted := int32(0), int32(0)
	for {
		done, ok := s.next('}', n == 0)
		if !ok {
			return false
		}
		if done {
			break
		}
		start := s.p
		key, flags, ok := s.name()
		if !ok {
			return false
		}
		*st = step{key: key, index: n, kind: stepKey}
		s.names = append(s.names, key)
		n++
		value := s.p
		if flags&textLone != 0 {
			s.fault(ruleUnicode, "should NOT have a lone surrogate in its key", start)
		}
		if sh.keys.reserved != "" && bytes.HasPrefix(s.key(key), []byte(sh.keys.reserved)) {
			if !s.reservedEntry() {
				return false
			}
			s.reserved += s.p - start
			continue
		}
		counted++
		if !s.value(sh.elem) {
			return false
		}
		if !sh.keys.allow(s.key(key)) {
			s.faultAbove(ruleAdditional, "should NOT have additional properties", value)
		}
	}
	s.closeNames(names, stepKey)
	s.depth--
	if counted > sh.max {
		s.fault(ruleMaxProperties, "should NOT have more than "+strconv.Itoa(int(sh.max))+" properties", from)
	} else if counted < sh.min {
		s.fault(ruleMinProperties, "should NOT have fewer than "+strconv.Itoa(int(sh.min))+" properties", from)
	}
	return true
}

// reservedEntry reads the value of an entry that only the service writes: a string of any length.
func (s *scanner) reservedEntry() bool {
	if s.b[s.p] != '"' {
		return s.wrongType(kindString)
	}
	return s.value(&anyString)
}

var anyString = shape{max: unbounded}

func (r *keyRule) allow(key []byte) bool {
	if r.pattern != nil {
		return r.pattern.match(key)
	}
	if r.max == unbounded {
		return true
	}
	n := utf8.RuneCount(key)
	return n >= r.min && n <= r.max
}

// skip passes any value, keeps it canonical, and judges only what no JSON text of a finding may hold.
func (s *scanner) skip() bool {
	switch c := s.b[s.p]; {
	case c == '"':
		from := s.p
		_, flags, ok := s.str()
		if ok && flags&textLone != 0 {
			s.fault(ruleUnicode, "should NOT have a lone surrogate", from)
		}
		return ok
	case c == '-' || c-'0' <= 9:
		_, ok := s.number()
		return ok
	case c == 't':
		return s.literal("true")
	case c == 'f':
		return s.literal("false")
	case c == 'n':
		return s.literal("null")
	case c == '{':
		return s.skipObject()
	case c == '[':
		st, ok := s.open()
		if !ok {
			return false
		}
		for n := int32(0); ; n++ {
			if done, ok := s.next(']', n == 0); !ok {
				return false
			} else if done {
				s.depth--
				return true
			}
			st.kind, st.index = stepIndex, n
			if !s.skip() {
				return false
			}
		}
	}
	return s.fail("expected a value")
}

func (s *scanner) skipObject() bool {
	names := len(s.names)
	st, ok := s.open()
	if !ok {
		return false
	}
	for n := int32(0); ; n++ {
		if done, ok := s.next('}', n == 0); !ok {
			return false
		} else if done {
			s.closeNames(names, stepUnknown)
			s.depth--
			return true
		}
		key, flags, ok := s.name()
		if !ok {
			return false
		}
		*st = step{key: key, index: n, kind: stepUnknown}
		s.names = append(s.names, key)
		if flags&textLone != 0 {
			s.fault(ruleUnicode, "should NOT have a lone surrogate in its name", s.p)
		}
		if !s.skip() {
			return false
		}
	}
}

// fewNames is how many names are compared each with each; more are sorted first.
const fewNames = 12

// closeNames looks for duplicates among the names of the object that ends, and forgets them.
func (s *scanner) closeNames(from int, kind stepKind) {
	names := s.names[from:]
	s.names = s.names[:from]
	if len(names) <= fewNames {
		for i, a := range names {
			for _, b := range names[:i] {
				if a.to-a.from == b.to-b.from && bytes.Equal(s.key(a), s.key(b)) {
					s.sentTwice(a, kind)
					break
				}
			}
		}
		return
	}
	slices.SortFunc(names, func(a, b keySpan) int { return bytes.Compare(s.key(a), s.key(b)) })
	for i := 1; i < len(names); i++ {
		if bytes.Equal(s.key(names[i-1]), s.key(names[i])) {
			s.sentTwice(names[i], kind)
		}
	}
}

func (s *scanner) sentTwice(key keySpan, kind stepKind) {
	s.steps[s.depth-1] = step{key: key, kind: kind}
	s.fault(ruleDuplicate, "should NOT be sent twice", s.p)
}
