package asff

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Mending is what can be done about a finding that does not adhere to the format, without knowing what its sender meant: only what follows from
// the finding itself and the format.
type Mending struct {
	Text  []byte      // the finding with the changes made, members as sent, indented by two spaces; nil where nothing could be done
	Mends []Mend      // what was changed
	Left  []Violation // what Text still breaks; where Text is nil, all there is
}

// Mend is one change.
type Mend struct {
	Path    string `json:"Path"`    // as a violation's
	Message string `json:"Message"` // "cut to 256 characters"
}

// MendOptions are what is known beside the finding.
type MendOptions struct {
	Options
	Region string // that the finding is for; "": not known
}

// The bounds of one mending: rounds, for a change may uncover what another one asks for, and changes told.
const (
	maxMendRounds = 6
	maxMends      = 200
)

// Mend changes what can be changed mechanically. text must be strict JSON, else it fails with the *SyntaxError that says why. What it
// cannot change, it leaves as sent.
func (r *Reader) Mend(text []byte, opts MendOptions) (*Mending, error) {
	f, err := r.Check(text, opts.Options)
	if err != nil {
		return nil, err
	}
	m := &mender{Mending: Mending{Left: f.Violations}, region: opts.Region}
	if len(m.Left) == 0 {
		return &m.Mending, nil
	}
	if m.root, err = parseTree(text); err != nil {
		return nil, &SyntaxError{Reason: err.Error()}
	}
	for range maxMendRounds {
		before := len(m.Mends)
		m.round()
		if len(m.Mends) == before {
			break
		}
		m.Text = m.root.append(m.Text[:0], 0)
		if f, err = r.Check(m.Text, opts.Options); err != nil {
			return nil, err
		}
		if m.Left = f.Violations; len(m.Left) == 0 {
			break
		}
	}
	return &m.Mending, nil
}

type mender struct {
	Mending
	root   *node
	region string
	at     Violation // that is being mended
}

// round tries every violation once. All pointers are followed before anything moves.
func (m *mender) round() {
	spots := make([]spot, len(m.Left))
	found := make([]bool, len(m.Left))
	for i := range m.Left {
		spots[i], found[i] = m.root.find(m.Left[i].Pointer)
	}
	for i := range m.Left {
		m.at = m.Left[i]
		switch {
		case len(m.Mends) == maxMends:
		case found[i]:
			m.mend(&spots[i])
		case m.at.Keyword == "unicode": // in a name, or beneath one
			m.root.rewrite()
			m.done("the broken half of a pair made U+FFFD")
		}
	}
}

func (m *mender) done(message string) { m.doneAt(m.at.Path, message) }

func (m *mender) doneAt(path, message string) {
	m.Mends = append(m.Mends, Mend{Path: path, Message: message})
}

// mend tries one violation.
func (m *mender) mend(s *spot) {
	switch m.at.Keyword {
	case "type":
		m.mendType(s)
	case "duplicate":
		m.mendDuplicate(s)
	case "unicode":
		m.mendUnicode(s)
	case "maximum", "minimum":
		m.mendRange(s)
	case "maxLength":
		m.mendLength(s)
	case "minLength", "minItems", "minProperties":
		m.mendEmpty(s)
	case "pattern":
		m.mendPattern(s)
	case "maxItems", "maxProperties":
		m.mendCount(s)
	case "uniqueItems":
		m.mendUnique(s)
	case "required":
		m.mendRequired(s)
	case "additionalProperties":
		m.mendAdditional(s)
	case "enum":
		m.mendEnum(s)
	case "anyOf":
		m.mendAnyOf(s)
	}
}

// omit leaves a member out that the format can do without, or an element of a list of several.
func (m *mender) omit(s *spot, why string) {
	switch {
	case s.parent == nil:
	case s.parent.kind == '{' && s.omissible, s.parent.kind == '[' && len(s.parent.values) > 1:
		s.parent.drop(s.node)
		m.done("left out: " + why)
	}
}

func (m *mender) replace(s *spot, with *node, message string) {
	*s.node = *with
	m.done(message)
}

