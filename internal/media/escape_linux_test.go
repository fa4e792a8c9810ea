package media

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"testing"
	"unsafe"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// escapeArgument makes the test binary a child that tries to reach what a converter
// does not need; its value is the process to attack.
const escapeArgument = "try-to-escape"

// attempts returns what such a child tries. Each is harmless where it succeeds.
func attempts(victim int) map[string]func() error {
	call := func(number uintptr, args ...uintptr) func() error {
		var a [6]uintptr
		copy(a[:], args)
		return func() error {
			if _, _, errno := unix.Syscall6(number, a[0], a[1], a[2], a[3], a[4], a[5]); errno != 0 {
				return errno
			}
			return nil
		}
	}
	socket := func(family, kind int) func() error {
		return func() error {
			fd, err := unix.Socket(family, kind, 0)
			if err == nil {
				err = unix.Close(fd)
			}
			return err
		}
	}
	var ring [120]byte // struct io_uring_params
	var local, remote unix.Iovec
	pid := uintptr(victim)
	return map[string]func() error{
		"UDP":                   socket(unix.AF_INET, unix.SOCK_DGRAM),
		"TCP":                   socket(unix.AF_INET, unix.SOCK_STREAM),
		"IPv6":                  socket(unix.AF_INET6, unix.SOCK_DGRAM),
		"local socket":          socket(unix.AF_UNIX, unix.SOCK_STREAM),
		"netlink":               socket(unix.AF_NETLINK, unix.SOCK_RAW),
		"io_uring":              call(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&ring))),
		"signal":                func() error { return unix.Kill(victim, 0) },
		"signal to the group":   func() error { return unix.Kill(-victim, 0) },
		"signal to a thread":    func() error { return unix.Tgkill(victim, victim, 0) },
		"handle of a process":   call(unix.SYS_PIDFD_OPEN, pid, 0),
		"memory of a process":   call(unix.SYS_PROCESS_VM_READV, pid, uintptr(unsafe.Pointer(&local)), 0, uintptr(unsafe.Pointer(&remote)), 0, 0),
		"limits of a process":   func() error { return unix.Prlimit(victim, unix.RLIMIT_CORE, nil, new(unix.Rlimit)) },
		"priority of a process": func() error { return unix.Setpriority(unix.PRIO_PROCESS, victim, 19) },
		"keys":                  call(unix.SYS_KEYCTL, 0, ^uintptr(2), 0), // the session keyring
		"shared memory":         call(unix.SYS_SHMGET, 0, 4096, 0o600|unix.IPC_CREAT),
		"a namespace":           func() error { return unix.Unshare(unix.CLONE_NEWUSER) },
		// An invalid combination of flags: without the filter it is EINVAL.
		"a namespace for a child": call(unix.SYS_CLONE, unix.CLONE_NEWUSER|unix.CLONE_FS),
	}
}

// tryToEscape prints the result of each attempt.
func tryToEscape(victim string) int {
	pid, err := strconv.Atoi(victim)
	if err != nil {
		return 1
	}
	results := map[string]string{}
	for name, try := range attempts(pid) {
		results[name] = "succeeded"
		if err := try(); err != nil {
			results[name] = fmt.Sprint(unix.ErrnoName(errnoOf(err)))
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(results); err != nil {
		return 1
	}
	return 0
}

func errnoOf(err error) (errno unix.Errno) {
	errors.As(err, &errno)
	return errno
}

func escape(t *testing.T, fenced bool) map[string]string {
	t.Helper()
	c := newConverter(t, testConfig())
	l := c.limits(1 << 20)
	l.fenced = fenced
	var out bytes.Buffer
	said := new(stderrLog)
	require.NoError(t, run(t.Context(), os.Args[0], []string{escapeArgument, strconv.Itoa(os.Getpid())}, &out, said, l), said.tail())
	var results map[string]string
	require.NoError(t, json.Unmarshal(out.Bytes(), &results))
	return results
}

func TestFencedChildReachesNeitherNetworkNorProcesses(t *testing.T) {
	t.Parallel()
	require.True(t, canFilter(), "this system has no seccomp filter, which every supported one has")
	for name, result := range escape(t, true) {
		require.Contains(t, []string{"EPERM", "EACCES"}, result, name)
	}
}

// So the test above sees the effect of the fence.
func TestAttemptsSucceedWithoutTheFence(t *testing.T) {
	t.Parallel()
	results := escape(t, false)
	for _, name := range []string{"UDP", "TCP", "local socket", "netlink", "signal", "signal to a thread", "handle of a process", "memory of a process", "limits of a process"} {
		require.Equal(t, "succeeded", results[name], name)
	}
}

// A kernel may have only one half of the fence.
func TestOpeningsListWhatStaysReachable(t *testing.T) {
	t.Parallel()
	require.Empty(t, openingsOf(1, true))
	require.Empty(t, openingsOf(7, true))
	for _, missing := range []struct {
		landlock int
		filter   bool
		want     []string
	}{{0, true, []string{"files"}}, {7, false, []string{"network"}}, {0, false, []string{"files", "network"}}} {
		open := openingsOf(missing.landlock, missing.filter)
		require.Len(t, open, len(missing.want))
		for i, word := range missing.want {
			require.Contains(t, open[i], word)
		}
	}
}

func TestFilterAssemblesForEveryArchitecture(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"amd64", "arm64", "386", "arm"} {
		info, err := arch.GetInfo(name)
		require.NoError(t, err)
		p := policy(info.SyscallNames)
		require.Greater(t, len(p.Syscalls[0].Names), 50, name)
		require.Contains(t, p.Syscalls[0].Names, "ptrace", name)
	}
	program, err := filterProgram()
	require.NoError(t, err)
	require.Less(t, len(program), unix.BPF_MAXINSNS)
}

func TestStrictFenceIsRefusedWhereItIsOff(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.FenceStrict = true
	_, err := New(cfg, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	cfg.Fence = false
	_, err = New(cfg, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "fence-strict")
}
