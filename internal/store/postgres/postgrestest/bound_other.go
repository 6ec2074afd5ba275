//go:build !linux

package postgrestest

import "os/exec"

// startBound starts a process.
func startBound(c *exec.Cmd) error { return c.Start() }