func (m *mender) mendType(s *spot) {
	n := s.node
	if s.shape == nil || s.parent == nil {
		return
	}
	if n.kind == 'n' && s.shape.kind != kindList {
		m.omit(s, "it was null")
		return
	}
	switch s.shape.kind {
	case kindString:
		m.toString(s)
	case kindInt32, kindInt64, kindDouble:
		m.toNumber(s)
	case kindBool:
		switch v := strings.ToLower(n.text + string(n.raw)); {
		case n.kind == '"' && strings.EqualFold(n.text, "true"), n.kind == '0' && v == "1":
			m.replace(s, &node{kind: 't', raw: []byte("true")}, "made true")
		case n.kind == '"' && strings.EqualFold(n.text, "false"), n.kind == '0' && v == "0":
			m.replace(s, &node{kind: 't', raw: []byte("false")}, "made false")
		}
	case kindObject:
		switch {
		case n.kind == '[' && len(n.values) == 1 && n.values[0].kind == '{':
			m.replace(s, n.values[0], "taken out of its list")
		case n.kind == '"' && s.shape.object.find("Label") != nil: // Severity, by its label alone
			o := objectNode()
			o.set("Label", stringNode(n.text))
			m.replace(s, o, "made the Label of an object")
		}
	case kindList:
		if n.kind == 'n' {
			m.omit(s, "it was null")
			return
		}
		if e := s.shape.elem.kind; n.kind == '{' && e == kindObject || n.kind == '"' && e == kindString {
			inner := *n
			m.replace(s, &node{kind: '[', values: []*node{&inner}}, "put into a list")
		}
	case kindMap:
		m.toMap(s)
	}
}

func (m *mender) toString(s *spot) {
	n := s.node
	switch {
	case n.kind == '0' && s.shape.pattern != nil && s.name == "AwsAccountId" && len(n.raw) <= 12 && digits(n.raw):
		m.replace(s, stringNode(strings.Repeat("0", 12-len(n.raw))+string(n.raw)), "made a string of 12 digits")
	case n.kind == '0' || n.kind == 't':
		m.replace(s, stringNode(string(n.raw)), "made a string")
	case n.kind == '[' && len(n.values) == 1 && n.values[0].kind == '"':
		m.replace(s, n.values[0], "taken out of its list")
	}
}

func (m *mender) toNumber(s *spot) {
	text := string(s.node.raw)
	if s.node.kind == '"' {
		text = strings.TrimSpace(s.node.text)
	} else if s.node.kind != '0' {
		return
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return
	}
	if s.shape.kind == kindDouble {
		m.replace(s, numberNode(strconv.FormatFloat(f, 'g', -1, 64)), "made a number")
		return
	}
	if f = math.Round(f); math.Abs(f) > 1<<53 {
		return
	}
	m.replace(s, numberNode(strconv.FormatInt(int64(f), 10)), "made an integer")
}

// toMap reads AWS's other way to write tags, a list of Key and Value.
func (m *mender) toMap(s *spot) {
	if s.node.kind != '[' {
		return
	}
	o := objectNode()
	for _, pair := range s.node.values {
		key, value := pair.string("Key")+pair.string("key"), pair.get("Value")
		if value == nil {
			value = pair.get("value")
		}
		if pair.kind != '{' || key == "" || value == nil || o.get(key) != nil {
			return
		}
		o.set(key, value)
	}
	m.replace(s, o, "made a map of its keys and values")
}

// mendDuplicate keeps the value that most readers of JSON keep: the last.
func (m *mender) mendDuplicate(s *spot) {
	if s.parent == nil || s.parent.kind != '{' {
		return
	}
	last := s.parent.member(s.name)
	for i := last - 1; i >= 0; i-- {
		if s.parent.names[i] == s.name {
			s.parent.drop(s.parent.values[i])
		}
	}
	if s.parent.member(s.name) < last {
		m.done("kept once, with its last value")
	}
}

func (m *mender) mendUnicode(s *spot) {
	s.node.rewrite()
	m.done("the broken half of a pair made U+FFFD")
}

