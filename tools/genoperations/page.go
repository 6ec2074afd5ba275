package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// row is one operation of the page.
type row struct {
	name, method, pattern, action string
	v2, own                       bool
	built                         bool
	test                          string   // file under e2e, "" where there is none
	differences                   []string // D12, in the page's order
}

const preamble = `# Operations

What of the Security Hub API hubcap answers, an operation a row. What is not built answers 501 ` + "`NotImplementedException`" + ` with its name, to
who may ask for it (D22, D108). *Test* is the file under ` + "`e2e/`" + ` that calls it by the AWS SDK for Go; *differences* are the numbers of
[differences.md](differences.md) that speak of it, beside those about every request.

` + "`make gen`" + ` writes this page from the sources.
`

// generate answers the page of the project in a folder.
func generate(root string) ([]byte, error) {
	rows, err := operations(filepath.Join(root, "internal", "api", "operations_gen.go"))
	if err != nil {
		return nil, err
	}
	own, err := extensions(filepath.Join(root, "internal", "server", "extensions.go"))
	if err != nil {
		return nil, err
	}
	built, err := bindings(filepath.Join(root, "internal", "server", "bind.go"))
	if err != nil {
		return nil, err
	}
	differences, err := numbered(filepath.Join(root, "docs", "differences.md"))
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(rows))
	for _, r := range rows {
		names = append(names, r.name)
	}
	rows = append(rows, own...)
	for i := range rows {
		r := &rows[i]
		r.built = r.own || built[r.name]
		delete(built, r.name)
		if file := testFile(r.name); exists(filepath.Join(root, "e2e", file)) {
			r.test = file
		}
		for _, d := range differences {
			if d.speaksOf(r.name, names) {
				r.differences = append(r.differences, d.number)
			}
		}
	}
	for name := range built {
		return nil, fmt.Errorf("%s is bound but is no operation", name)
	}
	var b bytes.Buffer
	b.WriteString(preamble)
	section(&b, "The classic API", rows, func(r *row) bool { return !r.v2 && !r.own })
	section(&b, "The second version", rows, func(r *row) bool { return r.v2 })
	section(&b, "hubcap's own", rows, func(r *row) bool { return r.own })
	return b.Bytes(), nil
}

func section(b *bytes.Buffer, title string, rows []row, in func(*row) bool) {
	var lines []string
	built := 0
	for i := range rows {
		r := &rows[i]
		if !in(r) {
			continue
		}
		answered, test := "no", ""
		if r.built {
			answered, built = "yes", built+1
		}
		if r.test != "" {
			test = "[" + r.test + "](../e2e/" + r.test + ")"
		}
		action := ""
		if short := strings.TrimPrefix(strings.TrimPrefix(r.action, "securityhub:"), "hubcap:"); short != r.name {
			action = " (as `" + r.action + "`)"
		}
		lines = append(lines, fmt.Sprintf("| %s%s | `%s %s` | %s | %s | %s |\n", r.name, action, r.method, r.pattern, answered, test,
			strings.Join(r.differences, ", ")))
	}
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n%d of %d are built.\n\n| operation | request | built | test | differences |\n|---|---|---|---|---|\n", title, built, len(lines))
	for _, l := range lines {
		b.WriteString(l)
	}
}

// testFile is the name of the file that tests an operation: BatchGetSecurityControls is batch_get_security_controls_test.go.
func testFile(operation string) string {
	snake := regexp.MustCompile(`([a-z0-9])([A-Z])`).ReplaceAllString(strings.TrimSuffix(operation, "V2"), "${1}_${2}")
	if strings.HasSuffix(operation, "V2") {
		snake += "_v2"
	}
	return strings.ToLower(snake) + "_test.go"
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// literals parses a Go file and hands every composite literal and call to visit, until it errs.
func literals(path string, visit func(ast.Node) error) error {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if err == nil && n != nil {
			err = visit(n)
		}
		return err == nil
	})
	return err
}

