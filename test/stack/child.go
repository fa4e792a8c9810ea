package stack

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"
)

// readyTimeout bounds a start, the building excepted. It is generous: the
// machine may be busy.
const readyTimeout = 90 * time.Second

// readiness is the line that orak-standalone prints once it is up.
type readiness struct {
	Ready         bool   `json:"ready"`
	API           string `json:"api"`
	Admin         string `json:"admin"`
	Temporal      string `json:"temporal"`
	TemporalUI    string `json:"temporal_ui"`
	Kafka         string `json:"kafka"`
	S3            string `json:"s3"`
	S3Credentials string `json:"s3_credentials"`
	DataDir       string `json:"data_dir"`
	Log           string `json:"log"`
	OrakLog       string `json:"orak_log"`
}

// child is one running orak-standalone.
type child struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	output *output
	// exited is closed once it has ended; err then says how.
	exited chan struct{}
	err    error
}

// spawn starts the program and returns once it is ready.
func spawn(env []string, args ...string) (*child, readiness, error) {
	p, err := build()
	if err != nil {
		return nil, readiness{}, err
	}
	c := &child{cmd: exec.Command(p.path, args...), output: &output{}, exited: make(chan struct{})}
	c.cmd.Env = append(environ(), env...)
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		p.release()
		return nil, readiness{}, fmt.Errorf("connecting to orak-standalone: %w", err)
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		p.release()
		return nil, readiness{}, fmt.Errorf("connecting to orak-standalone: %w", err)
	}
	stderr, err := c.cmd.StderrPipe()
	if err != nil {
		p.release()
		return nil, readiness{}, fmt.Errorf("connecting to orak-standalone: %w", err)
	}
	err = c.cmd.Start()
	p.release()
	if err != nil {
		return nil, readiness{}, fmt.Errorf("starting orak-standalone: %w", err)
	}
	ready := make(chan readiness, 1)
	kept := make(chan error, 1)
	go c.keep(stderr, kept)
	go c.follow(stdout, kept, ready)
	select {
	case r := <-ready:
		return c, r, nil
	case <-c.exited:
		return nil, readiness{}, fmt.Errorf("orak-standalone ended before it was ready: %w\n%s", c.err, c.output)
	case <-time.After(readyTimeout):
		c.kill()
		return nil, readiness{}, fmt.Errorf("orak-standalone was not ready within %s\n%s", readyTimeout, c.output)
	}
}

// keep reads standard error to its end. It is a goroutine with a name, for
// test/leaks.
func (c *child) keep(stderr io.Reader, kept chan<- error) {
	_, err := io.Copy(c.output, stderr)
	kept <- err
}

// follow reads standard output to its end, and then waits for keep and the child.
func (c *child) follow(stdout io.Reader, kept <-chan error, ready chan<- readiness) {
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r readiness
		if json.Unmarshal(lines.Bytes(), &r) == nil && r.Ready {
			ready <- r
			continue
		}
		fmt.Fprintln(c.output, lines.Text())
	}
	c.err = errors.Join(lines.Err(), <-kept, c.cmd.Wait())
	close(c.exited)
}

// kill ends the child as kill -9 does, and returns once it is gone.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	<-c.exited
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
