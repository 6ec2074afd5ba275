package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReport(t *testing.T) {
	for _, c := range []struct {
		name, in, out string
		ok            bool
	}{
		{
			name: "what passes is a line a package, what is skipped says why", ok: true,
			in: `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:9: noise\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestB","Output":"=== RUN   TestB\n"}
{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:12: the folder is absent\n"}
{"Action":"output","Package":"p","Test":"TestB","Output":"--- SKIP: TestB (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestB"}
{"Action":"pass","Package":"p","Elapsed":1.25}
{"Action":"skip","Package":"empty"}
`,
			out: `ok   p                                           1.2s     1 tests passed
skipped: p TestB: the folder is absent
1 passed, 0 failed, 1 skipped
`,
		},
		{
			name: "what fails shows its output",
			in: `{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:9: it broke\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"exit status 1\n"}
{"Action":"fail","Package":"p","Elapsed":0.5}
`,
			out: `    a_test.go:9: it broke
exit status 1
FAIL p                                           0.5s     0 tests passed
FAILED: p
0 passed, 1 failed, 0 skipped
`,
		},
		{
			name: "so does what does not compile, and other lines pass through",
			in: `go: downloading something
{"ImportPath":"p [p.test]","Action":"build-output","Output":"p.go:3:1: syntax error\n"}
{"ImportPath":"p [p.test]","Action":"build-fail"}
`,
			out: `go: downloading something
p.go:3:1: syntax error
FAILED: p [p.test]
0 passed, 1 failed, 0 skipped
`,
		},
		{name: "a module that could not be tested at all", in: `{"Action":"fail","Package":"e2e"}`, out: `FAIL e2e                                         0.0s     0 tests passed
FAILED: e2e
0 passed, 1 failed, 0 skipped
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			ok, err := report(strings.NewReader(c.in), &out)
			require.NoError(t, err)
			require.Equal(t, c.ok, ok)
			require.Equal(t, c.out, out.String())
		})
	}
}
