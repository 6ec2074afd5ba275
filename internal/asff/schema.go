package asff

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
)

//go:embed schema.txt
var schemaText string

//go:embed limits.txt
var limitsText string

// format is the table that drives every pass: schema.txt with limits.txt laid over it. It is read once and never changed.
var format = sync.OnceValue(func() *schema {
	sc, err := parseSchema(schemaText, limitsText)
	if err != nil {
		panic(err) // both texts are compiled in: a test reads them first
	}
	return sc
})

// kind is the JSON type that a value must have.
type kind uint8

const (
	kindString kind = iota
	kindInt32
	kindInt64
	kindDouble
	kindBool
	kindObject
	kindList
	kindMap
)

// unbounded is the greatest count where there is no limit.
const unbounded = math.MaxInt32

// shape is everything a value must be, wherever it stands: in a member, a list or a map.
type shape struct {
	kind     kind
	visible  bool // a string that may not be all white space (D9)
	date     bool
	cut      bool // a timestamp whose fraction is cut to milliseconds (D24: those of the finding itself)
	arnOrID  bool
	unique   bool
	pattern  *pattern
	enum     []string
	object   *object
	elem     *shape // of a list or map
	min, max int32  // code points of a string, items of a list, pairs of a map
	lo, hi   int64  // of an integer
	keys     *keyRule
}

// keyRule is what the keys of a map must be.
type keyRule struct {
	min, max int // code points
	pattern  *pattern
	reserved string // keys with this prefix are neither counted nor measured
}

// member is a member of an object.
type member struct {
	name     string
	quoted   string // "name": as a compact document writes it
	shape    *shape
	index    uint8  // its place in the service model's order
	id       uint16 // among all members and objects, for the table of guesses
	required bool
}

// object is a structure of the format.
type object struct {
	name     string
	members  []member
	required memberSet
	anyOf    *anyOf
	id       uint16
	mul      uint64 // the multiplier that makes hash perfect for these names
	shift    uint8
	table    []uint8 // index+1 by hash, 0: none
}

// anyOf asks for the members of one of its branches.
type anyOf struct {
	branches []memberSet
	last     string // the first required member of the last branch: the one AJV's message names (D25)
}

// maxMembers bounds the members of one structure.
const maxMembers = 128

// memberSet is a set of members of one object, by index.
type memberSet [maxMembers / 64]uint64

func (s *memberSet) add(i uint8)                { s[i>>6] |= 1 << (i & 63) }
func (s *memberSet) has(i uint8) bool           { return s[i>>6]&(1<<(i&63)) != 0 }
func (s *memberSet) contains(t *memberSet) bool { return t[0]&^s[0] == 0 && t[1]&^s[1] == 0 }

type schema struct {
	root    *object
	objects map[string]*object
	ids     int
}

// parseSchema reads the two texts. Their forms stand at the top of limits.txt and in the generator of schema.txt.
func parseSchema(text, limits string) (*schema, error) {
	sc := &schema{objects: make(map[string]*object, 640)}
	enums := map[string][]string{}
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case line == "" || line[0] == ' ':
		case line[0] == '#':
			name, values, _ := strings.Cut(line, " ")
			enums[name] = strings.Split(values, "|")
		default:
			o := &object{name: line}
			sc.objects[line] = o
			if sc.root == nil {
				sc.root = o
			}
		}
	}
	var o *object
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case line == "" || line[0] == '#':
		case line[0] != ' ':
			o = sc.objects[line]
		default:
			if err := sc.addMember(o, line[1:], enums); err != nil {
				return nil, fmt.Errorf("schema.txt: %s: %w", line, err)
			}
		}
	}
	for i := range sc.root.members {
		if s := sc.root.members[i].shape; s.date {
			s.cut = true
		}
	}
	for n, line := range strings.Split(limits, "\n") {
		line, _, _ = strings.Cut(line, "  #")
		if line == "" || line[0] == '#' {
			continue
		}
		if err := sc.addLimit(line); err != nil {
			return nil, fmt.Errorf("limits.txt:%d: %w", n+1, err)
		}
	}
	for _, o := range sc.objects {
		if err := o.index(); err != nil {
			return nil, err
		}
		o.id = uint16(sc.ids) //nolint:gosec // some 4,000 in all
		sc.ids++
		for i := range o.members {
			o.members[i].id = uint16(sc.ids) //nolint:gosec // as above
			sc.ids++
		}
	}
	return sc, nil
}

