package asff

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// rule is a kind of violation: a keyword of JSON Schema, or one of ours where JSON itself is abused (D42).
type rule uint8

const (
	ruleType rule = iota
	ruleDuplicate
	ruleUnicode
	ruleRange
	ruleMaximum
	ruleMinimum
	ruleMaxLength
	ruleMinLength
	rulePattern
	ruleFormat
	ruleMaxItems
	ruleMinItems
	ruleUnique
	ruleMaxProperties
	ruleMinProperties
	ruleRequired
	ruleAdditional
	ruleEnum
	ruleAnyOf
)

// The stages in which one value is judged, in AJV's order (spec 2.1.5).
const (
	stageValue      = iota // is it of the type at all
	stageMax               // maximum, maxLength, maxItems, maxProperties
	stageMin               // minimum and its like
	stagePattern           // pattern, required
	stageFormat            // format
	stageAdditional        // members that nobody knows: AJV's properties looks for these before it judges any member
	stageInside            // the members in the service model's order, the elements in theirs: each judged whole
	stageUnknown           // what abuses JSON inside a member that nobody knows (D42)
	stageUnique            // uniqueItems: AJV 6 looks for duplicates behind the elements, AJV 5 did so before
	stageEnum
	stageAnyOf
)

var rules = [...]struct {
	keyword string
	stage   uint32
	remedy  string
}{
	ruleType:          {"type", stageValue, "Send a value of the JSON type that the message names."},
	ruleDuplicate:     {"duplicate", stageValue, "Send the name once in its object: readers of JSON disagree about which value counts."},
	ruleUnicode:       {"unicode", stageValue, `Encode the text as valid Unicode: a \ud800..\udfff escape must be half of a pair.`},
	ruleRange:         {"range", stageMax, "Send a finite number, at most 1.7976931348623157e308 in magnitude."},
	ruleMaximum:       {"maximum", stageMax, "Send a number within the bounds."},
	ruleMinimum:       {"minimum", stageMin, "Send a number within the bounds."},
	ruleMaxLength:     {"maxLength", stageMax, "Shorten the text to the limit, counted in Unicode code points: nothing is cut for you."},
	ruleMinLength:     {"minLength", stageMin, "Give it a value."},
	rulePattern:       {"pattern", stagePattern, "Rewrite the value so that it matches the pattern."},
	ruleFormat:        {"format", stageFormat, "Send a moment that exists, with an offset within 18 hours: 2006-01-02T15:04:05.000Z."},
	ruleMaxItems:      {"maxItems", stageMax, "Send fewer elements, or spread them over several findings."},
	ruleMinItems:      {"minItems", stageMin, "Add an element."},
	ruleUnique:        {"uniqueItems", stageUnique, "Send each element once."},
	ruleMaxProperties: {"maxProperties", stageMax, "Send fewer entries: keep those that people search for."},
	ruleMinProperties: {"minProperties", stageMin, "Add an entry."},
	ruleRequired:      {"required", stagePattern, "Add the member that the message names, with a value that is not null."},
	ruleAdditional:    {"additionalProperties", stageAdditional, "Remove the member or correct its name, minding upper and lower case; details of your own go into ProductFields or Resources[].Details.Other."},
	ruleEnum:          {"enum", stageEnum, "Use one of the allowed values."},
	ruleAnyOf:         {"anyOf", stageAnyOf, "Add one of the alternatives."},
}

// Remedies that know better than their keyword's, by keyword and the end of the path.
var remedies = []struct{ keyword, path, remedy string }{
	{"anyOf", "data", "Add FindingProviderFields with Severity and Types, or both Severity and Types at the top level."},
	{"anyOf", ".Severity", "Add Label (INFORMATIONAL, LOW, MEDIUM, HIGH or CRITICAL) or Normalized (0 to 100)."},
	{"anyOf", ".Recommendation", "Add Text or Url, or leave Recommendation out."},
	{"pattern", ".AwsAccountId", "Send the account as a string of exactly 12 digits, with its leading zeros."},
	{"pattern", "]", "Write a type as namespace, or namespace/category, or namespace/category/classifier: one to three parts, none empty."},
	{"additionalProperties", ".UserDefinedFields", "Name keys with 1 to 128 letters, digits, spaces and - _ = + @ . / : only."},
	{"additionalProperties", ".ProductFields", "Name keys with 1 to 128 characters."},
	{"additionalProperties", ".Details.Other", "Name keys with 1 to 128 characters."},
}

// tooShort is what AJV says of a text below its minimum.
var tooShort = regexp.MustCompile(`^should NOT be shorter than (\d+) characters$`)

