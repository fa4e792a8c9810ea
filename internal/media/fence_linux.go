package media

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// fence lists the files that a child may use.
type fence struct {
	read  []string
	write []string
}

// ownGroup puts the child into a process group of its own, and has the kernel
// kill it when the thread that started it ends: no ffmpeg outlives a process
// that was killed with -9.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// runFenced runs cmd to its end under l. The limits are set from outside,
// right after the start: ffmpeg still loads its libraries then, and has read
// nothing of the file.
func runFenced(cmd *exec.Cmd, l limits) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	l.apply(cmd.Process.Pid)
	return cmd.Wait()
}

// apply sets the limits that the kernel holds. They come on top of ffmpeg's
// own bounds, so a kernel that refuses one is no reason to fail; a child that
// has ended already is the usual reason.
func (l limits) apply(pid int) {
	set := func(resource int, value uint64) {
		_ = unix.Prlimit(pid, resource, &unix.Rlimit{Cur: value, Max: value}, nil)
	}
	set(unix.RLIMIT_CORE, 0)
	set(unix.RLIMIT_NOFILE, 64)
	set(unix.RLIMIT_FSIZE, uint64(l.file))
	set(unix.RLIMIT_CPU, uint64(l.cpu.Seconds())+1)
	if l.memory > 0 {
		set(unix.RLIMIT_DATA, uint64(l.memory))
	}
}

func (c *Converter) fence(read, write string) *fence { return nil }
