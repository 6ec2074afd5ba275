// Command genapi writes what internal/api knows of the service: operations_gen.go, a row an operation, and shapes_gen.go, the inputs
// and outputs with their names on the wire.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"hubcap/tools/internal/sdk"
)

func main() {
	dir := flag.String("dir", ".", "folder to write to")
	flag.Parse()
	if err := run(context.Background(), *dir); err != nil {
		fmt.Fprintln(os.Stderr, "genapi:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string) error {
	from, err := sdk.Dir(ctx)
	if err != nil {
		return err
	}
	files, err := generate(from)
	if err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil { //nolint:gosec // a source file, read by everyone
			return err
		}
	}
	return nil
}

// generate answers the files' contents by name.
func generate(from string) (map[string][]byte, error) {
	src, err := sdk.Load(from)
	if err != nil {
		return nil, err
	}
	ops, err := src.Operations()
	if err != nil {
		return nil, err
	}
	rows, err := operations(ops)
	if err != nil {
		return nil, err
	}
	shapes, err := shapes(src, ops)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{"operations_gen.go": rows, "shapes_gen.go": shapes}, nil
}