// text is the value of a string literal.
func text(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

// operations reads the generated rows.
func operations(path string) ([]row, error) {
	var rows []row
	err := literals(path, func(n ast.Node) error {
		lit, ok := n.(*ast.CompositeLit)
		if !ok || lit.Type != nil {
			return nil
		}
		var r row
		for _, e := range lit.Elts {
			kv, ok := e.(*ast.KeyValueExpr)
			if !ok {
				return nil
			}
			key, _ := kv.Key.(*ast.Ident)
			if key == nil {
				return nil
			}
			switch s, _ := text(kv.Value); key.Name {
			case "Name":
				r.name = s
			case "Method":
				r.method = s
			case "Pattern":
				r.pattern = s
			case "Action":
				r.action = s
			case "V2":
				r.v2 = true
			}
		}
		if r.name == "" || r.method == "" || r.pattern == "" || r.action == "" {
			return fmt.Errorf("%s: a row without a name, a method, a pattern or an action: %+v", path, r)
		}
		rows = append(rows, r)
		return nil
	})
	if err == nil && len(rows) == 0 {
		err = errors.New(path + ": no rows")
	}
	return rows, err
}

// extensions reads hubcap's own rows: calls of extend with three texts.
func extensions(path string) ([]row, error) {
	var rows []row
	err := literals(path, func(n ast.Node) error {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) < 4 {
			return nil
		}
		if f, ok := call.Fun.(*ast.Ident); !ok || f.Name != "extend" {
			return nil
		}
		name, ok1 := text(call.Args[0])
		method, ok2 := text(call.Args[1])
		pattern, ok3 := text(call.Args[2])
		if !ok1 || !ok2 || !ok3 {
			return fmt.Errorf("%s: extend is called with what is no text", path)
		}
		rows = append(rows, row{name: name, method: method, pattern: "/hubcap/v1/" + pattern, action: "hubcap:" + name, own: true})
		return nil
	})
	return rows, err
}

// bindings reads which operations a method is bound to: the keys of the map.
func bindings(path string) (map[string]bool, error) {
	built := map[string]bool{}
	err := literals(path, func(n ast.Node) error {
		lit, ok := n.(*ast.CompositeLit)
		if !ok {
			return nil
		}
		if _, ok := lit.Type.(*ast.MapType); !ok {
			return nil
		}
		for _, e := range lit.Elts {
			kv, ok := e.(*ast.KeyValueExpr)
			if !ok {
				return fmt.Errorf("%s: the map of bindings has an entry without a key", path)
			}
			name, ok := text(kv.Key)
			if !ok {
				return fmt.Errorf("%s: the map of bindings has a key that is no text", path)
			}
			built[name] = true
		}
		return nil
	})
	if err == nil && len(built) == 0 {
		err = errors.New(path + ": no bindings")
	}
	return built, err
}

// difference is one numbered item.
type difference struct {
	number  string
	section string   // the heading it stands under
	words   []string // that may name an operation: DescribeHub, TestDescribeHub
}

// sections are the headings whose items are about one operation, unless they name others.
var sections = map[string]string{"Importing": "BatchImportFindings", "Updating": "BatchUpdateFindings", "Asking": "GetFindings"}

var (
	heading = regexp.MustCompile(`(?m)^## (.*)$`)
	item    = regexp.MustCompile(`(?m)^- \*\*(D\d+)\*\* `)
	word    = regexp.MustCompile(`[A-Z][A-Za-z0-9]+`)
)

// numbered reads the items of docs/differences.md in their order.
func numbered(path string) ([]difference, error) {
	page, err := os.ReadFile(path) //nolint:gosec // a page of the project
	if err != nil {
		return nil, err
	}
	var all []difference
	at := item.FindAllSubmatchIndex(page, -1)
	for i, m := range at {
		end := len(page)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		body, _, _ := bytes.Cut(page[m[1]:end], []byte("\n## "))
		d := difference{number: string(page[m[2]:m[3]]), words: word.FindAllString(string(body), -1)}
		for _, h := range heading.FindAllSubmatch(page[:m[0]], -1) {
			d.section = string(h[1])
		}
		all = append(all, d)
	}
	if len(all) == 0 {
		return nil, errors.New(path + ": no numbered differences")
	}
	slices.SortStableFunc(all, func(a, b difference) int { return rank(a.number) - rank(b.number) })
	return all, nil
}

func rank(number string) int {
	n, _ := strconv.Atoi(strings.TrimPrefix(number, "D"))
	return n
}

// speaksOf tells whether an item is about an operation: it names it, or a test named for it, or it names none and stands under the
// operation's heading. names are those of all operations; of those that a test's name begins with the longest is meant.
func (d difference) speaksOf(name string, names []string) bool {
	return slices.ContainsFunc(d.words, func(w string) bool { return meant(w, names) == name }) ||
		sections[d.section] == name && !slices.ContainsFunc(d.words, func(w string) bool { return meant(w, names) != "" })
}

// meant is the operation that a word names, "" where it names none.
func meant(w string, names []string) string {
	if slices.Contains(names, w) {
		return w
	}
	longest := ""
	if test, ok := strings.CutPrefix(w, "Test"); ok {
		for _, name := range names {
			if strings.HasPrefix(test, name) && len(name) > len(longest) {
				longest = name
			}
		}
	}
	return longest
}
