// Command hubcap is a self-hosted AWS Security Hub: findings come in by its API, are checked, merged, kept and read back.
//
// This package is the only place that knows every room of the house: it reads flags, environment and the configuration file,
// opens the store, builds the hub and starts the edge. A verb of the command line is a file; what is longer than wiring lives
// further down.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli is the command line: a field a verb. Every flag is also an environment variable HUBCAP_<FLAG>.
type cli struct {
	Serve    serveCmd    `cmd:"" help:"Run the hub."`
	Import   importCmd   `cmd:"" help:"Send findings from files to a hub."`
	Findings findingsCmd `cmd:"" help:"Print the findings that match a condition."`
	Update   updateCmd   `cmd:"" help:"Change all findings that match a condition."`
	Jobs     jobsCmd     `cmd:"" help:"List what the hub does in the background."`
	Rules    rulesCmd    `cmd:"" help:"List automation rules, try them, run them."`
	Events   eventsCmd   `cmd:"" help:"Follow what happens to findings, and send it again."`
	Sinks    sinksCmd    `cmd:"" help:"List the receivers of events, try them."`
	Export   exportCmd   `cmd:"" help:"Write all findings that match a condition to a file."`
	Explain  explainCmd  `cmd:"" help:"Tell how the hub would find findings."`
	Lint     lintCmd     `cmd:"" help:"Check findings in files without a hub."`
	Demo     demoCmd     `cmd:"" help:"Fill a hub with findings of an invented company."`
	Bench    benchCmd    `cmd:"" help:"Measure how many findings a second a hub takes."`
	Backup   backupCmd   `cmd:"" help:"Copy everything a hub holds, while it serves."`
	Restore  restoreCmd  `cmd:"" help:"Make a store of a backup."`
	Store    storeCmd    `cmd:"" help:"Look after the store of a hub."`
	Migrate  migrateCmd  `cmd:"" help:"Copy a store into another, of the same kind or another."`
	Doctor   doctorCmd   `cmd:"" help:"Check a store that no hub serves, and mend it."`
	Version  versionCmd  `cmd:"" help:"Print the version."`

	// VersionFlag is for those who try that first. It has no variable: HUBCAP_VERSION is what a script may call a release.
	VersionFlag kong.VersionFlag `name:"version" env:"-" help:"Print the version."`
}

// streams is where a verb reads and writes: the process's own, or a test's.
type streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// exitCode ends the program with a code, everything worth saying having been said.
type exitCode int //nolint:errname // a number that ends the program, told by nobody

func (e exitCode) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// exited is what kong's own exits (after --help) are turned into, so that Main returns instead of ending the process.
type exited int

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once: the first one's handler is given back as soon as it was heard.
	context.AfterFunc(ctx, stop)
	code := Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Main runs the command line and returns the exit code: 0 done, 1 failed, 2 not understood. It ends when ctx does: serve then
// finishes what it acknowledged and returns 0.
func Main(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case exited:
			code = int(e)
		default:
			panic(e)
		}
	}()

	var root cli
	parser, err := kong.New(&root,
		kong.Name("hubcap"),
		kong.Description("A self-hosted AWS Security Hub."),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.DefaultEnvars("HUBCAP"),
		kong.Vars{"version": versionLine()},
		kong.Resolvers(&fileResolver{}),
		kong.Writers(stdout, stderr),
		kong.Exit(func(c int) { panic(exited(c)) }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(&streams{In: stdin, Out: stdout, Err: stderr}),
	)
	if err != nil {
		complain(stderr, err)
		return 2
	}
	if len(args) > 0 && args[0] == "help" { // what people try first
		args = append(args[1:len(args):len(args)], "--help")
	}
	kctx, err := parser.Parse(args)
	if err != nil {
		complain(stderr, err)
		_, _ = io.WriteString(stderr, "Run hubcap --help for what there is.\n")
		return 2
	}
	if err = kctx.Run(); err == nil {
		return 0
	}
	if e, ok := errors.AsType[exitCode](err); ok {
		return int(e)
	}
	complain(stderr, err)
	return 1
}

// complain prints an error, each of joined ones on its own line.
func complain(w io.Writer, err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			complain(w, e)
		}
		return
	}
	_, _ = fmt.Fprintln(w, "hubcap:", printable(err.Error()))
}
