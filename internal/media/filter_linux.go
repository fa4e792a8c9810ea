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

// refusedCalls returns the system calls that a conversion does not need and that
// reach beyond the child's own memory and files. Landlock does not cover them on
// all kernels.
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
		// Namespaces and mounts, which lead out of a sandbox.
		"unshare", "setns", "chroot", "pivot_root", "mount", "umount2", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount",
		"fspick", "mount_setattr", "name_to_handle_at", "open_by_handle_at",
		// Not covered by Landlock, which checks files when they are opened.
		"truncate", "chmod", "fchmodat", "chown", "lchown", "fchownat", "setxattr", "lsetxattr", "removexattr", "lremovexattr", "utimensat",
		// The kernel itself.
		"bpf", "perf_event_open", "userfaultfd", "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot",
		"swapon", "swapoff", "acct", "syslog", "quotactl", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "sethostname",
		"setdomainname", "iopl", "ioperm", "personality",
	}
}

// newNamespace has the flags of clone that make a namespace.
const newNamespace = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC |
	unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

// policy returns the filter for one architecture, which may lack some calls.
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
	// Limits of other processes; process 0 is the caller itself.
	refused.NamesWithCondtions = append(refused.NamesWithCondtions, seccomp.NameWithConditions{
		Name: "prlimit64", Conditions: seccomp.ArgumentConditions{{Argument: 0, Operation: seccomp.NotEqual, Value: 0}},
	})
	p := seccomp.Policy{DefaultAction: seccomp.ActionAllow, Syscalls: []seccomp.SyscallGroup{refused}}
	if have("clone3") {
		// Its flags are in memory, which a filter cannot read. Programs that find it
		// missing use clone.
		p.Syscalls = append(p.Syscalls, seccomp.SyscallGroup{Action: missing, Names: []string{"clone3"}})
	}
	return p
}

// missing is the answer of a kernel without the call.
const missing = seccomp.Action(uint32(unix.SECCOMP_RET_ERRNO) | uint32(unix.ENOSYS))

// filterProgram returns the filter in the kernel's form.
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
	// The library lets calls of another architecture pass, such as the 32-bit calls
	// of a 64-bit machine.
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

// enterFilter filters the system calls of the calling thread and its children for
// good. The thread must have set no_new_privs.
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

// canFilter reports whether this kernel filters system calls and the filter exists
// for its architecture.
func canFilter() bool {
	action := uint32(unix.SECCOMP_RET_ERRNO)
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&action)))
	if errno != 0 && !errors.Is(errno, unix.EINVAL) {
		return false
	}
	_, err := filterProgram()
	return err == nil
}
