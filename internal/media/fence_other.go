//go:build unix && !linux

package media

import (
	"os/exec"
	"syscall"
)

// ownGroup puts the child into a process group of its own.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// runFenced runs cmd to its end. Only Linux can limit a process from outside;
// elsewhere ffmpeg's own bounds and the clock must do.
func runFenced(cmd *exec.Cmd, _ limits) error { return cmd.Run() }

// canFence reports that there is no fence here.
func canFence() bool { return false }
