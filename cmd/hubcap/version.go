package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is the release this binary was built from; the build sets it with -ldflags "-X main.version=v1.2.3".
var version string

// versionCmd is `hubcap version`.
type versionCmd struct{}

// Run prints one line: the version, the toolchain and the platform.
func (versionCmd) Run(_ context.Context, std *streams) error {
	_, err := fmt.Fprintln(std.Out, versionLine())
	return err
}

func versionLine() string {
	info, _ := debug.ReadBuildInfo()
	return fmt.Sprintf("hubcap %s %s %s/%s", versionName(info), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// versionName is the release; else what the toolchain knows of the sources, so that a bug report can name them.
func versionName(info *debug.BuildInfo) string {
	if version != "" {
		return version
	}
	if info == nil {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	revision, changed := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(len(s.Value), 12)]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+changes"
		}
	}
	if revision == "" {
		return "devel"
	}
	return "devel-" + revision + changed
}
