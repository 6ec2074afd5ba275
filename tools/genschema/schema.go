package main

import (
	"bufio"
	_ "embed"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"hubcap/tools/internal/sdk"
)

// root is the structure all others hang from.
const root = "AwsSecurityFinding"

//go:embed order.txt
var orderText string

// The forms in which the doc comments write their limits. "Length Constraints: 128." gives the greatest length only: it stands at
// service names, domains and ports.
var (
	bothLengths = regexp.MustCompile(`Length Constraints: Minimum (?:length )?of (\d+)(?: length)?\. Maximum (?:length )?of (\d+)`)
	oneLength   = regexp.MustCompile(`Length Constraints: (\d+)\.`)
	maxLength   = regexp.MustCompile(`Length Constraints: Maximum (?:length )?of (\d+)`)
	items       = regexp.MustCompile(`Array Members: (?:Minimum number of (\d+) items?\. )?Maximum number of (\d+) items?`)
	timestamp   = regexp.MustCompile(`\[Timestamps\]|date-time format|RFC ?3339|ISO ?8601`)
)

// unlimited are members whose documented length the finding format does not check as a length: the pattern of account ids says it
// all (D26).
var unlimited = map[string]bool{"AwsSecurityFinding.AwsAccountId": true}

// generate writes the schema. One structure is one block:
//
//	Note
//	 Text! string len=1..512
//	 UpdatedBy! string
//	 UpdatedAt! string ts
//
// "!" marks what is required; a type is a scalar, a structure, #Enum, []type or {}type (a map); len counts characters, items
// elements; ts is an RFC 3339 timestamp. Enums follow: "#WorkflowStatus NEW|NOTIFIED|RESOLVED|SUPPRESSED". The notes tell where
// order.txt and the SDK do not cover each other.
func generate(dir string) (text []byte, notes []string, err error) {
	src, err := sdk.Load(dir)
	if err != nil {
		return nil, nil, err
	}
	order, err := readOrder(orderText)
	if err != nil {
		return nil, nil, err
	}
	g := generator{src: src, order: order, seen: map[string]bool{root: true}, enums: map[string]bool{}}
	g.todo = []string{root}
	for len(g.todo) > 0 {
		name := g.todo[0]
		g.todo = g.todo[1:]
		if err := g.structure(name); err != nil {
			return nil, nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(g.enums)) {
		fmt.Fprintf(&g.out, "#%s %s\n", name, strings.Join(src.Enums[name], "|"))
	}
	for _, name := range slices.Sorted(maps.Keys(order)) {
		if !g.seen[name] {
			g.notes = append(g.notes, name+" stands in order.txt but no finding holds it")
		}
	}
	return []byte(g.out.String()), g.notes, nil
}

type generator struct {
	src   *sdk.Source
	order map[string]ordered
	seen  map[string]bool
	enums map[string]bool
	todo  []string
	notes []string
	out   strings.Builder
}

func (g *generator) structure(name string) error {
	shape := g.src.Structs[name]
	if shape == nil {
		return fmt.Errorf("%s: no structure of the SDK", name)
	}
	fields, err := g.sorted(shape)
	if err != nil {
		return err
	}
	wire, err := g.src.Wire(shape)
	if err != nil {
		return err
	}
	fmt.Fprintln(&g.out, name)
	for _, f := range fields {
		if wire[f.Name] != f.Name {
			return fmt.Errorf("%s.%s: its name on the wire is %q", name, f.Name, wire[f.Name])
		}
		t, err := g.typeName(f.Type)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", name, f.Name, err)
		}
		required := ""
		if f.Required {
			required = "!"
		}
		fmt.Fprintf(&g.out, " %s%s %s%s\n", f.Name, required, t, limits(name, f))
	}
	return nil
}