func (m *mender) mendRange(s *spot) {
	if s.shape == nil || s.node.kind != '0' {
		return
	}
	to := s.shape.hi
	if m.at.Keyword == "minimum" {
		to = s.shape.lo
	}
	text := strconv.FormatInt(to, 10)
	m.replace(s, numberNode(text), "made "+text)
}

// longest is what the message of a maxLength names.
var longest = regexp.MustCompile(`longer than (\d+) characters$`)

// mendLength cuts a text. What names something must not become the name of something else, so an id ends in a hash of the whole.
func (m *mender) mendLength(s *spot) {
	found := longest.FindStringSubmatch(m.at.Message)
	if found == nil || s.node.kind != '"' {
		return
	}
	limit, err := strconv.Atoi(found[1])
	if err != nil {
		return
	}
	end := "..."
	if strings.HasSuffix(s.name, "Id") || strings.HasSuffix(s.name, "Arn") {
		sum := sha256.Sum256([]byte(s.node.text))
		end = "-" + hex.EncodeToString(sum[:8])
	}
	m.replace(s, stringNode(cut(s.node.text, limit, end)), "cut to "+found[1]+" characters")
}

// cut shortens a text to limit characters, end included.
func cut(text string, limit int, end string) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	keep := limit - utf8.RuneCountInString(end)
	if keep < 0 {
		keep, end = limit, ""
	}
	for i := range text {
		if keep == 0 {
			return text[:i] + end
		}
		keep--
	}
	return text
}

// mendEmpty leaves out what has too little in it, or says what the finding says elsewhere.
func (m *mender) mendEmpty(s *spot) {
	if s.parent == m.root && s.name == "Resources" && len(s.node.values) == 0 {
		m.addResource()
		return
	}
	if s.parent == m.root && s.node.kind == '"' {
		if with := m.derived(s.name); with != nil {
			m.replace(s, with, "taken from the rest of the finding")
			return
		}
	}
	m.omit(s, "it was empty")
}

func (m *mender) mendPattern(s *spot) {
	if s.node.kind != '"' || s.shape == nil {
		return
	}
	text := strings.TrimSpace(s.node.text)
	switch {
	case s.shape.date:
		if t, ok := readMoment(text); ok {
			m.replace(s, stringNode(t), "written as RFC 3339")
		}
	case text == "":
		m.mendEmpty(s)
	case s.name == "AwsAccountId":
		number := strings.NewReplacer("-", "", " ", "").Replace(text)
		if n := len(number); n > 0 && n <= 12 && digits([]byte(number)) {
			m.replace(s, stringNode(strings.Repeat("0", 12-n)+number), "made a string of 12 digits")
		}
	case s.shape.pattern != nil && strings.Contains(s.shape.pattern.text, "/"): // of Types
		var parts []string
		for part := range strings.SplitSeq(text, "/") {
			if part = strings.TrimSpace(part); part != "" {
				parts = append(parts, part)
			}
		}
		if len(parts) > 3 {
			parts = parts[:3]
		}
		if with := strings.Join(parts, "/"); with != "" && with != s.node.text {
			m.replace(s, stringNode(with), "made one to three parts")
		}
	}
}

// moments are ways to write one that people use. Without an offset it is taken for UTC.
var moments = []string{
	"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999 Z07:00", "2006-01-02 15:04:05.999999999 -0700",
	"2006-01-02 15:04:05.999999999 -0700 MST", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04", "2006-01-02 15:04",
	"2006-01-02", "20060102T150405Z", time.RFC1123, time.RFC1123Z, time.RFC850, time.ANSIC, time.UnixDate,
}

// readMoment reads a moment as people write it; a bare number is seconds or milliseconds since 1970.
func readMoment(text string) (string, bool) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 1e8 {
		if n > 1e11 {
			return writeMoment(time.UnixMilli(n)), n < 1e14
		}
		return writeMoment(time.Unix(n, 0)), true
	}
	for _, layout := range moments {
		if t, err := time.Parse(layout, text); err == nil {
			return writeMoment(t), true
		}
	}
	return "", false
}