// Remedy says in one sentence how to mend the finding. It advises to leave out only what the format can do without.
func (v Violation) Remedy() string {
	sh, omissible := shapeAt(v.Pointer)
	remedy := v.remedy(sh)
	if without, ok := strings.CutSuffix(remedy, "."); ok && omissible {
		switch v.Keyword {
		case "minItems":
			return without + ", or leave the list out."
		case "minProperties":
			return without + ", or leave the map out."
		case "type", "minLength":
			return without + ", or leave the member out."
		case "pattern":
			if strings.Contains(v.Message, visiblePattern) {
				return without + ", or leave the member out."
			}
		}
	}
	return remedy
}

func (v Violation) remedy(sh *shape) string {
	switch {
	case v.Keyword == "pattern" && strings.Contains(v.Message, timestampPattern):
		return "Write the moment as RFC 3339 without spaces: 2006-01-02T15:04:05.000Z."
	case v.Keyword == "pattern" && strings.Contains(v.Message, visiblePattern):
		return "Send text that is not all white space."
	}
	if m := tooShort.FindStringSubmatch(v.Message); m != nil && m[1] != "1" {
		return "Use at least " + m[1] + " characters."
	}
	if sh != nil {
		switch {
		case v.Keyword == "enum" && len(sh.enum) == 1:
			return "Send " + strconv.Quote(sh.enum[0]) + ", the only value there is."
		case v.Keyword == "enum":
			return "Use one of " + strings.Join(sh.enum, ", ") + ", in exactly this spelling."
		case v.Keyword == "maximum", v.Keyword == "minimum":
			return "Send a number from " + strconv.FormatInt(sh.lo, 10) + " to " + strconv.FormatInt(sh.hi, 10) + "."
		}
	}
	for _, r := range remedies {
		if r.keyword == v.Keyword && (r.path == v.Path || r.path != "data" && strings.HasSuffix(v.Path, r.path)) {
			return r.remedy
		}
	}
	for _, r := range rules {
		if r.keyword == v.Keyword {
			return r.remedy
		}
	}
	return ""
}

// shapeAt is what the format asks of the value at a JSON pointer, or nil where it knows none; and whether the value may be missing:
// no required member, none that an alternative rests on, no element of a list.
func shapeAt(pointer string) (sh *shape, omissible bool) {
	sh = &shape{kind: kindObject, object: format().root}
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		switch sh.kind {
		case kindObject:
			m := sh.object.find(part) // no name of the format holds ~ or /
			if m == nil {
				return nil, false
			}
			omissible = !m.required && !sh.object.alternative(m)
			sh = m.shape
		case kindList, kindMap:
			omissible = sh.kind == kindMap
			sh = sh.elem
		default:
			return nil, false
		}
	}
	return sh, omissible
}

// alternative tells whether one of the branches of anyOf asks for the member.
func (o *object) alternative(m *member) bool {
	return o.anyOf != nil && slices.ContainsFunc(o.anyOf.branches, func(b memberSet) bool { return b.has(m.index) })
}

// ErrorMessage is the sentence with which AWS refuses a finding: its first violation, in AJV's words (spec 2.1). It is "" for a
// valid finding.
func ErrorMessage(vs []Violation) string {
	if len(vs) == 0 {
		return ""
	}
	return "Finding does not adhere to Amazon Finding Format. " + vs[0].Path + " " + vs[0].Message + "."
}

// What is kept of one finding is bounded: the first violations in AJV's order, and of these no more than fit into half the bytes.
// A path repeats the sender's keys, which may be as long as the body.
const (
	maxViolations     = 1000
	maxViolationBytes = 1 << 20
)

// fault is a violation with its place in AJV's order: for each level of its path the stage and the place in it, as one number.
type fault struct {
	Violation
	order []uint32
}

// faults collects the violations of one finding.
type faults struct {
	list  []fault
	bytes int      // of the texts in list
	order []uint32 // scratch
	worst []uint32 // nothing behind it is of interest any more; nil: everything is
}

func (f *faults) reset() {
	clear(f.list)
	f.list, f.bytes, f.worst = f.list[:0], 0, nil
}

// sorted copies the violations out, in AJV's order; nil when there are none.
func (f *faults) sorted() []Violation {
	if len(f.list) == 0 {
		return nil
	}
	f.trim()
	vs := make([]Violation, len(f.list))
	for i := range f.list {
		vs[i] = f.list[i].Violation
	}
	return vs
}

