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

// openings are everything: only Linux has a fence.
func openings() []string {
	return []string{"the files of this user, the network and this user's processes (only Linux has a fence)"}
}
