package querytest

import (
	"testing"

	"github.com/cockroachdb/datadriven"
)

// TestCorpus runs the corpus on the model from its files, so that -rewrite can put the model's answers in.
func TestCorpus(t *testing.T) {
	datadriven.Walk(t, "testdata/corpus", func(t *testing.T, path string) {
		m := NewModel()
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string { return command(t, m, d) })
	})
}
