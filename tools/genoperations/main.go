// Command genoperations writes docs/operations.md: a row an operation of the service, whether hubcap answers it, the end-to-end test
// that holds it, and the differences from AWS that speak of it. It reads what is there, the generated table of rows, the bindings of
// internal/server, the files of e2e and docs/differences.md, so that nobody has to keep the page true by hand.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	root := flag.String("root", "..", "the project's folder")
	flag.Parse()
	if err := run(*root); err != nil {
		fmt.Fprintln(os.Stderr, "genoperations:", err)
		os.Exit(1)
	}
}

func run(root string) error {
	text, err := generate(root)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, "docs", "operations.md"), text, 0o644) //nolint:gosec // a page, read by everyone
}