// addMember reads "Name! type trait...".
func (sc *schema) addMember(o *object, line string, enums map[string][]string) error {
	words := strings.Fields(line)
	if len(words) < 2 {
		return errors.New("no type")
	}
	if len(o.members) == maxMembers {
		return fmt.Errorf("%s has more than %d members", o.name, maxMembers)
	}
	m := member{index: uint8(len(o.members))} //nolint:gosec // checked just above
	m.name, m.required = strings.CutSuffix(words[0], "!")
	m.quoted = `"` + m.name + `":`
	var err error
	if m.shape, err = sc.newShape(words[1], enums); err != nil {
		return err
	}
	for _, trait := range words[2:] {
		rule, value, _ := strings.Cut(trait, "=")
		if rule == "ts" {
			m.shape.date = true
			continue
		}
		if err := sc.apply(m.shape, rule, value); err != nil {
			return err
		}
	}
	if m.required {
		o.required.add(m.index)
	}
	o.members = append(o.members, m)
	return nil
}

func (sc *schema) newShape(name string, enums map[string][]string) (*shape, error) {
	s := &shape{max: unbounded}
	switch name {
	case "string":
		s.visible, s.min = true, 1
		return s, nil
	case "int32":
		s.kind, s.lo, s.hi = kindInt32, math.MinInt32, math.MaxInt32
		return s, nil
	case "int64":
		s.kind, s.lo, s.hi = kindInt64, math.MinInt64, math.MaxInt64
		return s, nil
	case "float64":
		s.kind = kindDouble
		return s, nil
	case "bool":
		s.kind = kindBool
		return s, nil
	}
	var err error
	switch {
	case strings.HasPrefix(name, "[]"):
		s.kind = kindList
		s.elem, err = sc.newShape(name[2:], enums)
	case strings.HasPrefix(name, "{}"):
		s.kind, s.keys = kindMap, &keyRule{max: unbounded}
		if s.elem, err = sc.newShape(name[2:], enums); err == nil {
			s.elem.visible, s.elem.min = false, 0 // D28
		}
	case name[0] == '#':
		if s.enum = enums[name]; s.enum == nil {
			err = fmt.Errorf("no enum %s", name)
		}
	default:
		s.kind = kindObject
		if s.object = sc.objects[name]; s.object == nil {
			err = fmt.Errorf("no structure %s", name)
		}
	}
	return s, err
}

// addLimit reads one line of limits.txt, its remark cut off.
func (sc *schema) addLimit(line string) error {
	target, rest, _ := strings.Cut(line, " ")
	rule, value, _ := strings.Cut(rest, " ")
	structure, path, isMember := strings.Cut(target, ".")
	o := sc.objects[structure]
	if o == nil {
		return fmt.Errorf("no structure %s", structure)
	}
	if !isMember {
		if rule != "any-of" {
			return fmt.Errorf("a structure has no rule %s", rule)
		}
		return o.setAnyOf(strings.Fields(value))
	}
	name := strings.TrimRight(path, "[]{}")
	m := o.find(name)
	if m == nil {
		return fmt.Errorf("%s has no member %s", structure, name)
	}
	s := m.shape
	switch suffix := path[len(name):]; {
	case suffix == "":
	case suffix == "[]" && s.kind == kindList, suffix == "{}" && s.kind == kindMap:
		s = s.elem
	default:
		return fmt.Errorf("%s: no list or map", path)
	}
	return sc.apply(s, rule, value)
}

// ruleKinds says what each rule may be applied to.
var ruleKinds = map[string][]kind{
	"len": {kindString}, "pattern": {kindString}, "enum": {kindString}, "arn-or-id": {kindString},
	"items": {kindList}, "unique": {kindList}, "range": {kindInt32, kindInt64}, "type": {kindObject},
	"pairs": {kindMap}, "key-len": {kindMap}, "key-pattern": {kindMap}, "reserved": {kindMap},
}