// sorted puts the members into the service model's order. A structure the order does not list keeps the SDK's; members of one it
// lists must be the same in both.
func (g *generator) sorted(shape *sdk.Shape) ([]sdk.Field, error) {
	o, ok := g.order[shape.Name]
	if !ok {
		g.notes = append(g.notes, shape.Name+" does not stand in order.txt: the SDK's order is kept")
		return shape.Fields, nil
	}
	var fields []sdk.Field
	var required []string
	for _, name := range o.members {
		i := slices.IndexFunc(shape.Fields, func(f sdk.Field) bool { return f.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("%s.%s stands in order.txt but not in the SDK", shape.Name, name)
		}
		fields = append(fields, shape.Fields[i])
		if shape.Fields[i].Required {
			required = append(required, name)
		}
	}
	for _, f := range shape.Fields {
		if !slices.Contains(o.members, f.Name) {
			return nil, fmt.Errorf("%s.%s stands in the SDK but not in order.txt", shape.Name, f.Name)
		}
	}
	// One order serves both lists, so the schema's text needs no second one.
	if !slices.Equal(required, o.required) {
		return nil, fmt.Errorf("%s: required members are %v in the SDK, %v in order.txt", shape.Name, required, o.required)
	}
	return fields, nil
}

func (g *generator) typeName(t sdk.Type) (string, error) {
	switch t.Kind {
	case sdk.String:
		return "string", nil
	case sdk.Int32:
		return "int32", nil
	case sdk.Int64:
		return "int64", nil
	case sdk.Float32:
		return "float32", nil
	case sdk.Float64:
		return "float64", nil
	case sdk.Bool:
		return "bool", nil
	case sdk.Enum:
		g.enums[t.Name] = true
		return "#" + t.Name, nil
	case sdk.Struct:
		if !g.seen[t.Name] {
			g.seen[t.Name] = true
			g.todo = append(g.todo, t.Name)
		}
		return t.Name, nil
	case sdk.List:
		elem, err := g.typeName(*t.Elem)
		return "[]" + elem, err
	case sdk.Map:
		elem, err := g.typeName(*t.Elem)
		return "{}" + elem, err
	default:
		return "", fmt.Errorf("kind %d has no place in a finding", t.Kind)
	}
}

func limits(structure string, f sdk.Field) string {
	switch f.Type.Kind {
	case sdk.List:
		if m := items.FindStringSubmatch(f.Doc); m != nil {
			return " items=" + orElse(m[1], "0") + ".." + m[2]
		}
	case sdk.String:
		return lengths(structure, f) + mark(timestamp.MatchString(f.Doc), " ts")
	default:
	}
	return ""
}

func lengths(structure string, f sdk.Field) string {
	if unlimited[structure+"."+f.Name] {
		return ""
	}
	if m := bothLengths.FindStringSubmatch(f.Doc); m != nil {
		return " len=" + m[1] + ".." + m[2]
	}
	for _, form := range []*regexp.Regexp{oneLength, maxLength} {
		if m := form.FindStringSubmatch(f.Doc); m != nil {
			return " len=1.." + m[1]
		}
	}
	return ""
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func mark(is bool, s string) string {
	if is {
		return s
	}
	return ""
}

// ordered is one line of order.txt.
type ordered struct{ members, required []string }

// readOrder reads lines of the form "Note (required: Text UpdatedBy): Text UpdatedBy UpdatedAt".
func readOrder(text string) (map[string]ordered, error) {
	order := map[string]ordered{}
	s := bufio.NewScanner(strings.NewReader(text))
	s.Buffer(nil, 1<<20)
	for n := 1; s.Scan(); n++ {
		line := s.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		m := orderLine.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("order.txt:%d: not of the form Name (required: A B): A B C", n)
		}
		if _, twice := order[m[1]]; twice {
			return nil, fmt.Errorf("order.txt:%d: %s stands there twice", n, m[1])
		}
		order[m[1]] = ordered{members: strings.Fields(m[3]), required: strings.Fields(m[2])}
	}
	return order, s.Err()
}

var orderLine = regexp.MustCompile(`^(\w+)(?: \(required: ([\w ]+)\))?:((?: \w+)*)$`)
