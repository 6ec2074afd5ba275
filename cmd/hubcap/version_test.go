package main

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVersionName(t *testing.T) {
	built := func(module string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: module}, Settings: settings}
	}
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "0123456789abcdef0123"}
	for _, c := range []struct {
		want    string
		release string
		info    *debug.BuildInfo
	}{
		{"unknown", "", nil},
		{"devel", "", built("(devel)")},
		{"devel", "", built("")},
		{"devel-0123456789ab", "", built("(devel)", revision)},
		{"devel-0123456789ab+changes", "", built("", revision, debug.BuildSetting{Key: "vcs.modified", Value: "true"})},
		{"v1.2.3", "", built("v1.2.3", revision)},
		{"v2.0.0", "v2.0.0", built("v1.2.3", revision)},
	} {
		version = c.release
		require.Equal(t, c.want, versionName(c.info))
	}
	version = ""
}
