package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the scripts run hubcap as a command of its own, and tests the processes that they kill.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"hubcap": main, "sweeping": sweeping})
}

// TestScripts runs the command line as its users type it: testdata/script, a file a story.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       os.Getenv("HUBCAP_UPDATE_SCRIPTS") != "",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}
