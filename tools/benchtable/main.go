// Command benchtable turns what `go test -bench` writes into the table that people compare: a row for each benchmark that counts
// findings, with findings a second, processor time and allocations a finding, and for the store's rows the share of the bare put
// of the same documents in the same run. Lines before the first benchmark (machine, versions) stay above the table. What was asked of
// hubs with numbers of findings has a table of its own: a row a question, the goal, and for each number the times, also while
// others import, and how the middle of them grew. What misses its goal is marked.
package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func main() {
	if err := table(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "benchtable:", err)
		os.Exit(1)
	}
}

// row is one benchmark: its name without the number of processors, and its figures by unit.
type row struct {
	name    string
	figures map[string]float64
}

var processors = regexp.MustCompile(`-\d+$`)

// bare is the row that the store's rows are held against.
const bare = "Store/bare-put"

func table(in io.Reader, out io.Writer) error {
	var rows []row
	failed := false
	w := bufio.NewWriter(out)
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		switch r, ok := parse(line); {
		case ok:
			rows = append(rows, r)
		case strings.HasPrefix(line, "FAIL") || strings.HasPrefix(line, "--- FAIL") || strings.HasPrefix(line, "panic:"):
			failed = true
			fmt.Fprintln(w, line)
		case len(rows) == 0 && !chatter(line) || failed:
			fmt.Fprintln(w, line)
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	write(w, rows)
	if err := w.Flush(); err != nil {
		return err
	}
	if failed {
		return errors.New("a benchmark failed: see above")
	}
	if len(rows) == 0 {
		return errors.New("no benchmark that counts findings ran")
	}
	return nil
}

// chatter is what go test says about each package.
func chatter(line string) bool {
	for _, p := range []string{"goos:", "goarch:", "pkg:", "cpu:", "PASS", "ok ", "ok\t", "Benchmark", "?"} {
		if strings.HasPrefix(line, p) {
			return true
		}
	}
	return strings.TrimSpace(line) == ""
}

// parse reads a result line; false for a benchmark that counts no findings.
func parse(line string) (row, bool) {
	fields := strings.Fields(line)
	if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
		return row{}, false
	}
	r := row{name: processors.ReplaceAllString(strings.TrimPrefix(fields[0], "Benchmark"), ""), figures: map[string]float64{}}
	for i := 2; i+1 < len(fields); i += 2 {
		v, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			return row{}, false
		}
		r.figures[fields[i+1]] = v
	}
	_, counts := r.figures["findings/s"]
	return r, counts || r.sized()
}

// sized tells whether a row is of a hub with a number of findings: Questions/n=1000000/newest.
func (r *row) sized() bool { return strings.Contains(r.name, "/n=") }

// told tells whether a row is of what events cost: Events/sinks=1.
func (r *row) told() bool { return strings.HasPrefix(r.name, "Events/") }

func write(w *bufio.Writer, rows []row) {
	if plain := slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return r.sized() || r.told() }); len(plain) > 0 {
		writePlain(w, plain)
	}
	if told := slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return !r.told() }); len(told) > 0 {
		writeTold(w, told)
	}
	var series []string
	for _, r := range rows {
		if name := r.series(); r.sized() && !slices.Contains(series, name) {
			series = append(series, name)
		}
	}
	for _, name := range series {
		writeSized(w, name, slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return !r.sized() || r.series() != name }))
	}
	if len(series) > 0 {
		fmt.Fprintln(w, "\n! above its goal, which is for up to a million findings: four times as much for a p99, and while others import twice that")
		fmt.Fprintln(w, "~ a p99 above four times the middle beside it")
	}
}

// series is the benchmark that a sized row is of: each has a table.
func (r *row) series() string {
	name, _, _ := strings.Cut(r.name, "/n=")
	return name
}

const importing = "/importing"

// writeSized writes what was asked of hubs of several sizes.
func writeSized(w *bufio.Writer, series string, rows []row) {
	var sizes, names []string
	of := map[string]row{}
	for _, r := range rows {
		_, rest, _ := strings.Cut(r.name, "/n=")
		size, name, _ := strings.Cut(rest, "/")
		if !slices.Contains(sizes, size) {
			sizes = append(sizes, size)
		}
		if plain := strings.TrimSuffix(name, importing); !slices.Contains(names, plain) {
			names = append(names, plain)
		}
		of[size+"/"+name] = r
	}
	head, line := fmt.Sprintf("\n%s\n\n| %-26s | %8s |", series, "ms (resident: MB)", "goal"), "|"+strings.Repeat("-", 28)+"|---------:|"
	for i, size := range sizes {
		if i > 0 {
			head, line = head+fmt.Sprintf(" %7s |", "grew"), line+"--------:|"
		}
		head += fmt.Sprintf(" %9s | %9s | %9s | %9s |", size, "p99", "importing", "p99")
		line += strings.Repeat("----------:|", 4)
	}
	fmt.Fprintf(w, "%s\n%s\n", head, line)
	for _, name := range names {
		first, goal := of[sizes[0]+"/"+name], ""
		if g := cmp.Or(first.figures["goal-ms"], first.figures["goal-MB"]); g > 0 {
			goal = strconv.FormatFloat(g, 'f', -1, 64)
		}
		fmt.Fprintf(w, "| %-26s | %8s |", name, goal)
		for i, size := range sizes {
			r, busy := of[size+"/"+name], of[size+"/"+name+importing]
			if i > 0 {
				fmt.Fprintf(w, " %7s |", grew(first, r))
			}
			for _, f := range []string{middle(r, size, 1), slowest(r, size, 1), middle(busy, size, 2), slowest(busy, size, 2)} {
				fmt.Fprintf(w, " %9s |", f)
			}
		}
		fmt.Fprintln(w)
	}
}