func writeMoment(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func (m *mender) mendCount(s *spot) {
	if s.shape == nil || len(s.node.values) <= int(s.shape.max) {
		return
	}
	limit := int(s.shape.max)
	if s.node.kind == '{' {
		// Entries that only the service writes are not counted.
		kept := 0
		for i := 0; i < len(s.node.names); i++ {
			if r := s.shape.keys.reserved; r != "" && strings.HasPrefix(s.node.names[i], r) {
				continue
			}
			if kept++; kept > limit {
				s.node.drop(s.node.values[i])
				i--
			}
		}
		m.done("cut to its first " + strconv.Itoa(limit) + " entries")
		return
	}
	s.node.values = s.node.values[:limit]
	m.done("cut to its first " + strconv.Itoa(limit) + " elements")
}

func (m *mender) mendUnique(s *spot) {
	seen := map[string]bool{}
	before := len(s.node.values)
	s.node.values = slices.DeleteFunc(s.node.values, func(n *node) bool {
		if n.kind != '"' || !seen[n.text] {
			seen[n.text] = n.kind == '"'
			return false
		}
		return true
	})
	if len(s.node.values) < before {
		m.done("each element kept once")
	}
}

// letters is a text without what people spell differently: case, spaces, - and _.
func letters(text string) string {
	return strings.ToUpper(strings.NewReplacer(" ", "", "-", "", "_", "").Replace(text))
}

// synonyms are names of severities that scanners use.
var synonyms = map[string]string{"INFO": "INFORMATIONAL", "INFORMATION": "INFORMATIONAL", "NONE": "INFORMATIONAL", "NEGLIGIBLE": "LOW", "MINOR": "LOW", "MODERATE": "MEDIUM", "IMPORTANT": "HIGH", "MAJOR": "HIGH"}

func (m *mender) mendEnum(s *spot) {
	if s.node.kind != '"' || s.shape == nil {
		return
	}
	if len(s.shape.enum) == 1 {
		m.replace(s, stringNode(s.shape.enum[0]), "made the only value there is")
		return
	}
	wanted := letters(s.node.text)
	if s.name == "Label" && synonyms[wanted] != "" {
		wanted = synonyms[wanted]
	}
	for _, allowed := range s.shape.enum {
		if letters(allowed) == wanted {
			m.replace(s, stringNode(allowed), "spelled as the format does")
			return
		}
	}
	if wanted == "" {
		m.omit(s, "it was empty")
	}
}

// mendAdditional spells a name as the format does, or leaves the member out.
func (m *mender) mendAdditional(s *spot) {
	if s.parent == nil || s.parent.kind != '{' {
		return
	}
	i := slices.Index(s.parent.values, s.node)
	if i < 0 {
		return
	}
	holder, _ := shapeOf(m.at.Pointer[:strings.LastIndexByte(m.at.Pointer, '/')])
	if holder != nil && holder.kind == kindMap {
		name := s.name
		if holder.keys.pattern != nil {
			name = strings.Map(func(r rune) rune {
				if holder.keys.pattern.match([]byte(string(r))) {
					return r
				}
				return '_'
			}, name)
		}
		if name = cut(name, 128, "..."); name == "" {
			name = "_"
		}
		if s.parent.member(name) < 0 && holder.keys.allow([]byte(name)) {
			s.parent.names[i] = name
			m.done("its key written " + strconv.Quote(name))
		}
		return
	}
	if holder != nil && holder.kind == kindObject {
		if known := alike(holder.object, s.name); known != "" && s.parent.member(known) < 0 {
			s.parent.names[i] = known
			m.done(strconv.Quote(s.name) + " spelled " + known)
			return
		}
	}
	s.parent.drop(s.node)
	m.done(strconv.Quote(s.name) + " left out: the format has no such member")
}

// alike is the member of an object that a name differs from in spelling only.
func alike(o *object, name string) string {
	for i := range o.members {
		if letters(o.members[i].name) == letters(name) {
			return o.members[i].name
		}
	}
	return ""
}
