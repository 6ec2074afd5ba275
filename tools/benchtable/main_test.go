package main

import (
	"strings"
	"testing"
)

const ran = `hubcap: v1
go version go1.26
goos: linux
pkg: hubcap/internal/store/embedded
BenchmarkStore/bare-put-2   	       1	     40000 findings/s	        33.30 cpu-us/finding	         2.000 allocs/finding
BenchmarkStore/insert-2     	       1	     26000 findings/s	        60.00 cpu-us/finding	        21.500 allocs/finding
BenchmarkStore/find/id-2    	    1000	      9000 ns/op
PASS
ok  	hubcap/internal/store/embedded	3.1s
BenchmarkServe/new/clients=16-2	     600	  13848163 ns/op	        91.50 cpu-us/finding	     20000 findings/s	        38.00 allocs/finding
`

func TestTable(t *testing.T) {
	var out strings.Builder
	if err := table(strings.NewReader(ran), &out); err != nil {
		t.Fatal(err)
	}
	want := `hubcap: v1
go version go1.26

|                                  | findings/s | CPU us each |    allocs |  of bare |
|----------------------------------|-----------:|------------:|----------:|---------:|
| Store/bare-put                   |      40000 |        33.3 |       2.0 |     1.00 |
| Store/insert                     |      26000 |        60.0 |      21.5 |     0.65 |
| Serve/new/clients=16             |      20000 |        91.5 |      38.0 |     0.50 |
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

// In repeated runs each row is held against the bare put of its own.
func TestTableOfRepeatedRuns(t *testing.T) {
	const in = `BenchmarkStore/bare-put-2 1 40000 findings/s
BenchmarkStore/insert-2 1 10000 findings/s
BenchmarkStore/bare-put-2 1 20000 findings/s
BenchmarkStore/insert-2 1 10000 findings/s
`
	var out strings.Builder
	if err := table(strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	first, second := strings.Index(out.String(), "0.25 |"), strings.Index(out.String(), "0.50 |")
	if first < 0 || second < first {
		t.Error(out.String())
	}
}

func TestTableTellsFailure(t *testing.T) {
	for _, in := range []string{"", "PASS\n", ran + "--- FAIL: BenchmarkServe\n    bench_test.go:1: no\nFAIL\n"} {
		if err := table(strings.NewReader(in), new(strings.Builder)); err == nil {
			t.Errorf("%q: no error", in)
		}
	}
}

// What a sink costs has a table of its own, with the goals.
func TestTableOfEvents(t *testing.T) {
	const in = `BenchmarkStore/bare-put-2 1 40000 findings/s
BenchmarkEvents/sinks=0-2 1200 20832727 ns/op 1.919 allocs/finding 43.75 cpu-us/finding 16000 findings/s
BenchmarkEvents/sinks=1-2 1200 6.885 ns/op 100.4 allocs/finding 97.29 cpu-us/finding 14400 findings/s 15.00 goal-% 11.11 slower-%
BenchmarkEvents/lag-2 1200 20304687 ns/op 97.82 allocs/finding 132.8 cpu-us/finding 4928 findings/s 1000 goal-ms 15.73 p50-ms 511.2 p99-ms
`
	var out strings.Builder
	if err := table(strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	want := `
|                      | findings/s | CPU us each |    allocs | slower % | lag p50 ms | lag p99 ms |     goal |
|----------------------|-----------:|------------:|----------:|---------:|-----------:|-----------:|---------:|
| Events/sinks=0       |      16000 |        43.8 |       1.9 |          |            |            |          |
| Events/sinks=1       |      14400 |        97.3 |     100.4 |     11.1 |            |            |  <= 15 % |
| Events/lag           |       4928 |       132.8 |      97.8 |          |       15.7 |      511.2 |   < 1000 |
`
	if !strings.HasSuffix(out.String(), want) {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

// Questions have a table of their own for each benchmark: a row a question, columns by the number of findings.
func TestTableOfSizes(t *testing.T) {
	const in = `BenchmarkQuestions/n=1000/id-2 1 0.5000 goal-ms 0.4000 p50-ms 1.200 p99-ms 3.7 KB
BenchmarkQuestions/n=1000/id/importing-2 1 0.5000 goal-ms 0.7000 p50-ms 2.500 p99-ms
BenchmarkQuestions/n=1000/newest-2 1 3.000 goal-ms 3.100 p50-ms 12.50 p99-ms
BenchmarkQuestions/n=1000/newest/importing-2 1 3.000 goal-ms 6.100 p50-ms 23.90 p99-ms
BenchmarkQuestions/n=1000/resident-2 1 120.0 MB 100 goal-MB
BenchmarkQuestions/n=5000000/id-2 1 0.5000 goal-ms 0.6000 p50-ms 1.300 p99-ms
BenchmarkQuestions/n=5000000/resident-2 1 480.0 MB
BenchmarkQuestions/n=1000/slow-2 1 1.0 p50-ms 4.1 p99-ms
BenchmarkQuestionsPostgres/n=1000/id-2 1 15.00 goal-ms 2.000 p50-ms 3.000 p99-ms
`
	var out strings.Builder
	if err := table(strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	want := `
Questions

| ms (resident: MB)          |     goal |      1000 |       p99 | importing |       p99 |    grew |   5000000 |       p99 | importing |       p99 |
|----------------------------|---------:|----------:|----------:|----------:|----------:|--------:|----------:|----------:|----------:|----------:|
| id                         |      0.5 |      0.40 |      1.20 |      0.70 |      2.50 |    1.5x |      0.60 |      1.30 |           |           |
| newest                     |        3 |     3.10! |    12.50! |     6.10! |     23.90 |         |           |           |           |           |
| resident                   |      100 |    120.0! |           |           |           |    4.0x |     480.0 |           |           |           |
| slow                       |          |      1.00 |     4.10~ |           |           |         |           |           |           |           |

QuestionsPostgres

| ms (resident: MB)          |     goal |      1000 |       p99 | importing |       p99 |
|----------------------------|---------:|----------:|----------:|----------:|----------:|
| id                         |       15 |      2.00 |      3.00 |           |           |

! above its goal, which is for up to a million findings: four times as much for a p99, and while others import twice that
~ a p99 above four times the middle beside it
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}
