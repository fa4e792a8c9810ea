package media

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"unsafe"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// refusedCalls are the system calls that converting a file has no use for, and
// that reach beyond the child's own memory and files. Landlock, which knows
// files, covers none of them on all kernels.
func refusedCalls() []string {
	return []string{
		// The network, UDP and local sockets included. io_uring opens sockets
		// without asking this filter.
		"socket", "connect", "bind", "listen", "accept", "accept4", "sendto", "sendmsg", "sendmmsg",
		"io_uring_setup", "io_uring_enter", "io_uring_register",
		// Other processes: signals, their memory, their files, their limits.
		"kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_open", "pidfd_send_signal", "pidfd_getfd",
		"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "setpriority", "ioprio_set",
		"sched_setscheduler", "sched_setattr", "migrate_pages", "move_pages",
		// Keys and message queues of this user.
		"add_key", "request_key", "keyctl", "msgget", "semget", "shmget", "mq_open",
		// Namespaces and mounts, by which a fence is left.
		"unshare", "setns", "chroot", "pivot_root", "mount", "umount2", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount",
		"fspick", "mount_setattr", "name_to_handle_at", "open_by_handle_at",
		// What Landlock does not know: it looks at files as they are opened.
		"truncate", "chmod", "fchmodat", "chown", "lchown", "fchownat", "setxattr", "lsetxattr", "removexattr", "lremovexattr", "utimensat",
		// The kernel itself.
		"bpf", "perf_event_open", "userfaultfd", "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot",
		"swapon", "swapoff", "acct", "syslog", "quotactl", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "sethostname",
		"setdomainname", "iopl", "ioperm", "personality",
	}
}

// newNamespace are the flags of clone that make one.
const newNamespace = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC |
	unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

// policy is the filter for one architecture, which need not have every call.
func policy(known map[string]int) seccomp.Policy {
	have := func(name string) bool { _, ok := known[name]; return ok }
	refused := seccomp.SyscallGroup{
		Action: seccomp.ActionErrno,
		Names:  slices.DeleteFunc(refusedCalls(), func(name string) bool { return !have(name) }),
	}
	for flag := uint64(1); flag <= newNamespace; flag <<= 1 {
		if flag&newNamespace != 0 {
			refused.NamesWithCondtions = append(refused.NamesWithCondtions, seccomp.NameWithConditions{
				Name: "clone", Conditions: seccomp.ArgumentConditions{{Argument: 0, Operation: seccomp.BitsSet, Value: flag}},
			})
		}
	}
	// Limits of other processes; with 0 it is the caller's own.
	refused.NamesWithCondtions = append(refused.NamesWithCondtions, seccomp.NameWithConditions{
		Name: "prlimit64", Conditions: seccomp.ArgumentConditions{{Argument: 0, Operation: seccomp.NotEqual, Value: 0}},
	})
	p := seccomp.Policy{DefaultAction: seccomp.ActionAllow, Syscalls: []seccomp.SyscallGroup{refused}}
	if have("clone3") {
		// Its flags are in memory, where a filter cannot look. Whoever finds it
		// missing uses clone.
		p.Syscalls = append(p.Syscalls, seccomp.SyscallGroup{Action: missing, Names: []string{"clone3"}})
	}
	return p
}

// missing answers as a kernel that does not have the call.
const missing = seccomp.Action(uint32(unix.SECCOMP_RET_ERRNO) | uint32(unix.ENOSYS))

// filterProgram is the filter as the kernel takes it, made once.
var filterProgram = sync.OnceValues(func() ([]unix.SockFilter, error) {
	here, err := arch.GetInfo("")
	if err != nil {
		return nil, fmt.Errorf("filtering system calls: %w", err)
	}
	p := policy(here.SyscallNames)
	body, err := p.Assemble()
	if err != nil {
		return nil, fmt.Errorf("filtering system calls: %w", err)
	}
	// The library lets the calls of another architecture pass, such as the
	// 32-bit ones of a 64-bit machine.
	const archOffset = 4
	guard := []bpf.Instruction{
		bpf.LoadAbsolute{Off: archOffset, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(here.ID), SkipTrue: 1},
		bpf.RetConstant{Val: unix.SECCOMP_RET_KILL_PROCESS},
	}
	raw, err := bpf.Assemble(append(guard, body...))
	if err != nil {
		return nil, fmt.Errorf("filtering system calls: %w", err)
	}
	program := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		program[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return program, nil
})

// enterFilter refuses system calls to the calling thread and to what it
// starts, for good. The thread must have given up new privileges.
func enterFilter() error {
	program, err := filterProgram()
	if err != nil {
		return err
	}
	prog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&prog))); errno != 0 {
		return fmt.Errorf("filtering system calls: %w", errno)
	}
	return nil
}

// canFilter reports whether this system filters system calls, and the filter
// is known for its architecture.
func canFilter() bool {
	action := uint32(unix.SECCOMP_RET_ERRNO)
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&action)))
	if errno != 0 && !errors.Is(errno, unix.EINVAL) {
		return false
	}
	_, err := filterProgram()
	return err == nil
}
