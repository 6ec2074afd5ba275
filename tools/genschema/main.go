// Command genschema writes the schema of the AWS Security Finding Format that hubcap checks findings by: every structure from
// AwsSecurityFinding down, as the SDK's source and the service model's order of members (order.txt) tell it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"hubcap/tools/internal/sdk"
)

func main() {
	out := flag.String("o", "schema.txt", "file to write")
	flag.Parse()
	if err := run(context.Background(), *out); err != nil {
		fmt.Fprintln(os.Stderr, "genschema:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out string) error {
	dir, err := sdk.Dir(ctx)
	if err != nil {
		return err
	}
	text, notes, err := generate(dir)
	if err != nil {
		return err
	}
	for _, n := range notes {
		fmt.Fprintln(os.Stderr, "genschema:", n)
	}
	return os.WriteFile(out, text, 0o644) //nolint:gosec // a source file, read by everyone
}
