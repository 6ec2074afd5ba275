package postgrestest

import (
	"os/exec"
	"runtime"
	"syscall"
)

// startBound starts a process that ends with this one, however that ends.
func startBound(c *exec.Cmd) error {
	c.SysProcAttr.Pdeathsig = syscall.SIGQUIT
	started := make(chan error)
	go func() {
		// The signal comes when the thread ends that started the process: this one stays.
		runtime.LockOSThread()
		err := c.Start()
		started <- err
		if err == nil {
			select {}
		}
	}()
	return <-started
}
