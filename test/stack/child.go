package stack

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// ErrLate is returned for a child that had to be killed.
var ErrLate = errors.New("it did not end in time")

// Child is a program that a test or a tool runs in a process of its own, and
// may kill.
type Child struct {
	// Began is when it was started.
	Began time.Time

	cmd    *exec.Cmd
	stdin  io.WriteCloser
	output *output
	// exited is closed once it has ended; err then says how.
	exited chan struct{}
	err    error
}

// Run starts cmd. It calls line with each line of its standard output. Output
// keeps the lines for which line returns false, and standard error unless
// cmd.Stderr is set.
func Run(cmd *exec.Cmd, line func(string) bool) (*Child, error) {
	c := &Child{Began: time.Now(), cmd: cmd, output: &output{}, exited: make(chan struct{})}
	var stderr io.Reader = strings.NewReader("")
	stdout, err := cmd.StdoutPipe()
	if err == nil && cmd.Stderr == nil {
		stderr, err = cmd.StderrPipe()
	}
	if err == nil {
		c.stdin, err = cmd.StdinPipe()
	}
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	kept := make(chan error, 1)
	go c.keep(stderr, kept)
	go c.follow(stdout, line, kept)
	return c, nil
}

// keep reads standard error to its end. It is a goroutine with a name, for
// test/leaks.
func (c *Child) keep(stderr io.Reader, kept chan<- error) {
	_, err := io.Copy(c.output, stderr)
	kept <- err
}

// follow reads standard output to its end, and then waits for keep and the child.
func (c *Child) follow(stdout io.Reader, line func(string) bool, kept <-chan error) {
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if !line(lines.Text()) {
			fmt.Fprintln(c.output, lines.Text())
		}
	}
	c.err = errors.Join(lines.Err(), <-kept, c.cmd.Wait())
	close(c.exited)
}

// Exited is closed once the child has ended.
func (c *Child) Exited() <-chan struct{} { return c.exited }

// Err says how the child ended; it is valid once Exited is closed.
func (c *Child) Err() error { return c.err }

// PID is the id of the child's process.
func (c *Child) PID() int { return c.cmd.Process.Pid }

// Output is the last of what the child wrote, at most 512 KiB.
func (c *Child) Output() string { return c.output.String() }

// End sends the child a signal and returns how it ended. A child that still
// runs after the timeout is killed; the error is then ErrLate.
func (c *Child) End(signal syscall.Signal, timeout time.Duration) error {
	_ = c.cmd.Process.Signal(signal) // it may have ended already
	select {
	case <-c.exited:
		return c.err
	case <-time.After(timeout):
		c.Kill()
		return ErrLate
	}
}

// Kill ends the child as kill -9 does, and returns once it is gone.
func (c *Child) Kill() {
	_ = c.cmd.Process.Kill()
	<-c.exited
}

// Memory is a figure of proc(5) in bytes: "VmRSS" for what the process
// occupies now, "VmHWM" for the most that it ever did.
func (c *Child) Memory(field string) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.PID()))
	if err != nil {
		return 0, fmt.Errorf("reading the memory of process %d: %w", c.PID(), err)
	}
	_, rest, _ := strings.Cut(string(status), field+":")
	kib, err := strconv.ParseInt(strings.TrimSpace(rest[:max(0, strings.Index(rest, " kB"))]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("reading %s of process %d: %w", field, c.PID(), err)
	}
	return kib << 10, nil
}

// Status is the status with which url answers a GET; 0 without an answer
// within a second.
func Status(url string) int {
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

// Environ is this process's environment without settings of orak and of
// Temporal's tools, so that those of the person who runs the tests do not
// reach into them, and with further ones.
func Environ(further ...string) []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "ORAK_") && !strings.HasPrefix(kv, "TEMPORAL_") {
			env = append(env, kv)
		}
	}
	return append(env, further...)
}

// output keeps the last of what a child wrote.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const maxOutput = 256 << 10

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.buf.Len()+len(b) > 2*maxOutput {
		o.buf.Next(o.buf.Len() - maxOutput)
	}
	return o.buf.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
