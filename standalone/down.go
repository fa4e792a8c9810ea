package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"orak/standalone/servers"
)

// downCommand ends the process that uses a data folder.
type downCommand struct {
	DataDir string `help:"The data folder." default:".orak"`
}

// Run returns once the process is gone. It is no error if none runs.
func (c *downCommand) Run() error { return c.down(os.Stdout) }

func (c *downCommand) down(w io.Writer) error {
	pid, err := servers.Holder(c.DataDir)
	if errors.Is(err, servers.ErrNotInUse) {
		_, err := fmt.Fprintf(w, "nothing runs on %s\n", c.DataDir)
		return err
	}
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		return fmt.Errorf("ending process %d: %w", pid, err)
	}
	for deadline := time.Now().Add(stopTimeout + stopServersTimeout + 5*time.Second); time.Now().Before(deadline); {
		if !running(pid) {
			_, err := fmt.Fprintf(w, "ended process %d, which ran on %s\n", pid, c.DataDir)
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("ending process %d: it still runs; kill -9 %d ends it, and loses nothing", pid, pid)
}
