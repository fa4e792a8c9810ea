//go:build unix && !linux

package media

import (
	"os/exec"
	"syscall"
)

// fence lists the files that a child may use; it is not enforced here.
type fence struct {
	read  []string
	write []string
}

// ownGroup puts the child into a process group of its own.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// runFenced runs cmd to its end. Only Linux can limit a process from outside;
// elsewhere ffmpeg's own bounds and the clock must do.
func runFenced(cmd *exec.Cmd, _ limits) error { return cmd.Run() }

func (c *Converter) fence(read, write string) *fence { return nil }