// trim sorts, and drops what is beyond the bounds, but never the first. The sort is stable: equal places keep the order sent.
func (f *faults) trim() {
	slices.SortStableFunc(f.list, func(a, b fault) int { return slices.Compare(a.order, b.order) })
	n := 0
	for f.bytes = 0; n < min(len(f.list), maxViolations); n++ {
		size := f.list[n].size()
		if n > 0 && f.bytes+size > maxViolationBytes/2 {
			break
		}
		f.bytes += size
	}
	clear(f.list[n:])
	f.list = f.list[:n]
}

func (v Violation) size() int { return len(v.Path) + len(v.Message) + len(v.Pointer) + len(v.Value) }

// fault records that the value b[from:p], at the path where the scanner stands, breaks a rule.
func (s *scanner) fault(r rule, message string, from int) {
	s.record(r, message, s.depth, s.depth, from, 0)
}

// faultMember is fault for the member with an index.
func (s *scanner) faultMember(r rule, message string, from int, index uint32) {
	s.record(r, message, s.depth, s.depth, from, index)
}

// faultAbove records what AJV says of an object, where the member that the scanner stands at is to blame.
func (s *scanner) faultAbove(r rule, message string, from int) {
	s.record(r, message, s.depth-1, s.depth, from, uint32(s.steps[s.depth-1].index)) //nolint:gosec // an index
}

func (s *scanner) record(r rule, message string, depth, pointer, from int, index uint32) {
	f := &s.faults
	f.order = f.order[:0]
	for i := range s.steps[:depth] {
		st := &s.steps[i]
		switch st.kind {
		case stepMember:
			f.order = append(f.order, stageInside<<24|uint32(st.member.index))
		case stepUnknown:
			f.order = append(f.order, stageUnknown<<24|uint32(st.index)) //nolint:gosec // an index below 2^24
		default:
			f.order = append(f.order, stageInside<<24|uint32(st.index)) //nolint:gosec // an index below 2^24
		}
	}
	f.order = append(f.order, rules[r].stage<<24|index)
	if f.worst != nil && slices.Compare(f.order, f.worst) >= 0 {
		return
	}
	f.list = append(f.list, fault{order: slices.Clone(f.order), Violation: Violation{
		Path: s.path(depth), Message: message, Keyword: rules[r].keyword, Pointer: s.pointer(pointer), Value: excerpt(s.b[from:s.p]),
	}})
	if f.bytes += f.list[len(f.list)-1].size(); f.bytes > maxViolationBytes || len(f.list) >= 2*maxViolations {
		f.trim()
		f.worst = f.list[len(f.list)-1].order
	}
}

// path writes where the scanner stands as AJV does (spec 2.1.4).
func (s *scanner) path(depth int) string {
	b := append(make([]byte, 0, 64), "data"...)
	for i := range s.steps[:depth] {
		st := &s.steps[i]
		switch st.kind {
		case stepMember:
			b = append(append(b, '.'), st.member.name...)
		case stepIndex:
			b = append(strconv.AppendInt(append(b, '['), int64(st.index), 10), ']')
		case stepUnknown:
			if key := s.key(st.key); isIdentifier(key) {
				b = append(append(b, '.'), key...)
				break
			}
			fallthrough
		case stepKey:
			b = append(append(append(b, "['"...), s.key(st.key)...), "']"...)
		}
	}
	return string(b)
}

// isIdentifier tells whether AJV writes a name behind a dot.
func isIdentifier(name []byte) bool {
	for i, c := range name {
		if c|0x20-'a' >= 26 && c != '_' && c != '$' && (c-'0' > 9 || i == 0) {
			return false
		}
	}
	return len(name) > 0
}

// pointer writes where the scanner stands as a JSON pointer (RFC 6901).
func (s *scanner) pointer(depth int) string {
	var b []byte
	for i := range s.steps[:depth] {
		st := &s.steps[i]
		b = append(b, '/')
		switch st.kind {
		case stepMember:
			b = append(b, st.member.name...)
		case stepIndex:
			b = strconv.AppendInt(b, int64(st.index), 10)
		default:
			for _, c := range s.key(st.key) {
				switch c {
				case '~':
					b = append(b, "~0"...)
				case '/':
					b = append(b, "~1"...)
				default:
					b = append(b, c)
				}
			}
		}
	}
	return string(b)
}

// maxExcerpt is how much of an offending value a violation shows, in bytes.
const maxExcerpt = 200

func excerpt(value []byte) string {
	if len(value) <= maxExcerpt {
		return string(value)
	}
	n := maxExcerpt
	for n > 0 && !utf8.RuneStart(value[n]) {
		n--
	}
	return string(value[:n])
}