func (sc *schema) apply(s *shape, rule, value string) error {
	fits := false
	for _, k := range ruleKinds[rule] {
		fits = fits || k == s.kind
	}
	if !fits {
		return fmt.Errorf("no rule %s for this type", rule)
	}
	switch rule {
	case "pattern", "key-pattern":
		p, err := compilePattern(value)
		if err != nil {
			return err
		}
		if rule == "key-pattern" {
			s.keys.pattern = p
		} else { // it speaks of the empty string too (prowler#2519), but not of white space (D9)
			s.pattern, s.min, s.max = p, 0, unbounded
		}
	case "enum":
		s.enum = strings.Split(value, "|")
	case "arn-or-id":
		s.arnOrID = true
	case "unique":
		s.unique = true
	case "reserved":
		s.keys.reserved = value
	case "type":
		if s.object = sc.objects[value]; s.object == nil {
			return fmt.Errorf("no structure %s", value)
		}
	default:
		lo, hi, err := bounds(value)
		if err != nil {
			return err
		}
		switch rule {
		case "range":
			s.lo, s.hi = lo, hi
		case "key-len":
			s.keys.min, s.keys.max = int(lo), int(hi)
		default:
			s.min, s.max = int32(lo), int32(hi) //nolint:gosec // bounds are small
		}
	}
	return nil
}

func bounds(s string) (lo, hi int64, err error) {
	a, b, ok := strings.Cut(s, "..")
	lo, err1 := strconv.ParseInt(a, 10, 32)
	hi, err2 := strconv.ParseInt(b, 10, 32)
	if !ok || err1 != nil || err2 != nil || lo > hi {
		return 0, 0, fmt.Errorf("no bounds: %q", s)
	}
	return lo, hi, nil
}

func (o *object) setAnyOf(branches []string) error {
	o.anyOf = &anyOf{}
	for _, branch := range branches {
		var set memberSet
		first := maxMembers
		for name := range strings.SplitSeq(branch, "+") {
			m := o.find(name)
			if m == nil {
				return fmt.Errorf("%s has no member %s", o.name, name)
			}
			set.add(m.index)
			if int(m.index) < first {
				first, o.anyOf.last = int(m.index), m.name
			}
		}
		o.anyOf.branches = append(o.anyOf.branches, set)
	}
	if len(o.anyOf.branches) < 2 {
		return errors.New("any-of needs two branches")
	}
	return nil
}

// find is the slow way to a member.
func (o *object) find(name string) *member {
	for i := range o.members {
		if o.members[i].name == name {
			return &o.members[i]
		}
	}
	return nil
}

// maxName is longer than any member's name.
const maxName = 96

// hash mixes three words of the name b[p:p+n], which may overlap. Eight bytes must be readable at p.
func hash(b []byte, p, n int, mul uint64) uint64 {
	k := binary.LittleEndian.Uint64(b[p:])
	if n >= 8 {
		last := binary.LittleEndian.Uint64(b[p+n-8:])
		k ^= last<<13 | last>>51
		k += binary.LittleEndian.Uint64(b[p+(n-8)/2:]) * 0x9E3779B97F4A7C15
	} else {
		k &= 1<<(uint(n)*8) - 1
	}
	return (k + uint64(n)) * mul //nolint:gosec // n is a length
}

// index finds a multiplier under which no two names of the object share a slot, so that a look-up compares once.
func (o *object) index() error {
	width := 2
	for 1<<width < 2*len(o.members) {
		width++
	}
	x := uint64(0x9E3779B97F4A7C15)
	var name [maxName]byte
	for try := range 20_000 {
		if try > 0 && try%300 == 0 {
			width++
		}
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		o.mul, o.shift = x|1, uint8(64-width)
		if len(o.table) < 1<<width {
			o.table = make([]uint8, 1<<width)
		}
		clear(o.table)
		perfect := true
		for i := range o.members {
			clear(name[:])
			n := copy(name[:maxName-8], o.members[i].name)
			slot := &o.table[hash(name[:], 0, n, o.mul)>>o.shift]
			if *slot != 0 {
				perfect = false
				break
			}
			*slot = uint8(i + 1)
		}
		if perfect {
			return nil
		}
	}
	return fmt.Errorf("no perfect hash for %s", o.name)
}

// lookup finds the member named b[p:p+n], which holds no escapes. Eight bytes must be readable at p.
func (o *object) lookup(b []byte, p, n int) *member {
	i := o.table[hash(b, p, n, o.mul)>>o.shift]
	if i == 0 {
		return nil
	}
	m := &o.members[i-1]
	if string(b[p:p+n]) != m.name {
		return nil
	}
	return m
}
