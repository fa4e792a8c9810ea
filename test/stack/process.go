package stack

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stopTimeout bounds a graceful end; past it the child is killed and the
// test fails.
const stopTimeout = 60 * time.Second

// Options are of one process of its own.
type Options struct {
	// Env are further settings, as "ORAK_GPU_SLOTS=1". The environment of
	// the test process reaches the child without its own ORAK_ variables.
	Env []string
	// Args are further flags; --kafka-brokers=… has up use another Kafka.
	Args []string
	// DataDir is the data folder; empty means a fresh one that is removed
	// at the end of the test.
	DataDir string
}

// Process is an orak-standalone of the test's own, which it may kill. Its
// addresses and its data folder stay the same over a restart.
type Process struct {
	// Servers are where its servers are.
	Servers
	// API is the URL of the service, without a slash at its end; empty for
	// StartServers.
	API string
	// Logs are the files with what its servers and the service have to say.
	Logs []string

	t     testing.TB
	mode  string
	opts  Options
	ports []string
	child *child
}

// StartUp runs the whole service, as orak-standalone up does. It ends with t;
// what it wrote is shown where t has failed.
func StartUp(t testing.TB, opts Options) *Process {
	t.Helper()
	return startProcess(t, "up", opts)
}

// StartServers runs the servers alone, as Start does, for a test that is to
// kill them.
func StartServers(t testing.TB, opts Options) *Process {
	t.Helper()
	return startProcess(t, "servers", opts)
}

func startProcess(t testing.TB, mode string, opts Options) *Process {
	t.Helper()
	if opts.DataDir == "" {
		opts.DataDir = t.TempDir()
	}
	p := &Process{t: t, mode: mode, opts: opts}
	p.ports = []string{"--temporal-port=0", "--temporal-ui-port=0", "--s3-port=0"}
	if !p.otherKafka() {
		p.ports = append(p.ports, "--kafka-port=0")
	}
	if mode == "up" {
		p.ports = append(p.ports, "--api-port=0", "--admin-port=0")
	}
	t.Cleanup(p.end)
	p.start()
	return p
}

// start runs the child. Only the first start chooses ports.
func (p *Process) start() {
	p.t.Helper()
	args := append([]string{p.mode, "--json", "--exit-with-stdin", "--data-dir=" + p.opts.DataDir}, p.ports...)
	c, ready, err := spawn(p.opts.Env, append(args, p.opts.Args...)...)
	if err != nil {
		p.t.Fatalf("running orak-standalone %s: %v", p.mode, err)
	}
	p.child = c
	servers, err := ready.servers()
	if err != nil {
		p.t.Fatalf("running orak-standalone %s: %v", p.mode, err)
	}
	p.Servers, p.API, p.Logs = *servers, ready.API, []string{ready.Log}
	if ready.OrakLog != "" {
		p.Logs = append(p.Logs, ready.OrakLog)
	}
	p.ports = []string{
		"--temporal-port=" + port(ready.Temporal), "--temporal-ui-port=" + port(ready.TemporalUI),
		"--s3-port=" + port(ready.S3),
	}
	if !p.otherKafka() {
		p.ports = append(p.ports, "--kafka-port="+port(ready.Kafka))
	}
	if p.API != "" {
		p.ports = append(p.ports, "--api-port="+port(p.API), "--admin-port="+port(ready.Admin))
	}
}

// otherKafka says that the process is told to use a broker that is not its
// own.
func (p *Process) otherKafka() bool {
	return slices.ContainsFunc(p.opts.Args, func(arg string) bool { return strings.HasPrefix(arg, "--kafka-brokers=") })
}

// Kill ends the process as kill -9 does. It returns once it is gone.
func (p *Process) Kill() { p.child.kill() }

// Restart starts it again after Kill or Stop, on the same data folder and
// ports, and returns once it is ready.
func (p *Process) Restart() {
	p.t.Helper()
	select {
	case <-p.child.exited:
	default:
		p.t.Fatal("restarting a process that still runs")
	}
	p.show()
	p.start()
}

// Stop asks the process to end, as ctrl-C does, and fails the test where it
// does not end well.
func (p *Process) Stop() {
	p.t.Helper()
	if err := p.stop(syscall.SIGINT); err != nil {
		p.t.Errorf("stopping orak-standalone %s: %v", p.mode, err)
	}
}

// PID is the process's id, for a test that measures it.
func (p *Process) PID() int { return p.child.cmd.Process.Pid }

// Output is what the process has written so far, its readiness excepted.
func (p *Process) Output() string { return p.child.output.String() }

func (p *Process) stop(signal syscall.Signal) error {
	if err := p.child.cmd.Process.Signal(signal); err != nil {
		return fmt.Errorf("signaling: %w", err)
	}
	select {
	case <-p.child.exited:
		return p.child.err
	case <-time.After(stopTimeout):
		p.child.kill()
		return errors.New("it did not end in time")
	}
}

// end is the last of a test's cleanups. What ends here may end with work in
// hand, so that it ends well is for Stop to check.
func (p *Process) end() {
	if p.child == nil {
		return
	}
	p.child.kill()
	p.show()
}

// show prints what the child wrote, where the test has failed.
func (p *Process) show() {
	if !p.t.Failed() {
		return
	}
	p.t.Logf("orak-standalone %s (process %d) wrote:\n%s", p.mode, p.PID(), p.Output())
	for _, log := range p.Logs {
		last, err := exec.Command("tail", "-n", "50", log).CombinedOutput()
		if err != nil {
			p.t.Logf("reading %s: %v", log, err)
			continue
		}
		p.t.Logf("the last of %s:\n%s", log, last)
	}
}

// port is the port of a host:port or a URL.
func port(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Port()
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return ""
	}
	return port
}
