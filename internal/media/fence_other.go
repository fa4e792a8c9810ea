//go:build unix && !linux

package media

import (
	"os/exec"
	"syscall"
)

// ownGroup puts the child into a process group of its own.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// runFenced runs cmd to its end. Only Linux can limit a process from outside;
// elsewhere only ffmpeg's own bounds and the timeout apply.
func runFenced(cmd *exec.Cmd, _ limits) error { return cmd.Run() }

// openings lists everything: only Linux has the sandbox.
func openings() []string {
	return []string{"the files of this user, the network and this user's processes (only Linux has a sandbox)"}
}
