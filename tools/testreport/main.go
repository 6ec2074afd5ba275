// Command testreport reads what `go test -json` writes, from one module or several in a row, and tells what a person wants to know:
// a line a package, the output of what failed, and at the end every skipped test with its reason. A test that silently does not run
// looks like one that passes; here it does not.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
)

func main() {
	ok, err := report(os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

// event is one line of go test -json (go doc test2json).
type event struct {
	Action     string
	Package    string
	ImportPath string // of build-output, build-fail
	Test       string
	Output     string
	Elapsed    float64
}

type key struct{ pkg, test string }

type skipped struct {
	key
	reason string
}

type reporter struct {
	out     *bufio.Writer
	outputs map[key][]string // of tests that are not over
	builds  map[string][]string
	passed  map[string]int
	skips   []skipped
	failed  map[string]bool
	broken  int // tests that failed, and packages that failed otherwise
}

// report answers whether everything passed.
func report(in io.Reader, out io.Writer) (ok bool, err error) {
	r := reporter{
		out: bufio.NewWriter(out), outputs: map[key][]string{}, builds: map[string][]string{},
		passed: map[string]int{}, failed: map[string]bool{},
	}
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			var e event
			if line[0] != '{' || json.Unmarshal([]byte(line), &e) != nil {
				fmt.Fprint(r.out, line)
			} else {
				r.event(&e)
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return false, err
		}
	}
	r.summary()
	return len(r.failed) == 0, r.out.Flush()
}

func (r *reporter) event(e *event) {
	k := key{e.Package, e.Test}
	switch e.Action {
	case "output":
		r.outputs[k] = append(r.outputs[k], e.Output)
	case "build-output":
		r.builds[e.ImportPath] = append(r.builds[e.ImportPath], e.Output)
	case "build-fail":
		r.failed[e.ImportPath] = true
		r.broken++
		r.write(r.builds[e.ImportPath])
	case "pass":
		if e.Test != "" {
			r.passed[e.Package]++
			break
		}
		r.line("ok  ", e)
	case "skip":
		if e.Test != "" { // a package that is skipped has no tests
			r.skips = append(r.skips, skipped{k, reason(r.outputs[k])})
		}
	case "fail":
		if e.Test != "" || !r.failed[e.Package] { // a package that fails without a failing test counts as one
			r.broken++
		}
		r.failed[e.Package] = true
		r.write(r.outputs[k])
		if e.Test == "" {
			r.line("FAIL", e)
		}
	default:
		return
	}
	if e.Action != "output" && e.Action != "build-output" {
		delete(r.outputs, k)
	}
}

func (r *reporter) line(verdict string, e *event) {
	fmt.Fprintf(r.out, "%s %-40s %6.1fs %5d tests passed\n", verdict, e.Package, e.Elapsed, r.passed[e.Package])
	_ = r.out.Flush() // as it goes: the next package may take minutes; the last Flush reports what is wrong with the writer
}

func (r *reporter) write(lines []string) {
	for _, l := range lines {
		fmt.Fprint(r.out, l)
	}
}

func (r *reporter) summary() {
	slices.SortFunc(r.skips, func(a, b skipped) int {
		return cmp.Or(strings.Compare(a.pkg, b.pkg), strings.Compare(a.test, b.test))
	})
	for _, s := range r.skips {
		fmt.Fprintf(r.out, "skipped: %s %s: %s\n", s.pkg, s.test, s.reason)
	}
	if len(r.failed) > 0 {
		names := make([]string, 0, len(r.failed))
		for f := range r.failed {
			names = append(names, f)
		}
		slices.Sort(names)
		fmt.Fprintf(r.out, "FAILED: %s\n", strings.Join(names, " "))
	}
	passed := 0
	for _, n := range r.passed {
		passed += n
	}
	fmt.Fprintf(r.out, "%d passed, %d failed, %d skipped\n", passed, r.broken, len(r.skips))
}

var said = regexp.MustCompile(`^\s+\S+\.(?:go|ts|mjs):\d+: (.*)`)

// reason is what t.Skip was given.
func reason(output []string) string {
	for _, l := range slices.Backward(output) {
		if m := said.FindStringSubmatch(strings.TrimRight(l, "\n")); m != nil {
			return m[1]
		}
	}
	return "no reason given"
}
