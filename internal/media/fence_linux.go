package media

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ownGroup puts the child into a process group of its own, and makes the kernel
// kill it when the thread that started it ends, so that no ffmpeg outlives a
// process killed with -9. Go ends a thread only with a goroutine that is locked
// to it, and ours waits for the child.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// runFenced runs cmd to its end under l.
//
// The restrictions of Landlock and seccomp belong to a thread, are inherited by the
// children that it starts, and can never be removed. So a goroutine applies them to
// its own locked thread, starts the child there, waits, and ends without unlocking,
// which ends the thread, too. This needs no helper program between this process
// and ffmpeg.
func runFenced(cmd *exec.Cmd, l limits) error {
	started, done := make(chan error, 1), make(chan error, 1)
	go func() {
		if l.fenced {
			runtime.LockOSThread()
			if err := l.enterFence(cmd.Path); err != nil {
				// Not %w: a file that is missing here is not a missing program.
				started <- fmt.Errorf("entering the sandbox: %v", err)
				return
			}
		}
		err := cmd.Start()
		started <- err
		if err == nil {
			done <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	// From a thread outside the sandbox, which forbids this. ffmpeg still loads its
	// libraries and has read nothing of the file.
	l.apply(cmd.Process.Pid)
	return <-done
}

// maxProcesses is the number of processes and threads of this user above which a
// child cannot start another.
const maxProcesses = 4096

// niceness is the nice value of ffmpeg, -20 to 19: it yields the CPU to its parent.
const niceness = 19

// apply sets the limits that the kernel enforces. They come on top of ffmpeg's own
// bounds, so a limit that cannot be set is no error; usually the child has ended
// already.
func (l limits) apply(pid int) {
	set := func(resource int, value uint64) {
		_ = unix.Prlimit(pid, resource, &unix.Rlimit{Cur: value, Max: value}, nil)
	}
	// A conversion can wait; the API on the same cores cannot.
	_ = unix.Setpriority(unix.PRIO_PROCESS, pid, niceness)
	set(unix.RLIMIT_CORE, 0)
	set(unix.RLIMIT_NOFILE, 64)
	// It counts all processes of this user, in every container with the same user,
	// so it must be large; it does not apply to root.
	set(unix.RLIMIT_NPROC, maxProcesses)
	set(unix.RLIMIT_FSIZE, uint64(l.file))
	set(unix.RLIMIT_CPU, uint64(l.cpu.Seconds())+1)
	if l.memory > 0 {
		set(unix.RLIMIT_DATA, uint64(l.memory))
	}
}

// Access rights of a sandboxed child.
const (
	mayRead  = unix.LANDLOCK_ACCESS_FS_READ_FILE
	mayRun   = mayRead | unix.LANDLOCK_ACCESS_FS_EXECUTE
	mayWrite = mayRead | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE
	mayList  = mayRun | unix.LANDLOCK_ACCESS_FS_READ_DIR
)

// libraryFolders returns the folders that a program loads libraries from: the usual
// ones, the stores of Nix and Guix, and those beside a program that was installed
// under a prefix of its own (Homebrew, Conda).
func libraryFolders(program string) []string {
	folders := []string{"/usr", "/lib", "/lib32", "/lib64", "/bin", "/nix/store", "/gnu/store"}
	folders = append(folders, filepath.SplitList(os.Getenv("LD_LIBRARY_PATH"))...)
	if bin := filepath.Dir(program); filepath.Base(bin) == "bin" {
		for _, beside := range []string{"lib", "lib64", "Cellar", "opt"} {
			folders = append(folders, filepath.Join(filepath.Dir(bin), beside))
		}
	}
	return folders
}

// systemFiles returns what the start of a program reads besides libraries.
func systemFiles() []string {
	return []string{"/etc/ld.so.cache", "/etc/ld.so.preload", "/dev/urandom", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu/online"}
}

// enterFence restricts the calling thread for good, as far as the kernel supports
// it: only listed files can be opened, no socket can be made, no other process can
// be reached. openings lists what stays reachable.
func (l limits) enterFence(program string) error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("giving up privileges: %w", err)
	}
	if landlockVersion() > 0 {
		if err := l.enterLandlock(program); err != nil {
			return err
		}
	}
	if canFilter() {
		return enterFilter()
	}
	return nil
}

// openings lists what a sandboxed child can still reach on this system.
func openings() []string { return openingsOf(landlockVersion(), canFilter()) }

// openingsOf is openings for a version of Landlock, 0 for none, with or without a
// filter of system calls.
func openingsOf(landlock int, filter bool) []string {
	var open []string
	if landlock < 1 {
		open = append(open, "the files of this user (no Landlock: Linux 5.13 has it)")
	}
	if !filter {
		open = append(open, "the network, signals to and memory of this user's processes (no seccomp filter)")
	}
	return open
}

func (l limits) enterLandlock(program string) error {
	handled, attr := accessOf(landlockVersion())
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if errno != 0 {
		return fmt.Errorf("creating rules: %w", errno)
	}
	ruleset := int(fd)
	defer unix.Close(ruleset)

	type rule struct {
		paths  []string
		access uint64
		must   bool
	}
	programs := []string{program}
	if real, err := filepath.EvalSymlinks(program); err == nil {
		programs = append(programs, real)
	}
	for _, r := range []rule{
		{programs, mayRun, true},
		{libraryFolders(program), mayList, false},
		{systemFiles(), mayRead, false},
		{[]string{os.DevNull}, mayWrite, false},
		{l.read, mayRead, true},
		{l.write, mayWrite, true},
	} {
		for _, path := range r.paths {
			err := allow(ruleset, path, r.access&handled)
			if err != nil && (r.must || !errors.Is(err, os.ErrNotExist)) {
				return fmt.Errorf("allowing %s: %w", path, err)
			}
		}
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(ruleset), 0, 0); errno != 0 {
		return fmt.Errorf("entering: %w", errno)
	}
	return nil
}

// allow adds a file, or a folder with everything below it.
func allow(ruleset int, path string, access uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	rule := unix.LandlockPathBeneathAttr{Allowed_access: access, Parent_fd: int32(fd)}
	if _, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset), unix.LANDLOCK_RULE_PATH_BENEATH,
		uintptr(unsafe.Pointer(&rule)), 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// accessOf returns the known rights that a version of Landlock can forbid.
func accessOf(version int) (files uint64, attr unix.LandlockRulesetAttr) {
	files = unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1
	if version >= 2 {
		files |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if version >= 3 {
		files |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if version >= 4 {
		attr.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	if version >= 5 {
		files |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	if version >= 6 {
		attr.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
	}
	attr.Handled_access_fs = files
	return files, attr
}

// landlockVersion returns the kernel's version of Landlock; 0 for none.
func landlockVersion() int {
	v, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(v)
}
