package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// limits bound a child process as far as the system supports it: see
// fence_linux.go and fence_other.go.
type limits struct {
	cpu    time.Duration
	memory int64 // bytes; 0 is no limit
	file   int64 // bytes that one file may grow to
	// fenced runs the child in the sandbox: it sees only the system's programs
	// and libraries and the files below.
	fenced bool
	read   []string // files that it may read
	write  []string // files that it may write; they must exist
}

// childError is the failure of a child, with the end of its standard error.
type childError struct {
	program string
	err     error // of exec
	tail    string
}

func (e *childError) Error() string {
	if e.tail == "" {
		return fmt.Sprintf("running %s: %v", e.program, e.err)
	}
	return fmt.Sprintf("running %s: %v: %s", e.program, e.err, e.tail)
}

func (e *childError) Unwrap() error { return e.err }

// says reports whether the end of the child's standard error has one of phrases.
func (e *childError) says(phrases ...string) bool {
	for _, p := range phrases {
		if strings.Contains(e.tail, p) {
			return true
		}
	}
	return false
}

// signaled reports whether a signal ended the child.
func (e *childError) signaled() bool {
	status, ok := e.status()
	return ok && status.Signaled()
}

// exitCode returns the child's exit status; -1 if a signal ended it.
func (e *childError) exitCode() int {
	if status, ok := e.status(); ok && status.Exited() {
		return status.ExitStatus()
	}
	return -1
}

func (e *childError) status() (syscall.WaitStatus, bool) {
	var exit *exec.ExitError
	if !errors.As(e.err, &exit) {
		return 0, false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return status, ok
}

// stopOnError ends the child when its output cannot be written. Closing the pipe
// is not enough: a child may ignore that.
type stopOnError struct {
	io.Writer
	stop context.CancelCauseFunc
}

func (s stopOnError) Write(p []byte) (int, error) {
	n, err := s.Writer.Write(p)
	if err != nil {
		s.stop(err)
	}
	return n, err
}

// run runs a program to its end in its own process group, with its standard
// output to out and its standard error to said. When ctx ends or out fails, it
// kills the whole group, and the error is the cause of that.
func run(ctx context.Context, program string, args []string, out io.Writer, said *stderrLog, l limits) error {
	path, err := findProgram(program)
	if err != nil {
		return &childError{program: program, err: err}
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdout, cmd.Stderr = stopOnError{out, stop}, said
	cmd.Env = childEnvironment()
	// Not this process's folder, whose files a relative name could reach.
	cmd.Dir = "/"
	cmd.SysProcAttr = ownGroup()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	// A grandchild that outlives the group's leader may hold the pipes open.
	cmd.WaitDelay = 5 * time.Second
	err = runFenced(cmd, l)
	if state := cmd.ProcessState; state != nil {
		said.spent = state.UserTime() + state.SystemTime()
	}
	if ctx.Err() != nil {
		return fmt.Errorf("running %s: %w", program, context.Cause(ctx))
	}
	if err != nil {
		return &childError{program: program, err: err, tail: said.tail()}
	}
	return nil
}

// findProgram returns the absolute path of a program that Config names.
func findProgram(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

// childEnvironment returns only what a program needs to load: ffmpeg takes
// settings and the names of report files from its environment, and that of this
// process has secrets.
func childEnvironment() []string {
	env := []string{"LC_ALL=C", "AV_LOG_FORCE_NOCOLOR=1"}
	for _, name := range []string{"PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}