// middle is the middle of the times, or the memory of a row that has none. times is how often the goal it may be.
func middle(r row, size string, times float64) string {
	if mb := figure(r, "MB"); mb != "" {
		return mb + missed(size, r.figures["MB"], r.figures["goal-MB"])
	}
	v, ok := r.figures["p50-ms"]
	if !ok {
		return ""
	}
	return milliseconds(v) + missed(size, v, times*r.figures["goal-ms"])
}

// tail is how often the middle a p99 may be.
const tail = 4

func slowest(r row, size string, times float64) string {
	v, ok := r.figures["p99-ms"]
	if !ok {
		return ""
	}
	mark := missed(size, v, tail*times*r.figures["goal-ms"])
	if mark == "" && v > tail*r.figures["p50-ms"] {
		mark = "~"
	}
	return milliseconds(v) + mark
}

// missed marks a figure above a goal; 0: there is none.
func missed(size string, v, goal float64) string {
	if n, err := strconv.Atoi(size); err != nil || n > 1_000_000 || goal == 0 || v <= goal {
		return ""
	}
	return "!"
}

func milliseconds(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }

// grew is by how much a figure grew.
func grew(from, to row) string {
	for _, unit := range []string{"p50-ms", "MB"} {
		if a, b := from.figures[unit], to.figures[unit]; a > 0 && b > 0 {
			return strconv.FormatFloat(b/a, 'f', 1, 64) + "x"
		}
	}
	return ""
}

// writeTold writes what a sink costs an import, and how long after a change its event arrives.
func writeTold(w *bufio.Writer, rows []row) {
	fmt.Fprintf(w, "\n| %-20s | %10s | %11s | %9s | %8s | %10s | %10s | %8s |\n", "", "findings/s", "CPU us each", "allocs", "slower %", "lag p50 ms", "lag p99 ms", "goal")
	fmt.Fprintf(w, "|%s|%s:|%s:|%s:|%s:|%s:|%s:|%s:|\n", strings.Repeat("-", 22), strings.Repeat("-", 11), strings.Repeat("-", 12), strings.Repeat("-", 10),
		strings.Repeat("-", 9), strings.Repeat("-", 11), strings.Repeat("-", 11), strings.Repeat("-", 9))
	for _, r := range rows {
		goal := ""
		if g, ok := r.figures["goal-%"]; ok {
			goal = "<= " + strconv.FormatFloat(g, 'g', -1, 64) + " %"
		} else if g, ok := r.figures["goal-ms"]; ok {
			goal = "< " + strconv.FormatFloat(g, 'f', -1, 64)
		}
		fmt.Fprintf(w, "| %-20s | %10.0f | %11s | %9s | %8s | %10s | %10s | %8s |\n", r.name, r.figures["findings/s"], figure(r, "cpu-us/finding"),
			figure(r, "allocs/finding"), figure(r, "slower-%"), figure(r, "p50-ms"), figure(r, "p99-ms"), goal)
	}
}

func writePlain(w *bufio.Writer, rows []row) {
	var put float64 // of the run that a row belongs to: the last one before it
	fmt.Fprintf(w, "\n| %-32s | %10s | %11s | %9s | %8s |\n", "", "findings/s", "CPU us each", "allocs", "of bare")
	fmt.Fprintf(w, "|%s|%s:|%s:|%s:|%s:|\n", strings.Repeat("-", 34), strings.Repeat("-", 11), strings.Repeat("-", 12), strings.Repeat("-", 10), strings.Repeat("-", 9))
	for _, r := range rows {
		if r.name == bare {
			put = r.figures["findings/s"]
		}
		share := ""
		if put > 0 && !strings.HasPrefix(r.name, "BatchRead") {
			share = fmt.Sprintf("%.2f", r.figures["findings/s"]/put)
		}
		fmt.Fprintf(w, "| %-32s | %10.0f | %11s | %9s | %8s |\n", r.name, r.figures["findings/s"],
			figure(r, "cpu-us/finding"), figure(r, "allocs/finding"), share)
	}
}

func figure(r row, unit string) string {
	v, ok := r.figures[unit]
	if !ok {
		return ""
	}
	return strconv.FormatFloat(v, 'f', 1, 64)
}
